"""Whose turn it is where several threads wait for the same cores; without torch, which may not be loaded yet."""

from __future__ import annotations

import contextvars
import heapq
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_rank: contextvars.ContextVar[int] = contextvars.ContextVar("rank", default=0)


def rank() -> int:
    """The rank of this thread; the lowest comes first."""
    return _rank.get()


@contextmanager
def first_come(rank: int) -> Iterator[None]:
    """What this thread asks of workers comes before what threads of higher rank ask, wherever both wait."""
    token = _rank.set(rank)
    try:
        yield
    finally:
        _rank.reset(token)


class Turn:
    """A lock that goes to the waiting thread of the lowest rank."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._held = False
        self._waiting: list[tuple[int, int]] = []
        self._numbers = itertools.count()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold it, once it is this thread's turn."""
        mine = (rank(), next(self._numbers))
        with self._free:
            heapq.heappush(self._waiting, mine)
            try:
                self._free.wait_for(lambda: not self._held and self._waiting[0] == mine)
                self._held = True
            finally:
                self._waiting.remove(mine)
                heapq.heapify(self._waiting)
        try:
            yield
        finally:
            with self._free:
                self._held = False
                self._free.notify_all()
