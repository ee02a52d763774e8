"""Files written whole or not at all, hashes, names that can be shown, and checks before a path is opened.

OSErrors of the disk become `DiskFailure`; what a path leads to is found by `stat`, never by opening it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from speech.errors import DiskFailure, PathRefused

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)
DISK_ERRORS = (*_FULL, *_NOT_WRITABLE, errno.EIO)
"""What tells a failing disk from a failing network, where both are OSErrors."""


def shown(path: str | os.PathLike[str]) -> str:
    """A path for messages and JSON: what is not UTF-8, and control signs, are escaped."""
    text = os.fspath(path)
    encoded = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in encoded)


def check_readable(path: Path) -> os.stat_result:
    """The state of a regular, readable file.

    Raises
    ------
    PathRefused
        `PATH_MISSING`, `PATH_LINK` (a loop, or a link to nothing), `PATH_NOT_FILE` (a directory, pipe,
        socket or device), `PATH_DENIED`.
    """
    where = shown(path)
    try:
        found = path.stat()
    except OSError as error:
        raise unreachable(path, error) from error
    except ValueError as error:  # a NUL in the name
        raise PathRefused(where, "the name holds a sign that no file name can hold", "Correct the name", "PATH_NAME") from error
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for test, name in _KINDS if test(found.st_mode)), "no regular file")
        raise PathRefused(where, f"this is {kind}, not a file", "Name the file itself", "PATH_NOT_FILE")
    if not os.access(path, os.R_OK):
        mode = stat.filemode(found.st_mode)
        raise PathRefused(
            where, f"it may not be read (owner {found.st_uid}, mode {mode})", "Ask its owner for the right to read it", "PATH_DENIED"
        )
    return found


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def unreachable(path: Path, error: OSError) -> PathRefused:
    """Why a path cannot be followed or read, as the refusal that a person can act on."""
    where = shown(path)
    lost = error.errno in (errno.ENOENT, errno.ENOTDIR)
    if error.errno == errno.ELOOP or (lost and os.path.islink(path)):  # noqa: PTH114  # Path raises where the name is too long
        return PathRefused(where, "this link leads to nothing or into a circle", "Name the file it should lead to", "PATH_LINK")
    if error.errno == errno.ENAMETOOLONG:
        return PathRefused(where, "the name is longer than this disk allows", "Shorten the name", "PATH_NAME")
    if error.errno in (errno.EACCES, errno.EPERM):
        return PathRefused(where, "its folder may not be read", "Ask its owner for the right to read it", "PATH_DENIED")
    if lost:
        return PathRefused(where, "there is no such file", "Check the spelling; a shell needs quotes round spaces", "PATH_MISSING")
    return PathRefused(where, f"the disk gave no answer ({error.strerror})", "Check the cable or share, then run again", "PATH_IO")


@contextmanager
def read_errors(path: Path) -> Iterator[None]:
    """OSErrors of reading `path`, as refusals: a stick is pulled or a share goes also while a file is read."""
    try:
        yield
    except OSError as error:
        raise unreachable(path, error) from error


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file.

    Raises
    ------
    PathRefused
        As `check_readable`; `PATH_IO`: the disk gave no answer while it was read.
    """
    check_readable(path)
    with read_errors(path):
        return path.read_bytes()


def is_folder(path: Path) -> bool:
    """Whether a folder is there; a file, or nothing, is none.

    Raises
    ------
    PathRefused
        `PATH_LINK`, `PATH_DENIED`, `PATH_IO`: what is there cannot be told.
    """
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except ValueError:  # a NUL in the name
        return False
    except OSError as error:
        refused = unreachable(path, error)
        if refused.code in ("PATH_MISSING", "PATH_NAME"):
            return False
        raise refused from error


def resolved(path: Path) -> Path:
    """The path with all links followed; its end need not be there.

    Raises
    ------
    PathRefused
        `PATH_LINK`: a link leads into a circle.
    """
    try:
        return path.resolve()
    except (RuntimeError, OSError) as error:
        # Python before 3.13 raises RuntimeError for a circle, which is no bug of ours.
        circle = error if isinstance(error, OSError) else OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        raise unreachable(path, circle) from error


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with read_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text; the file is there whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes by a temporary file beside the target, fsync and rename.

    Raises
    ------
    DiskFailure
        `DISK_FULL`, `DISK_READONLY`: nothing is left behind, an old file is untouched.
    """
    with replacing(path) as part:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and goes when it does not."""
    with disk_errors(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".speech-", suffix=".part")
        os.close(handle)
        part = Path(name)
        try:
            yield part
            part.chmod(0o666 & ~_umask())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def _umask() -> int:
    # The process's umask can only be read by setting it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """OSErrors of writing under `path`, as failures with their mend; a link that leads nowhere is a refusal."""
    where = shown(path)
    try:
        yield
    except OSError as error:
        if error.errno == errno.ELOOP or (error.errno == errno.EEXIST and path.is_symlink()):
            raise unreachable(path, OSError(errno.ELOOP, os.strerror(errno.ELOOP))) from error
        if error.errno in _FULL:
            raise DiskFailure(
                where,
                f"the disk is full or a quota is reached ({error.strerror})",
                "Make room, or choose another --out or TMPDIR",
                "DISK_FULL",
            ) from error
        if error.errno in _NOT_WRITABLE:
            raise DiskFailure(
                where, f"this place may not be written ({error.strerror})", "Choose another --out", "DISK_READONLY"
            ) from error
        raise DiskFailure(
            where, f"writing failed ({error.strerror or error})", "Check the disk, or choose another --out", "DISK_IO"
        ) from error
