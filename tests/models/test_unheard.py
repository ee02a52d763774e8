"""What is as loud as the speech and was left out by speech detection is named, and nothing else is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from speech.models.unheard import finding, loud_beside
from speech.types import Span


@dataclass
class Sound:
    samples: np.ndarray

    @property
    def length_samples(self) -> int:
        return len(self.samples)

    def read(self, start: int, count: int) -> np.ndarray:
        return np.asarray(self.samples[start : start + count], np.float32)


def sound(*parts: tuple[float, float]) -> Sound:
    """Noise by (seconds, root mean square)."""
    rng = np.random.default_rng(2)
    return Sound(np.concatenate([level * rng.standard_normal(int(16_000 * seconds)) for seconds, level in parts]).astype(np.float32))


SPOKEN = (Span(start_ms=2_000, end_ms=5_000),)


def test_a_loud_stretch_without_speech_is_named_and_a_quiet_one_is_not() -> None:
    made = sound((2, 1e-3), (3, 0.1), (2, 1e-3), (3, 0.08), (4, 1e-3))
    assert loud_beside(made, SPOKEN) == [Span(start_ms=7_000, end_ms=10_000)]
    (said,) = finding("song.wav", [Span(start_ms=67_000, end_ms=70_000)])
    assert said.code == "AUDIO_UNHEARD"
    assert "3.0 s in 1 place" in said.what and "from 1:07 to 1:10" in said.what


def test_what_is_found_as_speech_is_not_named() -> None:
    assert loud_beside(sound((2, 1e-3), (3, 0.1), (9, 1e-3)), SPOKEN) == []
    assert finding("quiet.wav", []) == ()


def test_a_knock_and_a_steady_noise_are_not_named() -> None:
    assert loud_beside(sound((2, 1e-3), (3, 0.1), (2, 1e-3), (0.4, 0.3), (4, 1e-3)), SPOKEN) == []
    assert loud_beside(sound((10, 0.1)), SPOKEN) == []


def test_pauses_of_a_sung_line_do_not_divide_it() -> None:
    made = sound((2, 1e-3), (3, 0.1), (2, 1e-3), (0.7, 0.1), (0.3, 1e-3), (0.7, 0.1), (6, 1e-3))
    assert loud_beside(made, SPOKEN) == [Span(start_ms=7_000, end_ms=8_700)]


def test_a_recording_without_any_speech_is_compared_with_its_own_quiet() -> None:
    assert loud_beside(sound((4, 1e-3), (3, 0.05), (4, 1e-3)), ()) == [Span(start_ms=4_000, end_ms=7_000)]
    assert loud_beside(sound((0.5, 1e-3), (20, 0.05), (0.5, 1e-3)), ()) == [Span(start_ms=500, end_ms=20_500)]
    assert loud_beside(sound((0.05, 0.1)), ()) == []
