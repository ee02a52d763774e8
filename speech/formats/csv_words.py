"""CSV with everything: a row a word with the columns of its segment, a row a segment that has no words, a row a point.

The records of speakers and languages and what is known about the transcript have no place in rows.
"""

from __future__ import annotations

from speech.formats import _csv_rows, _losses
from speech.formats._checks import checked
from speech.formats._csv_rows import COLUMNS
from speech.formats._csv_rows import parse as parse
from speech.types import Transcript, identified

SUFFIXES: tuple[str, ...] = (".words.csv",)
"""Told apart from a table of segments beside it; a file of either is read by its columns."""
LOSSES: tuple[str, ...] = ("double_ids", "speaker_records", "language_records", "about")


def lost(transcript: Transcript) -> dict[str, int]:
    """What this transcript has that CSV cannot hold, with counts."""
    return _losses.lost(transcript, LOSSES)


def kept(transcript: Transcript) -> Transcript:
    """The transcript as CSV holds it, all in it with ids."""
    return _losses.kept(identified(_losses.normal(transcript)), LOSSES)


def render(transcript: Transcript) -> bytes:
    """A CSV file in UTF-8, lines ended by CRLF."""
    return _csv_rows.written(kept(checked(transcript)), COLUMNS, by_word=True)
