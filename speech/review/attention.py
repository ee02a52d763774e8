"""What people have heard, and where they are in a recording."""

from __future__ import annotations

from speech.review.acts import refuse
from speech.review.folding import Fold, fold_in
from speech.store import Store
from speech.store import tables as t
from speech.store.moments import moment


def mark_heard(store: Store, recording: str, segment: str, person: str) -> None:
    """Note that a person has heard a segment; once is enough.

    Raises
    ------
    Refusal
        `REVIEW_ACT`: no such segment.
    """
    from sqlalchemy import select

    key = (t.heard.c.recording == recording) & (t.heard.c.segment == segment) & (t.heard.c.person == person)
    with store.read() as connection:
        _check_there(fold_in(connection, store, recording), segment)
        if connection.execute(select(t.heard.c.at).where(key)).first():
            return
    with store.write() as connection:
        if not connection.execute(select(t.heard.c.at).where(key)).first():
            connection.execute(t.heard.insert().values(recording=recording, segment=segment, person=person, at=moment()))


def _check_there(fold: Fold, segment: str) -> None:
    if segment not in fold.versions:
        refuse("this segment is not there", "Load the recording again")


def heard_in(store: Store, recording: str, person: str | None = None) -> frozenset[str]:
    """The segments that a person, or anybody, has heard."""
    from sqlalchemy import select

    asked = select(t.heard.c.segment).where(t.heard.c.recording == recording)
    if person is not None:
        asked = asked.where(t.heard.c.person == person)
    with store.read() as connection:
        return frozenset(connection.execute(asked).scalars())


def put_place(store: Store, recording: str, segment: str, person: str) -> None:
    """Keep where a person is in a recording.

    Raises
    ------
    Refusal
        `REVIEW_ACT`: no such segment.
    """
    key = (t.place.c.recording == recording) & (t.place.c.person == person)
    with store.write() as connection:
        _check_there(fold_in(connection, store, recording), segment)
        if not connection.execute(t.place.update().where(key).values(segment=segment, at=moment())).rowcount:
            connection.execute(t.place.insert().values(recording=recording, segment=segment, person=person, at=moment()))


def place_in(store: Store, recording: str, person: str) -> str | None:
    """The segment where a person was last, if any."""
    from sqlalchemy import select

    asked = select(t.place.c.segment).where(t.place.c.recording == recording, t.place.c.person == person)
    with store.read() as connection:
        return connection.execute(asked).scalar()
