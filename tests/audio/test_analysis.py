"""Pitch, cepstra and distances against sounds whose values are known."""

from __future__ import annotations

import builtins
import struct
from typing import Any

import numpy as np
import pytest

from speech.audio import analysis
from speech.errors import ModelRefused
from tests.sounds import RATE, Samples, noise, silence, spoken, tone


@pytest.fixture(autouse=True)
def needs_librosa(request: pytest.FixtureRequest) -> None:
    if "without" not in request.node.name:
        pytest.importorskip("librosa", reason="the extra tts (librosa) is not installed")


def buzz(seconds: float, hertz: float) -> Samples:
    """A voice-like tone: harmonics that fall by 6 dB an octave."""
    at = np.arange(int(seconds * RATE)) / RATE
    parts = [np.sin(2 * np.pi * hertz * n * at) / n for n in range(1, int(4000 / hertz))]
    return np.asarray(0.1 * np.sum(parts, axis=0), np.float32)


@pytest.mark.parametrize("hertz", [80.0, 123.0, 220.0, 400.0])
def test_the_pitch_of_a_tone_is_its_frequency(hertz: float) -> None:
    found = analysis.pitch(buzz(1.0, hertz))
    assert found.middle_hz == pytest.approx(hertz, rel=0.01)
    assert found.voiced_share > 0.9
    assert found.span_semitones is not None and found.span_semitones < 0.3


def test_an_octave_is_twelve_semitones() -> None:
    # Half of the time at 110 Hz and half at 220: the 10th and the 90th percentile are an octave apart.
    found = analysis.pitch(np.concatenate([buzz(1.0, 110.0), buzz(1.0, 220.0)]))
    assert found.span_semitones == pytest.approx(12, abs=0.4)


@pytest.mark.parametrize("window_ms", [40, 64])
def test_a_fast_fall_is_followed_to_its_end(window_ms: int) -> None:
    level, seconds = 200.0, 0.12
    hertz = np.concatenate([np.full(int(0.2 * RATE), level), level * np.exp2(-np.arange(int(seconds * RATE)) / RATE / seconds)])
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    sound = np.pad(np.asarray(0.1 * np.sum([np.sin(n * phase) / n for n in range(1, 12)], axis=0), np.float32), RATE // 10)
    found = analysis.pitch(sound, window_ms=window_ms).voiced
    assert found.max() == pytest.approx(level, rel=0.02) and 0.5 * level <= found.min() < 0.6 * level  # it falls to 100 Hz


def test_noise_and_silence_have_no_pitch() -> None:
    assert analysis.pitch(noise(1.0)).voiced_share < 0.2
    quiet = analysis.pitch(silence(0.5))
    assert quiet.middle_hz is None and quiet.span_semitones is None and quiet.voiced_share == 0


def test_a_sound_is_no_distance_from_itself_however_loud_and_however_much_silence_is_round_it() -> None:
    said = spoken("ñukanchik ayllukunaka hatun llaktapi kawsanchik", pause_s=0.2)
    same = analysis.distortion(said, said)
    assert same.db == pytest.approx(0, abs=1e-4) and same.centred_db == pytest.approx(0, abs=1e-4)
    assert analysis.distortion(said, said / 4).db == pytest.approx(0, abs=0.01)
    assert analysis.distortion(said, np.concatenate([silence(0.5), said, silence(0.8)])).db < 0.6


def test_the_same_words_said_slower_are_near_and_other_words_in_the_same_voice_are_far() -> None:
    pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")
    from speech.audio import resampled
    from speech.say import Espeak

    espeak, text = Espeak(), "ñukanchik ayllukunaka hatun llaktapi"
    said, slower = (resampled(espeak.say(text, "que", words_a_minute=pace), espeak.sample_rate) for pace in (150, 110))
    other = resampled(espeak.say("mishki muyukunata rantinki", "que"), espeak.sample_rate)
    assert len(slower) > 1.2 * len(said)
    near, far = analysis.distortion(said, slower), analysis.distortion(said, other)
    assert near.db < 0.3 * far.db and near.centred_db < 0.3 * far.centred_db
    assert near.path[0] == (0, 0) and near.path[-1][1] > 1.15 * near.path[-1][0]


def test_distortion_is_the_difference_of_two_spectra_in_decibels(monkeypatch: pytest.MonkeyPatch) -> None:
    # One spectrum flat, the other a cosine over the bands of 6 dB: its root mean square is 6 / sqrt(2), and the third coefficient alone.
    bands = np.arange(analysis.BANDS)
    wave = 6 * np.cos(np.pi * 3 * (bands + 0.5) / analysis.BANDS)
    spectra = {1: np.zeros((5, analysis.BANDS), np.float32), 2: np.tile(wave.astype(np.float32), (5, 1))}
    monkeypatch.setattr(analysis, "trimmed", lambda samples: samples)
    monkeypatch.setattr(analysis, "mel_decibels", lambda samples: spectra[len(samples)])
    found = analysis.distortion(silence(1 / RATE), silence(2 / RATE))
    assert found.db == pytest.approx(6 / np.sqrt(2), rel=1e-4)
    assert found.centred_db == pytest.approx(0, abs=1e-5)  # it is there in every frame: voice or microphone, not words


def test_quiet_at_the_ends_is_taken_off() -> None:
    found = analysis.trimmed(np.concatenate([silence(0.5), tone(1.0), silence(0.7)]))
    assert 1.0 <= len(found) / RATE < 1.1


def test_a_picture_is_a_png_with_a_column_a_frame_and_the_tone_where_it_belongs() -> None:
    made = analysis.picture(tone(1.0, 440.0))
    assert made.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", made[16:24])
    assert (width, height) == (101, 240)
    mel = analysis.mel_decibels(tone(1.0, 440.0))
    # Slaney's mel scale is linear below 1 kHz (66.7 Hz a mel) and reaches 45.2 mels at 8 kHz; 440 Hz is 6.6 of them.
    assert abs(int(mel[50].argmax()) - round(6.6 / 45.2 * 81 - 1)) <= 1


def test_without_librosa_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *arguments: Any, **named: Any) -> Any:
        if name == "librosa":
            raise ImportError(name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ModelRefused) as caught:
        analysis.pitch(silence(0.1))
    assert caught.value.code == "MODEL_NOT_HERE" and "oral-speech[tts]" in caught.value.mend
