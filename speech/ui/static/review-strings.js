// What the element says, from the app's own table; the server has filled in what a language lacks (que -> es -> en).
import { ask, t, useTexts } from "./api.js";

let rules = new Intl.PluralRules("en");
let texts = null;

/** A text of the table by its key below `review.`; `{names}` are filled in, `count` chooses the plural form. */
export function say(key, fill = {}) {
  const found = texts?.[`review.${key}`];
  if (found === undefined) return t(`review.${key}`, fill);
  const text = typeof found === "string" ? found : (found[rules.select(Number(fill.count ?? 0))] ?? found.other);
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in fill ? String(fill[name]) : whole));
}

/** Load the table of the person's language; the browser's where none was chosen. */
export async function load(chosen) {
  const wanted = chosen ?? { qu: "que", sw: "swh" }[navigator.language.split("-")[0]] ?? navigator.language.split("-")[0];
  let answer = await ask(`/api/strings/${encodeURIComponent(wanted)}`);
  if (!answer.ok) answer = await ask("/api/strings/en");
  if (!answer.ok) return null;
  texts = answer.data.strings;
  useTexts(texts);
  try {
    rules = new Intl.PluralRules({ que: "qu", swh: "sw" }[answer.data.language] ?? answer.data.language);
  } catch {
    rules = new Intl.PluralRules("en");
  }
  return answer.data;
}
