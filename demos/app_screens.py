"""Pictures of every page of the app, to be looked at: at three sizes, full, empty and failing, in Spanish, dark, and at twice the size.

**Synthetic: no person speaks here.** The app is opened on the sample collection of `demos/review.py` and on an empty folder, and driven
by Playwright in a Chromium that is on the machine. Written into --out: the collection, its workspace and store, and `screens/` with
PAGE-SIZE[-LOOK].png. Each run begins anew. `--keep` also writes the chosen few, made small, to where the guides show them
(docs/images/app).
Command: python demos/app_screens.py [--only review] [--sizes phone] [--keep docs/images/app]
Needs: the extras tts, app and dev, and /usr/bin/chromium (apt-get install chromium).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from refusals import plainly
from review import NOTE, TALKS, make

CHROMIUM = next((path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), shutil.which("chromium"))
PASSWORD = "a password of the sample"
PEOPLE = {"ana": "keeper", "ben": "reviewer"}
LONG_NAME = "weaver_and_her_daughter_second_visit_2026-03-14_tape_12b.wav"
SIZES = {"wide": (1366, 900), "tablet": (768, 1024), "phone": (360, 740)}
LOOKS: dict[str, dict[str, Any]] = {
    "": {},
    "es": {"locale": "es-EC"},
    "dark": {"color_scheme": "dark"},
    "twice": {},  # 200 %: half the window, each pixel twice
}
KEPT = {
    "transcribe-chosen-wide": "transcribe",
    "transcribe-chosen-phone": "transcribe_phone",
    "align-wide": "align",
    "listening-wide": "listening",
    "review_languages-wide": "review_languages",
    "review-wide": "review",
    "review-wide-dark": "review_dark",
    "review-phone": "review_phone",
    "history-wide": "history",
    "find-wide": "find",
    "conflict-wide": "conflict",
    "palette-wide": "letters",
    "not_saved-wide": "not_saved",
    "languages-wide": "languages",
    "speak-wide": "speak",
    "learn-wide": "learn",
    "collection-wide": "collection",
    "sign_in-phone": "sign_in",
}
"""What the guides show, by the picture's name."""
WIDTH_KEPT = 1100


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A picture: on which server, and what is done to the page first. In looks other than the plain one only where `everywhere`."""

    name: str
    do: Callable[[Any, Stage], None]
    server: str = "full"
    person: str = "ana"
    everywhere: bool = True


@dataclass(slots=True)
class Stage:
    """The servers, and who asks them."""

    addresses: dict[str, str]
    ids: dict[str, str]
    cookies: dict[str, list[Any]]
    ask: Callable[..., Any]
    reset: Callable[[], None]

    def address(self, shot: Shot) -> str:
        return self.addresses[shot.server]


def wait(page: Any, selector: str) -> None:
    page.locator(selector).first.wait_for(timeout=30_000)


def tab(page: Any, stage: Stage, name: str, server: str = "full") -> None:
    """Open the app at a tab."""
    page.goto(f"{stage.addresses[server]}/")
    wait(page, "#page-transcribe h2")
    page.locator(f'[role=tab][data-tab-id="{name}"]').first.click()
    wait(page, f"#page-{name} .speech-page > *")
    page.wait_for_timeout(700)


def transcribe(page: Any, stage: Stage) -> None:
    for text in stage.ask("ana", "/api/texts")["waiting"]:  # what a picture before has sent
        stage.ask("ana", f"/api/texts/{text['id']}", {}, method="delete")
    tab(page, stage, "transcribe")
    wait(page, ".recording")


def transcribe_chosen(page: Any, stage: Stage) -> None:
    transcribe(page, stage)
    page.locator(".recording", has_text="not_yet").click()
    wait(page, "#transcribe-language")
    page.locator("#transcribe-language").fill("swahili")
    wait(page, "#language-0")
    page.keyboard.press("Enter")
    page.mouse.move(0, 0)


def align(page: Any, stage: Stage) -> None:
    """A notebook was dropped for a recording that is there; another is called like none."""
    transcribe(page, stage)
    talk = next(talk for talk in TALKS if not talk.drafted)
    notebook = "\n".join(sentence for _, sentence in talk.turns)
    files = {f"{talk.name}.txt": notebook, "notebook_of_1998.txt": "Hapo zamani za kale."}
    page.locator("#upload-files").set_input_files(
        [{"name": name, "mimeType": "text/plain", "buffer": text.encode()} for name, text in files.items()]
    )
    page.locator(".waiting li").nth(1).wait_for()
    page.locator(".waiting li", has=page.locator("strong", has_text=talk.name)).locator("button").first.click()
    wait(page, ".ways")
    page.locator("#transcribe-language").fill("swahili")
    wait(page, "#language-0")
    page.keyboard.press("Enter")
    page.mouse.move(0, 0)
    page.wait_for_timeout(400)


def transcribe_language(page: Any, stage: Stage) -> None:
    transcribe(page, stage)
    page.locator(".recording", has_text="not_yet").click()
    wait(page, "#transcribe-language")
    page.locator("#transcribe-language").click()
    wait(page, "#language-0")


def transcribe_refused(page: Any, stage: Stage) -> None:
    transcribe(page, stage)
    page.locator(".recording", has_text="broken").click()
    wait(page, ".gate")
    page.wait_for_timeout(1000)


def transcribe_lost(page: Any, stage: Stage) -> None:
    transcribe(page, stage)
    page.route("**/api/**", lambda route: route.abort())
    page.locator(".recording", has_text="not_yet").click()
    page.wait_for_timeout(5000)


def listened(name: str) -> Callable[[Any, Stage], None]:
    """A page on which a recording was listened to for its language."""

    def do(page: Any, stage: Stage) -> None:
        if name == "transcribe":
            transcribe(page, stage)
            page.locator(".recording", has_text="not_yet").click()
        else:
            languages(page, stage)
            page.locator("#listening-recording").select_option(label="swahili_not_yet_transcribed.wav")
        place = f"#page-{name} .listening"
        page.wait_for_timeout(1500)
        if page.locator(f"{place} .proposal").count() == 0:  # what was listened to once is not forgotten
            page.locator(f"{place} .listen").click()
            page.locator(f"{place} .proposal").first.wait_for(timeout=120_000)
        page.locator(f"{place} summary").click()
        if name == "transcribe":
            page.locator("#transcribe-speakers").select_option("number")
        page.locator(f"{place} .listen").scroll_into_view_if_needed()
        page.mouse.move(0, 0)
        page.wait_for_timeout(400)

    return do


def mixed(page: Any, stage: Stage) -> None:
    """Two who speak two languages, at once for a while."""
    review(page, stage, "two_languages_at_the_market.wav")
    page.locator("speech-review .row.chosen").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(600)


def mixed_speakers(page: Any, stage: Stage) -> None:
    mixed(page, stage)
    page.evaluate("() => document.querySelector('speech-review').shadowRoot.querySelector('[data-act=speakers]').click()")
    page.wait_for_timeout(600)


def review(page: Any, stage: Stage, recording: str = "kichwa_family.wav") -> None:
    tab(page, stage, "review")
    wait(page, "#review-recording")
    page.locator("#review-recording").select_option(stage.ids[recording])
    wait(page, "speech-review .row.chosen")
    page.wait_for_timeout(800)


def press(*keys: str) -> Callable[[Any, Stage], None]:
    """The Review page after keys on its list."""

    def do(page: Any, stage: Stage) -> None:
        review(page, stage)
        page.locator("speech-review .row.chosen").focus()
        for key in keys:
            page.keyboard.press(key)
            page.wait_for_timeout(150)
        page.wait_for_timeout(600)

    return do


def act(name: str) -> Callable[[Any, Stage], None]:
    """The Review page after one of its buttons, wherever it is."""

    def do(page: Any, stage: Stage) -> None:
        review(page, stage)
        page.evaluate(f"() => document.querySelector('speech-review').shadowRoot.querySelector('[data-act={name}]').click()")
        page.wait_for_timeout(600)

    return do


def history(page: Any, stage: Stage) -> None:
    press("Home", "h")(page, stage)
    wait(page, "speech-review .history")


def find(page: Any, stage: Stage) -> None:
    press("Home", "Control+f")(page, stage)
    page.keyboard.type("ka")
    page.keyboard.press("Tab")
    page.keyboard.type("k'a")
    page.keyboard.press("Enter")
    wait(page, "speech-review .hits li")


def letters(page: Any, stage: Stage) -> None:
    press("Home", "Enter")(page, stage)
    page.keyboard.press("F2")
    page.locator("speech-review .palette input").fill("eng")
    wait(page, "speech-review .found .letter")


def more(page: Any, stage: Stage) -> None:
    review(page, stage)
    button = page.locator("speech-review .more")
    if button.is_visible():
        button.click()
    page.wait_for_timeout(400)


def not_saved(page: Any, stage: Stage) -> None:
    review(page, stage)
    page.route("**/edits", lambda route: route.abort())
    _type(page, " ari")
    wait(page, "speech-review .save.failing")
    page.wait_for_timeout(500)


def disk_full(page: Any, stage: Stage) -> None:
    review(page, stage)
    body = {"ok": False, "code": "DISK_FULL", "what": "the disk of the server is full", "mend": "Free some space"}
    page.route("**/edits", lambda route: route.fulfill(status=507, json=body))
    _type(page, " ari")
    wait(page, "speech-review .save.failing")
    page.wait_for_timeout(500)


def offline(page: Any, stage: Stage) -> None:
    review(page, stage)
    page.context.set_offline(True)
    _type(page, " ari")
    wait(page, "speech-review .save.offline")
    page.wait_for_timeout(500)


def refused(page: Any, stage: Stage) -> None:
    review(page, stage)
    body = {
        "ok": False,
        "code": "REVIEW_TIMES",
        "what": "segment 2 would overlap segment 3 of the same speaker",
        "mend": "Move its end first",
    }
    page.route("**/edits", lambda route: route.fulfill(status=422, json=body))
    _type(page, " ari")
    wait(page, "speech-review .notice.error")


def _type(page: Any, text: str) -> None:
    page.locator("speech-review .row.chosen").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type(text)


def conflict(page: Any, stage: Stage) -> None:
    """Two people in one segment: ben's edit arrives while ana's is on its way."""
    recording = stage.ids["swahili_market.wav"]
    review(page, stage, "swahili_market.wav")
    page.route("**/edits", lambda route: route.abort())
    page.locator("speech-review .row.chosen").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.keyboard.type(" sana")
    wait(page, "speech-review .save.failing")
    held = stage.ask("ben", f"/api/recordings/{recording}")
    first = held["segments"][0]
    said = {"act": "text", "segment": first["id"], "text": f"{first['text']} leo"}
    stage.ask("ben", f"/api/recordings/{recording}/edits", {"id": f"ben-{time.time()}", "base": {first["id"]: first["version"]}, **said})
    page.unroute("**/edits")
    page.locator("speech-review .notice button").first.click()
    page.locator("speech-review .notice", has_text="ben").wait_for(timeout=30_000)
    page.locator("speech-review .notice button").first.click()
    wait(page, "speech-review .version")
    page.wait_for_timeout(400)


def unheard(page: Any, stage: Stage) -> None:
    press("End", "a")(page, stage)
    wait(page, "speech-review .ask")


def nothing_left(page: Any, stage: Stage) -> None:
    review(page, stage)
    page.evaluate(
        """() => { const choice = document.querySelector('speech-review').shadowRoot.querySelectorAll('.choices select')[1];
        choice.value = 'not_speech'; choice.dispatchEvent(new Event('change')); }"""
    )
    wait(page, "speech-review .empty")


def languages(page: Any, stage: Stage) -> None:
    tab(page, stage, "languages")
    wait(page, "#page-languages tbody tr")


def languages_none(page: Any, stage: Stage) -> None:
    languages(page, stage)
    page.locator("#languages-search").fill("klingon")
    page.wait_for_timeout(800)


def speak(page: Any, stage: Stage) -> None:
    """Something was spoken; then a text in a language without a voice, with one borrowed, and what that cannot say."""
    tab(page, stage, "speak")
    wait(page, "#speak-language")
    if page.locator("#page-speak .job.done").count() == 0:
        page.locator("#speak-language").select_option("que")
        page.locator("#speak-text").fill("Ñukanchik ayllukunaka hatun llaktapi kawsanchik.")
        page.locator("#speak-go").click()
        page.locator("#page-speak .job.done").wait_for(timeout=120_000)
    speak_no_voice(page, stage)
    page.locator("#speak-borrow").select_option("swh")
    page.locator("#page-speak .unsaid li").first.wait_for(timeout=120_000)  # the first time a table of all scripts is loaded
    page.mouse.move(0, 0)
    page.wait_for_timeout(400)


def speak_no_voice(page: Any, stage: Stage) -> None:
    if page.locator("#speak-language").count() == 0:
        tab(page, stage, "speak")
        wait(page, "#speak-language")
    page.locator("#speak-language").select_option("yor")
    page.locator("#speak-text").fill("Mo fẹ́ lọ sí ọjà.")
    wait(page, "#speak-borrow")
    page.wait_for_timeout(400)


def read_back(page: Any, stage: Stage) -> None:
    """While the voice is heard."""
    press("Home", "v")(page, stage)
    page.locator("speech-review .aloud.synthetic").wait_for(timeout=60_000)


def collection(page: Any, stage: Stage) -> None:
    tab(page, stage, "collection")
    wait(page, "#page-collection tr.sum")


def taken_away(page: Any, stage: Stage) -> None:
    collection(page, stage)
    page.locator("#page-collection tbody input").first.check()
    page.locator("#page-collection .box input[value=srt]").check()
    page.locator("#page-collection .box button").first.click()
    wait(page, "#page-collection .box a")
    page.wait_for_timeout(400)


def alone(page: Any, stage: Stage) -> None:
    page.goto(f"{stage.addresses['full']}/review/{stage.ids['kichwa_family.wav']}")
    wait(page, "speech-review .row.chosen")
    page.wait_for_timeout(800)


def sign_in(page: Any, stage: Stage) -> None:
    page.goto(f"{stage.addresses['full']}/sign-in")


def sign_in_wrong(page: Any, stage: Stage) -> None:
    sign_in(page, stage)
    page.route("**/api/sign-in", lambda route: route.fulfill(status=401, body=""))
    page.locator("#name").fill("ana")
    page.locator("#password").fill("wrong")
    page.locator("button").click()
    wait(page, "#said:not(:empty)")


def key_used(page: Any, stage: Stage) -> None:
    page.goto(f"{stage.addresses['empty']}/sign-in?key=used")


def opened(name: str, server: str) -> Callable[[Any, Stage], None]:
    return lambda page, stage: tab(page, stage, name, server)


SHOTS = (
    Shot(name="sign_in", do=sign_in, person=""),
    Shot(name="sign_in_wrong", do=sign_in_wrong, person="", everywhere=False),
    Shot(name="key_used", do=key_used, person="", server="empty", everywhere=False),
    Shot(name="transcribe", do=transcribe),
    Shot(name="transcribe-chosen", do=transcribe_chosen),
    Shot(name="align", do=align),
    Shot(name="transcribe-language", do=transcribe_language, everywhere=False),
    Shot(name="listening", do=listened("transcribe")),
    Shot(name="languages-listening", do=listened("languages")),
    Shot(name="review_languages", do=mixed),
    Shot(name="review_languages-speakers", do=mixed_speakers, everywhere=False),
    Shot(name="transcribe-refused", do=transcribe_refused, everywhere=False),
    Shot(name="transcribe-lost", do=transcribe_lost, everywhere=False),
    Shot(name="transcribe-empty", do=opened("transcribe", "empty"), server="empty", person="local", everywhere=False),
    Shot(name="review", do=review),
    Shot(name="review-empty", do=opened("review", "empty"), server="empty", person="local", everywhere=False),
    Shot(name="more", do=more),
    Shot(name="history", do=history),
    Shot(name="find", do=find),
    Shot(name="palette", do=letters),
    Shot(name="keys", do=act("help")),
    Shot(name="settings", do=act("settings"), everywhere=False),
    Shot(name="speakers", do=act("speakers"), everywhere=False),
    Shot(name="times", do=press("Home", "ArrowDown", "t"), everywhere=False),
    Shot(name="unheard", do=unheard, everywhere=False),
    Shot(name="conflict", do=conflict),
    Shot(name="nothing_left", do=nothing_left, everywhere=False),
    Shot(name="not_saved", do=not_saved),
    Shot(name="disk_full", do=disk_full, everywhere=False),
    Shot(name="offline", do=offline, everywhere=False),
    Shot(name="refused", do=refused, everywhere=False),
    Shot(name="languages", do=languages),
    Shot(name="languages-none", do=languages_none, everywhere=False),
    Shot(name="speak", do=speak),
    Shot(name="speak-no-voice", do=speak_no_voice, everywhere=False),
    Shot(name="read_back", do=read_back),
    Shot(name="learn", do=opened("learn", "full")),
    Shot(name="learn-empty", do=opened("learn", "empty"), server="empty", person="local", everywhere=False),
    Shot(name="collection", do=collection),
    Shot(name="taken_away", do=taken_away, everywhere=False),
    Shot(name="collection-empty", do=opened("collection", "empty"), server="empty", person="local", everywhere=False),
    Shot(name="alone", do=alone),
)


@contextlib.contextmanager
def app(folder: Path, *options: str) -> Iterator[str]:
    """The app on a folder; gives the address that it shows."""
    command = [sys.executable, "-m", "speech", "app", str(folder), "--port", "0", "--no-browser", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            if not address:
                sys.exit("The app did not start: run it by hand to see why")
            yield address
        finally:
            process.terminate()
            process.wait(30)


def asking(playwright: Any, base: str) -> Callable[..., Any]:
    """Ask the server as one of the people, without a page."""
    contexts: dict[str, Any] = {}

    def ask(person: str, path: str, body: Any = None, method: str = "post") -> Any:
        if person not in contexts:
            contexts[person] = playwright.request.new_context(base_url=base, extra_http_headers={"X-Speech": "1", "Origin": base})
            assert contexts[person].post("/api/sign-in", data={"name": person, "password": PASSWORD}).ok
        answer = contexts[person].get(path) if body is None else getattr(contexts[person], method)(path, data=body)
        return answer.json() if answer.ok else None

    def cookies(person: str) -> list[Any]:
        ask(person, "/api/me")
        return list(contexts[person].storage_state()["cookies"])

    ask.cookies = cookies  # type: ignore[attr-defined]  # of the same people
    return ask


def worked_on(ask: Callable[..., Any], ids: dict[str, str]) -> None:
    """Some of the review is done: segments heard, mended, approved, unsure; others wait."""
    recording = ids["kichwa_family.wav"]
    held = ask("ana", f"/api/recordings/{recording}")["segments"]

    def edit(segment: dict[str, Any], **asked: Any) -> None:
        now = {one["id"]: one["version"] for one in ask("ana", f"/api/recordings/{recording}")["segments"]}
        body = {"id": f"sample-{time.time()}", "base": {segment["id"]: now[segment["id"]]}, "segment": segment["id"], **asked}
        assert ask("ana", f"/api/recordings/{recording}/edits", body) is not None

    for segment in held[:4]:
        ask("ana", f"/api/recordings/{recording}/heard", {"segment": segment["id"]})
    for number, segment in enumerate(held):
        edit(segment, act="speaker", speaker=("K1", "K2")[number % 2])
    edit(held[0], act="text", text="Ñukanchik ayllukunaka hatun llaktapi kawsanchik.")
    edit(held[0], act="status", status="approved", reason="")
    edit(held[1], act="note", notes=["ask Maria: chakra or chagra?"])
    edit(held[2], act="status", status="approved", reason="")
    edit(held[3], act="status", status="unsure", reason="two voices")
    ask("ana", f"/api/recordings/{recording}/place", {"segment": held[1]["id"]})


def looked_at(ask: Callable[..., Any], ids: Iterable[str]) -> None:
    """Wait until the workers have looked at each recording, and drawn it."""
    until = time.monotonic() + 120
    waiting = set(ids)
    while waiting and time.monotonic() < until:
        waiting = {id for id in waiting if (ask("ana", f"/api/recordings/{id}/facts") or {}).get("wait")}
        time.sleep(0.5)


def prepared(out: Path) -> Path:
    """The sample anew, with a long name, and a file that is no recording."""
    folder = out / "village"
    for lying in (folder, out / "village.workspace", out / "empty", out / "empty.workspace", out / "screens"):
        shutil.rmtree(lying, ignore_errors=True)
    for lying in out.glob("screens.sqlite3*"):
        lying.unlink()
    kept = out / "sample"
    if not (kept / NOTE).is_file():
        make(kept)
    shutil.copytree(kept, folder)
    shutil.copyfile(folder / "swahili_not_yet_transcribed.wav", folder / LONG_NAME)
    (folder / "broken.wav").write_text("This is a text that somebody has called a recording.\n", encoding="utf-8")
    (out / "empty").mkdir()
    (out / "screens").mkdir()
    return folder


def people(path: Path) -> None:
    from speech.ui.users import add_user

    path.unlink(missing_ok=True)
    for name, role in PEOPLE.items():
        add_user(path, name, role, PASSWORD)


def take(browser: Any, stage: Stage, shot: Shot, size: str, look: str, out: Path) -> list[str]:
    """One picture; gives what is wrong with the page that can be measured."""
    width, height = SIZES[size]
    more: dict[str, Any] = dict(LOOKS[look])
    scale = 2 if look == "twice" else 1
    context = browser.new_context(
        viewport={"width": width // scale, "height": height // scale}, device_scale_factor=scale,
        has_touch=size != "wide", **{"locale": "en-GB", **more},
    )  # fmt: skip
    context.set_default_timeout(30_000)
    if shot.person:
        context.add_cookies(stage.cookies[shot.person])
    if shot.person == "ana":
        stage.reset()  # what a picture before has switched on
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    try:
        shot.do(page, stage)
    except Exception as error:  # noqa: BLE001  # a picture of what is there tells more than none
        faults.append(str(error).splitlines()[0])
    wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    if wide > 0:
        faults.append(f"{wide} px scroll sideways")
    page.screenshot(path=str(out / "screens" / f"{shot.name}-{size}{f'-{look}' if look else ''}.png"))
    context.close()
    return faults


def keep(screens: Path, folder: Path) -> None:
    """The chosen few as WebP, no wider than the guides show them."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for name, short in KEPT.items():
        with Image.open(screens / f"{name}.png") as shot:
            picture = shot.convert("RGB")
            if picture.width > WIDTH_KEPT:
                picture = picture.resize((WIDTH_KEPT, round(picture.height * WIDTH_KEPT / picture.width)), Image.Resampling.LANCZOS)
            picture.save(folder / f"{short}.webp", quality=80, method=6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("demo-output/screens"))
    parser.add_argument("--only", nargs="*", default=[], help="pictures whose name begins so")
    parser.add_argument("--sizes", nargs="*", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--looks", nargs="*", default=list(LOOKS), choices=list(LOOKS))
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="also write the chosen few there, made small")
    options = parser.parse_args()
    if CHROMIUM is None:
        sys.exit("Chromium is not on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    folder = prepared(out)
    people(out / "people.json")
    os.environ["SPEECH_STORE"] = str((out / "screens.sqlite3").resolve())
    print("Synthetic: eSpeak NG, a program, speaks the sample; no person was recorded.", flush=True)
    told: dict[str, list[str]] = {}
    with (
        app(folder, "--users", str(out / "people.json")) as full,
        app(out / "empty") as empty,
        sync_playwright() as playwright,
    ):
        base, key = full.rstrip("/"), empty
        ask = asking(playwright, base)
        ids = {one["name"]: one["id"] for one in ask("ana", "/api/recordings")}
        worked_on(ask, ids)
        looked_at(ask, ids.values())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--mute-audio"])
        local = browser.new_context()
        local.new_page().goto(key)
        stage = Stage(
            addresses={"full": base, "empty": key.split("/sign-in")[0]},
            ids=ids,
            cookies={"ana": ask.cookies("ana"), "ben": ask.cookies("ben"), "local": local.cookies()},  # type: ignore[attr-defined]
            ask=ask,
            reset=lambda: ask("ana", "/api/me/preferences", {"name": "review", "value": {}}, method="put"),
        )
        local.close()
        for look in options.looks:
            for size in options.sizes:
                if look == "twice" and size == "phone":
                    continue  # a window of 180 pixels is nobody's
                for shot in SHOTS:
                    if (look and not shot.everywhere) or (options.only and not shot.name.startswith(tuple(options.only))):
                        continue
                    faults = take(browser, stage, shot, size, look, out)
                    if faults:
                        told[f"{shot.name}-{size}-{look}"] = faults
        browser.close()
    print(json.dumps(told, indent=1, ensure_ascii=False) if told else "Nothing that can be measured is wrong.")
    if options.keep:
        keep(out / "screens", options.keep)
    print(f"{len(list((out / 'screens').glob('*.png')))} pictures lie in {out / 'screens'}")


if __name__ == "__main__":
    plainly(main)
