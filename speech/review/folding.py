"""The current segments of a recording as the fold of its edits; kept in memory, and brought up to date by the newer rows alone."""

from __future__ import annotations

import json
import threading
import weakref
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from speech.review.forms import Form, Lazy
from speech.store import Store
from speech.store import tables as t

if TYPE_CHECKING:
    from sqlalchemy import Connection

DRAFT = "draft"
_KEPT = 64
"""Folds kept in memory, the last used."""


@dataclass(frozen=True, slots=True)
class Fold:
    """The segments of a recording after the edit `seq`, as forms and, made on demand, as records; their order is not that of time."""

    seq: int = 0
    forms: Mapping[str, Form] = field(default_factory=dict)
    segments: Lazy = field(default_factory=lambda: Lazy({}))
    versions: Mapping[str, int] = field(default_factory=dict)
    """The last edit that touched a segment, deleted ones included."""
    touched: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """All edits that touched it."""
    drafted: bool = False

    def ordered(self) -> list[Form]:
        """The forms in order of time, each with its `version`."""
        found = sorted(self.forms.values(), key=lambda f: (f["start_ms"], f["end_ms"], f.get("speaker") or "", f["id"]))
        return [{**form, "version": self.versions[form["id"]]} for form in found]


_folds: weakref.WeakKeyDictionary[Store, OrderedDict[str, Fold]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def segments_of(store: Store, recording: str) -> Fold:
    """The current segments of a recording; empty where it has no draft."""
    with store.read() as connection:
        return fold_in(connection, store, recording)


def fold_in(connection: Connection, store: Store, recording: str) -> Fold:
    """As `segments_of`, in a transaction of the caller's."""
    with _lock:
        known = _folds.setdefault(store, OrderedDict()).get(recording, Fold())
    fold = _advanced(connection, recording, known)
    if fold is not known:
        with _lock:
            kept = _folds.setdefault(store, OrderedDict())
            if kept.get(recording, Fold()).seq <= fold.seq:
                kept[recording] = fold
            kept.move_to_end(recording)
            while len(kept) > _KEPT:
                kept.popitem(last=False)
    return fold


def _advanced(connection: Connection, recording: str, fold: Fold) -> Fold:
    from sqlalchemy import select

    asked = select(t.edit.c.seq, t.edit.c.act, t.edit.c.after).where(t.edit.c.recording == recording, t.edit.c.seq > fold.seq)
    rows = connection.execute(asked.order_by(t.edit.c.seq)).all()
    if not rows:
        return fold
    forms, versions, touched, drafted = dict(fold.forms), dict(fold.versions), dict(fold.touched), fold.drafted
    changed: set[str] = set()
    for seq, act, after in rows:
        drafted = drafted or act == DRAFT
        for id, form in json.loads(after).items():
            changed.add(id)
            versions[id] = seq
            touched[id] = (*touched.get(id, ()), seq)
            if form is None:
                forms.pop(id, None)
            else:
                forms[id] = form
    return Fold(
        seq=rows[-1].seq,
        forms=forms,
        segments=fold.segments.without(changed, forms),
        versions=versions,
        touched=touched,
        drafted=drafted,
    )


def state_in(connection: Connection, fold: Fold, segment: str, seq: int) -> Form | None:
    """A segment as it was after the edit `seq`; None where it was not there."""
    from sqlalchemy import select

    at = max((s for s in fold.touched.get(segment, ()) if s <= seq), default=None)
    if at is None:
        return None
    after = connection.execute(select(t.edit.c.after).where(t.edit.c.seq == at)).scalar_one()
    return cast("Form | None", json.loads(after)[segment])


def fold_at(store: Store, recording: str, seq: int) -> Fold:
    """The segments as they were after the edit `seq`."""
    from sqlalchemy import select

    asked = select(t.edit.c.seq, t.edit.c.act, t.edit.c.after).where(t.edit.c.recording == recording, t.edit.c.seq <= seq)
    forms: dict[str, Form] = {}
    versions: dict[str, int] = {}
    drafted = False
    with store.read() as connection:
        for row_seq, act, after in connection.execute(asked.order_by(t.edit.c.seq)):
            drafted = drafted or act == DRAFT
            for id, form in json.loads(after).items():
                versions[id] = row_seq
                if form is None:
                    forms.pop(id, None)
                else:
                    forms[id] = form
    return Fold(seq=seq, forms=forms, segments=Lazy(forms), versions=versions, drafted=drafted)
