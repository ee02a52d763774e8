"""N-gram models: they add up to one in every state, agree with plain counting, and hold no sentence that stood once."""

from __future__ import annotations

import math
import random
from collections import Counter

import numpy as np
import pytest

from speech.errors import ModelRefused, TextRefused
from speech.models.lm.ngram import Machine, Ngram, longest_order, packed, unpacked
from speech.models.lm.train import Smoothing, TrainSettings, perplexity, train

UNITS = ("|", "a", "k", "n", "u")


def texts(count: int, seed: int = 0) -> list[list[int]]:
    draw = random.Random(seed)
    syllables = [[2, 1], [3, 1], [2, 4], [3, 4], [1]]
    found = []
    for _ in range(count):
        words: list[int] = []
        for n in range(draw.randint(1, 5)):
            words += [0] if n else []
            for _ in range(draw.randint(1, 3)):
                words += draw.choice(syllables)
        found.append(words)
    return found


@pytest.mark.parametrize("smoothing", ["witten_bell", "kneser_ney"])
@pytest.mark.parametrize(("at_least", "from_order"), [(1, 1), (2, 3), (3, 2)])
def test_probabilities_add_up_to_one_in_every_state(smoothing: Smoothing, at_least: int, from_order: int) -> None:
    settings = TrainSettings(order=5, smoothing=smoothing, at_least=at_least, from_order=from_order)
    machine = train(texts(60), UNITS, begin=0, settings=settings).machine
    assert machine.table is not None
    assert np.exp(machine.table[0].astype(np.float64)).sum(axis=1) == pytest.approx(np.ones(len(machine.back)), abs=1e-5)


@pytest.mark.parametrize("smoothing", ["witten_bell", "kneser_ney"])
def test_searched_arcs_give_what_the_table_gives(smoothing: Smoothing) -> None:
    model = train(texts(60), UNITS, begin=0, settings=TrainSettings(order=6, smoothing=smoothing))
    machine = model.machine
    assert machine.table is not None
    searched = Machine(
        units=machine.units, start=machine.start, back=machine.back, log_back_off=machine.log_back_off, arcs=machine.arcs,
        log_probability=machine.log_probability, following=machine.following,
    )  # fmt: skip
    states, units = np.meshgrid(np.arange(len(machine.back)), np.arange(len(UNITS)), indexing="ij")
    for one, other in zip(machine.step(states, units), searched.step(states, units), strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_witten_bell_is_what_plain_counting_gives() -> None:
    rows = texts(40)
    model = train(rows, UNITS, begin=0, settings=TrainSettings(order=3, smoothing="witten_bell", at_least=1))
    counts: Counter[tuple[int, ...]] = Counter()
    for row in rows:
        whole = [0, *row, 0]
        for place in range(1, len(whole)):
            for length in range(1, 4):
                if place - length + 1 >= 0:
                    counts[tuple(whole[place - length + 1 : place + 1])] += 1
    follows: dict[tuple[int, ...], Counter[int]] = {}
    for gram, count in counts.items():
        follows.setdefault(gram[:-1], Counter())[gram[-1]] += count

    def probability(unit: int, context: tuple[int, ...]) -> float:
        shorter = 1 / len(UNITS) if not context else probability(unit, context[1:])
        own = follows.get(context)
        if not own:
            return shorter
        kinds, times = len(own), own.total()
        return (own[unit] + kinds * shorter) / (times + kinds)

    for row in texts(10, seed=1):
        found = model.log_probabilities(row)
        history = [0]
        for unit, value in zip(row, found, strict=True):
            assert float(value) == pytest.approx(math.log(probability(unit, tuple(history[-2:]))), abs=1e-4)
            history.append(unit)


def test_what_stands_in_one_sentence_alone_is_not_kept() -> None:
    common, alone = [[2, 1, 0, 3, 1]] * 5 + [[2, 1, 0, 3, 1, 0, 2, 4]], [1, 4, 1, 4, 3, 3, 3]
    model = train([*common, alone], UNITS, begin=0, settings=TrainSettings(order=6, at_least=2, from_order=3))
    kept = {tuple(row) for order, level in enumerate(model.levels, 1) for row in unpacked(level.keys, order, model.bits).tolist()}
    assert (2, 1, 0, 3, 1) in kept  # in two different sentences
    assert not any(len(gram) >= 3 and {3}.issuperset(gram) for gram in kept)
    once = train([alone] * 9, UNITS, begin=0, settings=TrainSettings(order=6, at_least=2, from_order=3))
    assert max(order for order, level in enumerate(once.levels, 1) if len(level.keys)) == 2  # the same sentence counts once


def test_more_text_is_worth_more_and_pruning_costs_little() -> None:
    unseen = texts(50, seed=9)
    little = perplexity(train(texts(10), UNITS, begin=0), unseen)[0]
    much = perplexity(train(texts(2000), UNITS, begin=0), unseen)[0]
    whole = perplexity(train(texts(2000), UNITS, begin=0, settings=TrainSettings(at_least=1)), unseen)[0]
    assert much < little and much < 1.05 * whole


def test_counting_in_pieces_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(texts(200), UNITS, begin=0)
    monkeypatch.setattr("speech.models.lm.train._PIECE", 50)
    pieces = train(texts(200), UNITS, begin=0)
    for one, other in zip(whole.levels, pieces.levels, strict=True):
        assert np.array_equal(one.keys, other.keys) and np.array_equal(one.log_probability, other.log_probability)


def test_keys_pack_and_unpack() -> None:
    rows = [[0, 4, 2], [3, 3, 3]]
    assert unpacked(packed(rows, 3), 3, 3).tolist() == rows
    assert longest_order(40) == 10


def test_orders_that_no_key_holds_and_empty_text_are_refused() -> None:
    with pytest.raises(ModelRefused) as caught:
        train(texts(2), UNITS, begin=0, settings=TrainSettings(order=22))
    assert caught.value.code == "MODEL_ORDER"
    with pytest.raises(TextRefused) as empty:
        train([[]], UNITS, begin=0)
    assert empty.value.code == "TEXT_EMPTY"


def test_a_unit_that_is_not_known_is_unlikely_and_no_error() -> None:
    model = train(texts(20), UNITS, begin=0)
    assert isinstance(model, Ngram) and len(model) > 20
    assert model.log_probabilities([4, 4, 4, 4]).sum() < model.log_probabilities([2, 1, 2, 1]).sum()
