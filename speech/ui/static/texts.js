// Transcripts that wait for being placed on their recordings: which belongs to which, what will be done, and what stands in the way.
import { ask, el, sentences, t, why } from "./api.js";
import { handIn } from "./job-lines.js";
import { languagePicker } from "./language-picker.js";
import { listening } from "./listening.js";

/** What two files of one tape have in common: the name without its end. */
const stem = (name) => name.replace(/\.[^.]*$/, "").normalize("NFC").toLowerCase();

/** Of one drop what is called alike belongs together, whatever else is here; gives the recordings that have a transcript now. */
export async function together(arrived) {
  const found = [];
  for (const text of arrived.filter((one) => one.kind === "transcript")) {
    const own = arrived.filter((one) => one.kind === "recording" && stem(one.file.name) === stem(text.file.name));
    if (own.length !== 1) continue;
    await ask(`/api/texts/${text.row.id}`, { method: "PUT", body: { recording: own[0].row.id } });
    found.push(own[0].row.id);
  }
  return found;
}

/**
 * Fill `root` with the transcripts that wait, `rows` as `/api/texts` gives them. `open` goes to a recording; `changed` is called when
 * something was said of a transcript, or one was deleted.
 */
export function waiting(root, rows, recordings, { open, changed }) {
  const focused = root.contains(document.activeElement) ? document.activeElement.id : "";
  root.hidden = !rows.length;
  root.replaceChildren(el("h3", { text: t("align.waiting") }), el("ul", { class: "waiting" }, rows.map(row)));
  // Where the one that had the focus is gone, the next thing to do has it.
  if (focused) (document.getElementById(focused) ?? root.querySelector("select") ?? document.getElementById("upload-files"))?.focus();

  function row(text) {
    const own = recordings.find((one) => one.id === text.recording);
    const others = rows.filter((one) => own && one !== text && one.recording === own.id).map((one) => one.name);
    const wrong = el("p", { class: "error", role: "alert" });
    const told = async (asked) => {
      const answer = await asked;
      if (answer.ok) changed();
      else wrong.textContent = why(answer);
    };
    const choose = el(
      "select",
      { id: `text-${text.id}`, onchange: () => told(ask(`/api/texts/${text.id}`, { method: "PUT", body: { recording: choose.value } })) },
      el("option", { value: "", text: t("align.choose") }),
      recordings.map((one) => el("option", { value: one.id, text: one.name })),
    );
    choose.value = text.recording;
    const take = el("button", { class: "plain", id: `away-${text.id}`, "aria-label": `${t("align.away")}: ${text.name}`, text: t("align.away"), onclick: () => told(ask(`/api/texts/${text.id}`, { method: "DELETE" })) });
    const bars = bar(own, others);
    const go = own && own.allowed && !own.drafted && !own.refusal && el("button", { class: "plain", id: `open-${text.id}`, "aria-label": `${t("align.open")}: ${text.name}`, text: t("align.open"), onclick: () => open(own.id) });
    return el(
      "li",
      {},
      el("strong", { text: text.name }),
      el("p", { class: "quiet", dir: "auto", text: text.lines ? t("align.lines", { count: text.lines, begins: text.begins }) : t("align.begins", { begins: text.begins }) }),
      el("label", { for: choose.id, text: t("align.belongs") }),
      choose,
      el("p", { class: bars ? "warn" : "quiet", text: bars || t("align.ready", { name: own.name }) }),
      wrong,
      el("div", { class: "row" }, go, take),
    );
  }

  /** What keeps a transcript from being placed; empty where nothing does. */
  function bar(own, others) {
    if (!own) return t("align.no_recording");
    if (own.refusal) return sentences(own.refusal);
    if (!own.allowed) return t("consent.no");
    if (own.drafted) return t("align.has", { name: own.name });
    return others.length ? t("align.others", { names: others.join(", ") }) : "";
  }
}

/** The form that has a transcript placed on its recording: in which language, by which tiers. `begun` is called when it is in the queue. */
export function aligning(recording, text, allowed, begun) {
  let language = "";
  const said = el("p", { class: "error", role: "alert" });
  const go = el("button", { text: t("align.start"), disabled: true });
  const through = el("p", { class: "quiet", hidden: true, role: "status", text: t("align.through_later") });
  const model = el("select", { id: "align-model", disabled: true }, el("option", { value: "", text: t("transcribe.model_first") }));
  const tiers = text.tiers.map((tier) => el("input", { type: "checkbox", value: tier.name, checked: tier.chosen || text.tiers.length === 1, onchange: () => ready() }));
  const asked = () => tiers.filter((one) => one.checked).map((one) => one.value);
  const ready = () => (go.disabled = !(allowed && language && (!tiers.length || asked().length)));
  const picker = languagePicker(
    (found) => {
      language = found[0]?.code ?? "";
      const models = found[0]?.models ?? [];
      through.hidden = !language || models.length > 0;
      if (language) model.replaceChildren(...(models.length ? models.map((one) => one.model) : ["mini"]).map((name) => el("option", { value: name, text: name })));
      model.disabled = !language;
      ready();
    },
    { one: true },
  );
  const proposed = el("div", { class: "listening" });
  listening(proposed, recording.id, { take: picker.take, empty: () => !picker.value });
  if (recording.language !== "und") picker.take(recording.language);
  go.addEventListener("click", async () => {
    go.disabled = true;
    const settings = { text: text.id, tiers: asked(), language, model: model.value };
    const taken = await handIn({ kind: "align", recording: recording.id, settings }, said);
    ready();
    if (taken) begun();
  });
  return el(
    "div",
    { class: "form" },
    el("p", { text: t("align.what", { text: text.name }) }),
    text.tiers.length > 1 &&
      el(
        "fieldset",
        { class: "tiers" },
        el("legend", { text: t("align.tiers") }),
        text.tiers.map((tier, number) =>
          el("label", { class: "choice" }, tiers[number], el("span", {}, `${tier.name} `, el("span", { class: "quiet", dir: "auto", text: t("align.tier", { count: tier.texts, begins: tier.begins }) }))),
        ),
      ),
    picker.element,
    through,
    proposed,
    el("label", { for: model.id, text: t("transcribe.model") }),
    model,
    go,
    el("p", { class: "quiet", text: t("jobs.you_may_leave") }),
    said,
  );
}

/** Which way a recording gets its transcript, where some wait for it: one of these placed on it, or transcribed by the model. */
export function ways(texts, { place, transcribe }) {
  const below = el("div", {});
  const choice = (label, make, checked) =>
    el("label", { class: "choice" }, el("input", { type: "radio", name: "way", checked, onchange: () => below.replaceChildren(make()) }), el("span", { text: label }));
  const alone = texts.length === 1;
  if (alone) below.append(place(texts[0]));
  return el(
    "div",
    { class: "ways" },
    el(
      "fieldset",
      {},
      el("legend", { text: t("align.way") }),
      !alone && el("p", { class: "warn", text: t("align.several") }),
      texts.map((text) => choice(t("align.place", { text: text.name }), () => place(text), alone)),
      choice(t("align.anew"), transcribe, false),
    ),
    below,
  );
}

/** What came of placing a text, for its row among the work. */
export function placed(result) {
  const { lines, through } = result;
  const told = [];
  if (lines) told.push(t("align.placed", { placed: lines.placed, count: lines.all }));
  if (through) told.push(t("align.through", { language: through.name }));
  return [
    told.length > 0 && el("p", { text: told.join(" · ") }),
    result.findings?.length > 0 && el("ul", { class: "findings" }, result.findings.map((one) => el("li", { text: sentences(one) }))),
  ];
}
