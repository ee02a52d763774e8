"""Acts on segments: pure, refused where times or fields cannot be, and nothing is lost."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.errors import Refusal
from speech.review.acts import LEAST_MS, Change, apply
from speech.review.edits import reverted
from speech.review.forms import form_of, segment_of, text_of
from speech.review.words import graphemes
from speech.types import Segment, Span, Translation, Word, joined
from tests.review.conftest import three
from tests.strategies import transcripts

SEGMENTS = {s.id: s for s in three()}


def act(name: str, segments: dict[str, Segment] | None = None, **asked: Any) -> dict[str, Segment | None]:
    return dict(apply(SEGMENTS if segments is None else segments, {"act": name, **asked}, duration_ms=3000, person="P1").after)


def only(name: str, **asked: Any) -> Segment:
    found = [s for s in act(name, **asked).values() if s is not None]
    assert len(found) == 1
    return found[0]


def refused(name: str, **asked: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        act(name, **asked)
    return caught.value


@given(transcripts())
def test_the_form_of_a_segment_gives_it_back(transcript: Any) -> None:
    import json

    for s in transcript.segments:
        assert segment_of(json.loads(text_of(form_of(s)))) == s


def test_a_text_keeps_the_times_of_words_that_still_stand() -> None:
    s = only("text", segment="a1", text="kay hatun wasi")
    assert (s.text, s.status, s.origin, s.confidence) == ("kay hatun wasi", "edited", "person", None)
    kay, hatun, wasi = s.words
    assert (kay, wasi) == SEGMENTS["a1"].words
    assert hatun.estimated and hatun.span == Span(start_ms=400, end_ms=450) and hatun.confidence is None


def test_a_word_put_right_keeps_its_time_as_estimated() -> None:
    first = only("text", segment="a1", text="chay wasi").words[0]
    assert (first.text, first.span, first.estimated, first.alternatives) == ("chay", Span(start_ms=0, end_ms=400), True, ())


def test_a_text_is_stored_composed_and_without_control_signs() -> None:
    assert only("text", segment="a2", text=" ari\u0301\u0007\r\nmi\t").text == "arí\nmi"


def test_the_same_text_changes_nothing() -> None:
    assert act("text", segment="a3", text="ari\u0301") == {}


def test_letters_and_marks_apart_are_the_same_text() -> None:
    apart = {
        "x": replace(
            SEGMENTS["a1"],
            id="x",
            text="kay ari\u0301",
            words=(SEGMENTS["a1"].words[0], replace(SEGMENTS["a1"].words[1], text="ari\u0301")),
        )
    }
    assert act("text", apart, segment="x", text="kay arí") == {}
    found = act("text", apart, segment="x", text="kay arí mi")["x"]
    assert found is not None and [w.estimated for w in found.words] == [False, False, True] and joined(found.words) == "kay arí mi"
    assert act("replace", apart, find="arí", **{"with": "mana"})["x"] is not None


def test_an_unsure_segment_stays_unsure_when_its_text_is_written() -> None:
    unsure = {"a1": replace(SEGMENTS["a1"], status="unsure", unsure_reason="noise")}
    found = act("text", unsure, segment="a1", text="kay")["a1"]
    assert found is not None and (found.status, found.unsure_reason) == ("unsure", "noise")


def test_a_status_has_its_reason_only_where_it_is_unsure() -> None:
    assert only("status", segment="a1", status="unsure", reason="two voices").unsure_reason == "two voices"
    assert only("status", segment="a1", status="approved", reason="noise").unsure_reason == ""
    assert refused("status", segment="a1", status="perfect").code == "REVIEW_ACT"


def test_a_speaker_is_assigned_or_left_open() -> None:
    assert only("speaker", segment="a2", speaker="S3").speaker == "S3"
    assert only("speaker", segment="a2", speaker=None).speaker is None
    assert refused("speaker", segment="a3", speaker="S1").code == "REVIEW_TIMES"


def test_a_language_is_corrected_and_its_words_go_with_it() -> None:
    words = tuple(replace(w, language=code) for w, code in zip(SEGMENTS["a1"].words, ("que", "spa"), strict=False))
    told = {**SEGMENTS, "a1": replace(SEGMENTS["a1"], language="que", words=words)}
    found = act("language", told, segment="a1", language="swh")["a1"]
    assert found is not None and found.language == "swh" and found.text == SEGMENTS["a1"].text
    assert [w.language for w in found.words] == [None, "spa"]  # a word in a third language stays in it
    assert act("language", told, segment="a1", language="que")["a1"] is not None  # its words say it no longer, it does
    assert act("language", {"a3": replace(SEGMENTS["a3"], language="que")}, segment="a3", language="que") == {}
    left = act("language", told, segment="a1", language=None)["a1"]
    assert left is not None and left.language is None
    for wrong in ("Quechua", "qu", "und", "../que", 7):
        assert refused("language", segment="a1", language=wrong).code == "REVIEW_ACT"
    assert refused("language", segment="a1").code == "REVIEW_ACT"


def test_renaming_reaches_every_segment_and_may_merge_labels() -> None:
    assert {i: s.speaker for i, s in act("rename_speaker", speaker="S1", to="ANA-01").items() if s} == {"a1": "ANA-01", "a2": "ANA-01"}
    apart = {**SEGMENTS, "a3": replace(SEGMENTS["a3"], span=Span(start_ms=2000, end_ms=2600))}
    assert {s.speaker for s in act("rename_speaker", apart, speaker="S2", to="S1").values() if s} == {"S1"}
    assert refused("rename_speaker", speaker="S2", to="S1").code == "REVIEW_TIMES"
    assert refused("rename_speaker", speaker="S9", to="S1").code == "REVIEW_ACT"


@pytest.mark.parametrize(
    ("start", "end"), [(0, 1201), (0, 49), (-1, 500), (500, 400), (2500, 3001)], ids=["overlap", "short", "before", "backwards", "after"]
)
def test_times_that_cannot_be_are_refused(start: int, end: int) -> None:
    assert refused("times", segment="a1", start_ms=start, end_ms=end).code == "REVIEW_TIMES"


def test_times_may_overlap_another_speaker_and_words_are_cut_to_them() -> None:
    assert only("times", segment="a2", start_ms=1000, end_ms=2600).span == Span(start_ms=1000, end_ms=2600)
    kay, wasi = only("times", segment="a1", start_ms=100, end_ms=430).words
    assert kay.span == Span(start_ms=100, end_ms=400) and kay.estimated
    assert wasi.span is None and wasi.text == "wasi"


def test_an_overlap_that_was_there_stays_no_fault() -> None:
    old = {
        "x": Segment(id="x", span=Span(start_ms=0, end_ms=500), speaker="S1"),
        "y": Segment(id="y", span=Span(start_ms=400, end_ms=900), speaker="S1"),
    }
    assert act("times", old, segment="x", start_ms=0, end_ms=450)["x"] is not None
    assert act("text", old, segment="x", text="kay")["x"] is not None


def test_a_split_at_the_caret_takes_the_time_between_the_words() -> None:
    found = act("split", segment="a1", caret=4, new="n1")
    left, right = found["a1"], found["n1"]
    assert left is not None and right is not None
    assert (left.text, left.span) == ("kay", Span(start_ms=0, end_ms=425))
    assert (right.text, right.span, right.speaker) == ("wasi", Span(start_ms=425, end_ms=1000), "S1")
    assert (left.words[0], right.words[0]) == SEGMENTS["a1"].words


def test_a_split_in_time_falls_between_words() -> None:
    found = act("split", segment="a1", at_ms=600, new="n1")
    assert [s.text for s in found.values() if s] == ["kay", "wasi"]
    inside = act("split", segment="a1", caret=6, new="n1")
    assert [s.text for s in inside.values() if s] == ["kay wa", "si"]
    assert [w.estimated for s in inside.values() if s for w in s.words] == [False, True, True]


def test_a_split_that_leaves_too_little_is_refused() -> None:
    assert refused("split", segment="a1", at_ms=LEAST_MS - 1, new="n1").code == "REVIEW_TIMES"
    assert refused("split", segment="a1", caret=99, new="n1").code == "REVIEW_ACT"
    assert refused("split", segment="a1", caret=3, new="a2").code == "REVIEW_ACT"
    assert refused("split", segment="a1", new="n1").code == "REVIEW_ACT"


def test_a_merge_keeps_notes_and_translations_and_only_joins_neighbours() -> None:
    spanish = Translation(language="spa", text="esta casa")
    both = {**SEGMENTS, "a1": replace(SEGMENTS["a1"], translations=(spanish,), notes=("one",)),
            "a2": replace(SEGMENTS["a2"], translations=(Translation(language="spa", text="es grande"),))}  # fmt: skip
    found = act("merge", both, segment="a1", **{"with": "a2"})
    one = found["a1"]
    assert found["a2"] is None and one is not None
    assert (one.text, one.notes, one.translations[0].text) == ("kay wasi hatun mi", ("one", "ask"), "esta casa es grande")
    assert refused("merge", segment="a1", **{"with": "a3"}).code == "REVIEW_ACT"
    between = {**SEGMENTS, "a4": Segment(id="a4", span=Span(start_ms=1050, end_ms=1150), speaker="S1")}
    with pytest.raises(Refusal, match="between"):
        act("merge", between, segment="a1", **{"with": "a2"})


def test_segments_are_added_and_deleted() -> None:
    new = only("add", start_ms=2600, end_ms=2900, speaker="S1", text="ñan", new="n1")
    assert (new.id, new.origin, new.status) == ("n1", "person", "edited")
    assert refused("add", start_ms=900, end_ms=1100, speaker="S1", text="", new="n1").code == "REVIEW_TIMES"
    assert act("delete", segment="a1") == {"a1": None}


def test_notes_and_translations_are_put_and_taken_away() -> None:
    assert only("note", segment="a1", notes=["one", " "]).notes == ("one",)
    put = only("translation", segment="a1", language="spa", text="esta casa")
    assert put.translations == (Translation(language="spa", text="esta casa", by="P1"),)
    assert act("translation", {"a1": put}, segment="a1", language="spa", text="")["a1"] == SEGMENTS["a1"]


@pytest.mark.parametrize(
    "asked",
    [
        {"act": "fly"},
        {"act": None},
        {"act": "text", "segment": "a1"},
        {"act": "text", "segment": "gone", "text": "x"},
        {"act": "text", "segment": "a1", "text": 5},
        {"act": "text", "segment": "a1", "text": "\ud800"},
        {"act": "text", "segment": "a1", "text": "a" * 100_001},
        {"act": "times", "segment": "a1", "start_ms": True, "end_ms": 500},
        {"act": "times", "segment": "a1", "start_ms": 0.5, "end_ms": 500},
        {"act": "note", "segment": "a1", "notes": [1]},
        {"act": "add", "start_ms": 0, "end_ms": 100, "new": "../x"},
        {"act": "replace", "find": "", "with": "x"},
    ],
    ids=str,
)
def test_what_is_asked_wrongly_is_refused_by_field(asked: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as caught:
        apply(SEGMENTS, asked)
    assert caught.value.code == "REVIEW_ACT"


LETTERS = st.sampled_from(["a", "i", "ñ", "ŋ́", "ọ́", "k", "ሀ", "\u0915\u094d\u0937\u093f", " ", "  ", "-"])


@st.composite
def collections(draw: st.DrawFn) -> dict[str, Segment]:
    """Segments of two speakers without overlap within one, with words that spell them, or without words."""
    made = {}
    rng = random.Random(draw(st.integers(0, 10**6)))
    for speaker in ("S1", "S2"):
        at = 0
        for n in range(draw(st.integers(1, 4))):
            start = at + rng.randrange(0, 300)
            at = start + rng.randrange(120, 2000)
            tokens = ["".join(rng.choice("aiñkọ") for _ in range(rng.randint(1, 5))) for _ in range(rng.randint(0, 5))]
            words: tuple[Word, ...] = ()
            if tokens and rng.random() < 0.6:
                cuts = sorted(rng.randrange(start, at + 1) for _ in range(2 * len(tokens)))
                words = tuple(
                    Word(text=w, span=Span(start_ms=a, end_ms=b) if rng.random() < 0.8 else None, confidence=0.5)
                    for w, a, b in zip(tokens, cuts[::2], cuts[1::2], strict=True)
                )
            id = f"{speaker}_{n}"
            made[id] = Segment(id=id, span=Span(start_ms=start, end_ms=at), text=" ".join(tokens), speaker=speaker, words=words)
    return made


def asked_at_random(segments: dict[str, Segment], rng: random.Random, n: int) -> dict[str, Any]:
    """An act that may or may not be refused."""
    one = rng.choice(list(segments.values()))
    name = rng.choice(
        ["text", "status", "speaker", "rename_speaker", "times", "split", "merge", "add", "delete", "note", "replace", "language"]
    )
    start = max(0, one.span.start_ms + rng.randrange(-200, 200))
    return {
        "act": name, "segment": one.id, "text": "".join(rng.choice("aiñ kọ") for _ in range(8)),
        "status": rng.choice(["approved", "unsure"]),
        "speaker": one.speaker if name == "rename_speaker" else rng.choice(["S1", "S2", None]), "to": rng.choice(["S3", "S1"]),
        "start_ms": start, "end_ms": start + rng.randrange(0, 1500), "caret": rng.randrange(0, len(graphemes(one.text)) + 1),
        "with": "x" if name == "replace" else rng.choice(list(segments)), "find": "a", "new": f"n{n}", "notes": ["x"],
        "language": rng.choice(["que", "swh", None]),
    }  # fmt: skip


def done(segments: dict[str, Segment], change: Change) -> dict[str, Segment]:
    return {i: s for i, s in {**segments, **change.after}.items() if s is not None}


@given(collections(), st.integers(0, 10**6))
def test_no_act_makes_an_overlap_a_short_segment_or_words_that_do_not_spell(segments: dict[str, Segment], seed: int) -> None:
    rng = random.Random(seed)
    for n in range(12):
        if not segments:
            return
        try:
            change = apply(segments, asked_at_random(segments, rng, n), duration_ms=20_000)
        except Refusal:
            continue
        segments = done(segments, change)
        for s in segments.values():
            assert s.span.length_ms >= LEAST_MS and 0 <= s.span.start_ms and s.span.end_ms <= 20_000
            assert not s.words or joined(s.words) == s.text
            assert all(w.span is None or (s.span.start_ms <= w.span.start_ms <= w.span.end_ms <= s.span.end_ms) for w in s.words)
        spoken = sorted((s.speaker, s.span) for s in segments.values() if s.speaker)
        assert all(a[0] != b[0] or a[1].end_ms <= b[1].start_ms for a, b in zip(spoken, spoken[1:], strict=False))


@given(collections(), st.integers(0, 10**6))
def test_taking_back_every_change_gives_the_start(segments: dict[str, Segment], seed: int) -> None:
    rng, start, changes = random.Random(seed), dict(segments), []
    for n in range(10):
        if not segments:
            break
        try:
            change = apply(segments, asked_at_random(segments, rng, n), duration_ms=20_000)
        except Refusal:
            continue
        changes.append(change)
        segments = done(segments, change)
    for change in reversed(changes):
        back = {i: reverted(segments.get(i), change.before[i], change.after[i]) for i in change.after}
        segments = done(segments, Change(before=change.after, after=back))
    assert segments == start


@given(collections(), st.data())
def test_split_then_merge_gives_the_text_the_span_and_the_words(segments: dict[str, Segment], data: st.DataObject) -> None:
    one = data.draw(st.sampled_from(sorted(segments.values(), key=lambda s: s.id)))
    letters = graphemes(one.text)
    borders = [n for n in range(len(letters) + 1) if n in (0, len(letters)) or letters[n - 1] == " "]
    caret = data.draw(st.sampled_from(borders))
    split = done(segments, apply(segments, {"act": "split", "segment": one.id, "caret": caret, "new": "n"}))
    again = done(split, apply(split, {"act": "merge", "segment": one.id, "with": "n"}))
    whole = again.pop(one.id)
    assert again == {i: s for i, s in segments.items() if i != one.id}
    assert (whole.text, whole.span, whole.status, whole.speaker) == (one.text, one.span, one.status, one.speaker)
    assert [w.text for w in whole.words] == [w.text for w in one.words]


@given(collections(), LETTERS, LETTERS)
def test_words_keep_their_times_where_the_new_text_agrees(segments: dict[str, Segment], before: str, after: str) -> None:
    for s in segments.values():
        found = apply(segments, {"act": "text", "segment": s.id, "text": f"{before}x {s.text} y{after}"}).after[s.id]
        assert found is not None
        if s.words:
            assert [w for w in s.words if w.span] == [w for w in found.words if w.span and not w.estimated]
