// edgefkp/detect/tracker.py: the next box comes from this frame's points; the finder runs when a face is lost, and now
// and then while more faces may be followed.

import { isSame, moved, nextBox, nextRoll, toImage } from "/geometry.js";
import { presence } from "/presence.js";

export class OneEuro {
  points = null;

  // settings: of /setup.json
  constructor(settings) { this.settings = settings; }

  // deviations: of the points in pixels, or null; see edgefkp/detect/smoothing.py.
  smooth(points, side, seconds, deviations = null) {
    if (!this.points) {
      Object.assign(this, { points, seconds, speed: [] });
      return points;
    }
    const passed = seconds - this.seconds;
    if (passed <= 0) return this.points;
    const { minCutoff, beta, speedCutoff, usual } = this.settings;
    const share = (cutoff) => { const turn = 2 * Math.PI * cutoff * passed; return turn / (turn + 1); };
    this.points = points.map((point, i) => {
      const before = this.points[i], doubt = deviations ? Math.max(1, deviations[i] / (usual * side)) ** 2 : 1;
      const doubted = (part) => part / (part + (1 - part) * doubt);
      const velocity = point.map((place, k) => (place - before[k]) / (side * passed));
      this.speed[i] = (this.speed[i] ?? velocity).map((speed, k) =>
        speed + doubted(share(speedCutoff)) * (velocity[k] - speed));
      const part = doubted(share(minCutoff + beta * Math.hypot(...this.speed[i])));
      return before.map((old, k) => old + part * (point[k] - old));
    });
    this.seconds = seconds;
    return this.points;
  }
}

export class Tracker {
  tracks = [];
  numbered = 0;
  searched = -Infinity;
  lostUntil = -Infinity; // seconds; a face that was lost is searched for more often until then

  // setup: of /setup.json. finder: has find(video) -> boxes.
  constructor(network, finder, setup) { Object.assign(this, { network, finder, setup }); }

  // The faces of the video's frame, which was taken at `seconds`: [{ number, box, score, points, shown }].
  async follow(video, seconds, { maxFaces, smoothing }) {
    const faces = await this.known(video), { lost, regain, rediscover } = this.setup.tracking;
    if (faces.length < this.tracks.length) this.lostUntil = seconds + lost;
    faces.splice(maxFaces);
    const wait = seconds < this.lostUntil ? regain : rediscover;
    if (!faces.length || (faces.length < maxFaces && seconds - this.searched >= wait)) {
      this.searched = seconds;
      faces.push(...(await this.search(video, faces, maxFaces)));
    }
    this.tracks = faces.map((face) => ({ ...face, box: this.next(face) }));
    for (const face of faces) {
      const smooth = face.filter.smooth(face.points, face.box.side, seconds, face.deviations);
      face.shown = smoothing ? smooth : face.points;
    }
    return faces;
  }

  async known(video) {
    const kept = [];
    for (const { number, box, filter } of this.tracks) {
      const face = await this.near(video, box);
      if (face.score >= this.setup.presence.trackThreshold && !this.isTaken(face, kept))
        kept.push({ ...face, number, filter });
    }
    return kept;
  }

  async search(video, known, maxFaces) {
    const fresh = [];
    for (const box of await this.finder.find(video)) {
      if (known.length + fresh.length >= maxFaces) break;
      const face = await this.refined(video, box);
      if (face.score < this.setup.presence.faceThreshold || this.isTaken(face, [...known, ...fresh])) continue;
      fresh.push({ ...face, number: ++this.numbered, filter: new OneEuro(this.setup.oneEuro) });
    }
    return fresh;
  }

  // A box that seems turned is looked at upright as well, unless its points are surely good.
  async refined(video, box) {
    const { maxRoll, sure } = this.setup.tracking, roll = nextRoll(box.roll, 0, maxRoll);
    const look = (turn) => this.near(
      video, moved({ ...box, roll: turn }, this.network.spec.reframed), 2);
    const turned = await look(roll);
    if (!roll || turned.score >= sure) return turned;
    const upright = await look(0);
    return upright.score > turned.score ? upright : turned;
  }

  isTaken({ box }, others) {
    return others.some((other) => isSame(box, other.box, this.setup.tracking.sameFace));
  }

  next({ points, box }) {
    return nextBox(points, this.network.spec, box, this.setup.tracking.maxRoll);
  }

  async at(video, box) {
    const { network, setup } = this, crop = network.crop(video, box);
    const { points, deviations } = await network.predict(crop);
    const score = presence(crop, points, network.spec, setup.presence), scale = box.side / network.spec.side;
    const sizes = deviations?.map((one) => one * scale) ?? null;
    return { box, score, points: toImage(points, box, network.spec.side), deviations: sizes };
  }

  // The face near `box`; predicted again while it lies far beside the crop.
  async near(video, box, predictions = this.setup.tracking.maxPredictions) {
    let face = await this.at(video, box);
    for (let more = predictions - 1; more > 0; more--) {
      const next = this.next(face);
      const far = Math.max(...["x", "y", "side"].map((key) => Math.abs(next[key] - face.box[key])));
      if (far <= this.setup.tracking.maxMotion * face.box.side && next.roll === face.box.roll) break;
      face = await this.at(video, next);
    }
    return face;
  }
}
