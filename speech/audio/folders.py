"""Recordings in folders: which files are some, what else lies there, and about how long a recording is.

A file is a recording by its content, or where its suffix promises one: a broken `.wav` is to be refused by name, not
passed over. Hidden files, and folders that systems make for themselves, are not looked at.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from speech.audio import sniff
from speech.errors import PathRefused
from speech.files import shown, unreachable

_LOOK_BYTES = 4096
_SYSTEM = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"})
COPY_MARK = "made by oral-speech of another recording"
"""What stands in the header of a WAV that was made beside a transcript: in a folder it is no recording of its own."""
_BYTES_A_SECOND = 16_000
"""Of a recording whose header tells no length: about what MP3, AAC and 8-bit telephone files have."""


@dataclass(slots=True, kw_only=True)
class FolderContents:
    """Recordings of a folder in order of their names, folders within it included; other files by suffix; what may not be read."""

    recordings: list[Path] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    refused: list[PathRefused] = field(default_factory=list)


def recordings_in(folder: Path, *, without: Sequence[Path] = ()) -> FolderContents:
    """Look through `folder`; `without` names folders in it that are left out, such as that of the results.

    Links to folders are followed, each folder once.

    Raises
    ------
    PathRefused
        `folder` itself may not be read. Folders within it that may not are in `refused`.
    """
    found = FolderContents()
    left_out = {identity for path in without if (identity := _identity(path)) is not None}
    for file in _files(folder, found, seen=left_out, first=True):
        try:
            if is_recording(file):
                found.recordings.append(file)
            else:
                found.others[file.suffix.lower() or file.name] += 1
        except PathRefused:
            # Whether it holds sound cannot be told: reading it says why, by name.
            found.recordings.append(file)
    return found


def _files(folder: Path, found: FolderContents, *, seen: set[tuple[int, int]], first: bool = False) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda e: e.name)
        here = folder.stat()
    except OSError as error:
        refused = unreachable(folder, error)
        if first:
            raise refused from error
        found.refused.append(refused)
        return
    if (here.st_dev, here.st_ino) in seen:
        return
    seen.add((here.st_dev, here.st_ino))
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _SYSTEM:
            continue
        path = folder / entry.name
        if _leads_to(entry.is_dir):
            yield from _files(path, found, seen=seen)
        elif _leads_to(entry.is_file):
            yield path
        elif entry.is_symlink() and promises_sound(path):
            yield path  # it leads to nothing: refused by name when it is read
        else:
            found.others["no file" if not entry.is_symlink() else "link to nothing"] += 1


def _leads_to(kind: Callable[[], bool]) -> bool:
    """What `os.DirEntry` says of an entry; a link in a circle, which it raises on, leads to nothing."""
    try:
        return kind()
    except OSError:
        return False


def _identity(path: Path) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        found = path.stat()
        return found.st_dev, found.st_ino
    return None


def promises_sound(path: Path) -> bool:
    """Whether the name's suffix is one of recordings."""
    return sniff.promises(path.name)


def is_recording(path: Path) -> bool:
    """Whether a file's name promises sound, or its first bytes are those of a recording.

    Raises
    ------
    PathRefused
        It cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_LOOK_BYTES)
    except OSError as error:
        raise unreachable(path, error) from error
    if COPY_MARK.encode() in head[:512]:
        return False
    return promises_sound(path) or bool(sniff.recognise(head).container)


def is_copy(path: Path) -> bool:
    """Whether a file is a WAV that was made beside a transcript."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        return COPY_MARK.encode() in file.read(512)
    return False


def about_ms(path: Path) -> int:
    """About how long a recording is, by its header or else its size: for a progress bar, never for a result."""
    import soundfile

    with contextlib.suppress(OSError, ValueError, soundfile.LibsndfileError):
        return round(1000 * float(soundfile.info(os.fspath(path)).duration))
    with contextlib.suppress(OSError, ValueError):
        return round(1000 * path.stat().st_size / _BYTES_A_SECOND)
    return 0


def others_line(others: Counter[str]) -> str:
    """What else lay in the folders, in one line; nothing where nothing did."""
    total = others.total()
    if not total:
        return ""
    kinds = [f"{count:,} {shown(suffix)}" for suffix, count in others.most_common(6)]
    more = "" if len(others) <= 6 else f" and {len(others) - 6} other kinds"
    return f"{total:,} other {'file' if total == 1 else 'files'} in the folders passed over: {', '.join(kinds)}{more}"
