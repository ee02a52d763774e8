"""Rows of a batch: clips laid end to end in a fixed length, so that nothing is padded and borders between clips are learnt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from speech.audio import RATE
from speech.text import WORD_BREAK

Clip = TypeVar("Clip")
_TRIES = 12


def filled(
    length: int,
    take: Callable[[], tuple[NDArray[np.int16], Sequence[str], Clip]],
    hold: Callable[[Clip], None],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], list[str], list[Clip]]:
    """Sound (length,) in -1..1, what it spells, and its clips, until the next one does not fit.

    Parameters
    ----------
    take : gives the next clip: samples (int16, 16 kHz), symbols, and itself
    hold : is given a clip that did not fit any more and would fit another row of this length
    """
    signal = np.zeros(length)
    symbols: list[str] = []
    clips: list[Clip] = []
    place, tries = int(rng.uniform(0, 0.15) * RATE), 0
    while tries < _TRIES:
        samples, own, clip = take()
        if place + len(samples) > length:
            if not symbols:
                tries += 1
                continue
            if len(samples) < length:
                hold(clip)
            break
        signal[place : place + len(samples)] += samples / 32768
        symbols += [*([WORD_BREAK] if symbols else []), *own]
        clips.append(clip)
        place += len(samples) + int(rng.uniform(0, 0.5) * RATE)
    return signal, symbols, clips
