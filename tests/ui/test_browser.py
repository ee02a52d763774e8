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
from tests.ui.conftest import TEXTS, opened, recording, work_off
from tests.ui.test_gate import every_path


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


VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ASK_ALL = """async ([paths, verbs]) => {
    const found = [];
    for (const path of paths) for (const method of verbs) {
        const answer = await fetch(path, { method, headers: { "X-Speech": "1" }, redirect: "manual" });
        found.push([method, path, answer.status, await answer.text()]);
    }
    return found;
}"""
BEHIND = ("tapes", "story", "bare", *TEXTS, "Kichwa", "recording", "gradio")
"""What a visitor must not read: the collection's name, titles, texts, languages, that there are recordings, what serves them."""


@pytest.mark.parametrize("cookie", [None, "0123456789abcdef" * 2], ids=["no cookie", "stale cookie"])
def test_a_visitor_gets_the_sign_in_page_and_nothing_else(served: Served, address: str, page: Page, cookie: str | None) -> None:
    """R25: every route of the built app by every verb, as a page of this very server asks, and by the address line."""
    if cookie:
        page.context.add_cookies([{"name": "speech_session", "value": cookie, "url": address}])
    page.goto(f"{address}/sign-in")
    asked = page.evaluate(ASK_ALL, [every_path(served), VERBS])
    assert [one for one in asked if one[2:] != [401, ""]] == []
    id = recording(served)
    for path in (
        "/",
        "/config",
        "/api/recordings",
        f"/media/{id}",
        f"/review/{id}",
        f"/download/{id}",
        "/static/review.js",
        "/gradio_api/info",
    ):
        page.goto(address + path)
        assert page.url == f"{address}/sign-in"
        assert [said for said in BEHIND if said.lower() in page.content().lower()] == []


def test_who_is_signed_out_elsewhere_is_led_away_and_the_page_is_empty(served: Served, address: str, page: Page) -> None:
    """R25: a session that ends while its page is open."""
    page.goto(f"{address}/sign-in?key={served.sessions.new_key(LOCAL)}")
    page.wait_for_selector(".recording .name >> text=story.wav")
    token = next(one["value"] for one in page.context.cookies() if one["name"] == "speech_session")
    served.sessions.end(token)
    page.wait_for_url(f"{address}/sign-in")
    page.wait_for_selector("#name, #said, form, main")
    assert "story" not in page.content()
