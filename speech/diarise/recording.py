"""One recording into turns: decoded once, speech found, its voices told apart, every millisecond accounted for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from speech.audio import Signal
from speech.audio import load as load_audio
from speech.collections import consent
from speech.collections.accounts import moved
from speech.collections.made import Clock
from speech.diarise import channels
from speech.diarise.assembly import assembled
from speech.diarise.engines import Later, model_sha256, turn_at
from speech.diarise.gate import verb_of
from speech.diarise.known import named, voices_of
from speech.diarise.records import Diariser, KnownVoice, Progress, Result, Settings, SpeakerCount, Voice
from speech.errors import Finding, UsageFailure
from speech.files import shown
from speech.models.activity import segments, speech_probabilities
from speech.models.unheard import finding as unheard
from speech.models.unheard import loud_beside
from speech.types import Span, Turn, merged

_OF_THE_MIX = ("AUDIO_ANTIPHASE", "AUDIO_CHANNELS")
"""Findings that say which channels were mixed: where each is heard by itself, they are not true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """Turns on the samples' clock, what speech detection found, and findings."""

    turns: Sequence[Turn] = ()
    speech: Sequence[Span] = ()
    findings: Sequence[Finding] = ()
    voices: Mapping[str, Voice] = field(default_factory=dict)


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
        if any(finding.code == "AUDIO_SILENT" for finding in signal.findings):
            heard = _Heard()  # an engine that finds its own speech would find some in hum
        elif settings.per_speaker:
            heard = _by_channel(signal, settings, engine if compared else None, report)
        else:
            assert engine is not None  # it was made above, as channels are mixed
            heard = _by_voice(signal, engine, count, settings, report, clock)
        clock.mark("diarisation")
        people = named(heard.voices, known)
        sha256 = settings.sha256(engine=diariser.name, count=count, known=known)
        transcript = assembled(
            recording, signal, heard.turns, heard.speech, people,
            model="channels" if settings.per_speaker else diariser.name,
            model_sha256="" if engine is None else model_sha256(engine), settings_sha256=sha256,
        )  # fmt: skip
        clock.mark("transcript")
    return Result(
        transcript=transcript,
        findings=(*(f for f in signal.findings if not (settings.per_speaker and f.code in _OF_THE_MIX)), *heard.findings),
        seconds=clock.seconds,
        decision=decision,
        read=settings.read if settings.wav else None,
        voices={label: voice for label, voice in heard.voices.items() if label not in people} if link else {},
    )


def _by_voice(signal: Signal, engine: Diariser, count: SpeakerCount, settings: Settings, report: Progress, clock: Clock) -> _Heard:
    """What the engine makes of the mix."""
    speech = segments(speech_probabilities(signal, signal.rms, report), signal.probe.found_ms, settings.activity)
    clock.mark("speech detection")
    with turn_at(engine):
        found = engine.voices(
            signal, signal.rms, speech, count, lambda step, done, total: report(f"telling voices apart: {step}", done, total)
        )
    end = signal.probe.found_ms
    turns = [dataclasses.replace(t, span=Span(start_ms=max(0, t.span.start_ms), end_ms=min(t.span.end_ms, end))) for t in found.turns]
    turns = sorted((t for t in turns if t.span.length_ms > 0), key=lambda t: (t.span, t.speaker))
    left_out = [moved(span, signal.offset_ms) for span in loud_beside(signal, merged([*speech, *(t.span for t in turns)]))]
    findings = (*_number(signal, {t.speaker for t in turns}, count), *unheard(signal.probe.path, left_out))
    return _Heard(turns=turns, speech=speech, voices=found.voice_by_speaker, findings=findings)


def _number(signal: Signal, speakers: set[str], count: SpeakerCount) -> tuple[Finding, ...]:
    """Whether as many speakers were found as there should be."""
    if not speakers or (count.least <= len(speakers) and (count.most is None or len(speakers) <= count.most)):
        return ()
    asked = f"{count.least}" if count.exact is not None else f"{count.least} to {count.most}"
    return (
        Finding(
            code="SPEAKERS",
            where=signal.probe.path,
            what=f"speakers asked for: {asked}; found: {len(speakers)}",
            mend="Listen whether somebody says too little to be told apart",
        ),
    )


def _by_channel(signal: Signal, settings: Settings, engine: Diariser | None, report: Progress) -> _Heard:
    """Each live channel as one speaker; with an engine their voices, too."""
    found = channels.turns(signal, settings.activity, report)
    by_speaker: dict[str, list[Span]] = {}
    for turn in found.turns:
        by_speaker.setdefault(turn.speaker, []).append(turn.span)
    channel_by_speaker = {t.speaker: t.channel for t in found.turns}
    voices = {}
    if engine is not None:
        for label, spans in by_speaker.items():
            channel = channel_by_speaker[label]
            assert channel is not None  # turns of channels have one
            sound = channels.OneChannel(signal, channel)
            with turn_at(engine):
                voices[label] = voices_of(engine)(sound, signal.rms_of(channel), merged(spans))
    return _Heard(turns=found.turns, speech=found.speech, findings=found.findings, voices=voices)
