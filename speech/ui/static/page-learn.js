// Learn: what is approved, by speaker and language.
import { ask, el, repeat, t } from "./api.js";

export async function show(root) {
  const body = el("tbody");
  const empty = el("p", { class: "quiet", text: t("learn.empty") });
  const heads = [t("learn.speaker"), t("languages.name"), t("learn.minutes")];
  const table = el("table", {}, el("thead", {}, el("tr", {}, heads.map((text) => el("th", { scope: "col", text })))), body);
  root.append(el("h2", { text: t("learn.heading") }), el("h3", { text: t("learn.approved") }), empty, el("div", { class: "wide" }, table));

  async function look() {
    const answer = await ask("/api/progress");
    if (!answer.ok) return;
    empty.hidden = answer.data.approved.length > 0;
    table.hidden = answer.data.approved.length === 0;
    const all = answer.data.approved.reduce((sum, one) => sum + one.ms, 0);
    body.replaceChildren(
      ...answer.data.approved.map((one) => row(one.speaker || t("learn.somebody"), one.language, one.ms)),
      row(t("collection.all"), "", all, "sum"),
    );
  }

  function row(speaker, language, ms, kind) {
    return el("tr", { class: kind }, el("th", { scope: "row", text: speaker }), el("td", { "data-label": heads[1], text: language }), el("td", { class: "number", "data-label": heads[2], text: (ms / 60000).toFixed(1) }));
  }

  await look();
  repeat(look, 15000);
}
