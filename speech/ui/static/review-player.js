// One <audio> that plays spans of a recording from start to stop, without ever decoding the file.
// Events: `change`, `time`, `heard`; `awaited` while the server makes a copy that browsers play, `found` when it is there, `lost`.

/** Below this a timer of its own stops the sound: frames alone come up to 16 ms late, timers of long waits more. */
const LAST_MS = 60;
/** How soon sound that is being made ready is asked for again, and how seldom at last. */
const AGAIN_MS = [500, 5000];

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
  #asking = false;
  #loadedAgain = false;
  #over = false;
  /** Called with whether a span that is played once came to its end. */
  #once = null;

  constructor(audio, address) {
    super();
    this.audio = audio;
    this.address = address;
    audio.preload = "metadata";
    audio.preservesPitch = true;
    audio.addEventListener("error", () => this.#failed());
    audio.addEventListener("loadedmetadata", () => (this.#loadedAgain = false));
  }

  /** Fetch what a player needs first; from now on events are told. */
  begin() {
    this.audio.src = this.address;
  }

  end() {
    this.stop();
    this.#over = true;
  }

  get position_ms() {
    return 1000 * this.audio.currentTime;
  }

  /** Play a span. `segment` is given for what counts as heard; `heard_ms` is the span that has to be heard for it. */
  async play(start_ms, end_ms, segment = null, heard_ms = [start_ms, end_ms]) {
    const turn = ++this.#turn;
    this.#clear();
    this.#settle(false);
    this.playing = { start_ms, end_ms, segment, heard_ms };
    if (this.#asking) {
      this.#say("change"); // it is played when it is there
      return;
    }
    if (this.audio.error) this.audio.load();
    this.audio.playbackRate = this.rate;
    this.audio.currentTime = start_ms / 1000;
    this.#say("change");
    try {
      await this.audio.play();
    } catch (error) {
      if (turn === this.#turn && error.name !== "AbortError") this.#failed();
      return;
    }
    if (turn !== this.#turn) return;
    this.#watch(turn);
    this.#show(turn);
  }

  /** Play a span once, though repeat is on; resolves to whether it was played to its end. */
  playOnce(start_ms, end_ms, segment) {
    this.play(start_ms, end_ms, segment);
    return new Promise((done) => (this.#once = done));
  }

  #settle(whole) {
    this.#once?.(whole);
    this.#once = null;
  }

  stop() {
    this.#turn++;
    this.#clear();
    this.#settle(false);
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
    if (this.loop && this.playing && !this.#once) {
      const { start_ms, end_ms, segment, heard_ms } = this.playing;
      this.#timer = setTimeout(() => turn === this.#turn && this.play(start_ms, end_ms, segment, heard_ms), this.gap_ms);
      return;
    }
    this.playing = null;
    cancelAnimationFrame(this.#frame);
    this.#say("change");
    this.#settle(true);
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

  /** No sound came: where the server is still making it ready, it is asked for again until it is there. */
  async #failed() {
    if (this.#asking) return;
    this.#asking = true;
    this.#turn++;
    this.#clear();
    const at_s = this.audio.currentTime;
    let state = await this.#state();
    this.#settle(false);
    if (state === "wait") this.#say("awaited");
    else this.playing = null;
    this.#say("change");
    for (let wait = AGAIN_MS[0]; state === "wait" && !this.#over; wait = Math.min(AGAIN_MS[1], 2 * wait)) {
      await new Promise((done) => setTimeout(done, wait));
      state = await this.#state();
    }
    this.#asking = false;
    if (this.#over) return;
    if (state !== "there" || this.#loadedAgain) {
      this.playing = null;
      this.#say("change");
      this.#say("lost");
      return;
    }
    this.#loadedAgain = true; // what is there and cannot be played is not fetched for ever
    const { playing } = this;
    this.audio.load();
    this.audio.currentTime = at_s;
    this.#say("found");
    if (playing) this.play(playing.start_ms, playing.end_ms, playing.segment, playing.heard_ms);
  }

  /** "there", "wait" (the server is making it ready) or "away". */
  async #state() {
    try {
      const answer = await fetch(this.address, { headers: { Range: "bytes=0-0" } });
      if (answer.ok) return "there";
      return answer.status === 404 && (await answer.json()).wait === true ? "wait" : "away";
    } catch {
      return "away";
    }
  }

  #clear() {
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
  }

  #say(type) {
    this.dispatchEvent(new Event(type));
  }
}
