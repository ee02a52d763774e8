"""Texts that are spoken on the page Speak: each has a folder in the workspace with the text as it was sent and, once it is made, the sound.

The text is no part of the job's row: a page asks for its jobs every second, and who deletes a sound deletes the text with it.
"""

from __future__ import annotations

import re
import shutil
import uuid
from pathlib import Path

from speech.files import disk_errors, write_text

KINDS = {".wav": "audio/wav", ".flac": "audio/flac", ".opus": "audio/ogg", ".mp3": "audio/mpeg"}
"""Files that can be asked for, and what browsers call them."""
MOST_LETTERS = 20_000
"""Of a text: about 20 minutes of speech, 60 MB as WAV."""
_ID = re.compile(r"[0-9a-f]{16}")
_TITLE_LETTERS = 60


class Spoken:
    """The folders of a workspace."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def begin(self, text: str) -> str:
        """Keep a text to be spoken; its id."""
        id = uuid.uuid4().hex[:16]
        folder = self.place / id
        with disk_errors(folder):
            folder.mkdir(parents=True)
        write_text(folder / "text.txt", text)
        return id

    def text(self, id: str) -> str | None:
        """The text; None where it was deleted."""
        try:
            # Bytes: reading as text would change line ends, and with them the places of letters.
            return (self.place / id / "text.txt").read_bytes().decode("utf-8") if _ID.fullmatch(id) else None
        except OSError:
            return None

    def title(self, id: str) -> str | None:
        """How the text begins, in one line; None where it was deleted."""
        try:
            with (self.place / id / "text.txt").open("rb") as file:
                begin = file.read(16 * _TITLE_LETTERS)
        except OSError:
            return None
        line = " ".join(begin.decode("utf-8", "ignore").split())
        return line if len(line) <= _TITLE_LETTERS else f"{line[:_TITLE_LETTERS].rstrip()}…"

    def file(self, id: str, suffix: str) -> Path:
        """Where the sound lies, or will."""
        return self.place / id / f"synthetic{suffix}"

    def sound(self, id: str) -> Path | None:
        """The sound; None where there is none."""
        if not _ID.fullmatch(id):
            return None
        return next((path for suffix in KINDS if (path := self.file(id, suffix)).is_file()), None)

    def delete(self, id: str) -> None:
        """Delete text and sound."""
        folder = self.place / id
        if _ID.fullmatch(id) and folder.is_dir() and not folder.is_symlink():
            with disk_errors(folder):
                shutil.rmtree(folder)
