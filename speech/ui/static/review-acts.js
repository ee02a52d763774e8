// What an act does to the segments that the page shows, until the server has answered: its answer then takes the place of this.
// The server's own reading is `speech/review/acts.py`; here words keep no times, and nothing is refused.
import { graphemes, saved } from "./review-text.js";

/**
 * @param {(id: string) => object | undefined} get the segment as shown now
 * @param {Iterable<string>} ids all that are there
 * @param {object} asked the act
 * @returns {Map<string, object | null>} segments that change; null: gone
 */
export function foreseen(get, ids, asked) {
  const after = new Map();
  const one = asked.segment && get(asked.segment);
  const put = (changed) => after.set(one.id, { ...one, ...changed });
  if (asked.segment && !one) return after;
  switch (asked.act) {
    case "text": {
      const text = saved(asked.text);
      if (text !== one.text) put({ text, words: [], alternatives: [], origin: "person", status: one.status === "unsure" ? "unsure" : "edited" });
      break;
    }
    case "status":
      put({ status: asked.status, unsure_reason: asked.status === "unsure" ? (asked.reason ?? "") : "" });
      break;
    case "speaker":
      put({ speaker: asked.speaker, speaker_margin: undefined });
      break;
    case "language":
      put({ language: asked.language ?? undefined });
      break;
    case "rename_speaker":
      for (const id of ids) {
        const segment = get(id);
        if (segment?.speaker === asked.speaker) after.set(id, { ...segment, speaker: asked.to });
      }
      break;
    case "times":
      put({ start_ms: asked.start_ms, end_ms: asked.end_ms });
      break;
    case "note":
      put({ notes: asked.notes });
      break;
    case "translation": {
      const others = (one.translations ?? []).filter((t) => t.language !== asked.language);
      put({ translations: asked.text ? [...others, { language: asked.language, text: asked.text, by: "" }] : others });
      break;
    }
    case "split": {
      const letters = graphemes(one.text);
      const length = one.end_ms - one.start_ms;
      const share = asked.caret === undefined ? (asked.at_ms - one.start_ms) / length : asked.caret / Math.max(1, letters.length);
      const cut = asked.caret ?? Math.round(share * letters.length);
      const least = Math.min(50, length / 2);
      const at = Math.round(Math.min(one.end_ms - least, Math.max(one.start_ms + least, asked.at_ms ?? one.start_ms + share * length)));
      const part = { words: [], alternatives: [] };
      put({ ...part, text: letters.slice(0, cut).join("").trim(), end_ms: at });
      after.set(asked.new, { ...one, ...part, id: asked.new, text: letters.slice(cut).join("").trim(), start_ms: at, notes: [], translations: [] });
      break;
    }
    case "merge": {
      const next = get(asked.with);
      if (!next) break;
      const [a, b] = next.start_ms < one.start_ms ? [next, one] : [one, next];
      after.set(b.id, null);
      after.set(a.id, {
        ...a,
        text: [a.text, b.text].filter(Boolean).join(" "),
        start_ms: a.start_ms,
        end_ms: Math.max(a.end_ms, b.end_ms),
        words: [...(a.words ?? []), ...(b.words ?? [])],
        notes: [...(a.notes ?? []), ...(b.notes ?? [])],
        translations: [...(a.translations ?? []), ...(b.translations ?? [])],
      });
      break;
    }
    case "add":
      after.set(asked.new, {
        id: asked.new, start_ms: asked.start_ms, end_ms: asked.end_ms, text: asked.text ?? "", speaker: asked.speaker, status: "draft", origin: "person",
      });
      break;
    case "delete":
      after.set(one.id, null);
      break;
  }
  return after;
}

/** Whether an act names a segment whose version must be said. */
export const named = (asked) => [asked.segment, asked.act === "merge" ? asked.with : undefined].filter(Boolean);
