"""What a learner hears: rows of a fixed length, filled with clips laid end to end, at other speeds and with the field's noise."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from speech.adapt.material import Clip
from speech.audio import RATE
from speech.models.training import generators, supply
from speech.models.training.augment import Augment, at_speed, levelled, not_speech
from speech.text import WORD_BREAK

SHAPES = ((16, 3.0), (8, 6.0), (5, 9.6), (3, 16.0), (2, 24.0))
"""Rows and seconds of a row: 48 s each."""
SPEEDS = (0.9, 1.0, 1.1)


@dataclass(slots=True)
class Batch:
    """Inputs (rows, samples), levelled; what each row spells; the clips in it."""

    inputs: Tensor
    targets: list[list[int]]
    clips: list[str]


class Batches:
    """Draws batches. `share` of the shapes' rows is used: a large base hears fewer at a time."""

    def __init__(
        self,
        clips: Sequence[Clip],
        vocabulary: Sequence[str],
        *,
        seed: int,
        augmented: float = 0.7,
        silent: float = 0.04,
        share: float = 1.0,
    ) -> None:
        self.draw = random.Random(seed)
        self.rng = np.random.default_rng(seed)
        self.number = {symbol: place for place, symbol in enumerate(vocabulary)}
        self.clips = {clip.id: clip for clip in clips}
        self.deck = supply.Deck(self.clips, self.draw)
        self.augment = Augment(self.rng, [clip.samples for clip in clips])
        self.augmented, self.silent = augmented, silent
        longest = max(clip.seconds for clip in clips) * 1.12
        fits = [(rows, seconds) for rows, seconds in SHAPES if seconds >= min(longest, 3.0)]
        self.shapes = [(max(1, round(rows * share)), seconds) for rows, seconds in fits]
        self.held: str | None = None
        self.faster = {clip.id: {speed: at_speed(clip.samples, speed) for speed in SPEEDS if speed != 1.0} for clip in clips}

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
        rows, seconds = self.draw.choice(self.shapes)
        made = [self._row(int(seconds * RATE)) for _ in range(rows)]
        return Batch(torch.from_numpy(np.stack([m[0] for m in made])), [m[1] for m in made], [name for m in made for name in m[2]])

    def _row(self, length: int) -> tuple[np.ndarray, list[int], list[str]]:
        if self.draw.random() < self.silent:
            return levelled(not_speech(self.rng, length)), [], []
        signal = np.zeros(length)
        symbols: list[str] = []
        names: list[str] = []
        place, tries = int(self.rng.uniform(0, 0.15) * RATE), 0
        while tries < 12:
            name = self.held or self.deck.take().id
            self.held = None
            speed = self.draw.choice(SPEEDS)
            samples = self.clips[name].samples if speed == 1.0 else self.faster[name][speed]
            if place + len(samples) > length:
                if len(samples) < length:
                    self.held = name  # for the next row
                if symbols:
                    break
                tries += 1
                continue
            signal[place : place + len(samples)] += samples / 32768
            symbols += ([WORD_BREAK] if symbols else []) + self.clips[name].symbols
            names.append(name)
            place += len(samples) + int(self.rng.uniform(0, 0.5) * RATE)
        if self.draw.random() < self.augmented:
            signal = self.augment(signal)
        return levelled(signal), [self.number[s] for s in symbols], names
