"""What is said of the two sides: another recording, a part, a side without text, sets that only partly overlap."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from speech.errors import TextRefused
from speech.formats import save
from speech.score import PairSettings, compare, pair_files, score, summary_lines
from speech.types import Recording, Segment, Span, Transcript

SYLLABLES = "ka chi wa ma ta pi su na ru lla mi ku".split()


def spoken(seed: int, count: int = 20, *, start: int = 0, recording: str = "a.wav") -> Transcript:
    draw = random.Random(seed)
    segments = []
    for n in range(count):
        text = " ".join("".join(draw.choices(SYLLABLES, k=draw.randint(2, 4))) for _ in range(6))
        segments.append(Segment(span=Span(start_ms=start + 3000 * n, end_ms=start + 3000 * n + 2500), text=text, language="que"))
    return Transcript(recording=Recording(path=recording), segments=tuple(segments))


def badly_heard(transcript: Transcript, share: float) -> Transcript:
    """The same with this share of its letters replaced."""
    draw = random.Random(1)
    return replace(
        transcript,
        segments=tuple(
            replace(s, text="".join(draw.choice("aiuknmpst") if c != " " and draw.random() < share else c for c in s.text))
            for s in transcript.segments
        ),
    )


def codes(folder: Path, reference: Transcript, hypothesis: Transcript) -> list[str]:
    save(reference, folder / "r.eaf", force=True)
    save(hypothesis, folder / "h.eaf", force=True)
    return [f.code for f in score(compare(folder / "r.eaf", folder / "h.eaf")).findings]


def test_another_recording_is_told_and_a_badly_heard_one_is_not(tmp_path: Path) -> None:
    mine = spoken(1)
    assert "TEXT_RECORDING" in codes(tmp_path, mine, spoken(2))
    assert "TEXT_RECORDING" not in codes(tmp_path, mine, badly_heard(mine, 0.6))
    # A few segments say too little, unless the files themselves name two recordings.
    assert "TEXT_RECORDING" not in codes(tmp_path, spoken(1, 2), spoken(2, 2))
    assert "TEXT_RECORDING" in codes(tmp_path, spoken(1, 2), spoken(2, 2, recording="b.wav"))


def test_a_master_and_its_proxy_are_one_recording(tmp_path: Path) -> None:
    assert "TEXT_RECORDING" not in codes(tmp_path, spoken(1, 2), spoken(2, 2, recording="proxies/a.mp3"))


def test_a_reference_of_a_part_is_told(tmp_path: Path) -> None:
    whole = spoken(1)
    part = replace(whole, segments=whole.segments[:10])
    assert "TEXT_PART" in codes(tmp_path, part, whole)
    assert "TEXT_PART" in codes(tmp_path, whole, replace(whole, segments=whole.segments[:5]))
    assert "TEXT_PART" not in codes(tmp_path, whole, replace(whole, segments=whole.segments[:15]))
    assert "TEXT_PART" not in codes(tmp_path, replace(whole, segments=whole.segments[:19]), whole)


def test_a_file_without_text_is_told_with_its_side(tmp_path: Path) -> None:
    silent = Transcript(recording=Recording(path="a.wav"))
    save(silent, tmp_path / "h.eaf")
    save(spoken(1), tmp_path / "r.eaf")
    scores = score(compare(tmp_path / "r.eaf", tmp_path / "h.eaf"))
    [told] = [f for f in scores.findings if f.code == "TEXT_EMPTY"]
    assert told.where == "hypothesis"
    assert scores.overall.words.counts.deletions == scores.overall.words.counts.reference == 120


def test_sets_that_partly_overlap_are_scored_on_what_both_have(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("k1\tkay wasi\nk2\tchay\nk3\tmama\n", encoding="utf-8")
    (tmp_path / "h.txt").write_text("k2\tchay\nk3\tmana\nk4\tkay\n", encoding="utf-8")
    scores = score(compare(tmp_path / "r.txt", tmp_path / "h.txt"))
    assert (scores.overall.clips, scores.overall.words.counts.errors, scores.overall.words.counts.reference) == (2, 1, 2)
    told = {f.where: f.what for f in scores.findings if f.code == "TEXT_UNPAIRED"}
    assert told["reference"].startswith("1 of 3 rows") and "k1" in told["reference"]
    assert told["hypothesis"].startswith("1 of 3 rows") and "k4" in told["hypothesis"]
    with pytest.raises(TextRefused) as caught:
        compare(tmp_path / "r.txt", tmp_path / "h.txt", PairSettings(every=True))
    assert caught.value.code == "TEXT_UNPAIRED"
    with pytest.raises(TextRefused):
        pair_files(tmp_path / "r.txt", tmp_path / "h.txt")


def test_sets_without_anything_in_common_are_refused(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("k1\tkay\n", encoding="utf-8")
    (tmp_path / "h.txt").write_text("k2\tkay\n", encoding="utf-8")
    with pytest.raises(TextRefused) as caught:
        compare(tmp_path / "r.txt", tmp_path / "h.txt")
    assert caught.value.code == "TEXT_UNPAIRED"


def test_folders_pass_over_recordings_and_count_what_is_on_one_side(tmp_path: Path) -> None:
    for name in ("r", "h"):
        (tmp_path / name).mkdir()
    for name in ("a", "b"):
        save(spoken(1), tmp_path / "r" / f"{name}.eaf")
    save(spoken(1), tmp_path / "h" / "a.TextGrid")
    (tmp_path / "r" / "a.wav").write_bytes(b"RIFF")
    scores = score(compare(tmp_path / "r", tmp_path / "h"))
    assert scores.overall.words.counts.errors == 0 and scores.overall.words.counts.reference == 120
    [told] = [f for f in scores.findings if f.code == "TEXT_UNPAIRED"]
    assert (told.where, told.what) == ("reference", "1 of 2 files (by name) have no counterpart and are left out: b")


def test_a_format_is_chosen_where_a_folder_holds_several(tmp_path: Path) -> None:
    for name in ("r", "h"):
        (tmp_path / name).mkdir()
        save(spoken(1), tmp_path / name / "a.eaf")
    save(spoken(2), tmp_path / "h" / "a.srt")
    with pytest.raises(TextRefused, match="--format") as caught:
        compare(tmp_path / "r", tmp_path / "h")
    assert caught.value.code == "TEXT_UNPAIRED"
    assert score(compare(tmp_path / "r", tmp_path / "h", PairSettings(formats=("eaf",)))).overall.words.counts.errors == 0
    assert score(compare(tmp_path / "r", tmp_path / "h", PairSettings(formats=("eaf", "srt")))).overall.words.counts.errors > 0


def test_the_summary_names_files_tiers_and_what_is_not_read(tmp_path: Path) -> None:
    save(spoken(1, 2), tmp_path / "r.eaf")
    lines = summary_lines(score(compare(tmp_path / "r.eaf", tmp_path / "r.eaf")))
    assert lines[0].startswith(f"Reference: {tmp_path / 'r.eaf'}, tier ") and lines[1].startswith("Hypothesis: ")
