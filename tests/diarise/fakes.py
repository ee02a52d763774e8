"""Engines that answer as a test wants, and sounds that microphones would hear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speech.diarise.records import Progress, Sound, SpeakerCount, Voice, Voices
from speech.types import Span, Turn
from tests.sounds import RATE, Samples

CARD = """
schema_version = 1
id = "valley"
title = "Stories"
languages = [{ iso639_3 = "qaa" }]
holder = { name = "The valley", kind = "community" }
source = { reference = "recorded here" }
access = { class = "open" }
licence = { id = "cc0-1.0" }
community = { consent_required = false, why_not = "it holds the collection itself" }
people = { rule = "each", folder = "people" }

[[consent]]
id = "valley:1"
decision = "granted"
scopes = ["LOCAL", "voiceprint"]
basis = "written"
given_by = "holder"
given_on = 2020-01-01
recorded_by = "c"
"""
PERSON = """
schema_version = 1
code = "CODE"
collection = "valley"
roles = ["speaker"]
age_band = "adult"
life = "alive"
attribution = "none"

[[consent]]
id = "code:1"
decision = "DECISION"
scopes = [SCOPES]
basis = "oral_recorded"
given_by = "self"
given_on = 2020-01-01
evidence = { kind = "recording", reference = "EX1-1", sha256 = "9e8d7c6b5a49382716050f0e0d0c0b0a09080706050403020100ffeeddccbbaa" }
recorded_by = "c"
"""


def carded(folder: Path, people: Mapping[str, tuple[str, str]], card: str = CARD) -> None:
    """A card for a folder, and people's cards: what each said to which scopes, such as `"voiceprint"`."""
    (folder / "people").mkdir(parents=True, exist_ok=True)
    (folder / "collection.card.toml").write_text(card, encoding="utf-8")
    for code, (decision, scopes) in people.items():
        text = PERSON.replace("CODE", code).replace("DECISION", decision).replace("SCOPES", scopes).replace("code:1", f"{code.lower()}:1")
        (folder / "people" / f"{code}.person.toml").write_text(text, encoding="utf-8")


class Fake:
    """Gives these turns, and voices by the loudness of the sound: 1 of 8 axes each."""

    name = "fake"
    sha256 = "f" * 64

    def __init__(self, *turns: Turn, voices: Mapping[str, Voice] | None = None) -> None:
        self.turns = turns
        self.voice_by_speaker = voices or {}
        self.counts: list[SpeakerCount] = []

    def voices(self, sound: Sound, rms: float, speech: Sequence[Span], count: SpeakerCount, progress: Progress) -> Voices:
        self.counts.append(count)
        progress("thinking", 1, 1)
        return Voices(turns=self.turns, voice_by_speaker=self.voice_by_speaker)


class FakeVoices(Fake):
    """The same, and a voice for every clip: the one it is given."""

    def __init__(self, *turns: Turn, voices: Mapping[str, Voice] | None = None, clip: Voice | None = None) -> None:
        super().__init__(*turns, voices=voices)
        self.clip = axis(0) if clip is None else clip

    def voice(self, sound: Sound, rms: float, speech: Sequence[Span]) -> Voice:
        assert sound.length_samples and rms > 0 and speech
        return self.clip


def axis(number: int, towards: int | None = None, part: float = 0.0) -> NDArray[np.float32]:
    """A unit vector along one of eight axes, leaning by `part` towards another."""
    made = np.zeros(8, np.float32)
    made[number] = 1
    if towards is not None:
        made[number], made[towards] = np.sqrt(1 - part * part), part
    return made


def turn(start_ms: int, end_ms: int, speaker: str = "S1", margin: float | None = None) -> Turn:
    return Turn(span=Span(start_ms=start_ms, end_ms=end_ms), speaker=speaker, margin=margin)


def placed(seconds: float, *pieces: tuple[float, Samples]) -> Samples:
    """Pieces of sound at their seconds, silence between."""
    whole = np.zeros(int(seconds * RATE), np.float32)
    for start, piece in pieces:
        first = int(start * RATE)
        whole[first : first + len(piece)] += piece[: len(whole) - first]
    return whole


def trimmed(samples: Samples) -> Samples:
    """The sound without the silence round it."""
    loud = np.flatnonzero(np.abs(samples) > 1e-3)
    return samples[loud[0] : loud[-1] + 1]


def heard_afar(samples: Samples, db: float, ms: int = 4) -> Samples:
    """The sound as another microphone has it: later, and lower by so many dB."""
    late = int(ms * RATE / 1000)
    made: Samples = (np.concatenate([np.zeros(late, np.float32), samples[: len(samples) - late]]) * 10 ** (-db / 20)).astype(np.float32)
    return made
