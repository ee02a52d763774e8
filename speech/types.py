"""The records that pass between rooms: a recording, spans of it, and the transcript in the middle.

All are frozen and plain. Times are integer milliseconds, ends excluded; confidences are probabilities in
0..1 or None where nothing is known. Optional fields left empty say "not known", never "no".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Status = Literal["draft", "edited", "approved", "unsure", "not_speech"]
Kind = Literal["speech", "overlap", "noise", "silence", "singing"]
Origin = Literal["machine", "person"]

SCHEMA = "speech-transcript/1"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """A stretch of a recording: from `start_ms`, up to but without `end_ms`."""

    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """How long it is."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another reading of a word or a segment."""

    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word; `span` is None where no time is known, `estimated` where it was divided, not measured."""

    text: str
    span: Span | None = None
    estimated: bool = False
    confidence: float | None = None
    speaker: str | None = None
    speaker_margin: float | None = None
    language: str | None = None
    alternatives: tuple[Alternative, ...] = ()
    separator: str = " "
    """What stands between this word and the next; not written after the last."""
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A segment's text in another language; `by` is a person code or the name of a program."""

    language: str
    text: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A span with its text and speaker: what review shows and formats write. `words` joined give `text`."""

    span: Span
    text: str = ""
    speaker: str | None = None
    language: str | None = None
    words: tuple[Word, ...] = ()
    translations: tuple[Translation, ...] = ()
    confidence: float | None = None
    status: Status = "draft"
    unsure_reason: str = ""
    origin: Origin = "machine"
    kind: Kind = "speech"
    channel: int | None = None
    alternatives: tuple[Alternative, ...] = ()
    notes: tuple[str, ...] = ()
    id: str = ""
    speaker_margin: float | None = None
    """0 to 1: how sure the speaker is by how far the next lies behind; None where it is not known, or a person named the speaker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Who speaks when; no text. `margin`, 0 to 1: how sure the speaker is by how far the next lies behind, None where it is not known."""

    span: Span
    speaker: str
    margin: float | None = None
    channel: int | None = None
    """None: all channels, mixed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A span that is heard in one language; whose voice and which channel (from 1), where that is known.

    Passages may overlap: two people who speak at once are two passages.
    """

    span: Span
    language: str
    speaker: str | None = None
    channel: int | None = None
    """None: all channels, mixed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """A label in this recording; `person` is a code of the collection, never a name."""

    id: str
    person: str | None = None
    channel: int | None = None
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageUse:
    """A language of the transcript under the id that segments and words use."""

    id: str
    glottocode: str = ""
    script: str = ""
    variety: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A moment with a label (TextGrid point tiers, Audacity points, events)."""

    time_ms: int
    label: str = ""
    tier: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Speech that was not transcribed, and why."""

    span: Span
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Every millisecond: duration = speech + silence + missing, and speech = transcribed + skipped."""

    duration_ms: int = 0
    speech_ms: int = 0
    silence_ms: int = 0
    missing_ms: int = 0
    transcribed_ms: int = 0
    skipped_ms: int = 0
    skipped: tuple[Skip, ...] = ()

    @property
    def adds_up(self) -> bool:
        """Whether both sums hold, and the skips are those counted."""
        return (
            self.duration_ms == self.speech_ms + self.silence_ms + self.missing_ms
            and self.speech_ms == self.transcribed_ms + self.skipped_ms
            and self.skipped_ms == sum(s.span.length_ms for s in self.skipped)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One audio file as it was found. `path` is as given, or relative to the transcript once saved.

    `wav` is a WAV of it on the same clock, where one was made for programs that draw waves from WAV only.
    """

    path: str = ""
    sha256: str = ""
    duration_ms: int = 0
    sample_rate: int = 0
    channels: int = 0
    offset_ms: int = 0
    media_type: str = ""
    wav: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One step that made or changed the transcript (activity, agent), with hashes of what it used."""

    activity: str
    agent: str = ""
    model: str = ""
    base_sha256: str = ""
    adapter_sha256: str = ""
    settings_sha256: str = ""
    ledger: str = ""
    at: str = ""
    calibration: str = ""
    """Whether its confidences are calibrated, and on what; empty where it gives none."""
    language_model_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What was said in a recording, by whom, when, how sure; and how that came about."""

    recording: Recording = field(default_factory=Recording)
    segments: tuple[Segment, ...] = ()
    speakers: tuple[Speaker, ...] = ()
    languages: tuple[LanguageUse, ...] = ()
    points: tuple[Point, ...] = ()
    coverage: Coverage | None = None
    provenance: tuple[Act, ...] = ()
    id: str = ""
    created: str = ""
    software: str = ""
    foreign: Mapping[str, Any] = field(default_factory=dict)
    """What came from where, by format: tier ids, slot ids, hash of the source."""
    consent: Mapping[str, Any] = field(default_factory=dict)
    last_id: int = 0
    """The highest number that an id of this transcript ever had: the id of a deleted segment is never given again."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Fields of a newer minor version of our JSON, kept as they were read."""

    @property
    def text(self) -> str:
        """The whole text, a line a segment that has any."""
        return "\n".join(s.text for s in self.segments if s.text)


_ID = re.compile(r"a([1-9][0-9]{0,14})")
LAST_ID = 10**15 - 1
"""The highest number an id may have."""


def id_number(id: str) -> int:
    """The number in an id of the form we give (`a12`, as ELAN's annotations have it); 0 for an id of any other form."""
    found = _ID.fullmatch(id)
    return int(found[1]) if found else 0


def identified(transcript: Transcript) -> Transcript:
    """The transcript with an id for every segment, word and point; an id that is there stays, whatever its form.

    A new id is `a<number>`, above every number in use and above `last_id`: first segments, then words, then
    points, as they stand. It is given once and then says nothing of a place: what is moved, split off or put
    in later changes no other id. Of things with the same id the first keeps it. The same transcript gets the
    same ids.
    """
    had = ids_of(transcript)
    last = max([0, transcript.last_id, *map(id_number, had)])
    ids: list[str] = []
    taken = {""}
    for id in had:
        if id in taken:
            last += 1
            id = f"a{last}"
        taken.add(id)
        ids.append(id)
    return replace(with_ids(transcript, ids), last_id=last)


def ids_of(transcript: Transcript) -> list[str]:
    """The ids of all segments, then of all words, then of all points; empty where there is none."""
    words = [w.id for s in transcript.segments for w in s.words]
    return [*(s.id for s in transcript.segments), *words, *(p.id for p in transcript.points)]


def with_ids(transcript: Transcript, ids: Iterable[str]) -> Transcript:
    """The transcript with these ids, in the order of `ids_of`."""
    new = iter(ids)
    segments = [replace(s, id=next(new)) for s in transcript.segments]
    segments = [replace(s, words=tuple(replace(w, id=next(new)) for w in s.words)) for s in segments]
    return replace(transcript, segments=tuple(segments), points=tuple(replace(p, id=next(new)) for p in transcript.points))


def merged(spans: Iterable[Span]) -> list[Span]:
    """The union of spans: in order, without overlap, touching ones joined."""
    union: list[Span] = []
    for span in sorted(spans):
        if union and span.start_ms <= union[-1].end_ms:
            if span.end_ms > union[-1].end_ms:
                union[-1] = Span(start_ms=union[-1].start_ms, end_ms=span.end_ms)
        elif span.end_ms > span.start_ms:
            union.append(span)
    return union


def without(span: Span, taken: Iterable[Span]) -> list[Span]:
    """What is left of `span` where none of `taken` is; `taken` in order and without overlap."""
    left: list[Span] = []
    start = span.start_ms
    for other in taken:
        if other.end_ms <= start or other.start_ms >= span.end_ms:
            continue
        if other.start_ms > start:
            left.append(Span(start_ms=start, end_ms=other.start_ms))
        start = max(start, other.end_ms)
    if start < span.end_ms:
        left.append(Span(start_ms=start, end_ms=span.end_ms))
    return left


def joined(words: tuple[Word, ...]) -> str:
    """The text that words spell: each followed by its separator, but for the last."""
    return "".join(w.text + (w.separator if n + 1 < len(words) else "") for n, w in enumerate(words))
