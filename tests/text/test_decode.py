"""Bytes become text by their mark or as UTF-8; everything else is named, and nothing is replaced."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.errors import TextRefused
from speech.text.decode import decode, lines

TEXT = "Ọjọ́ dára\nñukanchik\n"
CLEAN = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff\ufeff"), max_size=40)


def test_a_second_mark_is_a_sign_of_the_text() -> None:
    assert decode("\ufeff\ufeffwasi".encode(), "a.txt") == "\ufeffwasi"


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (b"", "utf-8"),
    ],
)
def test_a_mark_decides_and_is_not_part_of_the_text(mark: bytes, encoding: str) -> None:
    assert decode(mark + TEXT.encode(encoding), "a.txt") == TEXT


@settings(max_examples=200, derandomize=True, database=None, deadline=None)
@given(CLEAN)
def test_utf8_comes_back_as_it_was_written(text: str) -> None:
    assert decode(text.encode("utf-8"), "a.txt") == text


@pytest.mark.parametrize("encoding", ["cp1252", "mac-roman", "latin-1", "utf-16-le"])
def test_an_encoding_that_is_named_is_used(encoding: str) -> None:
    assert decode("ñandú está".encode(encoding), "a.txt", encoding=encoding) == "ñandú está"


def test_a_name_that_is_no_encoding_is_refused() -> None:
    with pytest.raises(TextRefused, match="no encoding named 'klingon'") as caught:
        decode(b"a", "a.txt", encoding="klingon")
    assert caught.value.code == "TEXT_ENCODING"


def test_a_named_encoding_that_does_not_fit_is_refused_with_the_offset() -> None:
    with pytest.raises(TextRefused, match="offset 2") as caught:
        decode("abñ".encode("cp1252"), "a.txt", encoding="utf-8")
    assert caught.value.code == "TEXT_ENCODING"


def test_only_three_signs_end_a_line() -> None:
    assert lines("a\nb\r\nc\rd\u2028e\u0085f\n") == ["a", "b", "c", "d\u2028e\u0085f"]
    assert lines("a\n\n\n") == ["a", "", ""]
    assert lines("") == []


def test_an_empty_file_is_an_empty_text() -> None:
    assert decode(b"", "a.txt") == ""
    assert decode(codecs.BOM_UTF16_LE, "a.txt") == ""
