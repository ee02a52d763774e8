"""Transcripts cut at different places are joined by time: every word in one passage, none torn from the one it answers to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.formats import read, save
from speech.score import PairSettings, compare, score, score_report, summary_lines
from speech.score.pairs import pair_transcripts
from speech.score.passages import NEAR_MS, passages, text_of
from speech.types import Recording, Segment, Span, Transcript, Word


def segment(start: int, end: int, text: str, *times: int, speaker: str | None = None) -> Segment:
    """A segment; `times` are the starts of its words, each up to the next, the last up to the end."""
    words = tuple(
        Word(text=t, span=Span(start_ms=a, end_ms=b)) for t, a, b in zip(text.split(), times, (*times[1:], end), strict=bool(times))
    )
    return Segment(span=Span(start_ms=start, end_ms=end), text=text, words=words if times else (), speaker=speaker)


def joined(reference: list[Segment], hypothesis: list[Segment]) -> list[tuple[str, str]]:
    return [(text_of(p.reference), text_of(p.hypothesis)) for p in passages(reference, hypothesis)]


A, B, C = segment(0, 1000, "kay wasi"), segment(2000, 3000, "chay"), segment(3000, 4000, "mama")


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        # Borders that differ a little.
        ([A, B], [segment(80, 1090, "kai"), segment(1950, 3100, "chai")], [("kay wasi", "kai"), ("chay", "chai")]),
        # One over two; but its words, where their times are known, go each to its own.
        ([B, C], [segment(2000, 4000, "chai mama")], [("chay\nmama", "chai mama")]),
        ([B, C], [segment(2000, 4000, "chai mama", 2000, 3000)], [("chay", "chai"), ("mama", "mama")]),
        # A word just over a border joins nothing; one half across it does.
        ([B, C], [segment(2000, 4000, "chai mama", 2000, 2930)], [("chay", "chai"), ("mama", "mama")]),
        ([B, C], [segment(2000, 4000, "chai mama", 2000, 2500)], [("chay\nmama", "chai mama")]),
        # What one side alone has stays by itself in silence, and with its neighbour where that is near.
        ([A, B], [A, segment(9000, 9500, "ñan")], [("kay wasi", "kay wasi"), ("chay", ""), ("", "ñan")]),
        ([A], [A, segment(1000 + NEAR_MS, 1900, "ñan")], [("kay wasi", "kay wasi\nñan")]),
        ([A], [A, segment(1001 + NEAR_MS, 1900, "ñan")], [("kay wasi", "kay wasi"), ("", "ñan")]),
    ],
)
def test_passages_end_where_both_sides_pause(reference: list[Segment], hypothesis: list[Segment], expected: list[tuple[str, str]]) -> None:
    assert joined(reference, hypothesis) == expected


def test_a_word_on_either_side_of_a_border_is_no_error() -> None:
    # The model puts `wasi` 20 ms after the segment that holds it for a person.
    found = joined([A], [segment(0, 900, "kay"), segment(1020, 1300, "wasi")])
    assert found == [("kay wasi", "kay\nwasi")]


def test_two_speakers_at_once_are_read_one_after_the_other() -> None:
    ana, rosa = segment(0, 2000, "kay wasi", 0, 1000, speaker="A"), segment(500, 2500, "chay mama", 500, 1500, speaker="R")
    assert joined([ana, rosa], [ana, rosa]) == [("kay wasi\nchay mama",) * 2]


@st.composite
def sides(draw: st.DrawFn) -> list[Segment]:
    made: list[Segment] = []
    at = 0
    for number in range(draw(st.integers(0, 8))):
        start = max(0, at + draw(st.integers(-300, 1500)))
        count = draw(st.integers(1, 4))
        borders = sorted(start + x for x in draw(st.lists(st.integers(1, 3000), min_size=count, max_size=count, unique=True)))
        times = (start, *borders[:-1]) if draw(st.booleans()) else ()
        made.append(segment(start, borders[-1], " ".join(f"w{number}x{n}" for n in range(count)), *times))
        at = borders[-1]
    return sorted(made, key=lambda s: (s.span.start_ms, s.span.end_ms))


@given(sides(), sides())
def test_every_word_is_in_one_passage_and_in_its_order(reference: list[Segment], hypothesis: list[Segment]) -> None:
    found = passages(reference, hypothesis)
    for side, segments in (("reference", reference), ("hypothesis", hypothesis)):
        words = [w for p in found for w in text_of(getattr(p, side)).split()]
        assert sorted(words) == sorted(w for s in segments for w in s.text.split())
        for s in segments:
            assert [w for w in words if w in s.text.split()] == s.text.split()


def test_without_times_whole_texts_are_compared_and_said_so() -> None:
    told = Transcript(segments=tuple(Segment(span=Span(start_ms=0, end_ms=0), text=t) for t in ("kay wasi", "chay")))
    [pair] = pair_transcripts(Transcript(segments=(A, B)), told)
    assert (pair.unit, pair.reference, pair.hypothesis) == ("text", "kay wasi\nchay", "kay wasi\nchay")
    lines = summary_lines(score([pair]))
    assert any("has no times" in line for line in lines) and any("no interval" in line for line in lines)


def sentences(shared: Path) -> list[Segment]:
    rows = (shared / "speech" / "open" / "que_killkan_long" / "Chapter01.sentences.tsv").read_text(encoding="utf-8").splitlines()[1:]
    parts = [row.split("\t") for row in rows]
    return [
        Segment(span=Span(start_ms=round(1000 * float(a)), end_ms=round(1000 * float(b))), text=text, language="que")
        for a, b, text in parts
    ]


def test_a_chapter_cut_otherwise_has_intervals_and_worst_passages(shared: Path, tmp_path: Path) -> None:
    """194 sentences against what a cut at pauses of half a second makes of them, with every tenth segment garbled."""
    spoken = sentences(shared)
    blocks: list[list[Segment]] = []
    for s in spoken:
        if blocks and s.span.start_ms - blocks[-1][-1].span.end_ms < 500:
            blocks[-1].append(s)
        else:
            blocks.append([s])
    heard = tuple(
        Segment(
            span=Span(start_ms=b[0].span.start_ms, end_ms=b[-1].span.end_ms + 60),
            text="xyz" if n % 10 == 0 else " ".join(s.text for s in b),
            language="que",
        )
        for n, b in enumerate(blocks)
    )
    save(Transcript(recording=Recording(path="Chapter01.opus"), segments=heard), tmp_path / "heard.eaf")
    reference = shared / "speech" / "open" / "que_killkan_long" / "Chapter01.sentences.tsv"
    compared = compare(reference, tmp_path / "heard.eaf", PairSettings(language="que"))
    scores = score(compared)
    assert len(read(tmp_path / "heard.eaf").segments) == len(blocks) < len(spoken) == 194
    assert scores.unit == "passage" and len(compared.pairs) == len(blocks)
    garbled = sum(len(s.text.split()) for b in blocks[::10] for s in b)
    assert scores.overall.words.counts.errors == pytest.approx(garbled, rel=0.1)  # some signs stand alone between blanks
    assert sum(r.words.errors > 0 for r in scores.rows) == len(blocks[::10])
    interval = scores.overall.words.interval
    assert interval is not None and 0 < interval.low < (scores.overall.words.value or 0) < interval.high
    said = "\n".join(summary_lines(scores))
    assert f"{len(blocks)} passages of 1 recording" in said
    assert "The intervals draw passages of one recording: for other recordings and voices they are too narrow" in said
    page = score_report(scores, compared.pairs)
    assert "Worst passages" in page and page.count('class="clip"') == min(20, len(blocks[::10]))


def test_one_recording_has_an_interval_by_segments_and_says_so(tmp_path: Path) -> None:
    wrong = tuple(Segment(span=s.span, text=t) for s, t in zip((A, B, C), ("kay wasi", "x", "mama"), strict=True))
    save(Transcript(segments=(A, B, C)), tmp_path / "r.eaf")
    save(Transcript(segments=wrong), tmp_path / "h.eaf")
    scores = score(compare(tmp_path / "r.eaf", tmp_path / "h.eaf"))
    assert (scores.unit, scores.overall.clips, scores.overall.recordings) == ("segment", 3, 1)
    lines = summary_lines(scores)
    assert "3 segments of 1 recording" in lines
    assert "The intervals draw segments of one recording: for other recordings and voices they are too narrow" in lines
    assert any("95 % interval 0.0 to" in line for line in lines)
    assert scores.as_dict()["unit"] == "segment"


@pytest.mark.parametrize("every", [1, 5, 1000])
def test_the_cut_of_the_hypothesis_changes_no_count(shared: Path, every: int) -> None:
    """The same words at the same times, cut after every word, every fifth, or not at all; the first of each sentence is wrong."""
    spoken = sentences(shared)[:40]
    words: list[tuple[str, int, int]] = []
    for s in spoken:
        parts, start, length = s.text.split(), s.span.start_ms, s.span.length_ms
        times = [start + length * n // len(parts) for n in range(len(parts) + 1)]
        words += zip(["xyz", *parts[1:]], times, times[1:], strict=False)
    groups = [words[n : n + every] for n in range(0, len(words), every)]
    heard = [segment(g[0][1], g[-1][2], " ".join(w for w, _, _ in g), *(start for _, start, _ in g)) for g in groups]
    counts = score(pair_transcripts(Transcript(segments=tuple(spoken)), Transcript(segments=tuple(heard)), language="que")).overall.words
    assert (counts.counts.errors, counts.counts.reference) == (len(spoken), len(words))
