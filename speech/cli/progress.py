"""A bar with time left on standard error, for anything that takes over two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from speech.cli.streams import Streams

_SHARES = {"reading": (0.0, 0.1), "loading the model": (0.1, 0.1), "finding speech": (0.1, 0.3), "recognising": (0.3, 1.0)}
"""Which part of a recording's time each step takes, roughly: the bar moves evenly."""
_SHOW_AFTER_S = 2.0
_LINE_EVERY_S = 30.0
_MOST_MEASURED = 2000
"""Of more recordings than this each counts the same: to look at them all would take long, and they even out."""


class Bar:
    """How much of some work is done. On a terminal a moving bar, elsewhere a line now and then."""

    def __init__(self, label: str = "") -> None:
        self.label = label
        self._begun = time.monotonic()
        self._shown = self._begun
        self._from = (self._begun, 0.0)
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, step: str, done: int, total: int) -> None:
        """`done` of `total` of a step of one recording."""
        self.show(f"{self.label}: {step}", part_of(step, done, total))

    @property
    def wanted(self) -> bool:
        """Whether it has taken long enough to be told."""
        return time.monotonic() - self._begun >= _SHOW_AFTER_S

    def reckon_from(self, part: float) -> None:
        """The pace counts from now on, with `part` done: what came before was other work, or another run's."""
        self._from = (time.monotonic(), part)

    def show(self, what: str, part: float) -> None:
        """Tell that `part` of the whole is done, from 0 to 1."""
        now = time.monotonic()
        if not self.wanted:
            return
        if sys.stderr.isatty():
            self._draw(what, part)
        elif now - self._shown >= _LINE_EVERY_S and part > self._from[1]:
            self._shown = now
            since, done = self._from
            left = (now - since) * (1 - part) / (part - done)
            Streams.note(f"{what}, {part:.0%}, about {_left(left)} left")

    def _draw(self, what: str, part: float) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f}%"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(what, total=1.0)
        self._bar.update(self._task, completed=part, description=what)


class RunBar(Bar):
    """One bar for a whole run: each recording counts by its length, those that need no hearing do not count.

    `lengths_ms` gives about how long recordings are; it is asked once the run has taken long enough for a bar.
    """

    def __init__(self, names: Sequence[str], lengths_ms: Callable[[], Sequence[int]]) -> None:
        super().__init__()
        self._names = names
        self._asked = lengths_ms
        self._lengths: list[float] = []
        self._parts = [0.0] * len(names)
        self._settled: set[int] = set()
        self._left_out: set[int] = set()

    def of(self, number: int, step: str, done: int, total: int) -> None:
        """`done` of `total` of a step of recording `number`, from 0; the earliest under way is named."""
        self._parts[number] = max(self._parts[number], part_of(step, done, total))
        if self.wanted:
            under_way = next((n for n in range(len(self._names)) if n not in self._settled and self._parts[n] > 0), number)
            self._tell(under_way, step)

    def settled(self, number: int, *, heard: bool = True) -> None:
        """Recording `number` is finished, or needed no hearing."""
        self._parts[number] = 1.0
        self._settled.add(number)
        if not heard:
            self._left_out.add(number)

    def _tell(self, number: int, step: str) -> None:
        name = self._names[number]
        if len(self._names) == 1:
            self.show(f"{name}: {step}", self.part())
        else:
            self.show(f"{len(self._settled):,} of {len(self._names):,} done, {name}: {step}", self.part())

    def part(self) -> float:
        """How much of all that is to be heard is done."""
        lengths = self._lengths_ms()
        counted = [n for n in range(len(lengths)) if n not in self._left_out]
        whole = sum(lengths[n] for n in counted)
        return sum(lengths[n] * self._parts[n] for n in counted) / whole if whole else 1.0

    def _lengths_ms(self) -> list[float]:
        if not self._lengths:
            many = len(self._names) > _MOST_MEASURED
            self._lengths = [1.0] * len(self._names) if many else [max(1.0, float(ms)) for ms in self._asked()]
        return self._lengths


def part_of(step: str, done: int, total: int) -> float:
    """How much of one recording is done; what stands behind a colon is a part of its step."""
    start, end = _SHARES.get(step.split(":")[0], (0.0, 1.0))
    return start + (end - start) * (done / total if total else 1.0)


def _left(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
