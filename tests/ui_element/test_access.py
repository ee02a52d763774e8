"""Keys alone, screen readers, small screens, doubts without colour, languages of the pages."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from tests.ui_element import sessions
from tests.ui_element.conftest import Desk, Site

ROOT = "document.querySelector('speech-review').shadowRoot"


def test_the_whole_review_is_done_by_keys(desk: Desk) -> None:
    """From the list, without a mouse: hear, mend, approve, give speakers, find, undo, leave each panel."""
    assert desk.focus().startswith("row")
    for _ in range(10):
        desk.press("+")
    desk.press(" ")
    desk.page.locator(".row[data-id=a1] .unheard").wait_for(state="detached")
    desk.press("Enter")
    desk.page.keyboard.type(" ari")
    desk.press("Control+Shift+Enter")
    assert desk.chosen == "a2"
    desk.press("Escape", "2", "u", "ArrowDown", "x", "h")
    desk.page.locator(".panel .history").wait_for()
    desk.press("Escape")
    assert desk.focus().startswith("row")
    desk.press("?")
    assert "Enter" in desk.page.locator(".panel").inner_text()
    desk.press("Escape", "Control+f")
    desk.page.keyboard.type("kan")
    desk.press("Enter")
    desk.page.locator(".hits li").first.wait_for()
    desk.press("Escape")
    assert desk.focus().startswith("row")
    desk.press("Control+z")
    desk.wait_saved()
    held = desk.segments()
    assert (held["a1"]["status"], held["a2"]["speaker"], held["a2"]["status"], held["a3"]["status"]) == ("approved", "B", "unsure", "draft")


def test_tab_goes_through_everything_and_out(desk: Desk) -> None:
    desk.press("Home")
    seen = []
    for _ in range(60):
        desk.press("Tab")
        seen.append(desk.focus())
        if seen[-1] == "nothing":
            break
    assert seen[-1] == "nothing", "Tab never left the element"
    assert "textarea" in seen
    assert seen.count("textarea") == 1


def test_every_key_has_a_button_or_is_in_the_help(desk: Desk) -> None:
    acts = desk.page.evaluate(
        "import('/static/review-keys.js').then(m => [...new Set([...Object.keys(m.KEYS.text), ...Object.keys(m.KEYS.list)])])"
    )
    buttons = set(desk.page.evaluate(f"[...{ROOT}.querySelectorAll('[data-act]')].map(b => b.dataset.act)"))
    by_pointer = {"move_down", "move_up", "first", "last", "edit", "leave", "seek_back", "seek_on", "tone", "alternative", "approve_next"}
    assert set(acts) - buttons <= by_pointer  # a click on a row, into the text, on the waveform, on a mark, on a reading
    desk.press("?")
    for name in ("Next tone mark", "Another reading of a word", "Give it to a speaker", "Approve, next"):
        assert name in desk.page.locator(".panel").inner_text()


def test_a_key_can_be_changed_and_is_kept(desk: Desk) -> None:
    desk.press("?")
    desk.page.get_by_role("button", name="Change the key of: Unsure").click()
    with desk.page.expect_response("**/api/me/preferences"):
        desk.press("g")
    desk.page.get_by_role("button", name="Change the key of: History").click()
    desk.press("g")
    assert "already does this: Unsure" in desk.page.locator(".panel .note").inner_text()
    desk.page.get_by_role("button", name="Change the key of: History").click()
    desk.press("Control+p")
    assert "Choose another key" in desk.page.locator(".panel .note").inner_text()
    desk.page.reload()
    desk.page.locator(".row.chosen").wait_for()
    desk.press("Home", "u", "g")
    desk.wait_saved()
    assert desk.segments()["a1"]["status"] == "unsure"


def test_single_letters_can_be_switched_off(desk: Desk) -> None:
    desk.press("?")
    desk.page.get_by_label("Single letters and signs act on the list").uncheck()
    desk.press("Escape", "Home", "u", "x", "2", "Delete")
    desk.wait_saved()
    held = desk.segments()
    assert "a1" not in held, "Delete is no letter"
    assert all(s["status"] == "draft" for s in held.values())


def test_keys_of_the_browser_and_of_screen_readers_are_never_taken(desk: Desk) -> None:
    taken = desk.page.evaluate(
        """import('/static/review-keys.js')
        .then(m => Object.values(m.KEYS).flatMap(p => Object.values(p)).flat().filter(k => !m.allowed(k)))"""
    )
    assert taken == []


def test_the_focus_is_never_lost_when_rows_are_made_anew(desk: Desk) -> None:
    desk.press("Enter")
    for keys in (
        ["Enter"],
        ["Shift+Enter"],
        ["Alt+ArrowDown"],
        ["Escape"],
        ["u"],
        ["m"],
        ["Delete"],
        ["Control+z"],
        ["t"],
        ["t"],
        ["2"],
        ["End"],
    ):
        desk.press(*keys)
        desk.wait_saved()
        desk.wait_drawn()
        assert desk.focus() != "nothing", f"after {keys} nothing had the focus"
    desk.press("Home")
    desk.page.locator(".scroller").evaluate("e => e.scrollTop = 1e6")
    desk.wait_drawn()
    assert desk.focus().startswith("row")


def test_rows_have_position_and_count_and_doubts_a_word(desk: Desk) -> None:
    grid = desk.page.locator("[role=grid]")
    assert grid.get_attribute("aria-rowcount") == "13"
    assert desk.page.locator(".row[data-id=a5]").get_attribute("aria-rowindex") == "6"
    spoken = desk.page.locator(".row[data-id=a5] .words").evaluate("e => e.textContent")
    assert "urmakun (unsure)" in spoken
    assert "urkupi (very unsure)" in spoken
    snapshot = desk.page.locator("speech-review").aria_snapshot()
    assert "- grid" in snapshot and "- row" in snapshot and "columnheader" in snapshot


def test_three_levels_of_doubt_differ_without_colour(desk: Desk) -> None:
    desk.press("ArrowDown")
    marks = desk.page.evaluate(
        f"""['.unsure', '.doubtful'].map(s => {{ const e = {ROOT}.querySelector('.row[data-id=a1] .words ' + s);
        return [getComputedStyle(e).textDecorationStyle, getComputedStyle(e, '::after').content]; }})"""
    )
    assert marks == [["dotted", "none"], ["wavy", '"?"']]
    # The same letters at each level, so that only what tells the level differs; in the colours of day and night.
    desk.page.evaluate(
        f"""() => {{ const words = {ROOT}.querySelector('.row[data-id=a1] .words');
        words.replaceChildren(...['sure', 'unsure', 'doubtful'].map(level => {{
            const one = document.createElement('span'); one.className = level; one.textContent = 'nnnnnn';
            one.style = 'display: inline-block; padding: 0 0 8px; margin-inline-end: 24px'; return one; }})); }}"""
    )
    for scheme in ("light", "dark"):
        desk.page.emulate_media(color_scheme=scheme)
        for level, (least, most) in DOUBTS.items():
            share = inked(desk, f".row[data-id=a1] .words .{level}")
            assert least <= share <= most, (scheme, level, share)


DOUBTS = {"sure": (0.0, 0.0), "unsure": (0.3, 0.75), "doubtful": (0.9, 1.0)}
"""How much of its width the line under a word covers: none, dots, a wave."""


def inked(desk: Desk, selector: str) -> float:
    """How much of the width under a word, below its letters, is drawn on, in grey."""
    import io

    import numpy as np

    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    with image.open(io.BytesIO(desk.page.locator(selector).first.screenshot())) as shot:
        pixels = np.asarray(shot.convert("L"), float)
    # Letters without descenders end at the baseline: three quarters of a line of 20 px at 1.5, padded by 8.
    below = np.abs(pixels[26:, :60] - pixels[0, 0])
    return float((below.max(axis=0) > 40).mean())


def test_what_is_announced_is_not_said_at_each_key(desk: Desk) -> None:
    desk.press("Enter")
    desk.page.evaluate(
        f"""() => {{ window.said = []; const live = {ROOT}.querySelector('[role=status]');
        new MutationObserver(() => window.said.push(live.textContent))
            .observe(live, {{childList: true, characterData: true, subtree: true}}); }}"""
    )
    desk.page.keyboard.type(" shuk ishkay kimsa", delay=30)
    desk.wait_saved()
    assert desk.page.evaluate("() => window.said") == []


@pytest.mark.parametrize("size", [(360, 740), (768, 1024), (1366, 768)])
def test_nothing_scrolls_sideways_and_targets_are_large(size: tuple[int, int], site: Site, open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(site, size=size, has_touch=size[0] < 800)
    for language in ("en", "es", "que"):
        site.served.preferences.keep("local", "language", language)
        desk.page.reload()
        desk.page.locator(".row.chosen").wait_for()
        fits(desk, size)


def fits(desk: Desk, size: tuple[int, int]) -> None:
    """Nothing of the page, and of each of its panels, is wider than the screen or too small to touch."""

    def check() -> None:
        wide = desk.page.evaluate(
            f"""() => [document.documentElement.scrollWidth - innerWidth,
            ...[...{ROOT}.querySelectorAll('.review, .scroller, .bar, .panel:not([hidden]), .thumb, .editor')]
            .map(e => e.scrollWidth - e.clientWidth)]"""
        )
        assert max(wide) <= 0, wide
        small = desk.page.evaluate(
            f"""() => [...{ROOT}.querySelectorAll('button, select, input:not([type=checkbox]), textarea')].filter(e => {{
            const box = e.getBoundingClientRect(); return box.width && (box.height < 42 || box.width < 42); }})
            .map(e => e.outerHTML.slice(0, 90))"""
        )
        assert small == []

    check()
    if size[0] < 800:
        desk.page.locator(".more").click()
        check()
    for act in ("settings", "help", "speakers", "find"):
        desk.page.evaluate(f"() => {ROOT}.querySelector('.bar [data-act={act}]').click()")
        check()
        desk.press("Escape")
    desk.page.evaluate(f"() => {ROOT}.querySelector('.bar [data-act=times]')?.click()")
    desk.page.evaluate(f"() => {ROOT}.querySelector('.tools [data-act=times]').click()")
    check()


def test_on_a_small_screen_play_and_letters_stand_above_the_keyboard(site: Site, open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(site, size=(360, 740))
    desk.page.locator(".thumb [data-act=palette]").click()
    desk.page.set_viewport_size({"width": 360, "height": 400})  # an on-screen keyboard takes the rest
    desk.page.wait_for_function(f"() => {ROOT}.querySelector('.review').getBoundingClientRect().bottom <= 400")
    for part in (".thumb .play", ".dock .letter"):
        box = desk.page.locator(part).first.bounding_box()
        assert box and box["y"] + box["height"] <= 400
    box = desk.text.bounding_box()
    dock = desk.page.locator(".dock").bounding_box()
    assert box and dock and box["y"] < dock["y"]


def test_large_text_and_reduced_motion_do_no_harm(site: Site, open_desk: Callable[..., Desk]) -> None:
    site.served.preferences.keep("local", "review", {"size_px": 32, "stacked": True})
    desk = open_desk(site, size=(683, 500), reduced_motion="reduce", forced_colors="active")
    assert desk.text.evaluate("e => getComputedStyle(e).fontSize") == "32px"
    assert desk.page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_pages_speak_the_language_that_was_chosen(site: Site, open_desk: Callable[..., Desk]) -> None:
    for language, tag, name in (("es", "es", "Aprobar"), ("fr", "fr", "Approuver"), ("que", "qu", "Arinina"), ("swh", "sw", "Idhinisha")):
        site.served.preferences.keep("local", "language", language)
        desk = open_desk(site)
        assert name in desk.page.locator(".tools [data-act=approve]").inner_text()
        assert desk.page.locator("speech-review").get_attribute("lang") == tag, "as browsers and screen readers know it"


def test_empty_and_missing_recordings_are_said(desk: Desk) -> None:
    desk.page.evaluate("() => document.querySelector('speech-review').setAttribute('recording', '0'.repeat(16))")
    desk.page.get_by_text("This recording is not here").wait_for()
    desk.page.evaluate("id => document.querySelector('speech-review').setAttribute('recording', id)", desk.recording)
    desk.page.locator(".row.chosen").wait_for()


def test_a_recording_without_a_draft_says_what_to_do(open_site: Callable[..., Site], open_desk: Callable[..., Desk]) -> None:
    site = open_site(dataclasses.replace(sessions.small(), segments=()))
    desk = open_desk(site)
    assert "no segments yet" in desk.page.locator(".empty").inner_text()
    desk.page.locator(".empty").get_by_role("button", name="New segment").click()
    assert desk.focus() == "textarea"
    desk.page.keyboard.type("ari")
    desk.press("Enter")
    desk.wait_saved()
    assert [s["text"] for s in desk.segments().values()] == ["ari"]
