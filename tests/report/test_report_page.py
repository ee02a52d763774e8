"""Pages are well formed, escaped, and can be read by ear."""

from __future__ import annotations

import itertools
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from speech.report import (
    Band,
    Curve,
    Lane,
    Markup,
    calibration_plot,
    curves_plot,
    element,
    figure,
    interval_plot,
    isolated,
    page,
    section,
    table,
    timeline_plot,
)

VOID = {"meta", "br", "hr"}


class Balance(HTMLParser):
    """Counts what opens and what closes, and keeps the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.said = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data


def read(made: str) -> Balance:
    reader = Balance()
    reader.feed(made)
    reader.close()
    assert reader.open == []
    return reader


@settings(max_examples=100, derandomize=True, database=None, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_text_and_never_markup(value: str) -> None:
    plain = read(page("t", element("p", "x", title="a")))
    made = read(page(value, element("p", value, title=value), table(value, ["a"], [[value]])))
    assert made.seen == [*plain.seen, "div", "table", "caption", "thead", "tr", "th", "tbody", "tr", "th", "bdi"]


def test_attributes_cannot_be_left() -> None:
    made = element("p", title='" onclick="x', class_="a", aria_label="b", lang=None)
    assert made == '<p title="&quot; onclick=&quot;x" class="a" aria-label="b"></p>'


def test_markup_passes_once_and_text_does_not() -> None:
    assert element("p", Markup("<br>"), "<br>") == "<p><br>&lt;br&gt;</p>"


def test_text_stands_in_an_isolate_of_its_own_direction() -> None:
    assert isolated("שלום\u202e", language="heb") == '<bdi dir="auto" lang="heb">שלום\u202e</bdi>'


def test_a_table_has_a_caption_and_headings_with_scope() -> None:
    made = table("Rates", ["Language", "WER"], [["que", "1 %"]], numbers=[1])
    assert "<caption>Rates</caption>" in made
    assert '<th scope="col">Language</th>' in made and '<th scope="row"><bdi dir="auto">que</bdi></th>' in made
    assert '<td class="number">' in made


def test_a_page_names_its_language_and_its_headings_go_down_by_one() -> None:
    made = page("Title", section("Part", section("Smaller", level=3)), language="en")
    assert made.startswith("<!DOCTYPE html>\n<html") and 'lang="en"' in made
    assert [tag for tag in read(made).seen if tag in ("h1", "h2", "h3")] == ["h1", "h2", "h3"]


@pytest.mark.parametrize(
    "bands",
    [
        [],
        [Band(name="que", value=0.0)],
        [Band(name="<&>" * 20, value=0.12, low=0.1, high=0.2), Band(name="b", value=1.7, low=1.2, high=2.5)],
        [Band(name="x", value=37.0)],
    ],
)
def test_an_interval_plot_is_svg_with_its_figures_in_words(bands: list[Band]) -> None:
    made = interval_plot("WER", bands)
    tree = etree.fromstring(made)
    name = "{http://www.w3.org/2000/svg}"
    assert len(tree.findall(f"{name}circle")) == len(bands)
    assert tree.findtext(f"{name}title") == "WER" and tree.get("role") == "img"
    for band in bands:
        assert f"{100 * band.value:.1f} %" in (tree.findtext(f"{name}desc") or "")
    width = float(tree.get("width") or 0)
    assert all(0 <= float(c.get("cx") or -1) <= width for c in tree.findall(f"{name}circle"))


def test_a_group_of_bands_has_its_heading_above_it_and_room_for_it() -> None:
    bands = [Band(name="a", value=0.1, heading="Near"), Band(name="b", value=0.2), Band(name="a", value=0.3, heading="Far")]
    tree = etree.fromstring(interval_plot("DER", bands))
    name = "{http://www.w3.org/2000/svg}"
    above = {t.text: float(t.get("y") or 0) for t in tree.findall(f"{name}text") if t.get("font-weight")}
    dots = [float(c.get("cy") or 0) for c in tree.findall(f"{name}circle")]
    assert list(above) == ["Near", "Far"]
    rows = [above["Near"] - 5, dots[0], dots[1], above["Far"] - 5, dots[2], float(tree.get("height") or 0) - 20]
    assert [b - a for a, b in itertools.pairwise(rows)] == [24.0] * 5  # letters stand 5 below the middle of their row
    assert tree.findtext(f"{name}desc") == "Near: a 10.0 %; b 20.0 %; Far: a 30.0 %"


def test_a_calibration_plot_says_what_it_counts() -> None:
    tree = etree.fromstring(calibration_plot("Margins", [(0.5, 0.25, 4)], across="margin", counted="turns"))
    name = "{http://www.w3.org/2000/svg}"
    assert tree.findtext(f"{name}desc") == "margin 0.50: 0.25 right, 4 turns"
    said = {t.text for t in tree.findall(f"{name}text")}
    assert {"margin", "share of turns that are right"} <= said and not any("word" in (t or "") for t in said)


def test_a_calibration_plot_places_its_bins() -> None:
    tree = etree.fromstring(calibration_plot("Calibration", [(0.0, 0.0, 1), (1.0, 1.0, 100)]))
    low, high = tree.findall("{http://www.w3.org/2000/svg}circle")
    # The frame is 360 wide with an edge of 48: both ends of the diagonal.
    assert (low.get("cx"), low.get("cy"), high.get("cx"), high.get("cy")) == ("48", "312", "312", "48")
    assert float(high.get("r") or 0) > float(low.get("r") or 0)


def test_curves_stand_side_by_side_on_one_scale() -> None:
    tree = etree.fromstring(
        curves_plot("Tones", [Curve(name="high", values=(2.0, 2.0)), Curve(name="<falling>", values=(1.0, 0.0, -2.0))], unit="st")
    )
    name = "{http://www.w3.org/2000/svg}"
    level, falling = [
        [tuple(map(float, p.split(","))) for p in (line.get("points") or "").split()] for line in tree.findall(f"{name}polyline")
    ]
    assert level[0][1] == level[1][1] == 34 and falling[2][1] == 154  # the highest value is at the top of 120, the lowest at the bottom
    assert falling[1][1] == 94 and level[1][0] < falling[0][0] and falling[1][0] == (falling[0][0] + falling[2][0]) / 2
    assert tree.findtext(f"{name}desc") == "In st: high from +2.0 to +2.0; <falling> from +1.0 to -2.0"
    assert etree.fromstring(curves_plot("Nothing", [], unit="st")).findtext(f"{name}title") == "Nothing"


def test_a_timeline_places_its_bars_and_says_them() -> None:
    lanes = [Lane(name="S1", bars=[(0, 5_000, "que")]), Lane(name="S2", bars=[(4_000, 10_000, "")])]
    tree = etree.fromstring(timeline_plot("Turns", lanes, 10_000, shaded=[(4_000, 5_000)]))
    shade, first, second = tree.findall("{http://www.w3.org/2000/svg}rect")
    left, right = (float(second.get("x") or 0), float(second.get("x") or 0) + float(second.get("width") or 0))
    assert right == 960 - 16 and float(first.get("width") or 0) == pytest.approx(5 / 6 * (right - left), abs=0.1)
    assert float(shade.get("x") or 0) == pytest.approx(left, abs=0.1)
    assert float(first.get("y") or 0) < float(second.get("y") or 0)
    assert tree.findtext("{http://www.w3.org/2000/svg}desc") == "S1: 0.0 to 5.0 s que; S2: 4.0 to 10.0 s"


def test_a_figure_has_a_caption() -> None:
    assert "<figcaption>Rates by language</figcaption>" in figure(Markup("<svg></svg>"), "Rates by language")
