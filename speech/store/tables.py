"""The tables of the store, as SQLAlchemy describes them; migrations make them, this file reads and writes them.

Core tables, not mapped classes: a light command must open the store quickly, and the mapper doubles what
importing costs. What each row means is decided by the room that owns it (`collections.ledger` here).
"""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, String, Table, Text

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
