"""Whole words in a language model: a list as a machine of letters, what a word is worth, and hot words.

A word model is mixed with the letters' (interpolation): a word that recurs is likelier than its letters say, one that is not
known costs next to nothing. So a list helps and is never a cage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech.models.lm.ngram import Ints, Ngram

OUT = -1
"""The node of letters that begin no word of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trie:
    """Words as a tree of letters. Node 0 is the root; `words` gives the number of the word that ends at a node, or -1."""

    following: NDArray[np.int32]
    """(nodes, units): the next node, or `OUT`."""
    words: NDArray[np.int32]
    depth: NDArray[np.int32]
    """Letters from the root."""
    nearest: NDArray[np.int32]
    """Letters, from the root, of the shortest word that goes through a node."""

    @classmethod
    def of(cls, words: Sequence[Sequence[int]], units: int) -> Trie:
        """A tree of words given as unit numbers; a word's number is its place."""
        arcs: list[dict[int, int]] = [{}]
        ends: dict[int, int] = {}
        depth = [0]
        for number, word in enumerate(words):
            node = 0
            for unit in word:
                if unit not in arcs[node]:
                    arcs[node][unit] = len(arcs)
                    arcs.append({})
                    depth.append(depth[node] + 1)
                node = arcs[node][unit]
            ends.setdefault(node, number)
        following = np.full((len(arcs), units), OUT, np.int32)
        for node, own in enumerate(arcs):
            for unit, child in own.items():
                following[node, unit] = child
        numbers = np.full(len(arcs), -1, np.int32)
        nearest = np.full(len(arcs), np.iinfo(np.int32).max, np.int32)
        for node, number in ends.items():
            numbers[node] = number
            nearest[node] = depth[node]
        for node in range(len(arcs) - 1, -1, -1):  # children have higher numbers
            for child in arcs[node].values():
                if numbers[node] < 0:
                    nearest[node] = min(nearest[node], nearest[child])
        return cls(following=following, words=numbers, depth=np.array(depth, np.int32), nearest=nearest)

    def step(self, nodes: Ints, units: Ints) -> Ints:
        """The node after each unit; `OUT` stays out."""
        return np.where(nodes == OUT, OUT, self.following[np.maximum(nodes, 0), units]).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class WordModel:
    """Words a text recurs to: how each is spelt in units of the letter model, and a model of their order."""

    trie: Trie
    ngram: Ngram
    """Its units are the words by number, and `<unk>`."""

    @property
    def unknown(self) -> int:
        """The unit of words that are not known."""
        return len(self.ngram.units) - 1


UNKNOWN = "<unk>"


def spelt_words(texts: Iterable[Sequence[int] | NDArray[np.integer[Any]]], break_unit: int) -> Iterator[list[tuple[int, ...]]]:
    """Each text as its words."""
    for text in texts:
        words: list[tuple[int, ...]] = []
        word: list[int] = []
        for unit in [*map(int, text), break_unit]:
            if unit != break_unit:
                word.append(unit)
            elif word:
                words.append(tuple(word))
                word = []
        yield words


def most_frequent(texts: Iterable[Sequence[int] | NDArray[np.integer[Any]]], break_unit: int, most: int) -> list[tuple[int, ...]]:
    """The words of texts, sorted; where there are more than `most` the rarest are left out."""
    counts = Counter(word for words in spelt_words(texts, break_unit) for word in words)
    if len(counts) > most:
        return sorted(sorted(counts, key=lambda word: (-counts[word], word))[:most])
    return sorted(counts)
