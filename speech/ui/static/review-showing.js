// What the page shows: the segment that is chosen, what has changed, counts and speakers, what is told, and where the sound is.
import { ask, el } from "./api.js";
import { headings } from "./review-layout.js";
import { NONE, sample } from "./review-patterns.js";
import { columnName, fill } from "./review-row.js";
import { say } from "./review-strings.js";
import { clock } from "./review-text.js";

/** A visit that shows: `Base` has the parts, the state and the settings. */
export const Showing = (Base) => class extends Base {
  // Choosing and showing.

  row(id) {
    const row = el("div", { role: "row" });
    fill(row, id, this);
    return row;
  }

  guess(id) {
    if (id === this.chosen) return this.chosenHeight ?? 260;
    const width = Math.max(200, this.parts.scroller.clientWidth - (this.narrow ? 24 : 340 + 140 * this.columns.length));
    const lines = Math.max(1, Math.ceil((this.state.get(id)?.text.length ?? 0) / (Math.min(width, 700) / (this.settings.size_px * 0.52))));
    return Math.max(64, lines * this.settings.size_px * (this.settings.stacked ? 1.8 : 1.5) + (this.narrow ? 72 : 17));
  }

  /** The number of a segment in time, counted from 1. */
  number = (id) => {
    this.numbers ??= new Map(this.state.all().map((segment, n) => [segment.id, String(n + 1)]));
    return this.numbers.get(id) ?? "–";
  };

  /** Choose a segment: what was typed in the one before is handed on to be saved. `focus` is "text", "row" or null. */
  choose(id, { focus = null, play = false, place = true } = {}) {
    const segment = this.state.get(id);
    if (!segment) return;
    const before = this.chosen;
    if (before !== id) {
      this.commit();
      this.chosen = id;
      this.list.keep(id);
      this.editor.load(this.state.get(id), this.number(id));
      this.list.renew(before ? [before, id] : [id]);
      if (this.panels.open === "history") this.history(false);
      if (place) this.later("place", () => ask(`/api/recordings/${this.recording.id}/place`, { method: "POST", body: { segment: this.chosen } }), 800);
    }
    this.list.show(id);
    this.wave.show(segment.start_ms, segment.end_ms);
    if (focus) this.focus(focus);
    if (play) this.playSegment();
    else if (before !== id && !this.player.playing) this.player.seek(segment.start_ms);
  }

  focus(where) {
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
  get where() {
    return this.root.activeElement === this.editor.field ? "text" : "row";
  }

  move(by, { focus = this.where, play = false, to = null } = {}) {
    const { order } = this.state;
    const at = order.indexOf(this.chosen);
    const next = order[to ?? Math.min(order.length - 1, Math.max(0, at + by))];
    if (next === undefined) return;
    if (next === this.chosen && by) {
      this.commit();
      this.tell(say(by > 0 ? "was_last" : "was_first"));
      if (focus) this.focus(focus);
      return;
    }
    this.choose(next, { focus, play });
  }

  /** Show what has changed. */
  changed(ids, { counts = true } = {}) {
    this.numbers = null;
    if (this.chosen && !this.state.get(this.chosen)) this.chosenIsGone();
    const { order } = this.state;
    if (order.length !== this.list.at?.size || order.some((id, n) => this.list.at.get(id) !== n)) {
      this.list.set(order);
      this.list.renewAll();
    } else this.list.renew(ids);
    if (ids.has?.(this.chosen) && this.state.get(this.chosen)) this.editor.update(this.state.get(this.chosen));
    this.wave.changed();
    this.later("languages", () => this.languagesChanged(), 60);
    if (counts) this.later("counts", () => this.counts(), 30);
    this.later("speakers", () => this.speakersChanged(), 60);
    this.showEmpty();
  }

  chosenIsGone() {
    const where = this.parts.grid.contains(this.root.activeElement) ? "row" : null;
    const at = this.list.at.get(this.chosen) ?? 0;
    this.editor.dirty = null;
    this.chosen = null;
    const { order } = this.state;
    const next = order[Math.min(at, order.length - 1)];
    this.list.set(order);
    if (next) this.choose(next, { focus: where });
  }

  counts() {
    const counts = this.state.counts();
    const parts = [say("counts", { approved: counts.approved, count: counts.all })];
    if (counts.unsure) parts.push(say("counts.unsure", { count: counts.unsure }));
    const unheard = counts.all - counts.heard;
    if (unheard) parts.push(say("counts.unheard", { count: unheard }));
    this.parts.counts.textContent = parts.join(" · ");
    this.parts.grid.setAttribute("aria-rowcount", this.state.order.length + 1);
  }

  speakersChanged() {
    const now = this.state.speakers();
    const key = JSON.stringify(now);
    if (this.speakersKey === key) return;
    this.speakersKey = key;
    const { value } = this.parts.who;
    this.parts.who.replaceChildren(el("option", { value: "", text: say("show.everyone") }), ...now.map((label) => el("option", { value: label, text: label })), el("option", { value: "?", text: say("speaker.unsure") }));
    this.parts.who.value = value;
    if (this.chosen && this.state.get(this.chosen)) this.editor.update(this.state.get(this.chosen));
  }

  languageName(code) {
    const name = this.recording.languages?.find((one) => one.code === code)?.name;
    return name && name !== code ? `${name} (${code})` : code;
  }

  /** How a segment's language is written; nothing is known of the alphabet of one that has no table, or that nobody knows. */
  languageFor(segment) {
    const code = this.state.languageOf(segment);
    if (code === this.language.code) return this.language;
    if (!this.written.has(code)) {
      const known = this.recording.languages?.find((one) => one.code === code);
      this.written.set(code, known ?? { code: code ?? "und", name: "", alphabet: [], marks: [], direction: this.language.direction });
    }
    return this.written.get(code);
  }

  /** How a segment's language is shown on the waveform. */
  spokenIn(segment) {
    const code = this.state.languageOf(segment);
    return { code: code ?? "?", number: this.spoken.get(code) ?? NONE };
  }

  /** The legend of languages, and rows that name theirs: only where several are spoken. */
  languagesChanged() {
    const now = this.state.spoken();
    const key = JSON.stringify([...now]);
    if ((this.languagesKey ?? "[]") === key) return;
    this.languagesKey = key;
    this.spoken = now;
    const style = getComputedStyle(this.host);
    this.parts.legend.hidden = now.size === 0;
    this.parts.legend.replaceChildren(...[...now].map(([code, number]) => el("li", {}, sample(number, style), code ? el("bdi", { text: this.languageName(code) }) : `? ${say("language.unknown")}`)));
    this.parts.element.classList.toggle("mixed", now.size > 0);
    this.list.renewAll();
    this.wave.changed();
  }

  showEmpty() {
    const { order, choice } = this.state;
    this.parts.empty.hidden = order.length > 0;
    this.parts.grid.hidden = order.length === 0;
    if (order.length) return;
    const { all, heard } = this.state.counts();
    if (!this.recording.draft) this.parts.empty.replaceChildren(el("p", { text: say("empty.no_draft") }));
    else if (!all) this.parts.empty.replaceChildren(el("p", { text: say("empty.no_segments") }), this.may("times") ? el("button", { type: "button", text: say("act.add"), onclick: () => this.act("add") }) : "");
    else this.parts.empty.replaceChildren(el("p", { text: choice.status && !choice.speaker ? say(`empty.${choice.status}`, { count: heard }) : say("empty.filter") }), el("button", { type: "button", text: say("empty.all"), onclick: () => this.showAll() }));
  }

  showAll() {
    this.parts.state.value = this.parts.who.value = "";
    this.arrange();
  }

  /** Order and filters as chosen; they stay as they are while one works. */
  async arrange() {
    this.commit();
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
    this.showEmpty();
    this.parts.grid.setAttribute("aria-rowcount", this.state.order.length + 1);
    const first = choice.by === "time" && this.chosen ? this.chosen : this.state.order[0];
    if (first) this.choose(first);
    this.tell(say("arranged", { count: this.state.order.length }));
  }

  // Telling.

  /** Say it to who cannot see it; `shown` also writes it where it can be read for a while. */
  tell(text, { shown = false } = {}) {
    this.parts.live.textContent = text;
    if (shown) this.notice(text, { spoken: true, for_ms: 8000 });
  }

  notice(text, { act = null, error = false, spoken = false, of = "", for_ms = 0 } = {}) {
    clearTimeout(this.timers.get("notice"));
    if (this.noticeOf === "saving" && of !== "saving" && !error) return; // what is not saved stays in sight
    this.noticeOf = of;
    const close = el("button", { type: "button", class: "plain", text: say("close"), onclick: () => this.closeNotice() });
    this.parts.notice.className = `notice${error ? " error" : ""}`;
    this.parts.notice.replaceChildren(el("p", { text }), act ? el("button", { type: "button", text: act[0], onclick: act[1] }) : "", close);
    this.parts.notice.hidden = false;
    if (!spoken) this.parts.live.textContent = text;
    if (for_ms) this.later("notice", () => this.closeNotice(), for_ms);
  }

  closeNotice(of = null) {
    if (of !== null && this.noticeOf !== of) return;
    const had = this.parts.notice.contains(this.root.activeElement);
    this.parts.notice.hidden = true;
    this.parts.notice.replaceChildren();
    this.noticeOf = "";
    if (had && this.chosen) this.focus("row");
  }

  // Sound.

  playSegment() {
    const segment = this.state.get(this.chosen);
    if (segment) this.playSpan(segment);
  }

  playSpan(segment) {
    if (!segment) return;
    const { preroll_ms, postroll_ms } = this.settings;
    const end = Math.min(this.recording.duration_ms || Infinity, segment.end_ms + postroll_ms);
    this.player.play(Math.max(0, segment.start_ms - preroll_ms), end, segment.id, [segment.start_ms, segment.end_ms]);
  }

  playWord(one) {
    if (one.start_ms === null) return;
    this.player.play(Math.max(0, one.start_ms - 30), one.end_ms + 30);
  }

  heard(segment) {
    if (this.state.heard.has(segment)) return;
    this.state.heard.add(segment);
    this.saving.add({ segment }, {}, "heard");
    if (segment === this.chosen) this.editor.asking = false;
    this.changed(new Set([segment]));
  }

  pointedAt(ms) {
    const at = this.state.between(ms, ms + 1);
    const hit = at.find((one) => one.id === this.chosen) ?? at[0];
    if (hit && hit.id !== this.chosen && this.state.order.includes(hit.id)) {
      const { from_ms } = this.wave;
      this.player.stop();
      this.choose(hit.id);
      this.wave.from_ms = from_ms;
    }
    this.player.seek(ms);
    this.showTime();
  }

  showPlaying() {
    const playing = Boolean(this.player.playing || this.readBack.playing);
    for (const button of this.parts.element.querySelectorAll("button.play")) {
      button.querySelector(".sign").textContent = playing ? "■" : "▶";
      button.querySelector(".name").textContent = say(playing ? "act.stop" : "act.play");
    }
    this.parts.speed.textContent = `${this.player.rate.toLocaleString(undefined, { minimumFractionDigits: 1 })}×`;
    this.parts.bar.querySelector("[data-act=loop]").setAttribute("aria-pressed", String(this.player.loop));
    this.showTime();
  }

  showTime() {
    const now = this.player.position_ms;
    this.parts.clock.textContent = `${clock(now)} / ${clock(this.recording.duration_ms, false)}`;
    if (this.player.playing) this.wave.follow(now);
    else this.wave.redraw();
  }

  // Settings.

  applySettings() {
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
    this.showPlaying();
  }

  prefer(name, value) {
    ask("/api/me/preferences", { method: "PUT", body: { name, value } });
  }
};
