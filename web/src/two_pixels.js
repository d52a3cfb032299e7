// The first scene: what its controls say, the chosen world, and the three views of it.

import { CloudView } from "./cloud_view.js";
import { FieldView } from "./field_view.js";
import { hasWebAssembly, loadingText } from "./lab.js";
import { Mixture, standardising } from "./mixture.js";
import { OwnWorld } from "./own_world.js";
import { PathView } from "./path_view.js";
import { Plane } from "./plane.js";
import { stepsOf } from "./samplers.js";

const $ = (id) => document.getElementById(id);
const NOTES = {
  show: {
    path: "Drag the ring, which is the noise x_T, or move it with the arrow keys. The finished image is at the end of the path.",
    cloud: "Many images at once: dots from the network, circles from the exact answer. Do they fill the density?",
    field: "The score points to where images at this noise level are denser, and a sampler follows it. The network has only learned it.",
  },
  world: {
    homework: "Two kinds of image: left pixel darker, and left pixel lighter.",
    signed: "The modes are so far apart that guidance does almost nothing.",
    overlapping: "The modes overlap, so you cannot always tell the label from the image: try guidance here.",
    own: "Make any mixture, and see at once how it diffuses.",
  },
  sampler: {
    ddim: "No noise on the way: where a path ends depends on x_T alone.",
    dpm_solver: "No noise either, and closer to the truth than DDIM for the same number of steps: try T = 10.",
    posterior: "The homework's own. Each step adds noise, and the first ones forget x_T: with the same noise all starts end in one place.",
    beta: "The same with more noise in each step. With few steps the modes are no longer too narrow, but samples scatter.",
  },
  noise: {
    same: "The same noise for every x_T: what differs at the end comes from x_T.",
    new: "New noise each time: with eq. 13 it decides where the path ends.",
    none: "DDIM and DPM-Solver++ add none.",
  },
};

/** The name of the chosen one of some radio buttons. */
const chosen = (name) => document.querySelector(`input[name="${name}"]:checked`).value;

/**
 * The scene. A view has draw(following), for new settings (following: a world that is being changed), stepChanged(), for
 * another t, and leave(), before another view is shown.
 */
class Scene {
  constructor(tables) {
    this.tables = tables;
    this.plane = new Plane($("plane"), "The plane of two-pixel images, with the exact density at step t");
    this.views = { path: new PathView(this), cloud: new CloudView(this), field: new FieldView(this, $("fields")) };
    this.own = new OwnWorld(this.plane, tables.worlds.homework, $("modes"), $("add-mode"), () => {
      this.setWorld();
      this.refresh(true);
    });
    this.listen();
    this.setWorld();
    this.frame();
    this.refresh();
  }

  // --- what the controls say ------------------------------------------------------------------------------------------

  get T() { return Number($("T").value); }
  get t() { return Number($("t").value); }
  set t(value) { $("t").value = value; }
  get w() { return Number($("w").value); }
  get count() { return Number($("count").value); }
  get label() { return $("label").value === "" ? null : Number($("label").value); }
  get isGuided() { return this.label !== null && this.w !== 0; }
  get keepsNoise() { return chosen("noise") === "same"; }
  get view() { return this.views[chosen("show")]; }
  get schedule() { return this.tables.schedules[this.T]; }

  /** The network that was trained on the chosen world with the chosen T; null if there is none, or it cannot run. */
  get model() {
    const runs = Object.entries(this.tables.runs);
    return (hasWebAssembly && runs.find(([, run]) => run.world === $("world").value && run.T === this.T)?.[0]) || null;
  }

  // --- what follows from them -----------------------------------------------------------------------------------------

  /** Everything of a request to the worker but its noise. */
  request(x, exactly) {
    const { mixture, schedule, T, label: y, w } = this, [low, high] = mixture.box(); // clipped as the modules clip
    const network = { model: exactly ? null : this.model, shape: [1, 2], nullLabel: 2 };
    return { x, y, w, low, high, schedule, steps: stepsOf(T, T), sampler: $("sampler").value, mixture: { ...mixture }, ...network };
  }

  toPixels(x) {
    return x.map((v, i) => (v - this.space.shift[i % 2]) / this.space.scale);
  }

  toModel(x) {
    return x.map((v, i) => this.space.scale * v + this.space.shift[i % 2]);
  }

  /** The exact q(x_t), or q(x_t|y), in pixel space. */
  pixelDensity(t) {
    const { scale, shift } = this.space;
    return this.mixture.givenLabel(this.label).diffused(this.schedule.alphas_cumprod[t]).affine(1 / scale, shift.map((s) => -s / scale));
  }

  /** After a change of the world: its model space, and its labels. */
  setWorld() {
    this.world = new Mixture($("world").value === "own" ? this.own.world : this.tables.worlds[$("world").value]);
    this.space = standardising(this.world);
    this.mixture = this.world.affine(this.space.scale, this.space.shift);
    const options = ["", ...this.world.means.keys()].map(String), before = $("label").value;
    $("label").replaceChildren(...options.map((k) => new Option(k === "" ? "none" : k, k)));
    $("label").value = options.includes(before) ? before : "";
  }

  /** Show the part of the plane in which x_T lies. */
  frame() {
    this.plane.window(this.toPixels([0, 0]), 3.2 / this.space.scale);
  }

  // --- what is said and shown -----------------------------------------------------------------------------------------

  /** What is to be said now, or else what there is to say of the chosen world. */
  say(text) {
    $("two-message").textContent = text || this.standing;
  }

  result(text) {
    $("two-result").textContent = text;
  }

  loading(part) {
    if (part.loading !== undefined) this.say(loadingText(part.loading));
  }

  /** That the network is not here, and why. */
  sayLost(error) {
    this.say(`The network could not be loaded: ${error.message}. The exact answer needs none.`);
  }

  showTime() {
    $("t-value").textContent = this.t;
    this.plane.density(this.pixelDensity(this.t));
  }

  stepChanged() {
    this.showTime();
    this.view.stepChanged();
  }

  /** Show everything for the present settings. */
  refresh(following = false) {
    for (const view of Object.values(this.views)) if (view !== this.view) view.leave();
    if (Number($("t").max) !== this.T) Object.assign($("t"), { max: this.T, value: Math.min(this.t, this.T) });
    this.showControls();
    this.say("");
    this.view.draw(following);
    this.showTime();
    this.own.handles($("world").value === "own");
  }

  showControls() {
    const show = chosen("show"), world = $("world").value, sampler = $("sampler").value;
    const noiseless = ["ddim", "dpm_solver"].includes(sampler);
    $("plane").hidden = show === "field";
    $("fields").hidden = show !== "field";
    $("count-control").hidden = show !== "cloud";
    $("own").hidden = world !== "own";
    $("w").disabled = this.label === null;
    $("noise-control").disabled = noiseless;
    const notes = { show, world, sampler, noise: noiseless ? "none" : chosen("noise") };
    for (const [name, value] of Object.entries(notes)) $(`note-${name}`).textContent = NOTES[name][value];
    for (const name of ["w", "count"]) $(`${name}-value`).textContent = $(name).value;
    this.standing = "";
    if (!hasWebAssembly) this.standing = "This browser has no WebAssembly, which the network needs: the exact answer alone.";
    else if (!this.model && world !== "own") this.standing = `No network was trained on this world with T = ${this.T}: the exact answer alone.`;
  }

  // --- what a visitor does --------------------------------------------------------------------------------------------

  listen() {
    $("play").addEventListener("click", () => this.play(!this.timer));
    $("t").addEventListener("input", () => this.stepChanged());
    $("again").addEventListener("click", () => this.views.cloud.drawAgain());
    $("plane").addEventListener("pointermove", (event) => this.view === this.views.path && this.view.hover(event));
    $("two-controls").addEventListener("submit", (event) => event.preventDefault());
    $("two-controls").addEventListener("input", ({ target }) => {
      if (target.closest("#own")) return;
      if (target.id === "world") {
        if (target.value === "own") this.own.list();
        this.setWorld();
        this.frame();
      }
      this.refresh();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.refresh());
  }

  /** Let t run from T down to 0, or stop it. */
  play(on) {
    clearInterval(this.timer);
    this.timer = null;
    $("play").setAttribute("aria-pressed", String(on));
    $("play").textContent = on ? "Pause" : "Play";
    if (!on) return;
    const go = (t) => {
      this.t = t;
      this.stepChanged();
      if (t === 0) this.play(false);
    };
    if (this.t === 0) go(this.T);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.timer = setInterval(() => go(this.t - 1), still ? 1000 : Math.max(60, 3000 / this.T));
  }
}

export const twoPixels = (tables) => void new Scene(tables);
