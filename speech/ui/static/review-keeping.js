// What becomes of an edit: typed, handed on, answered, refused, or met by another person's; and what the page says of it.
import { ask } from "./api.js";
import { conflictPanel } from "./review-history.js";
import { newId } from "./review-saving.js";
import { say } from "./review-strings.js";
import { saved } from "./review-text.js";

const TYPED_MS = 500;
const LOOK_MS = 4000;
const HERE_MS = 5 * 60_000;

/** A visit that keeps what is done: `Base` shows. */
export const Keeping = (Base) => class extends Base {
  // Saving.

  waiting() {
    return this.nudged ? [...this.saving.waiting, { kind: "edits", asked: this.nudged.asked }] : this.saving.waiting;
  }

  /** Something was typed: it is saved half a second after the last key. */
  typed() {
    this.later("typed", () => this.commit(), TYPED_MS);
    if (this.saving.state === "saved") this.showSaved();
  }

  /** Hand on what was typed, and times that were nudged. */
  commit() {
    if (this.nudged) {
      const { asked, base } = this.nudged;
      this.nudged = null;
      this.add(asked, base);
    }
    const { dirty } = this.editor;
    if (!dirty || this.composing) return;
    clearTimeout(this.timers.get("typed"));
    const text = this.editor.text;
    this.editor.dirty = null;
    const now = this.state.get(dirty.segment);
    if (now && saved(text) === now.text) this.showSaved();
    else this.add({ act: "text", segment: dirty.segment, text }, { [dirty.segment]: dirty.base });
  }

  add(asked, base) {
    this.saving.add(asked, base);
    this.changed(this.state.foresee(this.waiting()));
  }

  /** Make an edit, after what was typed. */
  change(asked) {
    this.commit();
    this.add(asked, this.state.base(asked));
  }

  answered(edit, answer) {
    const { dirty } = this.editor;
    const known = dirty && answer.segments[dirty.segment];
    if (known && dirty.base === (edit.base[dirty.segment] ?? this.state.version(dirty.segment))) dirty.base = known.version;
    const ids = this.state.take(answer.segments, answer.seq === this.state.seq + 1 ? answer.seq : undefined);
    for (const id of this.state.foresee(this.waiting())) ids.add(id);
    this.changed(ids);
    if (answer.undid) this.undid(answer);
    if (answer.skipped?.length) {
      const numbers = answer.skipped.slice(0, 20).map(this.number).join(", ");
      this.notice(say("skipped", { count: answer.skipped.length, numbers }));
    }
    if (this.panels.open === "history" && answer.segments[this.chosen] !== undefined) this.history(false);
  }

  undid({ act, undid }) {
    const there = this.state.get(undid.segment);
    const what = say(`did.${undid.act}`);
    this.tell(say(act === "undo" ? "undone" : "redone", { what, number: this.number(undid.segment), count: undid.segments }), { shown: true });
    if (there) {
      if (!this.state.order.includes(undid.segment)) this.showAll();
      this.choose(undid.segment, { focus: this.parts.grid.contains(this.root.activeElement) || !this.root.activeElement ? this.where : null });
    }
  }

  refused(edit, refusal) {
    const ids = this.state.foresee(this.waiting());
    for (const id of Object.keys(edit.base)) ids.add(id);
    this.changed(ids);
    if (refusal.code === "REVIEW_NOTHING") {
      this.tell(say(edit.asked.act === "undo" ? "nothing_undo" : "nothing_redo"), { shown: true });
      return;
    }
    const why = refusal.what ? `${refusal.what}. ${refusal.mend ?? ""}.`.replace(/\.+$/, ".") : say("not_allowed");
    const kept = edit.asked.act === "text" ? ` ${say("your_text", { text: edit.asked.text })}` : "";
    this.notice(`${say("refused")} ${why}${kept}`, { error: true });
  }

  clashed(edit) {
    const { conflict } = edit;
    this.state.take({ [conflict.segment]: conflict.theirs && { ...conflict.theirs, version: conflict.version } });
    const ids = this.state.foresee(this.waiting());
    ids.add(conflict.segment);
    if (this.editor.dirty?.segment === conflict.segment) this.editor.dirty.base = this.editor.dirty.base; // it will clash, too, and be asked
    this.changed(ids);
    this.conflictNotice();
  }

  conflictNotice() {
    const edit = this.saving.conflicts[0];
    if (!edit) return;
    const { segment, theirs_by } = edit.conflict;
    const many = this.saving.conflicts.length;
    this.notice(say("conflict.notice", { person: theirs_by, number: this.number(segment), count: many }), { act: [say("conflict.look"), () => this.conflict(edit)], error: true });
  }

  conflict(edit) {
    const { conflict, asked } = edit;
    const id = conflict.segment;
    this.closeNotice();
    if (this.state.get(id)) this.choose(id);
    const over = async (act) => {
      await this.saving.settle(edit);
      act?.();
      this.panels.close();
      this.changed(new Set([id]));
      this.conflictNotice();
    };
    const write = (text) => {
      const base = { [id]: Math.max(conflict.version, this.state.version(id)) };
      if (this.state.get(id)) this.add({ act: "text", segment: id, text }, base);
      else this.add({ act: "add", new: newId(), start_ms: conflict.mine.start_ms, end_ms: conflict.mine.end_ms, speaker: conflict.mine.speaker ?? null, text }, {});
    };
    const again = () => {
      const base = Object.fromEntries(Object.keys(edit.base).map((one) => [one, this.state.version(one)]));
      this.add(asked, base);
    };
    const back = asked.act === "undo" || asked.act === "redo";
    const content = conflictPanel(edit, {
      language: this.language,
      number: this.number(id),
      play: () => this.playSpan(conflict.theirs ?? conflict.mine ?? conflict.draft),
      mine: () => over(() => (asked.act === "text" || !this.state.get(id) || back ? write(conflict.mine.text) : again())),
      theirs: () => over(() => back && this.add({ act: asked.act, leave: true }, {})),
      join: (text) => over(() => write(text)),
    });
    this.panels.show("conflict", content, { back: "row" });
  }

  /** Look every few seconds for what others did. */
  lookLater() {
    this.later("look", () => this.look(), LOOK_MS);
  }

  async look() {
    this.lookLater();
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
      if (this.chosen && this.editor.dirty && segments[this.chosen] === null) this.commit();
      for (const id of this.state.foresee(this.waiting())) ids.add(id);
      this.changed(ids);
    }
  }

  showSaved() {
    const { state, waiting, lastSaved, reason } = this.saving;
    const count = waiting.length;
    const texts = {
      saving: () => say("save.saving"),
      saved: () => (this.editor.dirty || this.nudged ? say("save.saving") : lastSaved ? say("save.saved", { time: lastSaved.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" }) }) : say("save.all")),
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
      this.closeNotice("saving");
      this.tell(say("save.back"));
    }
  }
};
