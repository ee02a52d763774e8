// The field that finds languages.
import { ask, el, t } from "./api.js";

/** The error rate of a model on dev, with its interval, as its card has it. */
export function cer(model) {
  if (!model.cer || model.cer.dev === null || model.cer.dev === undefined) return "-";
  const interval = model.cer.low !== null && model.cer.low !== undefined ? ` (${model.cer.low}-${model.cer.high})` : "";
  return `${model.cer.dev} %${interval}`;
}

/** Choices that are no language by name: each stands alone. */
const alone = () => [
  { code: "auto", name: t("transcribe.auto"), models: [{ model: "mini" }] },
  { code: "und", name: t("transcribe.und"), models: [{ model: "mini" }] },
];
const isAlone = (one) => one?.code === "auto" || one?.code === "und";
const label = (one) => (isAlone(one) ? one.name : `${one.name} (${one.code})`).replaceAll(",", "");

/**
 * A field that finds languages as one types, several with commas between; arrows and Enter choose, Escape closes.
 * `chosen` gets the languages, none while the field holds something else. With `one` it is one language, also one that no model knows.
 * @returns {{element, value, take}} `take` chooses by code.
 */
export function languagePicker(chosen, { one: single = false } = {}) {
  const list = el("ul", { role: "listbox", id: "language-list", class: "options", hidden: true, "aria-label": t("transcribe.language") });
  const input = el("input", {
    id: "transcribe-language",
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": list.id,
    "aria-autocomplete": "list",
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": "language-hint",
  });
  let found = [];
  let at = -1;
  let turn = 0;
  /** What the list answers. */
  let answered = null;
  /** Languages that were chosen, by what stands for them in the field. */
  const taken = new Map();
  const parts = () => (single ? [input.value] : input.value.split(",")).map((part) => part.trim());
  const isOffered = (one) => single || one.models.length > 0;

  function tell() {
    const found = parts().filter(Boolean).map((part) => taken.get(part));
    chosen(found.every(Boolean) ? found : []);
  }

  async function look() {
    const own = ++turn;
    const asked = input.value;
    const sought = taken.has(parts().at(-1)) ? "" : parts().at(-1);
    const answer = await ask(`/api/languages?q=${encodeURIComponent(sought)}`);
    if (!answer.ok || own !== turn) return;
    answered = asked;
    found = [...answer.data, ...(single || parts().length > 1 ? [] : alone())];
    at = -1;
    list.replaceChildren(...found.map(option));
    open(true);
  }

  function option(one, number) {
    const own = one.autonym && one.autonym !== one.name ? one.autonym : "";
    const retired = one.retired?.length ? t("transcribe.retired", { codes: one.retired.join(", ") }) : "";
    const rate = one.models[0]?.cer ? `${t("languages.cer")}: ${cer(one.models[0])}` : "";
    const more = [own, one.code, one.glottocode, retired, ...(one.models.length ? [one.variety, rate] : [single ? t("align.no_model") : `${t("languages.fetch")} ${one.fetch}`])].filter(Boolean).join(" · ");
    return el(
      "li",
      { role: "option", id: `language-${number}`, "aria-disabled": !isOffered(one), "aria-selected": "false", onmousedown: (event) => event.preventDefault(), onclick: () => take(number) },
      el("strong", { text: one.name }),
      el("span", { class: "quiet", text: ` ${more}` }),
    );
  }

  function open(now) {
    list.hidden = !now;
    input.setAttribute("aria-expanded", String(now));
    if (!now) input.removeAttribute("aria-activedescendant");
  }

  function move(step) {
    if (list.hidden) return look();
    at = (at + step + found.length) % found.length;
    [...list.children].forEach((child, number) => child.setAttribute("aria-selected", String(number === at)));
    input.setAttribute("aria-activedescendant", `language-${at}`);
    list.children[at].scrollIntoView({ block: "nearest" });
  }

  function take(number) {
    const one = found[number];
    if (one && isOffered(one)) put(one);
  }

  function put(one) {
    const before = parts().slice(0, -1).filter((part) => part !== label(one) && !isAlone(taken.get(part)));
    taken.set(label(one), one);
    input.value = [...before, label(one)].join(", ");
    open(false);
    tell();
  }

  /** Choose one language by its code in place of what is there; nothing where the code is empty. */
  async function choose(code) {
    const answer = code ? await ask(`/api/languages?q=${encodeURIComponent(code)}`) : null;
    const one = answer?.ok && answer.data.find((row) => row.code === code && isOffered(row));
    input.value = "";
    if (one) put(one);
    else tell();
  }

  /** Enter: never from a list that answers what was typed before. */
  async function enter() {
    if (taken.has(parts().at(-1))) return;
    if (input.value !== answered) await look();
    if (input.value === answered) take(Math.max(0, at));
  }

  input.addEventListener("input", () => {
    tell();
    look();
  });
  input.addEventListener("focus", () => !input.value && look());
  input.addEventListener("blur", () => open(false));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter") enter();
    else if (event.key === "Escape") open(false);
    else return;
    event.preventDefault();
  });
  const element = el(
    "div",
    { class: "picker" },
    el("label", { for: input.id, text: t("transcribe.language") }),
    input,
    list,
    el("p", { class: "quiet", id: "language-hint", text: t(single ? "align.language_hint" : "transcribe.language_hint") }),
  );
  return {
    element,
    get value() {
      return input.value;
    },
    take: choose,
  };
}
