"""A bar with time left on standard error, for anything that takes over two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from speech.cli.streams import Streams

_SHARES = {"reading": (0.0, 0.1), "loading the model": (0.1, 0.1), "finding speech": (0.1, 0.3), "recognising": (0.3, 1.0)}
"""Which part of a recording's time each step takes, roughly: the bar moves evenly."""
_SHOW_AFTER_S = 2.0
_LINE_EVERY_S = 30.0


class Bars:
    """Progress of recordings in turn: one bar, for the recording whose result comes next."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = iter([name if len(names) == 1 else f"{n}/{len(names)} {name}" for n, name in enumerate(names, 1)])
        self._bar: Bar | None = None

    @contextmanager
    def next(self) -> Iterator[None]:
        """The bar of the next recording, while it is waited for."""
        with Bar(next(self._names)) as self._bar:
            yield

    def __call__(self, step: str, done: int, total: int) -> None:
        """`done` of `total` of a step of the recording waited for."""
        if self._bar:
            self._bar(step, done, total)


class Bar:
    """Progress of one recording. On a terminal a moving bar, elsewhere a line now and then."""

    def __init__(self, label: str, *, quiet: bool = False) -> None:
        self.label = label
        self.quiet = quiet
        self._begun = time.monotonic()
        self._shown = self._begun
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, step: str, done: int, total: int) -> None:
        """`done` of `total` of a step."""
        now = time.monotonic()
        if self.quiet or now - self._begun < _SHOW_AFTER_S:
            return
        start, end = _SHARES.get(step, (0.0, 1.0))
        part = start + (end - start) * (done / total if total else 1.0)
        if sys.stderr.isatty():
            self._draw(step, part)
        elif now - self._shown >= _LINE_EVERY_S and part > 0:
            self._shown = now
            left = (now - self._begun) * (1 - part) / part
            Streams.note(f"{self.label}: {step}, {part:.0%}, about {left:.0f} s left")

    def _draw(self, step: str, part: float) -> None:
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
            self._task = self._bar.add_task(self.label, total=1.0)
        self._bar.update(self._task, completed=part, description=f"{self.label}: {step}")
