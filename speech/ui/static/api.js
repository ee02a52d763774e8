// What the pages share: asking the server, texts in the person's language, and elements made of text alone.
let texts = {};
const listeners = new Set();
export let connected = true;

export function onConnection(listener) {
  listeners.add(listener);
}

function isConnected(now) {
  if (now !== connected) {
    connected = now;
    for (const listener of listeners) listener(now);
  }
}

/** A text by its key, with `{names}` filled in; plural forms by `count`. */
export function t(key, fill = {}) {
  let text = texts[key] ?? key;
  if (typeof text === "object") {
    text = text[new Intl.PluralRules(document.documentElement.lang || "en").select(fill.count ?? 0)] ?? text.other;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in fill ? String(fill[name]) : whole));
}

export function useTexts(found) {
  texts = found;
}

/** Ask one of our routes: {ok, status, data}. Status 0 where the server does not answer; without a session, the sign-in page. */
export async function ask(path, { method = "GET", body, bytes, signal } = {}) {
  const headers = method === "GET" ? {} : { "X-Speech": "1" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (bytes !== undefined) headers["Content-Type"] = "application/octet-stream";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: bytes ?? (body === undefined ? undefined : JSON.stringify(body)), signal });
  } catch (error) {
    if (error.name !== "AbortError") isConnected(false);
    return { ok: false, status: 0, data: null };
  }
  isConnected(true);
  if (answer.status === 401) {
    location.assign("/sign-in");
    return { ok: false, status: 401, data: null };
  }
  const data = await answer.json().catch(() => null);
  return { ok: answer.ok, status: answer.status, data };
}

/** Why something was refused, for people. */
export function why({ status, data }) {
  if (status === 0) return t("app.lost");
  return t("app.failed", { what: data?.what ?? status, mend: data?.mend ?? "" }).replace(/\s*\.+\s*$/, ".").replace(/\.\s+\./g, ".");
}

/** What was found, and what mends it, as sentences. */
export function sentences({ what, mend }) {
  const made = [what, mend].filter(Boolean).map((text) => `${text[0].toUpperCase()}${text.slice(1)}`.replace(/\.*$/, "."));
  return made.join(" ");
}

/** An element: properties (`on...`, `class`, `text`, attributes) and children. No text is ever read as HTML. */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "text") made.textContent = value;
    else if (name === "class") made.className = value;
    else if (name === "value" || name === "checked" || name === "disabled") made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** A language's code as browsers and screen readers know it: two letters where there are, nothing where it is not known. */
export function tagOf(code) {
  try {
    return code === "und" ? "" : Intl.getCanonicalLocales(code)[0];
  } catch {
    return "";
  }
}

/** A time: 1:02:03, or 2:03. */
export function clock(ms) {
  const all = Math.round(ms / 1000);
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (n) => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** Calls `work` every so often while `root` is on the page and the page is seen; at once where asked to. */
export function repeat(work, every_ms) {
  let timer = 0;
  async function round() {
    clearTimeout(timer);
    if (!document.hidden) await work();
    timer = setTimeout(round, every_ms);
  }
  document.addEventListener("visibilitychange", () => !document.hidden && round());
  round();
  return round;
}
