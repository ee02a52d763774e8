"""Every language table is whole: it parses, names itself rightly, and its letters survive the rules it sets."""

from __future__ import annotations

import tomllib
import unicodedata
from pathlib import Path

import pytest

from speech import languages
from speech.errors import ModelRefused
from speech.text import RULES, checks, normalise, outside_alphabet, symbols_of

FOLDER = Path(languages.__file__).parent
FILES = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_table_parses_and_its_code_is_its_file_name(file: Path) -> None:
    raw = tomllib.loads(file.read_text(encoding="utf-8"))
    language = languages.load(file.stem)
    assert raw["code"] == language.code == file.stem
    assert language.name and language.autonym
    assert len(language.script) == 4 and language.script.istitle()
    assert len(language.glottocode) == 8
    assert language.listed


@pytest.mark.parametrize("code", languages.known())
def test_no_letter_and_no_symbol_stands_twice(code: str) -> None:
    language = languages.load(code)
    letters = [*language.letters, *language.also]
    assert len(letters) == len(set(letters))
    symbols = symbols_of(language)
    assert len(symbols) == len(set(symbols)) > 0


@pytest.mark.parametrize("code", languages.known())
def test_a_table_is_written_in_nfc(code: str) -> None:
    language = languages.load(code)
    signs = [*language.letters, *language.also, *language.marks, *language.keep, *(new for _, new in language.replace)]
    assert [s for s in signs if unicodedata.normalize("NFC", s) != s] == []
    # Replacing happens on NFC: what is to be replaced must occur there.
    assert [old for old, _ in language.replace if unicodedata.normalize("NFC", old) != old] == []


@pytest.mark.parametrize("code", languages.known())
def test_every_letter_of_a_table_is_unchanged_by_its_rules_and_inside_its_alphabet(code: str) -> None:
    language = languages.load(code)
    for letter in (*language.letters, *language.also):
        assert normalise(f"a{letter}a", language) == f"a{letter}a"
        assert not outside_alphabet(letter, language)


def test_known_lists_every_file_and_nothing_else() -> None:
    assert languages.known() == tuple(f.stem for f in FILES)


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(ModelRefused) as caught:
        languages.parse('code = "xxx"\nname = "X"\nalfabet = []\n', "xxx.toml")
    assert caught.value.code == "LANGUAGE_TABLE"
    assert "alfabet" in caught.value.what


@pytest.mark.parametrize(("called", "code"), [("sw", "swh"), ("SW", "swh"), ("Runasimi", "que"), ("", ""), ("xx", "")])
def test_two_letters_and_other_names_lead_to_the_code_and_nothing_is_called_nothing(called: str, code: str) -> None:
    with pytest.raises(ModelRefused) as caught:
        languages.check_code(called)
    assert caught.value.mend.endswith(f" give {code}") if code else caught.value.mend.startswith("Look it up")


def test_a_language_without_a_table_has_an_open_alphabet() -> None:
    language = languages.load("quz")
    assert not language.listed
    assert not outside_alphabet("ñuqanchik ŋ́", language)


def test_the_stated_rules_name_the_normal_form() -> None:
    assert RULES.startswith("NFC")


def test_the_users_own_table_comes_first_and_rules_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zzz.toml").write_text(
        'code = "zzz"\nname = "Zzz"\nscript = "Latn"\n[normalise]\nreplace = { "ω" = "ɔ" }\n', encoding="utf-8"
    )
    monkeypatch.setenv("SPEECH_LANGUAGES", str(tmp_path))
    for cached in (languages.known, languages._load):
        cached.cache_clear()
    try:
        assert "zzz" in languages.known() and "que" in languages.known()
        assert languages.table_of("zzz") == tmp_path / "zzz.toml"
        assert normalise("bωa", languages.load("zzz")) == "bɔa"
        checks.require_trainable([("1", "bωa")], languages.load("zzz"))
        assert languages.table_of("que").parent == FOLDER
        (tmp_path / "yyy.toml").write_text('code = "yyy\n', encoding="utf-8")
        (tmp_path / "xxx.toml").write_text('code = "xxx"\n', encoding="utf-8")
        for broken in ("yyy", "xxx"):
            languages.known.cache_clear()
            with pytest.raises(ModelRefused) as caught:
                languages.load(broken)
            assert caught.value.code == "LANGUAGE_TABLE" and str(tmp_path / f"{broken}.toml") in caught.value.where
    finally:
        for cached in (languages.known, languages._load):
            cached.cache_clear()
