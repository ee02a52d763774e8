"""Whose turn it is, and in which language: from an open recording to passages that are heard, each with its place in the transcript.

Turns come from `diarise`, or are stretches of speech where nobody asks who speaks. A speaker's turns with short pauses are one. Where
two speak at once in one channel, the network hears one sound: it is heard for whoever began first, and what the other says
meanwhile stands as a stretch without words.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from speech.audio import Signal
from speech.collections.made import Clock, Progress
from speech.diarise.assembly import CLOSE, NOBODY
from speech.diarise.records import Diariser, SpeakerCount
from speech.diarise.records import Settings as DiariseSettings
from speech.diarise.thresholds import ACTIVITY, UNSURE_MARGIN
from speech.diarise.turns import heard
from speech.errors import Finding
from speech.identify.chain import Columns, Told, languages_of
from speech.identify.records import TOO_LITTLE, Identifier
from speech.identify.records import Settings as IdentifySettings
from speech.identify.turns import Listening
from speech.languages import UNDETERMINED, named
from speech.models.activity import ActivitySettings, Samples, cut, segments, speech_probabilities
from speech.transcribe.records import NO_MODEL, TurnSettings
from speech.types import Passage, Segment, Skip, Span, Turn, Word, merged, without

OVERLAID = "spoken while somebody else speaks: these words are not told apart"
NO_LANGUAGE = "in none of the languages that are known"
LANGUAGE_CLOSE = "another language is nearly as likely"
OUTSIDE = "perhaps in a language that was not named"
_AS_DETECTED = dataclasses.replace(ACTIVITY, edge_ms=0, join_ms=100)
"""Speech without the edges and pauses that are added to it for hearing: what of this is nobody's turn is told as such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """What tells whose turn it is and in which language; None for what nobody asks.

    With `count` the `diariser` tells speakers apart, with `per_speaker` each channel is one. With `identifier` the language of each turn
    is told among those of `columns`; `hears` are the languages that the recogniser has, where any may be told.
    """

    diariser: Diariser | None = None
    count: SpeakerCount | None = None
    per_speaker: bool = False
    identifier: Identifier | None = None
    columns: Columns | None = None
    hears: frozenset[str] | None = None

    @property
    def by_speakers(self) -> bool:
        """Whether anybody asks who speaks."""
        return self.count is not None or self.per_speaker


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A stretch of the transcript without its words yet, on the samples' clock; what is heard for it, None for nothing.

    `turns` are those of the diariser that it is made of.
    """

    segment: Segment
    passage: Passage | None
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """All of a recording's places in order of time, speech that has none, and what a person should know."""

    places: Sequence[Place]
    skips: Sequence[Skip] = ()
    findings: Sequence[Finding] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """A speaker's turn, of one or several of the diariser's; `alone` is what is heard for it, None where others spoke all the while."""

    span: Span
    turns: tuple[Turn, ...]
    alone: Span | None

    @property
    def speaker(self) -> str | None:
        return self.turns[0].speaker or None

    @property
    def channel(self) -> int | None:
        return self.turns[0].channel


def placed(
    signal: Signal, ears: Ears, language: str, activity: ActivitySettings, settings: TurnSettings, report: Progress, clock: Clock
) -> Placed:
    """The places of a recording's turns, all in `language`, or each in the language that `ears` tell."""
    probabilities = speech_probabilities(signal, signal.rms, report)
    clock.mark("speech detection")
    skips: list[Skip] = []
    if ears.by_speakers:
        asked = DiariseSettings(per_speaker=ears.per_speaker)
        found = heard(signal, ears.diariser, ears.count or SpeakerCount(), asked, report, probabilities=probabilities)
        speech, findings = list(found.speech), found.findings
        detected = segments(probabilities, signal.probe.found_ms, _AS_DETECTED) if not ears.per_speaker else speech
        nobodys = _nobodys(detected, found.turns)
        # With a speaker a channel it is not known on which channel it was said.
        least_ms = signal.probe.found_ms + 1 if ears.per_speaker else settings.nobodys_ms
        skips = [Skip(span=span, reason=NOBODY) for span in nobodys if span.length_ms < least_ms]
        turns = [*found.turns, *(Turn(span=span, speaker="") for span in nobodys if span.length_ms >= least_ms)]
        stretches = _alone(_joined(turns, settings.join_ms), settings.least_ms)
        clock.mark("diarisation")
    else:
        speech, findings = segments(probabilities, signal.probe.found_ms, activity), signal.findings
        stretches = [_Stretch(span=s, turns=(Turn(span=s, speaker=""),), alone=s) for s in speech]
    told: list[Told | None] = [None] * len(stretches)
    if ears.identifier is not None and ears.columns is not None:
        told = [*_told(signal, stretches, speech, ears.identifier, ears.columns, settings, report)]
        clock.mark("languages")
    places = [
        place
        for stretch, own in zip(stretches, told, strict=True)
        for place in _places(stretch, own, language, ears, probabilities, activity, settings)
    ]
    places.sort(key=lambda place: (place.segment.span, place.segment.speaker or ""))
    return Placed(
        places=_widened(places, settings.edge_ms, signal.probe.found_ms) if ears.by_speakers else places,
        skips=skips,
        findings=(*findings, *_noticed(signal, stretches, told, ears, settings)),
    )


def filled(found: Placed, heard: Iterator[Segment]) -> tuple[list[Segment], list[Skip]]:
    """The places as segments with what was heard for them, each word with its speaker and how sure that is; and what has no segment.

    `heard` are the segments of the passages. A word's margin is its turn's, less where somebody else speaks, too. Speech that is
    nobody's turn and gave no words is skipped: an empty segment of nobody would only be in the way.
    """
    places = found.places
    done, skips = [], list(found.skips)
    for place, beside in zip(places, _beside(places), strict=True):
        if place.passage is None:
            done.append(place.segment)
            continue
        own = next(heard)
        words = _whose(own.words, place, beside)
        times = [w.span for w in words if w.span is not None]
        span = place.segment.span
        if times:
            span = Span(start_ms=min(span.start_ms, times[0].start_ms), end_ms=max(span.end_ms, times[-1].end_ms))
        segment = dataclasses.replace(place.segment, span=span, text=own.text, words=words, confidence=own.confidence)
        if own.text:
            done.append(segment)
        elif NOBODY in segment.unsure_reason:
            skips.append(Skip(span=span, reason=NOBODY))
        else:
            done.append(dataclasses.replace(segment, status=own.status, unsure_reason=own.unsure_reason))
    return done, skips


def _beside(places: Sequence[Place]) -> list[list[Span]]:
    """For each place, where others speak on its channel meanwhile: the union of their turns. Places are in order of time."""
    spans: list[list[Span]] = [[] for _ in places]
    for n, one in enumerate(places):
        for m in range(n + 1, len(places)):
            other = places[m].segment
            if other.span.start_ms >= one.segment.span.end_ms:
                break
            if other.speaker != one.segment.speaker and other.channel == one.segment.channel:
                spans[n].append(other.span)
                spans[m].append(one.segment.span)
    return [merged(own) for own in spans]


def _whose(words: Sequence[Word], place: Place, others: Sequence[Span]) -> tuple[Word, ...]:
    if place.segment.speaker is None or not place.turns:
        return tuple(words)
    return tuple(dataclasses.replace(w, speaker=place.segment.speaker, speaker_margin=_word_margin(w, place.turns, others)) for w in words)


def _word_margin(word: Word, turns: Sequence[Turn], others: Sequence[Span]) -> float | None:
    if word.span is None:
        return None
    middle = (word.span.start_ms + word.span.end_ms) // 2
    turn = min(turns, key=lambda t: max(t.span.start_ms - middle, middle - t.span.end_ms, 0))
    if turn.margin is None:
        return None
    alone = sum(s.length_ms for s in without(word.span, others)) / max(1, word.span.length_ms)
    return round(turn.margin * alone, 3)


def _nobodys(speech: Sequence[Span], turns: Sequence[Turn]) -> list[Span]:
    taken = merged(t.span for t in turns)
    return [left for span in speech for left in without(span, taken)]


def _joined(turns: Sequence[Turn], join_ms: int) -> list[_Stretch]:
    """Each speaker's turns, those with a short pause between in which nobody else speaks as one; in order of time."""
    done: list[list[Turn]] = []
    last_by_speaker: dict[str, list[Turn]] = {}
    end_by_speaker: dict[str, int] = {}
    for turn in sorted(turns, key=lambda t: (t.span, t.speaker)):
        held = last_by_speaker.get(turn.speaker) if turn.speaker else None
        ended = held[-1].span.end_ms if held else 0
        # All who began before this turn are known by now; whoever of them has not ended by then spoke in the pause.
        between = any(end > ended for speaker, end in end_by_speaker.items() if speaker != turn.speaker)
        if held is not None and turn.span.start_ms - ended < join_ms and not between:
            held.append(turn)
        else:
            last_by_speaker[turn.speaker] = [turn]
            done.append(last_by_speaker[turn.speaker])
        end_by_speaker[turn.speaker] = max(end_by_speaker.get(turn.speaker, 0), turn.span.end_ms)
    return [
        _Stretch(span=Span(start_ms=group[0].span.start_ms, end_ms=max(t.span.end_ms for t in group)), turns=tuple(group), alone=None)
        for group in done
    ]


def _alone(stretches: Sequence[_Stretch], least_ms: int) -> list[_Stretch]:
    """The stretches with what of each is heard for it: where several speak at once in a channel, it is whoever began first."""
    done: list[_Stretch] = []
    taken_by_channel: dict[int | None, list[Span]] = {}
    for stretch in sorted(stretches, key=lambda s: (s.span.start_ms, -s.span.end_ms)):
        taken = taken_by_channel.setdefault(stretch.channel, [])
        left = max(without(stretch.span, taken), key=lambda s: s.length_ms, default=None)
        short = left is not None and left != stretch.span and left.length_ms < least_ms
        done.append(dataclasses.replace(stretch, alone=None if short else left))
        taken_by_channel[stretch.channel] = merged([*taken, stretch.span])
    return done


def _told(
    signal: Signal, stretches: Sequence[_Stretch], speech: Sequence[Span], identifier: Identifier, columns: Columns,
    settings: TurnSettings, report: Progress,
) -> list[Told]:  # fmt: skip
    """The language of each stretch; one in which others spoke all the while has it from those beside it."""
    nothing = Span(start_ms=0, end_ms=0)
    turns = [Turn(span=s.alone or nothing, speaker=s.speaker or "", channel=s.channel) for s in stretches]
    listening = Listening(signal, identifier, IdentifySettings(turn_ms=settings.turn_language_ms), None, report)
    return languages_of([s.speaker for s in stretches], listening.weighed(turns, speech), identifier, columns, settings.chain)


def _places(
    stretch: _Stretch, told: Told | None, language: str, ears: Ears, probabilities: Samples, activity: ActivitySettings,
    settings: TurnSettings,
) -> Iterator[Place]:  # fmt: skip
    """A stretch as places short enough for the network, cut in its pauses."""
    code = language if told is None else told.language
    margin = _margin(stretch.turns)
    reasons = [
        *([NOBODY] if ears.by_speakers and stretch.speaker is None else []),
        *([CLOSE] if margin is not None and margin < UNSURE_MARGIN else []),
        *([LANGUAGE_CLOSE] if told is not None and told.probability < settings.language_sure else []),
        *([OUTSIDE] if told is not None and told.language is not None and told.outside >= settings.outside else []),
    ]
    unheard = ""
    if stretch.alone is None:
        unheard = OVERLAID
    elif code is None:
        unheard = NO_LANGUAGE if told is not None and told.probability else TOO_LITTLE
    elif code == UNDETERMINED or (ears.hears is not None and code not in ears.hears):
        unheard = NO_MODEL
    segment = Segment(
        span=stretch.span, speaker=stretch.speaker, speaker_margin=margin, language=None if code == UNDETERMINED else code,
        channel=stretch.channel, kind="overlap" if stretch.alone is None else "speech",
        status="unsure" if reasons or unheard else "draft", unsure_reason=unheard or "; ".join(reasons),
    )  # fmt: skip
    if unheard or stretch.alone is None or code is None:
        yield Place(segment=segment, passage=None, turns=stretch.turns)
        return
    pieces = list(cut(stretch.alone.start_ms, stretch.alone.end_ms, probabilities, activity))
    for n, (start, end) in enumerate(pieces):
        first, last = start if n else stretch.span.start_ms, end if n + 1 < len(pieces) else stretch.span.end_ms
        yield Place(
            segment=dataclasses.replace(segment, span=Span(start_ms=first, end_ms=last)),
            passage=Passage(span=Span(start_ms=start, end_ms=end), language=code, speaker=stretch.speaker, channel=stretch.channel),
            turns=stretch.turns,
        )


def _widened(places: Sequence[Place], edge_ms: int, length_ms: int) -> list[Place]:
    """The places, what is heard for each widened by `edge_ms`, at most to the middle of the pause beside it on its channel."""
    done = list(places)
    for channel in dict.fromkeys(place.segment.channel for place in places):
        numbers = [n for n, place in enumerate(places) if place.passage is not None and place.passage.channel == channel]
        spans = {n: passage.span for n in numbers if (passage := places[n].passage) is not None}
        numbers.sort(key=lambda n: spans[n])
        for before, number, after in zip([None, *numbers], numbers, [*numbers[1:], None], strict=False):
            span, passage = spans[number], places[number].passage
            room = span.start_ms if before is None else max(0, span.start_ms - spans[before].end_ms) // 2
            beyond = length_ms - span.end_ms if after is None else max(0, spans[after].start_ms - span.end_ms) // 2
            wide = Span(start_ms=span.start_ms - min(edge_ms, room), end_ms=span.end_ms + min(edge_ms, max(0, beyond)))
            assert passage is not None  # it was looked for above
            done[number] = dataclasses.replace(places[number], passage=dataclasses.replace(passage, span=wide))
    return done


def _noticed(
    signal: Signal, stretches: Sequence[_Stretch], told: Sequence[Told | None], ears: Ears, settings: TurnSettings
) -> Iterator[Finding]:
    """What a person should know of the languages that were told."""
    where = str(signal.probe.path)
    heard = [(s, t) for s, t in zip(stretches, told, strict=True) if t is not None]
    none = [s for s, t in heard if t.language is None and t.probability]
    if heard and not any(t.probability for _, t in heard):
        yield Finding(
            code="LANGUAGE_TOO_LITTLE",
            where=where,
            what=f"{_length([s for s, _ in heard])} of speech in it, no turn long enough to tell its language",
            mend="Say the language with --language",
        )
    if none:
        yield Finding(
            code="LANGUAGE_NONE",
            where=where,
            what=f"{_length(none)} of {_length([s for s, _ in heard])} of speech is in none of the languages that are known, by its sound",
            mend="Where you know its language, say it with --language",
        )
    missing = dict.fromkeys(t.language for _, t in heard if t.language and ears.hears is not None and t.language not in ears.hears)
    for code in missing:
        yield Finding(
            code="LANGUAGE_NO_MODEL",
            where=where,
            what=f"{_length([s for s, t in heard if t.language == code])} of speech is {named(code)}, for which there is no adapter here",
            mend="Name an adapter for it with --adapter, or learn one: speech adapt",
        )
    outside = [s for s, t in heard if t.language is not None and t.outside >= settings.outside]
    if outside and ears.columns is not None:
        listed = ", ".join(code for code in ears.columns.languages if code)
        yield Finding(
            code="LANGUAGE_OUTSIDE",
            where=where,
            what=f"{_length(outside)} of {_length([s for s, _ in heard])} is like none of {listed}, by its sound; one of them was taken",
            mend="Listen to some of it: the parts are marked unsure",
        )


def _length(stretches: Sequence[_Stretch]) -> str:
    return f"{sum(s.span.length_ms for s in stretches) / 1000:.1f} s"


def _margin(turns: Sequence[Turn]) -> float | None:
    """The margin of a stretch, by the lengths of its turns."""
    known = [(t.span.length_ms, t.margin) for t in turns if t.margin is not None]
    total = sum(length for length, _ in known)
    return round(sum(length * margin for length, margin in known) / total, 3) if total else None
