"""The tables of the store, as SQLAlchemy describes them; migrations make them, this file reads and writes them.

Core tables, not mapped classes: a light command must open the store quickly, and the mapper doubles what
importing costs. What each row means is decided by the room that owns it (`collections.ledger`, `review`, `jobs`).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()

ledger_event = Table(
    "ledger_event",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("id", String(36), nullable=False, unique=True),
    Column("time", String(27), nullable=False),
    Column("type", String(32), nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("prev", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)
"""Events of the ledger. `body` is the canonical JSON that was hashed; the other columns repeat parts of it."""

workspace = Table(
    "workspace",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("folder", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("created", String(27), nullable=False),
)
"""A collection's folder that was opened for review."""

recording = Table(
    "recording",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("workspace", String(16), nullable=False),
    Column("path", Text, nullable=False),
    Column("uploaded", Integer, nullable=False, server_default="0"),
    Column("sha256", String(64), nullable=False, server_default=""),
    Column("duration_ms", BigInteger, nullable=False, server_default="0"),
    Column("facts", Text, nullable=False, server_default="{}"),
    Column("language", String(80), nullable=False, server_default="und"),
    Column("added", String(27), nullable=False),
    Column("gone", Integer, nullable=False, server_default="0"),
    UniqueConstraint("workspace", "uploaded", "path", name="uq_recording_path"),
)
"""One audio file; `path` is relative to the collection's folder, or to the workspace's where it was uploaded."""

edit = Table(
    "edit",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(80), nullable=False, unique=True),
    Column("recording", String(16), nullable=False),
    Column("person", String(80), nullable=False),
    Column("at", String(27), nullable=False),
    Column("act", String(32), nullable=False),
    Column("said", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("undoes", BigInteger, nullable=True),
    Index("ix_edit_recording", "recording", "seq"),
    sqlite_autoincrement=True,  # a number is never given twice, even that of a last row that was deleted
)
"""Every edit: who, when, what was asked, and each segment before and after (JSON). The current text is their fold."""

heard = Table(
    "heard",
    metadata,
    Column("recording", String(16), primary_key=True),
    Column("segment", String(80), primary_key=True),
    Column("person", String(80), primary_key=True),
    Column("at", String(27), nullable=False),
)
"""Whose ears a segment has reached."""

place = Table(
    "place",
    metadata,
    Column("recording", String(16), primary_key=True),
    Column("person", String(80), primary_key=True),
    Column("segment", String(80), nullable=False),
    Column("at", String(27), nullable=False),
)
"""Where a person is, or was last, in a recording."""

job = Table(
    "job",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace", String(16), nullable=False),
    Column("recording", String(16), nullable=True),
    Column("kind", String(32), nullable=False),
    Column("settings", Text, nullable=False, server_default="{}"),
    Column("state", String(16), nullable=False, index=True),
    Column("wanted", String(16), nullable=False, server_default="run"),
    Column("owner", String(80), nullable=False, server_default=""),
    Column("created", String(27), nullable=False),
    Column("started", String(27), nullable=True),
    Column("ended", String(27), nullable=True),
    Column("beat", String(27), nullable=True),
    Column("step", Text, nullable=False, server_default=""),
    Column("done", BigInteger, nullable=False, server_default="0"),
    Column("total", BigInteger, nullable=False, server_default="0"),
    Column("left_s", BigInteger, nullable=True),
    Column("result", Text, nullable=True),
    Column("refusal", Text, nullable=True),
    Column("attempt", Integer, nullable=False, server_default="0"),
)
"""A long task: what it is, how far it is, and what is wanted of it."""

export = Table(
    "export",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace", String(16), nullable=False, index=True),
    Column("person", String(80), nullable=False),
    Column("at", String(27), nullable=False),
    Column("formats", Text, nullable=False),
    Column("recordings", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
)
"""Who took what away: the formats, and each recording with the number of the last edit that was in it."""

preference = Table(
    "preference",
    metadata,
    Column("person", String(80), primary_key=True),
    Column("name", String(80), primary_key=True),
    Column("value", Text, nullable=False),
)
"""What a person has chosen in the app (JSON)."""
