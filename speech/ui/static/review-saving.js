// Saving: each edit goes into the browser's database first, then to the server, in order; only its answer makes it saved.
// What was not answered is sent again, under the same id: the server stores it once. Nothing here touches the page.
import { ask } from "./api.js";

const WAITS_MS = [1000, 2000, 4000, 8000, 15000];

/** A new id: random, from a generator that is there on plain http, too. It begins with a letter: ELAN then keeps it. */
export function newId() {
  return "e" + Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

class Kept {
  constructor() {
    this.opening = new Promise((done) => {
      let asked;
      try {
        asked = indexedDB.open("speech-review", 1);
      } catch {
        done(null);
        return;
      }
      asked.onupgradeneeded = () => asked.result.createObjectStore("edits", { keyPath: "n", autoIncrement: true });
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => done(null);
    });
  }

  async #do(mode, work) {
    const database = await this.opening;
    if (!database) return undefined;
    return new Promise((done, failed) => {
      const transaction = database.transaction("edits", mode, { durability: "strict" });
      const asked = work(transaction.objectStore("edits"));
      transaction.oncomplete = () => done(asked.result);
      transaction.onerror = transaction.onabort = () => failed(transaction.error);
    });
  }

  all = () => this.#do("readonly", (edits) => edits.getAll());
  add = (edit) => this.#do("readwrite", (edits) => edits.add(edit));
  put = (edit) => this.#do("readwrite", (edits) => edits.put(edit));
  remove = (n) => this.#do("readwrite", (edits) => edits.delete(n));
}

/**
 * The edits of one person in one recording that the server has not answered.
 * Events: `state`; `answered` {edit, answer}; `conflict` {edit}; `refused` {edit, refusal}.
 */
export class Saving extends EventTarget {
  /** What waits, the oldest first: `{n, id, recording, person, base, asked}`. */
  waiting = [];
  /** Those that clashed with what others wrote, each with its `conflict`; kept until the person has chosen. */
  conflicts = [];
  /** "saved", "saving", "failing" or "offline". */
  state = "saved";
  lastSaved = null;
  /** What the server said where it could not save, such as a full disk. */
  reason = null;
  #kept = new Kept();
  #sending = null;
  #tries = 0;
  #timer = 0;
  #ended = false;

  /** @param {{recording: string, person: string, version: (segment: string) => number}} about `version`: as the server last gave it */
  constructor({ recording, person, version }) {
    super();
    this.version = version;
    this.recording = recording;
    this.person = person;
    this.back = () => this.send();
    addEventListener("online", this.back);
    addEventListener("offline", this.back);
  }

  /** Read what an earlier visit left, before anything is added. */
  async begin() {
    const all = (await this.#kept.all().catch(() => null)) ?? [];
    const own = all.filter((edit) => edit.recording === this.recording && edit.person === this.person);
    this.waiting = own.filter((edit) => !edit.conflict);
    this.conflicts = own.filter((edit) => edit.conflict);
  }

  end() {
    this.#ended = true;
    clearTimeout(this.#timer);
    removeEventListener("online", this.back);
    removeEventListener("offline", this.back);
  }

  /** Keep an edit, and send it when its turn has come. `heard` is kept like an edit, so that it arrives before an approval. */
  add(asked, base, kind = "edits") {
    const before = this.waiting.at(-1);
    if (asked.act === "text" && before?.asked.act === "text" && before.asked.segment === asked.segment && !before.sent) {
      // Typed on before it was sent: one edit.
      before.asked = asked;
      this.#keep(before);
    } else {
      const edit = { id: newId(), recording: this.recording, person: this.person, kind, base, asked };
      this.waiting.push(edit);
      this.#keep(edit);
    }
    this.#say();
    this.send();
  }

  #keep(edit) {
    const { sent, keeping, ...row } = edit;
    edit.keeping = (keeping ?? Promise.resolve())
      .then(() => (row.n ?? edit.n) === undefined ? this.#kept.add(row) : this.#kept.put({ ...row, n: edit.n }))
      .then((n) => {
        edit.n ??= n;
      })
      .catch(() => undefined); // a full or closed browser database: the edit goes to the server all the same
  }

  async #drop(edit) {
    this.waiting = this.waiting.filter((other) => other !== edit);
    await edit.keeping;
    if (edit.n !== undefined) await this.#kept.remove(edit.n).catch(() => undefined);
  }

  /** Send what waits, now; over when all of it is sent, what is on its way included, or has to wait for the server. */
  async send() {
    if (!this.#ended) await (this.#sending ??= this.#sendAll());
  }

  async #sendAll() {
    await null; // else one with nothing to send would be over before it is kept as under way
    clearTimeout(this.#timer);
    try {
      while (this.waiting.length && !this.#ended) {
        const edit = this.waiting[0];
        this.#say(this.state === "failing" || this.state === "offline" ? this.state : "saving");
        await edit.keeping;
        edit.sent = true;
        const path = `/api/recordings/${this.recording}/${edit.kind}`;
        const body = edit.kind === "edits" ? { id: edit.id, base: edit.base, ...edit.asked } : edit.asked;
        const answer = await ask(path, { method: "POST", body });
        if (answer.status === 0 || answer.status === 401 || answer.status === 429 || answer.status >= 500) {
          edit.sent = false;
          this.reason = answer.status === 401 ? "signed_out" : (answer.data?.what ?? null);
          this.#again();
          return;
        }
        this.#tries = 0;
        this.reason = null;
        if (edit.kind === "edits" && answer.status === 409 && answer.data?.conflict) {
          edit.conflict = answer.data.conflict;
          this.waiting = this.waiting.filter((other) => other !== edit);
          this.conflicts.push(edit);
          this.#keep(edit);
        } else {
          await this.#drop(edit);
        }
        this.#answered(edit, answer);
        if (!this.waiting.length) this.lastSaved = new Date();
        this.#say("saving");
      }
      this.#say("saved");
    } finally {
      this.#sending = null;
    }
  }

  #answered(edit, answer) {
    if (edit.kind !== "edits") return;
    if (answer.ok) {
      this.rebase(edit.base, answer.data.segments);
      this.#tell("answered", { edit, answer: answer.data });
    } else if (edit.conflict) {
      this.#tell("conflict", { edit });
    } else {
      this.#tell("refused", { edit, refusal: answer.data ?? {} });
    }
  }

  /** Later edits of the same line now stand on what this one made; those made on another's state keep theirs, and will clash. */
  rebase(base, segments) {
    for (const later of this.waiting) {
      let changed = false;
      for (const id of Object.keys(later.base)) {
        const now = segments[id];
        const same = later.base[id] === (base[id] ?? this.version(id));
        if (now && same && now.version !== later.base[id]) {
          later.base[id] = now.version;
          changed = true;
        }
      }
      if (changed) this.#keep(later);
    }
  }

  /** The person has chosen: the clash is over. */
  async settle(edit) {
    this.conflicts = this.conflicts.filter((other) => other !== edit);
    await this.#drop(edit);
    this.#say();
  }

  #again() {
    const wait = WAITS_MS[Math.min(this.#tries++, WAITS_MS.length - 1)];
    this.#timer = setTimeout(() => this.send(), wait);
    this.#say(navigator.onLine ? "failing" : "offline");
  }

  #say(state = this.state) {
    this.state = state;
    this.#tell("state", { state, waiting: this.waiting.length });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
