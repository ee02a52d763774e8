"""What the machine proposes of speakers and languages: seen as proposed, unsure or at once, told apart without colour, and mended."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speech import formats
from tests.ui_element import sessions
from tests.ui_element.conftest import Desk, Site

ROOT = "document.querySelector('speech-review').shadowRoot"
IN_SIGHT_MS = 12_000
"""How much of a recording the wave shows at first."""
Grey = NDArray[np.float64]


@pytest.fixture
def mixed(open_site: Callable[..., Site], open_desk: Callable[..., Desk]) -> Desk:
    return open_desk(open_site(sessions.mixed()), sessions.MIXED)


def who(desk: Desk, id: str) -> str:
    return " ".join(str(desk.page.locator(f".row[data-id={id}] .who").inner_text()).split())


def test_a_proposed_speaker_is_told_from_a_confirmed_one_and_an_unsure_one_by_sign_and_word(mixed: Desk) -> None:
    """R9: what a person has said is said no more to be proposed; the history tells who confirmed it."""
    assert who(mixed, "m1").startswith("S1 ~ proposed")
    assert who(mixed, "m3").startswith("S1 ? unsure")
    assert who(mixed, "m6").startswith("? not sure who")
    assert "? Unsure" in mixed.page.locator(".row[data-id=m3] .status").inner_text()
    mixed.click("m1", ".when")
    mixed.page.locator(".row.chosen").focus()
    mixed.press("1")
    mixed.wait_saved()
    held = mixed.segments()["m1"]
    assert held["speaker"] == "S1" and "speaker_margin" not in held
    assert "proposed" not in who(mixed, "m1")
    mixed.press("h")
    mixed.page.locator(".panel .history").wait_for()
    assert "Speaker confirmed: S1" in mixed.page.locator(".panel .history li").first.inner_text()
    mixed.press("Escape")
    mixed.page.locator(".bar [data-act=speakers]").click()
    assert "3 segments · 2 proposed by the machine" in mixed.page.locator(".panel .speaker").first.inner_text()


def test_an_approved_segment_holds_its_speaker_for_no_proposal(mixed: Desk) -> None:
    mixed.hear_all()
    mixed.page.reload()
    mixed.page.locator(".row.chosen").wait_for()
    mixed.press("Home", "a")
    mixed.wait_saved()
    assert mixed.segments()["m1"]["status"] == "approved"
    assert "proposed" not in who(mixed, "m1")


def test_who_speaks_at_once_is_seen_in_the_list_and_on_the_wave(mixed: Desk) -> None:
    """R9: hatched where two speak; once one of them begins later, no more."""
    assert "‖ at once with S1" in who(mixed, "m2") and "‖ at once with S2" in who(mixed, "m3")
    assert "‖ two voices, words not told apart" in who(mixed, "m6")
    mixed.click("m4", ".when")
    mixed.wait_drawn()
    before = stretch(mixed, 4600, 4900)
    mixed.click("m3", ".when")
    mixed.press("Escape", "t", *["PageDown"] * 5)
    mixed.press("t")
    mixed.wait_saved()
    assert mixed.segments()["m3"]["start_ms"] == 5000
    mixed.click("m4", ".when")
    mixed.wait_drawn()
    after = stretch(mixed, 4600, 4900)
    assert (np.abs(before - after) > 30).mean() > 0.1, "in grey, too"
    assert "‖" not in who(mixed, "m3")


def test_a_rename_reaches_vtt_rttm_and_eaf(mixed: Desk, tmp_path: Path) -> None:
    """R9: read back by our readers, and the old label is in no byte of the files."""
    mixed.page.locator(".bar [data-act=speakers]").click()
    mixed.page.get_by_label("Name of speaker S1").fill("Rosa")
    mixed.page.keyboard.press("Enter")
    mixed.wait_saved()
    assert [s.get("speaker") for s in mixed.segments().values()].count("Rosa") == 3
    for name in ("vtt", "rttm", "eaf"):
        answer = mixed.page.request.get(f"{mixed.site.address}/download/{mixed.recording}?format={name}")
        assert answer.ok, (name, answer.status)
        path = tmp_path / f"taken.{name}"
        path.write_bytes(answer.body())
        speakers = {s.speaker for s in formats.read(path).segments}
        assert {"Rosa", "S2"} <= speakers and "S1" not in speakers, (name, speakers)
        assert b"S1" not in answer.body(), name


def test_languages_on_the_wave_have_a_legend_and_rows_their_codes(mixed: Desk) -> None:
    """L4: each language once, by name and code, the one that nobody knows last; a recording of one language has none of it."""
    legend = [" ".join(text.split()) for text in mixed.page.locator(".legend li").all_inner_texts()]
    assert legend == ["Kichwa (que)", "Swahili (swh)", "Yoruba (yor)", "? not known which"]
    shown = {id: mixed.page.locator(f".row[data-id={id}] .in-language [aria-hidden]").inner_text() for id in ("m1", "m2", "m4", "m5")}
    assert shown == {"m1": "que", "m2": "swh", "m4": "yor", "m5": "?"}
    assert "Language: Swahili (swh)" in str(mixed.page.locator(".row[data-id=m2] .who").evaluate("e => e.textContent"))


def test_letters_are_held_against_the_alphabet_of_the_segments_own_language(mixed: Desk) -> None:
    """ñ is a letter of Kichwa, and none of Swahili."""
    mixed.click("m1", ".when")
    assert mixed.page.locator(".strange").is_hidden() and mixed.text.get_attribute("lang") == "qu"
    mixed.page.locator(".tools select[aria-label=Language]").select_option("swh")
    mixed.wait_saved()
    assert "Not in the alphabet of Swahili: ñ" in mixed.page.locator(".strange").inner_text()
    assert mixed.text.get_attribute("lang") == "sw"
    mixed.click("m2", ".when")
    assert mixed.page.locator(".row[data-id=m1] .outside").all_inner_texts() == ["ñ"]


def test_one_language_needs_no_legend(desk: Desk) -> None:
    assert desk.page.locator(".legend").is_hidden()
    assert desk.page.locator(".in-language").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_languages_differ_in_a_greyscale_screenshot(mixed: Desk, scheme: str) -> None:
    """L4: two stretches of one language look alike, those of two languages do not; all in one colour, so that none tells them apart."""
    mixed.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its literals
    mixed.page.reload()
    mixed.page.locator(".row.chosen").wait_for()
    mixed.click("m4", ".when")
    mixed.wait_drawn()
    languages = {"m1": "que", "m2": "swh", "m4": "yor", "m5": "?"}
    looks: dict[str, list[Grey]] = {}
    for id, code in languages.items():
        start = mixed.segments()[id]["start_ms"]
        # Behind the code, before the next begins; twice for each language.
        looks[code] = [texture(band(mixed, start + 700, start + 1050)), texture(band(mixed, start + 1050, start + 1400))]
    for code, (first, second) in looks.items():
        alike = apart(first, second)
        others = [apart(one, other) for name, pair in looks.items() if name != code for one in (first, second) for other in pair]
        assert alike < 0.5 * min(others), (code, alike, others)


def test_a_wrong_language_is_corrected_with_a_row_of_its_history_and_taken_back(mixed: Desk) -> None:
    """L5: an edit like any other."""
    mixed.click("m1", ".when")
    choice = mixed.page.locator(".tools select[aria-label=Language]")
    assert choice.input_value() == "que"
    choice.select_option("swh")
    mixed.wait_saved()
    assert mixed.segments()["m1"]["language"] == "swh"
    mixed.page.locator(".row.chosen").focus()
    mixed.press("h")
    mixed.page.locator(".panel .history").wait_for()
    row = " ".join(mixed.page.locator(".panel .history li").first.inner_text().split())
    assert "Language local" in row and "Language: que → swh" in row
    mixed.press("Escape", "Control+z")
    mixed.wait_saved()
    assert mixed.segments()["m1"]["language"] == "que"
    choice.select_option("+")
    other = mixed.page.get_by_role("textbox", name="Another language")
    other.fill("Quechua")
    assert other.input_value() == "Que", "a code has three letters"
    other.fill("qu1")
    mixed.page.keyboard.press("Tab")
    assert "three letters" in mixed.page.locator(".notice").inner_text()
    other.fill("quz")
    mixed.page.keyboard.press("Tab")
    mixed.wait_saved()
    assert mixed.segments()["m1"]["language"] == "quz"
    mixed.page.locator(".legend li", has_text="quz").wait_for()


def test_what_is_approved_in_the_corrected_language_is_offered_to_learn(mixed: Desk) -> None:
    """L5: it teaches the language that a person named, and no longer the one that the machine proposed."""
    mixed.hear_all()
    mixed.page.reload()
    mixed.page.locator(".row.chosen").wait_for()
    mixed.press("Home", "a")
    mixed.wait_saved()
    assert learns(mixed) == {"que": 2000}
    mixed.page.locator(".tools select[aria-label=Language]").select_option("swh")
    mixed.wait_saved()
    assert learns(mixed) == {"swh": 2000}


def learns(desk: Desk) -> dict[str, int]:
    answer = desk.page.request.get(f"{desk.site.address}/api/learn").json()
    return {one["language"]: one["approved_ms"] for one in answer if one["approved_ms"]}


def grey(desk: Desk) -> Grey:
    """The waveform's stretch as it stands on the screen, without colour."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    with image.open(io.BytesIO(desk.page.locator(".stretch").screenshot())) as shot:
        return np.asarray(shot.convert("L"), np.float64)


def stretch(desk: Desk, from_ms: int, to_ms: int) -> Grey:
    """The part of it between two times, above the band of languages."""
    return _between(desk, from_ms, to_ms)[20:80]


def band(desk: Desk, from_ms: int, to_ms: int) -> Grey:
    """The band of languages between two times, within its edges."""
    return _between(desk, from_ms, to_ms)[-40:-22]


def _between(desk: Desk, from_ms: int, to_ms: int) -> Grey:
    pixels = grey(desk)
    scale = pixels.shape[1] / IN_SIGHT_MS
    return pixels[:, round(from_ms * scale) : round(to_ms * scale)]


def texture(pixels: Grey) -> Grey:
    """What a pattern looks like wherever it begins: how dark, and how much rows and columns of pixels differ."""
    ground = np.bincount(pixels.astype(np.int64).ravel()).argmax()
    ink = np.abs(pixels - ground) / 255
    return np.array([ink.mean(), ink.mean(axis=1).std(), ink.mean(axis=0).std()])


def apart(one: Grey, other: Grey) -> float:
    return float(np.abs(one - other).sum())
