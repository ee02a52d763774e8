"""The ledger: one chain, whoever writes, and every break in it found."""

from __future__ import annotations

import datetime
import hashlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from speech.collections import acts, consent, ledger
from speech.collections.events import FIRST
from speech.collections.ledger import Entity, Event, Gate
from speech.errors import AudioRefused, ConsentRefused, InternalFailure, StoreFailure
from speech.store import Store, open_store
from speech.types import Act, Coverage, Recording, Transcript

ALLOWED = Gate(scope="transcribe_local", decision="allow", code="OK_UNCARDED", basis="own use on this machine")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "ledger.db") as opened:
        yield opened


def example(shared: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (shared / "consent" / "examples" / "ledger.jsonl").read_text(encoding="utf-8").splitlines()]


def transcribed(sha256: str = "b" * 64, **more: Any) -> Event:
    return Event(type="transcribe", used=(Entity(kind="recording", sha256=sha256, path="a.wav"),), gate=ALLOWED, **more)


def test_the_hashes_of_the_published_examples_are_ours(shared: Path) -> None:
    events = example(shared)
    assert ledger.check_chain(events) == 5
    events[2]["purpose"] = "research"
    with pytest.raises(StoreFailure, match="row 3: the chain is broken here: its hash"):
        ledger.check_chain(events)


def test_an_event_that_is_missing_from_the_middle_is_found(shared: Path) -> None:
    events = example(shared)
    with pytest.raises(StoreFailure, match="row 2: the chain is broken here: its number is 3"):
        ledger.check_chain([events[0], *events[2:]])


def test_a_row_hashes_the_event_without_its_hash_and_the_row_before(store: Store) -> None:
    first = ledger.append(transcribed(time="2026-01-02T03:04:05Z", id="01900000-0000-7000-8000-000000000001"), store=store)
    second = ledger.append(transcribed("c" * 64, collection="ñandutí"), store=store)
    by_hand = (
        '{"agents":[{"id":"oral-speech","kind":"software","role":"executing program","version":"VERSION"}],'
        '"gate":{"basis":"own use on this machine","code":"OK_UNCARDED","decision":"allow","duties":[],"scope":"transcribe_local"},'
        '"id":"01900000-0000-7000-8000-000000000001","made":[],"outcome":"success","premis_type":"creation",'
        '"prev":"' + "0" * 64 + '","schema_version":1,"seq":1,"time":"2026-01-02T03:04:05Z","type":"transcribe",'
        '"used":[{"kind":"recording","path":"a.wav","sha256":"' + "b" * 64 + '"}]}'
    ).replace("VERSION", first.event["agents"][0]["version"])
    assert (first.seq, first.prev) == (1, FIRST)
    assert first.hash == hashlib.sha256(by_hand.encode("utf-8")).hexdigest()
    assert (second.seq, second.prev) == (2, first.hash)
    assert "ñandutí" in second.body
    assert ledger.newest(store) == second
    assert ledger.verify(store) == 2


def test_rows_fit_the_published_schema(store: Store, shared: Path) -> None:
    from jsonschema import Draft202012Validator

    schema = json.loads((shared / "consent" / "ledger_event.schema.json").read_text(encoding="utf-8"))
    refused = Gate(scope="train_tts", decision="refuse", code="PERSON_DENIED", people=("EX1-014",), records=("ex1-014:2026",))
    ledger.append(transcribed(audio_ms=1000, duration_ms=20, purpose="research", settings_sha256="d" * 64), store=store)
    ledger.append(Event(type="train", outcome="refused", gate=refused), store=store)
    ledger.append(Event(type="transcribe", outcome="failure", gate=ALLOWED, fault="AUDIO_EMPTY"), store=store)
    ledger.append(Event(type="block", used=(Entity(kind="voice", sha256="e" * 64, span_ms=(0, 5), people=("EX1-014",)),)), store=store)
    for row in ledger.rows(store):
        assert list(Draft202012Validator(schema).iter_errors(row.event)) == []


def test_every_type_of_the_published_schema_can_be_written(shared: Path) -> None:
    from speech.collections.events import GATED, PREMIS

    schema = json.loads((shared / "consent" / "ledger_event.schema.json").read_text(encoding="utf-8"))
    assert set(PREMIS) == set(schema["properties"]["type"]["enum"])
    assert set(PREMIS.values()) <= set(schema["properties"]["premis_type"]["enum"])
    assert set(schema["allOf"][1]["if"]["properties"]["type"]["enum"]) == GATED


WRITER = """
import sys, pathlib
from speech.collections.ledger import Entity, Event, append
from speech.store import open_store
with open_store(pathlib.Path(sys.argv[1])) as store:
    for n in range(25):
        append(Event(type="block", used=(Entity(kind="clip", sha256=f"{n:064x}", path=sys.argv[2]),)), store=store)
"""


def test_two_processes_write_one_chain(tmp_path: Path) -> None:
    place = tmp_path / "ledger.db"
    started = [subprocess.Popen([sys.executable, "-c", WRITER, str(place), name]) for name in ("left", "right")]
    assert [p.wait(timeout=120) for p in started] == [0, 0]
    with open_store(place) as store:
        assert ledger.verify(store) == 50
        names = [row.event["used"][0]["path"] for row in ledger.rows(store)]
    assert (names.count("left"), names.count("right")) == (25, 25)


@pytest.mark.parametrize(
    ("change", "row", "why"),
    [
        ("UPDATE ledger_event SET body = replace(body, 'OK_UNCARDED', 'OK') WHERE seq = 2", 2, "its hash is not that of its body"),
        ("UPDATE ledger_event SET time = '2020-01-01T00:00:00Z' WHERE seq = 3", 3, "do not agree"),
        ("DELETE FROM ledger_event WHERE seq = 2", 2, "its number is 3"),
        ("DELETE FROM ledger_event WHERE seq = 1", 1, "its number is 2"),
        ("UPDATE ledger_event SET body = 'nothing' WHERE seq = 1", 1, "no JSON"),
    ],
)
def test_the_first_broken_row_is_named(store: Store, change: str, row: int, why: str) -> None:
    for n in range(3):
        ledger.append(transcribed(f"{n:064x}"), store=store)
    raw = sqlite3.connect(store.where)
    for trigger in ("no_update", "no_delete"):
        raw.execute(f"DROP TRIGGER ledger_event_{trigger}")
    raw.execute(change)
    raw.commit()
    raw.close()
    with pytest.raises(StoreFailure, match=f"ledger row {row}: .*{why}") as caught:
        ledger.verify(store)
    assert caught.value.code == "STORE_CORRUPT"


def test_ids_are_uuids_of_version_7_that_begin_with_the_clock(store: Store) -> None:
    import time
    import uuid

    before = time.time_ns() // 1_000_000
    row = ledger.append(transcribed(), store=store)
    made = uuid.UUID(row.id)
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


@pytest.mark.parametrize(
    "event",
    [
        {"type": "dance"},
        {"type": "transcribe"},
        {"type": "block", "outcome": "refused"},
        {"type": "train", "outcome": "refused", "gate": ALLOWED, "made": (Entity(kind="adapter", sha256="a" * 64),)},
        {"type": "block", "used": (Entity(kind="clip", sha256="a" * 64, path="/home/someone/a.wav"),)},
        {"type": "block", "used": (Entity(kind="clip", sha256="a" * 64, people=("A Name",)),)},
        {"type": "block", "used": (Entity(kind="clip", sha256="short"),)},
    ],
    ids=["type", "no_gate", "refused_no_gate", "refused_made", "absolute", "name", "hash"],
)
def test_an_event_the_ledger_has_no_form_for_is_not_made(event: dict[str, Any]) -> None:
    with pytest.raises(InternalFailure):
        Event(**event)


def test_the_latest_day_is_that_of_any_row_and_asking_makes_no_store(own_home: Path, store: Store) -> None:
    assert ledger.latest_day() is None
    assert not (own_home / "data").exists()
    for time in ("2031-05-06T10:00:00Z", "2026-01-01T00:00:00.5Z"):
        ledger.append(transcribed(time=time), store=store)
    assert ledger.latest_day(store) == datetime.date(2031, 5, 6)


class Made:
    """What a verb gives back, for the event of it."""

    def __init__(self, transcript: Transcript, decision: consent.Decision) -> None:
        self.transcript = transcript
        self.decision = decision


def test_the_event_of_a_transcription_tells_what_was_used_made_and_allowed(tmp_path: Path) -> None:
    sound, text = tmp_path / "a.wav", tmp_path / "out.eaf"
    sound.write_bytes(b"sound")
    text.write_bytes(b"text")
    context = consent.Context(basis="own use on this machine")
    decision = consent.require({"transcribe_local"}, consent.item_of(sound), context=context)
    transcript = Transcript(
        recording=Recording(path=str(sound)), coverage=Coverage(duration_ms=70), provenance=(Act(activity="x", settings_sha256="f" * 64),)
    )
    event = acts.verb_event(acts.TRANSCRIBE, sound, Made(transcript, decision), [text], context, None)
    assert event.used == (Entity(kind="recording", sha256=hashlib.sha256(b"sound").hexdigest(), path="a.wav"),)
    assert event.made == (Entity(kind="transcript", sha256=hashlib.sha256(b"text").hexdigest(), path="out.eaf"),)
    assert event.gate == ALLOWED
    assert (event.outcome, event.audio_ms, event.settings_sha256, event.purpose) == ("success", 70, "f" * 64, "research")


def test_refusals_and_failures_have_events_too(tmp_path: Path) -> None:
    sound = tmp_path / "a.wav"
    sound.write_bytes(b"")
    with pytest.raises(ConsentRefused) as caught:
        consent.require({"transcribe_local"}, consent.item_of(sound), context=consent.Context())
    refused = acts.verb_event(acts.TRANSCRIBE, sound, None, [], consent.Context(), caught.value)
    assert (refused.outcome, refused.made) == ("refused", ())
    assert refused.gate == Gate(scope="transcribe_local", decision="refuse", code="NO_CARD")
    damaged = AudioRefused("a.wav", "it is empty", "Copy it again", "AUDIO_EMPTY")
    failed = acts.verb_event(acts.TRANSCRIBE, tmp_path / "gone.wav", None, [], consent.Context(basis="own use on this machine"), damaged)
    assert (failed.outcome, failed.fault, failed.gate, failed.used) == ("failure", "AUDIO_EMPTY", ALLOWED, ())
