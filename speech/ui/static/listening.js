// Listening: which language is spoken in a recording, as the model proposes it: ranked, "none of these" among them, with the seconds heard.
import { ask, el, sentences, t, why } from "./api.js";
import { isOpen, line, percent, told } from "./job-lines.js";

const MOST = 5;

/**
 * Fill `root` with what lets the model listen to a recording, and with what came of it.
 * `take` gets the code that a person chooses of the proposals, or that the model proposes first while `empty` says that none was chosen;
 * without it the proposals are shown alone. @returns {() => void} begins to listen
 */
export function listening(root, recording, { take = null, empty = () => false } = {}) {
  const names = new Map();
  const named = (code) => (names.get(code) && names.get(code) !== code ? `${names.get(code)} (${code})` : code);
  const limits = el("div", {});
  const said = el("p", { role: "status", class: "quiet" });
  const wrong = el("p", { role: "alert", class: "error" });
  const found = el("div", {});
  const go = el("button", { class: "plain listen", text: t("listening.go"), onclick: begin });
  root.replaceChildren(go, said, wrong, found, limits);

  async function look() {
    const answer = await ask(`/api/languages/spoken/${recording}`);
    if (!answer.ok) return;
    const { title, candidates, absent } = answer.data;
    for (const one of [...candidates, ...absent]) names.set(one.code, one.name);
    const list = (rows) => rows.map((one) => named(one.code)).join(", ");
    const of = (reason) => absent.filter((one) => one.why === reason);
    limits.replaceChildren();
    limits.append(
      el("p", { class: "quiet candidates", text: title ? t("listening.by_card", { title, languages: list(candidates) || "–" }) : t("listening.by_model", { languages: list(candidates) }) }),
      absent.length === 0
        ? ""
        : el(
          "details",
          { class: "absent" },
          el("summary", { text: t("listening.absent") }),
          el("ul", {}, ["model", "card"].filter((reason) => of(reason).length).map((reason) => el("li", { "data-why": reason, text: t(`listening.absent.${reason}`, { languages: list(of(reason)) }) }))),
        ),
    );
    const last = (await own()).at(-1);
    if (last) follow(last);
  }

  /** This recording's jobs of listening, oldest first. */
  async function own() {
    const answer = await ask("/api/jobs");
    return answer.ok ? answer.data.filter((job) => job.kind === "identify" && job.recording === recording) : [];
  }

  async function begin() {
    go.disabled = true;
    wrong.textContent = "";
    const answer = await ask("/api/jobs", { method: "POST", body: { kind: "identify", recording } });
    if (answer.ok) return follow(answer.data);
    go.disabled = false;
    wrong.textContent = why(answer);
  }

  async function follow(job) {
    if (isOpen(job)) {
      go.disabled = true;
      said.textContent = line(job);
      setTimeout(async () => go.isConnected && follow((await own()).find((one) => one.id === job.id) ?? job), 700);
      return;
    }
    go.disabled = false;
    said.textContent = job.state === "done" ? told(job.result, named) : "";
    wrong.textContent = job.refusal ? sentences(job.refusal) : "";
    if (job.state === "done") show(job);
  }

  function show({ id, result }) {
    // Those that are likeliest, and none of these wherever it stands.
    const shown = result.candidates.filter((one) => one.language !== null).slice(0, MOST);
    const rows = result.candidates.filter((one) => one.language === null || shown.includes(one));
    const first = take && rows.length && empty() ? rows[0] : null;
    const row = (one) => {
      const name = el("span", { class: "name", text: one.language === null ? t("listening.none") : named(one.language) });
      const value = [el("span", { class: "share", "aria-hidden": "true" }, el("span", { style: `width: ${100 * one.probability}%` })), el("span", { class: "number", text: percent(one.probability) })];
      if (!take) return el("li", { class: "proposal" }, name, value);
      const input = el("input", { type: "radio", name: `proposal-${id}`, value: one.language ?? "", checked: one === first, onchange: () => take(one.language ?? "") });
      return el("li", {}, el("label", { class: "proposal" }, input, name, value));
    };
    found.replaceChildren(rows.length ? el("ul", { class: "proposals", role: take ? "radiogroup" : undefined, "aria-label": t("listening.proposals") }, rows.map(row)) : "");
    if (!result.calibrated && rows.length) found.append(el("p", { class: "warn", text: t("listening.uncalibrated") }));
    if (first) take(first.language ?? "");
  }

  look();
  return begin;
}
