// The third scene: the small systems' characters and sprites, each beside the training image nearest to it.

import bareBones from "./bare_bones.js?raw";
import naive from "./naive.js?raw";
import { imageRequest, toPixels } from "./image_runs.js";
import { ask, loadingText } from "./lab.js";
import { linkCourse } from "./links.js";
import { show } from "./pictures.js";
import { normals, noiseSeed, uniforms } from "./random.js";
import { stepsOf } from "./samplers.js";

const $ = (id) => document.getElementById(id);
const SYSTEMS = {
  barebones: { shape: [3, 16, 16], set: "sprites", code: bareBones, noise: (random) => random(),
    note: "Denoise, blend, repeat: a network that has learned to denoise draws when it is asked again and again.", notebook: "S2_barebones" },
  naive: { shape: [1, 16, 16], set: "glyphs", code: naive, noise: (random) => (random() < 0.5 ? 0 : 1),
    note: "Coin flips in place of Gaussian noise: denoise all, renoise fewer and fewer pixels.", notebook: "S1_naive" },
  glyphs: { shape: [1, 16, 16], set: "glyphs", code: null,
    note: "The main system, told how the parts of the character are arranged (3000 training steps; the one above had 6000).", notebook: "S3_pixel_space" },
};

export function characters(tables) {
  let seed = 1, job = null;
  const system = () => document.querySelector('input[name="system"]:checked').value;
  const say = (text) => { $("small-message").textContent = text; };
  $("structure").replaceChildren(...tables.structures.map((name, k) => new Option(name, k)));

  function request() {
    const name = system(), random = uniforms(seed), { shape, noise } = SYSTEMS[name];
    if (name !== "glyphs") {
      const x = Float64Array.from({ length: 10 * shape[0] * 256 }, () => noise(random));
      return ["small", { model: name, shape, x, S: Number($("S").value), noise: noiseSeed(seed) }, Number($("S").value)];
    }
    const { T } = tables.images.glyphs, y = new Array(10).fill(Number($("structure").value));
    const what = { ...imageRequest(tables, "glyphs", tables.structures.length), x: normals(10 * 256, random), y, w: Number($("glyphs-w").value) };
    return ["cloud", { ...what, sampler: "ddpm", steps: stepsOf(T, 20), noise: noiseSeed(seed) }, 20];
  }

  async function drawTen() {
    job?.cancel();
    const { shape, set } = SYSTEMS[system()], [kind, what, steps] = request(), describe = (k) => `generated image ${k + 1}`;
    let done = 0, last = what.x;
    const pixels = (x) => (kind === "cloud" ? toPixels(tables.images.glyphs, x) : x);
    show($("small-x"), pixels(what.x), shape, describe);
    $("small-nearest").replaceChildren();
    $("nearest-caption").textContent = "the nearest training image of each comes at the end";
    const mine = (job = ask(kind, what, (part) => {
      if (part.loading !== undefined) return say(loadingText(part.loading));
      $("small-progress").value = ++done / steps;
      show($("small-x"), (last = pixels(part.x)), shape, describe);
    }));
    seed++;
    try {
      await mine;
      if (mine !== job) return;
      const { x, distance } = await ask("nearest", { x: last, set, size: shape[0] * 256 });
      if (mine !== job) return;
      show($("small-nearest"), x, shape, (k) => `the training image nearest to generated image ${k + 1}`);
      const closest = Math.min(...distance), middle = [...distance].sort((p, q) => p - q)[5];
      $("nearest-caption").textContent = `the nearest training image of each: ${closest.toFixed(2)} away at the least, ${middle.toFixed(2)} in the middle. 0 is a copy; a real image that is not in the training set is ${tables.nearest[set].toFixed(2)} away in the middle, and a blurred one can be nearer`;
      say("");
    } catch (error) {
      say(`No images: ${error.message}.`);
    }
  }

  function update() {
    const name = system();
    $("S-control").hidden = name === "glyphs";
    for (const id of ["structure-control", "glyphs-w-control"]) $(id).hidden = name !== "glyphs";
    $("S-value").textContent = $("S").value;
    $("glyphs-w-value").textContent = $("glyphs-w").value;
    const link = document.createElement("a");
    link.dataset.notebook = SYSTEMS[name].notebook;
    link.textContent = "The notebook";
    $("note-system").replaceChildren(`${SYSTEMS[name].note} `, link);
    linkCourse();
    $("code").hidden = !SYSTEMS[name].code;
    $("code").textContent = SYSTEMS[name].code ?? "";
  }

  $("small-controls").addEventListener("input", () => { update(); drawTen(); });
  $("small-controls").addEventListener("submit", (event) => event.preventDefault());
  $("draw-small").addEventListener("click", drawTen);
  update();
  drawTen();
}
