"""The gate as verbs call it: what it looks up, what it says, and what it never lets through."""

from __future__ import annotations

import datetime
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speech.collections import ledger
from speech.collections.consent import Context, Item, decide, gate_of, item_of, require, today
from speech.collections.events import Entity, Event
from speech.collections.records import LOCAL, SCOPES, TRAIN, Card, Conditions, Person, Record
from speech.errors import ConsentRefused, UsageFailure
from speech.store import open_store

DAY = datetime.date(2026, 7, 15)
OWN = Context(basis="own use on this machine", day=DAY)


def record(ident: str = "holder:1", decision: Any = "granted", scopes: Any = SCOPES, basis: str = "written", **more: Any) -> Record:
    more.setdefault("given_on", datetime.date(2020, 1, 1))
    return Record(id=ident, decision=decision, scopes=frozenset(scopes), basis=basis, **more)


def card(*records: Record, **more: Any) -> Card:
    return Card(id="valley", title="Stories", access="open", licence="cc0-1.0", records=records or (record(),), **more)


def code(scopes: Any, item: Item, context: Context = OWN) -> str:
    return decide(scopes, item, context=context).code


def test_the_gate_is_cheap_to_import() -> None:
    heavy = "('sqlalchemy', 'jsonschema', 'torch', 'numpy', 'alembic', 'platformdirs')"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, speech.collections.consent; print([m for m in {heavy} if m in sys.modules])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_without_a_card_local_work_needs_a_stated_basis_and_the_rest_a_card() -> None:
    item = Item(id="a.wav")
    for scope in SCOPES:
        assert code([scope], item) == ("OK_UNCARDED" if scope in LOCAL else "NO_CARD")
        assert code([scope], item, Context(day=DAY)) == "NO_CARD"
    assert decide(["play"], item, context=OWN).basis == "own use on this machine"


def test_several_scopes_are_allowed_together_or_not_at_all() -> None:
    item = Item(id="a", card=card(record(scopes=[*LOCAL, "train_asr"])), no_voice=True)
    both = decide(["train_asr", "play"], item, context=OWN)
    assert (both.allowed, both.scope, both.scopes, both.duties) == (True, "play", ("play", "train_asr"), ("inherit",))
    one_more = decide(["train_lid", "train_asr", "play"], item, context=OWN)
    assert (one_more.allowed, one_more.scope, one_more.code) == (False, "train_lid", "COLLECTION_SCOPE")


def test_a_group_asks_for_each_of_its_scopes() -> None:
    item = Item(id="a", card=card(record(scopes=["train_asr"])), no_voice=True)
    found = decide(["TRAIN"], item, context=OWN)
    assert (found.scopes, found.scope, found.code) == (TRAIN, "train_lid", "COLLECTION_SCOPE")


@pytest.mark.parametrize("scopes", [[], ["sing"], ["ALL"], ["VOICE"], ["play", "sing"]])
def test_a_scope_that_does_not_exist_is_no_way_through(scopes: list[str]) -> None:
    with pytest.raises(UsageFailure) as caught:
        require(scopes, Item(id="a"), context=OWN)
    assert caught.value.code == "SCOPE_UNKNOWN"


def test_an_unknown_purpose_or_standing_is_no_way_through() -> None:
    with pytest.raises(UsageFailure, match="Choose archive"):
        Context(purpose="Commercial")
    with pytest.raises(UsageFailure, match="Choose anonymous"):
        Context(standing="owner")


def test_the_latest_answer_counts_and_on_the_same_day_the_stricter() -> None:
    yes, later = record("h:1"), record("h:2", "denied", ["train_asr"], given_on=datetime.date(2021, 1, 1))
    again = record("h:3", "granted", ["train_asr"], given_on=datetime.date(2022, 1, 1))
    same_day = record("h:4", "denied", ["train_asr"], given_on=datetime.date(2022, 1, 1))
    to_come = record("h:5", "denied", ["train_asr"], given_on=DAY + datetime.timedelta(days=1))
    for records, expected in (
        ((yes, later), "COLLECTION_DENIED"),
        ((later, yes), "COLLECTION_DENIED"),
        ((yes, later, again), "OK"),
        ((again, same_day), "COLLECTION_DENIED"),
        ((again, to_come), "OK"),
    ):
        assert code(["train_asr"], Item(id="a", card=card(*records), no_voice=True)) == expected


def test_a_record_holds_up_to_the_day_before_it_expires() -> None:
    for days, expected in ((1, "OK"), (0, "COLLECTION_MISSING"), (-1, "COLLECTION_MISSING")):
        ends = record(expires=DAY + datetime.timedelta(days=days))
        assert code(["play"], Item(id="a", card=card(ends))) == expected


def test_someone_without_a_label_is_an_unknown_speaker_not_no_one() -> None:
    item = Item(id="a", card=card())
    assert code(["train_asr"], item) == "SPEAKER_UNKNOWN"
    assert code(["train_tts"], item) == "BIOMETRIC_EXPLICIT"
    assert code(["train_tts"], replace(item, no_voice=True)) == "OK"


def test_every_speaker_must_carry_the_scope() -> None:
    yes, no = (Person(code=f"VA-0{n}", records=(record(f"va-0{n}:1", said, ["train_asr"]),)) for n, said in ((1, "granted"), (2, "denied")))
    item = Item(id="a", card=card(), people=(yes, no), speakers=("VA-01", "VA-02"))
    found = decide(["train_asr"], item, context=OWN)
    assert (found.code, found.people, found.records) == ("PERSON_DENIED", ("VA-02",), ("va-02:1",))
    assert code(["train_asr"], replace(item, speakers=("VA-01",))) == "OK"
    assert code(["train_asr"], replace(item, speakers=("VA-01", ""))) == "SPEAKER_UNKNOWN"


def test_all_reasons_are_kept_and_the_first_rule_names_the_code() -> None:
    item = Item(id="a", card=card(record(decision="denied")), labels=("tkss",), access="closed")
    found = decide(["train_asr"], item, context=replace(OWN, place="elsewhere"))
    assert [r.code for r in found.reasons] == ["ACCESS_CLOSED", "LABEL_STOP", "COLLECTION_DENIED", "SPEAKER_UNKNOWN", "PLACE"]
    assert found.code == "ACCESS_CLOSED"


@pytest.mark.parametrize(
    ("conditions", "scope", "expected"),
    [
        ({"embargo_until": DAY}, "export_text", "EMBARGO"),
        ({"embargo_until": DAY}, "play", "OK"),
        ({"purposes": frozenset({"education"})}, "play", "PURPOSE"),
        ({"names_hidden": True}, "export_text", "REVIEW_DUE"),
        ({"recipients": frozenset({"the school"})}, "export_text", "PLACE"),
        ({"months": frozenset({1})}, "play", "EMBARGO"),
        ({"delete_after": DAY}, "play", "OK"),
        ({"delete_after": DAY - datetime.timedelta(days=1)}, "play", "COLLECTION_MISSING"),
    ],
)
def test_conditions_of_the_holder_bind(conditions: dict[str, Any], scope: str, expected: str) -> None:
    holder = record(conditions=Conditions(**conditions))
    assert code([scope], Item(id="a", card=card(holder), no_voice=True)) == expected


def test_a_row_of_a_manifest_may_be_stricter_than_the_card_never_looser() -> None:
    item = Item(id="a", card=card())
    assert code(["play"], replace(item, access="request")) == "ACCESS_STANDING"
    assert code(["play"], replace(item, access="no such class")) == "ACCESS_CLOSED"
    closed = replace(item, card=replace(card(), access="request"), access="open")
    assert code(["play"], closed) == "ACCESS_STANDING"
    assert code(["train_asr"], replace(item, no_voice=True, licence="cc-by-nc-4.0"), replace(OWN, purpose="commercial")) == "LICENCE_NC"


def test_a_card_that_names_sources_nobody_looked_at_forbids() -> None:
    made = Item(id="adapter", card=card(derived_from=("valley",)), no_voice=True)
    assert code(["publish_model"], made) == "DERIVED_FORBIDS"


def test_a_source_of_a_source_that_was_withdrawn_blocks() -> None:
    gone = Item(id="clip", card=card(record(decision="withdrawn")))
    adapter = Item(id="adapter", card=card(), no_voice=True, sources=(gone,))
    model = Item(id="model", card=card(), no_voice=True, sources=(adapter,))
    assert code(["publish_model"], model) == "BLOCKED_DERIVED"


def test_a_refusal_says_who_by_code_which_record_and_what_would_change_it() -> None:
    voice = record("ex1-014:2026-voice", "denied", ["synthesise_voice"], given_on=datetime.date(2026, 3, 2))
    item = Item(id="EX1-STORY-03", card=card(), people=(Person(code="EX1-014", records=(voice,)),), speakers=("EX1-014",))
    with pytest.raises(ConsentRefused) as caught:
        require(["synthesise_voice"], item, context=OWN)
    assert str(caught.value) == (
        "EX1-STORY-03: refused: synthesise_voice. EX1-014 said no on 2026-03-02 (record ex1-014:2026-voice). Nothing was written. "
        "Only a new record from EX1-014 changes this: ask, and write the answer into EX1-014.person.toml."
    )
    told = caught.value.as_dict()
    assert told["code"] == "PERSON_DENIED"
    assert (told["scope"], told["item"]) == ("synthesise_voice", "EX1-STORY-03")
    assert (told["people"], told["record"]) == (["EX1-014"], "ex1-014:2026-voice")


def test_the_ledgers_part_keeps_person_codes_and_leaves_out_labels_of_a_recording() -> None:
    people = (Person(code="VA-01", records=(record("va-01:1"),)),)
    item = Item(id="a", card=card(), people=people, speakers=("VA-01", "reader_1"))
    gate = gate_of(decide(["play"], item, context=OWN))
    assert (gate.decision, gate.code, gate.people, gate.records) == ("allow", "OK", ("VA-01",), ("holder:1", "va-01:1"))


@pytest.fixture
def collection(tmp_path: Path, shared: Path) -> Path:
    """The published example, laid out as an archive would: card, people, a recording below."""
    folder = tmp_path / "EX1"
    (folder / "people").mkdir(parents=True)
    examples = shared / "consent" / "examples"
    (folder / "collection.card.toml").write_bytes((examples / "example_archive.card.toml").read_bytes())
    for name in ("EX1-014", "EX1-031"):
        (folder / "people" / f"{name}.person.toml").write_bytes((examples / f"{name}.person.toml").read_bytes())
    (folder / "story.wav").write_bytes(b"")
    return folder


APPROVED = Context(standing="approved", purpose="community", day=datetime.date(2026, 11, 21))


def test_the_card_beside_a_recording_is_found_and_asked(collection: Path) -> None:
    item = item_of(collection / "story.wav")
    assert require(["transcribe_local"], item, context=APPROVED).collection == "example_archive"
    with pytest.raises(ConsentRefused) as caught:
        require(["transcribe_local"], item, context=replace(APPROVED, standing="anonymous", basis="own use on this machine"))
    assert caught.value.code == "ACCESS_STANDING"


@pytest.mark.parametrize("name", ["EX1-CEREMONY-01.wav", "sub/EX1-CEREMONY-01.flac", "EX1-CEREMONY-01"])
def test_an_item_that_the_card_restricts_is_known_by_the_name_of_its_file(collection: Path, name: str) -> None:
    (collection / "sub").mkdir()
    (collection / name).write_bytes(b"")
    with pytest.raises(ConsentRefused) as caught:
        require(["transcribe_local"], item_of(collection / name), context=APPROVED)
    assert caught.value.code == "ACCESS_CLOSED"
    with pytest.raises(ConsentRefused) as stopped:  # the ruling allows the custodian to transcribe, and no one to review
        require(["review"], item_of(collection / name), context=replace(APPROVED, standing="custodian"))
    assert stopped.value.code == "ACCESS_CLOSED"
    ruled = require(["transcribe_local"], item_of(collection / name), context=replace(APPROVED, standing="custodian"))
    assert ruled.allowed


def test_people_are_read_from_the_folder_that_the_card_names(collection: Path) -> None:
    item = Item(id="EX1-STORY-03", path=collection / "story.wav", speakers=("EX1-014",))
    found = require(["transcribe_local"], item, context=APPROVED)
    assert found.records == ("example_archive:deposit", "example_archive:council-1", "ex1-014:2005")
    with pytest.raises(ConsentRefused) as caught:
        require(["voiceprint"], item, context=APPROVED)
    assert (caught.value.people, caught.value.record) == ((), "")  # the holder never named it: rule 7 comes first
    (collection / "people" / "EX1-014.person.toml").write_text("code = 3", encoding="utf-8")
    with pytest.raises(ConsentRefused) as broken:
        require(["transcribe_local"], item, context=APPROVED)
    assert broken.value.code == "CARD_INVALID"


def test_a_folder_of_people_that_is_gone_is_not_an_empty_one(collection: Path) -> None:
    (collection / "people").rename(collection / "elsewhere")
    with pytest.raises(ConsentRefused) as caught:
        require(["play"], Item(id="a", path=collection / "story.wav", speakers=("EX1-014",)), context=APPROVED)
    assert caught.value.code == "CARD_INVALID"


def test_a_card_changed_after_its_hash_was_recorded_is_invalid(collection: Path) -> None:
    from speech.files import sha256_of

    known = sha256_of(collection / "collection.card.toml")
    item = Item(id="a", path=collection / "story.wav", card_sha256=known)
    assert require(["play"], item, context=APPROVED).allowed
    with (collection / "collection.card.toml").open("a", encoding="utf-8") as file:
        file.write("# one more line\n")
    with pytest.raises(ConsentRefused) as caught:
        require(["play"], item, context=APPROVED)
    assert caught.value.code == "CARD_INVALID"


def test_today_is_never_before_the_newest_event_of_the_ledger() -> None:
    clock = datetime.datetime.now(datetime.UTC).date()
    assert today() in (clock, clock + datetime.timedelta(days=1))
    with open_store() as store:
        ledger.append(Event(type="block", used=(Entity(kind="clip", sha256="a" * 64),), time="2999-01-01T00:00:00Z"), store=store)
    assert today() == datetime.date(2999, 1, 1)


def test_a_purpose_or_standing_that_the_gate_does_not_know_is_refused() -> None:
    for purpose, standing in (("fun", "anonymous"), ("research", "friend")):
        with pytest.raises(UsageFailure) as failed:
            Context(purpose=purpose, standing=standing)
        assert failed.value.code == "CONTEXT_UNKNOWN"
