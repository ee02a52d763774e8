"""The tables of what the pages say: the same keys and placeholders in each language, none missing, none unused."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.ui_element import letters

UI = REPOSITORY / "speech" / "ui"
LANGUAGES = ("es", "fr", "que", "swh")
PLURALS = {"zero", "one", "two", "few", "many", "other"}


def table(language: str) -> dict[str, Any]:
    return dict(json.loads((UI / "strings" / f"{language}.json").read_text(encoding="utf-8")))


def texts(value: Any) -> list[str]:
    return list(value.values()) if isinstance(value, dict) else [value]


def names(value: Any) -> set[str]:
    return {name for text in texts(value) for name in re.findall(r"\{(\w+)\}", text)}


ENGLISH = {key: value for key, value in table("en").items() if not key.startswith("_")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_is_there_or_named_as_left_to_the_fallback(language: str) -> None:
    own = table(language)
    left = set(own.get("_left", ()))
    keys = {key for key in own if not key.startswith("_")}
    assert not left & keys
    assert keys | left == set(ENGLISH)
    if language != "que":
        assert not left


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_those_of_english(language: str) -> None:
    wrong = {k: v for k, v in table(language).items() if k in ENGLISH and names(v) != names(ENGLISH[k])}
    assert not wrong


@pytest.mark.parametrize("language", ("en", *LANGUAGES))
def test_plural_forms_have_names_of_the_browser(language: str) -> None:
    for key, value in table(language).items():
        if isinstance(value, dict):
            assert set(value) <= PLURALS, key
            assert "other" in value, key
        elif not key.startswith("_"):
            assert isinstance(value, str) and value.strip(), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_marked_as_approved_that_no_speaker_has_read(language: str) -> None:
    assert table(language).get("_approved") == []


def test_every_text_that_the_element_says_is_there_and_is_used() -> None:
    source = "\n".join(p.read_text(encoding="utf-8") for p in sorted((UI / "static").glob("review*.js")))
    said = set(re.findall(r"(?<![#\w])say\(\s*\"([\w.]+)\"", source)) | set(
        re.findall(r"(?<![#\w])say\([^()\"]*\? \"([\w.]+)\" : \"[\w.]+\"", source)
    )
    missing = {key for key in said if f"review.{key}" not in ENGLISH}
    assert not missing
    pattern = [
        key
        for key in ENGLISH
        if key.startswith("review.") and key not in {"review.choose", "review.empty", "review.heading", "review.alone"}
    ]
    stems = {found.split("${")[0] for found in re.findall(r"(?<![#\w])say\(\s*`([^`]+)`", source)}
    quoted = set(re.findall(r"\"([\w.]+)\"", source))
    unused = [
        k for k in pattern if (short := k.removeprefix("review.")) not in quoted and not any(short.startswith(stem) for stem in stems)
    ]
    assert not unused


def test_no_text_of_data_is_read_as_html() -> None:
    for path in sorted((UI / "static").glob("review*.js")):
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|randomUUID", source), path.name


def test_files_can_be_read_in_a_sitting() -> None:
    long = {p.name: n for p in (UI / "static").glob("*.js") if (n := len(p.read_text(encoding="utf-8").splitlines())) > 320}
    assert not long


def test_names_of_letters_are_those_of_unicode() -> None:
    held = json.loads(letters.TABLE.read_text(encoding="utf-8"))
    assert all(unicodedata.name(letter, name) == name for letter, name in held.items())
    assert {"ɛ", "ŋ", "\u0301", "ጸ", "ߒ", "ñ", "ẹ"} <= set(held)


def test_all_is_packed(tmp_path: Path) -> None:
    patterns = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert "ui/static/*" in patterns
    assert "ui/strings/*.json" in patterns


def test_reasons_that_the_machine_gives_have_texts() -> None:
    from speech.align.records import FITS_BADLY, NOT_SAID
    from speech.diarise import assembly
    from speech.identify import records
    from speech.transcribe import NO_MODEL, NOTHING_HEARD, turns

    source = (UI / "static" / "review-row.js").read_text(encoding="utf-8")
    held = dict(re.findall(r'"([^"]+)": "(\w+)",', source[source.index("const MACHINE") :].split("};")[0]))
    told = (turns.LANGUAGE_CLOSE, turns.OUTSIDE, turns.NO_LANGUAGE, turns.OVERLAID)
    assert set(held) == {assembly.CLOSE, assembly.NOBODY, NO_MODEL, NOTHING_HEARD, records.TOO_LITTLE, NOT_SAID, FITS_BADLY, *told}
    assert {f"review.reason.{key}" for key in held.values()} <= set(ENGLISH)
