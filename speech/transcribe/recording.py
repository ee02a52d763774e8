"""One recording into a transcript: decoded once, read in windows, every millisecond speech, silence or missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from speech import diarise, identify, languages
from speech.audio import Signal
from speech.audio import load as load_audio
from speech.collections import consent
from speech.collections.accounts import moved
from speech.collections.made import Clock
from speech.diarise.records import Diariser, SpeakerCount
from speech.errors import UsageFailure
from speech.files import shown
from speech.identify.records import Identifier
from speech.languages import UNDETERMINED
from speech.models.activity import segments, speech_probabilities
from speech.models.lm.finding import OFF, LanguageModels
from speech.models.recogniser import Later, Recogniser
from speech.transcribe.asked import Asked, codes_of
from speech.transcribe.assembly import assembled
from speech.transcribe.hearing import recognised
from speech.transcribe.records import NO_MODEL, Progress, Result, Settings
from speech.transcribe.turns import Ears, Place, Placed, filled, placed
from speech.types import Passage, Segment


def transcribe(
    recording: Path,
    *,
    language: str = "",
    speakers: SpeakerCount | None = None,
    passages: Sequence[Passage] | None = None,
    model: Recogniser | Later | None,
    context: consent.Context,
    diariser: Diariser | diarise.Later | None = None,
    identifier: Identifier | identify.Later | None = None,
    language_models: LanguageModels | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Result:
    """Turn a recording into words with times and confidence, and on request with speakers. Writes nothing, downloads nothing.

    Either `language` is given, and speech is found here; or `passages` (from a person), on the container's clock as in transcripts:
    they may overlap, and each has its language, speaker and channel.
    A `language` is a code; several, as "swh,yor": then each turn is in the likeliest of them; or "auto": any that `identifier` knows.
    With `speakers`, or `settings.per_speaker`, turns are told apart by `diariser`, and each word has its speaker; without, nobody asks.
    The text does not depend on `settings.chunk_ms` of 10 s or more: no stretch that is heard at once is longer.
    With language "und" no model is needed: speech and times come out, with empty segments to fill.
    `language_models` says which language model is used for which language; without it none is.
    A model for `Later` is loaded once a recording was read, so that a damaged one is answered at once.

    Raises
    ------
    ConsentRefused
        Scope `transcribe_local` (with speakers `diarise`, with several languages `identify_language`) not granted; raised before
        a sample is decoded.
    AudioRefused, PathRefused
        The recording cannot be read; FAULTS rows A. `AUDIO_SPAN`: a passage lies outside it. `AUDIO_CHANNELS`: it has one channel, and
        each speaker should have one.
    ModelRefused
        There is no adapter for a language; `MODEL_LANGUAGE`: the identifier cannot tell several of the languages named.
    UsageFailure
        `LANGUAGE_MISSING`: neither a language nor passages, or both. `SPEAKERS`: a number of speakers for channels that are one each.
    """
    settings = settings or Settings()
    report = progress or (lambda _step, _done, _total: None)
    if bool(language) == (passages is not None):
        raise UsageFailure(
            shown(recording), "one of language and passages says what is spoken where", "Give one of the two", "LANGUAGE_MISSING"
        )
    asked = Asked(language=language, speakers=speakers, per_speaker=settings.per_speaker, diariser=diariser, identifier=identifier)
    asked.check(shown(recording))
    named = codes_of(asked, [p.language for p in passages or ()])
    for code in named:
        languages.check_code(code)
    one = named[0] if named and asked.several is None else ""
    by_channel = settings.per_speaker or any(p.channel is not None for p in passages or ())
    read = dataclasses.replace(settings.read, keep_channels=by_channel)
    decision = consent.require(asked.verb.scopes, consent.item_of(recording), context=context)
    if isinstance(model, Later):
        model.check()
    clock = Clock()
    with load_audio(recording, read, progress=lambda done, total: report("reading", done, total)) as signal:
        clock.mark("reading")
        if isinstance(model, Later):
            report("loading the model", 0, 1)
        recogniser = _ready(model() if isinstance(model, Later) else model, named)
        ears = asked.ears(recogniser)
        clock.mark("model")
        if passages is None:
            found = _found(signal, asked, ears, one, recogniser, settings, report, clock)
        else:
            found = _as_given(signal, [_moved(passage, -signal.offset_ms) for passage in passages], recogniser)
        language_models = language_models or LanguageModels(OFF)
        heard = [place.passage for place in found.places if place.passage is not None]
        words = recognised(signal, heard, recogniser, settings, report, language_models) if recogniser is not None else ()
        parts, skips = filled(found, iter(words))
        clock.mark("recognition")
        codes = tuple(dict.fromkeys(p.language for p in heard)) if asked.several else named
        transcript = assembled(recording, signal, parts, codes, recogniser, settings, language_models, asked, ears, skips)
        clock.mark("transcript")
    findings = [
        finding
        for code in codes
        if recogniser is not None and code != UNDETERMINED
        for finding in (*recogniser.findings(code), *language_models.findings(recogniser, code))
    ]
    return Result(
        transcript=transcript,
        findings=tuple(dict.fromkeys((*found.findings, *findings))),
        seconds=clock.seconds,
        decision=decision,
        read=settings.read if settings.wav else None,
        by_turns=asked.turns,
    )


def _ready(recogniser: Recogniser | None, named: Sequence[str]) -> Recogniser | None:
    """The recogniser with the languages that were named; None where nothing is to be recognised."""
    codes = [code for code in named if code != UNDETERMINED]
    if recogniser is None or (named and not codes):
        return None
    for code in codes:
        recogniser.use(code)
    return recogniser


def _found(
    signal: Signal, asked: Asked, ears: Ears, language: str, recogniser: Recogniser | None, settings: Settings, report: Progress,
    clock: Clock,
) -> Placed:  # fmt: skip
    """Where there is speech, as turns where somebody asks for them."""
    if asked.turns:
        return placed(signal, ears, language, settings.activity, settings.turns, report, clock)
    spans = segments(speech_probabilities(signal, signal.rms, report), signal.probe.found_ms, settings.activity)
    found = _as_given(signal, [Passage(span=span, language=language) for span in spans], recogniser)
    clock.mark("speech detection")
    return found


def _as_given(signal: Signal, passages: Sequence[Passage], recogniser: Recogniser | None) -> Placed:
    """Passages as places; empty ones where no model knows the language."""
    places = []
    for p in passages:
        segment = Segment(span=p.span, language=p.language, speaker=p.speaker, channel=p.channel)
        if recogniser is None or p.language == UNDETERMINED:
            segment = dataclasses.replace(segment, language=None, unsure_reason=NO_MODEL, status="unsure")
            places.append(Place(segment=segment, passage=None))
        else:
            places.append(Place(segment=segment, passage=p))
    return Placed(places=places, findings=signal.findings)


def _moved(passage: Passage, by_ms: int) -> Passage:
    return dataclasses.replace(passage, span=moved(passage.span, by_ms))
