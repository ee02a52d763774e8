"""The element in Debian's Chromium, against the app's own server on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed (the extra dev)")
pytest.importorskip("gradio", reason="the extra app is not installed")

from playwright.sync_api import Browser

from speech.collections.consent import OWN_USE
from speech.store import open_store
from speech.ui.held import BASIS
from speech.ui.served import Served
from speech.ui.users import Users, add_user
from tests.app_site import Desk, Site, make_site, sit_down
from tests.ui.conftest import work_off
from tests.ui_element import sessions

__all__ = ["Desk", "Site", "make_site"]  # the tests' own names for them

PASSWORD = "correct horse"
PEOPLE = {"ana": "reviewer", "ben": "reviewer", "ida": "listener"}


@pytest.fixture
def open_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Makes a server with the given recordings."""
    sites: list[Site] = []

    def make(*made: sessions.Made, people: bool = False) -> Site:
        users = None
        if people:
            users = tmp_path / "people.json"
            for name, role in PEOPLE.items():
                add_user(users, name, role, PASSWORD)
        store, served, ids = make_site(tmp_path / f"site{len(sites)}", list(made) or [sessions.small()], users)
        site = Site(store=store, served=served, ids=ids)
        site.start()
        sites.append(site)
        return site

    yield make
    for site in sites:
        site.stop()
        site.store.close()


def site_of(folder: Path) -> Site:
    """A site of the recordings and annotation files that lie in `folder/tapes`, looked at by the app's own worker."""
    store = open_store(folder / "store.sqlite3")
    served = Served(store, folder / "tapes", users=Users(None))
    served.preferences.keep(f"workspace {served.id}", BASIS, OWN_USE)
    served.workspace().refresh()
    for known in served.workspace().recordings():
        served.look(known)
    work_off(served)
    return Site(store=store, served=served, ids={r.path: r.id for r in served.workspace().recordings()})


@pytest.fixture
def site(open_site: Callable[..., Site]) -> Site:
    return open_site()


@pytest.fixture
def open_desk(browser: Browser) -> Iterator[Callable[..., Desk]]:
    """Opens a recording of a site in a browser of its own, as a person."""
    desks: list[Desk] = []

    def make(site: Site, name: str = sessions.SMALL, **more: Any) -> Desk:
        desks.append(sit_down(browser, site, name, **more))
        return desks[-1]

    yield make
    faults = [fault for desk in desks for fault in desk.faults]
    for desk in desks:
        desk.page.context.close()
    assert not faults


@pytest.fixture
def desk(site: Site, open_desk: Callable[..., Desk]) -> Desk:
    return open_desk(site)
