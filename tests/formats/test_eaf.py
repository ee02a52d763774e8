"""EAF: real files kept, edits of one place, and our own against ELAN's schema and pympi."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pympi
import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from speech.errors import FormatRefused, TextRefused
from speech.formats import eaf
from speech.formats.eaf import EafFile
from speech.types import Coverage, Point, Recording, Segment, Span, Speaker, Transcript, Translation, Word
from tests.conftest import SHARED
from tests.strategies import transcripts

CONSTRUCTED = """<?xml version="1.0" encoding="UTF-8"?>
<!-- by hand -->
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2020-01-01T00:00:00Z" FORMAT="3.0" VERSION="3.0">
<LICENSE>free</LICENSE>
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
<MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/Users/x/a%20b.wav" MIME_TYPE="audio/x-wav" TIME_ORIGIN="100"/>
<PROPERTY NAME="lastUsedAnnotationId">a7</PROPERTY></HEADER>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="slot9" TIME_VALUE="3000"/><TIME_SLOT TIME_SLOT_ID="slot1" TIME_VALUE="1000"/>
<TIME_SLOT TIME_SLOT_ID="m1"/><TIME_SLOT TIME_SLOT_ID="m2"/><TIME_SLOT TIME_SLOT_ID="unused"/></TIME_ORDER>
<TIER TIER_ID="K-Spch" LINGUISTIC_TYPE_REF="utt" LANG_REF="que">
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="ann_x" TIME_SLOT_REF1="slot1" TIME_SLOT_REF2="slot9"
 ><ANNOTATION_VALUE>ima<!-- sic -->ta
mana </ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
<TIER TIER_ID="K-Words" LINGUISTIC_TYPE_REF="words" PARENT_REF="K-Spch">
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="w1" TIME_SLOT_REF1="slot1" TIME_SLOT_REF2="m1"
><ANNOTATION_VALUE>a</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="w2" TIME_SLOT_REF1="m1" TIME_SLOT_REF2="m2"
><ANNOTATION_VALUE>b</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="w3" TIME_SLOT_REF1="m2" TIME_SLOT_REF2="slot9"
><ANNOTATION_VALUE>c</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
<TIER TIER_ID="K-Parts" LINGUISTIC_TYPE_REF="parts" PARENT_REF="K-Spch">
<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="p2" ANNOTATION_REF="ann_x" PREVIOUS_ANNOTATION="p1"
><ANNOTATION_VALUE>y</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="p1" ANNOTATION_REF="ann_x"
><ANNOTATION_VALUE>x</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>
<TIER TIER_ID="K-Gloss" LINGUISTIC_TYPE_REF="gloss" PARENT_REF="K-Parts">
<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="g2" ANNOTATION_REF="p2"
><ANNOTATION_VALUE>G</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="utt" TIME_ALIGNABLE="true"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="words" TIME_ALIGNABLE="true" CONSTRAINTS="Time_Subdivision"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="parts" TIME_ALIGNABLE="false" CONSTRAINTS="Symbolic_Subdivision"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="gloss" TIME_ALIGNABLE="false" CONSTRAINTS="Symbolic_Association"/>
<LOCALE LANGUAGE_CODE="en"/><LANGUAGE LANG_ID="que"/>
<CONSTRAINT STEREOTYPE="Time_Subdivision"/><CONSTRAINT STEREOTYPE="Symbolic_Subdivision"/><CONSTRAINT STEREOTYPE="Symbolic_Association"/>
<REF_LINK_SET LINK_SET_ID="ls"><CROSS_REF_LINK REF_LINK_ID="a8" REF1="p1" REF2="p2"/></REF_LINK_SET>
</ANNOTATION_DOCUMENT>"""


def canonical(data: bytes, method: str = "c14n2") -> bytes:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return bytes(etree.tostring(etree.fromstring(data, parser).getroottree(), method=method))


def schema(shared: Path, version: str = "3.0") -> Any:
    return etree.XMLSchema(etree.parse(str(shared / "formats" / f"EAFv{version}.xsd")))


def real_files(shared: Path, chapters: int = 19) -> Iterator[tuple[str, bytes]]:
    for path in sorted((shared / "annotations").glob("*.eaf")):
        yield path.name, path.read_bytes()
    for path in sorted((shared / "speech" / "open" / "que_killkan_eaf").glob("*.eaf.gz"))[:chapters]:
        yield path.name, gzip.decompress(path.read_bytes())


def constructed() -> EafFile:
    return EafFile.from_bytes(CONSTRUCTED.encode(), where="t.eaf")


def simple() -> Transcript:
    words = (
        Word(text="imata", span=Span(start_ms=100, end_ms=400), confidence=0.9),
        Word(text="munanki", span=Span(start_ms=400, end_ms=900)),
    )
    segments = (
        Segment(
            span=Span(start_ms=100, end_ms=900),
            text="imata munanki",
            speaker="S1",
            language="que",
            words=words,
            translations=(Translation(language="spa", text="¿qué quieres?"),),
        ),
        Segment(span=Span(start_ms=500, end_ms=1500), text="sí", speaker="S1", confidence=0.25),
        Segment(span=Span(start_ms=900, end_ms=1000), speaker="S2", status="approved"),
    )
    return Transcript(
        recording=Recording(path="a b.wav", duration_ms=2000),
        speakers=(Speaker(id="S1", person="P07"),),
        segments=segments,
        points=(Point(time_ms=250, label="click", tier="noise"),),
        coverage=Coverage(duration_ms=2000, speech_ms=1400, silence_ms=600, transcribed_ms=1400),
    )


def test_every_real_file_is_read_and_written_canonically_equal(shared: Path) -> None:
    count = 0
    for name, data in real_files(shared):
        # The second method is written in C; the newer one, in Python, takes seconds a chapter.
        method = "c14n2" if count < 16 else "c14n"
        assert canonical(EafFile.from_bytes(data, where=name).to_bytes(), method) == canonical(data, method), name
        count += 1
    assert count == 14 + 19


def _one_value_changes(shared: Path, chapters: int) -> None:
    for name, data in real_files(shared, chapters):
        file = EafFile.from_bytes(data, where=name)
        tier = next(t for t in file.tiers() if t.count)
        chosen = file.annotations(tier.id)[-1].id
        file.set_value(chosen, "ŋ́ & <b>\n'")
        before, after = (list(etree.fromstring(d).iter()) for d in (data, file.to_bytes()))
        assert [e.tag for e in before] == [e.tag for e in after]
        assert [(dict(e.attrib), e.tail) for e in before] == [(dict(e.attrib), e.tail) for e in after]
        changed = [(a, b) for a, b in zip(before, after, strict=True) if a.text != b.text]
        assert [(b.text, b.xpath("string(../@ANNOTATION_ID)")) for _, b in changed] == [("ŋ́ & <b>\n'", chosen)]


def test_changing_one_value_of_a_real_file_changes_one_text_node(shared: Path) -> None:
    _one_value_changes(shared, 3)


@pytest.mark.slow
def test_changing_one_value_of_every_real_file_changes_one_text_node(shared: Path) -> None:
    _one_value_changes(shared, 19)


def test_every_real_file_becomes_a_transcript_and_a_valid_eaf(shared: Path) -> None:
    valid = schema(shared)
    for name, data in real_files(shared):
        transcript = eaf.parse(data, where=name)
        assert transcript.segments
        valid.assertValid(etree.fromstring(eaf.render(transcript)).getroottree())
    chapter = gzip.decompress((shared / "speech/open/que_killkan_eaf/Chapter01.eaf.gz").read_bytes())
    table = (shared / "speech/open/que_killkan_long/Chapter01.sentences.tsv").read_text(encoding="utf-8").splitlines()[1:]
    assert len(eaf.parse(chapter, where="c").segments) == len(table)


@pytest.mark.skipif(not SHARED.exists(), reason="the schema lies beside the checkout")
@given(transcript=transcripts())
@settings(max_examples=50, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_what_is_written_fits_elans_schema(transcript: Transcript) -> None:
    tree = etree.fromstring(eaf.render(transcript)).getroottree()
    schema(SHARED).assertValid(tree)
    by_tier: dict[str, list[tuple[int, int]]] = {}
    file = EafFile.from_bytes(etree.tostring(tree))
    for tier in file.tiers():
        by_tier[tier.id] = [(a.span.start_ms, a.span.end_ms) for a in file.annotations(tier.id)]
        if tier.alignable:
            assert all(a[1] <= b[0] for a, b in zip(by_tier[tier.id], by_tier[tier.id][1:], strict=False)), "overlap inside a tier"
    for tier in file.tiers():
        if tier.stereotype == "Included_In":
            outer = by_tier[tier.parent or ""]
            assert all(any(o[0] <= a[0] <= a[1] <= o[1] for o in outer) for a in by_tier[tier.id])


def test_pympi_finds_tiers_words_and_references_in_what_we_write(tmp_path: Path) -> None:
    path = tmp_path / "t.eaf"
    path.write_bytes(eaf.render(simple()))
    found = pympi.Elan.Eaf(str(path))
    assert found.get_annotation_data_for_tier("S1") == [(100, 900, "imata munanki")]
    assert found.get_annotation_data_for_tier("S1 (2)") == [(500, 1500, "sí")]
    assert found.get_annotation_data_for_tier("S2") == [(900, 1000, "")]
    assert sorted(found.get_annotation_data_for_tier("S1 [words]")) == [(100, 400, "imata"), (400, 900, "munanki")]
    assert [d[:3] for d in found.get_ref_annotation_data_for_tier("S1 [translation spa]")] == [(100, 900, "¿qué quieres?")]
    assert found.get_parameters_for_tier("S1")["PARTICIPANT"] == "P07"
    assert found.get_linked_files()[0]["RELATIVE_MEDIA_URL"] == "./a%20b.wav"


def test_we_read_a_plain_file_of_pympi(tmp_path: Path) -> None:
    made = pympi.Elan.Eaf(author="x")
    made.add_tier("Ana", part="P01")
    made.add_annotation("Ana", 100, 900, "imata & <munanki>")
    made.to_file(str(tmp_path / "p.eaf"))
    found = eaf.parse((tmp_path / "p.eaf").read_bytes(), where="p")
    assert [(s.span, s.speaker, s.text) for s in found.segments] == [(Span(start_ms=100, end_ms=900), "P01", "imata & <munanki>")]


def test_a_file_without_our_tiers_gives_its_top_tiers_with_media_times() -> None:
    found = eaf.parse(CONSTRUCTED.encode(), where="t.eaf")
    assert [(s.span, s.text, s.speaker, s.language, s.id) for s in found.segments] == [
        (Span(start_ms=1100, end_ms=3100), "imata\nmana ", "K-Spch", "que", "ann_x")
    ]
    assert found.recording.path == "C:/Users/x/a b.wav"
    assert [t["id"] for t in found.foreign["eaf"]["tiers"]] == ["K-Spch", "K-Words", "K-Parts", "K-Gloss"]


def test_missing_and_symbolic_times_are_divided_and_marked() -> None:
    file = constructed()
    found = {a.id: (a.span.start_ms, a.span.end_ms, a.estimated) for t in file.tiers() for a in file.annotations(t.id)}
    assert found == {
        "ann_x": (1000, 3000, False),
        "w1": (1000, 1666, True),
        "w2": (1666, 2333, True),
        "w3": (2333, 3000, True),
        "p1": (1000, 2000, True),
        "p2": (2000, 3000, True),
        "g2": (2000, 3000, True),
    }
    assert canonical(file.to_bytes()) == canonical(CONSTRUCTED.encode())


def test_new_ids_stand_above_every_number_in_use() -> None:
    file = constructed()
    file.add_type("speech-word", "Included_In")
    file.add_tier("new", "speech-word", parent="K-Spch", participant="P01")
    # a7 was used last, and a8 is the id of a link.
    assert file.add_annotation("new", Span(start_ms=1000, end_ms=1500), "x") == "a9"
    file.add_type("speech-value", "Symbolic_Association")
    file.add_tier("value", "speech-value", parent="new")
    assert file.add_ref_annotation("value", "a9", "0.5") == "a10"
    again = EafFile.from_bytes(file.to_bytes())
    assert [(a.span, a.text) for a in again.annotations("value")] == [(Span(start_ms=1000, end_ms=1500), "0.5")]
    assert [e.tag for e in again.root if isinstance(e.tag, str)] == sorted(
        (e.tag for e in again.root if isinstance(e.tag, str)), key=_order
    )
    assert again.header.xpath("PROPERTY[@NAME='lastUsedAnnotationId']/text()") == ["10"]
    assert [s.get("TIME_SLOT_ID") for s in again.root.iterfind("TIME_ORDER/TIME_SLOT")][-2:] == ["ts10", "ts11"]


def _order(tag: str) -> int:
    order = "LICENSE HEADER TIME_ORDER TIER LINGUISTIC_TYPE LOCALE LANGUAGE CONSTRAINT CONTROLLED_VOCABULARY LEXICON_REF"
    return f"{order} REF_LINK_SET EXTERNAL_REF".split().index(tag)


def test_a_tier_added_to_real_files_leaves_them_valid(shared: Path) -> None:
    valid = {v: schema(shared, v) for v in ("2.8", "3.0")}
    count = 0
    for name, data in real_files(shared, 3):
        before = etree.fromstring(data).getroottree()
        file = EafFile.from_bytes(data, where=name)
        if file.version not in valid or not valid[file.version].validate(before):
            continue
        file.add_type("speech-utterance")
        file.add_tier("speech", "speech-utterance", participant="P01")
        file.add_annotation("speech", Span(start_ms=5, end_ms=900), "imata")
        valid[file.version].assertValid(etree.fromstring(file.to_bytes()).getroottree())
        assert [t.id for t in file.tiers()][-1] == "speech"
        count += 1
    assert count >= 8


def test_a_tier_that_is_there_is_not_touched() -> None:
    file = constructed()
    with pytest.raises(FormatRefused) as refused:
        file.add_tier("K-Words", "utt")
    assert refused.value.code == "FORMAT_EXISTS"
    assert canonical(file.to_bytes()) == canonical(CONSTRUCTED.encode())


def test_an_edit_in_elan_of_our_own_file_is_read() -> None:
    file = EafFile.from_bytes(eaf.render(simple()))
    file.set_value("a1", "imata mana munanki")
    segment = eaf.parse(file.to_bytes(), where="t").segments[0]
    assert segment.text == "imata mana munanki"
    assert [(w.text, w.span and w.span.start_ms, w.confidence) for w in segment.words] == [
        ("imata", 100, 0.9),
        ("mana", None, None),
        ("munanki", 400, None),
    ]


def test_a_tier_somebody_added_to_our_file_is_read_beside_ours() -> None:
    file = EafFile.from_bytes(eaf.render(simple()))
    file.add_type("default-lt")
    file.add_tier("notes", "default-lt")
    file.add_annotation("notes", Span(start_ms=0, end_ms=50), "cough")
    assert [(s.speaker, s.text) for s in eaf.parse(file.to_bytes(), where="t").segments][0] == ("notes", "cough")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (b": 0.25", b': "high"', "property speech-annotations"),
        (b": 0.25", b": 2.5", "segment 2"),
        (b">approved<", b">done<", "S2"),
    ],
)
def test_a_value_that_is_none_is_refused_with_its_place(old: bytes, new: bytes, place: str) -> None:
    data = eaf.render(simple())
    assert old in data
    with pytest.raises(FormatRefused) as refused:
        eaf.parse(data.replace(old, new), where="t")
    assert (refused.value.code, place in refused.value.where) == ("FORMAT_VALUE", True)


def test_a_value_with_signs_xml_cannot_hold_is_refused() -> None:
    for sign, code in (("\x0b", "TEXT_CONTROL"), ("\ud800", "TEXT_SURROGATE")):
        with pytest.raises(TextRefused) as refused:
            constructed().set_value("ann_x", f"a{sign}")
        assert refused.value.code == code


@pytest.mark.parametrize("units", ["PAL-frames", "NTSC-frames"])
def test_times_in_frames_are_refused(units: str) -> None:
    with pytest.raises(FormatRefused) as refused:
        eaf.parse(CONSTRUCTED.replace("milliseconds", units).encode(), where="t")
    assert refused.value.code == "FORMAT_TIMES"


def test_the_encoding_found_is_kept() -> None:
    data = CONSTRUCTED.replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16")
    written = EafFile.from_bytes(data).to_bytes()
    assert written[:2] in (b"\xff\xfe", b"\xfe\xff")
    assert canonical(written) == canonical(data)
