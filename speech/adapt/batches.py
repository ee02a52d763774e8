"""What a learner hears: rows of a fixed length, filled with clips laid end to end, as other voices, at other paces, with the field's noise.

A few minutes of speech are often one voice, and it is others that the adapter will hear.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from speech.adapt.material import Clip, Samples
from speech.audio import RATE
from speech.models.training import generators, rows, supply
from speech.models.training.augment import Augment, as_voice, levelled, not_speech

SHAPES = ((16, 3.0), (8, 6.0), (5, 9.6), (3, 16.0), (2, 24.0))
"""Rows and seconds of a row: 48 s each."""
VOICES, PACES = 0.2, 0.15
"""How far voice and pace are moved at most, either way, in natural logarithms."""


@dataclass(slots=True)
class Batch:
    """Inputs (rows, samples), levelled; what each row spells; the clips in it."""

    inputs: Tensor
    targets: list[list[int]]
    clips: list[str]


class Batches:
    """Draws batches, of those shapes that half of the clips fit into."""

    def __init__(
        self,
        clips: Sequence[Clip],
        vocabulary: Sequence[str],
        *,
        seed: int,
        augmented: float = 0.7,
        silent: float = 0.04,
        prepare: Callable[[np.ndarray], np.ndarray] = levelled,
    ) -> None:
        """`prepare` makes of sound what the base hears."""
        self.prepare = prepare
        self.draw = random.Random(seed)
        self.rng = np.random.default_rng(seed)
        self.number = {symbol: place for place, symbol in enumerate(vocabulary)}
        self.clips = {clip.id: clip for clip in clips}
        self.deck = supply.Deck(self.clips, self.draw)
        self.augment = Augment(self.rng, [clip.samples for clip in clips])
        self.augmented, self.silent = augmented, silent
        middle = float(np.median([clip.seconds for clip in clips])) * math.exp(PACES) + 0.15
        self.shapes = [shape for shape in SHAPES if shape[1] >= middle] or [SHAPES[-1]]
        self.held: str | None = None

    def state(self) -> supply.State:
        """What the next batches depend on."""
        return {
            "draw": generators.state_of(self.draw), "rng": generators.state_of(self.rng), "deck": self.deck.state(), "held": self.held,
        }  # fmt: skip

    def restore(self, state: supply.State) -> None:
        """Go on from what `state` gave."""
        self.deck.restore(state["deck"], "the clips")
        generators.restore(self.draw, state["draw"])
        generators.restore(self.rng, state["rng"])
        self.held = state["held"]

    def make(self) -> Batch:
        """The next batch."""
        count, seconds = self.draw.choice(self.shapes)
        made = [self._row(int(seconds * RATE)) for _ in range(count)]
        return Batch(torch.from_numpy(np.stack([m[0] for m in made])), [m[1] for m in made], [name for m in made for name in m[2]])

    def _row(self, length: int) -> tuple[np.ndarray, list[int], list[str]]:
        if self.draw.random() < self.silent:
            return self.prepare(not_speech(self.rng, length)), [], []
        signal, symbols, names = rows.filled(length, self._next, self._hold, self.rng)
        if self.draw.random() < self.augmented:
            signal = self.augment(signal)
        return self.prepare(signal), [self.number[s] for s in symbols], names

    def _next(self) -> tuple[Samples, list[str], str]:
        name = self.held or self.deck.take().id
        self.held = None
        voice, pace = math.exp(self.draw.uniform(-VOICES, VOICES)), math.exp(self.draw.uniform(-PACES, PACES))
        return as_voice(self.clips[name].samples, voice, pace), self.clips[name].symbols, name

    def _hold(self, name: str) -> None:
        self.held = name
