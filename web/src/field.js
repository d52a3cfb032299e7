// The score as a field: the network's, the exact one, and their difference, on one colour scale.

import { contours, geoPath, interpolateViridis, select } from "d3";

const CELLS = 25, SIZE = 500;

/** Points of the plane at the centres of the cells, flat, row by row from the top. */
function grid(low, high) {
  const points = new Float64Array(2 * CELLS * CELLS);
  for (let j = 0; j < CELLS; j++) {
    for (let i = 0; i < CELLS; i++) {
      points[2 * (j * CELLS + i)] = low[0] + ((i + 0.5) / CELLS) * (high[0] - low[0]);
      points[2 * (j * CELLS + i) + 1] = high[1] - ((j + 0.5) / CELLS) * (high[1] - low[1]);
    }
  }
  return points;
}

/**
 * Draw the fields into an element; ask(x, exactly) gives { eps } in model space, b = √(1-ᾱ_t), density is q(x_t).
 * The length of the longest difference, as a share of that of the longest exact score.
 */
export async function showFields(element, { low, high, space, b, step, name, density, ask, network }) {
  const points = grid(low, high), x = points.map((v, i) => space.scale * v + space.shift[i % 2]);
  const score = async (exactly) => (await ask(x, exactly)).eps.map((e) => (-e / b) * space.scale);
  const exact = await score(true), fields = [[`the exact ${name}`, exact]];
  if (network) {
    const learned = await score(false);
    fields.unshift([`the network's ${name}`, learned]);
    fields.push(["their difference", learned.map((v, i) => v - exact[i])]);
  }
  const most = Math.max(...lengths(exact)), lines = outlines(density, low, high);
  const figures = select(element).selectAll("figure").data(fields).join((enter) => {
    const figure = enter.append("figure");
    figure.append("canvas").attr("width", SIZE).attr("height", SIZE).attr("role", "img");
    figure.append("figcaption");
    return figure;
  });
  figures.select("figcaption").text(([name]) => name);
  figures.select("canvas").attr("aria-label", ([name, field]) => `${name} at t = ${step}: at most ${Math.max(...lengths(field)).toFixed(1)} long`)
    .each(function ([, field]) { drawField(this, field, most, lines); });
  select(element).selectAll("p").data([0]).join("p").attr("class", "scale-row").html(
    `<span>0</span> <canvas class="scale" width="200" height="10" role="img" aria-label="colour scale"></canvas> <span>${most.toPrecision(3)}</span> <span>length of the score, per unit of intensity</span>`);
  const context = element.querySelector(".scale").getContext("2d");
  for (let i = 0; i < 200; i++) { context.fillStyle = interpolateViridis(i / 199); context.fillRect(i, 0, 1, 10); }
  element.append(element.querySelector("p"));
  return Math.max(...lengths(fields.at(-1)[1])) / most;
}

/** Where images are, as lines at a tenth and at half of the highest density. */
function outlines(density, low, high) {
  const n = 60, at = (i, from, to) => from + ((i + 0.5) / n) * (to - from);
  const values = Float64Array.from({ length: n * n }, (_, k) => density.density(at(k % n, low[0], high[0]), at(Math.floor(k / n), high[1], low[1])));
  const most = Math.max(...values), scale = (c) => c.map((polygon) => polygon.map((ring) => ring.map(([x, y]) => [(x / n) * SIZE, (y / n) * SIZE])));
  return contours().size([n, n]).thresholds([0.1 * most, 0.5 * most])(values).map((shape) => ({ ...shape, coordinates: scale(shape.coordinates) }));
}

const lengths = (field) => Array.from({ length: field.length / 2 }, (_, i) => Math.hypot(field[2 * i], field[2 * i + 1]));

function drawField(canvas, field, most, lines) {
  const context = canvas.getContext("2d"), cell = SIZE / CELLS;
  lengths(field).forEach((length, k) => {
    const i = k % CELLS, j = Math.floor(k / CELLS), share = Math.min(1, length / most);
    context.fillStyle = interpolateViridis(share);
    context.fillRect(i * cell, j * cell, cell + 1, cell + 1);
    if ((i + j) % 2 || length < 0.005 * most) return;
    const reach = cell * (0.35 + 0.5 * Math.sqrt(share)), dx = (field[2 * k] / length) * reach, dy = (-field[2 * k + 1] / length) * reach;
    const cx = (i + 0.5) * cell, cy = (j + 0.5) * cell;
    context.strokeStyle = share > 0.6 ? "#000" : "#fff";
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(cx - dx / 2, cy - dy / 2);
    context.lineTo(cx + dx / 2, cy + dy / 2);
    context.lineTo(cx + dx / 2 - 0.35 * dx + 0.25 * dy, cy + dy / 2 - 0.35 * dy - 0.25 * dx);
    context.stroke();
  });
  context.strokeStyle = "#fff";
  context.lineWidth = 2.5;
  context.beginPath();
  lines.forEach(geoPath(null, context));
  context.stroke();
}
