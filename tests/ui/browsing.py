"""Pages of the app in a browser, as a person who is signed in sees them."""

from __future__ import annotations

from playwright.sync_api import Browser, BrowserContext, Page

from speech.ui.served import Served
from speech.ui.users import LOCAL
from tests.app_site import PATIENCE_MS, Server


class Open:
    """Served collections, and pages of a person who is signed in; what a page complains of fails the test."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._servers: dict[int, Server] = {}
        self.faults: list[str] = []

    def page(self, served: Served, at: str = "/", *, language: str = "en-GB") -> Page:
        """A page of a browser of its own."""
        server = self.server(served)
        context = self._browser.new_context(locale=language, viewport={"width": 1366, "height": 900})
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies([server.cookie(LOCAL)])  # type: ignore[list-item]  # a plain mapping
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.goto(f"{server.address}{at}")
        return page

    def server(self, served: Served) -> Server:
        """The server of a collection, started where it is not there yet."""
        if id(served) not in self._servers:
            self._servers[id(served)] = Server(served)
            self._servers[id(served)].start()
        return self._servers[id(served)]

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        for server in self._servers.values():
            server.stop()
