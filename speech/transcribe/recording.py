"""One recording into a transcript: decoded once, read in windows, every millisecond speech, silence or missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from speech import languages
from speech.audio import Signal
from speech.audio import load as load_audio
from speech.collections import consent
from speech.collections.accounts import moved
from speech.collections.acts import TRANSCRIBE
from speech.collections.made import Clock
from speech.errors import UsageFailure
from speech.files import shown
from speech.languages import UNDETERMINED
from speech.models.activity import segments, speech_probabilities
from speech.models.lm.finding import OFF, LanguageModels
from speech.models.recogniser import Later, Recogniser
from speech.transcribe.assembly import assembled
from speech.transcribe.hearing import recognised
from speech.transcribe.records import NO_MODEL, Progress, Result, Settings
from speech.types import Passage, Segment


def transcribe(
    recording: Path,
    *,
    language: str = "",
    passages: Sequence[Passage] | None = None,
    model: Recogniser | Later | None,
    context: consent.Context,
    language_models: LanguageModels | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Result:
    """Turn a recording into words with times and confidence. Writes nothing, downloads nothing.

    Either `language` is given, and speech is found here; or `passages` (from `diarise`, from a person), on the
    container's clock as in transcripts: they may overlap, and each has its language, speaker and channel.
    The text does not depend on `settings.chunk_ms` of 10 s or more: no stretch that is heard at once is longer.
    With language "und" no model is needed: speech and times come out, with empty segments to fill.
    `language_models` says which language model is used for which language; without it none is.
    A model for `Later` is loaded once a recording was read, so that a damaged one is answered at once.

    Raises
    ------
    ConsentRefused
        Scope `transcribe_local` not granted; raised before a sample is decoded.
    AudioRefused, PathRefused
        The recording cannot be read; FAULTS rows A. `AUDIO_SPAN`: a passage lies outside it.
    ModelRefused
        There is no adapter for a language.
    UsageFailure
        `LANGUAGE_MISSING`: neither a language nor passages, or both.
    """
    settings = settings or Settings()
    report = progress or (lambda _step, _done, _total: None)
    if bool(language) == (passages is not None):
        raise UsageFailure(
            shown(recording), "one of language and passages says what is spoken where", "Give one of the two", "LANGUAGE_MISSING"
        )
    asked = tuple(dict.fromkeys(p.language for p in passages)) if passages else (language or UNDETERMINED,)
    for code in asked:
        languages.check_code(code)
    read = dataclasses.replace(settings.read, keep_channels=any(p.channel is not None for p in passages or ()))
    decision = consent.require(TRANSCRIBE.scopes, consent.item_of(recording), context=context)
    if isinstance(model, Later):
        model.check()
    clock = Clock()
    with load_audio(recording, read, progress=lambda done, total: report("reading", done, total)) as signal:
        clock.mark("reading")
        if isinstance(model, Later):
            report("loading the model", 0, 1)
        heard_in = [code for code in asked if code != UNDETERMINED]
        recogniser = model() if isinstance(model, Later) else model
        if not heard_in:
            recogniser = None
        elif recogniser is not None:
            for code in heard_in:
                recogniser.use(code)
        clock.mark("model")
        if passages is None:
            spans = segments(speech_probabilities(signal, signal.rms, report), signal.probe.found_ms, settings.activity)
            placed = [Passage(span=span, language=language) for span in spans]
            clock.mark("speech detection")
        else:
            placed = [_moved(passage, -signal.offset_ms) for passage in passages]
        language_models = language_models or LanguageModels(OFF)
        made = _made(signal, placed, recogniser, settings, report, language_models)
        clock.mark("recognition")
        transcript = assembled(recording, signal, made, asked, recogniser, settings, language_models)
        clock.mark("transcript")
    findings = [
        finding for code in heard_in if recogniser for finding in (*recogniser.findings(code), *language_models.findings(recogniser, code))
    ]
    return Result(
        transcript=transcript,
        findings=tuple(dict.fromkeys((*signal.findings, *findings))),
        seconds=clock.seconds,
        decision=decision,
        read=settings.read if settings.wav else None,
    )


def _made(
    signal: Signal,
    passages: Sequence[Passage],
    recogniser: Recogniser | None,
    settings: Settings,
    report: Progress,
    language_models: LanguageModels,
) -> list[Segment]:
    """Segments of the passages, in order; empty ones where no model knows the language."""
    known = [p for p in passages if recogniser is not None and p.language != UNDETERMINED]
    heard = iter(recognised(signal, known, recogniser, settings, report, language_models) if recogniser is not None else ())
    return [
        next(heard)
        if recogniser is not None and p.language != UNDETERMINED
        else Segment(span=p.span, speaker=p.speaker, channel=p.channel, unsure_reason=NO_MODEL, status="unsure")
        for p in passages
    ]


def _moved(passage: Passage, by_ms: int) -> Passage:
    return dataclasses.replace(passage, span=moved(passage.span, by_ms))
