"""Rows X1 to X14 of the table of faults: text that is not what it looks like."""

from __future__ import annotations

import codecs
import json
import unicodedata
from pathlib import Path

import pytest

from speech import languages
from speech.errors import PathRefused, TextRefused
from speech.languages import Language
from speech.score import Pair, pair_files, score
from speech.text import graphemes, normalise
from speech.text.checks import check_name, findings, require_trainable
from speech.text.decode import LONGEST, decode, lines, read_text

YOR, QUE, BRE = languages.load("yor"), languages.load("que"), languages.load("bre")
UND = Language.plain("und")


def pair(reference: str, hypothesis: str, language: str = "und") -> Pair:
    return Pair(id="r1", reference=reference, hypothesis=hypothesis, language=language)


def errors(reference: str, hypothesis: str, language: str = "und") -> tuple[int, int, int]:
    overall = score([pair(reference, hypothesis, language)]).overall
    return (overall.words.counts.errors, overall.letters.counts.errors, overall.code_points.counts.errors)


def test_x1_composed_decomposed_and_reordered_marks_score_as_equal() -> None:
    text = "ọjọ́ ẹ̀kọ́ fún ọmọ"
    assert errors(text, unicodedata.normalize("NFD", text), "yor") == (0, 0, 0)
    assert errors("o\u0323\u0301", "o\u0301\u0323") == (0, 0, 0)


def test_x2_a_letter_without_a_code_point_of_its_own_counts_as_one() -> None:
    overall = score([pair("ŋ́a", "ŋa")]).overall
    assert (overall.letters.counts.errors, overall.letters.counts.reference) == (1, 2)
    assert (overall.code_points.counts.errors, overall.code_points.counts.reference) == (1, 3)
    assert graphemes("ọ́") == ["ọ́"]


def test_x2_compatibility_letters_are_not_folded() -> None:
    assert normalise("tʰa ﬁ", UND) == "tʰa ﬁ"
    assert errors("tʰa", "tha")[1] == 1


@pytest.mark.parametrize("text", ["\u202bmama\u202c", "ma\u200ema", "\u2067mama\u2069", "mama\u202e"])
def test_x3_bidi_controls_are_not_scored_and_are_reported(text: str) -> None:
    scores = score([pair("mama", text)])
    assert scores.overall.letters.counts.errors == 0
    [found] = scores.findings
    assert found.code == "TEXT_BIDI" and f"U+{ord(next(c for c in text if not c.isalpha())):04X}" in found.what


def test_x3_words_from_right_to_left_are_kept_and_reported_in_a_language_written_otherwise() -> None:
    assert "TEXT_BIDI" in [f.code for f in findings("mama שלום", QUE, "a.txt")]
    assert normalise("mama שלום", QUE) == "mama שלום"


@pytest.mark.parametrize("name", ["a\u202eb.eaf", "a\u2067b.eaf", "a\u202cb.eaf", "a\u2067b\u202c.eaf"])
def test_x3_a_name_whose_controls_do_not_close_is_refused(name: str) -> None:
    with pytest.raises(PathRefused) as caught:
        check_name(name, ascii(name))
    assert caught.value.code == "PATH_NAME"
    check_name("a\u2067b\u2069\u202ac\u202c.eaf", "balanced")


@pytest.mark.parametrize("sign", ["\u200b", "\ufeff", "\u00ad", "\u2060"])
def test_x4_invisible_signs_inside_a_word_are_not_scored_and_are_reported(sign: str) -> None:
    scores = score([pair("mama", f"ma{sign}ma")])
    assert scores.overall.words.counts.errors == scores.overall.code_points.counts.errors == 0
    assert [f.code for f in scores.findings] == ["TEXT_INVISIBLE"]


def test_x4_a_no_break_space_divides_words_like_any_space() -> None:
    scores = score([pair("ma ma", "ma\u00a0ma")])
    assert scores.overall.words.counts.errors == 0
    assert [f.code for f in scores.findings] == ["TEXT_INVISIBLE"]


def test_x4_joiners_stay_where_the_language_lists_them() -> None:
    listed = Language(code="fas", name="Persian", keep=("\u200c",))
    assert normalise("می\u200cشود", listed) == "می\u200cشود"
    assert findings("می\u200cشود", listed, "a.txt") == []
    assert [f.code for f in findings("می\u200cشود", UND, "a.txt")] == ["TEXT_INVISIBLE"]


@pytest.mark.parametrize("sign", ["\U0001f600", "\ue000", "\u0378", "\ufdd0", "7"])
def test_x5_training_refuses_signs_that_are_no_letters(sign: str) -> None:
    with pytest.raises(TextRefused) as caught:
        require_trainable([("r1", "mama"), ("r2", f"ma {sign}")], QUE)
    assert caught.value.code == "TEXT_ALPHABET"
    what = caught.value.what
    assert f"U+{ord(sign):04X} {unicodedata.name(sign, 'unnamed')}, 1 time" in what and "r2" in what and "mama" not in what
    assert "que.toml" in caught.value.mend


def test_x6_scoring_counts_a_letter_outside_the_alphabet() -> None:
    scores = score([pair("ŋama", "nama", "que")])
    assert (scores.overall.letters.counts.substitutions, scores.overall.letters.counts.reference) == (1, 4)
    [found] = scores.findings
    assert found.code == "TEXT_ALPHABET" and "U+014B" in found.what
    with pytest.raises(TextRefused):
        require_trainable([("r1", "ŋama")], QUE)


def test_x7_a_cyrillic_letter_in_a_latin_word_is_reported_with_the_letter_meant() -> None:
    found = next(f for f in findings("c\u0430sa mama", QUE, "a.txt") if f.code == "TEXT_MIXED_SCRIPT")
    assert "U+0430 CYRILLIC SMALL LETTER A, 1 time" in found.what
    assert "looks like 'a'" in found.mend and 'replace = { "\u0430" = "a" }' in found.mend
    with pytest.raises(TextRefused) as caught:
        require_trainable([("r9", "c\u0430sa")], QUE)
    assert caught.value.code == "TEXT_MIXED_SCRIPT" and "r9" in caught.value.what


def test_x7_three_apostrophes_are_refused_until_the_table_rules() -> None:
    text = "c'hi c\u2019hi c\u02bchi"
    [found] = [f for f in findings(text, UND, "a.txt") if f.code == "TEXT_MIXED_SCRIPT"]
    assert all(code in found.what for code in ("U+0027", "U+2019", "U+02BC"))
    with pytest.raises(TextRefused) as caught:
        require_trainable([("r1", text)], UND)
    assert caught.value.code == "TEXT_MIXED_SCRIPT"
    require_trainable([("r1", text)], BRE)


def test_x8_an_empty_reference_counts_insertions_and_has_no_rate() -> None:
    scores = score([pair("", "a b"), Pair(id="r2", reference="a b c d", hypothesis="a b c d")])
    empty = scores.rows[0].words
    assert (empty.insertions, empty.reference, empty.rate) == (2, 0, None)
    assert scores.empty_references == ("r1",)
    # Two insertions over the four words of the other row.
    assert scores.overall.words.value == 0.5
    assert scores.as_dict()["rows"][0]["words"]["rate"] is None


def test_x8_nothing_said_and_nothing_heard_is_right() -> None:
    scores = score([pair("…", "")])
    assert scores.overall.words.value is None and scores.overall.words.counts.errors == 0


def test_x9_sides_of_different_length_are_refused_not_zipped(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("a\n" * 10, encoding="utf-8")
    (tmp_path / "h.txt").write_text("a\n" * 9, encoding="utf-8")
    with pytest.raises(TextRefused, match="10 lines against 9") as caught:
        pair_files(tmp_path / "r.txt", tmp_path / "h.txt")
    assert caught.value.code == "TEXT_UNPAIRED"


def test_x9_other_ids_are_listed(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("k1\ta\nk2\tb\nk3\tc\n", encoding="utf-8")
    (tmp_path / "h.txt").write_text("k3\tc\nk1\ta\nk4\tb\n", encoding="utf-8")
    with pytest.raises(TextRefused) as caught:
        pair_files(tmp_path / "r.txt", tmp_path / "h.txt")
    assert caught.value.code == "TEXT_UNPAIRED"
    assert "k2" in caught.value.what and "k4" in caught.value.what and "k1" not in caught.value.what


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + "ọ́\nb\u2028c\n".encode(),
        codecs.BOM_UTF16_LE + "ọ́\r\nb\u2028c".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "ọ́\rb\u2028c\r".encode("utf-16-be"),
        "ọ́\r\nb\u2028c\r\n".encode(),
    ],
)
def test_x10_marks_and_line_ends_of_all_kinds_are_read(data: bytes) -> None:
    assert lines(decode(data, "a.txt")) == ["ọ́", "b\u2028c"]


@pytest.mark.parametrize(
    ("encoding", "guess"),
    [("latin-1", "latin-1"), ("mac-roman", "mac-roman"), ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"), ("cp1252", "latin-1")],
)
def test_x11_another_encoding_is_refused_with_offset_guess_and_option(tmp_path: Path, encoding: str, guess: str) -> None:
    text = "Ñukanchik ñan está allí, señor. Así también mañana."
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    with pytest.raises(TextRefused) as caught:
        read_text(tmp_path / "a.txt")
    assert caught.value.code == "TEXT_ENCODING"
    assert "offset" in caught.value.what and f"--encoding {guess}" in caught.value.mend
    assert read_text(tmp_path / "a.txt", encoding=encoding) == text


def test_x11_windows_quotes_are_guessed_as_windows() -> None:
    with pytest.raises(TextRefused, match="--encoding cp1252"):
        decode("Así dijo: “está bien”, l’été".encode("cp1252"), "a.txt")


def test_x12_half_a_surrogate_pair_in_json_is_refused_with_row_and_offset(tmp_path: Path) -> None:
    rows = [json.dumps({"id": "k1", "text": "a"}), '{"id": "k2", "text": "ab\\ud800c"}']
    (tmp_path / "r.jsonl").write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(TextRefused) as caught:
        pair_files(tmp_path / "r.jsonl", tmp_path / "r.jsonl")
    assert caught.value.code == "TEXT_SURROGATE"
    assert "row 2" in caught.value.where and "offset 2" in caught.value.what
    str(caught.value).encode("utf-8")


@pytest.mark.parametrize("sign", ["\x00", "\x0b", "\x1b"])
def test_x13_a_control_sign_is_refused_with_its_place(sign: str, tmp_path: Path) -> None:
    with pytest.raises(TextRefused) as caught:
        decode(f"first line\nsec{sign}ond".encode(), "a.txt")
    assert caught.value.code == "TEXT_CONTROL"
    assert caught.value.where == "a.txt, line 2, character 4" and f"U+{ord(sign):04X}" in caught.value.what
    (tmp_path / "r.jsonl").write_text(json.dumps({"id": "k", "text": f"a{sign}"}), encoding="utf-8")
    with pytest.raises(TextRefused) as caught:
        pair_files(tmp_path / "r.jsonl", tmp_path / "r.jsonl")
    assert caught.value.code == "TEXT_CONTROL"


def test_x14_a_line_of_a_megabyte_is_read_and_checked(tmp_path: Path) -> None:
    # Something quadratic would not end here.
    row = "ọjọ́ dára " * 110_000
    (tmp_path / "a.tsv").write_text(f"id\ttext\nk1\t{row}\n", encoding="utf-8")
    [found] = pair_files(tmp_path / "a.tsv", tmp_path / "a.tsv", language="yor")
    assert found.reference == row and len(row) > 1_000_000
    assert len(graphemes(normalise(row, YOR))) == 110_000 * 9 - 1
    assert findings(row, YOR, "a.tsv") == []


def test_x14_a_line_over_ten_megabytes_is_refused() -> None:
    assert decode(b"a" * LONGEST + b"\nb", "a.txt")[-1] == "b"
    with pytest.raises(TextRefused) as caught:
        decode(b"b\n" + b"a" * (LONGEST + 1), "a.txt")
    assert caught.value.code == "TEXT_TOO_LONG" and caught.value.where == "a.txt, line 2"
