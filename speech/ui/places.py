"""Every place that the app writes, and which of it can be made again: what `speech app clean` shows and deletes.

Never an original, a file that was sent to the app, an edit, a consent or a row of the ledger: those have no second copy.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from speech.errors import StoreFailure
from speech.files import disk_errors
from speech.review.workspace import open_workspace
from speech.store import open_store

_CAN_GO = {
    "peaks": "waveforms; drawn again when a recording is opened",
    "playable": "copies of recordings for the browser; made again when a recording is opened",
    "exports": "exports that were made; made again on request",
}
_STAYS = {
    "uploads": "recordings that were sent to the app",
    "consent": "what was agreed, in cards",
    "models": "adapters that were learnt here",
    "spoken": "texts that were spoken on the page Speak, and the synthetic sound of them; deleted there",
    "texts": "old transcripts that were sent to be placed on recordings",
    "work": "who is signed in, and learning under way",
}
COMING = "coming"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place, what lies there, its size, and whether it may go."""

    path: Path
    what: str
    bytes: int
    goes: bool


def size_of(path: Path) -> int:
    """Bytes of a file, or of the files below a folder; links count nothing."""
    if path.is_file() and not path.is_symlink():
        return path.stat().st_size
    return sum(
        os.lstat(Path(folder) / name).st_size
        for folder, _, names in os.walk(path)
        for name in names
        if not (Path(folder) / name).is_symlink()
    )


def places_of(folder: Path) -> list[Place]:
    """The places written for a folder of recordings, and those that all collections share.

    Raises
    ------
    Refusal, PathRefused, StoreFailure
        The folder or the store cannot be read.
    """
    import platformdirs

    with open_store() as store:
        workspace = open_workspace(folder, store=store, refresh=False)
        place = workspace.place
        found = [Place(path=place / part, what=what, bytes=size_of(place / part), goes=True) for part, what in _CAN_GO.items()]
        coming = place / "uploads" / COMING
        found.append(Place(path=coming, what="files sent to the app that never arrived whole", bytes=size_of(coming), goes=True))
        for part, what in _STAYS.items():
            size = size_of(place / part) - (size_of(coming) if part == "uploads" else 0)
            found.append(Place(path=place / part, what=what, bytes=size, goes=False))
        if isinstance(store.place, Path):
            found.append(
                Place(path=store.place, what="the store: edits, jobs, ledger, of all collections", bytes=size_of(store.place), goes=False)
            )
    log = Path(os.environ.get("SPEECH_LOG") or platformdirs.user_log_dir("oral-speech", appauthor=False)) / "speech.log"
    found.append(Place(path=log, what="warnings of the program", bytes=size_of(log) if log.exists() else 0, goes=True))
    return found


def delete(place: Place) -> None:
    """Delete what lies in a place that may go; the folder itself stays.

    Raises
    ------
    StoreFailure
        The place may not go: a bug of the caller.
    DiskFailure
        It cannot be deleted.
    """
    if not place.goes:
        raise StoreFailure(str(place.path), "this is never deleted", "Report this as a fault of the program", "STORE_FAILED")
    with disk_errors(place.path):
        if place.path.is_file():
            place.path.unlink()
        elif place.path.is_dir() and not place.path.is_symlink():
            for entry in list(place.path.iterdir()):
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
