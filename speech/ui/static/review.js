// <speech-review recording="ID">: one recording's draft, heard, mended and approved. This file wires the parts together
// and hears keys and clicks; what is shown, what becomes of an edit and what an act does stand in `review-showing.js`, `review-keeping.js`
// and `review-doing.js`. The other parts know nothing of each other.
import { ask, el, tagOf } from "./api.js";
import { Doing } from "./review-doing.js";
import { Editor } from "./review-editor.js";
import { Keeping } from "./review-keeping.js";
import { Keys } from "./review-keys.js";
import { layout } from "./review-layout.js";
import { List } from "./review-list.js";
import { Palette } from "./review-palette.js";
import { Panels } from "./review-panels.js";
import { Player } from "./review-player.js";
import { ReadBack, ReadingBack } from "./review-read-back.js";
import { fill } from "./review-row.js";
import { Saving } from "./review-saving.js";
import { Showing } from "./review-showing.js";
import { State, wordsIn } from "./review-state.js";
import { load, say } from "./review-strings.js";
import { Wave } from "./review-wave.js";

const CHOSEN = { autoplay: true, preroll_ms: 0, postroll_ms: 0, gap_ms: 0, rate: 1, size_px: 20, stacked: false, columns: [], palette: false, read_back: "speaker", borrow: {} };
const LOST = "The server does not answer. I try again.";

class SpeechReview extends HTMLElement {
  static observedAttributes = ["recording"];
  #ends = [];
  #begun = null;

  connectedCallback() {
    if (!this.shadowRoot) {
      this.attachShadow({ mode: "open" });
      this.style.display = "block";
    }
    this.#begin();
  }

  disconnectedCallback() {
    // A tab of the frame may move the element: only if it stays away, it ends.
    setTimeout(() => !this.isConnected && this.#end(), 0);
  }

  attributeChangedCallback(_name, before, now) {
    if (before !== null && before !== now && this.isConnected) {
      this.#end();
      this.#begin();
    }
  }

  async #begin() {
    const id = this.getAttribute("recording");
    if (!id || this.#begun === id) return;
    this.#begun = id;
    const place = el("div", { class: "begin" }, el("div", { class: "top" }, el("slot", { name: "heading" })));
    const said = el("div", { role: "status" });
    place.append(said);
    const style = el("link", { rel: "stylesheet", href: "/static/review.css" });
    this.shadowRoot.replaceChildren(style, place);
    const styled = new Promise((done) => {
      style.addEventListener("load", done);
      style.addEventListener("error", done);
    });
    for (let wait = 1000; this.#begun === id; wait = Math.min(8000, 2 * wait)) {
      const [me, recording] = await Promise.all([ask("/api/me"), ask(`/api/recordings/${id}`)]);
      if (this.#begun !== id) return;
      const table = me.ok ? await load(me.data.preferences.language) : null;
      if (table && recording.ok) {
        if (!this.getAttribute("lang")) this.lang = tagOf(table.language);
        await styled;
        const review = new Review(this, recording.data, me.data);
        this.#ends.push(() => review.end());
        await review.begin();
        return;
      }
      if (table && recording.status === 404) {
        said.replaceChildren(el("p", { class: "empty", text: say("missing") }));
        return;
      }
      said.replaceChildren(el("p", { class: "empty", text: table ? say("away") : LOST }));
      await new Promise((done) => setTimeout(done, wait));
    }
  }

  #end() {
    this.#begun = null;
    for (const end of this.#ends.splice(0)) end();
  }
}

/** Whether texts are written from right to left: asked of the letters where no table tells of the language. */
function writtenFromRight(segments) {
  const text = segments.slice(0, 100).map((segment) => segment.text).join("");
  const count = (pattern) => text.match(pattern)?.length ?? 0;
  return count(/[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Nko}\p{Script=Adlam}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Hanifi_Rohingya}]/gu) > count(/\p{L}/gu) / 2;
}

/** One visit to one recording: what was chosen and typed in it, and the parts that it is shown with. */
class Review extends ReadingBack(Doing(Keeping(Showing(class {})))) {
  chosen = null;
  timers = new Map();
  composing = false;
  nudged = null;
  cycle = null;
  numbers = null;
  found = {};
  offs = [];
  /** Languages that are spoken, where there are several: code -> number of its pattern. */
  spoken = new Map();
  /** How other languages than the recording's are written, by code. */
  written = new Map();

  constructor(host, recording, me) {
    super();
    this.host = host;
    this.root = host.shadowRoot;
    this.recording = recording;
    this.me = me;
    this.language = { code: "und", name: "", alphabet: [], palette: [], marks: [], ...recording.language };
    if (!this.language.alphabet.length && writtenFromRight(recording.segments)) this.language.direction = "rtl";
    this.language.direction ??= "ltr";
    this.state = new State(recording);
    this.settings = { ...CHOSEN, ...(me.preferences.review ?? {}) };
    this.keys = new Keys(me.preferences["review.keys"]);
    this.saving = new Saving({ recording: recording.id, person: me.person, version: this.state.version });
    this.parts = layout(recording, { run: (act) => this.act(act), arranged: () => this.arrange() });
    this.player = new Player(this.parts.audio, `/media/${recording.id}`);
    this.readBack = new ReadBack(this.player, recording.id);
    this.editor = new Editor(this);
    this.panels = new Panels(this.parts.panel, { closed: (back) => this.panelClosed(back) });
    this.list = new List(this.parts.scroller, this.parts.body, { make: (id) => this.row(id), fill: (row, id) => fill(row, id, this), guess: (id) => this.guess(id) });
    this.wave = new Wave({ overview: this.parts.overview, stretch: this.parts.stretch, recording: recording.id, duration_ms: recording.duration_ms, look: {
      segments: (from, to) => this.state.between(from, to),
      chosen: () => this.state.get(this.chosen),
      language: (segment) => this.spokenIn(segment),
      mixed: () => this.spoken.size > 0,
      words: () => (this.chosen ? wordsIn(this.state.get(this.chosen)).filter((one) => one.start_ms !== null) : []),
      position_ms: () => this.player.position_ms,
    } }); // prettier-ignore
    this.palette = new Palette({ field: () => this.lastField ?? this.editor.field, language: this.language, closed: () => this.setPalette(false) });
    this.parts.dock.append(this.palette.element);
  }

  get columns() {
    return this.settings.columns;
  }

  /** Segments that wait for a choice between two texts. */
  get conflicts() {
    return new Set(this.saving.conflicts.map((edit) => edit.conflict.segment));
  }

  may = (right) => this.me.may.includes(right);

  async begin() {
    await this.saving.begin();
    this.state.foresee(this.waiting());
    this.root.querySelector(".begin")?.replaceWith(this.parts.element);
    this.listen();
    this.player.begin();
    this.size();
    this.applySettings();
    if (!this.state.order.length) this.showEmpty();
    this.list.set(this.state.order);
    const first = this.state.order.includes(this.recording.place) ? this.recording.place : this.state.order[0];
    if (first) this.choose(first, { focus: document.activeElement === document.body || document.activeElement === this.host ? "row" : null, place: false });
    this.counts();
    this.showSaved();
    this.speakersChanged();
    this.languagesChanged();
    this.conflictNotice();
    this.saving.send();
    this.lookLater();
    this.host.dispatchEvent(new CustomEvent("ready", { bubbles: true }));
  }

  end() {
    this.commit();
    this.readBack.end();
    this.player.end();
    this.saving.end();
    this.list.end();
    this.wave.end();
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const off of this.offs) off();
  }

  // Listening.

  on(target, type, run, options) {
    target.addEventListener(type, run, options);
    this.offs.push(() => target.removeEventListener(type, run, options));
  }

  listen() {
    const { element, scroller, body } = this.parts;
    this.on(element, "keydown", (event) => this.key(event));
    this.on(element, "focusin", (event) => this.focused(event));
    this.on(this.editor.field, "blur", () => this.commit());
    this.on(this.editor.field, "compositionstart", () => (this.composing = true));
    this.on(this.editor.field, "compositionend", () => {
      this.composing = false;
      this.typed();
    });
    this.on(body, "click", (event) => this.clicked(event));
    this.on(this.player, "change", () => this.showPlaying());
    this.on(this.readBack, "change", () => this.showReading());
    this.on(this.player, "time", () => this.showTime());
    this.on(this.player, "heard", ({ detail }) => this.heard(detail.segment));
    this.on(this.player, "awaited", () => this.notice(say("sound_awaited"), { of: "sound" }));
    this.on(this.player, "found", () => this.closeNotice("sound"));
    this.on(this.player, "lost", () => this.notice(say("sound_lost"), { act: [say("again"), () => (this.closeNotice(), this.parts.audio.load())], error: true, of: "sound" }));
    this.on(this.parts.audio, "seeked", () => this.showTime());
    this.on(this.wave, "seek", ({ detail }) => this.pointedAt(detail.ms));
    this.on(this.wave, "word", ({ detail }) => this.playWord(detail.word));
    this.on(this.saving, "state", () => this.showSaved());
    this.on(this.saving, "answered", ({ detail }) => this.answered(detail.edit, detail.answer));
    this.on(this.saving, "conflict", ({ detail }) => this.clashed(detail.edit));
    this.on(this.saving, "refused", ({ detail }) => this.refused(detail.edit, detail.refusal));
    this.on(window, "beforeunload", (event) => {
      this.commit();
      if (this.saving.waiting.length) event.preventDefault();
    });
    this.on(window, "pagehide", () => this.commit());
    this.on(document, "visibilitychange", () => (document.hidden ? this.commit() : this.look()));
    this.on(window, "resize", () => this.size());
    if (window.visualViewport) this.on(window.visualViewport, "resize", () => this.size());
    const sizes = new ResizeObserver(() => this.size());
    sizes.observe(document.body);
    this.offs.push(() => sizes.disconnect());
    this.on(scroller, "scroll", () => this.parts.grid.classList.toggle("scrolled", scroller.scrollTop > 0), { passive: true });
  }

  later(name, run, ms) {
    clearTimeout(this.timers.get(name));
    this.timers.set(name, setTimeout(run, ms));
  }

  /** As high as what is left of the window, above an on-screen keyboard. */
  size() {
    const top = Math.max(0, this.host.getBoundingClientRect().top + scrollY);
    const seen = window.visualViewport?.height ?? innerHeight;
    const least = top < 40 ? 240 : 480;
    const height = Math.max(least, Math.floor(seen - (top < innerHeight - least ? top : 0)));
    if (this.height !== height) this.parts.element.style.height = `${(this.height = height)}px`;
    this.parts.element.classList.toggle("low", height < 520);
    this.narrow = this.parts.element.clientWidth < 640;
  }

  key(event) {
    const { target } = event;
    const row = target.closest?.(".row");
    const inField = target.matches("input, textarea, select");
    if (this.parts.panel.contains(target) || this.parts.dock.contains(target)) {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f") return; // again: the browser's
      return;
    }
    const place = target === this.editor.field ? "text" : row && target === row ? "list" : null;
    let act = place ? this.keys.act(place, event) : null;
    if (!place) {
      const asText = this.keys.act("text", event);
      const asList = inField ? null : this.keys.act("list", event);
      if (["play", "back", "find", "leave", "palette", "approve_next"].includes(asText)) act = asText === "palette" && !inField ? null : asText;
      else if (["undo", "redo"].includes(asText) && !inField) act = asText;
      else if (["help"].includes(asList)) act = asList;
      else if (asText === "tone" && target.matches("textarea")) act = "tone";
      if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) act = null;
      if (event.key === " ") act = null;
    }
    if (place === "list" && this.editor.timesOn && this.timesKey(event)) act = "done";
    // What the browser can still take back is the browser's.
    if (act === "undo" && place === "text" && this.editor.dirty) act = null;
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    if (act === "done") return;
    if (act.startsWith("speaker.")) this.digit(Number(act.slice(8)));
    else this.act(act, place ?? "text");
  }

  timesKey(event) {
    const by = { ArrowLeft: -10, ArrowRight: 10, PageUp: -100, PageDown: 100 }[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return false;
    this.nudge(event.shiftKey ? "end" : "start", by);
    return true;
  }

  focused({ target }) {
    if (target.matches("textarea, input[type=text], input:not([type])") && !this.parts.dock.contains(target)) this.lastField = target;
    this.inText = target === this.editor.field;
    const row = target.closest?.(".row[data-id]");
    if (row && row.dataset.id !== this.chosen) this.choose(row.dataset.id, { focus: null });
  }

  clicked(event) {
    const row = event.target.closest(".row[data-id]");
    if (!row) return;
    if (row.dataset.id !== this.chosen) {
      this.choose(row.dataset.id, { focus: event.target.closest(".text") && this.may("text") ? "text" : "row" });
    } else if (!event.target.closest(".editor")) row.focus();
  }
}

customElements.define("speech-review", SpeechReview);
