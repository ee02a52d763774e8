// Which key does what: in the text and on the list. Tab always moves on; nothing is bound that browsers, systems, input methods or screen
// readers need. Every key can be changed; single letters can be switched off (WCAG 2.1.4).
export const ACTS = {
  next: { text: ["Enter"] },
  previous: { text: ["Shift+Enter"] },
  play: { text: ["Control+Enter", "Meta+Enter", "F8"], list: ["Space", "Control+Enter", "F8"] },
  back: { text: ["Shift+F8"], list: ["Shift+F8"] },
  palette: { text: ["F2"], list: ["F2"] },
  up: { text: ["Alt+ArrowUp"], list: ["ArrowUp", "Alt+ArrowUp"] },
  down: { text: ["Alt+ArrowDown"], list: ["ArrowDown", "Alt+ArrowDown"] },
  first: { list: ["Home"] },
  last: { list: ["End"] },
  edit: { list: ["Enter"] },
  approve_next: { text: ["Control+Shift+Enter", "Meta+Shift+Enter"], list: ["Control+Shift+Enter"] },
  undo: { text: ["Control+z", "Meta+z"], list: ["Control+z", "Meta+z"] },
  redo: { text: ["Control+Shift+z", "Meta+Shift+z"], list: ["Control+Shift+z", "Meta+Shift+z"] },
  find: { text: ["Control+f", "Meta+f"], list: ["Control+f", "Meta+f"] },
  leave: { text: ["Escape"], list: ["Escape"] },
  earlier: { list: ["ArrowLeft"] },
  later: { list: ["ArrowRight"] },
  approve: { list: ["a"] },
  unsure: { list: ["u"] },
  not_speech: { list: ["x"] },
  split: { list: ["s"] },
  merge: { list: ["m"] },
  delete: { list: ["Delete"] },
  times: { list: ["t"] },
  history: { list: ["h"] },
  loop: { list: ["l"] },
  slower: { list: ["-"] },
  faster: { list: ["+"] },
  help: { list: ["?"] },
};

/** The name of a pressed key with its modifiers, as `ACTS` writes it. */
export function nameOf(event) {
  const key = event.key === " " ? "Space" : event.key.length === 1 && (event.ctrlKey || event.metaKey) ? event.key.toLowerCase() : event.key;
  const shift = event.shiftKey && (key.length > 1 || event.ctrlKey || event.metaKey);
  return [event.ctrlKey && "Control", event.metaKey && "Meta", event.altKey && "Alt", shift && "Shift", key].filter(Boolean).join("+");
}

/** Whether a key is a single letter or sign, which a person may switch off. */
export function isLetter(name) {
  return [...name].length === 1;
}

/**
 * What a pressed key does in the text or on the list; null for nothing, and while a word is being composed.
 * @param {{changed?: Object<string, string[]>, letters?: boolean}} choices of the person: other keys by `where.act`, letters off
 */
export function actOf(event, where, choices = {}) {
  if (event.isComposing || event.keyCode === 229) return null;
  const pressed = nameOf(event);
  if (isLetter(pressed) && choices.letters === false) return null;
  for (const [act, places] of Object.entries(ACTS)) {
    const keys = choices.changed?.[`${where}.${act}`] ?? places[where] ?? [];
    if (keys.includes(pressed)) return act;
  }
  return null;
}
