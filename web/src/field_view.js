// The score as a field: the network's, the exact one, and their difference, on one colour scale.

import { contours, geoPath, interpolateViridis, select } from "d3";
import { ask, latestOnly } from "./lab.js";
import { centres, densities } from "./lattice.js";

const CELLS = 25, SIZE = 500;

export class FieldView {
  constructor(scene, element) {
    Object.assign(this, { scene, element });
    this.stepChanged = latestOnly(() => this.drawFields());
  }

  draw() {
    const { scene } = this;
    if (scene.t === 0) scene.t = Math.ceil(scene.T / 4); // where there is something to see
    scene.result("");
    this.stepChanged();
  }

  leave() {}

  async drawFields() {
    const { scene } = this;
    try {
      const fields = await this.fields(), longest = fields.map(([, field]) => Math.max(...lengths(field)));
      if (scene.view !== this) return;
      this.show(fields, longest[scene.model ? 1 : 0]);
      scene.result(scene.model ? `The difference is at most ${(longest[2] / longest[1]).toFixed(2)} of the longest exact score. White lines: where images are.` : "");
      scene.say("");
    } catch (error) {
      scene.say(`The score cannot be drawn: ${error.message}.`);
    }
  }

  /** Names and fields, in pixel space: of the network, the exact one, and their difference; or the exact one alone. */
  async fields() {
    const { scene } = this, t = Math.max(1, scene.t), b = Math.sqrt(1 - scene.schedule.alphas_cumprod[t]);
    const x = scene.toModel(centres(...scene.plane.corners(), CELLS)), name = scene.isGuided ? "guided score" : "score";
    const score = async (exactly) => {
      const { eps } = await ask("noisePrediction", { ...scene.request(x, exactly), t }, (part) => scene.loading(part));
      return eps.map((e) => (-e / b) * scene.space.scale);
    };
    const exact = await score(true);
    if (!scene.model) return [[`the exact ${name}`, exact]];
    const learned = await score(false), difference = learned.map((v, i) => v - exact[i]);
    return [[`the network's ${name}`, learned], [`the exact ${name}`, exact], ["their difference", difference]];
  }

  /** Draw them on one scale, which ends at `most`. */
  show(fields, most) {
    const t = Math.max(1, this.scene.t), [low, high] = this.scene.plane.corners();
    const lines = outlines(this.scene.pixelDensity(t), low, high), range = (i) => `${low[i].toFixed(1)} to ${high[i].toFixed(1)}`;
    const figures = select(this.element).selectAll("figure").data(fields).join((enter) => {
      const figure = enter.insert("figure", "p");
      figure.append("canvas").attr("width", SIZE).attr("height", SIZE).attr("role", "img");
      figure.append("figcaption");
      return figure;
    });
    figures.select("figcaption").text(([name]) => name);
    figures.select("canvas").each(function ([, field]) { drawField(this, field, most, lines); })
      .attr("aria-label", ([name, field]) => `${name} at t = ${t}: at most ${Math.max(...lengths(field)).toFixed(1)} long`);
    select(this.element).selectAll("p").data([0]).join("p").attr("class", "scale-row").html(
      `<span>0</span> <canvas class="scale" width="200" height="10" role="img" aria-label="colour scale"></canvas> <span>${most.toPrecision(3)}</span> <span>length of the score, per unit of intensity; across: the first pixel, ${range(0)}; up: the second, ${range(1)}</span>`);
    const context = this.element.querySelector(".scale").getContext("2d");
    for (let i = 0; i < 200; i++) { context.fillStyle = interpolateViridis(i / 199); context.fillRect(i, 0, 1, 10); }
  }
}

/** Where images are, as lines at a tenth and at half of the highest density. */
function outlines(density, low, high) {
  const n = 60, values = densities(density, low, high, n), most = Math.max(...values);
  const onCanvas = (polygon) => polygon.map((ring) => ring.map(([x, y]) => [(x / n) * SIZE, (y / n) * SIZE]));
  return contours().size([n, n]).thresholds([0.1 * most, 0.5 * most])(values)
    .map((shape) => ({ ...shape, coordinates: shape.coordinates.map(onCanvas) }));
}

const lengths = (field) => Array.from({ length: field.length / 2 }, (_, i) => Math.hypot(field[2 * i], field[2 * i + 1]));

/** Colour for the length, arrows for the direction. */
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
