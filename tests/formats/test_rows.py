"""CSV, RTTM and plain text: exact cells, exact times, other people's files."""

from __future__ import annotations

import csv as standard
import io
import itertools
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.errors import FormatRefused
from speech.formats import csv, csv_words, rttm, txt
from speech.types import Segment, Span, Transcript, Word


def line(text: str, start: int = 0, end: int = 1000, **more: object) -> Segment:
    return Segment(span=Span(start_ms=start, end_ms=end), text=text, **more)  # type: ignore[arg-type]  # fields of a segment


def rows(data: bytes) -> list[dict[str, str]]:
    return list(standard.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_csv_has_few_columns_and_a_row_a_segment() -> None:
    words = (Word(text="imata", span=Span(start_ms=5, end_ms=9), confidence=0.5), Word(text="-nki"))
    data = csv.render(Transcript(segments=(line("imata -nki", words=words, speaker="A"), line("mana", 1000, 1100))))
    assert data.startswith(b"\xef\xbb\xbf")  # without this mark Excel takes UTF-8 for something else
    found = rows(data)
    assert list(found[0]) == ["start_ms", "end_ms", "speaker", "language", "text", "confidence", "status", "unsure_reason"]
    assert [(row["text"], row["speaker"]) for row in found] == [("imata -nki", "A"), ("mana", "")]


def test_csv_of_words_has_a_row_a_word_with_its_segment() -> None:
    words = (Word(text="imata", span=Span(start_ms=5, end_ms=9), confidence=0.5), Word(text="-nki"))
    found = rows(csv_words.render(Transcript(segments=(line("imata -nki", words=words), line("mana", 1000, 1100)))))
    assert [(r["segment"], r["text"], r["word"], r["word_start_ms"], r["word_confidence"]) for r in found] == [
        ("1", "imata -nki", "imata", "5", "0.5"),
        ("1", "imata -nki", "'-nki", "", ""),
        ("2", "mana", "", "", ""),
    ]


def test_csv_keeps_ids_and_states_and_gives_an_id_to_what_has_none() -> None:
    words = (Word(text="imata"), Word(text="nki", id="w"))
    made = Transcript(segments=(line("imata nki", words=words, id="s1", status="unsure", unsure_reason="noise"), line("mana", 1000, 1100)))
    found = csv.parse(csv_words.render(made), where="t").segments
    assert [(s.id, s.status, s.unsure_reason, [w.id for w in s.words]) for s in found] == [
        ("s1", "unsure", "noise", ["a2", "w"]),
        ("a1", "draft", "", []),
    ]


@pytest.mark.parametrize("text", ["=1+1", "+a", "-a", "@a", "\ta", "\ra", "\uff1da", "'tis", "''=a", "'=a"])
def test_csv_cells_a_spreadsheet_would_run_are_guarded_and_read_exactly(text: str) -> None:
    data = csv_words.render(Transcript(segments=(line(text),)))
    assert rows(data)[0]["text"] == f"'{text}"
    assert csv.parse(data, where="t").segments[0].text == text


_BEGINNINGS = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r\n",
    "\n",
    "'",
    "''",
    " =",
    "\u00a0+",
    "\u200b-",
    "\ufeff@",
    "\u202e=",
    "＝",
    "＋",
    "－",
    "＠",
    "'=",
    "a",
)
_texts = st.builds(str.__add__, st.sampled_from(_BEGINNINGS), st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=8))


@given(text=_texts, speaker=_texts, note=_texts)
@settings(max_examples=300)
def test_no_cell_of_text_begins_a_formula_and_each_reads_back_as_it_was(text: str, speaker: str, note: str) -> None:
    word = Word(text=text, span=Span(start_ms=0, end_ms=10), speaker=speaker)
    made = Segment(
        span=Span(start_ms=0, end_ms=10), text=text, speaker=speaker, unsure_reason=note, status="unsure", words=(word,), notes=(note,)
    )
    transcript = Transcript(segments=(made,))
    for module in (csv, csv_words):
        data = module.render(transcript)
        for cell in itertools.chain.from_iterable(row.values() for row in rows(data)):
            seen = "".join(c for c in cell if unicodedata.category(c) not in ("Cf", "Cc") and not c.isspace())
            assert not seen.startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠")) and not cell.startswith(("\t", "\r", "\n"))
        back = module.parse(data, where="t").segments[0]
        assert (back.text, back.speaker, back.unsure_reason) == (text, speaker, note)
    assert (back.words[0].text, back.words[0].speaker, back.notes) == (text, speaker, (note,))


def test_csv_of_others_needs_three_columns_and_keeps_apostrophes() -> None:
    found = csv.parse("start_ms;end_ms;text;x\r\n0;10;'tis;1\r\n10;20;-5 °C;2\r\n".encode("utf-8-sig"), where="t")
    assert [(s.span.end_ms, s.text) for s in found.segments] == [(10, "'tis"), (20, "-5 °C")]


def test_csv_cell_of_a_megabyte_is_read() -> None:
    text = "a" * 1_000_000
    assert csv.parse(csv_words.render(Transcript(segments=(line(text),))), where="t").text == text


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        ("a,b\n1,2\n", "FORMAT_SYNTAX", "row 1"),
        ("start_ms,end_ms,text\n0,1\n", "FORMAT_SYNTAX", "row 2"),
        ('start_ms,end_ms,text\n0,1,"a\n', "FORMAT_SYNTAX", "t"),
        ("start_ms,end_ms,text\n0,x,a\n", "FORMAT_VALUE", "row 2, column end_ms"),
        ("start_ms,end_ms,text,status\n0,1,a,done\n", "FORMAT_VALUE", "row 2, column status"),
        ("start_ms,end_ms,text,notes\n0,1,a,{\n", "FORMAT_VALUE", "row 2, column notes"),
        ("start_ms,end_ms,text\n5,1,a\n", "FORMAT_TIMES", "segment 1"),
    ],
)
def test_csv_faults_are_named_by_row_and_column(data: str, code: str, place: str) -> None:
    with pytest.raises(FormatRefused) as refused:
        csv.parse(data.encode(), where="t")
    assert refused.value.code == code
    assert place in refused.value.where


def test_rttm_is_written_with_ten_fields_and_encoded_blanks() -> None:
    found = Transcript(segments=(line("", 1005, 2010, speaker="María José", confidence=0.25), line("x", 3000, 3000)))
    assert rttm.render(found).decode() == (
        "SPEAKER recording 1 1.005 1.005 <NA> <NA> María%20José 0.25 <NA>\nSPEAKER recording 1 3.000 0.000 <NA> <NA> <NA> <NA> <NA>\n"
    )


def test_rttm_of_others_is_read_line_by_line() -> None:
    info = b";; by hand\nSPKR-INFO f 1 <NA> <NA> <NA> unknown A <NA> <NA>\nNOSCORE f 1 0 5 <NA> <NA> <NA> <NA>\n"
    data = info + b"SPEAKER f 1 1.0004 2 <NA> <NA> A <NA>\r\n"
    assert [(s.span, s.speaker) for s in rttm.parse(data, where="t").segments] == [(Span(start_ms=1000, end_ms=3000), "A")]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("SPEAKER f 1 5 -1 <NA> <NA> A <NA> <NA>", "FORMAT_TIMES"),
        ("SPEAKER f 1 5 x <NA> <NA> A <NA> <NA>", "FORMAT_SYNTAX"),
        ("SPEAKER f 1 5 1e99 <NA> <NA> A <NA> <NA>", "FORMAT_TIMES"),
        ("SPEAKER f 1 5", "FORMAT_SYNTAX"),
        ("SPEAKER f 1 5 1 <NA> <NA> A 7 <NA>", "FORMAT_VALUE"),
        ("SPEAKER f 1 0 1 <NA> <NA> A <NA> <NA>\nSPEAKER g 1 0 1 <NA> <NA> A <NA> <NA>", "FORMAT_RECORDINGS"),
    ],
)
def test_rttm_faults_are_refused(row: str, code: str) -> None:
    with pytest.raises(FormatRefused) as refused:
        rttm.parse(row.encode(), where="t")
    assert refused.value.code == code


def test_real_rttm_files_give_a_segment_a_line(shared: Path) -> None:
    for path in (shared / "annotations").glob("*.rttm"):
        data = path.read_bytes()
        found = rttm.parse(data, where=path.name)
        assert len(found.segments) == data.count(b"SPEAKER ") > 0
        assert {s.speaker for s in found.segments} == {row.split()[7].decode() for row in data.splitlines()}


def test_plain_text_names_speakers_only_where_there_are_several() -> None:
    one, two = line("imata\nmunanki", speaker="S1"), line("mana", 1000, 2000, speaker="S2")
    assert txt.render(Transcript(segments=(one,))).decode() == "imata munanki\n"
    assert txt.render(Transcript(segments=(one, two, line("", 2000, 3000)))).decode() == "S1: imata munanki\nS2: mana\n"
