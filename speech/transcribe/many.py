"""Several recordings: while one is recognised the next are read; results come in the order asked for."""

from __future__ import annotations

import functools
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

from speech.collections import consent
from speech.models.recogniser import Later, Recogniser
from speech.transcribe.recording import transcribe
from speech.transcribe.records import Progress, Result, Settings

MOST_AT_ONCE = 8
"""Recordings under way at once, at most; else one more than there are cores, so that one is read while others are heard.
A recording under way holds up to 10 minutes of sound in memory, and a long one its samples in a temporary file."""
WAITING = 4
"""Recordings begun or finished but not yet given out, for each under way: short ones go on behind a long one."""
_LOOK_S = 0.1
"""How often progress of the recording waited for is passed on."""


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


Outcome = Result | Exception
"""What `transcribe` made of a recording, or what it raised."""


class Outcomes(Iterator[Outcome]):
    """The outcomes of recordings in the order asked for, while others are under way. Close it to stop the work."""

    def __init__(
        self,
        recordings: Sequence[Path],
        *,
        language: str,
        model: Recogniser | Later | None,
        context: consent.Context,
        settings: Settings | None,
        progress: Progress | None,
    ) -> None:
        workers = max(1, min(len(recordings), MOST_AT_ONCE, 1 + _cores(model)))
        self._begin = functools.partial(transcribe, language=language, model=model, context=context, settings=settings)
        self._report = progress
        self._left = deque(recordings)
        self._most = WAITING * workers
        self._begun: deque[tuple[Path, Future[Result], _Progress]] = deque()
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="speech-recording")

    def __next__(self) -> Outcome:
        self._fill()
        if not self._begun:
            self.close()
            raise StopIteration
        recording, future, progress = self._begun[0]
        while not wait([future], _LOOK_S).done:
            if self._report and progress.latest:
                self._report(*progress.latest)
            self._fill()
        self._begun.popleft()
        return _outcome(future)

    def finished(self) -> list[tuple[Path, Outcome]]:
        """Take out what is finished and was not given out yet: for a caller who is interrupted."""
        done = [(recording, _outcome(future)) for recording, future, _ in self._begun if future.done() and not future.cancelled()]
        self._begun.clear()
        return done

    def close(self) -> None:
        """Begin nothing more, and end what is under way at its next step; does not wait for it."""
        self._stop.set()
        self._left.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def __del__(self) -> None:
        self.close()

    def _fill(self) -> None:
        while self._left and len(self._begun) < self._most:
            progress = _Progress(self._stop)
            recording = self._left.popleft()
            self._begun.append((recording, self._pool.submit(self._begin, recording, progress=progress), progress))


def transcribe_all(
    recordings: Sequence[Path],
    *,
    language: str,
    model: Recogniser | Later | None,
    context: consent.Context,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Outcomes:
    """What `transcribe` makes of each recording, or the exception it raised, in order. Writes nothing.

    `progress` speaks of the recording whose outcome comes next.
    """
    return Outcomes(recordings, language=language, model=model, context=context, settings=settings, progress=progress)


def _outcome(future: Future[Result]) -> Outcome:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, Exception):
        return error
    raise error


def _cores(model: Recogniser | Later | None) -> int:
    """Cores this process may use: as said for the model, else as the system has it; torch is not asked, it may not be loaded."""
    asked = model.threads if model else 0
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return asked or here or 1
