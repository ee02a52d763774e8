// Languages: which one is spoken in a recording; what can be transcribed here, how well by its card, and the command that fetches what
// is missing.
import { ask, el, repeat, t } from "./api.js";
import { basis } from "./consent.js";
import { cer } from "./language-picker.js";
import { listening } from "./listening.js";
import { dropZone } from "./uploads.js";

export async function show(root, app) {
  const body = el("tbody");
  const none = el("p", { text: t("languages.none"), hidden: true, role: "status" });
  const heads = ["name", "model", "licence", "minutes", "cer", "source"];
  const table = el(
    "table",
    {},
    el("thead", {}, el("tr", {}, heads.map((name) => el("th", { scope: "col", text: t(`languages.${name}`) })))),
    body,
  );
  const search = el("input", { id: "languages-search", type: "search", autocomplete: "off", spellcheck: "false", oninput: () => look() });
  let turn = 0;

  async function look() {
    const own = ++turn;
    const answer = await ask(`/api/languages?q=${encodeURIComponent(search.value)}`);
    if (!answer.ok || own !== turn) return;
    none.hidden = answer.data.length > 0;
    body.replaceChildren(...answer.data.flatMap(rows));
  }

  function rows(one) {
    const more = [one.code, one.autonym !== one.name && one.autonym, one.glottocode, one.variety].filter(Boolean).join(" · ");
    const old = one.retired.length ? t("languages.retired", { codes: one.retired.join(", ") }) : "";
    const name = el("th", { scope: "row" }, el("strong", { text: one.name }), el("div", { class: "quiet", text: [more, old].filter(Boolean).join(" · ") }));
    if (!one.models.length) {
      return [el("tr", {}, name, el("td", { colspan: 5 }, el("span", { text: `${t("languages.fetch")} ` }), el("code", { text: one.fetch })))];
    }
    return one.models.map((model, number) =>
      el(
        "tr",
        {},
        number === 0 ? name : el("th", { scope: "row", text: one.name }),
        el("td", { "data-label": t("languages.model"), text: model.model }),
        el("td", { "data-label": t("languages.licence"), text: model.card ? model.licence.join(", ") || "-" : t("languages.no_card") }),
        el("td", { "data-label": t("languages.minutes"), text: model.minutes ? `${model.minutes} min` : "-" }),
        el("td", { "data-label": t("languages.cer"), text: model.card ? cer(model) : "-" }),
        el("td", { "data-label": t("languages.source"), class: "quiet", text: model.source ?? "-" }),
      ),
    );
  }

  root.append(el("h2", { text: t("languages.heading") }));
  if (app.me.may.includes("jobs")) root.append(spoken(app));
  root.append(el("h3", { text: t("languages.here") }), el("label", { for: search.id, text: t("languages.search") }), search, none, el("div", { class: "wide" }, table));
  await look();
}

/** Which language is spoken: in a recording of the collection, or in one that is dropped here. */
function spoken(app) {
  const ask_basis = el("div", {});
  const place = el("div", { class: "listening" });
  const picker = el("select", { id: "listening-recording", onchange: () => listen() });
  let known = "";
  basis(ask_basis, app, () => look());

  /** Show what is known of the chosen recording; `now` begins to listen. */
  function listen(now = false) {
    if (!picker.value) return place.replaceChildren();
    const begin = listening(place, picker.value);
    if (now) begin();
  }

  async function look(wanted = picker.value, dropped = false) {
    const answer = await ask("/api/recordings");
    if (!answer.ok) return;
    const rows = answer.data.filter((one) => one.allowed && !one.refusal);
    const now = JSON.stringify(rows.map((one) => [one.id, one.name]));
    if (now === known && wanted === picker.value) return;
    known = now;
    const before = picker.value;
    picker.replaceChildren(el("option", { value: "", text: t("listening.choose") }), ...rows.map((one) => el("option", { value: one.id, text: one.name })));
    picker.value = rows.some((one) => one.id === wanted) ? wanted : "";
    if (picker.value !== before) listen(dropped);
  }

  repeat(() => look(), 5000);
  return el(
    "section",
    { class: "box", "aria-labelledby": "listening-heading" },
    el("h3", { id: "listening-heading", text: t("listening.heading") }),
    el("p", { class: "quiet", text: t("listening.how") }),
    ask_basis,
    el("label", { for: picker.id, text: t("listening.recording") }),
    picker,
    place,
    app.me.may.includes("uploads") && dropZone("listening-files", t("listening.drop"), (row) => look(row.id, true)),
  );
}
