"""Orders: pure, seeded, each row with its reason."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from speech.review.doubts import Doubts
from speech.review.orders import BY, EVERY, disagreement, distance, doubt, first_unsure, ordered
from speech.types import Alternative, Segment, Span, Word


def segment(n: int, text: str = "kay", sure: float | None = 0.9, **more: Any) -> Segment:
    return Segment(id=f"a{n}", span=Span(start_ms=100 * n, end_ms=100 * n + 90), text=text, confidence=sure, **{"speaker": "S1", **more})


MANY = [segment(n, text="kay wasi", sure=n % 7 / 10) for n in range(20)]


def ids(order: str, segments: list[Segment], **more: Any) -> list[str]:
    return [r.id for r in ordered(segments, order, **more)]


@pytest.mark.parametrize("by", BY)
def test_every_order_has_each_segment_once_and_is_the_same_for_the_same_seed(by: str) -> None:
    shuffled = random.Random(3).sample(MANY, len(MANY))
    assert sorted(ids(by, MANY)) == sorted(s.id for s in MANY)
    assert ids(by, MANY, seed=4) == ids(by, shuffled, seed=4)
    assert all(r.reason for r in ordered(MANY, by))


def test_time_is_as_it_was_said_and_chance_depends_on_the_seed() -> None:
    assert ids("time", MANY[::-1]) == [s.id for s in MANY]
    assert ids("random", MANY, seed=1) != ids("random", MANY, seed=2)


def test_the_most_unsure_come_first_by_their_words() -> None:
    words = (Word(text="kay", confidence=0.1), Word(text="mi", confidence=0.3))
    found = ordered(
        [segment(1, sure=0.5), segment(2, sure=0.9, words=words), segment(3, status="unsure"), segment(4, origin="person")], "unsure"
    )
    assert [(r.id, r.detail) for r in found] == [("a3", "100"), ("a2", "80"), ("a1", "50"), ("a4", "0")]


def test_what_is_done_comes_last_and_filters_leave_out() -> None:
    some = [segment(1, status="approved", sure=0.0), segment(2), segment(3, status="not_speech"), segment(4, speaker="S2")]
    assert [(r.id, r.reason) for r in ordered(some, "unsure")][2:] == [("a1", "done"), ("a3", "done")]
    assert ids("unsure", some, status=("draft",), speaker="S2") == ["a4"]


def test_rare_letters_rare_speakers_and_doubt_teach_most_and_say_so() -> None:
    many = [segment(n, sure=0.9) for n in range(30)]
    odd = [segment(40, text="kay ŋ́ayŋ́o", sure=0.9), segment(41, speaker="S9", sure=0.9), segment(42, sure=0.1)]
    found = ordered([*many, *odd], "teaches", seed=1)
    first = {r.id: r for r in found[:4] if r.reason != "random"}
    assert set(first) >= {"a40", "a42"} and {r.reason: r.id for r in found}["rare_speaker"] == "a41"
    assert first["a40"].reason == "rare_letters" and "ŋ́" in first["a40"].detail
    assert first["a42"].reason == "unsure"


def test_every_fifth_is_drawn_by_chance() -> None:
    found = ordered(MANY, "teaches")
    assert [n for n, r in enumerate(found, 1) if r.reason == "random"] == list(range(EVERY, len(MANY) + 1, EVERY))


def test_readings_that_differ_most_come_first() -> None:
    a = segment(1, alternatives=(Alternative(text="kai", confidence=0.5),))
    b = segment(2, words=(Word(text="kay", alternatives=(Alternative(text="chaymi", confidence=0.5),)),))
    assert (disagreement(a), disagreement(b)) == (0.5, 2.0)
    assert ids("disagreement", [a, b, segment(3)]) == ["a2", "a1", "a3"]
    assert distance(list("kitten"), list("sitting")) == 3 and distance([], list("ab")) == 2


def test_where_nothing_is_known_doubt_is_a_half() -> None:
    assert doubt(segment(1, sure=None)) == 0.5
    assert doubt(replace(segment(1, sure=None), origin="person", text="")) == 0.5
    assert ordered([], "teaches") == []


def test_the_first_unsure_is_the_first_in_time_that_a_person_or_the_machine_doubts() -> None:
    sure, unsure = (Word(text="kay", confidence=0.9),), (Word(text="kay", confidence=0.9), Word(text="mi", confidence=0.79))
    plain = [segment(1, words=sure), segment(2), segment(3, words=(Word(text="kay"),))]
    assert first_unsure(plain, Doubts()) is None and first_unsure([], Doubts()) is None
    assert first_unsure([segment(9, words=unsure), segment(5, words=unsure), *plain], Doubts()) == "a5"
    assert first_unsure([segment(4, status="unsure"), segment(5, words=unsure)], Doubts()) == "a4"
    assert first_unsure([segment(4, words=unsure, status="approved"), segment(5, words=unsure)], Doubts()) == "a5"
