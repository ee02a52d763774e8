"""Playing: where it starts and stops, speed, loop, going back, what is fetched. Limits in seconds are for the tests marked slow."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import soundfile

from speech import formats
from speech.types import Segment, Span, Transcript
from tests.app_site import AUDIO, Desk, Site, serve
from tests.sounds import tone
from tests.ui.test_routes import CARD, WITHDRAWN
from tests.ui_element import sessions
from tests.ui_element.conftest import site_of

WATCH = f"""times => {{
    const audio = {AUDIO};
    const plain = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'currentTime');
    const asked = [];
    Object.defineProperty(audio, 'currentTime', {{configurable: true, get: () => plain.get.call(audio), set: to => {{
        asked.push(to * 1000);
        plain.set.call(audio, to);
    }}}});
    window.seen = new Promise(done => {{
        const found = [];
        for (const name of ['play', 'playing', 'pause']) audio.addEventListener(name, () => {{
            found.push([name, performance.now(), plain.get.call(audio) * 1000, asked.at(-1) ?? null]);
            if (found.filter(one => one[0] === 'pause').length >= times) done(found);
        }});
    }});
}}"""
WATCH_WAITS = """() => {
    const plain = window.setTimeout;
    window.waits = [];
    window.setTimeout = (act, wait, ...more) => {
        window.waits.push(wait);
        return plain(act, wait, ...more);
    };
}"""
"""Note how long each timer is asked to wait: what the page asks for, as how late a busy machine then is says nothing of the page."""
EARLY_MS = 5
"""How much before its end a span may stop. How much after it depends on the machine: that limit stands in the slow test."""


class Seen(NamedTuple):
    """Something that the player did: when, where it then was, and where it had last been sent, in ms."""

    name: str
    when: float
    at: float
    sent: float | None


def watch(desk: Desk, times: int = 1) -> None:
    """From now on note what the player does, until it has stopped so many times."""
    desk.page.evaluate(WATCH, times)


def seen(desk: Desk) -> list[Seen]:
    return [Seen(*one) for one in desk.page.evaluate("() => window.seen")]


def starts(found: list[Seen]) -> list[float | None]:
    return [one.sent for one in found if one.name == "play"]


def stop(found: list[Seen]) -> float:
    return next(one.at for one in found if one.name == "pause")


def is_still(desk: Desk) -> bool:
    return bool(desk.page.evaluate(f"() => {AUDIO}.paused"))


def test_a_segment_plays_from_its_start_to_its_end(desk: Desk) -> None:
    desk.click("a2", ".when")
    watch(desk)
    desk.press(" ")
    found = seen(desk)
    assert starts(found) == [3000]
    assert stop(found) >= 5000 - EARLY_MS
    assert is_still(desk)


@pytest.mark.slow
def test_start_and_stop_are_within_50_ms_over_many_plays(desk: Desk) -> None:
    stops, begun, waits = [], [], []
    for n in range(12):
        desk.click(f"a{1 + n % 6}", ".when")
        watch(desk)
        before = desk.page.evaluate("() => performance.now()")
        desk.press(" ")
        found = seen(desk)
        stops.append(stop(found) - (2500 + 2500 * (n % 6)))
        begun.append(next(one.at for one in found if one.name == "play") - (500 + 2500 * (n % 6)))
        waits.append(next(one.when for one in found if one.name == "playing") - before)
    assert max(abs(s) for s in stops + begun) <= 50
    assert sorted(waits)[int(0.95 * len(waits)) - 1] < 100, f"median {statistics.median(waits):.0f} ms"


def test_speed_is_shown_and_stops_at_the_same_place(desk: Desk) -> None:
    desk.press("Home", "+", "+", "+", "+", "+")
    assert desk.page.locator(".speed").inner_text() == "1.5×"
    watch(desk)
    desk.press(" ")
    assert stop(seen(desk)) >= 2500 - EARLY_MS
    assert desk.page.evaluate(f"() => [{AUDIO}.playbackRate, {AUDIO}.preservesPitch]") == [1.5, True]
    for _ in range(30):
        desk.press("-")
    assert desk.page.locator(".speed").inner_text() == "0.5×"


def test_repeat_goes_on_until_it_is_stopped(desk: Desk) -> None:
    desk.press("Home", *["+"] * 10, "l")
    assert desk.page.locator(".bar [data-act=loop]").get_attribute("aria-pressed") == "true"
    watch(desk, 3)
    desk.press(" ")
    assert starts(seen(desk)) == [500, 500, 500]
    desk.press(" ")
    desk.page.wait_for_function(f"() => {AUDIO}.paused")
    desk.page.locator(".bar [data-act=play] .name >> text=Play").wait_for()


def test_back_and_preroll(desk: Desk) -> None:
    desk.page.locator(".bar [data-act=settings]").click()
    desk.page.get_by_label("Begin before the start, ms").fill("300")
    desk.page.get_by_label("Play on after the end, ms").fill("200")
    desk.press("Tab", "Escape")
    desk.click("a2", ".when")
    watch(desk)
    desk.press(" ")
    found = seen(desk)
    assert starts(found) == [2700]
    assert stop(found) >= 5200 - EARLY_MS
    watch(desk)
    desk.press("Enter", "Shift+F8")
    assert starts(seen(desk)) == [pytest.approx(stop(found) - 1500, abs=1)]


def test_moving_with_the_list_keys_makes_no_sound(desk: Desk) -> None:
    desk.press("Home", "ArrowDown", "ArrowDown", "Enter", "Alt+ArrowDown")
    assert desk.chosen == "a4"
    assert desk.focus() == "textarea"
    assert desk.page.evaluate(f"() => {AUDIO}.paused")


def test_a_word_of_the_waveform_is_heard_alone(desk: Desk) -> None:
    desk.press("Home")
    canvas = desk.page.locator("canvas.stretch")
    box = canvas.bounding_box()
    assert box
    watch(desk)
    canvas.click(position={"x": box["width"] * 1250 / 12_000, "y": box["height"] - 28})
    found = seen(desk)
    assert starts(found) == [970]
    assert stop(found) >= 1530 - EARLY_MS


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


def test_sound_that_is_being_made_ready_is_asked_for_again(site: Site, open_desk: Callable[..., Desk]) -> None:
    """R2: a copy that browsers play is still made; who pressed play meanwhile hears it when it is there, without pressing again."""
    ready, asked, made = threading.Event(), [], site.served.playable

    def playable(known: Any) -> Any:
        asked.append(known)
        return made(known) if ready.is_set() else None

    site.served.playable = playable  # type: ignore[method-assign]  # as if a worker were still at it
    desk = open_desk(site)
    desk.page.locator(".notice >> text=making this recording ready").wait_for()
    watch(desk)
    desk.click("a2", ".when")
    desk.press(" ")
    desk.page.locator(".bar [data-act=play] .name >> text=Stop").wait_for()
    ready.set()
    assert stop(seen(desk)) >= 5000 - EARLY_MS
    assert len(asked) >= 3
    assert desk.page.locator(".notice").is_hidden()
    desk.page.locator(".row[data-id=a2] .unheard").wait_for(state="detached")


def test_sound_that_is_there_and_cannot_be_played_is_not_fetched_for_ever(desk: Desk) -> None:
    asked: list[str] = []

    def broken(route: Any) -> None:
        asked.append(route.request.url)
        route.fulfill(status=206, body=b"no sound at all", headers={"Content-Range": "bytes 0-14/15", "Content-Type": "audio/wav"})

    desk.page.route("**/media/*", broken)
    desk.page.evaluate(f"() => {AUDIO}.load()")
    desk.page.locator(".notice.error").wait_for()
    assert len(asked) <= 6


def test_a_withdrawal_stops_what_plays_at_the_next_range(open_site: Callable[..., Site], open_desk: Callable[..., Desk]) -> None:
    """R26: ten minutes play as one segment; its speaker withdraws; the part that was not fetched is never heard."""
    whole = Segment(id="a1", span=Span(start_ms=0, end_ms=600_000), text="ñuka wasi", speaker="A", language="que")
    site = open_site(sessions.Made(name="far.wav", language="que", segments=(whole,), seconds=600))
    desk = open_desk(site, "far.wav")
    desk.press("Home", " ")
    desk.page.wait_for_function(f"() => !{AUDIO}.paused && {AUDIO}.currentTime > 0.2")
    card = site.served.workspace().folder / "collection.card.toml"
    card.write_text(CARD + WITHDRAWN, encoding="utf-8")
    overview = desk.page.locator("canvas.overview")
    box = overview.bounding_box()
    assert box
    overview.click(position={"x": 0.9 * box["width"], "y": 5})
    desk.page.locator(".notice.error >> text=cannot be played now").wait_for()
    desk.page.wait_for_function(f"() => {AUDIO}.paused || {AUDIO}.error")
    assert desk.page.evaluate(f"() => [...Array({AUDIO}.buffered.length).keys()].every(n => {AUDIO}.buffered.end(n) < 530)")
    desk.page.locator(".bar [data-act=play] .name >> text=Play").wait_for()


def test_a_pause_between_repeats_is_kept(desk: Desk) -> None:
    desk.page.locator(".bar [data-act=settings]").click()
    desk.page.get_by_label("repeat", exact=False).and_(desk.page.locator("input[type=number]")).fill("700")
    desk.press("Tab", "Escape")
    desk.press("Home", *["+"] * 10, "l")
    watch(desk, 2)
    desk.page.evaluate(WATCH_WAITS)
    desk.press(" ")
    found = [one for one in seen(desk) if one.name in ("play", "pause")]
    assert [one.name for one in found] == ["play", "pause", "play", "pause"]
    assert 700 in desk.page.evaluate("() => window.waits")


def test_speed_goes_in_tenths_from_half_to_double_and_is_kept(desk: Desk) -> None:
    desk.press("Home")
    shown = []
    for _ in range(12):
        desk.press("+")
        shown.append(desk.page.locator(".speed").inner_text())
    assert shown == [f"{1 + n / 10:.1f}×" for n in range(1, 11)] + ["2.0×"] * 2
    with desk.page.expect_response("**/api/me/preferences"):
        desk.press("-")
    desk.page.reload()
    desk.page.locator(".row.chosen").wait_for()
    assert desk.page.locator(".speed").inner_text() == "1.9×"
    assert desk.page.evaluate(f"() => {AUDIO}.playbackRate") == pytest.approx(1.9)


@pytest.fixture(scope="module")
def kinds_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Recordings as WAV, Ogg Opus and MP3, looked at by the app's own worker."""
    folder = tmp_path_factory.mktemp("kinds")
    tapes = folder / "tapes"
    tapes.mkdir()
    for name, (kind, subtype) in KINDS.items():
        soundfile.write(tapes / name, tone(6, 330), 48_000 if subtype == "OPUS" else 16_000, format=kind, subtype=subtype)
        segments = (Segment(id="a1", span=Span(start_ms=500, end_ms=1500), text="kan", language="que"),)
        formats.save(Transcript(segments=segments), (tapes / name).with_suffix(".eaf"))
    with serve(site_of(folder)) as site:
        yield site


KINDS = {"plain.wav": ("WAV", "PCM_16"), "deep.wav": ("WAV", "PCM_24"), "small.opus": ("OGG", "OPUS"), "old.mp3": ("MP3", "MPEG_LAYER_III")}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_plays_from_start_to_end(name: str, kinds_site: Site, open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(kinds_site, name)
    watch(desk)
    desk.press("Home", " ")
    found = seen(desk)
    assert starts(found) == [500]
    assert stop(found) >= 1500 - EARLY_MS
    desk.page.locator(".row[data-id=a1] .unheard").wait_for(state="detached")
