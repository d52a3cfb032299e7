// Many images, by network and exact answer from the same noise, and how far each cloud is from the truth.

import { ask, latestOnly } from "./lab.js";
import { normals, noiseSeed, uniforms } from "./random.js";

const NAMES = { exact: "Exact answer", network: "Network" };

export class CloudView {
  constructor(scene) {
    // clouds: for each side the points (flat) at each t; asked: the requests that they come from
    Object.assign(this, { scene, seed: 1, clouds: {}, asked: null });
    this.follow = latestOnly(() => this.replace());
  }

  draw(following) {
    if (following) this.follow();
    else this.drawAnew();
  }

  drawAgain() {
    this.seed++;
    this.drawAnew();
  }

  leave() {
    this.cancel();
    this.scene.plane.clear();
  }

  cancel() {
    this.asked?.forEach((request) => request.cancel());
    this.asked = null;
  }

  stepChanged() {
    const { scene } = this, colours = getComputedStyle(document.body);
    scene.plane.clear();
    for (const side of ["network", "exact"]) {
      const points = this.clouds[side]?.[scene.t];
      if (points) scene.plane.dots(scene.toPixels(points), colours.getPropertyValue(`--${side}`), side === "exact");
    }
  }

  /** Ask for a cloud of each side: { clouds, asked }, which fill as steps arrive; arrived(side, t) is called for each. */
  ask(arrived) {
    const { scene } = this, x = normals(2 * scene.count, uniforms(this.seed)), noise = noiseSeed(this.seed);
    const sides = scene.model ? ["exact", "network"] : ["exact"];
    const clouds = Object.fromEntries(sides.map((side) => [side, { [scene.T]: x }]));
    this.asked = sides.map((side) => ask("cloud", { ...scene.request(x, side === "exact"), noise }, (part) => {
      if (part.loading !== undefined) return scene.loading(part);
      clouds[side][part.t] = part.x;
      arrived(side, part.t);
    }));
    return { clouds, asked: this.asked };
  }

  /** A new cloud, drawn as it comes. */
  async drawAnew() {
    this.cancel();
    const { scene } = this, began = performance.now();
    const leading = scene.model ? "network" : "exact"; // whose steps the scene's t follows
    const { clouds, asked } = this.ask((side, t) => {
      if (side !== leading) return;
      scene.t = t;
      scene.stepChanged();
    });
    this.clouds = clouds;
    scene.t = scene.T;
    scene.stepChanged();
    scene.result("Drawing …");
    const ends = await Promise.allSettled(asked);
    if (this.asked !== asked) return;
    scene.t = 0;
    scene.stepChanged();
    const lost = ends.find((end) => end.status === "rejected");
    if (lost) scene.sayLost(lost.reason);
    await this.sayDistances();
    performance.measure("cloud", { start: began });
  }

  /** The cloud of a world that is being changed: the old one stays until the new one is there. */
  async replace() {
    const { clouds, asked } = this.ask(() => {});
    await Promise.allSettled(asked);
    if (this.asked !== asked) return;
    this.clouds = clouds;
    this.stepChanged();
    await this.sayDistances();
  }

  async sayDistances() {
    const { clouds, scene } = this, whole = Object.entries(clouds).filter(([, states]) => states[0]);
    const said = await Promise.all(whole.map(([side, states]) => this.distance(side, states[0])));
    if (this.clouds !== clouds || scene.view !== this) return;
    if (scene.isGuided) said.push("Both are measured against p(x|y), which guidance with w ≠ 0 does not sample.");
    scene.result(said.join(" "));
  }

  async distance(side, x) {
    const { scene } = this, mixture = { ...scene.world.givenLabel(scene.label) };
    const { distance, floor } = await ask("energy", { x: scene.toPixels(x), mixture });
    const in4 = (v) => (1e4 * v).toFixed(2);
    return `${NAMES[side]}: energy distance ${in4(distance)} × 10⁻⁴ (0 ± ${in4(floor)} for true samples).`;
  }
}
