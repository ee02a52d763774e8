"""How surprising what was heard is, and what to do where it is too surprising: other speech than the language's is not bent into its words.

A language model makes words of the language from anything, also from a foreign sentence. It shows in the price: nats a letter
for the sounds and for the letters together, which speech of the language pays less of (`benchmarks/invented_words.py`). Over the limit,
found on dev for an adapter with its language model, the letters stand as they sounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from speech.models.ctc import Emissions, Heard, begins_word, letters_of
from speech.models.lm.beam import Scorer

NEAR_LETTERS = 50
"""Letters on each side of a word that are counted with it: a word alone says too little."""

Floats = NDArray[np.float64]


def acoustic(emissions: Emissions, path: Sequence[Heard], blank: int, silent: frozenset[int]) -> Floats:
    """Nats that the sounds cost, by symbol of a path: its own frames and those up to the next symbol, (symbols,)."""
    hushed = np.logaddexp.reduce(emissions[:, [blank, *sorted(silent)]].astype(np.float64), axis=1)
    cost = -hushed
    for heard in path:
        cost[heard.first : heard.end] = -emissions[heard.first : heard.end, heard.symbol]
    sums = np.concatenate([[0.0], np.cumsum(cost)])
    edges = np.array([0, *(heard.first for heard in path[1:]), len(emissions)])
    return np.asarray(np.diff(sums[edges])) if path else np.zeros(0)


def spelling(texts: Sequence[Sequence[int]], scorer: Scorer) -> list[Floats]:
    """Nats that each symbol of each text costs by a language model, (symbols,) each."""
    costs = [np.zeros(len(text)) for text in texts]
    memory = np.broadcast_to(scorer.start(), (len(texts), scorer.memory)).copy()
    for place in range(max(map(len, texts), default=0)):
        rows = [n for n, text in enumerate(texts) if place < len(text)]
        gain, memory[rows] = scorer.extend(memory[rows], np.array([texts[n][place] for n in rows]))
        for row, value in zip(rows, gain, strict=True):
            costs[row][place] = -value
    return costs


def words_in(path: Sequence[Heard], symbols: Sequence[str]) -> list[tuple[int, int]]:
    """First symbol of each word of a path and the one after its last; word breaks belong to none."""
    found: list[tuple[int, int]] = []
    start: int | None = None
    for place, heard in enumerate(path):
        name = symbols[heard.symbol]
        if begins_word(name) and start is not None:
            found.append((start, place))
            start = None
        if letters_of(name) and start is None:
            start = place
    if start is not None:
        found.append((start, len(path)))
    return found


def surprisals(costs: Floats, words: Sequence[tuple[int, int]], near: int = NEAR_LETTERS) -> Floats:
    """Nats a letter around each word, (words,): `costs` are of each symbol, sounds and letters together."""
    sums = np.concatenate([[0.0], np.cumsum(costs)])
    spans = [(max(0, a - near), min(len(costs), b + near)) for a, b in words]
    return np.array([(sums[b] - sums[a]) / (b - a) for a, b in spans])


def unbent(
    path: Sequence[Heard], sounds: Sequence[Heard], words: Sequence[tuple[int, int]], costs: Sequence[float], limit: float
) -> list[Heard]:
    """A path whose words that cost more than `limit` are as they sounded: in the frames between the words that stay, `sounds` is taken.

    Each symbol says what its word costs; what sounded has the mean of the words that it stands for.
    """
    found: list[Heard] = []
    edges = [0, *(b for _, b in words)]
    place = 0
    while place < len(words):
        start, end = words[place]
        found += path[edges[place] : start]  # the break before it
        if costs[place] <= limit:
            found += [replace(heard, surprisal=costs[place]) for heard in path[start:end]]
            place += 1
            continue
        run = place
        while run < len(words) and costs[run] > limit:
            run += 1
        first = path[words[place - 1][1] - 1].end if place else 0
        last = path[words[run][0]].first if run < len(words) else None
        cost = float(np.mean(costs[place:run]))
        found += [replace(h, surprisal=cost) for h in sounds if h.first >= first and (last is None or h.first < last)]
        place = run
    return found
