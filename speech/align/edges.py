"""Where a line begins and ends in the sound: from the frames of its letters, to 10 ms, by the loudness around them.

A recogniser of this kind marks each letter by a peak of 40 ms inside its sound: the first peak of a line comes late, the last early.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HOP_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    """How far an edge may lie beyond the line's first and last peak, and where between pause and speech (in dB, 0 to 1) sound begins.

    Pauses count as no deeper than `deepest_db` below speech. `margin_s` is what people leave of a pause on both sides of a line (chosen
    on dev sessions). The peak of a word that scores under `sure` does not tell where a line begins or ends.
    """

    reach_s: float = 0.45
    share: float = 0.4
    around_s: float = 1.5
    quiet_s: float = 0.06
    margin_s: float = 0.1
    deepest_db: float = 40.0
    sure: float = 0.35


def loudness(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Level in dB each 10 ms, over 20 ms."""
    hop = round(HOP_S * rate)
    power = np.square(samples, dtype=np.float64)
    count = len(power) // hop
    blocks = power[: count * hop].reshape(count, hop).mean(-1) if count else np.zeros(0)
    both = (blocks + np.concatenate([blocks[1:], blocks[-1:]])) / 2 if count else blocks
    return np.asarray(10 * np.log10(both + 1e-12), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was heard of a line (seconds): from which pause to which it was laid, and the peaks of its first and its last letter.

    A peak is None where the word there fits badly or has no place: then the pause tells more.
    """

    laid: tuple[float, float]
    first: float | None
    last: float | None


def line_edges(lines: Sequence[Heard], levels: NDArray[np.float32], settings: EdgeSettings | None = None) -> list[tuple[float, float]]:
    """Start and end (seconds) of each line; lines in order do not overlap.

    Where no pause lies between two lines, the edge is the quietest place between their peaks.
    """
    settings = settings or EdgeSettings()
    found: list[tuple[float, float]] = []
    for k, line in enumerate(lines):
        before = _end_of(lines[k - 1]) if k else 0.0
        after = _start_of(lines[k + 1]) if k + 1 < len(lines) else len(levels) * HOP_S
        middle = sum(line.laid) / 2
        if line.first is None:
            start = _sounds(line.laid[0], middle if line.last is None else min(middle, line.last), levels, settings)
        else:
            start = _edge(line.first, max(min(before, line.first), line.first - settings.reach_s), levels, settings)
        if line.last is None:
            end = _sounds(line.laid[1], max(middle, start), levels, settings)
        else:
            end = _edge(line.last, min(max(after, line.last), line.last + settings.reach_s), levels, settings)
        found.append((start, max(start, end)))
    for k in range(1, len(found)):
        if found[k][0] < found[k - 1][1]:
            middle = _quietest(_end_of(lines[k - 1]), _start_of(lines[k]), levels)
            found[k - 1] = (min(found[k - 1][0], middle), middle)
            found[k] = (middle, max(middle, found[k][1]))
    return found


def _start_of(line: Heard) -> float:
    return line.laid[0] if line.first is None else line.first


def _end_of(line: Heard) -> float:
    return line.laid[1] if line.last is None else line.last


def with_margin(edges: Sequence[tuple[float, float]], length_s: float, margin_s: float) -> list[tuple[float, float]]:
    """The edges with a margin on both sides, at most half of the pause between two lines."""
    found = []
    for k, (start, end) in enumerate(edges):
        before = (start - edges[k - 1][1]) / 2 if k else start
        after = (edges[k + 1][0] - end) / 2 if k + 1 < len(edges) else length_s - end
        found.append((start - max(0.0, min(margin_s, before)), end + max(0.0, min(margin_s, after))))
    return found


def _sounds(pause: float, inner: float, levels: NDArray[np.float32], settings: EdgeSettings) -> float:
    """From a pause into a line, to where it is loud enough; the pause's edge where it never is before `inner`."""
    step = 1 if pause < inner else -1
    at, stop = round(pause / HOP_S), round(inner / HOP_S)
    threshold = _threshold(stop, levels, settings)
    while at != stop:
        if 0 <= at < len(levels) and levels[at] >= threshold:
            return (at if step > 0 else at + 1) * HOP_S
        at += step
    return pause


def _threshold(at: int, levels: NDArray[np.float32], settings: EdgeSettings) -> float:
    """The level (dB) from which there is sound around a place, between its pauses and its speech."""
    around = round(settings.around_s / HOP_S)
    near = levels[max(0, at - around) : at + around + 1]
    if not len(near):
        return 0.0
    floor, loud = np.percentile(near, [10, 90])
    floor = max(floor, loud - settings.deepest_db)  # a gap without any sound would make sound of the room's noise
    return float(floor + settings.share * (loud - floor))


def _edge(peak: float, limit: float, levels: NDArray[np.float32], settings: EdgeSettings) -> float:
    """From a peak towards `limit` to where the sound has been quiet for `quiet_s`; the limit where it never is."""
    step = -1 if limit < peak else 1
    at, stop = round(peak / HOP_S), round(limit / HOP_S)
    if at == stop:
        return peak
    threshold = _threshold(at, levels, settings)
    quiet = round(settings.quiet_s / HOP_S)
    run = 0
    place = at
    while 0 <= place < len(levels) and place != stop:
        run = run + 1 if levels[place] < threshold else 0
        if run >= quiet:
            return (place - step * (quiet - 1)) * HOP_S + (HOP_S if step < 0 else 0.0)
        place += step
    return limit


def _quietest(first: float, last: float, levels: NDArray[np.float32]) -> float:
    a, b = round(first / HOP_S), round(last / HOP_S)
    if b <= a + 1:
        return (first + last) / 2
    return (a + int(levels[a:b].argmin())) * HOP_S
