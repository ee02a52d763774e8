"""Moments as rows have them: UTC, as text of one length, so that their order as text is their order in time."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Column, Connection


def moment(at: datetime.datetime | None = None) -> str:
    """A time in UTC, the present one where none is given, to the microsecond.

    >>> moment(datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC))
    '2026-01-02T00:00:00.000000Z'
    """
    return (at or datetime.datetime.now(datetime.UTC)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def following(connection: Connection, column: Column[Any], at: datetime.datetime | None = None) -> str:
    """The moment of a new row whose table is read in order of `column`: that of `at`, or just after the latest one there.

    Where a clock was set back, the order of the column stays that in which rows were made. `connection` holds the right to write.
    """
    from sqlalchemy import func, select

    latest = connection.execute(select(func.max(column))).scalar()
    now = moment(at)
    if latest is None or latest < now:
        return now
    return moment(datetime.datetime.fromisoformat(str(latest)) + datetime.timedelta(microseconds=1))
