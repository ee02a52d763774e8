"""Errors have one shape, stable codes, and survive pickling."""

from __future__ import annotations

import ast
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from speech import errors
from tests.conftest import REPOSITORY

KINDS = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.SpeechError)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_keeps_its_parts_through_pickling(kind: type[errors.SpeechError]) -> None:
    error = kind("tapes/12b.wav", "the header claims 48:10, the file holds 31:02", "Copy it again", "AUDIO_TRUNCATED")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == "tapes/12b.wav: the header claims 48:10, the file holds 31:02. Copy it again."
    assert again.as_dict() == error.as_dict()


def test_a_refusal_of_consent_keeps_scope_and_people_through_pickling() -> None:
    error = errors.ConsentRefused("a", "b", "c", "NO_CARD", scope="play", item="a", people=("EX1-014",), record="r")
    assert pickle.loads(pickle.dumps(error)).as_dict() == error.as_dict()
    assert set(error.as_dict()) == {"path", "ok", "code", "where", "what", "mend", "scope", "item", "people", "record"}


def test_refusals_end_with_1_and_failures_with_2() -> None:
    assert {k.exit_status for k in KINDS if issubclass(k, errors.Refusal)} == {1}
    assert {k.exit_status for k in KINDS if issubclass(k, errors.RunFailure)} == {2}


def raised_codes() -> Iterator[tuple[str, str]]:
    """Codes that the package gives to an error or a finding, with their place."""
    names = {k.__name__ for k in KINDS} | {"Finding"}
    for path in sorted((REPOSITORY / "speech").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                given = [*node.args[3:4], *(k.value for k in node.keywords if k.arg == "code")]
                for value in given:
                    for part in ast.walk(value):
                        if isinstance(part, ast.Constant) and isinstance(part.value, str):
                            yield part.value, f"{path.name}:{node.lineno}"


def test_every_code_given_is_listed() -> None:
    found = list(raised_codes())
    assert len(found) > 100
    assert [(c, place) for c, place in found if c not in errors.CODES | errors.CONSENT_CODES] == []


def test_every_listed_code_stands_in_a_test() -> None:
    said = "".join(p.read_text(encoding="utf-8") for p in (REPOSITORY / "tests").rglob("*.py") if p != Path(__file__))
    assert sorted(c for c in errors.CODES if c not in said) == []
