"""How each kind of database is opened, read and written: SQLite with a write-ahead log, PostgreSQL.

SQLite: the right to write is BEGIN IMMEDIATE. PostgreSQL: an advisory lock held in the transaction, which all writers of
this program take first. A writer there reads what is committed at each statement, not one snapshot: a snapshot would be
taken before the wait for the lock, and show what stood before the other writer's rows. With the lock held nobody else
writes, so what was read stands.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speech.errors import StoreFailure
from speech.files import shown
from speech.store.places import Place, Server

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

LOCK = 0x7370656563680001
"""The number of the advisory lock: "speech" in ASCII, then 1."""
_POOL = {"pool_size": 8, "max_overflow": 40}
"""Connections at once: a server's threads (40 in Starlette) and what else runs."""


def engine_of(place: Place, wait_s: float) -> Engine:
    """An engine for the database at `place`; nothing is connected yet."""
    return _server(place, wait_s) if isinstance(place, Server) else _file(place, wait_s)


def reading(connection: Connection) -> Connection:
    """The connection, set to see one state throughout its transaction."""
    if connection.dialect.name == "postgresql":
        return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return connection


def writing(connection: Connection) -> Connection:
    """The connection, set to take the right to write when its transaction begins."""
    if connection.dialect.name == "postgresql":
        return connection.execution_options(isolation_level="READ COMMITTED", speech_begin="lock")
    return connection.execution_options(speech_begin="BEGIN IMMEDIATE")


def has_table(connection: Connection, name: str) -> bool:
    """Whether a table is there."""
    if connection.dialect.name == "postgresql":
        return connection.exec_driver_sql("SELECT to_regclass(%s) IS NOT NULL", (name,)).scalar_one() is True
    return bool(connection.exec_driver_sql("SELECT count(*) FROM sqlite_master WHERE name = ?", (name,)).scalar_one())


def _file(place: Path, wait_s: float) -> Engine:
    from sqlalchemy import create_engine, event
    from sqlalchemy.engine import URL

    engine = create_engine(URL.create("sqlite", database=str(place)), connect_args={"timeout": wait_s}, pool_reset_on_return=None, **_POOL)

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


def _server(place: Server, wait_s: float) -> Engine:
    from sqlalchemy import create_engine, event
    from sqlalchemy.exc import ArgumentError

    try:
        # A server may have been started anew since: each connection is tried before it is used.
        engine = create_engine(place.url, pool_pre_ping=True, connect_args={"connect_timeout": max(2, round(wait_s))}, **_POOL)
    except ModuleNotFoundError as error:
        raise StoreFailure(
            str(place),
            "the driver for PostgreSQL (psycopg) is not installed",
            'Install it: pip install "oral-speech[app]"',
            "STORE_PLACE",
        ) from error
    except (ArgumentError, ValueError) as error:
        raise StoreFailure(
            str(place), "this is no address of a database", "Write postgresql://USER@HOST/NAME, as SPEECH_STORE", "STORE_PLACE"
        ) from error

    def begun(connection: Connection) -> None:
        if connection.get_execution_options().get("speech_begin") != "lock":
            return
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, round(wait_s * 1000))}")
        # What was acknowledged is on disk, also where the server is set to answer sooner.
        connection.exec_driver_sql(
            f"SELECT pg_advisory_xact_lock({LOCK}), CASE WHEN current_setting('synchronous_commit') = 'off' "
            "THEN set_config('synchronous_commit', 'on', true) END"
        )

    event.listen(engine, "begin", begun)
    return engine
