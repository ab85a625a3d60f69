// Keypoints of the visitor's own camera, in the browser: the same crop, network, presence check, tracking and
// smoothing as edgefkp's Python. There is no face finder here: when the face is lost, squares of the image are tried.
// Side, colors and points are those of the model: `spec`, from /setup.json.

const SEARCH_MS = 30; // time of a frame for trying squares while there is no face
const SEARCH_PREDICTIONS = 3; // for each of them: the first crop is hardly ever cut well
const element = (id) => document.getElementById(id);
const view = element("view");
const video = document.createElement("video");
video.playsInline = video.muted = true;

const cropCanvas = new OffscreenCanvas(1, 1); // as large as the model's input
const cropContext = cropCanvas.getContext("2d", { willReadFrequently: true });

const state = { box: null, filter: null, smoothing: true, names: false, searched: 0, times: [], network: 0 };
window.edgefkp = state; // for tests, and for the curious
let setup, litert, model, spec;

function log(text, bad = false) {
  element("message").textContent = text;
  element("message").className = bad ? "bad" : "";
}

// --- network ---------------------------------------------------------------------------------------------------

async function loadModel(name) {
  const started = performance.now();
  const bytes = new Uint8Array(await (await get(`/models/${name}`)).arrayBuffer());
  const loaded = await litert.loadAndCompile(bytes, { accelerator: "wasm" });
  model?.delete();
  model = loaded;
  spec = setup.models[name];
  cropCanvas.width = cropCanvas.height = spec.side;
  cropContext.imageSmoothingQuality = "high"; // a canvas that is resized forgets it
  Object.assign(state, { model: name, box: null, filter: null, golden: undefined });
  element("bytes").textContent = (bytes.length / 1000).toFixed(0);
  element("runtime").textContent = `LiteRT.js, wasm (${(performance.now() - started).toFixed(0)} ms to load)`;
  await compareWithPython(name);
}

// crop: side * side * channels bytes. Returns the points in its pixels.
async function predict(crop) {
  const { side, channels, mean, deviation } = spec, pixels = new Float32Array(crop.length);
  for (let i = 0; i < pixels.length; i++) {
    const color = i % channels, channel = spec.blueFirst ? channels - 1 - color : color, at = (i - color) / channels;
    pixels[spec.channelsFirst ? channel * side * side + at : at * channels + channel] = (crop[i] - mean[color]) / deviation[color];
  }
  const input = new litert.Tensor(pixels, spec.channelsFirst ? [1, channels, side, side] : [1, side, side, channels]);
  const started = performance.now();
  const outputs = await model.run(input);
  const numbers = await outputs[spec.output].data();
  state.network = 0.9 * state.network + 0.1 * (performance.now() - started);
  const point = (at) => [numbers[at], numbers[at + 1]].map((n) => n * spec.unit + spec.zero);
  const points = spec.points.map((_, i) => point(spec.stride * i));
  input.delete();
  for (const output of outputs) output.delete();
  return points;
}

async function compareWithPython(name) {
  const golden = await (await get(`/golden/${name}`)).json();
  const bytes = Uint8Array.from(atob(golden.images), (letter) => letter.charCodeAt(0));
  const size = spec.side * spec.side * spec.channels;
  let far = 0, unsure = 0;
  for (const [number, truth] of golden.keypoints.entries()) {
    const crop = bytes.subarray(number * size, (number + 1) * size);
    const points = await predict(crop);
    points.forEach((point, i) => { far = Math.max(far, Math.hypot(point[0] - truth[i][0], point[1] - truth[i][1])); });
    unsure = Math.max(unsure, Math.abs(presence(crop, points) - golden.scores[number]));
  }
  Object.assign(state, { golden: far, presenceApart: unsure });
  element("golden").textContent = `${far.toFixed(4)} px at most (${golden.keypoints.length} images)`;
}

// --- geometry: edgefkp/geometry.py, edgefkp/detect/presence.py --------------------------------------------------

// The model's input: gray, or red, green, blue.
function cropFace(box) {
  const side = spec.side, scale = side / box.side, left = box.x + 0.5 - box.side / 2, top = box.y + 0.5 - box.side / 2;
  cropContext.fillStyle = "#777";
  cropContext.fillRect(0, 0, side, side);
  cropContext.drawImage(video, -left * scale, -top * scale, video.videoWidth * scale, video.videoHeight * scale);
  const rgb = cropContext.getImageData(0, 0, side, side).data.filter((_, i) => i % 4 < 3);
  return spec.channels === 3 ? rgb : grayOf(rgb);
}

function grayOf(rgb) {
  const gray = new Uint8Array(rgb.length / 3);
  for (let i = 0; i < gray.length; i++)
    gray[i] = Math.round(0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2]);
  return gray;
}

function toImage(points, box) {
  const scale = box.side / spec.side, middle = (spec.side - 1) / 2;
  return points.map(([x, y]) => [(x - middle) * scale + box.x, (y - middle) * scale + box.y]);
}

function mean(points) {
  const sum = points.reduce(([a, b], [x, y]) => [a + x, b + y], [0, 0]);
  return [sum[0] / points.length, sum[1] / points.length];
}

function boxOf(points) {
  const shape = spec.meanShape, [mx, my] = mean(points), [sx, sy] = mean(shape), middle = (spec.side - 1) / 2;
  let product = 0, square = 0;
  points.forEach(([x, y], i) => {
    const dx = shape[i][0] - sx, dy = shape[i][1] - sy;
    product += (x - mx) * dx + (y - my) * dy;
    square += dx * dx + dy * dy;
  });
  const scale = product / square;
  return { x: mx + scale * (middle - sx), y: my + scale * (middle - sy), side: Math.abs(scale) * spec.side };
}

function nextBox(points, before) {
  const box = boxOf(points);
  return box.side > before.side / 3 && box.side < before.side * 3 ? box : before;
}

// How likely the points lie on a face of the crop: 0 to 1.
function presence(crop, all) {
  const check = setup.presence, zoom = spec.side / check.referenceSide;
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
  const patch = patchOf(gray, re, im, [sx - re * mx + im * my, sy - im * mx - re * my], check, zoom);
  let evidence = check.bias;
  for (let unit = 0; unit < check.out.length; unit++) {
    let sum = check.hiddenBias[unit];
    for (let i = 0; i < patch.length; i++) sum += check.hidden[unit * patch.length + i] * patch[i];
    evidence += check.out[unit] * Math.max(sum, 0);
  }
  return 1 / (1 + Math.exp(-evidence));
}

function patchOf(gray, re, im, shift, check, zoom) {
  const side = check.patch, margin = check.margin * zoom, last = spec.side - 1;
  const smooth = blurred(gray, Math.floor((check.blur * zoom) / 2));
  const step = (spec.side - 2 * margin) / side, norm = re * re + im * im;
  const at = (x, y) => smooth[Math.min(Math.max(y, 0), last) * spec.side + Math.min(Math.max(x, 0), last)];
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
function blurred(gray, reach) {
  const side = spec.side, last = side - 1, count = (2 * reach + 1) ** 2;
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

// --- tracking and smoothing ------------------------------------------------------------------------------------

class OneEuro {
  points = null;
  speed = null;

  smooth(points, side, seconds) {
    if (!this.points) {
      Object.assign(this, { points, seconds, speed: points.map(() => [0, 0]) });
      return points;
    }
    const passed = seconds - this.seconds;
    if (passed <= 0) return this.points;
    const { minCutoff, beta, speedCutoff } = setup.oneEuro;
    const share = (cutoff) => { const turn = 2 * Math.PI * cutoff * passed; return turn / (turn + 1); };
    this.points = points.map((point, i) => {
      const before = this.points[i];
      this.speed[i] = this.speed[i].map((speed, k) =>
        speed + share(speedCutoff) * ((point[k] - before[k]) / (side * passed) - speed));
      const part = share(minCutoff + beta * Math.hypot(...this.speed[i]));
      return before.map((old, k) => old + part * (point[k] - old));
    });
    this.seconds = seconds;
    return this.points;
  }
}

async function predictBox(box) {
  const crop = cropFace(box), points = await predict(crop);
  return { box, score: presence(crop, points), points: toImage(points, box) };
}

// The face near `box`; predicted again while it lies far beside the crop.
async function predictNear(box, predictions = setup.tracking.maxPredictions) {
  let face = await predictBox(box);
  for (let more = predictions - 1; more > 0; more--) {
    const moved = nextBox(face.points, face.box);
    const far = Math.max(...["x", "y", "side"].map((key) => Math.abs(moved[key] - face.box[key])));
    if (far <= setup.tracking.maxMotion * face.box.side) break;
    face = await predictBox(moved);
  }
  return face;
}

// Squares of every size that a face may have, about half a side apart, those in the middle first.
function squares() {
  const { videoWidth: width, videoHeight: height } = video;
  const far = ({ x, y }) => Math.hypot(x - width / 2, y - height / 2);
  return [0.55, 0.4, 0.28, 0.8].flatMap((share) => {
    const side = share * Math.min(width, height);
    const places = middles(height, side).flatMap((y) => middles(width, side).map((x) => ({ x, y, side })));
    return places.sort((one, other) => far(one) - far(other));
  });
}

function middles(length, side) {
  const steps = Math.ceil((2 * (length - side)) / side);
  return Array.from({ length: steps + 1 }, (_, i) => side / 2 + (i * (length - side)) / Math.max(steps, 1));
}

// As many squares as there is time for; the next frame goes on with those that follow.
async function search() {
  const all = squares(), started = performance.now();
  do {
    const face = await predictNear(all[state.searched++ % all.length], SEARCH_PREDICTIONS);
    if (face.score >= setup.presence.faceThreshold) return face;
  } while (performance.now() - started < SEARCH_MS);
  return null;
}

async function step() {
  let face = state.box && (await predictNear(state.box));
  if (face && face.score < setup.presence.trackThreshold) face = null;
  if (!face) {
    state.filter = null;
    face = await search();
  }
  state.box = face && nextBox(face.points, face.box);
  if (face) {
    state.searched = 0;
    state.filter ??= new OneEuro();
    const smooth = state.filter.smooth(face.points, face.box.side, video.currentTime || performance.now() / 1000);
    face.shown = state.smoothing ? smooth : face.points;
  }
  state.face = face;
  draw(face);
}

// --- drawing and running ---------------------------------------------------------------------------------------

function draw(face) {
  if (view.width !== video.videoWidth || view.height !== video.videoHeight)
    Object.assign(view, { width: video.videoWidth, height: video.videoHeight });
  const context = view.getContext("2d");
  context.drawImage(video, 0, 0);
  if (face) {
    const { x, y, side } = face.box, radius = Math.max(spec.dot[0], side * spec.dot[1]);
    Object.assign(context, { strokeStyle: "#e6e6e6", lineWidth: Math.max(1, side / 250) });
    context.strokeRect(x - side / 2, y - side / 2, side, side);
    for (const line of spec.lines) {
      context.beginPath();
      for (const i of line) context.lineTo(face.shown[i][0] + 0.5, face.shown[i][1] + 0.5);
      context.stroke();
    }
    face.shown.forEach(([px, py], i) => {
      context.beginPath();
      context.arc(px + 0.5, py + 0.5, radius, 0, 7);
      context.fillStyle = spec.colors[i];
      context.strokeStyle = "#1e1e1e";
      context.stroke();
      context.fill();
    });
    if (state.names) drawNames(context, face);
  }
  const now = performance.now();
  state.times = [...state.times.filter((time) => now - time < 2000), now];
  element("fps").textContent = (state.times.length / 2).toFixed(0);
  element("ms").textContent = state.network.toFixed(1);
  element("face").textContent = face ? `sure to ${(100 * face.score).toFixed(0)} %` : "looking for one";
}

// In two columns beside the box, each with a line to its point.
function drawNames(context, { box, shown }) {
  const longest = Math.max(...spec.nameColumns.map((rows) => rows.length)), many = longest > 15;
  const room = many ? Math.max(7, view.height / (1.35 * (longest + 1))) : Infinity; // all of them within the image
  const size = Math.min(Math.max(11, box.side / 20), room), step = 1.35 * size;
  Object.assign(context, { font: `${size}px sans-serif`, lineWidth: 1 });
  for (const right of [false, true]) {
    const rows = [...spec.nameColumns[Number(right)]].sort((a, b) => shown[a][1] - shown[b][1]);
    const x = box.x + (right ? 1 : -1) * (box.side / 2 + 10);
    context.textAlign = right ? "left" : "right";
    const above = box.y - (step * rows.length) / 2;
    const top = many ? Math.max(0, Math.min(above, view.height - step * (rows.length + 1))) : above;
    rows.forEach((i, place) => {
      const y = top + step * (place + 1);
      context.strokeStyle = spec.colors[i];
      context.beginPath();
      context.moveTo(x, y - size / 3);
      context.lineTo(...shown[i]);
      context.stroke();
      context.strokeStyle = "#1e1e1e";
      context.lineWidth = 3;
      context.strokeText(spec.points[i].replaceAll("_", " "), x, y);
      context.lineWidth = 1;
      context.fillStyle = "#fff";
      context.fillText(spec.points[i].replaceAll("_", " "), x, y);
    });
  }
}

async function run() {
  for (;;) {
    if (state.wanted) await switchModel();
    if (video.readyState >= 2) await step();
    await new Promise((next) => requestAnimationFrame(next));
  }
}

// Between two frames, so that no network is taken away while it runs.
async function switchModel() {
  try {
    await loadModel(state.wanted);
    log("");
  } catch (error) {
    log(`${state.wanted} does not run in the browser: ${error.message}`, true);
    element("model").value = state.model;
  }
  state.wanted = null;
}

async function openCamera() {
  if (!navigator.mediaDevices?.getUserMedia) {
    // Browsers give a camera to pages on loopback or with TLS only.
    log("Browsers open a camera only for pages from this machine itself or over TLS. Either start the demo with\n" +
      "  --tls CERT KEY\nor start it without --host, bring its port to your own machine and open http://localhost:" + (location.port || 80) + "/browser\n" +
      `  ssh -L ${location.port || 80}:127.0.0.1:${location.port || 80} USER@${location.hostname}`, true);
    return;
  }
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, facingMode: "user" } });
    video.srcObject.getVideoTracks()[0].onended = () => log("The camera is gone. Plug it in and press “camera”.", true);
    await video.play();
    log("");
  } catch (error) {
    log(`No camera: ${error.message}. Plug one in or allow it, and press “camera”.`, true);
  }
}

async function get(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${await answer.text()}`);
  return answer;
}

function toggle(id) {
  element(id).onclick = () => {
    state[id] = !state[id];
    element(id).textContent = `${id}: ${state[id] ? "on" : "off"}`;
    element(id).setAttribute("aria-pressed", state[id]);
  };
}

async function main() {
  setup = await (await get("/setup.json")).json();
  if (setup.install) {
    log(`LiteRT.js is not on this machine yet. Type there, once:\n  ${setup.install}\nand start the demo again.`, true);
    return;
  }
  litert = await import("@litertjs/core");
  await litert.loadLiteRt("/litert/core/wasm/");
  const wanted = new URLSearchParams(location.search).get("model");
  for (const name of Object.keys(setup.models)) element("model").add(new Option(name, name, false, name === wanted));
  element("model").onchange = () => { state.wanted = element("model").value; };
  toggle("smoothing");
  toggle("names");
  element("camera").onclick = openCamera;
  await loadModel(element("model").value);
  await openCamera();
  state.ready = true;
  await run();
}

main().catch((error) => log(`Something failed: ${error.message}`, true));
