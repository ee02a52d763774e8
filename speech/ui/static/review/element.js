// <speech-review recording="ID">: one recording's segments, heard and mended by keyboard. What is shown as saved is on the server's disk.
import { ask, el, t, useTexts } from "../api.js";
import { actOf, ACTS } from "./keys.js";
import { List } from "./list.js";
import * as panels from "./panels.js";
import { Player } from "./player.js";
import { row } from "./row.js";
import { newSegmentId, Saving } from "./saving.js";
import { graphemesBefore, toned } from "./text.js";
import { Wave } from "./wave.js";

const LOOK_MS = 3000;
const SAVE_MS = 500;
const ORDERS = ["time", "unsure", "teaches", "disagreement", "random"];
const STATES = ["draft", "edited", "approved", "unsure", "not_speech"];

export class SpeechReview extends HTMLElement {
  async connectedCallback() {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: "open" });
    root.append(el("link", { rel: "stylesheet", href: "/static/review/review.css" }));
    this.recording = this.getAttribute("recording");
    const me = await ask("/api/me");
    if (!me.ok) return root.append(el("p", { text: "…" }));
    this.me = me.data;
    await this.texts();
    const answer = await ask(`/api/recordings/${this.recording}`);
    if (!answer.ok) return root.append(el("p", { class: "ask", text: t("review.not_available") }));
    this.take(answer.data);
    this.build(root);
    const left = await this.saving.open();
    for (const edit of left) this.apply(edit);
    await this.reorder();
    this.choose(this.segments.has(answer.data.place) ? answer.data.place : this.order[0], { focus: true });
    this.timer = setInterval(() => this.look(), LOOK_MS);
    this.dataset.ready = "1";
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    this.player?.stop();
  }

  async texts() {
    if (t("review.play") !== "review.play") return;
    const chosen = this.me.preferences.language ?? navigator.language.split("-")[0].replace(/^qu$/, "que");
    let table = await ask(`/api/strings/${encodeURIComponent(chosen)}`);
    if (!table.ok) table = await ask("/api/strings/en");
    useTexts(table.data.strings);
    document.documentElement.lang = table.data.language;
  }

  take(data) {
    this.data = data;
    this.seq = data.seq;
    this.segments = new Map(data.segments.map((segment) => [segment.id, segment]));
    this.speakers = [...data.speakers];
    this.order = [...this.segments.keys()];
    this.reasons = new Map();
    this.conflicts = new Map();
    this.current = null;
    this.editing = null;
    this.typed = null;
    this.asks = "";
    this.chosenWord = null;
    this.choices = this.me.preferences.keys ?? {};
  }

  build(root) {
    this.said = el("p", { class: "said", role: "status" });
    this.state = el("p", { class: "save-state", role: "status" });
    this.wave = new Wave(this.data.duration_ms, { overview: t("review.overview"), near: t("review.near") }, {
      peaks: (from, to, points) => this.peaks(from, to, points),
      seek: (ms) => this.seekTo(ms),
    });
    this.player = new Player(`/media/${this.recording}`, {
      moved: (ms) => this.wave.moved(ms),
      ended: () => this.heard(),
      state: (playing) => this.toggleAttribute("playing", playing),
    });
    this.list = new List(t("review.segments"), (id) => row(this.segments.get(id), this.view()));
    this.place = el("div", { class: "places" });
    this.saving = new Saving(this.me.person, this.recording, {
      send: (edit) => ask(`/api/recordings/${this.recording}/edits`, { method: "POST", body: edit }),
      stored: (edit, data) => this.stored(edit, data),
      conflict: (edit, found) => this.clash(edit, found),
      refused: (edit, data) => this.refused(edit, data),
      state: (now) => this.showState(now),
    });
    root.append(this.bar(), this.wave.element, this.place, this.said, this.list.element);
    root.addEventListener("keydown", (event) => this.pressed(event));
    root.addEventListener("paste", (event) => event.target.matches?.("textarea") && setTimeout(() => this.typing(event.target.value)));
    addEventListener("beforeunload", (event) => {
      this.commit();
      if (this.saving.count) event.preventDefault();
    });
  }

  bar() {
    const pick = (id, key, options, act) => [el("label", { for: id, text: t(key) }), el("select", { id, onchange: (event) => act(event.target.value) }, options.map(([value, text]) => el("option", { value, text })))];
    const button = (key, act, right = "read", name = key) => this.may(right) && el("button", { class: "plain", id: `do-${name}`, text: t(`review.${key}`), title: this.keysOf(name), onclick: act });
    this.rateShown = el("span", { class: "rate", text: t("review.rate", { rate: "1.0" }) });
    this.count = el("span", { class: "quiet" });
    return el("div", { class: "bar" },
      el("div", { class: "tools" },
        button("play", () => this.toggle()), button("back", () => this.player.seek(-1500)),
        button("loop", () => this.do("loop")), button("slower", () => this.do("slower")), this.rateShown, button("faster", () => this.do("faster"))),
      el("div", { class: "tools" },
        button("undo", () => this.do("undo"), "text"), button("redo", () => this.do("redo"), "text"),
        button("add", () => this.add(), "times"), button("speakers", () => this.panel("speakers")),
        button("palette", () => this.panel("palette"), "text"), button("find", () => this.panel("find")), button("help", () => this.panel("help"))),
      el("div", { class: "tools" },
        pick("order", "review.order", ORDERS.map((by) => [by, t(`review.order.${by}`)]), (by) => this.reorder({ by })),
        pick("only", "review.only", [["", t("review.every")], ...STATES.map((state) => [state, t(`review.status.${state}`)])], (status) => this.reorder({ status })),
        this.count, this.state));
  }

  /** What a row is given. */
  view() {
    return {
      current: this.current, editing: this.editing, typed: this.typed, asks: this.asks, chosenWord: this.chosenWord,
      language: this.data.language, speakers: this.speakers, may: this.me.may,
      keys: (name) => this.keysOf(name),
      reason: (id) => this.reasons.get(id) ?? "",
      conflict: (id) => this.conflicts.has(id),
      conflictElement: (id) => this.conflictPanel(id),
      historyElement: () => this.past ?? el("p", { class: "quiet", text: t("app.loading") }),
      play: (id) => this.playSegment(id), choose: (id) => this.choose(id), word: (id, n) => this.word(id, n), take: (id, n, reading) => this.takeReading(id, n, reading),
      edit: (id) => this.edit(id), typing: (value) => this.typing(value), left: () => this.commit(),
      status: (status, more) => this.setStatus(status, more), ask: (what) => this.setAsks(what), panel: (name) => this.panel(name),
      split: () => this.split(), merge: () => this.merge(), remove: () => this.remove(), nudge: (edge, by) => this.nudge(edge, by),
    };
  }

  may(right) {
    return this.me.may.includes(right);
  }

  keysOf(name) {
    const places = ACTS[name] ?? {};
    return Object.entries(places).map(([where, keys]) => (this.choices.changed?.[`${where}.${name}`] ?? keys).join(", ")).filter(Boolean).join("; ");
  }

  say(text) {
    this.said.textContent = text;
  }

  // ---- what is shown

  async reorder(asked = {}) {
    this.shown = { by: "time", status: "", ...this.shown, ...asked };
    const answer = await ask(`/api/recordings/${this.recording}/order?by=${this.shown.by}&status=${this.shown.status}`);
    if (answer.ok) {
      this.order = answer.data.map((one) => one.id).filter((id) => this.segments.has(id));
      this.reasons = new Map(this.shown.by === "time" ? [] : answer.data.map((one) => [one.id, t(`review.because.${one.reason}`, { detail: one.detail })]));
    }
    this.list.show(this.order);
    this.showCount();
    if (!this.order.includes(this.current)) this.current = null;
    if (this.current) this.list.go(this.current);
    else if (this.order.length) this.choose(this.order[0]);
    this.say(this.order.length ? "" : t("review.none_of_these"));
  }

  showCount() {
    const every = [...this.segments.values()];
    const done = every.filter((one) => one.status === "approved").length;
    this.count.textContent = t("review.approved_of", { done, count: every.length });
  }

  refresh(id) {
    this.list.refresh(id);
    if (id === this.current && this.segments.has(id)) this.wave.show(this.segments.get(id), this.near(id));
  }

  /** Segments around one, for the waveform. */
  near(id) {
    const one = this.segments.get(id);
    return [...this.segments.values()].filter((other) => other.end_ms > one.start_ms - 60000 && other.start_ms < one.end_ms + 60000);
  }

  choose(id, { focus = false } = {}) {
    if (!id || !this.segments.has(id)) return;
    if (this.editing && this.editing !== id) this.commit({ close: true });
    if (id !== this.current) {
      this.asks = "";
      this.chosenWord = null;
      this.past = null;
    }
    this.current = id;
    this.list.go(id, { focus });
    this.wave.show(this.segments.get(id), this.near(id));
    clearTimeout(this.placing);
    this.placing = setTimeout(() => ask(`/api/recordings/${this.recording}/place`, { method: "POST", body: { segment: id } }), 1000);
  }

  step(by) {
    const at = this.order.indexOf(this.current);
    return this.order[Math.min(this.order.length - 1, Math.max(0, at + by))];
  }

  async peaks(from, to, points) {
    const answer = await fetch(`/api/recordings/${this.recording}/peaks?from_ms=${from}&to_ms=${to}&points=${points}`).catch(() => null);
    if (answer?.ok) return new Int8Array(await answer.arrayBuffer());
    if (answer?.status === 404) {
      clearTimeout(this.peaking); // they are being made
      this.peaking = setTimeout(() => this.isConnected && this.wave.load(), 2000);
    }
    return new Int8Array();
  }

  showState({ state, count, at }) {
    const time = at?.toLocaleTimeString(document.documentElement.lang || undefined, { hour: "2-digit", minute: "2-digit" });
    this.state.className = `save-state ${state}`;
    this.state.textContent = state === "saved" ? (time ? t("review.saved_at", { time }) : t("review.saved")) : t(`review.${state}`, { count });
  }

  // ---- sound

  playSegment(id) {
    this.choose(id);
    const { start_ms, end_ms } = this.segments.get(id);
    this.heardNext = id;
    this.player.play(start_ms, end_ms);
  }

  toggle() {
    if (this.player.playing) this.player.stop();
    else if (this.current) this.playSegment(this.current);
  }

  seekTo(ms) {
    const word = this.segments.get(this.current)?.words?.find(([, start, end]) => start !== null && end !== null && start <= ms && ms < end);
    const inside = this.segments.get(this.current);
    if (word && inside && inside.start_ms <= ms && ms < inside.end_ms) return this.player.play(word[1], word[2]);
    const there = [...this.segments.values()].find((one) => one.start_ms <= ms && ms < one.end_ms);
    if (there && there.id !== this.current) this.choose(there.id);
    this.player.play(ms, this.data.duration_ms);
  }

  /** A segment was played to its end: it counts as heard, which approving asks for. */
  async heard() {
    const id = this.heardNext;
    this.heardNext = null;
    const segment = this.segments.get(id);
    if (!segment || segment.heard) return;
    segment.heard = true;
    this.list.refresh(id);
    await ask(`/api/recordings/${this.recording}/heard`, { method: "POST", body: { segment: id } });
  }

  word(id, n) {
    const [, start, end] = this.segments.get(id).words[n];
    if (start !== null && end !== null) this.player.play(start, end);
    this.chosenWord = this.chosenWord === n ? null : n;
    this.list.refresh(id);
  }

  takeReading(id, n, reading) {
    const words = this.segments.get(id).words;
    const text = words.map(([word, , , , separator], at) => (at === n ? reading : word) + (at + 1 < words.length ? separator ?? " " : "")).join("");
    this.chosenWord = null;
    this.put({ act: "text", segment: id, text });
  }

  // ---- edits

  /** Send an edit; what it does to text, status or speaker is shown at once, what it does to times when it is stored. */
  put(asked, ids = [asked.segment]) {
    const base = Object.fromEntries(ids.filter((id) => this.segments.has(id)).map((id) => [id, this.segments.get(id).version]));
    const edit = { base, ...asked };
    this.apply(edit);
    return this.saving.add(edit);
  }

  apply(edit) {
    const segment = this.segments.get(edit.segment);
    if (!segment) return;
    const now = {
      text: () => ({ text: edit.text.normalize("NFC"), status: segment.status && segment.status !== "draft" ? segment.status : "edited" }),
      status: () => ({ status: edit.status, unsure_reason: edit.reason ?? "" }),
      speaker: () => ({ speaker: edit.speaker ?? undefined }),
    }[edit.act]?.();
    if (!now) return;
    this.segments.set(edit.segment, { ...segment, ...now });
    this.refresh(edit.segment);
    this.showCount();
  }

  stored(edit, data) {
    this.merge_in(data.segments, edit);
    if (data.undid) {
      this.say(t(edit.act === "redo" ? "review.redone" : "review.undone", { what: t(`review.act.${data.undid.act}`) }));
      if (this.segments.has(data.undid.segment)) this.choose(data.undid.segment, { focus: this.editing === null });
    }
    if (data.skipped?.length) this.say(t("review.skipped", { count: data.skipped.length }));
  }

  /** Segments as the server has them; those with edits of ours on the way keep what is shown. */
  merge_in(found, edit = null) {
    let moved = false;
    for (const [id, segment] of Object.entries(found ?? {})) {
      const old = this.segments.get(id);
      if (segment === null) {
        moved = moved || this.segments.delete(id);
        continue;
      }
      moved = moved || !old || old.start_ms !== segment.start_ms;
      const waits = this.saving.holds(id);
      const made = waits && old ? { ...old, version: segment.version } : { ...segment, heard: segment.heard ?? old?.heard ?? false };
      this.segments.set(id, made);
      if (segment.speaker && !this.speakers.includes(segment.speaker)) this.speakers.push(segment.speaker);
      if (!waits && !(this.editing === id && edit?.act === "text")) this.refresh(id);
      else if (this.editing === id) this.wave.show(made, this.near(id));
    }
    if (moved) this.placed(edit);
    this.showCount();
  }

  /** Segments came, went or moved: the order stays as it is but for them. */
  placed(edit) {
    const gone = this.order.indexOf(this.current);
    const kept = this.order.filter((id) => this.segments.has(id));
    const fresh = [...this.segments.keys()].filter((id) => !kept.includes(id)).sort((a, b) => this.segments.get(a).start_ms - this.segments.get(b).start_ms);
    for (const id of fresh) {
      const at = kept.findIndex((other) => this.segments.get(other).start_ms > this.segments.get(id).start_ms);
      kept.splice(at < 0 ? kept.length : at, 0, id);
    }
    if (this.shown?.by === "time") kept.sort((a, b) => this.segments.get(a).start_ms - this.segments.get(b).start_ms);
    this.order = kept;
    this.list.show(kept);
    if (edit?.new && this.segments.has(edit.new) && edit.act === "add") this.choose(edit.new, { focus: true });
    else if (!this.segments.has(this.current)) this.choose(kept[Math.min(gone, kept.length - 1)], { focus: true });
    else this.choose(this.current, { focus: this.editing === null });
  }

  refused(edit, data) {
    this.say(t("review.refused", { what: data.what ?? "", mend: data.mend ?? "" }));
    this.reload(Object.keys(edit.base ?? {}));
  }

  async reload(ids) {
    const answer = await ask(`/api/recordings/${this.recording}`);
    if (!answer.ok) return;
    const there = new Map(answer.data.segments.map((segment) => [segment.id, segment]));
    this.merge_in(Object.fromEntries(ids.map((id) => [id, there.get(id) ?? null])));
  }

  clash(edit, found) {
    this.conflicts.set(found.segment, { edit, found });
    this.choose(found.segment, { focus: this.editing === null });
    this.refresh(found.segment);
    this.say(t("review.conflict"));
  }

  conflictPanel(id) {
    const { edit, found } = this.conflicts.get(id);
    const settle = (act) => () => {
      this.conflicts.delete(id);
      const theirs = found.theirs ? { ...found.theirs, version: found.version } : null;
      if (theirs) this.segments.set(id, { ...this.segments.get(id), ...theirs });
      act();
      this.refresh(id);
    };
    const undoing = edit.act === "undo" || edit.act === "redo";
    return panels.conflict(found, {
      play: () => this.playSegment(id),
      mine: settle(() => (undoing ? this.put({ act: "text", segment: id, text: found.mine?.text ?? "" }) : this.put({ ...edit, id: undefined, base: undefined }))),
      theirs: settle(() => {
        if (undoing) this.put({ act: edit.act, leave: true }, []);
        else this.merge_in({ [id]: found.theirs && { ...found.theirs, version: found.version } });
      }),
      join: settle(() => this.edit(id, [found.theirs?.text, found.mine?.text].filter(Boolean).join(" "))),
    });
  }

  edit(id, text = null) {
    if (!this.may("text")) return;
    this.choose(id);
    this.editing = id;
    this.typed = text;
    this.list.refresh(id);
    const box = this.list.rows.get(id)?.querySelector("textarea");
    box?.focus({ preventScroll: true });
    box?.setSelectionRange(box.value.length, box.value.length);
  }

  typing(value) {
    this.typed = value;
    this.state.className = "save-state saving";
    this.state.textContent = t("review.typing");
    clearTimeout(this.pausing);
    this.pausing = setTimeout(() => this.commit(), SAVE_MS);
  }

  /** Send what was typed; with `close` the box goes. */
  commit({ close = false } = {}) {
    clearTimeout(this.pausing);
    const id = this.editing;
    if (!id) return;
    const text = this.typed?.normalize("NFC");
    const segment = this.segments.get(id);
    if (text !== undefined && segment && text.trim() !== (segment.text ?? "")) this.put({ act: "text", segment: id, text: text.trim() });
    else this.saving.tell();
    if (close) {
      this.editing = null;
      this.typed = null;
      this.list.refresh(id);
    }
  }

  setAsks(what) {
    this.asks = this.asks === what ? "" : what;
    this.list.refresh(this.current);
  }

  setStatus(status, { sure = false, reason = "" } = {}) {
    const segment = this.segments.get(this.current);
    if (!segment || !this.may("status")) return false;
    this.commit();
    if (status === "approved" && !segment.heard && !sure) {
      this.asks = "unheard";
      this.list.refresh(this.current);
      return false;
    }
    this.asks = "";
    this.put({ act: "status", segment: segment.id, status, ...(reason ? { reason } : {}) });
    return true;
  }

  split() {
    const segment = this.segments.get(this.current);
    if (!segment || !this.may("times")) return;
    const box = this.box();
    this.commit({ close: true });
    const at = this.player.now_ms;
    const inside = at > segment.start_ms + 50 && at < segment.end_ms - 50;
    const where = box && box.selectionStart > 0 && box.selectionStart < box.value.length ? { caret: graphemesBefore(box.value, box.selectionStart) } : inside ? { at_ms: Math.round(at) } : null;
    if (!where) return this.say(t("review.split_where"));
    this.put({ act: "split", segment: segment.id, new: newSegmentId(), ...where });
  }

  merge() {
    const segment = this.segments.get(this.current);
    if (!segment || !this.may("times")) return;
    this.commit({ close: true });
    const later = [...this.segments.values()].filter((one) => one.speaker === segment.speaker && one.start_ms >= segment.start_ms && one.id !== segment.id);
    const next = later.sort((a, b) => a.start_ms - b.start_ms)[0];
    if (!next) return this.say(t("review.merge_none"));
    this.put({ act: "merge", segment: segment.id, with: next.id }, [segment.id, next.id]);
  }

  remove() {
    if (!this.current || !this.may("times")) return;
    this.put({ act: "delete", segment: this.current });
    this.say(t("review.deleted"));
  }

  nudge(edge, by) {
    const segment = this.segments.get(this.current);
    const times = { start_ms: segment.start_ms, end_ms: segment.end_ms };
    times[`${edge}_ms`] += by;
    if (times.start_ms < 0 || times.end_ms - times.start_ms < 50) return;
    this.put({ act: "times", segment: segment.id, ...times });
    if (edge === "start") this.player.play(times.start_ms, Math.min(times.end_ms, times.start_ms + 500));
    else this.player.play(Math.max(times.start_ms, times.end_ms - 500), times.end_ms);
  }

  add() {
    const at = Math.round(this.player.now_ms);
    const after = [...this.segments.values()].map((one) => one.start_ms).filter((ms) => ms > at);
    const end_ms = Math.min(at + 2000, this.data.duration_ms, ...after);
    if (end_ms - at < 50) return this.say(t("review.add_where"));
    this.put({ act: "add", start_ms: at, end_ms, speaker: this.segments.get(this.current)?.speaker ?? null, text: "", new: newSegmentId() }, []);
  }

  // ---- panels

  async panel(name) {
    if (name === "history") {
      this.setAsks("history");
      if (this.asks !== "history") return;
      const answer = await ask(`/api/recordings/${this.recording}/history/${this.current}`);
      const id = this.current;
      this.past = panels.history(answer.data ?? [], this.may("text"), (seq) => this.put({ act: "restore", segment: id, seq }));
      return this.list.refresh(this.current);
    }
    const open = this.place.dataset.panel === name;
    this.place.replaceChildren();
    this.place.dataset.panel = open ? "" : name;
    if (open) return this.choose(this.current, { focus: true });
    const close = () => this.panel(name);
    if (name === "find") {
      const found = panels.find((asked) => ask(`/api/recordings/${this.recording}/find`, { method: "POST", body: asked }), (asked) => this.put({ act: "replace", ...asked }, asked.segments), (id) => this.choose(id), close);
      this.place.append(found.element);
      found.focus();
    } else if (name === "help") this.place.append(panels.help(this.choices, (what, value) => this.change(what, value), close));
    else if (name === "speakers") {
      const rename = (speaker, to) => this.put({ act: "rename_speaker", speaker, to }, [...this.segments.values()].filter((one) => one.speaker === speaker).map((one) => one.id));
      this.place.append(panels.speakers(this.speakers, this.may("speakers"), (speaker, to) => {
        rename(speaker, to);
        this.speakers = this.speakers.filter((one) => one !== speaker);
        close();
      }, (speaker) => this.assign(speaker), close));
    } else if (name === "palette") this.place.append(panels.palette(this.data.language, (letter) => this.insert(letter), (mark) => this.tone(mark)));
  }

  change(what, value) {
    this.choices = what === "letters" ? { ...this.choices, letters: value } : { ...this.choices, changed: { ...this.choices.changed, [what]: value } };
    ask("/api/me/preferences", { method: "PUT", body: { name: "keys", value: this.choices } });
  }

  assign(speaker) {
    if (this.current && this.may("speakers")) this.put({ act: "speaker", segment: this.current, speaker });
  }

  box() {
    return this.list.rows.get(this.editing)?.querySelector("textarea") ?? null;
  }

  insert(letter) {
    if (!this.editing) this.edit(this.current);
    const box = this.box();
    box.focus({ preventScroll: true });
    if (!document.execCommand("insertText", false, letter)) {
      box.setRangeText(letter, box.selectionStart, box.selectionEnd, "end"); // where the browser does not keep it for its own undo
      box.dispatchEvent(new Event("input"));
    }
  }

  tone(mark) {
    if (!this.editing) return;
    const box = this.box();
    const made = toned(box.value, box.selectionStart, mark, this.data.language.marks);
    box.value = made.text;
    box.setSelectionRange(made.offset, made.offset);
    box.dispatchEvent(new Event("input"));
  }

  // ---- keys

  pressed(event) {
    const target = event.composedPath()[0];
    const typing = target.matches?.("textarea");
    if (!typing && target.matches?.("input, select")) return event.key === "Escape" ? this.choose(this.current, { focus: true }) : undefined;
    if (!typing && target.matches?.("button") && ["Enter", " "].includes(event.key) && !event.ctrlKey && !event.metaKey) return;
    const digit = !typing && /^[1-9]$/.test(event.key) && !event.ctrlKey && !event.altKey && !event.metaKey && this.choices.letters !== false;
    if (digit && this.speakers[Number(event.key) - 1]) {
      event.preventDefault();
      return this.assign(this.speakers[Number(event.key) - 1]);
    }
    if (!typing && this.asks === "times" && this.edge(event)) return event.preventDefault();
    const act = actOf(event, typing ? "text" : "list", this.choices);
    if (!act) return;
    if (typing && (act === "undo" || act === "redo") && this.typed !== null && this.typed !== (this.segments.get(this.editing)?.text ?? "")) return; // the browser's own
    if (act === "find" && this.place.dataset.panel === "find") return; // the browser's
    event.preventDefault();
    this.do(act, { typing });
  }

  /** Arrows move the start of the segment, with Shift its end; with Page keys by 100 ms. */
  edge(event) {
    const by = { ArrowLeft: -10, ArrowRight: 10, PageUp: -100, PageDown: 100 }[event.key];
    if (by) this.nudge(event.shiftKey ? "end" : "start", by);
    return Boolean(by);
  }

  do(act, { typing = false } = {}) {
    const move = (id, then) => {
      if (typing) this.commit({ close: true });
      if (!id) return;
      this.choose(id, { focus: !typing });
      then?.(id);
    };
    const on = (id) => {
      this.edit(id);
      this.playSegment(id);
    };
    const acts = {
      next: () => move(this.step(1), on),
      previous: () => move(this.step(-1), on),
      up: () => move(this.step(-1), typing ? (id) => this.edit(id) : null),
      down: () => move(this.step(1), typing ? (id) => this.edit(id) : null),
      first: () => move(this.order[0]),
      last: () => move(this.order.at(-1)),
      play: () => this.toggle(),
      back: () => this.player.seek(-1500),
      earlier: () => this.player.seek(-1500),
      later: () => this.player.seek(1500),
      edit: () => this.edit(this.current),
      approve: () => this.setStatus("approved"),
      approve_next: () => this.setStatus("approved") && (typing ? acts.next() : move(this.step(1))),
      unsure: () => this.setAsks("unsure"),
      not_speech: () => this.setStatus("not_speech"),
      split: () => this.split(),
      merge: () => this.merge(),
      delete: () => this.remove(),
      times: () => this.setAsks("times"),
      history: () => this.panel("history"),
      palette: () => this.panel("palette"),
      find: () => this.panel("find"),
      help: () => this.panel("help"),
      undo: () => {
        this.commit();
        this.put({ act: "undo" }, []);
      },
      redo: () => this.put({ act: "redo" }, []),
      loop: () => {
        this.player.loop = !this.player.loop;
        this.say(t(this.player.loop ? "review.loop_on" : "review.loop_off"));
      },
      slower: () => this.rate(-0.1),
      faster: () => this.rate(0.1),
      leave: () => {
        this.player.stop();
        if (this.place.dataset.panel) this.panel(this.place.dataset.panel);
        if (typing) this.commit({ close: true });
        this.choose(this.current, { focus: true });
      },
    };
    acts[act]?.();
  }

  rate(by) {
    this.player.setRate(this.player.rate + by);
    this.rateShown.textContent = t("review.rate", { rate: this.player.rate.toFixed(1) });
  }

  // ---- others

  /** What others did meanwhile. */
  async look() {
    if (document.hidden || this.saving.count) return;
    const answer = await ask(`/api/recordings/${this.recording}/changes?after=${this.seq}`);
    if (answer.status === 404) {
      this.player.stop();
      return this.say(t("review.not_available"));
    }
    if (!answer.ok || this.saving.count) return;
    this.seq = answer.data.seq;
    const news = Object.entries(answer.data.segments).filter(([id, segment]) => id !== this.editing && (segment === null || segment.version > (this.segments.get(id)?.version ?? 0)));
    if (news.length) this.merge_in(Object.fromEntries(news));
    const here = answer.data.people?.filter((one) => one.person !== this.me.person && one.segment === this.current) ?? [];
    if (here.length) this.say(t("review.also_here", { people: here.map((one) => one.person).join(", ") }));
  }
}

customElements.define("speech-review", SpeechReview);
