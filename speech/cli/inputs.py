"""What a command was given, files and folders, as the recordings it works on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from speech.collections.results import Source
from speech.errors import PathRefused
from speech.files import shown


@dataclass(slots=True, kw_only=True)
class Given:
    """The recordings in order, refusals of folders in their place; what else lay in the folders, by suffix."""

    sources: list[Source | PathRefused] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)


def given(names: Sequence[str], out: Path | None = None) -> Given:
    """Files as they are named, and of each folder the recordings in it; the results' own folder is not looked into.

    Results of a folder keep its order below `--out`; of several folders each has its own there, named after it.
    """
    folders = [name for name in names if _is_folder(Path(name))]
    found = Given()
    for name in names:
        path = Path(name)
        if name in folders:
            _add_folder(found, path, out, beneath=PurePath(path.resolve().name) if len(set(folders)) > 1 else PurePath())
        else:
            found.sources.append(Source(recording=path))
    return found


def _is_folder(path: Path) -> bool:
    from speech.files import is_folder

    try:
        return is_folder(path)
    except PathRefused:
        return False  # reading it says why


def _add_folder(found: Given, folder: Path, out: Path | None, *, beneath: PurePath) -> None:
    from speech.audio import recordings_in

    try:
        contents = recordings_in(folder, without=[out] if out is not None and not _same(out, folder) else [])
    except PathRefused as refused:
        found.sources.append(refused)
        return
    if not contents.recordings and not contents.refused:
        holds = "no recording" if contents.others else "nothing"
        found.sources.append(
            PathRefused(shown(folder), f"this folder holds {holds}", "Name the folder that holds the recordings", "PATH_NO_RECORDING")
        )
    found.sources += [Source(recording=path, beneath=beneath / path.parent.relative_to(folder)) for path in contents.recordings]
    found.sources += contents.refused
    found.others += contents.others


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
