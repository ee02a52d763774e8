"""Several recordings at once: while one is worked on the next are read; those asked for first are finished first."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

from speech.collections.made import Progress
from speech.models.turns import first_come

MOST_AT_ONCE = 8
"""Recordings under way at once, at most; else one more than there are cores, so that one is read while others are heard.
A recording under way holds up to 10 minutes of sound in memory, and a long one its samples in a temporary file."""
WAITING = 4
"""Recordings begun or finished but not yet given out, for each under way: short ones go on behind a long one."""
_LOOK_S = 0.1
"""How often progress is passed on."""

Item = TypeVar("Item")
Result = TypeVar("Result")
RunProgress = Callable[[int, str, int, int], None]
"""Number of the recording in the order asked, from 0; step, done, total."""


class _Stopped(BaseException):
    """The caller wants no more; ends the work on a recording at its next step."""


class _Progress:
    """What a recording under way reports, kept for the thread that waits for it."""

    def __init__(self, stop: threading.Event) -> None:
        self.latest: tuple[str, int, int] | None = None
        self._stop = stop

    def __call__(self, step: str, done: int, total: int) -> None:
        if self._stop.is_set():
            raise _Stopped
        self.latest = (step, done, total)


class Outcomes(Iterator[Result | Exception], Generic[Item, Result]):
    """What `work` makes of each item, or the exception it raised, while others are under way. Close it to stop the work.

    To iterate gives them in the order asked for; `as_done` as they are finished, which is about that order, too: cores
    compute for the earliest that needs them.
    """

    def __init__(
        self, items: Sequence[Item], work: Callable[[Item, Progress], Result], *, cores: int, progress: RunProgress | None = None
    ) -> None:
        workers = max(1, min(len(items), MOST_AT_ONCE, 1 + cores))
        self._work = work
        self._report = progress
        self._left = deque(enumerate(items))
        self._most = WAITING * workers
        self._begun: deque[tuple[int, Item, Future[Result], _Progress]] = deque()
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="speech-recording")

    def __next__(self) -> Result | Exception:
        self._fill()
        if not self._begun:
            self.close()
            raise StopIteration
        self._wait([self._begun[0][2]])
        return self._of(self._begun.popleft()[2])

    def as_done(self) -> Iterator[tuple[Item, Result | Exception]]:
        """Each item with its outcome, as soon as it is there."""
        while True:
            self._fill()
            if not self._begun:
                self.close()
                return
            self._wait([future for _, _, future, _ in self._begun])
            yield from self._taken()

    def finished(self) -> list[tuple[Item, Result | Exception]]:
        """Take out what is finished and was not given out yet: for a caller who is interrupted."""
        return list(self._taken())

    def _taken(self) -> Iterator[tuple[Item, Result | Exception]]:
        done = [begun for begun in self._begun if begun[2].done() and not begun[2].cancelled()]
        for begun in done:
            self._begun.remove(begun)
            yield begun[1], self._of(begun[2])

    def close(self) -> None:
        """Begin nothing more, and end what is under way at its next step; does not wait for it."""
        self._stop.set()
        self._left.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def __del__(self) -> None:
        self.close()

    def _wait(self, futures: Sequence[Future[Result]]) -> None:
        while not wait(futures, _LOOK_S, FIRST_COMPLETED).done:
            for number, _, _, progress in self._begun if self._report else ():
                if self._report and progress.latest:
                    self._report(number, *progress.latest)
            self._fill()

    def _fill(self) -> None:
        while self._left and len(self._begun) < self._most:
            progress = _Progress(self._stop)
            number, item = self._left.popleft()
            self._begun.append((number, item, self._pool.submit(self._one, number, item, progress), progress))

    def _of(self, future: Future[Result]) -> Result | Exception:
        error = future.exception()
        if error is None:
            return future.result()
        if isinstance(error, Exception):
            return error
        raise error

    def _one(self, number: int, item: Item, progress: _Progress) -> Result:
        with first_come(number):
            return self._work(item, progress)


def cores_here(asked: int = 0) -> int:
    """Cores this process may use: as `asked` for, else as the system has it; torch is not asked, it may not be loaded."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return asked or here or 1
