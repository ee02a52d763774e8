"""Fitting confidence: the map from a word's raw confidence to the share of such words that are right, for an adapter's card.

A logistic curve of the raw confidence's log-odds (a temperature and an offset, two numbers) and isotonic steps smoothed to
at most 12 knots, mixed: the more words there are, the more the steps count. The error left is measured by five folds, not
on what was fitted, and stands beside what chance alone gives on so many words. Fit on dev, never on test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speech import languages
from speech.models import cards
from speech.models.cards import log_odds, sigmoid
from speech.score.calibrate import calibration, judge
from speech.score.counting import align_words
from speech.score.records import Calibration, Pair, ScoreSettings
from speech.text import normalise

KNOTS = 12
HALF_WORDS = 100
"""Words at which curve and steps count the same: of those that `calibrate_mini.py --compare` tries, the one with the least log loss."""
FOLDS = 5
LEAST_WORDS = 20
"""Under it there is nothing to fit: a fold would be judged by three words."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A fit: what goes into the card, how far raw confidences were off, and how far calibrated ones are on words not fitted."""

    calibration: cards.Calibration
    before: Calibration
    left: Calibration


def fitted(pairs: Sequence[Pair], *, split: str, surprisals: Sequence[Sequence[float]] | None = None) -> Fitted | None:
    """Calibrate on pairs whose words have raw confidences; None where there are fewer than `LEAST_WORDS`.

    `split` names the data in the card; `surprisals` are those of each pair's words, where a language model was in use.
    """
    heard, right = judged(pairs)
    if len(heard) < LEAST_WORDS:
        return None
    raw, mixture = heard, None
    if surprisals is not None:
        said = [(pair, zip(pair.words, own, strict=True)) for pair, own in zip(pairs, surprisals, strict=True)]
        # As they are judged: what is normalised away is no word.
        surprising = np.array([cost for pair, own in said for (text, _), cost in own if normalise(text, languages.load(pair.language))])
        mixture = mixture_of(heard, surprising, right)
        raw = cards.mixed(heard, surprising, mixture)
    knots, values = fit(raw, right)
    left = measured(crossed(raw, right), right)
    made = cards.Calibration(
        raw=tuple(map(float, knots)), right=tuple(map(float, values)), words=len(raw), split=split, ece=round(left.error, 4),
        mixture=mixture,
    )  # fmt: skip
    return Fitted(calibration=made, before=measured(heard, right), left=left)


def judged(pairs: Sequence[Pair]) -> tuple[Floats, Floats]:
    """Raw confidences of the words heard, and whether each was right."""
    known = {p.language: languages.load(p.language) for p in pairs}
    references = [normalise(p.reference, known[p.language]) for p in pairs]
    hypotheses = [normalise(p.hypothesis, known[p.language]) for p in pairs]
    found = judge(pairs, references, hypotheses, align_words(references, hypotheses), known)
    words = [w for row, _ in found for w in row]
    return np.array([c for c, _ in words]), np.array([float(r) for _, r in words])


def logistic(raw: Floats, right: Floats) -> tuple[float, float]:
    """Slope and offset of the curve of log-odds that makes `right` likeliest."""
    weights = weighed(np.stack([log_odds(raw), np.ones(len(raw))], 1), right, np.array([1.0, 0.0]))
    return max(0.0, float(weights[0])), float(weights[1])


def mixture_of(raw: Floats, surprisal: Floats, right: Floats) -> tuple[float, float, float] | None:
    """What log-odds, a nat of surprisal and 1 count for; None where what surprises is no less often right."""
    x = np.stack([log_odds(raw), surprisal, np.ones(len(raw))], 1)
    heard, a_nat, offset = map(float, weighed(x, right, np.array([1.0, 0.0, 0.0])))
    return (round(max(0.0, heard), 4), round(a_nat, 4), round(offset, 4)) if a_nat < 0 else None


def weighed(x: Floats, right: Floats, home: Floats) -> Floats:
    """Weights of the columns of `x` (words, columns) whose logistic curve makes `right` likeliest, held near `home` by a ridge of one word.

    Newton steps, halved while they do not help: with few words right, whole ones overshoot.
    """

    def cost(w: Floats) -> float:
        z = x @ w
        return float(np.sum(np.logaddexp(0, z) - right * z) + 0.5 * np.sum((w - home) ** 2))

    weights = home
    for _ in range(50):
        p = sigmoid(x @ weights)
        gradient = x.T @ (p - right) + (weights - home)
        hessian = (x * (p * (1 - p))[:, None]).T @ x + np.eye(len(home))
        step = np.linalg.solve(hessian, gradient)
        while cost(weights - step) > cost(weights) and np.abs(step).max() > 1e-9:
            step = step / 2
        weights = np.asarray(weights - step)
    return weights


def isotonic(values: Floats, right: Floats) -> Floats:
    """The rising curve nearest to `right` in order of `values` (pool adjacent violators)."""
    order = np.argsort(values, kind="stable")
    blocks: list[list[float]] = []
    for y in right[order]:
        blocks.append([float(y), 1.0])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            (a, m), (b, n) = blocks[-2], blocks[-1]
            blocks[-2:] = [[(a * m + b * n) / (m + n), m + n]]
    flat = np.concatenate([np.full(int(n), y) for y, n in blocks])
    out = np.empty_like(flat)
    out[order] = flat
    return out


def fit(raw: Floats, right: Floats, half_words: float = HALF_WORDS) -> tuple[Floats, Floats]:
    """Knots (raw, share that is right) of the calibration."""
    slope, offset = logistic(raw, right)

    def curve(x: Floats) -> Floats:
        return sigmoid(slope * log_odds(x) + offset)

    knots = np.unique(np.quantile(raw, np.linspace(0, 1, KNOTS)).round(4))
    values = curve(knots)
    steps = isotonic(raw, right)
    near = np.array([steps[np.argsort(np.abs(raw - k))[: max(20, len(raw) // (2 * KNOTS))]].mean() for k in knots])
    share = len(raw) / (len(raw) + half_words)
    return knots, np.maximum.accumulate((1 - share) * values + share * near).round(4)


def measured(confidence: Floats, right: Floats) -> Calibration:
    """Calibration error of confidences, as `speech score` counts it."""
    found = calibration("", list(zip(confidence.tolist(), right.astype(bool).tolist(), strict=True)), 0, ScoreSettings().bins)
    if found is None:
        raise ValueError("no words to measure calibration on")
    return found


def crossed(raw: Floats, right: Floats, folds: int = FOLDS, half_words: float = HALF_WORDS) -> Floats:
    """Confidences of words that the fit has not seen."""
    fold = np.arange(len(raw)) * folds // len(raw)
    predicted = np.empty(len(raw))
    for k in range(folds):
        knots, values = fit(raw[fold != k], right[fold != k], half_words)
        predicted[fold == k] = np.interp(raw[fold == k], knots, values)
    return predicted
