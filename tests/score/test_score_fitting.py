"""A fit makes confidences mean what they say, is judged on words it has not seen, and keeps their order."""

from __future__ import annotations

import numpy as np
import pytest

from speech.models.cards import log_odds, sigmoid
from speech.score import Pair
from speech.score.fitting import LEAST_WORDS, fit, fitted, isotonic, logistic, mixture_of


def pairs(words: int, seed: int = 1) -> list[Pair]:
    """Clips of one word whose raw confidence is too high: right with the square of it."""
    rng = np.random.default_rng(seed)
    raw = rng.random(words)
    right = rng.random(words) < raw**2
    heard = ["wasi" if ok else "rumi" for ok in right]
    return [
        Pair(id=str(n), reference="wasi", hypothesis=word, language="que", words=((word, float(sure)),))
        for n, (word, sure) in enumerate(zip(heard, raw, strict=True))
    ]


def test_a_fit_mends_confidences_that_are_too_high() -> None:
    made = fitted(pairs(3000), split="dev")
    assert made is not None
    # The mean of x - x² over 0 to 1 is 1/6.
    assert made.before.error == pytest.approx(1 / 6, abs=0.03)
    assert made.left.error < 2 * made.left.by_chance
    assert made.calibration(0.5) == pytest.approx(0.25, abs=0.06)
    assert (made.calibration.words, made.calibration.split, made.calibration.ece) == (3000, "dev", round(made.left.error, 4))
    assert list(made.calibration.raw) == sorted(set(made.calibration.raw))
    assert list(made.calibration.right) == sorted(made.calibration.right)


def test_too_few_words_are_not_fitted() -> None:
    assert fitted(pairs(LEAST_WORDS - 1), split="dev") is None
    assert fitted(pairs(LEAST_WORDS), split="dev") is not None
    assert fitted([Pair(id="1", reference="wasi", hypothesis="", language="que")], split="dev") is None


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_words_all_wrong_or_all_right_are_fitted_without_overflow(share: float) -> None:
    raw = np.linspace(0, 1, 40)
    knots, values = fit(raw, np.full(40, share))
    assert np.isfinite(values).all() and ((values >= 0) & (values <= 1)).all()
    assert abs(float(values.mean()) - share) < 0.3


def test_the_curve_of_what_is_calibrated_is_the_line_itself() -> None:
    rng = np.random.default_rng(2)
    raw = rng.random(20_000)
    slope, offset = logistic(raw, (rng.random(20_000) < raw).astype(float))
    assert slope == pytest.approx(1, abs=0.1)
    assert offset == pytest.approx(0, abs=0.1)


def test_steps_rise_and_keep_the_mean() -> None:
    # Pooled by hand: 1, 0 become a half each; 0 then 1 stay.
    assert isotonic(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.0, 1.0, 0.0, 1.0])).tolist() == [0.0, 0.5, 0.5, 1.0]


def test_what_surprises_counts_where_it_tells_and_is_left_where_it_does_not() -> None:
    rng = np.random.default_rng(3)
    raw, surprisal = rng.uniform(0.05, 0.95, 4000), rng.normal(2.0, 0.5, 4000)
    chance = sigmoid(0.5 * log_odds(raw) - 2.0 * (surprisal - 2.0))
    found = mixture_of(raw, surprisal, (rng.random(4000) < chance).astype(float))
    assert found is not None
    assert found == pytest.approx((0.5, -2.0, 4.0), abs=0.4)
    assert mixture_of(raw, surprisal, (rng.random(4000) < sigmoid(surprisal - 2.0)).astype(float)) is None


def test_a_fit_with_surprisal_is_asked_for_with_it() -> None:
    rng = np.random.default_rng(4)
    some, surprisals = [], []
    for number in range(200):
        sure, cost = float(rng.uniform(0.1, 0.9)), float(rng.normal(2.0, 0.5))
        right = rng.random() < sigmoid(np.array([-3.0 * (cost - 2.0)]))[0]
        heard = "kay" if right else "chay"
        some.append(Pair(id=str(number), reference="kay", hypothesis=heard, language="que", words=((heard, sure),)))
        surprisals.append([cost])
    made = fitted(some, split="dev", surprisals=surprisals)
    assert made is not None and made.calibration.mixture is not None
    assert made.calibration(0.5, 1.0) > 0.7 > 0.3 > made.calibration(0.5, 3.0)
    without = fitted(some, split="dev")
    assert without is not None and without.calibration.mixture is None
    assert without.calibration(0.5, 1.0) == without.calibration(0.5, 3.0)


def test_words_that_are_normalised_away_have_no_surprisal_either() -> None:
    some = [Pair(id=str(n), reference="kay", hypothesis="kay", language="que", words=(("kay", 0.5), ("…", 0.5))) for n in range(30)]
    assert fitted(some, split="dev", surprisals=[[1.0, 2.0]] * 30) is not None
