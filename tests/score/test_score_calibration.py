"""Confidences are judged by the word alignment; the error is the one worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from speech.score import Pair, Scores, ScoreSettings, score
from speech.score.calibrate import calibration


def scored(*words: tuple[str, float | None], reference: str, hypothesis: str | None = None, language: str = "und") -> Scores:
    given = " ".join(w for w, _ in words) if hypothesis is None else hypothesis
    return score([Pair(id="1", reference=reference, hypothesis=given, language=language, words=words)])


def test_the_error_is_the_weighted_distance_of_the_bins() -> None:
    # Two bins: 10 words of 0.9 with 8 right (0.1 apart), 10 words of 0.2 with 2 right (0 apart): 0.05.
    judged = [(0.9, n < 8) for n in range(10)] + [(0.2, n < 2) for n in range(10)]
    found = calibration("all", judged, 0, bins=15)
    assert found is not None
    assert found.bins_used == 2 and [b.words for b in found.bins] == [10, 10]
    assert [b.accuracy for b in found.bins] == [0.2, 0.8]
    assert found.error == pytest.approx(0.05)


def test_what_chance_gives_is_counted_out() -> None:
    # Two words of 0.5, one expected right: none, one or two are, with 1/4, 1/2, 1/4. Off by one word of two half of the time.
    found = calibration("all", [(0.5, True), (0.5, False)], 0, bins=15)
    assert found is not None
    assert found.error == 0.0
    assert found.by_chance == pytest.approx(0.25)


@pytest.mark.parametrize("words", [300, 30_000])
def test_calibrated_confidences_err_as_much_as_chance_gives(words: int) -> None:
    rng = np.random.default_rng(7)
    errors, chances = [], []
    for _ in range(40):
        sure = rng.random(words)
        found = calibration("all", list(zip(sure.tolist(), (rng.random(words) < sure).tolist(), strict=True)), 0, bins=15)
        assert found is not None
        errors.append(found.error)
        chances.append(found.by_chance)
    assert float(np.mean(errors)) == pytest.approx(float(np.mean(chances)), rel=0.1)


def test_there_are_never_more_bins_than_asked_for_and_a_confidence_of_one_has_a_bin() -> None:
    found = calibration("all", [(1.0, True)] * 5000, 3, bins=15)
    assert found is not None
    assert (found.bins_used, len(found.bins), found.error, found.without) == (15, 1, 0.0, 3)


def test_words_are_right_where_the_alignment_says_so() -> None:
    scores = scored(("Mama,", 0.8), ("wasi", 0.4), ("pi", 0.6), reference="mama huasi pi")
    [found] = scores.calibration
    # One bin: two of three right, mean confidence 0.6.
    [band] = found.bins
    assert band.words == 3 and band.accuracy == pytest.approx(2 / 3)
    assert found.error == pytest.approx(2 / 3 - 0.6)


def test_a_word_that_normalises_into_two_is_right_only_if_both_are() -> None:
    [found] = scored(("lo-ke", 0.5), ("ka", 0.5), reference="lo que ka").calibration
    assert (found.words, found.bins[0].accuracy) == (2, 0.5)


def test_words_that_do_not_spell_the_hypothesis_are_aligned_by_themselves() -> None:
    [found] = scored(("b", 0.7), ("c", 0.7), reference="a b c", hypothesis="a b c d").calibration
    assert (found.words, found.bins[0].accuracy) == (2, 1.0)


def test_words_without_a_usable_confidence_are_counted_not_judged() -> None:
    [found] = scored(("a", None), ("b", 1.5), ("c", float("nan")), ("d", 0.5), ("…", 0.5), reference="a b c d").calibration
    assert (found.words, found.without) == (1, 3)


def test_without_confidences_there_is_no_calibration() -> None:
    assert score([Pair(id="1", reference="a", hypothesis="a")]).calibration == ()


def test_several_languages_have_a_calibration_each() -> None:
    pairs = [Pair(id=c, reference="a", hypothesis="a", language=c, words=(("a", 0.9),)) for c in ("que", "bre")]
    scores = score(pairs, ScoreSettings(draws=10))
    assert [(c.name, c.words) for c in scores.calibration] == [("all", 2), ("bre", 1), ("que", 1)]
