// Who speaks: whether voices are told apart, how many there are, by what; or each channel is one person's.
import { ask, el, t } from "./api.js";

/** The choice for a recording: its `element`, and the `settings` of a job. */
export function speakersChoice(recording) {
  const offered = ["off", "auto", "number"];
  const who = el("select", { id: "transcribe-speakers", onchange: () => show() }, offered.map(option));
  const count = el("input", { id: "transcribe-count", value: "2", maxlength: "7", pattern: "[1-9][0-9]{0,2}(-[1-9][0-9]{0,2})?", autocomplete: "off" });
  const diariser = el("select", { id: "transcribe-diariser" });
  const counted = el("div", {}, el("label", { for: count.id, text: t("speakers.count") }), count);
  const by = el("div", {}, el("label", { for: diariser.id, text: t("speakers.diariser") }), diariser);
  const element = el("div", { class: "speakers" }, el("label", { for: who.id, text: t("speakers.who") }), who, counted, by);

  function option(value) {
    return el("option", { value, text: t(`speakers.${value}`) });
  }

  function show() {
    counted.hidden = who.value !== "number";
    by.hidden = !["auto", "number"].includes(who.value);
  }

  async function look() {
    const [engines, facts] = await Promise.all([ask("/api/jobs/diarisers"), ask(`/api/recordings/${recording}/facts`)]);
    if (engines.ok) diariser.replaceChildren(...engines.data.map((name) => el("option", { value: name, text: t(`speakers.by.${name}`) })));
    if (facts.ok && facts.data.wait) setTimeout(() => element.isConnected && look(), 1500);
    if (facts.ok && facts.data.channels > 1 && !who.querySelector("[value=channels]")) who.append(option("channels"));
  }

  show();
  look();
  return {
    element,
    settings: () => ({
      speakers: who.value === "number" ? count.value.replaceAll(" ", "") : who.value === "auto" ? "auto" : "off",
      channels: who.value === "channels" ? "per-speaker" : "mix",
      diariser: diariser.value || "embedded",
    }),
  };
}
