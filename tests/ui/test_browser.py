"""The app in a browser: every tab opens, the policy is kept, and no request leaves this machine."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from speech.ui.pages import TABS
from speech.ui.served import Served
from speech.ui.server import build, listening_on
from speech.ui.users import LOCAL
from tests.ui.conftest import opened, work_off

pytestmark = pytest.mark.browser

CHROMIUM = next((path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), shutil.which("chromium"))


@pytest.fixture
def address(served: Served) -> Iterator[str]:
    """The app on a free port of this machine, in a thread."""
    with listening_on("127.0.0.1", 0) as listening:
        port = int(listening.getsockname()[1])
        settings = uvicorn.Config(build(served, port=port), log_config=None, access_log=False, lifespan="off", ws="none")
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not on this machine")
    with playwright.sync_playwright() as tools:
        started = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


def test_every_tab_opens_and_nothing_leaves_the_machine(served: Served, address: str, browser: Any) -> None:
    for known in served.workspace().recordings():
        served.look(known)
    work_off(served)
    page = browser.new_page()
    told: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/")
    assert page.url == f"{address}/sign-in"
    page.goto(f"{address}/sign-in?key={served.sessions.new_key(LOCAL)}")
    page.wait_for_selector("#page-transcribe h2", timeout=30_000)
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
    time.sleep(0.5)
    outside = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert outside == [] and told == []


def test_the_whole_way_from_a_file_to_the_queue(served: Served, address: str, browser: Any, tmp_path: Path) -> None:
    from tests.sounds import noise, save

    sent = save(tmp_path / "sent.wav", noise(200))
    page = browser.new_page()
    page.goto(f"{address}/sign-in?key={served.sessions.new_key(LOCAL)}")
    page.wait_for_selector("#upload-files", state="attached", timeout=30_000)
    page.set_input_files("#upload-files", str(sent))
    page.wait_for_selector(".recording .name >> text=sent.wav", timeout=30_000)
    assert (served.place / "uploads" / "sent.wav").read_bytes() == sent.read_bytes()
    page.click(".recording .name >> text=sent.wav")
    page.focus("#transcribe-language")
    page.keyboard.type("quichua")
    page.wait_for_selector("#language-0")
    page.keyboard.press("Enter")
    assert page.input_value("#transcribe-language") == "Kichwa (que)"
    page.click(".form > button")
    page.wait_for_selector(".job.queued")
    (job,) = [j for j in served.queue.all(served.id) if j.kind == "transcribe"]
    assert job.settings["language"] == "que" and job.state == "queued"
    page.click(".job >> text=Cancel")
    page.wait_for_selector(".job.cancelled")


def test_a_stranger_is_led_to_the_sign_in_page_and_the_right_password_opens_the_app(
    store: Any, folder: Path, tmp_path: Path, browser: Any
) -> None:
    from speech.ui.users import add_user

    add_user(tmp_path / "people.json", "eva", "reviewer", "correct horse")
    served = opened(store, folder, tmp_path / "people.json")
    with listening_on("127.0.0.1", 0) as listening:
        port = int(listening.getsockname()[1])
        server = uvicorn.Server(uvicorn.Config(build(served, port=port), log_config=None, access_log=False, lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        page.fill("#name", "eva")
        page.fill("#password", "wrong")
        page.click("button")
        page.wait_for_selector("#said:not(:empty)")
        page.fill("#password", "correct horse")
        page.click("button")
        page.wait_for_selector(".recording .name >> text=story.wav", timeout=30_000)
        assert page.query_selector("#upload-files") is None and page.query_selector(".jobs") is None
        server.should_exit = True
        thread.join(20)
