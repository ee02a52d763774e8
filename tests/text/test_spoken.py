"""Numbers, abbreviations and signs in words, by a language's table; what the table does not say stays."""

from __future__ import annotations

import pytest

from speech import languages
from speech.errors import ModelRefused
from speech.text.spoken import changes, in_words


def said(text: str, code: str) -> str:
    parts, at = [], 0
    for change in changes(text, languages.load(code)):
        assert text[change.start : change.end] == change.was
        parts += [text[at : change.start], change.spoken]
        at = change.end
    return "".join([*parts, text[at:]])


@pytest.mark.parametrize(
    ("figures", "code", "words"),
    [
        ("0", "swh", "sifuri"),
        ("12", "swh", "kumi na mbili"),
        ("100", "swh", "mia moja"),
        ("1987", "swh", "elfu moja na mia tisa na themanini na saba"),
        ("2000000", "swh", "milioni mbili"),
        ("007", "swh", "sifuri sifuri saba"),
        ("12345678901", "swh", "moja mbili tatu nne tano sita saba nane tisa sifuri moja"),
        ("23", "que", "ishkay chunka kimsa"),
        ("1234", "que", "waranka ishkay patsak kimsa chunka chusku"),
        ("15", "amh", "አሥራ አምስት"),
        ("2014", "amh", "ሁለት ሺህ አሥራ አራት"),
        ("٢٣", "swh", "ishirini na tatu"),
    ],
)
def test_numbers(figures: str, code: str, words: str) -> None:
    numbers = languages.load(code).spoken.numbers
    assert numbers is not None and in_words(figures, numbers) == words


def test_a_text_with_numbers_abbreviations_and_signs() -> None:
    assert (
        said("Dkt. Juma ana 1,234 na 3.5%.", "swh")
        == "daktari Juma ana elfu moja na mia mbili na thelathini na nne na tatu nukta tanoasilimia."
    )
    assert said("A4 na kADkt.b", "swh") == "Anne na kADkt.b", "an abbreviation is a word of its own"
    assert said("shuk 3 wasi", "que") == "shuk kimsa wasi"


def test_a_language_without_a_table_changes_nothing() -> None:
    assert changes("Dr. 12 % &", languages.load("yor")) == [] and changes("12", languages.load("und")) == []


@pytest.mark.parametrize(
    ("part", "what"),
    [
        ("[spoken]\nwords = {}", "spoken.words"),
        ('[spoken.numbers]\nzero = "0"', "spoken.numbers.units missing"),
        (
            '[spoken.numbers]\nzero = "a"\nunits = ["a"]\ntens = ["a"]\nhundreds = ["a"]\nthousand = "b"\nmillion = "c {}"',
            "units has 1 words, not 9; spoken.numbers.tens has 1 words, not 9; spoken.numbers.hundreds has 1 words, not 9; "
            "spoken.numbers.thousand has no {}",
        ),
    ],
)
def test_a_faulty_table_is_refused_by_field(part: str, what: str) -> None:
    with pytest.raises(ModelRefused) as caught:
        languages.parse(f'code = "xxx"\nname = "X"\n{part}\n', "xxx.toml")
    assert caught.value.code == "LANGUAGE_TABLE" and what in str(caught.value)
