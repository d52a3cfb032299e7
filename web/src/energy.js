// The energy distance of samples to a mixture, with the truth's side exact, and its noise floor, as in
// evaluation/metrics.py, for points in the plane.

/** E‖δ + σ z‖ in the plane, for z ~ N(0, I) and ‖δ‖ = distance: σ √(π/2) ₁F₁(-½; 1; -distance²/2σ²). */
export function expectedNorm(distance, std) {
  return std * Math.sqrt(Math.PI / 2) * kummer((distance / std) ** 2 / 2);
}

/** ₁F₁(-½; 1; -u), by its series e^{-u} ₁F₁(3/2; 1; u) where u is small, and by its asymptotic series where not. */
function kummer(u) {
  let term = 1, sum = 1;
  if (u < 30) {
    for (let n = 0; term > 1e-17 * sum; n++) {
      term *= ((1.5 + n) * u) / (n + 1) ** 2;
      sum += term;
    }
    return Math.exp(-u) * sum;
  }
  for (let n = 0; n < 20; n++) {
    term *= (n - 0.5) ** 2 / ((n + 1) * u);
    sum += term;
  }
  return 2 * Math.sqrt(u / Math.PI) * sum;
}

/** E‖x-Y‖ over the truth Y. */
function normToTruth(x, y, mixture) {
  return mixture.means.reduce(
    (sum, [mx, my], k) => sum + mixture.weights[k] * expectedNorm(Math.hypot(x - mx, y - my), mixture.std[k]), 0);
}

/** E‖Y-Y'‖ of two independent draws of the truth. */
function normWithinTruth({ means, std, weights }) {
  let sum = 0;
  means.forEach((m, i) => means.forEach((n, j) => {
    sum += weights[i] * weights[j] * expectedNorm(Math.hypot(m[0] - n[0], m[1] - n[1]), Math.hypot(std[i], std[j]));
  }));
  return sum;
}

/** f(i, j, ‖x_i - x_j‖) for each pair of points. */
function forEachPair(x, f) {
  for (let i = 0; i < x.length; i += 2) {
    for (let j = i + 2; j < x.length; j += 2) f(i / 2, j / 2, Math.sqrt((x[i] - x[j]) ** 2 + (x[i + 1] - x[j + 1]) ** 2));
  }
}

const toTruth = (x, mixture) => Float64Array.from({ length: x.length / 2 }, (_, i) => normToTruth(x[2 * i], x[2 * i + 1], mixture));

/** 2 E‖X-Y‖ - E‖X-X'‖ - E‖Y-Y'‖ of samples to a mixture, unbiased: zero on average for true samples. */
export function energyDistance(x, mixture) {
  const n = x.length / 2;
  let within = 0;
  forEachPair(x, (_i, _j, distance) => { within += distance; });
  const across = toTruth(x, mixture).reduce((sum, v) => sum + v) / n;
  return 2 * across - within / ((n * (n - 1)) / 2) - normWithinTruth(mixture);
}

/** The standard deviation of the energy distance of n true samples, from the pairs of `points`, true samples too. */
export function energyDistanceFloor(mixture, n, points) {
  const toPoint = toTruth(points, mixture), within = normWithinTruth(mixture), m = points.length / 2;
  let squares = 0;
  forEachPair(points, (i, j, distance) => { squares += (toPoint[i] + toPoint[j] - distance - within) ** 2; });
  return Math.sqrt((2 * squares) / ((m * (m - 1)) / 2) / (n * (n - 1)));
}
