"""A small collection served without a socket, and people who ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("gradio", reason="the extra app is not installed")

from starlette.testclient import TestClient

from speech import formats
from speech.collections.consent import OWN_USE
from speech.jobs import Queue, Worker
from speech.store import Store, open_store
from speech.types import Segment, Span, Transcript
from speech.ui.held import BASIS
from speech.ui.served import Served
from speech.ui.server import build
from speech.ui.users import LOCAL, Users, add_user
from speech.ui.work import kinds
from tests.sounds import save, tone

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.ui.browsing import Open

ORIGIN = "http://127.0.0.1:7860"
WRITES = {"Origin": ORIGIN, "X-Speech": "1"}
PASSWORD = "correct horse"
PEOPLE = {"ana": "keeper", "ben": "keeper", "eva": "reviewer", "ida": "listener", "uri": "speaker"}
TEXTS = ("ñuka wasi", "kan mana rinki", "pay shamunka")


def make_collection(folder: Path) -> Path:
    folder.mkdir()
    save(folder / "story.wav", tone(6))
    segments = tuple(
        Segment(id=f"a{n + 1}", span=Span(start_ms=2000 * n, end_ms=2000 * n + 1500), text=text, speaker="A", language="que")
        for n, text in enumerate(TEXTS)
    )
    formats.save(Transcript(segments=segments), folder / "story.eaf")
    save(folder / "bare.wav", tone(3, 300))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_collection(tmp_path / "tapes")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("SPEECH_STORE", str(tmp_path / "store.sqlite3"))
    with open_store() as opened:
        yield opened


@pytest.fixture
def served(store: Store, folder: Path) -> Served:
    """Served to the local person, who has stated a basis."""
    return opened(store, folder, None)


@pytest.fixture
def shared_served(store: Store, folder: Path, tmp_path: Path) -> Served:
    """Served to several people."""
    path = tmp_path / "people.json"
    for name, role in PEOPLE.items():
        add_user(path, name, role, PASSWORD)
    return opened(store, folder, path)


def opened(store: Store, folder: Path, users: Path | None) -> Served:
    made = Served(store, folder, users=Users(users))
    made.preferences.keep(f"workspace {made.id}", BASIS, OWN_USE)
    made.workspace().refresh()
    return made


class Person:
    """Somebody's browser, without a browser: signed in as `name`, or not at all where it is None."""

    def __init__(self, served: Served, name: str | None) -> None:
        self.client = TestClient(build(served), base_url=ORIGIN, raise_server_exceptions=False, follow_redirects=False)
        self.token = served.sessions.begin(name) if name is not None else ""
        if self.token:
            self.client.cookies.set("speech_session", self.token)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Any:
        return self.client.get(path, headers=dict(headers or {}))

    def send(self, path: str, body: Any = None, method: str = "POST") -> Any:
        headers = dict(WRITES)
        return (
            self.client.request(method, path, headers=headers, json=body)
            if body is not None
            else self.client.request(method, path, headers=headers)
        )

    def put(self, path: str, data: bytes) -> Any:
        return self.client.put(path, content=data, headers={**WRITES, "Content-Type": "application/octet-stream"})


@pytest.fixture
def local(served: Served) -> Person:
    return Person(served, LOCAL)


def recording(served: Served, name: str = "story.wav") -> str:
    return next(r.id for r in served.workspace().recordings() if r.path == name)


def work_off(served: Served, lane: str = "light") -> None:
    """Do what waits in a lane, here and now."""
    worker = Worker(Queue(served.store), kinds(served, lane), workspace=served.id, beat_s=0.05)
    while worker.one():
        pass


@pytest.fixture
def app(browser: Browser) -> Iterator[Open]:
    """Pages of the app; what one of them complains of fails the test."""
    from tests.ui.browsing import Open

    opened = Open(browser)
    yield opened
    opened.close()
    assert opened.faults == []
