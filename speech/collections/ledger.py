"""The ledger: every act and every refusal as a row that carries the hash of the row before.

A row follows the file it speaks of, never precedes it. Rows are only added; the store refuses the rest. Order
is by sequence number, not by time: clocks are set back. What an event holds is in `events`.
"""

from __future__ import annotations

import datetime
import json
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from speech import __version__
from speech.collections.events import FIRST, Agent, Entity, Event, Gate, LedgerRow, body_of, canonical, hash_of
from speech.errors import StoreFailure
from speech.store import Store, is_there, open_store, place_of
from speech.store.moments import moment

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = [
    "Agent",
    "Entity",
    "Event",
    "Gate",
    "LedgerRow",
    "append",
    "append_in",
    "check_chain",
    "latest_day",
    "newest",
    "rows",
    "rows_of",
    "verify",
]


def append(event: Event, *, store: Store | None = None) -> LedgerRow:
    """Add one event at the end of the ledger; on disk when this returns.

    Reading the last row and writing the new one are one transaction that holds the right to write, so two
    processes cannot both follow the same row. Without `store` the user's own is opened and closed again.

    Raises
    ------
    StoreFailure
        `STORE_LOCKED`, `STORE_CORRUPT`, `STORE_PLACE`; nothing was added.
    """
    with _store_or_own(store) as place, place.write() as connection:
        return append_in(connection, event)


def append_in(connection: Connection, event: Event) -> LedgerRow:
    """As `append`, in a transaction of the caller's (`Store.write`): the row is there with what else it writes, or neither is."""
    row = _row_after(_last(connection), _filled(event))
    _insert(connection, row)
    return row


def _filled(event: Event) -> Event:
    agents = event.agents or (Agent(id="oral-speech", version=__version__),)
    return replace(event, agents=agents, id=event.id or _new_id(), time=event.time or moment())


def _row_after(last: LedgerRow | None, event: Event) -> LedgerRow:
    seq, prev = (last.seq + 1, last.hash) if last else (1, FIRST)
    body = canonical(body_of(event, seq=seq, prev=prev))
    return LedgerRow(seq=seq, id=event.id, time=event.time, type=event.type, body=body, prev=prev, hash=hash_of(body))


def _insert(connection: Connection, row: LedgerRow) -> None:
    from speech.store.tables import ledger_event

    connection.execute(ledger_event.insert().values({name: getattr(row, name) for name in LedgerRow.__slots__}))


def _last(connection: Connection) -> LedgerRow | None:
    from speech.store.tables import ledger_event

    found = connection.execute(ledger_event.select().order_by(ledger_event.c.seq.desc()).limit(1)).mappings().first()
    return LedgerRow(**found) if found else None


def newest(store: Store | None = None) -> LedgerRow | None:
    """The last row, whose hash is the anchor that reports and bags carry; None in an empty ledger."""
    with _store_or_own(store) as place, place.read() as connection:
        return _last(connection)


def rows(store: Store | None = None) -> Iterator[LedgerRow]:
    """All rows in order, read a thousand at a time."""
    from speech.store.tables import ledger_event

    with _store_or_own(store) as place, place.read() as connection:
        found = connection.execution_options(yield_per=1000).execute(ledger_event.select().order_by(ledger_event.c.seq))
        for row in found.mappings():
            yield LedgerRow(**row)


def rows_of(type: str, store: Store | None = None) -> Iterator[LedgerRow]:
    """The rows of one type of event, in order; none where there is no ledger yet. Makes no store."""
    if store is None and not is_there(place_of()):
        return
    from speech.store.tables import ledger_event

    with _store_or_own(store) as place, place.read() as connection:
        asked = ledger_event.select().where(ledger_event.c.type == type).order_by(ledger_event.c.seq)
        for row in connection.execution_options(yield_per=1000).execute(asked).mappings():
            yield LedgerRow(**row)


def verify(store: Store | None = None) -> int:
    """Check the whole chain; how many rows it has.

    Raises
    ------
    StoreFailure
        `STORE_CORRUPT`: names the first row that is missing, changed or does not follow from the one before.
    """
    with _store_or_own(store) as place:
        return _verify_rows(rows(place), place.where)


def _verify_rows(found: Iterable[LedgerRow], where: str) -> int:
    count, prev = 0, FIRST
    for row in found:
        count += 1
        fault = _row_fault(row, count, prev)
        if fault:
            raise _broken(where, count, fault)
        prev = row.hash
    return count


def _row_fault(row: LedgerRow, seq: int, prev: str) -> str:
    if row.seq != seq:
        return f"its number is {row.seq}"
    try:
        body = json.loads(row.body)
    except ValueError:
        return "its body is no JSON"
    if not isinstance(body, dict):
        return "its body is no event"
    columns = {name: getattr(row, name) for name in ("seq", "id", "time", "type", "prev")}
    if {name: body.get(name) for name in columns} != columns:
        return "its columns and its body do not agree"
    return _link_fault(row.body, prev, row.prev, row.hash)


def _link_fault(body: str, before: str, prev: str, hashed: str) -> str:
    if prev != before:
        return "it does not follow from the row before"
    if hash_of(body) != hashed:
        return "its hash is not that of its body"
    return ""


def check_chain(events: Iterable[dict[str, Any]], where: str = "ledger") -> int:
    """Check events in the published form (one JSON object a line), as `verify` checks the store; how many there are.

    Raises
    ------
    StoreFailure
        `STORE_CORRUPT`: names the first event that is changed or does not follow.
    """
    count, before = 0, FIRST
    for event in events:
        count += 1
        body = canonical({name: value for name, value in event.items() if name != "hash"})
        fault = f"its number is {event.get('seq')}" if event.get("seq") != count else ""
        fault = fault or _link_fault(body, before, str(event.get("prev")), str(event.get("hash")))
        if fault:
            raise _broken(where, count, fault)
        before = str(event["hash"])
    return count


def _broken(where: str, count: int, fault: str) -> StoreFailure:
    return StoreFailure(
        f"{where}: ledger row {count}",
        f"the chain is broken here: {fault}",
        "Keep this file as it is and compare it with an older copy or with the anchors of reports",
        "STORE_CORRUPT",
    )


def latest_day(store: Store | None = None) -> datetime.date | None:
    """The latest UTC day any row of the ledger speaks of; None where there is no ledger yet. Makes no store."""
    if store is None and not is_there(place_of()):
        return None
    from sqlalchemy import func, select

    from speech.store.tables import ledger_event

    with _store_or_own(store) as place, place.read() as connection:
        found = connection.execute(select(func.max(ledger_event.c.time))).scalar()
    return datetime.date.fromisoformat(found[:10]) if found else None


@contextmanager
def _store_or_own(store: Store | None) -> Iterator[Store]:
    if store is not None:
        yield store
        return
    with open_store() as own:
        yield own


def _new_id() -> str:
    """A UUID of version 7: the clock in milliseconds, then chance (RFC 9562, section 5.7)."""
    stamp = time.time_ns() // 1_000_000
    value = (stamp & (1 << 48) - 1) << 80 | 0x7 << 76 | int.from_bytes(os.urandom(10)) & ~(0xF << 76) & (1 << 80) - 1
    return str(uuid.UUID(int=value & ~(0b11 << 62) | 0b10 << 62))
