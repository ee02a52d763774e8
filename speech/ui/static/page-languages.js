// Languages: what can be transcribed here, how well by its card, and the command that fetches what is missing.
import { ask, el, t } from "./api.js";

export function cer(model) {
  if (!model.cer || model.cer.dev === null || model.cer.dev === undefined) return "-";
  const interval = model.cer.low !== null && model.cer.low !== undefined ? ` (${model.cer.low}-${model.cer.high})` : "";
  return `${model.cer.dev} %${interval}`;
}

export async function show(root) {
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

  root.append(el("h2", { text: t("languages.heading") }), el("label", { for: search.id, text: t("languages.search") }), search, none, el("div", { class: "wide" }, table));
  await look();
}
