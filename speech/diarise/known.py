"""People of the collection whose voices are known by a clip: asked for at the gate, looked for in recordings, never stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from speech.audio import ReadSettings
from speech.audio import load as load_audio
from speech.collections import consent, ledger
from speech.collections.events import PERSON, Entity, Event
from speech.diarise.engines import Later
from speech.diarise.records import Diariser, KnownVoice, KnowsVoices, Sound, Voice
from speech.diarise.thresholds import ACTIVITY, KNOWN_LEAST, KNOWN_MARGIN
from speech.errors import AudioRefused, ConsentRefused, StoreFailure, UsageFailure
from speech.files import shown
from speech.models.activity import segments, speech_probabilities
from speech.types import Span

VOICEPRINT = frozenset({"voiceprint"})


def voices_of(engine: Diariser) -> Callable[[Sound, float, Sequence[Span]], Voice]:
    """The part of an engine that says how a voice is.

    Raises
    ------
    UsageFailure
        `SPEAKERS`: it has none.
    """
    if not isinstance(engine, KnowsVoices):
        raise UsageFailure(
            engine.name, "this diariser gives no voices that could be compared", "Leave out --known and --link, or take another", "SPEAKERS"
        )
    return engine.voice


def asked(named: Sequence[str]) -> dict[str, Path]:
    """Clips by person code, as `PERSON=clip.wav` says it.

    Raises
    ------
    UsageFailure
        `SPEAKERS`: not of that form, no person code, or a person twice.
    """
    clips: dict[str, Path] = {}
    for text in named:
        person, equals, clip = text.partition("=")
        if not equals or not clip or not re.fullmatch(PERSON, person):
            raise UsageFailure(
                f"--known {shown(text)}", "this is not a person code and a clip", "For example --known EX1-014=clip.wav", "SPEAKERS"
            )
        if person in clips:
            raise UsageFailure(f"--known {shown(text)}", f"{person} is named twice", "Give one clip of each person", "SPEAKERS")
        clips[person] = Path(clip)
    return clips


def known_voices(clips: Mapping[str, Path], *, diariser: Diariser | Later, context: consent.Context) -> tuple[KnownVoice, ...]:
    """The voices of people from a clip of each; the gate is asked for all of them before the first is read.

    Raises
    ------
    ConsentRefused
        A person's card does not grant `voiceprint`, or there is none; CONSENT.md section 5.
    AudioRefused, PathRefused
        A clip cannot be read; `AUDIO_SILENT`: nobody speaks in it.
    UsageFailure
        `SPEAKERS`: the engine gives no voices to compare.
    """
    for person, clip in clips.items():
        item = consent.Item(id=shown(clip), path=clip, speakers=(person,))
        try:
            decision: consent.Decision | ConsentRefused = consent.require(VOICEPRINT, item, context=context)
        except ConsentRefused as refusal:
            _record(person, clip, refusal, context)
            raise
        _record(person, clip, decision, context)
    if not clips:
        return ()
    engine = diariser() if isinstance(diariser, Later) else diariser
    voice = voices_of(engine)
    return tuple(_known(person, clip, voice) for person, clip in clips.items())


def _known(person: str, clip: Path, voice: Callable[[Sound, float, Sequence[Span]], Voice]) -> KnownVoice:
    with load_audio(clip, ReadSettings()) as signal:
        speech = segments(speech_probabilities(signal, signal.rms), signal.probe.found_ms, ACTIVITY)
        if not speech:
            raise AudioRefused(
                shown(clip), "nobody speaks in it", "Choose a clip of some seconds in which the person speaks alone", "AUDIO_SILENT"
            )
        return KnownVoice(person=person, clip_sha256=signal.sha256, voice=voice(signal, signal.rms, speech))


def _record(person: str, clip: Path, outcome: consent.Decision | ConsentRefused, context: consent.Context) -> None:
    """The ledger's row of a voice that was taken for a run, or refused; nothing was made that is kept."""
    refused = isinstance(outcome, ConsentRefused)
    used = (Entity.of(clip, "recording", people=(person,)),) if clip.is_file() else ()
    event = Event(
        type="voiceprint",
        used=used,
        outcome="refused" if refused else "success",
        gate=consent.gate_of(outcome),
        collection="" if isinstance(outcome, ConsentRefused) else outcome.collection,
        purpose=context.purpose,
        fault=outcome.code if isinstance(outcome, ConsentRefused) else "",
    )
    try:
        ledger.append(event)
    except StoreFailure as failure:
        if failure.code != "STORE_PLACE":
            raise


def named(voices: Mapping[str, Voice], known: Sequence[KnownVoice]) -> dict[str, str]:
    """The person of each speaker whose voice is surely a known one; each person once, whose voice is not sure of anyone's stays unnamed."""
    close: dict[str, tuple[float, str]] = {}
    for label, voice in voices.items():
        ranked = sorted(((float(np.dot(voice, k.voice)), k.person) for k in known), reverse=True)
        if not ranked or ranked[0][0] < KNOWN_LEAST:
            continue
        if len(ranked) > 1 and ranked[0][0] - ranked[1][0] < KNOWN_MARGIN:
            continue
        best = close.get(ranked[0][1])
        if best is None or ranked[0][0] > best[0]:
            close[ranked[0][1]] = (ranked[0][0], label)
    return {label: person for person, (_, label) in close.items()}
