"""Transcripts out, the same bytes for the same edits and no names in them; corrected files back in, compared three ways."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from speech import formats
from speech.collections import ledger
from speech.errors import ConsentRefused, Refusal
from speech.review import edits
from speech.review.exchange import Brought, export, import_back, matched, rendered, transcript_of, zipped
from speech.review.workspace import Listed, Workspace, open_workspace
from speech.store import open_store
from speech.store import tables as t
from speech.types import Segment, Span, Transcript, Translation
from tests.review.conftest import Person, three
from tests.sounds import save as save_sound
from tests.sounds import silence


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    folder = tmp_path / "tapes"
    (folder / "day").mkdir(parents=True)
    for name, segments in (("one", three()), ("day/two", (replace(three()[2], speaker="Rosa"),))):
        save_sound(folder / f"{name}.wav", silence(4))
        formats.save(Transcript(segments=segments), folder / f"{name}.eaf")
    with open_store(tmp_path / "s.db") as store:
        yield open_workspace(folder, store=store)


def named(workspace: Workspace, path: str = "one.wav") -> Listed:
    return next(r for r in workspace.recordings() if r.path == path)


def person(workspace: Workspace, name: str = "Rosa Mamani") -> Person:
    return Person(workspace.store, name, named(workspace).id)


def texts(workspace: Workspace) -> dict[str, str]:
    return {i: f["text"] for i, f in edits.segments_of(workspace.store, named(workspace).id).forms.items()}


def exported(workspace: Workspace, tmp_path: Path) -> Path:
    export(workspace, [named(workspace)], ["eaf"], tmp_path / "out", person="P1")
    return tmp_path / "out" / "one.eaf"


def corrected(file: Path, change: Callable[[Segment], Segment | None], *more: Segment) -> Path:
    """The file as another program saves it: some segments changed or gone, others new."""
    read = formats.read(file)
    segments = tuple(new for s in read.segments if (new := change(s)) is not None)
    file.unlink()
    formats.save(replace(read, segments=(*segments, *more)), file)
    return file


def saying(**texts: str) -> Callable[[Segment], Segment]:
    return lambda s: replace(s, text=texts[s.id], words=()) if s.id in texts else s


def test_an_export_reads_back_as_what_the_app_shows(workspace: Workspace, tmp_path: Path) -> None:
    person(workspace).does("text", segment="a3", text="mana")
    person(workspace).does("status", segment="a1", status="approved")
    person(workspace).does("translation", segment="a1", language="spa", text="esta casa")
    back = formats.read(exported(workspace, tmp_path))
    assert [(s.id, s.text, s.speaker, s.status) for s in back.segments] == [
        ("a1", "kay wasi", "S1", "approved"), ("a2", "hatun mi", "S1", "draft"), ("a3", "mana", "S2", "edited")]  # fmt: skip
    assert back.segments[0].translations == (Translation(language="spa", text="esta casa"),)
    assert [w.span for w in back.segments[0].words] == [w.span for w in three()[0].words]
    assert Path(back.recording.path).resolve() == workspace.folder / "one.wav"


@pytest.mark.parametrize("name", ["eaf", "textgrid", "srt", "vtt", "csv", "json", "rttm", "txt", "csv_words"])
def test_every_format_is_written_and_read_back(workspace: Workspace, tmp_path: Path, name: str) -> None:
    person(workspace).does("split", segment="a1", caret=4, new="n1")
    (found,) = export(workspace, [named(workspace)], [name], tmp_path / "out", person="P1")
    assert found.refusal is None and len(found.files) == 1
    file, data = rendered(workspace, named(workspace), name)
    assert file == found.files[0].name and data


def test_a_zip_has_the_same_bytes_each_time_and_no_name_of_who_reviewed(workspace: Workspace, tmp_path: Path) -> None:
    person(workspace).does("text", segment="a3", text="mana")
    person(workspace).does("translation", segment="a1", language="spa", text="esta casa")
    every = workspace.recordings()
    first, made, _ = zipped(workspace, every, ["eaf", "srt", "json"], person="Rosa Mamani")
    second, _, _ = zipped(workspace, every[::-1], ["json", "srt", "eaf"], person="other")
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.namelist() == ["day/two.eaf", "day/two.json", "day/two.srt", "one.eaf", "one.json", "one.srt"]
        data = b"".join(archive.read(n) for n in archive.namelist())
        assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert b"Mamani" not in data and str(tmp_path).encode() not in data
    assert [len(m.files) for m in made] == [3, 3] and any(f.code == "FORMAT_LOSS" for m in made for f in m.findings)


def test_labels_that_a_key_names_leave_as_codes(tmp_path: Path) -> None:
    folder = tmp_path / "tapes"
    folder.mkdir()
    save_sound(folder / "one.wav", silence(4))
    formats.save(Transcript(segments=tuple(replace(s, speaker="Rosa Mamani") for s in three()[:2])), folder / "one.eaf")
    (folder / "people.key.tsv").write_text("TAPES-01\tRosa Mamani\n", encoding="utf-8")
    with open_store(tmp_path / "s.db") as store:
        workspace = open_workspace(folder, store=store)
        data, _, _ = zipped(workspace, workspace.recordings(), ["eaf", "json"], person="P1")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        every = b"".join(archive.read(n) for n in archive.namelist())
    assert b"Mamani" not in every and b"TAPES-01" in every


def test_who_took_what_is_kept_in_store_and_ledger(workspace: Workspace, tmp_path: Path) -> None:
    exported(workspace, tmp_path)
    with workspace.store.read() as connection:
        (row,) = connection.execute(t.export.select()).all()
    seq = edits.segments_of(workspace.store, named(workspace).id).seq
    assert (row.person, row.formats, row.recordings) == ("P1", '["eaf"]', f'[{{"id":"{named(workspace).id}","seq":{seq}}}]')
    (event,) = [r.event for r in ledger.rows_of("export", workspace.store)]
    assert event["gate"]["decision"] == "allow" and event["made"][0]["path"] == "one.eaf"


def test_what_lies_there_is_not_replaced_unasked_and_the_rest_is_written(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "one.eaf").write_text("mine", encoding="utf-8")
    found = export(workspace, workspace.recordings(), ["eaf"], tmp_path / "out", person="P1")
    assert [m.refusal and m.refusal.code for m in found] == [None, "FORMAT_EXISTS"]
    assert (tmp_path / "out" / "one.eaf").read_text(encoding="utf-8") == "mine"


def test_a_recording_without_a_transcript_or_consent_is_refused_by_name(workspace: Workspace, tmp_path: Path) -> None:
    save_sound(workspace.folder / "new.wav", silence(1))
    workspace.refresh()
    (found,) = export(workspace, [named(workspace, "new.wav")], ["eaf"], tmp_path / "out", person="P1")
    assert found.refusal is not None and found.refusal.code == "REVIEW_NOTHING"
    (workspace.folder / "collection.card.toml").write_text("no card", encoding="utf-8")
    (found,) = export(workspace, [named(workspace)], ["eaf"], tmp_path / "out", person="P1")
    assert isinstance(found.refusal, ConsentRefused) and not found.files
    with pytest.raises(ConsentRefused):
        rendered(workspace, named(workspace), "eaf")
    with pytest.raises(ConsentRefused):
        import_back(workspace, workspace.folder / "one.eaf", person="P1")


def test_a_file_that_nobody_changed_changes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    file = exported(workspace, tmp_path)
    person(workspace).does("text", segment="a1", text="app")
    found = import_back(workspace, file, person="P1")
    assert (found.accepted, found.conflicts, found.edit) == ((), (), None)
    assert texts(workspace)["a1"] == "app"
    assert import_back(workspace, workspace.folder / "one.eaf", person="P1").edit is None  # the draft's own file


def test_what_only_the_file_changed_becomes_one_edit(workspace: Workspace, tmp_path: Path) -> None:
    file = exported(workspace, tmp_path)
    person(workspace).does("text", segment="a1", text="app says")
    new = Segment(id="a77", span=Span(start_ms=3000, end_ms=3500), text="ñan", speaker="S1")
    moved = Span(start_ms=1500, end_ms=2700)
    corrected(file, lambda s: None if s.id == "a2" else replace(s, span=moved, text="arí ", words=()) if s.id == "a3" else s, new)
    found = import_back(workspace, file, person="P1")
    taken = {(d.kind, d.segment, d.field) for d in found.accepted}
    assert taken == {("changed", "a3", "span"), ("deleted", "a2", ""), ("added", "a77", "")}
    assert found.conflicts == () and found.edit is not None and found.edit.act == "import"
    assert texts(workspace) == {"a1": "app says", "a3": "arí", "a77": "ñan"}
    assert [p.act for p in edits.history(workspace.store, named(workspace).id, "a2")] == ["draft", "import"]
    Person(workspace.store, "P1", named(workspace).id).does("undo")
    assert texts(workspace) == {"a1": "app says", "a2": "hatun mi", "a3": "arí"}


def test_what_both_changed_is_named_and_stays_as_it_is_unless_told(workspace: Workspace, tmp_path: Path) -> None:
    file = exported(workspace, tmp_path)
    person(workspace).does("text", segment="a1", text="app")
    person(workspace).does("status", segment="a2", status="approved")
    corrected(file, saying(a1="file", a2="hatun mi ari", a3="mana"))
    found = import_back(workspace, file, person="P1")
    assert [(d.segment, d.field, d.base, d.file, d.app, d.why) for d in found.conflicts] == [
        ("a1", "text", "kay wasi", "file", "app", "both"), ("a2", "text", "hatun mi", "hatun mi ari", "hatun mi", "both")]  # fmt: skip
    assert texts(workspace) == {"a1": "app", "a2": "hatun mi", "a3": "mana"}
    again = import_back(workspace, file, person="P1", take_file=True)
    assert again.conflicts == () and texts(workspace) == {"a1": "file", "a2": "hatun mi ari", "a3": "mana"}


def test_both_may_change_different_fields_of_a_segment(workspace: Workspace, tmp_path: Path) -> None:
    file = exported(workspace, tmp_path)
    person(workspace).does("speaker", segment="a1", speaker="S3")
    corrected(file, saying(a1="kay hatun wasi"))
    assert import_back(workspace, file, person="P1").conflicts == ()
    form = edits.segments_of(workspace.store, named(workspace).id).segments["a1"]
    assert (form.text, form.speaker) == ("kay hatun wasi", "S3")
    assert [w.span for w in form.words if not w.estimated] == [w.span for w in three()[0].words]


def test_a_file_corrected_again_after_it_came_back_is_no_conflict(workspace: Workspace, tmp_path: Path) -> None:
    file = exported(workspace, tmp_path)
    new = Segment(id="a77", span=Span(start_ms=3000, end_ms=3500), text="ñan", speaker="S1")
    for text, more in (("first", [new]), ("second", [])):
        corrected(file, saying(a1=text), *more)
        assert import_back(workspace, file, person="P1").conflicts == ()
        assert texts(workspace)["a1"] == text
    corrected(file, saying(a77="ñanpi"))
    assert import_back(workspace, file, person="P1").conflicts == ()
    assert texts(workspace)["a77"] == "ñanpi"
    assert import_back(workspace, file, person="P1").edit is None


def test_deleted_here_and_changed_there_is_a_conflict(workspace: Workspace, tmp_path: Path) -> None:
    file = exported(workspace, tmp_path)
    person(workspace).does("delete", segment="a3")
    person(workspace).does("text", segment="a2", text="app")
    corrected(file, lambda s: None if s.id == "a2" else saying(a3="mana")(s))
    found = import_back(workspace, file, person="P1")
    assert {(d.kind, d.segment) for d in found.conflicts} == {("changed", "a3"), ("deleted", "a2")}
    assert texts(workspace) == {"a1": "kay wasi", "a2": "app"}


def test_what_would_overlap_is_a_conflict_and_the_rest_is_taken(workspace: Workspace, tmp_path: Path) -> None:
    file = exported(workspace, tmp_path)
    person(workspace).does("add", start_ms=3000, end_ms=3400, speaker="S1", text="x", new="n1")
    corrected(file, saying(a3="mana"), Segment(id="a77", span=Span(start_ms=3100, end_ms=3500), text="ñan", speaker="S1"))
    found = import_back(workspace, file, person="P1")
    assert [(d.kind, d.why) for d in found.conflicts] == [("added", "overlap")]
    assert texts(workspace)["a3"] == "mana" and "a77" not in texts(workspace)


def test_segments_numbered_anew_are_matched_by_time() -> None:
    base = {s.id: s for s in three()}
    theirs = [replace(s, id=f"b{n}", span=Span(start_ms=s.span.start_ms + 20, end_ms=s.span.end_ms)) for n, s in enumerate(three())]
    pairs, new = matched(base, theirs)
    assert {i: s.id for i, s in pairs.items()} == {"a1": "b0", "a2": "b1", "a3": "b2"} and new == []
    swapped = [replace(three()[0], id="a3"), replace(three()[2], id="a1")]
    assert {i: s.text for i, s in matched(base, swapped)[0].items()} == {"a1": "kay wasi", "a3": "arí"}


def test_a_file_of_no_recording_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    file = exported(workspace, tmp_path)
    with pytest.raises(Refusal) as caught:
        import_back(workspace, file.rename(tmp_path / "other.eaf"), person="P1")
    assert caught.value.code == "REVIEW_RECORDING"
    save_sound(workspace.folder / "other.wav", silence(1))
    workspace.refresh()
    with pytest.raises(Refusal) as nothing:
        import_back(workspace, tmp_path / "other.eaf", person="P1")
    assert nothing.value.code == "REVIEW_NOTHING"


def test_the_transcript_tells_the_edit_it_was_made_of(workspace: Workspace) -> None:
    one = named(workspace)
    found = transcript_of(workspace, one)
    assert found.id == f"review/{one.id}/{edits.segments_of(workspace.store, one.id).seq}"
    assert isinstance(import_back(workspace, workspace.folder / "one.eaf", person="P1"), Brought)
