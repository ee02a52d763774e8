// What the keys and buttons do: each act by its name, as `review-keys.js` and `review-layout.js` call it.
import { el } from "./api.js";
import { findPanel } from "./review-find.js";
import { historyPanel } from "./review-history.js";
import { put, tone } from "./review-palette.js";
import { keysPanel, settingsPanel, speakersPanel } from "./review-panels.js";
import { newId } from "./review-saving.js";
import { wordsIn } from "./review-state.js";
import { say } from "./review-strings.js";
import { graphemes, graphemesBefore, saved } from "./review-text.js";

const NUDGED_MS = 400;
const LEAST_MS = 50;

/** A visit that acts: `Base` shows, and keeps what is done. */
export const Doing = (Base) => class extends Base {
  // Acts.

  /** Do an act of the keys or of a button; `place` is where its key was pressed. */
  act(name, place = "button") {
    const act = this.acts[name];
    if (act) act(place);
  }

  acts = {
    next: (place) => this.move(1, { focus: place === "button" ? null : "text", play: this.settings.autoplay }),
    previous: (place) => this.move(-1, { focus: place === "button" ? null : "text", play: this.settings.autoplay }),
    move_down: (place) => this.move(1, { focus: place === "text" ? "text" : "row" }),
    move_up: (place) => this.move(-1, { focus: place === "text" ? "text" : "row" }),
    first: () => this.move(0, { to: 0 }),
    last: () => this.move(0, { to: this.state.order.length - 1 }),
    edit: () => this.focus("text"),
    leave: () => this.leave(),
    play: () => (this.player.playing ? this.player.stop() : this.playSegment()),
    back: () => this.back(),
    seek_back: () => this.player.seek(this.player.position_ms - 1500),
    seek_on: () => this.player.seek(Math.min(this.recording.duration_ms, this.player.position_ms + 1500)),
    loop: () => {
      this.player.loop = !this.player.loop;
      this.player.gap_ms = this.settings.gap_ms;
      this.showPlaying();
      this.tell(say(this.player.loop ? "loop.on" : "loop.off"));
    },
    slower: () => this.rate(-0.1),
    faster: () => this.rate(0.1),
    zoom_in: () => this.wave.zoom(0.6),
    zoom_out: () => this.wave.zoom(1 / 0.6),
    approve: () => this.approve(),
    approve_next: () => this.approve() && this.move(1, { play: this.settings.autoplay }),
    unsure: () => this.status("unsure"),
    not_speech: () => this.status("not_speech"),
    split: (place) => this.split(place),
    merge: () => this.merge(),
    delete: () => this.delete(),
    add: () => this.addSegment(),
    times: () => this.times(),
    undo: () => (this.commit(), this.add({ act: "undo" }, {})),
    redo: () => (this.commit(), this.add({ act: "redo" }, {})),
    palette: (place) => this.togglePalette(place),
    tone: () => tone(this.lastField ?? this.editor.field, this.language.marks) || this.tell(say("tone.none"), { shown: !this.language.marks.length }),
    alternative: () => this.alternative(),
    history: () => (this.panels.open === "history" ? this.panels.close() : this.history()),
    find: () => this.find(),
    help: () => this.panel("help", keysPanel(this.keys, { save: () => this.prefer("review.keys", this.keys.kept()), say: (text) => this.tell(text) })),
    settings: () => this.panel("settings", settingsPanel(this.settings, { languages: () => this.state.languages(), read_back: this.readBackSettings(), save: () => (this.applySettings(), this.prefer("review", this.settings)) })),
    speakers: () => this.panel("speakers", speakersPanel(this.state, { rename: (speaker, to) => this.may("speakers") && this.change({ act: "rename_speaker", speaker, to }) })),
  };

  panel(name, content) {
    if (this.panels.open === name) this.panels.close();
    else this.panels.show(name, content, { back: this.where });
  }

  panelClosed(back) {
    if (this.chosen) this.focus(back === "text" ? "text" : "row");
  }

  leave() {
    this.commit();
    const wasThere = this.root.activeElement?.matches(".row");
    this.player.stop();
    this.editor.asking = false;
    if (this.chosen) {
      this.editor.update(this.state.get(this.chosen));
      this.focus("row");
    }
    if (wasThere && this.panels.open) this.panels.close();
  }

  back() {
    const segment = this.state.get(this.chosen);
    const to = Math.max(0, this.player.position_ms - 1500);
    if (this.player.playing) this.player.seek(to);
    else if (segment && to < segment.end_ms) this.player.play(Math.max(to, segment.start_ms), segment.end_ms, segment.id, [segment.start_ms, segment.end_ms]);
    else this.player.seek(to);
  }

  rate(by) {
    this.player.setRate(this.player.rate + by);
    this.settings.rate = this.player.rate;
    this.later("rate", () => this.prefer("review", this.settings), 1000);
    this.tell(say("speed.now", { rate: this.parts.speed.textContent }));
  }

  approve() {
    const { chosen } = this;
    if (!chosen || !this.may("status")) return false;
    if (!this.state.heard.has(chosen) && !this.editor.asking) {
      this.commit();
      this.editor.asking = true;
      this.editor.update(this.state.get(chosen));
      this.list.show(chosen);
      this.tell(say("ask.unheard"));
      return false;
    }
    this.editor.asking = false;
    this.status("approved");
    return true;
  }

  status(status) {
    if (!this.chosen || !this.may("status")) return;
    this.commit();
    const now = this.state.get(this.chosen).status;
    this.change({ act: "status", segment: this.chosen, status: now === status && status !== "approved" ? "edited" : status, reason: "" });
    this.tell(say(`status.${this.state.get(this.chosen).status}`));
  }

  digit(n) {
    const speaker = this.state.speakers()[n - 1];
    if (!speaker || !this.may("speakers")) return;
    this.change({ act: "speaker", segment: this.chosen, speaker });
    this.tell(say("speaker.is", { speaker }));
  }

  split(place) {
    if (!this.may("times") || !this.chosen) return;
    this.commit();
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

  merge() {
    if (!this.may("times") || !this.chosen) return;
    this.commit();
    const next = this.state.neighbour(this.chosen);
    if (!next) return this.tell(say("merge.none"), { shown: true });
    this.change({ act: "merge", segment: this.chosen, with: next.id });
    this.tell(say("did.merge"));
  }

  delete() {
    if (!this.may("times") || !this.chosen) return;
    const number = this.number(this.chosen);
    this.player.stop();
    this.editor.dirty = null;
    this.change({ act: "delete", segment: this.chosen });
    if (this.state.order.length) this.focus("row");
    this.notice(say("deleted", { number }), { act: [say("act.undo"), () => (this.closeNotice(), this.act("undo"))], for_ms: 12000 });
  }

  addSegment() {
    if (!this.may("times")) return;
    this.commit();
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

  times() {
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
    this.span(segment, span, edge);
  }

  /** Put an edge where the playhead is. */
  edgeHere(edge) {
    const segment = this.state.get(this.chosen);
    this.span(segment, { start_ms: segment.start_ms, end_ms: segment.end_ms, [`${edge}_ms`]: Math.round(this.player.position_ms) }, edge);
  }

  span(segment, { start_ms, end_ms }, edge) {
    if (end_ms - start_ms < LEAST_MS) return this.tell(say("times.short", { least: LEAST_MS }), { shown: true });
    const clash = this.state.between(start_ms, end_ms).find((one) => one.id !== segment.id && segment.speaker && one.speaker === segment.speaker && !(one.start_ms < segment.end_ms && segment.start_ms < one.end_ms));
    if (clash) return this.tell(say("times.overlap", { speaker: segment.speaker, number: this.number(clash.id) }), { shown: true });
    if (this.editor.dirty) this.commit();
    const asked = { act: "times", segment: segment.id, start_ms, end_ms };
    this.nudged = { asked, base: this.nudged?.base ?? this.state.base(asked) };
    this.changed(this.state.foresee(this.waiting()), { counts: false });
    this.later("nudged", () => this.commit(), NUDGED_MS);
    this.showSaved();
    if (edge === "start") this.player.play(start_ms, Math.min(end_ms, start_ms + 350));
    else this.player.play(Math.max(start_ms, end_ms - 350), end_ms);
  }

  togglePalette(place) {
    const open = this.parts.dock.hidden;
    if (open) this.setPalette(true);
    if (place === "text") this.palette.focus();
    else if (!open) this.setPalette(false);
  }

  setPalette(on) {
    this.settings.palette = on;
    this.parts.dock.hidden = !on;
    for (const button of this.parts.element.querySelectorAll("[data-act=palette]")) button.setAttribute("aria-pressed", String(on));
    if (!on && this.chosen) this.focus("text");
    else if (this.chosen) this.list.show(this.chosen);
    this.prefer("review", this.settings);
  }

  /** Another reading of the word in question: put it into the text. */
  useAlternative(one, text) {
    const { field } = this.editor;
    put(field, text, one.from, one.to);
  }

  alternative() {
    const { field, segment } = this.editor;
    const at = field.selectionStart;
    const cycle = this.cycle;
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
    this.cycle = { segment: segment.id, from: word.from, texts, n: 1 };
    put(field, texts[1], word.from, word.to);
  }

  async history(focus = true) {
    this.commit();
    const segment = this.state.get(this.chosen);
    if (!segment) return;
    const back = this.where;
    if (focus) this.panels.show("history", el("p", { class: "quiet", text: say("history.loading") }), { back });
    const content = await historyPanel(this.recording.id, segment, { language: this.language, may: this.may("text"), restore: (row) => this.restore(segment.id, row) });
    if (this.panels.open === "history" && this.chosen === segment.id) this.panels.show("history", content, { focus });
  }

  restore(segment, row) {
    this.change({ act: "restore", segment, seq: row.seq });
    this.tell(say("did.restore"), { shown: true });
  }

  find() {
    const content = findPanel({
      recording: this.recording.id,
      language: this.language,
      kept: this.found,
      may: this.may("replace"),
      before: async () => {
        this.commit();
        await this.saving.send();
      },
      go: (id) => this.state.order.includes(id) && this.choose(id),
      number: this.number,
      replace: (asked) => this.change(asked),
    });
    this.panels.show("find", content, { back: this.where });
  }
};
