// Text by grapheme (what a reader calls a letter): counting, comparing, marking. Pure functions, no page.

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The text cut into graphemes. @param {string} text @returns {string[]} */
export const graphemes = (text) => Array.from(segmenter.segment(text), (one) => one.segment);

/** How many graphemes lie before a place in the text (in UTF-16 units, as `selectionStart` counts). */
export const graphemesBefore = (text, at) => graphemes(text.slice(0, at)).length;

/** The text as the server keeps it: NFC, no blanks round it. */
export const saved = (text) => text.replace(/\r\n?/g, "\n").replace(/\t/g, " ").normalize("NFC").trim();

/**
 * What must be taken out of `before` and put in to make `after`, by grapheme.
 * @returns {[sign: "=" | "-" | "+", text: string][]} runs, in order
 */
export function difference(before, after) {
  const [a, b] = [graphemes(before.normalize("NFC")), graphemes(after.normalize("NFC"))];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const [x, y] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const runs = [];
  const put = (sign, letter) => (runs.at(-1)?.[0] === sign ? (runs.at(-1)[1] += letter) : runs.push([sign, letter]));
  for (const letter of a.slice(0, start)) put("=", letter);
  if (x.length * y.length > 4_000_000) {
    if (x.length) put("-", x.join(""));
    if (y.length) put("+", y.join(""));
  } else {
    for (const [sign, letter] of edits(x, y)) put(sign, letter);
  }
  for (const letter of a.slice(a.length - end)) put("=", letter);
  return runs;
}

function edits(x, y) {
  // Longest common subsequence, from the end, so that it is read from the beginning.
  const width = y.length + 1;
  const common = new Uint16Array((x.length + 1) * width);
  for (let i = x.length - 1; i >= 0; i--) {
    for (let j = y.length - 1; j >= 0; j--) {
      const at = i * width + j;
      common[at] = x[i] === y[j] ? common[at + width + 1] + 1 : Math.max(common[at + width], common[at + 1]);
    }
  }
  const found = [];
  let [i, j] = [0, 0];
  while (i < x.length || j < y.length) {
    if (i < x.length && j < y.length && x[i] === y[j]) {
      found.push(["=", x[i]]);
      i++;
      j++;
    } else if (j >= y.length || (i < x.length && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      found.push(["-", x[i++]]);
    } else {
      found.push(["+", y[j++]]);
    }
  }
  return found;
}

/** Two texts as one: what both have once, what either has beside it. */
export const joinedTexts = (mine, theirs) =>
  difference(mine, theirs)
    .map(([, text]) => text)
    .join("");

/** How sure the machine was: "sure", "unsure" (dotted) or "doubtful" (wavy and "?"); by the limits that the server gives. */
export function sureness(confidence, doubts) {
  if (confidence === null || confidence === undefined || confidence >= doubts.sure) return "sure";
  return confidence >= doubts.doubtful ? "unsure" : "doubtful";
}

export const ETHIOPIC = /^(?=\p{L})[\u1200-\u1357]$/u;
const LETTER = /[\p{L}\p{M}]/u;

/** What of a text is outside an alphabet, each letter once; nothing where no alphabet is known. */
export function outside(text, language) {
  if (!language?.alphabet?.length) return [];
  const known = knownLetters(language);
  const found = new Set();
  for (const letter of graphemes(text.normalize("NFC"))) {
    if (!LETTER.test(letter)) continue;
    const plain = bare(letter.toLocaleLowerCase(), known.marks);
    if (![...plain].every((sign) => known.letters.has(sign)) && !known.letters.has(plain)) found.add(letter);
  }
  return [...found];
}

const cache = new WeakMap();

function knownLetters(language) {
  let known = cache.get(language);
  if (!known) {
    const letters = new Set();
    for (const letter of language.alphabet) {
      const whole = letter.normalize("NFC").toLocaleLowerCase();
      letters.add(whole);
      for (const part of graphemes(whole)) letters.add(part);
    }
    known = { letters, marks: language.marks ?? [] };
    cache.set(language, known);
  }
  return known;
}

/** A letter without the given marks, composed. */
export const bare = (letter, marks) => [...letter.normalize("NFD")].filter((sign) => !marks.includes(sign)).join("").normalize("NFC");

/**
 * The letter before the caret with the next of the marks, after the last with none: what a tone key does.
 * With `mark` exactly that one, or none where it has it.
 * A syllable of the Ethiopic script goes to the next order of its row: ለ ሉ ሊ.
 * @returns {{from: number, to: number, text: string} | null} what is to be replaced by what, in UTF-16 units
 */
export function cycled(text, caret, marks, mark = null) {
  const letter = graphemes(text.slice(0, caret)).at(-1);
  if (ETHIOPIC.test(letter ?? "") && mark === null) return { from: caret - 1, to: caret, text: nextOrder(letter) };
  if (!letter || !LETTER.test(letter) || !marks.length) return null;
  const signs = [...letter.normalize("NFD")];
  const now = marks.findIndex((one) => signs.includes(one));
  const next = mark === null ? (now + 1 < marks.length ? marks[now + 1] : "") : marks[now] === mark ? "" : mark;
  return { from: caret - letter.length, to: caret, text: (bare(letter, marks) + next).normalize("NFC") };
}

/** The next vowel order of a syllable: rows of eight in Unicode, some with an order that no letter has. */
function nextOrder(letter) {
  const code = letter.codePointAt(0);
  for (let step = 1; step <= 8; step++) {
    const next = String.fromCodePoint((code & ~7) | ((code + step) & 7));
    if (ETHIOPIC.test(next)) return next;
  }
  return letter;
}

/** A time as m:ss.t, or h:mm:ss.t; always left to right. */
export function clock(ms, tenths = true) {
  const unit = tenths ? 100 : 1000;
  const all = Math.floor(Math.max(0, ms) / unit) * unit;
  const [hours, minutes, seconds] = [Math.floor(all / 3_600_000), Math.floor(all / 60_000) % 60, Math.floor(all / 1000) % 60];
  const two = (n) => String(n).padStart(2, "0");
  const end = tenths ? `.${Math.floor(all / 100) % 10}` : "";
  return (hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`) + end;
}
