"""Cards: found by a stated rule, checked against the schema, and never mistaken for absent."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from speech.collections import consent, workspaces
from speech.collections.cards import find_card, load_card, load_person
from speech.collections.records import LOCAL, TRAIN
from speech.errors import ConsentRefused

CARD = """
schema_version = 1
id = "valley"
title = "Stories"
languages = [{ iso639_3 = "qaa" }]
holder = { name = "Hidden Name", kind = "community" }
source = { reference = "recorded here" }
access = { class = "open" }
licence = { id = "cc0-1.0" }
community = { consent_required = false, why_not = "it holds the collection itself" }
people = { rule = "each", folder = "people" }

[[consent]]
id = "valley:1"
decision = "granted"
scopes = ["LOCAL", "train_asr"]
basis = "written"
given_by = "holder"
given_on = 2020-01-01
expires = 2040-01-01
recorded_by = "custodian"
"""


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    folder = tmp_path / "valley" / "2024" / "may"
    folder.mkdir(parents=True)
    return folder / "story.wav"


def put(folder: Path, name: str, text: str = CARD) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_the_schemas_shipped_are_the_published_ones(shared: Path) -> None:
    import speech.collections.cards as cards

    for name in ("collection_card.schema.json", "person.schema.json"):
        ours = json.loads(Path(cards.__file__).with_name(name).read_text(encoding="utf-8"))
        assert ours == json.loads((shared / "consent" / name).read_text(encoding="utf-8"))


def test_without_a_card_there_is_none(recording: Path) -> None:
    assert find_card(recording) is None


@pytest.mark.parametrize("name", ["collection.card.toml", "valley.card.toml", "anything.card.toml"])
def test_a_card_in_a_parent_speaks_for_the_recordings_below(recording: Path, name: str) -> None:
    card = put(recording.parents[2], name)
    assert find_card(recording) == card


def test_the_nearest_card_counts(recording: Path) -> None:
    put(recording.parents[2], "collection.card.toml")
    near = put(recording.parent, "may.card.toml")
    assert find_card(recording) == near


def test_of_several_cards_the_one_named_for_the_folder_counts(recording: Path) -> None:
    put(recording.parent, "a.card.toml")
    named = put(recording.parent, "may.card.toml")
    assert find_card(recording) == named


def test_several_cards_none_of_them_named_for_the_folder_are_refused(recording: Path) -> None:
    put(recording.parents[1], "a.card.toml")
    put(recording.parents[1], "b.card.toml")
    with pytest.raises(ConsentRefused, match=r"a\.card\.toml, b\.card\.toml.*Name the one that counts collection\.card\.toml") as caught:
        find_card(recording)
    assert caught.value.code == "CARD_INVALID"


def test_the_search_ends_at_a_repository_at_home_and_after_four_parents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "collection.card.toml")
    inside = tmp_path / "a" / "b" / "c" / "d" / "e"
    inside.mkdir(parents=True)
    assert find_card(inside.parent / "x.wav") == tmp_path / "collection.card.toml"
    assert find_card(inside / "x.wav") is None
    (tmp_path / "a" / ".git").mkdir()
    assert find_card(tmp_path / "a" / "b" / "x.wav") is None
    (tmp_path / "a" / ".git").rmdir()
    monkeypatch.setenv("HOME", str(tmp_path / "a"))
    assert find_card(tmp_path / "a" / "b" / "x.wav") is None


def test_a_link_is_searched_for_from_where_it_leads_too(recording: Path, tmp_path: Path) -> None:
    recording.write_bytes(b"")
    card = put(recording.parent, "collection.card.toml")
    elsewhere = tmp_path / "links"
    elsewhere.mkdir()
    (elsewhere / "story.wav").symlink_to(recording)
    assert find_card(elsewhere / "story.wav") == card


def test_a_card_gives_its_records_with_groups_written_out(recording: Path) -> None:
    card = load_card(put(recording.parent, "may.card.toml"))
    (record,) = card.records
    assert record.scopes == {*LOCAL, TRAIN[0]}
    assert (record.given_on, record.expires) == (datetime.date(2020, 1, 1), datetime.date(2040, 1, 1))
    assert (card.id, card.rule, card.people_folder, card.licence, card.access) == ("valley", "each", "people", "cc0-1.0", "open")


def replaced(old: str, new: str) -> Callable[[], bytes]:
    assert old in CARD
    return lambda: CARD.replace(old, new).encode("utf-8")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (replaced("licence = ", "license = "), r"\(top\): licence missing; \(top\): unknown license"),
        (replaced('decision = "granted"', 'decision = "yes"'), r"consent\.0\.decision: none of the values allowed"),
        (replaced('"LOCAL", ', '"EVERYTHING", '), r"consent\.0\.scopes\.0: none of the values allowed"),
        (replaced("2020-01-01", "2020-01-01T10:00:00"), r"consent\.0\.given_on: breaks pattern"),
        (replaced("given_on = 2020-01-01", 'given_on = "2020-02-31"'), "a day that does not exist"),
        (replaced('basis = "written"', 'basis = "oral_recorded"'), r"consent\.0: evidence missing"),
        (lambda: b"id = ", "no TOML"),
        (lambda: b'id = "\xff"', "not UTF-8"),
        (lambda: b"", r"\(top\): schema_version, id, title"),
    ],
    ids=["typo", "decision", "scope", "time", "no_such_day", "no_evidence", "toml", "utf8", "empty"],
)
def test_a_card_that_is_wrong_is_refused_by_field_and_never_shows_a_value(recording: Path, data: Callable[[], bytes], said: str) -> None:
    path = recording.parent / "may.card.toml"
    path.write_bytes(data())
    with pytest.raises(ConsentRefused, match=said) as caught:
        load_card(path)
    assert caught.value.code == "CARD_INVALID"
    assert "Hidden Name" not in str(caught.value)


def test_a_card_that_was_named_and_is_gone_is_not_an_absent_one(tmp_path: Path) -> None:
    with pytest.raises(ConsentRefused) as caught:
        load_card(tmp_path / "gone.card.toml")
    assert caught.value.code == "CARD_INVALID"


def test_the_published_examples_are_read(shared: Path) -> None:
    folder = shared / "consent" / "examples"
    card = load_card(folder / "example_archive.card.toml")
    assert (card.access, card.item_access["EX1-CEREMONY-01"], len(card.rulings), len(card.labels)) == ("request", "closed", 2, 5)
    assert card.communities[0].records[0].conditions.places == {"archive-cluster"}
    elder, child = load_person(folder / "EX1-014.person.toml"), load_person(folder / "EX1-031.person.toml")
    assert [r.decision for r in elder.records] == ["granted", "granted", "denied"]
    assert (child.child, child.reconsent_on) == (True, datetime.date(2033, 5, 1))


# Cards that the app made, in its workspace beside the folder.


def made_in(place: Path, text: str = CARD) -> Path:
    (place / "consent").mkdir(parents=True)
    (place / "workspace.json").write_text(json.dumps({"id": "0" * 16, "folder": str(place.with_suffix(""))}), encoding="utf-8")
    return put(place / "consent", "collection.card.toml", text)


@pytest.mark.parametrize("where", ["beside", "named", "data"])
def test_a_card_made_in_a_workspace_speaks_for_the_folder(
    recording: Path, tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    folder = recording.parents[2]
    if where == "named":
        monkeypatch.setenv("SPEECH_WORKSPACE", str(tmp_path / "places"))
    if where == "data":
        monkeypatch.setattr("os.access", lambda *_: False)  # where the place beside may not be written
    place = workspaces.place_of(folder)
    data = own_home / "data" / "oral-speech" / "workspaces"
    assert place.parent == {"beside": folder.parent, "named": tmp_path / "places", "data": data}[where]
    card = made_in(place)
    assert find_card(recording) == card


def test_a_card_with_the_recordings_and_one_made_beside_are_refused_together(recording: Path) -> None:
    made_in(recording.parents[2].with_name("valley.workspace"))
    put(recording.parents[2], "collection.card.toml")
    with pytest.raises(ConsentRefused) as caught:
        find_card(recording)
    assert caught.value.code == "CARD_INVALID" and "several cards" in caught.value.what
    near = put(recording.parent, "may.card.toml")
    assert find_card(recording) == near  # nearer than both


def test_what_was_sent_to_a_workspace_has_the_card_of_its_collection(recording: Path) -> None:
    folder = recording.parents[2]
    card = made_in(folder.with_name("valley.workspace"))
    sent = card.parents[1] / "uploads" / "sent.wav"
    sent.parent.mkdir()
    assert find_card(sent) == card
    card.unlink()
    assert find_card(sent) is None
    lies = put(folder, "collection.card.toml")
    assert find_card(sent) == lies
    moved = folder.parent.with_name("elsewhere")
    folder.parent.rename(moved)  # both together, and nobody has opened them since
    assert find_card(moved / sent.relative_to(folder.parent)) == moved / lies.relative_to(folder.parent)


def test_a_card_that_may_not_be_looked_at_is_not_an_absent_one(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = made_in(recording.parents[2].with_name("valley.workspace"))
    real = Path.lstat

    def barred(self: Path) -> object:
        if self == card:
            raise PermissionError(13, "Permission denied")
        return real(self)

    monkeypatch.setattr(Path, "lstat", barred)
    assert find_card(recording) == card


def test_a_card_made_beside_names_recordings_by_their_place_in_the_folder(recording: Path) -> None:
    access = 'access = { class = "open", items = { "2024/may/story" = "closed" } }'
    card = made_in(recording.parents[2].with_name("valley.workspace"), CARD.replace('access = { class = "open" }', access))
    (card.parent / "people").mkdir()
    context = consent.Context(basis="x")
    assert consent.answer({"play"}, consent.item_of(recording), context=context).code == "ACCESS_CLOSED"
    other = recording.with_name("other.wav")
    assert consent.answer({"play"}, consent.item_of(other), context=context).code == "OK"
