// Transcribe: recordings sent or chosen, what they hold, whether they may be used, the language; then work that goes on by itself.
import { ask, clock, el, repeat, sentences, t } from "./api.js";
import { basis, gate } from "./consent.js";
import { handIn } from "./job-lines.js";
import { jobs } from "./jobs.js";
import { cer, languagePicker } from "./language-picker.js";
import { listening } from "./listening.js";
import { speakersChoice } from "./speakers-choice.js";
import { aligning, together, waiting, ways } from "./texts.js";
import { dropZone } from "./uploads.js";

export async function show(root, app) {
  const may = (right) => app.me.may.includes(right);
  const ask_basis = el("div");
  const recordings = el("div", { class: "recordings", role: "radiogroup", "aria-labelledby": "recordings-heading" });
  const detail = el("section", { class: "box", hidden: true });
  const working = el("section", { class: "box" });
  root.append(el("h2", { text: t("transcribe.heading") }), ask_basis);
  const columns = el("div", { class: "columns" });
  const left = el("div", {});
  root.append(columns);
  columns.append(left, el("div", {}, detail, working));
  const texts = el("section", { hidden: true, class: "box texts" });
  if (may("uploads")) {
    const known = await ask("/api/texts");
    const zone = dropZone("upload-files", t("transcribe.drop"), () => look(), {
      transcripts: known.ok ? known.data.suffixes : [],
      together: async (arrived) => {
        const [first] = await together(arrived);
        await askBasis();
        if (first) goOn(first);
        else look();
      },
    });
    left.append(el("h3", { text: t("transcribe.add") }), el("p", { class: "quiet", text: t("consent.sent") }), zone, texts);
  }
  left.append(el("h3", { id: "recordings-heading", text: t("transcribe.choose") }), recordings);
  let chosen = "";
  let wanted = "";
  let known = "";
  let all = [];
  /** Transcripts that wait. */
  let sent = [];

  async function look() {
    const [answer, found] = await Promise.all([ask("/api/recordings"), may("uploads") ? ask("/api/texts") : { ok: true, data: { waiting: [] } }]);
    if (!answer.ok || !found.ok) return;
    all = answer.data;
    sent = found.data.waiting;
    const now = JSON.stringify([all.map((one) => [one.id, one.name, one.duration_ms, one.allowed, one.drafted, one.job?.state, one.refusal]), sent]);
    if (now === known) return;
    known = now;
    waiting(texts, sent, all, { open: goOn, changed: look });
    if (!all.length) {
      recordings.replaceChildren(el("p", { class: "quiet", text: t("transcribe.empty") }));
      return;
    }
    if (wanted && all.some((one) => one.id === wanted)) {
      chosen = wanted;
      wanted = "";
    }
    const focused = recordings.contains(document.activeElement) && document.activeElement.value;
    recordings.replaceChildren(...all.map(row));
    if (focused) recordings.querySelector(`input[value="${CSS.escape(focused)}"]`)?.focus();
    if (chosen) await choose(chosen);
  }

  function row(one) {
    const state = one.refusal
      ? t("transcribe.refused")
      : !one.allowed
        ? t("consent.no")
        : one.job
          ? t("transcribe.is")
          : t(one.drafted ? "transcribe.has" : textsOf(one).length ? "align.waits" : "transcribe.without");
    return el(
      "label",
      { class: "recording" },
      el("input", { type: "radio", name: "recording", value: one.id, checked: one.id === chosen, onchange: () => choose(one.id).then(show_detail) }),
      el("span", { class: "name", text: one.name }),
      el("span", { class: "number quiet", text: one.duration_ms >= 500 && !one.refusal ? clock(one.duration_ms) : "–" }),
      el("span", { class: one.refusal || !one.allowed ? "error" : one.drafted ? "saved" : "quiet", text: state }),
    );
  }

  const textsOf = (one) => sent.filter((text) => text.recording === one.id);

  /** On a small screen what was chosen stands below the list. */
  function show_detail() {
    if (columns.clientWidth < 850) detail.scrollIntoView({ block: "start", behavior: "smooth" });
  }

  async function choose(id) {
    const one = all.find((known) => known.id === id);
    if (!one) return;
    // What the form depends on: it stays, with what was typed, while a recording is looked at or worked on.
    const state = JSON.stringify([one.allowed, one.drafted, one.refusal, textsOf(one)]);
    const same = chosen === id && detail.dataset.state === state;
    chosen = id;
    if (same) return;
    detail.dataset.state = state;
    detail.hidden = false;
    const facts = el("div", {});
    const answers = el("div", {});
    const form = el("div", {});
    detail.replaceChildren(el("h3", { text: one.name }), facts, answers, form);
    fillFacts(facts, id);
    const allowed = await gate(answers, id);
    if (chosen !== id || one.refusal) return;
    if (one.drafted) form.append(el("button", { text: t("jobs.open"), onclick: () => app.go("review", id) }));
    else if (may("jobs")) form.append(starting(one, allowed));
  }

  /** The form that begins the work; with a choice first where a transcript waits for this recording. */
  function starting(one, allowed) {
    const texts = textsOf(one);
    const transcribe = () => transcribing(one, allowed);
    return texts.length ? ways(texts, { place: (text) => aligning(one, text, allowed, begun), transcribe }) : transcribe();
  }

  function begun() {
    known = "";
    again();
    look();
  }

  async function fillFacts(place, id) {
    const answer = await ask(`/api/recordings/${id}/facts`);
    if (chosen !== id || !answer.ok) return;
    if (answer.data.wait) {
      place.replaceChildren(el("p", { class: "quiet", role: "status", text: t("transcribe.facts_wait") }));
      setTimeout(() => chosen === id && fillFacts(place, id), 1500);
      return;
    }
    const f = answer.data;
    if (f.refusal) {
      place.replaceChildren(el("p", { class: "error", text: sentences(f.refusal) }));
      return;
    }
    const differs = f.claimed_ms !== null && Math.abs(f.claimed_ms - f.found_ms) > 50;
    const length = differs ? t("transcribe.fact.length_claimed", { found: clock(f.found_ms), claimed: clock(f.claimed_ms) }) : clock(f.found_ms);
    const rows = { length, rate: `${f.sample_rate} Hz`, channels: f.channels, codec: `${f.container}, ${f.codec}${f.bits ? `, ${f.bits} bit` : ""}` };
    place.replaceChildren(
      el("h4", { class: "hidden", text: t("transcribe.facts") }),
      el("dl", { class: "facts" }, Object.entries(rows).flatMap(([name, value]) => [el("dt", { text: t(`transcribe.fact.${name}`) }), el("dd", { text: String(value) })])),
      el("ul", { class: "findings" }, f.findings.map((one) => el("li", { text: sentences(one) }))),
    );
  }

  function transcribing(one, allowed) {
    let language = "";
    const said = el("p", { class: "error", role: "alert" });
    const go = el("button", { text: t("transcribe.start"), disabled: true });
    const first = () => el("option", { value: "", text: t("transcribe.model_first") });
    const model = el("select", { id: "transcribe-model", disabled: true }, first());
    const lm = el("input", { type: "checkbox", checked: true, id: "transcribe-lm" });
    const words = el("textarea", { id: "transcribe-words", rows: 2, spellcheck: "false" });
    const ready = () => (go.disabled = !(allowed && language && !model.disabled));
    const picker = languagePicker((found) => {
      language = found.map((row) => row.code).join(",");
      // With several languages a model that knows them all.
      const models = (found[0]?.models ?? []).filter((m) => found.every((row) => row.models.some((other) => other.model === m.model)));
      model.replaceChildren(...models.map((m) => el("option", { value: m.model, text: `${m.model}${m.card && found.length === 1 ? `, ${t("languages.cer")}: ${cer(m)}` : ""}` })));
      model.disabled = !models.length;
      if (model.disabled) model.append(first());
      ready();
    });
    const proposed = el("div", { class: "listening" });
    listening(proposed, one.id, { take: picker.take, empty: () => !picker.value });
    const speakers = speakersChoice(one.id);
    go.addEventListener("click", async () => {
      go.disabled = true;
      const settings = {
        language,
        model: model.value || "mini",
        lm: lm.checked ? "auto" : "off",
        words: words.value.split("\n").map((line) => line.trim()).filter(Boolean),
        ...speakers.settings(),
      };
      const taken = await handIn({ kind: "transcribe", recording: one.id, settings }, said);
      ready();
      if (taken) begun();
    });
    return el(
      "div",
      { class: "form" },
      picker.element,
      proposed,
      speakers.element,
      el("label", { for: model.id, text: t("transcribe.model") }),
      model,
      el("label", { class: "choice" }, lm, el("span", { text: t("transcribe.lm") })),
      el("details", {}, el("summary", { text: t("transcribe.words") }), el("label", { class: "hidden", for: words.id, text: t("transcribe.words") }), words),
      go,
      el("p", { class: "quiet", text: t("jobs.you_may_leave") }),
      said,
    );
  }

  /** Choose a recording once it is listed. */
  async function open(id) {
    if (!id) return;
    wanted = id;
    known = "";
    await look();
  }

  /** Where a recording without a card is here, the first that was sent too, and nothing was stated yet. */
  async function askBasis() {
    if (ask_basis.childElementCount) return;
    await basis(ask_basis, app, () => {
      known = "";
      look();
    });
  }

  const goOn = (id) => open(id).then(show_detail);

  const again = jobs(working, app, () => look());
  await askBasis();
  repeat(look, 4000);
  return {
    open,
    shown: () => chosen,
  };
}
