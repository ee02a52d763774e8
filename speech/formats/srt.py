"""SRT subtitles: times and text, and speakers as `Name: ` before the text.

SRT has no escapes: a text with `-->` is refused, and a blank line inside a text becomes a space. A name
counts as a speaker only where every subtitle has one, so `-: ` stands for nobody. Of a file with blank
lines inside its texts, all is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from speech.errors import Finding, FormatRefused
from speech.formats import _cues, _losses
from speech.formats._checks import LATEST_MS, checked, name_of, place
from speech.formats._repairs import Times, repaired
from speech.text.decode import decode, lines
from speech.types import Segment, Transcript

SUFFIXES: tuple[str, ...] = (".srt",)
LOSSES: tuple[str, ...] = (
    "ids",
    "blank_lines",
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
    "speaker_records",
    "language_records",
    "about",
)
_TIMING = re.compile(rf"\s*{_cues.CLOCK}\s*-->\s*{_cues.CLOCK}(?:\s.*)?")


def lost(transcript: Transcript) -> dict[str, int]:
    """What this transcript has that SRT cannot hold, with counts."""
    return _losses.lost(transcript, LOSSES)


def kept(transcript: Transcript) -> Transcript:
    """The transcript as SRT holds it."""
    return _losses.kept(transcript, LOSSES)


def parse(data: bytes, *, where: str, encoding: str | None = None, findings: list[Finding] | None = None) -> Transcript:
    """The transcript in an SRT file; what is not a number or a time is text.

    Raises
    ------
    FormatRefused
        `FORMAT_SYNTAX`: text before the first time, or no time at all; `FORMAT_TIMES`: negative, or too late.
    TextRefused
        `TEXT_ENCODING` (old files are often in cp1252), `TEXT_CONTROL`.
    """
    cues = list(_cues_of(lines(decode(data, where, encoding=encoding)), where))
    spans = repaired([times for times, _ in cues], where, findings)
    segments = [
        Segment(span=span, text=text, speaker=speaker)
        for span, (speaker, text) in zip(spans, _cues.unprefixed([t for _, t in cues]), strict=True)
    ]
    return checked(_losses.with_lists(checked(Transcript(segments=tuple(segments)), where)), where)


def _cues_of(rows: list[str], where: str) -> Iterator[tuple[Times, str]]:
    """Times as they stand, and text."""
    _cues.check_times(rows, where)
    timings = [(n, m) for n, row in enumerate(rows) if (m := _TIMING.fullmatch(row))]
    first = timings[0][0] if timings else len(rows)
    if before := [n for n, row in enumerate(rows[:first]) if row.strip() and not _is_index(row)]:
        raise FormatRefused(
            f"{where}, line {before[0] + 1}",
            "a subtitle's number and times are due here",
            "Correct the line in a text editor",
            "FORMAT_SYNTAX",
        )
    for count, (at, found) in enumerate(timings):
        stop = len(rows)
        if count + 1 < len(timings):
            stop = timings[count + 1][0]
            # The number of the next subtitle, where it has one after a blank line or is alone before its times.
            if stop - 1 > at and _is_index(rows[stop - 1]):
                stop -= 1
        groups = found.groups()
        start, end = _cues.from_clock(groups[:4]), _cues.from_clock(groups[4:])
        if max(start, end) > LATEST_MS:
            raise FormatRefused(f"{where}, line {at + 1}", "the subtitle is too late", "Correct its times", "FORMAT_TIMES")
        inner = rows[at + 1 : stop]
        while inner and not inner[-1].strip(" \t"):
            inner.pop()
        yield (start, end), "\n".join(inner)


def _is_index(row: str) -> bool:
    return row.strip(" \t").isdecimal()


def render(transcript: Transcript) -> bytes:
    """An SRT file in UTF-8.

    Raises
    ------
    FormatRefused
        `FORMAT_TEXT`: a text holds `-->`, which SRT cannot hold in any way.
    """
    transcript = checked(transcript)
    for number, segment in enumerate(transcript.segments, 1):
        if "-->" in segment.text or "-->" in (segment.speaker or ""):
            where = place(name_of(transcript), number, segment)
            raise FormatRefused(
                where, "its text holds -->, which SRT takes for times", "Save as vtt, or write another arrow", "FORMAT_TEXT"
            )
    segments = kept(transcript).segments
    parts = [
        f"{number}\n{_cues.clock(s.span.start_ms, ',')} --> {_cues.clock(s.span.end_ms, ',')}\n{text}\n\n"
        for number, (s, text) in enumerate(zip(segments, _cues.prefixed(segments), strict=True), 1)
    ]
    return "".join(parts).encode("utf-8")
