"""The learning curve: which parts are learnt from, the line through the points, what is said and drawn of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree

from speech.adapt import minutes
from speech.adapt.minutes import Point, forecast, parts_of


def line(sizes: tuple[float, ...], at_one: float, slope: float) -> list[Point]:
    return [Point(minutes=m, cer=at_one * m**-slope, low=at_one * m**-slope * 0.96, high=at_one * m**-slope * 1.04) for m in sizes]


@pytest.mark.parametrize(
    ("every", "parts"), [(1.0, ()), (3.0, (1.25, 2.5)), (10.0, (1.25, 2.5, 5.0)), (26.0, (5.0, 10.0, 20.0)), (22.0, (2.5, 5.0, 10.0))]
)
def test_parts_are_the_largest_that_are_clearly_less(every: float, parts: tuple[float, ...]) -> None:
    assert parts_of(every) == parts


def test_a_power_law_is_found_again_and_its_range_holds_it() -> None:
    found = forecast(line((5, 10, 20, 26), 0.9, 0.3), 52)
    assert found is not None and found.cer == pytest.approx(0.9 * 52**-0.3, rel=1e-6)
    assert found.low < found.cer < found.high


def test_points_that_are_unsure_give_a_wider_range() -> None:
    sure = line((5, 10, 20), 0.9, 0.3)
    unsure = [Point(minutes=p.minutes, cer=p.cer, low=p.cer * 0.8, high=p.cer * 1.2) for p in sure]
    narrow, wide = forecast(sure, 40), forecast(unsure, 40)
    assert narrow and wide and wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_more_speech_is_not_forecast_to_harm() -> None:
    rising = [Point(minutes=m, cer=c) for m, c in ((5, 0.5), (10, 0.55), (20, 0.6))]
    found = forecast(rising, 40)
    assert found is not None and 0.54 < found.cer < 0.58


def test_where_the_curve_bends_less_is_promised() -> None:
    steep = line((5, 10, 20), 0.9, 0.4)
    flat = [*steep, Point(minutes=26, cer=steep[-1].cer * 0.995, low=steep[-1].cer * 0.95, high=steep[-1].cer * 1.04)]
    found = forecast(flat, 52)
    assert found and found.high > 0.98 * flat[-1].cer
    assert found.cer > forecast(steep, 52).cer * 1.15  # type: ignore[union-attr]  # three points give one


def test_two_points_make_no_forecast_and_that_is_said() -> None:
    points = line((5, 10), 0.9, 0.3)
    assert forecast(points, 20) is None
    assert "too few" in minutes.lines(points, None)[-1]


def test_a_forecast_is_marked_as_one_in_words_numbers_and_picture(tmp_path: Path) -> None:
    points = line((5, 10, 20), 0.9, 0.3)
    expected = forecast(points, 40)
    assert "a forecast, not measured" in minutes.lines(points, expected)[-1]
    told, picture = minutes.write(tmp_path, points, expected, title="<zzz> & more")
    assert json.loads(told.read_text(encoding="utf-8"))["forecast"]["minutes"] == 40
    root = etree.fromstring(picture.read_bytes())
    texts = [t.text for t in root.iter("{*}text")]
    assert texts[0] == "<zzz> & more" and any(t and t.startswith("forecast") for t in texts)
    assert len(list(root.iter("{*}circle"))) == len(points)  # what was not measured has no dot
