// What a voice cannot say of a text, with its places, and what is to be done about it; and what numbers and signs are said as.
import { el, t } from "./api.js";

const SHOWN = 12;

/** The place in a field that an offset of the server (whole characters) has there (halves of some). */
const inField = (text, offset) => [...text].slice(0, offset).join("").length;

/**
 * Letters that the voice cannot say, each with its name and places: a press on a place goes there in `field`.
 * `choice` is what was chosen for them ("refuse": nothing yet), `chosen` gets another.
 */
export function letters(unsaid, field, choice, chosen) {
  if (!unsaid.length) return "";
  const go = (letter, place) => {
    const from = inField(field.value, place);
    field.focus();
    field.setSelectionRange(from, from + letter.length);
  };
  const rows = unsaid.map((one) => {
    const near = one.nearest === null ? t("speak.nearest_none") : one.nearest === "" ? t("speak.nearest_out") : t("speak.nearest", { letter: one.nearest });
    return el(
      "li",
      {},
      el("strong", {}, el("bdi", { class: "letter", text: one.letter })),
      ` ${one.name} · ${near}`,
      el(
        "div",
        { class: "places" },
        el("span", { class: "quiet", text: t("speak.times", { count: one.places.length }) }),
        one.places.slice(0, SHOWN).map((place) => el("button", { class: "plain place", type: "button", text: String(place + 1), "aria-label": t("speak.place", { letter: one.letter, place: place + 1 }), onclick: () => go(one.letter, place) })),
        one.places.length > SHOWN && el("span", { class: "quiet", text: t("speak.more_places", { count: one.places.length - SHOWN }) }),
      ),
    );
  });
  const none = unsaid.some((one) => one.nearest === null);
  // Where one letter has no other near it, "nearest" alone would be refused.
  const offered = none ? ["leave-out"] : ["nearest"];
  const option = (name) => el("label", { class: "choice" }, el("input", { type: "checkbox", value: name, checked: choice === name, onchange: (event) => chosen(event.target.checked ? name : "refuse") }), el("span", { text: t(`speak.letters.${name}`) }));
  return el("section", { class: "box", "aria-labelledby": "unsaid-heading" }, el("h3", { id: "unsaid-heading", class: "warn", text: t("speak.unsaid", { count: unsaid.length }) }), el("ul", {}, rows), el("p", { text: t("speak.unsaid_how") }), offered.map(option));
}

/** Numbers, abbreviations and signs, with the words that are said for them. */
export function replaced(rows) {
  if (!rows.length) return "";
  const list = rows.slice(0, 200).map((one) => el("li", {}, el("bdi", { text: one.was }), " → ", el("bdi", { text: one.spoken || t("speak.nothing") })));
  return el("details", {}, el("summary", { text: t("speak.replaced", { count: rows.length }) }), el("ul", {}, list));
}
