// Review: one of the recordings that have a transcript, in the element that does the work.
import { ask, el, repeat, t } from "./api.js";

export async function show(root, app) {
  const picker = el("select", { id: "review-recording", onchange: () => app.go("review", picker.value) });
  const empty = el("p", { class: "quiet", text: t("review.empty") });
  const alone = el("a", { text: t("review.alone"), hidden: true });
  const bar = el("div", { class: "row", hidden: true }, el("label", { for: picker.id, text: t("review.choose") }), picker, alone);
  const place = el("div", { class: "review-place" });
  root.append(el("h2", { class: "hidden-heading", text: t("review.heading") }), empty, bar, place);
  let known = "";

  async function look() {
    const answer = await ask("/api/recordings");
    if (!answer.ok) return;
    const drafted = answer.data.filter((one) => one.drafted && one.allowed);
    const now = JSON.stringify(drafted.map((one) => [one.id, one.name]));
    empty.hidden = drafted.length > 0;
    bar.hidden = drafted.length === 0;
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
    if (place.firstChild?.getAttribute("recording") !== id) {
      place.replaceChildren(el("speech-review", { recording: id }));
    }
  }

  await look();
  repeat(look, 10000);
  return { open, shown: () => picker.value };
}
