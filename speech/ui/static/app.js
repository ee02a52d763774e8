// The frame: who one is, in which language, whether the server answers; and each tab filled when it is first there.
import { ask, el, onConnection, t, useTexts } from "./api.js";

const PAGES = ["transcribe", "review", "languages", "learn", "collection"];
const filled = new Map();
const app = {
  me: null,
  /** Show a tab; `id` is the recording that it should open. */
  go(page, id) {
    if (id) location.hash = `${page}/${id}`;
    document.querySelector(`[role=tab][data-tab-id="${page}"]`)?.click();
    filled.get(page)?.open?.(id);
  },
};

async function begin() {
  const me = await ask("/api/me");
  if (!me.ok) {
    setTimeout(begin, 2000);
    return;
  }
  app.me = me.data;
  const wanted = me.data.preferences.language ?? navigator.language.split("-")[0];
  let table = await ask("/api/strings/en");
  const codes = table.data.languages.map((one) => one.code);
  // Browsers have two letters where there are (qu, sw), tables may have three (que, swh).
  const chosen = codes.includes(wanted) ? wanted : codes.find((code) => code.length === 3 && code.startsWith(wanted));
  if (chosen && chosen !== "en") table = await ask(`/api/strings/${chosen}`);
  useTexts(table.data.strings);
  document.documentElement.lang = table.data.language;
  document.title = `${t("app.title")} - ${me.data.collection}`;
  const observer = new MutationObserver(() => fill(table.data));
  observer.observe(document.body, { childList: true, subtree: true });
  fill(table.data);
}

function fill(table) {
  const head = document.getElementById("speech-head");
  if (head && !head.dataset.filled) {
    head.dataset.filled = "1";
    head.append(heading(table));
  }
  for (const page of PAGES) {
    for (const tab of document.querySelectorAll(`[data-tab-id="${page}"]`)) {
      if (tab.textContent.trim() !== t(`tabs.${page}`)) tab.textContent = t(`tabs.${page}`);
    }
    const root = document.getElementById(`page-${page}`);
    if (root && !root.dataset.filled) {
      root.dataset.filled = "1";
      import(`./page-${page}.js`).then(async (module) => {
        const own = el("div", { class: "speech-page" });
        root.append(own);
        filled.set(page, (await module.show(own, app)) ?? {});
        const [wanted, id] = location.hash.slice(1).split("/");
        if (wanted === page && id) app.go(page, id);
      });
    }
  }
}

function heading(table) {
  const state = el("p", { class: "connection", role: "status", text: t("app.connected") });
  onConnection((now) => {
    state.textContent = now ? t("app.connected") : t("app.lost");
    state.classList.toggle("lost", !now);
  });
  setInterval(() => ask("/api/me"), 15000);
  const languages = el(
    "select",
    {
      id: "speech-language",
      onchange: async (event) => {
        await ask("/api/me/preferences", { method: "PUT", body: { name: "language", value: event.target.value } });
        location.reload();
      },
    },
    table.languages.map((one) => el("option", { value: one.code, text: one.name })),
  );
  languages.value = table.language;
  return el(
    "header",
    { class: "speech-bar" },
    el("h1", { text: t("app.title") }),
    el("p", { text: t("app.collection", { name: app.me.collection }) }),
    el("span", { class: "grow" }),
    state,
    table.languages.length > 1 && el("label", {}, el("span", { class: "quiet", text: `${t("app.language")} ` }), languages),
    table.machine.length > 0 && el("p", { class: "quiet", text: t("app.machine") }),
    !app.me.alone && el("p", { text: t("app.person", { person: app.me.person }) }),
    !app.me.alone &&
      el("button", {
        class: "plain",
        text: t("app.sign_out"),
        onclick: async () => {
          await ask("/api/sign-out", { method: "POST" });
          location.assign("/sign-in");
        },
      }),
  );
}

begin();
