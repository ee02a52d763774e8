"""A store with one recording, and a drafted one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from speech.review import edits
from speech.store import Store, open_store
from speech.store import tables as t
from speech.types import Alternative, Segment, Span, Transcript, Word

RECORDING = "00000000000000aa"


def word(text: str, start: int, end: int, **more: Any) -> Word:
    return Word(text=text, span=Span(start_ms=start, end_ms=end), confidence=0.5, **more)


def three() -> tuple[Segment, ...]:
    """Two segments of S1, then one of S2."""
    return (
        Segment(
            id="a1", span=Span(start_ms=0, end_ms=1000), text="kay wasi", speaker="S1", confidence=0.5,
            words=(word("kay", 0, 400, alternatives=(Alternative(text="kai", confidence=0.3),)), word("wasi", 450, 1000)),
        ),
        Segment(id="a2", span=Span(start_ms=1200, end_ms=2000), text="hatun mi", speaker="S1", notes=("ask",)),
        Segment(id="a3", span=Span(start_ms=1500, end_ms=2600), text="arí", speaker="S2"),
    )  # fmt: skip


@pytest.fixture
def store(store_place: Path | str) -> Iterator[Store]:
    with open_store(store_place, wait_s=10) as opened:
        with opened.write() as connection:
            for id in (RECORDING, "00000000000000bb"):
                connection.execute(t.recording.insert().values(id=id, workspace="w", path=f"{id}.wav", added="x"))
        yield opened


class Person:
    """Somebody who edits: each edit with a new id, on the versions as they are now unless others are given."""

    numbers = itertools.count()

    def __init__(self, store: Store, name: str = "P1", recording: str = RECORDING) -> None:
        self.store, self.name, self.recording = store, name, recording

    def ask(self, act: str, *, id: str = "", base: Mapping[str, int] | None = None, **asked: Any) -> edits.Recorded | edits.Conflict:
        base = edits.segments_of(self.store, self.recording).versions if base is None else base
        id = id or f"e{next(self.numbers)}"
        return edits.record(self.store, self.recording, person=self.name, id=id, base=base, asked={"act": act, **asked})

    def does(self, act: str, **asked: Any) -> edits.Recorded:
        found = self.ask(act, **asked)
        assert isinstance(found, edits.Recorded), found
        return found


@pytest.fixture
def drafted(store: Store) -> Store:
    edits.draft(store, RECORDING, Transcript(segments=three()), person="oral-speech", id="draft")
    return store
