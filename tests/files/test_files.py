"""Files are there whole or not at all, and what the disk says becomes a failure with its mend."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from speech.errors import DiskFailure, PathRefused
from speech.files import check_readable, shown, write_bytes, write_text
from tests.conftest import REPOSITORY


def test_a_file_is_written_whole_and_nothing_else_stays(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "ñ")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xb1"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "DISK_FULL"),
        (errno.EDQUOT, "DISK_FULL"),
        (errno.EROFS, "DISK_READONLY"),
        (errno.EACCES, "DISK_READONLY"),
        (errno.EIO, "DISK_IO"),
    ],
)
def test_what_the_disk_says_is_named_and_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old", encoding="utf-8")

    def fails(_handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(DiskFailure) as failed:
        write_bytes(target, b"new")
    assert failed.value.code == code
    assert target.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


LIMITED = """
import resource, signal, sys
from pathlib import Path
from speech.errors import DiskFailure
from speech.files import write_bytes
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_bytes(Path(sys.argv[1]), bytes(5000))
except DiskFailure as failed:
    print(failed.code)
"""


def test_d1_a_quota_is_a_full_disk(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "a.bin")], capture_output=True, text=True, cwd=REPOSITORY, check=True
    )
    assert done.stdout.strip() == "DISK_FULL"
    assert list(tmp_path.iterdir()) == []


def test_a_path_is_asked_by_stat_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    wanted = {
        "pipe": "PATH_NOT_FILE",
        ".": "PATH_NOT_FILE",
        "loop": "PATH_LINK",
        "dangling": "PATH_LINK",
        "gone": "PATH_MISSING",
        "x" * 300: "PATH_NAME",
        "a\0b": "PATH_NAME",
    }
    for name, code in wanted.items():
        with pytest.raises(PathRefused) as refused:
            check_readable(tmp_path / name)
        assert refused.value.code == code


def test_names_are_shown_escaped() -> None:
    assert shown(os.fsdecode(b"caf\xe9.wav")) == "caf\\xe9.wav"
    assert shown("two\nlines.wav") == "two\\nlines.wav"
    assert shown("ñandú ŋ́.wav") == "ñandú ŋ́.wav"
