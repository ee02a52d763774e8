// A segment read back: the speaker's own sound and a synthetic voice that says the text, one after the other, in the order that was chosen.
// While the voice is heard the page says that no person speaks.
import { ask, el } from "./api.js";
import { say } from "./review-strings.js";
import { borrowing, nameOf, voices } from "./voices.js";

const ORDERS = ["speaker", "voice"];

/** Plays both sounds. `playing` is "waiting" (for the voice), "speaker", "voice" or null; event `change`. */
export class ReadBack extends EventTarget {
  playing = null;
  /** What is known of the sound: `{voice, unsaid, ...}`, as the server told it. */
  known = null;
  #turn = 0;
  #asked = null;
  #done = null;
  #address = "";

  constructor(player, recording) {
    super();
    this.player = player;
    this.recording = recording;
    this.audio = new Audio();
    this.audio.preservesPitch = true;
    this.audio.addEventListener("ended", () => this.#done?.(true));
    this.audio.addEventListener("error", () => this.#done?.(false));
    player.addEventListener("change", () => {
      this.audio.playbackRate = player.rate;
      if (this.playing === "voice" && player.playing) this.stop(); // another sound was asked for
    });
  }

  /**
   * Fetch the voice, then play both; it is fetched first, so that what cannot be said is known before there is sound.
   * @returns the answer where there is no voice: `{status, data}`
   */
  async play(segment, { order, borrow, letters }) {
    this.stop();
    const turn = ++this.#turn;
    this.#asked = new AbortController();
    this.#now("waiting");
    const answer = await this.#fetch(segment.id, { borrow, letters }, this.#asked.signal);
    if (turn !== this.#turn) return null;
    if (!answer.ok) {
      this.#now(null);
      return answer;
    }
    this.known = answer.known;
    URL.revokeObjectURL(this.#address);
    this.audio.src = this.#address = URL.createObjectURL(answer.sound);
    for (const part of order === "voice" ? ["voice", "speaker"] : ["speaker", "voice"]) {
      this.#now(part);
      const span = [segment.start_ms, segment.end_ms];
      const whole = await (part === "speaker" ? this.player.playOnce(...span, segment.id) : this.#voice());
      if (turn !== this.#turn) return null;
      if (!whole) break;
    }
    this.#now(null);
    return null;
  }

  stop() {
    this.#turn++;
    this.#asked?.abort();
    const was = this.playing;
    this.audio.pause();
    this.#done?.(false);
    if (was) this.#now(null);
    if (was === "speaker") this.player.stop();
  }

  end() {
    this.stop();
    URL.revokeObjectURL(this.#address);
  }

  #voice() {
    this.audio.playbackRate = this.player.rate;
    return new Promise((done) => {
      this.#done = done;
      this.audio.play().catch(() => done(false));
    });
  }

  async #fetch(segment, how, signal) {
    try {
      const answer = await fetch(`/api/recordings/${this.recording}/aloud/${encodeURIComponent(segment)}?${new URLSearchParams(how)}`, { signal });
      if (!answer.ok) return { ok: false, status: answer.status, data: await answer.json().catch(() => null) };
      return { ok: true, known: JSON.parse(decodeURIComponent(answer.headers.get("X-Speech-Voice"))), sound: await answer.blob() };
    } catch {
      return { ok: false, status: 0, data: null };
    }
  }

  #now(playing) {
    this.playing = playing;
    this.dispatchEvent(new Event("change"));
  }
}

/** A visit that reads back: `Base` shows, keeps and acts. */
export const ReadingBack = (Base) => class extends Base {
  acts = {
    ...this.acts,
    play: () => (this.readBack.playing ? this.readBack.stop() : (this.player.playing ? this.player.stop() : this.playSegment())),
    read_back: () => (this.readBack.playing ? this.readBack.stop() : this.readSegment()),
  };

  choose(id, how) {
    if (id !== this.chosen) this.readBack.stop();
    super.choose(id, how);
  }

  leave() {
    this.readBack.stop();
    super.leave();
  }

  /** Read the chosen segment back, as it is saved: what was typed is sent first. */
  async readSegment(letters = "refuse") {
    const id = this.chosen;
    if (!id) return;
    this.closeNotice("read_back");
    this.commit();
    await this.saving.send();
    const segment = this.state.get(id);
    if (!segment || id !== this.chosen) return;
    const code = this.state.languageOf(segment);
    const failed = await this.readBack.play(segment, { order: this.settings.read_back, borrow: this.settings.borrow[code] ?? "", letters });
    if (failed) this.notRead(failed, code);
  }

  /** Why nothing is read, and what can be done: another voice, or other letters. */
  notRead({ status, data }, code) {
    if (data?.code === "VOICE_NONE") {
      const language = code ? this.languageName(code) : say("language.unknown");
      this.notice(say("read_back.no_voice", { language }), { act: [say("read_back.choose"), () => (this.closeNotice(), this.act("settings"))], of: "read_back" });
    } else if (data?.code === "VOICE_LETTERS") {
      this.notice(`${say("read_back.letters")} ${data.what}.`, { act: [say("read_back.near"), () => this.readSegment("leave-out")], of: "read_back" });
    } else {
      const why = data?.what ? `${data.what}. ${data.mend ?? ""}.`.replace(/[.\s]+$/, ".") : say(status === 0 ? "read_back.away" : "not_allowed");
      this.notice(`${say("read_back.not")} ${why}`, { error: true, of: "read_back" });
    }
  }

  /** What is heard: the person, or a voice that is none. */
  showReading() {
    const { playing, known } = this.readBack;
    const { aloud } = this.parts;
    aloud.hidden = !playing;
    aloud.classList.toggle("synthetic", playing === "voice");
    if (playing) {
      const text = playing === "voice" ? [say("read_back.voice", { voice: known.voice.name }), ...this.changedLetters(known)].join(" ") : say(`read_back.${playing}`);
      aloud.querySelector("p").textContent = text;
      this.tell(text);
    }
    this.showPlaying();
  }

  changedLetters({ unsaid }) {
    if (!unsaid.length) return [];
    return [say("read_back.changed", { letters: unsaid.map((one) => `${one.letter} → ${one.nearest || "–"}`).join(", ") })];
  }

  /** How it is read back: which sound first; and where the language has no voice, which one is borrowed. */
  readBackSettings() {
    const order = el("select", { onchange: () => this.keepReading(() => (this.settings.read_back = order.value)) }, ORDERS.map((one) => el("option", { value: one, text: say(`read_back.first.${one}`) })));
    order.value = this.settings.read_back;
    const code = this.chosen ? this.state.languageOf(this.state.get(this.chosen)) : null;
    const place = el("div", {});
    if (code) this.offerVoices(place, code);
    return el("fieldset", {}, el("legend", { text: say("read_back.settings") }), el("label", {}, el("span", { text: say("read_back.order") }), order), place);
  }

  async offerVoices(place, code) {
    const found = await voices();
    if (!found) return;
    const own = found.languages.find((one) => one.code === code);
    if (own?.voices.length) return place.replaceChildren(el("p", { class: "quiet", text: say("read_back.has_voice", { language: this.languageName(code), voice: own.voices[0].name }) }));
    if (!found.any) return place.replaceChildren(el("p", { class: "quiet", text: say("read_back.none_here") }));
    const select = borrowing("read-back-borrow", found.languages, own, this.settings.borrow[code] ?? "", (to) => this.keepReading(() => (this.settings.borrow = { ...this.settings.borrow, [code]: to })));
    place.replaceChildren(el("p", { class: "quiet", text: say("read_back.no_voice", { language: own ? nameOf(own) : code }) }), el("label", { for: select.id }, el("span", { text: say("read_back.borrow") }), select));
  }

  keepReading(change) {
    change();
    ask("/api/me/preferences", { method: "PUT", body: { name: "review", value: this.settings } });
  }
};
