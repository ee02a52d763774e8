"""An n-gram model from text: counted in pieces, smoothed, pruned by count.

Smoothing: `witten_bell` (Witten and Bell 1991: what is new after a context is as likely as it was so far), or
`kneser_ney` (modified Kneser-Ney, Chen and Goodman 1999), both interpolated. A sentence that stands several times
counts once from `from_order` on, and what stands in fewer than `at_least` sentences there is left out: so that
no sentence can be read back out of the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from speech.errors import ModelRefused, TextRefused
from speech.models.lm.ngram import Ints, Level, Ngram, bits_of, longest_order

Smoothing = Literal["witten_bell", "kneser_ney"]
Row = Sequence[int] | NDArray[np.integer[Any]]
"""A text as unit numbers."""
Values = NDArray[np.float64]

_PIECE = 4_000_000
"""Units counted at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How a model is made. `at_least` and `from_order` prune; 1 keeps all."""

    order: int = 8
    smoothing: Smoothing = "kneser_ney"
    at_least: int = 2
    from_order: int = 5


@dataclass(frozen=True, slots=True)
class Counted:
    """N-grams of one order, sorted by key, how often each stands, and whether it is written down."""

    keys: Ints
    counts: Ints
    kept: NDArray[np.bool_]


def train(texts: Iterable[Row], units: Sequence[str], *, begin: int, settings: TrainSettings | None = None) -> Ngram:
    """A model of texts given as unit numbers; each begins after, and ends with, `begin` (the word break).

    The texts are packed once and counted order by order, so that no more than the n-grams of two orders are held before pruning.

    Raises
    ------
    TextRefused
        `TEXT_EMPTY`: there is no text.
    ModelRefused
        `MODEL_ORDER`: n-grams so long cannot be held for so many units.
    """
    settings = settings or TrainSettings()
    if settings.order > longest_order(len(units)):
        raise ModelRefused(
            f"--order {settings.order}",
            f"{len(units)} different units allow {longest_order(len(units))} at most",
            "Take a lower order",
            "MODEL_ORDER",
        )
    pieces = list(_pieces(texts, begin))
    if not pieces:
        raise TextRefused("the texts", "there is no word in them", "Give text of the language", "TEXT_EMPTY")
    counted = _counted(pieces, bits_of(len(units)), settings)
    return Ngram(units=tuple(units), levels=tuple(_levels(counted, len(units), settings.smoothing)), begin=begin)


def _counted(pieces: Sequence[_Piece], bits: int, settings: TrainSettings) -> Iterator[Counted]:
    """N-grams of each order from 1; from `from_order` on those are kept that stand in `at_least` different sentences."""
    lower: Ints | None = None
    for length in range(1, settings.order + 1):
        pruned = settings.at_least > 1 and length >= settings.from_order
        total, by_sentence = _Sum(), _Sum()
        for piece in pieces:
            keys, counts, sentences = _keys(piece, length, bits)
            total.add(keys, counts)
            if pruned:
                by_sentence.add(keys[sentences > 0], sentences[sentences > 0])
        keys, counts = total.result()
        kept = np.ones(len(keys), bool)
        if pruned:
            inside, many = by_sentence.result()
            kept[np.searchsorted(keys, inside)] = many >= settings.at_least
        if lower is not None:
            # Without its context, or its own suffix, an n-gram cannot be reached.
            kept &= np.isin(keys >> bits, lower) & np.isin(keys & ((1 << (bits * (length - 1))) - 1), lower)
        lower = keys[kept]
        yield Counted(keys, counts, kept)


class _Sum:
    """Sorted keys with counts, added up piece by piece."""

    def __init__(self) -> None:
        self._parts: list[tuple[Ints, Ints]] = []

    def add(self, keys: Ints, counts: Ints) -> None:
        """More of them; each key stands once."""
        self._parts.append((keys, counts))
        # Like sizes are joined, so that a key is sorted again a few times only.
        while len(self._parts) > 1 and len(self._parts[-1][0]) * 2 > len(self._parts[-2][0]):
            self._parts[-2:] = [_joined(self._parts[-2:])]

    def result(self) -> tuple[Ints, Ints]:
        """All so far."""
        if not self._parts:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        return _joined(self._parts)


def _joined(parts: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    """Keys of all parts, sorted, with their counts together."""
    keys = np.concatenate([k for k, _ in parts])
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], np.concatenate([c for _, c in parts])[order]
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    return keys[first], np.add.reduceat(counts, first) if len(first) else counts


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some sentences laid end to end, each after one `begin` and ended by one; how long each is, and whether it stood before."""

    units: NDArray[np.int32]
    sizes: NDArray[np.int32]
    new: NDArray[np.bool_]


def _pieces(texts: Iterable[Row], begin: int) -> Iterator[_Piece]:
    seen: set[bytes] = set()
    held: list[NDArray[np.int32]] = []
    new: list[bool] = []
    size = 0
    for text in texts:
        if not len(text):
            continue
        sentence = np.empty(len(text) + 2, np.int32)
        sentence[0] = sentence[-1] = begin
        sentence[1:-1] = text
        name = blake2b(sentence.tobytes(), digest_size=16).digest()
        held.append(sentence)
        new.append(name not in seen)
        seen.add(name)
        size += len(sentence)
        if size >= _PIECE:
            yield _piece(held, new)
            held, new, size = [], [], 0
    if held:
        yield _piece(held, new)


def _piece(held: Sequence[NDArray[np.int32]], new: Sequence[bool]) -> _Piece:
    return _Piece(units=np.concatenate(held), sizes=np.array([len(s) for s in held], np.int32), new=np.array(new))


def _keys(piece: _Piece, length: int, bits: int) -> tuple[Ints, Ints, Ints]:
    """Keys of the n-grams that end at a unit after the first, sorted; how often each stands, and in how many new sentences."""
    ends_of = np.cumsum(piece.sizes)
    offset = np.arange(len(piece.units)) - np.repeat(ends_of - piece.sizes, piece.sizes)
    ends = np.flatnonzero(offset >= max(1, length - 1))
    keys = np.zeros(len(ends), np.int64)
    for back in range(length - 1, -1, -1):
        keys = (keys << bits) | (piece.units[ends - back] + 1)
    order = np.argsort(keys, kind="stable")  # so those of one sentence stay together
    keys = keys[order]
    sentence = np.repeat(np.arange(len(piece.sizes), dtype=np.int32), piece.sizes)[ends][order]
    changed = np.diff(keys, prepend=-1) != 0
    first = np.flatnonzero(changed)
    once = (changed | (np.diff(sentence, prepend=-1) != 0)) & piece.new[sentence]
    if not len(first):
        return keys, keys, keys
    return keys[first], np.diff(first, append=len(keys)), np.add.reduceat(once.astype(np.int64), first)


def _levels(counted: Iterator[Counted], units: int, smoothing: Smoothing) -> Iterator[Level]:
    """Probabilities from the shortest n-grams up: what an n-gram has of its own, and its context's rest of the shorter one's.

    Shares are counted before anything is left out; what is left out goes to the rest. So a model that was pruned is still
    the smoothed one, and adds up to one in every state.
    """
    bits = bits_of(units)
    share = _kneser_ney if smoothing == "kneser_ney" else _witten_bell
    made: list[tuple[Ints, Values, Values]] = []
    longer, length = next(counted, None), 0
    while longer is not None:
        level, longer, length = longer, next(counted, None), length + 1
        contexts = level.keys >> bits if length > 1 else np.zeros_like(level.keys)
        own = share(level, longer, length, np.cumsum(np.diff(contexts, prepend=-1) != 0) - 1, bits)[level.kept]
        keys = level.keys[level.kept]
        there, place = np.unique(contexts[level.kept], return_inverse=True)
        rest = np.maximum(1.0 - np.bincount(place, own, len(there)), 1e-12)
        if length == 1:
            values = np.full(units, rest[0] / units)
            values[keys - 1] += own
            keys = np.arange(1, units + 1, dtype=np.int64)
        else:
            shorter_keys, shorter, back_off = made[-1]
            values = own + rest[place] * shorter[np.searchsorted(shorter_keys, keys & ((1 << (bits * (length - 1))) - 1))]
            back_off[np.searchsorted(shorter_keys, there)] = np.log(rest)
        made.append((keys, values, np.zeros(len(keys))))
    for keys, values, back_off in made:
        yield Level(keys=keys, log_probability=np.log(values).astype(np.float32), log_back_off=back_off.astype(np.float32))


def _witten_bell(level: Counted, longer: Counted | None, length: int, place: Ints, bits: int) -> Values:
    """Times over times and kinds that followed the context (`place` numbers the contexts)."""
    return np.asarray(level.counts / (np.bincount(place, level.counts) + np.bincount(place))[place])


def _kneser_ney(level: Counted, longer: Counted | None, length: int, place: Ints, bits: int) -> Values:
    """Counts less a discount, over all of the context; below the longest order by how many different units stand before."""
    counts = level.counts
    if longer is not None:
        before = np.zeros(len(counts), np.int64)
        suffixes, many = np.unique(longer.keys & ((1 << (bits * length)) - 1), return_counts=True)
        before[np.searchsorted(level.keys, suffixes)] = many
        # What only begins a text has nothing before it: then it counts once.
        counts = np.maximum(before, 1)
    return np.asarray((counts - _discounts(counts)[np.minimum(counts, 3)]) / np.bincount(place, counts)[place])


def _discounts(counts: Ints) -> Values:
    """What is taken from n-grams that stand once, twice, and three times or more; index 0 is not used."""
    n = [float(np.count_nonzero(counts == k)) for k in range(1, 5)]
    if min(n) == 0:
        return np.array([0.0, 0.5, 0.75, 0.75])
    y = n[0] / (n[0] + 2 * n[1])
    found = [k - (k + 1) * y * n[k] / n[k - 1] for k in (1, 2, 3)]
    return np.array([0.0, *(min(max(d, 0.1), k - 0.05) for d, k in zip(found, (1, 2, 3), strict=True))])


def perplexity(model: Ngram, texts: Iterable[Row]) -> tuple[float, int]:
    """Perplexity a unit of texts that the model did not learn from, each ended by a word break; and how many units they have."""
    ended = [[*map(int, text), *([] if model.begin is None else [model.begin])] for text in texts]
    ended.sort(key=len, reverse=True)
    states = np.full(len(ended), model.machine.start, np.int64)
    total = 0.0
    for place in range(len(ended[0]) if ended else 0):
        units = np.array([text[place] for text in ended if len(text) > place])
        values, after = model.machine.step(states[: len(units)], units)
        states = after.astype(np.int64)
        total += float(values.sum(dtype=np.float64))
    size = sum(map(len, ended))
    return float(np.exp(-total / size)) if size else float("nan"), size
