"""One store for all that must outlive a run: the ledger now; jobs and edits later. SQLite in the user's data folder.

`open_store` makes the file where there is none and brings an older one up to date; an existing file that
cannot be read is never made anew. What the rows mean is decided elsewhere. SQLAlchemy and Alembic are imported
when a store is opened, Alembic only when there is something to bring up to date. Errors of sqlite3 and
SQLAlchemy end here, as StoreFailure or DiskFailure.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from speech.errors import StoreFailure
from speech.files import shown
from speech.store.faults import store_errors
from speech.store.places import make_folder, place_of, refuse_network_disk

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

HEAD = "0001_ledger"
"""The newest revision in `migrations/versions`; a test holds the two together."""

WAIT_S = 30.0
"""How long a writer waits for another one."""

__all__ = ["HEAD", "WAIT_S", "Store", "open_store", "place_of"]


class Store:
    """An open store. Close it, or use it in `with`; safe to share between threads, not across a fork."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self._engine = engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the store throughout the block.

        Raises
        ------
        StoreFailure
            `STORE_LOCKED`, `STORE_CORRUPT`, `STORE_PLACE`.
        """
        with store_errors(self.path), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection that holds the only right to write; committed when the block ends well, else undone.

        The right is taken at once (BEGIN IMMEDIATE), so what the block reads cannot change before it writes.

        Raises
        ------
        StoreFailure
            `STORE_LOCKED` (after `WAIT_S`), `STORE_CORRUPT`, `STORE_PLACE`, `STORE_LEDGER` (a row that does not go on from the last).
        DiskFailure
            `DISK_FULL`, `DISK_IO`: nothing was written.
        """
        with store_errors(self.path), self._engine.connect() as plain:
            connection = plain.execution_options(speech_begin="BEGIN IMMEDIATE")
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Give back the file."""
        with store_errors(self.path):
            self._engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_store(path: Path | None = None, *, wait_s: float | None = None) -> Store:
    """The store at `path`, made where there is none, at the newest revision.

    Parameters
    ----------
    path : the database file, or an existing folder for it
        Without one: environment SPEECH_STORE, else the user's data folder.
    wait_s : how long a writer waits for another one; `WAIT_S` where None

    Raises
    ------
    StoreFailure
        `STORE_PLACE`: it cannot be made or written there, or lies on a network disk. `STORE_LOCKED`: another
        program held it for too long. `STORE_CORRUPT`: the file is damaged; it is left as it is.
        `STORE_NEWER`: a newer version of this program wrote it.
    DiskFailure
        `DISK_FULL`, `DISK_IO`.
    """
    place = place_of(path)
    wait = WAIT_S if wait_s is None else wait_s
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


def _opened(place: Path, wait: float) -> Store:
    store = Store(place, _engine(place, wait))
    try:
        _bring_up_to_date(store)
    except BaseException:
        store.close()
        raise
    return store


def _engine(place: Path, wait: float) -> Engine:
    from sqlalchemy import create_engine, event
    from sqlalchemy.engine import URL

    engine = create_engine(URL.create("sqlite", database=str(place)), connect_args={"timeout": wait}, pool_reset_on_return=None)

    def connected(raw: sqlite3.Connection, _: Any) -> None:
        raw.isolation_level = None  # transactions are begun by `begun` below, not guessed by the driver
        cursor = raw.cursor()
        mode = cursor.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()
        if mode != "wal":
            raise StoreFailure(
                shown(place),
                f"this disk allows no write-ahead log (mode {mode})",
                "Name a place on a local disk: SPEECH_STORE=PATH",
                "STORE_PLACE",
            )

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("speech_begin", "BEGIN"))

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine


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
    tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'").scalar_one()
    if not tables:
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
            shown(store.path),
            f"a newer version of this program wrote the store (revision {found}, this one knows {HEAD})",
            "Install that version, or name another store: SPEECH_STORE=PATH",
            "STORE_NEWER",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
