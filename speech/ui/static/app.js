// The frame: who one is, in which language, whether the server answers; and each tab filled when it is first there.
import { ask, el, onConnection, t, tagOf, useTexts } from "./api.js";

const PAGES = ["transcribe", "review", "languages", "speak", "learn", "collection"];
const filled = new Map();
let at = "";
let begun = false;
let open_page = "transcribe";
const app = {
  me: null,
  /** Show a tab; `id` is what it should open there: a recording, or a part of the page. */
  go(page, id) {
    at = id ? `${page}/${id}` : page;
    history.replaceState(null, "", `#${at}`);
    open_page = page;
    select();
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
/** A tab is pressed: it has its address, with what is open there, so that it is there again after loading anew. */
function press(page) {
  const id = filled.get(page)?.shown?.();
  at = id ? `${page}/${id}` : page;
  history.replaceState(null, "", `#${at}`);
  open_page = page;
  select();
}

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
  document.documentElement.lang = tagOf(table.data.language);
  document.title = `${t("app.title")} - ${me.data.collection}`;
  const observer = new MutationObserver(() => fill(table.data));
  observer.observe(document.body, { childList: true, subtree: true });
  fill(table.data);
}

function fill(table) {
  const head = document.getElementById("speech-head");
  if (head && !head.dataset.filled) {
    head.dataset.filled = "1";
    head.append(heading(table), tabs());
  }
  const to = begun ? null : wanted();
  if (to && document.querySelector(`#speech-tabs [role=tab][data-tab-id="${to.page}"]`)) {
    begun = true;
    app.go(to.page, to.id);
  }
  select();
  for (const page of PAGES) {
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

/** The tabs: our own, as the frame's hide what a small window has no room for. Arrows go from one to the next. */
function tabs() {
  const step = (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const at = PAGES.indexOf(open_page);
    const to = event.key === "Home" ? 0 : event.key === "End" ? PAGES.length - 1 : by && (at + by + PAGES.length) % PAGES.length;
    if (to === undefined) return;
    event.preventDefault();
    press(PAGES[to]);
    document.getElementById(`to-${PAGES[to]}`).focus();
  };
  return el(
    "div",
    { class: "speech-tabs", role: "tablist", "aria-label": t("app.title"), onkeydown: step },
    PAGES.map((page) => el("button", { type: "button", role: "tab", id: `to-${page}`, "data-tab-id": page, text: t(`tabs.${page}`), onclick: () => press(page) })),
  );
}

/** Show the tab that is wanted, in ours and in the frame's, which makes a page when it is first asked for. */
function select() {
  for (const page of PAGES) {
    const own = document.getElementById(`to-${page}`);
    const now = page === open_page;
    if (own && own.getAttribute("aria-selected") !== String(now)) {
      own.setAttribute("aria-selected", String(now));
      own.tabIndex = now ? 0 : -1;
    }
    const panel = document.getElementById(`tab-${page}`);
    if (panel && own && panel.getAttribute("aria-labelledby") !== own.id) {
      panel.setAttribute("aria-labelledby", own.id);
      own.setAttribute("aria-controls", panel.id);
    }
  }
  const frames = document.querySelector(`#speech-tabs [role=tab][data-tab-id="${open_page}"]`);
  if (frames && frames.getAttribute("aria-selected") !== "true") frames.click();
}

function heading(table) {
  const said = el("span", { text: t("app.connected") });
  const state = el("p", { class: "connection", role: "status" }, said);
  onConnection((now) => {
    said.textContent = now ? t("app.connected") : t("app.lost");
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
    el("p", { class: "collection quiet", text: t("app.collection", { name: app.me.collection }) }),
    state,
    table.languages.length > 1 && el("label", { class: "language" }, el("span", { class: "quiet", text: t("app.language") }), languages),
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
    table.machine.length > 0 && el("p", { class: "machine quiet", text: t("app.machine") }),
  );
}

begin();
