// edgefkp/detect/overlay.py: the frame with its faces, on a canvas; mirrored on demand, with names that can be read.

const LINE = "#e6e6e6", SHADE = "#1e1e1e";

// faces: [{ box, shown }], spec: of the model.
export function draw(view, video, faces, spec, { mirror, names }) {
  const width = video.videoWidth, height = video.videoHeight;
  if (view.width !== width || view.height !== height) Object.assign(view, { width, height });
  const context = view.getContext("2d");
  context.save();
  if (mirror) {
    context.translate(width, 0);
    context.scale(-1, 1);
  }
  context.drawImage(video, 0, 0);
  context.restore();
  for (const face of faces) {
    const placed = mirror ? mirrored(face, width) : face;
    drawFace(context, placed, spec);
    if (names) drawNames(context, placed, spec, mirror);
  }
}

const mirrored = ({ box, shown, deviations }, width) => ({
  deviations,
  box: { ...box, x: width - 1 - box.x, roll: -box.roll },
  shown: shown.map(([x, y]) => [width - 1 - x, y]),
});

// As opacity() of overlay.py: a point fades as its deviation grows.
function opacity(deviation, side, [low, high, faintest]) {
  return 1 - (1 - faintest) * Math.min(Math.max((deviation / side - low) / (high - low), 0), 1);
}

function drawFace(context, { box: { x, y, side, roll }, shown, deviations }, spec) {
  const radius = Math.max(spec.dot[0], side * spec.dot[1]);
  Object.assign(context, { strokeStyle: LINE, lineWidth: Math.max(1, side / 250) });
  context.save();
  context.translate(x + 0.5, y + 0.5);
  context.rotate((-roll * Math.PI) / 180);
  context.strokeRect(-side / 2, -side / 2, side, side);
  context.restore();
  for (const line of spec.lines) {
    context.beginPath();
    for (const i of line) context.lineTo(shown[i][0] + 0.5, shown[i][1] + 0.5);
    context.stroke();
  }
  shown.forEach(([px, py], i) => {
    context.beginPath();
    context.arc(px + 0.5, py + 0.5, radius, 0, 7);
    context.fillStyle = spec.colors[i];
    context.strokeStyle = SHADE;
    context.globalAlpha = deviations ? opacity(deviations[i], side, spec.doubted) : 1;
    context.stroke();
    context.fill();
    context.globalAlpha = 1;
  });
}

// In two columns beside the box, each with a line to its point.
function drawNames(context, { box, shown }, spec, mirror) {
  const height = context.canvas.height, width = context.canvas.width;
  const longest = Math.max(...spec.nameColumns.map((rows) => rows.length)), many = longest > 15;
  const room = many ? Math.max(7, height / (1.35 * (longest + 1))) : Infinity; // all of them within the image
  const size = Math.min(Math.max(11, box.side / 20), room), step = 1.35 * size;
  Object.assign(context, { font: `${size}px sans-serif`, lineWidth: 1, textAlign: "left" });
  for (const right of [false, true]) {
    const column = spec.nameColumns[Number(right !== mirror)];
    const rows = [...column].sort((a, b) => shown[a][1] - shown[b][1]);
    const above = box.y - (step * rows.length) / 2;
    const top = many ? Math.max(0, Math.min(above, height - step * (rows.length + 1))) : above;
    rows.forEach((i, place) => {
      const name = spec.points[i].replaceAll("_", " "), long = context.measureText(name).width;
      const beside = right ? box.x + box.side / 2 + 10 : box.x - box.side / 2 - 10 - long;
      const x = Math.min(Math.max(beside, 2), width - long - 2), y = top + step * (place + 1);
      context.strokeStyle = spec.colors[i];
      context.beginPath();
      context.moveTo(right ? x - 3 : x + long + 3, y - size / 3);
      context.lineTo(...shown[i]);
      context.stroke();
      Object.assign(context, { strokeStyle: SHADE, lineWidth: 3 });
      context.strokeText(name, x, y);
      Object.assign(context, { fillStyle: "#fff", lineWidth: 1 });
      context.fillText(name, x, y);
    });
  }
}
