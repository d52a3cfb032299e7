// Draw your own world: modes to drag, widen, weigh, add and remove; in the plane, and as numbers.

import { drag, select } from "d3";

const MOST = 6;
const STD = [0.03, 1], WEIGHT = [0.01, 1];
const clamp = (v, [low, high]) => Math.min(high, Math.max(low, v));

export class OwnWorld {
  constructor(plane, world, table, addButton, changed) {
    Object.assign(this, { plane, table, addButton, changed });
    this.modes = world.means.map((point, k) => ({ point: [...point], std: world.std[k], weight: world.weights[k] }));
    addButton.addEventListener("click", () => this.add());
  }

  /** The mixture, its weights made to add up to 1. */
  get world() {
    const sum = this.modes.reduce((s, m) => s + m.weight, 0);
    return { means: this.modes.map((m) => m.point), std: this.modes.map((m) => m.std), weights: this.modes.map((m) => m.weight / sum) };
  }

  set(k, change) {
    Object.assign(this.modes[k], change);
    const { point } = this.modes[k], { x, y } = this.plane;
    this.modes[k].point = [clamp(point[0], x.domain()), clamp(point[1], y.domain())];
    this.changed();
    this.list();
  }

  add() {
    if (this.modes.length >= MOST) return;
    const [x0, x1] = this.plane.x.domain(), [y0, y1] = this.plane.y.domain(), angle = 2.4 * this.modes.length;
    const point = [(x0 + x1) / 2 + 0.25 * (x1 - x0) * Math.cos(angle), (y0 + y1) / 2 + 0.25 * (y1 - y0) * Math.sin(angle)];
    this.modes.push({ point, std: this.modes[0].std, weight: 0.3 });
    this.changed();
    this.list();
  }

  remove(k) {
    if (this.modes.length === 1) return;
    this.modes.splice(k, 1);
    this.changed();
    this.list();
    this.plane.layers.handles.select("g.mode").node().focus(); // or the focus would be lost with the mode
  }

  /** The modes in the plane: a grip at the centre, a ring at 2 σ. */
  handles(shown) {
    const { plane } = this, index = (node) => plane.layers.handles.selectAll("g.mode").nodes().indexOf(node);
    const own = this;
    const group = plane.layers.handles.selectAll("g.mode").data(shown ? this.modes : []).join((enter) => enter.append("g").each(function () {
      const g = select(this);
      plane.handle(g, (point) => own.set(index(g.node()), { point }), (event) => own.key(index(g.node()), event.key));
      g.classed("mode", true);
      g.append("circle").attr("class", "ring").call(drag().container(plane.svg.node()).on("drag", (event) => {
        event.sourceEvent.stopPropagation();
        const { point } = g.datum(), reach = Math.hypot(plane.x.invert(event.x) - point[0], plane.y.invert(event.y) - point[1]);
        own.set(index(g.node()), { std: clamp(reach / 2, STD) });
      }).subject((event) => ({ x: event.x, y: event.y })));
      g.append("circle").attr("class", "grip").attr("r", 8);
    }));
    group.attr("transform", ({ point: [x, y] }) => `translate(${plane.x(x)} ${plane.y(y)})`);
    group.select(".ring").attr("r", ({ std }) => Math.abs(plane.x(2 * std) - plane.x(0)));
    group.attr("aria-label", ({ point, std, weight }, k) =>
      `mode ${k} at (${point.map((v) => v.toFixed(2)).join(", ")}), σ ${std.toFixed(2)}, weight ${weight.toFixed(2)}: arrow keys move it, plus and minus widen it, brackets weigh it, Delete removes it`);
  }

  /** Keys beside the arrows; whether it was one of them. */
  key(k, key) {
    const { std, weight } = this.modes[k];
    if (key === "+" || key === "=") this.set(k, { std: clamp(1.1 * std, STD) });
    else if (key === "-") this.set(k, { std: clamp(std / 1.1, STD) });
    else if (key === "]") this.set(k, { weight: clamp(1.1 * weight, WEIGHT) });
    else if (key === "[") this.set(k, { weight: clamp(weight / 1.1, WEIGHT) });
    else if (key === "Delete" || key === "Backspace") this.remove(k);
    else return false;
    return true;
  }

  /** The modes as numbers. */
  list() {
    const columns = [["left", (m) => m.point[0], (m, v) => ({ point: [v, m.point[1]] }), [-3, 3]], ["right", (m) => m.point[1], (m, v) => ({ point: [m.point[0], v] }), [-3, 3]],
      ["σ", (m) => m.std, (_, v) => ({ std: v }), STD], ["weight", (m) => m.weight, (_, v) => ({ weight: v }), WEIGHT]];
    const table = select(this.table).selectAll("table").data([0]).join((enter) => {
      const t = enter.append("table").attr("class", "modes-table");
      t.append("thead").append("tr").selectAll("th").data([...columns.map(([name]) => name), "remove"]).join("th").attr("scope", "col").text((name) => name);
      t.append("tbody");
      return t;
    });
    const rows = table.select("tbody").selectAll("tr").data(this.modes).join((enter) => {
      const row = enter.append("tr");
      columns.forEach(([name]) => row.append("td").append("input").attr("type", "number").attr("step", 0.01).attr("data-name", name));
      row.append("td").append("button").attr("type", "button").text("×");
      return row;
    });
    rows.each((mode, k, nodes) => {
      columns.forEach(([name, get, change, range]) => {
        const input = select(nodes[k]).select(`[data-name="${name}"]`).attr("aria-label", `mode ${k}, ${name}`).node();
        if (document.activeElement !== input) input.value = get(mode).toFixed(2);
        input.onchange = () => {
          if (Number.isFinite(input.valueAsNumber)) this.set(k, change(mode, clamp(input.valueAsNumber, range)));
          input.value = get(this.modes[k]).toFixed(2);
        };
      });
      select(nodes[k]).select("button").attr("aria-label", `remove mode ${k}`).property("disabled", this.modes.length === 1).on("click", () => this.remove(k));
    });
    this.addButton.disabled = this.modes.length >= MOST;
  }
}
