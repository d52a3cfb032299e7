// The way back from noise, as in utils.py and samplers.py, for images of any size that lie flat in one array.
// A denoiser is (x_t, t, y) => ε̂, or a promise of it. A schedule has tables of length T+1, indexed by t itself.
// A sampler yields [s, x_s, x̂_0] after each step; noise(t) is the z that the step from t adds.
// √ᾱ_t is written a_t, and √(1-ᾱ_t) is b_t.

const a = (schedule, t) => Math.sqrt(schedule.alphas_cumprod[t]);
const b = (schedule, t) => Math.sqrt(1 - schedule.alphas_cumprod[t]);

/** n + 1 values of t from `from` down to 0, as equal as whole numbers allow. */
export function stepsOf(from, n) {
  return Array.from({ length: n + 1 }, (_, i) => halfToEven((from * (n - i)) / n));
}

/** Python's round. */
function halfToEven(x) {
  const floor = Math.floor(x);
  return x - floor === 0.5 ? floor + (floor % 2) : Math.round(x);
}

/** x_t = a_t x_0 + b_t ε (eq. 3). */
export function addNoise(schedule, x0, t, eps) {
  return x0.map((x, i) => a(schedule, t) * x + b(schedule, t) * eps[i]);
}

/** x̂_0 = (x_t - b_t ε̂) / a_t. */
export function x0FromEps(schedule, x, t, eps) {
  const at = a(schedule, t), bt = b(schedule, t);
  return x.map((v, i) => (v - bt * eps[i]) / at);
}

/** ε̂ = a_t v̂ + b_t x_t, from the output of a network that predicts v. */
export function epsFromV(schedule, x, t, v) {
  const at = a(schedule, t), bt = b(schedule, t);
  return x.map((value, i) => at * v[i] + bt * value);
}

/** ε̄ = (1+w) ε(x_t, t, y) - w ε(x_t, t, ∅) (eq. 18). */
export function guided(denoiser, w) {
  if (w === 0) return denoiser;
  return async (x, t, y) => {
    if (y === null) return denoiser(x, t, null);
    const told = await denoiser(x, t, y), untold = await denoiser(x, t, null);
    return told.map((e, i) => (1 + w) * e - w * untold[i]);
  };
}

/** The denoiser with its x̂_0 held within [low, high], one number for each pixel of an image. */
export function clipped(denoiser, schedule, low, high) {
  return async (x, t, y) => {
    const x0 = x0FromEps(schedule, x, t, await denoiser(x, t, y)), d = low.length;
    const at = a(schedule, t), bt = b(schedule, t);
    return x0.map((v, i) => (x[i] - at * Math.min(Math.max(v, low[i % d]), high[i % d])) / bt);
  };
}

/** x_{t-1} = (x_t - (1-α_t)/√(1-ᾱ_t) ε̂) / √α_t + σ_t z (eq. 13), with σ_t² = β̃_t or β_t, and none at the last step. */
export function eq13(variance) {
  return async function* (denoiser, schedule, steps, x, y, noise) {
    for (let t = steps[0]; t > 0; t--) {
      const eps = await denoiser(x, t, y), z = noise(t);
      const share = schedule.betas[t] / b(schedule, t), root = Math.sqrt(schedule.alphas[t]);
      const sigma = t > 1 ? Math.sqrt(schedule[variance][t]) : 0;
      const x0 = x0FromEps(schedule, x, t, eps);
      x = x.map((v, i) => (v - share * eps[i]) / root + sigma * z[i]);
      yield [t - 1, x, x0];
    }
  };
}

/** x_s = a_s x̂_0 + √(b_s² - σ²) ε̂ + σ z, σ² = η² b_s²/b_t² (1 - ᾱ_t/ᾱ_s): η = 0 adds no noise (Song et al. 2021). */
export function ddim(eta) {
  return async function* (denoiser, schedule, steps, x, y, noise) {
    for (let i = 0; i + 1 < steps.length; i++) {
      const t = steps[i], s = steps[i + 1];
      const eps = await denoiser(x, t, y), z = noise(t);
      const x0 = x0FromEps(schedule, x, t, eps);
      const bs = b(schedule, s), ratio = schedule.alphas_cumprod[t] / schedule.alphas_cumprod[s];
      const sigma = ((eta * bs) / b(schedule, t)) * Math.sqrt(1 - ratio);
      const rest = Math.sqrt(bs * bs - sigma * sigma), as = a(schedule, s);
      x = x0.map((v, j) => as * v + rest * eps[j] + sigma * z[j]);
      yield [s, x, x0];
    }
  };
}

/** DPM-Solver++(2M): x_s = b_s/b_t x_t - a_s (e^{-h} - 1) D, D = x̂_0 + (x̂_0 - x̂_0 before) h/2h_before (Lu et al. 2022). */
export async function* dpmSolver(denoiser, schedule, steps, x, y) {
  const lambda = (t) => Math.log(a(schedule, t) / b(schedule, t));
  let before = null, hBefore = null;
  for (let i = 0; i + 1 < steps.length; i++) {
    const t = steps[i], s = steps[i + 1];
    const x0 = x0FromEps(schedule, x, t, await denoiser(x, t, y));
    if (s === 0) x = x0;
    else {
      const h = lambda(s) - lambda(t), last = before, ratio = h / (2 * hBefore);
      const keep = b(schedule, s) / b(schedule, t), add = a(schedule, s) * Math.expm1(-h);
      x = x.map((v, j) => keep * v - add * (last ? x0[j] + ratio * (x0[j] - last[j]) : x0[j]));
      [before, hBefore] = [x0, h];
    }
    yield [s, x, x0];
  }
}

export const SAMPLERS = {
  posterior: eq13("posterior_variance"),
  beta: eq13("betas"),
  ddpm: ddim(1),
  ddim: ddim(0),
  dpm_solver: dpmSolver,
};
