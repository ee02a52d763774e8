"""Threads that compute side by side, one core each: how small networks keep several cores busy.

A layer of a small network is soon done, and dividing it among cores costs more than it gives, most of all with short
clips. A large network gains nothing, and would hold the sound of several batches at once.
Who came first is computed for first (`turns`): else of several recordings all would be finished at the end.
"""

from __future__ import annotations

import itertools
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

import torch

from speech.models.turns import Turn, rank

Item = TypeVar("Item")
Made = TypeVar("Made")


class Workers:
    """`count` threads with one core each; with `count` 1 the callers compute, one after the other, with torch's own number."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = _Pool(count) if count > 1 else None
        self._turn = Turn()

    def run(self, function: Callable[[Item], Made], item: Item) -> Made:
        """`function` of one item, on one core. A thread of the caller's would bring further threads that wait by spinning."""
        if self._pool:
            return self._pool.submit(function, item).result()
        with self._turn.taken():
            return function(item)

    def map(self, function: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
        """`function` of each item, in order; items are taken a few ahead. A caller that stops early leaves the rest undone."""
        if self._pool is None:
            for item in items:
                yield self.run(function, item)
            return
        begun: deque[Future[Made]] = deque()
        try:
            for item in items:
                begun.append(self._pool.submit(function, item))
                if len(begun) > 2 * self.count:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()


class _Pool:
    """Started threads, each set to one core, which take the job of the lowest rank. They end with the process.

    torch keeps the number of cores per thread, but new threads take the last one set.
    """

    def __init__(self, count: int) -> None:
        self._jobs: queue.PriorityQueue[tuple[int, int, Future[Any], Callable[[Any], Any], Any]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        own = torch.get_num_threads()
        started = threading.Barrier(count + 1)
        for number in range(count):
            threading.Thread(target=self._work, args=(started,), name=f"speech-core-{number}", daemon=True).start()
        started.wait()
        torch.set_num_threads(own)

    def submit(self, function: Callable[[Item], Made], item: Item) -> Future[Made]:
        future: Future[Made] = Future()
        self._jobs.put((rank(), next(self._numbers), future, function, item))
        return future

    def _work(self, started: threading.Barrier) -> None:
        torch.get_num_threads()  # a thread's first work would otherwise set its number once more, to the process's
        torch.set_num_threads(1)
        started.wait()
        while True:
            self._one(*self._jobs.get()[2:])

    @staticmethod
    def _one(future: Future[Any], function: Callable[[Any], Any], item: Any) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            made = function(item)
        except BaseException as error:  # noqa: BLE001  # it belongs to whoever waits for it
            future.set_exception(error)
        else:
            future.set_result(made)


_made: dict[int, Workers] = {}
_making = threading.Lock()


def shared(count: int = 0) -> Workers:
    """The process's own workers, as many as torch has threads unless said: who shares them never crowds the cores."""
    with _making:  # recordings in several threads may ask first
        count = count or torch.get_num_threads()
        if count not in _made:
            _made[count] = Workers(count)
        return _made[count]


def limit(threads: int) -> None:
    """Let torch, and workers made from now on, use so many cores; to be called in the main thread."""
    torch.set_num_threads(threads)
