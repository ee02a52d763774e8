// Text as a reader sees it: graphemes, the caret between them, differences, tone marks, letters that are not the language's.
const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The graphemes of a text. */
export function graphemes(text) {
  return Array.from(segmenter.segment(text), (part) => part.segment);
}

/** How many graphemes stand before an offset in UTF-16 units. */
export function graphemesBefore(text, offset) {
  return graphemes(text.slice(0, offset)).length;
}

/** What became of `before`: pieces in order, each the same, gone or new. Longest common subsequence of graphemes. */
export function diff(before, after) {
  const [a, b] = [graphemes(before), graphemes(after)];
  const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) table[i][j] = a[i] === b[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
  }
  const found = [];
  const put = (kind, text) => (found.at(-1)?.kind === kind ? (found.at(-1).text += text) : found.push({ kind, text }));
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      put("same", a[i]);
      i += 1;
      j += 1;
    } else if (j < b.length && (i === a.length || table[i][j + 1] > table[i + 1][j])) put("new", b[j++]);
    else put("gone", a[i++]);
  }
  return found;
}

/** Puts a mark on the letter before the caret, takes it off where it is there already, or changes one of `marks` into it. */
export function toned(text, offset, mark, marks) {
  const before = graphemes(text.slice(0, offset));
  const letter = before.pop();
  if (!letter || !letter.trim()) return { text, offset };
  const parts = [...letter.normalize("NFD")];
  const kept = parts.filter((part) => !marks.includes(part));
  const made = (parts.includes(mark) ? kept : [kept[0], mark, ...kept.slice(1)]).join("").normalize("NFC");
  const start = before.join("") + made;
  return { text: start + text.slice(offset), offset: start.length };
}

/** Letters of a text that the alphabet does not list, each once; none where no alphabet is listed. */
export function outside(text, alphabet) {
  if (!alphabet.length) return [];
  const known = new Set(alphabet.flatMap((letter) => graphemes(letter.normalize("NFC").toLowerCase())));
  const letters = graphemes(text.normalize("NFC").toLowerCase()).filter((one) => /\p{L}|\p{N}/u.test(one));
  return [...new Set(letters)].filter((one) => !known.has(one));
}
