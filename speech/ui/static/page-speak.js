// Speak: a text, and a voice that says it. What the voice cannot say is listed before there is sound; what was made says that it is synthetic.
import { ask, el, repeat, sentences as sentencesOf, t, tagOf, why } from "./api.js";
import { said } from "./spoken.js";
import { letters, replaced } from "./unsaid.js";
import { borrowing, nameOf, told, voices } from "./voices.js";

const SPEEDS = [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.5, 1.75, 2];
const KINDS = { ".wav": "WAV", ".flac": "FLAC", ".opus": "Opus", ".mp3": "MP3" };
const MOST_LETTERS = 20000;
const TYPED_MS = 400;

export async function show(root, app) {
  root.append(el("h2", { text: t("speak.heading") }), el("p", { class: "quiet", text: t("speak.how") }));
  const found = await voices();
  if (!found) return root.append(el("p", { class: "error", text: t("app.lost") }));
  if (!found.any) {
    root.append(el("div", { class: "nothing" }, el("p", { text: t("speak.none_here") }), el("p", {}, t("speak.install"), " ", el("code", { text: "pip install 'oral-speech[tts]'" }))));
    return {};
  }
  if (!app.me.may.includes("jobs")) {
    root.append(el("div", { class: "nothing" }, el("p", { text: t("speak.keeper") })));
    return {};
  }
  const list = el("ul", { class: "jobs", "aria-labelledby": "spoken-heading" });
  const again = said(list, { open: (code) => nameOf(found.languages.find((one) => one.code === code) ?? { code }) });
  const right = el("section", { class: "box" }, el("h3", { id: "spoken-heading", text: t("speak.spoken") }), list);
  root.append(el("div", { class: "columns" }, form(found.languages, () => again()), right));
  repeat(again, 1000);
  return { open: () => again() };
}

function form(languages, begun) {
  const group = (label, rows) => rows.length > 0 && el("optgroup", { label }, rows.map((one) => el("option", { value: one.code, text: nameOf(one) })));
  const sorted = (rows) => [...rows].sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
  const language = el(
    "select",
    { id: "speak-language", onchange: () => chosen() },
    el("option", { value: "", text: t("speak.choose") }),
    group(t("speak.own"), languages.filter((one) => one.own)),
    group(t("speak.with_voice"), sorted(languages.filter((one) => !one.own && one.voices.length))),
    group(t("speak.without_voice"), sorted(languages.filter((one) => !one.own && !one.voices.length))),
    el("option", { value: "+", text: t("speak.other") }),
  );
  const other = el("input", { id: "speak-other", maxlength: 3, autocapitalize: "off", autocomplete: "off", spellcheck: "false", placeholder: "nqo", onchange: () => named() });
  const other_place = el("div", { hidden: true }, el("label", { for: other.id, text: t("speak.code") }), other);
  const voice_place = el("div", {});
  const text = el("textarea", { id: "speak-text", rows: 3, dir: "auto", maxlength: MOST_LETTERS, spellcheck: "false", autocapitalize: "off", autocomplete: "off", oninput: () => typed() });
  const speed = el("select", { id: "speak-speed" }, SPEEDS.map((one) => el("option", { value: one, text: `${one.toLocaleString()}×` })));
  speed.value = "1";
  const kind = el("select", { id: "speak-kind" }, Object.entries(KINDS).map(([suffix, name]) => el("option", { value: suffix, text: name })));
  const seed = el("input", { id: "speak-seed", type: "number", min: 0, max: 2 ** 31 - 1, step: 1, value: "0" });
  const findings = el("div", { class: "unsaid" });
  const act = el("div", {});
  const live = el("p", { role: "status", class: "hidden" });
  const wrong = el("p", { role: "alert", class: "error" });
  let voice = "espeak";
  let borrow = "";
  /** What becomes of letters that the voice cannot say: nothing is chosen beforehand. */
  let choice = "refuse";
  let turn = 0;
  let timer = 0;

  const now = () => languages.find((one) => one.code === language.value);
  const ready = () => Boolean(now() && (now().voices.length || borrow));

  /** A language of no table: by its code. */
  function named() {
    const code = other.value.trim().toLowerCase();
    wrong.textContent = /^[a-z]{3}$/.test(code) ? "" : t("speak.no_code");
    if (wrong.textContent) return;
    if (!languages.some((one) => one.code === code)) {
      languages.push({ code, name: "", direction: "ltr", own: false, voices: [] });
      language.lastChild.before(el("option", { value: code, text: nameOf({ code }) }));
    }
    language.value = code;
    language.focus();
    chosen();
  }

  function chosen() {
    const one = now();
    other_place.hidden = language.value !== "+";
    if (language.value === "+") other.focus();
    borrow = "";
    choice = "refuse";
    voice = one?.voices[0]?.voice ?? "espeak";
    text.lang = one ? tagOf(one.code) : "";
    text.dir = one?.direction === "rtl" ? "rtl" : "auto";
    showVoice();
    look();
  }

  /** The voice of the language; where there is none a sentence that says so, and voices that can be borrowed. */
  function showVoice() {
    const one = now();
    if (!one) return voice_place.replaceChildren();
    const said = el("p", { class: "quiet voice" });
    const tell = (own) => (said.textContent = own ? told(own) : "");
    if (!one.voices.length) {
      const select = borrowing("speak-borrow", languages, one, borrow, (code) => {
        borrow = code;
        choice = "refuse";
        voice = languages.find((other) => other.code === code)?.voices[0]?.voice ?? "espeak";
        tell(languages.find((other) => other.code === code)?.voices[0]);
        look();
      });
      voice_place.replaceChildren(el("p", { class: "warn", text: t("speak.no_voice", { language: nameOf(one) }) }), el("label", { for: select.id, text: t("speak.borrow") }), select, said);
      return;
    }
    tell(one.voices[0]);
    if (one.voices.length === 1) return voice_place.replaceChildren(said);
    const select = el("select", { id: "speak-voice", onchange: () => {
      voice = select.value;
      choice = "refuse";
      tell(one.voices.find((own) => own.voice === voice));
      look();
    } }, one.voices.map((own) => el("option", { value: own.voice, text: `${own.name} (${own.engine})` }))); // prettier-ignore
    voice_place.replaceChildren(el("label", { for: select.id, text: t("speak.voice") }), select, said);
  }

  const asked = () => ({
    text: text.value, language: language.value, voice, borrow, letters: choice, speed: Number(speed.value),
    seed: Math.min(2 ** 31 - 1, Math.max(0, Math.trunc(Number(seed.value)) || 0)), suffix: kind.value,
  }); // prettier-ignore

  function typed() {
    turn++; // what is on its way answers another text
    act.replaceChildren();
    clearTimeout(timer);
    timer = setTimeout(look, TYPED_MS);
  }

  /** What the voice would make of the text; only then there is a button, and only where something can be said. */
  async function look() {
    const own = ++turn;
    clearTimeout(timer);
    wrong.textContent = "";
    if (!ready() || !text.value.trim()) {
      findings.replaceChildren();
      act.replaceChildren();
      live.textContent = "";
      return;
    }
    act.replaceChildren(el("p", { class: "quiet", text: t("speak.checking") }));
    const answer = await ask("/api/speak/check", { method: "POST", body: asked() });
    if (own !== turn) return;
    if (!answer.ok) {
      findings.replaceChildren();
      act.replaceChildren();
      live.textContent = "";
      wrong.textContent = why(answer);
      return;
    }
    const { unsaid, refused, sentences, barred } = answer.data;
    const focused = findings.contains(document.activeElement) ? document.activeElement.value : "";
    findings.replaceChildren(
      letters(unsaid, text, choice, (to) => {
        choice = to;
        look();
      }),
      replaced(answer.data.replaced),
    );
    if (focused) findings.querySelector(`input[value="${focused}"]`)?.focus();
    const count = t("speak.sentences", { count: sentences });
    live.textContent = unsaid.length ? t("speak.unsaid", { count: unsaid.length }) : count;
    // A voice that is a person's, and may not be used, is told in words: there is no button that would be refused.
    if (barred) wrong.textContent = `${t("speak.barred")} ${barred.code === "NO_CARD" ? t("speak.no_card") : sentencesOf(barred)}`;
    if (refused || barred) act.replaceChildren();
    else act.replaceChildren(el("p", { class: "quiet", text: count }), el("button", { id: "speak-go", text: t("speak.go"), onclick: begin }));
  }

  async function begin() {
    const button = act.querySelector("button");
    button.disabled = true;
    const answer = await ask("/api/jobs", { method: "POST", body: { kind: "say", settings: asked() } });
    button.disabled = false;
    wrong.textContent = answer.ok ? "" : why(answer);
    if (answer.ok) begun();
  }

  return el(
    "div",
    { class: "form speak" },
    el("label", { for: language.id, text: t("speak.language") }),
    language,
    other_place,
    voice_place,
    el("label", { for: text.id, text: t("speak.text") }),
    text,
    findings,
    el("div", { class: "row" }, el("label", { for: speed.id, text: t("speak.speed") }), speed, el("label", { for: kind.id, text: t("speak.kind") }), kind),
    el("details", {}, el("summary", { text: t("speak.more") }), el("label", { for: seed.id, text: t("speak.seed") }), seed, el("p", { class: "quiet", text: t("speak.seed_hint") })),
    act,
    live,
    wrong,
  );
}
