"""Something heavy that is made when it is first asked for: a recogniser, a diariser, a classifier of languages."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from speech.errors import SpeechError

Made = TypeVar("Made")


class Once(Generic[Made]):
    """What `make` makes, once for all threads.

    What stands against it, found by `look` at once or by `make` later, is kept, so that further recordings meet it before they are read.
    """

    def __init__(self, make: Callable[[], Made], *, look: Callable[[], object] | None = None) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: list[Made] = []
        self._against: SpeechError | None = None
        try:
            if look is not None:
                look()
        except SpeechError as error:
            self._against = error

    def check(self) -> None:
        """Raise what is known to stand against it; nothing is made."""
        if self._against:
            raise copy.copy(self._against)  # one object raised again and again would gather traces

    def __call__(self) -> Made:
        """What was made; raises as `make` does."""
        with self._lock:
            self.check()
            if not self._made:
                try:
                    self._made.append(self._make())
                except SpeechError as error:
                    self._against = copy.copy(error)
                    raise
            return self._made[0]
