"""What routes answer, and to whom: one's own is there, all else is 404 alike, and the gate of consent is asked each time."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.routing import APIRoute

from speech import formats, languages
from speech.audio.peaks import read_peaks
from speech.collections import ledger
from speech.errors import DiskFailure, StoreFailure
from speech.jobs import Job
from speech.review import edits
from speech.store import Store
from speech.ui.held import BASIS
from speech.ui.routes import ROUTERS
from speech.ui.routes.media import PIECE, span_of
from speech.ui.served import Served
from speech.ui.strings import strings, wanted
from speech.ui.users import LOCAL, Users
from tests.sounds import noise, save, spoken
from tests.ui.conftest import PEOPLE, TEXTS, Person, make_collection, opened, recording, work_off

NOT_THERE = (404, {"ok": False})


def answered(answer: Any) -> tuple[int, Any]:
    return answer.status_code, answer.json()


def edit(person: Person, id: str, act: str, name: str, version: int = 0, **asked: Any) -> Any:
    base = {asked["segment"]: version} if "segment" in asked else {}
    return person.send(f"/api/recordings/{id}/edits", {"id": name, "base": base, "act": act, **asked})


def segments(person: Person, id: str) -> dict[str, dict[str, Any]]:
    return {s["id"]: s for s in person.get(f"/api/recordings/{id}").json()["segments"]}


# Review.


def test_a_recording_is_given_with_its_segments(local: Person, served: Served) -> None:
    id = recording(served)
    found = local.get(f"/api/recordings/{id}").json()
    assert [s["text"] for s in found["segments"]] == list(TEXTS)
    assert (found["name"], found["draft"], found["language"]["code"], found["speakers"]) == ("story.wav", True, "que", ["A"])
    assert found["language"]["palette"][0] == "ñ" and found["language"]["direction"] == "ltr"
    assert all({"version", "heard"} <= set(s) for s in found["segments"])


def test_an_edit_is_stored_once_and_a_stale_one_is_a_conflict(local: Person, served: Served) -> None:
    id = recording(served)
    first = next(iter(segments(local, id).values()))
    made = edit(local, id, "text", "e1", first["version"], segment=first["id"], text="ñuka wasi!")
    assert made.status_code == 200 and made.json()["segments"][first["id"]]["text"] == "ñuka wasi!"
    assert edit(local, id, "text", "e1", first["version"], segment=first["id"], text="ñuka wasi!").json()["seq"] == made.json()["seq"]
    stale = edit(local, id, "text", "e2", first["version"], segment=first["id"], text="other")
    assert stale.status_code == 409 and stale.json()["conflict"]["theirs"]["text"] == "ñuka wasi!"
    changes = local.get(f"/api/recordings/{id}/changes?after={first['version']}").json()
    assert list(changes["segments"]) == [first["id"]] and changes["seq"] == made.json()["seq"]
    history = local.get(f"/api/recordings/{id}/history/{first['id']}").json()
    assert [row["act"] for row in history] == ["draft", "text"]


def test_an_act_that_cannot_be_is_refused_with_its_mend(local: Person, served: Served) -> None:
    id = recording(served)
    first = next(iter(segments(local, id).values()))
    answer = edit(local, id, "times", "e1", first["version"], segment=first["id"], start_ms=100, end_ms=110)
    assert answer.status_code == 422
    body = answer.json()
    assert body["ok"] is False and body["code"] == "REVIEW_TIMES" and body["what"] and body["mend"]
    assert local.send(f"/api/recordings/{id}/edits", {"nothing": 1}).json()["code"] == "REQUEST"


def test_heard_place_order_and_find(local: Person, served: Served) -> None:
    id = recording(served)
    first, second, *_ = segments(local, id)
    assert local.send(f"/api/recordings/{id}/heard", {"segment": first}).status_code == 200
    assert local.send(f"/api/recordings/{id}/place", {"segment": second}).status_code == 200
    found = local.get(f"/api/recordings/{id}").json()
    assert found["place"] == second and [s["heard"] for s in found["segments"]] == [True, False, False]
    assert answered(local.send(f"/api/recordings/{id}/heard", {"segment": "a999"})) == NOT_THERE
    assert [row["id"] for row in local.get(f"/api/recordings/{id}/order?by=time").json()] == list(segments(local, id))
    random = [local.get(f"/api/recordings/{id}/order?by=random").json() for _ in range(2)]
    assert random[0] == random[1]
    hits = local.send(f"/api/recordings/{id}/find", {"find": "kan", "with": "kanka"}).json()
    assert [h["segment"] for h in hits] == [second]
    listed = {row["name"]: row for row in local.get("/api/recordings").json()}
    assert (listed["story.wav"]["segments"], listed["story.wav"]["unheard"], listed["bare.wav"]["drafted"]) == (3, 2, False)


@pytest.mark.parametrize(
    ("role", "act", "status"),
    [
        ("ida", "text", 404),
        ("uri", "text", 200),
        ("uri", "times", 404),
        ("uri", "speaker", 404),
        ("eva", "times", 200),
        ("eva", "speaker", 200),
    ],
)
def test_a_role_may_what_it_may(shared_served: Served, role: str, act: str, status: int) -> None:
    id = recording(shared_served)
    person = Person(shared_served, role)
    first = next(iter(segments(person, id).values()))
    fields: dict[str, dict[str, Any]] = {"text": {"text": "x"}, "times": {"start_ms": 10, "end_ms": 1400}, "speaker": {"speaker": "B"}}
    asked = fields[act]
    assert edit(person, id, act, "e1", first["version"], segment=first["id"], **asked).status_code == status


# Peaks, facts, media.


def test_peaks_and_facts_come_once_the_recording_was_looked_at(local: Person, served: Served) -> None:
    id = recording(served)
    waiting = local.get(f"/api/recordings/{id}/peaks")
    assert (waiting.status_code, waiting.json()) == (404, {"ok": False, "wait": True})
    assert local.get(f"/api/recordings/{id}/facts").json()["wait"] is True
    work_off(served)
    answer = local.get(f"/api/recordings/{id}/peaks?points=60")
    assert (answer.headers["x-points"], answer.headers["x-step-ms"]) == ("60", "100")
    known = served.find(id)
    assert known is not None
    pairs, _ = read_peaks(served.peaks_file(known), 0, None, 60)
    assert np.frombuffer(answer.content, np.int8).reshape(-1, 2).tolist() == pairs.tolist()
    facts = local.get(f"/api/recordings/{id}/facts").json()
    assert (facts["found_ms"], facts["sample_rate"], facts["codec"]) == (6000, 16000, "pcm")
    assert str(served.place.parent) not in json.dumps(facts)
    assert local.get(f"/api/recordings/{id}/peaks?points=0").status_code == 422
    assert local.get(f"/api/recordings/{id}/peaks?from_ms=5&to_ms=1").status_code == 422


def test_a_range_is_cut_to_half_a_mebibyte(store: Store, folder: Path) -> None:
    data = save(folder / "long.wav", noise(40)).read_bytes()
    served = Served(store, folder, users=Users(None))
    served.preferences.keep(f"workspace {served.id}", BASIS, "own use on this machine")
    person, id = Person(served, LOCAL), recording(served, "long.wav")
    assert answered(person.get(f"/media/{id}")) == (404, {"ok": False, "wait": True})
    work_off(served)
    begun = person.get(f"/media/{id}")
    assert (begun.status_code, len(begun.content), begun.headers["content-range"]) == (206, PIECE, f"bytes 0-{PIECE - 1}/{len(data)}")
    assert begun.headers["content-type"] == "audio/wav" and begun.headers["accept-ranges"] == "bytes"
    got, at = b"", 0
    while at < len(data):
        piece = person.get(f"/media/{id}", {"Range": f"bytes={at}-"}).content
        assert 0 < len(piece) <= PIECE
        got, at = got + piece, at + len(piece)
    assert got == data
    assert person.get(f"/media/{id}", {"Range": "bytes=100-199"}).content == data[100:200]
    assert person.get(f"/media/{id}", {"Range": "bytes=-10"}).content == data[-10:]
    assert person.get(f"/media/{id}", {"Range": f"bytes={len(data)}-"}).status_code == 416
    head = person.client.head(f"/media/{id}")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(data)), b"")


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=-", "bytes=-0", "bytes=a-b", "items=0-5", "bytes=0-1,3-4", "", "bytes=9999999999999999-", "bytes=1 - 2"]
)
def test_a_range_that_is_none_gets_nothing(asked: str) -> None:
    assert span_of(asked, 1000) is None


@pytest.mark.parametrize("subtype", ["FLOAT", "PCM_24", "ULAW"])
def test_what_browsers_do_not_play_is_given_as_a_copy(store: Store, folder: Path, subtype: str) -> None:
    import soundfile

    save(folder / "other.wav", noise(3), subtype=subtype)
    served = Served(store, folder, users=Users(None))
    served.preferences.keep(f"workspace {served.id}", BASIS, "own use on this machine")
    person, id = Person(served, LOCAL), recording(served, "other.wav")
    person.get(f"/media/{id}")
    work_off(served)
    answer = person.get(f"/media/{id}")
    assert answer.headers["content-type"] == "audio/flac" and answer.content[:4] == b"fLaC"
    copy = served.place / "playable" / f"{id}.flac"
    assert abs(soundfile.info(copy).duration - 3) < 0.001
    assert sorted(p.name for p in folder.iterdir()) == ["bare.wav", "other.wav", "story.eaf", "story.wav"]
    save(folder / "other.wav", noise(2), subtype=subtype)
    assert person.get(f"/media/{id}").status_code == 404  # the copy is of another file


# R26: what is another's.


def test_two_people_who_swap_ids_get_404(shared_served: Served, tmp_path: Path) -> None:
    ana, ben = Person(shared_served, "ana"), Person(shared_served, "ben")
    id = recording(shared_served, "bare.wav")
    data = save(tmp_path / "x.wav", noise(1)).read_bytes()
    upload = ana.send("/upload", {"name": "x.wav", "size": len(data)}).json()["id"]
    ana.put(f"/upload/{upload}?at=0", data[:100])
    job = ana.send("/api/jobs", {"kind": "transcribe", "recording": id, "settings": {"language": "und"}}).json()["id"]
    export = ana.send("/api/exports", {"recordings": [recording(shared_served)], "formats": ["eaf"]}).json()["id"]
    ana.send("/api/me/preferences", {"name": "theme", "value": "dark"}, method="PUT")
    for answer in (
        ben.get(f"/upload/{upload}"),
        ben.put(f"/upload/{upload}?at=100", data[100:200]),
        ben.send(f"/upload/{upload}/end", {"sha256": hashlib.sha256(data).hexdigest()}),
        ben.send(f"/upload/{upload}", method="DELETE"),
        *(ben.send(f"/api/jobs/{job}/{act}") for act in ("pause", "resume", "cancel")),
        ben.send("/api/jobs", {"kind": "transcribe", "recording": id, "settings": {"language": "und"}}),
        ben.get(f"/download/export/{export}"),
    ):
        assert answered(answer) == NOT_THERE
    assert ben.get("/upload").json() == [] and ben.get("/api/jobs").json() == [] and ben.get("/api/me").json()["preferences"] == {}
    assert ana.get(f"/upload/{upload}").json()["at"] == 100
    found = shared_served.queue.find(job)
    assert found is not None and (found.state, found.wanted) == ("queued", "run")
    assert ana.get(f"/download/export/{export}").status_code == 200


ADDRESSES = [
    (verb, route.path)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and "{" in route.path
    for verb in sorted(route.methods or ())
]
"""Every route that takes an id, so that a new one is asked by itself."""
UNKNOWN = "0" * 16


def foreign(person: Person, ids: dict[str, str]) -> list[str]:
    """Where one of these ids is answered otherwise than one that nobody has."""
    told = []
    for kind, id in ids.items():
        for verb, path in ADDRESSES:
            bodies: tuple[Any, ...] = (
                None,
                {"recordings": [id], "formats": ["eaf"]},
                {"segment": "a1"},
                {"sha256": UNKNOWN * 4},
                {"recording": ""},
            )
            for body in bodies if verb != "GET" else (None,):
                answers = [
                    person.send(re.sub(r"\{\w+(:\w+)?\}", one, path), json.loads(json.dumps(body).replace(id, one)), method=verb)
                    for one in (id, UNKNOWN)
                ]
                known, none = ((a.status_code, a.text.replace(id, "ID").replace(UNKNOWN, "ID")) for a in answers)
                if known != none or known[0] < 400 and not path.startswith("/api/learn"):
                    told.append(f"{verb} {path} with another's {kind}: {known} and not {none}")
    return told


def private_ids(person: Person, served: Served, data: bytes) -> dict[str, str]:
    """What somebody has that is theirs alone."""
    job = person.send("/api/jobs", {"kind": "transcribe", "recording": recording(served, "bare.wav"), "settings": {"language": "und"}})
    made = {
        "upload": person.send("/upload", {"name": "x.wav", "size": len(data)}),
        "text": made_text(person),
        "job": job,
        "export": person.send("/api/exports", {"recordings": [recording(served)], "formats": ["eaf"]}),
    }
    return {**{kind: str(answer.json()["id"]) for kind, answer in made.items()}, "speech": made_speech(person, served)}


def made_text(person: Person) -> Any:
    """A transcript that somebody sent."""
    data = b"wasi ukupi"
    id = person.send("/upload", {"name": "x.txt", "size": len(data), "kind": "transcript"}).json()["id"]
    person.put(f"/upload/{id}?at=0", data)
    return person.send(f"/upload/{id}/end", {"sha256": hashlib.sha256(data).hexdigest()})


def made_speech(person: Person, served: Served) -> str:
    """A sound that somebody had made, as the job of it ended; without the voice, which is an extra."""
    owner = served.sessions.person(person.token)
    assert owner is not None
    said = served.spoken.begin("ñuka wasi")
    save(served.spoken.file(said, ".wav"), noise(1))
    settings = {"said": said, "suffix": ".wav", "voice": "espeak", "language": "que", "borrow": ""}
    served.queue.add("say", workspace=served.id, owner=owner, settings=settings)
    job = served.queue.claim(["say"], served.id)
    assert job is not None
    served.queue.end(job, "done", result={})
    assert (person.get(f"/media/{job.id}").status_code, person.get(f"/download/speech/{job.id}").status_code) == (206, 200)
    return job.id


def test_another_persons_id_is_answered_as_one_that_nobody_has_whatever_the_route(shared_served: Served, tmp_path: Path) -> None:
    ana, ben = Person(shared_served, "ana"), Person(shared_served, "ben")
    ids = private_ids(ana, shared_served, save(tmp_path / "x.wav", noise(1)).read_bytes())
    assert foreign(ben, ids) == []
    bodies = (
        {"recordings": list(ids.values()), "formats": ["eaf"]},
        {"kind": "transcribe", "recording": ids["job"], "settings": {"language": "und"}},
    )
    assert [person.status_code for person in (ben.send("/api/exports", bodies[0]), ben.send("/api/jobs", bodies[1]))] == [404, 404]
    assert ana.get(f"/upload/{ids['upload']}").status_code == ana.get(f"/download/export/{ids['export']}").status_code == 200
    assert [(j["id"], j["state"]) for j in ana.get("/api/jobs").json()] == [(ids["job"], "queued"), (ids["speech"], "done")]


def test_an_id_of_another_collection_in_the_same_store_is_as_one_that_nobody_has(
    shared_served: Served, store: Store, tmp_path: Path
) -> None:
    """Two servers on one store, as a project with several folders has: nothing of the one is reached through the other."""
    other = opened(store, make_collection(tmp_path / "other"), shared_served.users.path)
    ana, elsewhere = Person(shared_served, "ana"), Person(other, "ana")
    ids = {
        "recording": recording(other),
        "recording without a draft": recording(other, "bare.wav"),
        **private_ids(elsewhere, other, save(tmp_path / "x.wav", noise(1)).read_bytes()),
    }
    assert not set(ids.values()) & {recording(shared_served), recording(shared_served, "bare.wav")}
    assert foreign(ana, ids) == []
    first = next(iter(segments(elsewhere, ids["recording"]).values()))
    assert edit(ana, ids["recording"], "text", "e1", first["version"], segment=first["id"], text="x").status_code == 404
    assert segments(elsewhere, ids["recording"])[first["id"]] == first
    seen = [ana.get(path).text for path in ("/api/jobs", "/api/exports", "/upload", "/api/texts", "/api/recordings", "/api/progress")]
    assert not [id for id in ids.values() if any(id in text for text in seen)]


@pytest.mark.parametrize("role", [name for name, role in PEOPLE.items() if role != "keeper"])
def test_who_is_no_keeper_has_no_jobs_uploads_exports_and_consent(shared_served: Served, role: str) -> None:
    person, id = Person(shared_served, role), recording(shared_served)
    for answer in (
        person.get("/api/jobs"), person.get("/upload"), person.send("/upload", {"name": "a.wav", "size": 5}), person.get("/api/exports"),
        person.send("/api/jobs", {"kind": "transcribe", "recording": id, "settings": {"language": "und"}}), person.get(f"/download/{id}"),
        person.send("/api/jobs", {"kind": "say", "settings": {"text": "wasi", "language": "que"}}), person.get(f"/download/speech/{id}"),
        person.send("/api/speak/check", {"text": "wasi", "language": "que"}), person.send(f"/api/speak/{id}", method="DELETE"),
        person.send("/api/consent", {"basis": "own use"}), person.send("/api/exports", {"recordings": [id], "formats": ["eaf"]}),
    ):  # fmt: skip
        assert answered(answer) == NOT_THERE


HOSTILE_IDS = [
    *".. %2e%2e ..%2f..%2fetc%2fpasswd %2fetc%2fpasswd /etc/passwd C:%5cx %5c%5cserver%5cshare a%00b story.wav".split(),
    *"0000000000000000 0000000000000000/../.. %f0%9f%92%a9 null -1 http:%2f%2fevil.example file:%2f%2f%2fetc%2fpasswd % *".split(),
    "' OR 1=1--",
    "x" * 300,
]


@pytest.mark.parametrize("id", HOSTILE_IDS)
def test_an_address_that_is_no_id_leads_nowhere(local: Person, id: str) -> None:
    places = (
        "/media/ID /api/recordings/ID /api/recordings/ID/peaks /download/ID /download/export/ID /upload/ID /review/ID /api/consent/ID "
        "/static/ID /assets/ID /svelte/ID"
    )
    for path in (place.replace("ID", id) for place in places.split()):
        answer = local.get(path)
        assert answer.status_code == 404 or ".." in path or "%2e" in path, path  # the client itself takes `..` out
        assert b"root:" not in answer.content


def test_a_link_out_of_the_static_folder_leads_nowhere(local: Person) -> None:
    for path in (
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/static/..%2fserver.py",
        "/static//etc/passwd",
        "/assets/..%2f..%2f..%2froutes.py",
    ):
        assert local.get(path).status_code == 404


# Consent.


def test_without_a_basis_nothing_is_there_to_be_done(store: Store, folder: Path) -> None:
    served = Served(store, folder, users=Users(None))
    person, id = Person(served, LOCAL), recording(served)
    listed = person.get("/api/recordings").json()
    assert [row["allowed"] for row in listed] == [False, False] and all(row["segments"] == 0 for row in listed)
    for path in (f"/api/recordings/{id}", f"/media/{id}", f"/api/recordings/{id}/peaks"):
        assert answered(person.get(path)) == NOT_THERE
    assert (person.get(f"/download/{id}").status_code, person.get(f"/download/{id}").json()["code"]) == (422, "NO_CARD")
    state = person.get(f"/api/consent/{id}").json()
    assert (state["card"], state["basis"], state["scopes"]["play"]["code"]) == (False, None, "NO_CARD")
    assert person.send("/api/jobs", {"kind": "transcribe", "recording": id, "settings": {"language": "und"}}).status_code == 404
    assert list(ledger.rows(store)) == []
    assert person.send("/api/consent", {"basis": "own use on this machine"}).status_code == 200
    assert [row.type for row in ledger.rows(store)] == ["consent"]
    assert person.get(f"/api/consent/{id}").json()["scopes"]["transcribe_local"]["allowed"] is True
    assert [s["text"] for s in person.get(f"/api/recordings/{id}").json()["segments"]] == list(TEXTS)


CARD = """
schema_version = 1
id = "valley"
title = "Valley"
[[languages]]
iso639_3 = "que"
[holder]
name = "Council"
kind = "community"
[source]
reference = "tapes"
[access]
class = "open"
[licence]
id = "cc-by-4.0"
attribution = "Council"
[community]
consent_required = false
why_not = "they spoke for themselves"
[people]
rule = "each"
[[consent]]
id = "valley:1"
decision = "granted"
scopes = ["LOCAL"]
basis = "written"
given_by = "self"
given_on = 2026-01-01
recorded_by = "linguist"
"""
WITHDRAWN = """
[[consent]]
id = "valley:2"
decision = "withdrawn"
scopes = ["ALL"]
basis = "user_statement"
given_by = "holder"
given_on = 2026-02-01
recorded_by = "linguist"
"""


def test_a_withdrawal_stops_what_plays_at_the_next_range(shared_served: Served, folder: Path) -> None:
    (folder / "collection.card.toml").write_text(CARD)
    eva, ana, id = Person(shared_served, "eva"), Person(shared_served, "ana"), recording(shared_served)
    eva.get(f"/media/{id}")
    work_off(shared_served)
    assert eva.get(f"/media/{id}", {"Range": "bytes=0-99"}).status_code == 206
    (folder / "collection.card.toml").write_text(CARD + WITHDRAWN)
    assert answered(eva.get(f"/media/{id}", {"Range": "bytes=100-199"})) == NOT_THERE
    assert eva.get("/api/recordings").json() == []
    assert answered(eva.get(f"/api/consent/{id}")) == NOT_THERE
    state = ana.get(f"/api/consent/{id}").json()
    assert (state["scopes"]["play"]["code"], state["scopes"]["play"]["allowed"]) == ("WITHDRAWN", False)
    assert edit(eva, id, "text", "e1", segment="a1", text="x").status_code == 404


def test_what_the_gate_bars_from_transcribing_is_refused_by_name(shared_served: Served, folder: Path) -> None:
    (folder / "collection.card.toml").write_text(CARD.replace('["LOCAL"]', '["play", "review"]'))
    ana, id = Person(shared_served, "ana"), recording(shared_served, "bare.wav")
    answer = ana.send("/api/jobs", {"kind": "transcribe", "recording": id, "settings": {"language": "und"}})
    assert answer.status_code == 422 and answer.json()["code"] == "COLLECTION_SCOPE" and answer.json()["mend"]
    assert shared_served.queue.all(shared_served.id) == []


# Jobs.


def start(person: Person, id: str, **settings: Any) -> Any:
    return person.send("/api/jobs", {"kind": "transcribe", "recording": id, "settings": {"language": "und", **settings}})


def test_a_job_becomes_the_draft_and_its_coverage_adds_up(store: Store, folder: Path) -> None:
    save(folder / "said.wav", spoken("Ñukanchik ayllukunaka hatun llaktapi kawsanchik."))
    served = Served(store, folder, users=Users(None))
    served.preferences.keep(f"workspace {served.id}", BASIS, "own use on this machine")
    person, id = Person(served, LOCAL), recording(served, "said.wav")
    job = start(person, id, language="que").json()
    assert (job["state"], job["place"], job["kind"]) == ("queued", 1, "transcribe")
    assert start(person, id, language="que").json()["id"] == job["id"]
    work_off(served, "heavy")
    done = person.get("/api/jobs").json()[0]
    assert (done["state"], done["refusal"]) == ("done", None)
    c = done["result"]["coverage"]
    assert (
        c["duration_ms"] == c["speech_ms"] + c["silence_ms"] + c["missing_ms"] and c["speech_ms"] == c["transcribed_ms"] + c["skipped_ms"]
    )
    found = person.get(f"/api/recordings/{id}").json()
    assert found["draft"] and len(found["segments"]) == done["result"]["segments"] > 0 and found["language"]["code"] == "que"
    assert [row.type for row in ledger.rows(store)] == ["transcribe"]
    again = start(person, id, language="que")
    assert (again.status_code, again.json()["code"]) == (422, "REVIEW_DRAFTED")


def test_an_attempt_cut_off_after_the_draft_was_stored_makes_no_second_one(store: Store, folder: Path) -> None:
    from speech.ui.work import transcribe

    save(folder / "said.wav", spoken("Ñukanchik ayllukunaka hatun llaktapi kawsanchik."))
    served = Served(store, folder, users=Users(None))
    served.preferences.keep(f"workspace {served.id}", BASIS, "own use on this machine")
    id = recording(served, "said.wav")
    start(Person(served, LOCAL), id, language="que")
    job = served.queue.claim(["transcribe"], served.id)
    assert isinstance(job, Job)
    first = transcribe(served, job, lambda *_: None)  # type: ignore[arg-type]  # a plain function reports as well
    seq = edits.segments_of(store, id).seq
    second = transcribe(served, job, lambda *_: None)  # type: ignore[arg-type]  # as above
    assert edits.segments_of(store, id).seq == seq
    assert second["coverage"]["speech_ms"] == first["coverage"]["speech_ms"] and second["segments"] == first["segments"]


def test_a_recording_that_cannot_be_read_fails_its_job_with_a_mend(store: Store, folder: Path) -> None:
    (folder / "broken.wav").write_bytes(b"RIFF")
    served = Served(store, folder, users=Users(None))
    served.preferences.keep(f"workspace {served.id}", BASIS, "own use on this machine")
    person, id = Person(served, LOCAL), recording(served, "broken.wav")
    start(person, id)
    work_off(served, "heavy")
    job = person.get("/api/jobs").json()[0]
    assert job["state"] == "failed" and job["refusal"]["code"].startswith("AUDIO_") and job["refusal"]["mend"]
    assert str(folder) not in json.dumps(job)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "shell", "recording": "0" * 16, "settings": {"language": "que"}},
        {"kind": "transcribe", "recording": "../../etc", "settings": {"language": "que"}},
        {"kind": "transcribe", "recording": "STORY", "settings": {"language": "../../etc/passwd"}},
        {"kind": "transcribe", "recording": "STORY", "settings": {"language": "que", "model": "/etc"}},
        {"kind": "transcribe", "recording": "STORY", "settings": {"language": "que", "model": "http://evil.example/x"}},
        {"kind": "transcribe", "recording": "STORY", "settings": {"language": "que", "lm": "/etc/passwd"}},
        {"kind": "transcribe", "recording": "STORY", "settings": {"language": "que", "more": 1}},
        {"kind": "transcribe", "recording": "STORY", "settings": []},
        [],
        "x",
        {},
    ],
)
def test_a_job_that_is_none_is_not_begun(local: Person, served: Served, body: Any) -> None:
    if isinstance(body, dict) and body.get("recording") == "STORY":
        body = {**body, "recording": recording(served, "bare.wav")}
    answer = local.send("/api/jobs", body)
    assert answer.status_code in (404, 422) and answer.json()["ok"] is False
    assert served.queue.all(served.id) == []


# Downloads, languages, strings.


def test_a_zip_holds_what_was_asked_for_and_is_the_same_twice(local: Person, served: Served) -> None:
    id = recording(served)
    made = [local.send("/api/exports", {"recordings": [id], "formats": ["eaf", "srt"]}).json() for _ in range(2)]
    files = [local.get(f"/download/export/{one['id']}") for one in made]
    assert files[0].content == files[1].content and files[0].headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(files[0].content)) as archive:
        assert sorted(archive.namelist()) == ["story.eaf", "story.srt"]
        assert TEXTS[0] in archive.read("story.srt").decode()
    assert [row["person"] for row in local.get("/api/exports").json()] == [LOCAL, LOCAL]
    one = local.get(f"/download/{id}?format=vtt")
    assert one.content.startswith(b"WEBVTT") and "story.vtt" in one.headers["content-disposition"]
    assert local.get(f"/download/{id}?format=exe").status_code == 404
    assert (
        local.send("/api/exports", {"recordings": [recording(served, "bare.wav")], "formats": ["eaf"]}).json()["code"] == "REVIEW_NOTHING"
    )


def test_every_format_of_a_zip_is_read_back(local: Person, served: Served, tmp_path: Path) -> None:
    """T10: what was taken away says what was there, file by file; what a format cannot hold was said with it."""
    from speech.ui.routes.downloads import FORMATS

    page = Path(served_static("page-collection.js")).read_text(encoding="utf-8")
    offered = re.findall(r"(\w+): ", page.split("const FORMATS = ")[1].split(";")[0])
    assert sorted(offered) == sorted(FORMATS)
    id = recording(served)
    made = local.send("/api/exports", {"recordings": [id], "formats": list(FORMATS)}).json()
    assert made["losses"] and made["refused"] == []
    data = local.get(f"/download/export/{made['id']}").content
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(tmp_path)
    assert len(list(tmp_path.glob("story*"))) == len(FORMATS)
    for name in ("eaf", "textgrid", "srt", "vtt", "csv", "json"):
        [path] = [p for p in tmp_path.iterdir() if p.name == f"story{formats.by_name(name).SUFFIXES[0]}"]
        found = formats.read(path, format=name)
        assert [s.text for s in found.segments] == list(TEXTS), name
        assert [s.span.start_ms for s in found.segments] == [0, 2000, 4000], name
    assert [line.split()[3:5] for line in (tmp_path / "story.rttm").read_text().splitlines()] == [
        [f"{2 * n}.000", "1.500"] for n in range(3)
    ]
    assert all(text in (tmp_path / "story.txt").read_text(encoding="utf-8") for text in TEXTS)


def served_static(name: str) -> str:
    from importlib import resources

    return str(resources.files("speech.ui").joinpath("static", name))


def test_on_a_server_for_others_a_download_needs_the_scope_to_leave(shared_served: Served) -> None:
    shared_served.local = False
    ana, id = Person(shared_served, "ana"), recording(shared_served)
    for answer in (ana.get(f"/download/{id}"), ana.send("/api/exports", {"recordings": [id], "formats": ["eaf"]})):
        assert answer.status_code == 422 and answer.json()["code"] == "NO_CARD" and "export_text" in answer.json()["what"]


def test_progress_sums(local: Person) -> None:
    found = local.get("/api/progress").json()
    assert found["total"]["segments"] == sum(one["segments"] for one in found["recordings"]) == 3
    assert found["total"]["ms"] == 4500 and found["approved"] == []


@pytest.mark.parametrize("q", ["quichua", "QUE", "que", "qu", "Kichwá", "ecua1247"])
def test_a_language_is_found_by_any_of_its_names(local: Person, q: str) -> None:
    first = local.get("/api/languages", {}).json() and local.client.get("/api/languages", params={"q": q}).json()[0]
    assert first["code"] == "que"
    assert (
        first["models"][0]["model"] == "mini"
        and first["models"][0]["cer"]["dev"] == 20.2
        and first["models"][0]["source"] == "adapter.que.toml"
    )


def test_a_retired_code_leads_to_the_language(local: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "zzb.toml").write_text('code = "zzb"\nname = "Made up"\nretired = ["zzx"]\n', encoding="utf-8")
    with monkeypatch.context() as patched:
        patched.setenv("SPEECH_LANGUAGES", str(tmp_path / "tables"))
        for kept in (languages.known, languages._load):
            kept.cache_clear()
        rows = local.client.get("/api/languages", params={"q": "ZZX"}).json()
    for kept in (languages.known, languages._load):
        kept.cache_clear()
    assert [(row["code"], row["retired"]) for row in rows] == [("zzb", ["zzx"])]


def test_a_language_without_a_model_has_the_command_that_fetches_one(local: Person) -> None:
    rows = local.client.get("/api/languages", params={"q": "abk"}).json()
    assert [(row["code"], row["models"], row["fetch"]) for row in rows] == [
        ("abk", [], "speech model add facebook/mms-1b-all --language abk")
    ]
    assert local.client.get("/api/languages", params={"q": "no such tongue"}).json() == []


def test_strings_are_given_by_language_and_preferences_kept(local: Person) -> None:
    table = local.get("/api/strings/en").json()
    assert table["language"] == "en" and table["machine"] == [] and table["strings"]["tabs.review"] == "Review"
    assert answered(local.get("/api/strings/xx")) == NOT_THERE
    local.send("/api/me/preferences", {"name": "language", "value": "en"}, method="PUT")
    assert local.get("/api/me").json()["preferences"] == {"language": "en"}
    assert local.send("/api/me/preferences", {"name": "x", "value": "y" * 5000}, method="PUT").status_code == 422
    assert local.send("/api/me/preferences", {"name": "../x", "value": 1}, method="PUT").status_code == 422


def test_text_is_packed_and_sound_is_not(local: Person, served: Served) -> None:
    id = recording(served)
    local.get(f"/media/{id}")
    work_off(served)
    assert local.get("/api/languages", {"Accept-Encoding": "gzip"}).headers["content-encoding"] == "gzip"
    assert "content-encoding" not in local.get(f"/media/{id}", {"Accept-Encoding": "gzip"}).headers


def test_a_bug_tells_nothing(local: Person, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.ui.served.Served.listed", lambda *_: itertools.repeat(1 / 0))
    answer = local.get("/api/recordings")
    assert answer.status_code == 500 and answer.json()["code"] == "INTERNAL" and "Zero" not in answer.text


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (StoreFailure("/home/ana/store.sqlite3", "another program holds the store", "Wait", "STORE_LOCKED"), 503),
        (DiskFailure("/home/ana/store.sqlite3", "the disk is full", "Make room", "DISK_FULL"), 507),
    ],
)
def test_what_could_not_be_saved_is_said_and_not_shown_as_saved(
    local: Person, served: Served, monkeypatch: pytest.MonkeyPatch, failure: Exception, status: int
) -> None:
    id = recording(served)

    def fails(*_: Any, **__: Any) -> None:
        raise failure

    monkeypatch.setattr("speech.review.edits.record", fails)
    answer = edit(local, id, "text", "e1", 1, segment="a1", text="x")
    assert answer.status_code == status and answer.json()["ok"] is False and "/home" not in answer.text


def test_strings_fall_back_and_say_which_no_speaker_approved(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {
        "en": {"_name": "English", "a.x": "x", "a.y": "y", "a.z": "z"},
        "es": {"_name": "Español", "_approved": ["a.x"], "a.x": "equis", "a.y": "ye"},
        "que": {"_name": "Kichwa", "a.x": "iks"},
    }
    monkeypatch.setattr("speech.ui.strings.there", lambda: tuple(sorted(tables)))
    monkeypatch.setattr("speech.ui.strings._table", lambda code: tables[code])
    found = strings.__wrapped__("que")
    assert found["strings"] == {"a.x": "iks", "a.y": "ye", "a.z": "z"} and found["machine"] == ["a.x"]
    assert strings.__wrapped__("es")["machine"] == ["a.y"]
    assert [wanted(accept) for accept in ("qu-EC,es;q=0.5", "es-MX", "de,fr", "", "q" * 5000)] == ["que", "es", "en", "en", "en"]
