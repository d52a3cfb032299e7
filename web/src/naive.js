// Naive diffusion, algorithm 2: denoise all, renoise fewer and fewer pixels, S times.

export async function* renoise(f, z, S, random, pixels = 256) {
  for (let s = 0; s < S; s++) {
    const x = await f(z, (S - s) / S);
    yield x;
    const left = Math.round((pixels * (S - s - 1)) / S);
    z = x.slice();
    for (let image = 0; image < x.length; image += pixels) {
      for (const pixel of picked(left, pixels, random)) z[image + pixel] = random() < 0.5 ? 0 : 1;
    }
  }
}

/** `count` different pixels, at random. */
function picked(count, pixels, random) {
  const order = Array.from({ length: pixels }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(random() * (pixels - i));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order.slice(0, count);
}
