"""Smoothing, order and pruning are chosen on sentences that are not learnt from; of two that are alike the smaller."""

from __future__ import annotations

import itertools
import random

import numpy as np

from speech.lm import LearnSettings, Text, learn
from speech.models.lm.choosing import LEAST_SENTENCES, choose
from speech.models.lm.train import TrainSettings, perplexity, train
from speech.models.lm.words import most_frequent

UNITS = ("|", *"abcdefgh")


def texts(count: int, memory: int, seed: int = 0) -> list[list[int]]:
    """Sentences in which a letter follows from the `memory` before it, but for one in ten."""
    draw = random.Random(seed)
    rules: dict[tuple[int, ...], int] = {}
    found = []
    for _ in range(count):
        row = [draw.randint(1, 8) for _ in range(memory)]
        for _ in range(40):
            context = tuple(row[-memory:]) if memory else ()
            row.append(rules.setdefault(context, draw.randint(1, 8)) if draw.random() < 0.9 else draw.randint(1, 8))
        found.append(row)
    return found


def test_the_order_is_as_long_as_it_helps() -> None:
    short, tried = choose(texts(400, 1), UNITS, begin=0)
    long, _ = choose(texts(2000, 4), UNITS, begin=0)
    assert short.order == 4 < long.order
    assert len({(t.smoothing, t.order, t.at_least) for t in tried}) >= 4  # more than one was tried of each
    assert {t.smoothing for t in tried} == {"kneser_ney", "witten_bell"}


def test_what_is_chosen_is_worth_as_much_as_the_best_that_was_tried() -> None:
    chosen, tried = choose(texts(1000, 3), UNITS, begin=0)
    worth = next(t.perplexity for t in tried if (t.smoothing, t.order, t.at_least) == (chosen.smoothing, chosen.order, chosen.at_least))
    assert worth <= 1.03 * min(t.perplexity for t in tried)
    unseen = texts(100, 3)  # the same rules, other draws
    plain = perplexity(train(texts(1000, 3), UNITS, begin=0, settings=TrainSettings(order=2)), unseen)[0]
    assert perplexity(train(texts(1000, 3), UNITS, begin=0, settings=chosen), unseen)[0] < plain


def test_of_few_sentences_or_of_one_said_often_nothing_is_chosen() -> None:
    assert choose(texts(LEAST_SENTENCES - 1, 1), UNITS, begin=0) == (TrainSettings(), [])
    assert choose(texts(1, 1) * 500, UNITS, begin=0) == (TrainSettings(), [])


def test_the_card_says_what_was_tried() -> None:
    words = "kay wasi sumak kan runa hatun shamun".split()
    sentences = tuple(" ".join(some) for some in itertools.product(words, repeat=3))
    text = Text(name="a.txt", sha256="0" * 64, sentences=sentences, ground="test")
    card = learn([text], "que")[0].card
    given = learn([text], "que", LearnSettings(letters=TrainSettings(order=3)))[0].card
    assert given["order"] == 3 and "chosen_among" not in given
    tried = card["chosen_among"]
    assert isinstance(tried, list) and {row["order"] for row in tried} >= {card["order"], 4}


def test_of_many_words_the_most_frequent_are_kept() -> None:
    rows = [[1, 2, 0, 3], [1, 2, 0, 4], [3, 0, 1, 2], [5]]
    assert most_frequent(rows, 0, 2) == [(1, 2), (3,)]
    assert most_frequent([np.array(row, np.uint16) for row in rows], 0, 9) == [(1, 2), (3,), (4,), (5,)]
