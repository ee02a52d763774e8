"""The commands that make the app's figures: what is planned is what a text field does, and each runs in little."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import REPOSITORY


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark's module."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "benchmarks"))
    return importlib.import_module("keyboard")


@pytest.mark.parametrize(
    ("draft", "wanted", "keys"),
    [
        ("kan", "kan", 0),
        ("abc", "abx", 2),  # Backspace, x
        ("kan mana rinki", "kan mana rikni", 4),  # Left, Backspace, Left, k
        ("wasi hatun kan", "hatun kan", 4),  # Ctrl and Left twice, Backspace with it still down
        ("wasi hatun", "wasi", 3),  # Ctrl and Backspace, and the blank
        ("", "ọ́", 2),  # the letter, its mark
        ("xyzxyzxyz", "ab", 4),  # Ctrl and A, a, b
    ],
)
def test_the_cheapest_keys_are_those_a_hand_would_find(keyboard: ModuleType, draft: str, wanted: str, keys: int) -> None:
    found = keyboard.cheapest(draft, wanted)
    assert found.keys == keys == sum(found.kinds().values())


def test_a_reading_is_taken_where_it_saves_keys(keyboard: ModuleType) -> None:
    words = [keyboard.Readings(begin=5, end=9, texts=(tuple("xxxx"), tuple("hatun")))]
    found = keyboard.cheapest("ñuka uran", "ñuka hatun", words)
    assert [press.key for press in found.presses] == ["F4", "F4"]
    assert found.keys == 2 < keyboard.cheapest("ñuka uran", "ñuka hatun").keys
    nearly = [keyboard.Readings(begin=5, end=9, texts=(tuple("hatu"),))]
    assert [press.key for press in keyboard.cheapest("ñuka uran", "ñuka hatun", nearly).presses] == ["F4", "n"]


def run(script: str, *more: str) -> str:
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / script), "--smoke", *more],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.browser
def test_effort_presses_what_it_planned_and_the_store_holds_the_reference(browser: object) -> None:
    said = run("benchmarks/app_effort.py")
    assert "'segments': 4" in said
    assert "'replanned': 0" in said


@pytest.mark.slow
@pytest.mark.browser
def test_size_and_sound_in_little(browser: object) -> None:
    said = run("benchmarks/app_size.py")
    assert "segments skipped by Enter: 0" in said and "'opus'" in said and "'1.5'" in said


@pytest.mark.slow
@pytest.mark.browser
def test_load_in_little(browser: object) -> None:
    found = json.loads(run("benchmarks/app_load.py"))
    assert found["acknowledged"] > 0 and found["acknowledged and not in the store"] == 0 and found["ranges played"] > 0


@pytest.mark.slow
@pytest.mark.browser
def test_a_real_review_in_little(browser: object, shared: Path, tmp_path: Path) -> None:
    said = run("recipes/real_review.py", "--data", str(shared / "speech"), "--out", str(tmp_path / "review"))
    assert "2 segments by keys" in said and "6 of 12 are approved" in said and "all equal to the store's" in said
    assert len(list((tmp_path / "review_smoke").glob("*.png"))) >= 6


@pytest.mark.slow
def test_choosing_in_little(shared: Path) -> None:
    said = run("recipes/choose_next.py", "--data", str(shared / "speech"))
    assert "teaches: 4 clips" in said and "random: 4 clips" in said
