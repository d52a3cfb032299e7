// Small images on canvases.

/** Show images of [0, 1], flat one after the other, of shape [channels, height, width], in an element. */
export function show(element, images, [channels, height, width], describe) {
  const size = channels * height * width, n = images.length / size;
  while (element.children.length > n) element.lastChild.remove();
  while (element.children.length < n) {
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    element.append(canvas);
  }
  [...element.children].forEach((canvas, k) => {
    Object.assign(canvas, { width, height });
    canvas.setAttribute("aria-label", describe(k));
    const picture = new ImageData(width, height), pixels = width * height;
    for (let p = 0; p < pixels; p++) {
      for (let c = 0; c < 3; c++) {
        const value = images[k * size + (channels === 3 ? c * pixels : 0) + p];
        picture.data[4 * p + c] = 255 * Math.min(1, Math.max(0, value));
      }
      picture.data[4 * p + 3] = 255;
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
  });
}
