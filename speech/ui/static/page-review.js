// Review: one of the recordings that have a transcript, in the element that does the work.
import { ask, el, repeat, t } from "./api.js";

export async function show(root, app) {
  const picker = el("select", { id: "review-recording", onchange: () => app.go("review", picker.value) });
  const empty = el("div", { class: "nothing", hidden: true }, el("p", { text: t("review.empty") }), el("button", { text: t("tabs.transcribe"), onclick: () => app.go("transcribe") }));
  const alone = el("a", { text: t("review.alone"), hidden: true });
  const bar = el("div", { class: "review-choose", slot: "heading" }, el("label", { class: "hidden", for: picker.id, text: t("review.choose") }), picker, alone);
  const place = el("div", { class: "review-place" });
  root.append(el("h2", { class: "hidden-heading", text: t("review.heading") }), empty, place);
  let known = "";

  async function look() {
    const answer = await ask("/api/recordings");
    if (!answer.ok) return;
    const drafted = answer.data.filter((one) => one.drafted && one.allowed);
    const now = JSON.stringify(drafted.map((one) => [one.id, one.name]));
    empty.hidden = drafted.length > 0;
    if (now === known) return;
    known = now;
    const chosen = picker.value;
    picker.replaceChildren(...drafted.map((one) => el("option", { value: one.id, text: one.name })));
    if (drafted.some((one) => one.id === chosen)) picker.value = chosen;
    else if (drafted.length) open(drafted[0].id);
  }

  function open(id) {
    if (!id) return;
    if (![...picker.options].some((option) => option.value === id)) {
      known = "";
      look().then(() => [...picker.options].some((option) => option.value === id) && open(id));
      return;
    }
    picker.value = id;
    alone.href = `/review/${id}`;
    alone.hidden = false;
    import("./review.js");
    // One element for all recordings: the choice stands in its head, and keeps the focus.
    const shown = place.firstChild;
    if (!shown) place.append(el("speech-review", { recording: id, choosing: true }, bar));
    else if (shown.getAttribute("recording") !== id) shown.setAttribute("recording", id);
  }

  await look();
  repeat(look, 10000);
  return { open, shown: () => picker.value };
}
