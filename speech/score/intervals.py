"""Percentile bootstrap of error rates: recordings drawn with replacement, on counts alone.

Clips of one recording share a voice, a room and a text, so recordings are drawn, not clips. Rates of one draw
are sums of errors over sums of lengths; nothing is aligned again.

Source: Bisani and Ney 2004 (bootstrap for speech recognition).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from speech.score.records import Counts, Interval, Row, ScoreSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_CHUNK = 2_000_000
"""Weights held at once: 16 MB."""


def units_of(recordings: Sequence[str]) -> tuple[list[int], Literal["recordings", "clips", ""]]:
    """For the recording of each row the number of what is drawn with it: the recording, or the row itself where there is but one."""
    numbers: dict[str, int] = {}
    units = [numbers.setdefault(r, len(numbers)) for r in recordings]
    if len(numbers) > 1:
        return units, "recordings"
    if len(recordings) > 1:
        return list(range(len(recordings))), "clips"
    return units, ""


def draw_rates(rows: Sequence[Row], settings: ScoreSettings, name: str) -> Floats | None:
    """Rates of redrawn sets of recordings: (draws, 3) for words, letters, code points; None where nothing can be drawn."""
    return draw([r.recording for r in rows], [(r.words, r.letters, r.code_points) for r in rows], settings, name)


def draw(recordings: Sequence[str], counts: Sequence[Sequence[Counts]], settings: ScoreSettings, name: str) -> Floats | None:
    """Rates of redrawn sets of recordings: (draws, kinds), from the recording of each row and its counts of as many kinds.

    None where nothing can be drawn. The draw depends on the seed and on `name`, so a group's interval stays when other groups
    come or go. A draw without any reference is not a number.
    """
    import numpy as np

    units, resampled = units_of(recordings)
    if not resampled or settings.draws < 1:
        return None
    number, kinds = max(units) + 1, len(counts[0])
    errors, lengths = np.zeros((number, kinds)), np.zeros((number, kinds))
    for unit, row in zip(units, counts, strict=True):
        errors[unit] += [c.errors for c in row]
        lengths[unit] += [c.reference for c in row]
    generator = np.random.default_rng([settings.seed, zlib.crc32(name.encode("utf-8", "surrogatepass"))])
    even = np.full(number, 1 / number)
    rates = np.empty((settings.draws, kinds))
    step = max(1, _CHUNK // number)
    for start in range(0, settings.draws, step):
        weights = generator.multinomial(number, even, size=min(step, settings.draws - start)).astype(np.float64)
        total = weights @ lengths
        with np.errstate(divide="ignore", invalid="ignore"):
            rates[start : start + len(weights)] = np.where(total > 0, (weights @ errors) / total, np.nan)
    return rates


def interval_of(rates: Floats, column: int, level: float) -> Interval | None:
    """The middle `level` of the drawn rates of one column."""
    import numpy as np

    values = rates[:, column]
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return Interval(low=float(low), high=float(high))
