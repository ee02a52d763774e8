"""What each step trains on: items drawn again and again, and batches made ahead by a thread, each with the state after it.

Batches made ahead have drawn further than the network has trained. So a maker's state travels with its batch: what a
checkpoint keeps is the state after the batch that was trained last.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar

from speech.errors import TrainingFailure

T = TypeVar("T")
Made = TypeVar("Made", covariant=True)
State = Mapping[str, Any]
"""Plain values (numbers, texts, lists, tuples, dicts, tensors), not changed once given."""


class Maker(Protocol[Made]):
    """Makes one batch after the other, and says from what state it would go on."""

    def make(self) -> Made:
        """The next batch."""

    def state(self) -> State:
        """All that the next batches depend on."""


def ahead(maker: Maker[T], depth: int = 3) -> Iterator[tuple[T, State]]:
    """Batches with the state after each, up to `depth` of them made by a thread while the network computes.

    The thread alone uses `maker`, whose generators must be its own: not those of the process. What it raises comes out here.
    """
    worker = ThreadPoolExecutor(1, thread_name_prefix="batches")
    try:
        waiting = deque(worker.submit(_made, maker) for _ in range(depth))
        while True:
            found = waiting.popleft().result()
            waiting.append(worker.submit(_made, maker))
            yield found
    finally:
        worker.shutdown(cancel_futures=True)


def _made(maker: Maker[T]) -> tuple[T, State]:
    return maker.make(), maker.state()


class Deck(Generic[T]):
    """Items by name, each once in random order before any comes again; shuffled by a generator that others may share."""

    def __init__(self, items: Mapping[str, T], draw: random.Random) -> None:
        self.items = items
        self._draw = draw
        self._order = list(items)
        self._place = len(items)

    def take(self) -> T:
        """The next item."""
        if self._place == len(self._order):
            self._order = list(self._order)  # the old list may stand in a state that waits to be saved
            self._draw.shuffle(self._order)
            self._place = 0
        self._place += 1
        return self.items[self._order[self._place - 1]]

    def state(self) -> State:
        """Order and place, without the generator's own state."""
        return {"order": self._order, "place": self._place}

    def restore(self, state: State, where: str) -> None:
        """Go on from what `state` gave.

        Raises
        ------
        TrainingFailure
            `TRAINING_CHECKPOINT`: the items are not those of the run; `where` says of what.
        """
        if sorted(state["order"]) != sorted(self.items):
            lost, new = len(set(state["order"]) - set(self.items)), len(set(self.items) - set(state["order"]))
            raise TrainingFailure(
                where=where,
                what=f"the run began with other clips: {lost} of them are gone, {new} are new",
                mend="Go on with the clips it began with, or begin a new run from its weights in another folder",
                code="TRAINING_CHECKPOINT",
            )
        self._order, self._place = list(state["order"]), state["place"]
