"""What every writer refuses, and the one order in which segments are written.

Refused: signs that XML and most readers cannot hold, lone surrogates, times that no format can hold, words
far outside their segment, words that do not spell their segment's text, confidences that are none. A message
says which segment and which sign; it never holds the text itself.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from speech.errors import FormatRefused
from speech.files import shown
from speech.text.decode import check
from speech.types import Point, Segment, Span, Transcript, Word, joined

LATEST_MS = 2**32 - 1
"""The last time an EAF can hold (an unsigned 32-bit number): 49 days."""
OVERHANG_MS = 20
"""How far a word may reach out of its segment: one step of the usual models."""


def name_of(transcript: Transcript) -> str:
    """How messages call this transcript: by its recording."""
    return shown(transcript.recording.path) if transcript.recording.path else "transcript"


def place(name: str, number: int, segment: Segment) -> str:
    """A segment for messages: its number in time order, and when it starts."""
    return f"{name}, segment {number} at {segment.span.start_ms / 1000:.3f} s"


def segment_key(segment: Segment) -> tuple[int, int, str]:
    """The order of segments: by start, then end, then speaker."""
    return segment.span.start_ms, segment.span.end_ms, segment.speaker or ""


def point_key(point: Point) -> tuple[int, str]:
    """The order of points: by time, then tier."""
    return point.time_ms, point.tier


def ordered(transcript: Transcript) -> Transcript:
    """The transcript with segments and points in the order every format writes; ties stay as they were."""
    return replace(
        transcript,
        segments=tuple(sorted(transcript.segments, key=segment_key)),
        points=tuple(sorted(transcript.points, key=point_key)),
    )


def checked(transcript: Transcript, where: str | None = None) -> Transcript:
    """The ordered transcript, if every format may write it.

    Raises
    ------
    TextRefused
        `TEXT_CONTROL`, `TEXT_SURROGATE`, with the segment.
    FormatRefused
        `FORMAT_TIMES` (negative, past 2**32 ms, ends before it starts, word more than 20 ms outside its
        segment), `FORMAT_WORDS` (words do not spell the text), `FORMAT_VALUE` (confidence outside 0..1).
    """
    transcript = ordered(transcript)
    name = where or name_of(transcript)
    for number, segment in enumerate(transcript.segments, 1):
        _check_segment(segment, place(name, number, segment))
    for point in transcript.points:
        _check_time(Span(start_ms=point.time_ms, end_ms=point.time_ms), f"{name}, a point")
    for text in _texts(replace(transcript, segments=())):
        check(text, name)
    return transcript


def _check_segment(segment: Segment, where: str) -> None:
    _check_time(segment.span, where)
    _check_confidence(segment.confidence, where)
    _check_confidence(segment.speaker_margin, where)
    for text in _segment_texts(segment):
        check(text, where)
    for number, word in enumerate(segment.words, 1):
        _check_word(word, segment.span, f"{where}, word {number}")
    if segment.words and joined(segment.words) != segment.text:
        raise FormatRefused(where, "its words, joined, are not its text", "Correct the words, or leave them out", "FORMAT_WORDS")


def _check_word(word: Word, outer: Span, where: str) -> None:
    _check_confidence(word.confidence, where)
    _check_confidence(word.speaker_margin, where)
    if not word.text:
        raise FormatRefused(where, "the word has no text", "Leave the word out", "FORMAT_WORDS")
    if word.span is None:
        return
    _check_time(word.span, where)
    outside = max(outer.start_ms - word.span.start_ms, word.span.end_ms - outer.end_ms)
    if outside > OVERHANG_MS:
        raise FormatRefused(
            where,
            f"it reaches {outside} ms out of its segment; {OVERHANG_MS} ms are allowed",
            "Move the border of the word or of the segment",
            "FORMAT_TIMES",
        )


def _check_time(span: Span, where: str) -> None:
    if not 0 <= span.start_ms <= span.end_ms <= LATEST_MS:
        raise FormatRefused(
            where,
            f"its time {span.start_ms} to {span.end_ms} ms is outside 0 to {LATEST_MS} or ends before it starts",
            "Correct the times",
            "FORMAT_TIMES",
        )


def _check_confidence(value: float | None, where: str) -> None:
    if value is not None and not (math.isfinite(value) and 0 <= value <= 1):
        raise FormatRefused(where, f"the confidence {value} is not within 0 to 1", "Correct it, or leave it out", "FORMAT_VALUE")


def _segment_texts(segment: Segment) -> Iterator[str]:
    yield from (segment.text, segment.speaker or "", segment.language or "", segment.unsure_reason, segment.id, *segment.notes)
    for translation in segment.translations:
        yield from (translation.language, translation.text, translation.by)
    yield from (a.text for a in segment.alternatives)
    for word in segment.words:
        yield from (word.text, word.separator, word.id, word.speaker or "", word.language or "")
        yield from (a.text for a in word.alternatives)


def _texts(value: Any) -> Iterator[str]:
    """Every string inside records, mappings and lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(key)
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _texts(getattr(value, field.name))
