// The first scene: take hold of x_T and see where network and exact answer lead it.

import { select } from "d3";
import { showFields } from "./field.js";
import { ask, hasWebAssembly, latestOnly } from "./lab.js";
import { Mixture, exactDenoiser, standardising } from "./mixture.js";
import { OwnWorld } from "./own_world.js";
import { Plane } from "./plane.js";
import { normals, uniforms } from "./random.js";
import { SAMPLERS, clipped, guided, stepsOf } from "./samplers.js";

const $ = (id) => document.getElementById(id);
const NOTES = {
  show: {
    path: "Drag the ring, which is the noise x_T, or move it by the arrow keys. The image that it becomes stands at the end of the path.",
    cloud: "Many images at once: dots by the network, circles by the exact answer. Do they fill the density?",
    field: "The score points to where images at this noise level are denser, and a sampler follows it. The network has only learned it.",
  },
  world: {
    homework: "Two kinds of image: left pixel darker, and left pixel lighter.",
    signed: "The modes stand so far apart that guidance does almost nothing.",
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

export function twoPixels(tables) {
  const plane = new Plane($("plane"));
  const chosen = (name) => document.querySelector(`input[name="${name}"]:checked`).value;
  const state = { start: [1.3, 2.5], seed: 4, cloudSeed: 1, clouds: {}, standing: "" };
  let world, space, mixture, schedule, job = null, network = null, exact = null;

  // --- what the controls say ------------------------------------------------------------------------------------------

  const T = () => Number($("T").value);
  const t = () => Number($("t").value);
  const label = () => ($("label").value === "" ? null : Number($("label").value));
  const model = () => Object.entries(tables.runs).find(([, run]) => run.world === $("world").value && run.T === T())?.[0] ?? null;
  const toPixels = (x) => x.map((v, i) => (v - space.shift[i % 2]) / space.scale);
  const points = (flat) => Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);

  /** Everything of a request but its kind and its noise. */
  function request(x, exactly) {
    const [low, high] = mixture.box(); // clipped as the modules clip
    const plain = { means: mixture.means, std: mixture.std, weights: mixture.weights };
    return { x, y: label(), w: Number($("w").value), steps: stepsOf(T(), T()), sampler: $("sampler").value, schedule, low, high,
      mixture: plain, model: exactly ? null : model(), shape: [1, 2], nullLabel: 2 };
  }

  function noise(n) {
    const seed = chosen("noise") === "same" ? state.seed : (state.seed = Math.floor(Math.random() * 2 ** 31));
    return normals((T() + 1) * n, uniforms(seed));
  }

  // --- one image ------------------------------------------------------------------------------------------------------

  const drawPath = latestOnly(async () => {
    if (chosen("show") !== "path") return;
    const began = performance.now();
    const x = Float64Array.from(state.start), z = noise(2), asked = request(x, true);
    const denoiser = clipped(guided(exactDenoiser(mixture, schedule), asked.w), schedule, asked.low, asked.high);
    const states = [x];
    const sampler = SAMPLERS[asked.sampler](denoiser, schedule, asked.steps, x, asked.y, (s) => z.subarray(2 * s, 2 * s + 2));
    for await (const [, next] of sampler) states.push(next);
    exact = states.map((s) => [...toPixels(s)]);
    if (!network) showPaths();
    if (model() && hasWebAssembly) {
      try {
        const { path } = await ask("path", { ...request(x, false), noise: z }, loading);
        network = model() ? path.map(([, s]) => [...toPixels(s)]) : null;
        say("");
      } catch (error) {
        network = null;
        say(`The network is not here: ${error.message}. The exact answer needs none.`);
      }
    } else network = null;
    showPaths();
    performance.measure("drawn", { start: began });
  });

  function loading({ loading: share }) {
    if (share !== undefined) say(share < 1 ? `The network is loading: ${Math.round(100 * share)} %` : "");
  }

  /** What is to be said now, or else what there is to say of the chosen world. */
  const say = (text) => { $("two-message").textContent = text || state.standing; };

  function showPaths() {
    if (chosen("show") !== "path") return;
    const now = T() - t();
    plane.path("exact", exact, now);
    plane.path("network", network, now);
    const main = network ?? exact;
    showImages(now > 0 && now < T() ? now : null);
    const apart = network && Math.hypot(network.at(-1)[0] - exact.at(-1)[0], network.at(-1)[1] - exact.at(-1)[1]);
    $("two-result").textContent = `The image ends at (${main.at(-1).map((v) => v.toFixed(2)).join(", ")})` +
      (network ? `, ${apart.toFixed(3)} from where the exact answer ends.` : ", by the exact answer.");
  }

  /** The image on the path that is nearest to the pointer. */
  function hover(event) {
    if (chosen("show") !== "path" || !exact) return;
    const [x, y] = plane.at(event), main = network ?? exact;
    const distances = main.map(([u, v]) => Math.hypot(u - x, v - y)), nearest = distances.indexOf(Math.min(...distances));
    if (distances[nearest] > 0.06 * (plane.x.domain()[1] - plane.x.domain()[0])) return;
    showImages(nearest);
  }

  /** The images at both ends, each on the side away from the other, and one on the way. */
  function showImages(between) {
    const main = network ?? exact, first = main[0], last = main.at(-1);
    const side = [0, 1].map((i) => (first[i] < last[i] ? -1 : 1)), images = [{ point: first, text: "x_T", side }, { point: last, text: "x_0", side: side.map((s) => -s) }];
    if (between !== null) images.push({ point: main[between], text: `t = ${T() - between}`, side: [side[0], -side[1]] });
    plane.images(images);
  }

  // --- a cloud --------------------------------------------------------------------------------------------------------

  /** Ask for a cloud on each side; arrived(side) is called for each step that came. Resolves when all are there. */
  function askCloud(arrived) {
    const n = Number($("count").value), x = normals(2 * n, uniforms(state.cloudSeed));
    const sides = ["exact", ...(model() && hasWebAssembly ? ["network"] : [])];
    const clouds = Object.fromEntries(sides.map((side) => [side, { [T()]: x }]));
    const asked = sides.map((side) => ask("cloud", { ...request(x, side === "exact"), noise: state.cloudSeed + 1e6 }, (part) => {
      if (part.loading !== undefined) return loading(part);
      clouds[side][part.t] = part.x;
      arrived(side, part.t);
    }));
    job = asked;
    return { clouds, sides, asked };
  }

  /** A new cloud, drawn as it comes, and how far it is from the truth. */
  async function drawCloud() {
    job?.forEach((request) => request.cancel());
    const began = performance.now();
    $("t").value = T();
    const { clouds, sides, asked } = askCloud((side, step) => {
      if (side === sides.at(-1)) $("t").value = step;
      showCloud();
    });
    state.clouds = clouds;
    $("two-result").textContent = "Drawing …";
    showCloud();
    const ends = await Promise.allSettled(asked);
    if (job !== asked) return;
    $("t").value = 0;
    showCloud();
    const lost = ends.find((end) => end.status === "rejected");
    if (lost) say(`The network is not here: ${lost.reason.message}. The exact answer needs none.`);
    await sayDistances(clouds);
    performance.measure("cloud", { start: began });
  }

  /** The cloud of a world that is being changed: the old one stays until the new one is there. */
  const followCloud = latestOnly(async () => {
    const { clouds, asked } = askCloud(() => {});
    await Promise.allSettled(asked);
    if (job !== asked || chosen("show") !== "cloud") return;
    state.clouds = clouds;
    showCloud();
    await sayDistances(clouds);
  });

  async function sayDistances(clouds) {
    const whole = Object.entries(clouds).filter(([, states]) => states[0]);
    const said = await Promise.all(whole.map(([side, states]) => measure(side, states[0])));
    if (state.clouds !== clouds || chosen("show") !== "cloud") return;
    const guidedAway = label() !== null && Number($("w").value) !== 0 ? " Both are measured against p(x|y), which guidance with w ≠ 0 does not sample." : "";
    $("two-result").textContent = said.join("   ") + guidedAway;
  }

  async function measure(side, x) {
    const target = world.givenLabel(label());
    const { distance, floor } = await ask("energy", { x: toPixels(x), mixture: { ...target } });
    const in4 = (v) => (1e4 * v).toFixed(2);
    return `${side === "exact" ? "Exact answer" : "Network"}: energy distance ${in4(distance)} × 10⁻⁴ (0 ± ${in4(floor)} for true samples).`;
  }

  function showCloud() {
    if (chosen("show") !== "cloud") return;
    plane.clear();
    const colour = (name) => getComputedStyle(document.body).getPropertyValue(`--${name}`);
    for (const side of ["network", "exact"]) {
      const points = state.clouds[side]?.[t()];
      if (points) plane.dots(toPixels(points), colour(side), side === "exact");
    }
    showTime();
  }

  // --- what all have in common ----------------------------------------------------------------------------------------

  const drawFields = latestOnly(async () => {
    if (chosen("show") !== "field") return;
    const step = Math.max(1, t());
    const ask4 = (x, exactly) => ask("noisePrediction", { ...request(x, exactly), t: step }, loading);
    const low = [plane.x.domain()[0], plane.y.domain()[0]], high = [plane.x.domain()[1], plane.y.domain()[1]];
    const b = Math.sqrt(1 - schedule.alphas_cumprod[step]), name = label() !== null && Number($("w").value) !== 0 ? "guided score" : "score";
    try {
      const network = model() && hasWebAssembly, density = pixelDensity(step);
      const largest = await showFields($("fields"), { low, high, space, b, step, name, density, ask: ask4, network });
      if (chosen("show") === "field") $("two-result").textContent = network ? `The difference is at most ${largest.toFixed(2)} of the longest ${name}. White lines: where images are.` : "";
      say("");
    } catch (error) {
      say(`The field cannot be drawn: ${error.message}.`);
    }
  });

  function showTime() {
    $("t-value").textContent = t();
    plane.density(pixelDensity(t()));
  }

  /** The exact q(x_t), or q(x_t|y), in pixel space. */
  function pixelDensity(step) {
    return mixture.givenLabel(label()).diffused(schedule.alphas_cumprod[step]).affine(1 / space.scale, space.shift.map((s) => -s / space.scale));
  }

  function draw(following) {
    const show = chosen("show");
    if (show === "path") drawPath();
    else if (show === "field") drawFields();
    else if (following) followCloud();
    else drawCloud();
  }

  /** After a change of the world: its model space, its window, its labels. */
  function setWorld() {
    world = new Mixture($("world").value === "own" ? own.world : tables.worlds[$("world").value]);
    space = standardising(world);
    mixture = world.affine(space.scale, space.shift);
    const options = ["", ...world.means.keys()].map(String), before = $("label").value;
    $("label").replaceChildren(...options.map((k) => new Option(k === "" ? "none" : k, k)));
    $("label").value = options.includes(before) ? before : "";
  }

  function frame() {
    plane.window(toPixels([0, 0]), 3.2 / space.scale);
  }

  function refresh(following = false) {
    schedule = tables.schedules[T()];
    const show = chosen("show"), ownWorld = $("world").value === "own";
    if (Number($("t").max) !== T()) Object.assign($("t"), { max: T(), value: Math.min(t(), T()) });
    network = null;
    if (show !== "path") ["exact", "network"].forEach((name) => plane.path(name, null));
    if (show !== "path") plane.images([]);
    if (show !== "cloud") { plane.clear(); job?.forEach((request) => request.cancel()); job = null; }
    $("plane").hidden = show === "field";
    $("fields").hidden = show !== "field";
    $("count-control").hidden = show !== "cloud";
    $("own").hidden = !ownWorld;
    $("w").disabled = label() === null;
    const noiseless = ["ddim", "dpm_solver"].includes($("sampler").value);
    $("noise-control").disabled = noiseless;
    $("note-noise").textContent = NOTES.noise[noiseless ? "none" : chosen("noise")];
    for (const [name, value] of [["show", show], ["world", $("world").value], ["sampler", $("sampler").value]]) $(`note-${name}`).textContent = NOTES[name][value];
    for (const name of ["w", "count"]) $(`${name}-value`).textContent = $(name).value;
    state.standing = !ownWorld && !model() ? `No network was trained on this world with T = ${T()}: the exact answer alone.` :
      hasWebAssembly ? "" : "This browser has no WebAssembly, which the network needs: the exact answer alone.";
    say("");
    if (show === "field" && t() === 0) $("t").value = Math.ceil(T() / 4); // where there is something to see
    if (show !== "path") $("two-result").textContent = "";
    showTime();
    handles();
    draw(following);
  }

  function handles() {
    const data = chosen("show") === "path" ? [{ point: [...toPixels(state.start)] }] : [];
    const group = plane.layers.handles.selectAll("g.start").data(data).join((enter) => {
      const g = plane.handle(enter.append("g"), (point) => moveStart(point));
      g.classed("start", true).append("circle").attr("class", "grip").attr("r", 10);
      return g;
    });
    group.attr("transform", ({ point: [x, y] }) => `translate(${plane.x(x)} ${plane.y(y)})`);
    group.attr("aria-label", ({ point }) => `x_T at (${point.map((v) => v.toFixed(2)).join(", ")}): move it by the arrow keys`);
    own.handles($("world").value === "own");
  }

  function moveStart(point) {
    state.start = point.map((v, i) => Math.min(3.1, Math.max(-3.1, space.scale * v + space.shift[i])));
    handles();
    drawPath();
  }

  const own = new OwnWorld(plane, tables.worlds.homework, $("modes"), $("add-mode"), () => {
    setWorld();
    refresh(true);
  });

  // --- play -----------------------------------------------------------------------------------------------------------

  let timer = null;
  function play(on) {
    clearInterval(timer);
    timer = null;
    $("play").setAttribute("aria-pressed", String(on));
    $("play").textContent = on ? "Pause" : "Play";
    if (!on) return;
    if (t() === 0) {
      $("t").value = T();
      stepChanged();
    }
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    timer = setInterval(() => {
      $("t").value = t() - 1;
      stepChanged();
      if (t() === 0) play(false);
    }, still ? 1000 : Math.max(60, 3000 / T()));
  }

  function stepChanged() {
    showTime();
    if (chosen("show") === "path") exact && showPaths();
    else if (chosen("show") === "cloud") showCloud();
    else drawFields();
  }

  $("play").addEventListener("click", () => play(timer === null));
  $("t").addEventListener("input", stepChanged);
  $("again").addEventListener("click", () => { state.cloudSeed++; drawCloud(); });
  $("plane").addEventListener("pointermove", hover);
  $("two-controls").addEventListener("submit", (event) => event.preventDefault());
  $("two-controls").addEventListener("input", ({ target }) => {
    if (target.closest("#own")) return;
    if (target.id === "world") {
      if (target.value === "own") own.begin();
      setWorld();
      frame();
    }
    refresh();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => refresh());
  select(plane.svg.node()).attr("role", "group").attr("aria-label", "The plane of two-pixel images, with the exact density at step t");
  setWorld();
  frame();
  refresh();
}
