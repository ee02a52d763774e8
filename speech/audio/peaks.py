"""What a waveform is drawn from: the lowest and highest sample of every hundredth of a second, kept in a file.

The file holds pairs of int8 (lowest, highest; 127 is full scale), `A_SECOND` a second, from time 0 of the container's clock on, and
nothing else: 1.4 MB for two hours. Overviews and windows are read from it by position; sound is read block by block, once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speech.audio.records import RATE
from speech.audio.signal import Signal
from speech.files import read_errors, replacing

A_SECOND = 100
"""Pairs a second."""
STEP_MS = 1000 // A_SECOND
MOST_POINTS = 20_000
"""Points of one answer, at most."""
_SAMPLES = RATE // A_SECOND
_BLOCK = 6000 * _SAMPLES
_PAIRS_AT_ONCE = 1 << 16

Pairs = NDArray[np.int8]


def write_peaks(signal: Signal, target: Path, *, progress: Callable[[int, int], None] | None = None) -> None:
    """Write the peaks of a recording to `target`, there whole or not at all; `progress` gets milliseconds done and in all.

    Raises
    ------
    DiskFailure
        The disk is full or may not be written.
    """
    with replacing(target) as part, part.open("wb") as out:
        before = signal.offset_ms // STEP_MS
        out.write(np.zeros((max(0, before), 2), np.int8).tobytes())
        start = max(0, -before) * _SAMPLES
        for at in range(start, signal.length_samples, _BLOCK):
            out.write(_pairs(signal.read(at, _BLOCK)).tobytes())
            if progress is not None:
                progress(1000 * at // RATE, 1000 * signal.length_samples // RATE)


def _pairs(samples: NDArray[np.float32]) -> Pairs:
    """(steps, 2): the lowest and highest of each step; the last step may be short."""
    lacking = -len(samples) % _SAMPLES
    if lacking:
        samples = np.concatenate([samples, np.full(lacking, samples[-1], np.float32)])
    steps = samples.reshape(-1, _SAMPLES)
    # Rounded away from zero: a sound that is there is seen.
    low, high = np.floor(127 * steps.min(axis=1)), np.ceil(127 * steps.max(axis=1))
    return np.asarray(np.clip(np.stack([low, high], axis=1), -127, 127), np.int8)


def read_peaks(path: Path, from_ms: int, to_ms: int | None, points: int) -> tuple[Pairs, int]:
    """The lowest and highest from `from_ms` up to `to_ms` in at most `points` equal steps, and how long a step is in ms.

    A step is a whole number of hundredths of a second, so a short window has fewer points than were asked for; times outside the
    recording are left out. `to_ms` None: to the end.

    Raises
    ------
    PathRefused
        There are no peaks yet, or they cannot be read.
    """
    with read_errors(path):
        held = path.stat().st_size // 2
        first = min(max(0, from_ms) // STEP_MS, held)
        end = held if to_ms is None else min(max(first, -(-to_ms // STEP_MS)), held)
        step = max(1, -(-(end - first) // max(1, min(points, MOST_POINTS))))
        found: list[Pairs] = []
        with path.open("rb") as file:
            file.seek(2 * first)
            left = end - first
            at_once = max(1, _PAIRS_AT_ONCE // step) * step
            while left > 0:
                block = np.frombuffer(file.read(2 * min(left, at_once)), np.int8).reshape(-1, 2)
                if not len(block):
                    break
                found.append(_reduced(block, step))
                left -= len(block)
    return (np.concatenate(found) if found else np.zeros((0, 2), np.int8)), step * STEP_MS


def _reduced(pairs: Pairs, step: int) -> Pairs:
    """Pairs of `step` pairs each; the last of fewer."""
    starts = np.arange(0, len(pairs), step)
    return np.stack([np.minimum.reduceat(pairs[:, 0], starts), np.maximum.reduceat(pairs[:, 1], starts)], axis=1)
