// Find and replace: what would change is seen and ticked before it does; all of it is one edit, and one undo.
import { ask, el } from "./api.js";
import { say } from "./review-strings.js";
import { graphemes } from "./review-text.js";
import { compared } from "./review-history.js";

const PAGE = 30;
const CHECKS = ["case", "tone", "whole_word", "regular"];

/** @param {{recording: string, language: object, before: () => Promise<void>, go: (id: string) => void, replace: (asked: object) => void, number: (id: string) => string, may: boolean, kept: object}} about */
export function findPanel({ recording, language, before, go, replace, number, may, kept }) {
  const field = (key, first) => el("input", { value: kept[key] ?? "", dir: language.direction, spellcheck: "false", autocapitalize: "off", autocomplete: "off", ...(first ? { "data-first": true, type: "text" } : {}) });
  const [find, put] = [field("find", true), field("with", false)];
  const boxes = Object.fromEntries(CHECKS.map((name) => [name, el("input", { type: "checkbox", checked: kept[name] ?? name === "tone" })]));
  const told = el("p", { class: "note", role: "status" });
  const list = el("ol", { class: "hits" });
  const pages = el("div", { class: "line" });
  const go_on = el("button", { type: "button", class: "main", hidden: true, onclick: () => change() });
  const every = el("button", { type: "button", class: "plain", hidden: true, onclick: () => tickAll() });
  let hits = [];
  let ticked = new Set();
  let page = 0;

  const asked = () => ({ find: find.value, with: put.value, ...Object.fromEntries(CHECKS.map((name) => [name, boxes[name].checked])) });

  async function look() {
    Object.assign(kept, asked());
    list.replaceChildren();
    hits = [];
    if (!find.value) return told.replaceChildren(say("find.nothing_asked"));
    told.replaceChildren(say("find.looking"));
    await before();
    const answer = await ask(`/api/recordings/${recording}/find`, { method: "POST", body: asked() });
    if (!answer.ok) {
      told.replaceChildren(answer.status === 0 ? say("find.away") : `${answer.data?.what ?? ""}. ${answer.data?.mend ?? ""}.`);
      return draw();
    }
    hits = answer.data;
    ticked = new Set(hits.map((hit) => hit.segment));
    page = 0;
    const places = hits.reduce((sum, hit) => sum + hit.hits.length, 0);
    told.replaceChildren(hits.length ? say("find.found", { count: places, segments: hits.length }) : say("find.none"));
    draw();
  }

  function draw() {
    const shown = hits.slice(page * PAGE, (page + 1) * PAGE);
    list.start = page * PAGE + 1;
    list.replaceChildren(...shown.map(item));
    const last = Math.ceil(hits.length / PAGE) - 1;
    const turn = (key, to, off) => el("button", { type: "button", class: "plain", text: say(key), disabled: off, onclick: () => ((page = to), draw(), list.querySelector("input, button")?.focus()) });
    pages.replaceChildren(...(last > 0 ? [turn("find.before", page - 1, page === 0), el("span", { text: say("find.page", { page: page + 1, of: last + 1 }) }), turn("find.after", page + 1, page === last)] : []));
    count();
  }

  function count() {
    go_on.hidden = every.hidden = !hits.length || !may;
    go_on.disabled = ticked.size === 0;
    go_on.textContent = say("find.replace", { count: ticked.size });
    every.textContent = say(ticked.size === hits.length ? "find.untick" : "find.tick");
  }

  function item(hit) {
    const name = say("find.in", { number: number(hit.segment) });
    const tick = el("input", { type: "checkbox", checked: ticked.has(hit.segment), "aria-label": name, disabled: !may, onchange: () => (tick.checked ? ticked.add(hit.segment) : ticked.delete(hit.segment), count()) });
    const shown = put.value || hit.after !== hit.text ? compared(hit.text, hit.after, language.direction) : found(hit);
    return el("li", {}, tick, el("div", {}, el("button", { type: "button", class: "plain", text: name, onclick: () => go(hit.segment) }), shown));
  }

  function found(hit) {
    const letters = graphemes(hit.text);
    const made = [];
    let at = 0;
    for (const [from, to] of hit.hits) {
      made.push(letters.slice(at, from).join(""), el("mark", { text: letters.slice(from, to).join("") }));
      at = to;
    }
    return el("p", { class: "compared", dir: language.direction }, made, letters.slice(at).join(""));
  }

  function tickAll() {
    ticked = ticked.size === hits.length ? new Set() : new Set(hits.map((hit) => hit.segment));
    draw();
  }

  function change() {
    replace({ act: "replace", ...asked(), segments: [...ticked] });
    hits = [];
    draw();
    told.replaceChildren(say("find.done"));
    find.focus();
  }

  const form = el(
    "form",
    { class: "find", onsubmit: (event) => (event.preventDefault(), look()) },
    el("label", {}, el("span", { text: say("find.find") }), find),
    may ? el("label", {}, el("span", { text: say("find.with") }), put) : "",
    CHECKS.map((name) => el("label", { class: "check" }, boxes[name], el("span", { text: say(`find.${name}`) }))),
    el("button", { type: "submit", text: say("find.go") }),
  );
  return [form, told, el("div", { class: "line" }, go_on, every), list, pages];
}
