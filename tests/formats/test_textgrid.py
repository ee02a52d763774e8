"""TextGrid: real files kept byte for byte, praatio as the second reader, Praat's odd ways."""

from __future__ import annotations

from pathlib import Path

import pytest
from praatio import textgrid as praatio
from praatio.utilities.errors import TextgridStateError

from speech.errors import FormatRefused, TextRefused
from speech.formats import textgrid
from speech.types import Point, Segment, Span, Transcript, Word

SHORT = (
    'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n2.5\n<exists>\n1\n"IntervalTier"\n"Ana"\n0\n2.5\n2\n'
    '0\n1.2345\n"a ""b""\nxmin = 5"\n1.2345\n2.5\n""\n'
)
LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2.5
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "Ana"
        xmin = 0
        xmax = 2.5
        intervals: size = 2
        intervals [1]:
            xmin = 0
            xmax = 1.2345
            text = "a ""b""
xmin = 5"
        intervals [2]:
            xmin = 1.2345
            xmax = 2.5
            text = ""
"""


def simple() -> Transcript:
    words = (
        Word(text="imata", span=Span(start_ms=100, end_ms=400), confidence=0.9),
        Word(text="munanki", span=Span(start_ms=400, end_ms=900)),
    )
    segments = (
        Segment(span=Span(start_ms=100, end_ms=900), text="imata munanki", speaker="S1", words=words),
        Segment(span=Span(start_ms=500, end_ms=1500), text='sí "claro"', speaker="S1"),
        Segment(span=Span(start_ms=1000, end_ms=1700), text="mana", speaker="S2"),
    )
    return Transcript(segments=segments, points=(Point(time_ms=250, label="click", tier="noise"),))


@pytest.mark.parametrize("text", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_both_forms_in_any_marked_encoding_read_the_same(text: str, encoding: str) -> None:
    found = textgrid.parse(text.encode(encoding), where="t")
    assert [(s.speaker, s.span, s.text) for s in found.segments] == [("Ana", Span(start_ms=0, end_ms=1235), 'a "b"\nxmin = 5')]


def test_a_comment_between_the_numbers_is_passed_over() -> None:
    assert textgrid.parse(SHORT.replace("<exists>", "<exists> ! 12 tiers").encode(), where="t").segments[0].speaker == "Ana"


def test_every_real_file_is_kept_byte_for_byte(shared: Path) -> None:
    files = sorted((shared / "annotations").glob("*.TextGrid"))
    assert len(files) == 17
    for path in files:
        data = path.read_bytes()
        assert textgrid.TextGridFile.from_bytes(data, where=path.name).to_bytes() == data


def test_real_files_give_praatios_intervals(shared: Path) -> None:
    refused = []
    for path in sorted((shared / "annotations").glob("*.TextGrid")):
        ours = textgrid.TextGridFile.from_bytes(path.read_bytes(), where=path.name).tiers
        if len({t.name for t in ours}) < len(ours):
            continue
        try:
            theirs = praatio.openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="silence")
        except TextgridStateError:  # it refuses files whose intervals overlap by 0.1 microseconds
            refused.append(path.name)
            continue
        assert [t.name for t in ours] == list(theirs.tierNames)
        for tier in ours:
            labels = [e[-1] for e in theirs.getTier(tier.name).entries]
            assert [m.text.strip() for m in tier.marks] == labels or len(labels) != len(tier.marks)
            times = {m.text.strip(): m.start_ms for m in tier.marks}
            for entry in theirs.getTier(tier.name).entries:
                if labels.count(entry[-1]) == 1 and entry[-1] in times:
                    assert abs(times[entry[-1]] - entry[0] * 1000) <= 0.5
    assert set(refused) <= {"kg_long_format.TextGrid", "kg_short_format.TextGrid"}


def test_a_changed_text_changes_nothing_else() -> None:
    file = textgrid.TextGridFile.from_bytes(LONG.encode("utf-16"), where="t")
    file.set_text(file.tiers[0].marks[1].token, 'new "word"')
    assert file.to_bytes() == LONG.replace('text = ""\n', 'text = "new ""word"""\n').encode("utf-16")


def test_praatio_reads_what_we_write(tmp_path: Path) -> None:
    path = tmp_path / "t.TextGrid"
    path.write_bytes(textgrid.render(simple()))
    grid = praatio.openTextgrid(str(path), includeEmptyIntervals=False, reportingMode="error")
    assert [tuple(e) for e in grid.getTier("S1").entries] == [(0.1, 0.9, "imata munanki")]
    assert [tuple(e) for e in grid.getTier("S1 (2)").entries] == [(0.5, 1.5, 'sí "claro"')]
    assert [tuple(e) for e in grid.getTier("S1 [words]").entries] == [(0.1, 0.4, "imata"), (0.4, 0.9, "munanki")]
    assert [tuple(e) for e in grid.getTier("S1 [words confidence]").entries] == [(0.1, 0.4, "0.9")]
    assert [tuple(e) for e in grid.getTier("S2").entries] == [(1.0, 1.7, "mana")]
    assert [tuple(e) for e in grid.getTier("noise").entries] == [(0.25, "click")]


def test_we_read_what_praatio_writes(tmp_path: Path) -> None:
    path, again = tmp_path / "t.TextGrid", tmp_path / "again.TextGrid"
    path.write_bytes(textgrid.render(simple()))
    grid = praatio.openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="error")
    for form in ("short_textgrid", "long_textgrid"):
        grid.save(str(again), format=form, includeBlankSpaces=True)
        assert textgrid.kept(textgrid.parse(again.read_bytes(), where="t")) == textgrid.kept(simple())


def test_a_moved_border_takes_its_words_along_by_their_middle() -> None:
    data = textgrid.render(simple()).replace(b"xmin = 0.1\n            xmax = 0.9", b"xmin = 0.15\n            xmax = 0.9")
    words = textgrid.parse(data.replace(b"xmax = 0.1\n", b"xmax = 0.15\n", 1), where="t").segments[0].words
    assert [(w.text, w.confidence) for w in words] == [("imata", 0.9), ("munanki", None)]


def test_empty_tiers_and_no_tiers_are_read() -> None:
    assert textgrid.parse(textgrid.render(Transcript()), where="t").segments == ()
    assert textgrid.parse(b'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n1\n<absent>\n', where="t").segments == ()


@pytest.mark.parametrize(
    "data",
    [
        b"ooBinaryFile\x08TextGrid\x00\x00",
        b"",
        b'"Praat chronological TextGrid text file"\n0 1 ! Time domain.\n',
        SHORT.encode()[:120],
        LONG.replace("size = 2", "size = 3").encode(),
        LONG.replace("size = 2", "size = 99999999999").encode(),
        LONG.replace('"IntervalTier"', '"PitchTier"').encode(),
        LONG.replace("xmax = 1.2345", "xmax = --undefined--").encode(),
    ],
)
def test_what_is_no_whole_textgrid_is_refused(data: bytes) -> None:
    with pytest.raises(FormatRefused) as refused:
        textgrid.parse(data, where="t")
    assert refused.value.code == "FORMAT_SYNTAX"


def test_an_interval_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(FormatRefused) as refused:
        textgrid.parse(SHORT.replace("\n1.2345\n", "\n-1\n", 1).encode(), where="t")
    assert refused.value.code == "FORMAT_TIMES"


def test_an_old_mac_file_is_refused_with_the_encoding_to_give() -> None:
    data = SHORT.replace("a ", "é à ñ ").encode("mac-roman")
    with pytest.raises(TextRefused) as refused:
        textgrid.parse(data, where="t")
    assert refused.value.code == "TEXT_ENCODING"
    assert "--encoding mac-roman" in refused.value.mend
    assert textgrid.parse(data, where="t", encoding="mac-roman").segments[0].text.startswith("é à ñ")


CHRONOLOGICAL = '''"Praat chronological TextGrid text file"
0 2.3   ! Time domain.
3   ! Number of tiers.
"IntervalTier" "Mary" 0 2.3
"IntervalTier" "Jo ""hn""" 0 2.3
"TextTier" "bell" 0 2.3

! Mary:
1 0 0.7
"hi, 1 2
xmin = 5"

! John:
2 0 2.3
""

! bell:
3 1.1
"ding"

! Mary:
1 0.7 2.3
"she said ""yes"""
'''
"""As Praat's manual shows the form (TextGrid file formats), with what makes it hard."""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_chronological_form_is_read(encoding: str) -> None:
    found = textgrid.parse(CHRONOLOGICAL.encode(encoding), where="t")
    assert [(s.speaker, s.span.start_ms, s.span.end_ms, s.text) for s in found.segments] == [
        ("Mary", 0, 700, "hi, 1 2\nxmin = 5"),
        ("Mary", 700, 2300, 'she said "yes"'),
    ]
    assert [(p.time_ms, p.label, p.tier) for p in found.points] == [(1100, "ding", "bell")]
    file = textgrid.TextGridFile.from_bytes(CHRONOLOGICAL.encode(encoding), where="t")
    assert file.span_ms == (0, 2300)
    assert [(t.name, t.points, len(t.marks)) for t in file.tiers] == [("Mary", False, 2), ('Jo "hn"', False, 1), ("bell", True, 1)]


def test_one_text_of_the_chronological_form_is_changed_alone() -> None:
    file = textgrid.TextGridFile.from_bytes(CHRONOLOGICAL.encode(), where="t")
    file.set_text(file.tiers[2].marks[0].token, 'dong "2"')
    assert file.to_bytes() == CHRONOLOGICAL.replace('"ding"', '"dong ""2"""').encode()


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("3 1.1\n", "4 1.1\n", "no tier 4"),
        ("3 1.1\n", "0 1.1\n", "no tier 0"),
        ("2 0 2.3\n", "2 0\n", "number is due"),
        ('"TextTier"', '"Tier"', "neither of intervals nor of points"),
        ("3   ! Number", "9   ! Number", "string is due"),
        ('"ding"', "", "string is due"),
    ],
)
def test_a_broken_chronological_form_is_refused_with_its_line(old: str, new: str, what: str) -> None:
    with pytest.raises(FormatRefused) as refused:
        textgrid.parse(CHRONOLOGICAL.replace(old, new, 1).encode(), where="t")
    assert (refused.value.code, what in refused.value.what, "line" in refused.value.where) == ("FORMAT_SYNTAX", True, True)


def chronological(tiers: list[textgrid.GridTier]) -> str:
    """Tiers as Praat saves them in order of time (written from its manual, not by our code)."""
    rows = ['"Praat chronological TextGrid text file"', "0 9999 ! Time domain.", f"{len(tiers)} ! Number of tiers."]
    doubled = [t.name.replace('"', '""') for t in tiers]
    rows += [f'"{"TextTier" if t.points else "IntervalTier"}" "{name}" 0 9999' for t, name in zip(tiers, doubled, strict=True)]
    marks = sorted(((m.start_ms, n, m) for n, t in enumerate(tiers, 1) for m in t.marks), key=lambda row: row[:2])
    for _, number, mark in marks:
        end = "" if tiers[number - 1].points else f" {mark.end_ms / 1000!r}"
        text = mark.text.replace('"', '""')
        rows += ["", f"! {number}:", f"{number} {mark.start_ms / 1000!r}{end}", f'"{text}"']
    return "\n".join(rows) + "\n"


def test_real_files_say_the_same_in_chronological_form(shared: Path) -> None:
    for path in sorted((shared / "annotations").glob("*.TextGrid")):
        tiers = textgrid.TextGridFile.from_bytes(path.read_bytes(), where=path.name).tiers
        again = textgrid.TextGridFile.from_bytes(chronological(tiers).encode(), where=path.name).tiers
        assert [[(m.start_ms, m.end_ms, m.text) for m in t.marks] for t in again] == [
            [(m.start_ms, m.end_ms, m.text) for m in t.marks] for t in tiers
        ]
        assert [(t.name, t.points) for t in again] == [(t.name, t.points) for t in tiers]
