"""What sqlite3 and SQLAlchemy say, as failures with a mend; the only place where their errors are read."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from speech.errors import DiskFailure, RunFailure, StoreFailure
from speech.files import shown

# Primary result codes (the low byte): https://www.sqlite.org/rescode.html
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_PLACE = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
_ELSEWHERE = "Name another place: SPEECH_STORE=PATH"


@contextmanager
def store_errors(place: Path) -> Iterator[None]:
    """Errors of the database inside the block, as `StoreFailure` or `DiskFailure` of `place`."""
    try:
        yield
    except sqlite3.Error as error:
        raise failure_of(error, place) from error
    except Exception as error:  # narrowed at once; importing SQLAlchemy only to name its class would cost every reader
        library = sys.modules.get("sqlalchemy.exc")
        if library is None or not isinstance(error, library.SQLAlchemyError):
            raise
        original = getattr(error, "orig", None)
        raise failure_of(original if isinstance(original, sqlite3.Error) else error, place) from error


def failure_of(error: Exception, place: Path) -> RunFailure:
    """The failure that stands for one error of the driver or of SQLAlchemy."""
    where = shown(place)
    primary = getattr(error, "sqlite_errorcode", -1) & 0xFF
    if primary in _LOCKED:
        return StoreFailure(where, "another program holds the store and did not let go", "End it, or wait, and run again", "STORE_LOCKED")
    if primary in _CORRUPT or (primary == 0xFF and isinstance(error, sqlite3.DatabaseError) and "malformed" in str(error)):
        return StoreFailure(
            where,
            f"the store is damaged ({error}); it was left as it is",
            "Put back a copy of it, or move it away and start a new one",
            "STORE_CORRUPT",
        )
    if primary in _PLACE:
        return StoreFailure(where, f"the store cannot be written there ({error})", _ELSEWHERE, "STORE_PLACE")
    if primary == sqlite3.SQLITE_FULL:
        return DiskFailure(
            where, "the disk is full or a quota is reached", "Make room, or choose another place: SPEECH_STORE=PATH", "DISK_FULL"
        )
    if primary == sqlite3.SQLITE_IOERR:
        return DiskFailure(where, f"the disk gave no answer ({error})", "Check the disk, its room and quota, then run again", "DISK_IO")
    if primary == sqlite3.SQLITE_CONSTRAINT:
        return StoreFailure(
            where, f"the store refused a row ({error})", "Nothing was written; report this as a fault of the program", "STORE_LEDGER"
        )
    return StoreFailure(
        where, f"the store could not be used ({type(error).__name__})", "Report this as a fault of the program", "STORE_FAILED"
    )
