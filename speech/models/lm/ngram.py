"""An n-gram model as a machine of states, so that a beam asks it by arrays: a state is a context, an arc what may follow.

Back-off form (Katz 1987): an arc that is there has its own probability; what is not there has the state's back-off weight
times the probability in the state of the shorter context. Interpolated smoothing has the same form (Chen and Goodman 1999).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

_DENSE_ENTRIES = 24_000_000
"""States times units up to which every transition is laid out: 200 MB, and one lookup a step."""
NEVER = -99.0
"""Log probability (nats) of a unit that the model does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """The n-grams of one order: packed, sorted, each with its log probability and, where it is a context, its back-off weight.

    A key packs unit numbers from 1 on, the oldest highest; `log_back_off` is 0 where nothing follows.
    """

    keys: Ints
    log_probability: Floats
    log_back_off: Floats


@dataclass(slots=True, kw_only=True)
class Ngram:
    """A model over `units` (names by number); logarithms are natural.

    `begin` is the unit that a text begins after (the word break, of letters; `<s>`, of words), None where there is none.
    """

    units: tuple[str, ...]
    levels: tuple[Level, ...]
    begin: int | None = None
    card: dict[str, object] = field(default_factory=dict)
    _machine: Machine | None = None

    @property
    def order(self) -> int:
        """The longest n-gram."""
        return len(self.levels)

    @property
    def bits(self) -> int:
        """Of a packed unit."""
        return bits_of(len(self.units))

    def __len__(self) -> int:
        """How many n-grams it holds."""
        return sum(len(level.keys) for level in self.levels)

    @property
    def machine(self) -> Machine:
        """The machine of states, made when it is first asked for."""
        if self._machine is None:
            self._machine = Machine.of(self)
        return self._machine

    def log_probabilities(self, units: Sequence[int]) -> Floats:
        """The log probability of each unit of a text, which begins after `begin`."""
        machine = self.machine
        state, found = machine.start, np.empty(len(units), np.float32)
        for place, unit in enumerate(units):
            value, following = machine.step(np.array([state]), np.array([unit]))
            found[place], state = value[0], int(following[0])
        return found


def bits_of(units: int) -> int:
    """Bits that hold a unit's number, 0 kept for none."""
    return max(1, int(units).bit_length())


def longest_order(units: int) -> int:
    """The longest n-gram that a key of 63 bits holds."""
    return 63 // bits_of(units)


def packed(rows: Sequence[Sequence[int]], bits: int) -> Ints:
    """Keys of n-grams given as unit numbers from 0."""
    keys = np.zeros(len(rows), np.int64)
    for column in np.asarray(rows, np.int64).reshape(len(rows), -1).T:
        keys = (keys << bits) | (column + 1)
    return keys


def unpacked(keys: Ints, order: int, bits: int) -> Ints:
    """Unit numbers from 0, (n-grams, order)."""
    mask = (1 << bits) - 1
    return np.stack([((keys >> (bits * place)) & mask) - 1 for place in reversed(range(order))], 1)


@dataclass(slots=True, kw_only=True)
class Machine:
    """States of an n-gram model. State 0 is the empty context.

    Arcs are sorted by `state * units + unit`. `table` has every transition of every state where they fit (log probability, next
    state); else arcs are searched, and back-off is followed.
    """

    units: int
    start: int
    back: Ints
    log_back_off: Floats
    arcs: Ints
    log_probability: Floats
    following: NDArray[np.int32]
    table: tuple[Floats, NDArray[np.int32]] | None = None

    @classmethod
    def of(cls, model: Ngram) -> Machine:
        """The machine of a model."""
        bits, units = model.bits, len(model.units)
        contexts = [np.zeros(1, np.int64), *_contexts(model)]
        first = np.cumsum([0, *map(len, contexts)])
        back = np.zeros(first[-1], np.int64)
        log_back_off = np.zeros(first[-1], np.float32)
        for length in range(1, len(contexts)):
            own = slice(int(first[length]), int(first[length + 1]))
            back[own] = _state_of(contexts[length] & _mask(bits * (length - 1)), length - 1, contexts, first, bits)
            level = model.levels[length - 1]
            log_back_off[own] = level.log_back_off[np.searchsorted(level.keys, contexts[length])]
        arcs, values, following = [], [], []
        for length, level in enumerate(model.levels):
            state = first[length] + np.searchsorted(contexts[length], level.keys >> bits)
            arcs.append(state * units + (level.keys & _mask(bits)) - 1)
            values.append(level.log_probability)
            kept = min(length + 1, len(contexts) - 1)
            following.append(_state_of(level.keys & _mask(bits * kept), kept, contexts, first, bits))
        keys = np.concatenate(arcs)
        order = np.argsort(keys, kind="stable")
        made = cls(
            units=units,
            start=0,
            back=back,
            log_back_off=log_back_off,
            arcs=keys[order],
            log_probability=np.concatenate(values)[order].astype(np.float32),
            following=np.concatenate(following)[order].astype(np.int32),
        )
        if first[-1] * units <= _DENSE_ENTRIES:
            made.table = made._laid_out(first)
        if model.begin is not None:
            made.start = int(made.step(np.zeros(1, np.int64), np.array([model.begin]))[1][0])
        return made

    def _laid_out(self, first: Ints) -> tuple[Floats, NDArray[np.int32]]:
        """Every transition: a shorter context's, weighed, and then the state's own."""
        states = int(first[-1])
        values = np.full((states, self.units), NEVER, np.float32)
        following = np.zeros((states, self.units), np.int32)
        borders = np.searchsorted(self.arcs, first * self.units)
        for length in range(len(first) - 1):
            own = slice(int(first[length]), int(first[length + 1]))
            if length:
                values[own] = self.log_back_off[own, None] + values[self.back[own]]
                following[own] = following[self.back[own]]
            arcs = slice(int(borders[length]), int(borders[length + 1]))
            state, unit = np.divmod(self.arcs[arcs], self.units)
            values[state, unit] = self.log_probability[arcs]
            following[state, unit] = self.following[arcs]
        return values, following

    def step(self, states: Ints, units: Ints) -> tuple[Floats, NDArray[np.int32]]:
        """Log probability of each unit in its state, and the state it leads to; both of the arrays' common shape."""
        if self.table is not None:
            return self.table[0][states, units], self.table[1][states, units]
        states, units = (a.copy() for a in np.broadcast_arrays(np.asarray(states, np.int64), np.asarray(units, np.int64)))
        shape = states.shape
        states, units = states.ravel(), units.ravel()
        values, following = np.zeros(len(states), np.float32), np.zeros(len(states), np.int32)
        left = np.arange(len(states))
        while len(left):
            keys = states[left] * self.units + units[left]
            place = np.minimum(np.searchsorted(self.arcs, keys), len(self.arcs) - 1)
            there = self.arcs[place] == keys
            values[left[there]] += self.log_probability[place[there]]
            following[left[there]] = self.following[place[there]]
            unknown = ~there & (states[left] == 0)
            values[left[unknown]] += NEVER
            left = left[~there & ~unknown]
            values[left] += self.log_back_off[states[left]]
            states[left] = self.back[states[left]]
        return values.reshape(shape), following.reshape(shape)


def _mask(bits: int) -> int:
    return (1 << bits) - 1


def _contexts(model: Ngram) -> list[Ints]:
    """By length from 1: what something follows, or what ends a longer context; each a key of its level, sorted."""
    bits = model.bits
    found: list[Ints] = []
    for length in range(1, model.order):
        followed = np.unique(model.levels[length].keys >> bits)
        found.append(followed)
    # A context's own suffix must be a state, too, for back-off to be followed step by step.
    for length in range(len(found) - 1, 0, -1):
        found[length - 1] = np.union1d(found[length - 1], np.unique(found[length] & _mask(bits * length)))
    return [contexts[np.isin(contexts, level.keys)] for contexts, level in zip(found, model.levels, strict=False)]


def _state_of(keys: Ints, length: int, contexts: Sequence[Ints], first: Ints, bits: int) -> Ints:
    """The state of the longest suffix of each key (of `length` units) that is a state."""
    states = np.zeros(len(keys), np.int64)
    left = np.ones(len(keys), bool)
    for kept in range(length, 0, -1):
        suffix = keys & _mask(bits * kept)
        place = np.minimum(np.searchsorted(contexts[kept], suffix), max(0, len(contexts[kept]) - 1))
        there = left & (contexts[kept][place] == suffix) if len(contexts[kept]) else np.zeros(len(keys), bool)
        states[there] = first[kept] + place[there]
        left &= ~there
    return states
