"""One recording into turns: decoded once, speech found, its voices told apart, every millisecond accounted for."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from speech.audio import load as load_audio
from speech.collections import consent
from speech.collections.made import Clock
from speech.diarise.assembly import assembled
from speech.diarise.engines import Later, model_sha256
from speech.diarise.gate import verb_of
from speech.diarise.known import named
from speech.diarise.records import Diariser, KnownVoice, Progress, Result, Settings, SpeakerCount
from speech.diarise.turns import heard
from speech.errors import UsageFailure
from speech.files import shown
from speech.models.activity import speech_probabilities


def diarise(
    recording: Path,
    *,
    diariser: Diariser | Later,
    context: consent.Context,
    count: SpeakerCount | None = None,
    known: Sequence[KnownVoice] = (),
    link: bool = False,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Result:
    """Who speaks when in a recording. Writes nothing, downloads nothing, keeps no voice.

    Turns are on the container's clock; where people speak at once, turns overlap. `known` people are named where their voice
    is there; with `link` the result holds the voices of the unnamed, for `links.proposed`.

    Raises
    ------
    ConsentRefused
        Scope `diarise` not granted (with `known` or `link`: `voiceprint` too); raised before a sample is decoded.
    AudioRefused, PathRefused
        The recording cannot be read; FAULTS rows A.
    ModelRefused
        The engine cannot be loaded.
    UsageFailure
        `SPEAKERS`: a number of speakers for channels that are one speaker each, or an engine that gives no voices to compare.
    """
    settings, count = settings or Settings(), count or SpeakerCount()
    report = progress or (lambda _step, _done, _total: None)
    if settings.per_speaker and count != SpeakerCount():
        raise UsageFailure(
            shown(recording), "each channel is one speaker, so their number is known", "Leave out the number of speakers", "SPEAKERS"
        )
    verb = verb_of((k.person for k in known), link=link)
    decision = consent.require(verb.scopes, verb.item_of(recording), context=context)
    clock = Clock()
    compared = bool(known) or link
    engine = None if settings.per_speaker and not compared else diariser() if isinstance(diariser, Later) else diariser
    clock.mark("model")
    read = dataclasses.replace(settings.read, keep_channels=settings.per_speaker)
    with load_audio(recording, read, progress=lambda done, total: report("reading", done, total)) as signal:
        clock.mark("reading")
        probabilities = None if settings.per_speaker else speech_probabilities(signal, signal.rms, report)
        clock.mark("speech detection")
        found = heard(signal, engine, count, settings, report, compared=compared, probabilities=probabilities)
        clock.mark("diarisation")
        people = named(found.voices, known)
        sha256 = settings.sha256(engine=diariser.name, count=count, known=known)
        transcript = assembled(
            recording, signal, found.turns, found.speech, people,
            model="channels" if settings.per_speaker else diariser.name,
            model_sha256="" if engine is None else model_sha256(engine), settings_sha256=sha256,
        )  # fmt: skip
        clock.mark("transcript")
    return Result(
        transcript=transcript,
        findings=tuple(found.findings),
        seconds=clock.seconds,
        decision=decision,
        read=settings.read if settings.wav else None,
        voices={label: voice for label, voice in found.voices.items() if label not in people} if link else {},
    )
