"""A whole text on a whole recording: lines where they are said, text that was not said, speech that is not written."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest

from speech.align.laying import LayingSettings, Pauses, lay, pauses_of
from speech.align.windows import Placed, Placement, WindowSettings, place_words
from speech.models import forced

SYMBOLS, BLANK, BREAK = 12, 0, 1
Text = list[list[list[int]]]
"""Lines of words of symbols."""


def lines(count: int, seed: int = 0) -> Text:
    rng = np.random.default_rng(seed)
    return [[[int(s) for s in rng.integers(2, SYMBOLS, size=rng.integers(3, 8))] for _ in range(rng.integers(3, 9))] for _ in range(count)]


@dataclass(frozen=True)
class Said:
    """Emissions of lines that were said one after the other; the first frame of each word; stretches of speech, and levels."""

    emissions: np.ndarray
    firsts: list[list[int]]
    spans: list[tuple[int, int]]
    levels: np.ndarray

    @property
    def pauses(self) -> Pauses:
        return pauses_of(self.spans, self.levels)


def said(text: Text, *, wrong: float = 0.15, sure: float = 0.9, seed: int = 1, pause: int = 15) -> Said:
    """Some symbols are misheard, each with the probability `sure`. `pause` is the silence between lines, 0 for none."""
    rng = np.random.default_rng(seed)
    frames: list[int] = []
    firsts: list[list[int]] = []
    spans: list[tuple[int, int]] = []
    for line in text:
        frames += [BLANK] * (pause + int(rng.integers(0, 4)) if pause else 0)
        begins = len(frames)
        firsts.append([])
        for word in line:
            frames += [BREAK] + [BLANK] * int(rng.integers(0, 3))
            firsts[-1].append(len(frames))
            for symbol in word:
                frames += [symbol if rng.random() > wrong else int(rng.integers(2, SYMBOLS)), BLANK]
        spans.append((begins, len(frames)))
    frames += [BLANK] * 10
    em = np.full((len(frames), SYMBOLS), np.log((1 - sure) / (SYMBOLS - 1)), np.float32)
    em[np.arange(len(frames)), frames] = np.log(sure)
    levels = np.where([f == BREAK for f in frames], -40, -20).astype(np.float32)
    whole = spans if pause else [(spans[0][0], spans[-1][1])]
    return Said(em, firsts, whole, levels)


def placed(sound: Said, text: Text, settings: WindowSettings | None = None) -> Placed:
    words = [word for line in text for word in line]
    numbers = [number for number, line in enumerate(text) for _ in line]
    return place_words(
        sound.emissions, words, blank=BLANK, word_break=BREAK, frame_s=0.04, pauses=sound.pauses, lines=numbers, settings=settings
    )  # fmt: skip


def hits(found: Placed, firsts: list[list[int]], within: int = 2) -> float:
    """The share of words near to where they were said."""
    flat = list(itertools.chain(*firsts))
    return float(np.mean([p is not None and abs(p.first - f) <= within for p, f in zip(found.words, flat, strict=True)]))


def of_lines(found: Placed, text: Text) -> list[list[Placement | None]]:
    words = iter(found.words)
    return [[next(words) for _ in line] for line in text]


@pytest.mark.parametrize("pause", [15, 0])
@pytest.mark.parametrize("wrong", [0.0, 0.2, 0.4])
def test_words_stand_where_they_are_said(wrong: float, pause: int) -> None:
    text = lines(60)
    sound = said(text, wrong=wrong, pause=pause)
    found = placed(sound, text)
    assert hits(found, sound.firsts) > (0.98 if wrong < 0.3 else 0.9)
    assert all(len(p.symbols) == len(p.behind) == len(w) for p, w in zip(found.words, itertools.chain(*text), strict=True) if p)
    first = [p.first for p in found.words if p]
    assert first == sorted(first)
    scores = [p.score for p in found.words if p]
    assert np.mean(scores) > 0.95 if wrong == 0 else np.mean(scores) < 0.95
    if pause:
        assert np.mean([abs(found.lines[k][0] - span[0]) <= 1 for k, span in enumerate(sound.spans)]) > 0.95


def test_lines_that_were_not_said_are_left_out_and_the_rest_stays_in_place() -> None:
    spoken, extra = lines(40), lines(5, seed=9)
    sound = said(spoken)
    found = placed(sound, [*spoken[:20], *extra, *spoken[20:]])
    assert not set(range(20, 25)) & set(found.lines) and len(found.lines) == 40
    by_line = of_lines(found, [*spoken[:20], *extra, *spoken[20:]])
    assert all(p is None for line in by_line[20:25] for p in line)
    rest = Placed(words=[p for line in [*by_line[:20], *by_line[25:]] for p in line], lines={})
    assert hits(rest, sound.firsts) > 0.98


@pytest.mark.parametrize("left_out", [4, 60, 76])
def test_speech_that_is_not_written_moves_nothing_be_it_seconds_or_minutes(left_out: int) -> None:
    spoken = lines(100)
    sound = said(spoken)
    text, due = [*spoken[:20], *spoken[20 + left_out :]], [*sound.firsts[:20], *sound.firsts[20 + left_out :]]
    assert hits(placed(sound, text), due) > 0.97


def test_a_refrain_does_not_lead_astray() -> None:
    refrain = lines(3, seed=5)
    spoken = [*lines(10, seed=1), *refrain, *lines(10, seed=2), *refrain, *lines(10, seed=3), *refrain]
    sound = said(spoken)
    assert hits(placed(sound, spoken), sound.firsts) > 0.98


def test_a_recogniser_that_hears_next_to_nothing_still_finds_lines_by_pauses_and_lengths() -> None:
    """Four letters of five are misheard, and it is not sure of them: as a language is that the recogniser has not learnt."""
    text = lines(60, seed=4)
    sound = said(text, wrong=0.8, sure=0.5)
    found = placed(sound, text)
    near = [k in found.lines and abs(found.lines[k][0] - span[0]) <= 3 for k, span in enumerate(sound.spans)]
    assert np.mean(near) > 0.8
    scores = [p.score for p in found.words if p]
    assert np.mean(scores) < 0.5, "and it is not called sure"


def test_a_recogniser_that_hears_little_finds_the_text_again_behind_lines_that_are_not_written() -> None:
    """Three letters of four are misheard, and fifteen lines of eighty are not in the text: the place of a line is seen late."""
    spoken = lines(80, seed=1)
    sound = said(spoken, wrong=0.75, sure=0.6, seed=1)
    text, firsts = [*spoken[:20], *spoken[35:]], [*sound.firsts[:20], *sound.firsts[35:]]
    assert hits(placed(sound, text), firsts, within=8) > 0.9
    narrow = WindowSettings(laying=LayingSettings(starts_unclear=64))
    assert hits(placed(sound, text, narrow), firsts, within=8) < 0.6, "and not where it is tried at few places"


def test_where_nothing_at_all_is_heard_lengths_tell() -> None:
    """Every third line has a pause inside it."""
    text = lines(45, seed=11)
    sound = said(text)
    flat = np.full_like(sound.emissions, np.log(1 / SYMBOLS))
    letters = [[s for word in line for s in word] for line in text]
    joined = [[*letters[k], *(letters[k + 1] if k % 3 == 0 else [])] for k in range(45) if k % 3 != 1]
    due = [sound.spans[k][0] for k in range(45) if k % 3 != 1]
    found = lay(flat, joined, sound.pauses, blank=BLANK, word_break=None, frame_s=0.04)
    assert np.mean([place is not None and abs(place[0] - first) <= 3 for place, first in zip(found, due, strict=True)]) > 0.9


def test_a_recogniser_that_hears_other_letters_throughout_loses_no_line() -> None:
    """Every letter is heard as another, and surely; but there is just the room that the text takes, and a person can look for it."""
    text = lines(40, seed=12)
    sound = said([[[2 + (s - 2 + 5) % 10 for s in word] for word in line] for line in text], sure=0.99)
    assert len(placed(sound, text).lines) >= 36


def test_words_without_symbols_and_a_text_for_another_recording() -> None:
    text = lines(12)
    sound = said(text)
    holes = [[[], *line, []] for line in text]
    found = of_lines(placed(sound, holes), holes)
    assert all(line[0] is None and line[-1] is None and line[1] for line in found)
    other, good = placed(sound, lines(12, seed=77)), placed(sound, text)
    assert np.mean([p.score if p else 0.0 for p in other.words]) < 0.4 < 0.6 < np.mean([p.score if p else 0.0 for p in good.words])


def test_a_number_in_figures_at_the_end_of_a_line_has_its_time_in_it() -> None:
    """The last words of each line are said, and written in figures: nothing of them can be spelt."""
    said_lines = lines(30, seed=8)
    sound = said(said_lines)
    text = [line[:-2] + [[]] for line in said_lines]
    words, numbers = [w for line in text for w in line], [n for n, line in enumerate(text) for _ in line]
    figures = [len(line[-1]) + len(line[-2]) for line in said_lines]
    unheard = [figures[n] if not w else 0 for w, n in zip(words, numbers, strict=True)]

    def within(unheard: list[int] | None) -> float:
        found = place_words(
            sound.emissions, words, blank=BLANK, word_break=BREAK, frame_s=0.04, pauses=sound.pauses, lines=numbers, unheard=unheard
        )  # fmt: skip
        return float(np.mean([k in found.lines and abs(found.lines[k][1] - end) <= 3 for k, (_, end) in enumerate(sound.spans)]))

    assert within(unheard) > 0.95 > within(None) + 0.1


def test_a_text_far_too_long_no_text_and_no_sound() -> None:
    sound = said(lines(3))
    found = placed(sound, lines(80, seed=3))
    assert len(found.lines) <= 6 and sum(p is not None for p in found.words) < 60
    nothing = Said(np.zeros((0, SYMBOLS), np.float32), [], [], np.zeros(0, np.float32))
    assert placed(nothing, lines(1)).words == [None] * len(lines(1)[0]) and placed(sound, []) == Placed(words=[], lines={})


def test_a_text_without_line_breaks_is_laid_in_pieces() -> None:
    text = lines(50, seed=6)
    sound = said(text)
    one = [[word for line in text for word in line]]
    found = placed(sound, one)
    assert hits(found, sound.firsts) > 0.95
    assert found.lines[0][0] <= sound.firsts[0][0] and found.lines[0][1] >= sound.firsts[-1][-1]


def test_no_window_grows_without_end_where_the_speaker_never_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its memory would grow with the square of its length."""
    text = lines(60)
    sound = said(text, pause=0)
    frames: list[int] = []
    own = forced.align

    def noted(emissions: np.ndarray, targets: list[int], *, blank: int) -> list[forced.Placed]:
        frames.append(len(emissions))
        return own(emissions, targets, blank=blank)

    monkeypatch.setattr(forced, "align", noted)
    found = placed(sound, text, WindowSettings(longest_s=20.0))
    assert len(sound.emissions) * 0.04 > 60 and max(frames) * 0.04 < 21
    assert hits(found, sound.firsts) > 0.95


def test_pauses_are_those_between_stretches_and_dips_inside_them() -> None:
    levels = np.full(100, -20, np.float32)
    levels[[30, 66]] = -40
    found = pauses_of([(10, 50), (55, 90)], levels)
    assert found.ends.tolist() == [0, 30, 50, 66, 90] and found.starts.tolist() == [10, 30, 55, 66, 90]
    assert found.spoken.tolist() == [0, 20, 40, 51, 75]
    assert lay(np.zeros((100, 3), np.float32), [[1]], pauses_of([], levels), blank=0, word_break=None, frame_s=0.04) == [None]
