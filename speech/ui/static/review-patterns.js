// What is told on the waveform by pattern, not by colour: the languages of segments, each with its code, and where people speak at once.

const TILE_PX = 8;
const CODE_PX = 12;
/** The number of a language that is not known. */
export const NONE = -1;

/** Strokes of one tile for each pattern: from x, y to x, y; a dot where both are the same. */
const STROKES = [
  [[0, 8, 8, 0], [-2, 2, 2, -2], [6, 10, 10, 6]],
  [[2, 2, 2, 2], [6, 6, 6, 6]],
  [[0, 2, 8, 2], [0, 6, 8, 6]],
  [[2, 0, 2, 8], [6, 0, 6, 8]],
  [[0, 0, 8, 8], [-2, 6, 2, 10], [6, -2, 10, 2]],
  [[4, 0, 4, 8], [0, 4, 8, 4]],
]; // prettier-ignore
const PATTERNS = STROKES.length;

const tiles = new Map();

/** A pattern in a colour, to fill with; the languages beyond the last pattern begin again, and have their codes. */
function pattern(pen, number, colour) {
  const key = `${number % PATTERNS} ${colour}`;
  if (!tiles.has(key)) {
    const tile = Object.assign(document.createElement("canvas"), { width: 2 * TILE_PX, height: 2 * TILE_PX });
    const own = tile.getContext("2d");
    own.scale(2, 2);
    Object.assign(own, { strokeStyle: colour, lineCap: "round" });
    for (const [x, y, to_x, to_y] of STROKES[number % PATTERNS]) {
      own.lineWidth = x === to_x && y === to_y ? 3 : 1.6;
      own.beginPath();
      own.moveTo(x, y);
      own.lineTo(to_x + (x === to_x && y === to_y ? 0.01 : 0), to_y);
      own.stroke();
    }
    tiles.set(key, tile);
  }
  const made = pen.createPattern(tiles.get(key), "repeat");
  made.setTransform(new DOMMatrix().scale(0.5)); // drawn at twice the size, so that it stays sharp
  return made;
}

/** Fill a rectangle with the pattern of a language; nothing but its edge where none is known. */
export function patterned(pen, number, [x, y, width, height], colour) {
  pen.fillStyle = colour("page");
  pen.fillRect(x, y, width, height);
  if (number !== NONE) {
    pen.fillStyle = pattern(pen, number, colour("text"));
    pen.fillRect(x, y, width, height);
  }
  pen.strokeStyle = colour("text");
  pen.lineWidth = 1;
  pen.strokeRect(x + 0.5, y + 0.5, Math.max(0, width - 1), height - 1);
}

/** Stretches of one language each, in order: neighbours of the same are one. @returns {{number, from, to}[]} */
export function languageRuns(segments, language) {
  const runs = [];
  for (const one of segments.sort((a, b) => a.start_ms - b.start_ms)) {
    const { number } = language(one);
    const last = runs.at(-1);
    if (last?.number === number) last.to = Math.max(last.to, one.end_ms);
    else runs.push({ number, from: one.start_ms, to: one.end_ms });
  }
  return runs;
}

/** The languages of segments below the wave, by pattern and code: `parts` are `{from, to, code, number}`; two at once share the height. */
export function languageBand(pen, parts, { x, top, height, colour, font }) {
  parts.forEach((part, n) => {
    const beside = parts.findIndex((other, m) => m !== n && other.from < part.to && part.from < other.to);
    const high = beside < 0 ? height : height / 2;
    const y = beside >= 0 && beside < n ? top + high : top;
    const [left, right] = [x(part.from), x(part.to)];
    patterned(pen, part.number, [left, y, Math.max(2, right - left), high], colour);
    pen.font = `600 ${CODE_PX}px ${font}`;
    const room = pen.measureText(part.code).width + 6;
    if (right - left < room + 2) return;
    pen.fillStyle = colour("page");
    pen.fillRect(left + 1, y + 1, room, high - 2);
    pen.fillStyle = colour("text");
    pen.textAlign = "left";
    pen.fillText(part.code, left + 4, y + high / 2 + CODE_PX / 2 - 2);
  });
}

/** Where two speak at once, or words could not be told apart: hatched over the wave, with its sign. */
export function overlapped(pen, segments, { x, height, colour, font }) {
  const spans = segments.filter((one) => one.kind === "overlap").map((one) => [one.start_ms, one.end_ms]);
  segments.forEach((one, n) => {
    for (const other of segments.slice(n + 1)) {
      if (other.start_ms >= one.end_ms) break;
      spans.push([other.start_ms, Math.min(one.end_ms, other.end_ms)]);
    }
  });
  for (const [from, to] of spans) {
    const [left, width] = [x(from), Math.max(3, x(to) - x(from))];
    pen.fillStyle = pattern(pen, 0, colour("unsure"));
    pen.fillRect(left, 0, width, height);
    if (width < 18) continue;
    pen.font = `600 15px ${font}`;
    pen.fillStyle = colour("box");
    pen.fillRect(left + 1, height / 2 - 10, 17, 20);
    pen.fillStyle = colour("unsure");
    pen.textAlign = "left";
    pen.fillText("‖", left + 2, height / 2 + 6);
  }
}

/** A sample of a language's pattern, for the legend. */
export function sample(number, style) {
  const canvas = Object.assign(document.createElement("canvas"), { width: 72, height: 36, className: "sample" });
  canvas.setAttribute("aria-hidden", "true");
  const pen = canvas.getContext("2d");
  pen.scale(2, 2);
  patterned(pen, number, [0, 0, 36, 18], (name) => style.getPropertyValue(`--${name}`).trim());
  return canvas;
}
