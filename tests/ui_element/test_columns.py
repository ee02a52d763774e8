"""R11: columns from the collection's own tiers, a translation, a gloss, a note: shown, written, hidden, and taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from speech import formats
from speech.types import Segment, Transcript
from tests.app_site import Desk, Site, serve
from tests.sounds import save, tone
from tests.ui_element.conftest import site_of

TEXTS = ("kay wasi", "hatun mi", "kan mana rinki")
TIERS = {
    "spa": ("free translation", "esta casa"),
    "ara": ("free translation", "هذا البيت"),
    "gloss": ("gloss", "this house"),
    "note": ("note", "a dog barks"),
}
"""Tiers below that of the transcription: their language or type, and what they say of the first segment."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A recording with an EAF as people make it in ELAN."""
    pympi = pytest.importorskip("pympi", reason="pympi-ling is not installed (the extra dev)")
    (tmp_path / "tapes").mkdir()
    save(tmp_path / "tapes" / "told.wav", tone(6))
    file = pympi.Elan.Eaf()
    for code in ("spa", "ara"):
        file.add_language(code, code, code)
    for kind in dict.fromkeys(kind for kind, _ in TIERS.values()):
        file.add_linguistic_type(kind, constraints="Symbolic_Association")
    file.add_tier("tx@Rosa", part="Rosa")
    for n, text in enumerate(TEXTS):
        file.add_annotation("tx@Rosa", 200 + 1800 * n, 1800 + 1800 * n, text)
    for name, (kind, text) in TIERS.items():
        file.add_tier(f"{name}@Rosa", ling=kind, parent="tx@Rosa", part="Rosa", **({"language": name} if len(name) == 3 else {}))
        file.add_ref_annotation(f"{name}@Rosa", "tx@Rosa", 300, text)
    file.remove_tier("default")
    file.to_file(tmp_path / "tapes" / "told.eaf")
    with serve(site_of(tmp_path)) as made:
        yield made


def columns(desk: Desk, *shown: str) -> None:
    """Show these columns and no others."""
    desk.page.locator(".bar [data-act=settings]").click()
    boxes = desk.page.locator(".panel fieldset").last.get_by_role("checkbox")
    for n in range(boxes.count()):
        name = boxes.nth(n).evaluate("box => box.parentNode.textContent")
        boxes.nth(n).set_checked(any(one in name for one in shown))
    desk.press("Escape")


def taken(desk: Desk, folder: Path) -> tuple[Transcript, list[Segment]]:
    """The EAF that the app gives, read back."""
    answer = desk.page.request.get(f"{desk.site.address}/download/{desk.recording}?format=eaf")
    assert answer.ok
    (folder / "taken.eaf").write_bytes(answer.body())
    found = formats.read(folder / "taken.eaf")
    return found, list(found.segments)


def said(segment: Segment) -> dict[str, str]:
    return {one.language: one.text for one in segment.translations} | {f"note {n}": note for n, note in enumerate(segment.notes, 1)}


def test_a_collections_tiers_are_columns_with_their_language_and_direction(site: Site, open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(site, "told.wav")
    columns(desk, "(spa)", "(ara)", "(gloss)", "Note")
    desk.press("ArrowDown")
    first = desk.page.locator(".row").filter(has_text=TEXTS[0]).locator(".column div")
    seen = {
        str(cell["text"]): (cell["lang"], cell["direction"])
        for cell in first.evaluate_all(
            "all => all.map(e => ({ text: e.textContent, lang: e.getAttribute('lang'), direction: getComputedStyle(e).direction }))"
        )
    }
    assert seen == {"esta casa": ("es", "ltr"), "هذا البيت": ("ar", "rtl"), "this house": (None, "ltr"), "a dog barks": (None, "ltr")}
    fields = desk.page.locator(".fields textarea")
    assert fields.evaluate_all("all => all.map(e => e.lang)") == [{"spa": "es", "ara": "ar"}.get(n, "") for n in shown_order(desk)]
    fields.nth(shown_order(desk).index("ara")).fill("كبير")
    assert fields.nth(shown_order(desk).index("ara")).evaluate("e => getComputedStyle(e).direction") == "rtl"


def shown_order(desk: Desk) -> list[str]:
    """The columns as they stand, by what their headings name."""
    heads = desk.page.locator(".head .column").all_inner_texts()
    return [next(name for name in TIERS if f"({name})" in head or (name == "note" and "Note" in head)) for head in heads]


def test_what_is_written_and_what_is_hidden_is_in_the_eaf_and_reads_back(
    site: Site, open_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    desk = open_desk(site, "told.wav")
    before, segments = taken(desk, tmp_path)
    assert said(segments[0]) == {"spa": "esta casa", "ara": "هذا البيت", "gloss": "this house", "note 1": "a dog barks"}
    columns(desk, "(ara)", "Note")
    desk.press("ArrowDown")
    order = shown_order(desk)
    desk.page.locator(".fields textarea").nth(order.index("ara")).fill("كبير هو")
    desk.page.locator(".fields textarea").nth(order.index("note")).fill("ask Rosa\nwind")
    desk.press("Escape")
    desk.wait_saved()
    columns(desk)
    assert desk.page.locator(".fields textarea").count() == 0
    desk.press("ArrowUp", "Enter")
    desk.page.keyboard.type(" mi")
    desk.press("Enter")
    desk.wait_saved()
    _, segments = taken(desk, tmp_path)
    assert [s.text for s in segments] == ["kay wasi mi", *TEXTS[1:]]
    assert said(segments[0]) == {"spa": "esta casa", "ara": "هذا البيت", "gloss": "this house", "note 1": "a dog barks"}
    assert said(segments[1]) == {"ara": "كبير هو", "note 1": "ask Rosa", "note 2": "wind"}
    assert said(segments[2]) == {}
