"""Files that arrive in pieces: kept in the workspace as they come, so that a cut connection or server goes on where it stopped.

What a file is called is cleaned to a name; what it is, is found by its content, and what is no sound is refused before it is a
recording, as what is no transcript is before it is one. An upload is its owner's alone.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeVar

from speech.audio import sniff
from speech.errors import DiskFailure, Refusal
from speech.files import disk_errors, sha256_of, write_text
from speech.ui import texts

Kind = Literal["recording", "transcript"]
PIECE = 4 << 20
"""Bytes of a piece, at most."""
MOST_BYTES = 32 << 30
MOST_OPEN = 50
"""Uploads that a person may have begun and not ended."""
ROOM = 1 << 30
"""Bytes of the disk that are left free."""
_ID = re.compile(r"[0-9a-f]{32}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_LOOK_BYTES = 4096
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file on its way: whose, its cleaned name, its size, how much is here, and what it is sent as."""

    id: str
    owner: str
    name: str
    size: int
    at: int = 0
    kind: Kind = "recording"


def clean_name(name: str) -> str:
    """A file's name from anywhere as one that can be kept: no folder, no control or direction signs, no reserved or hidden name.

    >>> clean_name("..\\\\..\\\\tapes/story\\u202egnp.wav")
    'storygnp.wav'
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    kept = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") and c not in '<>:"|?*')
    stem, dot, suffix = kept.strip(" .").rpartition(".")
    if not dot:
        stem, suffix = suffix, ""
    suffix = re.sub(r"[^A-Za-z0-9]", "", suffix)[:10]
    while len(stem.encode()) > 120:
        stem = stem[:-1]
    clean = (stem.strip(" .") or "recording") + (f".{suffix}" if suffix else "")
    return f"_{clean}" if _RESERVED.fullmatch(clean) else clean


class Uploads:
    """The uploads in a folder of the workspace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._coming = folder / "coming"
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def begin(self, owner: str, name: str, size: int, *, kind: Kind = "recording") -> Upload:
        """Make room for a file.

        Raises
        ------
        Refusal
            `UPLOAD_SIZE`: it is empty or larger than any recording, or transcript; `UPLOAD_ROOM`: too many are under way.
        DiskFailure
            `UPLOAD_ROOM`: the disk has no room for it.
        """
        most = MOST_BYTES if kind == "recording" else texts.MOST_BYTES
        if not 0 < size <= most:
            raise Refusal("upload", f"the file has {size} bytes", f"Send one of 1 to {most} bytes", "UPLOAD_SIZE")
        with disk_errors(self._coming):
            self._coming.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self._coming).free
        coming = [upload for upload in self.coming() if upload.owner == owner]
        if len(coming) >= MOST_OPEN:
            raise Refusal("upload", f"{len(coming)} of your files are still on their way", "Let them end, or give them up", "UPLOAD_ROOM")
        if size + sum(one.size - one.at for one in self.coming()) + ROOM > free:
            raise DiskFailure(
                "upload", f"the file has {size} bytes, the disk has {free} left", "Make room on the server's disk", "UPLOAD_ROOM"
            )
        made = Upload(id=secrets.token_hex(16), owner=owner, name=clean_name(name), size=size, kind=kind)
        (self._coming / f"{made.id}.part").touch()
        write_text(self._coming / f"{made.id}.json", json.dumps(asdict(made), ensure_ascii=False))
        return made

    def coming(self) -> list[Upload]:
        """All that were begun and not ended."""
        if not self._coming.is_dir():
            return []
        found = (self.find(path.stem) for path in sorted(self._coming.glob("*.json")))
        return [upload for upload in found if upload is not None]

    def find(self, id: str, owner: str | None = None) -> Upload | None:
        """An upload as far as it is here; None where there is none of this id, or it is another's."""
        if not _ID.fullmatch(id):
            return None
        try:
            raw = json.loads((self._coming / f"{id}.json").read_text(encoding="utf-8"))
            found = Upload(**{**raw, "at": (self._coming / f"{id}.part").stat().st_size})
        except (OSError, ValueError, TypeError):
            return None
        return found if owner is None or found.owner == owner else None

    def put(self, upload: Upload, at: int, data: bytes) -> int:
        """Add a piece that begins at byte `at`; where the file ends then. A piece that was here already changes nothing.

        Raises
        ------
        Refusal
            `UPLOAD_PLACE`: there would be a hole, or the file would grow beyond its size.
        DiskFailure
            `DISK_FULL`: the pieces before stay.
        """
        part = self._coming / f"{upload.id}.part"
        with self._alone(upload.id), disk_errors(part):
            here = part.stat().st_size
            if at > here or at < 0 or at + len(data) > upload.size:
                what = f"a piece of {len(data)} bytes at {at} does not go on from {here} of {upload.size}"
                raise Refusal("upload", what, f"Send what begins at {here}", "UPLOAD_PLACE")
            fresh = data[here - at :]
            if fresh:
                with part.open("r+b") as file:
                    file.seek(here)
                    file.write(fresh)
                    file.flush()
                    os.fsync(file.fileno())
            return max(here, at + len(data))

    def end(self, upload: Upload, sha256: str, keep: Callable[[Path], _T]) -> _T:
        """What `keep` makes of the whole file; here it is gone then.

        Raises
        ------
        Refusal
            `UPLOAD_PLACE`: it is not all here. `UPLOAD_HASH`: it is not what was sent; it is dropped. What `keep` refuses is dropped.
        """
        part = self._coming / f"{upload.id}.part"
        with self._alone(upload.id), disk_errors(part):
            here = part.stat().st_size
            if here != upload.size:
                raise Refusal("upload", f"{here} of {upload.size} bytes are here", f"Send what begins at {here}", "UPLOAD_PLACE")
            if not re.fullmatch(r"[0-9a-f]{64}", sha256) or sha256_of(part) != sha256:
                self._drop(upload.id)
                raise Refusal("upload", "what arrived is not what was sent (SHA-256 differs)", "Send it again", "UPLOAD_HASH")
            try:
                kept = keep(part)
            except Refusal:
                self._drop(upload.id)
                raise
            self._drop(upload.id)
            return kept

    def sound(self, part: Path, name: str) -> Path:
        """What arrived, under its name in the folder of uploads.

        Raises
        ------
        Refusal
            `UPLOAD_KIND`: it holds no sound that this program knows.
        """
        with part.open("rb") as file:
            head = file.read(_LOOK_BYTES)
        if not sniff.recognise(head).container:
            what, mend = sniff.looks_like(head)
            raise Refusal("upload", f"this is {what}", mend, "UPLOAD_KIND")
        return self._kept(part, name)

    def _kept(self, part: Path, name: str) -> Path:
        """The part under the first of its names that is free: a link, so that no other file is ever replaced."""
        stem, dot, suffix = name.rpartition(".")
        for number in range(1, 10_000):
            own = name if number == 1 else f"{stem if dot else name}-{number}{dot}{suffix if dot else ''}"
            try:
                os.link(part, self.folder / own)
            except FileExistsError:
                continue
            except OSError:  # disks without links
                if os.path.lexists(self.folder / own):
                    continue
                part.replace(self.folder / own)
            return self.folder / own
        raise Refusal("upload", "very many files of this name are here", "Give it another name", "UPLOAD_PLACE")

    def give_up(self, upload: Upload) -> None:
        """Drop what is here of a file."""
        with self._alone(upload.id):
            self._drop(upload.id)

    def _drop(self, id: str) -> None:
        for suffix in (".part", ".json"):
            (self._coming / f"{id}{suffix}").unlink(missing_ok=True)

    @contextmanager
    def _alone(self, id: str) -> Iterator[None]:
        with self._guard:
            lock = self._locks.setdefault(id, threading.Lock())
        with lock:
            yield
