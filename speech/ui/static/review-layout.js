// The parts of the element as they stand on the page; what they do is in `review.js`.
import { el } from "./api.js";
import { say } from "./review-strings.js";

const ORDERS = ["time", "unsure", "teaches", "disagreement", "random"];
const STATES = ["", "draft", "edited", "approved", "unsure", "not_speech", "unheard"];

const button = (act, run, { sign = "", name = "", ...more } = {}) =>
  el("button", { type: "button", class: name, "data-act": act, ...more, onclick: () => run(act) }, sign ? el("span", { class: "sign", "aria-hidden": "true", text: sign }) : "", el("span", { class: "name", text: say(`act.${act}`) }));

/** All parts, by name. `run` does an act, `arranged` is called when order or filters were chosen. */
export function layout(recording, { run, arranged }) {
  const parts = {};
  const select = (name, values, key) => {
    parts[name] = el("select", { "aria-label": say(name), onchange: arranged }, values.map((value) => el("option", { value, text: say(`${key}.${value || "any"}`) })));
    return el("span", { class: "choice" }, el("span", { "aria-hidden": "true", text: say(name) }), parts[name]);
  };
  parts.saved = el("p", { class: "save saved" });
  parts.counts = el("p", { class: "counts quiet" });
  parts.people = el("p", { class: "people" });
  parts.live = el("p", { class: "hidden", role: "status" });
  parts.notice = el("div", { class: "notice", hidden: true });
  parts.aloud = el("div", { class: "aloud", hidden: true }, el("p", {}), el("button", { type: "button", text: say("act.stop"), onclick: () => run("read_back") }));
  parts.overview = el("canvas", { class: "overview", role: "img", "aria-label": say("wave.overview") });
  parts.stretch = el("canvas", { class: "stretch", role: "img", "aria-label": say("wave.stretch") });
  parts.legend = el("ul", { class: "legend", "aria-label": say("languages"), hidden: true });
  parts.audio = el("audio", { preload: "metadata" });
  parts.clock = el("p", { class: "clock", dir: "ltr" });
  parts.speed = el("output", { class: "speed", "aria-label": say("speed") });
  parts.more = el("button", { type: "button", class: "plain more", "aria-expanded": "false", onclick: () => {
    const open = parts.element.classList.toggle("wide-bar");
    parts.more.setAttribute("aria-expanded", String(open));
  } }, el("span", { text: say("more") })); // prettier-ignore
  parts.bar = el(
    "div",
    { class: "bar", role: "group", "aria-label": say("bar") },
    el("div", { class: "group sound" },
      button("play", run, { sign: "▶", name: "main play" }), button("back", run, { sign: "↶" }), button("loop", run, { sign: "⟳", "aria-pressed": "false" }),
      el("div", { class: "joined", role: "group", "aria-label": say("speed") }, button("slower", run, { sign: "−", name: "short" }), parts.speed, button("faster", run, { sign: "+", name: "short" })),
      el("div", { class: "joined", role: "group", "aria-label": say("zoom") }, button("zoom_out", run, { sign: "⊖", name: "short" }), button("zoom_in", run, { sign: "⊕", name: "short" })),
      parts.clock),
    el("div", { class: "group edits" }, button("undo", run, { sign: "↩" }), button("redo", run, { sign: "↪" }), button("add", run, { sign: "+" })),
    el("div", { class: "group choices" }, select("order", ORDERS, "order"), select("state", STATES, "show"), select("who", [""], "show")),
    el("div", { class: "group panels" }, button("find", run), button("speakers", run), button("palette", run), button("settings", run), button("help", run)),
  ); // prettier-ignore
  parts.body = el("div", { class: "rows", role: "none" });
  parts.scroller = el("div", { class: "scroller", role: "rowgroup" }, parts.body);
  parts.head = el("div", { class: "row head", role: "row", "aria-rowindex": "1" });
  parts.grid = el("div", { class: "grid", role: "grid", "aria-label": say("list", { name: recording.name }), "aria-multiselectable": "false" }, el("div", { role: "rowgroup" }, parts.head), parts.scroller);
  parts.empty = el("div", { class: "empty", hidden: true });
  parts.panel = el("aside", { class: "panel", hidden: true, "aria-labelledby": "panel-heading" });
  parts.dock = el("div", { class: "dock", hidden: true });
  parts.thumb = el("div", { class: "thumb", role: "group", "aria-label": say("thumb") },
    button("previous", run, { sign: "↑" }), button("play", run, { sign: "▶", name: "main play" }), button("next", run, { sign: "↓" }), button("approve", run, { sign: "✓" }), button("palette", run, { sign: "ñ" })); // prettier-ignore
  parts.element = el(
    "div",
    { class: "review" },
    el("header", { class: "top" }, el("slot", { name: "heading" }, el("h2", { text: recording.name })), parts.counts, parts.people, el("span", { class: "grow" }), parts.saved, parts.more),
    parts.live,
    el("div", { class: "wave" }, parts.overview, parts.stretch, parts.legend),
    parts.bar,
    parts.notice,
    parts.aloud,
    el("div", { class: "middle" }, el("div", { class: "main-part" }, parts.grid, parts.empty), parts.panel),
    parts.dock,
    parts.thumb,
    parts.audio,
  );
  return parts;
}

/** The head of the list, with the columns that are on. */
export function headings(parts, columns, columnName) {
  const cell = (name, key, text = say(key)) => el("div", { role: "columnheader", class: name, text });
  parts.head.replaceChildren(cell("when", "head.when"), cell("who", "head.who"), cell("text", "head.text"), ...columns.map((c) => cell("column", "", columnName(c))), cell("state", "head.state"));
  parts.element.style.setProperty("--columns", columns.length ? `repeat(${columns.length}, minmax(8rem, 1fr))` : "");
  parts.element.classList.toggle("has-columns", columns.length > 0);
}
