// One <audio> that plays spans of a recording from start to stop, without ever decoding the file. Events: `change`, `time`, `heard`, `lost`.

/** Below this a timer of its own stops the sound: frames alone come up to 16 ms late, timers of long waits more. */
const LAST_MS = 60;

export class Player extends EventTarget {
  rate = 1;
  loop = false;
  gap_ms = 0;
  /** What plays now: `{start_ms, end_ms, segment}`, or null. */
  playing = null;
  #timer = 0;
  #frame = 0;
  #turn = 0;
  #heardTo = new Map();

  constructor(audio, address) {
    super();
    this.audio = audio;
    audio.preload = "metadata";
    audio.preservesPitch = true;
    audio.src = address;
    audio.addEventListener("error", () => this.#lost());
  }

  get position_ms() {
    return 1000 * this.audio.currentTime;
  }

  /** Play a span. `segment` is given for what counts as heard; `heard_ms` is the span that has to be heard for it. */
  async play(start_ms, end_ms, segment = null, heard_ms = [start_ms, end_ms]) {
    const turn = ++this.#turn;
    this.#clear();
    this.playing = { start_ms, end_ms, segment, heard_ms };
    if (this.audio.error) this.audio.load();
    this.audio.playbackRate = this.rate;
    this.audio.currentTime = start_ms / 1000;
    this.#say("change");
    try {
      await this.audio.play();
    } catch (error) {
      if (turn === this.#turn && error.name !== "AbortError") this.#lost();
      return;
    }
    if (turn !== this.#turn) return;
    this.#watch(turn);
    this.#show(turn);
  }

  stop() {
    this.#turn++;
    this.#clear();
    this.#note();
    this.audio.pause();
    const was = this.playing;
    this.playing = null;
    if (was) this.#say("change");
  }

  /** Go to a time; what plays goes on from there, up to its end. */
  seek(ms) {
    const to = Math.max(0, ms);
    if (this.playing && to < this.playing.end_ms) {
      const { end_ms, segment, heard_ms } = this.playing;
      this.#note();
      this.play(to, end_ms, segment, heard_ms);
    } else {
      this.stop();
      this.audio.currentTime = to / 1000;
      this.#say("time");
    }
  }

  setRate(rate) {
    this.rate = Math.round(Math.min(2, Math.max(0.5, rate)) * 10) / 10;
    this.audio.playbackRate = this.rate;
    if (this.playing) this.#watch(this.#turn);
    this.#say("change");
  }

  #watch(turn) {
    clearTimeout(this.#timer);
    if (turn !== this.#turn || !this.playing) return;
    const left = (this.playing.end_ms - this.position_ms) / this.rate;
    if (left <= 1) {
      this.#ended(turn);
    } else if (left <= LAST_MS && !this.audio.seeking && !this.audio.paused) {
      this.#timer = setTimeout(() => this.#watch(turn), Math.max(1, left - 2));
    } else if (this.audio.ended) {
      this.#ended(turn);
    } else {
      // A stall moves the end away: look again at least twice a second.
      this.#timer = setTimeout(() => this.#watch(turn), Math.min(500, Math.max(4, left - LAST_MS)));
    }
  }

  #ended(turn) {
    this.audio.pause();
    this.#note();
    if (this.loop && this.playing) {
      const { start_ms, end_ms, segment, heard_ms } = this.playing;
      this.#timer = setTimeout(() => turn === this.#turn && this.play(start_ms, end_ms, segment, heard_ms), this.gap_ms);
      return;
    }
    this.playing = null;
    cancelAnimationFrame(this.#frame);
    this.#say("change");
  }

  #show(turn) {
    cancelAnimationFrame(this.#frame);
    const frame = () => {
      if (turn !== this.#turn || !this.playing) return;
      this.#say("time");
      this.#frame = requestAnimationFrame(frame);
    };
    this.#frame = requestAnimationFrame(frame);
  }

  /** A segment is heard when every part of it was played, in order, also with stops between. */
  #note() {
    if (!this.playing?.segment) return;
    const { start_ms, segment, heard_ms } = this.playing;
    const from = this.#heardTo.get(segment) ?? heard_ms[0];
    const to = this.position_ms;
    if (start_ms > from + 50 || to <= from) return;
    this.#heardTo.set(segment, to);
    if (to >= heard_ms[1] - 60) this.dispatchEvent(new CustomEvent("heard", { detail: { segment } }));
  }

  #lost() {
    this.#turn++;
    this.#clear();
    this.playing = null;
    this.#say("change");
    this.#say("lost");
  }

  #clear() {
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
  }

  #say(type) {
    this.dispatchEvent(new Event(type));
  }
}
