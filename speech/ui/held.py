"""A collection as server and workers hold it: its workspace, what the gate says now, and the files that the browser is given.

The basis for recordings without a card is what a keeper stated, once; until then the gate says no. It is read anew each time, as
server and workers are several processes.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from speech.audio import Signal
from speech.collections import consent
from speech.errors import Refusal, SpeechError
from speech.review.workspace import Listed, Workspace, open_workspace
from speech.store import Store
from speech.ui.preferences import Preferences
from speech.ui.spoken import Spoken
from speech.ui.texts import Texts

BASIS = "basis"
_OGG = ("opus", "vorbis", "flac")
_UNTRUE = frozenset(
    (
        "AUDIO_BYTE_ORDER AUDIO_CHUNKS_REPAIRED AUDIO_CORRUPT AUDIO_HOLE AUDIO_LENGTH_REPAIRED AUDIO_LENGTH_UNKNOWN AUDIO_OFFSET "
        "AUDIO_RATE_SUSPECT AUDIO_TRACKS AUDIO_TRUNCATED"
    ).split()
)
"""Findings of a file whose header would lead a browser astray."""


class Held:
    """What server and workers know of a collection."""

    def __init__(self, store: Store, folder: Path, *, refresh: bool = False) -> None:
        self.store = store
        self.preferences = Preferences(store)
        opened = open_workspace(folder, store=store, context=consent.Context(), refresh=False)
        self._workspace = opened
        self.id = opened.id
        self.name = opened.name
        self.place = opened.place
        self.spoken = Spoken(opened.place / "spoken")
        self.texts = Texts(opened.place / "texts")
        self._lock = threading.Lock()
        if refresh:
            self.workspace().refresh()

    def basis(self) -> str | None:
        """What was stated for recordings without a card."""
        found = self.preferences.of(f"workspace {self.id}").get(BASIS)
        return str(found) if found else None

    def workspace(self) -> Workspace:
        """The workspace, to be asked with what is stated now."""
        return dataclasses.replace(self._workspace, context=consent.Context(basis=self.basis()))

    def find(self, id: str) -> Listed | None:
        """A recording of this collection whose file is there; None for any other id."""
        try:
            found = self._workspace.get(id)
        except Refusal:
            return None
        return None if found.gone else found

    def allowed(self, known: Listed, scopes: Iterable[str]) -> bool:
        """Whether the gate allows every scope now; what it cannot judge is no."""
        workspace = self.workspace()
        try:
            return all(workspace.allowed(known, scope).allowed for scope in scopes)
        except SpeechError:
            return False

    def path(self, known: Listed) -> Path:
        """Where a recording's file lies."""
        return self._workspace.path_of(known)

    def peaks_file(self, known: Listed) -> Path:
        """Where its peaks lie, or will."""
        return self.place / "peaks" / f"{known.id}.i8"

    def copy_file(self, known: Listed) -> Path:
        """Where its playable copy lies, or will, if it needs one."""
        return self.place / "playable" / f"{known.id}.flac"

    def playable(self, known: Listed) -> tuple[Path, str] | None:
        """The file that a browser plays and seeks in exactly, and its type; None while there is none."""
        facts = known.facts
        path = self.path(known)
        if "found_ms" not in facts or not is_as_looked_at(path, facts):
            return None
        kind = direct(facts)
        if kind:
            return path, kind
        copy = self.copy_file(known)
        return (copy, "audio/flac") if copy.is_file() else None

    def keep_facts(self, known: Listed, signal: Signal) -> None:
        """Keep what a look at the whole file found."""
        facts = signal.probe.as_dict()
        facts.pop("path", None)
        self._update(known.id, facts=json.dumps(facts, sort_keys=True), duration_ms=signal.duration_ms, sha256=signal.sha256)

    def keep_refusal(self, known: Listed, refusal: Mapping[str, Any]) -> None:
        """Keep why a file cannot be used: `code`, `what` and `mend`."""
        size = _size(self.path(known))
        self._update(known.id, facts=json.dumps({"refusal": dict(refusal), "size_bytes": size}, sort_keys=True))

    def _update(self, id: str, **values: Any) -> None:
        from speech.store.tables import recording

        with self.store.write() as connection:
            connection.execute(recording.update().where(recording.c.id == id).values(**values))


def direct(facts: Mapping[str, Any]) -> str:
    """The type of a file that browsers play and seek in exactly as it is; empty for any other."""
    if facts.get("offset_ms") or {f["code"] for f in facts.get("findings", ())} & _UNTRUE:
        return ""
    container, codec = str(facts.get("container")), str(facts.get("codec"))
    if container == "ogg" and codec in _OGG:
        return "audio/ogg"
    if container == "flac":
        return "audio/flac"
    return "audio/wav" if (container, codec, facts.get("bits")) == ("wav", "pcm", 16) else ""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def is_as_looked_at(path: Path, facts: Mapping[str, Any]) -> bool:
    """Whether a file has the size that it had when it was looked at."""
    return _size(path) == facts.get("size_bytes")
