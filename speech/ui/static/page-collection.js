// Collection: how far each recording is, in sums that are exact; and what is taken away, and by whom.
import { ask, clock, el, repeat, t, why } from "./api.js";
import { agreement } from "./consent-form.js";

const FORMATS = { eaf: "ELAN (.eaf)", textgrid: "Praat (.TextGrid)", srt: ".srt", vtt: ".vtt", rttm: ".rttm", csv: ".csv", csv_words: ".words.csv", json: ".json", txt: ".txt" };

export async function show(root, app) {
  const body = el("tbody");
  const empty = el("div", { class: "nothing", hidden: true }, el("p", { text: t("collection.empty") }), el("button", { text: t("tabs.transcribe"), onclick: () => app.go("transcribe") }));
  const heads = ["recording", "length", "drafted", "approved", "unsure", "unheard"];
  const table = el("table", { class: "progress" }, el("thead", {}, el("tr", {}, heads.map((name, n) => el("th", { scope: "col", class: n ? "number" : null, text: t(`collection.${name}`) })))), body);
  root.append(el("h2", { text: t("collection.heading") }), empty, el("div", { class: "wide" }, table));
  const chosen = new Set();
  const exporting = app.me.may.includes("exports");
  let known = "";

  async function look() {
    const answer = await ask("/api/progress");
    if (!answer.ok || JSON.stringify(answer.data) === known) return;
    known = JSON.stringify(answer.data);
    empty.hidden = answer.data.recordings.length > 0;
    table.hidden = answer.data.recordings.length === 0;
    body.replaceChildren(...answer.data.recordings.map((one) => row(one)), row({ ...answer.data.total, name: t("collection.all") }, "sum"));
  }

  function row(one, kind) {
    const both = (count) => (count.segments ? `${count.segments} (${clock(count.ms)})` : "0");
    const tick =
      exporting && !kind && one.drafted
        ? el("input", { type: "checkbox", checked: chosen.has(one.id), "aria-label": t("collection.tick", { name: one.name }), onchange: (event) => {
              chosen[event.target.checked ? "add" : "delete"](one.id);
              root.dispatchEvent(new Event("chosen"));
            },
          })
        : null;
    return el(
      "tr",
      { class: kind },
      el("th", { scope: "row" }, el("div", { class: "name" }, tick, one.drafted && !kind ? el("button", { class: "link", text: one.name, onclick: () => app.go("review", one.id) }) : el("span", { text: one.name }))),
      [one.duration_ms >= 500 ? clock(one.duration_ms) : "–", ...(one.drafted || kind ? [both(one), both(one.by.approved), both(one.by.unsure), both(one.unheard)] : ["–", "–", "–", "–"])].map((text, n) =>
        el("td", { class: "number", "data-label": t(`collection.${heads[n + 1]}`), text }),
      ),
    );
  }

  await look();
  repeat(look, 15000);
  if (exporting) await takeAway(root, chosen);
  if (!app.me.may.includes("consent")) return {};
  const agreed = await agreement(root, app);
  return {
    open: (what) => {
      if (what === "consent") agreed.focus();
      else agreed.look();
    },
  };
}

async function takeAway(root, chosen) {
  const said = el("p", { role: "status" });
  const taken = el("ul");
  const ticks = Object.entries(FORMATS).map(([name, shown]) => el("label", { class: "choice" }, el("input", { type: "checkbox", value: name, checked: name === "eaf" }), el("span", { text: shown })));
  const go = el("button", { text: t("collection.download"), disabled: true });
  const ready = () => (go.disabled = !chosen.size || !box.querySelector("fieldset input:checked"));
  root.addEventListener("chosen", ready);
  const box = el(
    "section",
    { class: "box" },
    el("h3", { text: t("collection.take") }),
    el("p", { class: "quiet", text: t("collection.take_how") }),
    el("fieldset", { class: "row" }, el("legend", { text: t("collection.formats") }), ticks),
    go,
    said,
    el("h3", { text: t("collection.exports") }),
    taken,
  );
  root.append(box);
  box.addEventListener("change", ready);
  go.addEventListener("click", async () => {
    const formats = [...box.querySelectorAll("fieldset input:checked")].map((one) => one.value);
    said.className = "";
    said.textContent = t("collection.making");
    go.disabled = true;
    const answer = await ask("/api/exports", { method: "POST", body: { recordings: [...chosen], formats } });
    ready();
    if (!answer.ok) {
      said.className = "error";
      said.textContent = why(answer);
      return;
    }
    const told = [...answer.data.losses, ...answer.data.refused.map((one) => `${one.what}. ${one.mend}.`)];
    const link = el("a", { href: `/download/export/${answer.data.id}`, download: "", class: "button", text: t("collection.save") });
    // What the formats cannot hold is said before anything is taken away.
    said.replaceChildren(told.length ? el("span", { text: t("collection.losses") }) : "", ...told.map((text) => el("span", { class: "loss", text })), link);
    if (!told.length) link.click();
    look();
  });

  async function look() {
    const answer = await ask("/api/exports");
    if (!answer.ok) return;
    const rows = answer.data.map((one) =>
      el("li", { text: t("collection.export_row", { at: one.at.slice(0, 16).replace("T", " "), formats: one.formats.join(", "), count: one.recordings, person: one.person }) }),
    );
    taken.replaceChildren(...(rows.length ? rows : [el("li", { class: "quiet", text: t("collection.exports_none") })]));
  }
  await look();
}
