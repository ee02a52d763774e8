"""FAULTS.md, rows N: a manifest with faults is refused once, with every fault by line and field."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from speech.collections.manifest import Manifest, ManifestFaults, Row, check_manifest, read_manifest
from speech.collections.manifest_checks import check_files, check_splits, overlaps

GOOD: dict[str, Any] = {"id": "a1", "audio": "clips/a1.wav", "language": "que"}


def written(folder: Path, *lines: str | dict[str, Any], name: str = "m.jsonl") -> Path:
    path = folder / name
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines), encoding="utf-8")
    return path


def faults(path: Path) -> list[tuple[int, str, str]]:
    with pytest.raises(ManifestFaults) as caught:
        read_manifest(path)
    return [(f.line, f.field, f.code) for f in caught.value.faults]


def said(path: Path) -> str:
    with pytest.raises(ManifestFaults) as caught:
        read_manifest(path)
    return str(caught.value)


def row(**more: Any) -> dict[str, Any]:
    return GOOD | more


def test_n1_an_id_and_a_span_may_stand_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        row(start_ms=0, end_ms=10),
        row(start_ms=10, end_ms=20),
        row(id="a2", start_ms=0, end_ms=10),
        row(id="a3", start_ms=0, end_ms=11),
    )
    assert faults(path) == [(2, "id", "MANIFEST_DUPLICATE"), (3, "audio", "MANIFEST_DUPLICATE")]
    assert "line 2, id: the same id as line 1" in said(path)
    assert faults(written(tmp_path, GOOD, row(id="a2"))) == [(2, "audio", "MANIFEST_DUPLICATE")]


def test_n2_a_missing_file_is_named_with_the_one_that_differs_in_case_or_form(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    for name in ("A1.wav", unicodedata.normalize("NFD", "café.wav")):
        (tmp_path / "clips" / name).write_bytes(b"")
    manifest = read_manifest(written(tmp_path, GOOD, row(id="a2", audio="clips/café.wav"), row(id="a3", audio="clips/none.wav")))
    if (tmp_path / "clips" / "a1.wav").exists():
        pytest.skip("this disk does not tell capital from small letters")
    with pytest.raises(ManifestFaults) as caught:
        check_files(manifest, tmp_path)
    assert [(f.line, f.code) for f in caught.value.faults] == [(n, "MANIFEST_AUDIO") for n in (1, 2, 3)]
    assert "; A1.wav is" in caught.value.faults[0].what
    assert "cafe\u0301.wav is" in caught.value.faults[1].what
    assert caught.value.faults[2].what == "clips/none.wav is not there"


@pytest.mark.parametrize(
    "audio",
    [
        "../a.wav",
        "clips/../../a.wav",
        "/data/a.wav",
        "C:\\a.wav",
        "c:a.wav",
        "clips\\a.wav",
        "https://x.org/a.wav",
        "file:///a.wav",
        "a\0.wav",
        "",
    ],
)
def test_n3_a_path_stays_below_the_root(tmp_path: Path, audio: str) -> None:
    assert faults(written(tmp_path, row(audio=audio))) == [(1, "audio", "MANIFEST_PATH")]


def test_n3_a_link_out_of_the_root_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.wav").write_bytes(b"")
    (root / "a.wav").symlink_to(tmp_path / "secret.wav")
    with pytest.raises(ManifestFaults) as caught:
        check_files(Manifest(rows=(Row(id="a", audio="a.wav", language="que"),)), root)
    assert caught.value.code == "MANIFEST_PATH"


@pytest.mark.parametrize(
    ("language", "proposal"),
    [
        ("qu", "did you mean que?"),
        ("Quechua", "did you mean que?"),
        ("quechua", "did you mean que?"),
        ("Yorùbá", "did you mean yor?"),
        ("sw-KE", "did you mean swh?"),
        ("QUE", "did you mean que?"),
        ("", "write und where the language is not known"),
        ("Elvish", "write und where the language is not known"),
        ("mol", "mol is retired; use ron"),
        ("gmo", "gmo is retired; use dwr or gmv or gof"),
    ],
)
def test_n4_a_wrong_language_gets_a_proposal_and_is_not_corrected(tmp_path: Path, language: str, proposal: str) -> None:
    path = written(tmp_path, row(language=language))
    assert faults(path) == [(1, "language", "MANIFEST_LANGUAGE")]
    assert proposal in said(path)


@pytest.mark.parametrize(
    ("span", "field"),
    [({"start_ms": 20, "end_ms": 10}, "end_ms"), ({"start_ms": -1}, "start_ms"), ({"start_ms": 10, "end_ms": 10}, "end_ms")],
)
def test_n5_a_span_begins_before_it_ends(tmp_path: Path, span: dict[str, int], field: str) -> None:
    assert faults(written(tmp_path, row(**span))) == [(1, field, "MANIFEST_SPAN")]


def test_n5_a_span_past_the_end_is_told_the_real_length(tmp_path: Path) -> None:
    over = row(end_ms=1051, extra={"duration_ms": 1000})
    assert "ends at 1051 ms, the audio at 1000 ms" in said(written(tmp_path, over))
    assert read_manifest(written(tmp_path, row(end_ms=1050, extra={"duration_ms": 1000}))).rows[0].end_ms == 1050
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a1.wav").write_bytes(b"")
    manifest = read_manifest(written(tmp_path, row(end_ms=1051)))
    with pytest.raises(ManifestFaults, match="ends at 1051 ms, the audio at 1000 ms"):
        check_files(manifest, tmp_path, length_ms=lambda _: 1000)
    check_files(manifest, tmp_path, length_ms=lambda _: 1001)


@pytest.mark.parametrize("seconds", ["nan", "-1", "inf", "0", "long", "1,5"])
def test_n5_seconds_that_are_no_length_are_refused(tmp_path: Path, seconds: str) -> None:
    path = written(tmp_path, "path\tlanguage\tseconds", f"a.wav\tque\t{seconds}", name="m.tsv")
    assert faults(path) == [(2, "seconds", "MANIFEST_SPAN")]


def test_n6_only_spans_of_one_speaker_that_overlap_are_a_finding() -> None:
    def of(name: str, speaker: str, start: int, end: int) -> Row:
        return Row(id=name, audio="a.wav", language="que", speaker=speaker, start_ms=start, end_ms=end)

    rows = (of("1", "A", 0, 100), of("2", "A", 90, 200), of("3", "B", 0, 200), of("4", "A", 200, 300))
    (finding,) = overlaps(Manifest(rows=rows))
    assert (finding.code, "1 and 2 of A overlap by 10 ms" in finding.what) == ("MANIFEST_OVERLAP", True)


def test_n7_nothing_stands_in_two_splits_unless_the_card_says_why() -> None:
    def of(name: str, split: str, **more: Any) -> Row:
        return Row(id=name, audio=more.pop("audio", f"{name}.wav"), language="que", split=split, **more)

    same_speaker = Manifest(rows=(of("1", "train", speaker="A"), of("2", "test", speaker="A"), of("3", "test", speaker="B")))
    with pytest.raises(ManifestFaults, match="line 1, speaker: the same speaker is in test and train"):
        check_splits(same_speaker)
    (finding,) = check_splits(same_speaker, "session: one reader")
    assert finding.code == "MANIFEST_LEAK"
    assert "1 of speaker in more than one split" in finding.what
    same_audio = Manifest(rows=(of("1", "train", audio="a.wav", end_ms=5), of("2", "test", audio="a.wav", start_ms=5)))
    with pytest.raises(ManifestFaults, match="the same audio"):
        check_splits(same_audio, "session: one reader")
    same_text = Manifest(rows=(of("1", "train", text="ari"), of("2", "test", text="ari"), of("3", "test", text="mana")))
    with pytest.raises(ManifestFaults, match="line 1, text"):
        check_splits(same_text)


@pytest.mark.parametrize("split", ["dev", "test"])
def test_n7_what_a_synthesiser_said_judges_nothing(split: str) -> None:
    def of(name: str, split: str, **extra: Any) -> Row:
        return Row(id=name, audio=f"{name}.wav", language="que", split=split, extra=extra)

    check_splits(Manifest(rows=(of("1", "train", synthetic=True), of("2", split, synthetic=False), of("3", split))))
    with pytest.raises(ManifestFaults, match=f"line 2, split: synthetic speech is in {split}"):
        check_splits(Manifest(rows=(of("1", "train", synthetic=True), of("2", split, synthetic=True))))


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ('{"id": "a1", "audio": }', "MANIFEST_JSON", "column 23"),
        ('{"id": "a1", "audio": "a", "language": "que", "start_ms": NaN}', "MANIFEST_JSON", "NaN is no number"),
        ('{"id": "a1", "audio": "a", "language": "que", "id": "a2"}', "MANIFEST_JSON", "column 47: the field stands twice"),
        ('["a1"]', "MANIFEST_JSON", "no JSON object"),
        ("", "MANIFEST_JSON", "column 1"),
        ("[" * 100_000, "MANIFEST_JSON", "nested too deeply"),
        ('{"id": "a1", "audio": "a", "language": "que", "speakr": "x"}', "MANIFEST_FIELD", "speakr: column 47: no such field"),
        ('{"id": 7, "audio": "a", "language": "que"}', "MANIFEST_FIELD", "id: column 2: it is no text"),
        ('{"id": "a1", "audio": "a", "language": "que", "end_ms": 1.5}', "MANIFEST_FIELD", "it is no whole number"),
        ('{"id": "a1", "audio": "a", "language": "que", "end_ms": true}', "MANIFEST_FIELD", "it is no whole number"),
        ('{"id": "a1", "audio": "a", "language": "que", "text": "\\ud800"}', "MANIFEST_FIELD", "half of a surrogate pair"),
        ('{"id": "a1", "audio": "a", "language": "que", "sha256": "ABC"}', "MANIFEST_FIELD", "no SHA-256"),
        ('{"id": "a1", "audio": "a"}', "MANIFEST_FIELD", "language: it is missing"),
    ],
)
def test_n8_a_line_that_is_no_row_is_refused_by_line_and_column(tmp_path: Path, line: str, code: str, told: str) -> None:
    path = written(tmp_path, row(id="first", audio="first.wav"), line)
    assert [(f[0], f[2]) for f in faults(path)] == [(2, code)]
    assert told in said(path)


def test_n8_bytes_that_are_not_utf8_are_refused_by_line(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b'\n{"id": "caf\xe9"}\n')
    assert faults(path) == [(2, "", "MANIFEST_JSON")]


def test_n9_a_file_that_changed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"abc")
    # SHA-256 of "abc": FIPS 180-4, example 1.
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    manifest = read_manifest(written(tmp_path, row(audio="a.wav", sha256=abc)))
    check_files(manifest, tmp_path, hashes=True)
    (tmp_path / "a.wav").write_bytes(b"abd")
    check_files(manifest, tmp_path)
    with pytest.raises(ManifestFaults) as caught:
        check_files(manifest, tmp_path, hashes=True)
    assert caught.value.code == "MANIFEST_CHANGED"


def test_n10_cells_are_text_and_lines_are_rows(tmp_path: Path) -> None:
    cells = ['a.wav\tsaid "one\tque\tNA', "b.wav\ttwo\tque\t007", "c.wav\t'three\u2028\"\tque\t"]
    path = written(tmp_path, "path\ttext\tlanguage\tspeaker", *cells, name="m.tsv")
    rows = read_manifest(path).rows
    assert [(r.audio, r.text, r.speaker) for r in rows] == [
        ("a.wav", 'said "one', "NA"),
        ("b.wav", "two", "007"),
        ("c.wav", "'three\u2028\"", ""),
    ]


def test_n10_a_line_with_other_cells_than_the_header_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "path\ttext\tlanguage", "a.wav\tone\tque", "b.wav\tone\ttwo\tque", "c.wav\tque", "", name="m.tsv")
    assert faults(path) == [(n, "", "MANIFEST_ROWS") for n in (3, 4, 5)]


def test_n10_a_header_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    for header in ("path\tlanguage\tage", "path\ttext", "path\tlanguage\tpath", ""):
        assert faults(written(tmp_path, header, "a.wav\tque\tx", name="m.tsv"))[0] == (1, "", "MANIFEST_FIELD")


@pytest.mark.parametrize("name", ["m.jsonl", "m.tsv"])
def test_n12_a_manifest_without_rows_is_refused(tmp_path: Path, name: str) -> None:
    lines = ["path\tlanguage"] if name == "m.tsv" else []
    assert faults(written(tmp_path, *lines, name=name)) == [(1, "", "MANIFEST_EMPTY")]


def test_n12_a_large_manifest_is_checked_without_keeping_its_rows(tmp_path: Path) -> None:
    path = written(tmp_path, *(row(id=f"r{n}", audio=f"r{n}.wav") for n in range(2000)))
    assert check_manifest(path) == 2000
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row(id="r7", audio="other.wav")) + "\n")
    with pytest.raises(ManifestFaults, match="line 2001, id: the same id as line 8"):
        check_manifest(path)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, row(language="qu", audio="../a.wav"), "{", row(id="b", audio="b.wav", split=3))
    assert faults(path) == [
        (1, "audio", "MANIFEST_PATH"),
        (1, "language", "MANIFEST_LANGUAGE"),
        (2, "", "MANIFEST_JSON"),
        (3, "split", "MANIFEST_FIELD"),
    ]
    assert said(path).startswith(f"{path}: 4 faults: line 1, audio: ")
