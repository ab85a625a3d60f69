// The last minutes of a number as a line: what becomes of a board when it gets warm.

export const SPAN = 180, STEP = 2; // seconds
const WIDTH = 120, HEIGHT = 26;

export class History {
  // svg: the <svg> that is drawn into; words: what it is, with its unit; from: the least value of the axis, or null for
  // the least one shown.
  constructor(svg, words, from = null) {
    Object.assign(this, { svg, words, from, points: [] });
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.innerHTML = '<polyline vector-effect="non-scaling-stroke"/>';
  }

  // A value at a time in seconds; what comes sooner than STEP after the last one is left out.
  add(value, now) {
    if (this.points.length && now - this.points.at(-1).now < STEP) return;
    this.points.push({ now, value });
    while (this.points[0].now < now - SPAN) this.points.shift();
    this.draw(now);
  }

  draw(now) {
    const values = this.points.map((point) => point.value);
    const least = this.from ?? Math.min(...values) - 1, most = Math.max(...values, least + 1);
    const x = (point) => WIDTH * (1 - (now - point.now) / SPAN);
    const y = (point) => HEIGHT - 2 - (HEIGHT - 4) * (point.value - least) / (most - least);
    const line = this.points.map((point) => `${x(point).toFixed(1)},${y(point).toFixed(1)}`).join(" ");
    this.svg.firstChild.setAttribute("points", line);
    const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(0));
    const range = low === high ? low : `${low} to ${high}`;
    this.svg.setAttribute("aria-label", `${this.words}: ${range} in the last ${SPAN / 60} minutes`);
    this.svg.parentElement.title = this.svg.getAttribute("aria-label");
  }
}
