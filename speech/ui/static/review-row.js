// A row of the list: time, speaker, text with its doubts, further columns, state. Text is shown as text.
import { el, tagOf } from "./api.js";
import { clock, graphemes, outside } from "./review-text.js";
import { doubtOf, wordsIn } from "./review-state.js";
import { say } from "./review-strings.js";

export const SIGNS = { draft: "○", edited: "✎", approved: "✓", unsure: "?", not_speech: "∅" };

/** A time, isolated and always left to right. */
export const time = (ms) => el("bdi", { dir: "ltr", class: "time", text: clock(ms) });

/** The text with its words marked: dotted where the machine is unsure, wavy with "?" where very unsure; letters outside the alphabet. */
export function marked(segment, language, doubts, { hidden = true } = {}) {
  const made = [];
  let at = 0;
  for (const { from, to, word } of wordsIn(segment)) {
    const doubt = doubtOf(segment, word, doubts);
    if (doubt === "sure") continue;
    made.push(...letters(segment.text.slice(at, from), language));
    const words = el("span", { class: doubt }, letters(segment.text.slice(from, to), language));
    made.push(words);
    // A sign and a word beside the line: neither colour nor shape alone tells it.
    if (hidden) words.append(el("span", { class: "hidden", text: ` (${say(`doubt.${doubt}`)}) ` }));
    at = to;
  }
  made.push(...letters(segment.text.slice(at), language));
  return made;
}

function letters(text, language) {
  const strange = new Set(outside(text, language));
  if (!strange.size) return [text];
  const made = [];
  let plain = "";
  for (const letter of graphemes(text)) {
    if (!strange.has(letter.normalize("NFC"))) {
      plain += letter;
      continue;
    }
    if (plain) made.push(plain);
    plain = "";
    made.push(el("span", { class: "outside", text: letter }));
  }
  return plain ? [...made, plain] : made;
}

/** The word, the sign and the colour of a state. */
export function status(segment) {
  const state = segment.status ?? "draft";
  const reason = segment.unsure_reason ? ` · ${reasonOf(segment.unsure_reason)}` : "";
  return el("span", { class: `status ${state}` }, el("span", { class: "sign", "aria-hidden": "true", text: SIGNS[state] }), ` ${say(`status.${state}`)}${reason}`);
}

/** Who speaks: a person's word, or the machine's proposal with its sign; unsure where another voice is nearly as likely, or nobody is named. */
function speaker(segment, state) {
  if (!segment.speaker) return el("span", { class: "unsure-who" }, el("span", { class: "sign", "aria-hidden": "true", text: "? " }), say("speaker.unsure"));
  const made = el("span", {}, el("bdi", { text: segment.speaker }));
  const key = state.unsureWho(segment) ? "unsure-who" : state.proposed(segment) ? "proposed" : null;
  if (key) made.append(el("span", { class: key }, el("span", { class: "sign", "aria-hidden": "true", text: key === "proposed" ? "~ " : "? " }), say(key === "proposed" ? "speaker.proposed" : "speaker.doubtful")));
  return made;
}

/** The code of a segment's language, where several are spoken. */
function spokenIn(segment, view) {
  const code = view.state.languageOf(segment);
  const name = code ? view.languageName(code) : say("language.unknown");
  return el("span", { class: "in-language" }, el("span", { "aria-hidden": "true", text: code ?? "?" }), el("span", { class: "hidden", text: `${say("language")}: ${name}` }));
}

export const REASONS = ["noise", "unknown word", "two voices", "other language"];

/** Reasons that the machine gives, by the key of what is shown for them. */
const MACHINE = {
  "another voice is nearly as likely": "voice_close",
  "speech that no speaker was found for": "nobody",
  "another language is nearly as likely": "language_close",
  "perhaps in a language that was not named": "language_outside",
  "in none of the languages that are known": "language_none",
  "spoken while somebody else speaks: these words are not told apart": "overlaid",
  "no model for this language": "no_model",
  "no words heard": "nothing_heard",
  "too little speech to tell": "too_little",
  "not found in the recording": "not_found",
  "fits the sound badly": "fits_badly",
};

/** A reason as it is shown; of several each. */
export function reasonOf(reason) {
  const one = (said) => (REASONS.includes(said) ? say(`reason.${said.replace(" ", "_")}`) : said in MACHINE ? say(`reason.${MACHINE[said]}`) : said);
  return reason.split("; ").map(one).join("; ");
}

/** What is in the columns that a person has switched on. */
export function columnText(segment, column) {
  if (column === "note") return (segment.notes ?? []).join("\n");
  return (segment.translations ?? []).find((one) => one.language === column)?.text ?? "";
}

/**
 * Fill a row; `view` tells what the page knows: `{state, spoken, languageFor, languageName, columns, chosen, editor, number, conflicts}`.
 * The chosen row holds the one editor in its cell of text.
 */
export function fill(row, id, view) {
  const segment = view.state.get(id);
  if (!segment) return;
  const isChosen = id === view.chosen;
  row.className = `row${isChosen ? " chosen" : ""}`;
  row.tabIndex = isChosen ? 0 : -1;
  row.setAttribute("aria-selected", String(isChosen));
  const others = view.state.overlaps(segment);
  const here = view.state.people.get(id) ?? [];
  const ranked = view.state.reasons.get(id);
  const when = cell("when", el("span", { class: "number", text: view.number(id) }), time(segment.start_ms), el("span", { class: "quiet length", text: say("seconds", { seconds: ((segment.end_ms - segment.start_ms) / 1000).toFixed(1) }) }));
  const who = cell("who", speaker(segment, view.state));
  if (view.spoken.size) who.append(spokenIn(segment, view));
  if (segment.kind === "overlap") who.append(el("span", { class: "overlap", text: `‖ ${say("overlap.words")}` }));
  if (others.length) who.append(el("span", { class: "overlap", text: `‖ ${say("overlaps", { speakers: [...new Set(others.map((o) => o.speaker ?? "?"))].join(", ") })}` }));
  const signs = cell("state", status(segment));
  signs.append(el("span", { class: view.state.heard.has(id) ? "quiet" : "quiet unheard", text: view.state.heard.has(id) ? say("heard") : say("unheard") }));
  if (view.conflicts.has(id)) signs.append(el("span", { class: "clash", text: `⚠ ${say("conflict.sign")}` }));
  if (here.length) signs.append(el("span", { class: "here", text: `● ${say("here", { people: here.join(", ") })}` }));
  if (ranked && view.state.choice.by !== "time") signs.append(el("span", { class: "quiet reason", text: say(`why.${ranked.reason}`, { detail: ranked.detail ?? "" }) }));
  let text = row.querySelector(":scope > .text");
  const holds = text?.contains(view.editor.element) ?? false;
  if (!text || holds !== isChosen) {
    const made = cell("text");
    if (text) text.replaceWith(made);
    text = made;
  }
  if (isChosen) {
    if (!holds) text.replaceChildren(view.editor.element);
  } else {
    const language = view.languageFor(segment);
    const words = el("div", { class: "words", dir: language.direction }, marked(segment, language, view.state.doubts));
    if (!segment.text) words.append(el("span", { class: "quiet", text: say(segment.status === "not_speech" ? "status.not_speech" : "no_text") }));
    text.replaceChildren(words);
  }
  const columns = view.columns.map((column) => {
    const shown = columnText(segment, column);
    return cell("column", el("span", { class: "hidden", text: `${columnName(column)}: ` }), el("div", { dir: "auto", lang: shown ? columnTag(column) : null, class: shown ? "" : "quiet", text: shown || "–" }));
  });
  // The cell with the editor is left where it is: to move it would take the focus out of the text.
  for (const old of [...row.children]) if (old !== text) old.remove();
  if (text.parentNode !== row) row.append(text);
  text.before(when, who);
  text.after(...columns, signs);
}

export const columnName = (column) => (column === "note" ? say("column.note") : say("column.translation", { language: column }));

/** The language of a column for the browser's fonts and readers; notes, and tiers that are named by their type, say none. */
export const columnTag = (column) => (/^[a-z]{2,3}(-|$)/.test(column) ? tagOf(column) : null);

const cell = (name, ...children) => el("div", { role: "gridcell", class: name }, ...children);
