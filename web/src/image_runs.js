// What the second and the third scene share: the committed runs on images, and their model space.

/** What the worker needs to know of a run. */
export function imageRequest(tables, model, nullLabel) {
  const { T, shape, low, high } = tables.images[model];
  return { model, schedule: tables.schedules[T], shape, low: [low], high: [high], nullLabel };
}

/** Model space to pixel space, held to [0, 1]. */
export const toPixels = ({ mean, std }, x) => x.map((v) => Math.min(1, Math.max(0, v * std + mean)));

/** Pixel space to model space. */
export const toModel = ({ mean, std }, x) => x.map((v) => (v - mean) / std);
