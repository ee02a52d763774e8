"""Weighing a language model: how much it counts for, where it stops, and how sure its words are, by clips that it was not learnt from.

The weights are those of a grid with the fewest errors; the limit is what nearly all words stay under; confidences are fitted
(`fitting`) on what the search gives with both. All from emissions, so that the network hears a clip once. Of dev, never of test.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from speech import languages
from speech.models import ctc
from speech.models.lm.decoder import LanguageDecoder
from speech.models.lm.scorer import LanguageModel, Weights
from speech.score.fitting import Fitted, fitted
from speech.score.measure import score
from speech.score.records import Counts, Pair, Row


def _grid(*weights: float) -> tuple[Weights, ...]:
    return tuple(Weights(weight=a, bonus=round(a * r, 2), words=w) for a, r, w in itertools.product(weights, (1.0, 1.5, 2.0), (0.3, 0.6)))


GRID = _grid(0.5, 0.7, 0.9)
WIDE = _grid(0.3, 0.5, 0.7, 0.9)
"""For adapters of few minutes, too: after sixty steps Mboshi's chose the least weight of `GRID`."""
KEPT = 97
"""Per cent of words of dev that the limit lets stand: so few of the language's own are given up for the foreign ones that it stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """A clip as a network heard it: what was said, the emissions of its passages in order, and the recording or session it is of."""

    id: str
    reference: str
    recording: str
    emissions: Sequence[ctc.Emissions]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Of which language emissions are, and what their columns stand for."""

    language: str
    symbols: tuple[str, ...]
    blank: int


Told = tuple[Pair, list[float]]
"""A clip's pair, words with raw confidences, and nats a letter that each word costs (0 without a limit)."""


def decoded(clips: Sequence[Emitted], output: Output, lm: LanguageModel | None = None, limit: float | None = None) -> list[Told]:
    """What is heard in clips with a language model, or greedily without one."""
    table = languages.load(output.language)
    silent = frozenset(n for n, s in enumerate(output.symbols) if ctc.is_special(s))
    greedy = ctc.Greedy(blank=output.blank, silent=silent)
    decoder: ctc.Decoder = greedy if lm is None else LanguageDecoder(output.symbols, output.blank, table, lm, limit=limit)
    every = [own for clip in clips for own in clip.emissions]
    paths = iter(zip(every, decoder(every), strict=True))
    found = []
    for clip in clips:
        words = [w for own, path in itertools.islice(paths, len(clip.emissions)) for w in ctc.words(path, own, output.symbols, table)]
        pair = Pair(
            id=clip.id,
            reference=clip.reference,
            hypothesis=" ".join(w.text for w in words),
            language=output.language,
            recording=clip.recording,
            words=tuple((w.text, w.raw) for w in words),
        )
        found.append((pair, [w.surprisal for w in words]))
    return found


def counted(clips: Sequence[Emitted], output: Output, lm: LanguageModel, grid: Sequence[Weights] = GRID) -> list[tuple[Row, ...]]:
    """Errors of each clip by each weights of a grid, in order: what `best_of` chooses by, for all clips or some."""
    return [score([pair for pair, _ in decoded(clips, output, dataclasses.replace(lm, weights=weights))]).rows for weights in grid]


def best_of(rows: Sequence[Sequence[Row]], grid: Sequence[Weights] = GRID) -> Weights:
    """The weights with the least CER and a third of WER over the rows of each; the first of equals."""

    def worth(place: int) -> float:
        letters, words = (sum((getattr(r, kind) for r in rows[place]), start=Counts()) for kind in ("letters", "words"))
        return (letters.rate or 0.0) + (words.rate or 0.0) / 3

    return grid[min(range(len(grid)), key=worth)]


def chosen(clips: Sequence[Emitted], output: Output, lm: LanguageModel, grid: Sequence[Weights] = GRID) -> LanguageModel:
    """The model with the weights of the grid that are best on these clips."""
    return dataclasses.replace(lm, weights=best_of(counted(clips, output, lm, grid), grid))


def limit_of(clips: Sequence[Emitted], output: Output, lm: LanguageModel) -> float | None:
    """Nats a letter that `KEPT` per cent of the words of these clips stay under; None where no word is heard."""
    decoder = LanguageDecoder(output.symbols, output.blank, languages.load(output.language), lm)
    emissions = [own for clip in clips for own in clip.emissions]
    costs = [own for _, own in decoder.surprisals(emissions, decoder.paths(emissions))]
    every = np.concatenate([np.zeros(0), *costs])
    return round(float(np.percentile(every, KEPT)), 3) if len(every) else None


def confidence_of(told: Sequence[Told], *, split: str, priced: bool) -> Fitted | None:
    """Confidences fitted on what `decoded` gave; with `priced`, on what words cost, too. None where there are too few words."""
    return fitted([pair for pair, _ in told], split=split, surprisals=[own for _, own in told] if priced else None)
