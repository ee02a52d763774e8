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


def units_of(rows: Sequence[Row]) -> tuple[list[int], Literal["recordings", "clips", ""]]:
    """For each row the number of what is drawn with it: its recording, or itself where all are of one recording."""
    numbers: dict[str, int] = {}
    units = [numbers.setdefault(r.recording, len(numbers)) for r in rows]
    if len(numbers) > 1:
        return units, "recordings"
    if len(rows) > 1:
        return list(range(len(rows))), "clips"
    return units, ""


def draw_rates(rows: Sequence[Row], settings: ScoreSettings, name: str) -> Floats | None:
    """Rates of redrawn sets of recordings: (draws, 3) for words, letters, code points; None where nothing can be drawn.

    The draw depends on the seed and on `name`, so a group's interval stays when other groups come or go. A draw
    without any reference is not a number.
    """
    import numpy as np

    units, resampled = units_of(rows)
    if not resampled or settings.draws < 1:
        return None
    number = max(units) + 1
    errors, lengths = np.zeros((number, 3)), np.zeros((number, 3))
    for unit, row in zip(units, rows, strict=True):
        three: tuple[Counts, Counts, Counts] = (row.words, row.letters, row.code_points)
        errors[unit] += [c.errors for c in three]
        lengths[unit] += [c.reference for c in three]
    generator = np.random.default_rng([settings.seed, zlib.crc32(name.encode("utf-8", "surrogatepass"))])
    even = np.full(number, 1 / number)
    rates = np.empty((settings.draws, 3))
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
