"""The pages in a browser: the consent form filled in and taken back, Learn's figures, addresses of tabs, skipped speech that plays."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed (the extra dev)")

from playwright.sync_api import Page, Route

from speech.review import edits, learning
from speech.review.doubts import doubts_kept
from speech.review.orders import first_unsure
from speech.store import Store
from speech.store import tables as t
from speech.ui.served import Served
from speech.ui.users import LOCAL, Users
from tests.adapt.sources import CARD
from tests.sounds import noise, save, spoken
from tests.ui.browsing import Open
from tests.ui.conftest import opened, recording, work_off


def approve_all(served: Served) -> None:
    id = recording(served)
    for n, (segment, version) in enumerate(edits.segments_of(served.store, id).versions.items()):
        asked = {"act": "status", "segment": segment, "status": "approved"}
        edits.record(served.store, id, person=LOCAL, id=f"s{n}", base={segment: version}, asked=asked)


def fill_in(page: Page) -> None:
    """The form, by its labels, as a person reads them."""
    page.click("#consent-fill")
    page.click("#consent-keep")
    assert "Still open" in page.inner_text(".consent-form .error")  # nothing is ticked beforehand, nothing is taken for granted
    assert page.query_selector(".consent-form input:checked") is None
    page.get_by_label("Which languages are spoken").fill("que")
    page.get_by_label("Who holds the recordings").fill("The storytellers")
    page.get_by_label("What is that?").select_option("community")
    page.get_by_label("Where do the recordings come from?").fill("told in 2026")
    page.get_by_label("by the community as a whole").check()
    page.get_by_label("listen to it, transcribe and correct it").check()
    page.get_by_label("let a model learn from it").check()
    page.get_by_label("research", exact=True).check()
    page.get_by_label("On which day was it agreed?").fill("2026-03-02")
    page.get_by_label("Where can that be looked up").fill("minutes of 2 March 2026")
    page.click("#consent-keep")
    page.wait_for_selector("#consent-anew")


def test_the_form_is_filled_in_then_a_model_may_learn_then_it_is_taken_back(store: Store, folder: Path, app: Open) -> None:
    served = opened(store, folder, None)
    approve_all(served)
    page = app.page(served, "/#learn")
    page.wait_for_selector("#page-learn .warn")
    assert page.is_disabled("#learn-go")
    page.click("#learn-consent")
    page.wait_for_selector("#consent-fill")
    fill_in(page)
    assert "“tapes”, held by The storytellers" in page.inner_text("#consent")
    assert "A model may learn from it: 2 of 2 recordings" in page.inner_text("#consent .gate")
    page.click('[role=tab][data-tab-id="learn"]')
    page.wait_for_selector("#learn-go:not([disabled])")
    assert page.locator("#page-learn .warn").count() == 0
    page.click('[role=tab][data-tab-id="collection"]')
    page.click("#consent-back")
    page.click("#consent-back-now")
    page.wait_for_selector("#consent .gate .no >> text=it was taken back")
    page.click('[role=tab][data-tab-id="learn"]')
    page.wait_for_selector("#learn-go", state="hidden")
    assert not learning.lesson_in(served.workspace(), "que").ready
    page.reload()
    page.wait_for_selector("#page-learn h2")


def test_the_basis_is_asked_only_where_there_is_no_card_and_the_card_is_named(store: Store, folder: Path, app: Open) -> None:
    served = Served(store, folder, users=Users(None))
    page = app.page(served)
    page.wait_for_selector("#consent-heading")
    page.click("#consent-form-link")
    fill_in(page)
    page = app.page(served, f"/#transcribe/{recording(served)}")
    page.wait_for_selector(".gate .yes")
    assert page.query_selector("#consent-heading") is None
    assert "of The storytellers speaks for it" in page.inner_text("p.card")
    assert "✓ A model may learn from it" in page.inner_text(".gate")


@pytest.mark.parametrize(
    ("language", "asked"), [("es", "¿Cómo se acordó?"), ("fr", "Comment cela a-t-il été convenu ?"), ("sw", "Ilikubaliwa vipi?")]
)
def test_the_form_asks_in_the_persons_language(store: Store, folder: Path, app: Open, language: str, asked: str) -> None:
    served = opened(store, folder, None)
    page = app.page(served, "/#collection/consent", language=language)
    page.click("#consent-fill")
    assert asked in page.inner_text(".consent-form")
    assert not re.search(r"\bconsent\.\w", page.inner_text("#consent"))


def test_an_address_opens_its_tab_and_recording(store: Store, folder: Path, app: Open) -> None:
    from speech import formats
    from speech.types import Segment, Span, Transcript
    from tests.sounds import tone

    save(folder / "zulu.wav", tone(2))
    said = Segment(id="a1", span=Span(start_ms=0, end_ms=1500), text="pay shamunka", language="que")
    formats.save(Transcript(segments=(said,)), folder / "zulu.eaf")
    served = opened(store, folder, None)
    last = recording(served, "zulu.wav")
    page = app.page(served, f"/#review/{last}")
    page.wait_for_selector(f'speech-review[recording="{last}"]')
    assert page.get_attribute('[role=tab][data-tab-id="review"]', "aria-selected") == "true"
    assert page.input_value("#review-recording") == last
    for tab in ("learn", "collection", "languages"):
        page.evaluate(f"() => {{ location.hash = '{tab}'; }}")
        page.wait_for_selector(f'[role=tab][data-tab-id="{tab}"][aria-selected="true"]')
    page.click('[role=tab][data-tab-id="review"]')
    page.wait_for_function(f"() => location.hash === '#review/{last}'")
    page.select_option("#review-recording", recording(served))
    page.wait_for_selector(f'speech-review[recording="{recording(served)}"]')
    page.reload()
    page.wait_for_selector(f'speech-review[recording="{recording(served)}"]')
    page = app.page(served, "/#review/0000000000000000")  # no such recording: the tab, and what there is
    page.wait_for_selector('[role=tab][data-tab-id="review"][aria-selected="true"]')
    page = app.page(served, "/#nothing/'x")
    page.wait_for_selector("#page-transcribe h2")


def run_of(points: int) -> dict[str, Any]:
    curve = [{"minutes": 1.25 * 2**n, "cer": 0.5 - 0.05 * n, "low": 0.45 - 0.05 * n, "high": 0.55 - 0.05 * n} for n in range(points)]
    rate = {"value": 0.4, "low": 0.35, "high": 0.45}
    return {
        "adapter": "made", "donor": "que", "minutes": 5.0, "dev_clips": 4, "split_by": {"how": "last", "chosen": 0, "of": 0},
        "new": {"cer": rate, "wer": rate}, "old": None, "worst": [], "curve": curve, "forecast": None, "left_out": {}, "refused": {},
        "seconds": 10, "all_seconds": 20, "steps": 40, "bytes": 1000,
    }  # fmt: skip


@pytest.mark.parametrize(("points", "lines"), [(1, 0), (2, 0), (3, 1)])
def test_a_curve_has_no_line_under_three_points(store: Store, folder: Path, app: Open, points: int, lines: int) -> None:
    served = opened(store, folder, None)
    made = served.place / "models" / "que" / "made"
    made.mkdir(parents=True)
    (made / "learnt.json").write_text(json.dumps(run_of(points)), encoding="utf-8")
    page = app.page(served, "/#learn")
    page.wait_for_selector("#page-learn table")
    page.wait_for_selector(".learn section:nth-child(4) >> :is(svg, p.quiet)")
    assert page.locator(".curve polyline").count() == lines and page.locator(".curve circle").count() == 3 * lines
    assert ("Too little to say" in page.inner_text("#page-learn")) == (lines == 0)


def test_coverage_on_the_page_is_that_of_the_command(store: Store, folder: Path, app: Open, capsys: pytest.CaptureFixture[str]) -> None:
    """T9: the same recording and settings, by the page and by `speech transcribe --json`, to the millisecond."""
    from speech import cli

    sound = save(folder / "said.wav", spoken("Ñukanchik ayllukunaka hatun llaktapi kawsanchik.", "Pay shamunka."))
    served = opened(store, folder, None)
    id = recording(served, "said.wav")
    known = served.find(id)
    assert known is not None
    served.look(known)
    work_off(served)
    settings = {"language": "que", "model": "mini", "lm": "auto"}
    served.queue.add("transcribe", workspace=served.id, owner=LOCAL, recording=id, settings=settings)
    work_off(served, "heavy")
    capsys.readouterr()
    assert cli.run(["transcribe", str(sound), "--language", "que", "--json", "--force", "--out", str(folder.parent / "out")]) == 0
    [told] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [job] = [j for j in served.queue.all(served.id) if j.kind == "transcribe"]
    assert job.result["coverage"] == told["coverage"] and told["coverage"]["speech_ms"] > 0
    page = app.page(served)
    page.wait_for_selector(".job.done .coverage")

    line = page.inner_text(".job.done .coverage")
    for part in ("duration_ms", "speech_ms", "transcribed_ms", "skipped_ms", "silence_ms", "missing_ms"):
        assert clock(told["coverage"][part]) in line, (part, line)
    # T10: who asked for it begins at the first segment that is not sure.
    fold = edits.segments_of(store, id)
    first = first_unsure(fold.segments.values(), doubts_kept(edits.about(store, id)))
    assert first is not None and edits.place_in(store, id, LOCAL) == first
    page.click(".job.done button >> text=Open in Review")
    page.wait_for_selector(f'speech-review[recording="{id}"]')
    page.locator(f".row.chosen[data-id='{first}']").wait_for()


def clock(ms: int) -> str:
    """As the page writes times under an hour."""
    seconds = int(ms / 1000 + 0.5)
    return f"{seconds // 60}:{seconds % 60:02}"


HEARD = """() => { window.heard = []; const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
  const own = this;
  for (const name of ["playing", "pause"]) {
    own.addEventListener(name, () => window.heard.push([name, own.currentTime, own.src]), { once: true });
  }
  return play.call(own); }; }"""


def test_skipped_speech_plays_on_a_click(store: Store, folder: Path, app: Open) -> None:
    served = opened(store, folder, None)
    id = recording(served)
    known = served.find(id)
    assert known is not None
    served.look(known)
    work_off(served)
    coverage = {"duration_ms": 6000, "speech_ms": 5000, "transcribed_ms": 4000, "skipped_ms": 1000, "silence_ms": 1000, "missing_ms": 0}
    skipped = [{"start_ms": 2000, "end_ms": 3000, "reason": "no letter was heard"}]
    job = served.queue.add("transcribe", workspace=served.id, owner=LOCAL, recording=id, settings={"language": "que"})
    with store.write() as connection:
        done = {"state": "done", "result": json.dumps({"coverage": {**coverage, "skipped": skipped}, "findings": []})}
        connection.execute(t.job.update().where(t.job.c.id == job.id).values(**done))
    page = app.page(served)
    page.click(".job.done summary")
    page.evaluate(HEARD)
    page.click(".job.done details button >> text=no letter was heard")
    page.wait_for_function("() => window.heard.length === 2")
    (_, began, source), (_, ended, _) = page.evaluate("() => window.heard")
    assert source.endswith(f"/media/{id}") and 1.9 <= began < 3
    assert 2.5 <= ended < 6  # it stops by itself, before the recording's end


def test_a_file_goes_on_when_the_server_is_there_again(store: Store, folder: Path, tmp_path: Path, app: Open) -> None:
    """T1: the server ends between two pieces and another takes its place; the page goes on by itself, and both hashes are equal."""
    sent = save(tmp_path / "sent.wav", noise(300))  # three pieces of 4 MiB
    served = opened(store, folder, None)
    page = app.page(served)
    server = app.server(served)
    asked: list[str] = []

    def piece(route: Route) -> None:
        at = route.request.url.split("?at=")[1]
        if at != "0" and "gone" not in asked:
            asked.append("gone")
            server.stop()
        asked.append(at)
        route.continue_()

    page.route("**/upload/*?at=*", piece)
    page.wait_for_selector("#upload-files", state="attached")
    page.set_input_files("#upload-files", str(sent))
    page.wait_for_selector(".uploads span[role=status] >> text=does not answer")
    server.served = again = opened(store, folder, None)
    server.start()
    page.wait_for_selector(".recording .name >> text=sent.wav")
    kept = again.place / "uploads" / "sent.wav"
    assert hashlib.sha256(kept.read_bytes()).digest() == hashlib.sha256(sent.read_bytes()).digest()
    assert asked.count("0") == 1  # what had arrived is not sent again


def test_what_a_file_really_holds_is_shown_and_a_refusal_has_a_mend(store: Store, folder: Path, app: Open) -> None:
    """T3: length, rate, channels and codec as found, beside what the header claims."""
    whole = save(folder / "cut.wav", noise(4)).read_bytes()
    (folder / "cut.wav").write_bytes(whole[: 44 + 16_000 * 2])  # one second of the four that its header claims
    (folder / "none.wav").write_bytes(b"RIFF\x24\0\0\0WAVE")
    served = opened(store, folder, None)
    for known in served.workspace().recordings():
        served.look(known)
    work_off(served)
    page = app.page(served, f"/#transcribe/{recording(served, 'cut.wav')}")
    page.wait_for_selector(".box dl")
    shown = page.inner_text(".box dl")
    for part in ("0:01; the header claims 0:04", "16000 Hz", "wav, pcm, 16 bit"):
        assert part in shown, (part, shown)
    assert page.locator(".findings li").count() == 1
    page.click(".recording .name >> text=none.wav")
    page.wait_for_selector(".box .error:not(:empty)")
    facts = served.find(recording(served, "none.wav"))
    assert facts is not None
    refusal = facts.facts["refusal"]
    what = refusal["what"][0].upper() + refusal["what"][1:]  # a sentence on the page
    assert f"{what}. {refusal['mend']}." in page.inner_text(".box:has(h3) .error >> nth=0")


def test_what_the_card_bars_cannot_be_begun(store: Store, folder: Path, app: Open) -> None:
    """T4: no scope, no job; who bars it is named, and the button stays off."""
    served = opened(store, folder, None)
    text = CARD.replace('["LOCAL", "TRAIN"]', '["play", "review"]')
    assert text != CARD
    (folder / "collection.card.toml").write_text(text, encoding="utf-8")
    page = app.page(served, f"/#transcribe/{recording(served, 'bare.wav')}")
    page.wait_for_selector(".gate .no")
    assert "It may be transcribed here: Not allowed" in page.inner_text(".gate")
    page.fill("#transcribe-language", "que")
    page.wait_for_selector("#language-0")
    page.keyboard.press("Enter")
    assert page.input_value("#transcribe-language") == "Kichwa (que)"
    assert page.is_disabled(".form > button")
    assert [job for job in served.queue.all(served.id) if job.kind == "transcribe"] == []


def test_losses_are_said_before_anything_is_taken_away(store: Store, folder: Path, app: Open) -> None:
    """T10: a format that holds less says so, and only then is there something to save."""
    served = opened(store, folder, None)
    page = app.page(served, "/#collection")
    page.check("#page-collection tbody input[aria-label='Choose story.wav']")
    page.get_by_label(".srt", exact=True).check()
    page.click("text=Download the chosen ones (ZIP)")
    page.wait_for_selector("#page-collection .loss")
    with page.expect_download() as taken:
        page.click("#page-collection a[download]")
    with zipfile.ZipFile(taken.value.path()) as archive:
        assert sorted(archive.namelist()) == ["story.eaf", "story.srt"]
