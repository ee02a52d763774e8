"""Plain text: a line a segment, for reading and pasting; where several people speak, the name before it.

Reading gives each line that is not empty as a segment without times; a name before it stays part of the text.
"""

from __future__ import annotations

import re
from dataclasses import replace

from speech.errors import Finding
from speech.formats import _losses
from speech.formats._checks import checked
from speech.text.decode import decode, lines
from speech.types import Segment, Span, Transcript

SUFFIXES: tuple[str, ...] = (".txt",)
LOSSES: tuple[str, ...] = (
    "ids",
    "line_ends",
    "empty_segments",
    "words",
    "confidence",
    "alternatives",
    "languages",
    "translations",
    "points",
    "status",
    "kinds",
    "origins",
    "channels",
    "speaker_margins",
    "notes",
    "speakers",
    "times",
    "language_records",
    "about",
)
_NOWHEN = Span(start_ms=0, end_ms=0)


def lost(transcript: Transcript) -> dict[str, int]:
    """What this transcript has that plain text cannot hold, with counts."""
    return _losses.lost(transcript, LOSSES)


def kept(transcript: Transcript) -> Transcript:
    """The transcript as plain text holds it: speakers only as words before the text."""
    ordered = _losses.kept(transcript, ("line_ends", "empty_segments"))
    several = len({s.speaker for s in ordered.segments}) > 1
    named = [replace(s, text=f"{_one_line(s.speaker)}: {s.text}") if several and s.speaker else s for s in ordered.segments]
    return _losses.kept(replace(ordered, segments=tuple(replace(s, words=()) for s in named)), LOSSES)


def parse(data: bytes, *, where: str, encoding: str | None = None, findings: list[Finding] | None = None) -> Transcript:
    """Each line with text as a segment, without times.

    Raises
    ------
    TextRefused
        `TEXT_ENCODING`, `TEXT_CONTROL`, `TEXT_TOO_LONG`.
    """
    rows = lines(decode(data, where, encoding=encoding))
    return checked(Transcript(segments=tuple(Segment(span=_NOWHEN, text=row) for row in rows if row)), where)


def render(transcript: Transcript) -> bytes:
    """The text in UTF-8."""
    text = "".join(f"{s.text}\n" for s in kept(checked(transcript)).segments)
    # A text that itself begins with U+FEFF needs a mark before it, or reading would take it for one.
    return (f"\ufeff{text}" if text.startswith("\ufeff") else text).encode("utf-8")


def _one_line(name: str) -> str:
    return re.sub(r"\r\n|\n|\r", " ", name)
