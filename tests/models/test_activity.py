"""Segments from speech probabilities written by hand."""

from __future__ import annotations

import numpy as np

from speech.models.activity import ActivitySettings, segments
from speech.types import Span

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
    found = segments(probabilities, 25_600, ActivitySettings(edge_ms=0))
    assert len(found) == 2
    assert abs(found[0].end_ms - 12_800) <= 160
    assert found[0].end_ms == found[1].start_ms
    assert max(s.length_ms for s in found) <= 16_000


def test_no_speech_gives_no_segment() -> None:
    assert segments(np.zeros(0, np.float32), 0, PLAIN) == []
    assert segments(at(), 32_000, PLAIN) == []
