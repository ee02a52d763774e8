"""Turns in a recording that is open: what an engine, or each channel by itself, makes of its sound."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from speech.audio import Signal
from speech.collections.accounts import moved
from speech.diarise import channels
from speech.diarise.engines import turn_at
from speech.diarise.known import voices_of
from speech.diarise.records import Diariser, Progress, Settings, SpeakerCount, Voice
from speech.errors import Finding
from speech.models.activity import Samples, segments, speech_probabilities
from speech.models.unheard import finding as unheard
from speech.models.unheard import loud_beside
from speech.types import Span, Turn, merged

OF_THE_MIX = ("AUDIO_ANTIPHASE", "AUDIO_CHANNELS")
"""Findings that say which channels were mixed: where each is heard by itself, they are not true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Turns on the samples' clock in order of their starts, what speech detection found, and findings of both."""

    turns: Sequence[Turn] = ()
    speech: Sequence[Span] = ()
    findings: Sequence[Finding] = ()
    voices: Mapping[str, Voice] = field(default_factory=dict)


def heard(
    signal: Signal, engine: Diariser | None, count: SpeakerCount, settings: Settings, report: Progress, *, compared: bool = False,
    probabilities: Samples | None = None,
) -> Heard:  # fmt: skip
    """Who speaks when in an open recording.

    `engine` may be None only where each channel is one speaker; `compared` says that voices are wanted, too. `probabilities` of
    speech are those of `models.activity`, where they are at hand. `findings` are those of the recording, less what is not true of
    channels heard one by one, and what was noticed here.
    """
    found = tuple(f for f in signal.findings if not (settings.per_speaker and f.code in OF_THE_MIX))
    if any(finding.code == "AUDIO_SILENT" for finding in found):
        return Heard(findings=found)  # an engine that finds its own speech would find some in hum
    if settings.per_speaker:
        made = _by_channel(signal, settings, engine if compared else None, report)
    else:
        assert engine is not None  # the caller made one, as channels are mixed
        if probabilities is None:
            probabilities = speech_probabilities(signal, signal.rms, report)
        made = _by_voice(signal, engine, count, segments(probabilities, signal.probe.found_ms, settings.activity), report)
    return dataclasses.replace(made, findings=(*found, *made.findings))


def _by_voice(signal: Signal, engine: Diariser, count: SpeakerCount, speech: Sequence[Span], report: Progress) -> Heard:
    """What the engine makes of the mix."""
    with turn_at(engine):
        found = engine.voices(
            signal, signal.rms, speech, count, lambda step, done, total: report(f"telling voices apart: {step}", done, total)
        )
    end = signal.probe.found_ms
    turns = [dataclasses.replace(t, span=Span(start_ms=max(0, t.span.start_ms), end_ms=min(t.span.end_ms, end))) for t in found.turns]
    turns = sorted((t for t in turns if t.span.length_ms > 0), key=lambda t: (t.span, t.speaker))
    left_out = [moved(span, signal.offset_ms) for span in loud_beside(signal, merged([*speech, *(t.span for t in turns)]))]
    findings = (*_number(signal, {t.speaker for t in turns}, count), *unheard(signal.probe.path, left_out))
    return Heard(turns=turns, speech=speech, voices=found.voice_by_speaker, findings=findings)


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


def _by_channel(signal: Signal, settings: Settings, engine: Diariser | None, report: Progress) -> Heard:
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
    return Heard(turns=found.turns, speech=found.speech, findings=found.findings, voices=voices)
