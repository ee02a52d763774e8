"""Several recordings: while one is recognised the next are read; results come in the order asked for."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from speech.collections import consent
from speech.models.recogniser import Later, Wav2Vec2Recogniser
from speech.transcribe.recording import transcribe
from speech.transcribe.records import Progress, Result, Settings

MOST_AT_ONCE = 8
"""Recordings under way at once, at most; else one more than there are cores, so that one is read while others are heard.
A recording under way holds up to 10 minutes of sound in memory, and a long one its samples in a temporary file."""
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


def transcribe_all(
    recordings: Sequence[Path],
    *,
    language: str,
    model: Wav2Vec2Recogniser | Later | None,
    context: consent.Context,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Generator[Result | Exception, None, None]:
    """What `transcribe` makes of each recording, or the exception it raised, in order. Writes nothing.

    `progress` speaks of the recording whose result comes next. Closing the iterator stops the work.
    """
    stop = threading.Event()
    workers = min(len(recordings), MOST_AT_ONCE, 1 + (os.cpu_count() or 1))
    waiting = deque(recordings)
    running: deque[tuple[Future[Result], _Progress]] = deque()
    pool = ThreadPoolExecutor(max(1, workers), thread_name_prefix="speech-recording")

    def begin() -> None:
        report = _Progress(stop)
        recording = waiting.popleft()
        options = {"language": language, "model": model, "context": context, "settings": settings, "progress": report}
        running.append((pool.submit(transcribe, recording, **options), report))  # type: ignore[arg-type]  # a dict of mixed values

    try:
        for _ in range(workers):
            begin()
        while running:
            future, report = running.popleft()
            yield _waited(future, report, progress)
            if waiting:
                begin()
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _waited(future: Future[Result], report: _Progress, progress: Progress | None) -> Result | Exception:
    """The future's outcome; meanwhile its progress is passed on."""
    while True:
        try:
            return future.result(timeout=_LOOK_S)
        except TimeoutError as error:
            if future.done():
                return error  # the recording's own, not that of waiting
            if progress and report.latest:
                progress(*report.latest)
        except Exception as error:  # noqa: BLE001  # handed on, raised where one input's faults are caught
            return error
