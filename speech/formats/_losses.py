"""What a format may be unable to hold: one name a thing, how often a transcript has it, and the transcript without.

A format lists the names in its `LOSSES`; what it is meant to give back is the transcript with each of them
dropped (`kept`), and what a person is told is their counts (`lost`). `foreign` is not counted: it describes a
file and not what was said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from speech.formats._checks import LATEST_MS, ordered, segment_key
from speech.formats._words import at_least, clamped, divided, fitted
from speech.types import LanguageUse, Recording, Segment, Span, Speaker, Transcript, Word, id_number, ids_of, with_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One thing a format cannot hold: how often it is there, and the transcript without it."""

    says: str
    count: Callable[[Transcript], int]
    drop: Callable[[Transcript], Transcript]


def lost(transcript: Transcript, names: Iterable[str]) -> dict[str, int]:
    """How often the transcript has each of the named things, where it has them."""
    counts = {name: LOSS[name].count(transcript) for name in names}
    return {name: count for name, count in counts.items() if count}


def kept(transcript: Transcript, names: Iterable[str]) -> Transcript:
    """The transcript less the named things, in the order of writing."""
    transcript = normal(transcript)
    for name in names:
        transcript = LOSS[name].drop(transcript)
    return transcript


def normal(transcript: Transcript) -> Transcript:
    """The transcript as two readings of it are compared: ordered, nothing said by an empty name."""

    def one(s: Segment) -> Segment:
        words = tuple(
            replace(
                w,
                speaker=w.speaker or None,
                language=w.language or None,
                estimated=w.estimated and w.span is not None,
            )
            for w in s.words
        )
        if words:
            words = (*words[:-1], replace(words[-1], separator=" "))
        return replace(s, words=words, speaker=s.speaker or None, language=s.language or None)

    return ordered(replace(transcript, segments=tuple(map(one, transcript.segments)), foreign={}))


def in_tiers(transcript: Transcript) -> Transcript:
    """The transcript with the translations of a segment by language: tiers keep no other order."""
    by_language = (replace(s, translations=tuple(sorted(s.translations, key=lambda x: x.language))) for s in transcript.segments)
    return replace(transcript, segments=tuple(by_language))


def _segments(transcript: Transcript, change: Callable[[Segment], Segment]) -> Transcript:
    return replace(transcript, segments=tuple(sorted(map(change, transcript.segments), key=segment_key)))


def _in_segments(says: str, has: Callable[[Segment], Any], **without: Any) -> Loss:
    return Loss(
        says=says,
        count=lambda t: sum(bool(has(s)) for s in t.segments),
        drop=lambda t: _segments(t, lambda s: replace(s, **without)),
    )


def _in_words(says: str, has: Callable[[Word], Any], **without: Any) -> Loss:
    return Loss(
        says=says,
        count=lambda t: sum(bool(has(w)) for s in t.segments for w in s.words),
        drop=lambda t: _segments(t, lambda s: replace(s, words=tuple(replace(w, **without) for w in s.words))),
    )


def _by_segment(says: str, count: Callable[[Segment], int], change: Callable[[Segment], Segment]) -> Loss:
    return Loss(says=says, count=lambda t: sum(map(count, t.segments)), drop=lambda t: _segments(t, change))


def _alternatives(segment: Segment) -> int:
    return len(segment.alternatives) + sum(len(w.alternatives) for w in segment.words)


def _without_alternatives(segment: Segment) -> Segment:
    return replace(segment, alternatives=(), words=tuple(replace(w, alternatives=()) for w in segment.words))


def _ends(segment: Segment) -> Segment:
    """Word ends as a format with starts only gives them back: where the next begins, else the segment ends."""
    words, nearest = [], segment.span.end_ms
    for word in reversed(segment.words):
        if word.span is not None:
            start = word.span.start_ms
            words.append(replace(word, span=Span(start_ms=start, end_ms=max(start, nearest))))
            nearest = start
        else:
            words.append(word)
    return replace(segment, words=tuple(reversed(words)))


def _changed_words(segment: Segment, change: Callable[[Segment], Segment]) -> int:
    return sum(a != b for a, b in zip_longest(segment.words, change(segment).words))


def _within(segment: Segment) -> Segment:
    return replace(segment, words=tuple(replace(w, span=w.span and clamped(w.span, segment.span)) for w in segment.words))


def _own_speakers(segment: Segment) -> Segment:
    """The segment's speaker for words that have a margin, and no speaker for others."""
    words = (replace(w, speaker=segment.speaker if w.speaker_margin is not None else None) for w in segment.words)
    return replace(segment, words=tuple(words))


def _timed(segment: Segment) -> Segment:
    return replace(segment, words=tuple(replace(w, span=w.span or s) for w, s in zip(segment.words, divided(segment), strict=True)))


def _widened(segment: Segment) -> Segment:
    """The segment, and each word with a time, at least a millisecond long."""
    outer = at_least(segment.span, LATEST_MS)
    words = (replace(w, span=w.span and at_least(w.span, outer.end_ms)) for w in segment.words)
    return replace(segment, span=outer, words=tuple(words))


def _count_zero(segment: Segment) -> int:
    return (not segment.span.length_ms) + sum(w.span is not None and not w.span.length_ms for w in segment.words)


def _separated(segment: Segment) -> Segment:
    return replace(segment, words=fitted(segment.text, segment.words))


def _used(transcript: Transcript, of: Callable[[Segment], Iterable[str | None]]) -> list[str]:
    return list(dict.fromkeys(name for s in transcript.segments for name in of(s) if name))


def _plain_speakers(transcript: Transcript) -> tuple[Speaker, ...]:
    return tuple(Speaker(id=name) for name in _used(transcript, lambda s: [s.speaker]))


def _plain_languages(transcript: Transcript) -> tuple[LanguageUse, ...]:
    return tuple(LanguageUse(id=name) for name in _used(transcript, lambda s: [s.language, *(w.language for w in s.words)]))


def with_lists(transcript: Transcript) -> Transcript:
    """The transcript with speakers and languages listed as its segments use them; what readers without such lists give."""
    return replace(transcript, speakers=_plain_speakers(transcript), languages=_plain_languages(transcript))


def _count_speakers(transcript: Transcript) -> int:
    plain = set(_plain_speakers(transcript))
    return sum(s not in plain for s in transcript.speakers)


def _count_languages(transcript: Transcript) -> int:
    plain = set(_plain_languages(transcript))
    return sum(x not in plain for x in transcript.languages)


_ABOUT: dict[str, Any] = dict(
    recording=Recording(), coverage=None, provenance=(), id="", created="", software="", consent={}, extra={}, last_id=0
)


def _once(ids: list[str]) -> list[str]:
    """The ids, each that stood before left empty."""
    first = {id: place for place, id in reversed(list(enumerate(ids)))}
    return [id if first[id] == place else "" for place, id in enumerate(ids)]


def _text_less(transcript: Transcript) -> Transcript:
    return replace(transcript, segments=tuple(s for s in transcript.segments if s.text))


def _with_text(segment: Segment, text: str) -> Segment:
    return segment if segment.text == text else replace(segment, text=text, words=())


def _one_block(text: str) -> str:
    """A text without blank lines: they end a subtitle. Each stretch of them becomes a space."""
    blocks: list[list[str]] = [[]]
    for line in re.split(r"\r\n|\n|\r", text):
        if line.strip(" \t"):
            blocks[-1].append(line)
        else:
            blocks.append([])
    return " ".join("\n".join(b) for b in blocks if b)


def _one_line(text: str) -> str:
    return re.sub(r"\r\n|\n|\r", " ", text)


LOSS: dict[str, Loss] = {
    "speakers": Loss(
        says="speakers of segments",
        count=lambda t: sum(bool(s.speaker) for s in t.segments),
        drop=lambda t: replace(_segments(t, lambda s: replace(s, speaker=None)), speakers=()),
    ),
    "speaker_records": Loss(says="records of speakers", count=_count_speakers, drop=lambda t: replace(t, speakers=_plain_speakers(t))),
    "speaker_margins": _in_segments("margins of speakers", lambda s: s.speaker_margin is not None, speaker_margin=None),
    "word_speakers": _in_words("speakers of words", lambda w: w.speaker or w.speaker_margin is not None, speaker=None, speaker_margin=None),
    "other_speakers": _by_segment(
        "speakers of words beside those of their segments", lambda s: _changed_words(s, _own_speakers), _own_speakers
    ),
    "languages": _in_segments("languages of segments", lambda s: s.language, language=None),
    "word_languages": _in_words("languages of words", lambda w: w.language, language=None),
    "language_records": Loss(says="records of languages", count=_count_languages, drop=lambda t: replace(t, languages=_plain_languages(t))),
    # The first two come before what may drop a segment: of two things with one id, the first of all keeps it.
    "double_ids": Loss(
        says="ids that stand twice, the second now a new one",
        count=lambda t: sum(a != b for a, b in zip(ids_of(t), _once(ids_of(t)), strict=True)),
        drop=lambda t: with_ids(t, _once(ids_of(t))),
    ),
    "foreign_ids": Loss(
        says="ids that are not a letter a and a number, now such ones",
        count=lambda t: sum(bool(x) and not id_number(x) for x in ids_of(t)),
        drop=lambda t: with_ids(t, (x if id_number(x) else "" for x in ids_of(t))),
    ),
    "ids": Loss(
        says="ids of segments and points",
        count=lambda t: sum(bool(s.id) for s in t.segments) + sum(bool(p.id) for p in t.points),
        drop=lambda t: replace(_segments(t, lambda s: replace(s, id="")), points=tuple(replace(p, id="") for p in t.points)),
    ),
    "word_ids": _in_words("ids of words", lambda w: w.id, id=""),
    "words": _by_segment("words of their own", lambda s: len(s.words), lambda s: replace(s, words=())),
    "word_times": _in_words("times of words", lambda w: w.span, span=None, estimated=False),
    "word_ends": _by_segment("ends of words", lambda s: _changed_words(s, _ends), _ends),
    "word_overhang": _by_segment("words reaching out of their segment", lambda s: _changed_words(s, _within), _within),
    "missing_times": _by_segment("words without times, now with estimated ones", lambda s: sum(w.span is None for w in s.words), _timed),
    "zero_lengths": _by_segment("times without length, now a millisecond", _count_zero, _widened),
    "separators": _by_segment("divisions between words", lambda s: _changed_words(normal_separators(s), _separated), _separated),
    "estimates": _in_words("marks of estimated times", lambda w: w.estimated, estimated=False),
    "confidence": _in_segments("confidences of segments", lambda s: s.confidence is not None, confidence=None),
    "word_confidence": _in_words("confidences of words", lambda w: w.confidence is not None, confidence=None),
    "alternatives": _by_segment("alternatives", _alternatives, _without_alternatives),
    "translations": _by_segment("translations", lambda s: len(s.translations), lambda s: replace(s, translations=())),
    "translators": _by_segment(
        "names of translators",
        lambda s: sum(bool(x.by) for x in s.translations),
        lambda s: replace(s, translations=tuple(replace(x, by="") for x in s.translations)),
    ),
    "empty_translations": _by_segment(
        "empty translations",
        lambda s: sum(not x.text for x in s.translations),
        lambda s: replace(s, translations=tuple(x for x in s.translations if x.text)),
    ),
    "points": Loss(says="points", count=lambda t: len(t.points), drop=lambda t: replace(t, points=())),
    "empty_segments": Loss(says="segments without text", count=lambda t: sum(not s.text for s in t.segments), drop=_text_less),
    "blank_lines": _by_segment(
        "blank lines inside texts", lambda s: _one_block(s.text) != s.text, lambda s: _with_text(s, _one_block(s.text))
    ),
    "line_ends": _by_segment("line ends inside texts", lambda s: _one_line(s.text) != s.text, lambda s: _with_text(s, _one_line(s.text))),
    "status": _in_segments("states of review", lambda s: s.status != "draft" or s.unsure_reason, status="draft", unsure_reason=""),
    "kinds": _in_segments("kinds of segments", lambda s: s.kind != "speech", kind="speech"),
    "origins": _in_segments("origins of segments", lambda s: s.origin != "machine", origin="machine"),
    "channels": _in_segments("channels of segments", lambda s: s.channel is not None, channel=None),
    "notes": _by_segment("notes", lambda s: len(s.notes), lambda s: replace(s, notes=())),
    "text": _in_segments("texts", lambda s: s.text, text="", words=()),
    "times": Loss(
        says="times of segments",
        count=lambda t: len(t.segments),
        drop=lambda t: replace(t, segments=tuple(replace(s, span=Span(start_ms=0, end_ms=0)) for s in t.segments)),
    ),
    "about": Loss(
        says="facts about the transcript (recording, coverage, provenance, consent)",
        count=lambda t: sum(bool(getattr(t, name) != empty) for name, empty in _ABOUT.items()),
        drop=lambda t: replace(t, **_ABOUT),
    ),
}


def normal_separators(segment: Segment) -> Segment:
    """The segment with the separator after the last word, which says nothing, as a reader gives it."""
    if not segment.words:
        return segment
    return replace(segment, words=(*segment.words[:-1], replace(segment.words[-1], separator=" ")))
