// Keypoints of the visitor's own camera, in the browser: the same finder, crop, network, presence check, tracking and
// smoothing as edgefkp's Python.

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

// --- models ----------------------------------------------------------------------------------------------------

async function loadModel(name) {
  const started = performance.now();
  const { model, bytes } = await open(litert, `/models/${name}`);
  network?.delete();
  network = new Network(litert, model, setup.models[name]);
  tracker = new Tracker(network, finder, setup);
  Object.assign(state, { model: name, golden: undefined });
  element("bytes").textContent = (bytes / 1000).toFixed(0);
  element("runtime").textContent = "LiteRT.js, wasm";
  element("runtime").title = `${(performance.now() - started).toFixed(0)} ms to load`;
  await compareWithPython(name);
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

async function compareWithPython(name) {
  const golden = await (await get(`/golden/${name}`)).json(), { spec } = network;
  const bytes = bytesOf(golden.images), size = spec.side * spec.side * spec.channels;
  let far = 0, unsure = 0;
  for (const [number, truth] of golden.keypoints.entries()) {
    const crop = bytes.subarray(number * size, (number + 1) * size);
    const points = await network.predict(crop);
    points.forEach((point, i) => { far = Math.max(far, Math.hypot(point[0] - truth[i][0], point[1] - truth[i][1])); });
    unsure = Math.max(unsure, Math.abs(presence(crop, points, spec, setup.presence) - golden.scores[number]));
  }
  Object.assign(state, { golden: far, presenceApart: unsure });
  element("golden").textContent = `${far.toFixed(4)}, ${state.finderApart.toFixed(4)} px`;
  element("golden").title = `at most: points in ${golden.keypoints.length} images of faces, and the finder's boxes`;
}

// Between two frames, so that no network is taken away while it runs.
async function switchModel() {
  const wanted = state.wanted;
  state.wanted = null;
  try {
    await loadModel(wanted);
    log("");
  } catch (error) {
    log(`${wanted} does not run in the browser: ${error.message}`, true);
    element("model").value = state.model;
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
    for (const id of ["model", "camera"]) element(id).replaceChildren(new Option("needs LiteRT.js"));
    log(`${reason} Type there, once:\n  ${setup.install}\nand start the demo again.`, true);
    return;
  }
  litert = await import("@litertjs/core");
  await litert.loadLiteRt("/litert/core/wasm/");
  const wanted = new URLSearchParams(location.search).get("model");
  for (const name of Object.keys(setup.models)) element("model").add(new Option(name, name, false, name === wanted));
  element("model").onchange = () => { state.wanted = element("model").value; };
  for (const id of Object.keys(TOGGLES)) element(id).onclick = () => toggle(id);
  listen(Object.fromEntries(Object.entries(KEYS).map(([key, id]) => [key, () => toggle(id)])));
  slide("faces", "maxFaces", String);
  slide("confidence", "confidence", shareWords);
  element("camera").onchange = () => useCamera(element("camera").value);
  await loadFinder();
  await loadModel(element("model").value);
  enable(true);
  await useCamera("user");
  state.ready = true;
  await run();
}

main().catch((error) => log(`Something failed: ${error.message}`, true));
