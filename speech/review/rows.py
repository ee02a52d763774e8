"""Rows of edits: what is written, and what is answered of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from speech.review.acts import refuse
from speech.review.forms import Form, text_of
from speech.store import tables as t
from speech.store.moments import moment

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy import Row as Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An edit that is stored (or that changed nothing): the number of the last row, and the touched segments as they are now."""

    seq: int
    act: str
    segments: Mapping[str, Form | None]
    versions: Mapping[str, int]
    undid: Mapping[str, Any] | None = None
    """Of `undo` and `redo`: `seq` and `act` of the edit, its first `segment` and how many `segments`."""
    skipped: tuple[str, ...] = ()
    """Segments that were left as they are because somebody else has changed them since."""
    stored: bool = True

    def as_dict(self) -> dict[str, Any]:
        """The answer of the app's route."""
        segments = {id: form and {**form, "version": self.versions[id]} for id, form in self.segments.items()}
        return {"seq": self.seq, "act": self.act, "segments": segments, "undid": self.undid, "skipped": list(self.skipped)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Somebody else has changed the segment since: what it would be, what it is, what the draft was. Nothing was stored."""

    segment: str
    mine: Form | None
    theirs: Form | None
    draft: Form | None
    theirs_by: str
    version: int

    def as_dict(self) -> dict[str, Any]:
        """The answer of the app's route."""
        return {"conflict": {f.name: getattr(self, f.name) for f in fields(self)}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What happened to a recording after an edit: the last row's number, touched segments as they are now, where people are."""

    seq: int
    segments: Mapping[str, Form | None]
    versions: Mapping[str, int]
    people: tuple[Mapping[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The answer of the app's route."""
        segments = {id: form and {**form, "version": self.versions[id]} for id, form in self.segments.items()}
        return {"seq": self.seq, "segments": segments, "people": [dict(p) for p in self.people]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One edit of one segment: who, when, before and after."""

    seq: int
    person: str
    at: str
    act: str
    before: Form | None
    after: Form | None

    def as_dict(self) -> dict[str, Any]:
        """The row as the app's route answers it."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One edit to be stored."""

    id: str
    recording: str
    person: str
    act: str
    said: Mapping[str, Any]
    before: Mapping[str, Form | None]
    after: Mapping[str, Form | None]
    undoes: int | None = None


def stored(connection: Connection, row: Row) -> Recorded:
    """Add a row; its answer."""
    made = connection.execute(
        t.edit.insert().values(
            id=row.id, recording=row.recording, person=row.person, at=moment(), act=row.act, said=text_of(row.said),
            before=text_of(row.before), after=text_of(row.after), undoes=row.undoes,
        )
    )  # fmt: skip
    seq = int(made.inserted_primary_key[0])  # type: ignore[index]  # one row, one key
    return recorded(seq, row.act, row.after, row.said)


def recorded(seq: int, act: str, after: Mapping[str, Form | None], said: Mapping[str, Any]) -> Recorded:
    """The answer to a row."""
    skipped = tuple(said.get("skipped", ()))
    return Recorded(seq=seq, act=act, segments=after, versions=dict.fromkeys(after, seq), undid=said.get("undid"), skipped=skipped)


def row_of(connection: Connection, id: str) -> Found[Any] | None:
    """The row of a client's id, where it was stored before."""
    return connection.execute(t.edit.select().where(t.edit.c.id == id)).first()


def answered(row: Found[Any], recording: str, person: str) -> Recorded:
    """The answer to an edit that was stored before, alike.

    Raises
    ------
    Refusal
        `REVIEW_ACT`: it is another's.
    """
    if row.recording != recording or row.person != person:
        refuse("another edit has this id", "Load the page again")
    return recorded(row.seq, row.act, json.loads(row.after), json.loads(row.said))
