"""Anyone's EAF with other times: what hangs on the lines goes with them, and all else stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speech import formats
from speech.errors import FormatRefused
from speech.formats._eaf_moved import move
from speech.formats.eaf import EafFile, with_times
from speech.types import Recording, Segment, Span, Transcript, Word, identified
from tests.formats.test_eaf import real_files, schema

EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2001-01-01T00:00:00Z" FORMAT="3.0" VERSION="3.0">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"><MEDIA_DESCRIPTOR MEDIA_URL="file:///old.mpg" MIME_TYPE="video/mpeg" TIME_ORIGIN="40"/>
<PROPERTY NAME="owner">archive</PROPERTY></HEADER>
<TIME_ORDER>{slots}</TIME_ORDER>
{tiers}
<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="top" TIME_ALIGNABLE="true"/>
<LINGUISTIC_TYPE CONSTRAINTS="Time_Subdivision" GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="cut" TIME_ALIGNABLE="true"/>
<LINGUISTIC_TYPE CONSTRAINTS="Symbolic_Association" GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="hang" TIME_ALIGNABLE="false"/>
<CONSTRAINT DESCRIPTION="x" STEREOTYPE="Time_Subdivision"/><CONSTRAINT DESCRIPTION="x" STEREOTYPE="Symbolic_Association"/>
</ANNOTATION_DOCUMENT>"""


def tier(name: str, kind: str, *annotations: tuple[str, ...], parent: str = "") -> str:
    """Annotations: id, and two slots or the id of what it hangs on."""
    inner = ""
    for id, *refs in annotations:
        value = f"<ANNOTATION_VALUE>{id} text</ANNOTATION_VALUE>"
        kind_of = "ALIGNABLE_ANNOTATION" if len(refs) == 2 else "REF_ANNOTATION"
        names = ("TIME_SLOT_REF1", "TIME_SLOT_REF2") if len(refs) == 2 else ("ANNOTATION_REF",)
        fields = " ".join(f'{name}="{ref}"' for name, ref in zip(names, refs, strict=True))
        inner += f'<ANNOTATION><{kind_of} ANNOTATION_ID="{id}" {fields}>{value}</{kind_of}></ANNOTATION>'
    above = f' PARENT_REF="{parent}"' if parent else ""
    return f'<TIER LINGUISTIC_TYPE_REF="{kind}" TIER_ID="{name}"{above}>{inner}</TIER>'


def eaf(times: list[int | None], *tiers: str) -> EafFile:
    slots = "".join(
        f'<TIME_SLOT TIME_SLOT_ID="ts{k}"' + ("/>" if t is None else f' TIME_VALUE="{t}"/>') for k, t in enumerate(times, 1)
    )  # fmt: skip
    return EafFile.from_bytes(EAF.format(slots=slots, tiers="\n".join(tiers)).encode())


def spans(start_end: dict[str, tuple[int, int]]) -> dict[str, Span]:
    return {id: Span(start_ms=a, end_ms=b) for id, (a, b) in start_end.items()}


def times(file: EafFile, name: str) -> dict[str, tuple[int, int]]:
    again = EafFile.from_bytes(file.to_bytes())
    return {a.id: (a.span.start_ms, a.span.end_ms) for a in again.annotations(name)}


def slots(file: EafFile) -> list[tuple[str, str | None]]:
    return [(e.get("TIME_SLOT_ID"), e.get("TIME_VALUE")) for e in file.root.iterfind("TIME_ORDER/TIME_SLOT")]


def two_lines() -> EafFile:
    """Two lines that share the slot between them, each cut into words, the first word of the second without a time; a remark beside."""
    return eaf(
        [0, 500, 1000, None, 2000, 3000, 400, 1600, 2500],
        tier("tx", "top", ("a1", "ts1", "ts3"), ("a2", "ts3", "ts5")),
        tier("wd", "cut", ("a3", "ts1", "ts2"), ("a4", "ts2", "ts3"), ("a5", "ts3", "ts4"), ("a6", "ts4", "ts5"), parent="tx"),
        tier("ge", "hang", ("a7", "a3"), ("a8", "a5"), parent="wd"),
        tier("remark", "top", ("a9", "ts7", "ts8"), ("a10", "ts9", "ts6")),
    )


def test_what_hangs_on_a_line_moves_in_proportion_and_lines_part_where_they_shared_a_slot() -> None:
    file = two_lines()
    move(file, spans({"a1": (10_000, 12_000), "a2": (15_000, 16_000)}))
    assert times(file, "tx") == {"a1": (10_000, 12_000), "a2": (15_000, 16_000)}
    assert times(file, "wd") == {"a3": (10_000, 11_000), "a4": (11_000, 12_000), "a5": (15_000, 15_500), "a6": (15_500, 16_000)}
    assert times(file, "ge") == {"a7": (10_000, 11_000), "a8": (15_000, 15_500)}
    cut = [e.get("TIME_SLOT_REF2") for e in file.tier_element("wd").iter("ALIGNABLE_ANNOTATION")]
    begins = [e.get("TIME_SLOT_REF1") for e in file.tier_element("wd").iter("ALIGNABLE_ANNOTATION")]
    assert cut[0] == begins[1] and cut[2] == begins[3], "words of a line still share the slots between them"
    assert cut[1] != begins[2]


def test_what_stands_beside_the_lines_moves_as_its_neighbours_do_and_before_and_behind_them_as_the_nearest() -> None:
    file = two_lines()
    move(file, spans({"a1": (10_000, 12_000), "a2": (15_000, 16_000)}))
    # 400 of 1,000 in the first line; 1,600 lies 0.6 into the second, and the place between them, 1000, counts as the middle of both.
    assert times(file, "remark") == {"a9": (10_000 + round(0.4 * 3500), 13_500 + round(0.6 * 2500)), "a10": (16_500, 17_000)}


def test_slots_stand_in_the_order_of_time_and_none_without_a_time_gets_one() -> None:
    file = two_lines()
    move(file, spans({"a1": (20_000, 22_000), "a2": (15_000, 16_000)}))
    found = slots(file)
    values = [int(v) for _, v in found if v is not None]
    assert values == sorted(values) and [v for _, v in found].count(None) == 1
    at = [v for _, v in found].index(None)
    assert found[at - 1][1] == "15000" and int(found[at + 1][1] or 0) >= 15_500, "between the edges of its word"
    assert len({name for name, _ in found}) == len(found)
    assert all(e.get(key) in dict(found) for e in file.root.iter("ALIGNABLE_ANNOTATION") for key in ("TIME_SLOT_REF1", "TIME_SLOT_REF2"))


def test_a_line_without_times_gets_some() -> None:
    file = eaf([None, None, None], tier("tx", "top", ("a1", "ts1", "ts2"), ("a2", "ts2", "ts3")))
    move(file, spans({"a1": (100, 900), "a2": (1000, 1800)}))
    assert times(file, "tx") == {"a1": (100, 900), "a2": (1000, 1800)}


def test_what_holds_the_lines_reaches_over_them_all() -> None:
    """As FLEx writes it: lines are cut from a sentence, whose number stands above, and a translation hangs on the number."""
    file = eaf(
        [0, 500, 1000],
        tier("ref", "top", ("a1", "ts1", "ts3")),
        tier("tx", "cut", ("a2", "ts1", "ts2"), ("a3", "ts2", "ts3"), parent="ref"),
        tier("tr", "hang", ("a4", "a1"), parent="ref"),
    )
    move(file, spans({"a2": (5000, 5600), "a3": (6000, 7000)}))
    assert times(file, "tx") == {"a2": (5000, 5600), "a3": (6000, 7000)}
    assert times(file, "ref") == times(file, "ref") | {"a1": (5000, 7000)} and times(file, "tr") == {"a4": (5000, 7000)}


def test_nothing_to_move_leaves_all_times() -> None:
    file = two_lines()
    before = {name: times(file, name) for name in ("tx", "wd", "ge", "remark")}
    move(file, {"a77": Span(start_ms=1, end_ms=2)})
    assert {name: times(file, name) for name in before} == before


def placed(**more: Any) -> Transcript:
    lines = (
        Segment(id="a1", span=Span(start_ms=10_000, end_ms=12_000), text="a1 text"),
        Segment(
            id="a2", span=Span(start_ms=15_000, end_ms=15_050), text="a2 text", status="unsure", unsure_reason="not found in the recording"
        ),
    )
    return Transcript(recording=Recording(path="tape7.wav"), segments=lines, **more)


def test_the_old_file_names_the_new_recording_and_what_is_unsure() -> None:
    data = two_lines().to_bytes()
    file = EafFile.from_bytes(with_times(data, placed(), where="old.eaf"))
    media = file.header.findall("MEDIA_DESCRIPTOR")
    assert [m.get("MEDIA_URL") for m in media] == ["./tape7.wav"] and media[0].get("TIME_ORIGIN") is None
    assert file.header.find("PROPERTY").text == "archive"
    assert {t.id for t in file.tiers()} == {"tx", "wd", "ge", "remark", "tx [status]", "tx [unsure reason]"}
    assert [(a.text, a.parent) for a in file.annotations("tx [unsure reason]")] == [("not found in the recording", "a2")]
    back = formats.by_name("eaf").parse(file.to_bytes(), where="moved", tiers=["tx"])  # type: ignore[call-arg]
    assert [(s.text, s.span, s.status) for s in back.segments] == [(s.text, s.span, s.status) for s in placed().segments]
    again = with_times(with_times(data, placed(), where="old.eaf"), placed(), where="old.eaf")
    assert [t.id for t in EafFile.from_bytes(again).tiers()].count("tx [status]") == 1


def test_a_broken_file_is_refused_whole() -> None:
    file = eaf([0, 500], tier("tx", "top", ("a1", "ts1", "ts2")), tier("ge", "top", ("a2", "ts1", "ts9")))
    with pytest.raises(FormatRefused) as caught:
        with_times(file.to_bytes(), placed(), where="old.eaf")
    assert caught.value.code == "FORMAT_REFERENCE"


def test_tiers_that_are_their_own_parent_or_have_one_name_do_no_harm() -> None:
    circle = eaf([0, 500], tier("tx", "top", ("a1", "ts1", "ts2"), parent="tx"))
    move(circle, spans({"a1": (100, 900)}))
    assert times(circle, "tx") == {"a1": (100, 900)}
    twins = eaf([0, 500, 600, 900], tier("tx", "top", ("a1", "ts1", "ts2")), tier("tx", "top", ("a2", "ts3", "ts4")))
    with pytest.raises(FormatRefused) as caught:
        move(twins, spans({"a1": (100, 900)}))
    assert caught.value.code == "FORMAT_REFERENCE" and "one name" in caught.value.what


def test_a_new_word_does_not_move_what_bears_its_id_in_the_old_file() -> None:
    made = placed()
    word = Word(id="a9", text="a1", span=Span(start_ms=10_000, end_ms=10_100), separator=" ")
    again = replace(made, segments=(replace(made.segments[0], words=(word, Word(text="text"))), made.segments[1]))
    moved = [times(EafFile.from_bytes(with_times(two_lines().to_bytes(), one, where="old.eaf")), "remark") for one in (made, again)]
    assert moved[0] == moved[1]


def test_real_files_keep_all_but_their_times(shared: Path) -> None:
    """Every time is doubled and moved by a second: so must be what hangs on it, whatever the constraints."""
    for name, data in real_files(shared, chapters=2):
        old = EafFile.from_bytes(data)
        read = formats.by_name("eaf").parse(data, where=name)
        far = [replace(s, span=Span(start_ms=2 * s.span.start_ms + 1000, end_ms=2 * s.span.end_ms + 1000)) for s in read.segments]
        new = EafFile.from_bytes(with_times(data, identified(replace(read, segments=tuple(far))), where=name))
        for info in old.tiers():
            before, after = (file.annotations(info.id, orphans=False) for file in (old, new))
            assert [(a.id, a.text, a.parent) for a in before] == [(a.id, a.text, a.parent) for a in after], name
            for a, b in zip(before, after, strict=True):
                assert abs(2 * a.span.start_ms + 1000 - b.span.start_ms) <= 2 and abs(2 * a.span.end_ms + 1000 - b.span.end_ms) <= 2, (
                    name,
                    a,
                )
        assert len(new.findings()) == len(old.findings())
        assert schema(shared).validate(new.tree) == schema(shared).validate(old.tree), name
