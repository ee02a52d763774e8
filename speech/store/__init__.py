"""One store for all that must outlive a run: the ledger, edits, jobs. SQLite in the user's data folder, or PostgreSQL.

`open_store` makes the file where there is none and brings an older one up to date; an existing file that
cannot be read is never made anew. What the rows mean is decided elsewhere. SQLAlchemy and Alembic are imported
when a store is opened, Alembic only when there is something to bring up to date. Errors of sqlite3, psycopg and
SQLAlchemy end here, as StoreFailure or DiskFailure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from speech.errors import StoreFailure
from speech.files import shown
from speech.store.engines import engine_of, has_table, reading, writing
from speech.store.faults import store_errors
from speech.store.places import Place, Server, is_there, make_folder, place_of, refuse_network_disk, shown_place

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

HEAD = "0002_app"
"""The newest revision in `migrations/versions`; a test holds the two together."""

WAIT_S = 30.0
"""How long a writer waits for another one."""

__all__ = ["HEAD", "WAIT_S", "Place", "Server", "Store", "is_there", "open_store", "place_of"]


class Store:
    """An open store. Close it, or use it in `with`; safe to share between threads, not across a fork."""

    def __init__(self, place: Place, engine: Engine) -> None:
        self.place = place
        self.where = shown_place(place)
        """The place for messages, without a password."""
        self._engine = engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the store throughout the block.

        Raises
        ------
        StoreFailure
            `STORE_LOCKED`, `STORE_CORRUPT`, `STORE_PLACE`.
        """
        with store_errors(self.place), self._engine.connect() as plain:
            connection = reading(plain)
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection that holds the only right to write; committed when the block ends well, else undone.

        The right is taken at once, so what the block reads cannot change before it writes.

        Raises
        ------
        StoreFailure
            `STORE_LOCKED` (after `WAIT_S`), `STORE_CORRUPT`, `STORE_PLACE`, `STORE_LEDGER` (a row that does not go on from the last).
        DiskFailure
            `DISK_FULL`, `DISK_IO`: nothing was written.
        """
        with store_errors(self.place), self._engine.connect() as plain:
            connection = writing(plain)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Give back the file, or the connections."""
        with store_errors(self.place):
            self._engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_store(path: Path | str | None = None, *, wait_s: float | None = None) -> Store:
    """The store at `path`, made where there is none, at the newest revision.

    Parameters
    ----------
    path : the database file, an existing folder for it, or a URL (`postgresql://user@host/name`; password: PGPASSWORD)
        Without one: environment SPEECH_STORE, else the user's data folder.
    wait_s : how long a writer waits for another one; `WAIT_S` where None

    Raises
    ------
    StoreFailure
        `STORE_PLACE`: it cannot be made, reached or written there, or lies on a network disk. `STORE_LOCKED`: another
        program held it for too long. `STORE_CORRUPT`: the file is damaged; it is left as it is.
        `STORE_NEWER`: a newer version of this program wrote it.
    DiskFailure
        `DISK_FULL`, `DISK_IO`.
    """
    place = place_of(path)
    wait = WAIT_S if wait_s is None else wait_s
    if isinstance(place, Server):
        return _opened(place, wait)
    refuse_network_disk(place)
    if not _there(place):
        _make(place, wait)
    return _opened(place, wait)


def _there(place: Path) -> bool:
    try:
        found = place.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise StoreFailure(
            shown(place), f"the store cannot be reached ({error.strerror})", "Name another place: SPEECH_STORE=PATH", "STORE_PLACE"
        ) from error
    if found.st_size == 0:
        # Ours are made beside and then linked in whole, so an empty one lost its rows.
        raise StoreFailure(
            shown(place),
            "the store is empty: 0 bytes, where at least a header belongs",
            "Put back a copy of it, or move it away and start a new one",
            "STORE_CORRUPT",
        )
    return True


def _make(place: Path, wait: float) -> None:
    """A new store, complete or not at all: made under another name, then linked, so that no one sees half of it."""
    make_folder(place)
    part = place.with_name(f".{place.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    try:
        with store_errors(place):
            _opened(part, wait).close()
            try:
                os.link(part, place)
            except FileExistsError:
                pass  # another process was first: its store is as good
            except OSError:
                # Disks without links (exFAT). Renaming could cover another process's store, so only where there is none.
                if not place.exists():
                    part.replace(place)
    finally:
        for left in (part, Path(f"{part}-wal"), Path(f"{part}-shm"), Path(f"{part}-journal")):
            left.unlink(missing_ok=True)


def _opened(place: Place, wait: float) -> Store:
    store = Store(place, engine_of(place, wait))
    try:
        _bring_up_to_date(store)
    except BaseException:
        store.close()
        raise
    return store


def _bring_up_to_date(store: Store) -> None:
    with store.read() as connection:
        if _revision(connection) == HEAD:
            return
    with store.write() as connection:
        found = _revision(connection)
        if found == HEAD:  # another process was first
            return
        _migrate(store, connection, found)


def _revision(connection: Connection) -> str | None:
    if not has_table(connection, "alembic_version"):
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def _migrate(store: Store, connection: Connection, found: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StoreFailure(
            store.where,
            f"a newer version of this program wrote the store (revision {found}, this one knows {HEAD})",
            "Install that version, or name another store: SPEECH_STORE=PATH",
            "STORE_NEWER",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
