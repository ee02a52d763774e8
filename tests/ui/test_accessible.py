"""The app for who uses keys alone, or a screen reader, or other colours: axe on every page, a whole review without a mouse, Tab on each
tab.

axe-core (Deque, MPL-2.0) comes with the package axe-playwright-python; it is run by the browser's tools, past the app's own policy, which
stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed (the extra dev)")
pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed (the extra dev)")

from playwright.sync_api import Browser, Page

from speech.review import edits
from speech.ui.pages import TABS
from speech.ui.served import Served
from speech.ui.users import LOCAL
from tests.app_site import PATIENCE_MS, Server
from tests.ui.conftest import recording, work_off

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js")
SERIOUS = ("serious", "critical")
REACHED = {
    "transcribe": ".recording",
    "review": "speech-review .row.chosen",
    "languages": "#page-languages tbody tr",
    "speak": "#page-speak :is(#speak-language, .nothing)",
    "learn": "#page-learn .nothing",
    "collection": "#page-collection tr.sum",
}
"""What is there once a tab is filled."""
ROOT = "document.querySelector('speech-review').shadowRoot"


@pytest.fixture
def server(served: Served) -> Iterator[Server]:
    """The app with recordings that were looked at."""
    for known in served.workspace().recordings():
        served.look(known)
    work_off(served)
    made = Server(served)
    made.start()
    yield made
    made.stop()


def visit(browser: Browser, server: Server, path: str = "/", **more: Any) -> Page:
    """A page of the local person."""
    context = browser.new_context(**{"viewport": {"width": 1366, "height": 900}, "locale": "en-GB", **more})
    context.add_cookies([server.cookie(LOCAL)])  # type: ignore[list-item]  # a plain mapping
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(server.address + path)
    return page


def open_tab(page: Page, tab: str) -> None:
    page.locator(f'#speech-head [role=tab][data-tab-id="{tab}"]').click()
    page.locator(f"#page-{tab} .speech-page h2").first.wait_for(state="attached")
    if tab == "review":
        page.locator("speech-review .row.chosen").wait_for()
    if tab == "collection":
        page.locator("#page-collection tr.sum").wait_for()
    if tab == "speak":
        page.locator(REACHED[tab]).first.wait_for()
        if page.locator("#speak-language").count():  # else the extra tts is not installed, and the page says so
            page.locator("#speak-language").select_option("yor")
            page.locator("#speak-borrow").select_option("swh")
            page.locator("#speak-text").fill("mo fẹ́ lọ sí ọjà " * 6)
            page.locator("#page-speak .unsaid li").first.wait_for()


def faults(page: Page) -> list[str]:
    """What axe finds that is serious or critical: rule, place, why."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    assert found["passes"], "axe looked at nothing"
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_tab(server: Server, browser: Browser, scheme: str) -> None:
    page = visit(browser, server, color_scheme=scheme)
    found: dict[str, list[str]] = {}
    for tab in TABS:
        open_tab(page, tab)
        if tab == "transcribe":
            page.locator(".recording", has_text="bare.wav").click()
            page.locator("#transcribe-language").click()
            page.locator("#language-0").wait_for()
        found[tab] = faults(page)
    open_tab(page, "review")
    for panel in ("settings", "help", "speakers", "find", "palette"):
        page.evaluate(f"() => {ROOT}.querySelector('.bar [data-act={panel}]').click()")
        found[panel] = faults(page)
    assert {name: said for name, said in found.items() if said} == {}
    assert page.locator("h1").count() == 1
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1366, 900), (360, 740)])
def test_axe_finds_nothing_serious_before_signing_in_and_on_the_element_alone(
    server: Server, browser: Browser, scheme: str, size: tuple[int, int]
) -> None:
    with browser.new_context(color_scheme=scheme) as context:  # type: ignore[arg-type]  # one of its literals
        page = context.new_page()
        page.goto(f"{server.address}/sign-in")
        assert faults(page) == []
    view = {"width": size[0], "height": size[1]}
    page = visit(browser, server, f"/review/{recording(server.served)}", color_scheme=scheme, viewport=view)
    page.locator("speech-review .row.chosen").wait_for()
    assert faults(page) == []
    assert page.locator("h1").count() == 1
    page.context.close()


def test_axe_sees_a_fault_that_is_put_in(server: Server, browser: Browser) -> None:
    page = visit(browser, server, f"/review/{recording(server.served)}")
    page.locator("speech-review .row.chosen").wait_for()
    page.evaluate(f"() => {ROOT}.querySelector('.clock').style.color = '#ccc'")
    page.evaluate(f"() => {ROOT}.querySelector('.bar select').removeAttribute('aria-label')")
    assert {said.split(":")[0] for said in faults(page)} == {"color-contrast", "select-name"}
    page.context.close()


def focus(page: Page) -> dict[str, Any]:
    """What has the focus, within the element, too: what it is, whether it is in sight, and the ring round it."""
    found: dict[str, Any] = page.evaluate(
        """() => {
            let one = document.activeElement;
            while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
            if (!one || one === document.body) return {name: "nothing", text: ""};
            const box = one.getBoundingClientRect(), style = getComputedStyle(one);
            const drawn = one.matches("#upload-files") ? getComputedStyle(one.nextElementSibling) : style;
            return {name: one.id || one.dataset.act || one.className || one.tagName, text: one.textContent.trim().slice(0, 30),
                seen: one.matches("#upload-files") || (box.width > 1 && box.height > 1 && box.right > 0 && box.left < innerWidth),
                ring: drawn.outlineStyle === "none" ? 0 : parseFloat(drawn.outlineWidth)};
        }"""
    )
    return found


@pytest.mark.parametrize("tab", TABS)
def test_tab_walks_through_a_page_with_the_focus_in_sight(server: Server, browser: Browser, tab: str) -> None:
    page = visit(browser, server, f"/#{tab}")
    page.locator(f'#to-{tab}[aria-selected="true"]').wait_for()
    page.locator(f"#page-{tab} .speech-page h2").first.wait_for(state="attached")
    page.locator(REACHED[tab]).first.wait_for()
    page.locator("#speech-language").focus()
    seen: list[dict[str, Any]] = []
    for _ in range(120):
        page.keyboard.press("Tab")
        now = focus(page)
        if now["name"] == "nothing":
            break
        seen.append(now)
    assert seen and now["name"] == "nothing", "Tab never came to the end of the page"
    assert [one for one in seen if not one["seen"]] == []
    assert [one for one in seen if one["ring"] < 3] == []
    names = [one["name"] for one in seen]
    assert names.count(f"to-{tab}") == 1
    assert sum(name.startswith("to-") for name in names) == 1, "the tabs are one stop"
    for _ in range(3):
        page.keyboard.press("Shift+Tab")
    assert focus(page)["name"] != "nothing"
    page.context.close()


def test_a_whole_review_is_done_by_keys_from_the_collection_to_the_file(server: Server, browser: Browser, tmp_path: Path) -> None:
    """No mouse: open the recording, correct, approve, split, find and replace, take the transcript away."""
    page = visit(browser, server)
    page.locator(".recording").first.wait_for()

    def tab_to(name: str, most: int = 200, key: str = "Tab") -> None:
        for _ in range(most):
            page.keyboard.press(key)
            if focus(page)["name"] == name or name in focus(page)["text"]:
                return
        raise AssertionError(f"{name} was not reached by {key}")

    tab_to("to-transcribe")
    page.keyboard.press("End")
    assert focus(page)["name"] == "to-collection"
    page.locator("#page-collection tr.sum").wait_for()
    tab_to("story.wav")
    page.keyboard.press("Enter")
    page.locator("speech-review .row.chosen").wait_for()
    page.keyboard.press("Home")
    tab_to("row chosen")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.keyboard.type(" ari")
    page.keyboard.press("Control+Shift+Enter")
    page.keyboard.press("Control+Shift+Enter")  # it was not heard: asked, and approved all the same
    page.keyboard.press("Escape")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Home")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    page.locator("speech-review [role=grid][aria-rowcount='5']").wait_for()
    page.keyboard.press("Control+f")
    page.keyboard.type("rinki")
    page.keyboard.press("Tab")
    page.keyboard.type("rinkipa")
    page.keyboard.press("Enter")
    page.locator("speech-review .hits li").wait_for()
    tab_to("main")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert focus(page)["name"].startswith("row")
    # What it says of saving may still be of the edit before: that it is stored is seen in the store.
    for _ in range(PATIENCE_MS // 100):
        held = sorted(edits.segments_of(server.served.store, recording(server.served)).forms.values(), key=lambda one: one["start_ms"])
        if any("rinkipa" in one["text"] for one in held):
            break
        page.wait_for_timeout(100)
    assert [one["text"] for one in held] == ["ñuka wasi ari", "kan", "mana rinkipa", "pay shamunka"]
    assert held[0]["status"] == "approved"

    tab_to("to-review", key="Shift+Tab")
    page.keyboard.press("End")
    page.locator("#page-collection tr.sum").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.type") == "checkbox"
    page.keyboard.press("Space")
    tab_to("ZIP")
    page.keyboard.press("Enter")
    page.locator("#page-collection a[download]").wait_for()
    tab_to("ZIP")
    with page.expect_download() as coming:
        page.keyboard.press("Enter")
    coming.value.save_as(tmp_path / "taken.zip")
    assert (tmp_path / "taken.zip").read_bytes()[:2] == b"PK"
    page.context.close()


def test_rows_are_told_with_position_and_count_and_what_is_done_by_a_status(server: Server, browser: Browser) -> None:
    page = visit(browser, server)
    open_tab(page, "review")
    grid = page.locator("speech-review [role=grid]")
    rows = page.locator("speech-review .scroller [role=row]")
    assert grid.get_attribute("aria-rowcount") == "4"
    assert [row.get_attribute("aria-rowindex") for row in rows.all()] == ["2", "3", "4"]
    tree = page.locator("main").aria_snapshot()
    for said in ("tablist", 'tab "Review" [selected]', "tabpanel", "grid", "columnheader", "gridcell", "status"):
        assert said in tree, said
    page.locator("speech-review .row.chosen").focus()
    page.keyboard.press("u")
    page.wait_for_function(f"() => {ROOT}.querySelector('[role=status]').textContent === 'Unsure'")
    page.context.close()


def test_forced_colours_and_reduced_motion_lose_nothing(server: Server, browser: Browser) -> None:
    """In forced colours the state of a tab, a row and a button is told by lines, as backgrounds are not drawn."""
    page = visit(browser, server, forced_colors="active", reduced_motion="reduce")
    open_tab(page, "review")
    page.locator("speech-review .row.chosen").focus()
    page.keyboard.press("u")
    page.wait_for_function(f"() => {ROOT}.querySelector('[data-status=unsure]').getAttribute('aria-pressed') === 'true'")
    lines = page.evaluate(
        f"""() => {{
            const tab = [...document.querySelectorAll('.speech-tabs [role=tab]')].map(e => getComputedStyle(e).borderBottomColor);
            const status = [...{ROOT}.querySelectorAll('[data-status]')].map(e => getComputedStyle(e).borderTopWidth);
            const row = [...{ROOT}.querySelectorAll('.scroller .row')].map(e => getComputedStyle(e).outlineStyle);
            const moving = [...document.querySelectorAll('*'), ...{ROOT}.querySelectorAll('*')]
                .filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0.05).map(e => e.outerHTML.slice(0, 80));
            return {{tab, status, row, moving}}; }}"""
    )
    assert len(set(lines["tab"])) == 2 and lines["tab"].count(lines["tab"][1]) == 1, "the open tab is as the others"
    assert lines["status"] == ["1px", "2px", "1px"]
    assert lines["row"].count("solid") == 1
    assert lines["moving"] == []
    page.context.close()


@pytest.mark.parametrize("size", [(360, 740), (768, 1024), (1366, 900), (683, 450)])
@pytest.mark.parametrize("language", ["en", "es"])
def test_nothing_scrolls_sideways_and_targets_are_large_on_any_tab(
    server: Server, browser: Browser, size: tuple[int, int], language: str
) -> None:
    """Also at 683 pixels: what a window of 1366 has at 200 %."""
    server.served.preferences.keep(LOCAL, "language", language)
    page = visit(browser, server, viewport={"width": size[0], "height": size[1]})
    page.locator(".recording").first.wait_for()
    wrong = {}
    for tab in TABS:
        open_tab(page, tab)
        page.locator(f'#to-{tab}[aria-selected="true"]').wait_for()
        wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        small = page.evaluate(
            """() => [...document.querySelectorAll('button, select, input:not([type=checkbox], [type=radio], [type=file]), textarea, a')]
            .filter(e => e.checkVisibility({visibilityProperty: true})).filter(e => {
            const box = e.getBoundingClientRect(); return box.height < 43.5 || box.width < 43.5; })
            .map(e => e.outerHTML.slice(0, 90))"""
        )
        cut = page.evaluate(
            """() => [...document.querySelectorAll('.speech-tabs button')].filter(e => {
            const box = e.getBoundingClientRect(); return box.left < 0 || box.right > innerWidth || e.scrollWidth > e.clientWidth + 1; })
            .map(e => e.textContent)"""
        )
        if wide > 0 or small or cut:
            wrong[tab] = (wide, small, cut)
    assert json.dumps(wrong, ensure_ascii=False) == "{}"
    page.context.close()
