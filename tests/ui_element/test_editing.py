"""Text, order of work, splitting and joining, speakers, states: what an edit becomes in the store."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speech import formats
from speech.types import Transcript, id_number
from tests.ui_element import sessions
from tests.ui_element.conftest import Desk, Site

STACKED = "ẹ̀"


def test_enter_saves_goes_on_and_plays(desk: Desk) -> None:
    desk.list()
    desk.press("Enter")
    assert desk.focus() == "textarea"
    desk.page.keyboard.type(" ari")
    desk.press("Enter")
    assert desk.chosen == "a2"
    assert desk.focus() == "textarea"
    desk.page.wait_for_function("() => !document.querySelector('speech-review').shadowRoot.querySelector('audio').paused")
    desk.wait_saved()
    assert desk.segments()["a1"]["text"] == sessions.SENTENCES[0] + " ari"
    assert desk.segments()["a1"]["status"] == "edited"


def test_enter_skips_no_segment_and_stops_at_the_last(desk: Desk) -> None:
    desk.press("Enter")
    seen = [desk.chosen]
    for _ in range(11):
        desk.press("Enter")
        seen.append(desk.chosen)
    assert seen == [f"a{n}" for n in range(1, 13)]
    desk.press("Enter")
    assert desk.chosen == "a12"
    assert desk.focus() == "textarea"
    desk.press("Shift+Enter")
    assert desk.chosen == "a11"


def test_text_is_saved_composed_half_a_second_after_the_last_key(desk: Desk) -> None:
    desk.press("Enter")
    desk.text.fill("cafe\u0301 n\u0303uka")
    desk.wait_saved()
    assert desk.segments()["a1"]["text"] == unicodedata.normalize("NFC", "cafe\u0301 n\u0303uka")
    assert desk.text.evaluate("e => [e.spellcheck, e.autocapitalize, e.getAttribute('autocorrect'), e.autocomplete]") == [
        False, "none", "off", "off",
    ]  # fmt: skip


def test_enter_does_not_break_a_composition(desk: Desk) -> None:
    desk.press("Enter")
    composing = """field => {
        field.dispatchEvent(new CompositionEvent('compositionstart', {bubbles: true, composed: true}));
        field.value += ' ni'; field.dispatchEvent(new InputEvent('input', {bubbles: true, composed: true, isComposing: true}));
        const key = new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, composed: true, cancelable: true, isComposing: true});
        return field.dispatchEvent(key);
    }"""
    assert desk.text.evaluate(composing), "the key was taken from the input method"
    desk.page.wait_for_timeout(800)
    assert desk.chosen == "a1"
    assert desk.segments()["a1"]["text"] == sessions.SENTENCES[0], "half a composition was saved"
    desk.text.evaluate("field => field.dispatchEvent(new CompositionEvent('compositionend', {bubbles: true, composed: true, data: ' ni'}))")
    desk.wait_saved()
    assert desk.segments()["a1"]["text"] == sessions.SENTENCES[0] + " ni"


SCRIPTS = ("ɛ̃́ŋɡbɔ̀", "ጸሐይ ወጣች", "ߒߞߏ ߁߂", "مدرسة ١٢", "भाषा", "ภาษา", "ᏣᎳᎩ", "ⵜⴰⵎⴰⵣⵉⵖⵜ", "漢字かな", "𞤀𞤣𞤤𞤢𞤥")


def test_scripts_come_back_as_they_were_typed(desk: Desk) -> None:
    desk.press("Enter")
    for text in SCRIPTS:
        desk.text.fill(text)
        desk.press("Enter")
    desk.wait_saved()
    composed = [unicodedata.normalize("NFC", text) for text in SCRIPTS]
    held = desk.segments()
    assert [held[f"a{n}"]["text"] for n in range(1, 11)] == composed
    desk.page.reload()
    desk.page.locator(".row.chosen").wait_for()
    for n, text in enumerate(composed, start=1):
        desk.click(f"a{n}", ".when")
        assert desk.text.input_value() == text


def test_text_is_never_read_as_html(desk: Desk) -> None:
    desk.press("Enter")
    desk.text.fill("<img src=x onerror=alert(1)> & <b>b</b>")
    desk.press("Enter")
    desk.wait_saved()
    row = desk.page.locator(".row[data-id=a1] .words")
    assert row.inner_text() == "<img src=x onerror=alert(1)> & <b>b</b>"
    assert row.locator("img, b").count() == 0


def test_letters_outside_the_alphabet_are_marked_not_blocked(desk: Desk) -> None:
    desk.press("Enter")
    desk.text.fill("ñuka ßasi")
    assert "ß" in desk.page.locator(".strange").inner_text()
    desk.press("Enter")
    desk.wait_saved()
    assert desk.page.locator(".row[data-id=a1] .outside").all_inner_texts() == ["ß"]
    assert desk.segments()["a1"]["text"] == "ñuka ßasi"


def test_split_merge_nudge_add_and_delete_are_each_undone(desk: Desk) -> None:
    start = desk.segments()

    def undone(*keys: str) -> dict[str, dict[str, Any]]:
        desk.press(*keys)
        desk.wait_saved()
        after = desk.segments()
        assert after != start
        desk.press("Control+z")
        desk.wait_saved()
        assert desk.segments() == start
        assert desk.focus().startswith("row")
        return after

    desk.press("Home", "ArrowRight")
    moved = undone("s")
    parts = sorted((s for s in moved.values() if s["start_ms"] < 2500), key=lambda s: int(s["start_ms"]))
    assert [(p["start_ms"], p["end_ms"]) for p in parts] == [(500, 2000), (2000, 2500)]
    assert all(isinstance(p[k], int) for p in parts for k in ("start_ms", "end_ms"))
    merged = undone("Home", "m")
    assert "a2" not in merged
    assert merged["a1"]["end_ms"] == 5000
    assert [t["text"] for t in merged["a1"]["translations"]] == ["frase 1 frase 2"]
    nudged = undone("Home", "t", "ArrowRight", "ArrowRight", "Shift+ArrowLeft", "Shift+PageUp")
    assert (nudged["a1"]["start_ms"], nudged["a1"]["end_ms"]) == (520, 2390)
    desk.press("t")
    gone = undone("Home", "Delete")
    assert "a1" not in gone


def read_back(desk: Desk, folder: Path, format: str = "eaf") -> Transcript:
    """What a file holds that the app gives of the recording as it is now."""
    answer = desk.page.request.get(f"{desk.site.address}/download/{desk.recording}?format={format}")
    assert answer.ok, answer.status
    path = folder / f"taken.{format}"
    path.write_bytes(answer.body())
    return formats.read(path)


def test_what_was_split_joined_moved_added_and_deleted_is_in_the_eaf(desk: Desk, tmp_path: Path) -> None:
    """R8: all of it in one file, read back: the same whole milliseconds, texts, speakers and translations as in the store."""
    desk.press("Home", "ArrowRight", "s")
    desk.click("a2", ".when")
    desk.press("m")
    desk.click("a5", ".when")
    desk.press("t", "ArrowRight", "Shift+PageUp", "t")
    desk.click("a6", ".when")
    desk.press("Delete")
    desk.click("a12", ".when")
    desk.page.evaluate("document.querySelector('speech-review').shadowRoot.querySelector('audio').currentTime = 30.6")
    desk.page.locator(".bar [data-act=add]").click()
    desk.page.keyboard.type("ari")
    desk.press("Enter")
    desk.wait_saved()
    held = desk.segments()
    assert len(held) == 12 and "a6" not in held and "a4" not in held
    assert (held["a5"]["start_ms"], held["a5"]["end_ms"]) == (10510, 12400)
    taken = read_back(desk, tmp_path).segments
    found = [(s.span.start_ms, s.span.end_ms, s.text, s.speaker, [(t.language, t.text) for t in s.translations]) for s in taken]
    assert found == sorted(
        (s["start_ms"], s["end_ms"], s["text"], s.get("speaker"), [(t["language"], t["text"]) for t in s.get("translations", ())])
        for s in held.values()
    )
    assert {s.id for s in taken} >= {id for id in held if id_number(id)}  # ELAN numbers the others


def test_split_at_the_caret_and_add_in_a_gap(desk: Desk) -> None:
    desk.press("Enter")
    desk.text.evaluate("field => field.setSelectionRange(5, 5)")
    desk.page.locator(".tools [data-act=split]").click()
    desk.wait_saved()
    texts = [s["text"] for s in sorted(desk.segments().values(), key=lambda s: int(s["start_ms"]))][:2]
    assert texts == ["ñuka", "wasi hatun kan"]
    desk.click("a2", ".when")
    desk.page.evaluate("document.querySelector('speech-review').shadowRoot.querySelector('audio').currentTime = 30.6")
    desk.page.locator(".bar [data-act=add]").click()
    desk.page.keyboard.type("ari")
    desk.press("Enter")
    desk.wait_saved()
    added = max(desk.segments().values(), key=lambda s: int(s["start_ms"]))
    assert (added["start_ms"], added["text"], added["status"]) == (30600, "ari", "edited")
    assert added["end_ms"] <= 32_000


def test_times_that_must_not_be_are_said_and_not_sent(desk: Desk) -> None:
    desk.press("Home", "t")
    for _ in range(10):
        desk.press("Shift+PageDown")
    desk.wait_saved()
    ends = desk.segments()["a1"]["end_ms"]
    assert ends == 3000
    assert "already speaks there" in desk.page.locator(".notice").inner_text()


def test_a_digit_gives_a_speaker_and_renaming_holds_everywhere(desk: Desk) -> None:
    desk.press("Home", "2")
    desk.wait_saved()
    assert desk.segments()["a1"]["speaker"] == "B"
    desk.page.locator(".bar [data-act=speakers]").click()
    desk.page.get_by_label("Name of speaker B").fill("Rosa")
    desk.page.keyboard.press("Enter")
    desk.wait_saved()
    speakers = [s["speaker"] for s in desk.segments().values()]
    assert "B" not in speakers
    assert speakers.count("Rosa") == 5
    desk.page.get_by_label("Name of speaker Rosa").fill("A")
    assert "one speaker" in desk.page.locator(".panel").inner_text()
    desk.page.keyboard.press("Enter")
    desk.wait_saved()
    assert {s["speaker"] for s in desk.segments().values()} == {"A"}
    desk.press("Escape")
    desk.press("Control+z")
    desk.wait_saved()
    assert [s["speaker"] for s in desk.segments().values()].count("Rosa") == 5


def test_a_speaker_may_be_unsure_or_new(desk: Desk) -> None:
    desk.press("Home")
    select = desk.page.locator(".tools select[aria-label=Speaker]")
    select.select_option("?")
    desk.wait_saved()
    assert desk.segments()["a1"].get("speaker") is None
    select.select_option("+")
    desk.page.get_by_role("textbox", name="New speaker").fill("Luz")
    desk.page.keyboard.press("Tab")
    desk.wait_saved()
    assert desk.segments()["a1"]["speaker"] == "Luz"


def test_speakers_who_talk_at_once_are_seen(site: Site, open_desk: Callable[..., Desk]) -> None:
    from speech.review import edits
    from speech.ui.users import LOCAL

    id = site.ids[sessions.SMALL]
    version = edits.segments_of(site.store, id).versions["a3"]
    asked = {"act": "times", "segment": "a3", "start_ms": 4500, "end_ms": 7500}
    edits.record(site.store, id, person=LOCAL, id="x1", base={"a3": version}, asked=asked)
    desk = open_desk(site)
    assert "at once with B" in desk.page.locator(".row[data-id=a2]").inner_text()


def test_approving_what_was_not_heard_is_asked(desk: Desk) -> None:
    desk.press("Home", "a")
    assert desk.page.locator(".ask").is_visible()
    desk.wait_saved()
    assert desk.segments()["a1"]["status"] == "draft"
    desk.press("a")
    desk.wait_saved()
    assert desk.segments()["a1"]["status"] == "approved"
    assert "1 of 12 approved" in desk.page.locator(".counts").inner_text()


def test_what_was_heard_to_its_end_is_approved_at_once(desk: Desk) -> None:
    for _ in range(10):
        desk.press("+")
    desk.press("Home", " ")
    desk.page.locator(".row[data-id=a1] .unheard").wait_for(state="detached")
    desk.press("Control+Shift+Enter")
    assert desk.chosen == "a2"
    desk.wait_saved()
    assert desk.segments()["a1"]["status"] == "approved"


def test_unsure_has_a_reason_and_filters_agree_with_counts(desk: Desk) -> None:
    desk.press("Home", "u")
    desk.page.get_by_label("Why unsure").select_option("two voices")
    desk.click("a2", ".when")
    desk.press("x")
    desk.wait_saved()
    assert desk.segments()["a1"]["unsure_reason"] == "two voices"
    assert desk.segments()["a2"]["status"] == "not_speech"
    desk.page.get_by_label("Show").select_option("unsure")
    assert [r.get_attribute("data-id") for r in desk.page.locator(".scroller .row").all()] == ["a1"]
    assert "1 unsure" in desk.page.locator(".counts").inner_text()
    desk.press("Tab")
    desk.click("a1", ".when")
    desk.press("u")
    desk.wait_saved()
    assert desk.page.locator(".scroller .row").count() == 1, "the list was changed under the hand"
    desk.page.get_by_label("Show").select_option("approved")
    assert "Nothing is approved yet." in desk.page.locator(".empty").inner_text()
    desk.page.get_by_role("button", name="Show all segments").click()
    assert desk.page.locator(".scroller .row").count() > 3


def test_orders_are_those_of_the_server_with_a_reason_a_row(desk: Desk) -> None:
    wanted = desk.page.request.get(f"{desk.site.address}/api/recordings/{desk.recording}/order?by=teaches").json()
    desk.page.get_by_label("Order", exact=True).select_option("teaches")
    desk.page.locator(".reason").first.wait_for()
    shown = desk.page.evaluate(
        "[...document.querySelector('speech-review').shadowRoot.querySelectorAll('.scroller .row')].map(r => r.dataset.id)"
    )
    assert shown == [one["id"] for one in wanted][: len(shown)]
    desk.click(shown[0], ".when")
    desk.press("Enter")
    desk.page.keyboard.type(" ari")
    desk.press("Enter")
    desk.wait_saved()
    assert desk.chosen == shown[1]


def test_a_hidden_column_keeps_what_is_in_it(desk: Desk) -> None:
    desk.page.locator(".bar [data-act=settings]").click()
    desk.page.get_by_role("checkbox", name="Translation (es)").check()
    desk.page.get_by_role("checkbox", name="Note").check()
    desk.press("Escape")
    desk.click("a2", ".when")
    desk.page.locator(".fields textarea").nth(0).fill("otra frase")
    desk.page.locator(".fields textarea").nth(1).fill("ask Rosa")
    desk.press("Escape")
    desk.wait_saved()
    held = desk.segments()["a2"]
    assert (held["translations"][0]["text"], held["notes"]) == ("otra frase", ["ask Rosa"])
    desk.page.locator(".bar [data-act=settings]").click()
    desk.page.get_by_role("checkbox", name="Translation (es)").uncheck()
    desk.press("Escape")
    assert desk.page.locator(".fields textarea").count() == 1
    assert desk.segments()["a2"]["translations"][0]["text"] == "otra frase"
    assert desk.page.locator(".fields textarea").first.get_attribute("dir") == "auto"


def test_find_and_replace_is_seen_ticked_and_undone_at_once(desk: Desk) -> None:
    start = desk.segments()
    desk.press("Control+f")
    desk.page.keyboard.type("kan")
    desk.page.get_by_label("Replace with").fill("gan")
    desk.press("Enter")
    hits = desk.page.locator(".hits li")
    hits.first.wait_for()
    assert desk.page.locator(".hits").inner_text().count("Segment") == hits.count() == 3
    hits.nth(0).locator("input").uncheck()
    desk.page.get_by_role("button", name="Replace in 2 segments").click()
    desk.wait_saved()
    now = desk.segments()
    assert now["a1"] == start["a1"]
    assert now["a2"]["text"] == "gan mana rinki llaktaman"
    assert (now["a2"]["start_ms"], now["a2"]["end_ms"]) == (3000, 5000)
    desk.press("Escape")
    desk.press("Control+z")
    desk.wait_saved()
    assert desk.segments() == start


def test_find_waits_for_an_edit_that_is_on_its_way(desk: Desk) -> None:
    """Else it would find the text in a segment that has been split meanwhile, and replacing there would change nothing."""
    held: list[Any] = []
    asked: list[str] = []
    desk.page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/find") else None)
    desk.page.route("**/edits", lambda route: held.append(route))
    desk.press("Enter")
    desk.text.evaluate("field => field.setSelectionRange(5, 5)")
    desk.page.locator(".tools [data-act=split]").click()
    for _ in range(100):
        desk.page.wait_for_timeout(50)
        if held:
            break
    desk.press("Control+f")
    desk.page.keyboard.type("wasi hatun")
    desk.page.get_by_label("Replace with").fill("wasi uchilla")
    desk.press("Enter")
    desk.page.wait_for_timeout(300)
    assert len(held) == 1 and not asked
    held[0].continue_()
    desk.page.unroute("**/edits")
    desk.page.get_by_role("button", name="Replace in 1 segment").click()
    desk.press("Escape")
    texts: list[str] = []
    for _ in range(100):
        texts = [s["text"] for s in sorted(desk.segments().values(), key=lambda s: int(s["start_ms"]))][:2]
        if texts[1] != "wasi hatun kan":
            break
        desk.page.wait_for_timeout(100)
    assert texts == ["ñuka", "wasi uchilla kan"]


def test_a_regular_expression_that_is_wrong_is_said(desk: Desk) -> None:
    desk.press("Control+f")
    desk.page.keyboard.type("(")
    desk.page.get_by_label("Regular expression").check()
    desk.page.locator(".find button[type=submit]").click()
    desk.page.wait_for_function(
        "() => !/Looking/.test(document.querySelector('speech-review').shadowRoot.querySelector('.panel .note').textContent)"
    )
    assert len(desk.page.locator(".panel .note").inner_text()) > 10


def test_history_tells_and_going_back_is_a_new_edit(desk: Desk) -> None:
    from speech.review import edits

    desk.press("Enter")
    desk.text.fill("kan wasi")
    desk.press("Escape")
    desk.wait_saved()
    desk.press("2", "h")
    desk.page.locator(".history li").nth(2).wait_for()
    panel = desk.page.locator(".panel").inner_text()
    assert "Draft and text of now" in panel
    assert "Speaker" in panel
    assert desk.page.locator(".panel del").count() > 0 < desk.page.locator(".panel ins").count()
    assert desk.page.locator(".panel del .sign").first.inner_text() == "−"
    before = edits.history(desk.site.store, desk.recording, "a1")
    desk.page.get_by_role("button", name="Go back to the state of").last.click()
    desk.wait_saved()
    after = edits.history(desk.site.store, desk.recording, "a1")
    assert after[: len(before)] == before
    assert after[-1].act == "restore"
    assert desk.segments()["a1"]["text"] == sessions.SENTENCES[0]
    assert desk.segments()["a1"]["speaker"] == "A"


def test_undo_is_native_while_typing_and_the_servers_after(desk: Desk) -> None:
    desk.press("Enter")
    desk.page.keyboard.type("xyz")
    desk.press("Control+z", "Control+z", "Control+z")
    assert desk.text.input_value() == sessions.SENTENCES[0]
    desk.page.keyboard.type(" ari")
    desk.wait_saved()
    desk.press("Control+z")
    desk.wait_saved()
    assert desk.segments()["a1"]["text"] == sessions.SENTENCES[0]
    assert desk.text.input_value() == sessions.SENTENCES[0]
    assert "Undone: Text, segment 1" in desk.page.locator(".notice").inner_text()
    desk.press("Control+Shift+z")
    desk.wait_saved()
    assert desk.segments()["a1"]["text"].endswith(" ari")


def test_mixed_acts_are_all_undone_after_a_reload(desk: Desk) -> None:
    start = desk.segments()
    desk.press("Enter")
    for n in range(4):
        desk.page.keyboard.type(f" ari{n}")
        desk.press("Enter")
    desk.list()
    desk.press("2", "Home", "u", "m", "ArrowDown", "x", "1")
    desk.wait_saved()
    assert desk.segments() != start
    desk.page.reload()
    desk.page.locator(".row.chosen").wait_for()
    for _ in range(12):
        desk.press("Control+z")
        desk.wait_saved()
    assert desk.segments() == start
    assert "Nothing of yours is left" in desk.page.locator(".notice").inner_text()


def test_the_place_is_kept_between_visits(desk: Desk) -> None:
    with desk.page.expect_response("**/place"):
        desk.click("a4", ".when")
    desk.page.reload()
    desk.page.locator(".row.chosen").wait_for()
    assert desk.chosen == "a4"


def test_other_readings_are_put_in_by_key_and_by_click(desk: Desk) -> None:
    desk.press("Enter", "F4")
    assert desk.text.input_value() == "ñuka wasika hatun kan"
    desk.press("F4")
    assert desk.text.input_value() == "ñuka was hatun kan"
    desk.press("F4")
    assert desk.text.input_value() == sessions.SENTENCES[0]
    desk.page.get_by_role("button", name="Put hatunka in place of hatun").click()
    desk.press("Enter")
    desk.wait_saved()
    assert desk.segments()["a1"]["text"] == "ñuka wasi hatunka kan"


def test_the_palette_puts_letters_and_tone_keys_cycle(open_site: Callable[..., Site], open_desk: Callable[..., Desk]) -> None:
    site = open_site(*sessions.scripts())
    desk = open_desk(site, sessions.YORUBA)
    desk.press("Enter")
    desk.text.fill("l")
    desk.press("F2")
    first = desk.page.locator(".palette .letter").first
    assert first.evaluate("e => e === e.getRootNode().activeElement")
    box = first.bounding_box()
    assert box and box["width"] >= 44 and box["height"] >= 44
    desk.page.get_by_role("button", name="ẹ", exact=True).focus()
    desk.press("Enter")
    assert desk.text.input_value() == "lẹ"
    assert desk.focus() == "textarea"
    seen = []
    for _ in range(4):
        desk.press("Control+.")
        seen.append(desk.text.input_value())
    assert [unicodedata.normalize("NFD", one) for one in seen] == [unicodedata.normalize("NFD", "l" + one) for one in ("ẹ̀", "ẹ́", "ẹ̄", "ẹ")]
    desk.page.locator(".letter.mark").first.click()
    assert unicodedata.normalize("NFC", desk.text.input_value()) == unicodedata.normalize("NFC", "l" + STACKED)
    assert desk.text.evaluate("field => field.selectionStart === field.value.length")
    desk.page.get_by_label("Search a letter").fill("open e small")
    desk.page.get_by_role("button", name="latin small letter open e", exact=True).click()
    assert desk.text.input_value().endswith("ɛ")
    desk.text.focus()
    desk.press("Enter")
    desk.wait_saved()
    assert desk.segments()["s1"]["text"] == unicodedata.normalize("NFC", "l" + STACKED + "ɛ")


def test_the_palette_of_a_syllabary_has_what_is_written_and_goes_through_the_vowels(
    open_site: Callable[..., Site], open_desk: Callable[..., Desk]
) -> None:
    site = open_site(*sessions.scripts())
    desk = open_desk(site, sessions.AMHARIC, size=(360, 740), has_touch=True)
    desk.page.locator(".thumb [data-act=palette]").tap()
    shown = desk.page.locator(".palette [aria-label='Letters of the language'] .letter").all_inner_texts()
    assert len(shown) > 10 and shown[0] == "ል", "the letter of two sentences stands first"
    desk.text.fill("")
    desk.page.get_by_role("button", name="ሄ", exact=True).tap()
    assert desk.text.input_value() == "ሄ"
    order = desk.page.get_by_role("button", name="Next vowel of the syllable before the caret")
    for wanted in "ህሆ":
        order.tap()
        assert desk.text.input_value() == wanted
    desk.press("Control+.")
    assert desk.text.input_value() == "ሇ"
    desk.press("Control+.")
    assert desk.text.input_value() == "ሀ"
    desk.page.get_by_label("Search a letter").fill("ethiopic syllable qha")
    desk.page.locator(".found .letter").first.tap()
    assert desk.text.input_value() == "ሀቐ"
    small = desk.page.evaluate(
        "[...document.querySelector('speech-review').shadowRoot.querySelectorAll('.palette .letter')]"
        ".filter(e => { const box = e.getBoundingClientRect(); return box.width < 44 || box.height < 44; }).length"
    )
    assert small == 0


def test_letters_are_found_by_keys_alone_and_whole_words_of_a_name_come_first(desk: Desk) -> None:
    desk.press("Enter", "End", "F2")
    for _ in range(12):
        desk.press("Tab")
        if desk.page.evaluate("() => document.querySelector('speech-review').shadowRoot.activeElement.type") == "search":
            break
    desk.page.keyboard.type("small eng")
    desk.page.locator(".found .letter").first.wait_for()
    names = [one.get_attribute("aria-label") for one in desk.page.locator(".found .letter").all()]
    assert names[0] == "latin small letter eng"
    desk.press("Tab")
    while desk.focus() != "letter":
        desk.press("Tab")
    desk.press("Enter")
    assert desk.text.input_value() == "ñuka wasi hatun kanŋ"
    assert desk.focus() == "textarea"


@pytest.mark.parametrize("name", [sessions.ARABIC, sessions.NKO])
def test_text_from_the_right_and_sound_from_the_left(name: str, open_site: Callable[..., Site], open_desk: Callable[..., Desk]) -> None:
    site = open_site(*sessions.scripts())
    desk = open_desk(site, name)
    desk.press("Enter")
    assert desk.text.evaluate("e => getComputedStyle(e).direction") == "rtl"
    assert desk.page.locator(".words").first.evaluate("e => getComputedStyle(e).direction") == "rtl"
    assert desk.page.locator("canvas.stretch").evaluate("e => getComputedStyle(e).direction") == "ltr"
    assert desk.page.locator(".row .time").first.get_attribute("dir") == "ltr"
    before = desk.text.input_value()
    desk.press("Control+a", "Control+c", "End", "Control+v")
    assert desk.text.input_value() == before * 2
    desk.press("Enter")
    desk.wait_saved()
    assert desk.segments()["s1"]["text"] == unicodedata.normalize("NFC", before * 2)
