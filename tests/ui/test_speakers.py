"""Who speaks, and in which of several languages: each choice of the page in the job's record, and what comes of it in Review."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytest.importorskip("playwright", reason="Playwright is not installed (the extra dev)")

from playwright.sync_api import Page, Response

from speech.review import edits
from speech.store import Store
from speech.ui.served import Served
from speech.ui.users import LOCAL
from tests.adapt.sources import CARD
from tests.sounds import RATE, SENTENCES, noise, save, silence, spoken
from tests.ui.browsing import Open
from tests.ui.conftest import Person, opened, recording, work_off

SWAHILI = ("Mama anapika chakula cha jioni nyumbani, na watoto wanacheza nje.", "Kesho tutaenda sokoni kununua samaki.")


def chosen(page: Page, *languages: str) -> None:
    """Languages put into the field, as a person types them."""
    for n, language in enumerate(languages):
        page.locator("#transcribe-language").press_sequentially(f"{', ' if n else ''}{language}")
        page.wait_for_selector("#language-0")
        page.keyboard.press("Enter")
        page.wait_for_selector("#language-list", state="hidden")


def handed_in(answer: Response) -> bool:
    """Whether this answers a job that was handed in: the page asks for the list of them at the same address, every now and then."""
    return answer.url.endswith("/api/jobs") and answer.request.method == "POST"


def begun(page: Page, served: Served) -> dict[str, Any]:
    """The settings of the job that the button begins; the job is ended at once, and the page is as it was."""
    with page.expect_response(handed_in) as answer:
        page.click(".form > button")
    assert answer.value.ok, answer.value.text()
    job = answer.value.json()
    served.queue.want(job["id"], "cancel")
    page.reload()
    page.wait_for_selector("#transcribe-language")
    return dict(job["settings"])


@pytest.fixture
def stereo(store: Store, folder: Path) -> Served:
    """A collection with a recording of two channels that was looked at."""
    soundfile.write(folder / "pair.wav", np.stack([noise(3, seed=1), noise(3, seed=2)], axis=1), RATE)
    served = opened(store, folder, None)
    for known in served.workspace().recordings():
        served.look(known)
    work_off(served)
    return served


def test_each_way_to_tell_speakers_reaches_the_jobs_record(stereo: Served, app: Open) -> None:
    """T7: off, auto, a number, a range, a channel each; the diariser by name."""
    page = app.page(stereo, f"/#transcribe/{recording(stereo, 'pair.wav')}")
    found = {}
    for choice in ("off", "auto", "2", "2-4", "channels"):
        page.wait_for_selector("#transcribe-speakers option[value=channels]", state="attached")
        chosen(page, "que")
        page.select_option("#transcribe-speakers", choice if choice in ("off", "auto", "channels") else "number")
        assert page.is_visible("#transcribe-count") == choice.startswith("2")
        assert page.is_visible("#transcribe-diariser") == (choice not in ("off", "channels"))
        if choice.startswith("2"):
            page.fill("#transcribe-count", choice)
        settings = begun(page, stereo)
        found[choice] = (settings["speakers"], settings["channels"], settings["diariser"])
    assert found == {
        "off": ("off", "mix", "embedded"),
        "auto": ("auto", "mix", "embedded"),
        "2": ("2", "mix", "embedded"),
        "2-4": ("2-4", "mix", "embedded"),
        "channels": ("off", "per-speaker", "embedded"),
    }


def test_a_channel_a_speaker_is_offered_where_there_are_several_channels(stereo: Served, app: Open) -> None:
    page = app.page(stereo, f"/#transcribe/{recording(stereo, 'bare.wav')}")
    page.wait_for_selector("#transcribe-diariser option", state="attached")
    assert page.locator("#transcribe-speakers option[value=channels]").count() == 0


def test_pyannote_is_offered_only_where_it_is_present(stereo: Served, app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """T7: it is named in the list, and in the job; where it is not here, the page does not know of it and the server says no."""
    id, settings = recording(stereo, "pair.wav"), {"language": "que", "speakers": "auto", "diariser": "pyannote"}
    page = app.page(stereo, f"/#transcribe/{id}")
    page.wait_for_selector("#transcribe-diariser option", state="attached")
    assert page.locator("#transcribe-diariser option").evaluate_all("all => all.map(o => o.value)") == ["embedded"]
    local = Person(stereo, LOCAL)
    assert local.send("/api/jobs", {"kind": "transcribe", "recording": id, "settings": settings}).status_code == 404
    monkeypatch.setattr("speech.ui.routes.jobs.there", lambda: ("embedded", "pyannote"))
    page.reload()
    page.wait_for_selector("#transcribe-diariser option[value=pyannote]", state="attached")
    chosen(page, "que")
    page.select_option("#transcribe-speakers", "auto")
    page.select_option("#transcribe-diariser", "pyannote")
    assert begun(page, stereo)["diariser"] == "pyannote"


def test_several_languages_and_none_that_is_known_reach_the_jobs_record(stereo: Served, app: Open) -> None:
    page = app.page(stereo, f"/#transcribe/{recording(stereo, 'pair.wav')}")
    page.wait_for_selector("#transcribe-language")
    chosen(page, "que", "swh")
    assert page.input_value("#transcribe-language") == "Kichwa (que), Swahili (swh)"
    assert begun(page, stereo)["language"] == "que,swh"
    page.click("#transcribe-language")
    page.wait_for_selector(".options li >> text=listen to each turn")
    page.click(".options li >> text=listen to each turn")
    assert begun(page, stereo)["language"] == "auto"
    page.fill("#transcribe-language", "que, nothing")
    assert page.is_disabled(".form > button")


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"speakers": "0"}, "SPEAKERS"),
        ({"speakers": "4-2"}, "SPEAKERS"),
        ({"speakers": "many"}, "SPEAKERS"),
        ({"speakers": "2", "channels": "per-speaker"}, "SPEAKERS"),
        ({"language": "que,Kiswahili"}, "LANGUAGE_CODE"),
        ({"language": ","}, "LANGUAGE_MISSING"),
        ({"channels": "left"}, "REQUEST"),
        ({"diariser": "/etc/passwd"}, "REQUEST"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(served: Served, local: Person, settings: dict[str, str], code: str) -> None:
    asked = {"kind": "transcribe", "recording": recording(served, "bare.wav"), "settings": {"language": "que", **settings}}
    answer = local.send("/api/jobs", asked)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize(
    ("settings", "scope"), [({"speakers": "auto"}, "diarise"), ({"language": "auto"}, "identify_language"), ({}, "")]
)  # fmt: skip
def test_the_gate_is_asked_for_what_is_told_apart(store: Store, folder: Path, settings: dict[str, str], scope: str) -> None:
    text = CARD.replace('["LOCAL", "TRAIN"]', '["play", "review", "transcribe_local"]')
    (folder / "collection.card.toml").write_text(text, encoding="utf-8")
    served = opened(store, folder, None)
    asked = {"kind": "transcribe", "recording": recording(served, "bare.wav"), "settings": {"language": "que", **settings}}
    answer = Person(served, LOCAL).send("/api/jobs", asked)
    assert answer.status_code == (422 if scope else 200)


def test_a_talk_in_two_languages_is_drafted_with_speakers_and_opens_in_review(
    store: Store, folder: Path, app: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the choice on the page to the legend in Review; turns as the command tells them."""
    from speech import cli

    talk = np.concatenate([spoken(SENTENCES[1], pause_s=0.3), silence(0.6), spoken(*SWAHILI, language="swh", pause_s=0.3)])
    sound = save(folder / "talk.wav", talk)
    served = opened(store, folder, None)
    id = recording(served, "talk.wav")
    page = app.page(served, f"/#transcribe/{id}")
    page.wait_for_selector("#transcribe-language")
    chosen(page, "que", "swh")
    page.select_option("#transcribe-speakers", "auto")
    with page.expect_response(handed_in) as answer:
        page.click(".form > button")
    assert answer.value.ok
    work_off(served, "heavy")
    [job] = [job for job in served.queue.all(served.id) if job.kind == "transcribe"]
    assert job.state == "done", job.refusal
    capsys.readouterr()
    assert cli.run(["transcribe", str(sound), "--language", "que,swh", "--speakers", "auto", "--json"]) == 0
    [told] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    forms = edits.segments_of(store, id).ordered()
    names = ("start_ms", "end_ms", "speaker", "language", "text")
    assert [tuple(form.get(name) for name in names) for form in forms] == [tuple(turn[name] for name in names) for turn in told["turns"]]
    assert {form["language"] for form in forms} == {"que", "swh"} and job.result["coverage"] == told["coverage"]
    known = served.find(id)
    assert known is not None and known.language == "swh"  # what most of it is in
    page.click(".job.done button >> text=Open in Review")
    page.wait_for_selector("speech-review .legend li")
    assert [" ".join(text.split()) for text in page.locator(".legend li").all_inner_texts()] == ["Kichwa (que)", "Swahili (swh)"]
    assert page.locator(".row .who >> text=/proposed|unsure/").count() > 0
