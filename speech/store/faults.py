"""What sqlite3, psycopg and SQLAlchemy say, as failures with a mend; the only place where their errors are read."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from speech.errors import DiskFailure, RunFailure, StoreFailure
from speech.store.places import Place, Server, shown_place

# Primary result codes (the low byte): https://www.sqlite.org/rescode.html
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_PLACE = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
_ELSEWHERE = "Name another place: SPEECH_STORE=PATH"
_REPORT = "Report this as a fault of the program"

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_SERVER_LOCKED = ("55P03", "57014", "40001", "40P01")
_SERVER_DISK = ("58030",)


@contextmanager
def store_errors(place: Place) -> Iterator[None]:
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
        raise failure_of(original if isinstance(original, Exception) else error, place) from error


def failure_of(error: Exception, place: Place) -> RunFailure:
    """The failure that stands for one error of the driver or of SQLAlchemy."""
    if isinstance(place, Server):
        return _of_server(error, place)
    where = shown_place(place)
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


def _of_server(error: Exception, place: Server) -> RunFailure:
    where, says = shown_place(place), _says(error, place)
    state = getattr(error, "sqlstate", None) or ""
    if state in _SERVER_LOCKED or type(error).__name__ == "TimeoutError":
        return StoreFailure(where, "another program holds the store and did not let go", "End it, or wait, and run again", "STORE_LOCKED")
    if state == "53100":
        return DiskFailure(where, "the server's disk is full", "Make room on the server, then run again", "DISK_FULL")
    if state in _SERVER_DISK:
        return DiskFailure(where, f"the server's disk gave no answer ({says})", "Check the server's disk, then run again", "DISK_IO")
    if state.startswith("XX"):
        return StoreFailure(where, f"the store is damaged ({says}); it was left as it is", "Put back a copy of it", "STORE_CORRUPT")
    if state.startswith("23"):
        return StoreFailure(
            where, f"the store refused a row ({says})", "Nothing was written; report this as a fault of the program", "STORE_LEDGER"
        )
    if state[:2] in ("08", "28", "3D", "53", "57") or state in ("25006", "42501") or type(error).__name__ == "OperationalError":
        return StoreFailure(
            where,
            f"the database cannot be reached or written ({says})",
            "See that the server runs, and check SPEECH_STORE, the user's rights and PGPASSWORD",
            "STORE_PLACE",
        )
    return StoreFailure(where, f"the store could not be used ({type(error).__name__} {state}".rstrip() + ")", _REPORT, "STORE_FAILED")


def _says(error: Exception, place: Server) -> str:
    """The first line of what the driver says, without a password."""
    line = next((part.strip() for part in str(error).splitlines() if part.strip()), type(error).__name__)
    for secret in place.secrets:
        line = line.replace(secret, "***")
    return line[:200]
