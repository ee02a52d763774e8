"""The app in a browser: every tab opens, the policy is kept, and no request leaves this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed (the extra dev)")

from playwright.sync_api import Browser, Page

from speech.ui.pages import TABS
from speech.ui.served import Served
from speech.ui.users import LOCAL, add_user
from tests.app_site import PATIENCE_MS, Server
from tests.sounds import noise, save
from tests.ui.conftest import opened, work_off


@pytest.fixture
def address(served: Served) -> Iterator[str]:
    """The app on a free port of this machine, in a thread."""
    with running(served) as found:
        yield found


@contextmanager
def running(served: Served) -> Iterator[str]:
    server = Server(served)
    server.start()
    try:
        yield server.address
    finally:
        server.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page of a browser in which nobody is signed in."""
    with browser.new_context(locale="en-GB") as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context.new_page()


def test_every_tab_opens_and_nothing_leaves_the_machine(served: Served, address: str, page: Page) -> None:
    for known in served.workspace().recordings():
        served.look(known)
    work_off(served)
    told: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/")
    assert page.url == f"{address}/sign-in"
    page.goto(f"{address}/sign-in?key={served.sessions.new_key(LOCAL)}")
    page.wait_for_selector("#page-transcribe h2")
    page.wait_for_selector(".recording")
    assert [row.inner_text() for row in page.query_selector_all(".recording .name")] == ["bare.wav", "story.wav"]
    page.click("text=story.wav")
    page.wait_for_selector(".gate .yes")
    for tab in TABS:
        page.click(f'[role=tab][data-tab-id="{tab}"]')
        page.wait_for_selector(f"#page-{tab} h2", state="attached")
        assert page.inner_text(f'[role=tab][data-tab-id="{tab}"]').strip() == tab.capitalize()
    page.click('[role=tab][data-tab-id="review"]')
    page.wait_for_selector("speech-review", state="attached")
    page.click('[role=tab][data-tab-id="languages"]')
    page.fill("#languages-search", "quichua")
    page.wait_for_selector("#page-languages tbody tr:only-child")
    page.click('[role=tab][data-tab-id="collection"]')
    page.wait_for_selector("#page-collection tr.sum")
    outside = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert outside == [] and told == []


def test_the_whole_way_from_a_file_to_the_queue(served: Served, address: str, page: Page, tmp_path: Path) -> None:
    sent = save(tmp_path / "sent.wav", noise(200))
    page.goto(f"{address}/sign-in?key={served.sessions.new_key(LOCAL)}")
    page.wait_for_selector("#upload-files", state="attached")
    page.set_input_files("#upload-files", str(sent))
    page.wait_for_selector(".recording .name >> text=sent.wav")
    assert (served.place / "uploads" / "sent.wav").read_bytes() == sent.read_bytes()
    page.click(".recording .name >> text=sent.wav")
    page.focus("#transcribe-language")
    page.keyboard.type("quichua")
    page.keyboard.press("Enter")  # at once: the list may still answer what was typed before
    page.wait_for_selector(".form > button:enabled")
    assert page.input_value("#transcribe-language") == "Kichwa (que)"
    page.keyboard.press("Enter")
    assert page.input_value("#transcribe-language") == "Kichwa (que)"
    page.click(".form > button")
    page.wait_for_selector(".job.queued")
    (job,) = [j for j in served.queue.all(served.id) if j.kind == "transcribe"]
    assert job.settings["language"] == "que" and job.state == "queued"
    page.click(".job >> text=Cancel")
    page.wait_for_selector(".job.cancelled")


def test_a_stranger_is_led_to_the_sign_in_page_and_the_right_password_opens_the_app(
    store: Any, folder: Path, tmp_path: Path, page: Page
) -> None:
    add_user(tmp_path / "people.json", "eva", "reviewer", "correct horse")
    with running(opened(store, folder, tmp_path / "people.json")) as address:
        page.goto(f"{address}/")
        page.fill("#name", "eva")
        page.fill("#password", "wrong")
        page.click("button")
        page.wait_for_selector("#said:not(:empty)")
        page.fill("#password", "correct horse")
        page.click("button")
        page.wait_for_selector(".recording .name >> text=story.wav")
        assert page.query_selector("#upload-files") is None and page.query_selector(".jobs") is None
