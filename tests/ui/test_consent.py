"""T4, E6: what was agreed, as a page: the form writes cards beside the folder, the gate reads them there, taking back holds at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from speech.collections import answers, consent, ledger, workspaces
from speech.collections.cards import find_card, load_card, load_person
from speech.errors import StoreFailure
from speech.review import agreed, edits
from speech.store import Store
from speech.ui.served import Served
from speech.ui.users import LOCAL, Users
from tests.sounds import noise, save
from tests.ui.conftest import PEOPLE, Person, opened, recording

FORM: dict[str, Any] = {
    "collection": {
        "title": "Stories", "languages": ["que"], "holder": "The storytellers", "kind": "community", "source": "told in 2026",
        "licence": "archive_terms",
    },
    "how": "community_protocol", "allow": ["LOCAL", "TRAIN"], "purposes": ["research", "community"], "given_on": "2026-03-02",
    "evidence": "minutes of 2 March 2026",
}  # fmt: skip
SAID = {name: value for name, value in FORM.items() if name != "collection"}
EACH = {**FORM, "how": "written", "evidence": "forms 1 to 3"}


@pytest.fixture
def bare(store: Store, folder: Path) -> Served:
    """Nobody has stated anything."""
    return Served(store, folder, users=Users(None))


def form(person: Person, **changed: Any) -> Any:
    return person.send("/api/consent/form", {**FORM, **changed})


def may(person: Person) -> dict[str, tuple[int, dict[str, int]]]:
    rows = person.get("/api/consent/form").json()["may"]
    return {row["scope"]: (row["allowed"], {one["code"]: one["recordings"] for one in row["why"]}) for row in rows}


def rename(served: Served, to: str) -> None:
    """Give the speaker of the story another label."""
    id = recording(served)
    versions = edits.segments_of(served.store, id).versions
    edits.record(
        served.store, id, person=LOCAL, id=f"r-{to}", base=versions, asked={"act": "rename_speaker", "speaker": "A", "to": to}
    )  # fmt: skip


def test_the_form_writes_a_card_beside_the_folder_and_the_gate_finds_it(bare: Served, folder: Path) -> None:
    person = Person(bare, LOCAL)
    before = sorted(path.name for path in folder.rglob("*"))
    shown = person.get("/api/consent/form").json()
    assert (shown["where"], shown["card"], shown["uncarded"], shown["recordings"]) == ("none", None, 2, 2)
    assert may(person)["play"] == (0, {"NO_CARD": 2})
    answer = form(person)
    assert answer.status_code == 200, answer.text
    assert answer.json()["written"][0]["records"] == ["stories:1"]
    card = bare.place / workspaces.CONSENT / workspaces.CARD
    assert find_card(folder / "story.wav") == card and load_card(card).rule == "collection"
    assert sorted(path.name for path in folder.rglob("*")) == before
    # What any command asks, elsewhere than in the app.
    assert consent.answer({"train_asr"}, consent.item_of(folder / "story.wav"), context=consent.Context(basis="x")).code == "OK"
    assert may(person)["train_asr"] == (2, {}) and may(person)["publish_text"] == (0, {"COLLECTION_SCOPE": 2})
    shown = person.get("/api/consent/form").json()
    assert (shown["where"], shown["uncarded"], shown["card"]["title"], shown["card"]["holder"]) == (
        "ours",
        0,
        "Stories",
        "The storytellers",
    )
    assert [one["scopes"] for one in shown["card"]["records"]] == [["LOCAL", "TRAIN"]]
    assert len(person.get(f"/api/recordings/{recording(bare)}").json()["segments"]) == 3  # the draft beside it is read now
    state = person.get(f"/api/consent/{recording(bare)}").json()
    assert (state["card"], state["title"], state["holder"], state["basis"]) == (True, "Stories", "The storytellers", None)
    assert [row.type for row in ledger.rows(bare.store)] == ["consent"]


def test_a_basis_is_asked_only_where_a_recording_has_no_card(bare: Served, folder: Path) -> None:
    person = Person(bare, LOCAL)
    assert person.get("/api/consent").json() == {"basis": None, "uncarded": 2}
    form(person)
    assert person.get("/api/consent").json() == {"basis": None, "uncarded": 0}


def test_what_is_sent_belongs_to_the_collection_and_its_card_speaks_for_it(bare: Served, tmp_path: Path) -> None:
    from tests.ui.test_uploads import begin, end

    person = Person(bare, LOCAL)
    form(person)
    data = save(tmp_path / "sent.wav", noise(1)).read_bytes()
    id = begin(person, data)
    person.put(f"/upload/{id}?at=0", data)
    sent = end(person, id, data).json()["id"]
    assert person.get(f"/api/consent/{sent}").json()["scopes"]["train_asr"]["allowed"]
    person.send("/api/consent/withdraw", {})
    assert person.get(f"/api/consent/{sent}").json()["scopes"]["play"]["code"] == "WITHDRAWN"


def test_a_new_answer_is_a_new_record_and_what_it_leaves_out_is_taken_back(bare: Served) -> None:
    person = Person(bare, LOCAL)
    form(person)
    card = bare.place / workspaces.CONSENT / workspaces.CARD
    first = card.read_text(encoding="utf-8")
    anew = person.send("/api/consent/form", {**SAID, "allow": ["LOCAL", "PUBLISH"], "given_on": "2026-05-02", "evidence": "minutes of May"})
    [written] = anew.json()["written"]
    assert written["records"] == ["stories:2", "stories:3"] and written["taken_back"] == ["train_asr", "train_lid"]
    assert card.read_text(encoding="utf-8").startswith(first.rstrip())
    assert may(person)["train_asr"] == (0, {"WITHDRAWN": 2}) and may(person)["play"][0] == 2
    # An older answer is kept, and said not to count.
    late = person.send("/api/consent/form", {**SAID, "given_on": "2026-04-01"}).json()["written"][0]
    assert late["outdone"] and may(person)["train_asr"][0] == 0


def test_each_speaker_answers_by_code_several_at_once_and_takes_back_alone(bare: Served, folder: Path) -> None:
    person = Person(bare, LOCAL)
    assert person.send("/api/consent/form", EACH).status_code == 200
    shown = person.get("/api/consent/form").json()
    assert [(one["code"], one["is_code"]) for one in shown["speakers"]] == [("A", False)]
    rename(bare, "STORY-01")
    [speaker] = person.get("/api/consent/form").json()["speakers"]
    assert (speaker["code"], speaker["waiting"], [one["name"] for one in speaker["recordings"]]) == ("STORY-01", True, ["story.wav"])
    assert may(person)["train_asr"] == (0, {"PERSON_MISSING": 1, "SPEAKER_UNKNOWN": 1})
    own = {**SAID, "how": "written", "people": ["STORY-01", "STORY-02"], "allow": ["LOCAL", "TRAIN", "voiceprint"], "evidence": "form 1"}
    assert [one["person"] for one in person.send("/api/consent/form", own).json()["written"]] == ["STORY-01", "STORY-02"]
    file = bare.place / workspaces.CONSENT / "people" / "STORY-01.person.toml"
    assert load_person(file).records[0].basis == "written"
    assert may(person)["train_asr"] == (1, {"SPEAKER_UNKNOWN": 1})
    id = recording(bare)
    assert person.send("/api/exports", {"recordings": [id], "formats": ["eaf"]}).status_code == 200
    assert person.send("/api/consent/withdraw", {"person": "STORY-01"}).status_code == 200
    refused = person.send("/api/exports", {"recordings": [id], "formats": ["eaf"]})
    assert (refused.status_code, refused.json()["code"]) == (422, "WITHDRAWN") and "STORY-01" in refused.json()["what"]
    assert may(person)["train_asr"] == (0, {"WITHDRAWN": 1, "SPEAKER_UNKNOWN": 1}) and may(person)["play"][0] == 1
    assert person.get(f"/media/{id}").status_code == 404  # playing stops with the next range


def test_taken_back_is_refused_by_name_in_learning_and_in_exports(store: Store, folder: Path) -> None:
    served = opened(store, folder, None)
    person, id = Person(served, LOCAL), recording(served)
    form(person)
    for n, (segment, version) in enumerate(edits.segments_of(store, id).versions.items()):
        asked = {"act": "status", "segment": segment, "status": "approved"}
        edits.record(store, id, person=LOCAL, id=f"s{n}", base={segment: version}, asked=asked)
    told = person.get("/api/learn/que").json()
    assert told["lesson"]["ready"] and told["lesson"]["refused"] == []
    made = person.send("/api/exports", {"recordings": [id], "formats": ["eaf"]}).json()["id"]
    person.send("/api/consent/withdraw", {"scopes": ["TRAIN"]})
    told = person.get("/api/learn/que").json()
    assert not told["lesson"]["ready"] and told["lesson"]["refused"] == [{"code": "WITHDRAWN", "recordings": 1}]
    begun = person.send("/api/jobs", {"kind": "adapt", "settings": {"language": "que"}})
    assert (begun.status_code, begun.json()["code"]) == (422, "WITHDRAWN") and "1 recording" in begun.json()["what"]
    assert person.get(f"/download/export/{made}").status_code == 200
    person.send("/api/consent/withdraw", {})
    for answer in (
        person.send("/api/exports", {"recordings": [id], "formats": ["eaf"]}), person.get(f"/download/{id}"),
        person.get(f"/download/export/{made}"),
    ):  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (422, "WITHDRAWN")
    assert [row.type for row in ledger.rows_of("withdraw", store)] == ["withdraw", "withdraw"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"allow": []}, "CONSENT_ANSWER"),
        ({"how": "hearsay"}, "CONSENT_ANSWER"),
        ({"given_on": "2999-01-01"}, "CONSENT_ANSWER"),
        ({"until": "2026-03-02"}, "CONSENT_ANSWER"),
        ({"evidence": " "}, "CONSENT_ANSWER"),
        ({"how": "oral_recorded", "recording": "0000000000000000"}, "CONSENT_ANSWER"),
        ({"allow": ["LOCAL", "everything"]}, "CARD_INVALID"),
        ({"purposes": ["war"]}, "CARD_INVALID"),
        ({"collection": {**FORM["collection"], "licence": "mine"}}, "CARD_INVALID"),
        ({"collection": {**FORM["collection"], "languages": ["Quichua!"]}}, "LANGUAGE_CODE"),
        ({"given_on": "2026-02-30"}, "REQUEST"),
        ({"people": ["STORY-01"]}, "REQUEST"),
        ({"more": 1}, "REQUEST"),
    ],
)
def test_an_answer_that_is_none_writes_nothing(bare: Served, changed: dict[str, Any], code: str) -> None:
    answer = form(Person(bare, LOCAL), **changed)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert not list(bare.place.rglob("*.toml")) and list(ledger.rows(bare.store)) == []


def test_of_several_people_all_are_written_or_none(bare: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person(bare, LOCAL)
    person.send("/api/consent/form", EACH)
    own = {**SAID, "how": "written", "people": ["STORY-01", "Maria"]}
    assert person.send("/api/consent/form", own).json()["code"] == "CONSENT_ANSWER"
    folder = bare.place / workspaces.CONSENT / "people"
    assert list(folder.iterdir()) == []

    def fails(*_: Any, **__: Any) -> None:
        raise StoreFailure("store", "another program holds it", "Wait", "STORE_LOCKED")

    card = folder.parent / workspaces.CARD
    before = card.read_bytes()
    monkeypatch.setattr("speech.collections.ledger.append", fails)
    assert person.send("/api/consent/form", {**own, "people": ["STORY-01", "STORY-02"]}).status_code == 503
    assert person.send("/api/consent/form", {**SAID, "given_on": "2026-05-02"}).status_code == 503
    assert list(folder.iterdir()) == [] and card.read_bytes() == before
    # What is taken back stays so, though the ledger could not say it.
    assert person.send("/api/consent/withdraw", {}).status_code == 503
    assert may(person)["play"] == (0, {"WITHDRAWN": 2})


def test_an_answer_on_tape_names_a_recording_of_the_collection(bare: Served) -> None:
    person = Person(bare, LOCAL)
    answer = form(person, how="oral_recorded", evidence="", recording=recording(bare, "bare.wav"))
    assert answer.status_code == 200
    card = (bare.place / workspaces.CONSENT / workspaces.CARD).read_text(encoding="utf-8")
    assert 'reference = "bare.wav", sha256 = "' in card


def test_a_card_with_the_recordings_is_shown_and_not_written(bare: Served, folder: Path) -> None:
    person = Person(bare, LOCAL)
    form(person)
    made = bare.place / workspaces.CONSENT / workspaces.CARD
    text = made.read_text(encoding="utf-8")
    (folder / workspaces.CARD).write_text(text, encoding="utf-8")
    shown = person.get("/api/consent/form").json()  # two cards speak: neither can be ignored
    assert shown["fault"] and may(person)["play"] == (0, {"CARD_INVALID": 2})
    made.unlink()
    shown = person.get("/api/consent/form").json()
    assert shown["where"] == "theirs" and shown["card"]["title"] == "Stories"
    for answer in (person.send("/api/consent/form", SAID), person.send("/api/consent/withdraw", {})):
        assert (answer.status_code, answer.json()["code"]) == (422, "CONSENT_ANSWER") and "speech consent record tapes" in answer.json()[
            "mend"
        ]
    assert (folder / workspaces.CARD).read_text(encoding="utf-8") == text


def test_two_who_answer_at_once_do_not_undo_each_other(bare: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person(bare, LOCAL)
    form(person)
    card = bare.place / workspaces.CONSENT / workspaces.CARD
    read = answers.with_records

    def meanwhile(path: Path, text: str, said: Any) -> Any:
        found = read(path, text, said)
        card.write_text(card.read_text(encoding="utf-8") + "# a line by another program\n", encoding="utf-8")
        return found

    monkeypatch.setattr("speech.collections.answers.with_records", meanwhile)
    assert person.send("/api/consent/form", SAID).json()["code"] == "CONSENT_ANSWER"
    assert card.read_text(encoding="utf-8").endswith("# a line by another program\n")


@pytest.mark.parametrize("role", [name for name, role in PEOPLE.items() if role != "keeper"])
def test_only_keepers_see_the_form_and_answer(shared_served: Served, role: str) -> None:
    person = Person(shared_served, role)
    for answer in (
        person.get("/api/consent/form"), person.send("/api/consent/form", FORM), person.send("/api/consent/withdraw", {}),
    ):  # fmt: skip
        assert (answer.status_code, answer.json()) == (404, {"ok": False})
    assert agreed.card_of(shared_served.workspace())[1] == "none"
    keeper = Person(shared_served, "ana")
    assert keeper.send("/api/consent/form", FORM).status_code == 200
    [row] = ledger.rows_of("consent", shared_served.store)
    assert '"id":"ana"' in row.body.replace(" ", "")
    assert person.get(f"/api/consent/{recording(shared_served)}").json()["holder"] == ""
