"""Every recipe has a docstring that says what it needs, and runs with --smoke in a minute where its data lie beside the checkout."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

RECIPES = sorted(p for p in (REPOSITORY / "recipes").glob("*.py") if "__main__" in p.read_text(encoding="utf-8"))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda p: p.stem)
def test_a_recipe_says_how_it_is_run(recipe: Path) -> None:
    said = ast.get_docstring(ast.parse(recipe.read_text(encoding="utf-8"))) or ""
    assert "Command:" in said
    assert "Time:" in said


def smoke(name: str, shared: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "recipes" / name), "--smoke", "--data", str(shared / "speech"), *arguments],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_train_mini_trains_resumes_and_exports(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")
    run = tmp_path / "run"
    smoke("train_mini.py", shared, "--run", str(run))
    log = (run / "log.jsonl").read_text(encoding="utf-8")
    assert '"step": 6' in log and "dev_cer" in log
    smoke("train_mini.py", shared, "--run", str(run), "--decay", "2")
    assert '"step": 8' in (run / "log.jsonl").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "recipes" / "train_mini.py"), "--run", str(run), "--export", str(tmp_path / "mini")],
        capture_output=True, text=True, check=False, cwd=REPOSITORY, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    checked = subprocess.run(
        [sys.executable, "-m", "speech", "model", "check", str(tmp_path / "mini")],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    assert checked.returncode == 0, checked.stdout
    assert "card agrees" in checked.stdout


def test_score_new_voice_tells_readers_apart_and_refuses_a_model_that_heard_both(shared: Path) -> None:
    table = smoke("score_new_voice.py", shared)
    assert table.count("| new |") == 3
    assert table.count("| same (one reader) |") == 1
    refused = subprocess.run(
        [sys.executable, str(REPOSITORY / "recipes" / "score_new_voice.py"), "--data", str(shared / "speech")],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert refused.returncode == 1
    assert "mlg_dimbyr_f trained it" in refused.stderr


def test_score_mini_makes_its_table(shared: Path) -> None:
    table = smoke("score_mini.py", shared)
    assert "| collection or language | voices |" in table
    assert "Mean over" in table
