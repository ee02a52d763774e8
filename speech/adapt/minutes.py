"""What more minutes would bring: dev CER after learning from a part of the speech and from all of it, and a line through these points.

The line is a power law of the minutes, drawn through the logarithms (Hestness et al. 2017, arXiv:1712.00409). What it says of more
minutes than there are is a forecast: it takes them to be of the same voices, places and kinds of talk.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from speech.files import write_text

SIZES = (1.25, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
"""Minutes that are tried below all that there are: the three largest of these."""
_PARTS, _NEAR = 3, 0.85
_RUN_TO_RUN = 0.03
"""Relative spread of CER that is taken to lie between runs on other draws of the same size: an assumption, not measured."""
_DRAWS = 2000
NAMES = ("learning_curve.json", "learning_curve.svg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Dev CER (0 to 1) after so many minutes of speech, with the interval of its dev clips where one could be drawn."""

    minutes: float
    cer: float
    low: float | None = None
    high: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Dev CER (0 to 1) that the line gives for so many minutes, and where nine of ten lines lie that the points allow."""

    minutes: float
    cer: float
    low: float
    high: float


def parts_of(minutes: float) -> tuple[float, ...]:
    """Minutes at which to look, below all there are."""
    return tuple(size for size in SIZES if size < _NEAR * minutes)[-_PARTS:]


def forecast(points: Sequence[Point], minutes: float) -> Forecast | None:
    """What a line gives for `minutes`; None for fewer than three points.

    What is forecast lies half-way between the line through all of `points` and that through the last two, and the range draws from both:
    where the curve bends, as it does towards what a base cannot learn, a line through all of them promises too much.
    """
    if len(points) < 3:
        return None
    x = np.log([p.minutes for p in points])
    y = np.log([max(p.cer, 1e-4) for p in points])
    spread = np.array([_spread(p) for p in points])
    draws = np.random.default_rng(1).normal(y, spread, (_DRAWS, len(points)))
    weight = 1 / spread**2
    away = math.log(minutes)

    def at(count: int, drawn: np.ndarray) -> float:
        return _line(x[-count:], drawn[-count:], weight[-count:], away)

    middle = (at(len(x), y) + at(2, y)) / 2
    low, high = np.quantile([*(at(len(x), drawn) for drawn in draws[::2]), *(at(2, drawn) for drawn in draws[1::2])], (0.05, 0.95))
    return Forecast(minutes=minutes, cer=math.exp(middle), low=math.exp(low), high=math.exp(high))


def _spread(point: Point) -> float:
    """Standard deviation of the logarithm of a point's CER."""
    if point.low is None or point.high is None or point.low <= 0:
        return _RUN_TO_RUN
    return math.hypot(_RUN_TO_RUN, (math.log(point.high) - math.log(point.low)) / 3.92)


def _line(x: np.ndarray, y: np.ndarray, weight: np.ndarray, at: float) -> float:
    """Where the weighted line through (x, y) is at `at`; it never rises: more speech is not taken to harm."""
    middle_x, middle_y = np.average(x, weights=weight), np.average(y, weights=weight)
    slope = np.sum(weight * (x - middle_x) * (y - middle_y)) / np.sum(weight * (x - middle_x) ** 2)
    return float(middle_y + min(0.0, slope) * (at - middle_x))


def lines(points: Sequence[Point], expected: Forecast | None) -> list[str]:
    """The curve for people."""
    said = [f"  {p.minutes:6.1f} minutes  CER {100 * p.cer:5.1f} %  {_bar(p.cer)}" for p in points]
    if expected:
        said.append(
            f"  {expected.minutes:6.1f} minutes  CER {100 * expected.cer:5.1f} %  {_bar(expected.cer, '·')}  "
            f"a forecast, not measured: {100 * expected.low:.0f} to {100 * expected.high:.0f} %, if they are of the same kind"
        )
    else:
        said.append("  too few points for a forecast")
    return said


def _bar(cer: float, sign: str = "#") -> str:
    return sign * max(1, round(40 * min(1.0, cer)))


def write(folder: Path, points: Sequence[Point], expected: Forecast | None, *, title: str) -> list[Path]:
    """The curve as numbers (`learning_curve.json`, shares of 1) and drawn (`learning_curve.svg`)."""
    paths = [folder / name for name in NAMES]
    told = {"title": title, "points": [asdict(p) for p in points], "forecast": asdict(expected) if expected else None}
    write_text(paths[0], json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    write_text(paths[1], drawn(points, expected, title=title))
    return paths


def drawn(points: Sequence[Point], expected: Forecast | None, *, title: str) -> str:
    """The curve as SVG: minutes to the right (logarithmic), CER upwards, intervals as bars, the forecast dashed and named."""
    width, height, left, top, right, bottom = 640, 400, 60, 50, 610, 340
    every = [p.minutes for p in points] + ([expected.minutes] if expected else [])
    first, last = math.log(min(every) / 1.2), math.log(max(every) * 1.2)
    tops = [p.high or p.cer for p in points] + ([expected.high] if expected else [])
    most = math.ceil(max(tops) * 10) / 10

    def across(minutes: float) -> float:
        return left + (right - left) * (math.log(minutes) - first) / (last - first)

    def up(cer: float) -> float:
        return bottom - (bottom - top) * min(cer, most) / most

    def bar(minutes: float, low: float, high: float, style: str) -> str:
        return f'<line x1="{across(minutes):.1f}" y1="{up(low):.1f}" x2="{across(minutes):.1f}" y2="{up(high):.1f}" {style}/>'

    def label(x: float, y: float, text: str, more: str = 'text-anchor="middle"') -> str:
        return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{_escaped(text)}</text>'

    solid, dashed = 'stroke="#1b4f72" stroke-width="2"', 'stroke="#b9770e" stroke-width="2" stroke-dasharray="6 4"'
    made = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13" role="img" '
        f'aria-label="{_escaped(title)}">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        label(width / 2, 24, title, 'text-anchor="middle" font-size="15"'),
        label(width / 2, height - 12, "minutes of transcribed speech"),
        label(left, top - 10, "CER on dev, %"),
        f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#444"/>',
    ]
    for tenth in range(0, round(most * 10) + 1):
        made.append(label(left - 8, up(tenth / 10) + 4, f"{tenth * 10}", 'text-anchor="end"'))
        made.append(f'<path d="M{left} {up(tenth / 10):.1f}H{right}" stroke="#ddd"/>')
    path = " ".join(f"{across(p.minutes):.1f},{up(p.cer):.1f}" for p in points)
    made.append(f'<polyline points="{path}" fill="none" {solid}/>')
    for point in points:
        if point.low is not None and point.high is not None:
            made.append(bar(point.minutes, point.low, point.high, solid))
        made.append(f'<circle cx="{across(point.minutes):.1f}" cy="{up(point.cer):.1f}" r="4" fill="#1b4f72"/>')
        made.append(label(across(point.minutes), bottom + 18, f"{point.minutes:g}"))
        made.append(label(across(point.minutes) + 8, up(point.cer) - 8, f"{100 * point.cer:.1f}", 'text-anchor="start"'))
    if expected:
        end = points[-1]
        made.append(
            f'<path d="M{across(end.minutes):.1f} {up(end.cer):.1f}L{across(expected.minutes):.1f} {up(expected.cer):.1f}" '
            f'fill="none" {dashed}/>'
        )
        made.append(bar(expected.minutes, expected.low, expected.high, dashed))
        made.append(label(across(expected.minutes), bottom + 18, f"{expected.minutes:g}"))
        made.append(label(across(expected.minutes), up(expected.high) - 8, f"forecast {100 * expected.cer:.0f}", 'text-anchor="end"'))
    return "\n".join([*made, "</svg>", ""])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
