// The basis for recordings without a card, asked once and only where there are such; and what the gate says of one recording.
import { ask, el, sentences, t, why } from "./api.js";

const OFFERED = { own: "own use on this machine", agreed: "the people recorded agreed to transcription" };

/** Ask for the basis where none was stated; `stated` is called once it is. */
export async function basis(root, app, stated) {
  const answer = await ask("/api/consent");
  if (!answer.ok || answer.data.basis || !answer.data.uncarded) return;
  const box = el("section", { class: "box", "aria-labelledby": "consent-heading" });
  root.append(box);
  box.append(el("h3", { id: "consent-heading", text: t("consent.heading") }));
  if (!app.me.may.includes("consent")) {
    box.append(el("p", { text: t("consent.keeper") }));
    return;
  }
  const said = el("p", { class: "error", role: "alert" });
  const go = el("button", { text: t("consent.go"), disabled: true });
  const choices = Object.keys(OFFERED).map((name) =>
    el(
      "label",
      { class: "choice" },
      el("input", { type: "radio", name: "consent-basis", value: name, onchange: () => (go.disabled = false) }),
      el("span", { text: t(`consent.basis.${name}`) }),
    ),
  );
  go.addEventListener("click", async () => {
    const chosen = box.querySelector("input:checked").value;
    const kept = await ask("/api/consent", { method: "POST", body: { basis: OFFERED[chosen] } });
    if (!kept.ok) said.textContent = why(kept);
    else {
      box.remove();
      stated();
    }
  });
  const fill = el("button", { class: "plain", id: "consent-form-link", text: t("consent.form.fill"), onclick: () => app.go("collection", "consent") });
  box.append(el("p", { text: t("consent.ask") }), el("fieldset", {}, el("legend", { class: "hidden", text: t("consent.heading") }), choices), go, said, el("p", { text: t("consent.or_form") }), fill);
}

/** What the gate says of a recording, as a list; resolves to whether it may be transcribed. */
export async function gate(root, id) {
  const answer = await ask(`/api/consent/${id}`);
  root.replaceChildren();
  if (!answer.ok) return false;
  const { scopes, card, title, holder } = answer.data;
  // What goes beyond this machine is told, too, where a card speaks; without one it is no surprise.
  const rows = Object.entries(scopes).filter(([scope]) => card || ["play", "review", "transcribe_local"].includes(scope));
  if (card && title) root.append(el("p", { class: "card", text: holder ? t("consent.card_of", { title, holder }) : t("consent.card", { title }) }));
  // Who and which record: said once where all scopes have the same.
  const said = (one) => [one.people?.length > 0 && t("consent.people", { codes: one.people.join(", ") }), one.record && t("consent.record", { record: one.record })].filter(Boolean).join(" · ");
  const about = new Set(rows.filter(([, one]) => one.allowed).map(([, one]) => said(one)));
  const quiet = (text) => (text ? el("p", { class: "quiet", text }) : "");
  root.append(
    el(
      "ul",
      { class: "gate" },
      rows.map(([scope, one]) =>
        el(
          "li",
          { class: one.allowed ? "yes" : "no" },
          el("strong", { text: one.allowed ? `✓ ${t(`consent.scope.${scope}`)}` : `✗ ${t(`consent.scope.${scope}`)}: ${t("consent.no")}` }),
          !one.allowed && el("p", { class: ["train_asr", "export_text"].includes(scope) ? "quiet" : undefined, text: sentences(one) }),
          (about.size > 1 || !one.allowed) && quiet(said(one)),
        ),
      ),
    ),
    about.size === 1 ? quiet([...about][0]) : "",
  );
  return answer.data.scopes.transcribe_local.allowed;
}
