// Edits on their way: kept in this browser until the server says that they are stored; sent one after another, in order.
const DATABASE = "oral-speech";
const TABLE = "edits";
const AGAIN_MS = 1500;

/** An id that no other edit has, also on plain http, where crypto.randomUUID is not there. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** An id for a new segment, in the form that ELAN's annotations have. */
export function newSegmentId() {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return `a9${String(high % 1e6).padStart(6, "0")}${String(low % 1e6).padStart(6, "0")}`;
}

function database() {
  return new Promise((done) => {
    const asked = indexedDB.open(DATABASE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(TABLE, { keyPath: "number", autoIncrement: true });
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => done(null); // no room, or a private window: they are kept in memory alone
  });
}

function finished(request) {
  return new Promise((done) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => done(null);
  });
}

export class Saving {
  /**
   * @param {string} owner whose edits these are: another person's on the same browser are left alone
   * @param {string} recording
   * @param {{send: function(object): Promise<{status: number, data: object}>, stored: function(object, object): void,
   *   conflict: function(object, object): void, refused: function(object, object): void, state: function(object): void}} told
   */
  constructor(owner, recording, told) {
    this.owner = owner;
    this.recording = recording;
    this.told = told;
    this.waiting = [];
    this.lost = false;
    this.sending = false;
    this.at = null;
  }

  /** Take up what an earlier visit left, and begin to send. Gives the edits that wait. */
  async open() {
    this.kept = await database();
    if (this.kept) {
      const every = (await finished(this.kept.transaction(TABLE).objectStore(TABLE).getAll())) ?? [];
      this.waiting = every.filter((one) => one.owner === this.owner && one.recording === this.recording);
    }
    addEventListener("online", () => this.send());
    this.send();
    return this.waiting.map((one) => one.edit);
  }

  /** Keep an edit, then send it when its turn comes. */
  async add(edit) {
    const row = { owner: this.owner, recording: this.recording, edit: { id: newId(), ...edit } };
    this.waiting.push(row);
    this.tell();
    if (this.kept) row.number = await finished(this.kept.transaction(TABLE, "readwrite").objectStore(TABLE).add(row));
    this.send();
    return row.edit;
  }

  get count() {
    return this.waiting.length;
  }

  /** Whether an edit of this segment waits. */
  holds(segment) {
    return this.waiting.some(({ edit }) => edit.segment === segment);
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    while (this.waiting.length) {
      const row = this.waiting[0];
      this.tell();
      const { status, data } = await this.told.send(row.edit);
      if (status === 0 || status >= 500 || status === 429) {
        this.lost = true;
        this.tell();
        await new Promise((again) => setTimeout(again, AGAIN_MS));
        continue;
      }
      this.lost = false;
      this.waiting.shift();
      if (this.kept && row.number) await finished(this.kept.transaction(TABLE, "readwrite").objectStore(TABLE).delete(row.number));
      if (status === 200) this.accept(row.edit, data);
      else if (status === 409) this.told.conflict(row.edit, data.conflict);
      else this.told.refused(row.edit, data ?? {});
    }
    this.sending = false;
    this.tell();
  }

  /** Edits that wait and were made on what this one found, were made on what it left. */
  accept(edit, data) {
    for (const { edit: later } of this.waiting) {
      for (const [segment, version] of Object.entries(edit.base ?? {})) {
        const now = data.segments?.[segment]?.version;
        if (now && later.base?.[segment] === version) later.base[segment] = now;
      }
    }
    this.at = new Date();
    this.told.stored(edit, data);
  }

  tell() {
    const count = this.waiting.length;
    const state = !count ? "saved" : this.lost ? (navigator.onLine ? "not_saved" : "offline") : "saving";
    this.told.state({ state, count, at: this.at });
  }
}
