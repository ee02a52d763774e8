"""Long stretches of sound in pieces: where they are cut for the network, and how their emissions are joined.

Pieces overlap, start on whole frames of the stretch, and each gives only the frames away from its inner edges;
so every frame has `overlap` of sound on both sides, and frames fit together without a seam.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Emissions = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Samples `start..end` of a stretch for the network; of its frames, `keep_from..keep_to` stay (None: to the end).

    `start` is negative and `end` beyond the stretch where the chunk holds what lies around it.
    """

    start: int
    end: int
    keep_from: int
    keep_to: int | None


def plan(length: int, *, chunk: int, overlap: int, stride: int) -> list[Chunk]:
    """Chunks of at most `chunk` samples that cover `length` samples; one chunk where it fits.

    `overlap` samples are read beyond the kept part on each inner side; it and `chunk` are rounded to whole strides.

    Raises
    ------
    ValueError
        A chunk that is not longer than both its overlaps could never advance.
    """
    if length <= chunk:
        return [Chunk(start=0, end=length, keep_from=0, keep_to=None)]
    size, side = chunk // stride, overlap // stride
    if size <= 2 * side:
        raise ValueError(f"a chunk of {size} frames does not exceed two overlaps of {side}")
    step = size - 2 * side
    planned: list[Chunk] = []
    frame = 0
    while True:
        last = (frame + size) * stride >= length
        planned.append(
            Chunk(
                start=frame * stride,
                end=length if last else (frame + size) * stride,
                keep_from=side if frame else 0,
                keep_to=None if last else size - side,
            )
        )
        if last:
            return planned
        frame += step


def surrounded(length: int, *, least: int, before: int, after: int, stride: int, frames: int) -> Chunk:
    """One chunk of `length` samples and what lies around them, about `least` in all; only the `frames` of the length stay.

    `before` and `after` samples are there; half of what is lacking is taken on each side, before it in whole strides.
    """
    side = max(0, least - length) // 2
    lead = min(side, before) // stride
    return Chunk(start=-lead * stride, end=length + min(side, after), keep_from=lead, keep_to=lead + frames)


def joined(chunks: Sequence[Chunk], emissions: Sequence[Emissions]) -> Emissions:
    """One stretch's emissions (frames, vocabulary) from those of its chunks, in order."""
    return np.concatenate([e[c.keep_from : c.keep_to] for c, e in zip(chunks, emissions, strict=True)])
