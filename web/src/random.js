// Seeded randomness: the same seed gives the same noise, so that two paths can share it.

/** Uniform numbers in [0, 1) (mulberry32). */
export function uniforms(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let z = Math.imul(a ^ (a >>> 15), a | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** n draws of N(0, 1) by Box and Muller. */
export function normals(n, random) {
  const z = new Float64Array(n);
  for (let i = 0; i < n; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random())), angle = 2 * Math.PI * random();
    z[i] = radius * Math.cos(angle);
    if (i + 1 < n) z[i + 1] = radius * Math.sin(angle);
  }
  return z;
}

/** The seed of the noise on the way, for an x_T that was drawn from this seed: the two must not be the same noise. */
export const noiseSeed = (seed) => seed + 1_000_000;
