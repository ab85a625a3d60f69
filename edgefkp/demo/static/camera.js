// The visitor's cameras: which there are, one of them opened, each of its frames once.

const FACING = { user: "front camera", environment: "back camera" };

// What to say where a page may open no camera, or "".
export function forbidden() {
  if (navigator.mediaDevices?.getUserMedia) return "";
  const port = location.port || 80;
  // Browsers give a camera to pages on loopback or with TLS only.
  return "Browsers open a camera only for pages from this machine itself or over TLS. Either start the demo with\n" +
    `  --tls CERT KEY\nor start it without --host, bring its port to your own machine and open http://localhost:${port}/browser\n` +
    `  ssh -L ${port}:127.0.0.1:${port} USER@${location.hostname}`;
}

// [value, words] of each choice: by the side it looks to, and by name once the browser gives the names.
export async function choices() {
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
  const named = devices.filter(({ label }) => label).map(({ deviceId, label }) => [`id:${deviceId}`, label]);
  return [...Object.entries(FACING), ...named];
}

// choice: a value of `choices`. Returns whether the camera looks at its user.
export async function openCamera(video, choice, gone) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  const which = choice.startsWith("id:") ? { deviceId: { exact: choice.slice(3) } } : { facingMode: choice };
  const size = { width: { ideal: 640 }, height: { ideal: 480 } };
  const stream = await navigator.mediaDevices.getUserMedia({ video: { ...size, ...which } });
  const [track] = stream.getVideoTracks();
  track.onended = gone;
  video.srcObject = stream;
  await video.play();
  return track.getSettings().facingMode !== "environment" && choice !== "environment";
}

// The next frame that the camera gives: { now, seconds, count }, now being the page's clock, seconds the camera's, and
// count the frames so far.
export function nextFrame(video) {
  if (video.requestVideoFrameCallback)
    return new Promise((next) => video.requestVideoFrameCallback((now, { mediaTime, presentedFrames }) =>
      next({ now, seconds: mediaTime, count: presentedFrames })));
  // An older browser: a frame is new when its time is.
  const before = video.currentTime;
  return new Promise((next) => {
    const look = () => video.currentTime !== before
      ? next({ now: performance.now(), seconds: video.currentTime, count: null }) : requestAnimationFrame(look);
    requestAnimationFrame(look);
  });
}

// Frames a second over the last two seconds: those that came, and those that were computed.
export class Rate {
  seen = [];

  add(count, now) {
    this.seen = [...this.seen.filter((one) => now - one.now < 2000), { count, now }];
    const [first] = this.seen, last = this.seen.at(-1), passed = (last.now - first.now) / 1000;
    if (!passed) return { camera: 0, computed: 0 };
    const computed = (this.seen.length - 1) / passed;
    return { camera: count === null ? computed : (last.count - first.count) / passed, computed };
  }
}
