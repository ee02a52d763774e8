"""Save states, what is kept while the server is away, two people at one segment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from speech.review import edits
from speech.store import open_store
from tests.app_site import AUDIO
from tests.ui_element import sessions
from tests.ui_element.conftest import Desk, Site


def says(desk: Desk, text: str) -> None:
    desk.page.wait_for_function(
        "text => document.querySelector('speech-review').shadowRoot.querySelector('.save').textContent.includes(text)", arg=text
    )


def typed(desk: Desk, *texts: str) -> None:
    """Type into the segments, one after another."""
    desk.press("Enter")
    for text in texts:
        desk.page.keyboard.type(text)
        desk.press("Enter")


def test_saved_is_shown_only_after_the_answer(desk: Desk) -> None:
    held: list[Any] = []
    desk.page.route("**/edits", lambda route: held.append(route))
    typed(desk, " ari")
    says(desk, "Saving")
    assert desk.segments()["a1"]["text"] == sessions.SENTENCES[0]
    desk.page.wait_for_timeout(200)
    says(desk, "Saving")
    held[0].continue_()
    says(desk, "Saved ")
    assert desk.segments()["a1"]["text"].endswith(" ari")


def test_with_the_server_down_text_is_kept_and_sent_in_order_when_it_is_back(desk: Desk) -> None:
    desk.press("Home")
    desk.site.stop()
    typed(desk, " one", " two", " three")
    says(desk, "Not saved (3), trying again")
    notice = desk.page.locator(".notice").inner_text()
    assert "Your 3 edits are kept in this browser" in notice
    assert desk.page.locator(".row[data-id=a1] .words").inner_text().endswith(" one")
    desk.site.start()
    says(desk, "Saved ")
    rows = [
        (p.act, p.after["text"]) for id in ("a1", "a2", "a3") for p in edits.history(desk.site.store, desk.recording, id)[1:] if p.after
    ]
    assert [text.split(" ")[-1] for _, text in rows] == ["one", "two", "three"]
    seqs = [edits.history(desk.site.store, desk.recording, id)[-1].seq for id in ("a1", "a2", "a3")]
    assert seqs == sorted(seqs)
    assert desk.page.locator(".notice").is_hidden()


def test_thirty_edits_made_offline_are_all_stored(desk: Desk) -> None:
    desk.page.context.set_offline(True)
    desk.press("Home")
    for round in range(2):
        typed(desk, *[f" r{round}" for _ in range(11)])
        desk.list()
        desk.press("Home")
    for _ in range(8):
        desk.press("u", "ArrowDown")
    says(desk, "kept here)")
    assert "Offline (" in desk.saved.inner_text()
    desk.page.context.set_offline(False)
    says(desk, "Saved ")
    held = desk.segments()
    assert [held[f"a{n}"]["text"] for n in range(1, 12)] == [f"{sessions.SENTENCES[n - 1]} r0 r1" for n in range(1, 12)]
    assert [held[f"a{n}"]["status"] for n in range(1, 9)] == ["unsure"] * 8
    rows = [p for n in range(1, 12) for p in edits.history(desk.site.store, desk.recording, f"a{n}")[1:]]
    assert len(rows) == 30
    assert len({p.seq for p in rows}) == 30


def test_what_was_not_sent_survives_a_reload(desk: Desk) -> None:
    desk.press("Home")
    desk.page.route("**/edits", lambda route: route.abort())
    typed(desk, " ari", " ari")
    says(desk, "Not saved (2)")
    desk.page.on("dialog", lambda dialog: dialog.accept())
    desk.page.reload()
    desk.page.locator(".row.chosen").wait_for()
    says(desk, "Not saved (2)")
    desk.page.unroute("**/edits")
    says(desk, "Saved ")
    assert desk.segments()["a1"]["text"].endswith(" ari")


def test_leaving_with_something_unsaved_asks(desk: Desk) -> None:
    desk.press("Home")
    desk.page.route("**/edits", lambda route: route.abort())
    typed(desk, " ari")
    says(desk, "Not saved (1)")
    leaving = "() => window.dispatchEvent(new Event('beforeunload', {cancelable: true}))"
    assert desk.page.evaluate(leaving) is False
    desk.page.unroute("**/edits")
    says(desk, "Saved ")
    assert desk.page.evaluate(leaving) is True


def test_a_full_disk_is_said_and_the_text_kept(desk: Desk) -> None:
    full = {"ok": False, "code": "DISK_FULL", "what": "the disk is full", "mend": "Free some room"}
    desk.page.route("**/edits", lambda route: route.fulfill(status=507, json=full))
    typed(desk, " ari")
    says(desk, "Not saved (1)")
    assert "the disk is full" in desk.page.locator(".notice").inner_text()
    desk.page.unroute("**/edits")
    desk.page.locator(".notice").get_by_role("button", name="Try again").click()
    says(desk, "Saved ")


def test_a_store_that_another_program_holds_is_said_and_the_text_kept(
    monkeypatch: pytest.MonkeyPatch, open_site: Callable[..., Site], open_desk: Callable[..., Desk]
) -> None:
    monkeypatch.setattr("speech.store.WAIT_S", 0.3)
    desk = open_desk(open_site())
    with open_store(desk.site.store.where) as other, other.write():
        typed(desk, " ari")
        says(desk, "Not saved (1)")
        assert "another program holds the store" in desk.page.locator(".notice").inner_text()
        assert desk.page.locator(".row[data-id=a1] .words").inner_text().endswith(" ari")
    desk.page.locator(".notice").get_by_role("button", name="Try again").click()
    says(desk, "Saved ")
    assert desk.segments()["a1"]["text"].endswith(" ari")


def test_the_same_answer_lost_twice_is_stored_once(desk: Desk) -> None:
    lost = 0

    def lose(route: Any) -> None:
        nonlocal lost
        lost += 1
        if lost <= 2:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    desk.page.route("**/edits", lose)
    typed(desk, " ari")
    says(desk, "Saved ")
    assert lost == 3
    assert len(edits.history(desk.site.store, desk.recording, "a1")) == 2


def test_typing_on_while_a_save_is_under_way_is_no_conflict(desk: Desk) -> None:
    desk.press("Enter")
    for n in range(4):
        desk.page.keyboard.type(f" ari{n}", delay=20)
        desk.page.wait_for_timeout(540)
    desk.press("Enter")
    says(desk, "Saved ")
    assert desk.segments()["a1"]["text"] == sessions.SENTENCES[0] + " ari0 ari1 ari2 ari3"
    assert desk.page.locator(".clash").count() == 0


def two(open_site: Callable[..., Site], open_desk: Callable[..., Desk]) -> tuple[Desk, Desk]:
    site = open_site(people=True)
    ana, ben = open_desk(site, person="ana"), open_desk(site, person="ben")
    for desk in (ana, ben):
        desk.page.route("**/changes?*", lambda route: route.abort())
    return ana, ben


def chosen(desk: Desk) -> None:
    """The panel of a conflict closes when what was chosen is on its way."""
    desk.page.locator(".panel").wait_for(state="hidden")
    desk.wait_saved()


def clash(ana: Desk, ben: Desk) -> None:
    ana.press("Home", "Enter")
    ana.text.fill("ñuka wasi hatun kanchu")
    ana.press("Enter")
    ana.wait_saved()
    ben.press("Home", "Enter")
    ben.text.fill("ñuka wasika hatun kan")
    ben.press("Enter")
    ben.page.locator(".notice.error").wait_for()
    assert ben.segments()["a1"]["text"] == "ñuka wasi hatun kanchu", "an edit was overwritten silently"


def test_a_conflict_shows_both_texts_and_the_draft(open_site: Callable[..., Site], open_desk: Callable[..., Desk]) -> None:
    ana, ben = two(open_site, open_desk)
    clash(ana, ben)
    ben.page.reload()
    ben.page.locator(".notice.error").get_by_role("button", name="Compare").click()
    panel = ben.page.locator(".panel").inner_text()
    for text in ("ñuka wasi hatun kanchu", "ñuka wasika hatun kan", sessions.SENTENCES[0], "By ana"):
        assert text in panel
    assert ben.page.locator(".panel textarea").input_value() == "ñuka wasika hatun kanchu"
    assert ben.page.locator(".panel").get_by_role("button", name="Play").is_enabled()
    ben.page.get_by_role("button", name="Keep mine").click()
    chosen(ben)
    texts = [p.after["text"] for p in edits.history(ben.site.store, ben.recording, "a1") if p.after]
    assert texts[-2:] == ["ñuka wasi hatun kanchu", "ñuka wasika hatun kan"]
    assert ben.page.locator(".notice.error").is_hidden()


def test_a_conflict_may_end_with_theirs_or_a_join(open_site: Callable[..., Site], open_desk: Callable[..., Desk]) -> None:
    ana, ben = two(open_site, open_desk)
    clash(ana, ben)
    ben.page.locator(".notice.error").get_by_role("button", name="Compare").click()
    ben.page.get_by_role("button", name="Keep this join").click()
    chosen(ben)
    assert ben.segments()["a1"]["text"] == "ñuka wasika hatun kanchu"
    ana.list()
    ana.press("Home", "Enter")
    ana.text.fill("pay")
    ana.press("Enter")
    ana.page.locator(".notice.error").get_by_role("button", name="Compare").click()
    ana.page.get_by_role("button", name="Keep theirs").click()
    chosen(ana)
    assert ana.segments()["a1"]["text"] == "ñuka wasika hatun kanchu"
    assert ana.page.locator(".clash").count() == 0


def test_others_are_seen_and_their_edits_come(open_site: Callable[..., Site], open_desk: Callable[..., Desk]) -> None:
    site = open_site(people=True)
    ana, ben = open_desk(site, person="ana"), open_desk(site, person="ben")
    ben.click("a3", ".when")
    ben.press("Enter")
    ben.page.keyboard.type(" ari")
    ana.page.locator(".row[data-id=a3] .here").wait_for()
    assert "ben here" in ana.page.locator(".row[data-id=a3] .here").inner_text()
    ana.page.wait_for_function(
        "() => document.querySelector('speech-review').shadowRoot.querySelector('[data-id=a3] .words').textContent.endsWith(' ari')"
    )
    assert ana.chosen == "a1"


def test_a_listener_hears_and_changes_nothing(open_site: Callable[..., Site], open_desk: Callable[..., Desk]) -> None:
    site = open_site(people=True)
    desk = open_desk(site, person="ida")
    desk.press("Home", "a", "2", "Delete", "s", "Enter")
    desk.page.keyboard.type("xyz")
    desk.page.wait_for_timeout(900)
    assert desk.text.input_value() == sessions.SENTENCES[0]
    assert len(edits.history(site.store, desk.recording, "a1")) == 1
    assert desk.page.locator(".tools [data-act=approve]").is_disabled()


def test_both_texts_of_a_conflict_stand_in_the_history_with_their_persons(
    open_site: Callable[..., Site], open_desk: Callable[..., Desk]
) -> None:
    """R20: who comes later sees what each of two people wrote, and who, whatever was chosen."""
    ana, ben = two(open_site, open_desk)
    clash(ana, ben)
    ben.page.locator(".notice.error").get_by_role("button", name="Compare").click()
    ben.page.get_by_role("button", name="Keep mine").click()
    chosen(ben)
    rows = [(p.person, p.after["text"]) for p in edits.history(ben.site.store, ben.recording, "a1")[1:] if p.after]
    assert rows == [("ana", "ñuka wasi hatun kanchu"), ("ben", "ñuka wasika hatun kan")]
    ida = open_desk(ana.site, person="ida")
    ida.press("Home", "h")
    ida.page.locator(".history li").nth(2).wait_for()
    panel = ida.page.locator(".panel").inner_text()
    assert "ana" in panel and "ben" in panel
    assert ida.page.locator(".history li .compared").count() >= 2


def test_what_was_written_while_cut_off_meets_what_others_wrote_and_the_rest_goes_on(
    open_site: Callable[..., Site], open_desk: Callable[..., Desk]
) -> None:
    """R28, R20: three edits of one who is cut off, of which another has changed one: two are stored, one is asked."""
    ana, ben = two(open_site, open_desk)
    ben.press("Home")
    ben.page.context.set_offline(True)
    typed(ben, " one", " two", " three")
    says(ben, "Offline (3")
    ana.click("a2", ".when")
    ana.press("Enter")
    ana.text.fill("kan mana rinkichu")
    ana.press("Enter")
    ana.wait_saved()
    ben.page.context.set_offline(False)
    ben.page.locator(".notice.error").get_by_role("button", name="Compare").wait_for()
    ben.wait_saved()
    held = ben.segments()
    assert [held[id]["text"] for id in ("a1", "a2", "a3")] == [
        f"{sessions.SENTENCES[0]} one", "kan mana rinkichu", f"{sessions.SENTENCES[2]} three",
    ]  # fmt: skip
    ben.page.locator(".notice.error").get_by_role("button", name="Compare").click()
    assert f"{sessions.SENTENCES[1]} two" in ben.page.locator(".panel").inner_text()


def test_what_was_loaded_is_played_while_cut_off(desk: Desk) -> None:
    """R28."""
    desk.press("Home", " ")
    desk.page.wait_for_function(
        f"() => {{ const {{ buffered }} = {AUDIO}; return buffered.length && buffered.end(buffered.length - 1) > 8; }}"
    )
    desk.press(" ")
    desk.page.context.set_offline(True)
    for _ in range(10):
        desk.press("+")
    desk.click("a2", ".when")
    desk.press(" ")
    desk.page.locator(".row[data-id=a2] .unheard").wait_for(state="detached")
    assert desk.page.evaluate(f"() => [{AUDIO}.error, Math.round({AUDIO}.currentTime)]") == [None, 5]


def test_no_request_leaves_the_server(desk: Desk) -> None:
    """R28: the log of a whole visit; `open_desk` keeps one for every other test."""
    asked: list[str] = []
    desk.page.on("request", lambda request: asked.append(request.url))
    desk.page.reload()
    desk.page.locator(".row.chosen").wait_for()
    desk.press("Home", " ", "Enter", "F2")
    desk.page.keyboard.type("ñ")
    desk.press("Escape", "h", "Escape", "Control+f")
    desk.page.keyboard.type("kan")
    desk.press("Enter")
    desk.page.locator(".hits li").first.wait_for()
    desk.wait_saved()
    assert {kind for kind in ("/media/", "/peaks", "/edits", "/history/", "/find", "/static/") if any(kind in url for url in asked)} == {
        "/media/", "/peaks", "/edits", "/history/", "/find", "/static/",
    }  # fmt: skip
    assert [url for url in asked if not url.startswith((desk.site.address, "blob:", "data:"))] == []
