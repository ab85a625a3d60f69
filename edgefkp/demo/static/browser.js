// Keypoints of the visitor's own camera, in the browser: the same finder, crop, network, presence check, tracking and
// smoothing as edgefkp's Python.

import { WASM, WEBGPU, WORDS, adapterOf, noGpu } from "/accelerators.js";
import { Rate, choices, forbidden, nextFrame, openCamera } from "/camera.js";
import { element, listen, percent, showLegend, showToggle } from "/controls.js";
import { draw } from "/drawing.js";
import { Finder } from "/finder.js";
import { Network, bytesOf, get, open } from "/network.js";
import { presence } from "/presence.js";
import { Tracker } from "/tracker.js";

const TOGGLES = { smoothing: true, names: false, mirror: true };
const KEYS = { s: "smoothing", n: "names", f: "mirror" }; // as of the live page
const state = { ...TOGGLES, maxFaces: 1, confidence: 0, frames: 0, faces: [] };
window.edgefkp = state; // for tests, and for the curious
const video = document.createElement("video");
video.playsInline = video.muted = true;
let setup, litert, network, finder, tracker, rate = new Rate();

function log(text, bad = false) {
  element("message").textContent = text;
  element("message").className = bad ? "bad" : "";
}

const LATER = 50; // the inference from which on outputs are compared again: some drivers are right at first only
const APART = 0.05; // px from Python's points: more is another network, or a wrong one

// --- models ----------------------------------------------------------------------------------------------------

async function loadModel(name, accelerator) {
  const started = performance.now();
  const { model, bytes } = await open(litert, `/models/${name}`, accelerator);
  network?.delete();
  network = new Network(litert, model, setup.models[name]);
  tracker = new Tracker(network, finder, setup);
  Object.assign(state, { model: name, accelerator, golden: undefined, goldenLater: undefined });
  state.adapter = accelerator === WEBGPU ? await adapterOf(litert) : null;
  state.fully = accelerator === WEBGPU ? model.isFullyAccelerated : null;
  element("bytes").textContent = (bytes / 1000).toFixed(0);
  element("runtime").textContent = `LiteRT.js, ${accelerator}`;
  element("runtime").title = `${(performance.now() - started).toFixed(0)} ms to load`;
  element("adapter").textContent = state.adapter
    ? `${state.adapter.name}${state.adapter.software ? ", software" : ""}${state.fully ? "" : ", partly"}` : "CPU";
  element("adapter").title = element("adapter").textContent;
  await compareWithPython(name);
  state.doubt = doubt();
}

// What speaks against the times and points of this network here, or "".
function doubt() {
  const far = Math.max(state.golden, state.goldenLater), apart = `${far.toFixed(2)} px from Python's points`;
  const software = state.adapter?.software ? `${state.adapter.name} is a GPU in software: its times are the CPU's.` : "";
  let points = "";
  if (state.golden <= APART && state.goldenLater > APART)
    points = `Wrong: right at the first inferences, ${apart} after ${LATER}.`;
  else if (state.adapter && (far > APART || network.spec.rounds))
    points = `Another network on a GPU, ${apart}: it rounds activations otherwise than the CPU.`;
  else if (far > APART) points = `Wrong: ${apart}.`;
  return [points, software].filter(Boolean).join("\n");
}

async function loadFinder() {
  const spec = await (await get("/finder.json")).json();
  finder = new Finder(litert, (await open(litert, "/finder.tflite")).model, spec);
  const looks = bytesOf(spec.looks), size = spec.height * spec.width;
  state.finderApart = 0;
  for (const [number, truth] of spec.found.entries()) {
    const found = await finder.see(looks.subarray(number * size, (number + 1) * size));
    if (found.length !== truth.length) state.finderApart = Infinity;
    truth.forEach(([x, y, side, score], i) => {
      const own = found[i] ?? { x: Infinity };
      state.finderApart = Math.max(state.finderApart, Math.abs(own.x - x), Math.abs(own.y - y), Math.abs(own.side - side));
      state.finderScoreApart = Math.max(state.finderScoreApart ?? 0, Math.abs(own.score - score));
    });
  }
}

// On all images, and again from the fiftieth inference on.
async function compareWithPython(name) {
  const golden = await (await get(`/golden/${name}`)).json(), { spec } = network;
  const bytes = bytesOf(golden.images), size = spec.side * spec.side * spec.channels;
  let unsure = 0, deviationApart = 0, count = golden.keypoints.length; // the second as a share of the deviation
  const far = { first: 0, later: 0 };
  for (let inference = 0; inference < LATER + count - 1; inference++) {
    const number = inference % count, truth = golden.keypoints[number];
    const crop = bytes.subarray(number * size, (number + 1) * size);
    const { points, deviations } = await network.predict(crop);
    golden.deviations?.[number].forEach((one, i) => {
      deviationApart = Math.max(deviationApart, Math.abs(deviations[i] / one - 1));
    });
    const apart = Math.max(...points.map((point, i) => Math.hypot(point[0] - truth[i][0], point[1] - truth[i][1])));
    const when = inference < count ? "first" : "later";
    if (inference < count || inference >= LATER - 1) far[when] = Math.max(far[when], Number.isFinite(apart) ? apart : 1e6);
    if (when === "first")
      unsure = Math.max(unsure, Math.abs(presence(crop, points, spec, setup.presence) - golden.scores[number]));
  }
  Object.assign(state, { golden: far.first, goldenLater: far.later, presenceApart: unsure, deviationApart });
  element("golden").textContent = `${far.first.toFixed(4)}, ${state.finderApart.toFixed(4)} px`;
  element("golden").title = `at most: points in ${count} images of faces, and the finder's boxes`;
  element("later").textContent = `${far.later.toFixed(4)} px`;
  element("later").title = `at most, in ${count} images of faces`;
}

// Between two frames, so that no network is taken away while it runs.
async function switchModel() {
  const { name, accelerator } = state.wanted;
  state.wanted = null;
  try {
    await loadModel(name, accelerator);
    log(state.doubt, true);
  } catch (error) {
    log(`${name} does not run in the browser by ${accelerator}: ${error.message}`, true);
    element("model").value = state.model;
    element("accelerator").value = state.accelerator;
  }
}

// --- frames ----------------------------------------------------------------------------------------------------

async function run() {
  for (;;) {
    const { seconds, count, now } = await nextFrame(video);
    if (state.wanted) await switchModel();
    if (!video.videoWidth) continue;
    const started = performance.now();
    const faces = await tracker.follow(video, seconds, state);
    state.faces = faces.filter((face) => face.score >= state.confidence);
    state.frames += 1;
    draw(element("view"), video, state.faces, network.spec, state);
    showNumbers(rate.add(count, now), performance.now() - started);
  }
}

let shownAt = 0;

// A few times a second: numbers that change with every frame cannot be read.
function showNumbers({ camera, computed }, ms) {
  Object.assign(state, { camera, computed, frameMs: 0.9 * (state.frameMs ?? ms) + 0.1 * ms });
  if (performance.now() - shownAt < 400) return;
  shownAt = performance.now();
  element("stage").style.setProperty("--aspect", video.videoWidth / video.videoHeight);
  element("fps").textContent = `${computed.toFixed(0)} of ${camera.toFixed(0)}`;
  element("frame").textContent = state.frameMs.toFixed(1);
  element("ms").textContent = network.ms.toFixed(1);
  element("find").textContent = finder.ms ? finder.ms.toFixed(1) : "–";
  element("face").textContent = state.faces.length
    ? `${state.faces.length}: ${state.faces.map((face) => percent(face.score)).join(", ")}` : "none";
}

async function useCamera(choice) {
  const why = forbidden();
  if (why) return log(why, true);
  try {
    state.mirror = await openCamera(video, choice, () => log("The camera is gone. Plug it in and choose it again.", true));
    showToggle(element("mirror"), state.mirror);
    rate = new Rate();
    tracker.tracks = [];
    await fillCameras(choice);
    log("");
  } catch (error) {
    log(`No camera: ${error.message}. Plug one in or allow it, and choose it again.`, true);
  }
}

async function fillCameras(chosen) {
  const options = (await choices()).map(([value, words]) => new Option(words, value, false, value === chosen));
  element("camera").replaceChildren(...options);
}

// --- controls --------------------------------------------------------------------------------------------------

function toggle(id) {
  state[id] = !state[id];
  showToggle(element(id), state[id]);
}

function slide(id, take, words) {
  element(id).oninput = () => {
    state[take] = words.share ? element(id).value / 100 : Number(element(id).value);
    element(`${id}-value`).textContent = words(state[take]);
  };
}

const shareWords = Object.assign(percent, { share: true });

function enable(on, reason = "") {
  for (const control of document.querySelectorAll("aside button, aside select, aside input")) {
    control.disabled = !on;
    if (reason) control.title = reason;
  }
}

async function main() {
  for (const [id, on] of Object.entries(TOGGLES)) showToggle(element(id), on);
  enable(false);
  setup = await (await get("/setup.json")).json();
  showLegend(element("legend"), setup.legend);
  if (setup.install) {
    const reason = "LiteRT.js is not on this machine yet.";
    enable(false, reason);
    for (const id of ["model", "accelerator", "camera"]) element(id).replaceChildren(new Option("needs LiteRT.js"));
    log(`${reason} Type there, once:\n  ${setup.install}\nand start the demo again.`, true);
    return;
  }
  litert = await import("@litertjs/core");
  await litert.loadLiteRt("/litert/core/wasm/");
  const asked = new URLSearchParams(location.search), wanted = asked.get("model"), gpu = await noGpu();
  for (const [value, words] of Object.entries(WORDS))
    element("accelerator").add(new Option(words, value, false, value === asked.get("accelerator")));
  if (gpu) {
    element("accelerator").value = WASM;
    element("accelerator").options[1].disabled = true;
    element("accelerator").title = gpu;
  }
  for (const name of Object.keys(setup.models)) element("model").add(new Option(name, name, false, name === wanted));
  const want = () => { state.wanted = { name: element("model").value, accelerator: element("accelerator").value }; };
  element("model").onchange = element("accelerator").onchange = want;
  for (const id of Object.keys(TOGGLES)) element(id).onclick = () => toggle(id);
  listen(Object.fromEntries(Object.entries(KEYS).map(([key, id]) => [key, () => toggle(id)])));
  slide("faces", "maxFaces", String);
  slide("confidence", "confidence", shareWords);
  element("camera").onchange = () => useCamera(element("camera").value);
  await loadFinder();
  await loadModel(element("model").value, element("accelerator").value);
  enable(true);
  await useCamera("user");
  if (state.doubt) log(state.doubt, true);
  state.ready = true;
  await run();
}

main().catch((error) => log(`Something failed: ${error.message}`, true));
