// The editor of the chosen segment: there is one, and it moves from row to row. It keeps what is typed until it is handed on to be saved.
import { el, tagOf } from "./api.js";
import { SIGNS, REASONS, columnName, columnTag, columnText, marked, reasonOf, time } from "./review-row.js";
import { doubtOf, wordsIn } from "./review-state.js";
import { say } from "./review-strings.js";
import { outside, saved } from "./review-text.js";

const STEPS_MS = [-100, -10, 10, 100];

export class Editor {
  /** The segment that is shown. */
  segment = null;
  /** What was typed and not handed on yet: `{base}`, the version on which the typing began. */
  dirty = null;
  timesOn = false;
  asking = false;

  /** @param {object} page what the element offers: `act(name)`, `typed()`, `change(asked)`, `languageFor(segment)`, `keys`, `state`, `columns`, `may` */
  constructor(page) {
    this.page = page;
    this.mirror = el("div", { class: "mirror", "aria-hidden": "true" });
    this.field = el("textarea", {
      rows: 1, spellcheck: "false", autocomplete: "off", autocapitalize: "off", autocorrect: "off", enterkeyhint: "next", oninput: () => this.#input(),
    }); // prettier-ignore
    this.strange = el("p", { class: "note strange", hidden: true });
    this.doubts = el("div", { class: "doubts", role: "group", "aria-label": say("doubts") });
    this.columns = el("div", { class: "fields" });
    this.ask = el("div", { class: "ask", hidden: true }, el("p", { text: say("ask.unheard") }), this.#button("ask.play", "play", "main"), this.#button("ask.approve", "approve"));
    this.tools = el("div", { class: "tools", role: "group", "aria-label": say("tools") }, this.#statuses(), this.#speakers(), this.#languages(), this.#acts());
    this.times = this.#times();
    this.element = el("div", { class: "editor" }, el("div", { class: "typing" }, this.mirror, this.field), this.strange, this.doubts, this.columns, this.ask, this.times, this.tools);
  }

  get text() {
    return this.field.value;
  }

  /** Show another segment. */
  load(segment, number) {
    this.segment = segment;
    this.dirty = null;
    this.asking = false;
    this.timesOn = false;
    this.field.value = segment.text;
    this.field.setAttribute("aria-label", say("text_of", { number }));
    this.#showColumns();
    this.update(segment);
  }

  /** Show what has changed, without touching what is being typed. */
  update(segment) {
    this.segment = segment;
    if (!this.dirty && saved(this.field.value) !== segment.text) {
      const [start, end] = [this.field.selectionStart, this.field.selectionEnd];
      this.field.value = segment.text;
      this.field.setSelectionRange(Math.min(start, segment.text.length), Math.min(end, segment.text.length));
    }
    const language = this.page.languageFor(segment);
    this.field.dir = this.mirror.dir = language.direction;
    this.field.lang = tagOf(language.code);
    this.#mirror();
    this.#showDoubts();
    const status = segment.status ?? "draft";
    for (const button of this.element.querySelectorAll("[data-status]")) button.setAttribute("aria-pressed", String(button.dataset.status === status));
    this.reason.hidden = status !== "unsure";
    const reasons = [...new Set(["", ...REASONS, segment.unsure_reason ?? ""])];
    this.reason.replaceChildren(...reasons.map((one) => el("option", { value: one, text: one ? reasonOf(one) : say("reason.none") })), el("option", { value: "+", text: say("reason.other") }));
    this.reason.value = segment.unsure_reason ?? "";
    this.#showSpeakers();
    this.#showLanguages();
    for (const { column, field } of this.fields ?? []) {
      if (this.element.getRootNode().activeElement !== field) field.value = columnText(segment, column);
    }
    this.ask.hidden = !this.asking;
    this.times.hidden = !this.timesOn;
    this.start.replaceChildren(time(segment.start_ms));
    this.end.replaceChildren(time(segment.end_ms));
    for (const button of this.element.querySelectorAll("button[data-act], select, textarea")) this.#allow(button);
  }

  #allow(control) {
    const needs = { split: "times", merge: "times", delete: "times", times: "times", approve: "status", unsure: "status", not_speech: "status" };
    const right = control === this.field || control === this.language ? "text" : control === this.speaker ? "speakers" : needs[control.dataset.act];
    const may = !right || this.page.may(right);
    if (control === this.field) control.readOnly = !may;
    else control.disabled = !may;
  }

  #input() {
    this.dirty ??= { segment: this.segment.id, base: this.page.state.version(this.segment.id) };
    this.#mirror();
    this.page.typed();
  }

  #mirror() {
    const text = this.field.value;
    const same = text === this.segment.text;
    const language = this.page.languageFor(this.segment);
    // A blank behind the last line break keeps the mirror as high as the field.
    this.mirror.replaceChildren(...(same ? marked(this.segment, language, this.page.state.doubts, { hidden: false }) : [text]), " ");
    const strange = outside(text, language);
    this.strange.hidden = strange.length === 0;
    this.strange.textContent = strange.length ? say("outside", { letters: strange.join(" "), language: language.name || language.code }) : "";
  }

  /** Words that the machine doubts or has other readings of, each to hear and to change. */
  #showDoubts() {
    const typed = saved(this.field.value) !== this.segment.text;
    const words = typed ? [] : wordsIn(this.segment).filter((one) => doubtOf(this.segment, one.word, this.page.state.doubts) !== "sure" || (one.alternatives.length && this.segment.status !== "approved"));
    this.doubts.replaceChildren(
      ...words.slice(0, 12).map((one) => {
        const doubt = doubtOf(this.segment, one.word, this.page.state.doubts);
        const name = `${one.word[0]}${doubt === "sure" ? "" : `, ${say(`doubt.${doubt}`)}`}`;
        return el(
          "span",
          { class: "doubt" },
          el("button", { type: "button", class: "word", tabindex: "-1", "aria-label": say("hear_word", { word: name }), disabled: one.start_ms === null, onclick: () => this.page.playWord(one) }, el("span", { "aria-hidden": "true", text: "▶ " }), el("bdi", { class: doubt, text: one.word[0] })),
          one.alternatives.slice(0, 4).map(([text]) =>
            el("button", { type: "button", class: "alternative", tabindex: "-1", "aria-label": say("use_instead", { word: text || "–", old: one.word[0] }), onclick: () => this.page.useAlternative(one, text) }, el("bdi", { text: text || "–" })),
          ),
        );
      }),
    );
    this.doubts.hidden = words.length === 0;
  }

  #showColumns() {
    this.fields = this.page.columns.map((column) => {
      const field = el("textarea", { rows: 1, dir: "auto", lang: columnTag(column), value: columnText(this.segment, column), onchange: () => this.#columnTyped(column, field) });
      field.disabled = !this.page.may(column === "note" ? "note" : "text");
      return { column, field };
    });
    this.columns.replaceChildren(...this.fields.map(({ column, field }) => el("label", {}, el("span", { text: columnName(column) }), field)));
  }

  columnsChanged() {
    if (this.segment) this.#showColumns();
  }

  #columnTyped(column, field) {
    const { id } = this.segment;
    if (field.value === columnText(this.segment, column)) return;
    if (column === "note") this.page.change({ act: "note", segment: id, notes: field.value.split("\n").map((n) => n.trim()).filter(Boolean) });
    else this.page.change({ act: "translation", segment: id, language: column, text: field.value.trim() });
  }

  #button(key, act, name = "") {
    return el("button", { type: "button", class: name, "data-act": act, text: say(key), onclick: () => this.page.act(act) });
  }

  #statuses() {
    this.reason = el("select", { "aria-label": say("reason"), hidden: true, onchange: () => this.#reasonChosen() });
    this.other = el("input", { hidden: true, "aria-label": say("reason.other"), placeholder: say("reason.other"), maxlength: "200", dir: "auto", onchange: () => this.#reasonWritten() });
    const made = ["approved", "unsure", "not_speech"].map((status) => {
      const act = status === "approved" ? "approve" : status;
      return el("button", { type: "button", "data-act": act, "data-status": status, "aria-pressed": "false", onclick: () => this.page.act(act) }, el("span", { class: "sign", "aria-hidden": "true", text: SIGNS[status] }), ` ${say(`act.${act}`)}`);
    });
    return el("div", { class: "group" }, made, this.reason, this.other);
  }

  #reasonChosen() {
    this.other.hidden = this.reason.value !== "+";
    if (this.reason.value === "+") this.other.focus();
    else this.page.change({ act: "status", segment: this.segment.id, status: "unsure", reason: this.reason.value });
  }

  #reasonWritten() {
    this.other.hidden = true;
    this.page.change({ act: "status", segment: this.segment.id, status: "unsure", reason: this.other.value.trim() });
    this.other.value = "";
    this.reason.focus();
  }

  #speakers() {
    this.speaker = el("select", { "aria-label": say("speaker"), onchange: () => this.#speakerChosen() });
    this.newSpeaker = el("input", { hidden: true, "aria-label": say("speaker.new"), placeholder: say("speaker.new"), maxlength: "80", onchange: () => this.#speakerWritten() });
    return el("div", { class: "group" }, el("span", { "aria-hidden": "true", text: say("speaker") }), this.speaker, this.newSpeaker);
  }

  #showSpeakers() {
    const labels = this.page.state.speakers();
    const options = labels.map((label, n) => el("option", { value: `=${label}`, text: n < 9 ? `${n + 1} · ${label}` : label }));
    this.speaker.replaceChildren(...options, el("option", { value: "?", text: say("speaker.unsure") }), el("option", { value: "+", text: say("speaker.new") }));
    this.speaker.value = this.segment.speaker ? `=${this.segment.speaker}` : "?";
  }

  #speakerChosen() {
    const { value } = this.speaker;
    this.newSpeaker.hidden = value !== "+";
    if (value === "+") this.newSpeaker.focus();
    else this.page.change({ act: "speaker", segment: this.segment.id, speaker: value === "?" ? null : value.slice(1) });
  }

  #speakerWritten() {
    const label = this.newSpeaker.value.trim();
    this.newSpeaker.hidden = true;
    this.newSpeaker.value = "";
    if (label) this.page.change({ act: "speaker", segment: this.segment.id, speaker: label });
    this.speaker.focus();
  }

  #languages() {
    this.language = el("select", { "aria-label": say("language"), onchange: () => this.#languageChosen() });
    this.otherLanguage = el("input", { hidden: true, "aria-label": say("language.other"), placeholder: say("language.other"), maxlength: "3", autocapitalize: "off", spellcheck: "false", onchange: () => this.#languageWritten() });
    return el("div", { class: "group" }, el("span", { "aria-hidden": "true", text: say("language") }), this.language, this.otherLanguage);
  }

  /** The recording's languages, and those that the collection names; any other by its code. */
  #showLanguages() {
    const now = this.page.state.languageOf(this.segment);
    const codes = [...new Set([...this.page.recording.languages.map((one) => one.code), ...this.page.spoken.keys(), now])].filter((code) => code && code !== "und");
    this.language.replaceChildren(...codes.map((code) => el("option", { value: code, text: this.page.languageName(code) })), el("option", { value: "?", text: say("language.unknown") }), el("option", { value: "+", text: say("language.other") }));
    this.language.value = codes.includes(now) ? now : "?";
  }

  #languageChosen() {
    const { value } = this.language;
    this.otherLanguage.hidden = value !== "+";
    if (value === "+") this.otherLanguage.focus();
    else this.#changeLanguage(value === "?" ? null : value);
  }

  #languageWritten() {
    const code = this.otherLanguage.value.trim().toLowerCase();
    if (code && !/^[a-z]{3}$/.test(code)) return this.page.tell(say("language.code"), { shown: true });
    this.otherLanguage.hidden = true;
    this.otherLanguage.value = "";
    this.language.focus();
    if (code) this.#changeLanguage(code);
    else this.#showLanguages();
  }

  #changeLanguage(language) {
    this.page.change({ act: "language", segment: this.segment.id, language });
    this.page.tell(say("language.is", { language: language ? this.page.languageName(language) : say("language.unknown") }));
  }

  #acts() {
    const acts = ["read_back", "split", "merge", "times", "delete", "history"];
    return el("div", { class: "group" }, acts.map((act) => this.#button(`act.${act}`, act, "plain")));
  }

  #times() {
    [this.start, this.end] = [el("span", { class: "edge-time" }), el("span", { class: "edge-time" })];
    const edge = (name, shown) =>
      el(
        "div",
        { class: "edge", role: "group", "aria-label": say(`times.${name}`) },
        el("span", { text: say(`times.${name}`) }),
        shown,
        STEPS_MS.map((ms) => el("button", { type: "button", "aria-label": say(`times.${name}_by`, { ms }), text: `${ms > 0 ? "+" : "−"}${Math.abs(ms)}`, onclick: () => this.page.nudge(name, ms) })),
        el("button", { type: "button", class: "plain", text: say(`times.${name}_here`), onclick: () => this.page.edgeHere(name) }),
      );
    return el("div", { class: "times", hidden: true }, edge("start", this.start), edge("end", this.end), el("p", { class: "quiet", text: say("times.keys") }));
  }
}
