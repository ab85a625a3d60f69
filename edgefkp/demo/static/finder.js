// edgefkp/detect/finders/edge.py: every face of an image in one look, by a network in LiteRT.js.

import { moved, rollOf } from "/geometry.js";
import { grayOf, run } from "/network.js";

// One row for each cell of the network's grids: x and y of its middle in pixels, its unit of length.
export function grid({ height, width, cells, reach }) {
  const rows = [];
  for (const side of cells)
    for (let row = 0; row < Math.floor(height / side); row++)
      for (let column = 0; column < Math.floor(width / side); column++)
        rows.push([(column + 0.5) * side - 0.5, (row + 0.5) * side - 0.5, reach * side]);
  return rows;
}

// The faces of one look, the best first, in pixels of the input: [{ x, y, side, score, points }].
// outputs: numbers of all cells, 1, 3 and 2 * K of each.
export function decoded(cells, [scores, boxes, points], spec) {
  const found = [], count = points.length / cells.length / 2;
  cells.forEach(([x, y, unit], i) => {
    if (!(scores[i] > spec.threshold)) return;
    const [dx, dy, log] = boxes.subarray(3 * i, 3 * i + 3);
    const places = Array.from({ length: count }, (_, k) => {
      const at = 2 * (i * count + k);
      return [x + points[at] * unit, y + points[at + 1] * unit];
    });
    const side = unit * Math.exp(Math.min(Math.max(log, -5), 5));
    found.push({ x: x + dx * unit, y: y + dy * unit, side, score: scores[i], points: places });
  });
  return suppressed(found, spec);
}

// The best of each group of overlapping boxes.
export function suppressed(found, { overlap, within, part }) {
  let left = found.map((face, row) => ({ face, row })).sort((a, b) => b.face.score - a.face.score || a.row - b.row);
  const kept = [];
  while (left.length) {
    const one = left[0].face;
    kept.push(one);
    left = left.slice(1).filter(({ face: other }) => {
      const least = Math.min(one.side, other.side), most = (one.side + other.side) / 2;
      const shared = ["x", "y"]
        .map((axis) => Math.max(0, Math.min(most - Math.abs(one[axis] - other[axis]), least)))
        .reduce((a, b) => a * b);
      const area = other.side ** 2, same = shared > overlap * (area + one.side ** 2 - shared);
      return !(same || (shared > within * area && other.side > part * one.side));
    });
  }
  return kept;
}

export class Finder {
  // spec: of /finder.json
  constructor(litert, model, spec) {
    Object.assign(this, { litert, model, spec, cells: grid(spec), ms: 0 });
    this.canvas = new OffscreenCanvas(spec.width, spec.height);
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.context.imageSmoothingQuality = "high";
  }

  // The boxes of the faces in a video's frame, as a training crop lies on them, the best first.
  async find(video) {
    const started = performance.now(), { gray, scale, left, top } = this.look(video);
    const faces = await this.see(gray);
    this.ms = performance.now() - started;
    const { correction, meanShape } = this.spec, onFace = { ...correction, side: correction.scale };
    return faces.map(({ x, y, side, points }) => {
      const place = { x: (x + 0.5 - left) / scale - 0.5, y: (y + 0.5 - top) / scale - 0.5, side: side / scale };
      return moved({ ...place, roll: rollOf(points, meanShape) }, onFace);
    });
  }

  // The whole frame in the middle of the network's input, its edges drawn out to the border.
  look(video) {
    const { width, height } = this.spec, { videoWidth, videoHeight } = video;
    const scale = Math.min(1, height / videoHeight, width / videoWidth);
    const w = Math.max(1, Math.round(videoWidth * scale)), h = Math.max(1, Math.round(videoHeight * scale));
    const left = Math.floor((width - w) / 2), top = Math.floor((height - h) / 2);
    this.context.drawImage(video, left, top, w, h);
    const data = this.context.getImageData(0, 0, width, height).data, gray = grayOf(data, 4);
    const filled = new Uint8Array(gray.length);
    for (let y = 0; y < height; y++) {
      const row = Math.min(Math.max(y, top), top + h - 1) * width;
      for (let x = 0; x < width; x++) filled[y * width + x] = gray[row + Math.min(Math.max(x, left), left + w - 1)];
    }
    return { gray: filled, scale, left, top };
  }

  // gray: height * width bytes
  async see(gray) {
    const pixels = Float32Array.from(gray, (byte) => byte / 255);
    const outputs = await run(this.litert, this.model, pixels, [1, this.spec.height, this.spec.width, 1]);
    // By the number of numbers: their order is the file's.
    outputs.sort((one, other) => one.length - other.length);
    return decoded(this.cells, outputs, this.spec);
  }
}
