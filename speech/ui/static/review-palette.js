// The letters of the language and its tone marks, for mouse, touch and keys; and a search among letters by their Unicode names.
import { el } from "./api.js";
import { ETHIOPIC, cycled } from "./review-text.js";
import { say } from "./review-strings.js";

const FOUND_AT_MOST = 24;

/** Put text in place of a part of a field's text, so that the browser's own undo knows of it. */
export function put(field, text, from = field.selectionStart, to = field.selectionEnd) {
  field.focus();
  field.setSelectionRange(from, to);
  const done = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
  if (!done) {
    field.setRangeText(text, from, to, "end");
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
}

/** Give the letter before the caret its next mark; false where there is none. */
export function tone(field, marks, mark = null) {
  const change = cycled(field.value, field.selectionStart, marks, mark);
  if (!change) return false;
  put(field, change.text, change.from, change.to);
  return true;
}

export class Palette {
  /** @param {{field: () => HTMLTextAreaElement | null, language: object, closed: () => void}} about */
  constructor({ field, language, closed }) {
    this.field = field;
    this.language = language;
    this.closed = closed;
    this.letters = el("div", { class: "letters", role: "group", "aria-label": say("palette.letters") });
    this.found = el("div", { class: "letters found", role: "group", "aria-label": say("palette.found") });
    this.search = el("input", { type: "search", autocomplete: "off", autocapitalize: "off", spellcheck: "false", placeholder: say("palette.search_hint"), oninput: () => this.#look() });
    this.element = el(
      "section",
      { class: "palette", "aria-label": say("palette.title"), onkeydown: (event) => this.#key(event) },
      this.letters,
      el("div", { class: "line" }, el("label", {}, el("span", { text: say("palette.search") }), this.search), el("button", { type: "button", class: "plain", text: say("palette.close"), onclick: () => this.closed() })),
      this.found,
    );
    for (const letter of language.palette ?? []) this.letters.append(this.#letter(letter));
    for (const mark of language.marks ?? []) this.letters.append(this.#mark(mark));
    if (language.palette?.some((letter) => ETHIOPIC.test(letter))) this.letters.append(this.#order());
  }

  focus() {
    (this.letters.querySelector("button") ?? this.search).focus();
  }

  #letter(letter, name = letter) {
    const button = el("button", { type: "button", class: "letter", "aria-label": name, title: name, text: /^\p{M}/u.test(letter) ? `◌${letter}` : letter });
    this.#press(button, (field) => put(field, letter));
    return button;
  }

  #mark(mark) {
    const name = say("palette.mark", { mark: `◌${mark}` });
    const button = el("button", { type: "button", class: "letter mark", "aria-label": name, title: name, text: `◌${mark}` });
    this.#press(button, (field) => tone(field, this.language.marks, mark) || put(field, mark));
    return button;
  }

  /** The next vowel order of the syllable before the caret. */
  #order() {
    const name = say("palette.next_order");
    const button = el("button", { type: "button", class: "letter mark", "aria-label": name, title: name, text: "ለ→ሉ" });
    this.#press(button, (field) => tone(field, []));
    return button;
  }

  #press(button, act) {
    // A pointer leaves the focus, and the on-screen keyboard, where they are.
    button.addEventListener("pointerdown", (event) => event.preventDefault());
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => {
      const field = this.field();
      if (field) act(field);
    });
  }

  #key(event) {
    const buttons = [...this.element.querySelectorAll(".letter")];
    const at = buttons.indexOf(event.target);
    if (event.key === "Escape" || event.key === "F2") {
      this.field()?.focus();
    } else if (at >= 0 && ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"].includes(event.key)) {
      const step = event.key === "ArrowRight" || event.key === "ArrowDown" ? 1 : -1;
      buttons[(at + step + buttons.length) % buttons.length].focus();
    } else {
      event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  async #look() {
    const words = this.search.value.trim().toUpperCase().split(/\s+/).filter(Boolean);
    this.found.replaceChildren();
    if (!words.length) return;
    this.names ??= fetch("/static/letters.json").then((answer) => (answer.ok ? answer.json() : {}), () => ({}));
    const names = await this.names;
    const hits = Object.entries(names).filter(([, name]) => words.every((word) => name.includes(word)));
    // A name that has the words as words before one that has them in others: "eng" before "length".
    const apart = ([, name]) => words.filter((word) => !name.split(/[ -]/).includes(word)).length;
    hits.sort((a, b) => apart(a) - apart(b) || a[1].length - b[1].length);
    this.found.replaceChildren(...hits.slice(0, FOUND_AT_MOST).map(([letter, name]) => this.#letter(letter, name.toLowerCase())));
    if (!hits.length) this.found.append(el("p", { class: "quiet", text: say("palette.none") }));
  }
}
