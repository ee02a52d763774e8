"""Where a given text sounds: the likeliest path through emissions that writes exactly these symbols (CTC forced alignment).

`align` is the one function: torchaudio's own code does it where its native part loads, ours where it does not, with the same result
(by test). `with_star` puts a symbol beside the vocabulary that stands for whatever was said and is not written.

Source: Graves et al. 2006 (CTC); the star: torchaudio's tutorial of MMS alignment (arXiv 2305.13516), here at a cost a frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech.models.ctc import Emissions

IMPOSSIBLE = -1e30


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A symbol of the text in time: its place in the text, first frame, frame after the last, and log probability of each of its frames."""

    place: int
    first: int
    end: int
    scores: NDArray[np.float32]

    @property
    def score(self) -> float:
        """Mean log probability a frame."""
        return float(self.scores.mean())


class TooShort(ValueError):
    """There are fewer frames than the text needs."""


def needed_frames(targets: Sequence[int]) -> int:
    """Frames that a text needs at least: one a symbol, and a blank between two that are alike."""
    return len(targets) + sum(a == b for a, b in zip(targets, targets[1:], strict=False))


def align(emissions: Emissions, targets: Sequence[int], *, blank: int) -> list[Placed]:
    """The best path that writes `targets`: a place for each of them, in order.

    Parameters
    ----------
    emissions : natural-log probabilities (frames, vocabulary)
    targets : numbers of the symbols that were said, the blank not among them

    Raises
    ------
    TooShort
        Fewer frames than `needed_frames`.
    """
    if not targets:
        return []
    if len(emissions) < needed_frames(targets):
        raise TooShort(f"{len(emissions)} frames for {needed_frames(targets)}")
    places = _places_native(emissions, targets, blank) if has_native() else _places_ours(emissions, targets, blank)
    found = []
    starts = np.flatnonzero((places >= 0) & np.concatenate([[True], places[1:] != places[:-1]]))
    for first in map(int, starts):
        place = int(places[first])
        end = first + 1
        while end < len(places) and places[end] == place:
            end += 1
        found.append(Placed(place=place, first=first, end=end, scores=np.asarray(emissions[first:end, targets[place]], np.float32)))
    return found


def has_native() -> bool:
    """Whether torchaudio's native aligner can be used on this machine."""
    from speech.models import guard

    return guard.load() == "native"


def _places_native(emissions: Emissions, targets: Sequence[int], blank: int) -> NDArray[np.int64]:
    """By torchaudio: the place in the text of each frame, -1 for the blank."""
    import torch
    import torchaudio

    found: Any = torchaudio.functional.forced_align(
        torch.from_numpy(np.ascontiguousarray(emissions, np.float32))[None], torch.tensor([list(targets)], dtype=torch.int32), blank=blank
    )
    return places_of(found[0][0].numpy(), blank)


def places_of(labels: NDArray[Any], blank: int) -> NDArray[np.int64]:
    """From the symbol of each frame to its place in the text: each run of a symbol other than the blank is the next one."""
    begins = np.concatenate([[True], labels[1:] != labels[:-1]]) & (labels != blank)
    return np.where(labels != blank, np.cumsum(begins) - 1, -1)


def _places_ours(emissions: Emissions, targets: Sequence[int], blank: int) -> NDArray[np.int64]:
    """The same by dynamic programming over blank, symbol, blank, ..., frame by frame (Viterbi)."""
    frames, states = len(emissions), 2 * len(targets) + 1
    labels = np.full(states, blank, np.int64)
    labels[1::2] = targets
    # A symbol may follow the one before it without a blank between them where the two differ.
    leaps = np.zeros(states, bool)
    leaps[3::2] = labels[3::2] != labels[1:-2:2]
    best = np.full(states, IMPOSSIBLE, np.float32)
    best[:2] = emissions[0, labels[:2]]
    back = np.zeros((frames, states), np.uint8)
    for t in range(1, frames):
        moved = best.copy()
        step = np.concatenate([[np.float32(IMPOSSIBLE)], best[:-1]])
        leap = np.concatenate([np.full(2, IMPOSSIBLE, np.float32), best[:-2]])
        nearer = step > moved
        moved[nearer] = step[nearer]
        back[t, nearer] = 1
        farther = leaps & (leap > moved)
        moved[farther] = leap[farther]
        back[t, farther] = 2
        best = moved + emissions[t, labels]
    state = states - 1 if best[-1] > best[-2] else states - 2
    path = np.empty(frames, np.int64)
    for t in range(frames - 1, -1, -1):
        path[t] = state
        state -= int(back[t, state])
    return np.where(path % 2 == 1, path // 2, -1)


def with_star(emissions: Emissions, blank: int, cost: float) -> Emissions:
    """Emissions with a symbol more, the star: any sound at all, at `cost` nats a frame below the likeliest symbol; silence for nothing.

    So what is written wins wherever it fits nearly as well as anything, and what is not written has somewhere to go. Silence must be the
    star's, too: one star lasts as long as the speech that it stands for, and that has blanks between its sounds.
    """
    sounds = np.delete(emissions, blank, axis=-1).max(-1)
    return np.concatenate([emissions, np.maximum(emissions[:, blank], sounds - np.float32(cost))[:, None]], axis=-1)
