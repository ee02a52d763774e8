"""CSV for a spreadsheet: a row a segment, few columns. `csv_words` has a row a word and all columns; both are read by either."""

from __future__ import annotations

from speech.formats import _csv_rows, _losses
from speech.formats._checks import checked
from speech.formats._csv_rows import guarded as guarded
from speech.formats._csv_rows import parse as parse
from speech.types import Transcript

SUFFIXES: tuple[str, ...] = (".csv",)
LOSSES: tuple[str, ...] = (
    "ids",
    "words",
    "alternatives",
    "translations",
    "points",
    "kinds",
    "origins",
    "channels",
    "speaker_margins",
    "notes",
    "speaker_records",
    "language_records",
    "about",
)
COLUMNS = ("start_ms", "end_ms", "speaker", "language", "text", "confidence", "status", "unsure_reason")


def lost(transcript: Transcript) -> dict[str, int]:
    """What this transcript has that a table of segments cannot hold, with counts."""
    return _losses.lost(transcript, LOSSES)


def kept(transcript: Transcript) -> Transcript:
    """The transcript as a table of segments holds it."""
    return _losses.kept(transcript, LOSSES)


def render(transcript: Transcript) -> bytes:
    """A CSV file in UTF-8, lines ended by CRLF."""
    return _csv_rows.written(kept(checked(transcript)), COLUMNS, by_word=False)
