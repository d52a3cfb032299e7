// The two-pixel world, as in gmm.py: a Gaussian mixture, and what is known exactly about its diffusion.
// Points lie flat in one array, (x, y) after (x, y). A label is a number, or null for none.

import { normals } from "./random.js";

export class Mixture {
  /** p(x) = Σ_k π_k N(x; μ_k, σ_k² I), with means [[x, y], …], std [σ_k] and weights [π_k]. */
  constructor({ means, std, weights }) {
    Object.assign(this, { means, std, weights });
  }

  /** log π_k + log N(x; μ_k, σ_k² I), for each k. */
  jointLogProb(x, y) {
    return this.means.map(([mx, my], k) => {
      const variance = this.std[k] ** 2;
      return Math.log(this.weights[k]) - ((x - mx) ** 2 + (y - my) ** 2) / (2 * variance) - Math.log(2 * Math.PI * variance);
    });
  }

  /** p(k | x), for each k. */
  posterior(x, y) {
    const joint = this.jointLogProb(x, y), most = Math.max(...joint);
    const p = joint.map((l) => Math.exp(l - most)), sum = p.reduce((a, b) => a + b);
    return p.map((v) => v / sum);
  }

  density(x, y) {
    return this.jointLogProb(x, y).reduce((sum, l) => sum + Math.exp(l), 0);
  }

  /** ∇ log p(x) = Σ_k p(k|x) (μ_k - x)/σ_k². */
  score(x, y) {
    let sx = 0, sy = 0;
    this.posterior(x, y).forEach((p, k) => {
      sx += (p * (this.means[k][0] - x)) / this.std[k] ** 2;
      sy += (p * (this.means[k][1] - y)) / this.std[k] ** 2;
    });
    return [sx, sy];
  }

  /** E[x]. */
  mean() {
    return [0, 1].map((i) => this.means.reduce((sum, m, k) => sum + this.weights[k] * m[i], 0));
  }

  /** tr Cov[x] / 2: the mean variance of a pixel. */
  variance() {
    const mean = this.mean();
    return this.means.reduce((sum, m, k) => {
      const between = ((m[0] - mean[0]) ** 2 + (m[1] - mean[1]) ** 2) / 2;
      return sum + this.weights[k] * (this.std[k] ** 2 + between);
    }, 0);
  }

  /** The distribution of scale · x + shift. */
  affine(scale, shift) {
    const means = this.means.map((m) => m.map((v, i) => scale * v + shift[i]));
    return new Mixture({ means, std: this.std.map((s) => scale * s), weights: this.weights });
  }

  /** p(x | y), or p(x) itself without a label. */
  givenLabel(y) {
    if (y === null) return this;
    return new Mixture({ means: [this.means[y]], std: [this.std[y]], weights: [1] });
  }

  /** q(x_t), the distribution of √ᾱ x + √(1-ᾱ) ε. */
  diffused(alphaBar) {
    const means = this.means.map((m) => m.map((v) => Math.sqrt(alphaBar) * v));
    const std = this.std.map((s) => Math.sqrt(alphaBar * s * s + 1 - alphaBar));
    return new Mixture({ means, std, weights: this.weights });
  }

  /** n points. */
  sample(n, random) {
    const x = normals(2 * n, random);
    for (let i = 0; i < n; i++) {
      let k = 0;
      for (let u = random() - this.weights[0]; u >= 0 && k < this.weights.length - 1; u -= this.weights[k]) k++;
      for (const j of [0, 1]) x[2 * i + j] = this.means[k][j] + this.std[k] * x[2 * i + j];
    }
    return x;
  }

  /** [low, high]: the corners of the box that reaches 4 σ beyond the modes. */
  box() {
    const reach = (sign, extreme) => [0, 1].map((i) => extreme(...this.means.map((m, k) => m[i] + sign * 4 * this.std[k])));
    return [reach(-1, Math.min), reach(1, Math.max)];
  }
}

/** Scale and shift to zero mean and unit mean variance: the space in which the networks work. */
export function standardising(world) {
  const scale = world.variance() ** -0.5;
  return { scale, shift: world.mean().map((m) => -scale * m) };
}

/** ε*(x_t) = E[ε | x_t] = -√(1-ᾱ_t) ∇ log q(x_t), the exact denoiser; every image has the same label, or none. */
export function exactDenoiser(mixture, schedule) {
  return (x, t, y) => {
    const alphaBar = schedule.alphas_cumprod[t];
    const noisy = mixture.givenLabel(y).diffused(alphaBar), b = Math.sqrt(1 - alphaBar);
    const eps = new Float64Array(x.length);
    for (let i = 0; i < x.length; i += 2) {
      const [sx, sy] = noisy.score(x[i], x[i + 1]);
      eps[i] = -b * sx;
      eps[i + 1] = -b * sy;
    }
    return eps;
  };
}
