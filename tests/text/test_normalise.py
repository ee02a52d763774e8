"""Normalising and spelling, by property for every language with a table, and by hand for tones and syllables."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech import languages
from speech.languages import Language
from speech.text import WORD_BREAK, compose, graphemes, normalise, outside_alphabet, spell, symbols_of

EACH = pytest.mark.parametrize("code", languages.known())
FEW = settings(max_examples=60, derandomize=True, database=None, deadline=None)
SYLLABLES = [chr(c) for c in range(0x1200, 0x1358) if unicodedata.category(chr(c)) == "Lo"]


def texts(language: Language) -> st.SearchStrategy[str]:
    """Texts in a language's own letters, with its marks after vowels, capitals, stops and spaces between."""
    letters = SYLLABLES if language.rule == "ethiopic" else [*language.letters, *language.also]
    marked = [v + m for v in ("a", "e", "o", "u") for m in language.marks]
    capitals = [letter.upper() for letter in letters]
    return st.lists(st.sampled_from([*letters, *marked, *capitals, *language.keep, " ", ". ", ", "]), max_size=20).map("".join)


@EACH
def test_spelling_and_composing_give_the_normalised_text_again(code: str) -> None:
    language = languages.load(code)

    @FEW
    @given(texts(language))
    def holds(text: str) -> None:
        normal = normalise(text, language)
        assert compose(spell(normal, language), language) == normal

    holds()


@EACH
def test_composed_and_decomposed_input_are_one_text(code: str) -> None:
    language = languages.load(code)

    @FEW
    @given(texts(language))
    def holds(text: str) -> None:
        composed = normalise(unicodedata.normalize("NFC", text), language)
        assert normalise(unicodedata.normalize("NFD", text), language) == composed
        assert unicodedata.is_normalized("NFC", composed)

    holds()


@EACH
def test_a_text_of_the_alphabet_stays_inside_it(code: str) -> None:
    language = languages.load(code)

    @FEW
    @given(texts(language))
    def holds(text: str) -> None:
        assert not outside_alphabet(normalise(text, language), language)
        assert set(spell(normalise(text, language), language)) <= {*symbols_of(language), WORD_BREAK}

    holds()


@EACH
def test_no_letter_is_dropped_and_no_word_joined(code: str) -> None:
    language = languages.load(code)
    letters = SYLLABLES if language.rule == "ethiopic" else [*language.letters, *language.also]

    @FEW
    @given(st.lists(st.sampled_from(letters), min_size=1, max_size=12))
    def holds(words: list[str]) -> None:
        assert normalise(" - ".join(f"{w}a" for w in words), language) == " ".join(f"{w}a" for w in words)

    holds()


@settings(max_examples=200, derandomize=True, database=None, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_graphemes_joined_are_the_text(text: str) -> None:
    assert "".join(graphemes(text)) == text


def test_yoruba_keeps_its_tones_and_dots() -> None:
    yor = languages.load("yor")
    assert normalise("Ọjọ́, ÒJÒ; ẹ̀kọ́!", yor) == "ọjọ́ òjò ẹ̀kọ́"
    assert spell("ọjọ́ òjò", yor) == ["ọ", "j", "ọ", "\u0301", "|", "o", "\u0300", "j", "o", "\u0300"]
    assert compose(["ọ", "j", "ọ", "\u0301"], yor) == "ọjọ́"


def test_yoruba_marks_in_any_order_are_one_letter() -> None:
    yor = languages.load("yor")
    orders = ("o\u0323\u0301", "o\u0301\u0323", "\u1ecd\u0301", "\u00f3\u0323", "o\u0329\u0301", "o\u0301\u0329")
    assert {normalise(o, yor) for o in orders} == {"\u1ecd\u0301"}


def test_greek_letters_in_yoruba_are_the_latin_ones_they_look_like() -> None:
    # By code point: U+1F78 omicron with varia, U+03AF iota with tonos.
    assert normalise("\u1f78j\u03af", languages.load("yor")) == "\u00f2j\u00ed"


def test_ethiopic_syllables_are_a_row_and_a_vowel() -> None:
    amh = languages.load("amh")
    # Unicode chart U+1200: lo U+120E is row l, seventh order; la U+1208 first; l U+120D sixth; lwa U+120F eighth.
    assert spell("ሎ", amh) == ["ል", "ᵒ"]
    assert spell("ለል", amh) == ["ል", "ᵊ", "ል"]
    assert spell("ሏ", amh) == ["ል", "ʷ"]
    assert compose(["ስ", "ᵊ", "ል", "ᵃ", "ም"], amh) == "ሰላም"


def test_every_ethiopic_syllable_is_composed_from_its_parts() -> None:
    amh = languages.load("amh")
    assert [s for s in SYLLABLES if compose(spell(s, amh), amh) != s] == []


def test_the_apostrophe_stays_where_it_is_a_letter_and_goes_where_it_quotes() -> None:
    bre = languages.load("bre")
    assert normalise("ar C\u2019hi", bre) == "ar c'hi"
    assert normalise("'demat' \u2018emezi\u2019 ' a", bre) == "demat emezi a"
    assert normalise("ng\u2019ombe", languages.load("swh")) == "ng'ombe"


def test_graphemes_are_letters_with_their_marks() -> None:
    assert graphemes("ŋ́ọ́a") == ["ŋ́", "ọ́", "a"]
    assert graphemes("n\u0308a") == ["n\u0308", "a"]
