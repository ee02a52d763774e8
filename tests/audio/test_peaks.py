"""Peaks of a recording: what a waveform shows is what the samples are, at any zoom, without holding the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from speech.audio import load
from speech.audio.peaks import STEP_MS, read_peaks, write_peaks
from speech.errors import PathRefused
from tests.sounds import RATE, Samples, save, silence, tone


def made(tmp_path: Path, samples: Samples) -> Path:
    with load(save(tmp_path / "a.wav", samples)) as signal:
        write_peaks(signal, tmp_path / "a.peaks")
    return tmp_path / "a.peaks"


def test_a_pair_a_hundredth_of_a_second_holds_the_lowest_and_highest(tmp_path: Path) -> None:
    samples = silence(1)
    samples[160 * 50 + 3], samples[160 * 50 + 7] = 0.5, -0.25
    samples -= samples.mean()
    pairs, step = read_peaks(made(tmp_path, samples), 0, None, 1000)
    assert (len(pairs), step) == (100, STEP_MS)
    assert pairs[50].tolist() == [-32, 64]
    assert np.abs(pairs[:50]).max() <= 1 and np.abs(pairs[51:]).max() <= 1


def test_an_overview_misses_no_peak(tmp_path: Path) -> None:
    samples = tone(30, level=0.1)
    samples[RATE * 17] = 0.9
    path = made(tmp_path, samples)
    pairs, step = read_peaks(path, 0, None, 50)
    assert (len(pairs), step) == (50, 600)
    assert int(pairs[:, 1].argmax()) == 28 and pairs[28, 1] >= 113


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "points", "count", "step"),
    [
        (0, 1000, 100, 100, 10),
        (0, 1000, 10, 10, 100),
        (995, 1005, 5, 2, 10),
        (-50, 20, 9, 2, 10),
        (5000, 6000, 9, 0, 10),
        (900, 100, 5, 0, 10),
    ],
)
def test_windows_are_cut_at_the_recordings_ends(tmp_path: Path, from_ms: int, to_ms: int, points: int, count: int, step: int) -> None:
    pairs, found = read_peaks(made(tmp_path, tone(3)), from_ms, to_ms, points)
    assert (len(pairs), found) == (count, step)


def test_no_peaks_yet_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(PathRefused) as caught:
        read_peaks(tmp_path / "none", 0, None, 10)
    assert caught.value.code == "PATH_MISSING"
