"""What all tests share: no sockets, a home of their own, and the shared speech where it lies beside the checkout."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Threads that wait by spinning take the time of those they wait for, where two workers share two cores (tests took twice the time).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"
os.environ["SPEECH_LANGUAGES"] = os.devnull  # tables of the person who runs the tests would stand beside ours
os.environ["SPEECH_STORE"] = str(REPOSITORY / "no-such-folder" / "store.sqlite3")  # while tests are collected; then a home of its own


def pytest_configure() -> None:
    """Before a test file imports peft or transformers: pyannote.audio brings a torchaudio that would break both beside CPU torch."""
    from speech.models import guard

    guard.load()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks for a browser is marked so."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(autouse=True)
def no_sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Any connection is a failure unless the test is marked `network` (FAULTS W5); `browser` tests reach this machine alone."""
    if request.node.get_closest_marker("network"):
        yield
        return

    def refuse(self: socket.socket, address: Any) -> None:
        if self.family == getattr(socket, "AF_UNIX", None) or (on_loopback and address[0] in ("127.0.0.1", "::1")):
            return original(self, address)
        raise AssertionError(f"a test tried to connect to {address}")

    original = socket.socket.connect
    on_loopback = request.node.get_closest_marker("browser") is not None
    monkeypatch.setattr(socket.socket, "connect", refuse)
    yield


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, data and cache folder of the test's own: nothing of the person who runs it is read or written."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("HF_HOME", str(home / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in [n for n in os.environ if n.startswith("SPEECH_")]:
        monkeypatch.delenv(name)
    return home


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared speech beside the checkout; the test is skipped where it is absent."""
    if not (SHARED / "speech" / "README.md").exists():
        pytest.skip("the shared speech does not lie beside this checkout (../shared)")
    return SHARED


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium for the tests of a file. It is closed after them: no other file's tests meet its loop or its memory."""
    pytest.importorskip("playwright", reason="Playwright is not installed (the extra dev)")
    pytest.importorskip("gradio", reason="the extra app is not installed")
    from tests import app_site

    if not app_site.CHROMIUM.exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with app_site.chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def cluster() -> Iterator[Path]:
    """A PostgreSQL cluster for the session; the folder of its socket."""
    from tests import postgres

    with postgres.cluster() as folder:
        yield folder


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a new store may be made: a file, then a database of a PostgreSQL server."""
    if request.param == "sqlite":
        return tmp_path / "store.sqlite3"
    from tests import postgres

    return postgres.new_database(request.getfixturevalue("cluster"))
