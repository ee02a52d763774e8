"""Bytes into text: marks, names, guesses, line ends."""

from __future__ import annotations

import pytest

from speech.errors import TextRefused
from speech.text.decode import check, decode, lines


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_or_plain_utf_8_is_read_without_being_told(encoding: str) -> None:
    assert decode("ŋ́ ñ\r\nb".encode(encoding), "t") == "ŋ́ ñ\r\nb"


def test_big_endian_is_told_by_its_mark() -> None:
    assert decode("\ufeffa".encode("utf-16-be"), "t") == "a"


@pytest.mark.parametrize("encoding", ["latin-1", "mac-roman", "utf-16-le", "utf-16-be"])
def test_old_encodings_are_refused_with_a_guess_that_reads_them(encoding: str) -> None:
    data = "la mañana está fría, dijo él".encode(encoding)
    with pytest.raises(TextRefused) as refused:
        decode(data, "t")
    assert refused.value.code == "TEXT_ENCODING"
    assert "offset" in refused.value.what
    assert f"--encoding {encoding}" in refused.value.mend
    assert decode(data, "t", encoding=encoding) == "la mañana está fría, dijo él"


def test_the_offset_is_that_of_the_first_wrong_byte() -> None:
    with pytest.raises(TextRefused, match="0xF1 at offset 5 "):
        decode(b"\xef\xbb\xbfma\xf1ana", "t")


def test_an_encoding_nobody_knows_is_refused() -> None:
    with pytest.raises(TextRefused, match="no encoding named 'klingon'"):
        decode(b"a", "t", encoding="klingon")


def test_only_three_signs_end_a_line() -> None:
    assert lines("a\nb\r\nc\rd\u2028e\x85f\n\n") == ["a", "b", "c", "d\u2028e\x85f", ""]


def test_a_line_of_over_ten_million_signs_is_refused() -> None:
    check("a" * 10_000_000, "t")
    with pytest.raises(TextRefused) as refused:
        check("b\n" + "a" * 10_000_001, "t")
    assert (refused.value.code, refused.value.where) == ("TEXT_TOO_LONG", "t, line 2")
