"""Threads that compute side by side, one core each: how small networks keep several cores busy.

A layer of a small network is soon done, and dividing it among cores costs more than it gives, most of all with short
clips. A large network gains nothing, and would hold the sound of several batches at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Made = TypeVar("Made")


class Workers:
    """`count` threads with one core each; with `count` 1 the callers compute, one after the other, with torch's own number."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = _pool(count) if count > 1 else None
        self._turn = threading.Lock()

    def run(self, function: Callable[[Item], Made], item: Item) -> Made:
        """`function` of one item, on one core. A thread of the caller's would bring further threads that wait by spinning."""
        if self._pool:
            return self._pool.submit(function, item).result()
        with self._turn:
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


def _pool(count: int) -> ThreadPoolExecutor:
    """Started threads, each set to one core. torch keeps that number per thread, but new threads take the last one set."""
    own = torch.get_num_threads()
    everyone = threading.Barrier(count)
    pool = ThreadPoolExecutor(count, thread_name_prefix="speech-core", initializer=_one_core)
    list(pool.map(lambda _: everyone.wait(), range(count)))
    torch.set_num_threads(own)
    return pool


def _one_core() -> None:
    torch.get_num_threads()  # a thread's first work would otherwise set its number once more, to the process's
    torch.set_num_threads(1)
