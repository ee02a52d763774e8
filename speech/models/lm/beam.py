"""Prefix beam search over CTC emissions with a language model, many segments at once.

The search of Hannun et al. (2014, arXiv:1408.2873): a prefix has the probability of all paths that spell it, in two
parts, ended by a blank or by its last symbol. Segments are searched side by side in arrays, frame by frame: with a small
vocabulary the arrays are small, so one array operation serves all of them. Nothing is drawn by chance; ties go to the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Emissions = NDArray[np.float32]
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Small = NDArray[np.int32]

_NONE = np.float32(-1e30)
_PRIME = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """What may have been said in a segment: symbols by number, log score (nats, with the language model), and its share.

    `posterior` is the share of the score among the hypotheses that were left at the end.
    """

    symbols: tuple[int, ...]
    score: float
    posterior: float


class Scorer(Protocol):
    """What a language model tells the search of prefixes, each by a row of whole numbers (its memory)."""

    memory: int
    """How many numbers a prefix's memory has."""

    def start(self) -> Ints:
        """The memory of the empty prefix, (memory)."""
        ...

    def extend(self, memories: Ints, symbols: Ints) -> tuple[Floats, Ints]:
        """What each prefix gains by each symbol, and the memory then: (n, memory) and (n,) give (n,) and (n, memory)."""
        ...

    def end(self, memories: Ints) -> Floats:
        """What each prefix gains where the segment ends, (n,)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamSettings:
    """How wide the search is: prefixes kept, symbols tried a frame, and how far below the best (nats) one may be."""

    width: int = 16
    symbols: int = 12
    below: float = 12.0
    least: float = -9.0
    """Log probability under which a symbol is not tried in a frame."""
    batch: int = 32
    """Segments searched side by side."""


def search(
    emissions: Sequence[Emissions],
    *,
    blank: int,
    silent: frozenset[int],
    scorer: Scorer,
    settings: BeamSettings | None = None,
    best: int = 1,
) -> list[list[Hypothesis]]:
    """The `best` hypotheses of each segment, likeliest first; a segment's do not depend on what it is searched beside.

    `emissions` are log probabilities (frames, vocabulary). What is `silent` (noises, specials) is never written: its share
    goes to the blank.
    """
    settings = settings or BeamSettings()
    order = sorted(range(len(emissions)), key=lambda n: (len(emissions[n]), n))
    found: list[list[Hypothesis]] = [[] for _ in emissions]
    for start in range(0, len(order), settings.batch):
        numbers = order[start : start + settings.batch]
        for number, hypotheses in zip(
            numbers, _Batch([emissions[n] for n in numbers], blank, silent, scorer, settings).run(best), strict=True
        ):
            found[number] = hypotheses
    return found


class _Batch:
    """Segments of about one length, searched together."""

    def __init__(self, emissions: Sequence[Emissions], blank: int, silent: frozenset[int], scorer: Scorer, settings: BeamSettings) -> None:
        self.scorer, self.settings = scorer, settings
        self.lengths = np.array([len(e) for e in emissions])
        frames, self.vocabulary = int(self.lengths.max(initial=0)), emissions[0].shape[1]
        rows = len(emissions)
        whole = np.full((frames, rows, self.vocabulary), _NONE, np.float32)
        for row, own in enumerate(emissions):
            whole[: len(own), row] = own
        hushed = [blank, *sorted(silent - {blank})]
        self.blank = np.logaddexp.reduce(whole[:, :, hushed], axis=2) if len(hushed) > 1 else whole[:, :, blank].copy()
        whole[:, :, hushed] = _NONE
        # Behind its end a segment has blanks for sure: nothing changes there.
        past = np.arange(frames)[:, None] >= self.lengths[None]
        self.blank[past] = 0.0
        self.whole = whole
        tried = min(settings.symbols, self.vocabulary)
        picked = np.argpartition(-whole, tried - 1, axis=2)[:, :, :tried] if tried < self.vocabulary else None
        self.symbols = np.sort(picked, axis=2) if picked is not None else np.broadcast_to(np.arange(self.vocabulary), whole.shape)
        self.logs = np.take_along_axis(whole, self.symbols, 2)
        self.logs = np.where(self.logs < settings.least, _NONE, self.logs)

    def run(self, best: int) -> list[list[Hypothesis]]:
        rows, width = len(self.lengths), self.settings.width
        ended, going = np.full((rows, width), _NONE, np.float32), np.full((rows, width), _NONE, np.float32)
        ended[:, 0] = 0.0
        last = np.full((rows, width), -1, np.int64)
        node = np.zeros((rows, width), np.int64)
        name, parent = np.zeros((rows, width), np.uint64), np.zeros((rows, width), np.uint64)
        name[:, 1:] = np.arange(1, width, dtype=np.uint64) + np.uint64(1 << 40)  # empty places: alike to nothing
        gained = np.zeros((rows, width), np.float32)
        memory = np.broadcast_to(self.scorer.start(), (rows, width, self.scorer.memory)).copy()
        made = [np.full((rows * width, 2), -1, np.int64)]
        count = rows * width
        here = np.arange(rows)[:, None]
        for frame in range(len(self.blank)):
            symbols, logs = self.symbols[frame], self.logs[frame]
            tried = np.flatnonzero((logs > _NONE).any(axis=0))
            symbols, logs = symbols[:, tried], logs[:, tried]
            total = np.logaddexp(ended, going)
            stay_ended = total + self.blank[frame][:, None]
            own = np.where(last >= 0, self.whole[frame][here, np.maximum(last, 0)], _NONE)
            stay_going = np.maximum(going + own, _NONE)
            tries = len(tried)
            longer = total[:, :, None] + logs[:, None, :]
            twice = symbols[:, None, :] == last[:, :, None]
            longer = np.where(twice, ended[:, :, None] + logs[:, None, :], longer)
            # A prefix that is there already takes what leads to it.
            row, shorter, same = np.nonzero((name[:, :, None] == parent[:, None, :]) & (last[:, None, :] >= 0))
            if len(row) and tries:
                hit = symbols[row] == last[row, same][:, None]
                there = hit.any(axis=1)
                row, shorter, same, place = row[there], shorter[there], same[there], hit[there].argmax(axis=1)
                stay_going[row, same] = np.logaddexp(stay_going[row, same], longer[row, shorter, place])
                longer[row, shorter, place] = _NONE
            stay = np.logaddexp(stay_ended, stay_going) + gained
            floor = stay.max(axis=1) - self.settings.below
            longer_total = longer + gained[:, :, None]
            # Only what could be kept is asked of the language model: it never gains much more than nothing.
            asked = np.nonzero((longer_total > floor[:, None, None]) & (longer > _NONE / 2))
            scores = np.full((rows, width * (tries + 1)), _NONE, np.float32)
            scores[:, :width] = np.where(stay > _NONE / 2, stay, _NONE)
            gain, after = self.scorer.extend(memory[asked[0], asked[1]], symbols[asked[0], asked[2]])
            flat = width + asked[1] * tries + asked[2]
            scores[asked[0], flat] = longer_total[asked] + gain
            if not len(gain):
                ended, going = np.maximum(stay_ended, _NONE), stay_going
                continue
            number = np.full(scores.shape, -1, np.int64)
            number[asked[0], flat] = np.arange(len(gain))
            chosen = (
                np.argpartition(-scores, width - 1, axis=1)[:, :width]
                if scores.shape[1] > width
                else np.arange(width)[None].repeat(rows, 0)
            )
            chosen.sort(axis=1)
            chosen = np.take_along_axis(chosen, np.argsort(-np.take_along_axis(scores, chosen, 1), axis=1, kind="stable"), 1)
            kept = np.take_along_axis(scores, chosen, 1)
            dead = kept < kept[:, :1] - self.settings.below
            fresh = (chosen >= width) & ~dead
            old = np.where(chosen >= width, (chosen - width) // max(1, tries), chosen)
            which = np.take_along_axis(number, chosen, 1)
            index = np.where(fresh, which, 0)
            symbol = np.where(fresh, symbols[here, np.where(chosen >= width, (chosen - width) % max(1, tries), 0)], -1)
            grown = longer[here, old, np.where(chosen >= width, (chosen - width) % max(1, tries), 0)]
            ended = np.where(fresh, _NONE, np.maximum(stay_ended[here, old], _NONE))
            going = np.where(fresh, grown, stay_going[here, old])
            ended[dead], going[dead] = _NONE, _NONE
            gained = np.where(fresh, gained[here, old] + gain[index], gained[here, old])
            memory = np.where(fresh[:, :, None], after[index], memory[here, old])
            parent = np.where(fresh, name[here, old], parent[here, old])
            name = np.where(fresh, (name[here, old] * _PRIME) ^ (symbol + 2).astype(np.uint64), name[here, old])
            name[dead] = np.arange(int(dead.sum()), dtype=np.uint64) + np.uint64(1 << 40)
            parent[dead] = 1
            last = np.where(fresh, symbol, last[here, old])
            last[dead] = -1
            links = np.stack([node[here, old][fresh], symbol[fresh]], 1)
            node = node[here, old]
            node[fresh] = count + np.arange(len(links))
            count += len(links)
            made.append(links)
        return self._best(ended, going, gained, memory, node, np.concatenate(made), best)

    def _best(
        self, ended: Floats, going: Floats, gained: Floats, memory: Ints, node: Ints, links: Ints, best: int
    ) -> list[list[Hypothesis]]:
        rows, width = ended.shape
        scores = np.logaddexp(ended, going) + gained
        live = scores > _NONE / 2
        scores[live] += self.scorer.end(memory[live])
        found = []
        for row in range(rows):
            order = [int(k) for k in np.argsort(-scores[row], kind="stable") if live[row, k]]
            shares = np.exp(scores[row, order] - np.logaddexp.reduce(scores[row, order])) if order else []
            found.append(
                [
                    Hypothesis(symbols=_spelt(links, int(node[row, k])), score=float(scores[row, k]), posterior=float(share))
                    for k, share in zip(order[:best], shares, strict=False)
                ]
            )
        return found


def _spelt(links: Ints, node: int) -> tuple[int, ...]:
    symbols: list[int] = []
    while links[node, 1] >= 0:
        symbols.append(int(links[node, 1]))
        node = int(links[node, 0])
    return tuple(reversed(symbols))


def aligned(emissions: Emissions, symbols: Sequence[int], blank: int) -> tuple[Ints, Ints]:
    """First frame of each symbol and the one after its last, on the likeliest path that spells `symbols`.

    The Viterbi path through blank, symbol, blank, ... (Graves et al. 2006); where frames are too few for all, symbols share the last.
    """
    frames, count = len(emissions), len(symbols)
    if not count:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    labels = np.full(2 * count + 1, blank, np.int64)
    labels[1::2] = symbols
    skip = np.zeros(len(labels), bool)
    skip[3::2] = labels[3::2] != labels[1:-2:2]
    score = np.full(len(labels), -np.inf)
    score[:2] = emissions[0, labels[:2]]
    came = np.zeros((frames, len(labels)), np.int8)
    own = emissions[:, labels].astype(np.float64)
    for frame in range(1, frames):
        one = np.concatenate([[-np.inf], score[:-1]])
        two = np.where(skip, np.concatenate([[-np.inf, -np.inf], score[:-2]]), -np.inf)
        came[frame] = np.where((one > score) & (one >= two), 1, np.where(two > score, 2, 0))
        score = np.maximum(np.maximum(score, one), two) + own[frame]
    at = len(labels) - 1 if score[-1] >= score[-2] else len(labels) - 2
    if not np.isfinite(score[at]):
        spread = np.minimum(np.arange(count) * frames // count, frames - 1)
        return spread, spread + 1
    first, end = np.full(count, -1, np.int64), np.zeros(count, np.int64)
    for frame in range(frames - 1, -1, -1):
        if at % 2:
            first[at // 2] = frame
            end[at // 2] = max(end[at // 2], frame + 1)
        at -= int(came[frame, at])
    return first, end
