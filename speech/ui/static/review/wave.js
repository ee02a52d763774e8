// The waveform from the server's peaks: all of the recording above, what is being worked on below. The file itself is never decoded.
const NEAR_MS = 1500;
const WIDEST_MS = 60000;

export class Wave {
  /** @param {{peaks: function(number, number, number): Promise<Int8Array>, seek: function(number): void}} told */
  constructor(duration_ms, labels, told) {
    this.duration_ms = Math.max(1, duration_ms);
    this.told = told;
    this.whole = canvas("overview", labels.overview);
    this.near = canvas("near", labels.near);
    this.element = document.createElement("div");
    this.element.className = "wave";
    this.element.append(this.whole, this.near);
    this.window = { from: 0, to: Math.min(this.duration_ms, 10000) };
    this.now_ms = 0;
    this.segments = [];
    this.chosen = null;
    this.whole.addEventListener("click", (event) => told.seek(this.at(event, this.whole, 0, this.duration_ms)));
    this.near.addEventListener("click", (event) => told.seek(this.at(event, this.near, this.window.from, this.window.to)));
    new ResizeObserver(() => this.load()).observe(this.element);
  }

  at(event, of, from, to) {
    const box = of.getBoundingClientRect();
    return from + ((event.clientX - box.left) / box.width) * (to - from);
  }

  async load() {
    const width = this.element.clientWidth;
    if (!width) return;
    this.wholePeaks = await this.told.peaks(0, this.duration_ms, Math.min(width, 2000));
    await this.loadNear();
  }

  async loadNear() {
    const { from, to } = this.window;
    const found = await this.told.peaks(Math.round(from), Math.round(to), Math.max(1, Math.min(this.element.clientWidth || 1, 2000)));
    if (from === this.window.from && to === this.window.to) this.nearPeaks = found;
    this.draw();
  }

  /** Show a segment with what is around it. */
  show(segment, segments) {
    this.segments = segments;
    this.chosen = segment;
    const from = Math.max(0, segment.start_ms - NEAR_MS);
    const to = Math.min(this.duration_ms, Math.min(segment.end_ms + NEAR_MS, from + WIDEST_MS));
    this.window = { from, to: Math.max(to, from + 1) };
    this.loadNear();
  }

  moved(now_ms) {
    this.now_ms = now_ms;
    this.draw();
  }

  draw() {
    this.paint(this.whole, this.wholePeaks, 0, this.duration_ms, false);
    this.paint(this.near, this.nearPeaks, this.window.from, this.window.to, true);
  }

  paint(on, peaks, from, to, words) {
    const width = Math.max(1, on.clientWidth);
    const height = Math.max(1, on.clientHeight);
    const ratio = devicePixelRatio || 1;
    if (on.width !== Math.round(width * ratio)) on.width = Math.round(width * ratio);
    if (on.height !== Math.round(height * ratio)) on.height = Math.round(height * ratio);
    const pen = on.getContext("2d");
    const colour = (name) => getComputedStyle(on).getPropertyValue(name).trim();
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const x = (ms) => ((ms - from) / (to - from)) * width;
    for (const one of this.segments) {
      if (one.end_ms < from || one.start_ms > to) continue;
      pen.fillStyle = colour(one.id === this.chosen?.id ? "--chosen" : "--box");
      pen.fillRect(x(one.start_ms), 0, Math.max(1, x(one.end_ms) - x(one.start_ms)), height);
    }
    pen.fillStyle = colour("--wave");
    const count = (peaks?.length ?? 0) / 2;
    for (let n = 0; n < count; n += 1) {
      const [low, high] = [peaks[2 * n], peaks[2 * n + 1]];
      const top = (height / 2) * (1 - high / 127);
      pen.fillRect((n * width) / count, top, Math.max(1, width / count), Math.max(1, (height / 2) * (1 - low / 127) - top));
    }
    if (words && this.chosen) this.edges(pen, x, height, colour("--line"));
    pen.fillStyle = colour("--accent");
    pen.fillRect(x(this.now_ms) - 1, 0, 2, height);
  }

  edges(pen, x, height, colour) {
    pen.fillStyle = colour;
    for (const [, start, end] of this.chosen.words ?? []) {
      if (start !== null && start !== undefined) pen.fillRect(x(start), height - 8, 1, 8);
      if (end !== null && end !== undefined) pen.fillRect(x(end), height - 8, 1, 8);
    }
  }
}

function canvas(name, label) {
  const made = document.createElement("canvas");
  made.className = name;
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", label);
  return made;
}
