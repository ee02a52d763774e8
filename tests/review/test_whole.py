"""R32: a draft, its language and its row in the ledger are there together or not at all, wherever the worker is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from speech.collections import ledger
from speech.collections.events import Event
from speech.errors import DiskFailure, StoreFailure
from speech.review import edits
from speech.review.workspace import Listed, Workspace, open_workspace
from speech.store import Store, open_store
from speech.store import tables as t
from speech.types import Segment, Span, Transcript
from tests.conftest import REPOSITORY
from tests.sounds import save, tone

TRANSCRIPT = Transcript(segments=(Segment(id="a1", span=Span(start_ms=0, end_ms=900), text="kay wasi"),))
EVENT = Event(type="consent")  # any will do
MOMENTS = ("before the ledger's row", "before the end", "after the end")

_PROGRAM = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
from speech.collections import ledger
from speech.review import edits
from speech.review.workspace import open_workspace
from speech.store import open_store
from tests.review.test_whole import EVENT, TRANSCRIPT

place, folder, moment = sys.argv[1:]
kill = lambda: os.kill(os.getpid(), signal.SIGKILL)
append_in = ledger.append_in

def watched(connection, event):
    if moment == "before the ledger's row":
        kill()
    append_in(connection, event)
    if moment == "before the end":
        kill()

ledger.append_in = watched
workspace = open_workspace(Path(folder), store=open_store(place))
(recording,) = workspace.recordings()
workspace.draft(recording, TRANSCRIPT, person="ana", id="draft-1", source="mini", language="que", event=EVENT)
kill()
"""


@pytest.fixture
def tapes(tmp_path: Path) -> Path:
    folder = tmp_path / "tapes"
    folder.mkdir()
    save(folder / "a.wav", tone(1))
    return folder


@pytest.fixture
def store(store_place: Path | str) -> Iterator[Store]:
    with open_store(store_place, wait_s=10) as opened:
        yield opened


def there(workspace: Workspace) -> tuple[int, int, str]:
    """Rows of edits, rows of the ledger, and the recording's language."""
    with workspace.store.read() as connection:
        rows = len(connection.execute(t.edit.select()).all())
    (recording,) = workspace.recordings()
    return rows, len(list(ledger.rows(workspace.store))), recording.language


def draft(workspace: Workspace, recording: Listed) -> edits.Recorded:
    return workspace.draft(recording, TRANSCRIPT, person="ana", id="draft-1", source="mini", language="que", event=EVENT)


@pytest.mark.parametrize("moment", MOMENTS)
def test_kill_9_leaves_all_of_a_draft_or_nothing_and_the_restart_completes_it(
    store: Store, store_place: Path | str, tapes: Path, moment: str
) -> None:
    workspace = open_workspace(tapes, store=store)
    (recording,) = workspace.recordings()
    command = [sys.executable, "-c", _PROGRAM, str(store_place), str(tapes), moment]
    done = subprocess.run(command, cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert there(workspace) == ((1, 1, "que") if moment == "after the end" else (0, 0, "und"))
    for _ in range(2):
        draft(workspace, recording)
        assert there(workspace) == (1, 1, "que")
    assert ledger.verify(store) == 1


@pytest.mark.parametrize(
    "failure",
    [
        DiskFailure("store", "the disk is full", "Make room", "DISK_FULL"),
        StoreFailure("store", "another program holds the store", "Wait", "STORE_LOCKED"),
    ],
)
def test_where_the_ledger_takes_no_row_there_is_no_draft(
    store: Store, tapes: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    workspace = open_workspace(tapes, store=store)
    (recording,) = workspace.recordings()

    def fails(*_: object) -> None:
        raise failure

    monkeypatch.setattr("speech.collections.ledger.append_in", fails)
    with pytest.raises(type(failure)):
        draft(workspace, recording)
    monkeypatch.undo()
    assert there(workspace) == (0, 0, "und") and edits.segments_of(store, recording.id).forms == {}
    draft(workspace, recording)
    assert there(workspace) == (1, 1, "que")


def test_a_clock_that_goes_back_changes_no_order(store: Store, tapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from speech.store import moments

    hours = iter(range(23, 0, -1))
    monkeypatch.setattr("speech.review.rows.moment", lambda: f"2026-01-01T{next(hours):02}:00:00.000000Z")
    workspace = open_workspace(tapes, store=store)
    (recording,) = workspace.recordings()
    draft(workspace, recording)
    for n, text in enumerate(("one", "two", "three")):
        base = edits.segments_of(store, recording.id).versions
        asked = {"act": "text", "segment": "a1", "text": text}
        edits.record(store, recording.id, person="ana", id=f"e{n}", base=base, asked=asked)
    undone = edits.record(store, recording.id, person="ana", id="u", base={}, asked={"act": "undo"})
    assert isinstance(undone, edits.Recorded)
    past = edits.history(store, recording.id, "a1")
    assert [p.after["text"] for p in past if p.after] == ["kay wasi", "one", "two", "three", "two"]
    assert [p.at for p in past] == sorted((p.at for p in past), reverse=True)  # what the clock said is kept as it was
    with store.write() as connection:
        connection.execute(t.export.insert().values(**_export("a", "2030-01-01T00:00:00.000000Z")))
        later = moments.following(connection, t.export.c.at)
        connection.execute(t.export.insert().values(**_export("b", later)))
    assert later == "2030-01-01T00:00:00.000001Z"


def _export(id: str, at: str) -> dict[str, str]:
    return {"id": id, "workspace": "w", "person": "ana", "at": at, "formats": "[]", "recordings": "[]", "sha256": ""}
