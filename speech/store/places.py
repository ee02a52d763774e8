"""Where the store lies: named, from the environment, or in the user's data folder; and never on a network disk.

SQLite's write-ahead log needs memory shared between all who use the file, which NFS and its like do not give.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from speech.errors import DiskFailure, StoreFailure
from speech.files import shown

NAME = "store.sqlite3"
NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "glusterfs", "fuse.sshfs", "fuse.glusterfs", "fuse.rclone"}
)
_MOUNTS = Path("/proc/self/mountinfo")


def place_of(path: Path | None = None) -> Path:
    """The database file: `path`, else SPEECH_STORE, else in the user's data folder; an existing folder gets `NAME` in it."""
    if path is None and (named := os.environ.get("SPEECH_STORE")):
        path = Path(named)
    if path is None:
        import platformdirs

        return Path(platformdirs.user_data_dir("oral-speech", appauthor=False)) / NAME
    path = path.expanduser()
    return path / NAME if path.is_dir() else path


def make_folder(place: Path) -> None:
    """The folder of `place`, readable by its owner only where it has to be made.

    Raises
    ------
    StoreFailure
        `STORE_PLACE`: it cannot be made or written.
    DiskFailure
        `DISK_FULL`.
    """
    folder = place.parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK | os.X_OK)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFailure(
                shown(place), "the disk is full or a quota is reached", "Make room, or choose another place: SPEECH_STORE=PATH", "DISK_FULL"
            ) from error
        raise _no_place(place, str(error.strerror)) from error
    if not writable:
        raise _no_place(place, "its folder may not be written")


def _no_place(place: Path, why: str) -> StoreFailure:
    return StoreFailure(
        shown(place),
        f"the store with the ledger cannot be made there ({why})",
        "Name a place that can be written: SPEECH_STORE=PATH",
        "STORE_PLACE",
    )


def refuse_network_disk(place: Path) -> None:
    """Refuse a place on a network disk, where the system says so (Linux).

    Raises
    ------
    StoreFailure
        `STORE_PLACE`.
    """
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    kind = disk_of(Path(os.path.realpath(place)), mounts)  # which, unlike resolve, says nothing of circles: stat does
    if kind in NETWORK:
        raise StoreFailure(
            shown(place),
            f"the store would lie on a network disk ({kind}), where two writers can damage it",
            "Name a local place: SPEECH_STORE=PATH",
            "STORE_PLACE",
        )


def disk_of(path: Path, mounts: str) -> str:
    """The kind of disk under an absolute path, by a table in the form of /proc/self/mountinfo; "" if it does not say."""
    best, kind = -1, ""
    for line in mounts.split("\n"):
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 5 or not right:
            continue
        point = Path(fields[4].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\"))
        # A later mount over the same point hides the earlier one.
        if (path == point or point in path.parents) and len(point.parts) >= best:
            best, kind = len(point.parts), right.split(" ")[0]
    return kind
