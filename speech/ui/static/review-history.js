// What became of a segment: the draft against the text of now, every edit, going back; and what to do where two people wrote at once.
import { ask, el } from "./api.js";
import { reasonOf, time } from "./review-row.js";
import { say } from "./review-strings.js";
import { difference, joinedTexts } from "./review-text.js";

/** Two texts compared by letter: what was taken out stands after "−" struck through, what was put in after "+" underlined. */
export function compared(before, after, direction) {
  const made = difference(before, after).map(([sign, text]) => {
    if (sign === "=") return text;
    const shown = text.replace(/^\s+|\s+$/g, (blank) => "␣".repeat(blank.length));
    return el(sign === "-" ? "del" : "ins", {}, el("span", { class: "sign", "aria-hidden": "true", text: sign === "-" ? "−" : "+" }), el("span", { class: "hidden", text: say(sign === "-" ? "taken_out" : "put_in") }), shown);
  });
  return el("p", { class: "compared", dir: direction }, made);
}

const when = (at) => new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

/** What an edit changed, in words. */
function changes(before, after, direction) {
  if (!before) return [el("p", { text: say("history.made") }), after ? el("p", { class: "compared", dir: direction, text: after.text }) : ""];
  if (!after) return [el("p", { text: say("history.gone") })];
  const made = [];
  if (before.text !== after.text) made.push(compared(before.text, after.text, direction));
  const from_to = (key, a, b) => made.push(el("p", {}, `${say(key)}: `, el("del", { text: a }), " → ", el("ins", { text: b })));
  if (before.speaker !== after.speaker) from_to("speaker", before.speaker ?? say("speaker.unsure"), after.speaker ?? say("speaker.unsure"));
  const proposed = (one) => typeof one.speaker_margin === "number";
  if (before.speaker === after.speaker && proposed(before) && !proposed(after)) made.push(el("p", { text: say("speaker.confirmed", { speaker: after.speaker ?? say("speaker.unsure") }) }));
  if (before.language !== after.language) from_to("language", before.language ?? say("language.unknown"), after.language ?? say("language.unknown"));
  const state = (one) => say(`status.${one.status ?? "draft"}`) + (one.unsure_reason ? ` · ${reasonOf(one.unsure_reason)}` : "");
  if (state(before) !== state(after)) from_to("status", state(before), state(after));
  if (before.start_ms !== after.start_ms || before.end_ms !== after.end_ms) {
    made.push(el("p", {}, `${say("times")}: `, time(before.start_ms), " – ", time(before.end_ms), " → ", time(after.start_ms), " – ", time(after.end_ms)));
  }
  if (JSON.stringify(before.notes ?? []) !== JSON.stringify(after.notes ?? [])) made.push(compared((before.notes ?? []).join("\n"), (after.notes ?? []).join("\n"), "auto"));
  const translations = (one) => (one.translations ?? []).map((t) => `${t.language}: ${t.text}`).join("\n");
  if (translations(before) !== translations(after)) made.push(compared(translations(before), translations(after), "auto"));
  return made.length ? made : [el("p", { class: "quiet", text: say("history.same") })];
}

/** The history of a segment. */
export async function historyPanel(recording, segment, { language, restore, may }) {
  const answer = await ask(`/api/recordings/${recording}/history/${encodeURIComponent(segment.id)}`);
  if (!answer.ok) return [el("p", { class: "note", text: say(answer.status === 0 ? "history.away" : "history.none") })];
  const rows = answer.data;
  const draft = rows.find((row) => row.act === "draft")?.after;
  const made = [];
  if (draft) {
    made.push(el("h4", { text: say("history.draft_now") }));
    if (draft.text === segment.text) made.push(el("p", { class: "quiet", text: say("history.as_drafted") }), el("p", { class: "compared", dir: language.direction, text: segment.text }));
    else made.push(compared(draft.text, segment.text, language.direction));
  }
  made.push(el("h4", { text: say("history.edits", { count: rows.length }) }));
  const last = rows.at(-1)?.seq;
  const item = (row) => {
    const actions = row.after && row.seq !== last && may ? el("button", { type: "button", class: "plain", text: say("history.restore"), "aria-label": say("history.restore_of", { at: when(row.at) }), onclick: () => restore(row) }) : "";
    return el("li", {}, el("p", {}, el("strong", { text: say(`did.${row.act}`) }), " ", el("span", { class: "quiet" }, el("bdi", { text: row.person }), `, ${when(row.at)}`)), changes(row.before, row.after, language.direction), actions);
  };
  const list = el("ol", { class: "history", reversed: true }, [...rows].reverse().slice(0, 60).map(item));
  return [...made, list];
}

/** Two people changed the same: both texts, the draft, the sound; theirs, mine, or what joins them. */
export function conflictPanel(edit, { language, play, mine, theirs, join, number }) {
  const { conflict, asked } = edit;
  const one = (key, form, ...more) => {
    const text = form ? form.text : say("conflict.deleted");
    return el("div", { class: "version" }, el("h4", {}, ...key), el("p", { class: "compared", dir: language.direction, text }), form?.status ? el("p", { class: "quiet", text: say(`status.${form.status}`) }) : "", ...more);
  };
  const by = say("conflict.theirs", { person: conflict.theirs_by });
  const texts = conflict.mine && conflict.theirs && conflict.mine.text !== conflict.theirs.text;
  const made = [
    el("p", { text: say("conflict.what", { person: conflict.theirs_by, number }) }),
    el("button", { type: "button", text: `▶ ${say("act.play")}`, onclick: play }),
    one([say("conflict.mine")], conflict.mine, el("button", { type: "button", text: say("conflict.keep_mine"), disabled: !conflict.mine, onclick: mine })),
    one([by], conflict.theirs, el("button", { type: "button", text: say("conflict.keep_theirs"), onclick: theirs })),
  ];
  if (texts) {
    made.push(el("h4", { text: say("conflict.compared") }), compared(conflict.theirs.text, conflict.mine.text, language.direction));
    const field = el("textarea", { rows: 2, dir: language.direction, spellcheck: "false", autocapitalize: "off", autocomplete: "off", value: joinedTexts(conflict.theirs.text, conflict.mine.text), "aria-label": say("conflict.join") });
    made.push(el("h4", { text: say("conflict.join") }), field, el("button", { type: "button", text: say("conflict.keep_join"), onclick: () => join(field.value) }));
  }
  if (conflict.draft) made.push(one([say("conflict.draft")], conflict.draft));
  if (asked.act === "undo" || asked.act === "redo") made.splice(2, 1);
  return made;
}
