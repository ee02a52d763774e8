// The segments of a recording as the page shows them: what the server last gave, and over it what was not answered yet.
import { foreseen, named } from "./review-acts.js";
import { sureness } from "./review-text.js";

const byTime = (a, b) => a.start_ms - b.start_ms || a.end_ms - b.end_ms || (a.id < b.id ? -1 : 1);

export class State {
  seq = 0;
  /** From which confidence on a word is sure, and from which only unsure: `{sure, doubtful}`. */
  doubts;
  heard = new Set();
  /** Where others are: segment -> names. */
  people = new Map();
  #server = new Map();
  #over = new Map();
  /** Ids in the order that the person chose; it is frozen while they work. */
  order = [];
  reasons = new Map();
  choice = { by: "time", status: "", speaker: "" };

  constructor(recording) {
    this.language = recording.language?.code ?? "und";
    this.seq = recording.seq;
    this.doubts = recording.doubts;
    for (const segment of recording.segments) {
      this.#server.set(segment.id, segment);
      if (segment.heard) this.heard.add(segment.id);
    }
    this.order = this.ids().sort((a, b) => byTime(this.get(a), this.get(b)));
  }

  /** A segment as shown, or undefined. */
  get(id) {
    return this.#over.has(id) ? (this.#over.get(id) ?? undefined) : this.#server.get(id);
  }

  /** All ids that are there, in no order. */
  ids() {
    const found = [...this.#server.keys()].filter((id) => this.#over.get(id) !== null);
    for (const [id, segment] of this.#over) if (segment && !this.#server.has(id)) found.push(id);
    return found;
  }

  all() {
    return this.ids().map((id) => this.get(id)).sort(byTime);
  }

  /** The version that the server last gave; 0 for what it does not have yet. */
  version = (id) => this.#server.get(id)?.version ?? 0;

  /** The versions that an act stands on. */
  base(asked) {
    const ids = asked.segments ?? named(asked);
    const renamed = asked.act === "rename_speaker" ? this.ids().filter((id) => this.get(id).speaker === asked.speaker) : [];
    return Object.fromEntries([...ids, ...renamed].map((id) => [id, this.version(id)]));
  }

  /** Read what waits over what the server gave. @returns {Set<string>} ids that may look different now */
  foresee(waiting) {
    const changed = new Set(this.#over.keys());
    this.#over = new Map();
    for (const { asked, kind } of waiting) {
      if (kind !== "edits") continue;
      for (const [id, segment] of foreseen((one) => this.get(one), this.#server.keys(), asked)) {
        this.#over.set(id, segment);
        changed.add(id);
      }
    }
    this.#tidy(changed);
    return changed;
  }

  /** Take what the server says. @returns {Set<string>} ids that changed */
  take(segments, seq) {
    for (const [id, segment] of Object.entries(segments)) {
      const known = this.#server.get(id);
      if (segment === null) this.#server.delete(id);
      else if (!known || known.version <= segment.version) this.#server.set(id, segment);
    }
    if (seq !== undefined) this.seq = Math.max(this.seq, seq);
    const changed = new Set(Object.keys(segments));
    this.#tidy(changed);
    return changed;
  }

  /** New segments go behind the one they follow in time, gone ones leave; nothing else moves. */
  #tidy(changed) {
    const there = new Set(this.order);
    let gone = false;
    for (const id of changed) {
      const segment = this.get(id);
      if (!segment && there.has(id)) gone = true;
      if (!segment || there.has(id)) continue;
      let after = -1;
      let best = null;
      this.order.forEach((other, at) => {
        const o = this.get(other);
        if (o && byTime(o, segment) < 0 && (!best || byTime(best, o) <= 0)) [best, after] = [o, at];
      });
      this.order.splice(after + 1, 0, id);
      there.add(id);
    }
    if (gone) this.order = this.order.filter((id) => this.get(id));
  }

  /** The order by time with what was chosen; other orders come from the server. */
  arrange(choice, ranked = null) {
    this.choice = choice;
    const wanted = (segment) =>
      segment &&
      (!choice.speaker || (choice.speaker === "?" ? !segment.speaker : segment.speaker === choice.speaker)) &&
      (!choice.status || (choice.status === "unheard" ? !this.heard.has(segment.id) : choice.status.split(",").includes(segment.status)));
    this.reasons = new Map((ranked ?? []).map((one) => [one.id, one]));
    const ids = ranked ? ranked.map((one) => one.id) : this.all().map((one) => one.id);
    this.order = ids.filter((id) => wanted(this.get(id)));
  }

  /** The labels of speakers, the most frequent first; those that come later go behind. */
  speakers() {
    const count = new Map();
    for (const id of this.ids()) {
      const { speaker } = this.get(id);
      if (speaker) count.set(speaker, (count.get(speaker) ?? 0) + 1);
    }
    return [...count.keys()].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  }

  /** How many are in which state. */
  counts() {
    const found = { all: 0, draft: 0, edited: 0, approved: 0, unsure: 0, not_speech: 0, heard: 0 };
    for (const id of this.ids()) {
      found.all++;
      found[this.get(id).status ?? "draft"]++;
      if (this.heard.has(id)) found.heard++;
    }
    return found;
  }

  /** The next segment of the same speaker, with which one can be merged. */
  neighbour(id) {
    const one = this.get(id);
    return this.all().find((other) => other.id !== id && other.speaker === one.speaker && byTime(other, one) > 0);
  }

  /** Others who speak while this segment lasts. */
  overlaps(one) {
    // Segments last seconds: those within 60 s in the order of time are all that can matter.
    const found = [];
    for (const id of this.#near(one)) {
      const other = this.get(id);
      if (other && other.id !== one.id && other.start_ms < one.end_ms && one.start_ms < other.end_ms) found.push(other);
    }
    return found;
  }

  #near(one) {
    if (!this.minutes || this.minutesAt !== this.seq || this.minutesOver !== this.#over) {
      this.minutes = new Map();
      [this.minutesAt, this.minutesOver] = [this.seq, this.#over];
      for (const id of this.ids()) {
        const segment = this.get(id);
        for (let m = Math.floor(segment.start_ms / 60000); m <= Math.floor(segment.end_ms / 60000); m++) {
          if (!this.minutes.has(m)) this.minutes.set(m, []);
          this.minutes.get(m).push(id);
        }
      }
    }
    return this.minutes.get(Math.floor(one.start_ms / 60000)) ?? [];
  }

  /** Segments that a span touches, in no order. */
  between(from_ms, to_ms) {
    const found = new Map();
    for (let m = Math.floor(from_ms / 60000); m <= Math.floor(to_ms / 60000); m++) {
      for (const id of this.#near({ start_ms: m * 60000 })) {
        const segment = this.get(id);
        if (segment && segment.start_ms < to_ms && segment.end_ms > from_ms) found.set(id, segment);
      }
    }
    return [...found.values()];
  }

  /** The language of a segment: its own, or the recording's; null where the machine could not tell it. */
  languageOf(segment) {
    const told = segment.status === "unsure" && segment.origin !== "person";
    return segment.language ?? (told ? null : this.language);
  }

  /** The languages that are spoken, each with its number in the legend; one that nobody knows is last. Empty where there is one only. */
  spoken() {
    const counts = new Map();
    let named = false;
    for (const id of this.ids()) {
      const segment = this.get(id);
      if (segment.status === "not_speech") continue;
      named ||= Boolean(segment.language);
      const code = this.languageOf(segment);
      counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    if (!named || counts.size < 2) return new Map();
    const codes = [...counts.keys()].filter(Boolean).sort();
    return new Map([...codes.map((code, n) => [code, n]), ...(counts.has(null) ? [[null, -1]] : [])]);
  }

  /** Whether the machine proposes who speaks, and no person has said or approved it. */
  proposed = (segment) => Boolean(segment.speaker) && typeof segment.speaker_margin === "number" && segment.status !== "approved";

  /** Whether another voice is nearly as likely as the one that is proposed. */
  unsureWho = (segment) => this.proposed(segment) && segment.speaker_margin < this.doubts.margin;

  /** Languages of translations that are there. */
  languages() {
    const found = new Set();
    for (const id of this.ids()) for (const { language } of this.get(id).translations ?? []) found.add(language);
    return [...found].sort();
  }
}

/** The words of a segment with where they stand in its text: `{from, to, word}`; empty where the text is not made of them. */
export function wordsIn(segment) {
  const found = [];
  let at = 0;
  for (const word of segment.words ?? []) {
    const from = segment.text.indexOf(word[0], at);
    if (from < 0 || !word[0]) return [];
    found.push({ from, to: from + word[0].length, word, start_ms: word[1], end_ms: word[2], alternatives: word[5] ?? [] });
    at = from + word[0].length;
  }
  return found;
}

/** How a word is marked: not where a person has written or approved it. */
export function doubtOf(segment, word, doubts) {
  if (segment.status === "approved" || segment.status === "not_speech") return "sure";
  return word[6]?.estimated ? "sure" : sureness(word[3], doubts);
}
