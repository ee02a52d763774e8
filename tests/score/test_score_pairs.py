"""Files are paired by what they say of themselves, never by luck of order."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from speech.errors import ManifestRefused, TextRefused
from speech.formats import save
from speech.score import Pair, pair_files, score
from speech.score.pairs import pair_transcripts
from speech.types import Recording, Segment, Span, Transcript, Word


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def rows(path: Path, *made: dict[str, Any]) -> Path:
    return write(path, "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in made))


def texts(pairs: list[Pair]) -> list[tuple[str, str, str]]:
    return [(p.id, p.reference, p.hypothesis) for p in pairs]


def refused(reference: Path, hypothesis: Path, **options: Any) -> TextRefused:
    with pytest.raises(TextRefused) as caught:
        pair_files(reference, hypothesis, **options)
    assert caught.value.code == "TEXT_UNPAIRED"
    return caught.value


def test_plain_texts_of_equal_length_are_paired_line_by_line(tmp_path: Path) -> None:
    found = pair_files(write(tmp_path / "r.txt", "a\r\n\r\nc\r\n"), write(tmp_path / "h.txt", "x\n\nz"), language="que")
    assert texts(found) == [("line 1", "a", "x"), ("line 2", "", ""), ("line 3", "c", "z")]
    assert {p.language for p in found} == {"que"}


def test_lines_with_ids_are_paired_by_id_in_the_order_of_the_reference(tmp_path: Path) -> None:
    found = pair_files(write(tmp_path / "r.txt", "k1\ta b\n\nk2\tc\td\n"), write(tmp_path / "h.tsv", "k2\tx\nk1\ty\n"))
    assert texts(found) == [("k1", "a b", "y"), ("k2", "c\td", "x")]


def test_some_ids_or_ids_on_one_side_are_refused(tmp_path: Path) -> None:
    half = write(tmp_path / "half.txt", "k1\ta\nb\n")
    whole = write(tmp_path / "whole.txt", "k1\ta\nk2\tb\n")
    assert "lines 2" in refused(half, whole).what
    assert "no ids" in refused(whole, write(tmp_path / "bare.txt", "a\nb\n")).what


def test_an_id_that_stands_twice_is_refused_and_named(tmp_path: Path) -> None:
    double = write(tmp_path / "r.txt", "k1\ta\nk1\tb\nk2\tc\n")
    fault = refused(double, write(tmp_path / "h.txt", "k1\ta\nk2\tc\n"))
    assert "k1" in fault.what and "k2" not in fault.what


def test_a_manifest_is_paired_with_what_transcribe_printed(tmp_path: Path) -> None:
    reference = write(
        tmp_path / "manifest.tsv",
        'path\ttext\tlanguage\tspeaker\tsession\tsplit\nclips/b.opus\t"un\tque\ts2\tv1\tdev\nclips/a.opus\tkay\tque\ts1\tv2\ttrain\n',
    )
    hypothesis = rows(
        tmp_path / "out.jsonl",
        {"path": "/data/clips/a.opus", "ok": True, "text": "kaj", "language": "que"},
        {"path": "/data/clips/b.opus", "ok": True, "text": "um", "words": [{"text": "um", "confidence": 0.5}]},
    )
    first, second = pair_files(reference, hypothesis)
    assert (first.id, first.reference, first.hypothesis, first.speaker, first.recording) == ("clips/b", '"un', "um", "s2", "v1")
    assert first.words == (("um", 0.5),) and second.hypothesis == "kaj"
    assert [p.id for p in pair_files(reference, hypothesis, split="dev")] == ["clips/b"]


def test_spans_of_one_recording_are_rows_of_their_own(tmp_path: Path) -> None:
    reference = rows(
        tmp_path / "r.jsonl",
        {"audio": "a.wav", "start_ms": 0, "end_ms": 900, "text": "kay", "language": "que"},
        {"audio": "a.wav", "start_ms": 900, "end_ms": 2000, "text": "chay", "language": "que"},
    )
    hypothesis = rows(
        tmp_path / "h.jsonl",
        {"path": "a.wav", "start_ms": 900, "end_ms": 2000, "text": "chai"},
        {"path": "a.wav", "start_ms": 0, "end_ms": 900, "text": "kai"},
    )
    found = pair_files(reference, hypothesis)
    assert texts(found) == [("a.wav#0-900", "kay", "kai"), ("a.wav#900-2000", "chay", "chai")]
    assert {p.recording for p in found} == {"a.wav"}


def test_a_row_that_nobody_transcribed_is_no_reference_and_a_skipped_one_is_all_missing(tmp_path: Path) -> None:
    told = rows(tmp_path / "r.jsonl", {"id": "k1", "text": "a"}, {"id": "k2", "text": "b"})
    untold = rows(tmp_path / "u.jsonl", {"id": "k1", "text": "a"}, {"id": "k2", "text": None})
    assert "k2" in refused(untold, told).what
    assert texts(pair_files(told, untold)) == [("k1", "a", "a"), ("k2", "b", "")]


def test_rows_that_are_no_json_are_refused_with_their_lines(tmp_path: Path) -> None:
    broken = write(tmp_path / "r.jsonl", '{"id": "k1", "text": "a"}\n{"id": \n[1]\n{"id": "k", "id": "l", "text": ""}\n')
    with pytest.raises(ManifestRefused, match="line 2.*line 3.*line 4") as caught:
        pair_files(broken, broken)
    assert caught.value.code == "MANIFEST_JSON"


def test_a_whole_manifest_is_checked_as_one(tmp_path: Path) -> None:
    wrong = rows(tmp_path / "r.jsonl", {"id": "k1", "audio": "../a.wav", "language": "quechua", "text": "a"})
    with pytest.raises(ManifestRefused, match="quechua") as caught:
        pair_files(wrong, wrong)
    assert caught.value.code.startswith("MANIFEST_")


def test_a_table_row_with_too_few_cells_is_refused_by_number(tmp_path: Path) -> None:
    broken = write(tmp_path / "r.tsv", "id\ttext\tlanguage\nk1\ta\tque\nk2\tb\n")
    assert "rows 3" in refused(broken, broken).what


def test_folders_are_paired_by_name(tmp_path: Path) -> None:
    for side, suffix in (("r", ".txt"), ("h", ".tsv")):
        (tmp_path / side).mkdir()
        for name in ("one", "two"):
            write(tmp_path / side / f"{name}{suffix}", f"{name}1\t{side}\n")
    assert texts(pair_files(tmp_path / "r", tmp_path / "h")) == [("one1", "r", "h"), ("two1", "r", "h")]
    (tmp_path / "h" / "two.tsv").unlink()
    assert "two" in refused(tmp_path / "r", tmp_path / "h").what


def segment(start: int, end: int, text: str, speaker: str | None = None, confidence: float | None = None) -> Segment:
    words = tuple(Word(text=w, confidence=confidence) for w in text.split())
    return Segment(span=Span(start_ms=start, end_ms=end), text=text, speaker=speaker, language="que", words=words)


def transcript(*segments: Segment) -> Transcript:
    return Transcript(recording=Recording(path="a.wav"), segments=segments)


def test_transcripts_with_the_same_spans_are_paired_segment_by_segment() -> None:
    found = pair_transcripts(
        transcript(segment(0, 900, "kay", "s1"), segment(900, 2000, "chay", "s2")),
        transcript(segment(10, 905, "kai", "A", 0.5), segment(905, 2000, "chai", "B", 0.5)),
    )
    assert texts(found) == [("a.wav#0-900", "kay", "kai"), ("a.wav#900-2000", "chay", "chai")]
    assert [p.speaker for p in found] == ["s1", "s2"] and found[0].words == (("kai", 0.5),)
    assert {(p.language, p.recording) for p in found} == {("que", "a.wav")}


def test_a_segment_over_several_is_compared_with_all_of_them() -> None:
    [found] = pair_transcripts(transcript(segment(0, 900, "kay"), segment(900, 2000, "chay")), transcript(segment(0, 2000, "kay chay")))
    assert found.reference == "kay\nchay" and found.hypothesis.split() == ["kay", "chay"]
    assert (found.language, found.recording, found.unit) == ("que", "a.wav", "passage")


def test_two_speakers_in_one_span_are_not_guessed_apart() -> None:
    both = transcript(segment(0, 900, "kay", "s1"), segment(0, 900, "chay", "s2"))
    assert len(pair_transcripts(both, both)) == 1


PRAAT = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "s1"
        xmin = 0
        xmax = 2
        intervals: size = 2
        intervals [1]:
            xmin = 0
            xmax = 0.9
            text = "kay wasi"
        intervals [2]:
            xmin = 0.9
            xmax = 2
            text = "chay"
"""


def test_annotation_files_of_two_formats_and_plain_text_are_paired(tmp_path: Path) -> None:
    grid = write(tmp_path / "a.TextGrid", PRAAT)
    save(transcript(segment(0, 900, "kai wasi"), segment(900, 2000, "chay")), tmp_path / "b.json")
    save(transcript(segment(0, 900, "kai wasi"), segment(900, 2000, "chay")), tmp_path / "b.eaf")
    for other in ("b.json", "b.eaf"):
        found = pair_files(grid, tmp_path / other)
        assert [(p.reference, p.hypothesis) for p in found] == [("kay wasi", "kai wasi"), ("chay", "chay")]
    [whole] = pair_files(grid, write(tmp_path / "h.txt", "kay wasi\nchai\n"), language="que")
    assert whole.reference.split() == ["kay", "wasi", "chay"] and whole.hypothesis.split() == ["kay", "wasi", "chai"]
    assert whole.language == "que"
    refused(grid, write(tmp_path / "ids.txt", "k1\ta\n"))


def test_real_manifests_are_paired_with_themselves_without_an_error(shared: Path) -> None:
    manifests = sorted(shared.glob("speech/open/*/manifest.tsv"))
    assert manifests
    for manifest in manifests:
        pairs = pair_files(manifest, manifest)
        assert len(pairs) == len(manifest.read_bytes().splitlines()) - 1
        assert all(p.recording and p.reference == p.hypothesis for p in pairs)


def test_whole_transcripts_are_compared_in_order_of_time() -> None:
    tiers = transcript(segment(0, 500, "kay"), segment(2000, 2500, "mama"), segment(900, 1500, "chay"))
    [found] = pair_transcripts(tiers, transcript(segment(0, 2500, "kay chay mama")))
    assert found.reference.split() == ["kay", "chay", "mama"]


def test_a_label_track_is_no_list_of_ids(tmp_path: Path) -> None:
    labels = write(tmp_path / "a.txt", "0.000000\t0.900000\tkay\n0.900000\t2.000000\tchay wasi\n")
    assert "label track" in refused(labels, labels).what


@pytest.mark.parametrize("suffix", [".txt", ".json", ".eaf", ".TextGrid", ".srt", ".vtt", ".csv"])
@pytest.mark.parametrize("reference", ["r.txt", "r.json", "ids.txt"])
def test_a_transcript_without_a_word_counts_as_missing_words(tmp_path: Path, suffix: str, reference: str) -> None:
    """A clip in which nothing was heard is a result: one such file made `score` refuse a whole folder."""
    for side in ("r", "h"):
        (tmp_path / side).mkdir()
    for name in ("one", "two"):
        if reference == "r.json":
            save(transcript(segment(0, 900, "kay wasi"), segment(900, 2000, "chay")), tmp_path / "r" / f"{name}.json")
        else:
            keys = (f"{name}1\t", f"{name}2\t") if reference == "ids.txt" else ("", "")
            write(tmp_path / "r" / f"{name}.txt", f"{keys[0]}kay wasi\n{keys[1]}chay\n")
    said = "one1\tkay wasi\none2\tchay\n" if reference == "ids.txt" else "kay wasi\nchay\n"
    write(tmp_path / "h" / "one.txt", said)
    save(transcript(), tmp_path / "h" / f"two{suffix}")
    scores = score(pair_files(tmp_path / "r", tmp_path / "h"))
    assert (scores.overall.words.counts.reference, scores.overall.words.counts.hits) == (6, 3)
    assert scores.overall.words.counts.deletions == 3
    swapped = score(pair_files(tmp_path / "h", tmp_path / "r"))
    assert (swapped.overall.words.counts.hits, swapped.overall.words.counts.insertions) == (3, 3)


def test_silence_on_both_sides_is_a_clip_without_an_error(tmp_path: Path) -> None:
    for side in ("r", "h"):
        (tmp_path / side).mkdir()
        write(tmp_path / side / "a.txt", "kay\n")
        write(tmp_path / side / "b.txt", "")
    found = pair_files(tmp_path / "r", tmp_path / "h")
    assert texts(found) == [("a, line 1", "kay", "kay"), ("b, line 1", "", "")]
    assert [p.recording for p in found] == ["a", "b"]


def test_rows_with_ids_that_are_absent_stay_a_fault(tmp_path: Path) -> None:
    manifest = rows(tmp_path / "r.jsonl", {"path": "a.wav", "text": "kay"}, {"path": "b.wav", "text": "chay"})
    assert "a.wav" in refused(manifest, rows(tmp_path / "h.jsonl")).what


def test_lines_that_differ_in_number_stay_a_fault_where_there_are_words(tmp_path: Path) -> None:
    assert "2 lines against 1" in refused(write(tmp_path / "r.txt", "a\nb\n"), write(tmp_path / "h.txt", "a\n")).what


def test_a_packed_transcript_has_the_name_of_the_plain_one(tmp_path: Path) -> None:
    for side in ("r", "h"):
        (tmp_path / side).mkdir()
        save(transcript(segment(0, 900, "kay wasi")), tmp_path / side / "a.eaf")
    packed = tmp_path / "r" / "a.eaf.gz"
    packed.write_bytes(gzip.compress((tmp_path / "r" / "a.eaf").read_bytes()))
    (tmp_path / "r" / "a.eaf").unlink()
    assert [(p.reference, p.hypothesis) for p in pair_files(tmp_path / "r", tmp_path / "h")] == [("kay wasi", "kay wasi")]
