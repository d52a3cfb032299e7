// The second scene: digits out of noise, and back to a digit of your own.

import { Pad } from "./drawing.js";
import { imageRequest, toModel, toPixels } from "./image_runs.js";
import { ask, loadingText } from "./lab.js";
import { show } from "./pictures.js";
import { normals, noiseSeed, uniforms } from "./random.js";
import { addNoise, stepsOf } from "./samplers.js";

const $ = (id) => document.getElementById(id);
const WAYS = { 8: ["mnist-8", 8, "ddim"], 4: ["mnist-4", 4, "ddim"], 20: ["mnist", 20, "ddpm"], 200: ["mnist", 200, "posterior"] };

export function digits(tables) {
  const table = tables.images.mnist, { T, shape } = table;
  let seed = 1, job = null, backJob = null, last = null, put = 0;
  const say = (text) => { $("digits-message").textContent = text; };

  async function drawTen() {
    job?.cancel();
    const [model, n, sampler] = WAYS[$("way").value], all = $("digit").value === "all";
    const y = Array.from({ length: 10 }, (_, i) => (all ? i : Number($("digit").value)));
    const x = normals(10 * 784, uniforms(seed)), began = performance.now();
    const w = model === "mnist" ? Number($("digits-w").value) : 0, describe = (k) => `a generated ${y[k]}`;
    show($("digits-x"), toPixels(table, x), shape, describe);
    $("digits-x0").replaceChildren();
    $("digits-t").textContent = "";
    $("digits-progress").value = 0;
    let done = 0;
    const request = (job = ask("cloud", { ...imageRequest(tables, model, 10), x, y, w, sampler, steps: stepsOf(T, n), noise: noiseSeed(seed) }, (part) => {
      if (part.loading !== undefined) return say(loadingText(part.loading));
      $("digits-progress").value = ++done / n;
      $("digits-t").textContent = `step ${done} of ${n}, t = ${part.t}`;
      show($("digits-x"), toPixels(table, part.x), shape, describe);
      show($("digits-x0"), toPixels(table, part.x0), shape, describe);
      if (part.t === 0) last = toPixels(table, part.x);
    }));
    seed++;
    try {
      if ((await request) === null) return;
      performance.measure("digits", { start: began });
      say("");
    } catch (error) {
      say(`No digits: ${error.message}.`);
    }
  }

  // --- your own digit -------------------------------------------------------------------------------------------------

  const pad = new Pad($("pad"), forget);

  /** Take away what was said of another digit. */
  function forget() {
    backJob?.cancel();
    for (const id of ["read-before", "read-after", "yours-result"]) $(id).textContent = "";
    for (const id of ["noised", "back"]) $(id).replaceChildren();
  }

  async function bringBack() {
    forget();
    const digit = pad.digit();
    if (!digit) return void ($("yours-result").textContent = "Draw a digit first, or put one in.");
    const t = Number($("noise-t").value), z = normals(784, uniforms(++seed));
    const x = addNoise(tables.schedules[T], toModel(table, digit), t, z);
    show($("noised"), toPixels(table, x), shape, () => `your digit with the noise of step ${t}`);
    try {
      const steps = stepsOf(t, Math.min(t, 20));
      let back = x;
      backJob = ask("cloud", { ...imageRequest(tables, "mnist", 10), x, y: null, w: 0, sampler: "ddpm", steps, noise: noiseSeed(seed) }, (part) => {
        if (part.loading !== undefined) return say(loadingText(part.loading));
        back = toPixels(table, part.x);
        show($("back"), back, shape, () => "what the network brought back");
      });
      if ((await backJob) === null) return;
      const { logits } = await ask("read", { x: Float64Array.from([...digit, ...back]) });
      [["read-before", 0], ["read-after", 10]].forEach(([id, from]) => { $(id).textContent = `read as ${reading(logits.subarray(from, from + 10))}`; });
      $("yours-result").textContent = `After noise up to t = ${t} of ${T}, what came back has correlation ${correlation(digit, back).toFixed(2)} with your digit.`;
    } catch (error) {
      say(`The network cannot bring it back: ${error.message}.`);
    }
  }

  const reading = (logits) => {
    const most = Math.max(...logits), p = logits.map((l) => Math.exp(l - most)), sum = p.reduce((a, b) => a + b);
    return `${logits.indexOf(most)} (${(100 / sum).toFixed(0)} %)`;
  };

  function update() {
    const model = WAYS[$("way").value][0], distilled = model !== "mnist";
    $("digits-w").disabled = distilled;
    $("note-digits-w").textContent = distilled ? `This model was taught with guidance (${tables.images[model].taught}) and takes no other.` : "More guidance: more digits are read as asked, and they are less diverse.";
    $("digits-w-value").textContent = distilled ? "–" : $("digits-w").value;
    $("noise-t-value").textContent = $("noise-t").value;
  }

  $("digits-controls").addEventListener("input", update);
  $("digits-controls").addEventListener("submit", (event) => event.preventDefault());
  $("draw-digits").addEventListener("click", drawTen);
  $("bring-back").addEventListener("click", bringBack);
  $("wipe").addEventListener("click", () => { pad.wipe(); forget(); });
  $("put-digit").addEventListener("click", async () => {
    if (!last) await drawTen();
    forget();
    if (last) pad.put(last.subarray(784 * put, 784 * put + 784));
    put = (put + 1) % 10;
  });
  update();
  drawTen();
}

function correlation(a, b) {
  const mean = (v) => v.reduce((s, x) => s + x) / v.length, ma = mean(a), mb = mean(b);
  let ab = 0, aa = 0, bb = 0;
  a.forEach((v, i) => { ab += (v - ma) * (b[i] - mb); aa += (v - ma) ** 2; bb += (b[i] - mb) ** 2; });
  return ab / Math.sqrt(aa * bb || 1);
}
