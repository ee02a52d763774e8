"""A transcript as tiers, for EAF and TextGrid alike, and tiers as a transcript.

A speaker's segments make a tier of the speaker's name; where two of them overlap, the later goes to `name (2)`.
What hangs on a segment or word stands in further tiers, named after it: `S1 [words]`, `S1 [readings]`,
`S1 [status]`, `S1 [words confidence]`, `S1 [translation spa]`, `S1 [note]`, `S1 (2) [words]`. Segments without speaker stand
in `segments`. Brackets in a speaker's name are percent-encoded, so a name can never be taken for another tier.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args
from urllib.parse import quote

from speech.errors import FormatRefused
from speech.formats import _readings
from speech.formats._checks import name_of, place, segment_key
from speech.formats._words import at_least, clamped, divided, fitted
from speech.types import Alternative, Kind, Origin, Point, Segment, Span, Status, Transcript, Translation, Word

Role = Literal["segments", "words", "readings", "values", "points"]

NOBODY = "segments"
_NAME = re.compile(r"(?P<track>.+?) \[(?P<role>[^\[\]]+)\]", re.DOTALL)
_COPY = re.compile(r"(?P<base>.*) \([2-9]\d*\)|(?P<more>.*) \(1\d+\)", re.DOTALL)
_NOTE = re.compile(r"note(?: \((?P<number>[1-9]\d{0,5})\))?")
_ENCODED = re.compile(r"%(5B|5D|28|29|25|73)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One annotation: `number` is its place in the order of writing, `parent` the number of what it hangs on.

    `id` is that of the segment, word or point; what hangs on them has none of its own.
    """

    span: Span
    text: str
    number: int = 0
    parent: int | None = None
    language: str | None = None
    id: str = ""


@dataclass(slots=True, kw_only=True)
class Tier:
    """One tier; `parent` names the tier its cells hang on, `hanging` what they say of it (confidence, ...).

    Readings lie beside their words, at the same times under the same segments: pympi cannot follow an annotation that
    refers to one of a tier which has times and a parent.
    """

    name: str
    role: Role
    parent: str | None = None
    hanging: str = ""
    speaker: str | None = None
    language: str | None = None
    cells: list[Cell] = field(default_factory=list)


# What hangs on a segment or word: its name, how it is written, how it is read.


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A fact in a tier of its own: written where `get` gives a text."""

    name: str
    get: Callable[[Any], str | None]
    set: Callable[[Any, str], Any]


def _choice(choices: Any, text: str) -> str:
    if text not in get_args(choices):
        raise ValueError(text)
    return text


def _probability(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


CONFIDENCE = Value(
    name="confidence",
    get=lambda x: None if x.confidence is None else repr(float(x.confidence)),
    set=lambda x, text: replace(x, confidence=_probability(text)),
)
LANGUAGE = Value(name="language", get=lambda x: x.language, set=lambda x, text: replace(x, language=text))
STATUS = Value(
    name="status", get=lambda s: None if s.status == "draft" else s.status, set=lambda s, text: replace(s, status=_choice(Status, text))
)
REASON = Value(name="unsure reason", get=lambda s: s.unsure_reason or None, set=lambda s, text: replace(s, unsure_reason=text))
KIND = Value(name="kind", get=lambda s: None if s.kind == "speech" else s.kind, set=lambda s, text: replace(s, kind=_choice(Kind, text)))
ORIGIN = Value(
    name="origin", get=lambda s: None if s.origin == "machine" else s.origin, set=lambda s, text: replace(s, origin=_choice(Origin, text))
)
CHANNEL = Value(
    name="channel", get=lambda s: None if s.channel is None else str(s.channel), set=lambda s, text: replace(s, channel=int(text))
)
MARGIN = Value(
    name="speaker margin",
    get=lambda s: None if s.speaker_margin is None else repr(float(s.speaker_margin)),
    set=lambda s, text: replace(s, speaker_margin=_probability(text)),
)
ALTERNATIVES = Value(
    name="alternatives",
    get=lambda s: _readings.written(None, s.alternatives) if s.alternatives else None,
    set=lambda s, text: replace(s, alternatives=_readings.read(text)[1]),
)
_VALUES = {v.name: v for v in (CONFIDENCE, ALTERNATIVES, LANGUAGE, STATUS, REASON, KIND, ORIGIN, CHANNEL, MARGIN)}


# Writing.


def laid_out(
    transcript: Transcript, segment_values: Sequence[Value], word_values: Sequence[Value], *, readings: bool = False
) -> list[Tier]:
    """The tiers of an ordered transcript, with numbers in the order of segments, words and what hangs on them.

    `readings`: words that have other readings get these, and how sure they are, in a tier beside that of words.
    """
    tiers: dict[str, Tier] = {}
    ends: dict[str, int] = {}
    number = 0

    def add(tier: Tier, cell: Cell) -> int:
        nonlocal number
        number += 1
        found = tiers.setdefault(tier.name, tier)
        found.cells.append(replace(cell, number=number))
        ends[found.name] = max(ends.get(found.name, 0), cell.span.end_ms)
        return number

    def free(names: Iterator[str], span: Span) -> str:
        return next(n for n in names if ends.get(n, 0) <= span.start_ms)

    check_word_order(transcript)
    for segment in transcript.segments:
        track = free(track_names(segment.speaker), segment.span)
        tier = Tier(name=track, role="segments", speaker=segment.speaker)
        owner = add(tier, Cell(span=segment.span, text=segment.text, language=segment.language, id=segment.id))
        for value in segment_values:
            _hang(add, tier, value.name, value.get(segment), segment.span, owner)
        _translations(add, tier, segment, owner)
        for n, note in enumerate(segment.notes, 1):
            _hang(add, tier, f"note ({n})" if n > 1 else "note", note, segment.span, owner)
        for word, span in zip(segment.words, divided(segment), strict=True):
            span = at_least(span, segment.span.end_ms)
            name = free((f"{track} [words{f' {n}' if n > 1 else ''}]" for n in range(1, 10_000)), span)
            words = Tier(name=name, role="words", parent=track, speaker=segment.speaker)
            at = add(words, Cell(span=span, text=word.text, language=word.language, parent=owner, id=word.id))
            if readings and word.alternatives:
                beside = Tier(name=_beside(name), role="readings", parent=track, speaker=segment.speaker)
                add(beside, Cell(span=span, text=_readings.written(word.confidence, word.alternatives)))
            for value in word_values:
                _hang(add, words, value.name, value.get(word), span, at)
    for point in transcript.points:
        span = Span(start_ms=point.time_ms, end_ms=point.time_ms)
        add(Tier(name=f"\0{point.tier}", role="points"), Cell(span=span, text=point.label, id=point.id))
    return _grouped(tiers.values())


def _beside(words: str) -> str:
    """The tier of readings that belongs to a tier of words."""
    return re.sub(r"\[words((?: \d+)?)\]$", r"[readings\1]", words)


def _hang(add: Callable[[Tier, Cell], int], on: Tier, name: str, text: str | None, span: Span, owner: int) -> None:
    if text is None:
        return
    base = f"{on.name[:-1]} {name}]" if on.role == "words" else f"{on.name} [{name}]"
    add(Tier(name=base, role="values", parent=on.name, hanging=name, speaker=on.speaker), Cell(span=span, text=text, parent=owner))


def _translations(add: Callable[[Tier, Cell], int], on: Tier, segment: Segment, owner: int) -> None:
    seen: dict[str, int] = defaultdict(int)
    for translation in segment.translations:
        seen[translation.language] += 1
        count = seen[translation.language]
        name = f"translation {_encoded(translation.language)}{f' ({count})' if count > 1 else ''}"
        tier = Tier(
            name=f"{on.name} [{name}]", role="values", parent=on.name, hanging=name, speaker=on.speaker, language=translation.language
        )
        add(tier, Cell(span=segment.span, text=translation.text, parent=owner))


def check_word_order(transcript: Transcript) -> None:
    """Refuse words that do not start in the order of the text: tiers order them by time.

    Raises
    ------
    FormatRefused
        `FORMAT_TIMES`, with segment and word.
    """
    for number, segment in enumerate(transcript.segments, 1):
        starts = [w.span.start_ms for w in segment.words if w.span]
        for before, after in zip(starts, starts[1:], strict=False):
            if after < before:
                where = place(name_of(transcript), number, segment)
                what = f"a word at {after} ms comes after one at {before} ms in the text"
                raise FormatRefused(where, what, "Correct the times of its words, or save as json", "FORMAT_TIMES")


def _grouped(tiers: Iterable[Tier]) -> list[Tier]:
    """Each segment tier followed by what hangs on it, parents first; points last."""
    tiers = list(tiers)
    children: dict[str | None, list[Tier]] = defaultdict(list)
    for tier in tiers:
        if tier.role != "points":
            children[tier.parent].append(tier)
    ordered: list[Tier] = []

    def walk(parent: str | None) -> None:
        for tier in children[parent]:
            ordered.append(tier)
            walk(tier.name)

    walk(None)
    points = [replace(t, name=t.name[1:]) for t in tiers if t.role == "points"]
    return ordered + points


def track_names(speaker: str | None) -> Iterator[str]:
    """The names a speaker's tiers may have, in order."""
    if speaker is None:
        base = NOBODY
    else:
        base = _encoded(speaker)
        base = f"%73{base[1:]}" if base == NOBODY else base
    yield base
    for n in range(2, 100_000):
        yield f"{base} ({n})"


def _encoded(name: str) -> str:
    return "".join(quote(c) if c in "[]()%" else c for c in name)


def _decoded(name: str) -> str:
    return _ENCODED.sub(lambda m: chr(int(m[1], 16)), name)


# Reading.


def named(name: str, others: Iterable[str]) -> Tier:
    """What a tier is by its name, among the names of a file: one that hangs on no tier there is a segment tier."""
    others = set(others)
    if (found := _NAME.fullmatch(name)) and found["track"] in others:
        track, role = found["track"], found["role"]
        if re.fullmatch(r"words( \d+)?", role):
            return Tier(name=name, role="words", parent=track)
        if re.fullmatch(r"readings( \d+)?", role):
            return Tier(name=name, role="readings", parent=track)
        if of_words := re.fullmatch(r"(words(?: \d+)?) (.+)", role, re.DOTALL):
            parent = f"{track} [{of_words[1]}]"
            if parent in others and of_words[2] in _VALUES:
                return Tier(name=name, role="values", parent=parent, hanging=of_words[2])
        if role in _VALUES or role.startswith("translation ") or _NOTE.fullmatch(role):
            return Tier(name=name, role="values", parent=track, hanging=role)
    return Tier(name=name, role="segments", speaker=speaker_of(name, others))


def speaker_of(name: str, others: set[str]) -> str | None:
    """The speaker of a segment tier by its name."""
    found = _COPY.fullmatch(name)
    base = (found["base"] or found["more"]) if found else None
    if base is not None and base in others:
        name = base
    return None if name == NOBODY else _decoded(name)


def assembled(tiers: Sequence[Tier], where: str) -> tuple[tuple[Segment, ...], tuple[Point, ...]]:
    """Segments and points of tiers, in the order of writing.

    Raises
    ------
    FormatRefused
        `FORMAT_VALUE`: a tier of ours holds what its name does not allow, such as a confidence of "high".
    """
    children: dict[str | None, list[Tier]] = defaultdict(list)
    for tier in tiers:
        children[tier.parent].append(tier)
    segments: list[Segment] = []
    for tier in tiers:
        if tier.role == "segments":
            segments.extend(_segments(tier, children, where))
    points = [Point(time_ms=c.span.start_ms, label=c.text, tier=t.name, id=c.id) for t in tiers if t.role == "points" for c in t.cells]
    points.sort(key=lambda p: (p.time_ms, p.tier))
    return tuple(sorted(segments, key=segment_key)), tuple(points)


def _segments(tier: Tier, children: dict[str | None, list[Tier]], where: str) -> Iterator[Segment]:
    words: dict[int, list[tuple[Cell, Word]]] = defaultdict(list)
    for child in children[tier.name]:
        if child.role != "words":
            continue
        known = _hung(child, children, where)
        others = _read_beside(child, children)
        for cell, owner in _owned(child, tier):
            confidence, alternatives = others.get(cell.number, (None, ()))
            word: Word = Word(
                text=cell.text,
                span=cell.span,
                language=cell.language,
                id=cell.id,
                confidence=confidence,
                alternatives=alternatives,
            )
            for value, text in known[cell.number]:
                word = _set(value, word, text, child.name, where)
            if owner is None:
                yield Segment(span=cell.span, text=cell.text, speaker=tier.speaker, language=cell.language, id=cell.id)
            else:
                words[owner].append((cell, word))
    known = _hung(tier, children, where)
    translations = _translated(tier, children)
    notes = _noted(tier, children)
    for cell in tier.cells:
        inside = sorted(words[cell.number], key=lambda x: x[0].span.start_ms)
        segment = Segment(
            span=cell.span,
            text=cell.text,
            speaker=tier.speaker,
            language=cell.language,
            # A border that a person has moved since cuts the words it leaves outside.
            words=fitted(cell.text, [replace(w, span=w.span and clamped(w.span, cell.span)) for _, w in inside]),
            translations=tuple(translations[cell.number]),
            notes=tuple(notes[cell.number]),
            id=cell.id,
        )
        for value, text in known[cell.number]:
            segment = _set(value, segment, text, tier.name, where)
        yield segment


def _read_beside(words: Tier, children: dict[str | None, list[Tier]]) -> dict[int, tuple[float | None, tuple[Alternative, ...]]]:
    """Confidence and readings by the number of their word, from the tier of readings that belongs to a tier of words."""
    found: dict[int, tuple[float | None, tuple[Alternative, ...]]] = {}
    for child in children[words.parent]:
        if child.role == "readings" and child.name == _beside(words.name):
            found.update({owner: _readings.read(cell.text) for cell, owner in _owned(child, words) if owner is not None})
    return found


def _hung(on: Tier, children: dict[str | None, list[Tier]], where: str) -> dict[int, list[tuple[Value, str]]]:
    found: dict[int, list[tuple[Value, str]]] = defaultdict(list)
    for child in children[on.name]:
        if child.role == "values" and child.hanging in _VALUES:
            for cell, owner in _owned(child, on):
                if owner is not None and cell.text:
                    found[owner].append((_VALUES[child.hanging], cell.text))
    return found


def _translated(on: Tier, children: dict[str | None, list[Tier]]) -> dict[int, list[Translation]]:
    found: dict[int, list[Translation]] = defaultdict(list)
    for child in children[on.name]:
        if child.role == "values" and child.hanging.startswith("translation "):
            language = speaker_of(child.hanging, {c.hanging for c in children[on.name]}) or ""
            for cell, owner in _owned(child, on):
                if owner is not None:
                    found[owner].append(Translation(language=language.removeprefix("translation "), text=cell.text))
    for translations in found.values():
        translations.sort(key=lambda x: x.language)
    return found


def _noted(on: Tier, children: dict[str | None, list[Tier]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    numbered = [(int(known["number"] or 1), child) for child in children[on.name] if (known := _NOTE.fullmatch(child.hanging))]
    for _, child in sorted(numbered, key=lambda one: one[0]):
        for cell, owner in _owned(child, on):
            if owner is not None:
                found[owner].append(cell.text)
    return found


def _set(value: Value, on: Any, text: str, tier: str, where: str) -> Any:
    try:
        return value.set(on, text)
    except ValueError as error:
        raise FormatRefused(
            f"{where}, tier {ascii(tier)}", f"a {value.name} is not what it may be", "Correct it there, or empty it", "FORMAT_VALUE"
        ) from error


def _owned(child: Tier, parent: Tier) -> Iterator[tuple[Cell, int | None]]:
    """Each cell of a tier with the number of what it hangs on: the one named, else the one that holds its middle.

    On a shared border two may hold it (of zero length): then the one written last before it.
    """
    by_start = sorted(parent.cells, key=lambda c: (c.span.start_ms, c.span.end_ms, c.number))
    starts = [c.span.start_ms * 2 for c in by_start]
    for cell in child.cells:
        if cell.parent is not None:
            yield cell, cell.parent
            continue
        middle = cell.span.start_ms + cell.span.end_ms
        found: list[int] = []
        at = bisect_right(starts, middle) - 1
        while at >= 0 and by_start[at].span.end_ms * 2 >= middle:
            found.append(by_start[at].number)
            at -= 1
        before = [n for n in found if n < cell.number]
        yield cell, max(before or found, default=None)
