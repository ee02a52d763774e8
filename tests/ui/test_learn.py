"""E1-E6: what is approved, what it would teach, one button that learns in the background, old beside new, and the way back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech import cli, formats
from speech.adapt.run import finish
from speech.collections import answers
from speech.collections.manifest import Manifest, Row, write_manifest
from speech.models.cards import read_card
from speech.review import edits
from speech.review.orders import ordered
from speech.store import Store
from speech.types import Segment, Span, Transcript
from speech.ui.places import size_of
from speech.ui.served import Served
from speech.ui.users import LOCAL
from tests.adapt.sources import CARD
from tests.sounds import SENTENCES, spoken
from tests.ui.conftest import Person, opened, work_off


@pytest.fixture
def village(store: Store, tmp_path: Path) -> Served:
    """Three recordings of three spoken sentences each, drafted and not approved, with a card that allows learning."""
    folder = tmp_path / "village"
    folder.mkdir()
    (folder / answers.CARD).write_text(CARD.replace('"que"', '"zza"'), encoding="utf-8")
    for number in range(3):
        sounds, segments, at = [], [], 0
        for place in range(3):
            text = SENTENCES[(3 * number + place) % len(SENTENCES)]
            sounds.append(spoken(text))
            end = at + len(sounds[-1]) * 1000 // 16_000
            segments.append(
                Segment(id=f"a{place + 1}", span=Span(start_ms=at, end_ms=end), text=text, language="zza", speaker=f"S{number}")
            )
            at = end
        soundfile.write(folder / f"tape_{number}.wav", np.concatenate(sounds), 16_000)
        formats.save(Transcript(segments=tuple(segments)), folder / f"tape_{number}.eaf")
    return opened(store, folder, None)


def approve(served: Served, *names: str) -> None:
    for recording in served.workspace().recordings():
        if recording.path in names:
            for n, (segment, version) in enumerate(edits.segments_of(served.store, recording.id).versions.items()):
                asked = {"act": "status", "segment": segment, "status": "approved"}
                edits.record(
                    served.store, recording.id, person=LOCAL, id=f"{recording.id}-{n:04}-{segment}", base={segment: version}, asked=asked
                )


def test_nothing_approved_teaches_nothing_and_what_waits_is_ordered(village: Served) -> None:
    person = Person(village, LOCAL)
    assert [one["language"] for one in person.get("/api/learn").json()] == ["zza"]
    told = person.get("/api/learn/zza").json()
    assert told["approved"] == [] and told["approved_ms"] == 0 and not told["lesson"]["ready"] and told["lesson"]["unapproved"] == 9
    assert len(told["next"]) == 9 and {one["name"] for one in told["next"]} == {f"tape_{n}.wav" for n in range(3)}
    assert all(one["reason"] for one in told["next"]) and told["runs"] == [] and told["job"] is None
    refused = person.send("/api/jobs", {"kind": "adapt", "settings": {"language": "zza"}})
    assert refused.status_code == 422 and refused.json()["code"] == "MANIFEST_EMPTY" and village.queue.all(village.id) == []


def test_the_button_learns_shows_old_and_new_replaces_nothing_and_goes_back(village: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.adapt.whole.steps_for", lambda seconds, large: 2)
    monkeypatch.setattr("speech.adapt.batches.SHAPES", ((2, 6.0),))
    monkeypatch.setattr("speech.adapt.minutes.SIZES", ())
    approve(village, "tape_0.wav", "tape_1.wav")
    person = Person(village, LOCAL)
    told = person.get("/api/learn/zza").json()
    assert told["lesson"]["ready"] and told["lesson"]["unapproved"] == 3 and len(told["next"]) == 3
    assert sum(one["ms"] for one in told["approved"]) == told["approved_ms"] and {one["speaker"] for one in told["approved"]} == {
        "S0",
        "S1",
    }
    assert told["lesson"]["train_ms"] + told["lesson"]["dev_ms"] == told["approved_ms"] and told["cost"]["steps"] > 0
    assert told["lesson"]["split_by"] == {"how": "last", "chosen": 0, "of": 0}
    job = person.send("/api/jobs", {"kind": "adapt", "settings": {"language": "zza"}}).json()
    again = person.send("/api/jobs", {"kind": "adapt", "settings": {"language": "zza"}}).json()
    lay: list[int] = []

    def measured(run: Path) -> None:
        lay.append(size_of(village.place / "models"))
        finish(run)

    monkeypatch.setattr("speech.adapt.whole.finish", measured)
    assert job["id"] == again["id"] and job["state"] == "queued"
    work_off(village, "heavy")
    assert 100_000 < lay[0] < told["cost"]["disk"]  # with the checkpoints of the run, which are gone at its end
    after = person.get("/api/learn/zza").json()
    assert after["job"]["state"] == "done", after["job"]
    [run] = after["runs"]
    assert run["adapter"] == job["id"] and run["old"] is None and run["new"]["cer"]["value"] >= 0 and after["in_use"] == ""
    assert after["cost"]["seconds"] is not None
    assert person.send("/api/learn/zza/choose", {"adapter": job["id"]}).json() == {"in_use": job["id"]}
    assert person.get("/api/learn/zza").json()["in_use"] == job["id"]
    assert person.send("/api/learn/zza/choose", {"back": True}).json() == {"in_use": ""}
    assert person.send("/api/learn/zza/choose", {"adapter": "../x"}).status_code == 422
    assert person.send("/api/learn/zza/choose", {"adapter": job["id"], "back": True}).status_code == 422


def test_another_model_may_learn(village: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def learn(*_given: object, base: str, **_more: object) -> dict[str, str]:
        asked.append(base)
        return {}

    monkeypatch.setattr("speech.review.learning.learn", learn)
    approve(village, "tape_0.wav", "tape_1.wav")
    person = Person(village, LOCAL)
    for base in ("", "/models/another"):
        monkeypatch.setenv("SPEECH_BASE", base)
        person.send("/api/jobs", {"kind": "adapt", "settings": {"language": "zza"}})
        work_off(village, "heavy")
    assert asked == ["mini", "/models/another"]


def test_what_may_not_be_learnt_from_is_counted(village: Served) -> None:
    approve(village, "tape_0.wav", "tape_1.wav")
    card = village.workspace().folder / answers.CARD
    card.write_text(card.read_text(encoding="utf-8").replace('["LOCAL", "TRAIN"]', '["LOCAL"]'), encoding="utf-8")
    person = Person(village, LOCAL)
    told = person.get("/api/learn/zza").json()
    assert told["lesson"]["refused"] == [{"code": "COLLECTION_SCOPE", "recordings": 2}] and not told["lesson"]["ready"]
    assert person.send("/api/jobs", {"kind": "adapt", "settings": {"language": "zza"}}).status_code == 422


def test_what_learning_takes_is_told_before_the_first_run(village: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    approve(village, "tape_0.wav", "tape_1.wav")
    person = Person(village, LOCAL)
    first = person.get("/api/learn/zza").json()["cost"]
    assert first["seconds"] is None and first["memory"] > 500_000_000 and 1_000_000 < first["disk"] < first["free"]
    person.get("/api/learn/zza")  # the pace is tried once
    assert [job.kind for job in village.queue.all(village.id)] == ["pace"]
    monkeypatch.setattr("speech.review.learning.pace", lambda base: 0.5)
    work_off(village)
    cost = person.get("/api/learn/zza").json()["cost"]
    assert cost["seconds"] == round(0.5 * cost["steps"])
    work_off(village)
    assert [job.state for job in village.queue.all(village.id)] == ["done"]


def test_where_the_disk_is_too_small_learning_does_not_begin(village: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    approve(village, "tape_0.wav", "tape_1.wav")
    person = Person(village, LOCAL)
    monkeypatch.setattr("speech.adapt.needs.free_disk", lambda place: 5_000_000)
    assert person.get("/api/learn/zza").json()["cost"]["free"] == 5_000_000
    refused = person.send("/api/jobs", {"kind": "adapt", "settings": {"language": "zza"}})
    assert (refused.status_code, refused.json()["code"]) == (507, "DISK_FULL") and "5 MB are free" in refused.json()["what"]
    assert [job for job in village.queue.all(village.id) if job.kind == "adapt"] == []


def test_minutes_are_those_that_manifest_stats_counts(village: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """E1: the same approved text, counted by the command from a manifest of it."""
    approve(village, "tape_0.wav", "tape_2.wav")
    rows = [
        Row(
            id=f"{recording.id}/{s.id}", audio=recording.path, start_ms=s.span.start_ms, end_ms=s.span.end_ms, text=s.text,
            language=s.language or "", speaker=s.speaker or "",
        )
        for recording in village.workspace().recordings()
        for s in edits.segments_of(village.store, recording.id).segments.values()
        if s.status == "approved"
    ]  # fmt: skip
    write_manifest(Manifest(rows=tuple(rows)), tmp_path / "approved.jsonl")
    capsys.readouterr()
    assert cli.run(["manifest", "stats", str(tmp_path / "approved.jsonl"), "--json"]) == 0
    counted = json.loads(capsys.readouterr().out)["by"]
    told = Person(village, LOCAL).get("/api/learn/zza").json()
    hours = {one["value"]: one["hours"] for one in counted if one["kind"] == "speaker"}
    assert {one["speaker"]: round(one["ms"] / 3_600_000, 4) for one in told["approved"]} == hours and set(hours) == {"S0", "S2"}
    assert [one["hours"] for one in counted if one["kind"] == "language"] == [round(told["approved_ms"] / 3_600_000, 4)]
    assert sum(one["clips"] for one in counted if one["kind"] == "speaker") == len(rows) == 6


def test_what_comes_next_is_in_the_order_of_review(village: Served) -> None:
    """E3: of one recording the ids are those of its order `teaches`; over all, of all their segments ordered together."""
    person = Person(village, LOCAL)
    told = person.get("/api/learn/zza").json()["next"]
    every = [
        replace(segment, id=f"{recording.id}/{segment.id}")
        for recording in village.workspace().recordings()
        for segment in edits.segments_of(village.store, recording.id).segments.values()
    ]
    assert [f"{one['recording']}/{one['segment']}" for one in told] == [ranked.id for ranked in ordered(every, "teaches")]
    first, *others = village.workspace().recordings()
    for other in others:
        (village.workspace().folder / other.path).unlink()
    village.workspace().refresh()
    of_one = person.get("/api/learn/zza").json()["next"]
    in_review = person.get(f"/api/recordings/{first.id}/order?by=teaches").json()
    assert [one["segment"] for one in of_one] == [row["id"] for row in in_review] and len(of_one) == 3
    assert [one["reason"] for one in of_one] == [row["reason"] for row in in_review]


def test_switch_and_revert_change_the_card_that_is_heard_with(village: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """E5: nothing before it was chosen; then the card of the language, and what transcribing says it heard with."""
    monkeypatch.setattr("speech.adapt.whole.steps_for", lambda seconds, large: 2)
    monkeypatch.setattr("speech.adapt.batches.SHAPES", ((2, 6.0),))
    monkeypatch.setattr("speech.adapt.minutes.SIZES", ())
    approve(village, "tape_0.wav", "tape_1.wav")
    person = Person(village, LOCAL)

    def cards() -> list[tuple[str, float]]:
        [row] = person.client.get("/api/languages", params={"q": "zza"}).json()
        return [(one["source"], one["cer"]["dev"]) for one in row["models"]]

    assert cards() == []
    job = person.send("/api/jobs", {"kind": "adapt", "settings": {"language": "zza"}}).json()
    work_off(village, "heavy")
    [run] = person.get("/api/learn/zza").json()["runs"]
    assert run["adapter"] == job["id"] and cards() == []
    person.send("/api/learn/zza/choose", {"adapter": job["id"]})
    [(source, rate)] = cards()
    assert source == "adapter.zza.toml" and rate == pytest.approx(100 * run["new"]["cer"]["value"], abs=0.01)
    soundfile.write(village.workspace().folder / "new.wav", spoken(SENTENCES[0]), 16_000)
    village.workspace().refresh()
    new = next(r.id for r in village.workspace().recordings() if r.path == "new.wav")
    person.send("/api/jobs", {"kind": "transcribe", "recording": new, "settings": {"language": "zza"}})
    work_off(village, "heavy")
    [act] = edits.about(village.store, new)["about"]["provenance"]
    adapter = village.place / "models" / "zza" / job["id"] / "adapter.zza.safetensors"
    assert act["adapter_sha256"] == read_card(adapter.with_suffix(".toml")).tensor_sha256
    person.send("/api/learn/zza/choose", {"back": True})
    assert cards() == []


def test_two_keepers_do_not_teach_the_same_at_once(shared_served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.review.learning.Lesson.ready", True)
    ana, ben = Person(shared_served, "ana"), Person(shared_served, "ben")
    asked = {"kind": "adapt", "settings": {"language": "que"}}
    assert ana.send("/api/jobs", asked).json()["state"] == "queued"
    refused = ben.send("/api/jobs", asked)
    assert refused.status_code == 422 and refused.json()["code"] == "REVIEW_LEARNING"
    assert ben.get("/api/learn/que").json()["job"] == {"state": "queued", "mine": False}


def test_only_a_keeper_sees_or_teaches(shared_served: Served) -> None:
    reviewer, keeper = Person(shared_served, "eva"), Person(shared_served, "ana")
    assert keeper.get("/api/learn/que").status_code == 200
    for path in ("/api/learn", "/api/learn/que"):
        assert reviewer.get(path).status_code == 404
    assert reviewer.send("/api/learn/que/choose", {"back": True}).status_code == 404
    assert reviewer.send("/api/jobs", {"kind": "adapt", "settings": {"language": "que"}}).status_code == 404
