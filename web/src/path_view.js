// One image: x_T can be dragged, and the paths of network and exact answer follow.

import { ask, latestOnly } from "./lab.js";
import { exactDenoiser } from "./mixture.js";
import { normals, uniforms } from "./random.js";
import { SAMPLERS, clipped, guided } from "./samplers.js";

const FARTHEST = 3.1; // that x_T can be dragged from the middle, in model space

export class PathView {
  constructor(scene) {
    Object.assign(this, { scene, start: [1.3, 2.5], seed: 4, exact: null, network: null });
    this.follow = latestOnly(() => this.drawPaths());
  }

  draw() {
    this.network = null;
    this.showHandle();
    this.follow();
  }

  leave() {
    const { plane } = this.scene;
    for (const name of ["exact", "network"]) plane.path(name, null);
    plane.images([]);
    plane.layers.handles.selectAll("g.start").remove();
  }

  stepChanged() {
    if (this.exact) this.show();
  }

  /** The noise of all steps: the same each time, or new. */
  noise() {
    if (!this.scene.keepsNoise) this.seed = Math.floor(Math.random() * 2 ** 31);
    return normals(2 * (this.scene.T + 1), uniforms(this.seed));
  }

  async drawPaths() {
    const { scene } = this, began = performance.now(), noise = this.noise(), x = Float64Array.from(this.start);
    if (scene.view !== this) return;
    this.exact = await this.exactPath(x, noise);
    if (!this.network) this.show();
    this.network = scene.model && (await this.networkPath(x, noise));
    this.show();
    performance.measure("drawn", { start: began });
  }

  /** Here and not by the worker, so that it is there before the worker is. */
  async exactPath(x, noise) {
    const { mixture, schedule } = this.scene, { sampler, steps, y, w, low, high } = this.scene.request(x, true);
    const denoiser = clipped(guided(exactDenoiser(mixture, schedule), w), schedule, low, high), states = [x];
    const walk = SAMPLERS[sampler](denoiser, schedule, steps, x, y, (t) => noise.subarray(2 * t, 2 * t + 2));
    for await (const [, next] of walk) states.push(next);
    return states.map((state) => [...this.scene.toPixels(state)]);
  }

  async networkPath(x, noise) {
    const { scene } = this;
    try {
      const { path } = await ask("path", { ...scene.request(x, false), noise }, (part) => scene.loading(part));
      scene.say("");
      return path.map(([, state]) => [...scene.toPixels(state)]);
    } catch (error) {
      scene.sayLost(error);
      return null;
    }
  }

  show() {
    const { scene, exact, network } = this, now = scene.T - scene.t;
    if (scene.view !== this) return;
    scene.plane.path("exact", exact, now);
    scene.plane.path("network", network, now);
    this.showImages(now > 0 && now < scene.T ? now : null);
    const [x, y] = (network ?? exact).at(-1), apart = network && Math.hypot(x - exact.at(-1)[0], y - exact.at(-1)[1]);
    scene.result(`The image ends at (${x.toFixed(2)}, ${y.toFixed(2)})` +
      (network ? `, ${apart.toFixed(3)} from where the exact answer ends.` : ", by the exact answer."));
  }

  /** The images at both ends, each on the side away from the other, and one on the way. */
  showImages(between) {
    const path = this.network ?? this.exact, first = path[0], last = path.at(-1);
    const side = [0, 1].map((i) => (first[i] < last[i] ? -1 : 1));
    const images = [{ point: first, text: "x_T", side }, { point: last, text: "x_0", side: side.map((s) => -s) }];
    if (between !== null) images.push({ point: path[between], text: `t = ${this.scene.T - between}`, side: [side[0], -side[1]] });
    this.scene.plane.images(images);
  }

  /** Show the image on the path that is nearest to the pointer. */
  hover(event) {
    if (!this.exact) return;
    const { plane } = this.scene, [x, y] = plane.at(event), [left, right] = plane.x.domain();
    const distances = (this.network ?? this.exact).map(([u, v]) => Math.hypot(u - x, v - y)), least = Math.min(...distances);
    if (least < 0.06 * (right - left)) this.showImages(distances.indexOf(least));
  }

  /** The ring at x_T. */
  showHandle() {
    const { plane } = this.scene, point = this.scene.toPixels(this.start);
    const group = plane.layers.handles.selectAll("g.start").data([{ point }]).join((enter) => {
      const g = plane.handle(enter.append("g"), (to) => this.move(to));
      g.classed("start", true).append("circle").attr("class", "grip").attr("r", 10);
      return g;
    });
    group.attr("transform", `translate(${plane.x(point[0])} ${plane.y(point[1])})`);
    group.attr("aria-label", `x_T at (${point.map((v) => v.toFixed(2)).join(", ")}): move it by the arrow keys`);
  }

  move(point) {
    this.start = this.scene.toModel(point).map((v) => Math.min(FARTHEST, Math.max(-FARTHEST, v)));
    this.showHandle();
    this.follow();
  }
}
