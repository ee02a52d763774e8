"""What an EAF of ours says of annotations in its header, by their ids, so that no tier is crowded with it.

Confidences of segments, and of words without other readings (with such, it stands in the tier of readings); how sure
the speakers of segments and words are; and words whose times are estimated or not known, which have divided ones in their tier.
An annotation that was deleted since takes no fact with it, as no id is given twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from speech.errors import FormatRefused
from speech.formats import json as _json
from speech.types import Segment, Transcript, Word

PROPERTY = "speech-annotations"

_T = TypeVar("_T", Segment, Word)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts by the id of a segment or word."""

    confidence: Mapping[str, float] = field(default_factory=dict)
    estimated: frozenset[str] = frozenset()
    untimed: frozenset[str] = frozenset()
    speaker_margin: Mapping[str, float] = field(default_factory=dict)


def text_of(transcript: Transcript) -> str:
    """What the header says of the segments and words of a transcript, all of which have ids; empty where it says nothing."""
    words = [w for s in transcript.segments for w in s.words]
    sure = {s.id: s.confidence for s in transcript.segments if s.confidence is not None}
    sure |= {w.id: w.confidence for w in words if w.confidence is not None and not w.alternatives}
    margins = {s.id: s.speaker_margin for s in transcript.segments if s.speaker_margin is not None}
    margins |= {w.id: w.speaker_margin for w in words if w.speaker_margin is not None}
    facts = {
        "confidence": sure,
        "estimated": [w.id for w in words if w.estimated and w.span],
        "untimed": [w.id for w in words if w.span is None],
        "speaker_margin": margins,
    }
    told = {name: value for name, value in facts.items() if value}
    return json.dumps(told, ensure_ascii=False, allow_nan=False) if told else ""


def read(text: str, where: str) -> Facts:
    """The facts in a header.

    Raises
    ------
    FormatRefused
        `FORMAT_JSON`: it is no JSON; `FORMAT_VALUE`: it is not what we write there.
    """
    raw = _json.loads(text, where)
    try:
        return Facts(
            confidence=_numbers(raw.get("confidence", {})),
            estimated=frozenset(map(str, raw.get("estimated", ()))),
            untimed=frozenset(map(str, raw.get("untimed", ()))),
            speaker_margin=_numbers(raw.get("speaker_margin", {})),
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise FormatRefused(
            f"{where}, property {PROPERTY}", "it is not what this program writes there", "Take the property out", "FORMAT_VALUE"
        ) from error


def _numbers(raw: Mapping[str, Any]) -> dict[str, float]:
    return {str(id): float(value) for id, value in raw.items()}


def with_facts(segments: tuple[Segment, ...], facts: Facts) -> tuple[Segment, ...]:
    """The segments, and their words, with what the header says of them."""
    whole = (replace(s, words=tuple(_whose(_timed(_sure(w, facts), facts), s.speaker, facts) for w in s.words)) for s in segments)
    return tuple(_sure(replace(s, speaker_margin=facts.speaker_margin.get(s.id)), facts) for s in whole)


def _sure(on: _T, facts: Facts) -> _T:
    return replace(on, confidence=facts.confidence[on.id]) if on.id in facts.confidence else on


def _whose(word: Word, speaker: str | None, facts: Facts) -> Word:
    """A word with a margin is its segment's speaker's."""
    return replace(word, speaker=speaker, speaker_margin=facts.speaker_margin[word.id]) if word.id in facts.speaker_margin else word


def _timed(word: Word, facts: Facts) -> Word:
    if word.id in facts.untimed:
        return replace(word, span=None)
    return replace(word, estimated=True) if word.id in facts.estimated else word
