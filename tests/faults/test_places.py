"""Places that lead nowhere, and disks that go while they are read: every verb refuses with the code of the place."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from speech import cli
from speech.audio.source import Original
from speech.errors import PathRefused
from speech.files import is_folder, read_bytes, resolved, sha256_of
from tests.conftest import REPOSITORY
from tests.sounds import save, silence

MINI = str(REPOSITORY / "speech" / "models" / "mini")


def answered(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit status of a command, and the code it gave."""
    capsys.readouterr()
    status = cli.run([*arguments, "--json"])
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return status, next((line["code"] for line in printed if not line.get("ok", True)), "")


@pytest.mark.parametrize("inner", ["", "/x"])
@pytest.mark.parametrize(
    "command",
    [
        ["probe", "LOOP.wav"],
        ["transcribe", "LOOP.wav", "--language", "que"],
        ["transcribe", "a.wav", "--language", "und", "--out", "LOOP"],
        ["transcribe", "a.wav", "--language", "que", "--model", "LOOP"],
        ["transcribe", "a.wav", "--language", "que", "--adapter", "LOOP"],
        ["transcribe", "a.wav", "--language", "que", "--collection", "LOOP"],
        ["score", "LOOP.eaf", "a.txt"],
        ["score", "a.txt", "LOOP.txt"],
        ["score", "LOOP", "LOOP"],
        ["score", "a.txt", "a.txt", "--report", "LOOP/r.html"],
        ["model", "add", "LOOP"],
        ["model", "add", "LOOP.safetensors"],
        ["model", "show", "LOOP"],
        ["model", "check", "LOOP"],
    ],
    ids=" ".join,
)
def test_a31_a_link_in_a_circle_is_refused_wherever_a_path_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str], inner: str
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "a.wav", silence(1))
    (tmp_path / "a.txt").write_text("ñan\n", encoding="utf-8")
    named = []
    for word in command:
        loop = word.split("/")[0].replace("LOOP", "loop") if "LOOP" in word else ""
        if loop and not inner:
            Path(loop).unlink(missing_ok=True)
            Path(loop).symlink_to(loop)
        elif loop:
            # The file is named below a circle.
            Path("loop").unlink(missing_ok=True)
            Path("loop").symlink_to("loop")
            loop = f"loop{inner}{Path(loop).suffix}"
        named.append("/".join([loop, *word.split("/")[1:]]) if loop else word)
    assert answered(named, capsys) == (1, "PATH_LINK")


def test_a31_a_folder_for_models_that_is_a_circle_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    monkeypatch.setenv("SPEECH_MODELS", str(tmp_path / "loop"))
    assert answered(["model", "add", MINI], capsys) == (1, "PATH_LINK")


def test_a_circle_where_the_ledger_should_lie_is_told_beside_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "a.wav", silence(1))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    monkeypatch.setenv("SPEECH_STORE", str(tmp_path / "loop"))
    assert cli.run(["transcribe", str(tmp_path / "a.wav"), "-l", "und", "-o", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "a.eaf").is_file()
    assert "STORE_PLACE" in capsys.readouterr().err


def test_a_name_is_a_folder_or_none_or_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    (tmp_path / "here").symlink_to(tmp_path)
    found = {name: is_folder(tmp_path / name) for name in ("", "here", "file", "nothing", "file/x", "a" * 300, "nul\0")}
    assert found == {"": True, "here": True, "file": False, "nothing": False, "file/x": False, "a" * 300: False, "nul\0": False}
    for name in ("loop", "gone", "loop/x"):
        assert pytest.raises(PathRefused, is_folder, tmp_path / name).value.code == "PATH_LINK"
    assert resolved(tmp_path / "here" / "file") == tmp_path.resolve() / "file"
    assert pytest.raises(PathRefused, resolved, tmp_path / "loop").value.code == "PATH_LINK"


class Stick:
    """A stick that is pulled before its `left`th call: that call and all after it fail, as Linux has it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.left, self.calls = str(folder), 1_000_000, 0
        for owner, name in ((os, "stat"), (os, "lstat"), (os, "scandir"), (Path, "read_bytes")):
            monkeypatch.setattr(owner, name, self._failing(getattr(owner, name)))
        for name in ("readinto", "read", "readall"):
            monkeypatch.setattr(Original, name, self._failing(getattr(Original, name)), raising=False)

    def _failing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(first: Any, *rest: Any, **named: Any) -> Any:
            path = first.name if isinstance(first, Original) else first
            if isinstance(path, str | os.PathLike) and str(path).startswith(self.folder):
                self.calls += 1
                if self.calls > self.left:
                    raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
            return original(first, *rest, **named)

        return call


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.eaf", "a.txt"])
def test_a_stick_that_is_pulled_at_any_moment_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    path = folder / name
    if name.endswith((".eaf", ".txt")):
        path.write_bytes((REPOSITORY / "tests" / "golden" / "story.eaf").read_bytes() if name == "a.eaf" else b"story\n")
        command = ["score", str(path), str(path)]
    else:
        soundfile.write(path, silence(1), 16_000)
        command = ["transcribe", str(path), "--language", "und", "--out", str(tmp_path / "out")]
    monkeypatch.setenv("SPEECH_STORE", str(tmp_path / "ledger.db"))
    stick = Stick(folder, monkeypatch)
    assert answered(command, capsys)[0] == 0
    whole = stick.calls
    assert whole > 3
    for left in range(whole):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)  # a second run would hear nothing again
        stick.calls, stick.left = 0, left
        status, code = answered(command, capsys)
        # Once all was read, the result is there, and nothing need be refused.
        assert (status, code) in ((1, "PATH_IO"), (0, "")), (left, whole, status, code)
        if left < whole // 2:
            assert code == "PATH_IO", (left, whole)


def test_a_link_to_a_stick_that_is_gone_speaks_of_the_stick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "a.wav").touch()
    (tmp_path / "a.wav").symlink_to(tmp_path / "stick" / "a.wav")
    stat = os.stat

    def fails(path: Any, **named: Any) -> Any:
        if path == tmp_path / "a.wav" and named.get("follow_symlinks", True):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return stat(path, **named)

    monkeypatch.setattr(os, "stat", fails)
    assert pytest.raises(PathRefused, read_bytes, tmp_path / "a.wav").value.code == "PATH_IO"


def test_a_file_that_goes_before_its_hash_is_taken_is_refused(tmp_path: Path) -> None:
    assert pytest.raises(PathRefused, sha256_of, tmp_path / "gone.wav").value.code == "PATH_MISSING"
