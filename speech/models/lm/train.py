"""An n-gram model from text: counted in pieces, smoothed, pruned by count.

Smoothing: `witten_bell` (Witten and Bell 1991: what is new after a context is as likely as it was so far), or
`kneser_ney` (modified Kneser-Ney, Chen and Goodman 1999), both interpolated. A sentence that stands several times
counts once from `from_order` on, and what stands in fewer than `at_least` sentences there is left out: so that
no sentence can be read back out of the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from speech.errors import ModelRefused, TextRefused
from speech.models.lm.ngram import Ints, Level, Ngram, bits_of, longest_order

Smoothing = Literal["witten_bell", "kneser_ney"]
Values = NDArray[np.float64]

_PIECE = 4_000_000
"""Units counted at once: memory grows with different n-grams, not with the text."""


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


def train(texts: Iterable[Sequence[int]], units: Sequence[str], *, begin: int, settings: TrainSettings | None = None) -> Ngram:
    """A model of texts given as unit numbers; each begins after, and ends with, `begin` (the word break).

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
    counted = count(texts, len(units), begin=begin, settings=settings)
    if not len(counted[0].keys):
        raise TextRefused("the texts", "there is no word in them", "Give text of the language", "TEXT_EMPTY")
    return Ngram(units=tuple(units), levels=tuple(_levels(counted, len(units), settings.smoothing)), begin=begin)


def count(texts: Iterable[Sequence[int]], units: int, *, begin: int, settings: TrainSettings) -> list[Counted]:
    """N-grams by order from 1; from `from_order` on those are kept that stand in `at_least` different sentences."""
    bits = bits_of(units)
    plain = [_Sum() for _ in range(settings.order)]
    by_sentence = {length: _Sum() for length in range(settings.from_order, settings.order + 1) if settings.at_least > 1}
    for piece in _pieces(texts, begin):
        for length in range(1, settings.order + 1):
            keys, once = _keys(piece, length, bits)
            plain[length - 1].add(keys)
            if length in by_sentence:
                by_sentence[length].add(keys[once])
    found: list[Counted] = []
    for length, total in enumerate(plain, 1):
        keys, counts = total.result()
        kept = np.ones(len(keys), bool)
        if length in by_sentence:
            sentences, many = by_sentence[length].result()
            kept[np.searchsorted(keys, sentences)] = many >= settings.at_least
        if length > 1:
            # Without its context, or its own suffix, an n-gram cannot be reached.
            lower = found[-1].keys[found[-1].kept]
            kept &= np.isin(keys >> bits, lower) & np.isin(keys & ((1 << (bits * (length - 1))) - 1), lower)
        found.append(Counted(keys, counts, kept))
    return found


class _Sum:
    """Sorted keys with counts, added up piece by piece."""

    def __init__(self) -> None:
        self._parts: list[tuple[Ints, Ints]] = []

    def add(self, keys: Ints) -> None:
        self._parts.append(np.unique(keys, return_counts=True))
        if len(self._parts) > 4:
            self._parts = [self.result()]

    def result(self) -> tuple[Ints, Ints]:
        """All so far."""
        if not self._parts:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        keys, place = np.unique(np.concatenate([k for k, _ in self._parts]), return_inverse=True)
        counts = np.zeros(len(keys), np.int64)
        np.add.at(counts, place, np.concatenate([c for _, c in self._parts]))
        return keys, counts


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some sentences laid end to end, each after one `begin` and ended by one; whether a sentence stood before; where each begins."""

    units: Ints
    new: NDArray[np.bool_]
    offset: Ints
    """Places since the sentence's first `begin`."""


def _pieces(texts: Iterable[Sequence[int]], begin: int) -> Iterator[_Piece]:
    seen: set[bytes] = set()
    held: list[Ints] = []
    new: list[bool] = []
    size = 0
    for text in texts:
        if not len(text):
            continue
        sentence = np.array([begin, *text, begin], np.int64)
        name = sentence.astype(np.int32).tobytes()
        held.append(sentence)
        new.append(name not in seen)
        seen.add(name)
        size += len(sentence)
        if size >= _PIECE:
            yield _piece(held, new)
            held, new, size = [], [], 0
    if held:
        yield _piece(held, new)


def _piece(held: Sequence[Ints], new: Sequence[bool]) -> _Piece:
    sizes = np.array([len(s) for s in held])
    return _Piece(
        units=np.concatenate(held),
        new=np.repeat(np.array(new), sizes),
        offset=np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes),
    )


def _keys(piece: _Piece, length: int, bits: int) -> tuple[Ints, NDArray[np.bool_]]:
    """Keys of the n-grams that end at a unit after the first, and which of them count by sentence: once in each new one."""
    ends = np.flatnonzero(piece.offset >= max(1, length - 1))
    keys = np.zeros(len(ends), np.int64)
    for back in range(length - 1, -1, -1):
        keys = (keys << bits) | (piece.units[ends - back] + 1)
    sentence = np.cumsum(piece.offset == 0)[ends]
    order = np.lexsort((keys, sentence))
    first = np.ones(len(keys), bool)
    if len(keys) > 1:
        first[1:] = (keys[order][1:] != keys[order][:-1]) | (sentence[order][1:] != sentence[order][:-1])
    once = np.empty(len(keys), bool)
    once[order] = first
    return keys, once & piece.new[ends]


def _levels(counted: Sequence[Counted], units: int, smoothing: Smoothing) -> Iterator[Level]:
    """Probabilities from the shortest n-grams up: what an n-gram has of its own, and its context's rest of the shorter one's.

    Shares are counted before anything is left out; what is left out goes to the rest. So a model that was pruned is still
    the smoothed one, and adds up to one in every state.
    """
    bits = bits_of(units)
    share = _kneser_ney if smoothing == "kneser_ney" else _witten_bell
    made: list[tuple[Ints, Values, Values]] = []
    for length, level in enumerate(counted, 1):
        contexts = level.keys >> bits if length > 1 else np.zeros_like(level.keys)
        own = share(counted, length, np.unique(contexts, return_inverse=True)[1], bits)[level.kept]
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


def _witten_bell(counted: Sequence[Counted], length: int, place: Ints, bits: int) -> Values:
    """Times over times and kinds that followed the context (`place` numbers the contexts)."""
    counts = counted[length - 1].counts
    return np.asarray(counts / (np.bincount(place, counts) + np.bincount(place))[place])


def _kneser_ney(counted: Sequence[Counted], length: int, place: Ints, bits: int) -> Values:
    """Counts less a discount, over all of the context; below the longest order by how many different units stand before."""
    counts = counted[length - 1].counts
    if length < len(counted):
        before = np.zeros(len(counts), np.int64)
        suffixes, many = np.unique(counted[length].keys & ((1 << (bits * length)) - 1), return_counts=True)
        before[np.searchsorted(counted[length - 1].keys, suffixes)] = many
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


def perplexity(model: Ngram, texts: Iterable[Sequence[int]]) -> tuple[float, int]:
    """Perplexity a unit of texts that the model did not learn from, each ended by a word break; and how many units they have."""
    total, size = 0.0, 0
    begin = model.begin
    for text in texts:
        units = [*text, begin] if begin is not None else list(text)
        total += float(model.log_probabilities(units).sum())
        size += len(units)
    return float(np.exp(-total / size)) if size else float("nan"), size
