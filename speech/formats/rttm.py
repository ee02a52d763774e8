"""RTTM: who speaks when, and how sure; no text. Blanks in names are percent-encoded.

Lines other than SPEAKER (SPKR-INFO, NOSCORE, comments) are passed over in reading.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import PurePosixPath
from urllib.parse import unquote

from speech.errors import Finding, FormatRefused
from speech.formats import _losses
from speech.formats._checks import LATEST_MS, checked
from speech.text.decode import decode, lines
from speech.types import Segment, Span, Transcript

SUFFIXES: tuple[str, ...] = (".rttm",)
LOSSES: tuple[str, ...] = (
    "ids",
    "words",
    "text",
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
    "speaker_records",
    "language_records",
    "about",
)
_NOTHING = "<NA>"
_PROBABILITY = re.compile(r"\d{1,3}(?:\.\d{0,400})?(?:[eE][+-]?\d{1,3})?")
_NUMBER = re.compile(r"[+-]?\d{1,12}(?:\.\d{0,20})?(?:[eE][+-]?\d{1,2})?")


def lost(transcript: Transcript) -> dict[str, int]:
    """What this transcript has that RTTM cannot hold, with counts."""
    return _losses.lost(transcript, LOSSES)


def kept(transcript: Transcript) -> Transcript:
    """The transcript as RTTM holds it."""
    return _losses.kept(transcript, LOSSES)


def parse(data: bytes, *, where: str, encoding: str | None = None, findings: list[Finding] | None = None) -> Transcript:
    """The turns in an RTTM file of one recording, as segments without text.

    Raises
    ------
    FormatRefused
        `FORMAT_SYNTAX` (a line with too few fields, or no numbers), `FORMAT_TIMES`, `FORMAT_RECORDINGS` (several in one file).
    TextRefused
        `TEXT_ENCODING`, `TEXT_CONTROL`.
    """
    segments, files = [], set()
    for number, row in enumerate(lines(decode(data, where, encoding=encoding)), 1):
        fields = row.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        place = f"{where}, line {number}"
        if not 9 <= len(fields) <= 10:
            raise FormatRefused(place, f"{len(fields)} fields, where 9 or 10 are due", "Correct the line in a text editor", "FORMAT_SYNTAX")
        files.add(fields[1])
        start, length = _milliseconds(fields[3], place), _milliseconds(fields[4], place)
        if start < 0 or length < 0 or start + length > LATEST_MS:
            raise FormatRefused(place, f"start {fields[3]} or duration {fields[4]} cannot be", "Correct the line", "FORMAT_TIMES")
        speaker = None if fields[7] == _NOTHING else unquote(fields[7])
        segments.append(
            Segment(span=Span(start_ms=start, end_ms=start + length), speaker=speaker, confidence=_confidence(fields[8], place))
        )
    if len(files) > 1:
        raise FormatRefused(where, f"it holds the turns of {len(files)} recordings", "Divide it: a file a recording", "FORMAT_RECORDINGS")
    foreign = {"rttm": {"recording": unquote(files.pop())}} if files else {}
    return checked(_losses.with_lists(checked(Transcript(segments=tuple(segments), foreign=foreign), where)), where)


def _milliseconds(number: str, place: str) -> int:
    if not _NUMBER.fullmatch(number):
        raise FormatRefused(place, "a time is not a number of seconds", "Correct the line", "FORMAT_SYNTAX")
    return int((Decimal(number) * 1000).to_integral_value(ROUND_HALF_UP))


def _confidence(field: str, place: str) -> float | None:
    if field == _NOTHING:
        return None
    if not _PROBABILITY.fullmatch(field) or not 0 <= float(field) <= 1:
        raise FormatRefused(place, "the confidence is not within 0 to 1", "Correct it, or write <NA>", "FORMAT_VALUE")
    return float(field)


def render(transcript: Transcript) -> bytes:
    """An RTTM file: a SPEAKER line a segment."""
    transcript = checked(transcript)
    path = PurePosixPath(transcript.recording.path)
    file = _encoded(path.stem or "recording")
    rows = []
    for segment in kept(transcript).segments:
        start, length = (f"{x // 1000}.{x % 1000:03}" for x in (segment.span.start_ms, segment.span.length_ms))
        speaker = _encoded(segment.speaker) if segment.speaker else _NOTHING
        confidence = _NOTHING if segment.confidence is None else repr(float(segment.confidence))
        rows.append(f"SPEAKER {file} 1 {start} {length} {_NOTHING} {_NOTHING} {speaker} {confidence} {_NOTHING}\n")
    return "".join(rows).encode("utf-8")


def _encoded(name: str) -> str:
    """A name as one field: blanks of any kind and % encoded, and so is what would read as nothing."""
    text = re.sub(r"[\s%\x1c-\x1f\x85]", lambda m: "".join(f"%{b:02X}" for b in m.group().encode("utf-8")), name)
    return text.replace("<", "%3C") if text == _NOTHING else text
