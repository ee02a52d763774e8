"""Find and replace by grapheme: case, tone, whole words, expressions with a limit of time."""

from __future__ import annotations

import time

import pytest

from speech.errors import Refusal
from speech.review.replacing import Sought, find, sought, toneless
from speech.types import Segment, Span


def hits(text: str, look: str, put: str = "_", **how: bool) -> tuple[tuple[tuple[int, int], ...], str] | None:
    found = find([Segment(id="a", span=Span(start_ms=0, end_ms=100), text=text)], sought({"find": look, "with": put, **how}))
    return (found[0].hits, found[0].after) if found else None


def test_a_letter_is_not_found_in_the_letter_with_a_mark() -> None:
    assert hits("ọ́mọ omo", "o") == (((4, 5), (6, 7)), "ọ́mọ _m_")
    assert hits("ka\u0301", "a") is None


def test_tones_are_passed_over_where_asked_and_other_marks_are_not() -> None:
    assert hits("ọ́mọ̀ ómò", "ọ", tone=False) == (((0, 1), (2, 3)), "_m_ ómò")
    assert hits("ã á", "a", tone=False) == (((2, 3),), "ã _")
    assert toneless("ọ́ ẽ̀ ǎ") == "ọ ẽ a"


def test_case_counts_only_where_asked() -> None:
    assert hits("Wasi wasi", "wasi") == (((0, 4), (5, 9)), "_ _")
    assert hits("Wasi wasi", "wasi", case=True) == (((5, 9),), "Wasi _")
    assert hits("STRASSE", "straße", case=False) is None  # one letter is not two


def test_whole_words_end_where_no_letter_follows() -> None:
    assert hits("mi, mikuy mi'ta mi", "mi", whole_word=True) == (((0, 2), (16, 18)), "_, mikuy mi'ta _")


def test_places_are_counted_in_graphemes() -> None:
    assert hits("क्षि kay", "kay") == (((2, 5),), "क्षि _")


def test_an_expression_takes_groups_from_the_text_as_it_stands() -> None:
    assert hits("wasi-pi", r"(\w+)-(\w+)", r"\2 \1", regular=True) == (((0, 7),), "pi wasi")
    assert hits("ọ́mọ", r"(ọ)(m)", r"\g<2>\1\\", regular=True, tone=False) == (((0, 2),), "mọ́\\ọ")
    assert hits("a a", "^", "x", regular=True) is None  # nothing is nothing to replace


def test_what_is_put_in_is_composed() -> None:
    assert hits("kax", "x", "\u0301") == (((2, 3),), "ká")


@pytest.mark.parametrize("pattern", ["(", "[", r"a{2", "(?P<x"])
def test_an_expression_that_cannot_be_read_is_refused(pattern: str) -> None:
    if pattern == "a{2":
        assert hits("a{2", pattern, regular=True) is not None  # a brace alone is a sign
        return
    with pytest.raises(Refusal) as caught:
        sought({"find": pattern, "regular": True})
    assert caught.value.code == "REVIEW_PATTERN"


def test_a_group_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refusal, match="group 3"):
        hits("kay", "(k)", r"\3", regular=True)


def test_an_expression_without_end_is_stopped() -> None:
    started = time.monotonic()
    many = [Segment(id=str(n), span=Span(start_ms=0, end_ms=100), text="a" * 60 + "b!") for n in range(50)]
    with pytest.raises(Refusal) as caught:
        find(many, sought({"find": r"(a|aa)+\Z", "regular": True}))
    assert caught.value.code == "REVIEW_PATTERN" and time.monotonic() - started < 10


@pytest.mark.parametrize("asked", [{}, {"find": ""}, {"find": 1}, {"find": "a", "case": "yes"}, {"find": "\ud800"}], ids=str)
def test_what_is_asked_wrongly_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(Refusal) as caught:
        sought(asked)
    assert caught.value.code == "REVIEW_ACT"


def test_the_fields_have_their_defaults() -> None:
    assert sought({"find": "a"}) == Sought(find="a", put="", case=False, tone=True, whole_word=False, regular=False)
