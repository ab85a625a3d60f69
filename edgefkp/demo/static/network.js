// A keypoint network in LiteRT.js. Side, colors and points are those of the model: `spec`, from /setup.json.

export async function get(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${await answer.text()}`);
  return answer;
}

// Opens a .tflite: { model, bytes }. accelerator: "wasm" or "webgpu".
export async function open(litert, url, accelerator = "wasm") {
  const bytes = new Uint8Array(await (await get(url)).arrayBuffer());
  return { model: await litert.loadAndCompile(bytes, { accelerator }), bytes: bytes.length };
}

// The outputs of a model for one input, as arrays of numbers. A GPU has computed nothing before its outputs are read,
// so whoever times a network times this.
export async function run(litert, model, pixels, shape) {
  const input = new litert.Tensor(pixels, shape);
  const outputs = await model.run(input);
  const arrays = await Promise.all(outputs.map((output) => output.data()));
  const copies = arrays.map((array) => Float32Array.from(array));
  input.delete();
  for (const output of outputs) output.delete();
  return copies;
}

export class Network {
  constructor(litert, model, spec) {
    Object.assign(this, { litert, model, spec, ms: 0 });
    this.canvas = new OffscreenCanvas(spec.side, spec.side);
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.context.imageSmoothingQuality = "high";
  }

  delete() { this.model.delete(); }

  // crop: side * side * channels bytes. Returns the points in its pixels, and the deviation of each; null for a model
  // without deviations.
  async predict(crop) {
    const { side, channels, channelsFirst, points, output, deviationOutput, stride, unit, zero } = this.spec;
    const shape = channelsFirst ? [1, channels, side, side] : [1, side, side, channels];
    const started = performance.now();
    const outputs = await run(this.litert, this.model, this.input(crop), shape), numbers = outputs[output];
    this.ms = 0.9 * this.ms + 0.1 * (performance.now() - started);
    return {
      points: points.map((_, i) => [numbers[stride * i], numbers[stride * i + 1]].map((n) => n * unit + zero)),
      deviations: deviationOutput == null ? null : Array.from(outputs[deviationOutput], (n) => Math.exp(n) * unit),
    };
  }

  // The crop as the graph expects it: scaled, and in its order of colors and axes.
  input(crop) {
    const { side, channels, mean, deviation, blueFirst, channelsFirst } = this.spec;
    const pixels = new Float32Array(crop.length);
    for (let i = 0; i < pixels.length; i++) {
      const color = i % channels, channel = blueFirst ? channels - 1 - color : color, at = (i - color) / channels;
      const place = channelsFirst ? channel * side * side + at : at * channels + channel;
      pixels[place] = (crop[i] - mean[color]) / deviation[color];
    }
    return pixels;
  }

  // The model's input: gray, or red, green, blue.
  crop(video, box) {
    const side = this.spec.side, scale = side / box.side;
    this.context.resetTransform();
    this.context.fillStyle = "#777";
    this.context.fillRect(0, 0, side, side);
    this.context.translate(side / 2, side / 2);
    this.context.rotate((box.roll * Math.PI) / 180);
    this.context.scale(scale, scale);
    this.context.drawImage(video, -box.x - 0.5, -box.y - 0.5);
    const rgb = this.context.getImageData(0, 0, side, side).data.filter((_, i) => i % 4 < 3);
    return this.spec.channels === 3 ? rgb : grayOf(rgb);
  }
}

export function grayOf(rgb, step = 3) {
  const gray = new Uint8Array(rgb.length / step);
  for (let i = 0; i < gray.length; i++)
    gray[i] = Math.round(0.299 * rgb[step * i] + 0.587 * rgb[step * i + 1] + 0.114 * rgb[step * i + 2]);
  return gray;
}

export const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
