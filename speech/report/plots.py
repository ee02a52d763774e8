"""Plots as SVG inside the page: drawn by hand from numbers, the same bytes every time, with a text alternative.

No plotting package: two plain figures need none, their letters stay text that can be read aloud and found, and a
name in any script needs no font of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from speech.report.html import Markup, element

_LETTER = 8.0
"""Width kept for a letter of a label, in SVG units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A value between 0 and 1 (or above), with the ends of its interval where there is one."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    heading: str = ""
    """A line above it, where a group of bands begins."""


def interval_plot(title: str, bands: Sequence[Band]) -> Markup:
    """A row a band: a dot at its value, a line from end to end of its interval; the axis begins at zero."""
    top = max((b.high if b.high is not None else b.value for b in bands), default=0.0)
    step = _step(top)
    ticks = [n * step for n in range(int(top / step + 0.999) + 1)] or [0.0]
    end = max(ticks[-1], step)
    left = min(220.0, 16 + _LETTER * max((len(b.name) for b in bands), default=0))
    width, height = 720.0, 40.0 + 24 * (len(bands) + sum(bool(b.heading) for b in bands))

    def x(value: float) -> float:
        return left + (width - left - 40) * value / end

    parts = []
    for tick in ticks:
        parts.append(_line(x(tick), 8, x(tick), height - 26, opacity=0.25))
        parts.append(_text(x(tick), height - 8, f"{100 * tick:g} %", anchor="middle"))
    y = -4.0
    for band in bands:
        if band.heading:
            y += 24
            parts.append(element("text", band.heading, x="8", y=_n(y + 5), fill="currentColor", font_weight="600"))
        y += 24
        parts.append(_text(left - 8, y + 5, band.name if len(band.name) <= 26 else band.name[:25] + "…", anchor="end"))
        if band.low is not None and band.high is not None:
            parts.append(_line(x(band.low), y, x(band.high), y, width=3, opacity=0.6))
        parts.append(element("circle", cx=_n(x(band.value)), cy=_n(y), r=5, fill="currentColor"))
    return _svg(title, "; ".join(_said(b) for b in bands), width, height, parts)


def calibration_plot(title: str, bins: Sequence[tuple[float, float, int]], *, across: str = "confidence", counted: str = "words") -> Markup:
    """Bins as (mean confidence, share right, words): dots, larger for more words, beside the line where both are equal.

    `across` names what is on the axis instead of confidence, `counted` what the dots are made of instead of words.
    """
    size, edge = 360.0, 48.0
    span = size - 2 * edge

    def at(x: float, y: float) -> tuple[float, float]:
        return edge + span * x, size - edge - span * y

    parts = [_line(*at(0, 0), *at(1, 1), opacity=0.4, dashes="6 4"), _line(*at(0, 0), *at(1, 0)), _line(*at(0, 0), *at(0, 1))]
    for tick in (0.0, 0.5, 1.0):
        (below, floor), (wall, level) = at(tick, 0), at(0, tick)
        parts += [_text(below, floor + 18, f"{tick:g}", anchor="middle"), _text(wall - 8, level + 5, f"{tick:g}", anchor="end")]
    most = max((words for _, _, words in bins), default=1)
    for confidence, right, words in bins:
        x, y = at(confidence, right)
        parts.append(element("circle", cx=_n(x), cy=_n(y), r=_n(3 + 7 * (words / most) ** 0.5), fill="currentColor", fill_opacity="0.6"))
    parts.append(_text(size / 2, size - 8, across, anchor="middle"))
    parts.append(_text(edge, edge - 16, f"share of {counted} that are right", anchor="start"))
    said = "; ".join(f"{across} {c:.2f}: {r:.2f} right, {n:,} {counted}" for c, r, n in bins)
    return _svg(title, said, size, size, parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A row of a timeline: a name, and bars from start to end in milliseconds, each with a few letters on it."""

    name: str
    bars: Sequence[tuple[int, int, str]]


def timeline_plot(title: str, lanes: Sequence[Lane], length_ms: int, *, shaded: Sequence[tuple[int, int]] = ()) -> Markup:
    """A row a lane over one axis of seconds; `shaded` stretches, in milliseconds, lie behind all rows."""
    left = min(220.0, 16 + _LETTER * max((len(lane.name) for lane in lanes), default=0))
    width, height = 960.0, 44.0 + 36 * len(lanes)
    length = max(1, length_ms)

    def x(ms: float) -> float:
        return left + (width - left - 16) * ms / length

    parts = []
    step = next((s for s in (1, 2, 5, 10, 30, 60, 300, 600, 1800) if length / 1000 / s <= 16), 3600)
    for second in range(0, length // 1000 + 1, step):
        parts.append(_line(x(1000 * second), 8, x(1000 * second), height - 28, opacity=0.25))
        parts.append(_text(x(1000 * second), height - 10, f"{second} s", anchor="middle"))
    for start, end in shaded:
        shade = {"x": _n(x(start)), "y": "8", "width": _n(x(end) - x(start)), "height": _n(height - 36)}
        parts.append(element("rect", **shade, fill="currentColor", fill_opacity="0.15"))
    for n, lane in enumerate(lanes):
        y = 14.0 + 36 * n
        parts.append(_text(left - 8, y + 17, lane.name if len(lane.name) <= 26 else lane.name[:25] + "…", anchor="end"))
        for start, end, label in lane.bars:
            size = {"x": _n(x(start)), "y": _n(y), "width": _n(max(1.0, x(end) - x(start))), "height": "24", "rx": "3"}
            parts.append(element("rect", **size, fill="currentColor", fill_opacity="0.35", stroke="currentColor"))
            if label and _LETTER * len(label) < x(end) - x(start):
                parts.append(_text((x(start) + x(end)) / 2, y + 17, label, anchor="middle"))
    said = "; ".join(f"{lane.name}: {', '.join(_bar_said(*bar) for bar in lane.bars)}" for lane in lanes)
    return _svg(title, said, width, height, parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Values at equal steps of time, and what they are of."""

    name: str
    values: Sequence[float]


def curves_plot(title: str, curves: Sequence[Curve], *, unit: str) -> Markup:
    """A panel a curve, side by side on one scale, with a line at zero; lowest and highest value stand at the left."""
    every = [value for curve in curves for value in curve.values]
    low, high = min([0.0, *every]), max([0.0, *every])
    left, panel, tall, top = 64.0, 104.0, 120.0, 34.0

    def y(value: float) -> float:
        return top + tall * (high - value) / ((high - low) or 1.0)

    parts = [_text(left - 8, y(value) + 5, f"{value:+.1f}" if value else "0", anchor="end") for value in sorted({low, 0.0, high})]
    for n, curve in enumerate(curves):
        start, width = left + panel * n, panel - 20
        step = width / max(1, len(curve.values) - 1)
        points = " ".join(f"{_n(start + step * place)},{_n(y(value))}" for place, value in enumerate(curve.values))
        parts.append(_text(start + width / 2, 18, curve.name, anchor="middle"))
        parts.append(_line(start, y(0), start + width, y(0), opacity=0.3))
        parts.append(element("polyline", points=points, fill="none", stroke="currentColor", stroke_width="3"))
    said = "; ".join(f"{c.name} from {c.values[0]:+.1f} to {c.values[-1]:+.1f}" for c in curves if c.values)
    return _svg(title, f"In {unit}: {said}", left + panel * len(curves), top + tall + 20, parts)


def _bar_said(start_ms: int, end_ms: int, label: str) -> str:
    return f"{start_ms / 1000:.1f} to {end_ms / 1000:.1f} s" + (f" {label}" if label else "")


def _said(band: Band) -> str:
    interval = "" if band.low is None or band.high is None else f" ({100 * band.low:.1f} to {100 * band.high:.1f})"
    heading = f"{band.heading}: " if band.heading else ""
    return f"{heading}{band.name} {100 * band.value:.1f} %{interval}"


def _step(top: float) -> float:
    """A round step that gives about five ticks up to `top`."""
    for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0):
        if top / step <= 6:
            return step
    return float(10 ** len(str(int(top)))) / 5


def _svg(title: str, said: str, width: float, height: float, parts: Sequence[Markup]) -> Markup:
    return element(
        "svg",
        element("title", title),
        element("desc", said),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_n(width)} {_n(height)}",
        width=_n(width),
        height=_n(height),
        role="img",
        aria_label=f"{title}. {said}",
        font_family="system-ui, sans-serif",
        font_size="14",
    )


def _line(x1: float, y1: float, x2: float, y2: float, *, width: float = 1, opacity: float = 1, dashes: str | None = None) -> Markup:
    ends = {"x1": _n(x1), "y1": _n(y1), "x2": _n(x2), "y2": _n(y2)}
    return element("line", **ends, stroke="currentColor", stroke_width=_n(width), stroke_opacity=_n(opacity), stroke_dasharray=dashes)


def _text(x: float, y: float, value: str, *, anchor: str) -> Markup:
    return element("text", value, x=_n(x), y=_n(y), text_anchor=anchor, fill="currentColor")


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
