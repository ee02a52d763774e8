// One sound element for a recording: plays a span and stops at its end, faster or slower, again and again.
const LAST_S = 0.06;

export class Player {
  /** @param {string} address of the sound; @param {{moved: function(number): void, ended: function(): void, state: function(boolean): void}} told */
  constructor(address, told) {
    this.told = told;
    this.sound = new Audio(address);
    this.sound.preload = "metadata";
    this.sound.preservesPitch = true;
    this.rate = 1;
    this.loop = false;
    this.gap_s = 0.5;
    this.before_ms = 0;
    this.after_ms = 0;
    this.span = null;
    this.round = 0;
    this.sound.addEventListener("play", () => this.told.state(true));
    this.sound.addEventListener("pause", () => this.told.state(false));
    this.sound.addEventListener("ended", () => this.atEnd());
  }

  get playing() {
    return !this.sound.paused;
  }

  get now_ms() {
    return this.sound.currentTime * 1000;
  }

  /** Play from `start_ms` to `end_ms`. */
  async play(start_ms, end_ms) {
    this.round += 1;
    clearTimeout(this.timer);
    this.span = { start: Math.max(0, start_ms - this.before_ms) / 1000, end: (end_ms + this.after_ms) / 1000 };
    this.sound.currentTime = this.span.start;
    await this.go();
  }

  /** Play on from where it stands. */
  async go() {
    const round = this.round;
    this.sound.playbackRate = this.rate;
    try {
      await this.sound.play();
    } catch {
      return; // another play or a stop came first, or the browser waits for the first key
    }
    if (round === this.round) this.watch(round);
  }

  /** Frames show where it is; for the last moment a timer stops it, since frames come late. */
  watch(round) {
    if (round !== this.round || this.sound.paused) return;
    const left = this.span ? (this.span.end - this.sound.currentTime) / this.sound.playbackRate : Infinity;
    this.told.moved(this.now_ms);
    if (left <= 0) this.atEnd();
    else if (left < LAST_S) {
      this.timer = setTimeout(() => round === this.round && this.atEnd(), left * 1000);
    } else if (document.hidden) this.timer = setTimeout(() => this.watch(round), 30);
    else requestAnimationFrame(() => this.watch(round));
  }

  atEnd() {
    this.sound.pause();
    this.told.ended();
    if (this.loop && this.span) {
      const round = this.round;
      this.timer = setTimeout(() => {
        if (round !== this.round) return;
        this.sound.currentTime = this.span.start;
        this.go();
      }, this.gap_s * 1000);
    }
  }

  stop() {
    this.round += 1;
    clearTimeout(this.timer);
    this.sound.pause();
  }

  /** Go back, or forward, and play on. */
  seek(by_ms) {
    this.round += 1;
    this.sound.currentTime = Math.max(0, this.sound.currentTime + by_ms / 1000);
    this.told.moved(this.now_ms);
    if (this.playing) this.watch(this.round);
  }

  setRate(rate) {
    this.rate = Math.round(Math.min(2, Math.max(0.5, rate)) * 10) / 10;
    this.sound.playbackRate = this.rate;
  }
}
