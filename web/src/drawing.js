// A digit drawn by mouse or finger, brought to the form of MNIST: 28 × 28, in a box of 20, its mass in the middle.

const WIDTH = 22;

export class Pad {
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    Object.assign(this.context, { lineWidth: WIDTH, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" });
    let last = null;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
    };
    canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); last = place(event); this.stroke(last, last); });
    canvas.addEventListener("pointermove", (event) => { if (last) { const next = place(event); this.stroke(last, next); last = next; } });
    canvas.addEventListener("pointerup", () => { last = null; changed(); });
  }

  stroke(from, to) {
    this.context.beginPath();
    this.context.moveTo(...from);
    this.context.lineTo(...to);
    this.context.stroke();
  }

  wipe() {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /** Put in an image of 28 × 28. */
  put(image) {
    this.wipe();
    const small = Object.assign(document.createElement("canvas"), { width: 28, height: 28 });
    const picture = new ImageData(28, 28);
    image.forEach((v, p) => picture.data.set([255, 255, 255, 255 * Math.min(1, Math.max(0, v))], 4 * p));
    small.getContext("2d").putImageData(picture, 0, 0);
    this.context.drawImage(small, 0, 0, this.canvas.width, this.canvas.height);
  }

  /** The digit as 784 numbers in [0, 1], or null if nothing is drawn. */
  digit() {
    const { width, height } = this.canvas, alpha = this.context.getImageData(0, 0, width, height).data;
    let x0 = width, x1 = -1, y0 = height, y1 = -1;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (alpha[4 * (y * width + x) + 3] > 20) { x0 = Math.min(x0, x); x1 = Math.max(x1, x); y0 = Math.min(y0, y); y1 = Math.max(y1, y); }
      }
    }
    if (x1 < 0) return null;
    const scale = 20 / Math.max(x1 - x0 + 1, y1 - y0 + 1), w = scale * (x1 - x0 + 1), h = scale * (y1 - y0 + 1);
    const boxed = this.small((28 - w) / 2, (28 - h) / 2, x0, y0, x1 - x0 + 1, y1 - y0 + 1, w, h);
    let mass = 0, mx = 0, my = 0;
    boxed.forEach((v, p) => { mass += v; mx += v * (p % 28); my += v * Math.floor(p / 28); });
    const dx = Math.round(13.5 - mx / mass), dy = Math.round(13.5 - my / mass), centred = new Float64Array(784);
    boxed.forEach((v, p) => {
      const x = (p % 28) + dx, y = Math.floor(p / 28) + dy;
      if (x >= 0 && x < 28 && y >= 0 && y < 28) centred[28 * y + x] = v;
    });
    return centred;
  }

  /** A part of the drawing on 28 × 28 pixels. */
  small(left, top, x, y, width, height, w, h) {
    const canvas = Object.assign(document.createElement("canvas"), { width: 28, height: 28 }), context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(this.canvas, x, y, width, height, left, top, w, h);
    const { data } = context.getImageData(0, 0, 28, 28);
    return Float64Array.from({ length: 784 }, (_, p) => data[4 * p + 3] / 255);
  }
}
