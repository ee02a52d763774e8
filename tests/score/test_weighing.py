"""A language model is weighed by clips: weights with fewest errors, a limit that nearly all words stay under, confidences on both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from speech.lm import Text, learn
from speech.models.lm.finding import FoundModel, fitted_with
from speech.models.lm.scorer import LanguageModel
from speech.score.fitting import fitted
from speech.score.weighing import GRID, KEPT, best_of, chosen, confidence_of, counted, decoded, limit_of
from tests.emissions import OUTPUT, SENTENCES, emitted


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return learn([Text(name="a", sha256="", sentences=SENTENCES * 3, ground="")], "que")[0]


def test_what_a_model_mends_is_heard_and_what_it_does_not_say_is_greedy(model: LanguageModel) -> None:
    clips = emitted(SENTENCES, 0.3)
    assert [pair.hypothesis for pair, _ in decoded(clips, OUTPUT)] == [s.replace(" ", "") for s in SENTENCES]
    assert [pair.hypothesis for pair, _ in decoded(clips, OUTPUT, chosen(clips, OUTPUT, model))] == list(SENTENCES)


def test_the_weights_with_fewest_errors_are_taken_and_of_equals_the_first(model: LanguageModel) -> None:
    clips = emitted(SENTENCES, 0.3)
    none = replace(GRID[0], weight=0.0, bonus=0.0)
    assert best_of(counted(clips, OUTPUT, model, (none, GRID[4])), (none, GRID[4])) == GRID[4]
    assert best_of(counted(clips, OUTPUT, model, (GRID[4], none)), (GRID[4], none)) == GRID[4]
    clear = emitted(SENTENCES, 0.95)
    assert best_of(counted(clear, OUTPUT, model, (none, none)), (none, GRID[4])) == none


def test_the_limit_is_what_97_of_100_words_stay_under(model: LanguageModel) -> None:
    clips = emitted([*SENTENCES * 8, "tttrrr"], 0.6)
    limit = limit_of(clips, OUTPUT, model)
    assert limit is not None
    costs = np.array([cost for _, own in decoded(clips, OUTPUT, model, limit=1e9) for cost in own])
    assert limit == pytest.approx(np.percentile(costs, KEPT), abs=1e-3)
    assert 1 <= (costs > limit + 1e-3).sum() <= 0.03 * len(costs)
    assert limit_of([], OUTPUT, model) is None


def test_confidences_with_what_words_cost_and_what_a_card_keeps_of_them(model: LanguageModel) -> None:
    clips = emitted([*SENTENCES * 8, "tttrrr"], 0.6)
    told = decoded(clips, OUTPUT, model, limit=3.0)
    made = confidence_of(told, split="dev", priced=True)
    same = fitted([pair for pair, _ in told], split="dev", surprisals=[own for _, own in told])
    assert made is not None and made == same
    assert confidence_of(told[:2], split="dev", priced=True) is None  # eight words
    calibration = replace(made.calibration, mixture=(0.5, -1.0, 2.0))
    kept = replace(model, card={"calibration": fitted_with("a" * 64, limit=3.0, calibration=calibration)})
    found = FoundModel(model=kept, sha256="", path=None)  # type: ignore[arg-type]  # what is read from the card alone
    assert (found.calibration("a" * 64), found.limit("a" * 64)) == (calibration, 3.0)
    bare = FoundModel(model=replace(model, card={"calibration": fitted_with("a" * 64, limit=None, calibration=None)}), sha256="", path=None)  # type: ignore[arg-type]
    assert (str(bare.calibration("a" * 64))[:14], bare.limit("a" * 64)) == ("not calibrated", None)
