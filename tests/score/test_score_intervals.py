"""Bootstrap intervals draw recordings, repeat with their seed, and agree with a plain loop and with arithmetic."""

from __future__ import annotations

import math
import random

import pytest

from speech.score import Counts, Pair, Row, ScoreSettings, score, summary_lines
from speech.score.intervals import draw_rates, interval_of, units_of


def row(number: int, errors: int, length: int, recording: str = "") -> Row:
    counts = Counts(hits=length - errors, substitutions=errors)
    return Row(
        id=str(number), language="und", speaker=None, recording=recording or str(number), words=counts, letters=counts, code_points=counts
    )


def test_the_interval_is_that_of_the_binomial_where_clips_are_single_words() -> None:
    # 400 clips of one word, a quarter wrong: standard error sqrt(.25 * .75 / 400) = 0.02165, interval 0.25 +- 0.0424.
    rows = [row(n, int(n % 4 == 0), 1) for n in range(400)]
    drawn = draw_rates(rows, ScoreSettings(draws=4000), "all")
    assert drawn is not None
    found = interval_of(drawn, 0, 0.95)
    assert found is not None
    half = 1.96 * math.sqrt(0.25 * 0.75 / 400)
    assert found.low == pytest.approx(0.25 - half, abs=0.006)
    assert found.high == pytest.approx(0.25 + half, abs=0.006)


def test_the_interval_agrees_with_a_plain_loop() -> None:
    chance = random.Random(3)
    rows = [row(n, chance.randint(0, 5), chance.randint(5, 20), f"rec{n % 12}") for n in range(60)]
    drawn = draw_rates(rows, ScoreSettings(draws=3000), "all")
    assert drawn is not None
    found = interval_of(drawn, 0, 0.95)
    groups = [[r for r in rows if r.recording == f"rec{n}"] for n in range(12)]
    loop = []
    for _ in range(3000):
        taken = [r for g in chance.choices(groups, k=12) for r in g]
        loop.append(sum(r.words.errors for r in taken) / sum(r.words.reference for r in taken))
    loop.sort()
    assert found is not None
    assert found.low == pytest.approx(loop[75], abs=0.01)
    assert found.high == pytest.approx(loop[2924], abs=0.01)


def test_clips_of_one_recording_are_drawn_together() -> None:
    # Two recordings, one faultless, one all wrong: clips alone would give a narrow interval, recordings give 0 to 1.
    rows = [row(n, int(n < 50), 1, "a" if n < 50 else "b") for n in range(100)]
    drawn = draw_rates(rows, ScoreSettings(), "all")
    assert drawn is not None
    found = interval_of(drawn, 0, 0.95)
    assert found is not None and (found.low, found.high) == (0.0, 1.0)


def test_one_recording_draws_its_clips_and_says_so_and_one_clip_has_no_interval() -> None:
    assert units_of(["a", "a"]) == ([0, 1], "clips")
    assert units_of(["a"]) == ([0], "")
    single = score([Pair(id="1", reference="a", hypothesis="b")])
    assert single.overall.words.interval is None and single.overall.resampled == ""
    several = score([Pair(id=str(n), reference="a b", hypothesis="a c", recording="x") for n in range(3)])
    assert several.overall.resampled == "clips"
    assert any("too narrow" in line for line in summary_lines(several))


def test_the_same_seed_gives_the_same_interval_and_other_groups_do_not_move_it() -> None:
    chance = random.Random(1)
    que = [Pair(id=f"q{n}", reference="a b c d", hypothesis="a b c d"[: chance.randint(1, 7)], language="que") for n in range(20)]
    bre = [Pair(id=f"b{n}", reference="a b", hypothesis="a", language="bre") for n in range(5)]
    alone, beside = score(que).languages[0], score([*bre, *que]).languages[1]
    assert alone.name == beside.name == "que"
    assert alone.words.interval == beside.words.interval is not None
    assert score(que, ScoreSettings(seed=1)).languages[0].words.interval != alone.words.interval


def test_draws_without_a_reference_are_left_out() -> None:
    rows = [row(1, 0, 0), row(2, 1, 2)]
    drawn = draw_rates(rows, ScoreSettings(draws=200), "all")
    assert drawn is not None
    found = interval_of(drawn, 0, 0.95)
    assert found is not None and (found.low, found.high) == (0.5, 0.5)
    nothing = draw_rates([row(1, 0, 0), row(2, 0, 0)], ScoreSettings(draws=20), "all")
    assert nothing is not None and interval_of(nothing, 0, 0.95) is None
