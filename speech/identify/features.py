"""What is counted of a piece of speech: how its hidden states lie, how sure each language's recogniser is, and which sounds follow which.

All from one pass of the encoder a language: hidden states below the adapters (the same for all), emissions above them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SCALARS = 6
"""Numbers that say how sure a recogniser is (`sureness`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """One recogniser's symbols: how many, the blank, and those that are written."""

    size: int
    blank: int
    written: tuple[int, ...]


def lie(states: Floats) -> Floats:
    """Mean and deviation over time of hidden states (frames, width): (2 * width,)."""
    values = np.asarray(states, np.float32)
    return np.concatenate([values.mean(axis=0), values.std(axis=0)]).astype(np.float32)


def sureness(emissions: Floats, vocabulary: Vocabulary) -> Floats:
    """How sure a recogniser is of what it hears, (`SCALARS`,).

    Mean log probability of the best symbol over all frames and over those that are written; share of frames that are blank; entropy;
    symbols a frame; share of the runner-up where a symbol is written.
    """
    e = np.asarray(emissions, np.float32)
    best = e.argmax(axis=1)
    top = e.max(axis=1)
    spoken = best != vocabulary.blank
    p = np.exp(e)
    entropy = float(-(p * e).sum(axis=1).mean())
    second = np.partition(p, -2, axis=1)[:, -2]
    path = collapsed(best, vocabulary)
    if not spoken.any():
        return np.array([top.mean(), 0.0, 1.0, entropy, 0.0, 0.0], np.float32)
    return np.array(
        [top.mean(), top[spoken].mean(), 1 - spoken.mean(), entropy, len(path) / len(e), second[spoken].mean()], np.float32
    )


def sounds(emissions: Floats, vocabulary: Vocabulary) -> Floats:
    """How often each symbol is heard, (size,): mean probability over frames, of those that are written, as shares."""
    p = np.exp(np.asarray(emissions, np.float32)).mean(axis=0)
    kept = np.zeros_like(p)
    written = list(vocabulary.written)
    kept[written] = p[written]
    return np.asarray(kept / (kept.sum() + 1e-6), np.float32)


def collapsed(best: NDArray[np.int64], vocabulary: Vocabulary) -> NDArray[np.int64]:
    """The symbols of a best path, repeats joined, blanks and specials left out."""
    if not len(best):
        return best
    kept = best[np.concatenate([[True], best[1:] != best[:-1]])]
    return np.asarray(kept[np.isin(kept, vocabulary.written)])


def pairs(emissions: Floats, vocabulary: Vocabulary) -> NDArray[np.int32]:
    """Which symbols follow which in the best path: `first * size + second`, in order."""
    path = collapsed(np.asarray(emissions).argmax(axis=1), vocabulary)
    return np.asarray(path[:-1] * vocabulary.size + path[1:], np.int32)


def vocabularies(symbols: Mapping[str, Sequence[str]], blanks: Mapping[str, int], special: Mapping[str, Sequence[int]]) -> dict[str, Vocabulary]:
    """The vocabularies by language."""
    return {
        code: Vocabulary(size=len(own), blank=blanks[code], written=tuple(n for n in range(len(own)) if n not in set(special[code])))
        for code, own in symbols.items()
    }
