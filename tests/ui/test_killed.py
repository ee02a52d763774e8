"""T8, T1: the real command, killed with its worker in the middle of a job, or of a file, and started again: one result, one file, and the
person still signed in."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed (the extra dev)")

from playwright.sync_api import Browser

from speech.store import open_store
from speech.ui.users import LOCAL
from tests.app_site import PATIENCE_MS
from tests.conftest import REPOSITORY
from tests.sounds import SENTENCES, noise, save, spoken

pytestmark = pytest.mark.browser


class App:
    """`speech app` on a free port."""

    def __init__(self, folder: Path, log: Path) -> None:
        self._error = log.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "speech", "app", str(folder), "--port", "0", "--no-browser"],
            cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=self._error,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.link = self.process.stdout.readline().decode().strip()
        assert self.link.startswith("http://127.0.0.1:"), log.read_text()
        self.origin = self.link[: self.link.index("/sign-in")]
        self.cookie = ""

    def sign_in(self) -> None:
        class Kept(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_: Any) -> None:
                return None

        try:
            urllib.request.build_opener(Kept).open(self.link, timeout=120)
        except urllib.error.HTTPError as answer:
            assert answer.code == 303
            self.cookie = answer.headers["set-cookie"].split(";")[0]
            answer.close()

    def ask(self, path: str, body: Any = None) -> Any:
        headers = {"Cookie": self.cookie, "Origin": self.origin, "X-Speech": "1", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.origin + path, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read())

    def put(self, path: str, data: bytes) -> Any:
        headers = {"Cookie": self.cookie, "Origin": self.origin, "X-Speech": "1", "Content-Type": "application/octet-stream"}
        request = urllib.request.Request(self.origin + path, data=data, headers=headers, method="PUT")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def workers(self) -> list[int]:
        """Processes of its workers, by what /proc says of them."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                stat = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(stat[1]) == self.process.pid and b"speech.ui.worker" in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except (OSError, IndexError):
                continue
        return found

    def kill(self) -> None:
        workers = self.workers()
        self.process.kill()
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        self._end()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(120)
        self._end()
        return status

    def _end(self) -> None:
        self.process.wait(120)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._error.close()


def wait_for(true: Callable[[], Any], seconds: float = 600) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.1)
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the workers in /proc")
def test_a_job_survives_a_closed_tab_and_kill_9_of_server_and_worker_with_one_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Browser
) -> None:
    folder = tmp_path / "tapes"
    folder.mkdir()
    save(folder / "said.wav", spoken(*SENTENCES * 6))
    monkeypatch.setenv("SPEECH_STORE", str(tmp_path / "store.sqlite3"))
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    first = App(folder, tmp_path / "first.log")
    try:
        page = context.new_page()
        page.goto(first.link)
        page.get_by_label("They are recordings of my own").check()
        page.click("text=Keep this answer")
        page.click(".recording .name >> text=said.wav")
        page.fill("#transcribe-language", "que")
        page.wait_for_selector("#language-0")
        page.keyboard.press("Enter")
        page.click(".form > button:enabled")
        page.wait_for_selector(".job:is(.queued, .running)")
        page.close()  # the work goes on without it
        first.cookie = "; ".join(f"{one['name']}={one['value']}" for one in context.cookies())
        [job] = first.ask("/api/jobs")
        wait_for(lambda: first.ask("/api/jobs")[0]["state"] == "running" and first.ask("/api/jobs")[0]["step"])
        light = next(pid for pid in first.workers() if b"\0light\0" in Path(f"/proc/{pid}/cmdline").read_bytes())
        os.kill(light, signal.SIGKILL)
        wait_for(lambda: len(set(first.workers()) - {light}) == 2)  # the server starts another
    finally:
        first.kill()
    second = App(folder, tmp_path / "second.log")
    try:
        second.cookie = first.cookie  # still signed in
        assert second.ask("/api/me")["person"] == LOCAL
        done = wait_for(lambda: next((j for j in second.ask("/api/jobs") if j["state"] == "done"), None))
        assert done["id"] == job["id"] and len(second.ask("/api/jobs")) == 1
        assert second.ask(f"/api/recordings/{job['recording']}")["draft"]
        page = context.new_page()
        page.goto(f"{second.origin}/")
        page.wait_for_selector(".job.done .coverage")
        assert page.locator(".job").count() == 1 and page.locator(".recording").count() == 1
    finally:
        status = second.stop()
        context.close()
    assert status == 143 and second.workers() == []
    with open_store(tmp_path / "store.sqlite3") as store:
        from speech.store.tables import edit, ledger_event

        with store.read() as connection:
            acts = [e.act for e in connection.execute(edit.select())]
            types = [e.type for e in connection.execute(ledger_event.select())]
    assert acts == ["draft"] and types == ["consent", "transcribe"]


def test_a_file_on_its_way_goes_on_after_kill_9_and_arrives_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """T1: the server is killed between two pieces; another takes the file up where it stopped, and both hashes are equal."""
    folder = tmp_path / "tapes"
    folder.mkdir()
    data = save(tmp_path / "sent.wav", noise(20)).read_bytes()
    piece, digest = 200_000, hashlib.sha256(data).hexdigest()
    monkeypatch.setenv("SPEECH_STORE", str(tmp_path / "store.sqlite3"))
    first = App(folder, tmp_path / "first.log")
    try:
        first.sign_in()
        id = first.ask("/upload", {"name": "sent.wav", "size": len(data)})["id"]
        assert first.put(f"/upload/{id}?at=0", data[:piece]) == {"at": piece}
    finally:
        first.kill()
    second = App(folder, tmp_path / "second.log")
    try:
        second.cookie = first.cookie
        [coming] = second.ask("/upload")
        assert (coming["id"], coming["at"]) == (id, piece)
        at = piece
        while at < len(data):
            at = second.put(f"/upload/{id}?at={at}", data[at : at + piece])["at"]
        assert second.ask(f"/upload/{id}/end", {"sha256": digest})["name"] == "sent.wav"
    finally:
        second.stop()
    kept = tmp_path / "tapes.workspace" / "uploads" / "sent.wav"
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == digest and list(folder.iterdir()) == []
