"""The wheel that people install holds the weights, tables, schemas and migrations, and installs without make."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

LIMIT_MINI = 25_000_000
LIMIT_EMBEDDED = 40_000_000
_SUFFIXES = frozenset(".py .toml .json .safetensors .mako .typed .md .js .css .html .svg .woff2".split())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(folder),
        str(REPOSITORY),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_every_file_of_the_package_is_in_it(wheel: zipfile.ZipFile) -> None:
    here = {
        p.relative_to(REPOSITORY).as_posix()
        for p in (REPOSITORY / "speech").rglob("*")
        if p.is_file() and "__pycache__" not in p.parts and p.suffix in _SUFFIXES
    }
    missing = here - set(wheel.namelist())
    assert not missing


def test_weights_have_room(wheel: zipfile.ZipFile) -> None:
    weights = [i for i in wheel.infolist() if i.filename.endswith((".safetensors", ".onnx", ".pt", ".npz"))]
    ears = {"speech/models/mini/voices.safetensors", "speech/models/mini/identify.safetensors"}
    mini = sum(i.file_size for i in weights if i.filename.startswith("speech/models/mini/") and i.filename not in ears)
    assert 1_000_000 < mini <= LIMIT_MINI
    assert sum(i.file_size for i in weights) <= LIMIT_EMBEDDED


def test_it_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    assert {n.split("/")[0].split("-")[0] for n in wheel.namelist()} == {"speech", "oral_speech"}
    assert not [n for n in wheel.namelist() if Path(n).suffix in {".wav", ".opus", ".mp3", ".flac"}]


def test_no_weights_or_audio_of_others_are_in_the_repository() -> None:
    done = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is not a git checkout")
    names = done.stdout.splitlines()
    assert not [n for n in names if Path(n).suffix in {".wav", ".opus", ".mp3", ".flac", ".ogg", ".onnx", ".pt", ".bin"}]
    assert {n.rsplit("/", 1)[0] for n in names if n.endswith(".safetensors")} <= {"speech/models/mini"}
