"""Folders of many kinds become rows; nothing is guessed, nothing is lost without being counted, no name enters a manifest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech import formats
from speech.collections.importing import Imported, import_folder
from speech.collections.manifest import Manifest, read_manifest, write_manifest
from speech.errors import AudioRefused, ManifestRefused
from speech.types import Segment, Span, Transcript


def clip(path: Path, seconds: float = 0.5) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(int(16_000 * seconds), np.float32), 16_000)


def texts(found: Imported) -> dict[str, str | None]:
    return {row.audio: row.text for row in found.rows}


def test_clips_with_texts_beside_them(tmp_path: Path) -> None:
    for name, text in (("a_1", "kay wasi"), ("a_2", "sumak  kan\n"), ("b_1", "runa"), ("b_2", " ")):
        clip(tmp_path / f"{name}.wav")
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    clip(tmp_path / "alone.wav")
    found = import_folder(tmp_path, "que", speaker="TEST-01")
    assert texts(found) == {"a_1.wav": "kay wasi", "a_2.wav": "sumak kan", "b_1.wav": "runa"}
    assert found.left_out == {"recordings without a text": 1, "recordings whose text is empty": 1}
    assert {row.speaker for row in found.rows} == {"TEST-01"} and all(len(row.sha256) == 64 for row in found.rows)
    assert found.rows[0].extra["duration_ms"] == 500


def test_sessions_are_told_by_numbered_names_and_not_by_names_of_their_own(tmp_path: Path) -> None:
    for name in ("story_1", "story_2", "song_1", "song_2"):
        clip(tmp_path / f"{name}.wav")
        (tmp_path / f"{name}.txt").write_text("kay", encoding="utf-8")
    assert [row.session for row in import_folder(tmp_path, "que").rows] == ["song", "song", "story", "story"]
    for number, stem in enumerate(("story_1", "story_2", "song_1", "song_2")):
        for suffix in (".wav", ".txt"):
            (tmp_path / f"{stem}{suffix}").rename(tmp_path / f"0f{number}e{7 * number}c{suffix}")
    assert {row.session for row in import_folder(tmp_path, "que").rows} == {""}


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("clips.tsv", 'path\ttext\tspeaker\na.wav\tkay "wasi"\tMaria\nb.wav\trumi\tTEST-07\ngone.wav\tx\t\n'),
        ("metadata.csv", 'file_name,transcription,speaker\na.wav,"kay ""wasi""",Maria\nb.wav,rumi,TEST-07\ngone.wav,x,\n'),
    ],
)
def test_a_table_names_clips_and_texts(tmp_path: Path, name: str, table: str) -> None:
    for stem in ("a", "b", "c"):
        clip(tmp_path / f"{stem}.wav")
    (tmp_path / name).write_text(table, encoding="utf-8")
    found = import_folder(tmp_path, "que")
    assert texts(found) == {"a.wav": 'kay "wasi"', "b.wav": "rumi"}
    assert found.left_out == {"rows whose recording is not there": 1}
    speakers = [row.speaker for row in found.rows]
    assert speakers[1] == "TEST-07" and "Maria" not in speakers
    assert found.names == {speakers[0]: "Maria"}


def test_common_voice_keeps_its_splits(tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        clip(tmp_path / "clips" / f"{split}.wav")
        (tmp_path / f"{split}.tsv").write_text(
            f"client_id\tpath\tsentence\tage\n{'0f' * 64}\t{split}.wav\tkay {split}\t\n", encoding="utf-8"
        )
    found = import_folder(tmp_path, "que")
    assert {row.split: row.text for row in found.rows} == {"train": "kay train", "dev": "kay dev", "test": "kay test"}
    assert len({row.speaker for row in found.rows}) == 1


@pytest.mark.parametrize("between", ["\t", "|", "  "])
def test_a_text_file_has_a_clip_a_line(tmp_path: Path, between: str) -> None:
    for stem in ("one", "two"):
        clip(tmp_path / "wavs" / f"{stem}.wav")
    (tmp_path / "text").write_text(f"one{between}kay wasi kan\ntwo{between}rumi\n\ngone{between}x\n", encoding="utf-8")
    found = import_folder(tmp_path, "que")
    assert texts(found) == {"wavs/one.wav": "kay wasi kan", "wavs/two.wav": "rumi"}


def corrected(path: Path, *states: str) -> None:
    segments = tuple(
        Segment(span=Span(start_ms=400 * n, end_ms=400 * n + 300), text=f"kay {n}" if state != "empty" else "", speaker="Maria",
                status=state if state != "empty" else "draft")  # type: ignore[arg-type]
        for n, state in enumerate(states)
    )  # fmt: skip
    formats.save(Transcript(segments=segments), path)


def test_annotation_files_give_their_segments_and_only_the_approved_where_the_file_says_so(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        clip(tmp_path / f"{name}.wav", 2.0)
    corrected(tmp_path / "one.eaf", "draft", "draft", "empty")
    corrected(tmp_path / "two.eaf", "approved", "draft", "edited")
    found = import_folder(tmp_path, "que")
    assert [(row.audio, row.start_ms, row.end_ms, row.session) for row in found.rows] == [
        ("one.wav", 0, 300, "one"), ("one.wav", 400, 700, "one"), ("two.wav", 0, 300, "two"), ("two.wav", 800, 1100, "two"),
    ]  # fmt: skip
    assert found.left_out == {"segments that nobody approved": 1, "segments without a text": 1, "recordings without an annotation file": 1}
    assert set(found.names.values()) == {"Maria"}
    one = import_folder(tmp_path, "que", speaker="TEST-01")
    assert {row.speaker for row in one.rows} == {"TEST-01"} and not one.names
    write_manifest(Manifest(rows=tuple(found.rows)), tmp_path / "manifest.jsonl")
    assert "Maria" not in (tmp_path / "manifest.jsonl").read_text(encoding="utf-8")
    assert read_manifest(tmp_path / "manifest.jsonl").rows == tuple(found.rows)


def test_a_folder_without_texts_says_what_is_needed(tmp_path: Path) -> None:
    clip(tmp_path / "a.wav")
    with pytest.raises(ManifestRefused) as caught:
        import_folder(tmp_path, "que")
    assert caught.value.code == "MANIFEST_EMPTY" and "1 recordings lie here" in caught.value.what


def test_a_table_whose_recordings_are_gone_is_told(tmp_path: Path) -> None:
    clip(tmp_path / "a.wav")
    (tmp_path / "clips.tsv").write_text("path\ttext\nb.wav\tkay\nc.wav\trumi\n", encoding="utf-8")
    with pytest.raises(ManifestRefused, match="2 rows whose recording is not there"):
        import_folder(tmp_path, "que")


def test_a_clip_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("just text", encoding="utf-8")
    (tmp_path / "a.txt").write_text("kay", encoding="utf-8")
    with pytest.raises(AudioRefused, match="a.wav: this is a text"):
        import_folder(tmp_path, "que")
