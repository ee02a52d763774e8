"""`speech app`: what it refuses before it opens anything, who may sign in, and what it deletes."""

from __future__ import annotations

import importlib.util
import io
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from speech import formats
from speech.cli import run
from speech.review.workspace import open_workspace
from speech.store import open_store
from speech.types import Segment, Span, Transcript
from tests.adapt.sources import CARD
from tests.conftest import REPOSITORY
from tests.sounds import save, tone


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPEECH_STORE", str(tmp_path / "store.sqlite3"))
    monkeypatch.setenv("SPEECH_LOG", str(tmp_path / "log"))
    (tmp_path / "tapes").mkdir()
    save(tmp_path / "tapes" / "a.wav", tone(2))
    return tmp_path / "tapes"


def test_another_host_needs_people(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["app", str(folder), "--host", "0.0.0.0", "--port", "0", "--no-browser"]) == 2
    assert "[APP_HOST]" in capfd.readouterr().err


@pytest.mark.parametrize("public", ["https://speech.example.org", "speech.example.org", "https://a@b", "file:///etc", "https://x/path"])
def test_a_public_address_needs_people_and_is_one(folder: Path, capfd: pytest.CaptureFixture[str], public: str) -> None:
    assert run(["app", str(folder), "--public", public, "--port", "0", "--no-browser"]) == 2
    assert "[APP_HOST]" in capfd.readouterr().err


def test_a_port_that_is_taken_is_said(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert run(["app", str(folder), "--port", str(other.getsockname()[1]), "--no-browser"]) == 2
    assert "[APP_PORT]" in capfd.readouterr().err


def test_without_the_extra_its_command_is_said(folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert run(["app", str(folder)]) == 2
    told = capfd.readouterr().err
    assert "[APP_EXTRA]" in told and "oral-speech[app]" in told


def test_no_folder_is_said(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["app", str(folder / "none"), "--port", "0", "--no-browser"]) == 1
    assert "[REVIEW_FOLDER]" in capfd.readouterr().err


@pytest.mark.parametrize(("named", "tab"), [("a.wav", "transcribe"), ("b.wav", "review"), ("b.eaf", "review")])
def test_a_recording_opens_its_folder_at_this_recording(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, named: str, tab: str
) -> None:
    pytest.importorskip("gradio", reason="the extra app is not installed")
    save(folder / "b.wav", tone(2))
    said = Segment(id="a1", span=Span(start_ms=0, end_ms=1500), text="kay wasi", language="que")
    formats.save(Transcript(segments=(said,)), folder / "b.eaf")
    for name in ("uvicorn.Server.run", "speech.ui.worker.Workers.start", "speech.ui.worker.Workers.stop"):
        monkeypatch.setattr(name, lambda *_, **__: None)
    (folder / "collection.card.toml").write_text(CARD, encoding="utf-8")  # else its transcript waits until a basis is stated
    assert run(["app", str(folder / named), "--port", "0", "--no-browser"]) == 0
    told = capfd.readouterr()
    with open_store() as store:
        ids = {r.path: r.id for r in open_workspace(folder, store=store).recordings()}
    assert told.out.strip().endswith(f"#{tab}/{ids[Path(named).stem + '.wav']}") and "/sign-in?key=" in told.out
    assert f"Opening the folder {folder}" in told.err


@pytest.mark.parametrize("named", ["notes.txt", "alone.eaf", "people.json"])
def test_a_file_that_is_no_recording_is_said_and_makes_nothing(folder: Path, capfd: pytest.CaptureFixture[str], named: str) -> None:
    (folder / named).write_text("{}", encoding="utf-8")
    assert run(["app", str(folder / named), "--port", "0", "--no-browser"]) == 1
    told = capfd.readouterr().err
    assert "[REVIEW_FOLDER]" in told and "Name the folder" in told
    assert not (folder.parent / "tapes.workspace").exists()


def test_people_are_added_listed_and_removed(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "people.json")
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    assert run(["app", "users", "add", "ana", "--role", "keeper", "--users", path]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert run(["app", "users", "add", "ben", "--users", path]) == 2
    assert "[USER_PASSWORD]" in capfd.readouterr().err
    assert run(["app", "users", "list", "--users", path, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["role"] == "keeper"
    assert run(["app", "users", "remove", "ben", "--users", path]) == 2
    assert "[USER_UNKNOWN]" in capfd.readouterr().err
    assert run(["app", "users", "remove", "ana", "--users", path]) == 0
    assert run(["app", "users", "list", "--users", path]) == 0
    assert run(["app", "users", "list", "--users", str(tmp_path / "none")]) == 1
    assert "[PATH_MISSING]" in capfd.readouterr().err


def test_clean_lists_every_place_and_deletes_what_can_be_made_again(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from speech.review.workspace import open_workspace

    with open_store() as store:
        place = open_workspace(folder, store=store).place
    made = {part: place / part / "x.bin" for part in ("peaks", "playable", "exports", "uploads", "models", "work")}
    for path in made.values():
        path.write_bytes(b"x" * 1000)
    (place / "uploads" / "coming").mkdir()
    (place / "uploads" / "coming" / "y.part").write_bytes(b"y" * 500)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    capfd.readouterr()
    assert run(["app", "clean", str(folder), "--yes", "--json"]) == 0
    rows: list[dict[str, Any]] = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    sizes = {Path(row["path"]).name: row["bytes"] for row in rows if not row["deleted"]}
    assert sizes["peaks"] == 1000 and sizes["coming"] == 500 and sizes["uploads"] == 1000 and sizes["store.sqlite3"] > 0
    assert {Path(row["path"]).name for row in rows if row["deleted"]} == {"peaks", "playable", "exports", "coming"}
    assert {part for part, path in made.items() if path.exists()} == {"uploads", "models", "work"}
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before and (folder.parent / "store.sqlite3").exists()
    assert run(["app", "clean", str(folder), "--yes"]) == 0
    assert "nothing to delete" in capfd.readouterr().err


def test_clean_asks_first(folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from speech.review.workspace import open_workspace

    with open_store() as store:
        file = open_workspace(folder, store=store).place / "peaks" / "x.i8"
    file.write_bytes(b"x")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert run(["app", "clean", str(folder)]) == 0
    assert file.exists()


def test_the_guide_names_every_command_and_option() -> None:
    import click

    from speech.cli.app import command

    guide = (REPOSITORY / "docs" / "guides" / "app.md").read_text(encoding="utf-8")
    missing = []

    def look(path: str, one: click.Command) -> None:
        for option in one.params:
            if isinstance(option, click.Option) and f"`{max(option.opts, key=len)}`" not in guide:
                missing.append(f"{path} {option.opts}")
        if isinstance(one, click.Group):
            for name, inner in one.commands.items():
                look(f"{path} {name}", inner)
        elif path != "speech app open" and path not in guide:
            missing.append(path)

    look("speech app", command)
    assert missing == []
