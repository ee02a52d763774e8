"""Ids that edits can hold on to: given once, above all others, never by place."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from speech.types import Point, Segment, Span, Transcript, Word, id_number, identified, ids_of
from tests.strategies import transcripts


def segment(text: str, id: str = "", words: tuple[str, ...] = ()) -> Segment:
    return Segment(span=Span(start_ms=0, end_ms=9), text=text, id=id, words=tuple(Word(text=text, id=w) for w in words))


def test_segments_are_numbered_first_then_words_then_points() -> None:
    given_to = Transcript(segments=(segment("a", words=("", "")), segment("b", words=("",))), points=(Point(time_ms=1),))
    found = identified(given_to)
    assert [(s.id, [w.id for w in s.words]) for s in found.segments] == [("a1", ["a3", "a4"]), ("a2", ["a5"])]
    assert (found.points[0].id, found.last_id) == ("a6", 6)


def test_what_is_put_in_later_changes_no_other_id() -> None:
    first = identified(Transcript(segments=(segment("a", words=("",)), segment("b"))))
    split = replace(first, segments=(segment("new", words=("",)), *first.segments))
    assert ids_of(identified(split)) == ["a4", "a1", "a2", "a5", "a3"]


def test_the_number_of_what_was_deleted_is_not_given_again() -> None:
    first = identified(Transcript(segments=(segment("a"), segment("b"))))
    rest = identified(replace(first, segments=(first.segments[0], segment("c"))))
    assert (ids_of(rest), rest.last_id) == (["a1", "a3"], 3)


def test_ids_of_another_form_stay_and_the_second_of_two_gets_a_new_one() -> None:
    found = identified(Transcript(segments=(segment("a", "s1", ("w", "a7")), segment("b", "s1", ("w",)))))
    assert ids_of(found) == ["s1", "a8", "w", "a7", "a9"]


@pytest.mark.parametrize(("id", "number"), [("a12", 12), ("a0", 0), ("a012", 0), ("s12", 0), ("a1b", 0), ("a", 0), ("a\u0661", 0), ("", 0)])
def test_only_elans_form_has_a_number(id: str, number: int) -> None:
    assert id_number(id) == number


@given(transcript=transcripts())
@settings(max_examples=50, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_every_id_stands_once_and_asking_again_changes_nothing(transcript: Transcript) -> None:
    found = identified(transcript)
    assert len(set(ids_of(found))) == len(ids_of(found)) and "" not in ids_of(found)
    assert identified(found) == found == identified(transcript)
    assert found.last_id == max([transcript.last_id, *map(id_number, ids_of(found))])
