"""How far a collection is: segments and milliseconds by state, recording by recording; approved speech by speaker and language.

Everything is counted in whole milliseconds of segments, so that sums are exact. Unheard is what nobody has played.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from speech import languages
from speech.review import edits
from speech.review.forms import Form
from speech.review.workspace import Listed, Workspace
from speech.types import Status

STATES: tuple[str, ...] = get_args(Status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Segments, and their length together."""

    segments: int = 0
    ms: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(segments=self.segments + other.segments, ms=self.ms + other.ms)

    def as_dict(self) -> dict[str, int]:
        """As it stands in `--json`."""
        return {"segments": self.segments, "ms": self.ms}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One recording, or all: its length, its segments by state (the states sum to `all`), and what nobody has heard."""

    id: str = ""
    name: str = ""
    language: str = ""
    duration_ms: int = 0
    drafted: bool = False
    all: Count = field(default_factory=Count)
    by: Mapping[str, Count] = field(default_factory=lambda: dict.fromkeys(STATES, Count()))
    unheard: Count = field(default_factory=Count)

    def as_dict(self) -> dict[str, Any]:
        """As it stands in `--json` and in the app's list."""
        return {
            "id": self.id, "name": self.name, "language": self.language, "duration_ms": self.duration_ms, "drafted": self.drafted,
            **self.all.as_dict(), "by": {state: count.as_dict() for state, count in self.by.items()}, "unheard": self.unheard.as_dict(),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Progress by recording and together, and approved milliseconds by (speaker, language)."""

    recordings: tuple[Progress, ...]
    total: Progress
    approved: Mapping[tuple[str, str], int]


def progress_of(forms: Iterable[Form], heard: frozenset[str], recording: Listed | None = None, *, drafted: bool = True) -> Progress:
    """Count the segments of one recording; pure."""
    counts: dict[str, list[int]] = {state: [0, 0] for state in (*STATES, "unheard", "all")}
    for form in forms:
        ms = form["end_ms"] - form["start_ms"]
        for name in (form.get("status", "draft"), "all", *(() if form["id"] in heard else ("unheard",))):
            counts[name][0] += 1
            counts[name][1] += ms
    made = {name: Count(segments=n, ms=ms) for name, (n, ms) in counts.items()}
    known = {"id": recording.id, "name": recording.name, "language": recording.language} if recording else {}
    return Progress(
        **known,
        duration_ms=recording.duration_ms if recording else 0,
        drafted=drafted,
        all=made["all"],
        by={state: made[state] for state in STATES},
        unheard=made["unheard"],
    )


def approved_ms(forms: Iterable[Form], language: str) -> dict[tuple[str, str], int]:
    """Approved milliseconds by speaker and language; "" is a speaker who is not known. Pure."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for form in forms:
        if form.get("status") == "approved":
            found[form.get("speaker") or "", form.get("language") or language] += form["end_ms"] - form["start_ms"]
    return dict(found)


def together(parts: Iterable[Progress]) -> Progress:
    """The sum of several."""
    parts = list(parts)
    return Progress(
        name="all",
        duration_ms=sum(p.duration_ms for p in parts),
        drafted=any(p.drafted for p in parts),
        all=sum((p.all for p in parts), Count()),
        by={state: sum((p.by[state] for p in parts), Count()) for state in STATES},
        unheard=sum((p.unheard for p in parts), Count()),
    )


def recording_progress(workspace: Workspace, recording: Listed) -> Progress:
    """The progress of one recording, from the store."""
    fold = edits.segments_of(workspace.store, recording.id)
    heard = edits.heard_in(workspace.store, recording.id)
    return progress_of(fold.forms.values(), heard, recording, drafted=bool(fold.versions))


def stats(workspace: Workspace) -> Stats:
    """The progress of a workspace; what the gate refuses to be reviewed is not counted."""
    parts: list[Progress] = []
    approved: dict[tuple[str, str], int] = defaultdict(int)
    for recording in workspace.recordings():
        if not workspace.allowed(recording).allowed:
            continue
        parts.append(recording_progress(workspace, recording))
        forms = edits.segments_of(workspace.store, recording.id).forms.values()
        for key, ms in approved_ms(forms, recording.language or languages.UNDETERMINED).items():
            approved[key] += ms
    return Stats(recordings=tuple(parts), total=together(parts), approved=dict(sorted(approved.items())))
