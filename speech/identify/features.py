"""What is counted of a piece of speech: how its hidden states lie, which sounds each recogniser hears, and which follow which.

All from one pass of the encoder a language: hidden states below the adapters (the same for all), emissions above them. Every number is
a mean over frames or a share, so that those of several pieces are averaged by length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FEW = 3.0
"""Pairs added to the count of all, so that few pairs say little."""


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
    """How sure a recogniser is of what it hears, (5,).

    Mean log probability of the best symbol over all frames, and over those that are no blank; share of frames that are blank; entropy;
    symbols a frame.
    """
    e = np.asarray(emissions, np.float32)
    best, top = e.argmax(axis=1), e.max(axis=1)
    spoken = best != vocabulary.blank
    entropy = float(-(np.exp(e) * e).sum(axis=1).mean())
    if not spoken.any():
        return np.array([top.mean(), 0.0, 1.0, entropy, 0.0], np.float32)
    return np.array([top.mean(), top[spoken].mean(), 1 - spoken.mean(), entropy, len(path_of(best, vocabulary)) / len(e)], np.float32)


def sounds(emissions: Floats, vocabulary: Vocabulary) -> Floats:
    """Which symbols are heard, (size,): square roots of the shares of those that are written, by mean probability over frames."""
    p = np.exp(np.asarray(emissions, np.float32)).mean(axis=0)
    kept = np.zeros_like(p)
    kept[list(vocabulary.written)] = p[list(vocabulary.written)]
    return np.asarray(np.sqrt(kept / (kept.sum() + 1e-6)), np.float32)


def path_of(best: NDArray[np.int64], vocabulary: Vocabulary) -> NDArray[np.int64]:
    """The symbols of a best path, repeats joined, blanks and specials left out."""
    if not len(best):
        return best
    kept = best[np.concatenate([[True], best[1:] != best[:-1]])]
    return np.asarray(kept[np.isin(kept, vocabulary.written)])


def pairs(emissions: Floats, vocabulary: Vocabulary) -> Floats:
    """Which symbols follow which in the best path, (size * size,): square roots of shares, `first * size + second`."""
    path = path_of(np.asarray(emissions).argmax(axis=1), vocabulary)
    counts = np.bincount(path[:-1] * vocabulary.size + path[1:], minlength=vocabulary.size**2) if len(path) > 1 else np.zeros(0)
    if not len(counts):
        return np.zeros(vocabulary.size**2, np.float32)
    return np.asarray(np.sqrt(counts / (counts.sum() + FEW)), np.float32)


def counted(
    states: Floats, emissions: Mapping[str, Floats], vocabularies: Mapping[str, Vocabulary], kept: NDArray[np.int64]
) -> dict[str, Floats]:
    """All of it for one piece, by kind; of the pairs of all recognisers laid end to end only those at `kept`."""
    codes = list(vocabularies)
    following = np.concatenate([pairs(emissions[code], vocabularies[code]) for code in codes])
    return {
        "states": lie(states),
        "sounds": np.concatenate([sounds(emissions[code], vocabularies[code]) for code in codes]),
        "pairs": following[kept],
        "sureness": np.concatenate([sureness(emissions[code], vocabularies[code]) for code in codes]),
    }


def vocabulary_of(symbols: Sequence[str], blank: int) -> Vocabulary:
    """The vocabulary of a recogniser's symbols."""
    from speech.models.ctc import is_special

    return Vocabulary(size=len(symbols), blank=blank, written=tuple(n for n, s in enumerate(symbols) if not is_special(s)))
