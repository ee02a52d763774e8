"""Words against their segment: separators found again, edits carried over, times divided."""

from __future__ import annotations

from speech.formats._words import divided, fitted, spaced
from speech.types import Segment, Span, Word, joined


def word(text: str, start: int | None = None, end: int = 0) -> Word:
    return Word(text=text, span=None if start is None else Span(start_ms=start, end_ms=end))


def test_separators_are_found_from_the_text() -> None:
    found = spaced("a-b  c", [word("a"), word("b"), word("c")])
    assert found is not None
    assert [w.separator for w in found] == ["-", "  ", " "]


def test_the_last_word_stands_at_the_end_even_if_it_stands_earlier_too() -> None:
    found = spaced("a b a", [word("a"), word("a")])
    assert found is not None and joined(found) == "a b a"


def test_words_that_do_not_spell_the_text_are_told() -> None:
    assert spaced("a b", [word("a")]) is None
    assert spaced("a", [word("a"), word("a")]) is None
    assert spaced("xa b", [word("a"), word("b")]) is None


def test_an_edited_text_keeps_the_times_of_the_words_left_in_it() -> None:
    found = fitted("imata mana munanki", [word("imata", 0, 5), word("munangui", 5, 8), word("munanki", 8, 9)])
    assert [(w.text, w.span) for w in found] == [
        ("imata", Span(start_ms=0, end_ms=5)),
        ("mana", None),
        ("munanki", Span(start_ms=8, end_ms=9)),
    ]


def test_a_text_written_anew_has_no_words() -> None:
    assert fitted("all new", [word("imata", 0, 5)]) == ()


def test_missing_times_are_divided_between_neighbours() -> None:
    words = (word("a"), word("b", 100, 200), word("c"), word("d"), word("e", 400, 500))
    found = divided(Segment(span=Span(start_ms=0, end_ms=500), text="", words=words))
    assert [(s.start_ms, s.end_ms) for s in found] == [(0, 100), (100, 200), (200, 300), (300, 400), (400, 500)]
