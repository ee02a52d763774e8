"""What costs too much stands as it sounded; what does not is left to the language model; a limit holds for its adapter alone."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from speech import languages
from speech.models import ctc
from speech.models.ctc import Heard
from speech.models.lm import surprisal
from speech.models.lm.decoder import LanguageDecoder
from speech.models.lm.finding import FoundModel
from speech.models.lm.scorer import LanguageModel, Weights
from speech.models.lm.train import TrainSettings, train

SYMBOLS = ("<pad>", "<unk>", "|", "a", "k", "n", "w")
TABLE = languages.Language.plain("und")
SILENT = frozenset({1})


def language_model() -> LanguageModel:
    """Knows `kana` and little else."""
    units = ("a", "k", "n", "w", "|")
    letters = train([[1, 0, 2, 0, 4, 1, 0, 2, 0]] * 6, units, begin=4, settings=TrainSettings(order=4, at_least=1))
    return LanguageModel(letters=letters, break_unit=4, weights=Weights(weight=1.0, bonus=1.0))


def sounds(text: str, sure: float = 0.9) -> np.ndarray:
    """Emissions in which each letter of a text sounds for a frame, then a blank."""
    log = np.full((2 * len(text), len(SYMBOLS)), np.log((1 - sure) / (len(SYMBOLS) - 1)), np.float32)
    for place, letter in enumerate(text):
        log[2 * place, SYMBOLS.index(letter)] = np.log(sure)
        log[2 * place + 1, 0] = np.log(sure)
    return log


def unsure(text: str, heard: str) -> np.ndarray:
    """What sounds a little more like `heard`, a little less like `text`."""
    log = sounds(heard, 0.5)
    for place, letter in enumerate(text):
        log[2 * place, SYMBOLS.index(letter)] = np.log(0.4) if heard[place] != letter else log[2 * place, SYMBOLS.index(letter)]
    return log - np.logaddexp.reduce(log, axis=1, keepdims=True)


def decoder(limit: float | None) -> LanguageDecoder:
    return LanguageDecoder(SYMBOLS, 0, TABLE, language_model(), limit=limit)


def text_of(path: list[Heard], emissions: np.ndarray) -> str:
    return " ".join(w.text for w in ctc.words(path, emissions, SYMBOLS, TABLE))


def path_of(text: str) -> list[Heard]:
    return [Heard(symbol=SYMBOLS.index(c), first=2 * n, end=2 * n + 1, score=0.0) for n, c in enumerate(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [("", []), ("|", []), ("ka", [(0, 2)]), ("|ka||na|", [(1, 3), (5, 7)]), ("k|a", [(0, 1), (2, 3)])],
)
def test_words_are_what_stands_between_breaks(text: str, words: list[tuple[int, int]]) -> None:
    assert surprisal.words_in(path_of(text), SYMBOLS) == words


def test_words_of_pieces_begin_with_their_pieces() -> None:
    pieces = ("<pad>", "▁ka", "na", "▁wa")
    path = [Heard(symbol=s, first=n, end=n + 1, score=0.0) for n, s in enumerate((1, 2, 3, 2, 2))]
    assert surprisal.words_in(path, pieces) == [(0, 2), (2, 5)]


def test_the_cost_of_sounds_is_that_of_the_path_to_the_last_frame() -> None:
    log = sounds("kana")
    costs = surprisal.acoustic(log, path_of("kana"), 0, SILENT)
    on_path = -sum(float(log[f, s]) for f, s in enumerate(itertools.chain(*((SYMBOLS.index(c), 0) for c in "kana"))))
    silent = -sum(float(np.logaddexp(log[f, 0], log[f, 1]) - log[f, 0]) for f in (1, 3, 5, 7))
    assert costs.sum() == pytest.approx(on_path + silent, abs=1e-4) and (costs > 0).all()
    assert surprisal.acoustic(log, [], 0, SILENT).size == 0


def test_a_word_is_counted_with_what_is_near_it_and_no_more() -> None:
    costs = np.array([1.0, 1.0, 0.0, 10.0, 10.0, 0.0, 1.0, 1.0])
    words = [(0, 2), (3, 5), (6, 8)]
    assert surprisal.surprisals(costs, words, near=0).tolist() == [1.0, 10.0, 1.0]
    assert surprisal.surprisals(costs, words, near=1).tolist() == [2 / 3, 20 / 4, 2 / 3]
    assert surprisal.surprisals(costs, words, near=99) == pytest.approx([3.0, 3.0, 3.0])


@pytest.mark.parametrize(
    ("bent", "text"),
    [
        ((False, False, False), "ka na wa"),
        ((False, True, False), "ka xx wa"),
        ((True, False, False), "xx na wa"),
        ((False, False, True), "ka na xx"),
        ((True, True, False), "xxxxx wa"),
        ((True, True, True), "xxxxxxxx"),
    ],
)
def test_in_the_frames_of_bent_words_stands_what_sounded(bent: tuple[bool, ...], text: str) -> None:
    path = path_of("ka|na|wa")
    heard = [Heard(symbol=5, first=2 * n, end=2 * n + 1, score=-1.0) for n in range(8)]  # no break is heard
    costs = [3.0 + n if own else 1.0 + n / 10 for n, own in enumerate(bent)]
    found = surprisal.unbent(path, heard, surprisal.words_in(path, SYMBOLS), costs, 2.0)
    written = "".join("x" if h.score else SYMBOLS[h.symbol] for h in found).replace("|", " ")
    assert all((h.surprisal > 2) == bool(h.score) for h in found if h.symbol != 2)
    kept = [word for word in text.split() if "x" not in word]
    assert [word for word in written.split() if "x" not in word] == kept
    assert ("x" in written) == ("x" in text)
    frames = [h.first for h in found if h.symbol != 2 and not h.score]
    assert not {h.first for h in found if h.score} & set(frames)  # nothing is written twice


def test_without_a_limit_the_language_model_decides_and_under_a_low_one_the_sounds() -> None:
    log = unsure("kana|kana", "kawa|kana")
    greedy = text_of(ctc.Greedy(blank=0, silent=SILENT)([log])[0], log)
    assert greedy == "kawa kana"
    assert text_of(decoder(None)([log])[0], log) == "kana kana"
    assert text_of(decoder(100.0)([log])[0], log) == "kana kana"
    assert text_of(decoder(0.01)([log])[0], log) == greedy


def test_foreign_speech_is_not_bent_and_the_language_s_own_is_mended() -> None:
    own, foreign = unsure("kana|kana", "kawa|kana"), unsure("wnkw|nwkn", "wnkw|nwkn")
    free = decoder(None)
    (_, cost), (_, strange) = free.surprisals([own, foreign], free.paths([own, foreign]))
    assert cost.max() < strange.min()
    kept = decoder((float(cost.max()) + float(strange.min())) / 2)
    one, other = kept([own, foreign])
    assert text_of(one, own) == "kana kana"
    assert text_of(other, foreign) == text_of(ctc.Greedy(blank=0, silent=SILENT)([foreign])[0], foreign)


def test_a_segment_costs_the_same_alone_as_beside_others() -> None:
    free = decoder(None)
    some = [sounds("kana"), unsure("kana|kana", "kawa|kana"), sounds("w"), np.zeros((0, len(SYMBOLS)), np.float32)]
    together = free.surprisals(some, free.paths(some))
    for own, (words, costs) in zip(some, together, strict=True):
        ((alone_words, alone),) = free.surprisals([own], free.paths([own]))
        assert (words, costs.tolist()) == (alone_words, alone.tolist())


def test_a_limit_holds_for_the_adapter_that_it_was_found_with() -> None:
    model = language_model()
    model.card["calibration"] = {"adapter": "a", "limit": 2.5}
    found = FoundModel(model=model, sha256="0" * 64, path=Path("lm.und.safetensors"))
    assert found.limit("a") == 2.5
    assert found.limit("b") is None
    assert found.calibration("a").raw == ()
