// The newest image, again and again, over one connection. It is taken anew when it breaks, when it falls silent, and
// when the page is looked at again; a page that nobody sees holds none.

const SILENT = 4000; // ms; the server gives a sign of life every second
const RETRY = 700; // ms
const SINGLE = 1000; // ms between single images, where this browser has too many live pages

// The same for all tabs of this browser.
function browserId() {
  const fresh = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16)).join("");
  try {
    localStorage.edgefkp ??= fresh;
    return localStorage.edgefkp;
  } catch {
    return fresh; // storage is forbidden
  }
}

// The records of a stream: 4 bytes with the length of an image, 4 with its number, the image.
export async function* records(reader) {
  let kept = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const joined = new Uint8Array(kept.length + value.length);
    joined.set(kept);
    joined.set(value, kept.length);
    kept = joined;
    while (kept.length >= 8) {
      const head = new DataView(kept.buffer, kept.byteOffset), length = head.getUint32(0);
      if (kept.length < 8 + length) break;
      yield { number: head.getUint32(4), jpeg: kept.slice(8, 8 + length) };
      kept = kept.subarray(8 + length);
    }
  }
}

export class Live {
  // show(jpeg, number): a new image. say(what): "live", "single", "token", "lost".
  constructor(show, say) {
    Object.assign(this, { show, say, wanted: false, abort: null, heard: 0, browser: browserId() });
    for (const event of ["visibilitychange", "pageshow", "online"])
      (event === "visibilitychange" ? document : window).addEventListener(event, () => this.update());
    setInterval(() => this.watch(), 1000);
  }

  start() { this.wanted = true; this.update(); }

  stop() { this.wanted = false; this.update(); }

  update() {
    const run = this.wanted && !document.hidden;
    if (run && !this.abort) this.run();
    else if (!run) this.abort?.abort();
  }

  watch() {
    if (this.abort && performance.now() - this.heard > SILENT) this.abort.abort();
    this.update();
  }

  async run() {
    const abort = (this.abort = new AbortController());
    this.heard = performance.now();
    let pause = RETRY;
    try {
      const answer = await fetch(`/live/${this.browser}`, { signal: abort.signal, cache: "no-store" });
      if (answer.status === 401) this.say("token");
      else if (answer.status === 429) {
        this.say("single");
        pause = SINGLE;
        const single = await fetch("/frame.jpg", { signal: abort.signal, cache: "no-store" });
        if (single.ok) this.show(new Uint8Array(await single.arrayBuffer()), -1);
      } else if (answer.ok) {
        for await (const { number, jpeg } of records(answer.body.getReader())) {
          this.heard = performance.now();
          if (jpeg.length) {
            this.say("live");
            this.show(jpeg, number);
          }
        }
      } else throw new Error(answer.statusText);
    } catch {
      if (!abort.signal.aborted) this.say("lost");
    }
    abort.abort();
    await new Promise((next) => setTimeout(next, pause));
    this.abort = null;
    this.update();
  }
}
