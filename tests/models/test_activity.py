"""Segments from speech probabilities written by hand, and the detector beside the package's own."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from speech.models import activity
from speech.models.activity import ActivitySettings, SpeechDetector, segments
from speech.types import Span
from tests.sounds import noise, silence, spoken

PLAIN = ActivitySettings(edge_ms=0, join_ms=0, least_ms=0)


def at(*runs: tuple[int, int], frames: int = 1000, value: float = 0.9) -> np.ndarray:
    out = np.zeros(frames, np.float32)
    for start, end in runs:
        out[start:end] = value
    return out


def test_a_run_above_the_threshold_is_speech() -> None:
    assert segments(at((10, 20)), 32_000, PLAIN) == [Span(start_ms=320, end_ms=640)]


def test_the_lower_threshold_closes_but_does_not_open() -> None:
    probabilities = at((10, 20))
    probabilities[20:30] = 0.4
    probabilities[40:50] = 0.4
    assert segments(probabilities, 32_000, PLAIN) == [Span(start_ms=320, end_ms=960)]


def test_short_pauses_are_bridged_and_specks_dropped() -> None:
    settings = ActivitySettings(edge_ms=0, join_ms=350, least_ms=96)
    assert segments(at((10, 20), (25, 40), (100, 101)), 32_000, settings) == [Span(start_ms=320, end_ms=1280)]


def test_edges_are_widened_at_most_to_the_middle_of_a_pause() -> None:
    settings = ActivitySettings(edge_ms=160, join_ms=0, least_ms=0)
    found = segments(at((1, 20), (25, 40)), 1300, settings)
    assert found == [Span(start_ms=0, end_ms=720), Span(start_ms=720, end_ms=1300)]


def test_a_long_stretch_is_cut_in_its_deepest_pause() -> None:
    probabilities = at((0, 800))
    probabilities[395:405] = 0.36
    found = segments(probabilities, 25_600, ActivitySettings(edge_ms=0, longest_ms=16_000))
    assert len(found) == 2
    assert abs(found[0].end_ms - 12_800) <= 160
    assert found[0].end_ms == found[1].start_ms
    assert max(s.length_ms for s in found) <= 16_000


def test_no_segment_is_longer_than_the_smallest_chunk() -> None:
    found = segments(at((0, 4000), (4100, 4400), frames=5000), 160_000, ActivitySettings())
    assert max(s.length_ms for s in found) <= 10_000
    assert min(s.length_ms for s in found) > 2_000


def test_no_speech_gives_no_segment() -> None:
    assert segments(np.zeros(0, np.float32), 0, PLAIN) == []
    assert segments(at(), 32_000, PLAIN) == []


class Held:
    """Samples in memory, as the detector reads them."""

    def __init__(self, samples: np.ndarray) -> None:
        self.samples = samples
        self.length_samples = len(samples)

    def read(self, start: int, count: int) -> np.ndarray:
        return self.samples[start : start + count]


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    """12 s and a part of a frame."""
    made = np.concatenate([silence(1), spoken("Ñuka wasiman rini", "Kanka mashita rikunki"), 0.3 * noise(4)])
    return np.asarray(np.resize(made, 12 * 16_000 + 200), np.float32)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_probabilities_are_those_of_the_packages_own_model(sound: np.ndarray) -> None:
    origin = importlib.util.find_spec("silero_vad")
    assert origin is not None and origin.origin is not None
    model = torch.jit.load(str(Path(origin.origin).parent / "data" / "silero_vad.jit"))  # type: ignore[no-untyped-call]
    frames = np.pad(sound, (0, -len(sound) % 512)).reshape(-1, 1, 512)
    with torch.inference_mode():
        due = np.array([float(model(torch.from_numpy(frame), 16_000)) for frame in frames])
    found = SpeechDetector().probabilities(Held(sound))
    assert due.max() > 0.9 and due.min() < 0.1
    np.testing.assert_allclose(found, due, atol=1e-3)


def test_the_answer_does_not_depend_on_where_blocks_end(sound: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    detector = SpeechDetector()
    whole = detector.probabilities(Held(sound))
    monkeypatch.setattr(activity, "_BLOCK", 7)
    np.testing.assert_allclose(detector.probabilities(Held(sound)), whole, atol=1e-4)
