"""What we write, read whole by others: pympi on every tier, praatio on every tier, webvtt-py on every cue.

The transcript has what formats trip over: two speakers, overlap, words, other readings, states of review, odd texts.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pympi
import pytest
import webvtt
from praatio import textgrid as praatio

from speech.formats import eaf, textgrid, vtt
from speech.formats.eaf import EafFile
from speech.types import Alternative, LanguageUse, Point, Segment, Span, Speaker, Transcript, Translation, Word, identified


def span(start_ms: int, end_ms: int) -> Span:
    return Span(start_ms=start_ms, end_ms=end_ms)


def rich() -> Transcript:
    unsure = (Alternative(text="ima ta", confidence=0.31), Alternative(text="a\\n\n0.5", confidence=None))
    segments = (
        Segment(
            span=span(100, 900),
            text='imata & "<munanki>"',
            speaker="S1",
            language="que",
            confidence=0.7,
            words=(
                Word(text="imata", span=span(100, 400), confidence=0.4, alternatives=unsure),
                Word(text="&", span=span(400, 450), confidence=0.99),
                Word(text='"<munanki>"', language="spa", alternatives=(Alternative(text="munanki"),)),
            ),
            translations=(Translation(language="spa", text="¿qué quieres?"),),
        ),
        Segment(span=span(500, 1500), text="ari\n-> e\u0301", speaker="S1", language="que", status="edited", origin="person"),
        Segment(
            span=span(700, 1200),
            text="yaw",
            speaker="María [X]",
            status="unsure",
            unsure_reason="two at once\n--> both",
            words=(Word(text="yaw", span=span(700, 1200), estimated=True, confidence=0.2),),
            alternatives=(Alternative(text="yau", confidence=0.1),),
        ),
        Segment(span=span(1300, 1400), speaker="María [X]", status="not_speech", kind="noise"),
        Segment(span=span(1500, 1900), text="=1+1", speaker="María [X]", status="approved"),
    )
    return identified(
        Transcript(
            segments=segments,
            speakers=(Speaker(id="S1", person="P07"), Speaker(id="María [X]")),
            languages=(LanguageUse(id="que"),),
            points=(Point(time_ms=250, label="click", tier="noise"),),
        )
    )


def opened(path: Path) -> Any:
    return pympi.Elan.Eaf(str(path))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "t.eaf"
    path.write_bytes(eaf.render(rich()))
    return path


def saved(elan: Any, path: Path) -> Transcript:
    elan.to_file(str(path))
    return eaf.parse(path.read_bytes(), where=path.name)


def ids(transcript: Transcript) -> dict[str, str]:
    """Texts by the ids of segments and words."""
    words = {w.id: w.text for s in transcript.segments for w in s.words}
    return {s.id: s.text for s in transcript.segments} | words


def test_pympi_reads_every_tier_whole(file: Path) -> None:
    elan, ours = opened(file), EafFile.from_bytes(file.read_bytes())
    assert list(elan.get_tier_names()) == [t.id for t in ours.tiers()]
    for tier in ours.tiers():
        rows = [(a.span.start_ms, a.span.end_ms, a.text) for a in ours.annotations(tier.id)]
        assert rows and [row[:3] for row in elan.get_annotation_data_for_tier(tier.id)] == rows
        hanging = elan.get_ref_annotation_data_for_tier(tier.id)
        assert [row[:3] for row in hanging] == ([] if tier.alignable else rows)
    assert len(elan.to_textgrid().tiers) == len(ours.tiers())


def test_a_plain_draft_has_two_tiers_a_speaker_and_one_of_other_readings(file: Path) -> None:
    words = (Word(text="imata", span=span(100, 400), confidence=0.4, alternatives=(Alternative(text="ima", confidence=0.3),)),)
    draft = Transcript(
        segments=tuple(
            Segment(span=span(at, at + 900), text="imata", speaker=name, language="que", words=words, confidence=0.4)
            for name, at in (("S1", 0), ("S2", 90))
        )
    )
    file.write_bytes(eaf.render(draft))
    assert list(opened(file).get_tier_names()) == ["S1", "S1 [words]", "S1 [readings]", "S2", "S2 [words]", "S2 [readings]"]
    assert opened(file).get_annotation_data_for_tier("S1 [readings]") == [(100, 400, "0.4\nima 0.3")]


def test_what_pympi_writes_again_is_the_same_transcript_with_the_same_ids(file: Path) -> None:
    before = eaf.parse(file.read_bytes(), where="before")
    assert eaf.kept(before) == eaf.kept(rich())
    after = saved(opened(file), file.with_name("again.eaf"))
    # pympi drops the language of an annotation; that of a whole tier it keeps.
    spa = replace(before.segments[0], words=tuple(replace(w, language=None) for w in before.segments[0].words))
    assert eaf.kept(after) == eaf.kept(replace(before, segments=(spa, *before.segments[1:])))


def test_edits_with_pympi_leave_the_ids_of_everything_else(file: Path) -> None:
    before = ids(eaf.parse(file.read_bytes(), where="before"))
    elan = opened(file)
    gone = next(id for id, text in before.items() if text == "=1+1")
    assert elan.remove_annotation("María %5BX%5D", 1700) == 1
    elan.add_annotation("S1", 2000, 2100, "mana")
    changed = next(id for id, text in before.items() if text.startswith("ari"))
    tier = elan.tiers["S1 (2)"][0]
    tier[changed] = (*tier[changed][:2], "mana ari", tier[changed][3])
    found = saved(elan, file.with_name("edited.eaf"))
    after = ids(found)
    new = next(s for s in found.segments if s.text == "mana")
    assert after == {**{id: text for id, text in before.items() if id != gone}, changed: "mana ari", new.id: "mana"}
    assert new.id not in before
    assert {s.id: s.status for s in found.segments}[changed] == "edited"


def test_the_number_of_a_deleted_segment_is_not_given_again(file: Path) -> None:
    first = identified(Transcript(segments=(Segment(span=span(0, 9), text="a"), Segment(span=span(9, 20), text="b"))))
    file.write_bytes(eaf.render(first))
    elan = opened(file)
    elan.remove_annotation("segments", 15)
    rest = saved(elan, file.with_name("rest.eaf"))
    more = replace(rest, segments=(*rest.segments, Segment(span=span(30, 40), text="c")))
    again = eaf.parse(eaf.render(more), where="t")
    assert [(s.text, s.id) for s in again.segments] == [("a", "a1"), ("c", "a3")]
    assert again.last_id == 3


def test_what_hangs_on_segments_takes_no_number_that_lasts(file: Path) -> None:
    for _ in range(3):
        read = eaf.parse(file.read_bytes(), where="t")
        assert (ids(read), read.last_id) == (ids(rich()), rich().last_id)
        file.write_bytes(eaf.render(read))
    header = EafFile.from_bytes(file.read_bytes())
    assert header.header.xpath("PROPERTY[@NAME='lastUsedAnnotationId']/text()") == [str(header.last_id)]


def test_an_id_given_in_elan_since_is_remembered() -> None:
    file = EafFile.from_bytes(eaf.render(rich()))
    new = file.add_annotation("S1", span(3000, 3100), "mana")
    found = eaf.parse(file.to_bytes(), where="t")
    assert [s.id for s in found.segments if s.text == "mana"] == [new]
    assert found.last_id == int(new[1:]) > rich().last_id
    # Deleted again, it is only in what the header says was used.
    file.tier_element("S1").remove(file.tier_element("S1")[-1])
    gone = eaf.parse(file.to_bytes(), where="t")
    assert new not in ids(gone) and gone.last_id == int(new[1:])


def test_ids_of_another_form_become_elans_and_are_told() -> None:
    given = Transcript(segments=(Segment(span=span(0, 9), text="x", id="s1"), Segment(span=span(9, 20), text="y", id="a7")))
    assert [s.id for s in eaf.parse(eaf.render(given), where="t").segments] == ["a8", "a7"]
    assert eaf.lost(given) == {"foreign_ids": 1}


def test_elan_offers_the_states_of_review_as_a_list(file: Path) -> None:
    elan = opened(file)
    kind = elan.get_parameters_for_tier("S1 (2) [status]")["LINGUISTIC_TYPE_REF"]
    vocabulary = elan.get_parameters_for_linguistic_type(kind)["CONTROLLED_VOCABULARY_REF"]
    offered = {values[0][0] for values, _ in elan.get_cv_entries(vocabulary).values()}
    assert offered == {"draft", "edited", "approved", "unsure", "not_speech"}


def test_praatio_reads_every_tier_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.TextGrid"
    path.write_bytes(textgrid.render(rich()))
    ours = textgrid.TextGridFile.from_bytes(path.read_bytes(), where="t").tiers
    theirs = praatio.openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="error")
    assert list(theirs.tierNames) == [t.name for t in ours]
    for tier in ours:
        marks = [(m.start_ms / 1000, m.text) if tier.points else (m.start_ms / 1000, m.end_ms / 1000, m.text) for m in tier.marks]
        assert [tuple(e) for e in theirs.getTier(tier.name).entries] == marks
    states = [e[-1] for e in theirs.getTier("María %5BX%5D [status]").entries]
    assert [s for s in states if s] == ["unsure", "approved"]


def test_webvtt_py_reads_every_cue_with_its_id_and_passes_over_comments(tmp_path: Path) -> None:
    path = tmp_path / "t.vtt"
    path.write_bytes(vtt.render(rich()))
    cues = list(webvtt.read(str(path)))
    assert [(c.identifier, c.start, c.voice) for c in cues if c.text] == [
        ("a1", "00:00:00.100", "S1"),
        ("a2", "00:00:00.500", "S1"),
        ("a3", "00:00:00.700", "María [X]"),
        ("a5", "00:00:01.500", "María [X]"),
    ]
    assert not any("NOTE" in c.text for c in cues)


@pytest.mark.parametrize("format", [eaf, vtt, textgrid])
def test_states_of_review_survive(format: Any) -> None:
    found = format.parse(format.render(rich()), where="t")
    states = {s.text: (s.status, s.unsure_reason) for s in found.segments}
    # A TextGrid has no segment without text.
    assert states == {s.text: (s.status, s.unsure_reason) for s in rich().segments if s.text or format is not textgrid}
