"""E1-E6: what is approved, what it would teach, one button that learns in the background, old beside new, and the way back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech import formats
from speech.collections import answers
from speech.review import edits
from speech.store import Store
from speech.types import Segment, Span, Transcript
from speech.ui.served import Served
from speech.ui.users import LOCAL
from tests.adapt.test_adapt import CARD
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
    job = person.send("/api/jobs", {"kind": "adapt", "settings": {"language": "zza"}}).json()
    again = person.send("/api/jobs", {"kind": "adapt", "settings": {"language": "zza"}}).json()
    assert job["id"] == again["id"] and job["state"] == "queued"
    work_off(village, "heavy")
    after = person.get("/api/learn/zza").json()
    assert after["job"]["state"] == "done", after["job"]
    [run] = after["runs"]
    assert run["adapter"] == job["id"] and run["old"] is None and run["new"]["cer"]["value"] >= 0 and after["in_use"] == ""
    assert after["cost"]["bytes"] > 100_000 and after["cost"]["seconds"] is not None
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
