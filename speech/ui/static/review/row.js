// One segment: play, time, speaker, text with what the machine doubts, status; when it is the current one, also what can be done with it.
import { clock, el, t } from "../api.js";
import { outside } from "./text.js";

const UNSURE = 0.8;
const VERY_UNSURE = 0.5;
export const SIGNS = { draft: "○", edited: "✎", approved: "✓", unsure: "?", not_speech: "∅" };
const REASONS = ["noise", "unknown word", "two voices", "other language"];

/** @param {object} segment @param {object} view what the element knows: current, language, speakers, may, and its acts */
export function row(segment, view) {
  const current = view.current === segment.id;
  const number = view.speakers.indexOf(segment.speaker) + 1;
  const status = segment.status ?? "draft";
  const state = t(`review.status.${status}`) + (segment.unsure_reason ? `: ${segment.unsure_reason}` : "");
  const made = el("div", { class: `row status-${status}`, tabindex: current ? "0" : "-1" });
  made.setAttribute("aria-selected", String(current));
  made.append(
    cell(el("button", { class: "play", title: t("review.play"), "aria-label": t("review.play_at", { time: clock(segment.start_ms) }), tabindex: current ? "0" : "-1", onclick: () => view.play(segment.id) }, "▶")),
    cell(el("bdi", { class: "time", text: clock(segment.start_ms) }), el("span", { class: "speaker", text: segment.speaker ?? t("review.speaker_unsure"), title: number ? t("review.speaker_number", { number }) : "" })),
    cell(text(segment, view, current)),
    cell(el("span", { class: `state ${status}`, text: `${SIGNS[status]} ${state}` }), segment.heard ? null : el("span", { class: "quiet", text: t("review.unheard") })),
  );
  if (view.reason(segment.id)) made.append(el("div", { class: "reason quiet", role: "gridcell", text: view.reason(segment.id) }));
  if (current) made.append(cell(tools(segment, view, status)));
  made.addEventListener("click", (event) => event.target.closest("button, textarea, select, input") || view.choose(segment.id));
  return made;
}

function cell(...children) {
  const made = el("div", { role: "gridcell" }, ...children);
  return made;
}

/** The text, as words of which those in doubt are marked by sign; in the current row a click on a word plays it and shows what else it may be. */
function text(segment, view, current) {
  if (view.editing === segment.id) return box(segment, view);
  const made = el("div", { class: "text", dir: view.language.direction, lang: view.language.code });
  if (!segment.text) {
    made.append(el("span", { class: "quiet", text: t("review.no_text") }));
    return made;
  }
  const words = segment.words ?? [];
  const person = segment.origin === "person" || status(segment) !== "draft";
  if (!words.length || words.map(([w, , , , s], n) => w + (n + 1 < words.length ? s ?? " " : "")).join("") !== segment.text) {
    made.textContent = segment.text;
  } else {
    words.forEach(([word, start, end, confidence, separator, readings], n) => {
      const doubt = person || confidence === null || confidence === undefined ? "" : confidence < VERY_UNSURE ? "very-unsure" : confidence < UNSURE ? "unsure" : "";
      const space = n + 1 < words.length ? separator ?? " " : "";
      if (!doubt && !current) made.append(word + space);
      else {
        const label = doubt ? t(doubt === "unsure" ? "review.word_unsure" : "review.word_very_unsure", { word }) : undefined;
        const own = current
          ? el("button", { class: `word ${doubt}`, "aria-label": label, tabindex: "-1", onclick: () => view.word(segment.id, n) })
          : el("span", { class: `word ${doubt}`, role: doubt ? "img" : undefined, "aria-label": label });
        own.textContent = word;
        made.append(own, space);
      }
    });
  }
  if (current && view.chosenWord !== null) made.append(readings(segment, view));
  return made;
}

function status(segment) {
  return segment.status ?? "draft";
}

function readings(segment, view) {
  const found = segment.words?.[view.chosenWord]?.[5] ?? [];
  const buttons = found.map(([reading]) => el("button", { class: "plain", text: reading, onclick: () => view.take(segment.id, view.chosenWord, reading) }));
  return el("div", { class: "readings", dir: "ltr" }, el("span", { class: "quiet", text: t(found.length ? "review.readings" : "review.readings_none") }), buttons);
}

/** Where the text is typed. What is not of the alphabet is told, not stopped. */
function box(segment, view) {
  const told = el("p", { class: "outside", role: "status" });
  const made = el("textarea", { rows: "1", dir: view.language.direction, lang: view.language.code, spellcheck: "false", autocomplete: "off", autocapitalize: "off", "aria-label": t("review.text_of", { time: clock(segment.start_ms) }) });
  made.setAttribute("autocorrect", "off");
  made.value = view.typed ?? segment.text ?? "";
  const look = () => {
    made.style.height = "auto";
    made.style.height = `${made.scrollHeight}px`;
    const foreign = outside(made.value, view.language.alphabet);
    told.textContent = foreign.length ? t("review.outside", { letters: foreign.join(" ") }) : "";
  };
  made.addEventListener("input", () => {
    look();
    view.typing(made.value);
  });
  made.addEventListener("blur", () => view.left());
  requestAnimationFrame(look);
  return el("div", { class: "edit" }, made, told);
}

function tools(segment, view, now) {
  const may = (right) => view.may.includes(right);
  const made = el("div", { class: "tools" });
  const button = (key, act, right, more = {}) => may(right) && made.append(el("button", { class: "plain", text: t(`review.${key}`), title: view.keys(key), onclick: act, ...more }));
  if (view.asks === "unheard") {
    made.append(el("p", { class: "ask", role: "alert", text: t("review.ask_unheard") }));
    button("play_first", () => view.play(segment.id), "play");
    button("approve_all_the_same", () => view.status("approved", { sure: true }), "status");
  }
  if (view.asks === "unsure") {
    made.append(el("p", { class: "ask", text: t("review.why_unsure") }));
    for (const reason of REASONS) made.append(el("button", { class: "plain", text: t(`review.reason.${reason.replaceAll(" ", "_")}`), onclick: () => view.status("unsure", { reason }) }));
  }
  button("edit", () => view.edit(segment.id), "text");
  if (now !== "approved") button("approve", () => view.status("approved"), "status");
  else button("draft_again", () => view.status("edited"), "status");
  button("unsure", () => view.ask("unsure"), "status");
  button("not_speech", () => view.status("not_speech"), "status");
  button("split", () => view.split(), "times");
  button("merge", () => view.merge(), "times");
  button("delete", () => view.remove(), "times");
  button("times", () => view.ask("times"), "times", { "aria-expanded": String(view.asks === "times") });
  button("history", () => view.panel("history"), "read", { "aria-expanded": String(view.asks === "history") });
  if (view.asks === "times") made.append(times(segment, view));
  if (view.asks === "history") made.append(view.historyElement());
  if (view.conflict(segment.id)) made.append(view.conflictElement(segment.id));
  return made;
}

/** Edges by 10 and 100 ms; each is heard at once. */
function times(segment, view) {
  const made = el("div", { class: "times" });
  for (const edge of ["start", "end"]) {
    made.append(el("bdi", { text: `${t(`review.${edge}`)} ${(segment[`${edge}_ms`] / 1000).toFixed(2)} s` }));
    for (const by of [-100, -10, 10, 100]) made.append(el("button", { class: "plain", text: `${by > 0 ? "+" : "−"}${Math.abs(by)} ms`, "aria-label": t(`review.nudge_${edge}`, { by }), onclick: () => view.nudge(edge, by) }));
  }
  return made;
}
