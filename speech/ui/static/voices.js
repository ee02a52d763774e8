// Voices as the pages offer them: which language has one here, and which may be borrowed where it has none.
import { ask, el, t, tagOf } from "./api.js";

/** Languages with their voices; null where the server does not answer. */
export async function voices() {
  const answer = await ask("/api/speak");
  return answer.ok ? answer.data : null;
}

/** A language's name: ours, or the browser's where no table of ours has one; with its code. */
export function nameOf(one) {
  if (one.name) return `${one.name} (${one.code})`;
  try {
    const tag = tagOf(one.code);
    const name = new Intl.DisplayNames([document.documentElement.lang || "en"], { type: "language", fallback: "none" }).of(tag);
    return name ? `${name} (${one.code})` : one.code;
  } catch {
    return one.code;
  }
}

/** What a voice is, in a sentence: never to be taken for a person. */
export function told(voice) {
  return t(voice.synthetic ? "speak.voice_made" : "speak.voice_person", { voice: voice.name, engine: voice.engine });
}

/** The choice of a language whose voice is borrowed: none, then those that are near to `language`, then all. */
export function borrowing(id, languages, language, chosen, changed) {
  const near = language?.near ?? [];
  const place = (one) => (near.includes(one.code) ? near.indexOf(one.code) : near.length);
  const having = languages.filter((one) => one.voices.length).sort((a, b) => place(a) - place(b) || nameOf(a).localeCompare(nameOf(b)));
  const select = el("select", { id, onchange: () => changed(select.value) }, el("option", { value: "", text: t("speak.borrow_none") }), having.map((one) => el("option", { value: one.code, text: nameOf(one) })));
  select.value = chosen;
  return select;
}
