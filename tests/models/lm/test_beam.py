"""The search finds what a search over all prefixes finds; segments do not depend on their neighbours; symbols sound where they should."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from speech import languages
from speech.models.lm.beam import BeamSettings, Floats, Ints, aligned, search
from speech.models.lm.decoder import LanguageDecoder, units_of
from speech.models.lm.ngram import Ngram
from speech.models.lm.scorer import LanguageModel, LanguageScorer, Weights
from speech.models.lm.train import TrainSettings, train
from speech.models.lm.words import OUT, Trie, WordModel

WIDE = BeamSettings(width=400, symbols=50, below=200.0, least=-100.0)


class Nothing:
    """No language model."""

    memory = 1

    def start(self) -> Ints:
        return np.zeros(1, np.int64)

    def extend(self, memories: Ints, symbols: Ints) -> tuple[Floats, Ints]:
        return np.zeros(len(symbols), np.float32), memories

    def end(self, memories: Ints) -> Floats:
        return np.zeros(len(memories), np.float32)


def emissions(frames: int, symbols: int, seed: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(0, 2, (frames, symbols))
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)


def spelt(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(s for s, _ in itertools.groupby(path) if s)


def every(log: np.ndarray) -> dict[tuple[int, ...], float]:
    """The log probability of every text, over all paths."""
    found: dict[tuple[int, ...], list[float]] = {}
    for path in itertools.product(range(log.shape[1]), repeat=len(log)):
        found.setdefault(spelt(path), []).append(float(sum(log[f, s] for f, s in enumerate(path))))
    return {text: float(np.logaddexp.reduce(values)) for text, values in found.items()}


@pytest.mark.parametrize("seed", range(8))
def test_a_wide_search_is_exact(seed: int) -> None:
    log = emissions(5, 4, seed)
    true = every(log)
    (found,) = search([log], blank=0, silent=frozenset(), scorer=Nothing(), settings=WIDE, best=10)
    expected = sorted(true, key=lambda t: -true[t])[:10]
    assert [h.symbols for h in found] == expected
    for h in found:
        assert h.score == pytest.approx(true[h.symbols], abs=1e-3)
        assert h.posterior == pytest.approx(np.exp(true[h.symbols]), abs=1e-3)


def letters(**more: object) -> LanguageModel:
    units = ("|", "a", "k", "n")
    draw = random.Random(0)
    rows = [[2, 1, *([0, 3, 1] if draw.random() < 0.5 else [])] for _ in range(50)]
    return LanguageModel(letters=train(rows, units, begin=0, settings=TrainSettings(order=3, at_least=1)), break_unit=0, **more)  # type: ignore[arg-type]


SYMBOLS = ("<pad>", "|", "a", "k", "n")


def scorer(model: LanguageModel, hotwords: Trie | None = None) -> LanguageScorer:
    return LanguageScorer(model, [[], [0], [1], [2], [3]], hotwords=hotwords)


@pytest.mark.parametrize("seed", range(4))
def test_with_a_language_model_it_is_exact_too(seed: int) -> None:
    log = emissions(5, 5, 100 + seed)
    model = letters(weights=Weights(weight=0.8, bonus=0.3))

    def worth(text: tuple[int, ...]) -> float:
        units = [s - 1 for s in text]
        values = model.letters.log_probabilities([*units, 0])
        return 0.8 * float(values.sum()) + 0.3 * len(text)

    true = {text: value + worth(text) for text, value in every(log).items()}
    (found,) = search([log], blank=0, silent=frozenset(), scorer=scorer(model), settings=WIDE, best=5)
    assert [h.symbols for h in found] == sorted(true, key=lambda t: -true[t])[:5]
    assert found[0].score == pytest.approx(max(true.values()), abs=1e-3)


def test_a_segment_does_not_depend_on_its_neighbours() -> None:
    all_of = [emissions(n, 5, n) for n in (3, 40, 17, 1, 29)]
    together = search(all_of, blank=0, silent=frozenset(), scorer=scorer(letters()), best=3)
    for own, log in zip(together, all_of, strict=True):
        (alone,) = search([log], blank=0, silent=frozenset(), scorer=scorer(letters()), best=3)
        assert [h.symbols for h in own] == [h.symbols for h in alone]
        assert [h.score for h in own] == pytest.approx([h.score for h in alone], abs=1e-3)


def test_what_is_silent_is_never_written_and_counts_as_nothing_said() -> None:
    log = np.log(np.array([[0.1, 0.8, 0.05, 0.05], [0.1, 0.1, 0.7, 0.1]], np.float32))
    (found,) = search([log], blank=0, silent=frozenset({1}), scorer=Nothing(), best=2)
    assert [h.symbols for h in found] == [(2,), ()]


def test_a_word_that_recurs_is_preferred_and_an_unknown_one_stays_possible() -> None:
    words = [(2, 1), (3, 1)]
    ngram = train([[0], [0], [0], [1]] * 10, ["k a", "n a", "<s>", "<unk>"], begin=2, settings=TrainSettings(order=1, at_least=1))
    model = letters(words=WordModel(trie=Trie.of(words, 4), ngram=ngram), weights=Weights(weight=1.0, bonus=0.0, words=0.9))
    s = scorer(model)

    def worth(*symbols: int) -> float:
        memory, total = s.start()[None], 0.0
        for symbol in symbols:
            gain, memory = s.extend(memory, np.array([symbol]))
            total += float(gain[0])
        return total + float(s.end(memory)[0])

    plain = scorer(letters(weights=Weights(weight=1.0, bonus=0.0, words=0.0)))

    def spelt_worth(*symbols: int) -> float:
        units = [n - 1 for n in symbols]
        return float(model.letters.log_probabilities([*units, 0]).sum())

    share = float(np.exp(ngram.log_probabilities([0])[0]))
    assert worth(3, 2) == pytest.approx(np.log(0.1 * np.exp(spelt_worth(3, 2)) + 0.9 * share), abs=1e-3)
    assert worth(2, 3) == pytest.approx(np.log(0.1) + spelt_worth(2, 3), abs=1e-3)
    assert plain.extend(plain.start()[None], np.array([2]))[0][0] < 0


def test_a_hot_word_is_heard_where_it_is_nearly_said_and_not_where_it_is_not() -> None:
    model = letters(weights=Weights(weight=0.0, bonus=0.0, words=0.0, hotword=2.0))
    hotwords = Trie.of([(3, 1, 3)], 4)  # "nan"
    log = np.full((3, 5), -9.0, np.float32)
    log[0, 4], log[1, 2], log[2, 3], log[2, 4] = -0.1, -0.1, -0.6, -1.2
    for wish, expected in ((None, (4, 2, 3)), (hotwords, (4, 2, 4))):
        (found,) = search([log], blank=0, silent=frozenset(), scorer=scorer(model, wish))
        assert found[0].symbols == expected
    log[2, 4] = -5.0
    (found,) = search([log], blank=0, silent=frozenset(), scorer=scorer(model, hotwords))
    assert found[0].symbols == (4, 2, 3)
    # What is advanced on the way is taken back: a prefix of a hot word is worth nothing in the end.
    (found,) = search([log[:2]], blank=0, silent=frozenset(), scorer=scorer(model, hotwords))
    assert found[0].score == pytest.approx(-0.2, abs=1e-2)


def test_a_tree_of_words_knows_its_words_and_nothing_else() -> None:
    trie = Trie.of([(1, 2), (1, 2, 3), (3,)], 4)
    node = np.zeros(1, np.int64)
    ends = []
    for unit in (1, 2, 3, 0):
        node = trie.step(node, np.array([unit]))
        ends.append(int(trie.words[node[0]]) if node[0] != OUT else None)
    assert ends == [-1, 0, 1, None]
    assert trie.step(np.array([OUT]), np.array([1]))[0] == OUT


@pytest.mark.parametrize("seed", range(6))
def test_symbols_sound_where_the_likeliest_path_has_them(seed: int) -> None:
    log = emissions(6, 4, 50 + seed)
    paths = list(itertools.product(range(4), repeat=6))
    text = spelt(max(paths, key=lambda p: sum(log[f, s] for f, s in enumerate(p))))
    assert text  # each of these draws has symbols
    fits = [p for p in paths if spelt(p) == text]
    best = max(fits, key=lambda p: float(sum(log[f, s] for f, s in enumerate(p))))
    groups = [(s, [f for f, _ in run]) for s, run in itertools.groupby(enumerate(best), key=lambda x: x[1])]
    runs = [(frames[0], frames[-1] + 1) for s, frames in groups if s]
    first, end = aligned(log, text, 0)
    assert list(zip(first.tolist(), end.tolist(), strict=True)) == runs


def test_where_frames_are_too_few_symbols_share_them() -> None:
    first, end = aligned(emissions(2, 4, 1), [1, 2, 3], 0)
    assert len(first) == 3 and (end > first).all() and first.max() <= 1
    assert [len(a) for a in aligned(emissions(2, 4, 1), [], 0)] == [0, 0]


def test_pieces_and_letters_write_the_same_units() -> None:
    table = languages.Language.plain("und")
    model = letters()
    assert units_of(("<pad>", "▁ka", "na", "▁", "x", "<0x41>"), table, model) == [
        [],
        [0, 2, 1],
        [3, 1],
        [0],
        [-1],
        [-1, -1, -1, -1, -1, -1],
    ]
    assert units_of(("<pad>", "|", "K", "A", "N"), table, model)[2:] == [[2], [1], [3]]


def test_pieces_decode_as_letters_do() -> None:
    table = languages.Language.plain("und")
    decoder = LanguageDecoder(("<pad>", "▁ka", "na", "▁na", "k"), 0, table, letters())
    log = np.log(np.full((5, 5), 0.01, np.float32))
    for frame, symbol in enumerate((1, 0, 3, 0, 0)):
        log[frame, symbol] = np.log(0.96)
    (heard,) = decoder([log])
    assert [(h.symbol, h.first, h.end) for h in heard] == [(1, 0, 1), (3, 2, 3)]
    assert decoder([np.zeros((0, 5), np.float32)]) == [[]]


def test_the_model_of_a_text_is_asked_by_numbers() -> None:
    assert isinstance(letters().letters, Ngram)
