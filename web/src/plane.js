// The plane of two-pixel images: axes, the exact density, paths, points that can be dragged, and a layer for many dots.

import { axisBottom, axisLeft, contours, drag, pairs, pointer, scaleLinear, select } from "d3";
import { densities } from "./lattice.js";

const SIZE = 600, MARGIN = 44, CELLS = 90, SQUARE = 28;
const LEVELS = [0.02, 0.1, 0.25, 0.45, 0.7, 0.9]; // of the highest density

export class Plane {
  constructor(element, name) {
    const root = select(element);
    this.canvas = root.append("canvas").attr("width", 2 * SIZE).attr("height", 2 * SIZE).attr("aria-hidden", "true").node();
    this.svg = root.append("svg").attr("viewBox", `0 0 ${SIZE} ${SIZE}`).attr("role", "group").attr("aria-label", name);
    this.layers = Object.fromEntries(["density", "axes", "paths", "images", "handles"].map((name) => [name, this.svg.append("g").attr("class", name)]));
    const window = this.svg.append("clipPath").attr("id", "window").append("rect");
    window.attr("x", MARGIN).attr("y", 8).attr("width", SIZE - MARGIN - 8).attr("height", SIZE - MARGIN - 8);
    for (const name of ["density", "paths"]) this.layers[name].attr("clip-path", "url(#window)");
    this.x = scaleLinear().range([MARGIN, SIZE - 8]);
    this.y = scaleLinear().range([SIZE - MARGIN, 8]);
    const centre = (SIZE + MARGIN - 8) / 2;
    this.svg.append("text").attr("x", centre).attr("y", SIZE - 8).attr("text-anchor", "middle").text("left pixel");
    this.svg.append("text").attr("transform", `translate(12 ${SIZE - centre}) rotate(-90)`).attr("text-anchor", "middle").text("right pixel");
  }

  /** Show the square around a centre that reaches `half` to each side. */
  window([cx, cy], half) {
    this.x.domain([cx - half, cx + half]);
    this.y.domain([cy - half, cy + half]);
    this.layers.axes.selectAll("*").remove();
    const axis = (make, dx, dy) => this.layers.axes.append("g").attr("class", "axis").attr("transform", `translate(${dx} ${dy})`).call(make.ticks(5));
    axis(axisBottom(this.x), 0, SIZE - MARGIN);
    axis(axisLeft(this.y), MARGIN, 0);
  }

  /** The lower left and the upper right corner of the window. */
  corners() {
    const [[left, right], [bottom, top]] = [this.x.domain(), this.y.domain()];
    return [[left, bottom], [right, top]];
  }

  /** The exact density of a mixture, in six steps. */
  density(mixture) {
    const values = densities(mixture, ...this.corners(), CELLS), most = Math.max(...values);
    const levels = contours().size([CELLS, CELLS]).thresholds(LEVELS.map((l) => l * most))(values);
    const width = this.x.range()[1] - MARGIN, toPath = ({ coordinates }) =>
      coordinates.map((rings) => rings.map((ring) => `M${ring.map(([u, v]) => `${(MARGIN + (u / CELLS) * width).toFixed(1)},${(8 + (v / CELLS) * width).toFixed(1)}`).join("L")}Z`).join("")).join("");
    this.layers.density.selectAll("path").data(levels).join("path").attr("d", toPath);
  }

  /** A path through points [[x, y], …], from faint to strong, with a dot for each; `now` is the index of the one to stress. */
  path(name, points, now) {
    const group = this.layers.paths.selectAll(`g.${name}`).data(points ? [points] : []).join("g").attr("class", name);
    const strength = (_, i, nodes) => 0.25 + (0.75 * (i + 1)) / nodes.length;
    const x = ([u]) => this.x(u), y = ([, v]) => this.y(v);
    group.selectAll("line").data((p) => pairs(p)).join("line").attr("class", `path ${name}`).attr("stroke-opacity", strength)
      .attr("x1", ([p]) => x(p)).attr("y1", ([p]) => y(p)).attr("x2", ([, p]) => x(p)).attr("y2", ([, p]) => y(p));
    group.selectAll("circle.dot").data((p) => p).join("circle").attr("class", `dot ${name}`).attr("r", 2).attr("opacity", strength).attr("cx", x).attr("cy", y);
    group.selectAll("circle.now").data((p) => (p[now] ? [p[now]] : [])).join("circle").attr("class", `now ${name}`).attr("r", 7).attr("cx", x).attr("cy", y);
  }

  /** Two-pixel images as two grey squares near their points: [{ point: [x, y], text, side }], side [±1, ±1] of it. */
  images(list) {
    const grey = (v) => { const g = Math.round(255 * Math.min(1, Math.max(0, v))); return `rgb(${g},${g},${g})`; };
    const held = (v, from, to) => Math.min(Math.max(v, from), to);
    const group = this.layers.images.selectAll("g").data(list).join((enter) => {
      const g = enter.append("g").attr("class", "image").attr("pointer-events", "none");
      for (const i of [0, 1]) g.append("rect").attr("x", (i - 1) * SQUARE).attr("y", -SQUARE / 2).attr("width", SQUARE).attr("height", SQUARE);
      g.append("text").attr("text-anchor", "middle");
      return g;
    });
    group.attr("transform", ({ point: [x, y], side: [right, up] }) =>
      `translate(${held(this.x(x) + 46 * right, MARGIN + 34, SIZE - 40)} ${held(this.y(y) - 40 * up, 40, SIZE - MARGIN - 36)})`);
    group.selectAll("rect").attr("fill", function (_, i) { return grey(select(this.parentNode).datum().point[i]); });
    group.select("text").attr("y", ({ side }) => (side[1] > 0 ? -SQUARE / 2 - 6 : SQUARE / 2 + 16)).text(({ text }) => text);
  }

  /** Points (flat) as dots, or as circles, of a colour, after the canvas was cleared by `clear`. */
  dots(points, colour, hollow) {
    const context = this.canvas.getContext("2d");
    Object.assign(context, { fillStyle: colour, strokeStyle: colour, lineWidth: 1.5, globalAlpha: hollow ? 0.9 : 0.6 });
    for (let i = 0; i < points.length; i += 2) {
      context.beginPath();
      context.arc(2 * this.x(points[i]), 2 * this.y(points[i + 1]), hollow ? 5 : 4, 0, 2 * Math.PI);
      if (hollow) context.stroke();
      else context.fill();
    }
  }

  clear() {
    this.canvas.getContext("2d").clearRect(0, 0, 2 * SIZE, 2 * SIZE);
  }

  /** Where in the plane an event is. */
  at(event) {
    const [px, py] = pointer(event, this.svg.node());
    return [this.x.invert(px), this.y.invert(py)];
  }

  /** A named point that mouse, finger and arrow keys move: moved([x, y]) is called; keys(event) may take other keys. */
  handle(group, moved, keys = () => false) {
    const plane = this, svg = this.svg.node();
    group.attr("class", "handle").attr("tabindex", 0).attr("role", "button").attr("aria-roledescription", "point to move");
    group.append("circle").attr("class", "reach").attr("r", 26); // for fingers
    group.call(drag().container(svg).on("start", function () { this.focus(); }).on("drag", function (event) {
      moved([plane.x.invert(event.x), plane.y.invert(event.y)]);
    }).subject(function () { const [x, y] = select(this).datum().point; return { x: plane.x(x), y: plane.y(y) }; }));
    group.on("keydown", function (event) {
      const step = ((plane.x.domain()[1] - plane.x.domain()[0]) / 100) * (event.shiftKey ? 5 : 1);
      const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
      const [x, y] = select(this).datum().point;
      if (move) moved([x + move[0], y + move[1]]);
      else if (!keys(event)) return;
      event.preventDefault();
    });
    return group;
  }
}
