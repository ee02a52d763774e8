"""Where the store lies: named, from the environment, or in the user's data folder; and never on a network disk.

SQLite's write-ahead log needs memory shared between all who use the file, which NFS and its like do not give. For several
machines there is PostgreSQL, named by a URL; a password in it is never shown.
"""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from speech.errors import DiskFailure, StoreFailure
from speech.files import shown

NAME = "store.sqlite3"
NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "glusterfs", "fuse.sshfs", "fuse.glusterfs", "fuse.rclone"}
)
_MOUNTS = Path("/proc/self/mountinfo")


_URL = re.compile(r"([A-Za-z][A-Za-z0-9+]*)://")
_SERVERS = ("postgresql+psycopg", "postgresql", "postgres")


@dataclass(frozen=True, slots=True)
class Server:
    """A database on a PostgreSQL server; `url` may hold a password, its text never does."""

    url: str

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        user = f"{parts.username}@" if parts.username else ""
        host = (parts.hostname or "") + _port(self.url)
        return f"postgresql://{user}{host}{parts.path}"

    def __repr__(self) -> str:
        return f"Server({str(self)!r})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may hold: the password as it is written in the URL and as it is sent."""
        parts = urlsplit(self.url)
        given = [parts.password, os.environ.get("PGPASSWORD"), *re.findall(r"password=([^&]*)", parts.query)]
        return tuple(dict.fromkeys(x for g in given if g for x in (g, unquote(g))))


def _port(url: str) -> str:
    try:
        port = urlsplit(url).port
    except ValueError:
        return ""
    return f":{port}" if port else ""


Place = Path | Server


def place_of(path: Path | str | None = None) -> Place:
    """The database: `path`, else SPEECH_STORE, else a file in the user's data folder; an existing folder gets `NAME` in it.

    A text may be a URL, `postgresql://user@host/name`.

    Raises
    ------
    StoreFailure
        `STORE_PLACE`: a URL of a database that is not known here.
    """
    if path is None:
        path = os.environ.get("SPEECH_STORE") or None
    if path is None:
        import platformdirs

        return Path(platformdirs.user_data_dir("oral-speech", appauthor=False)) / NAME
    if isinstance(path, str):
        if found := _URL.match(path):
            return _server(path, found[1])
        path = Path(path)
    path = path.expanduser()
    return path / NAME if path.is_dir() else path


def _server(url: str, scheme: str) -> Place:
    if scheme.lower() not in _SERVERS:
        raise StoreFailure(
            shown(f"{scheme}://"),
            "a store in such a database is not known",
            "Name a file, or postgresql://USER@HOST/NAME: SPEECH_STORE=PATH",
            "STORE_PLACE",
        )
    return Server(f"postgresql+psycopg://{url.partition('://')[2]}")


def shown_place(place: Place) -> str:
    """A place for messages."""
    return shown(place) if isinstance(place, Path) else shown(str(place))


def is_there(place: Place) -> bool:
    """Whether there may be a store already; nothing is made. A server is asked only when it is opened."""
    if isinstance(place, Server):
        return True
    try:
        return place.exists()
    except OSError:
        return True  # it cannot be told: opening it says why


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
