// edgefkp/geometry.py: points and boxes { x, y, side, roll }, in pixels of the image with pixel centers at whole
// numbers. roll: degrees counter-clockwise; the crop of the box shows what lies in it upright.

export function mean(points) {
  const sum = points.reduce(([a, b], [x, y]) => [a + x, b + y], [0, 0]);
  return [sum[0] / points.length, sum[1] / points.length];
}

// [x, y] turned counter-clockwise in the image.
export function turned([x, y], degrees) {
  const cosine = Math.cos((degrees * Math.PI) / 180), sine = Math.sin((degrees * Math.PI) / 180);
  return [cosine * x + sine * y, cosine * y - sine * x];
}

// From pixels of the crop of that side to pixels of the image.
export function toImage(points, box, cropSide) {
  const scale = box.side / cropSide, middle = (cropSide - 1) / 2;
  return points.map(([x, y]) => {
    const [dx, dy] = turned([x - middle, y - middle], box.roll);
    return [dx * scale + box.x, dy * scale + box.y];
  });
}

function boxOf(points, { meanShape, side }, roll) {
  const upright = points.map((point) => turned(point, -roll));
  const [mx, my] = mean(upright), [sx, sy] = mean(meanShape), middle = (side - 1) / 2;
  let product = 0, square = 0;
  upright.forEach(([x, y], i) => {
    const dx = meanShape[i][0] - sx, dy = meanShape[i][1] - sy;
    product += (x - mx) * dx + (y - my) * dy;
    square += dx * dx + dy * dy;
  });
  const scale = product / square;
  const [x, y] = turned([mx + scale * (middle - sx), my + scale * (middle - sy)], roll);
  return { x, y, side: Math.abs(scale) * side, roll };
}

// By how many degrees the points are turned counter-clockwise against the mean shape.
export function rollOf(points, meanShape) {
  const [mx, my] = mean(points), [sx, sy] = mean(meanShape);
  let re = 0, im = 0;
  points.forEach(([x, y], i) => {
    const px = x - mx, py = y - my, qx = meanShape[i][0] - sx, qy = meanShape[i][1] - sy;
    re += qx * px + qy * py;
    im += qx * py - qy * px;
  });
  return (-Math.atan2(im, re) * 180) / Math.PI;
}

// The turn of the crop for a face turned by `face` degrees, after a crop turned by `before`. most: degrees up to which
// networks are trained; undefined: no crop is turned.
export function nextRoll(face, before, most = Infinity) {
  const beyond = ((((face - before + 180) % 360) + 360) % 360) - 180;
  if (Math.abs(beyond) <= most) return before;
  return Math.abs(face) <= most ? 0 : face;
}

// The box for the next frame; the one before where the points have collapsed or spread.
export function nextBox(points, spec, before, most) {
  const box = boxOf(points, spec, nextRoll(rollOf(points, spec.meanShape), before.roll, most));
  return box.side > before.side / 3 && box.side < before.side * 3 ? box : before;
}

// Shifted along its own sides by shares of the side, then scaled.
export function moved(box, { x, y, side }) {
  const [dx, dy] = turned([x, y], box.roll);
  return { x: box.x + dx * box.side, y: box.y + dy * box.side, side: side * box.side, roll: box.roll };
}

export const isSame = (one, other, share) =>
  Math.max(Math.abs(one.x - other.x), Math.abs(one.y - other.y)) < share * Math.max(one.side, other.side);
