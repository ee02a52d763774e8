// Transcribe: recordings sent or chosen, what they hold, whether they may be used, the language; then work that goes on by itself.
import { ask, clock, el, repeat, sentences, t, why } from "./api.js";
import { basis, gate } from "./consent.js";
import { jobs } from "./jobs.js";
import { cer } from "./page-languages.js";
import { uploads } from "./uploads.js";

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
  if (may("uploads")) left.append(adding());
  left.append(el("h3", { id: "recordings-heading", text: t("transcribe.choose") }), recordings);
  let chosen = "";
  let wanted = "";
  let known = "";
  let all = [];

  function adding() {
    const box = el("div", {});
    const send = uploads(box, () => look());
    const input = el("input", {
      type: "file",
      id: "upload-files",
      class: "hidden",
      multiple: true,
      accept: "audio/*,video/*,.wav,.flac,.opus,.ogg,.mp3,.m4a,.wma,.aiff,.amr",
      onchange: () => {
        send(input.files);
        input.value = "";
      },
    });
    const zone = el("label", { class: "drop", for: input.id, text: t("transcribe.drop") });
    for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
      zone.addEventListener(name, (event) => {
        event.preventDefault();
        zone.classList.toggle("over", name === "dragenter" || name === "dragover");
        if (name === "drop") send(event.dataTransfer.files);
      });
    }
    box.prepend(el("h3", { text: t("transcribe.add") }), el("p", { class: "quiet", text: t("consent.sent") }), input, zone);
    return box;
  }

  async function look() {
    const answer = await ask("/api/recordings");
    if (!answer.ok) return;
    all = answer.data;
    const now = JSON.stringify(all.map((one) => [one.id, one.name, one.duration_ms, one.allowed, one.drafted, one.job?.state, one.refusal]));
    if (now === known) return;
    known = now;
    if (!all.length) {
      recordings.replaceChildren(el("p", { class: "quiet", text: t("transcribe.empty") }));
      return;
    }
    if (wanted && all.some((one) => one.id === wanted)) {
      chosen = wanted;
      wanted = "";
    }
    const focused = document.activeElement?.value;
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
          : t(one.drafted ? "transcribe.has" : "transcribe.without");
    return el(
      "label",
      { class: "recording" },
      el("input", { type: "radio", name: "recording", value: one.id, checked: one.id === chosen, onchange: () => choose(one.id).then(show_detail) }),
      el("span", { class: "name", text: one.name }),
      el("span", { class: "number quiet", text: one.duration_ms >= 500 && !one.refusal ? clock(one.duration_ms) : "–" }),
      el("span", { class: one.refusal || !one.allowed ? "error" : one.drafted ? "saved" : "quiet", text: state }),
    );
  }

  /** On a small screen what was chosen stands below the list. */
  function show_detail() {
    if (columns.clientWidth < 850) detail.scrollIntoView({ block: "start", behavior: "smooth" });
  }

  async function choose(id) {
    const one = all.find((known) => known.id === id);
    if (!one) return;
    const same = chosen === id && detail.dataset.state === JSON.stringify(one);
    chosen = id;
    if (same) return;
    detail.dataset.state = JSON.stringify(one);
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

  function starting(one, allowed) {
    let language = "";
    const said = el("p", { class: "error", role: "alert" });
    const go = el("button", { text: t("transcribe.start"), disabled: true });
    const first = () => el("option", { value: "", text: t("transcribe.model_first") });
    const model = el("select", { id: "transcribe-model", disabled: true }, first());
    const lm = el("input", { type: "checkbox", checked: true, id: "transcribe-lm" });
    const words = el("textarea", { id: "transcribe-words", rows: 2, spellcheck: "false" });
    const ready = () => (go.disabled = !(allowed && language));
    const picker = languagePicker((found) => {
      language = found ? found.code : "";
      model.replaceChildren(...(found?.models ?? []).map((m) => el("option", { value: m.model, text: `${m.model}${m.card ? `, ${t("languages.cer")}: ${cer(m)}` : ""}` })));
      model.disabled = !found?.models?.length;
      if (model.disabled) model.append(first());
      ready();
    });
    go.addEventListener("click", async () => {
      go.disabled = true;
      const settings = {
        language,
        model: model.value || "mini",
        lm: lm.checked ? "auto" : "off",
        words: words.value.split("\n").map((line) => line.trim()).filter(Boolean),
      };
      const answer = await ask("/api/jobs", { method: "POST", body: { kind: "transcribe", recording: one.id, settings } });
      said.textContent = answer.ok ? "" : why(answer);
      ready();
      if (answer.ok) {
        known = "";
        again();
        look();
      }
    });
    return el(
      "div",
      { class: "form" },
      picker,
      el("label", { for: model.id, text: t("transcribe.model") }),
      model,
      el("label", { class: "choice" }, lm, el("span", { text: t("transcribe.lm") })),
      el("details", {}, el("summary", { text: t("transcribe.words") }), el("label", { class: "hidden", for: words.id, text: t("transcribe.words") }), words),
      go,
      el("p", { class: "quiet", text: t("jobs.you_may_leave") }),
      said,
    );
  }

  const again = jobs(working, app, () => look());
  await basis(ask_basis, app, () => {
    known = "";
    look();
  });
  repeat(look, 4000);
  return {
    open: (id) => {
      if (!id) return;
      wanted = id;
      known = "";
      look();
    },
    shown: () => chosen,
  };
}

/** A field that finds languages as one types; arrows and Enter choose, Escape closes. `chosen` gets the language, or null. */
function languagePicker(chosen) {
  const list = el("ul", { role: "listbox", id: "language-list", class: "options", hidden: true, "aria-label": t("transcribe.language") });
  const input = el("input", {
    id: "transcribe-language",
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": list.id,
    "aria-autocomplete": "list",
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": "language-hint",
  });
  let found = [];
  let at = -1;
  let turn = 0;
  /** What the list answers, and what was put into the field by choosing from it. */
  let answered = null;
  let taken = null;

  async function look() {
    const own = ++turn;
    const asked = input.value;
    const answer = await ask(`/api/languages?q=${encodeURIComponent(asked)}`);
    if (!answer.ok || own !== turn) return;
    answered = asked;
    found = [...answer.data, { code: "und", name: t("transcribe.und"), models: [{ model: "mini" }] }];
    at = -1;
    list.replaceChildren(...found.map(option));
    open(true);
  }

  function option(one, number) {
    const own = one.autonym && one.autonym !== one.name ? one.autonym : "";
    const retired = one.retired?.length ? t("transcribe.retired", { codes: one.retired.join(", ") }) : "";
    const rate = one.models[0]?.cer ? `${t("languages.cer")}: ${cer(one.models[0])}` : "";
    const more = [own, one.code, one.glottocode, retired, ...(one.models.length ? [one.variety, rate] : [t("languages.fetch") + " " + one.fetch])].filter(Boolean).join(" · ");
    return el(
      "li",
      { role: "option", id: `language-${number}`, "aria-disabled": one.models.length === 0, "aria-selected": "false", onmousedown: (event) => event.preventDefault(), onclick: () => take(number) },
      el("strong", { text: one.name }),
      el("span", { class: "quiet", text: ` ${more}` }),
    );
  }

  function open(now) {
    list.hidden = !now;
    input.setAttribute("aria-expanded", String(now));
    if (!now) input.removeAttribute("aria-activedescendant");
  }

  function move(step) {
    if (list.hidden) return look();
    at = (at + step + found.length) % found.length;
    [...list.children].forEach((child, number) => child.setAttribute("aria-selected", String(number === at)));
    input.setAttribute("aria-activedescendant", `language-${at}`);
    list.children[at].scrollIntoView({ block: "nearest" });
  }

  function take(number) {
    const one = found[number];
    if (!one || !one.models.length) return;
    input.value = taken = one.code === "und" ? one.name : `${one.name} (${one.code})`;
    open(false);
    chosen(one);
  }

  /** Enter: never from a list that answers what was typed before. */
  async function enter() {
    if (input.value === taken) return;
    if (input.value !== answered) await look();
    if (input.value === answered) take(Math.max(0, at));
  }

  input.addEventListener("input", () => {
    taken = null;
    chosen(null);
    look();
  });
  input.addEventListener("focus", () => !input.value && look());
  input.addEventListener("blur", () => open(false));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter") enter();
    else if (event.key === "Escape") open(false);
    else return;
    event.preventDefault();
  });
  return el(
    "div",
    { class: "picker" },
    el("label", { for: input.id, text: t("transcribe.language") }),
    input,
    list,
    el("p", { class: "quiet", id: "language-hint", text: t("transcribe.language_hint") }),
  );
}
