// Panels beside the list: keys, settings, speakers. One at a time; Esc closes it and gives the focus back.
import { el } from "./api.js";
import { KEYS, isSingle, pressed, shown } from "./review-keys.js";
import { columnName } from "./review-row.js";
import { say } from "./review-strings.js";

export class Panels {
  #back = null;
  open = null;

  constructor(host, { closed }) {
    this.host = host;
    this.closed = closed;
    host.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.preventDefault();
      event.stopPropagation();
      this.close();
    });
  }

  /** Show a panel; the same one again closes it. The focus goes to what has `data-first`, else to the heading. */
  show(name, content, { focus = true, back = null } = {}) {
    this.#back = back ?? this.#back;
    this.open = name;
    const heading = el("h3", { id: "panel-heading", tabindex: "-1", text: say(`panel.${name}`) });
    const close = el("button", { type: "button", class: "plain close", text: say("close"), onclick: () => this.close() });
    this.host.replaceChildren(el("header", {}, heading, close), el("div", { class: "content" }, content));
    this.host.scrollTop = 0;
    this.host.dataset.panel = name;
    this.host.hidden = false;
    if (focus) (this.host.querySelector("[data-first]") ?? heading).focus();
  }

  close() {
    if (!this.open) return;
    this.open = null;
    this.host.hidden = true;
    this.host.replaceChildren();
    const back = this.#back;
    this.#back = null;
    this.closed(back);
  }
}

/** All keys, each to be changed; and whether single letters act. */
export function keysPanel(keys, { save, say: tell }) {
  const body = el("div", { class: "keys" });
  const single = el("input", { type: "checkbox", checked: keys.single, onchange: () => ((keys.single = single.checked), save(), draw()) });
  const note = el("p", { class: "note", role: "status" });

  function draw() {
    body.replaceChildren(...Object.keys(KEYS).flatMap((place) => [el("h4", { text: say(`keys.${place}`) }), table(place)]));
  }

  function table(place) {
    const rows = Object.keys(KEYS[place]).map((act) => {
      const names = keys.of(place, act);
      const off = place === "list" && !keys.single && names.every(isSingle);
      const change = el("button", { type: "button", class: "plain", "aria-label": say("keys.change_of", { act: say(`act.${act}`) }), text: say("keys.change"), onclick: () => listen(place, act, change) });
      const kbd = names.flatMap((name, n) => [n ? ` ${say("keys.or")} ` : "", el("kbd", { text: shown(name) })]);
      return el("tr", {}, el("th", { scope: "row", text: say(`act.${act}`) }), el("td", { class: off ? "off" : "" }, kbd), el("td", {}, change));
    });
    if (place === "list") rows.push(el("tr", {}, el("th", { scope: "row", text: say("act.speaker_n") }), el("td", { class: keys.single ? "" : "off" }, el("kbd", { text: "1 – 9" })), el("td")));
    return el("table", {}, el("tbody", {}, rows));
  }

  function listen(place, act, button) {
    button.textContent = say("keys.press");
    const hear = (event) => {
      if (["Control", "Shift", "Alt", "Meta", "AltGraph"].includes(event.key)) return;
      if (event.key === "Tab") return stop();
      event.preventDefault();
      event.stopPropagation();
      const name = pressed(event);
      const answer = event.key === "Escape" ? true : keys.set(place, act, name);
      stop();
      if (answer === true) {
        note.textContent = "";
        save();
      } else {
        note.textContent = answer ? say("keys.taken", { key: shown(name), act: say(`act.${answer}`) }) : say("keys.refused", { key: shown(name) });
      }
      draw();
      [...body.querySelectorAll("button")].find((one) => one.getAttribute("aria-label") === button.getAttribute("aria-label"))?.focus();
    };
    const stop = () => {
      button.removeEventListener("keydown", hear);
      button.removeEventListener("blur", stop);
      button.textContent = say("keys.change");
    };
    button.addEventListener("keydown", hear);
    button.addEventListener("blur", stop);
  }

  draw();
  const reset = el("button", { type: "button", class: "plain", text: say("keys.reset"), onclick: () => ((keys.changed = {}), save(), draw(), tell(say("keys.were_reset"))) });
  return [el("label", { class: "check" }, single, el("span", { text: say("keys.single") })), note, body, reset];
}

const numberField = (label, value, { min, max, step, change }) => {
  const field = el("input", { type: "number", min, max, step, value: String(value), onchange: () => change(Math.min(max, Math.max(min, Number(field.value) || 0))) });
  return el("label", {}, el("span", { text: label }), field);
};

/** What a person sets for themselves: sound, size, columns. `chosen` is changed in place. */
export function settingsPanel(chosen, { languages, save, read_back, alone }) {
  const set = (name) => (value) => {
    chosen[name] = value;
    save(name);
  };
  const check = (label, on, change) => {
    const box = el("input", { type: "checkbox", checked: on, onchange: () => change(box.checked) });
    return el("label", { class: "check" }, box, el("span", { text: label }));
  };
  const columns = () => [...new Set([...languages(), ...chosen.columns.filter((c) => c !== "note"), "note"])];
  const list = el("div");
  const draw = () =>
    list.replaceChildren(
      ...columns().map((column) => check(columnName(column), chosen.columns.includes(column), (on) => set("columns")(on ? [...chosen.columns, column] : chosen.columns.filter((c) => c !== column)))),
    );
  const code = el("input", { maxlength: "20", autocapitalize: "off", spellcheck: "false", placeholder: "es" });
  const add = () => {
    const language = code.value.trim();
    if (!language || language === "note" || chosen.columns.includes(language)) return;
    set("columns")([...chosen.columns, language]);
    code.value = "";
    draw();
  };
  draw();
  return [
    el("fieldset", {}, el("legend", { text: say("settings.sound") }),
      check(say("settings.autoplay"), chosen.autoplay, set("autoplay")),
      numberField(say("settings.preroll"), chosen.preroll_ms, { min: 0, max: 500, step: 50, change: set("preroll_ms") }),
      numberField(say("settings.postroll"), chosen.postroll_ms, { min: 0, max: 500, step: 50, change: set("postroll_ms") }),
      numberField(say("settings.gap"), chosen.gap_ms, { min: 0, max: 2000, step: 100, change: set("gap_ms") })),
    read_back ?? "",
    el("fieldset", {}, el("legend", { text: say("settings.text") }),
      numberField(say("settings.size"), chosen.size_px, { min: 16, max: 32, step: 1, change: set("size_px") }),
      check(say("settings.stacked"), chosen.stacked, set("stacked"))),
    el("fieldset", {}, el("legend", { text: say("settings.columns") }), el("p", { class: "quiet", text: say("settings.columns_hint") }), list,
      el("div", { class: "line" }, el("label", {}, el("span", { text: say("settings.language") }), code), el("button", { type: "button", text: say("settings.add"), onclick: add }))),
    alone ?? "",
  ]; // prettier-ignore
}

/** The speakers, each to be renamed everywhere; an existing label merges two. */
export function speakersPanel(state, { rename }) {
  const body = el("div", { class: "speakers" });
  const draw = () => {
    const labels = state.speakers();
    const of = (label) => state.ids().map((id) => state.get(id)).filter((segment) => segment.speaker === label);
    const told = (own) => {
      const proposed = own.filter(state.proposed).length;
      return [say("speaker.segments", { count: own.length }), proposed && say("speaker.proposals", { count: proposed })].filter(Boolean).join(" · ");
    };
    body.replaceChildren(
      ...labels.map((label, n) => {
        const field = el("input", { value: label, maxlength: "80", "aria-label": say("speaker.name_of", { speaker: label }) });
        const go = () => {
          const to = field.value.trim();
          if (!to || to === label) return;
          rename(label, to);
          draw();
          [...body.querySelectorAll("input")].find((one) => one.value === to)?.focus();
        };
        field.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && go());
        const button = el("button", { type: "button", text: say("speaker.rename"), onclick: go });
        const merges = el("p", { class: "note", role: "status" });
        field.addEventListener("input", () => {
          const to = field.value.trim();
          merges.textContent = to !== label && labels.includes(to) ? say("speaker.merges", { speaker: label, other: to }) : "";
        });
        return el("div", { class: "speaker" }, el("div", { class: "line" }, n < 9 ? el("kbd", { text: String(n + 1) }) : "", field, button), el("p", { class: "quiet", text: told(of(label)) }), merges);
      }),
      labels.length ? "" : el("p", { text: say("speaker.none") }),
    );
  };
  draw();
  return [el("p", { class: "quiet", text: say("speaker.hint") }), body];
}
