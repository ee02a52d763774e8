// <speech-review recording="ID">: one recording's draft, heard, mended and approved. This file wires the parts together:
// what was chosen, what an act does, what is told. The parts know nothing of each other.
import { ask, el } from "./api.js";
import { Editor } from "./review-editor.js";
import { findPanel } from "./review-find.js";
import { conflictPanel, historyPanel } from "./review-history.js";
import { Keys } from "./review-keys.js";
import { headings, layout } from "./review-layout.js";
import { List } from "./review-list.js";
import { Palette, put, tone } from "./review-palette.js";
import { Panels, keysPanel, settingsPanel, speakersPanel } from "./review-panels.js";
import { Player } from "./review-player.js";
import { columnName, fill } from "./review-row.js";
import { Saving, newId } from "./review-saving.js";
import { State, wordsIn } from "./review-state.js";
import { load, say } from "./review-strings.js";
import { clock, graphemes, graphemesBefore, saved } from "./review-text.js";
import { Wave } from "./review-wave.js";

const TYPED_MS = 500;
const NUDGED_MS = 400;
const LOOK_MS = 4000;
const LEAST_MS = 50;
const HERE_MS = 5 * 60_000;
const CHOSEN = { autoplay: true, preroll_ms: 0, postroll_ms: 0, gap_ms: 0, rate: 1, size_px: 20, stacked: false, columns: [], palette: false };
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
    const place = el("div", { class: "begin", role: "status" });
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
        if (!this.getAttribute("lang")) this.lang = table.language;
        await styled;
        const review = new Review(this, recording.data, me.data);
        this.#ends.push(() => review.end());
        await review.begin();
        return;
      }
      if (table && recording.status === 404) {
        place.replaceChildren(el("p", { class: "empty", text: say("missing") }));
        return;
      }
      place.replaceChildren(el("p", { class: "empty", text: table ? say("away") : LOST }));
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

/** One visit to one recording. */
class Review {
  chosen = null;
  #timers = new Map();
  #composing = false;
  #nudged = null;
  #cycle = null;
  #numbers = null;
  #found = {};
  #offs = [];

  constructor(host, recording, me) {
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
    this.editor = new Editor(this);
    this.panels = new Panels(this.parts.panel, { closed: (back) => this.#panelClosed(back) });
    this.list = new List(this.parts.scroller, this.parts.body, { make: (id) => this.#row(id), fill: (row, id) => fill(row, id, this), guess: (id) => this.#guess(id) });
    this.wave = new Wave({ overview: this.parts.overview, stretch: this.parts.stretch, recording: recording.id, duration_ms: recording.duration_ms, look: {
      segments: (from, to) => this.state.between(from, to),
      chosen: () => this.state.get(this.chosen),
      words: () => (this.chosen ? wordsIn(this.state.get(this.chosen)).filter((one) => one.start_ms !== null) : []),
      position_ms: () => this.player.position_ms,
    } }); // prettier-ignore
    this.palette = new Palette({ field: () => this.lastField ?? this.editor.field, language: this.language, closed: () => this.#setPalette(false) });
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
    this.state.foresee(this.#waiting());
    this.root.querySelector(".begin")?.replaceWith(this.parts.element);
    this.#listen();
    this.player.begin();
    this.#size();
    this.#applySettings();
    if (!this.state.order.length) this.#showEmpty();
    this.list.set(this.state.order);
    const first = this.state.order.includes(this.recording.place) ? this.recording.place : this.state.order[0];
    if (first) this.choose(first, { focus: document.activeElement === document.body || document.activeElement === this.host ? "row" : null, place: false });
    this.#counts();
    this.#showSaved();
    this.#speakersChanged();
    this.#conflictNotice();
    this.saving.send();
    this.#later("look", () => this.#look(), LOOK_MS);
    this.host.dispatchEvent(new CustomEvent("ready", { bubbles: true }));
  }

  end() {
    this.#commit();
    this.player.end();
    this.saving.end();
    this.list.end();
    this.wave.end();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const off of this.#offs) off();
  }

  // Listening.

  #on(target, type, run, options) {
    target.addEventListener(type, run, options);
    this.#offs.push(() => target.removeEventListener(type, run, options));
  }

  #listen() {
    const { element, scroller, body } = this.parts;
    this.#on(element, "keydown", (event) => this.#key(event));
    this.#on(element, "focusin", (event) => this.#focused(event));
    this.#on(this.editor.field, "blur", () => this.#commit());
    this.#on(this.editor.field, "compositionstart", () => (this.#composing = true));
    this.#on(this.editor.field, "compositionend", () => {
      this.#composing = false;
      this.typed();
    });
    this.#on(body, "click", (event) => this.#clicked(event));
    this.#on(this.player, "change", () => this.#showPlaying());
    this.#on(this.player, "time", () => this.#showTime());
    this.#on(this.player, "heard", ({ detail }) => this.#heard(detail.segment));
    this.#on(this.player, "awaited", () => this.notice(say("sound_awaited"), { of: "sound" }));
    this.#on(this.player, "found", () => this.#closeNotice("sound"));
    this.#on(this.player, "lost", () => this.notice(say("sound_lost"), { act: [say("again"), () => (this.#closeNotice(), this.parts.audio.load())], error: true, of: "sound" }));
    this.#on(this.parts.audio, "seeked", () => this.#showTime());
    this.#on(this.wave, "seek", ({ detail }) => this.#pointedAt(detail.ms));
    this.#on(this.wave, "word", ({ detail }) => this.playWord(detail.word));
    this.#on(this.saving, "state", () => this.#showSaved());
    this.#on(this.saving, "answered", ({ detail }) => this.#answered(detail.edit, detail.answer));
    this.#on(this.saving, "conflict", ({ detail }) => this.#clashed(detail.edit));
    this.#on(this.saving, "refused", ({ detail }) => this.#refused(detail.edit, detail.refusal));
    this.#on(window, "beforeunload", (event) => {
      this.#commit();
      if (this.saving.waiting.length) event.preventDefault();
    });
    this.#on(window, "pagehide", () => this.#commit());
    this.#on(document, "visibilitychange", () => (document.hidden ? this.#commit() : this.#look()));
    this.#on(window, "resize", () => this.#size());
    if (window.visualViewport) this.#on(window.visualViewport, "resize", () => this.#size());
    const sizes = new ResizeObserver(() => this.#size());
    sizes.observe(document.body);
    this.#offs.push(() => sizes.disconnect());
    this.#on(scroller, "scroll", () => this.parts.grid.classList.toggle("scrolled", scroller.scrollTop > 0), { passive: true });
  }

  #later(name, run, ms) {
    clearTimeout(this.#timers.get(name));
    this.#timers.set(name, setTimeout(run, ms));
  }

  /** As high as what is left of the window, above an on-screen keyboard. */
  #size() {
    const top = Math.max(0, this.host.getBoundingClientRect().top + scrollY);
    const seen = window.visualViewport?.height ?? innerHeight;
    const least = top < 40 ? 240 : 480;
    const height = Math.max(least, Math.floor(seen - (top < innerHeight - least ? top : 0)));
    if (this.height !== height) this.parts.element.style.height = `${(this.height = height)}px`;
    this.parts.element.classList.toggle("low", height < 520);
  }

  #key(event) {
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
    if (place === "list" && this.editor.timesOn && this.#timesKey(event)) act = "done";
    // What the browser can still take back is the browser's.
    if (act === "undo" && place === "text" && this.editor.dirty) act = null;
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    if (act === "done") return;
    if (act.startsWith("speaker.")) this.#digit(Number(act.slice(8)));
    else this.act(act, place ?? "text");
  }

  #timesKey(event) {
    const by = { ArrowLeft: -10, ArrowRight: 10, PageUp: -100, PageDown: 100 }[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return false;
    this.nudge(event.shiftKey ? "end" : "start", by);
    return true;
  }

  #focused({ target }) {
    if (target.matches("textarea, input[type=text], input:not([type])") && !this.parts.dock.contains(target)) this.lastField = target;
    this.inText = target === this.editor.field;
    const row = target.closest?.(".row[data-id]");
    if (row && row.dataset.id !== this.chosen) this.choose(row.dataset.id, { focus: null });
  }

  #clicked(event) {
    const row = event.target.closest(".row[data-id]");
    if (!row) return;
    if (row.dataset.id !== this.chosen) {
      this.choose(row.dataset.id, { focus: event.target.closest(".text") && this.may("text") ? "text" : "row" });
    } else if (!event.target.closest(".editor")) row.focus();
  }

  // Choosing and showing.

  #row(id) {
    const row = el("div", { role: "row" });
    fill(row, id, this);
    return row;
  }

  #guess(id) {
    if (id === this.chosen) return this.chosenHeight ?? 260;
    const width = Math.max(200, this.parts.scroller.clientWidth - (this.narrow ? 24 : 340 + 140 * this.columns.length));
    const lines = Math.max(1, Math.ceil((this.state.get(id)?.text.length ?? 0) / (Math.min(width, 700) / (this.settings.size_px * 0.52))));
    return Math.max(64, lines * this.settings.size_px * (this.settings.stacked ? 1.8 : 1.5) + (this.narrow ? 72 : 17));
  }

  /** The number of a segment in time, counted from 1. */
  number = (id) => {
    this.#numbers ??= new Map(this.state.all().map((segment, n) => [segment.id, String(n + 1)]));
    return this.#numbers.get(id) ?? "–";
  };

  /** Choose a segment: what was typed in the one before is handed on to be saved. `focus` is "text", "row" or null. */
  choose(id, { focus = null, play = false, place = true } = {}) {
    const segment = this.state.get(id);
    if (!segment) return;
    const before = this.chosen;
    if (before !== id) {
      this.#commit();
      this.chosen = id;
      this.list.keep(id);
      this.editor.load(this.state.get(id), this.number(id));
      this.list.renew(before ? [before, id] : [id]);
      if (this.panels.open === "history") this.#history(false);
      if (place) this.#later("place", () => ask(`/api/recordings/${this.recording.id}/place`, { method: "POST", body: { segment: this.chosen } }), 800);
    }
    this.list.show(id);
    this.wave.show(segment.start_ms, segment.end_ms);
    if (focus) this.#focus(focus);
    if (play) this.playSegment();
    else if (before !== id && !this.player.playing) this.player.seek(segment.start_ms);
  }

  #focus(where) {
    const row = this.list.row(this.chosen);
    if (where === "text") {
      this.editor.field.focus({ preventScroll: true });
      const end = this.editor.field.value.length;
      if (this.caretOf !== this.chosen) this.editor.field.setSelectionRange(end, end);
      this.caretOf = this.chosen;
    } else row?.focus({ preventScroll: true });
    this.list.show(this.chosen);
  }

  /** The focus as it was: in the text, or on the list. */
  get #where() {
    return this.root.activeElement === this.editor.field ? "text" : "row";
  }

  #move(by, { focus = this.#where, play = false, to = null } = {}) {
    const { order } = this.state;
    const at = order.indexOf(this.chosen);
    const next = order[to ?? Math.min(order.length - 1, Math.max(0, at + by))];
    if (next === undefined) return;
    if (next === this.chosen && by) {
      this.#commit();
      this.tell(say(by > 0 ? "was_last" : "was_first"));
      if (focus) this.#focus(focus);
      return;
    }
    this.choose(next, { focus, play });
  }

  /** Show what has changed. */
  #changed(ids, { counts = true } = {}) {
    this.#numbers = null;
    if (this.chosen && !this.state.get(this.chosen)) this.#chosenIsGone();
    const { order } = this.state;
    if (order.length !== this.list.at?.size || order.some((id, n) => this.list.at.get(id) !== n)) {
      this.list.set(order);
      this.list.renewAll();
    } else this.list.renew(ids);
    if (ids.has?.(this.chosen) && this.state.get(this.chosen)) this.editor.update(this.state.get(this.chosen));
    this.wave.redraw();
    if (counts) this.#later("counts", () => this.#counts(), 30);
    this.#later("speakers", () => this.#speakersChanged(), 60);
    this.#showEmpty();
  }

  #chosenIsGone() {
    const where = this.parts.grid.contains(this.root.activeElement) ? "row" : null;
    const at = this.list.at.get(this.chosen) ?? 0;
    this.editor.dirty = null;
    this.chosen = null;
    const { order } = this.state;
    const next = order[Math.min(at, order.length - 1)];
    this.list.set(order);
    if (next) this.choose(next, { focus: where });
  }

  #counts() {
    const counts = this.state.counts();
    const parts = [say("counts", { approved: counts.approved, count: counts.all })];
    if (counts.unsure) parts.push(say("counts.unsure", { count: counts.unsure }));
    const unheard = counts.all - counts.heard;
    if (unheard) parts.push(say("counts.unheard", { count: unheard }));
    this.parts.counts.textContent = parts.join(" · ");
    this.parts.grid.setAttribute("aria-rowcount", this.state.order.length + 1);
  }

  #speakersChanged() {
    const now = this.state.speakers();
    const key = JSON.stringify(now);
    if (this.speakersKey === key) return;
    this.speakersKey = key;
    const { value } = this.parts.who;
    this.parts.who.replaceChildren(el("option", { value: "", text: say("show.everyone") }), ...now.map((label) => el("option", { value: label, text: label })), el("option", { value: "?", text: say("speaker.unsure") }));
    this.parts.who.value = value;
    if (this.chosen && this.state.get(this.chosen)) this.editor.update(this.state.get(this.chosen));
  }

  #showEmpty() {
    const { order, choice } = this.state;
    this.parts.empty.hidden = order.length > 0;
    this.parts.grid.hidden = order.length === 0;
    if (order.length) return;
    const { all, heard } = this.state.counts();
    if (!this.recording.draft) this.parts.empty.replaceChildren(el("p", { text: say("empty.no_draft") }));
    else if (!all) this.parts.empty.replaceChildren(el("p", { text: say("empty.no_segments") }), this.may("times") ? el("button", { type: "button", text: say("act.add"), onclick: () => this.act("add") }) : "");
    else this.parts.empty.replaceChildren(el("p", { text: choice.status && !choice.speaker ? say(`empty.${choice.status}`, { count: heard }) : say("empty.filter") }), el("button", { type: "button", text: say("empty.all"), onclick: () => this.#showAll() }));
  }

  #showAll() {
    this.parts.state.value = this.parts.who.value = "";
    this.arrange();
  }

  /** Order and filters as chosen; they stay as they are while one works. */
  async arrange() {
    this.#commit();
    const choice = { by: this.parts.order.value, status: this.parts.state.value, speaker: this.parts.who.value };
    let ranked = null;
    if (choice.by !== "time") {
      const answer = await ask(`/api/recordings/${this.recording.id}/order?by=${choice.by}`);
      if (!answer.ok) {
        this.parts.order.value = this.state.choice.by;
        this.notice(say("order.away"), { error: true });
        return;
      }
      ranked = answer.data;
    }
    this.state.arrange(choice, ranked);
    const before = this.chosen;
    if (!this.state.order.includes(before)) this.chosen = null;
    this.list.keep(this.chosen);
    this.list.set(this.state.order);
    this.list.renewAll();
    this.#showEmpty();
    this.parts.grid.setAttribute("aria-rowcount", this.state.order.length + 1);
    const first = choice.by === "time" && this.chosen ? this.chosen : this.state.order[0];
    if (first) this.choose(first);
    this.tell(say("arranged", { count: this.state.order.length }));
  }

  // Saving.

  #waiting() {
    return this.#nudged ? [...this.saving.waiting, { kind: "edits", asked: this.#nudged.asked }] : this.saving.waiting;
  }

  /** Something was typed: it is saved half a second after the last key. */
  typed() {
    this.#later("typed", () => this.#commit(), TYPED_MS);
    if (this.saving.state === "saved") this.#showSaved();
  }

  /** Hand on what was typed, and times that were nudged. */
  #commit() {
    if (this.#nudged) {
      const { asked, base } = this.#nudged;
      this.#nudged = null;
      this.#add(asked, base);
    }
    const { dirty } = this.editor;
    if (!dirty || this.#composing) return;
    clearTimeout(this.#timers.get("typed"));
    const text = this.editor.text;
    this.editor.dirty = null;
    const now = this.state.get(dirty.segment);
    if (now && saved(text) === now.text) this.#showSaved();
    else this.#add({ act: "text", segment: dirty.segment, text }, { [dirty.segment]: dirty.base });
  }

  #add(asked, base) {
    this.saving.add(asked, base);
    this.#changed(this.state.foresee(this.#waiting()));
  }

  /** Make an edit, after what was typed. */
  change(asked) {
    this.#commit();
    this.#add(asked, this.state.base(asked));
  }

  #answered(edit, answer) {
    const { dirty } = this.editor;
    const known = dirty && answer.segments[dirty.segment];
    if (known && dirty.base === (edit.base[dirty.segment] ?? this.state.version(dirty.segment))) dirty.base = known.version;
    const ids = this.state.take(answer.segments, answer.seq === this.state.seq + 1 ? answer.seq : undefined);
    for (const id of this.state.foresee(this.#waiting())) ids.add(id);
    this.#changed(ids);
    if (answer.undid) this.#undid(answer);
    if (answer.skipped?.length) {
      const numbers = answer.skipped.slice(0, 20).map(this.number).join(", ");
      this.notice(say("skipped", { count: answer.skipped.length, numbers }));
    }
    if (this.panels.open === "history" && answer.segments[this.chosen] !== undefined) this.#history(false);
  }

  #undid({ act, undid }) {
    const there = this.state.get(undid.segment);
    const what = say(`did.${undid.act}`);
    this.tell(say(act === "undo" ? "undone" : "redone", { what, number: this.number(undid.segment), count: undid.segments }), { shown: true });
    if (there) {
      if (!this.state.order.includes(undid.segment)) this.#showAll();
      this.choose(undid.segment, { focus: this.parts.grid.contains(this.root.activeElement) || !this.root.activeElement ? this.#where : null });
    }
  }

  #refused(edit, refusal) {
    const ids = this.state.foresee(this.#waiting());
    for (const id of Object.keys(edit.base)) ids.add(id);
    this.#changed(ids);
    if (refusal.code === "REVIEW_NOTHING") {
      this.tell(say(edit.asked.act === "undo" ? "nothing_undo" : "nothing_redo"), { shown: true });
      return;
    }
    const why = refusal.what ? `${refusal.what}. ${refusal.mend ?? ""}.`.replace(/\.+$/, ".") : say("not_allowed");
    const kept = edit.asked.act === "text" ? ` ${say("your_text", { text: edit.asked.text })}` : "";
    this.notice(`${say("refused")} ${why}${kept}`, { error: true });
  }

  #clashed(edit) {
    const { conflict } = edit;
    this.state.take({ [conflict.segment]: conflict.theirs && { ...conflict.theirs, version: conflict.version } });
    const ids = this.state.foresee(this.#waiting());
    ids.add(conflict.segment);
    if (this.editor.dirty?.segment === conflict.segment) this.editor.dirty.base = this.editor.dirty.base; // it will clash, too, and be asked
    this.#changed(ids);
    this.#conflictNotice();
  }

  #conflictNotice() {
    const edit = this.saving.conflicts[0];
    if (!edit) return;
    const { segment, theirs_by } = edit.conflict;
    const many = this.saving.conflicts.length;
    this.notice(say("conflict.notice", { person: theirs_by, number: this.number(segment), count: many }), { act: [say("conflict.look"), () => this.#conflict(edit)], error: true });
  }

  #conflict(edit) {
    const { conflict, asked } = edit;
    const id = conflict.segment;
    this.#closeNotice();
    if (this.state.get(id)) this.choose(id);
    const over = async (act) => {
      await this.saving.settle(edit);
      act?.();
      this.panels.close();
      this.#changed(new Set([id]));
      this.#conflictNotice();
    };
    const write = (text) => {
      const base = { [id]: Math.max(conflict.version, this.state.version(id)) };
      if (this.state.get(id)) this.#add({ act: "text", segment: id, text }, base);
      else this.#add({ act: "add", new: newId(), start_ms: conflict.mine.start_ms, end_ms: conflict.mine.end_ms, speaker: conflict.mine.speaker ?? null, text }, {});
    };
    const again = () => {
      const base = Object.fromEntries(Object.keys(edit.base).map((one) => [one, this.state.version(one)]));
      this.#add(asked, base);
    };
    const back = asked.act === "undo" || asked.act === "redo";
    const content = conflictPanel(edit, {
      language: this.language,
      number: this.number(id),
      play: () => this.#playSpan(conflict.theirs ?? conflict.mine ?? conflict.draft),
      mine: () => over(() => (asked.act === "text" || !this.state.get(id) || back ? write(conflict.mine.text) : again())),
      theirs: () => over(() => back && this.#add({ act: asked.act, leave: true }, {})),
      join: (text) => over(() => write(text)),
    });
    this.panels.show("conflict", content, { back: "row" });
  }

  async #look() {
    this.#later("look", () => this.#look(), LOOK_MS);
    if (document.hidden || this.saving.state === "offline") return;
    const answer = await ask(`/api/recordings/${this.recording.id}/changes?after=${this.state.seq}`);
    if (!answer.ok) return;
    if (this.saving.state !== "saved") this.saving.send();
    const { seq, segments, people } = answer.data;
    const ids = Object.keys(segments).length || seq !== this.state.seq ? this.state.take(segments, seq) : new Set();
    const others = people.filter((one) => one.person !== this.me.person && Date.now() - Date.parse(one.at) < HERE_MS);
    const now = new Map();
    for (const { person, segment } of others) now.set(segment, [...(now.get(segment) ?? []), person]);
    for (const id of [...now.keys(), ...this.state.people.keys()]) {
      if (String(now.get(id)) !== String(this.state.people.get(id))) ids.add(id);
    }
    this.state.people = now;
    this.parts.people.textContent = others.length ? `● ${say("people", { people: others.map((one) => one.person).join(", ") })}` : "";
    if (ids.size) {
      if (this.chosen && this.editor.dirty && segments[this.chosen] === null) this.#commit();
      for (const id of this.state.foresee(this.#waiting())) ids.add(id);
      this.#changed(ids);
    }
  }

  #showSaved() {
    const { state, waiting, lastSaved, reason } = this.saving;
    const count = waiting.length;
    const texts = {
      saving: () => say("save.saving"),
      saved: () => (this.editor.dirty || this.#nudged ? say("save.saving") : lastSaved ? say("save.saved", { time: lastSaved.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" }) }) : say("save.all")),
      failing: () => say("save.failing", { count }),
      offline: () => say("save.offline", { count }),
    };
    const text = texts[state]();
    if (this.parts.saved.textContent !== text) {
      this.parts.saved.className = `save ${state}`;
      this.parts.saved.textContent = text;
    }
    const same = state === this.savedState && reason === this.savedReason;
    if (same && (count === this.savedCount || this.noticeOf !== "saving")) return;
    const before = this.savedState;
    [this.savedState, this.savedReason, this.savedCount] = [state, reason, count];
    if (state === "failing") {
      const link = reason === "signed_out" ? [say("save.sign_in"), () => open("/sign-in", "_blank", "noopener")] : [say("again"), () => this.saving.send()];
      const why = reason === "signed_out" ? say("save.signed_out", { count }) : reason ? say("save.reason", { reason, count }) : say("save.away", { count });
      this.notice(why, { act: link, error: true, of: "saving", spoken: same });
    } else if (state === "offline") this.notice(say("save.cut", { count }), { error: true, of: "saving", spoken: same });
    else if (state === "saved" && (before === "failing" || before === "offline" || this.noticeOf === "saving")) {
      this.#closeNotice("saving");
      this.tell(say("save.back"));
    }
  }

  // Telling.

  /** Say it to who cannot see it; `shown` also writes it where it can be read for a while. */
  tell(text, { shown = false } = {}) {
    this.parts.live.textContent = text;
    if (shown) this.notice(text, { spoken: true, for_ms: 8000 });
  }

  notice(text, { act = null, error = false, spoken = false, of = "", for_ms = 0 } = {}) {
    clearTimeout(this.#timers.get("notice"));
    if (this.noticeOf === "saving" && of !== "saving" && !error) return; // what is not saved stays in sight
    this.noticeOf = of;
    const close = el("button", { type: "button", class: "plain", text: say("close"), onclick: () => this.#closeNotice() });
    this.parts.notice.className = `notice${error ? " error" : ""}`;
    this.parts.notice.replaceChildren(el("p", { text }), act ? el("button", { type: "button", text: act[0], onclick: act[1] }) : "", close);
    this.parts.notice.hidden = false;
    if (!spoken) this.parts.live.textContent = text;
    if (for_ms) this.#later("notice", () => this.#closeNotice(), for_ms);
  }

  #closeNotice(of = null) {
    if (of !== null && this.noticeOf !== of) return;
    const had = this.parts.notice.contains(this.root.activeElement);
    this.parts.notice.hidden = true;
    this.parts.notice.replaceChildren();
    this.noticeOf = "";
    if (had && this.chosen) this.#focus("row");
  }

  // Sound.

  playSegment() {
    const segment = this.state.get(this.chosen);
    if (segment) this.#playSpan(segment);
  }

  #playSpan(segment) {
    if (!segment) return;
    const { preroll_ms, postroll_ms } = this.settings;
    const end = Math.min(this.recording.duration_ms || Infinity, segment.end_ms + postroll_ms);
    this.player.play(Math.max(0, segment.start_ms - preroll_ms), end, segment.id, [segment.start_ms, segment.end_ms]);
  }

  playWord(one) {
    if (one.start_ms === null) return;
    this.player.play(Math.max(0, one.start_ms - 30), one.end_ms + 30);
  }

  #heard(segment) {
    if (this.state.heard.has(segment)) return;
    this.state.heard.add(segment);
    this.saving.add({ segment }, {}, "heard");
    if (segment === this.chosen) this.editor.asking = false;
    this.#changed(new Set([segment]));
  }

  #pointedAt(ms) {
    const at = this.state.between(ms, ms + 1);
    const hit = at.find((one) => one.id === this.chosen) ?? at[0];
    if (hit && hit.id !== this.chosen && this.state.order.includes(hit.id)) {
      const { from_ms } = this.wave;
      this.player.stop();
      this.choose(hit.id);
      this.wave.from_ms = from_ms;
    }
    this.player.seek(ms);
    this.#showTime();
  }

  #showPlaying() {
    const playing = Boolean(this.player.playing);
    for (const button of this.parts.element.querySelectorAll("button.play")) {
      button.querySelector(".sign").textContent = playing ? "■" : "▶";
      button.querySelector(".name").textContent = say(playing ? "act.stop" : "act.play");
    }
    this.parts.speed.textContent = `${this.player.rate.toLocaleString(undefined, { minimumFractionDigits: 1 })}×`;
    this.parts.bar.querySelector("[data-act=loop]").setAttribute("aria-pressed", String(this.player.loop));
    this.#showTime();
  }

  #showTime() {
    const now = this.player.position_ms;
    this.parts.clock.textContent = `${clock(now)} / ${clock(this.recording.duration_ms, false)}`;
    if (this.player.playing) this.wave.follow(now);
    else this.wave.redraw();
  }

  // Acts.

  /** Do an act of the keys or of a button; `place` is where its key was pressed. */
  act(name, place = "button") {
    const act = this.#acts[name];
    if (act) act(place);
  }

  #acts = {
    next: (place) => this.#move(1, { focus: place === "button" ? null : "text", play: this.settings.autoplay }),
    previous: (place) => this.#move(-1, { focus: place === "button" ? null : "text", play: this.settings.autoplay }),
    move_down: (place) => this.#move(1, { focus: place === "text" ? "text" : "row" }),
    move_up: (place) => this.#move(-1, { focus: place === "text" ? "text" : "row" }),
    first: () => this.#move(0, { to: 0 }),
    last: () => this.#move(0, { to: this.state.order.length - 1 }),
    edit: () => this.#focus("text"),
    leave: () => this.#leave(),
    play: () => (this.player.playing ? this.player.stop() : this.playSegment()),
    back: () => this.#back(),
    seek_back: () => this.player.seek(this.player.position_ms - 1500),
    seek_on: () => this.player.seek(Math.min(this.recording.duration_ms, this.player.position_ms + 1500)),
    loop: () => {
      this.player.loop = !this.player.loop;
      this.player.gap_ms = this.settings.gap_ms;
      this.#showPlaying();
      this.tell(say(this.player.loop ? "loop.on" : "loop.off"));
    },
    slower: () => this.#rate(-0.1),
    faster: () => this.#rate(0.1),
    zoom_in: () => this.wave.zoom(0.6),
    zoom_out: () => this.wave.zoom(1 / 0.6),
    approve: () => this.#approve(),
    approve_next: () => this.#approve() && this.#move(1, { play: this.settings.autoplay }),
    unsure: () => this.#status("unsure"),
    not_speech: () => this.#status("not_speech"),
    split: (place) => this.#split(place),
    merge: () => this.#merge(),
    delete: () => this.#delete(),
    add: () => this.#addSegment(),
    times: () => this.#times(),
    undo: () => (this.#commit(), this.#add({ act: "undo" }, {})),
    redo: () => (this.#commit(), this.#add({ act: "redo" }, {})),
    palette: (place) => this.#togglePalette(place),
    tone: () => tone(this.lastField ?? this.editor.field, this.language.marks) || this.tell(say("tone.none"), { shown: !this.language.marks.length }),
    alternative: () => this.#alternative(),
    history: () => (this.panels.open === "history" ? this.panels.close() : this.#history()),
    find: () => this.#find(),
    help: () => this.#panel("help", keysPanel(this.keys, { save: () => this.#prefer("review.keys", this.keys.kept()), say: (text) => this.tell(text) })),
    settings: () => this.#panel("settings", settingsPanel(this.settings, { languages: () => this.state.languages(), save: () => (this.#applySettings(), this.#prefer("review", this.settings)) })),
    speakers: () => this.#panel("speakers", speakersPanel(this.state, { rename: (speaker, to) => this.may("speakers") && this.change({ act: "rename_speaker", speaker, to }) })),
  };

  #panel(name, content) {
    if (this.panels.open === name) this.panels.close();
    else this.panels.show(name, content, { back: this.#where });
  }

  #panelClosed(back) {
    if (this.chosen) this.#focus(back === "text" ? "text" : "row");
  }

  #leave() {
    this.#commit();
    const wasThere = this.root.activeElement?.matches(".row");
    this.player.stop();
    this.editor.asking = false;
    if (this.chosen) {
      this.editor.update(this.state.get(this.chosen));
      this.#focus("row");
    }
    if (wasThere && this.panels.open) this.panels.close();
  }

  #back() {
    const segment = this.state.get(this.chosen);
    const to = Math.max(0, this.player.position_ms - 1500);
    if (this.player.playing) this.player.seek(to);
    else if (segment && to < segment.end_ms) this.player.play(Math.max(to, segment.start_ms), segment.end_ms, segment.id, [segment.start_ms, segment.end_ms]);
    else this.player.seek(to);
  }

  #rate(by) {
    this.player.setRate(this.player.rate + by);
    this.settings.rate = this.player.rate;
    this.#later("rate", () => this.#prefer("review", this.settings), 1000);
    this.tell(say("speed.now", { rate: this.parts.speed.textContent }));
  }

  #approve() {
    const { chosen } = this;
    if (!chosen || !this.may("status")) return false;
    if (!this.state.heard.has(chosen) && !this.editor.asking) {
      this.#commit();
      this.editor.asking = true;
      this.editor.update(this.state.get(chosen));
      this.list.show(chosen);
      this.tell(say("ask.unheard"));
      return false;
    }
    this.editor.asking = false;
    this.#status("approved");
    return true;
  }

  #status(status) {
    if (!this.chosen || !this.may("status")) return;
    this.#commit();
    const now = this.state.get(this.chosen).status;
    this.change({ act: "status", segment: this.chosen, status: now === status && status !== "approved" ? "edited" : status, reason: "" });
    this.tell(say(`status.${this.state.get(this.chosen).status}`));
  }

  #digit(n) {
    const speaker = this.state.speakers()[n - 1];
    if (!speaker || !this.may("speakers")) return;
    this.change({ act: "speaker", segment: this.chosen, speaker });
    this.tell(say("speaker.is", { speaker }));
  }

  #split(place) {
    if (!this.may("times") || !this.chosen) return;
    this.#commit();
    const segment = this.state.get(this.chosen);
    const at_ms = Math.round(this.player.position_ms);
    const caret = graphemesBefore(this.editor.text, this.editor.field.selectionStart);
    const letters = graphemes(this.editor.text).length;
    const atCaret = caret > 0 && caret < letters && this.caretOf === this.chosen;
    const atPlayhead = at_ms >= segment.start_ms + LEAST_MS && at_ms <= segment.end_ms - LEAST_MS;
    const asked = { act: "split", segment: segment.id, new: newId() };
    if (atCaret && (place !== "list" || !atPlayhead)) asked.caret = caret;
    else if (atPlayhead) asked.at_ms = at_ms;
    else return this.tell(say("split.where"), { shown: true });
    this.change(asked);
    this.tell(say("did.split"));
  }

  #merge() {
    if (!this.may("times") || !this.chosen) return;
    this.#commit();
    const next = this.state.neighbour(this.chosen);
    if (!next) return this.tell(say("merge.none"), { shown: true });
    this.change({ act: "merge", segment: this.chosen, with: next.id });
    this.tell(say("did.merge"));
  }

  #delete() {
    if (!this.may("times") || !this.chosen) return;
    const number = this.number(this.chosen);
    this.player.stop();
    this.editor.dirty = null;
    this.change({ act: "delete", segment: this.chosen });
    if (this.state.order.length) this.#focus("row");
    this.notice(say("deleted", { number }), { act: [say("act.undo"), () => (this.#closeNotice(), this.act("undo"))], for_ms: 12000 });
  }

  #addSegment() {
    if (!this.may("times")) return;
    this.#commit();
    const speaker = this.state.get(this.chosen)?.speaker ?? this.state.speakers()[0] ?? null;
    let start_ms = Math.round(this.player.position_ms);
    const own = this.state.all().filter((one) => one.speaker === speaker);
    for (const one of own) if (one.start_ms <= start_ms && start_ms < one.end_ms) start_ms = one.end_ms;
    const next = own.find((one) => one.start_ms >= start_ms)?.start_ms ?? Infinity;
    const end_ms = Math.min(start_ms + 2000, next, this.recording.duration_ms);
    if (end_ms - start_ms < LEAST_MS) return this.tell(say("add.none"), { shown: true });
    const id = newId();
    this.change({ act: "add", new: id, start_ms, end_ms, speaker, text: "" });
    this.choose(id, { focus: "text" });
  }

  #times() {
    if (!this.may("times") || !this.chosen) return;
    this.editor.timesOn = !this.editor.timesOn;
    this.editor.update(this.state.get(this.chosen));
    this.list.show(this.chosen);
    this.tell(say(this.editor.timesOn ? "times.on" : "times.off"));
  }

  /** Move an edge, and hear it. */
  nudge(edge, ms) {
    const segment = this.state.get(this.chosen);
    const span = { start_ms: segment.start_ms, end_ms: segment.end_ms };
    span[`${edge}_ms`] = Math.round(Math.min(this.recording.duration_ms, Math.max(0, span[`${edge}_ms`] + ms)));
    this.#span(segment, span, edge);
  }

  /** Put an edge where the playhead is. */
  edgeHere(edge) {
    const segment = this.state.get(this.chosen);
    this.#span(segment, { start_ms: segment.start_ms, end_ms: segment.end_ms, [`${edge}_ms`]: Math.round(this.player.position_ms) }, edge);
  }

  #span(segment, { start_ms, end_ms }, edge) {
    if (end_ms - start_ms < LEAST_MS) return this.tell(say("times.short", { least: LEAST_MS }), { shown: true });
    const clash = this.state.between(start_ms, end_ms).find((one) => one.id !== segment.id && segment.speaker && one.speaker === segment.speaker && !(one.start_ms < segment.end_ms && segment.start_ms < one.end_ms));
    if (clash) return this.tell(say("times.overlap", { speaker: segment.speaker, number: this.number(clash.id) }), { shown: true });
    if (this.editor.dirty) this.#commit();
    const asked = { act: "times", segment: segment.id, start_ms, end_ms };
    this.#nudged = { asked, base: this.#nudged?.base ?? this.state.base(asked) };
    this.#changed(this.state.foresee(this.#waiting()), { counts: false });
    this.#later("nudged", () => this.#commit(), NUDGED_MS);
    this.#showSaved();
    if (edge === "start") this.player.play(start_ms, Math.min(end_ms, start_ms + 350));
    else this.player.play(Math.max(start_ms, end_ms - 350), end_ms);
  }

  #togglePalette(place) {
    const open = this.parts.dock.hidden;
    if (open) this.#setPalette(true);
    if (place === "text") this.palette.focus();
    else if (!open) this.#setPalette(false);
  }

  #setPalette(on) {
    this.settings.palette = on;
    this.parts.dock.hidden = !on;
    for (const button of this.parts.element.querySelectorAll("[data-act=palette]")) button.setAttribute("aria-pressed", String(on));
    if (!on && this.chosen) this.#focus("text");
    else if (this.chosen) this.list.show(this.chosen);
    this.#prefer("review", this.settings);
  }

  /** Another reading of the word in question: put it into the text. */
  useAlternative(one, text) {
    const { field } = this.editor;
    put(field, text, one.from, one.to);
  }

  #alternative() {
    const { field, segment } = this.editor;
    const at = field.selectionStart;
    const cycle = this.#cycle;
    if (cycle && cycle.segment === segment.id && at === cycle.from + cycle.texts[cycle.n].length && field.value.slice(cycle.from, at) === cycle.texts[cycle.n]) {
      const length = cycle.texts[cycle.n].length;
      cycle.n = (cycle.n + 1) % cycle.texts.length;
      put(field, cycle.texts[cycle.n], cycle.from, cycle.from + length);
      return;
    }
    const words = saved(field.value) === segment.text ? wordsIn(segment) : [];
    const word = words.find((one) => one.from <= at && at <= one.to && one.alternatives.length) ?? words.find((one) => one.alternatives.length);
    if (!word) return this.tell(say("alternative.none"), { shown: true });
    const texts = [word.word[0], ...word.alternatives.map(([text]) => text)];
    this.#cycle = { segment: segment.id, from: word.from, texts, n: 1 };
    put(field, texts[1], word.from, word.to);
  }

  async #history(focus = true) {
    this.#commit();
    const segment = this.state.get(this.chosen);
    if (!segment) return;
    const back = this.#where;
    if (focus) this.panels.show("history", el("p", { class: "quiet", text: say("history.loading") }), { back });
    const content = await historyPanel(this.recording.id, segment, { language: this.language, may: this.may("text"), restore: (row) => this.#restore(segment.id, row) });
    if (this.panels.open === "history" && this.chosen === segment.id) this.panels.show("history", content, { focus });
  }

  #restore(segment, row) {
    this.change({ act: "restore", segment, seq: row.seq });
    this.tell(say("did.restore"), { shown: true });
  }

  #find() {
    const content = findPanel({
      recording: this.recording.id,
      language: this.language,
      kept: this.#found,
      may: this.may("replace"),
      before: async () => {
        this.#commit();
        await this.saving.send();
      },
      go: (id) => this.state.order.includes(id) && this.choose(id),
      number: this.number,
      replace: (asked) => this.change(asked),
    });
    this.panels.show("find", content, { back: this.#where });
  }

  // Settings.

  #applySettings() {
    const { element } = this.parts;
    element.style.setProperty("--size", `${this.settings.size_px}px`);
    element.style.setProperty("--lines", this.settings.stacked ? "1.8" : "1.5");
    this.player.gap_ms = this.settings.gap_ms;
    if (this.player.rate !== this.settings.rate) this.player.setRate(this.settings.rate);
    this.parts.dock.hidden = !this.settings.palette;
    for (const button of element.querySelectorAll("[data-act=palette]")) button.setAttribute("aria-pressed", String(this.settings.palette));
    headings(this.parts, this.columns, columnName);
    this.editor.columnsChanged();
    if (this.list.at) this.list.renewAll();
    this.#showPlaying();
  }

  #prefer(name, value) {
    ask("/api/me/preferences", { method: "PUT", body: { name, value } });
  }
}

customElements.define("speech-review", SpeechReview);
