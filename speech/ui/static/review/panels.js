// Panels of the review: history, conflict, find and replace, keys, speakers, letters. Ordinary elements, no box over the page.
import { el, t } from "../api.js";
import { ACTS } from "./keys.js";
import { diff } from "./text.js";

/** Before and after by grapheme: gone is struck through and has a minus, new is underlined and has a plus. */
export function compared(before, after) {
  const made = el("bdi", { class: "compared" });
  for (const { kind, text } of diff(before ?? "", after ?? "")) {
    if (kind === "same") made.append(text);
    else made.append(el(kind === "gone" ? "del" : "ins", { text: `${kind === "gone" ? "−" : "+"}${text}` }));
  }
  return made;
}

/** Every edit of a segment: who, when, what; with a way back to what it was. */
export function history(past, mayRestore, restore) {
  if (!past.length) return el("p", { class: "quiet", text: t("review.history_none") });
  return el("ol", { class: "history" }, [...past].reverse().map((one) =>
    el("li", {},
      el("p", { class: "quiet", text: `${one.person}, ${new Date(one.at).toLocaleString(document.documentElement.lang || undefined)}: ${t(`review.act.${one.act}`)}` }),
      compared(one.before?.text, one.after?.text),
      mayRestore && one.after ? el("button", { class: "plain", text: t("review.restore"), onclick: () => restore(one.seq) }) : null)));
}

/** Two people changed one segment: both texts and the draft; keep one, or join them. */
export function conflict(found, acts) {
  const line = (key, text) => el("div", {}, el("dt", { text: t(key, { person: found.theirs_by }) }), el("dd", {}, el("bdi", { text: text || t("review.no_text") })));
  return el("div", { class: "conflict", role: "group", "aria-label": t("review.conflict") },
    el("p", { class: "ask", role: "alert", text: t("review.conflict") }),
    el("dl", {}, line("review.mine", found.mine?.text), line("review.theirs", found.theirs?.text), line("review.the_draft", found.draft?.text)),
    compared(found.theirs?.text, found.mine?.text),
    el("div", { class: "tools" },
      el("button", { text: t("review.play"), class: "plain", onclick: acts.play }),
      el("button", { text: t("review.keep_mine"), onclick: acts.mine }),
      el("button", { text: t("review.keep_theirs"), class: "plain", onclick: acts.theirs }),
      el("button", { text: t("review.join"), class: "plain", onclick: acts.join })));
}

/** Find and replace: what would change is shown with ticks, and is one edit. */
export function find(ask, replace, go, close) {
  const sought = el("input", { type: "text", id: "find-what", spellcheck: "false" });
  const put = el("input", { type: "text", id: "find-with", spellcheck: "false" });
  const options = ["case", "tone", "whole_word", "regular"].map((name) => el("input", { type: "checkbox", id: `find-${name}`, checked: name === "tone" }));
  const hits = el("ul", { class: "hits" });
  const said = el("p", { role: "status" });
  const all = el("button", { text: t("review.replace_ticked"), disabled: true, onclick: () => put_in() });
  let found = [];
  const asked = () => ({ find: sought.value, with: put.value, ...Object.fromEntries(options.map((box) => [box.id.slice(5), box.checked])) });
  async function look() {
    const answer = sought.value ? await ask(asked()) : { ok: true, data: [] };
    found = answer.ok ? answer.data : [];
    said.textContent = answer.ok ? t("review.found", { count: found.length }) : answer.data?.what ?? "";
    all.disabled = !found.length;
    hits.replaceChildren(...found.slice(0, 200).map((hit) => el("li", {},
      el("label", { class: "choice" }, el("input", { type: "checkbox", checked: true, value: hit.segment }), compared(hit.text, hit.after)),
      el("button", { class: "plain", text: t("review.go"), onclick: () => go(hit.segment) }))));
  }
  function put_in() {
    const off = new Set([...hits.querySelectorAll("input:not(:checked)")].map((box) => box.value));
    replace({ ...asked(), segments: found.map((hit) => hit.segment).filter((id) => !off.has(id)) });
    found = [];
    hits.replaceChildren();
    all.disabled = true;
  }
  const labelled = (box, key) => el("label", { class: "choice" }, box, t(key));
  const made = el("form", { class: "panel find", "aria-label": t("review.find"), onsubmit: (event) => {
    event.preventDefault();
    look();
  } },
    el("label", { for: sought.id, text: t("review.find") }), sought, el("label", { for: put.id, text: t("review.replace_with") }), put,
    el("div", { class: "tools" }, options.map((box) => labelled(box, `review.option.${box.id.slice(5)}`))),
    el("div", { class: "tools" }, el("button", { type: "submit", text: t("review.look") }), all, el("button", { type: "button", class: "plain", text: t("review.close"), onclick: close })),
    said, hits);
  all.type = "button";
  return { element: made, focus: () => sought.focus() };
}

/** Every key and what it does; each can be changed, and single letters switched off. */
export function help(choices, change, close) {
  const rows = Object.entries(ACTS).flatMap(([act, places]) => Object.keys(places).map((where) => {
    const keys = choices.changed?.[`${where}.${act}`] ?? places[where];
    const field = el("input", { type: "text", value: keys.join(", "), "aria-label": `${t(`review.key.${act}`)}, ${t(`review.where.${where}`)}`, onchange: () => change(`${where}.${act}`, field.value.split(",").map((key) => key.trim()).filter(Boolean)) });
    return el("tr", {}, el("th", { scope: "row", text: t(`review.key.${act}`) }), el("td", { text: t(`review.where.${where}`) }), el("td", {}, field));
  }));
  const letters = el("input", { type: "checkbox", checked: choices.letters !== false, onchange: () => change("letters", letters.checked) });
  return el("div", { class: "panel help", role: "group", "aria-label": t("review.help") },
    el("label", { class: "choice" }, letters, t("review.letters_on")),
    el("table", {}, el("tbody", {}, rows)),
    el("button", { class: "plain", text: t("review.close"), onclick: close }));
}

/** The speakers: rename everywhere; a name that is there joins both. */
export function speakers(names, mayRename, rename, assign, close) {
  return el("div", { class: "panel speakers", role: "group", "aria-label": t("review.speakers") },
    el("p", { class: "quiet", text: t("review.speakers_how") }),
    el("ul", {}, names.map((name, n) => {
      const field = el("input", { type: "text", value: name, "aria-label": t("review.speaker_name", { name }), disabled: !mayRename });
      return el("li", { class: "tools" }, el("span", { text: `${n + 1}` }), field,
        mayRename && el("button", { class: "plain", text: t("review.rename"), onclick: () => field.value.trim() && field.value !== name && rename(name, field.value.trim()) }),
        mayRename && el("button", { class: "plain", text: t("review.assign"), onclick: () => assign(name) }));
    })),
    mayRename && newSpeaker(assign),
    el("button", { class: "plain", text: t("review.close"), onclick: close }));
}

function newSpeaker(assign) {
  const field = el("input", { type: "text", "aria-label": t("review.new_speaker") });
  return el("div", { class: "tools" }, field, el("button", { class: "plain", text: t("review.assign_new"), onclick: () => field.value.trim() && assign(field.value.trim()) }),
    el("button", { class: "plain", text: t("review.speaker_unsure"), onclick: () => assign(null) }));
}

/** The language's letters and tone marks, for who has no keyboard for them. A press leaves the caret where it is. */
export function palette(language, insert, tone) {
  const held = (act) => ({ onpointerdown: (event) => event.preventDefault(), onclick: act });
  const letters = language.palette.map((letter) => el("button", { class: "plain letter", text: letter, ...held(() => insert(letter)) }));
  const marks = language.marks.map((mark) => el("button", { class: "plain letter", text: `◌${mark}`, "aria-label": t("review.mark", { mark: `◌${mark}` }), ...held(() => tone(mark)) }));
  const code = el("input", { type: "text", id: "palette-code", size: "8", "aria-label": t("review.letter_by_code") });
  const by = el("button", { class: "plain", text: t("review.insert"), ...held(() => {
    const number = Number.parseInt(code.value.replace(/^u\+/i, ""), 16);
    if (number > 31 && number < 0x110000) insert(String.fromCodePoint(number));
  }) });
  return el("div", { class: "panel palette", role: "group", "aria-label": t("review.palette") }, letters, marks, code, by);
}
