// The page of `edgefkp demo --display web`: the live image, its numbers, the demo's commands, and files of one's own.

import { element, listen, percent, showKey, showLegend, showToggle } from "/controls.js";
import { History } from "/history.js";
import { Live } from "/live.js";

const POLL = 400; // ms
const TOGGLES = ["compare", "smoothing", "names", "mirror", "record"];
const STAGES = ["find", "network", "smooth", "total"];
const OWN = { "X-Edgefkp": "1" };
const SAYINGS = {
  live: "",
  single: "This browser shows several live pages already: this one is updated once a second.",
  token: "The demo was started again, with a new token. Open the address that it printed.",
  lost: "The demo has ended, or the connection is lost.",
};
const state = { shown: 0, number: 0, saying: "", own: "", lastSent: 0 };
window.edgefkp = state; // for tests, and for the curious
let page;

// --- the live image --------------------------------------------------------------------------------------------

const image = element("image");
let waiting = null, drawing = false;

// On a canvas: an <img> is empty for a moment whenever its source changes. What comes while one is decoded replaces it.
async function show(jpeg, number) {
  waiting = { jpeg, number };
  if (drawing) return;
  drawing = true;
  while (waiting) {
    const one = waiting;
    waiting = null;
    try {
      const bitmap = await createImageBitmap(new Blob([one.jpeg], { type: "image/jpeg" }));
      if (image.width !== bitmap.width || image.height !== bitmap.height)
        Object.assign(image, { width: bitmap.width, height: bitmap.height });
      image.getContext("2d").drawImage(bitmap, 0, 0);
      bitmap.close();
      Object.assign(state, { shown: state.shown + 1, number: one.number });
    } catch {} // one that came broken; the next one follows
  }
  drawing = false;
}

const live = new Live(show, (saying) => {
  if (saying !== state.saying) {
    state.saying = saying;
    tell();
  }
});

// What is said: what went wrong with this viewer's own file, then the connection, the source, and what a button did.
function tell(numbers = state.numbers) {
  const bad = state.own || SAYINGS[state.saying] || numbers?.message || "";
  element("message").textContent = bad || state.busy || numbers?.told || "";
  element("message").className = bad ? "bad" : "";
}

const histories = {
  fps: new History(element("fps-history"), "frames a second", 0),
  temperature: new History(element("temperature-history"), "temperature of the board, °C"),
};

// --- numbers ---------------------------------------------------------------------------------------------------

function showNumbers(numbers) {
  state.numbers = numbers;
  tell();
  if (element("model").length !== numbers.choices.length)
    element("model").replaceChildren(...numbers.choices.map((name) => new Option(name, name)));
  showFiles(numbers.files);
  if (!numbers.model) return;
  if (document.activeElement !== element("model")) element("model").value = numbers.model;
  element("stage").style.setProperty("--aspect", numbers.size[0] / numbers.size[1]);
  element("runtime").textContent = numbers.runtime;
  element("fps").textContent = numbers.fps.toFixed(0);
  showHistories(numbers);
  element("recorded").hidden = !numbers.dropped;
  element("dropped").textContent = `${numbers.dropped} frames`;
  element("searches").textContent = `${numbers.searches} in ${numbers.frames} frames`;
  element("face").textContent = numbers.faces.length
    ? `${numbers.faces.length}: ${numbers.faces.map((face) => percent(face.score)).join(", ")}` : "none";
  for (const stage of STAGES) {
    element(`ms-${stage}`).textContent = numbers.ms_mean[stage].toFixed(2);
    const share = numbers.ms_mean[stage] / Math.max(numbers.ms_mean.total, 0.01);
    element(`bar-${stage}`).style.width = `${Math.min(100, 100 * share)}%`;
  }
  showComparison(numbers);
  const on = { ...numbers, compare: numbers.comparing, record: numbers.recording };
  for (const id of TOGGLES) showToggle(element(id), Boolean(on[id]));
  showRange("faces", numbers.max_faces, numbers.max_faces);
  showRange("confidence", Math.round(100 * numbers.confidence), percent(numbers.confidence));
}

function showHistories({ fps, temperature }) {
  const now = performance.now() / 1000;
  histories.fps.add(fps, now);
  element("warm").hidden = temperature === null;
  if (temperature === null) return;
  element("temperature").textContent = temperature.toFixed(0);
  histories.temperature.add(temperature, now);
}

function showComparison({ model, compared, comparing, difference }) {
  element("comparison").hidden = !comparing;
  const apart = difference ? `${difference.mean.toFixed(2)} px, at most ${difference.max.toFixed(2)}` : "–";
  element("difference").textContent = apart;
  if (!state.result)
    element("caption").textContent = comparing
      ? compared ? `dots: ${model}, rings: ${compared}` : "there is no other model with these points" : "";
}

function showFiles(names) {
  if (element("files").childElementCount === names.length) return;
  element("files").replaceChildren(...names.map((name) => {
    const link = document.createElement("a");
    link.href = `/files/${encodeURIComponent(name)}`;
    link.download = link.textContent = name;
    const item = document.createElement("li");
    item.append(link);
    return item;
  }));
}

// A slider that somebody moves is left alone.
function showRange(id, value, words) {
  if (performance.now() - state.lastSent < 1500) return;
  element(id).value = value;
  element(`${id}-value`).textContent = words;
}

async function poll() {
  try {
    const answer = await fetch("/numbers");
    if (answer.ok) showNumbers(await answer.json());
  } catch {} // the stream says so
}

async function polling() {
  if (!document.hidden) await poll();
  setTimeout(polling, POLL);
}

// --- commands --------------------------------------------------------------------------------------------------

async function send(command) {
  try {
    await fetch(`/do/${encodeURI(command)}`, { method: "POST", headers: OWN });
  } catch {
    return;
  }
  setTimeout(poll, 60); // a frame later it is carried out
}

function nextModel() {
  send("model");
}

// words: of the slider's value; command: what is sent for it.
function slide(id, words, command) {
  element(id).oninput = () => {
    state.lastSent = performance.now();
    element(`${id}-value`).textContent = words(element(id).value);
  };
  element(id).onchange = () => {
    state.lastSent = performance.now();
    send(command(element(id).value));
  };
}

// --- a photo or a video of one's own ---------------------------------------------------------------------------

const megabytes = (bytes) => `${(bytes / (1 << 20)).toFixed(0)} MB`;

async function upload(file) {
  state.own = "";
  if (file.size > page.upload_bytes) {
    state.own = `${file.name} has ${megabytes(file.size)}; up to ${megabytes(page.upload_bytes)} are taken`;
    return tell();
  }
  state.busy = `predicting ${file.name} …`;
  tell();
  try {
    const answer = await fetch(`/upload/${encodeURIComponent(file.name)}`, { method: "POST", headers: OWN, body: file });
    if (answer.ok) showResult(file.name, await answer.json());
    else state.own = (await answer.text()).replace(/^\d+ /, "").trim();
  } catch {
    state.own = `${file.name} could not be sent`;
  }
  state.busy = "";
  tell();
}

function showResult(name, result) {
  live.stop();
  state.result = result;
  const isImage = result.kind === "image";
  element("photo").hidden = !isImage;
  element("film").hidden = isImage;
  image.hidden = true;
  element("back").hidden = false;
  element(isImage ? "photo" : "film").src = result.result;
  for (const id of ["photo", "film"]) element(id).style.setProperty("--aspect", result.size[0] / result.size[1]);
  const words = isImage
    ? `${result.faces} face${result.faces === 1 ? "" : "s"}${result.faces ? `: ${result.scores.map(percent).join(", ")}` : ""}`
    : `${result.frames} frames, ${result.with_face} with a face, ${result.ms.toFixed(1)} ms each${result.rest && `; ${result.rest}`}`;
  const link = Object.assign(document.createElement("a"), { href: result.download, textContent: "download" });
  element("caption").replaceChildren(`${name}: ${words}  `, link);
}

function back() {
  state.result = null;
  state.own = "";
  element("caption").textContent = "";
  for (const id of ["photo", "film"]) {
    element(id).hidden = true;
    element(id).removeAttribute("src");
  }
  element("film").load();
  image.hidden = false;
  element("back").hidden = true;
  live.start();
  tell();
}

function takeDrops() {
  const stage = element("stage"), hasFile = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    stage.classList.add("drop");
  });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) stage.classList.remove("drop"); });
  addEventListener("drop", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    stage.classList.remove("drop");
    if (event.dataTransfer.files[0]) upload(event.dataTransfer.files[0]);
  });
  element("file").onchange = () => {
    if (element("file").files[0]) upload(element("file").files[0]);
    element("file").value = "";
  };
}

async function main() {
  for (const stage of STAGES) {
    const row = element("stages").insertRow();
    row.innerHTML = `<td>${stage}, ms</td><td id="ms-${stage}">–</td><td><div class="bar" id="bar-${stage}"></div></td>`;
  }
  page = await (await fetch("/page.json")).json();
  showLegend(element("legend"), page.legend);
  element("faces").max = page.most_faces;
  for (const id of TOGGLES) showToggle(element(id), false);
  for (const [command, key] of Object.entries(page.keys)) if (command !== "model") showKey(element(command), key);
  for (const id of [...TOGGLES, "snapshot"]) element(id).onclick = () => send(id);
  element("model").onchange = (event) => send(`model:${event.target.value}`);
  element("back").onclick = back;
  slide("faces", (value) => value, (value) => `faces:${value}`);
  slide("confidence", (value) => percent(value / 100), (value) => `confidence:${(value / 100).toFixed(2)}`);
  listen(Object.fromEntries(Object.entries(page.keys).map(([command, key]) =>
    [key, command === "model" ? nextModel : () => send(command)])));
  takeDrops();
  live.start();
  polling();
}

main();
