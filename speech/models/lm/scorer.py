"""What a prefix gains by a symbol: letters, whole words, a bonus a letter, and hot words, all in one memory.

log score = weight * (log p(letters) + at each word's end log((1 - share) + share * p(word) / p(its letters))) + bonus * letters
            + what hot words are worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from speech.models.lm.beam import Floats, Ints
from speech.models.lm.ngram import Ngram
from speech.models.lm.words import OUT, Trie, WordModel

_MICRO = 1_000_000
"""Nats are kept in the memory of prefixes as whole millionths."""
_STRANGE = -8.0
"""Log probability of a symbol that the letter model does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What a language model counts for. Chosen on dev, kept in its card."""

    weight: float = 0.6
    bonus: float = 0.7
    """A letter, in nats: without it short texts win."""
    words: float = 0.5
    """Share of the word model in a word's probability."""
    hotword: float = 6.0
    """A hot word, in nats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModel:
    """Letters, and words where there are some, with their weights. `break_unit` is the letter model's word break."""

    letters: Ngram
    break_unit: int
    words: WordModel | None = None
    weights: Weights = field(default_factory=Weights)
    card: dict[str, object] = field(default_factory=dict)


class LanguageScorer:
    """A language model for the search, over the symbols of one acoustic vocabulary.

    `units` gives for each symbol the letters it writes, by the letter model's numbers; -1 is one it does not know, and a
    symbol that writes nothing has none. `pieces` tells the symbols that begin a word by themselves: where none has begun to
    be written, their break is none.
    """

    memory = 6
    _LETTERS, _NODE, _WORD, _SPENT, _HOTWORD, _SIZE = range(6)

    def __init__(
        self, model: LanguageModel, units: Sequence[Sequence[int]], *, pieces: Sequence[bool] = (), hotwords: Trie | None = None
    ) -> None:
        self._machine = model.letters.machine
        self._break = model.break_unit
        self._weights = model.weights
        self._words = model.words
        self._hotwords = hotwords
        longest = max(map(len, units), default=0)
        self._units = np.full((len(units), max(1, longest)), -2, np.int64)
        for row, own in enumerate(units):
            self._units[row, : len(own)] = own
        self._pieces = np.array(list(pieces) or [False] * len(units), bool)
        self._word_machine = model.words.ngram.machine if model.words else None

    def start(self) -> Ints:
        """After a word break, at the root of the words."""
        word = self._word_machine.start if self._word_machine else 0
        return np.array([self._machine.start, 0, word, 0, 0, 0], np.int64)

    def extend(self, memories: Ints, symbols: Ints) -> tuple[Floats, Ints]:
        """Symbols that write several letters go letter by letter."""
        units = self._units[symbols]
        first = np.where(self._pieces[symbols] & (memories[:, self._SIZE] == 0), -2, units[:, 0])
        gain, memory = self._letter(memories, first)
        for column in range(1, units.shape[1]):
            more = np.flatnonzero(units[:, column] != -2)
            if not len(more):
                break
            further, after = self._letter(memory[more], units[more, column])
            gain[more] += further
            memory[more] = after
        return gain.astype(np.float32), memory

    def end(self, memories: Ints) -> Floats:
        """A segment ends where a word does."""
        if not len(memories):
            return np.zeros(0, np.float32)
        gain, _ = self._letter(memories, np.full(len(memories), self._break))
        return (gain - self._weights.bonus).astype(np.float32)

    def _letter(self, memories: Ints, units: Ints) -> tuple[np.ndarray, Ints]:
        known = units >= 0
        values, states = self._machine.step(memories[:, self._LETTERS], np.maximum(units, 0))
        values = np.where(known, values, np.where(units == -2, 0.0, _STRANGE)).astype(np.float64)
        memory = memories.copy()
        memory[:, self._LETTERS] = np.where(known, states, np.where(units == -2, memories[:, self._LETTERS], 0))
        gain = self._weights.weight * values + np.where(units == -2, 0.0, self._weights.bonus)
        ends = units == self._break
        within = known & ~ends
        memory[:, self._SIZE] = np.where(ends, 0, memories[:, self._SIZE] + (units != -2))
        if self._words is not None:
            memory[:, self._SPENT] += np.round(values * _MICRO).astype(np.int64)
            node = self._words.trie.step(memories[:, self._NODE], np.maximum(units, 0))
            memory[:, self._NODE] = np.where(within, node, np.where(units == -1, OUT, memories[:, self._NODE]))
            at = np.flatnonzero(ends)
            if len(at):
                worth, memory[at, self._WORD] = self._word(memories[at], memory[at, self._SPENT])
                gain[at] += self._weights.weight * worth
                memory[at, self._NODE] = 0
                memory[at, self._SPENT] = 0
        if self._hotwords is not None:
            gain += self._hotword_gain(memories[:, self._HOTWORD], memory, units, ends, within)
        return gain, memory

    def _word(self, memories: Ints, spent: Ints) -> tuple[np.ndarray, Ints]:
        """What whole words add to their letters, and the word model's state after them; an empty word is none."""
        assert self._words is not None and self._word_machine is not None
        node = memories[:, self._NODE]
        number = np.where(node > 0, self._words.trie.words[np.maximum(node, 0)], -1)
        empty = node == 0
        values, states = self._word_machine.step(memories[:, self._WORD], np.where(number >= 0, number, self._words.unknown))
        share = self._weights.words
        ratio = np.exp(np.minimum(np.where(number >= 0, values - spent / _MICRO, -np.inf), 50.0))
        worth = np.log((1.0 - share) + share * ratio)
        return np.where(empty, 0.0, worth), np.where(empty, memories[:, self._WORD], states)

    def _hotword_gain(self, nodes: Ints, memory: Ints, units: Ints, ends: np.ndarray, within: np.ndarray) -> np.ndarray:
        """Part of a hot word's worth with each of its letters, taken back where it does not go on; the whole at its end."""
        assert self._hotwords is not None
        before = self._advanced(nodes)
        after_node = np.where(within, self._hotwords.step(nodes, np.maximum(units, 0)), np.where(units == -1, OUT, nodes))
        after = self._advanced(after_node)
        fulfilled = ends & (nodes > 0) & (self._hotwords.words[np.maximum(nodes, 0)] >= 0)
        memory[:, self._HOTWORD] = np.where(ends, 0, after_node)
        return np.asarray(np.where(ends, np.where(fulfilled, self._weights.hotword, 0.0), after) - before)

    def _advanced(self, nodes: Ints) -> np.ndarray:
        """What is advanced to a prefix that is on the way to a hot word."""
        assert self._hotwords is not None
        held = np.maximum(nodes, 0)
        share = self._hotwords.depth[held] / np.maximum(1, self._hotwords.nearest[held])
        return np.asarray(np.where(nodes > 0, self._weights.hotword * share, 0.0))
