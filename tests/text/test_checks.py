"""Signs that hide, mix or do not belong are named with code point, count and row, and nothing else is."""

from __future__ import annotations

import pytest

from speech import languages
from speech.errors import TextRefused
from speech.languages import Language
from speech.text.checks import findings, findings_in, require_trainable, script_of

YOR, BRE, QUE = languages.load("yor"), languages.load("bre"), languages.load("que")
UND = Language.plain("und")


def codes(text: str, language: Language) -> list[str]:
    return [f.code for f in findings(text, language, "a.txt")]


@pytest.mark.parametrize(
    ("text", "language"),
    [("Ọjọ́ dára, ẹ̀kọ́!", YOR), ("Demat d'ar c’hi", BRE), ("Ñukaka shamuni.", QUE), ("東京へ行く", UND), ("नमस्ते दुनिया", UND)],
)
def test_ordinary_text_gives_no_finding(text: str, language: Language) -> None:
    assert codes(text, language) == []
    require_trainable([("1", text)], language)


def test_what_a_table_replaces_is_ruled_upon() -> None:
    assert codes("ὸjὸ", YOR) == []
    assert codes("c'hi c’hi cʼhi", BRE) == []


def test_a_finding_counts_signs_over_all_rows() -> None:
    rows = [(f"r{n}", "a\u00adb") for n in range(7)]
    [found] = findings_in(rows, UND, "clips")
    assert found.code == "TEXT_INVISIBLE"
    assert "U+00AD SOFT HYPHEN, 7 times (in 7 rows: r0, r1, r2, r3, r4 and 2 more)" in found.what


def test_a_whole_word_of_another_script_is_outside_the_alphabet_but_not_mixed() -> None:
    assert codes("mira москва", QUE) == ["TEXT_ALPHABET"]


def test_a_language_without_a_table_still_shows_mixed_words() -> None:
    assert codes("c\u0430sa", UND) == ["TEXT_MIXED_SCRIPT"]


@pytest.mark.parametrize("sign", ["\U0001f600", "\ue000", "\u0378", "\ufdd0", "7"])
def test_training_refuses_signs_that_stand_for_no_sound(sign: str) -> None:
    for language in (QUE, UND):
        with pytest.raises(TextRefused) as caught:
            require_trainable([("r1", "mama"), ("r2", f"ma{sign} ma{sign}")], language)
        assert caught.value.code == "TEXT_ALPHABET"
        assert f"U+{ord(sign):04X}" in caught.value.what and "2 times" in caught.value.what and "r2" in caught.value.what


def test_the_alphabet_message_leads_to_the_line_of_the_table() -> None:
    table = languages.table_of("que")
    line = next(n for n, text in enumerate(table.read_text(encoding="utf-8").split("\n"), 1) if text.startswith("also"))
    with pytest.raises(TextRefused, match=rf"que\.toml, line {line}"):
        require_trainable([("r1", "ŋa")], QUE)


@pytest.mark.parametrize(
    ("sign", "script"),
    [("a", "Latin"), ("а", "Cyrillic"), ("ο", "Greek"), ("ሀ", "Ethiopic"), ("ʼ", ""), ("\u0301", ""), ("語", "East Asian")],
)
def test_scripts_are_those_of_unicode(sign: str, script: str) -> None:
    assert script_of(sign) == script
