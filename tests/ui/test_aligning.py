"""An old transcript that is sent beside its recording: paired by name, placed on it, opened in Review; what stands in the way is told."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")
pytest.importorskip("playwright", reason="Playwright is not installed (the extra dev)")

from playwright.sync_api import Page

from speech import formats
from speech.align.records import FITS_BADLY, NOT_SAID
from speech.collections import ledger
from speech.jobs import Job
from speech.review import edits
from speech.store import Store
from speech.types import Segment, Span, Speaker, Transcript
from speech.ui.served import Served
from speech.ui.texts import MOST_BYTES, SUFFIXES
from speech.ui.users import LOCAL, Users
from tests.sounds import save, spoken, tone
from tests.ui.browsing import Open
from tests.ui.conftest import TEXTS, Person, opened, recording, work_off
from tests.ui.test_accessible import faults
from tests.ui.test_routes import CARD, NOT_THERE, answered, segments

LINES = (
    "Habari za asubuhi, rafiki yangu.",
    "Leo tunakwenda sokoni kununua matunda na mboga.",
    "Watoto wanacheza mpira karibu na nyumba yetu.",
    "Mama anapika chakula cha jioni jikoni.",
)
NEVER = "Serikali imetangaza bajeti mpya ya taifa kwa mwaka ujao wa fedha"
"""A sentence that nobody says."""
NOTEBOOK = (LINES[0], NEVER, LINES[1], LINES[3])
"""What somebody wrote down: one sentence too many, and one left out."""


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("tape") / "tape7.wav", spoken(*LINES, language="swh", pause_s=0.8))


def sent(person: Person, name: str, data: bytes) -> Any:
    """Send a transcript whole; what its end is answered."""
    begun = person.send("/upload", {"name": name, "size": len(data), "kind": "transcript"})
    if begun.status_code != 200:
        return begun
    id = begun.json()["id"]
    person.put(f"/upload/{id}?at=0", data)
    return person.send(f"/upload/{id}/end", {"sha256": hashlib.sha256(data).hexdigest()})


def waiting(person: Person) -> list[dict[str, Any]]:
    return list(person.get("/api/texts").json()["waiting"])


def align(person: Person, id: str, text: str, language: str = "swh", **more: Any) -> Any:
    return person.send("/api/jobs", {"kind": "align", "recording": id, "settings": {"text": text, "language": language, **more}})


def text_files(served: Served) -> list[str]:
    """Whatever lies in the folder of transcripts, or is on its way."""
    places = (served.place / "texts", served.place / "uploads" / "coming")
    return sorted(path.name for place in places if place.is_dir() for path in place.rglob("*") if path.is_file())


# What routes answer.


def test_a_transcript_becomes_the_draft_of_its_recording_with_what_fits_badly_told(store: Store, folder: Path, tape: Path) -> None:
    (folder / "tape7.wav").write_bytes(tape.read_bytes())
    served = opened(store, folder, None)
    person, id = Person(served, LOCAL), recording(served, "tape7.wav")
    row = sent(person, "Tape7.txt", "\n\n".join(NOTEBOOK).encode()).json()
    assert (row["name"], row["recording"], row["lines"], row["begins"], row["tiers"]) == ("Tape7.txt", id, 4, LINES[0], [])
    job = align(person, id, row["id"]).json()
    assert (job["kind"], job["state"], job["place"]) == ("align", "queued", 1)
    assert align(person, id, row["id"]).json()["id"] == job["id"]
    assert [one["job"] and one["job"]["id"] for one in person.get("/api/recordings").json() if one["id"] == id] == [job["id"]]
    work_off(served, "heavy")
    [done] = person.get("/api/jobs").json()
    assert (done["state"], done["refusal"], done["title"]) == ("done", None, "Tape7.txt")
    found = person.get(f"/api/recordings/{id}").json()
    made = found["segments"]
    assert tuple(s["text"] for s in made) == NOTEBOOK and found["language"]["code"] == "swh"
    assert [s["status"] for s in made] == ["draft", "unsure", "draft", "draft"] and made[1]["unsure_reason"] in (NOT_SAID, FITS_BADLY)
    assert found["place"] == made[1]["id"]  # Review opens at the first that is unsure
    assert all(s["origin"] == "person" and 0 <= s["confidence"] <= 1 for s in made)
    assert made[0]["end_ms"] <= made[1]["start_ms"] and [w[0] for w in made[0]["words"]] == LINES[0].split()
    about = edits.about(store, id)
    assert about["from"] == "Tape7.txt" and about["about"]["provenance"][-1]["calibration"].startswith("not calibrated")
    # The sentence that was left out of the text is listed, with its place.
    c = done["result"]["coverage"]
    assert c["speech_ms"] == c["transcribed_ms"] + c["skipped_ms"]
    [skip] = c["skipped"]
    assert made[2]["end_ms"] - 400 <= skip["start_ms"] and skip["end_ms"] <= made[3]["start_ms"] + 400
    codes = {one["code"] for one in done["result"]["findings"]}
    assert "ALIGN_UNWRITTEN" in codes and codes & {"ALIGN_UNSAID", "ALIGN_POOR"}
    assert not [one for one in done["result"]["findings"] if "--" in one["mend"]]  # a page has no options
    assert done["result"]["lines"]["all"] == 4 and done["result"]["through"] is None
    assert [row.type for row in ledger.rows(store)] == ["transcribe"]
    assert waiting(person) == []
    # What is there is never replaced.
    again = sent(person, "tape7.txt", LINES[0].encode()).json()
    assert answered(align(person, id, again["id"]))[1]["code"] == "REVIEW_DRAFTED"
    assert tuple(s["text"] for s in person.get(f"/api/recordings/{id}").json()["segments"]) == NOTEBOOK


def test_an_old_eaf_keeps_speakers_translations_and_notes_and_is_not_placed_twice(store: Store, folder: Path, tape: Path) -> None:
    (folder / "tape7.wav").write_bytes(tape.read_bytes())
    old = tuple(
        Segment(
            span=Span(start_ms=100 * n, end_ms=100 * n + 90), text=line, speaker=("Ana", "Bo")[n % 2], notes=(f"page {n}",), language="swh"
        )
        for n, line in enumerate(LINES)
    )
    formats.save(Transcript(segments=old, speakers=(Speaker(id="Ana"), Speaker(id="Bo"))), folder.parent / "old.eaf")
    (folder / "people.key.tsv").write_text("TAPE-01\tAna\n", encoding="utf-8")
    served = opened(store, folder, None)
    person, id = Person(served, LOCAL), recording(served, "tape7.wav")
    row = sent(person, "old.eaf", (folder.parent / "old.eaf").read_bytes()).json()
    assert row["recording"] == "" and [(tier["texts"], tier["chosen"]) for tier in row["tiers"]] == [(2, True), (2, True)]
    assert person.send(f"/api/texts/{row['id']}", {"recording": id}, method="PUT").json()["recording"] == id
    assert [one["recording"] for one in waiting(person)] == [id]
    assert align(person, id, row["id"]).status_code == 200
    from speech.ui.work import align as work

    job = served.queue.claim(["align"], served.id)
    assert isinstance(job, Job)
    first = work(served, job, lambda *_: None)  # type: ignore[arg-type]  # a plain function reports as well
    seq = edits.segments_of(store, id).seq
    served.texts.delete(served.texts.all(LOCAL)[0])  # it is not read again
    second = work(served, job, lambda *_: None)  # type: ignore[arg-type]
    assert (second["coverage"], second["segments"]) == (first["coverage"], 4) and edits.segments_of(store, id).seq == seq
    made = person.get(f"/api/recordings/{id}").json()["segments"]
    assert [(s["text"], s["speaker"], s["notes"]) for s in made] == [
        (line, ("TAPE-01", "Bo")[n % 2], [f"page {n}"]) for n, line in enumerate(LINES)
    ]
    starts = [s["start_ms"] for s in made]
    assert starts == sorted(starts) and starts[0] > 500 and starts[3] > 5000  # its own times were other ones


def elan(language: str, *tiers: tuple[str, str]) -> bytes:
    """An EAF with tiers that lie over each other, and below the first a translation."""
    tier = '<TIER TIER_ID="{}" LINGUISTIC_TYPE_REF="t"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{}" TIME_SLOT_REF1="t1" TIME_SLOT_REF2="t2"><ANNOTATION_VALUE>{}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>'  # noqa: E501
    below = f'<TIER TIER_ID="below" PARENT_REF="{tiers[0][0]}" LINGUISTIC_TYPE_REF="free"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="b" ANNOTATION_REF="a0"><ANNOTATION_VALUE>good morning</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>'  # noqa: E501
    return f"""<?xml version="1.0" encoding="UTF-8"?><ANNOTATION_DOCUMENT AUTHOR="" DATE="2020-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/><TIME_ORDER><TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="t2" TIME_VALUE="900"/></TIME_ORDER>
{"".join(tier.format(name, n, text) for n, (name, text) in enumerate(tiers))}{below}
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="t" TIME_ALIGNABLE="true"/><LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="free" TIME_ALIGNABLE="false" CONSTRAINTS="Symbolic_Association"/>
<CONSTRAINT STEREOTYPE="Symbolic_Association" DESCRIPTION="1-1"/></ANNOTATION_DOCUMENT>""".encode()  # noqa: E501


def test_where_it_is_not_clear_which_tier_holds_the_text_a_person_chooses(local: Person, served: Served) -> None:
    row = sent(local, "bare.eaf", elan("swh", ("first", "habari za asubuhi"), ("second", "good morning to you"))).json()
    assert [(tier["name"], tier["chosen"]) for tier in row["tiers"]] == [("first", False), ("second", False), ("below", False)]
    id = recording(served, "bare.wav")
    for tiers in ([], ["third"]):
        refused = align(local, id, row["id"], tiers=tiers)
        assert (refused.status_code, refused.json()["code"]) == (422, "TEXT_TIER") and "--" not in refused.json()["mend"]
    assert served.queue.all(served.id) == []
    assert align(local, id, row["id"], tiers=["first"]).json()["settings"]["tiers"] == ["first"]
    kept = served.texts.find(row["id"], LOCAL)
    assert kept is not None
    [line] = served.texts.read(kept, ["first"], "swh", {}).lines
    assert line.text == "habari za asubuhi" and [one.text for one in line.segment.translations] == ["good morning"]


BAD = {
    "latin-1": ("tape.txt", "mañana".encode("latin-1"), "TEXT_ENCODING"),
    "control sign": ("tape.txt", b"habari\nza\x07 asubuhi", "TEXT_CONTROL"),
    "no words": ("tape.txt", b" \n\n \n", "TEXT_EMPTY"),
    "times only": ("tape.csv", b"start_ms,end_ms,text\n0,100,\n", "TEXT_EMPTY"),
    "external entity": (
        "tape.eaf",
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><ANNOTATION_DOCUMENT>&x;</ANNOTATION_DOCUMENT>',
        "FORMAT_DOCTYPE",
    ),
    "laughs": (
        "tape.eaf",
        b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><ANNOTATION_DOCUMENT>&b;</ANNOTATION_DOCUMENT>',
        "FORMAT_DOCTYPE",
    ),
    "deep": ("tape.eaf", b"<a>" * 100_000, "FORMAT_XML"),
    "deep JSON": ("tape.json", b"[" * 100_000, "FORMAT_JSON"),
    "a page named EAF": ("tape.eaf", b"<!doctype html><script>alert(1)</script>", "FORMAT_XML"),
    "sound named TextGrid": ("tape.TextGrid", b"RIFF\x24\0\0\0WAVEfmt " + bytes(200), "TEXT_CONTROL"),
    "a program": ("tape.exe", b"habari", "UPLOAD_KIND"),
    "packed": ("tape.eaf.gz", b"\x1f\x8b\x08" + bytes(60), "UPLOAD_KIND"),
    "no end": ("tape", b"habari", "UPLOAD_KIND"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_transcript_is_refused_by_name_and_not_kept(local: Person, served: Served, kind: str) -> None:
    name, data, code = BAD[kind]
    answer = sent(local, name, data)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    told = answer.json()
    assert told["what"] and told["mend"] and "--" not in told["mend"] and str(served.place.parent) not in answer.text
    assert text_files(served) == [] and waiting(local) == []
    if kind == "control sign":
        assert told["what"].startswith("line 2, character 3: ")


def test_a_transcript_has_a_size_that_a_transcript_has(local: Person, served: Served) -> None:
    for size in (0, MOST_BYTES + 1):
        answer = local.send("/upload", {"name": "a.txt", "size": size, "kind": "transcript"})
        assert (answer.status_code, answer.json()["code"]) == (413, "UPLOAD_SIZE")
    assert local.send("/upload", {"name": "a.wav", "size": MOST_BYTES + 1}).status_code == 200
    assert local.send("/upload", {"name": "a.txt", "size": 5, "kind": "manifest"}).status_code == 422


@pytest.mark.parametrize("name", ["../../etc/passwd.txt", "con.eaf", "story\u202etxt.eaf", "a\r\nb.srt", "x" * 500 + ".vtt"])
def test_a_hostile_name_is_kept_as_a_name_only(local: Person, served: Served, tmp_path: Path, name: str) -> None:
    before = sorted(path for path in tmp_path.rglob("*") if served.place not in path.parents)
    data = {".srt": b"1\n00:00:01,000 --> 00:00:02,000\nhabari\n", ".vtt": b"WEBVTT\n\n00:01.000 --> 00:02.000\nhabari\n"}
    answer = sent(local, name, data.get(name[-4:], elan("swh", ("first", "habari")) if name.endswith("eaf") else b"habari"))
    assert answer.status_code == 200, answer.text
    kept = answer.json()["name"]
    assert not set(kept) & set("/\\\r\n\u202e") and len(kept) < 140
    assert [name for name in text_files(served) if not name.startswith(("text.", "about."))] == []
    assert sorted(path for path in tmp_path.rglob("*") if served.place not in path.parents) == before


def test_a_transcript_is_its_owners_alone(shared_served: Served) -> None:
    ana, ben, eva = (Person(shared_served, name) for name in ("ana", "ben", "eva"))
    id, bare = sent(ana, "bare.txt", b"wasi").json()["id"], recording(shared_served, "bare.wav")
    for answer in (
        ben.send(f"/api/texts/{id}", {"recording": bare}, method="PUT"),
        ben.send(f"/api/texts/{id}", method="DELETE"),
        align(ben, bare, id),
        align(eva, bare, id),
        eva.get("/api/texts"),
        ana.send(f"/api/texts/{id}", {"recording": "0" * 16}, method="PUT"),
        align(ana, "0" * 16, id),
    ):
        assert answered(answer) == NOT_THERE
    assert waiting(ben) == [] and [one["recording"] for one in waiting(ana)] == [bare]
    assert ana.send(f"/api/texts/{id}", method="DELETE").status_code == 200
    assert waiting(ana) == [] and text_files(shared_served) == []


def test_one_way_to_a_transcript_at_a_time_and_a_deleted_text_ends_its_work(local: Person, served: Served) -> None:
    id = recording(served, "bare.wav")
    first, second = (sent(local, name, b"wasi ukupi").json()["id"] for name in ("bare.txt", "bare.srt.txt"))
    assert align(local, id, first).status_code == 200
    anew = local.send("/api/jobs", {"kind": "transcribe", "recording": id, "settings": {"language": "que"}})
    for answer in (align(local, id, second), anew):
        assert (answer.status_code, answer.json()["code"]) == (422, "JOB_OPEN")
    assert local.send(f"/api/texts/{first}", method="DELETE").status_code == 200
    assert [job.state for job in served.queue.all(served.id)] == ["cancelled"]
    assert align(local, id, second).status_code == 200
    kept = served.texts.find(second, LOCAL)
    assert kept is not None
    served.texts.delete(kept)  # as by hand: the work says so
    work_off(served, "heavy")
    last = local.get("/api/jobs").json()[-1]
    assert (last["state"], last["refusal"]["code"]) == ("failed", "TEXT_EMPTY")


@pytest.mark.parametrize(
    ("settings", "code"),
    [({"language": "und"}, "LANGUAGE_MISSING"), ({"language": ""}, "LANGUAGE_MISSING"), ({"language": "auto"}, "LANGUAGE_CODE"),
     ({"language": "que,swh"}, "LANGUAGE_CODE"), ({"language": "../x"}, "LANGUAGE_CODE"), ({"more": 1}, "REQUEST")],
)  # fmt: skip
def test_a_language_must_be_said(local: Person, served: Served, settings: dict[str, Any], code: str) -> None:
    text = sent(local, "bare.txt", b"wasi").json()["id"]
    answer = align(local, recording(served, "bare.wav"), text, **settings)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert align(local, recording(served, "bare.wav"), text, model="../x").status_code == 404
    assert served.queue.all(served.id) == []


def test_what_the_card_bars_is_not_placed(local: Person, served: Served, folder: Path) -> None:
    text = sent(local, "bare.txt", b"wasi").json()["id"]
    (folder / "collection.card.toml").write_text(CARD.replace('["LOCAL"]', '["play", "review"]'))
    answer = align(local, recording(served, "bare.wav"), text)
    assert (answer.status_code, answer.json()["code"]) == (422, "COLLECTION_SCOPE")
    (folder / "collection.card.toml").write_text(CARD)
    assert align(local, recording(served, "bare.wav"), text).status_code == 200
    (folder / "collection.card.toml").write_text(CARD.replace('["LOCAL"]', '["play", "review"]'))
    work_off(served, "heavy")  # what was allowed then is not any more
    [job] = local.get("/api/jobs").json()
    assert (job["state"], job["refusal"]["code"]) == ("failed", "COLLECTION_SCOPE")
    assert not segments(local, recording(served, "bare.wav"))


def test_every_end_that_is_sent_as_a_transcript_is_one_that_is_read() -> None:
    read = {end.lower() for name in formats.names() for end in formats.by_name(name).SUFFIXES}
    assert set(SUFFIXES) - {".txt", ".text", ".md"} <= read and read - set(SUFFIXES) <= {".rttm", ".words.csv", ".txt"}


# The page.


def begin(page: Page, language: str) -> None:
    """Choose a language in the form and have the text placed."""
    page.fill("#transcribe-language", language)
    page.wait_for_selector("#language-0")
    page.keyboard.press("Enter")
    page.wait_for_selector("#language-list", state="hidden")
    page.click("text=Place the text on the recording")


def test_both_files_dropped_are_paired_placed_and_open_in_review(store: Store, folder: Path, tape: Path, app: Open) -> None:
    text = tape.with_name("tape7.txt")
    text.write_text("\n".join(NOTEBOOK), encoding="utf-8")
    save(folder / "tape7.wav", tone(2))  # another of this name, which was here before
    served = opened(store, folder, None)
    page = app.page(served)
    page.wait_for_selector("#upload-files", state="attached")
    page.set_input_files("#upload-files", [str(tape), str(text)])
    page.wait_for_selector(".ways input:checked")
    [id] = [one.id for one in served.workspace().recordings() if one.uploaded]
    assert "It is placed on tape7.wav when you say so. The text stays as it was written." in page.inner_text(".waiting")
    assert page.locator(".waiting select").input_value() == id
    assert "a transcript waits for it" in page.inner_text(f".recording:has(input[value='{id}'])")
    assert page.is_disabled("text=Place the text on the recording")  # a language must be said
    begin(page, "swahili")
    page.wait_for_selector(".job .state >> text=Waiting")
    work_off(served)
    work_off(served, "heavy")
    page.wait_for_selector(".job.done .coverage")
    row = page.inner_text(".job.done")
    for part in (
        "Transcript: tape7.txt",
        "of 4 lines found in the recording",
        "not in it 0:0",
        "Speech that is not in the text (1)",
    ):
        assert part in row, (part, row)
    assert "lines were not found in the recording: 2" in row or "lines fit the sound badly: 2" in row
    page.wait_for_selector(".waiting", state="hidden")
    page.click(".job.done button >> text=Delete it here")  # the text that was sent: what was made of it stays
    page.locator(".job.done >> text=Transcript: a transcript that was deleted").wait_for()
    assert not list(served.texts.place.iterdir()) and not page.is_visible("text=Delete it here")
    page.wait_for_selector(".job.done button:focus >> text=Open in Review")
    page.keyboard.press("Enter")
    page.wait_for_selector(f'speech-review[recording="{id}"]')
    rows = page.locator("speech-review .row[data-id]")
    page.locator("speech-review .row.chosen .status.unsure").wait_for()
    assert [rows.nth(n).get_attribute("data-id") for n in range(rows.count())] == list(edits.segments_of(store, id).forms)
    shown = page.locator("speech-review .row.chosen").inner_text()
    assert "not found in the recording" in shown or "fits the sound badly" in shown
    assert page.input_value("speech-review .typing textarea") == NEVER


def test_in_an_empty_collection_it_is_asked_first_on_what_basis_and_the_pair_stays(
    store: Store, tmp_path: Path, app: Open, tape: Path
) -> None:
    (tmp_path / "none").mkdir()
    served = Served(store, tmp_path / "none", users=Users(None))
    page = app.page(served)
    page.wait_for_selector("#upload-files", state="attached")
    notebook = {"name": "notebook.txt", "mimeType": "text/plain", "buffer": LINES[0].encode()}
    sound = {"name": "notebook.wav", "mimeType": "audio/wav", "buffer": tape.read_bytes()}
    page.set_input_files("#upload-files", [notebook, sound])  # type: ignore[arg-type]  # plain mappings
    page.locator(".waiting .warn >> text=Not allowed").wait_for()
    page.locator("input[name=consent-basis]").first.check()
    page.click("text=Keep this answer")
    page.wait_for_selector(".ways input:checked")
    page.locator(".waiting p >> text=It is placed on notebook.wav").wait_for()


def test_what_stands_in_the_way_is_told_and_nothing_is_lost(store: Store, folder: Path, tmp_path: Path, app: Open) -> None:
    """No recording of its name, content that is none, a recording with a transcript, two for one; then a choice that settles it."""
    served = opened(store, folder, None)
    page = app.page(served)
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_selector("#upload-files", state="attached")
    (tmp_path / "lonely.txt").write_text("wasi ukupi", encoding="utf-8")
    (tmp_path / "torn.eaf").write_text("<ANNOTATION_DOCUMENT>", encoding="utf-8")
    (tmp_path / "story.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nwasi\n", encoding="utf-8")
    page.set_input_files("#upload-files", [str(tmp_path / name) for name in ("torn.eaf", "lonely.txt", "story.srt")])
    page.wait_for_selector(".uploads .error >> text=not well-formed XML")
    lonely, story = (page.locator(f".waiting li:has(strong:text-is('{name}'))") for name in ("lonely.txt", "story.srt"))
    lonely.locator(".warn >> text=Which recording it belongs to is not known").wait_for()
    story.locator(".warn >> text=story.wav has a transcript already, which is not replaced").wait_for()
    assert page.locator(".waiting li").count() == 2
    lonely.locator("select").select_option(label="bare.wav")
    lonely.locator("p >> text=It is placed on bare.wav").wait_for()
    story.locator("select").select_option(label="bare.wav")
    story.locator(".warn >> text=lonely.txt belongs to this recording, too").wait_for()
    lonely.get_by_role("button", name="Go on").click()
    page.wait_for_selector(".ways .warn >> text=Several transcripts belong to this recording")
    assert page.locator(".ways input:checked").count() == 0 and page.locator(".ways .form").count() == 0
    story.get_by_role("button", name="Delete it here").press("Enter")
    page.wait_for_function("() => document.activeElement.matches('.waiting select')")  # the focus is not lost with what was deleted
    page.wait_for_selector(".ways input:checked")
    # A language that no model here knows can be chosen, and it is said what that means.
    page.fill("#transcribe-language", "mdw")
    page.wait_for_selector("#language-0 >> text=heard through another language")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=No model here knows this language. It is heard through another one")
    assert page.is_enabled("text=Place the text on the recording")
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    assert faults(page) == []
    page.locator(".ways label", has_text="Let the model transcribe it").click()
    page.wait_for_selector("#transcribe-speakers")
    assert json.loads((served.place / "texts" / waiting(Person(served, LOCAL))[0]["id"] / "about.json").read_text())["name"] == "lonely.txt"
    assert [s["text"] for s in Person(served, LOCAL).get(f"/api/recordings/{recording(served)}").json()["segments"]] == list(TEXTS)


def test_tiers_are_chosen_on_the_page_and_through_which_language_it_was_heard_is_said(
    store: Store, folder: Path, tape: Path, app: Open
) -> None:
    (folder / "tape7.wav").write_bytes(tape.read_bytes())
    served = opened(store, folder, None)
    person, id = Person(served, LOCAL), recording(served, "tape7.wav")
    sent(person, "tape7.eaf", elan("mdw", ("first", LINES[0]), ("second", "good morning to you")))
    page = app.page(served, f"/#transcribe/{id}")
    page.wait_for_selector(".tiers")
    page.fill("#transcribe-language", "mdw")
    page.wait_for_selector("#language-0")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=No model here knows this language")
    assert page.is_disabled("text=Place the text on the recording")  # no tier is chosen
    page.locator(".tiers label", has_text="first").locator("input").check()
    page.click("text=Place the text on the recording")
    page.wait_for_selector(".job .state >> text=Waiting")
    work_off(served, "heavy")
    page.wait_for_selector(".job.done >> text=heard through")
    [job] = [job for job in served.queue.all(served.id) if job.kind == "align"]
    assert job.settings["tiers"] == ["first"] and job.result["through"]["code"] in page.inner_text(".job.done")
    [made] = person.get(f"/api/recordings/{id}").json()["segments"]
    assert made["text"] == LINES[0] and made["language"] == "mdw" and [one["text"] for one in made["translations"]] == ["good morning"]
