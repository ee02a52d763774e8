"""A folder as a workspace: nothing in it changes, ids stay, drafts come from what lies beside; progress sums exactly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from speech import formats
from speech.errors import ModelRefused, Refusal
from speech.review import edits
from speech.review.progress import STATES, Count, stats
from speech.review.workspace import Workspace, annotations_in, open_workspace
from speech.store import Store, open_store
from speech.types import Segment, Span, Transcript
from tests.review.conftest import Person, three
from tests.sounds import save as save_sound
from tests.sounds import silence, tone


@pytest.fixture
def store(store_place: Path | str) -> Iterator[Store]:
    with open_store(store_place) as opened:
        yield opened


@pytest.fixture
def tapes(tmp_path: Path) -> Path:
    """Three recordings: with EAF, with TextGrid in a folder, with nothing."""
    folder = tmp_path / "field" / "tapes"
    (folder / "day 2").mkdir(parents=True)
    save_sound(folder / "one.wav", silence(3))
    save_sound(folder / "day 2" / "two.wav", tone(2))
    save_sound(folder / "three.wav", silence(1))
    formats.save(Transcript(segments=three()), folder / "one.eaf")
    grid = (Segment(span=Span(start_ms=100, end_ms=900), text="mana", speaker="S1"),)
    formats.save(Transcript(segments=grid), folder / "day 2" / "two.TextGrid")
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def by_path(workspace: Workspace) -> dict[str, str]:
    return {r.path: r.id for r in workspace.recordings()}


def test_a_folder_is_opened_without_a_change_in_it_and_its_files_are_drafts(tapes: Path, store: Store) -> None:
    before = contents(tapes)
    workspace = open_workspace(tapes, store=store)
    assert contents(tapes) == before
    assert workspace.place == tapes.parent / "tapes.workspace" and (workspace.place / "peaks").is_dir()
    found = by_path(workspace)
    assert list(found) == ["day 2/two.wav", "one.wav", "three.wav"]
    assert [f["text"] for f in edits.segments_of(store, found["one.wav"]).ordered()] == ["kay wasi", "hatun mi", "arí"]
    assert [f["text"] for f in edits.segments_of(store, found["day 2/two.wav"]).ordered()] == ["mana"]
    assert not edits.segments_of(store, found["three.wav"]).drafted
    assert [r.duration_ms for r in workspace.recordings()] == [2000, 3000, 1000]


def test_opened_again_ids_stay_and_nothing_is_drafted_twice(tapes: Path, store: Store) -> None:
    first = open_workspace(tapes, store=store)
    again = open_workspace(tapes, store=store, refresh=False)
    seen = again.refresh()
    assert (again.id, by_path(again)) == (first.id, by_path(first))
    assert (seen.added, seen.drafted, seen.gone) == ([], [], [])


def test_files_that_come_and_go_are_seen(tapes: Path, store: Store) -> None:
    workspace = open_workspace(tapes, store=store)
    ids = by_path(workspace)
    workspace.look(ids["one.wav"])
    (tapes / "three.wav").rename(tapes.parent / "away.wav")
    (tapes / "one.wav").rename(tapes / "renamed.wav")
    save_sound(tapes / "four.wav", silence(1))
    seen = workspace.refresh()
    assert (seen.gone, seen.added, seen.back) == (["three.wav"], ["four.wav"], ["renamed.wav"])
    now = by_path(workspace)
    assert now["renamed.wav"] == ids["one.wav"] and "three.wav" not in now
    (tapes.parent / "away.wav").rename(tapes / "three.wav")
    assert workspace.refresh().back == ["three.wav"]
    assert by_path(workspace)["three.wav"] == ids["three.wav"]


def test_a_look_keeps_what_the_file_really_holds(tapes: Path, store: Store) -> None:
    workspace = open_workspace(tapes, store=store)
    found = workspace.look(by_path(workspace)["one.wav"])
    assert (found.facts["found_ms"], found.facts["sample_rate"]) == (3000, 16000)
    assert found.sha256 == hashlib.sha256((tapes / "one.wav").read_bytes()).hexdigest()


def test_a_collection_that_was_moved_with_its_workspace_keeps_its_edits(tapes: Path, store: Store, tmp_path: Path) -> None:
    first = open_workspace(tapes, store=store)
    (tmp_path / "field").rename(tmp_path / "stick")
    again = open_workspace(tmp_path / "stick" / "tapes", store=store)
    assert (again.id, by_path(again)) == (first.id, by_path(first))


def test_two_collections_of_one_name_share_no_workspace(tapes: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEECH_WORKSPACE", str(tmp_path / "work"))
    other = tmp_path / "other" / "tapes"
    other.mkdir(parents=True)
    first, second = open_workspace(tapes, store=store), open_workspace(other, store=store)
    assert first.place == tmp_path / "work" / "tapes.workspace"
    assert first.id != second.id and first.place != second.place and second.place.parent == first.place.parent


def test_what_is_no_folder_or_is_a_workspace_is_refused(tapes: Path, store: Store) -> None:
    workspace = open_workspace(tapes, store=store)
    for wrong in (tapes / "one.wav", tapes / "nothing", workspace.place):
        with pytest.raises(Refusal) as caught:
            open_workspace(wrong, store=store)
        assert caught.value.code == "REVIEW_FOLDER"
    with pytest.raises(Refusal) as other:
        workspace.get("../x")
    assert other.value.code == "REVIEW_RECORDING"


def test_labels_that_stand_for_people_become_codes(tapes: Path, store: Store) -> None:
    (tapes / "people.key.tsv").write_text("TAPES-01\tS1\n", encoding="utf-8")
    workspace = open_workspace(tapes, store=store)
    forms = edits.segments_of(store, by_path(workspace)["one.wav"]).ordered()
    assert [f["speaker"] for f in forms] == ["TAPES-01", "TAPES-01", "S2"]


def test_rows_of_a_manifest_are_a_draft_where_no_file_lies_beside(tapes: Path, store: Store) -> None:
    line = '{"id": "c1", "audio": "three.wav", "start_ms": 100, "end_ms": 900, "language": "que", "text": "kay", "speaker": "TAPES-02"}'
    (tapes / "manifest.jsonl").write_text(line + "\n", encoding="utf-8")
    workspace = open_workspace(tapes, store=store)
    (form,) = edits.segments_of(store, by_path(workspace)["three.wav"]).ordered()
    assert (form["text"], form["speaker"], form["start_ms"], form["origin"]) == ("kay", "TAPES-02", 100, "person")
    assert workspace.get(by_path(workspace)["three.wav"]).language == "que"


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(tapes: Path, store: Store) -> None:
    (tapes / "three.eaf").write_text("no xml", encoding="utf-8")
    seen = open_workspace(tapes, store=store, refresh=False).refresh()
    assert sorted(seen.drafted) == ["day 2/two.wav", "one.wav"] and [e.code for e in seen.refused] == ["FORMAT_XML"]


def test_what_the_gate_refuses_is_not_read_and_not_counted(tapes: Path, store: Store) -> None:
    (tapes / "collection.card.toml").write_text("this is no card", encoding="utf-8")
    workspace = open_workspace(tapes, store=store)
    assert not any(edits.segments_of(store, r.id).drafted for r in workspace.recordings())
    assert stats(workspace).recordings == ()


def test_progress_sums_exactly_and_approved_speech_is_told_by_speaker(tapes: Path, store: Store) -> None:
    workspace = open_workspace(tapes, store=store)
    one = by_path(workspace)["one.wav"]
    ana = Person(store, recording=one)
    ana.does("status", segment="a1", status="approved")
    ana.does("status", segment="a3", status="unsure", reason="noise")
    edits.mark_heard(store, one, "a1", "P1")
    found = stats(workspace)
    by = {p.name: p for p in found.recordings}
    assert by["one.wav"].by["approved"] == Count(segments=1, ms=1000) and by["one.wav"].by["unsure"] == Count(segments=1, ms=1100)
    assert by["one.wav"].unheard == Count(segments=2, ms=1900) and by["one.wav"].all == Count(segments=3, ms=2900)
    assert not by["three.wav"].drafted and found.total.duration_ms == 6000
    for part in (*found.recordings, found.total):
        assert sum((part.by[s] for s in STATES), Count()) == part.all
    assert sum((p.all for p in found.recordings), Count()) == found.total.all
    assert dict(found.approved) == {("S1", "und"): 1000}


def elan(path: Path, *, translation: str = "esta casa", kind: str = "free translation") -> None:
    """An EAF as people make it in ELAN: a tier a speaker, a translation and words below it."""
    import pympi

    file = pympi.Elan.Eaf()
    file.add_linguistic_type(kind, constraints="Symbolic_Association")
    file.add_linguistic_type("words", constraints="Included_In")
    file.add_tier("tx@Rosa", part="Rosa")
    file.add_tier("ft@Rosa", ling=kind, parent="tx@Rosa", part="Rosa")
    file.add_tier("wd@Rosa", ling="words", parent="tx@Rosa", part="Rosa")
    for start, text in ((0, "kay wasi"), (1200, "hatun mi")):
        file.add_annotation("tx@Rosa", start, start + 1000, text)
        for n, word in enumerate(text.split()):
            file.add_annotation("wd@Rosa", start + 500 * n, start + 500 * n + 500, word)
    file.add_ref_annotation("ft@Rosa", "tx@Rosa", 100, translation)
    file.remove_tier("default")
    file.to_file(path)


def test_translations_of_other_peoples_tiers_come_along_and_go_back(tapes: Path, store: Store) -> None:
    from speech.review.exchange import import_back

    elan(tapes / "three.eaf")
    workspace = open_workspace(tapes, store=store)
    three_wav = workspace.get(by_path(workspace)["three.wav"])
    first, second = edits.segments_of(store, three_wav.id).ordered()
    assert first["translations"] == [{"language": "free translation", "text": "esta casa", "by": ""}] and "translations" not in second
    elan(tapes.parent / "three.eaf", translation="esta es la casa")
    found = import_back(workspace, tapes.parent / "three.eaf", person="P1")
    assert [(d.segment, d.field) for d in found.accepted] == [(first["id"], "translations")]
    assert edits.segments_of(store, three_wav.id).ordered()[0]["translations"][0]["text"] == "esta es la casa"


def test_a_text_below_references_is_no_translation_of_itself(tmp_path: Path) -> None:
    """ELAN's and Toolbox's templates: `ref` on top, below it the text and its translation."""
    import pympi

    file = pympi.Elan.Eaf()
    file.add_linguistic_type("below", constraints="Symbolic_Association")
    file.add_tier("ref@Rosa", part="Rosa")
    for name in ("tx@Rosa", "ft@Rosa"):
        file.add_tier(name, ling="below", parent="ref@Rosa", part="Rosa")
    file.add_annotation("ref@Rosa", 0, 1000, "R.001")
    file.add_ref_annotation("tx@Rosa", "ref@Rosa", 100, "kay wasi")
    file.add_ref_annotation("ft@Rosa", "ref@Rosa", 100, "esta casa")
    file.remove_tier("default")
    file.to_file(tmp_path / "a.eaf")
    for found in (annotations_in(tmp_path / "a.eaf", "que"), annotations_in(tmp_path / "a.eaf", "que", tiers=["tx@Rosa"])):
        [segment] = found.segments
        assert (segment.text, segment.speaker) == ("kay wasi", "Rosa")
        assert [one.text for one in segment.translations] == ["esta casa"]


def test_a_tier_of_notes_is_notes_and_those_written_in_elan_come_back(tapes: Path, store: Store) -> None:
    from speech.review.exchange import import_back, rendered

    elan(tapes / "three.eaf", translation="ask Rosa", kind="note")
    workspace = open_workspace(tapes, store=store)
    three_wav = workspace.get(by_path(workspace)["three.wav"])
    first, second = edits.segments_of(store, three_wav.id).ordered()
    assert first["notes"] == ["ask Rosa"] and "translations" not in first and "notes" not in second
    written = tapes.parent / "three.eaf"
    written.write_bytes(rendered(workspace, three_wav, "eaf")[1].replace(b"ask Rosa", b"ask Luz"))
    found = import_back(workspace, written, person="P1")
    assert [(d.segment, d.field) for d in found.accepted] == [(first["id"], "notes")]
    assert edits.segments_of(store, three_wav.id).ordered()[0]["notes"] == ["ask Luz"]


def test_an_upload_is_a_recording_of_the_workspace(tapes: Path, store: Store) -> None:
    workspace = open_workspace(tapes, store=store)
    save_sound(workspace.place / "uploads" / "new.wav", silence(2))
    found = workspace.add_upload("new.wav")
    workspace.set_language(found.id, "que")
    found = workspace.get(found.id)
    assert (found.uploaded, found.language, found.duration_ms) == (True, "que", 2000)
    assert workspace.path_of(found) == workspace.place / "uploads" / "new.wav"
    assert workspace.refresh().gone == [] and found.id in {r.id for r in workspace.recordings()}
    with pytest.raises(ModelRefused):
        workspace.set_language(found.id, "quechua!")
