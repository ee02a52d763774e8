"""Playing: where it starts and stops, speed, loop, going back, what is fetched. Limits in seconds are for the tests marked slow."""

from __future__ import annotations

import statistics

import pytest

from tests.app_site import AUDIO, Desk

STOPS = f"""times => new Promise(done => {{
    const audio = {AUDIO};
    const seen = [];
    audio.addEventListener('play', () => seen.push(['play', performance.now(), audio.currentTime * 1000]));
    audio.addEventListener('playing', () => seen.push(['playing', performance.now(), audio.currentTime * 1000]));
    audio.addEventListener('pause', () => {{
        seen.push(['pause', performance.now(), audio.currentTime * 1000]);
        if (seen.filter(s => s[0] === 'pause').length >= times) done(seen);
    }});
}})"""


def watch(desk: Desk, times: int = 1) -> None:
    desk.page.evaluate(f"times => {{ window.seen = ({STOPS})(times); }}", times)


def seen(desk: Desk) -> list[tuple[str, float, float]]:
    return [(str(a), float(b), float(c)) for a, b, c in desk.page.evaluate("() => window.seen")]


def test_a_segment_plays_from_its_start_to_its_end(desk: Desk) -> None:
    desk.click("a2", ".when")
    watch(desk)
    desk.press(" ")
    found = seen(desk)
    start = next(at for name, _, at in found if name == "play")
    stop = next(at for name, _, at in found if name == "pause")
    assert abs(start - 3000) < 60
    assert abs(stop - 5000) < 60


@pytest.mark.slow
def test_start_and_stop_are_within_50_ms_over_many_plays(desk: Desk) -> None:
    stops, waits = [], []
    for n in range(12):
        desk.click(f"a{1 + n % 6}", ".when")
        watch(desk)
        before = desk.page.evaluate("() => performance.now()")
        desk.press(" ")
        found = seen(desk)
        stops.append(next(at for name, _, at in found if name == "pause") - (2500 + 2500 * (n % 6)))
        waits.append(next(when for name, when, _ in found if name == "playing") - before)
    assert max(abs(s) for s in stops) <= 50
    assert sorted(waits)[int(0.95 * len(waits)) - 1] < 100, f"median {statistics.median(waits):.0f} ms"


def test_speed_is_shown_and_stops_at_the_same_place(desk: Desk) -> None:
    desk.press("Home", "+", "+", "+", "+", "+")
    assert desk.page.locator(".speed").inner_text() == "1.5×"
    watch(desk)
    desk.press(" ")
    stop = next(at for name, _, at in seen(desk) if name == "pause")
    assert abs(stop - 2500) < 80
    assert desk.page.evaluate(f"() => [{AUDIO}.playbackRate, {AUDIO}.preservesPitch]") == [1.5, True]
    for _ in range(30):
        desk.press("-")
    assert desk.page.locator(".speed").inner_text() == "0.5×"


def test_repeat_goes_on_until_it_is_stopped(desk: Desk) -> None:
    desk.press("Home", *["+"] * 10, "l")
    assert desk.page.locator(".bar [data-act=loop]").get_attribute("aria-pressed") == "true"
    watch(desk, 3)
    desk.press(" ")
    found = seen(desk)
    starts = [at for name, _, at in found if name == "play"]
    assert len(starts) >= 3
    assert all(abs(at - 500) < 60 for at in starts)
    desk.press(" ")
    desk.page.wait_for_timeout(300)
    assert desk.page.evaluate(f"() => {AUDIO}.paused")


def test_back_and_preroll(desk: Desk) -> None:
    desk.page.locator(".bar [data-act=settings]").click()
    desk.page.get_by_label("Begin before the start, ms").fill("300")
    desk.page.get_by_label("Play on after the end, ms").fill("200")
    desk.press("Tab", "Escape")
    desk.click("a2", ".when")
    watch(desk)
    desk.press(" ")
    found = seen(desk)
    assert abs(next(at for name, _, at in found if name == "play") - 2700) < 60
    assert abs(found[-1][2] - 5200) < 60
    desk.press("Enter", "Shift+F8")
    desk.page.wait_for_timeout(50)
    assert desk.page.evaluate(f"() => {AUDIO}.currentTime") == pytest.approx(3.75, abs=0.4)


def test_moving_with_the_list_keys_makes_no_sound(desk: Desk) -> None:
    desk.press("Home", "ArrowDown", "ArrowDown", "Enter", "Alt+ArrowDown")
    assert desk.chosen == "a4"
    assert desk.focus() == "textarea"
    assert desk.page.evaluate(f"() => {AUDIO}.paused")


def test_a_word_of_the_waveform_is_heard_alone(desk: Desk) -> None:
    desk.press("Home")
    desk.page.wait_for_timeout(300)
    canvas = desk.page.locator("canvas.stretch")
    box = canvas.bounding_box()
    assert box
    watch(desk)
    canvas.click(position={"x": box["width"] * 1250 / 12_000, "y": box["height"] - 28})
    found = seen(desk)
    assert abs(next(at for name, _, at in found if name == "play") - 970) < 60
    assert abs(found[-1][2] - 1530) < 60


def test_a_click_in_the_waveform_moves_the_playhead_and_chooses(desk: Desk) -> None:
    canvas = desk.page.locator("canvas.stretch")
    box = canvas.bounding_box()
    assert box
    canvas.click(position={"x": box["width"] * 6000 / 12_000, "y": 50})
    assert desk.chosen == "a3"
    assert desk.page.evaluate(f"() => {AUDIO}.currentTime") == pytest.approx(6.0, abs=0.05)


def test_sound_that_is_lost_is_said(desk: Desk) -> None:
    desk.page.route("**/media/*", lambda route: route.fulfill(status=404, json={"ok": False}))
    desk.page.evaluate(f"() => {AUDIO}.load()")
    desk.page.locator(".notice.error").wait_for()
    assert "cannot be played now" in desk.page.locator(".notice").inner_text()
