"""The app on loopback and a person at its review page, in Chromium: for the tests that drive a browser, and for benchmarks and recipes
that measure or use it. Needs the extras `app` and `dev`.

Playwright runs a loop of its own in the thread that opened it, and another cannot run there meanwhile: a browser is opened for the
tests of a file and closed after them, and the app is built in a thread beside."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from speech.collections.consent import OWN_USE
from speech.store import Store, open_store
from speech.ui.held import BASIS
from speech.ui.served import Served
from speech.ui.server import build, listening_on
from speech.ui.users import LOCAL, Users
from tests.ui_element import sessions

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM = next((Path(found) for name in NAMES if (found := shutil.which(name))), Path("/usr/bin/chromium"))
"""The one that is used; where there is none, where Debian's would be."""
ARGUMENTS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",  # 64 MB of /dev/shm in containers is too little for a page
    "--autoplay-policy=no-user-gesture-required",
    "--enable-precise-memory-info",
    "--mute-audio",
)
PATIENCE_MS = 60_000
"""How long a page is waited for: a bound against hanging, not a limit."""
REVIEW = "speech-review"
AUDIO = f"document.querySelector('{REVIEW}').shadowRoot.querySelector('audio')"
NODES = """(() => {
    const count = root => [...root.querySelectorAll('*')].reduce((n, e) => n + 1 + (e.shadowRoot ? count(e.shadowRoot) : 0), 0);
    return count(document);
})()"""
"""Elements of the page, those inside shadow roots, too."""


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """A headless Chromium, with a home of its own."""
    with tempfile.TemporaryDirectory(prefix="speech-chromium-", ignore_cleanup_errors=True) as home, sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=[*ARGUMENTS, *more],
            env={**os.environ, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home},
            timeout=2 * PATIENCE_MS,
        )
        try:
            yield opened
        finally:
            opened.close()


@dataclass
class Server:
    """The app on loopback in a thread; it can be stopped and started again on its port."""

    served: Served
    port: int = 0
    _server: Any = None
    _thread: threading.Thread | None = None
    _listening: Any = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        import uvicorn

        listening = self._listening = listening_on("127.0.0.1", self.port)
        self.port = int(listening.getsockname()[1])
        # Playwright's loop runs in this thread; Gradio wants one of its own.
        with ThreadPoolExecutor(1) as aside:
            app = aside.submit(build, self.served, host="127.0.0.1", port=self.port).result()
        self._server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=1)
        )
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]}, daemon=True)
        self._thread.start()
        until = time.monotonic() + 120
        while not self._server.started and time.monotonic() < until:
            time.sleep(0.02)

    def stop(self) -> None:
        if self._server is not None:
            self._server.should_exit = self._server.force_exit = True
            assert self._thread is not None
            self._thread.join(10)
            self._listening.close()
            self._server = None
            self.served.aloud.end()

    def cookie(self, person: str) -> dict[str, Any]:
        return {"name": "speech_session", "value": self.served.sessions.begin(person), "url": self.address}


@dataclass(kw_only=True)
class Site(Server):
    """The same with the recordings that it serves: file name -> id."""

    store: Store
    ids: dict[str, str]


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    """The site while it is needed."""
    site.start()
    try:
        yield site
    finally:
        site.stop()
        site.store.close()


def make_site(
    folder: Path,
    made: list[sessions.Made],
    users: Path | None = None,
    write: Callable[[sessions.Made, Path], None] = sessions.write_sound,
) -> tuple[Store, Served, dict[str, str]]:
    """A collection below `folder` with these recordings, drafted and looked at, and what serves it; `write` writes a recording's file."""
    tapes = folder / "tapes"
    tapes.mkdir(parents=True)
    for one in made:
        write(one, tapes)
    store = open_store(folder / "store.sqlite3")
    served = Served(store, tapes, users=Users(users))
    served.preferences.keep(f"workspace {served.id}", BASIS, OWN_USE)
    served.workspace().refresh()
    ids = {r.path: r.id for r in served.workspace().recordings()}
    for one in made:
        sessions.draft(store, one, ids[one.name])
        sessions.look_at(store, one, ids[one.name], tapes, served.place / "peaks")
    return store, served, ids


@dataclass
class Desk:
    """A person at a page."""

    page: Page
    site: Site
    recording: str
    faults: list[str] = field(default_factory=list)

    @property
    def review(self) -> Any:
        return self.page.locator(REVIEW)

    @property
    def text(self) -> Any:
        """The field of the chosen segment."""
        return self.page.locator(".typing textarea")

    @property
    def chosen(self) -> str:
        return str(self.page.locator(".row.chosen").get_attribute("data-id"))

    @property
    def saved(self) -> Any:
        return self.page.locator(".save")

    def wait_saved(self) -> None:
        self.page.wait_for_function(
            "() => /Saved \\d|All is saved/.test(document.querySelector('speech-review').shadowRoot.querySelector('.save').textContent)"
        )

    def wait_drawn(self) -> None:
        """What follows from a change of sizes or of the place in the list is on the screen."""
        self.page.evaluate("async () => { for (let n = 0; n < 3; n++) await new Promise(done => requestAnimationFrame(done)); }")

    def click(self, id: str, part: str = ".text") -> None:
        self.page.locator(f".row[data-id='{id}'] {part}").first.click()

    def list(self) -> None:
        """Leave the text for the list."""
        self.page.keyboard.press("Escape")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def focus(self) -> str:
        """What has the focus: the class of the element, or its tag."""
        return str(
            self.page.evaluate(
                """() => { const one = document.querySelector('speech-review').shadowRoot.activeElement;
                return one ? (one.className || one.tagName.toLowerCase()) : 'nothing'; }"""
            )
        )

    def segments(self) -> dict[str, dict[str, Any]]:
        """What the store holds."""
        from speech.review import edits

        return dict(edits.segments_of(self.site.store, self.recording).forms)

    def hear_all(self) -> None:
        from speech.review import edits

        for id in self.segments():
            edits.mark_heard(self.site.store, self.recording, id, LOCAL)


def sit_down(
    browser: Browser, site: Site, name: str = sessions.SMALL, *, person: str = LOCAL, size: tuple[int, int] = (1366, 768), **more: Any
) -> Desk:
    """Opens a recording of a site in a browser context of its own, as a person; who calls closes `page.context`."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale="en-GB", **more)
    context.add_cookies([site.cookie(person)])  # type: ignore[list-item]  # a plain mapping
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    desk = Desk(page=page, site=site, recording=site.ids[name])
    own = (f"{site.address}/", f"blob:{site.address}/", "data:")
    page.on("pageerror", lambda error: desk.faults.append(str(error)))
    context.on("request", lambda asked: None if asked.url.startswith(own) else desk.faults.append(f"it left the machine: {asked.url}"))
    page.on("console", lambda said: desk.faults.append(said.text) if "Content Security Policy" in said.text else None)
    page.goto(f"{site.address}/review/{desk.recording}")
    try:
        page.locator(".row.chosen, .review .empty:not([hidden])").first.wait_for()
    except PlaywrightError as error:
        raise AssertionError(f"the page does not open: {desk.faults}") from error
    return desk
