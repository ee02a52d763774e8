"""What a message tells people to type exists: every `speech ...` in a string of the tree, against the registered commands."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator

import click
import pytest

from speech import cli
from tests.conftest import REPOSITORY

_NAMED = re.compile(r"\bspeech ([a-z]+)(?: ([a-z]+))?")
_PROSE = {
    "and",
    "detection",
    "detector",
    "found",
    "in",
    "into",
    "is",
    "it",
    "lies",
    "of",
    "or",
    "recorded",
    "seems",
    "teach",
    "that",
    "there",
    "to",
    "was",
    "with",
    "would",
}
"""Words that follow the noun "speech" in messages, not the program's name."""


def messages(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every string that is no docstring; parts of an f-string are joined, values stand as X."""
    tree = ast.parse(source)
    told: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            told.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            told |= {id(value) for value in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(v.value if isinstance(v, ast.Constant) else "X" for v in node.values)  # type: ignore[misc]  # a constant of an f-string is text
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.lineno, node.value


def unknown(text: str) -> list[str]:
    """Commands named in a text that the program does not have."""
    found = []
    for verb, further in _NAMED.findall(text):
        if verb in cli.COMMANDS:
            command = importlib.import_module(f"speech.cli.{verb}").command
            if isinstance(command, click.Group) and further and further not in command.commands:
                found.append(f"speech {verb} {further}")
        elif verb not in _PROSE:
            found.append(f"speech {verb}")
    return found


@pytest.mark.parametrize("text", ["train it: speech audit", "Correct it: speech manifest mend", "speech model mend NAME"])
def test_a_command_that_does_not_exist_is_found(text: str) -> None:
    assert unknown(text)
    assert not unknown("speech model add X; speech transcribe story.wav; speech in it")


def test_every_command_that_a_message_names_exists() -> None:
    found = {
        f"{path.relative_to(REPOSITORY).as_posix()}:{line}": names
        for path in sorted((REPOSITORY / "speech").rglob("*.py"))
        for line, text in messages(path.read_text(encoding="utf-8"))
        if (names := unknown(text))
    }
    assert found == {}
