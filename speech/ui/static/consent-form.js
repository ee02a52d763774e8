// What was agreed about the recordings: the card that speaks, what it allows, the form that writes one, people's own answers, taking back.
import { ask, el, t, why } from "./api.js";

const SCOPES_OF = { play: "play", review: "review", transcribe_local: "transcribe_local", train_asr: "train_asr", export_text: "export_text", publish_text: "publish_text" };
const REASONS = {
  NO_CARD: "no_card", WITHDRAWN: "withdrawn", PERSON_MISSING: "person", SPEAKER_UNKNOWN: "unknown", COLLECTION_SCOPE: "not_named", SCOPE_NOT_GRANTED: "not_named",
  COMMUNITY_MISSING: "not_named", COLLECTION_DENIED: "denied", COMMUNITY_DENIED: "denied", PERSON_DENIED: "denied", COLLECTION_MISSING: "ended", PERSON_EXPIRED: "ended",
  PURPOSE: "purpose", LICENCE_PERMISSION: "licence", LICENCE_UNKNOWN: "licence", CARD_INVALID: "invalid",
};

/** Fill `root`; returns what looks anew. Keepers only. */
export async function agreement(root, app) {
  const said = el("p", { role: "status" });
  const place = el("div", {});
  const box = el("section", { class: "box consent", id: "consent", tabindex: "-1", "aria-labelledby": "agreed-heading" },
    el("h3", { id: "agreed-heading", text: t("consent.form.heading") }), said, place);
  root.append(box);
  let found = null;

  async function look() {
    const answer = await ask("/api/consent/form");
    if (!answer.ok) return;
    found = answer.data;
    place.replaceChildren(...[...card(), ...may(), ...people()].filter(Boolean));
  }

  function card() {
    const ours = found.where === "ours";
    if (found.fault) return [el("p", { class: "error", text: found.fault })];
    if (!found.card) {
      return [
        el("p", { text: t("consent.form.none", { uncarded: found.uncarded, recordings: found.recordings }) }),
        el("button", { id: "consent-fill", text: t("consent.form.fill"), onclick: () => open({ fresh: true }) }),
      ];
    }
    const fill = { title: found.card.title, holder: found.card.holder };
    return [
      el("p", { text: t(`consent.form.${found.where}`, fill) }),
      records(found.card.records),
      ours
        ? el("div", { class: "row" },
            el("button", { id: "consent-anew", class: "plain", text: t("consent.form.anew"), onclick: () => open({}) }),
            el("button", { id: "consent-back", class: "plain", text: t("consent.form.back"), onclick: () => back("", fill.holder) }))
        : el("p", { class: "quiet" }, el("span", { text: `${t("consent.form.command")} ` }), el("code", { text: `speech consent record ${found.folder}` })),
    ];
  }

  function records(all) {
    return el("ul", { class: "records" }, all.map((one) =>
      el("li", { class: one.decision === "granted" ? "yes" : "no" },
        el("span", { text: t(`consent.form.said.${one.decision}`, { on: one.given_on, scopes: one.scopes.map(scopeName).join("; ") }) }),
        one.expires && el("span", { class: "quiet", text: ` ${t("consent.form.until_day", { day: one.expires })}` }),
        one.evidence && el("span", { class: "quiet", text: ` (${one.evidence})` }))));
  }

  function may() {
    return [
      el("h4", { text: t("consent.form.may") }),
      el("ul", { class: "gate" }, found.may.map((one) =>
        el("li", { class: one.allowed === one.of && one.of ? "yes" : "no" },
          el("strong", { text: `${one.allowed === one.of && one.of ? "✓" : "✗"} ${t(`consent.scope.${SCOPES_OF[one.scope]}`)}: ${t("consent.form.count", { allowed: one.allowed, of: one.of })}` }),
          one.why.map((reason) => el("p", { class: "quiet", text: because(reason) }))))),
    ];
  }

  function because(reason) {
    const text = t(`consent.why.${REASONS[reason.code] ?? "other"}`, { count: reason.recordings });
    return reason.people.length ? `${text} (${reason.people.join(", ")})` : text;
  }

  function people() {
    if (!found.card || !found.speakers.length) return [];
    const made = [el("h4", { text: t("consent.form.people") })];
    if (found.card.for_all) made.push(el("p", { class: "quiet", text: t("consent.form.for_all") }));
    const ours = found.where === "ours";
    const ticks = [];
    made.push(el("ul", { class: "people" }, found.speakers.map((one) => {
      if (!one.is_code) {
        return el("li", {}, el("p", { class: "quiet", text: t("consent.form.not_code", { label: one.code }) }),
          one.recordings.slice(0, 20).map((known) => el("button", { class: "link", text: known.name, onclick: () => app.go("review", known.id) })));
      }
      const tick = el("input", { type: "checkbox", value: one.code });
      ticks.push(tick);
      const answered = one.records.length > 0;
      return el("li", {},
        ours ? el("label", { class: "choice" }, tick, el("strong", { text: one.code })) : el("strong", { text: one.code }),
        answered ? records(one.records) : el("p", { class: one.waiting ? "warn" : "quiet", text: t("consent.form.waiting") }),
        ours && el("button", { class: "plain", "data-person": one.code, text: t("consent.form.back"), onclick: () => back(one.code, one.code) }));
    })));
    if (found.unknown) made.push(el("p", { class: "warn", text: t("consent.form.unknown", { count: found.unknown }) }));
    if (ours && ticks.length) {
      made.push(el("button", {
        id: "consent-people",
        text: t("consent.form.answer"),
        onclick: () => {
          const chosen = ticks.filter((tick) => tick.checked).map((tick) => tick.value);
          if (chosen.length) open({ people: chosen });
          else tell(t("consent.form.tick"), "error");
        },
      }));
    }
    return made;
  }

  function tell(text, kind = "") {
    said.className = kind;
    said.textContent = text;
  }

  /** Ask once more, then take back. */
  function back(person, who) {
    const sure = el("div", { class: "box", role: "group", "aria-label": t("consent.form.back") },
      el("p", { text: t("consent.form.back_sure", { who }) }),
      el("div", { class: "row" },
        el("button", { id: "consent-back-now", text: t("consent.form.back_now"), onclick: async () => {
          const answer = await ask("/api/consent/withdraw", { method: "POST", body: { person } });
          if (answer.ok) await look();
          tell(answer.ok ? t("consent.form.taken_back") : why(answer), answer.ok ? "saved" : "error");
        } }),
        el("button", { class: "plain", text: t("consent.form.cancel"), onclick: look })));
    place.replaceChildren(sure);
    sure.querySelector("button").focus();
  }

  function open({ fresh = false, people = [] }) {
    tell("");
    const made = form(found, { fresh, people, cancel: look, keep: async (body) => {
      const answer = await ask("/api/consent/form", { method: "POST", body });
      if (!answer.ok) return why(answer);
      await look();
      const written = answer.data.written;
      const parts = [t("consent.form.kept")];
      const names = (key) => [...new Set(written.flatMap((one) => one[key]))].map(scopeName).join("; ");
      if (names("taken_back")) parts.push(t("consent.form.no_longer", { scopes: names("taken_back") }));
      if (names("outdone")) parts.push(t("consent.form.outdone", { scopes: names("outdone") }));
      tell(parts.join(" "), "saved");
      box.focus();
      return "";
    } });
    place.replaceChildren(made);
    made.querySelector("input, select").focus();
  }

  await look();
  return { look, focus: () => { box.scrollIntoView({ block: "start" }); box.focus(); } };
}

/** The questions, as `speech consent record` asks them. `keep` gets the answers and gives what is wrong with them, or nothing. */
function form(found, { fresh, people, cancel, keep }) {
  const { offered } = found;
  const field = (name, input, hint) => {
    input.id = `consent-${name}`;
    return el("p", {}, el("label", { for: input.id, text: t(`consent.ask.${name}`) }), input, hint && el("span", { class: "quiet", text: hint }));
  };
  const group = (name, kind, values, label) =>
    el("fieldset", { "data-name": name }, el("legend", { text: t(`consent.ask.${name}`) }), values.map((value) =>
      el("label", { class: "choice" }, el("input", { type: kind, name: `consent-${name}`, value }), el("span", { text: label(value) }))));
  const line = (value = "") => el("input", { type: "text", maxlength: "300", value, required: true, autocomplete: "off" });
  const choice = (values, label, first) => el("select", { required: true }, first ? el("option", { value: "", text: "–" }) : null, values.map((value) => el("option", { value, text: label(value) })));
  const title = line(found.folder);
  const languages = line(found.languages.map((one) => one.code).join(", "));
  const holder = line();
  const kind = choice(offered.kinds, (value) => t(`consent.kind.${value}`), true);
  const source = line();
  const licence = choice(offered.licences, (value) => (value === "archive_terms" ? t("consent.licence.none") : value === "unknown" ? t("consent.licence.unknown") : value));
  const given = el("input", { type: "date", max: found.today, required: true });
  const until = el("input", { type: "date", min: found.today });
  const evidence = line();
  const recording = choice(found.sound.map((one) => one.id), (id) => found.sound.find((one) => one.id === id).name, true);
  const seen = field("evidence", evidence);
  const heard = field("recording", recording);
  heard.hidden = true;
  const wrong = el("p", { class: "error", role: "alert" });
  const how = group("how", "radio", people.length ? offered.how_person : offered.how, (value) => t(`consent.how.${value}`));
  how.addEventListener("change", () => {
    const oral = checked("how")[0] === "oral_recorded";
    seen.hidden = oral;
    heard.hidden = !oral;
  });
  const allow = group("allow", "checkbox", [...offered.allow, ...(people.length ? offered.voices : [])], scopeName);
  const purposes = group("purposes", "checkbox", offered.purposes, (value) => t(`consent.purpose.${value}`));
  const made = el("form", { class: "form consent-form", novalidate: true },
    people.length > 0 && el("p", {}, el("strong", { text: t("consent.form.same", { people: people.join(", ") }) })),
    fresh && [field("title", title), field("languages", languages), field("holder", holder), field("kind", kind), field("source", source), field("licence", licence)],
    how, allow, purposes, field("given_on", given), field("until", until, t("consent.ask.until_hint")), seen, heard, wrong,
    el("div", { class: "row" },
      el("button", { id: "consent-keep", type: "submit", text: t("consent.form.keep") }),
      el("button", { class: "plain", type: "button", text: t("consent.form.cancel"), onclick: cancel })));
  const checked = (name) => [...made.querySelectorAll(`[data-name="${name}"] input:checked`)].map((one) => one.value);

  function open() {
    const asked = fresh ? { title, holder, kind, source, licence, languages } : {};
    const oral = checked("how")[0] === "oral_recorded";
    Object.assign(asked, { given_on: given }, oral ? { recording } : { evidence });
    const empty = Object.entries(asked).filter(([, input]) => !input.value.trim()).map(([name, input]) => [name, input]);
    for (const name of ["how", "allow", "purposes"]) if (!checked(name).length) empty.push([name, made.querySelector(`[data-name="${name}"] input`)]);
    return empty;
  }

  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    const empty = open();
    if (empty.length) {
      wrong.textContent = t("consent.form.open", { questions: empty.map(([name]) => t(`consent.ask.${name}`)).join(" ") });
      empty[0][1].focus();
      return;
    }
    const oral = checked("how")[0] === "oral_recorded";
    const body = { people, how: checked("how")[0], allow: checked("allow"), purposes: checked("purposes"), given_on: given.value, until: until.value || null };
    if (oral) body.recording = recording.value;
    else body.evidence = evidence.value.trim();
    if (fresh) {
      body.collection = {
        title: title.value.trim(), languages: languages.value.split(/[\s,;]+/).filter(Boolean), holder: holder.value.trim(), kind: kind.value,
        source: source.value.trim(), licence: licence.value,
      };
    }
    wrong.textContent = await keep(body);
  });
  return made;
}

function scopeName(scope) {
  const known = ["LOCAL", "TRAIN", "LEAVE", "PUBLISH", "ALL", "voiceprint", "train_tts", "synthesise_voice"];
  return known.includes(scope) ? t(`consent.allow.${scope}`) : scope;
}
