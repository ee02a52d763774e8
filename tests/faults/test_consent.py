"""FAULTS.md, rows C and D6: what the gate refuses before anything is touched, and bad days of the ledger."""

from __future__ import annotations

import datetime
import os
import sqlite3
from pathlib import Path

import pytest

import speech.store
from speech.collections import ledger
from speech.collections.consent import Context, Item, item_of, require
from speech.collections.ledger import Entity, Event
from speech.errors import ConsentRefused, RunFailure, StoreFailure
from speech.store import open_store
from speech.store.places import refuse_network_disk

OWN = Context(basis="own use on this machine")
BLOCK = Event(type="block", used=(Entity(kind="clip", sha256="a" * 64),))

CARD = """
schema_version = 1
id = "valley"
title = "Stories"
languages = [{ iso639_3 = "qaa" }]
holder = { name = "The valley", kind = "community" }
source = { reference = "recorded here" }
access = { class = "open" }
licence = { id = "cc0-1.0" }
community = { consent_required = false, why_not = "it holds the collection itself" }
people = { rule = "each" }
consent = [{ id = "valley:1", decision = "DECISION", scopes = ["LOCAL"], basis = "written", given_by = "holder", given_on = 2020-01-01, recorded_by = "c" EXPIRES }]
"""  # noqa: E501 - a TOML 1.0 inline table is one line


def carded(folder: Path, decision: str = "granted", expires: str = "", labels: str = "") -> Path:
    text = CARD.replace("DECISION", decision).replace("EXPIRES", f", expires = {expires}" if expires else "")
    (folder / "collection.card.toml").write_text(text + labels, encoding="utf-8")
    (folder / "a.wav").write_bytes(b"not read by the gate")
    return folder / "a.wav"


def test_c1_without_a_card_local_use_is_done_and_training_is_not(tmp_path: Path) -> None:
    item = item_of(tmp_path / "a.wav")
    assert require({"transcribe_local"}, item, context=OWN).code == "OK_UNCARDED"
    with pytest.raises(ConsentRefused, match="Write a card") as caught:
        require({"train_asr"}, item, context=OWN)
    assert caught.value.code == "NO_CARD"


@pytest.mark.parametrize(
    ("decision", "expires", "labels", "code"),
    [
        ("denied", "", "", "COLLECTION_DENIED"),
        ("withdrawn", "", "", "WITHDRAWN"),
        ("granted", "2021-01-01", "", "COLLECTION_MISSING"),
        ("granted", "", '[[labels]]\ncode = "tkss"\nset_by = "the council"\nas_of = 2020-01-01\n', "LABEL_STOP"),
    ],
)
def test_c2_a_refusal_comes_before_a_sample_is_read_and_leaves_nothing(
    tmp_path: Path, decision: str, expires: str, labels: str, code: str
) -> None:
    recording = carded(tmp_path, decision, expires, labels)
    recording.unlink()
    os.mkfifo(recording)  # reading it would wait for ever
    with pytest.raises(ConsentRefused) as caught:
        require({"transcribe_local"}, item_of(recording), context=OWN)
    assert caught.value.code == code
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.wav", "collection.card.toml"]


def test_c3_a_card_with_a_fault_is_not_treated_as_absent(tmp_path: Path) -> None:
    recording = carded(tmp_path)
    card = tmp_path / "collection.card.toml"
    assert require({"play"}, item_of(recording), context=OWN).code == "OK"
    for wrong in (CARD.replace("licence", "lisence"), "id = [", "\x00"):
        card.write_text(wrong, encoding="utf-8")
        with pytest.raises(ConsentRefused) as caught:
            require({"play"}, item_of(recording), context=OWN)
        assert caught.value.code == "CARD_INVALID"


def test_c5_a_clock_set_back_revives_nothing(tmp_path: Path) -> None:
    recording = carded(tmp_path, expires="2990-01-01")
    assert require({"play"}, item_of(recording), context=OWN).allowed
    ledger.append(Event(type="block", used=BLOCK.used, time="2990-01-01T00:00:00Z"))
    with pytest.raises(ConsentRefused) as caught:
        require({"play"}, item_of(recording), context=OWN)
    assert caught.value.code == "COLLECTION_MISSING"
    before = Context(day=datetime.date(2989, 12, 31))
    assert require({"play"}, Item(id="a", path=recording), context=before).allowed


def test_d6_a_ledger_that_another_program_holds_is_waited_for_and_then_refused(tmp_path: Path) -> None:
    place = tmp_path / "s.db"
    with open_store(place, wait_s=0.2) as store:
        holder = sqlite3.connect(place, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreFailure) as caught:
            ledger.append(BLOCK, store=store)
        assert caught.value.code == "STORE_LOCKED"
        holder.execute("ROLLBACK")
        holder.close()
        assert ledger.append(BLOCK, store=store).seq == 1
    assert speech.store.WAIT_S == 30


@pytest.mark.parametrize("damage", [b"", b"this is no database at all, but it is long enough to have a header of 100 bytes" * 3])
def test_d6_a_corrupt_ledger_is_never_made_anew(tmp_path: Path, damage: bytes) -> None:
    place = tmp_path / "s.db"
    place.write_bytes(damage)
    with pytest.raises(StoreFailure) as caught:
        open_store(place)
    assert caught.value.code == "STORE_CORRUPT"
    assert place.read_bytes() == damage


def test_d6_pages_overwritten_in_the_middle_are_found(tmp_path: Path) -> None:
    place = tmp_path / "s.db"
    with open_store(place) as store:
        for _ in range(40):
            ledger.append(BLOCK, store=store)
    data = bytearray(place.read_bytes())
    data[4096 * 2 :] = b"\xee" * (len(data) - 4096 * 2)
    place.write_bytes(data)
    with pytest.raises(StoreFailure) as caught, open_store(place) as store:
        ledger.verify(store)
    assert caught.value.code == "STORE_CORRUPT"
    assert place.read_bytes() == bytes(data)


def test_d6_a_place_that_cannot_be_made_is_named_with_its_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("a file where the data folder should be", encoding="utf-8")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    with pytest.raises(StoreFailure, match="SPEECH_STORE=") as caught:
        ledger.append(BLOCK)
    assert caught.value.code == "STORE_PLACE"
    assert caught.value.exit_status == RunFailure.exit_status


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_d6_a_read_only_folder_is_named_with_its_mend(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreFailure) as caught:
        open_store(tmp_path / "s.db")
    tmp_path.chmod(0o700)
    assert caught.value.code == "STORE_PLACE"


def test_d6_a_ledger_on_a_network_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 0:1 / / rw - ext4 d rw\n2 1 0:2 / {tmp_path} rw - nfs4 server:/x rw\n", encoding="utf-8")
    monkeypatch.setattr("speech.store.places._MOUNTS", mounts)
    with pytest.raises(StoreFailure, match="nfs4") as caught:
        refuse_network_disk(tmp_path / "s.db")
    assert caught.value.code == "STORE_PLACE"
    refuse_network_disk(Path("/var/s.db"))


@pytest.mark.parametrize("name", ["collection.card.toml.txt", "card.toml", "Collection.Card.TOML.txt", "valley.card.txt"])
def test_a_card_under_a_wrong_name_is_never_taken_for_none(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("decision = 'denied'", encoding="utf-8")
    with pytest.raises(ConsentRefused) as caught:
        require({"transcribe_local"}, item_of(tmp_path / "a.wav"), context=OWN)
    assert caught.value.code == "CARD_INVALID" and "call it collection.card.toml" in caught.value.what


@pytest.mark.parametrize("name", ["postcard.txt", "cards.toml", "notes.txt", "collection.card.toml~", "discard.toml"])
def test_other_files_are_no_cards(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("", encoding="utf-8")
    assert require({"transcribe_local"}, item_of(tmp_path / "a.wav"), context=OWN).code == "OK_UNCARDED"


def test_a_result_elsewhere_is_not_scored_after_a_withdrawal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import re

    from speech import cli
    from speech.formats import save
    from speech.types import Recording, Segment, Span, Transcript
    from tests.conftest import REPOSITORY

    guide = (REPOSITORY / "docs/guides/consent.md").read_text(encoding="utf-8")
    card, withdrawal = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    for folder in ("tapes", "out"):
        (tmp_path / folder).mkdir()
    (tmp_path / "tapes" / "a.wav").write_bytes(b"RIFF")
    (tmp_path / "tapes" / "collection.card.toml").write_text(card, encoding="utf-8")
    segments = (Segment(span=Span(start_ms=0, end_ms=900), text="kay wasi"),)
    save(Transcript(recording=Recording(path=str(tmp_path / "tapes" / "a.wav")), segments=segments), tmp_path / "out" / "a.eaf")
    command = ["score", str(tmp_path / "out" / "a.eaf"), str(tmp_path / "out" / "a.eaf"), "-l", "que"]
    assert cli.run(command) == 0
    (tmp_path / "tapes" / "collection.card.toml").write_text(card + withdrawal, encoding="utf-8")
    assert cli.run(command) == 1
    assert "[WITHDRAWN]" in capsys.readouterr().err
