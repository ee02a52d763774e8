"""Sounds that tests make: tones, noise, silence, and sentences spoken by eSpeak NG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

RATE = 16_000
Samples = NDArray[np.float32]


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE), np.float32)


def noise(seconds: float, level: float = 0.05, seed: int = 0) -> Samples:
    return (np.random.default_rng(seed).standard_normal(int(seconds * RATE)) * level).astype(np.float32)


def tone(seconds: float, hertz: float = 440.0, level: float = 0.2) -> Samples:
    return (level * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def spoken(*sentences: str, language: str = "que", pause_s: float = 1.5) -> Samples:
    """Sentences with pauses between, at 16 kHz; skips where the extra `tts` is not installed."""
    pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")
    import soxr

    from speech.say import Espeak

    espeak = Espeak()
    pieces = [silence(pause_s)]
    for sentence in sentences:
        pieces += [soxr.resample(espeak.say(sentence, language), espeak.sample_rate, RATE).astype(np.float32), silence(pause_s)]
    return np.concatenate(pieces)


def save(path: Path, samples: Samples, **options: str) -> Path:
    soundfile.write(path, samples, RATE, **options)
    return path


SENTENCES = (
    "Ñukanchik ayllukunaka hatun llaktapi kawsanchik.",
    "Punchanta mamaka chakrapi llankan, wawakunaka yachana wasiman rinkuna.",
    "Kayaka tukuy mashikunawan tantanakushun.",
)
