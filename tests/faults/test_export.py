"""FAULTS.md, part E (export and annotation files) and X10 to X13 (the text in them)."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path

import pytest

from speech import formats
from speech.errors import FormatRefused, Refusal, TextRefused
from speech.formats.eaf import EafFile
from speech.types import Segment, Span, Transcript, Word

EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2020-01-01T00:00:00Z" FORMAT="3.0" VERSION="3.0"><HEADER/>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="900"/></TIME_ORDER>
<TIER TIER_ID="A" LINGUISTIC_TYPE_REF="utt"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
<ANNOTATION_VALUE>imata</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
<TIER TIER_ID="B" PARENT_REF="A" LINGUISTIC_TYPE_REF="sym"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a2" ANNOTATION_REF="a1">
<ANNOTATION_VALUE>what</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="utt" TIME_ALIGNABLE="true"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="sym" TIME_ALIGNABLE="false" CONSTRAINTS="Symbolic_Association"/>
<CONSTRAINT STEREOTYPE="Symbolic_Association"/></ANNOTATION_DOCUMENT>"""


def spoken(text: str = "imata munanki", **more: object) -> Transcript:
    segment = Segment(span=Span(start_ms=100, end_ms=900), text=text, **more)  # type: ignore[arg-type]  # fields of a segment
    return Transcript(segments=(segment,))


def with_words() -> Transcript:
    words = (Word(text="imata", span=Span(start_ms=100, end_ms=400), confidence=0.5), Word(text="munanki", language="spa"))
    return spoken(words=words, language="que")


def refusal_of(data: str | bytes, name: str = "eaf") -> Refusal:
    with pytest.raises(Refusal) as refused:
        formats.by_name(name).parse(data.encode() if isinstance(data, str) else data, where="tape.eaf")
    assert refused.value.where.startswith("tape.eaf")
    return refused.value


@pytest.mark.parametrize("name", formats.names())
def test_e1_another_file_is_not_overwritten_and_the_same_is_no_fault(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"a{formats.by_name(name).SUFFIXES[0]}"
    formats.save(spoken(), path)
    before = (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino)
    formats.save(spoken(), path)
    assert (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) == before
    other = Transcript(segments=(Segment(span=Span(start_ms=0, end_ms=7), text="mana"),))
    with pytest.raises(FormatRefused) as refused:
        formats.save(other, path)
    assert refused.value.code == "FORMAT_EXISTS"
    assert "--force" in refused.value.mend
    assert (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) == before
    backup = formats.free_name(path)
    assert backup.name == f"{path.stem}.1{path.suffix}" and backup.name in refused.value.mend
    formats.save(other, path, force=True)
    assert backup.read_bytes() == before[0]
    assert len(list(tmp_path.iterdir())) == 2


def test_e1_a_file_changed_since_it_was_read_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.eaf"
    path.write_text(EAF)
    file = EafFile.from_bytes(path.read_bytes(), where="a.eaf")
    file.set_value("a1", "mana")
    path.write_text(EAF.replace("imata", "by hand"))
    with pytest.raises(FormatRefused) as refused:
        formats.put_edited(file.to_bytes(), path, read_sha256=file.sha256)
    assert refused.value.code == "FORMAT_CHANGED"
    assert path.read_text() == EAF.replace("imata", "by hand")
    path.write_text(EAF)
    formats.put_edited(file.to_bytes(), path, read_sha256=hashlib.sha256(EAF.encode()).hexdigest())
    assert EafFile.from_bytes(path.read_bytes()).annotations("A")[0].text == "mana"


def test_e2_what_a_format_cannot_hold_is_counted_and_strict_refuses(tmp_path: Path) -> None:
    findings = formats.save(with_words(), tmp_path / "a.srt")
    assert [f.code for f in findings] == ["FORMAT_LOSS"]
    assert "2 words of their own" in findings[0].what
    assert "1 languages of segments" in findings[0].what
    with pytest.raises(FormatRefused) as refused:
        formats.save(with_words(), tmp_path / "b.srt", strict=True)
    assert refused.value.code == "FORMAT_LOSS"
    assert not (tmp_path / "b.srt").exists()


@pytest.mark.parametrize("name", ["a.eaf", "a.json"])
def test_e2_formats_that_hold_all_save_strictly_without_a_word(tmp_path: Path, name: str) -> None:
    assert formats.save(with_words(), tmp_path / name, strict=True) == []


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE x>",
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
        '<!-- c --> <?p i?>\n<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_e3_a_doctype_is_refused_and_nothing_loaded(doctype: str, encoding: str) -> None:
    text = EAF.replace("UTF-8", encoding.upper()).replace("\n<ANNOTATION_DOCUMENT", f"\n{doctype}<ANNOTATION_DOCUMENT", 1)
    assert refusal_of(text.replace("imata", "&a;").encode(encoding)).code == "FORMAT_DOCTYPE"


def test_e3_a_billion_laughs_are_refused_at_once() -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    started = time.monotonic()
    assert refusal_of(f'<!DOCTYPE x [<!ENTITY l0 "ha">{entities}]>' + EAF.partition("?>")[2].strip()).code == "FORMAT_DOCTYPE"
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (EAF.replace("</TIER>", "", 1), True),
        (EAF[:600], True),
        ("", False),
        ("not xml", True),
        (EAF.replace("imata", "&undefined;"), True),
        (EAF.replace("imata", "a\x0bb"), True),
        ("<ANNOTATION_DOCUMENT/>", False),
        (EAF.replace("imata", "<x>" * 300 + "</x>" * 300), True),
        (EAF.replace("imata", "a" * 11_000_000), True),
    ],
    ids=["open tag", "cut", "empty", "text", "entity", "control", "bare", "depth 300", "11 MB"],
)
def test_e4_broken_xml_is_refused_with_its_line(data: str, line: bool) -> None:
    refused = refusal_of(data)
    assert refused.code == "FORMAT_XML"
    assert not line or ", line " in refused.where


def test_e4_a_wrong_declaration_is_refused() -> None:
    assert refusal_of(EAF.replace("imata", "mañana").encode("latin-1")).code == "FORMAT_XML"
    assert refusal_of(EAF.replace('"UTF-8"', '"KLINGON"')).code == "FORMAT_XML"


BROKEN = [
    EAF.replace('TIME_SLOT_REF2="ts2"', 'TIME_SLOT_REF2="ts9"'),
    EAF.replace('ANNOTATION_ID="a2"', 'ANNOTATION_ID="a1"'),
    EAF.replace('TIME_SLOT_ID="ts2"', 'TIME_SLOT_ID="ts1"'),
]
OFF_THE_TIERS = [
    EAF.replace('ANNOTATION_REF="a1"', 'ANNOTATION_REF="a9"'),
    EAF.replace('ANNOTATION_REF="a1"', 'ANNOTATION_REF="a2"'),
    EAF.replace('PARENT_REF="A"', 'PARENT_REF="Z"'),
    EAF.replace('PARENT_REF="A"', 'PARENT_REF="B"'),
    EAF.replace('ANNOTATION_REF="a1"', 'ANNOTATION_REF="a1" CVE_REF="cve7"'),
]


@pytest.mark.parametrize("data", BROKEN, ids=["slot", "double id", "double slot"])
def test_e5_broken_references_on_the_tiers_in_use_are_refused(data: str) -> None:
    assert refusal_of(data).code == "FORMAT_REFERENCE"


@pytest.mark.parametrize("data", OFF_THE_TIERS, ids=["parent id", "own parent", "no tier", "tier circle", "vocabulary"])
def test_e5_broken_references_elsewhere_are_told_and_kept(data: str) -> None:
    file = EafFile.from_bytes(data.encode(), where="tape.eaf")
    if "CVE_REF" in data or "PARENT_REF" not in data:
        assert file.findings()
    assert EafFile.from_bytes(file.to_bytes()).to_bytes() == file.to_bytes()
    assert formats.by_name("eaf").parse(data.encode(), where="t").text == "imata"
    if 'ANNOTATION_REF="a1"' not in data:
        with pytest.raises(FormatRefused) as refused:
            file.annotations("B")
        assert refused.value.code == "FORMAT_REFERENCE"


@pytest.mark.parametrize("data", OFF_THE_TIERS)
def test_e5_every_broken_reference_is_a_finding(data: str) -> None:
    codes = {f.code for f in EafFile.from_bytes(data.encode(), where="t").findings()}
    assert codes == {"FORMAT_REFERENCE"}
    assert EafFile.from_bytes(EAF.encode(), where="t").findings() == []


def test_e6_what_is_newer_than_3_0_is_kept_and_told() -> None:
    data = EAF.replace('FORMAT="3.0"', 'FORMAT="3.2"').replace(
        "</ANNOTATION_DOCUMENT>", '<HOLOGRAM DEPTH="3">x</HOLOGRAM></ANNOTATION_DOCUMENT>'
    )
    file = EafFile.from_bytes(data.encode(), where="t")
    assert [(f.code, "HOLOGRAM" in f.what) for f in file.findings()] == [("FORMAT_NEWER", True)]
    assert b'<HOLOGRAM DEPTH="3">x</HOLOGRAM>' in file.to_bytes()


@pytest.mark.parametrize("word", ["=cmd|'/c calc'!A1", "-->", "</v>", "<v Ana>", '"', "a\tb", "a\nb", "a\n\nb", "&lt;", "'=", "Ana: b"])
@pytest.mark.parametrize("name", formats.names())
def test_e7_signs_with_a_meaning_of_their_own_are_guarded_and_read_back(tmp_path: Path, name: str, word: str) -> None:
    transcript = spoken(
        f"{word} x", words=(Word(text=word, span=Span(start_ms=100, end_ms=400)), Word(text="x", span=Span(start_ms=400, end_ms=900)))
    )
    path = tmp_path / "a"
    if name == "srt" and "-->" in word:
        with pytest.raises(FormatRefused) as refused:
            formats.save(transcript, path, format=name)
        assert (refused.value.code, "segment 1" in refused.value.where) == ("FORMAT_TEXT", True)
        return
    formats.save(transcript, path, format=name)
    text = formats.read(path, format=name).text
    plain = {"rttm": "", "txt": f"{word} x".replace("\n", " "), "srt": f"{word} x".replace("\n\n", " ")}
    assert text == plain.get(name, f"{word} x")


@pytest.mark.parametrize("span", [(-1, 5), (5, 2**32), (9, 5)])
@pytest.mark.parametrize("name", formats.names())
def test_e8_times_no_format_can_hold_are_refused(name: str, span: tuple[int, int]) -> None:
    with pytest.raises(FormatRefused) as refused:
        formats.by_name(name).render(Transcript(segments=(Segment(span=Span(start_ms=span[0], end_ms=span[1]), text="a"),)))
    assert refused.value.code == "FORMAT_TIMES"


@pytest.mark.parametrize("name", formats.names())
def test_e8_words_over_20_ms_out_of_their_segment_are_refused(name: str) -> None:
    for end, fits in ((920, True), (921, False)):
        transcript = spoken("a", words=(Word(text="a", span=Span(start_ms=100, end_ms=end)),))
        if fits:
            assert formats.by_name(name).render(transcript)
            continue
        with pytest.raises(FormatRefused) as refused:
            formats.by_name(name).render(transcript)
        assert (refused.value.code, "segment 1" in refused.value.where) == ("FORMAT_TIMES", True)


TEXTUAL = {
    "srt": "1\n00:00:00,100 --> 00:00:00,900\nñu\u2028ka\n",
    "vtt": "WEBVTT\n\n00:00:00.100 --> 00:00:00.900\nñu\u2028ka\n",
    "csv": "start_ms,end_ms,text\n100,900,ñu\u2028ka\n",
    "txt": "ñu\u2028ka\n",
    "textgrid": 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n1\n<exists>\n1\n"IntervalTier"\n"A"\n'
    '0\n1\n1\n0.1\n0.9\n"ñu\u2028ka"\n',
    "json": '{"schema": "speech-transcript/1",\n"segments": [{"start_ms": 100, "end_ms": 900, "text": "ñu\u2028ka"}]}',
}


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", TEXTUAL)
def test_x10_marks_and_all_line_ends_are_read_and_u2028_is_none(name: str, encoding: str, ends: str) -> None:
    data = TEXTUAL[name].replace("\n", ends).encode(encoding)
    assert [s.text for s in formats.by_name(name).parse(data, where="t").segments] == ["ñu\u2028ka"]


@pytest.mark.parametrize("encoding", ["latin-1", "mac-roman", "utf-16-le"])
@pytest.mark.parametrize("name", TEXTUAL)
def test_x11_other_encodings_are_refused_by_offset_and_guess(name: str, encoding: str) -> None:
    data = TEXTUAL[name].replace("\u2028", "á").encode(encoding)
    refused = refusal_of(data, name)
    assert refused.code == "TEXT_ENCODING"
    assert "offset" in refused.what and f"--encoding {encoding}" in refused.mend
    assert formats.by_name(name).parse(data, where="t", encoding=encoding).text == "ñuáka"


def test_x12_half_a_letter_in_json_is_refused_with_line_and_offset() -> None:
    refused = refusal_of(TEXTUAL["json"].replace("ñ", "\\ud800"), "json")
    assert (refused.code, refused.where) == ("TEXT_SURROGATE", "tape.eaf, line 2")
    assert "offset" in refused.what


@pytest.mark.parametrize("sign", ["\0", "\x0b", "\x1b"])
@pytest.mark.parametrize("name", TEXTUAL)
def test_x13_control_characters_are_refused_in_reading(name: str, sign: str) -> None:
    shown = f"\\u{ord(sign):04x}" if name == "json" else sign
    refused = refusal_of(TEXTUAL[name].replace("\u2028", shown), name)
    assert refused.code == "TEXT_CONTROL"


@pytest.mark.parametrize(
    ("sign", "code"), [("\0", "TEXT_CONTROL"), ("\x0b", "TEXT_CONTROL"), ("\ufffe", "TEXT_CONTROL"), ("\udc80", "TEXT_SURROGATE")]
)
@pytest.mark.parametrize("name", formats.names())
def test_x13_every_writer_refuses_them_with_the_segment(tmp_path: Path, name: str, sign: str, code: str) -> None:
    fine = spoken("mana").segments[0]
    later = Span(start_ms=1000, end_ms=1500)
    for broken in (
        replace(fine, span=later, text=f"a{sign}"),
        replace(fine, span=later, speaker=f"S{sign}"),
        replace(fine, span=later, notes=(sign,)),
    ):
        with pytest.raises(TextRefused) as refused:
            formats.save(Transcript(segments=(broken, fine)), tmp_path / "a", format=name)
        assert (refused.value.code, "segment 2" in refused.value.where) == (code, True)
        assert "mana" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []
