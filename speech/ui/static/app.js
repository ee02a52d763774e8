// The frame: who one is, in which language, whether the server answers; and each tab filled when it is first there.
import { ask, el, onConnection, t, useTexts } from "./api.js";

const PAGES = ["transcribe", "review", "languages", "learn", "collection"];
const filled = new Map();
let at = "";
let begun = false;
const app = {
  me: null,
  /** Show a tab; `id` is what it should open there: a recording, or a part of the page. */
  go(page, id) {
    at = id ? `${page}/${id}` : page;
    history.replaceState(null, "", `#${at}`);
    document.querySelector(`[role=tab][data-tab-id="${page}"]`)?.click();
    filled.get(page)?.open?.(id);
  },
};

/** The tab that the address names, and what to open there: `#learn`, `#review/ID`. */
function wanted() {
  const [page, id] = location.hash.slice(1).split("/");
  return PAGES.includes(page) ? { page, id } : null;
}

// An address typed, or followed: as if its tab were pressed.
window.addEventListener("hashchange", () => {
  const to = wanted();
  if (to && location.hash.slice(1) !== at) app.go(to.page, to.id);
});
// A tab pressed by a person has its address, so that it is there again after loading anew.
document.addEventListener("click", (event) => {
  const tab = event.isTrusted && event.target.closest?.("[role=tab][data-tab-id]");
  if (!tab || !PAGES.includes(tab.dataset.tabId)) return;
  const id = filled.get(tab.dataset.tabId)?.shown?.();
  at = id ? `${tab.dataset.tabId}/${id}` : tab.dataset.tabId;
  history.replaceState(null, "", `#${at}`);
});

async function begin() {
  const me = await ask("/api/me");
  if (!me.ok) {
    setTimeout(begin, 2000);
    return;
  }
  app.me = me.data;
  const spoken = me.data.preferences.language ?? navigator.language.split("-")[0];
  let table = await ask("/api/strings/en");
  const codes = table.data.languages.map((one) => one.code);
  // Browsers have two letters where there are (qu, sw), tables may have three (que, swh).
  const chosen = codes.includes(spoken) ? spoken : codes.find((code) => code.length === 3 && code.startsWith(spoken));
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
  const to = begun ? null : wanted();
  if (to && document.querySelector(`[role=tab][data-tab-id="${to.page}"]`)) {
    begun = true;
    app.go(to.page, to.id);
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
        const to = wanted();
        if (to?.page === page && to.id) app.go(page, to.id);
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
