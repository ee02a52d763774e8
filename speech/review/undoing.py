"""What undo and redo take back: a person's own last edit, field by field; what others changed beside it stays."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from speech.review.folding import DRAFT
from speech.store import tables as t
from speech.types import Segment

if TYPE_CHECKING:
    from sqlalchemy import Connection


def next_of(connection: Connection, recording: str, person: str, act: str) -> int | None:
    """The number of a person's row that `undo` or `redo` takes next: undone edits may be redone until another edit is made."""
    from sqlalchemy import select

    asked = select(t.edit.c.seq, t.edit.c.act, t.edit.c.undoes).where(
        t.edit.c.recording == recording, t.edit.c.person == person, t.edit.c.act != DRAFT
    )
    done: list[int] = []
    undone: list[int] = []
    for seq, kind, undoes in connection.execute(asked.order_by(t.edit.c.seq)):
        if kind == "undo":
            done.remove(undoes)
            undone.append(seq)
        elif kind == "redo":
            undone.remove(undoes)
            done.append(seq)
        else:
            done.append(seq)
            undone.clear()
    found = done if act == "undo" else undone
    return found[-1] if found else None


class Clash(Exception):
    """Somebody else has changed what is to be taken back."""


def reverted(now: Segment | None, before: Segment | None, after: Segment | None) -> Segment | None:
    """A segment with one edit (before, after) taken back; what others changed beside it stays.

    Raises
    ------
    Clash
        Others have changed the same fields since, or it was made or deleted.
    """
    if now == after:
        return before
    if now is None or before is None or after is None:
        raise Clash
    changed = [f.name for f in fields(Segment) if getattr(before, f.name) != getattr(after, f.name)]
    if any(getattr(now, name) != getattr(after, name) for name in changed):
        raise Clash
    return replace(now, **{name: getattr(before, name) for name in changed})
