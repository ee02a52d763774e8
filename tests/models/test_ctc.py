"""Paths, words, confidence and readings, on emissions written by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech import languages
from speech.models import ctc

SYMBOLS = ("<pad>", "|", "a", "b", "\u0301")


def emissions(rows: list[dict[int, float]]) -> np.ndarray:
    """Log probabilities from the probabilities named in each row; the rest is shared out evenly."""
    out = np.zeros((len(rows), len(SYMBOLS)), np.float32)
    for n, row in enumerate(rows):
        rest = (1 - sum(row.values())) / (len(SYMBOLS) - len(row))
        out[n] = [np.log(row.get(k, rest)) for k in range(len(SYMBOLS))]
    return out


def test_repeats_are_joined_and_a_blank_divides_them() -> None:
    path = [2, 2, 0, 2, 3, 3, 0]
    heard = ctc.Greedy(blank=0).path(emissions([{s: 0.9} for s in path]))
    assert [(h.symbol, h.first, h.end) for h in heard] == [(2, 0, 2), (2, 3, 4), (3, 4, 6)]


def test_specials_are_never_written() -> None:
    heard = ctc.Greedy(blank=0, silent=frozenset({1})).path(emissions([{s: 0.9} for s in (1, 2, 1)]))
    assert [h.symbol for h in heard] == [2]


def test_words_are_divided_composed_and_timed() -> None:
    e = emissions([{s: 0.9} for s in (2, 4, 1, 0, 3)])
    words = ctc.words(ctc.Greedy(blank=0).path(e), e, SYMBOLS, languages.Language.plain("und"))
    assert [(w.text, w.first, w.end) for w in words] == [("á", 0, 2), ("b", 4, 5)]


def test_a_surer_path_is_more_confident_and_all_lie_in_0_to_1() -> None:
    language = languages.Language.plain("und")
    sure, unsure = emissions([{2: 0.99}, {3: 0.99}]), emissions([{2: 0.99}, {3: 0.5}])
    a, b = (ctc.words(ctc.Greedy(blank=0).path(e), e, SYMBOLS, language)[0].raw for e in (sure, unsure))
    assert 0 < b < a < 1


def test_other_readings_come_from_the_unsure_place_in_order() -> None:
    e = emissions([{2: 0.97}, {3: 0.5, 4: 0.3, 0: 0.15}])
    word = ctc.words(ctc.Greedy(blank=0).path(e), e, SYMBOLS, languages.Language.plain("und"))[0]
    assert word.text == "ab"
    assert [r.text for r in word.readings] == ["á", "a"]
    assert [r.share for r in word.readings] == pytest.approx([0.3 / 0.5, 0.15 / 0.5])


def test_readings_are_on_the_words_own_scale() -> None:
    readings = (ctc.Reading(text="á", share=0.6), ctc.Reading(text="a", share=0.3))
    assert [a.confidence for a in ctc.alternatives(0.5, readings)] == [0.18, 0.045]
    # The word leaves 0.1 for both, in the ratio of 4 to 1.
    assert [a.confidence for a in ctc.alternatives(0.9, readings)] == [0.08, 0.02]
    assert [a.confidence for a in ctc.alternatives(0.0, readings)] == [0.0, 0.0]
    assert ctc.alternatives(0.5, ()) == ()


@given(st.floats(0, 1), st.lists(st.floats(0, 1), max_size=3))
def test_no_reading_is_surer_than_its_word_and_no_set_sums_over_1(sure: float, shares: list[float]) -> None:
    found = ctc.alternatives(sure, [ctc.Reading(text="a", share=share) for share in shares])
    confidences = [a.confidence or 0.0 for a in found]
    word = round(sure, 3)  # as it stands in a transcript
    assert all(0 <= c <= word for c in confidences)
    assert word + sum(confidences) <= 1 + 1e-9


def test_nothing_heard_is_no_word() -> None:
    e = emissions([{0: 0.99}, {1: 0.9}, {0: 0.9}])
    assert ctc.words(ctc.Greedy(blank=0).path(e), e, SYMBOLS, languages.Language.plain("und")) == []
    assert ctc.Greedy(blank=0).path(np.zeros((0, 5), np.float32)) == []


def heard(path: list[int], symbols: tuple[str, ...], code: str = "und") -> list[tuple[str, int, int]]:
    """Words and frames of a path of symbols, each a frame."""
    scores = np.full((len(path), len(symbols)), -8.0, np.float32)
    scores[np.arange(len(path)), path] = -0.01
    silent = frozenset(n for n, symbol in enumerate(symbols) if ctc.is_special(symbol))
    words = ctc.words(ctc.Greedy(blank=0, silent=silent).path(scores), scores, symbols, languages.load(code))
    return [(w.text, w.first, w.end) for w in words]


def test_pieces_become_words_with_times() -> None:
    symbols = ("<s>", "<pad>", "▁", "▁na", "n", "chi", "▁wasi", "<0xC3>", "<0xB1>")
    assert heard([3, 5, 0, 6, 4, 1, 2, 4], symbols) == [("nachi", 0, 2), ("wasin", 3, 5), ("n", 7, 8)]
    assert heard([5, 3], symbols) == [("chi", 0, 1), ("na", 1, 2)]
    assert heard([3, 7, 8], symbols) == [("nañ", 0, 3)]


def test_names_of_noises_are_no_letters_and_bytes_are() -> None:
    assert [s for s in ("<s>", "[UNK]", "<laugh>", "[NOISE]", "<", "[", "<0xC3>", "a", "|") if ctc.is_special(s)] == [
        "<s>",
        "[UNK]",
        "<laugh>",
        "[NOISE]",
    ]


def test_a_vocabulary_in_capitals_is_written_in_small_letters_by_the_languages_own_rules() -> None:
    capitals = ("<pad>", "|", "I", "R", "İ")
    assert heard([2, 3, 4, 1, 2], capitals, "que") == [("iri̇", 0, 3), ("i", 4, 5)]
    assert heard([2, 3, 4, 1, 2], capitals, "tur") == [("ıri", 0, 3), ("ı", 4, 5)]
    mixed = ("<pad>", "|", "I", "r")
    assert heard([2, 3], mixed, "tur") == [("Ir", 0, 2)]
