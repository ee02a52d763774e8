"""A run card holds no path of the machine that it was made on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from speech.models.training.environment import environment


def test_paths_in_the_command_are_such_as_another_machine_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "checkout").mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "checkout")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    arguments = ["--data", str(tmp_path / "shared" / "speech"), str(tmp_path / "home" / "runs"), "/media/stick/tapes", "--out", "here", "7"]
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "checkout" / "recipes" / "train.py"), *arguments])
    assert environment()["command"] == ["train.py", "--data", "../shared/speech", "~/runs", "tapes", "--out", "here", "7"]
