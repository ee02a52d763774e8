"""SRT and WebVTT: other people's files, and webvtt-py as the second reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import webvtt

from speech.errors import Finding, FormatRefused, TextRefused
from speech.formats import srt, vtt
from speech.types import Segment, Span, Transcript, Word


def line(text: str, start: int = 0, end: int = 1000, **more: object) -> Segment:
    return Segment(span=Span(start_ms=start, end_ms=end), text=text, **more)  # type: ignore[arg-type]  # fields of a segment


def srt_texts(data: str) -> list[tuple[int, int, str | None, str]]:
    return [(s.span.start_ms, s.span.end_ms, s.speaker, s.text) for s in srt.parse(data.encode(), where="t").segments]


def vtt_texts(body: str) -> list[tuple[str | None, str]]:
    return [(s.speaker, s.text) for s in vtt.parse(f"WEBVTT\n\n{body}".encode(), where="t").segments]


def test_srt_is_written_as_players_want_it() -> None:
    found = Transcript(segments=(line("imata", 1500, 3_600_000 + 61_005, speaker="S1"), line("mana\nari", 5_000_000, 360_000_000)))
    assert srt.render(found).decode() == (
        "1\n00:00:01,500 --> 01:01:01,005\nS1: imata\n\n2\n01:23:20,000 --> 100:00:00,000\n-: mana\nari\n\n"
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("1\n00:00:01,500 --> 00:00:02,000\na\n", [(1500, 2000, None, "a")]),
        ("00:00:01,5 --> 00:00:02\na\n", [(1500, 2000, None, "a")]),
        ("1\n100:00:01.500 --> 100:00:02.000 X1:0\na\n", [(360_001_500, 360_002_000, None, "a")]),
        (
            "1\n00:00:01,000 --> 00:00:02,000\na\n\nb\n\n\n2\n00:00:03,000 --> 00:00:04,000\n3\n",
            [(1000, 2000, None, "a\n\nb"), (3000, 4000, None, "3")],
        ),
        (
            "1\n00:00:01,000 --> 00:00:02,000\nAna: a\n\n2\n00:00:03,000 --> 00:00:04,000\nInés: b: c\n",
            [(1000, 2000, "Ana", "a"), (3000, 4000, "Inés", "b: c")],
        ),
        (
            "1\n00:00:01,000 --> 00:00:02,000\nyesterday: a\n\n2\n00:00:03,000 --> 00:00:04,000\nb\n",
            [(1000, 2000, None, "yesterday: a"), (3000, 4000, None, "b")],
        ),
        ("", []),
    ],
)
def test_srt_of_others_is_read_whole(data: str, expected: list[tuple[int, int, str | None, str]]) -> None:
    assert srt_texts(data) == expected
    assert srt_texts(data.replace("\n", "\r\n")) == expected


def test_srt_texts_that_all_look_like_names_stay_texts() -> None:
    found = Transcript(segments=(line("today: rain"),))
    assert srt_texts(srt.render(found).decode()) == [(0, 1000, None, "today: rain")]


def test_srt_in_cp1252_is_refused_and_then_read_with_its_name() -> None:
    data = "1\n00:00:01,000 --> 00:00:02,000\nmañana\n".encode("cp1252")
    with pytest.raises(TextRefused) as refused:
        srt.parse(data, where="t")
    assert (refused.value.code, "offset 34" in refused.value.what) == ("TEXT_ENCODING", True)
    assert srt.parse(data, where="t", encoding="cp1252").text == "mañana"


def test_text_before_any_time_is_refused_with_its_line() -> None:
    with pytest.raises(FormatRefused) as refused:
        srt.parse(b"1\nhello\n", where="t")
    assert (refused.value.code, refused.value.where) == ("FORMAT_SYNTAX", "t, line 2")


def test_real_srt_files_give_as_many_segments_as_they_have_times(shared: Path) -> None:
    for path in (shared / "annotations").glob("*.srt"):
        data = path.read_bytes()
        assert len(srt.parse(data, where=path.name).segments) == data.count(b"-->") > 0


def test_vtt_is_written_as_browsers_read_it() -> None:
    words = (
        Word(text="ima<ta", span=Span(start_ms=1500, end_ms=1700)),
        Word(text="vamos", span=Span(start_ms=1700, end_ms=2000), language="spa"),
    )
    found = Transcript(segments=(line("ima<ta vamos", 1500, 2000, speaker="Ana & co", language="que", words=words),))
    assert vtt.render(found).decode() == (
        "WEBVTT\n\na1\n00:00:01.500 --> 00:00:02.000\n<v Ana &amp; co><lang que><00:00:01.500><c.w>ima&lt;ta</c> "
        "<00:00:01.700><c.w><lang spa>vamos</lang></c></lang></v>\n"
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("00:01.000 --> 00:02.000\na &lt;3 &amp; b\n", [(None, "a <3 & b")]),
        ("00:01.000 --> 00:02.000\nI <3 you <inaudible> all\n", [(None, "I <3 you <inaudible> all")]),
        ("one\n00:01.000 --> 00:02.000 align:start\n<v.loud Ana>a</v>\n<v Inés>b\n", [("Ana", "a"), ("Inés", "b")]),
        ("NOTE no cue\n\nSTYLE\n::cue {}\n\n00:01.000 --> 00:02.000\n<i>a</i>\nb\n", [(None, "a\nb")]),
        ("00:01.000 --> 00:02.000\n\n00:02.000 --> 00:03.000\nb\n", [(None, ""), (None, "b")]),
        ("00:01,000 --> 00:02,000\na\n", [(None, "a")]),
    ],
)
def test_vtt_of_others_is_read_whole(body: str, expected: list[tuple[str | None, str]]) -> None:
    assert vtt_texts(body) == expected
    assert vtt_texts(body.replace("\n", "\r\n")) == expected


def test_a_language_that_ends_before_the_text_is_not_that_of_the_segment() -> None:
    found = vtt.parse(
        b"WEBVTT\n\n00:01.000 --> 00:02.000\n<lang spa>a</lang> b\n\n00:02.000 --> 00:03.000\n<lang que>c</lang>\n", where="t"
    )
    assert [s.language for s in found.segments] == [None, "que"]


def test_vtt_comments_and_numbers_of_others_are_no_states_and_no_ids() -> None:
    body = (
        "NOTE status good\n\n1\n00:01.000 --> 00:02.000\na\n\nNOTE status approved\n\na4\n00:02.000 --> 00:03.000\n<v Ana>b</v><v Inés>c\n"
    )
    found = vtt.parse(f"WEBVTT\n\n{body}\na4\n00:03.000 --> 00:04.000\nd\n".encode(), where="t")
    assert [(s.text, s.id, s.status) for s in found.segments] == [
        ("a", "", "draft"),
        ("b", "a4", "approved"),
        ("c", "", "approved"),
        ("d", "", "draft"),
    ]
    assert found.foreign["vtt"]["blocks"] == ["NOTE status good"]


def test_vtt_without_its_first_line_is_refused() -> None:
    with pytest.raises(FormatRefused) as refused:
        vtt.parse(b"00:01.000 --> 00:02.000\na\n", where="t")
    assert refused.value.code == "FORMAT_SYNTAX"


def test_webvtt_py_reads_what_we_write(tmp_path: Path) -> None:
    path = tmp_path / "t.vtt"
    path.write_bytes(vtt.render(Transcript(segments=(line("imata", 1500, 2000, speaker="Ana"), line("mana\nari", 2000, 3000)))))
    found = [(c.start, c.end, c.voice, c.text) for c in webvtt.read(str(path))]
    assert found == [("00:00:01.500", "00:00:02.000", "Ana", "imata"), ("00:00:02.000", "00:00:03.000", None, "mana\nari")]


def test_webvtt_py_and_we_find_the_same_cues_in_real_files(shared: Path) -> None:
    for path in (shared / "annotations").glob("*.vtt"):
        theirs = [(c.start_in_seconds, c.text) for c in webvtt.read(str(path))]
        ours = vtt.parse(path.read_bytes(), where=path.name).segments
        assert len(ours) == len(theirs) > 0
        assert {s.speaker for s in ours} == {c.voice for c in webvtt.read(str(path))}


SRT_TURNED = "1\n00:00:01,000 --> 00:00:02,000\na\n\n2\n00:00:05,000 --> 00:00:03,000\nb\n\n3\n00:00:06,500 --> 00:00:07,000\nc\n"


@pytest.mark.parametrize("format", [srt, vtt], ids=["srt", "vtt"])
def test_a_cue_that_ends_before_it_starts_is_repaired_and_the_others_stay(format: Any) -> None:
    """whisperX#56 (139 of one user's 360 files), lhotse#891."""
    text = SRT_TURNED if format is srt else "WEBVTT\n\n" + SRT_TURNED.replace(",", ".")
    findings: list[Finding] = []
    found = format.parse(text.encode(), where="t", findings=findings)
    assert [(s.span.start_ms, s.span.end_ms, s.text) for s in found.segments] == [(1000, 2000, "a"), (5000, 6500, "b"), (6500, 7000, "c")]
    [finding] = findings
    assert (finding.code, "1 cue ends" in finding.what, "5.000 s" in finding.what) == ("FORMAT_TIMES", True, True)
    assert format.parse(format.render(found), where="t").text == "a\nb\nc"


@pytest.mark.parametrize("format", [srt, vtt], ids=["srt", "vtt"])
def test_the_last_cue_and_one_before_an_earlier_cue_get_a_millisecond(format: Any) -> None:
    text = "00:00:05.000 --> 00:00:03.000\na\n\n00:00:04.000 --> 00:00:04.500\nb\n\n00:00:09.000 --> 00:00:08.000\nc\n"
    findings: list[Finding] = []
    found = format.parse((text if format is srt else f"WEBVTT\n\n{text}").encode(), where="t", findings=findings)
    assert [(s.span.start_ms, s.span.end_ms, s.text) for s in found.segments] == [(4000, 4500, "b"), (5000, 5001, "a"), (9000, 9001, "c")]
    assert "2 cues end" in findings[0].what


@pytest.mark.parametrize("format", [srt, vtt], ids=["srt", "vtt"])
@pytest.mark.parametrize(
    "times",
    ["-00:00:01.000 --> 00:00:02.000", "00:00:-1.000 --> 00:00:02.000", "00:00:01.000 --> -00:00:02.000", "00:01.000 --> 00:02.-50"],
)
def test_e8_negative_times_are_refused_and_not_taken_for_text(format: Any, times: str) -> None:
    text = f"00:00:00.000 --> 00:00:01.000\na\n\n{times}\nb\n"
    with pytest.raises(FormatRefused) as refused:
        format.parse((text if format is srt else f"WEBVTT\n\n{text}").encode(), where="t")
    assert (refused.value.code, "line" in refused.value.where) == ("FORMAT_TIMES", True)


def test_what_only_looks_like_a_negative_time_stays_text() -> None:
    assert srt_texts("00:00:00,000 --> 00:00:01,000\n- no --> yes\n--> -5\n") == [(0, 1000, None, "- no --> yes\n--> -5")]


def test_whole_files_have_nothing_to_repair(shared: Path) -> None:
    findings: list[Finding] = []
    for path in (shared / "annotations").iterdir():
        if path.suffix in (".srt", ".vtt"):
            (srt if path.suffix == ".srt" else vtt).parse(path.read_bytes(), where=path.name, findings=findings)
    assert findings == []


def test_a_repaired_cue_is_never_without_length() -> None:
    text = "00:00:05,000 --> 00:00:03,000\na\n\n00:00:05,000 --> 00:00:06,000\nb\n"
    assert srt_texts(text) == [(5000, 5001, None, "a"), (5000, 6000, None, "b")]
