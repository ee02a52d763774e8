"""A whole text on a whole recording: words where they are said, text that was not said, speech that is not written."""

from __future__ import annotations

import numpy as np
import pytest

from speech.align.windows import Placement, WindowSettings, place_words

SYMBOLS, BLANK, BREAK = 12, 0, 1


def words(count: int, seed: int = 0) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [[int(s) for s in rng.integers(2, SYMBOLS, size=rng.integers(3, 8))] for _ in range(count)]


def said(spoken: list[list[int]], *, wrong: float = 0.15, seed: int = 1, gap: int = 3) -> tuple[np.ndarray, list[int]]:
    """Emissions in which words are said one after the other, some of their symbols misheard; the first frame of each word."""
    rng = np.random.default_rng(seed)
    frames: list[int] = []
    firsts: list[int] = []
    for word in spoken:
        frames += [BLANK] * gap + [BREAK] + [BLANK] * int(rng.integers(0, 3))
        firsts.append(len(frames))
        for symbol in word:
            frames += [symbol if rng.random() > wrong else int(rng.integers(2, SYMBOLS)), BLANK]
    frames += [BLANK] * 10
    em = np.full((len(frames), SYMBOLS), np.log(0.1 / (SYMBOLS - 1)), np.float32)
    em[np.arange(len(frames)), frames] = np.log(0.9)
    return em, firsts


def placed(em: np.ndarray, text: list[list[int]], settings: WindowSettings | None = None) -> list[Placement | None]:
    return place_words(em, text, blank=BLANK, word_break=BREAK, frame_s=0.04, settings=settings)


def hits(found: list[Placement | None], firsts: list[int], within: int = 2) -> float:
    return float(np.mean([p is not None and abs(p.first - f) <= within for p, f in zip(found, firsts, strict=True)]))


@pytest.mark.parametrize("wrong", [0.0, 0.2, 0.4])
def test_words_stand_where_they_are_said(wrong: float) -> None:
    text = words(400)
    em, firsts = said(text, wrong=wrong)
    found = placed(em, text)
    assert hits(found, firsts) > (0.99 if wrong < 0.3 else 0.9)
    assert all(p is not None and len(p.symbols) == len(w) for p, w in zip(found, text, strict=True))
    first = [p.first for p in found if p]
    assert first == sorted(first)
    scores = [p.score for p in found if p]
    assert np.mean(scores) > 0.95 if wrong == 0 else np.mean(scores) < 0.95


def test_text_that_was_not_said_is_left_out_and_the_rest_stays_in_place() -> None:
    spoken, extra = words(200), words(25, seed=9)
    em, firsts = said(spoken)
    found = placed(em, [*spoken[:100], *extra, *spoken[100:]])
    fits = [p is not None and p.score > 0.5 for p in found[100:125]]
    assert sum(fits) <= 5 and sum(p is None for p in found[100:125]) >= 8, "squeezed where nothing of it is said"
    assert hits([*found[:98], *found[127:]], [*firsts[:98], *firsts[102:]]) > 0.97


def test_speech_that_is_not_written_moves_nothing() -> None:
    spoken = words(240)
    em, firsts = said(spoken)
    text, due = [*spoken[:90], *spoken[140:]], [*firsts[:90], *firsts[140:]]
    assert hits(placed(em, text), due) > 0.94


def test_an_anchor_in_words_said_twice_does_not_lead_astray() -> None:
    refrain = words(6, seed=5)
    spoken = [*words(50, seed=1), *refrain, *words(50, seed=2), *refrain, *words(50, seed=3), *refrain]
    em, firsts = said(spoken)
    assert hits(placed(em, spoken), firsts) > 0.98


def test_words_without_symbols_and_a_text_for_another_recording() -> None:
    text = words(40)
    em, _ = said(text)
    assert placed(em, [[], *text[:3], []])[0] is None
    other = placed(em, words(40, seed=77))
    good = placed(em, text)
    assert np.mean([p.score if p else 0.0 for p in other]) < 0.4 < 0.6 < np.mean([p.score if p else 0.0 for p in good])


def test_a_text_far_too_long_is_placed_as_far_as_there_is_room() -> None:
    em, _ = said(words(4))
    found = placed(em, words(400, seed=3))
    assert sum(p is not None for p in found) < 40
    assert placed(np.zeros((0, SYMBOLS), np.float32), words(3)) == [None, None, None]
