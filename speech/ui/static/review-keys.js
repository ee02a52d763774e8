// Keys: which does what, in the text and on the list; a person may change each, and switch single letters off.

/** Each act that has a key: the keys at first, by place. Order is that of the help. */
export const KEYS = {
  text: {
    next: ["Enter"],
    previous: ["Shift+Enter"],
    play: ["Ctrl+Enter", "F8"],
    back: ["Shift+F8"],
    read_back: ["Ctrl+Shift+F8"],
    palette: ["F2"],
    tone: ["Ctrl+."],
    alternative: ["F4"],
    move_down: ["Alt+ArrowDown"],
    move_up: ["Alt+ArrowUp"],
    approve_next: ["Ctrl+Shift+Enter"],
    undo: ["Ctrl+z"],
    redo: ["Ctrl+Shift+z"],
    find: ["Ctrl+f"],
    leave: ["Escape"],
  },
  list: {
    play: [" "],
    move_down: ["ArrowDown"],
    move_up: ["ArrowUp"],
    first: ["Home"],
    last: ["End"],
    edit: ["Enter"],
    seek_back: ["ArrowLeft"],
    seek_on: ["ArrowRight"],
    approve: ["a"],
    unsure: ["u"],
    not_speech: ["x"],
    split: ["s"],
    merge: ["m"],
    delete: ["Delete"],
    add: ["n"],
    times: ["t"],
    history: ["h"],
    loop: ["l"],
    read_back: ["v"],
    slower: ["-"],
    faster: ["+"],
    approve_next: ["Ctrl+Shift+Enter"],
    undo: ["Ctrl+z"],
    redo: ["Ctrl+Shift+z"],
    find: ["Ctrl+f"],
    help: ["?"],
    leave: ["Escape"],
  },
};

/** Keys of the browser, the system and screen readers, which are never taken. */
const NEVER = new Set([
  ..."wtnlrpsd".split("").flatMap((letter) => [`Ctrl+${letter}`, `Ctrl+Shift+${letter}`]),
  "Ctrl+ ", "Shift+ ", "Alt+ArrowLeft", "Alt+ArrowRight", "Ctrl+ArrowUp", "Insert", "CapsLock", "Tab", "Shift+Tab",
  "F1", "F3", "F5", "F6", "F7", "F9", "F10", "F11", "F12",
]); // prettier-ignore

/** The name of what was pressed, such as "Ctrl+Shift+z"; Cmd counts as Ctrl. */
export function pressed(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const sign = event.key.length === 1 && !/\p{L}|\p{N}| /u.test(event.key);
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
  if (event.altKey) parts.push("Alt");
  // A sign such as "?" or "+" is the same wherever the keyboard has it.
  if (event.shiftKey && !sign) parts.push("Shift");
  return [...parts, key].join("+");
}

/** Whether a key may be given to an act. */
export function allowed(name) {
  const parts = name.split("+");
  if (NEVER.has(name) || ["Control", "Shift", "Alt", "Meta", "AltGraph", "Dead", "Process", "Unidentified"].includes(parts.at(-1))) return false;
  if (parts.includes("Alt") && /^\p{L}$/u.test(parts.at(-1))) return false; // Option types letters, Alt opens menus
  return !(parts.includes("Ctrl") && parts.includes("Alt")); // AltGr
}

/** Whether a key writes something by itself: those can be switched off on the list, and never act in the text. */
export const isSingle = (name) => [...name].length === 1 && name !== " ";

export class Keys {
  /** @param {{changed?: object, single?: boolean}} kept what the person chose: `{"list.approve": ["g"]}`, single letters */
  constructor(kept = {}) {
    this.changed = { ...kept.changed };
    this.single = kept.single ?? true;
  }

  /** The keys of an act. */
  of(place, act) {
    return this.changed[`${place}.${act}`] ?? KEYS[place][act] ?? [];
  }

  /** The act of what was pressed, or null. Digits on the list choose a speaker: "speaker.1". */
  act(place, event) {
    if (event.isComposing || event.keyCode === 229) return null;
    const name = pressed(event);
    if (isSingle(name) && (place === "text" || !this.single)) return null;
    for (const act of Object.keys(KEYS[place])) {
      if (this.of(place, act).includes(name)) return act;
    }
    if (place === "list" && /^[1-9]$/.test(name)) return `speaker.${name}`;
    return null;
  }

  /** Give a key to an act; false where it may not be, or the name of the act that has it. */
  set(place, act, name) {
    if (!allowed(name) || (place === "text" && isSingle(name))) return false;
    const taken = Object.keys(KEYS[place]).find((other) => other !== act && this.of(place, other).includes(name));
    if (taken) return taken;
    this.changed[`${place}.${act}`] = [name];
    return true;
  }

  kept() {
    return { changed: this.changed, single: this.single };
  }
}

const SHOWN = { " ": "Space", ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc", Delete: "Del" };

/** A key as it is shown: "Ctrl + Shift + Z". */
export function shown(name) {
  const parts = name === "+" ? ["+"] : name.split("+");
  return parts.map((part) => SHOWN[part] ?? (part.length === 1 ? part.toUpperCase() : part)).join(" + ");
}
