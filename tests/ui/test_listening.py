"""Listening for the language: proposals on Transcribe, the answer on Languages as the command gives it, candidates by the card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed (the extra dev)")

from playwright.sync_api import Page

from speech.collections import ledger
from speech.identify.head import languages_of
from speech.models.hub import mini_folder
from speech.store import Store
from speech.ui.served import Served
from speech.ui.users import LOCAL
from tests.adapt.sources import CARD
from tests.sounds import SENTENCES, save, spoken
from tests.ui.browsing import Open
from tests.ui.conftest import Person, opened, recording, work_off

FINNISH = ("Lapset menevät kouluun joka päivä.", "Äiti keittää ruokaa keittiössä ja isä työskentelee pellolla.")


def card(folder: Path, *languages: str, allow: str = '["LOCAL", "TRAIN"]') -> None:
    """A card that names these languages."""
    named = "\n".join(f'[[languages]]\niso639_3 = "{code}"\n' for code in languages)
    text = CARD.replace('[[languages]]\niso639_3 = "que"\n', named).replace('["LOCAL", "TRAIN"]', allow)
    assert named in text and allow in text
    (folder / "collection.card.toml").write_text(text, encoding="utf-8")


def listen(page: Page, served: Served) -> dict[str, Any]:
    """Press the button, let the worker work, and wait for the page; the job's result."""
    page.click(".listen >> visible=true")
    page.wait_for_function("() => [...document.querySelectorAll('.listening [role=status]')].some(one => /Waiting/.test(one.textContent))")
    work_off(served, "heavy")
    page.wait_for_function("() => [...document.querySelectorAll('.listening [role=status]')].some(one => / s\\b/.test(one.textContent))")
    return dict([job for job in served.queue.all(served.id) if job.kind == "identify"][-1].result)


def shown(page: Page) -> list[tuple[str, str]]:
    """Names and probabilities as they stand on the page."""
    rows = page.locator(".proposal >> visible=true").all()
    return [(row.locator(".name").inner_text(), row.locator(".number").inner_text()) for row in rows]


def percent(probability: float) -> str:
    return "< 1 %" if 0 < probability < 0.01 else f"{int(100 * probability + 0.5)} %"


def test_a_known_language_is_proposed_first_and_taken(store: Store, folder: Path, app: Open) -> None:
    """T6: five languages and none of these, with probabilities and the seconds heard; the first is chosen, another can be."""
    save(folder / "known.wav", spoken(*SENTENCES))
    served = opened(store, folder, None)
    page = app.page(served, f"/#transcribe/{recording(served, 'known.wav')}")
    page.wait_for_selector(".listen")
    assert page.is_disabled(".form > button") and page.input_value("#transcribe-language") == ""
    result = listen(page, served)
    assert result["language"] == "que" and result["speech_ms"] > 3000
    names = [name for name, _ in shown(page)]
    assert len(names) == 6 and names[0] == "Kichwa (que)" and "None of these" in names
    assert f"Kichwa (que): {percent(result['probability'])}, by {result['speech_ms'] / 1000:.1f} s of speech" in page.inner_text(
        ".listening"
    )
    assert page.locator(".proposal input:checked").get_attribute("value") == "que"
    page.wait_for_function("() => document.querySelector('#transcribe-language').value === 'Kichwa (que)'")
    assert page.is_enabled(".form > button")
    other = next(name for name in names[1:] if name != "None of these")
    page.locator(".proposal", has_text=other).locator("input").check()
    page.wait_for_function("name => document.querySelector('#transcribe-language').value === name", arg=other)
    page.locator(".proposal", has_text="None of these").locator("input").check()
    page.wait_for_function("() => document.querySelector('#transcribe-language').value === ''")
    assert page.is_disabled(".form > button")
    [row] = ledger.rows_of("identify_language", store)
    assert row.event["outcome"] == "success"


def test_an_unseen_language_is_none_of_these_and_nothing_is_taken(store: Store, folder: Path, app: Open) -> None:
    """T6: what the model does not know is not given a name that it knows."""
    save(folder / "unseen.wav", spoken(*FINNISH, language="fi"))
    served = opened(store, folder, None)
    page = app.page(served, f"/#transcribe/{recording(served, 'unseen.wav')}")
    result = listen(page, served)
    assert result["language"] is None
    assert shown(page)[0] == ("None of these", percent(result["probability"]))
    assert page.locator(".proposal input:checked").get_attribute("value") == ""
    assert page.input_value("#transcribe-language") == "" and page.is_disabled(".form > button")


def test_half_a_second_of_speech_proposes_nothing(store: Store, folder: Path, app: Open) -> None:
    """T6: under the evidence floor nothing is listed and nothing chosen; how much was heard is said."""
    sound = spoken(SENTENCES[0], pause_s=0.0)
    save(folder / "short.wav", sound[8000:16000])
    served = opened(store, folder, None)
    page = app.page(served, f"/#transcribe/{recording(served, 'short.wav')}")
    result = listen(page, served)
    assert result["probability"] is None and result["candidates"] == [] and 0 < result["speech_ms"] < 1000
    said = f"Too little speech to tell: {result['speech_ms'] / 1000:.1f} s were heard"
    assert said in page.inner_text(".listening")
    assert page.locator(".proposal").count() == 0
    assert page.input_value("#transcribe-language") == "" and page.is_disabled(".form > button")


def test_a_choice_that_was_made_is_left_alone(store: Store, folder: Path, app: Open) -> None:
    save(folder / "known.wav", spoken(*SENTENCES))
    served = opened(store, folder, None)
    page = app.page(served, f"/#transcribe/{recording(served, 'known.wav')}")
    page.fill("#transcribe-language", "swh")
    page.wait_for_selector("#language-0")
    page.keyboard.press("Enter")
    listen(page, served)
    assert page.input_value("#transcribe-language") == "Swahili (swh)"
    assert page.locator(".proposal input:checked").count() == 0


def test_the_page_tells_what_the_command_tells(store: Store, folder: Path, app: Open, capsys: pytest.CaptureFixture[str]) -> None:
    """L1: a recording that is dropped on Languages, and the same one by `speech identify --json`: ranked alike, to the last digit."""
    from speech import cli

    sound = save(folder.parent / "dropped.wav", spoken(*SENTENCES))
    served = opened(store, folder, None)
    page = app.page(served, "/#languages")
    page.wait_for_selector("#listening-recording")
    page.set_input_files("#listening-files", str(sound))
    page.wait_for_function("() => /Waiting/.test(document.querySelector('#page-languages .listening [role=status]')?.textContent)")
    work_off(served, "heavy")
    page.wait_for_selector("#page-languages .proposal")
    [job] = [job for job in served.queue.all(served.id) if job.kind == "identify"]
    capsys.readouterr()
    assert cli.run(["identify", str(sound), "--json"]) == 0
    [told] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {name: job.result[name] for name in ("language", "probability", "candidates", "speech_ms", "calibrated")} == {
        name: told[name] for name in ("language", "probability", "candidates", "speech_ms", "calibrated")
    }
    rows = shown(page)
    languages = [one for one in told["candidates"] if one["language"] is not None][:5]
    ranked = [one for one in told["candidates"] if one["language"] is None or one in languages]
    assert [value for _, value in rows] == [percent(one["probability"]) for one in ranked]
    assert [name.split(" (")[-1].rstrip(")") for name, _ in rows] == [one["language"] or "None of these" for one in ranked]
    assert page.locator("#page-languages .proposal input").count() == 0  # nothing to be chosen here
    assert f"by {told['speech_ms'] / 1000:.1f} s of speech" in page.inner_text("#page-languages .listening")
    page.click('[role=tab][data-tab-id="transcribe"]')
    page.wait_for_selector(".job.done >> text=Which language is spoken")
    assert page.locator(".job.done button >> text=Open in Review").count() == 0
    page.reload()
    page.click('[role=tab][data-tab-id="languages"]')
    page.select_option("#listening-recording", label="dropped.wav")
    page.wait_for_selector("#page-languages .proposal")  # it was listened to: that is not forgotten


def test_candidates_are_those_of_the_card_and_the_page_says_why_others_are_absent(store: Store, folder: Path, app: Open) -> None:
    """L3: the list is the card's; a language that the model cannot tell, and those that the card does not name, each with the reason."""
    save(folder / "known.wav", spoken(*SENTENCES))
    card(folder, "swh", "que", "quz")
    served = opened(store, folder, None)
    page = app.page(served, "/#languages")
    page.select_option("#listening-recording", label="known.wav")
    page.wait_for_selector("#page-languages .candidates")
    assert page.inner_text("#page-languages .candidates").endswith("the card “Field”: Swahili (swh), Kichwa (que).")
    page.click("#page-languages .absent summary")
    assert page.inner_text("#page-languages .absent [data-why=model]") == "The model cannot tell them: quz."
    others = [code for code in languages_of(mini_folder()) if code not in ("swh", "que")]
    said = page.inner_text("#page-languages .absent [data-why=card]")
    assert all(f"({code})" in said for code in others) and "(que)" not in said
    result = listen(page, served)
    assert {one["language"] for one in result["candidates"]} == {"que", "swh", None}
    assert [name for name, _ in shown(page)][0] == "Kichwa (que)"


def test_a_card_of_which_the_model_can_tell_nothing_is_said_so(store: Store, folder: Path, app: Open) -> None:
    card(folder, "quz")
    served = opened(store, folder, None)
    page = app.page(served, "/#languages")
    page.select_option("#listening-recording", label="bare.wav")
    page.click("#page-languages .listen")
    page.wait_for_function("() => /Waiting/.test(document.querySelector('#page-languages .listening [role=status]').textContent)")
    work_off(served, "heavy")
    page.wait_for_selector("#page-languages .listening .error >> text=cannot tell any language that the collection names: quz")


def test_what_the_card_bars_is_not_listened_to(store: Store, folder: Path, app: Open) -> None:
    """T6: the gate is asked before there is a job, and says why."""
    card(folder, "que", allow='["play", "review", "transcribe_local"]')
    served = opened(store, folder, None)
    page = app.page(served, "/#languages")
    page.select_option("#listening-recording", label="bare.wav")
    page.click("#page-languages .listen")
    page.wait_for_selector("#page-languages .listening .error:not(:empty)")
    assert [job for job in served.queue.all(served.id) if job.kind == "identify"] == []
    assert Person(served, LOCAL).send("/api/jobs", {"kind": "identify", "recording": recording(served, "bare.wav")}).status_code == 422
