// A square of the plane as n × n cells, row by row from the top.

/** The centres of the cells, flat. */
export function centres(low, high, n) {
  const points = new Float64Array(2 * n * n);
  for (let k = 0; k < n * n; k++) {
    points[2 * k] = low[0] + (((k % n) + 0.5) / n) * (high[0] - low[0]);
    points[2 * k + 1] = high[1] - ((Math.floor(k / n) + 0.5) / n) * (high[1] - low[1]);
  }
  return points;
}

/** A mixture's density in each cell. */
export function densities(mixture, low, high, n) {
  const points = centres(low, high, n);
  return Float64Array.from({ length: n * n }, (_, k) => mixture.density(points[2 * k], points[2 * k + 1]));
}
