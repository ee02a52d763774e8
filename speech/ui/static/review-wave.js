// The waveform: an overview of the recording and a stretch of it, drawn from the server's peaks; the sound is never decoded here.
// It always runs from left to right.
import { languageBand, languageRuns, overlapped, patterned } from "./review-patterns.js";
import { say } from "./review-strings.js";
import { clock, graphemes } from "./review-text.js";

const A_SECOND = 100;
const BLOCK_MS = 30_000;
const BLOCKS_KEPT = 40;
const RULER_PX = 18;
const LANE_PX = 20;
/** Where several languages are spoken: below the wave, and below the overview. */
const BAND_PX = 26;
const STRIP_PX = 9;

export class Wave extends EventTarget {
  /** Milliseconds in sight in the stretch. */
  span_ms = 12_000;
  from_ms = 0;
  #blocks = new Map();
  #overview = null;
  #runs = null;
  #due = 0;

  /** Events: `seek` {ms}, `word` {word}. `look` gives `{segments(from, to), chosen(), words(), position_ms(), language(segment), mixed()}`. */
  constructor({ overview, stretch, recording, duration_ms, look }) {
    super();
    Object.assign(this, { overview, stretch, recording, duration_ms, look });
    this.sizes = new ResizeObserver(() => this.redraw());
    for (const canvas of [overview, stretch]) {
      this.sizes.observe(canvas);
      canvas.addEventListener("pointerdown", (event) => this.#pointed(event, canvas));
    }
    stretch.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.shiftKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
        event.preventDefault();
        if (event.ctrlKey) this.zoom(event.deltaY > 0 ? 1.25 : 0.8);
        else this.move((this.span_ms * (event.deltaX || event.deltaY)) / 1000);
      },
      { passive: false },
    );
  }

  end() {
    this.sizes.disconnect();
    cancelAnimationFrame(this.#due);
  }

  /** Bring a span into sight, in the middle where it was not. */
  show(start_ms, end_ms) {
    const margin = this.span_ms * 0.05;
    if (start_ms - margin < this.from_ms || end_ms + margin > this.from_ms + this.span_ms) {
      const middle = (start_ms + Math.min(end_ms, start_ms + this.span_ms * 0.9)) / 2;
      this.#go(middle - this.span_ms / 2);
    }
    this.redraw();
  }

  /** Follow the sound once it has left what is in sight. */
  follow(ms) {
    if (ms > this.from_ms + this.span_ms) this.#go(ms - this.span_ms * 0.1);
    else if (ms < this.from_ms) this.#go(ms - this.span_ms * 0.5);
    this.redraw();
  }

  zoom(factor) {
    const middle = this.from_ms + this.span_ms / 2;
    this.span_ms = Math.min(Math.max(this.duration_ms, 1000), 120_000, Math.max(1000, this.span_ms * factor));
    this.#go(middle - this.span_ms / 2);
    this.redraw();
  }

  move(ms) {
    this.#go(this.from_ms + ms);
    this.redraw();
  }

  #go(from_ms) {
    this.from_ms = Math.max(0, Math.min(from_ms, this.duration_ms - this.span_ms));
  }

  /** Segments have changed. */
  changed() {
    this.#runs = null;
    this.redraw();
  }

  redraw() {
    if (this.#due) return;
    this.#due = requestAnimationFrame(() => {
      this.#due = 0;
      this.#drawOverview();
      this.#drawStretch();
    });
  }

  #pointed(event, canvas) {
    const part = event.offsetX / canvas.clientWidth;
    const ms = canvas === this.overview ? part * this.duration_ms : this.from_ms + part * this.span_ms;
    const body = canvas.clientHeight - RULER_PX - (this.look.mixed() ? BAND_PX : 0);
    const word = canvas === this.stretch && event.offsetY > body - LANE_PX && event.offsetY < body && this.look.words().find((one) => one.start_ms <= ms && ms < one.end_ms);
    if (word) {
      this.dispatchEvent(new CustomEvent("word", { detail: { word } }));
      return;
    }
    if (canvas === this.overview) this.#go(ms - this.span_ms / 2);
    this.dispatchEvent(new CustomEvent("seek", { detail: { ms } }));
    this.redraw();
  }

  async #peaks(from_ms, to_ms, points) {
    const address = `/api/recordings/${this.recording}/peaks?from_ms=${Math.round(from_ms)}&to_ms=${Math.round(to_ms)}&points=${points}`;
    try {
      const answer = await fetch(address);
      this.missing = answer.status === 404;
      if (!answer.ok) return null;
      return { pairs: new Int8Array(await answer.arrayBuffer()), step_ms: Number(answer.headers.get("x-step-ms")) };
    } catch {
      return null;
    }
  }

  #block(number) {
    const known = this.#blocks.get(number);
    if (known !== undefined) {
      this.#blocks.delete(number);
      this.#blocks.set(number, known);
      return known;
    }
    this.#blocks.set(number, null);
    const [from, to] = [number * BLOCK_MS, Math.min(this.duration_ms, (number + 1) * BLOCK_MS)];
    this.#peaks(from, to, ((to - from) / 1000) * A_SECOND + 1).then((found) => {
      if (found) this.#blocks.set(number, found);
      else setTimeout(() => this.#blocks.get(number) === null && this.#blocks.delete(number) && this.redraw(), 3000);
      while (this.#blocks.size > BLOCKS_KEPT) this.#blocks.delete(this.#blocks.keys().next().value);
      this.redraw();
    });
    return null;
  }

  #ready(canvas) {
    const ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width || !height) return null;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    return { pen, width, height, colour, font: style.fontFamily };
  }

  #drawOverview() {
    const ready = this.#ready(this.overview);
    if (!ready) return;
    const { pen, width, colour } = ready;
    const height = ready.height - (this.look.mixed() ? STRIP_PX : 0);
    if (this.#overview === null) {
      this.#overview = { pairs: new Int8Array(0), step_ms: 0 };
      this.#peaks(0, this.duration_ms, 2000).then((found) => {
        if (found) this.#overview = found;
        else setTimeout(() => ((this.#overview = null), this.redraw()), 3000);
        this.redraw();
      });
    }
    const { pairs, step_ms } = this.#overview;
    pen.fillStyle = colour("wave");
    const points = pairs.length / 2;
    for (let x = 0; x < width && points; x++) {
      const first = Math.floor((x / width) * (this.duration_ms / step_ms));
      const last = Math.max(first + 1, Math.floor(((x + 1) / width) * (this.duration_ms / step_ms)));
      const [low, high] = lowestHighest(pairs, first, Math.min(points, last));
      const middle = height / 2;
      pen.fillRect(x, middle - (high / 127) * middle, 1, Math.max(1, ((high - low) / 127) * middle));
    }
    const x = (ms) => (ms / this.duration_ms) * width;
    if (this.look.mixed()) {
      this.#runs ??= languageRuns(this.look.segments(0, this.duration_ms), this.look.language);
      for (const run of this.#runs) patterned(pen, run.number, [x(run.from), height, Math.max(2, x(run.to) - x(run.from)), STRIP_PX], colour);
    }
    pen.fillStyle = colour("accent");
    pen.globalAlpha = 0.18;
    pen.fillRect(x(this.from_ms), 0, Math.max(2, x(this.span_ms)), height);
    pen.globalAlpha = 1;
    pen.fillRect(x(this.from_ms), 0, 1.5, height);
    pen.fillRect(x(this.from_ms + this.span_ms), 0, 1.5, height);
    pen.fillStyle = colour("error");
    pen.fillRect(x(this.look.position_ms()) - 1, 0, 2, height);
  }

  #drawStretch() {
    const ready = this.#ready(this.stretch);
    if (!ready) return;
    const { pen, width, height, colour, font } = ready;
    const x = (ms) => ((ms - this.from_ms) / this.span_ms) * width;
    const mixed = this.look.mixed();
    const body = height - RULER_PX - (mixed ? BAND_PX : 0);
    const chosen = this.look.chosen();
    const inSight = this.look.segments(this.from_ms, this.from_ms + this.span_ms);
    if (chosen && chosen.end_ms > this.from_ms && chosen.start_ms < this.from_ms + this.span_ms) {
      pen.fillStyle = colour("chosen");
      pen.fillRect(x(chosen.start_ms), 0, x(chosen.end_ms) - x(chosen.start_ms), body);
    }
    this.#drawPeaks(pen, width, body, colour("wave"));
    this.#drawRuler(pen, width, height - RULER_PX, colour, font);
    if (this.missing) {
      pen.font = `13px ${font}`;
      pen.fillStyle = colour("quiet");
      pen.textAlign = "center";
      pen.fillText(say("wave.waiting"), width / 2, body / 2 + 4, width);
    }
    const lanes = new Map();
    inSight.sort((a, b) => a.start_ms - b.start_ms);
    overlapped(pen, inSight, { x, height: body, colour, font });
    if (mixed) {
      const parts = inSight.map((one) => ({ from: one.start_ms, to: one.end_ms, ...this.look.language(one) }));
      languageBand(pen, parts, { x, top: body, height: BAND_PX, colour, font });
    }
    pen.font = `13px ${font}`;
    for (const segment of inSight) {
      if (!lanes.has(segment.speaker ?? "")) lanes.set(segment.speaker ?? "", lanes.size % 3);
      const lane = lanes.get(segment.speaker ?? "");
      const [left, right] = [x(segment.start_ms), x(segment.end_ms)];
      const isChosen = segment.id === chosen?.id;
      pen.fillStyle = isChosen ? colour("accent") : colour("line");
      pen.fillRect(left, 0, isChosen ? 2 : 1, body);
      pen.fillRect(right - 1, 0, isChosen ? 2 : 1, body);
      pen.fillRect(left, lane * 18, right - left, isChosen ? 3 : 2);
      if (!segment.speaker) continue;
      pen.save();
      pen.beginPath();
      pen.rect(left + 4, lane * 18, Math.max(0, right - left - 8), 20);
      pen.clip();
      const label = segment.speaker;
      pen.globalAlpha = 0.85;
      pen.fillStyle = colour(isChosen ? "chosen" : "box");
      pen.fillRect(left + 4, lane * 18 + 4, pen.measureText(label).width + 4, 16);
      pen.globalAlpha = 1;
      pen.fillStyle = colour(isChosen ? "accent" : "text");
      pen.textAlign = "left";
      pen.fillText(label, left + 6, lane * 18 + 16);
      pen.restore();
    }
    this.#drawWords(pen, x, body, colour);
    pen.fillStyle = colour("error");
    pen.fillRect(x(this.look.position_ms()) - 1, 0, 2, height);
  }

  /** The words of the chosen segment at their times: a click plays one. */
  #drawWords(pen, x, body, colour) {
    for (const { word, start_ms, end_ms } of this.look.words()) {
      const [left, right] = [x(start_ms), x(end_ms)];
      if (right < 0 || left > this.stretch.clientWidth || right - left < 12) continue;
      pen.save();
      pen.globalAlpha = 0.85;
      pen.fillStyle = colour("page");
      pen.fillRect(left, body - LANE_PX, right - left, LANE_PX);
      pen.globalAlpha = 1;
      pen.fillStyle = colour("line");
      pen.fillRect(left, body - LANE_PX, 1, LANE_PX);
      pen.fillStyle = colour("text");
      pen.textAlign = "left";
      pen.fillText(fitting(pen, word[0], right - left - 6), left + 4, body - 5);
      pen.restore();
    }
  }

  #drawPeaks(pen, width, height, colour) {
    pen.fillStyle = colour;
    const middle = height / 2;
    const a_pixel = this.span_ms / width;
    for (let px = 0; px < width; px++) {
      const from = this.from_ms + px * a_pixel;
      const block = this.#block(Math.floor(from / BLOCK_MS));
      if (!block) continue;
      const first = Math.floor((from % BLOCK_MS) / block.step_ms);
      const last = Math.max(first + 1, Math.ceil(((from % BLOCK_MS) + a_pixel) / block.step_ms));
      const [low, high] = lowestHighest(block.pairs, first, Math.min(block.pairs.length / 2, last));
      pen.fillRect(px, middle - (high / 127) * middle, 1, Math.max(1, ((high - low) / 127) * middle));
    }
  }

  #drawRuler(pen, width, top, colour, font) {
    const steps = [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000];
    const step = steps.find((ms) => (ms / this.span_ms) * width >= 72) ?? 60_000;
    pen.font = `12px ${font}`;
    pen.textAlign = "left";
    pen.fillStyle = colour("quiet");
    for (let ms = Math.ceil(this.from_ms / step) * step; ms < this.from_ms + this.span_ms; ms += step) {
      const at = ((ms - this.from_ms) / this.span_ms) * width;
      pen.fillRect(at, top, 1, 5);
      if (at < width - 44) pen.fillText(clock(ms, step < 1000), at + 4, top + 14);
    }
  }
}

/** A word, or as much of it as there is room for. */
function fitting(pen, word, room) {
  if (pen.measureText(word).width <= room) return word;
  const letters = graphemes(word);
  while (letters.length && pen.measureText(`${letters.join("")}…`).width > room) letters.pop();
  return letters.length ? `${letters.join("")}…` : "";
}

function lowestHighest(pairs, first, last) {
  let [low, high] = [0, 0];
  for (let n = first; n < last; n++) {
    if (pairs[2 * n] < low) low = pairs[2 * n];
    if (pairs[2 * n + 1] > high) high = pairs[2 * n + 1];
  }
  return [low, high];
}
