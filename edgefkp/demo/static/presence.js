// edgefkp/detect/presence.py: is there a face under these points?

import { mean } from "/geometry.js";
import { grayOf } from "/network.js";

// How likely the points lie on a face of the crop: 0 to 1.
export function presence(crop, all, spec, check) {
  const zoom = spec.side / check.referenceSide;
  // The points that the check was fitted to, as far as they follow from the model's.
  const points = spec.judged.steps.reduce((from, step) => step.map((rows) => mean(rows.map((i) => from[i]))), all);
  const shape = spec.judged.meanShape, [mx, my] = mean(points), [sx, sy] = mean(shape);
  let re = 0, im = 0, square = 0; // the similarity as one complex number
  points.forEach(([x, y], i) => {
    const px = x - mx, py = y - my, qx = shape[i][0] - sx, qy = shape[i][1] - sy;
    re += px * qx + py * qy;
    im += px * qy - py * qx;
    square += px * px + py * py;
  });
  re /= square; im /= square;
  let left = 0;
  points.forEach(([x, y], i) => {
    const px = x - mx, py = y - my;
    left += (re * px - im * py - shape[i][0] + sx) ** 2 + (im * px + re * py - shape[i][1] + sy) ** 2;
  });
  const scale = Math.hypot(re, im) * spec.judged.size;
  if (!(Math.sqrt(left / points.length) / zoom <= check.shapeLimit)) return 0;
  if (!(scale > check.scaleLimits[0] && scale < check.scaleLimits[1])) return 0;
  const gray = spec.channels === 3 ? grayOf(crop) : crop;
  const patch = patchOf(gray, re, im, [sx - re * mx + im * my, sy - im * mx - re * my], check, zoom, spec.side);
  let evidence = check.bias;
  for (let unit = 0; unit < check.out.length; unit++) {
    let sum = check.hiddenBias[unit];
    for (let i = 0; i < patch.length; i++) sum += check.hidden[unit * patch.length + i] * patch[i];
    evidence += check.out[unit] * Math.max(sum, 0);
  }
  return 1 / (1 + Math.exp(-evidence));
}

function patchOf(gray, re, im, shift, check, zoom, cropSide) {
  const side = check.patch, margin = check.margin * zoom, last = cropSide - 1;
  const smooth = blurred(gray, cropSide, Math.floor((check.blur * zoom) / 2));
  const step = (cropSide - 2 * margin) / side, norm = re * re + im * im;
  const at = (x, y) => smooth[Math.min(Math.max(y, 0), last) * cropSide + Math.min(Math.max(x, 0), last)];
  const patch = new Float32Array(side * side);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const u = (column + 0.5) * step + margin - 0.5 - shift[0], v = (row + 0.5) * step + margin - 0.5 - shift[1];
      const x = (re * u + im * v) / norm, y = (re * v - im * u) / norm;
      const left = Math.floor(x), top = Math.floor(y), fx = x - left, fy = y - top;
      patch[row * side + column] =
        (1 - fy) * ((1 - fx) * at(left, top) + fx * at(left + 1, top)) +
        fy * ((1 - fx) * at(left, top + 1) + fx * at(left + 1, top + 1));
    }
  }
  const middle = patch.reduce((a, b) => a + b) / patch.length;
  let length = 0;
  for (let i = 0; i < patch.length; i++) { patch[i] -= middle; length += patch[i] ** 2; }
  length = Math.max(Math.sqrt(length), 1e-3);
  return patch.map((pixel) => pixel / length);
}

// The mean of the (2 reach + 1) ** 2 pixels around each.
function blurred(gray, side, reach) {
  const last = side - 1, count = (2 * reach + 1) ** 2;
  const mirrored = (i) => (i < 0 ? -i : i > last ? 2 * last - i : i); // cv2.blur's own border
  const smooth = new Uint8Array(gray.length);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      let sum = 0;
      for (let dy = -reach; dy <= reach; dy++)
        for (let dx = -reach; dx <= reach; dx++) sum += gray[mirrored(y + dy) * side + mirrored(x + dx)];
      smooth[y * side + x] = Math.round(sum / count);
    }
  return smooth;
}
