"""Reading back (S4): the speaker's own sound and a synthetic voice beside it; order, speed, stop, and what the page says meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")

from tests.app_site import Desk, Site
from tests.ui.test_routes import CARD, WITHDRAWN
from tests.ui_element import sessions

WATCH = """() => {
    window.heard = [];
    const play = HTMLMediaElement.prototype.play;
    const seen = new Set();
    HTMLMediaElement.prototype.play = function () {
        const part = this.src.startsWith('blob:') ? 'voice' : 'speaker';
        if (!seen.has(this)) {
            seen.add(this);
            for (const name of ['playing', 'pause', 'ended']) this.addEventListener(name, () =>
                window.heard.push([part, name, performance.now(), this.playbackRate, document.querySelector('speech-review').shadowRoot
                    .querySelector('.aloud:not([hidden]) p')?.textContent ?? '', this.currentTime]));
        }
        return play.call(this);
    };
}"""
"""From now on note what is heard: which sound, what happened, when, how fast, what the page said, and where it was."""
OVER = "n => window.heard.filter(one => one[1] === 'pause').length >= n"
MARK = "You hear a synthetic voice (eSpeak NG qu): no person speaks."


def watch(desk: Desk) -> None:
    desk.page.evaluate(WATCH)


def heard(desk: Desk, parts: int = 2) -> list[list[Any]]:
    """What was heard, once so many sounds have stopped."""
    desk.page.wait_for_function(OVER, arg=parts)
    desk.page.locator(".aloud").wait_for(state="hidden")
    return list(desk.page.evaluate("() => window.heard"))


def begun(found: list[list[Any]]) -> list[str]:
    return [one[0] for one in found if one[1] == "playing"]


def first(found: list[list[Any]], part: str, name: str) -> list[Any]:
    return next(one for one in found if one[:2] == [part, name])


def settings(desk: Desk) -> None:
    desk.page.locator(".bar [data-act=settings]").click()
    desk.page.locator(".panel[data-panel=settings]").wait_for()


def test_the_speaker_is_heard_first_and_then_the_voice_which_the_page_says_is_no_person(desk: Desk) -> None:
    desk.click("a2", ".when")
    watch(desk)
    desk.page.locator(".editor [data-act=read_back]").click()
    found = heard(desk)
    assert begun(found) == ["speaker", "voice"]
    assert first(found, "voice", "playing")[2] > first(found, "speaker", "pause")[2]
    assert first(found, "speaker", "playing")[4] == "You hear the speaker."
    assert first(found, "voice", "playing")[4] == MARK
    assert [one[1] for one in found if one[0] == "voice"][-1] == "ended"  # to its end
    assert first(found, "speaker", "pause")[5] == pytest.approx(5.0, abs=0.15)  # the segment's end
    desk.page.locator(".row[data-id=a2] .unheard").wait_for(state="detached")


def test_the_order_can_be_turned_round_and_is_kept(desk: Desk) -> None:
    settings(desk)
    with desk.page.expect_response("**/api/me/preferences"):
        desk.page.get_by_label("What is heard first").select_option("voice")
    desk.press("Escape")
    desk.page.reload()
    desk.page.locator(".row.chosen").wait_for()
    desk.click("a2", ".when")
    watch(desk)
    desk.press("v")
    found = heard(desk)
    assert begun(found) == ["voice", "speaker"]
    assert first(found, "speaker", "playing")[2] > first(found, "voice", "ended")[2]


def test_both_have_the_speed_of_the_page(desk: Desk) -> None:
    """At twice the speed, and changed while the voice is heard; repeat does not repeat the speaker."""
    desk.press("Home", *["+"] * 10, "l")
    watch(desk)
    desk.press("v")
    desk.page.wait_for_function("() => window.heard.some(one => one[0] === 'voice' && one[1] === 'playing')")
    desk.press("-", "-", "-", "-")
    found = heard(desk)
    assert begun(found).count("speaker") == 1
    assert first(found, "speaker", "playing")[3] == first(found, "voice", "playing")[3] == 2
    assert first(found, "voice", "ended")[3] == pytest.approx(1.6)


@pytest.mark.parametrize("part", ["speaker", "voice"])
@pytest.mark.parametrize("how", ["Escape", "v", "button", "play"])
def test_it_is_stopped_whichever_is_heard(desk: Desk, part: str, how: str) -> None:
    desk.press("Home")
    if part == "voice":
        desk.press(*["+"] * 10)
    watch(desk)
    desk.press("v")
    desk.page.wait_for_function("part => window.heard.some(one => one[0] === part && one[1] === 'playing')", arg=part)
    if how == "button":
        desk.page.locator(".aloud button").click()
    elif how == "play":
        desk.page.locator(".bar [data-act=play]").click()
    else:
        desk.press(how)
    desk.page.locator(".aloud").wait_for(state="hidden")
    desk.page.wait_for_timeout(1500)
    found = desk.page.evaluate("() => window.heard")
    assert begun(found) == (["speaker"] if part == "speaker" else ["speaker", "voice"])
    assert found[-1][1] == "pause" and not [one for one in found if one[:2] == [part, "ended"]]
    desk.page.locator(".bar [data-act=play] .name >> text=Play").wait_for()


def test_another_segment_ends_it(desk: Desk) -> None:
    desk.press("Home", *["+"] * 10)
    watch(desk)
    desk.press("v")
    desk.page.wait_for_function("() => window.heard.some(one => one[0] === 'voice' && one[1] === 'playing')")
    desk.press("ArrowDown")
    desk.page.locator(".aloud").wait_for(state="hidden")
    assert desk.page.evaluate("() => window.heard.at(-1).slice(0, 2)") == ["voice", "pause"]


def test_what_was_just_typed_is_what_is_read(desk: Desk) -> None:
    """It is saved first: the voice says what stands in the store."""
    desk.click("a3")
    desk.press("Enter")
    with desk.page.expect_response("**/aloud/a3?**") as answer:
        desk.page.keyboard.press("Control+a")
        desk.page.keyboard.type("12 wasi")
        desk.press("Control+Shift+F8")
    assert answer.value.status == 200
    assert desk.segments()["a3"]["text"] == "12 wasi"


def test_a_language_without_a_voice_gets_a_sentence_and_one_that_can_be_borrowed(
    open_site: Callable[..., Site], open_desk: Callable[..., Desk]
) -> None:
    """S1, S2 in Review: no voice for Yoruba; Swahili's is borrowed; what it cannot say is told before there is sound, and with it."""
    site = open_site(*sessions.scripts())
    desk = open_desk(site, sessions.YORUBA)
    watch(desk)
    desk.press("v")
    desk.page.locator(".notice >> text=There is no voice for Yoruba (yor) on this machine.").wait_for()
    desk.page.locator(".notice >> text=Choose another voice").click()
    with desk.page.expect_response("**/api/me/preferences"):
        desk.page.get_by_label("Borrow the voice of another language").select_option("swh")
    desk.press("Escape")
    desk.press("v")
    desk.page.locator(".notice >> text=The voice cannot say all of this text:").wait_for()
    assert "ẹ́" in desk.page.locator(".notice").inner_text()
    assert desk.page.evaluate("() => window.heard") == []
    desk.page.locator(".notice >> text=Say the nearest letters").click()
    desk.page.wait_for_function("() => window.heard.some(one => one[0] === 'voice' && one[1] === 'playing')")
    said = desk.page.evaluate("() => window.heard.find(one => one[0] === 'voice' && one[1] === 'playing')[4]")
    assert said.startswith("You hear a synthetic voice (eSpeak NG sw): no person speaks. Said otherwise:")
    assert "ẹ́ → e" in said and "ọ → o" in said
    heard(desk)


def test_a_listener_may_have_it_read_and_after_a_withdrawal_nobody(open_site: Callable[..., Site], open_desk: Callable[..., Desk]) -> None:
    site = open_site(people=True)
    desk = open_desk(site, person="ida")
    desk.press("Home", *["+"] * 10)
    watch(desk)
    desk.press("v")
    assert begun(heard(desk)) == ["speaker", "voice"]
    card = site.served.workspace().folder / "collection.card.toml"
    card.write_text(CARD + WITHDRAWN, encoding="utf-8")
    desk.press("v")
    desk.page.locator(".notice.error >> text=It cannot be read back.").wait_for()
