"""The reports of who speaks and in which language are what their kept rows print, and their figures are counted right."""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np
import pytest

from tests.conftest import REPOSITORY

DOCS = REPOSITORY / "docs"


@pytest.fixture
def diarise_page(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(REPOSITORY / "recipes"))
    return importlib.import_module("diarise_page")


@pytest.fixture
def lid_page(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(REPOSITORY / "recipes"))
    return importlib.import_module("lid_page")


def test_the_page_of_error_rates_and_its_plots_are_printed_from_the_rows_that_were_kept(diarise_page: ModuleType) -> None:
    report = diarise_page.kept(diarise_page.KEPT, diarise_page.KEPT_PIPELINE)
    assert diarise_page.page(report) == (DOCS / "diarise_scores.md").read_text(encoding="utf-8")
    for plot in diarise_page.PLOTS:
        assert plot.draw(report) + "\n" == (DOCS / "images" / plot.file).read_text(encoding="utf-8")


def test_the_page_of_languages_and_its_plots_are_printed_from_the_figures_that_were_kept(lid_page: ModuleType) -> None:
    figures = lid_page.kept(lid_page.KEPT, lid_page.KEPT_UNHEARD)
    assert lid_page.page(figures) == (DOCS / "lid_scores.md").read_text(encoding="utf-8")
    for plot in lid_page.plots(figures):
        assert plot.draw(figures) + "\n" == (DOCS / "images" / plot.file).read_text(encoding="utf-8")


@pytest.fixture
def voice_page(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    pytest.importorskip("librosa", reason="the extra tts (librosa) is not installed")
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.syspath_prepend(str(REPOSITORY / "recipes"))
    return importlib.import_module("score_voice")


@pytest.fixture
def augment_page(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.syspath_prepend(str(REPOSITORY / "recipes"))
    return importlib.import_module("augment_with_speech")


def test_the_page_of_voices_and_its_curves_are_printed_from_the_cards_that_were_kept(voice_page: ModuleType) -> None:
    cards = voice_page.read()
    assert cards and voice_page.page(cards) == (DOCS / "voice_scores.md").read_text(encoding="utf-8")
    for card in cards:
        if "tones" in card:
            drawn = voice_page.curves_of(card) + "\n"
            assert drawn == (DOCS / "images" / "voice" / f"{card['name']}_{card['language']}.svg").read_text(encoding="utf-8")


def test_tones_are_followed_from_where_the_voice_sets_in(voice_page: ModuleType) -> None:
    absent = [np.nan] * 5
    found = voice_page.contour(np.array([*absent, *np.linspace(100, 200, 101), *absent]))
    # From 100 to 200 Hz in equal steps; a tenth is left out at either end.
    assert found == pytest.approx(np.linspace(110, 190, voice_page.POINTS))
    assert len(voice_page.contour(np.array([100.0, *absent, 120.0]))) == 0


def test_the_page_of_synthetic_speech_is_printed_from_the_cards_that_were_kept(augment_page: ModuleType) -> None:
    assert augment_page.page() == (DOCS / "augment_scores.md").read_text(encoding="utf-8")


def test_a_pair_of_runs_is_compared_on_the_same_clips(augment_page: ModuleType) -> None:
    plain = [[10, 100, 5, 10]] * 6
    # Two letters of a hundred fewer in each clip, however they are drawn; as many words.
    assert augment_page.difference(plain, [[8, 100, 5, 10]] * 6, "CER") == "CER -2.0 (-2.0 to -2.0), it helps"
    assert augment_page.difference(plain, [[13, 100, 5, 10]] * 6, "CER") == "CER +3.0 (+3.0 to +3.0), it harms"
    assert augment_page.difference(plain, plain, "WER").endswith("no difference is shown")
    mixed = [[0, 100, 5, 10], [20, 100, 5, 10]] * 3
    assert augment_page.difference(plain, mixed, "CER").startswith("CER +0.0 (-") and "no difference" in augment_page.difference(
        plain, mixed, "CER"
    )


def test_a_rate_is_over_all_recordings_and_its_interval_lies_between_the_best_and_the_worst(diarise_page: ModuleType) -> None:
    def row(**counts: int) -> object:
        return diarise_page.Parts(collar_ms=0, speakers=2, found=2, **counts)

    rows = [row(total=1000, missed=100, false=0, confused=0), row(total=3000, missed=300, false=300, confused=600)]
    rate, low, high = diarise_page.interval(rows)
    assert rate == pytest.approx(1300 / 4000)
    assert low == pytest.approx(0.1) and high == pytest.approx(0.4)  # both draws alike: a quarter of all draws each


def test_margins_are_binned_with_their_sum_and_how_many_are_right(diarise_page: ModuleType) -> None:
    bins = diarise_page.binned("a set", "embedded", [(0.2, False), (0.5, True), (0.6, False), (1.0, True)])
    assert [(b.turns, b.right) for b in bins] == [(1, 0), (2, 1), (0, 0), (0, 0), (1, 1)]
    assert [b.sum for b in bins] == pytest.approx([0.2, 1.1, 0, 0, 1.0])
    assert diarise_page.reliability(bins[:2]) == ["3", "43", "33"]
    assert diarise_page.reliability(bins[2:3]) == ["0", "", ""]


def test_rows_that_are_kept_come_back(diarise_page: ModuleType, lid_page: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("kept")
    report = diarise_page.kept(diarise_page.KEPT, diarise_page.KEPT_PIPELINE)
    diarise_page.keep(report, folder / "a.jsonl")
    assert diarise_page.kept(folder / "a.jsonl", folder / "not there.jsonl") == report
    figures = lid_page.kept(lid_page.KEPT)
    lid_page.keep(figures, folder / "b.jsonl")
    assert lid_page.kept(folder / "b.jsonl").rows == figures.rows


@pytest.mark.parametrize(
    ("count", "of", "expected"),
    [
        (0, 20, (0.0, 0.0, 3.8416 / 23.8416)),  # by hand: z² / (n + z²)
        (20, 20, (1.0, 20 / 23.8416, 1.0)),
        (10, 20, (0.5, 0.2993, 0.7007)),  # 0.5 ± 1.96 / (2 √(n + z²))
    ],
)
def test_a_share_has_wilsons_interval(lid_page: ModuleType, count: int, of: int, expected: tuple[float, float, float]) -> None:
    assert lid_page.wilson(count, of) == pytest.approx(expected, abs=1e-4)


def test_a_share_of_nothing_is_a_dash(lid_page: ModuleType) -> None:
    figures = lid_page.Figures([lid_page.Figure(table="new", row="a", seconds=1, column="told", value=0, of=0)])
    assert figures.share("new", "a", "told", 1) == "–" and figures.share("new", "b", "told", 1) == "–"
