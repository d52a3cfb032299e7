// All that takes long, off the main thread: networks by onnxruntime-web, sampling, distances.
// A request { id, kind, … } is answered by any number of { id, part } and one { id, done } or { id, error }.

import * as ort from "onnxruntime-web/wasm";
import { energyDistance, energyDistanceFloor } from "./energy.js";
import { Mixture, exactDenoiser } from "./mixture.js";
import { generate } from "./bare_bones.js";
import { renoise } from "./naive.js";
import { normals, uniforms } from "./random.js";
import { SAMPLERS, clipped, epsFromV, guided } from "./samplers.js";

ort.env.wasm.numThreads = 1;
const CHUNK = 250; // images of two pixels in one call: about 15 ms, after which something more urgent may come
const sessions = new Map();
const cancelled = new Set();
let urgent = 0; // paths that are being computed

// --- networks ---------------------------------------------------------------------------------------------------------

/** The session of a model, loaded at first use; progress(share) is told how much has arrived. */
function session(name, progress = () => {}) {
  if (!sessions.has(name)) {
    const loading = download(`data/${name}.onnx`, progress).then((bytes) => ort.InferenceSession.create(bytes));
    sessions.set(name, loading);
    loading.catch(() => sessions.delete(name)); // so that the next request tries again
  }
  return sessions.get(name);
}

async function download(path, progress) {
  const answer = await fetch(new URL(path, self.base)).catch(() => null);
  if (!answer?.ok) throw new Error(`${path} could not be loaded`);
  const total = Number(answer.headers.get("Content-Length")), parts = [];
  let arrived = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    arrived += value.length;
    progress(total ? Math.min(1, arrived / total) : 0);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** Let messages in, and wait until nothing urgent is left. */
async function breathe() {
  do await new Promise((resolve) => { const { port1, port2 } = new MessageChannel(); port1.onmessage = resolve; port2.postMessage(0); });
  while (urgent);
}

/** The network of a session as a function of arrays: named inputs beside x, which has images of this shape. */
function network(model, shape, chunk) {
  const size = shape.reduce((p, q) => p * q);
  return async (x, inputs) => {
    const output = new Float64Array(x.length), n = x.length / size;
    for (let i = 0; i < n; i += chunk) {
      const m = Math.min(chunk, n - i);
      const feeds = { x: new ort.Tensor("float32", Float32Array.from(x.subarray(i * size, (i + m) * size)), [m, ...shape]) };
      for (const [name, make] of Object.entries(inputs)) feeds[name] = make(m);
      const answer = await model.run(feeds);
      output.set(answer.output.data, i * size);
      if (n > chunk) await breathe();
    }
    return output;
  };
}

const whole = (value) => (m) => new ort.Tensor("int64", new BigInt64Array(m).fill(BigInt(value)), [m]);
const real = (value) => (m) => new ort.Tensor("float32", new Float32Array(m).fill(value), [m]);

/** A network that predicts v, as a denoiser; the same label, or labels in turn, for all images, or none. */
async function learned(job) {
  const run = network(await session(job.model, (share) => reply(job, { loading: share })), job.shape, CHUNK);
  return async (x, t, y) => {
    const labels = Array.isArray(y) ? (m) => new ort.Tensor("int64", BigInt64Array.from(y, BigInt), [m]) : whole(y ?? job.nullLabel);
    const v = await run(x, { t: () => whole(t)(1), y: labels });
    return epsFromV(job.schedule, x, t, v);
  };
}

// --- what can be asked for --------------------------------------------------------------------------------------------

/** The denoiser of a job, guided: the network of job.model, or the exact one of job.mixture. */
async function guidedDenoiser(job) {
  return guided(job.model ? await learned(job) : exactDenoiser(new Mixture(job.mixture), job.schedule), job.w);
}

/** The same, clipped: what the samplers use. */
async function denoiserOf(job) {
  return clipped(await guidedDenoiser(job), job.schedule, job.low, job.high);
}

/** Noise for each step, from a seed, or as it was given: an array of T+1 times x. */
function noiseOf(job) {
  const n = job.x.length;
  if (typeof job.noise !== "number") return (t) => job.noise.subarray(t * n, (t + 1) * n);
  const random = uniforms(job.noise);
  return () => normals(n, random);
}

/** One path from x_T down to x_0, all at once: { path: [[t, x_t], …] }. */
async function path(job) {
  const denoiser = await denoiserOf(job), states = [[job.steps[0], job.x]];
  urgent++;
  try {
    for await (const [s, x] of SAMPLERS[job.sampler](denoiser, job.schedule, job.steps, job.x, job.y, noiseOf(job))) states.push([s, x]);
  } finally {
    urgent--;
  }
  return { path: states };
}

/** Many images, each step as it comes: { t, x, x0 }. */
async function cloud(job) {
  const denoiser = await denoiserOf(job);
  for await (const [t, x, x0] of SAMPLERS[job.sampler](denoiser, job.schedule, job.steps, job.x, job.y, noiseOf(job))) {
    await breathe();
    if (cancelled.has(job.id)) return {};
    reply(job, { t, x, x0 });
  }
  return {};
}

/** The noise prediction at points x: { eps }. */
async function noisePrediction(job) {
  return { eps: await (await guidedDenoiser(job))(job.x, job.t, job.y) };
}

/** How far points are from a mixture, and how far as many true ones are by chance: { distance, floor }. */
async function energy(job) {
  const mixture = new Mixture(job.mixture), truth = mixture.sample(1000, uniforms(1));
  return { distance: energyDistance(job.x, mixture), floor: energyDistanceFloor(mixture, job.x.length / 2, truth) };
}

/** The two small systems, each image as it comes: { x } after every step. */
async function small(job) {
  const run = network(await session(job.model, (share) => reply(job, { loading: share })), job.shape, CHUNK);
  const denoise = (x, level) => run(x, { level: real(level) });
  const random = uniforms(job.noise);
  for await (const x of (job.model === "naive" ? renoise : generate)(denoise, job.x, job.S, random)) {
    await breathe();
    if (cancelled.has(job.id)) return {};
    reply(job, { x });
  }
  return {};
}

/** What the judge reads in digits of [0, 1]: { logits }, ten for each. */
async function read(job) {
  const model = await session("judge");
  const { output } = await model.run({ x: new ort.Tensor("float32", Float32Array.from(job.x), [job.x.length / 784, 1, 28, 28]) });
  return { logits: Float64Array.from(output.data) };
}

/** The training image nearest to each image x, of bytes: { x, distance }. */
async function nearest(job) {
  const training = await trainingImages(job.set), size = job.size, n = job.x.length / size;
  const found = new Float64Array(job.x.length), distance = new Float64Array(n).fill(Infinity);
  for (let i = 0; i < n; i++) {
    let best = 0;
    for (let j = 0; j < training.length; j += size) {
      let sum = 0;
      for (let k = 0; k < size && sum < distance[i]; k++) sum += (job.x[i * size + k] - training[j + k] / 255) ** 2;
      if (sum < distance[i]) [distance[i], best] = [sum, j];
    }
    for (let k = 0; k < size; k++) found[i * size + k] = training[best + k] / 255;
    await breathe();
  }
  return { x: found, distance: distance.map(Math.sqrt) };
}

const trainingSets = new Map();
async function trainingImages(name) {
  if (!trainingSets.has(name)) trainingSets.set(name, await download(`data/${name}.bin`, () => {}));
  return trainingSets.get(name);
}

// --- messages ---------------------------------------------------------------------------------------------------------

const KINDS = { path, cloud, noisePrediction, energy, small, read, nearest };

const reply = (job, part) => self.postMessage({ id: job.id, part });

self.onmessage = async ({ data: job }) => {
  if (job.base) return void (self.base = job.base);
  if (job.cancel) return void cancelled.add(job.cancel);
  try {
    self.postMessage({ id: job.id, done: await KINDS[job.kind](job) });
  } catch (error) {
    self.postMessage({ id: job.id, error: error.message });
  }
  cancelled.delete(job.id);
};
