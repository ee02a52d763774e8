"""The folder of our own beside a collection (`tapes.workspace` beside `tapes`): where it lies, and the card that was made there.

A collection's own folder is never written by the app, so what was agreed is kept here: in `consent/`, a card and people's cards as
they would lie with the recordings. Whoever looks for a card looks here, too, so that an answer given in the app counts everywhere.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

from speech.files import shown

SUFFIX = ".workspace"
ABOUT = "workspace.json"
CONSENT = "consent"
"""The folder of cards in a workspace."""
CARD = "collection.card.toml"


def name_of(folder: Path) -> str:
    """What people call a collection: the name of its folder."""
    return shown(folder.name) or "collection"


def told_of(place: Path) -> dict[str, str]:
    """What a workspace says of itself (`id`, `folder`); empty for any other folder."""
    try:
        raw = json.loads((place / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return raw if isinstance(raw, dict) and all(isinstance(v, str) for v in raw.values()) else {}


def place_of(folder: Path) -> Path:
    """Where the workspace of a folder lies, or will.

    Below SPEECH_WORKSPACE where that is set, else beside the folder, else, where that place may not be written, in the user's data folder.
    """
    named, beside, apart = _places(folder)
    if named is not None:
        return named
    return beside if os.access(beside if beside.is_dir() else folder.parent, os.W_OK | os.X_OK) else apart


def cards_of(folder: Path) -> list[Path]:
    """Cards made for a folder in workspaces of it: one, or none; of several, each counts.

    Raises
    ------
    OSError
        The disk is gone while it is looked.
    """
    found = (place / CONSENT / CARD for place in _places(folder) if place is not None)
    return [path for path in dict.fromkeys(found) if _is_there(path)]


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
            return False
        if error.errno not in (errno.EACCES, errno.EPERM):
            raise  # a stick that is gone hides the recording, too
    return True  # where one may not look a card may be hidden: who loads it is refused


def collection_of(place: Path) -> Path | None:
    """The folder that a workspace is of; None for any folder that is no workspace, or whose collection is gone."""
    if not place.name.endswith(SUFFIX) or not (told := told_of(place)):
        return None
    own = place.with_name(place.name.removesuffix(SUFFIX))
    if own.is_dir():  # also where both were moved together and nobody has opened them since
        return own
    folder = Path(told.get("folder", ""))
    return folder if folder.is_absolute() and folder.is_dir() else None


def spoken_for(card: Path) -> Path:
    """The folder whose recordings a card speaks for: the collection's, where it was made in a workspace; else its own."""
    made_here = card.parent.name == CONSENT
    return (collection_of(card.parent.parent) if made_here else None) or card.parent


def _places(folder: Path) -> tuple[Path | None, Path, Path]:
    """Where a folder's workspace can lie: as SPEECH_WORKSPACE says, beside it, in the user's data folder."""
    import platformdirs

    name = name_of(folder)
    apart = f"{name}-{hashlib.sha256(shown(folder).encode()).hexdigest()[:8]}{SUFFIX}"
    named = None
    if wanted := os.environ.get("SPEECH_WORKSPACE"):
        named = Path(wanted).expanduser().absolute() / f"{name}{SUFFIX}"
        # Two collections of one name share no workspace.
        other = told_of(named).get("folder")
        if other not in (None, shown(folder)) and Path(str(other)).exists():
            named = named.with_name(apart)
    data = Path(platformdirs.user_data_dir("oral-speech", appauthor=False)) / "workspaces" / apart
    return named, folder.parent / f"{name}{SUFFIX}", data
