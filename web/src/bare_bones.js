// Bare-bones diffusion: denoise, then blend, S times.

export async function* generate(D, noise, S) {
  let x = noise;
  for (let step = 0; step < S; step++) {
    const levelIn = 1 - step / S, levelOut = 1 - (step + 1) / S;
    const denoised = await D(x, levelIn);
    const alpha = levelOut / levelIn;
    x = x.map((v, i) => alpha * v + (1 - alpha) * denoised[i]);
    yield x;
  }
}
