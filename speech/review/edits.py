"""Edits as rows, and the current segments as their fold: who, when, what was asked, before and after.

`record` makes one edit in one transaction that holds the right to write: versions are compared, the row is added, and it is on
disk when the call returns. An edit made on an older version of a segment is a `Conflict`, never an overwriting. The same
id twice is stored once. Undo takes back a person's own last edit, field by field, also days later; where somebody else has changed
the same since, that is a conflict, too. Rows are only added.

Folds are kept in memory, a store and a recording, and brought up to date by the newer rows alone. All functions may be called
from several threads, and several processes may share a store.
"""

from __future__ import annotations

import json
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, cast

from speech.errors import Refusal
from speech.review import acts
from speech.review.acts import refuse
from speech.review.doubts import doubts_in
from speech.review.forms import Form, Lazy, form_of, maybe_form, maybe_segment, segment_of, text_of
from speech.store import Store
from speech.store import tables as t
from speech.store.moments import moment
from speech.types import Segment, Transcript, identified

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

DRAFT = "draft"
IMPORT = "import"
_SKIPPING = frozenset({"replace", "rename_speaker", IMPORT})
"""Acts on many segments: those that somebody else has changed since are left out and listed."""
_LARGEST = 4 << 20
"""Bytes of what one edit may ask."""
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


# Folding.

_folds: weakref.WeakKeyDictionary[Store, OrderedDict[str, Fold]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def segments_of(store: Store, recording: str) -> Fold:
    """The current segments of a recording; empty where it has no draft."""
    with store.read() as connection:
        return _fold(connection, store, recording)


def _fold(connection: Connection, store: Store, recording: str) -> Fold:
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


def _state(connection: Connection, fold: Fold, segment: str, seq: int) -> Form | None:
    """A segment as it was after the edit `seq`; None where it was not there."""
    from sqlalchemy import select

    at = max((s for s in fold.touched.get(segment, ()) if s <= seq), default=None)
    if at is None:
        return None
    after = connection.execute(select(t.edit.c.after).where(t.edit.c.seq == at)).scalar_one()
    return cast("Form | None", json.loads(after)[segment])


# Recording.


def draft(
    store: Store, recording: str, transcript: Transcript, *, person: str, id: str, source: str = "", after: int | None = None,
    also: Callable[[Connection], object] | None = None,
) -> Recorded:  # fmt: skip
    """Store a transcript as the first edit of a recording; its segments get ids where they have none.

    What a transcript holds beside its segments stays in the row, for exports.

    Parameters
    ----------
    source : where it is from, such as the name of the file beside the recording
    after : the last edit that may be there (a draft made anew on request); without it only a recording without edits is drafted
    also : writes what is true with the draft and only with it (the ledger's row), in the same transaction, once

    Raises
    ------
    Refusal
        `REVIEW_DRAFTED`: the recording has edits already.
    """
    from speech.formats.json import as_dict

    transcript = identified(transcript)
    new = {s.id: form_of(s) for s in transcript.segments}
    about, doubts = as_dict(replace(transcript, segments=())), doubts_in(transcript).as_dict()
    with store.write() as connection:
        if (found := _row_of(connection, id)) is not None:
            return _answered(found, recording, person)
        fold = _fold(connection, store, recording)
        if fold.touched and fold.seq != after:
            raise Refusal(
                f"recording {recording}",
                "it has a transcript with edits already",
                "Export it, or go on with it: a draft does not replace what people wrote",
                "REVIEW_DRAFTED",
            )
        change = {old: None for old in fold.forms if old not in new} | new
        said = {"act": DRAFT, "from": source, "about": about, "doubts": doubts}
        before: dict[str, Form | None] = {i: fold.forms.get(i) for i in change}
        row = _Row(id=id, recording=recording, person=person, act=DRAFT, said=said, before=before, after=change)
        stored = _stored(connection, row)
        if also is not None:
            also(connection)
        return stored


def record(store: Store, recording: str, *, person: str, id: str, base: Mapping[str, int], asked: Mapping[str, Any]) -> Recorded | Conflict:
    """Store one edit: on disk when this returns.

    Parameters
    ----------
    id : the client's, unique; the same one again is answered as the first time
    base : the version of each segment that the person saw
    asked : `act` and its fields, see `acts`

    Returns
    -------
    `Recorded`, also where the act changed nothing (then no row is added); or `Conflict`, and nothing was stored.

    Raises
    ------
    Refusal
        `REVIEW_ACT`, `REVIEW_TIMES`, `REVIEW_PATTERN`; `REVIEW_NOTHING`: nothing to undo or redo; `REVIEW_RECORDING`.
    StoreFailure, DiskFailure
        Nothing was stored.
    """
    if not 0 < len(id) <= 80 or not id.isascii() or not id.isprintable():
        refuse("the id of the edit is none", "Load the page again")
    _check_asked(asked)
    if not all(isinstance(v, int) for v in base.values()):
        refuse("the versions in base must be whole numbers", "Load the page again")
    with store.write() as connection:
        if (found := _row_of(connection, id)) is not None:
            return _answered(found, recording, person)
        duration_ms = _duration(connection, recording)
        edit = _Edit(
            connection=connection,
            fold=_fold(connection, store, recording),
            recording=recording,
            person=person,
            id=id,
            duration_ms=duration_ms,
        )
        return edit.made(dict(base), asked)


def import_states(
    store: Store, recording: str, *, person: str, id: str, states: Mapping[str, Segment | None], said: Mapping[str, Any], seq: int
) -> Recorded:
    """Store what came from another program as one edit; made on the segments as they were after the edit `seq`.

    Raises
    ------
    Refusal
        `REVIEW_TIMES`; `REVIEW_ACT`: somebody has edited the recording since.
    """
    with store.write() as connection:
        if (found := _row_of(connection, id)) is not None:
            return _answered(found, recording, person)
        fold = _fold(connection, store, recording)
        if fold.seq != seq:
            refuse("somebody has edited this recording meanwhile", "Run it again")
        change = acts.changed(fold.segments, states, {**said, "act": IMPORT}, duration_ms=_duration(connection, recording))
        edit = _Edit(connection=connection, fold=fold, recording=recording, person=person, id=id, duration_ms=0)
        return edit.stored(IMPORT, change)


def _check_asked(asked: Mapping[str, Any]) -> None:
    """Refuse what no row can hold."""
    try:
        size = len(text_of(dict(asked)).encode("utf-8"))
    except (TypeError, ValueError, RecursionError):
        refuse("a field holds half a character, or a number that is none", "Load the page again")
    if size > _LARGEST:
        refuse(f"it holds {size:,} bytes", f"Send at most {_LARGEST:,} in one edit")


def _duration(connection: Connection, recording: str) -> int:
    """The length that a look at the whole file found; 0 where nobody has looked."""
    from sqlalchemy import select

    row = connection.execute(select(t.recording.c.duration_ms, t.recording.c.facts).where(t.recording.c.id == recording)).first()
    if row is None:
        raise Refusal(f"recording {recording}", "there is no such recording", "Load the list again", "REVIEW_RECORDING")
    return int(row.duration_ms) if "found_ms" in json.loads(row.facts) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    id: str
    recording: str
    person: str
    act: str
    said: Mapping[str, Any]
    before: Mapping[str, Form | None]
    after: Mapping[str, Form | None]
    undoes: int | None = None


def _stored(connection: Connection, row: _Row) -> Recorded:
    made = connection.execute(
        t.edit.insert().values(
            id=row.id, recording=row.recording, person=row.person, at=moment(), act=row.act, said=text_of(row.said),
            before=text_of(row.before), after=text_of(row.after), undoes=row.undoes,
        )
    )  # fmt: skip
    seq = int(made.inserted_primary_key[0])  # type: ignore[index]  # one row, one key
    return _recorded(seq, row.act, row.after, row.said)


def _recorded(seq: int, act: str, after: Mapping[str, Form | None], said: Mapping[str, Any]) -> Recorded:
    skipped = tuple(said.get("skipped", ()))
    return Recorded(seq=seq, act=act, segments=after, versions=dict.fromkeys(after, seq), undid=said.get("undid"), skipped=skipped)


def _row_of(connection: Connection, id: str) -> Row[Any] | None:
    return connection.execute(t.edit.select().where(t.edit.c.id == id)).first()


def _answered(row: Row[Any], recording: str, person: str) -> Recorded:
    if row.recording != recording or row.person != person:
        refuse("another edit has this id", "Load the page again")
    return _recorded(row.seq, row.act, json.loads(row.after), json.loads(row.said))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edit:
    """One edit that is being made, in its transaction."""

    connection: Connection
    fold: Fold
    recording: str
    person: str
    id: str
    duration_ms: int

    def made(self, base: dict[str, int], asked: Mapping[str, Any]) -> Recorded | Conflict:
        act = asked.get("act")
        if act in ("undo", "redo"):
            return self.taken_back(cast(str, act), leave=asked.get("leave") is True)
        named = [i for name in ("segment", "with") if isinstance(i := asked.get(name), str) and (name != "with" or act == "merge")]
        stale = [i for i in named if i in self.fold.versions and i in base and base[i] != self.fold.versions[i]]
        if stale:
            return self.conflict(stale[0], base, asked)
        for id in named:
            if id in self.fold.forms and id not in base:
                refuse("the version of the segment that this edit was made on is missing", "Load the page again")
        change = self.change(self.fold.segments, asked)
        skipped = [i for i in change.after if i in base and base[i] != self.fold.versions.get(i, base[i])] if act in _SKIPPING else []
        if skipped:
            kept = {i: s for i, s in change.after.items() if i not in skipped}
            change = acts.changed(self.fold.segments, kept, {**asked, "skipped": skipped}, duration_ms=self.duration_ms)
        if change.empty:
            return self.unchanged(str(act), named, skipped)
        return self.stored(str(act), change)

    def change(self, segments: Mapping[str, Segment], asked: Mapping[str, Any]) -> acts.Change:
        if asked.get("act") != "restore":
            return acts.apply(segments, asked, duration_ms=self.duration_ms, person=self.person)
        id, seq = asked.get("segment"), asked.get("seq")
        if not isinstance(id, str) or not isinstance(seq, int):
            refuse("the fields segment and seq are missing", "Load the page again")
        form = _state(self.connection, self.fold, id, seq)
        if form is None:
            refuse("this segment was not there then", "Choose another row of its history")
        return acts.changed(segments, {id: segment_of(form)}, asked, duration_ms=self.duration_ms)

    def stored(self, act: str, change: acts.Change, undoes: int | None = None) -> Recorded:
        before = {i: maybe_form(s) for i, s in change.before.items()}
        after = {i: maybe_form(s) for i, s in change.after.items()}
        row = _Row(
            id=self.id, recording=self.recording, person=self.person, act=act, said=change.said, before=before, after=after, undoes=undoes
        )
        return _stored(self.connection, row)

    def unchanged(self, act: str, named: Iterable[str], skipped: Iterable[str] = ()) -> Recorded:
        ids = [i for i in dict.fromkeys((*named, *skipped)) if i in self.fold.versions]
        segments = {i: self.fold.forms.get(i) for i in ids}
        versions = {i: self.fold.versions[i] for i in ids}
        return Recorded(seq=self.fold.seq, act=act, segments=segments, versions=versions, skipped=tuple(skipped), stored=False)

    def conflict(self, segment: str, base: Mapping[str, int], asked: Mapping[str, Any]) -> Recorded | Conflict:
        """What the edit would have made of the segment that the person saw, beside what it is now."""
        seen = {i: s for i, s in self.fold.segments.items() if i not in base or base[i] == self.fold.versions.get(i)}
        for id in (i for i in base if i not in seen):
            if form := _state(self.connection, self.fold, id, base[id]):
                seen[id] = segment_of(form)
        try:
            mine = self.change(seen, asked).after
        except Refusal:
            mine = {}
        if mine and all(self.fold.forms.get(i) == maybe_form(s) for i, s in mine.items()):
            return self.unchanged(str(asked.get("act")), mine)  # both wrote the same
        new = mine.get(segment, seen.get(segment))
        return self.clash(segment, maybe_form(new))

    def clash(self, segment: str, mine: Form | None) -> Conflict:
        from sqlalchemy import select

        version, first = self.fold.versions[segment], self.fold.touched[segment][0]
        by = self.connection.execute(select(t.edit.c.person).where(t.edit.c.seq == version)).scalar_one()
        begun = self.connection.execute(select(t.edit.c.act, t.edit.c.after).where(t.edit.c.seq == first)).one()
        drafted = json.loads(begun.after).get(segment) if begun.act == DRAFT else None
        return Conflict(segment=segment, mine=mine, theirs=self.fold.forms.get(segment), draft=drafted, theirs_by=str(by), version=version)

    def taken_back(self, act: str, *, leave: bool) -> Recorded | Conflict:
        """Undo or redo: the person's own last, field by field. With `leave`, what clashes stays, and the edit counts as taken back."""
        seq = self.next_of(act)
        if seq is None:
            raise Refusal("this edit", f"there is nothing to {act}", "Nothing of yours is left in this recording", "REVIEW_NOTHING")
        row = self.connection.execute(t.edit.select().where(t.edit.c.seq == seq)).one()
        before: dict[str, Form | None] = json.loads(row.before)
        after: dict[str, Form | None] = json.loads(row.after)
        wanted: dict[str, Segment | None] = {}
        clashes: list[str] = []
        for id in after:
            try:
                wanted[id] = reverted(self.fold.segments.get(id), maybe_segment(before[id]), maybe_segment(after[id]))
            except Clash:
                clashes.append(id)
        said_act = json.loads(row.said).get("undid", {}).get("act", row.act)
        if clashes and not leave and (said_act not in _SKIPPING or not wanted):
            return self.clash(clashes[0], before[clashes[0]])
        try:
            acts.check_times(self.fold.segments, wanted)
        except Refusal:
            if not leave:
                raise
            wanted, clashes = {}, list(after)
        first = next(iter(wanted or after), "")
        undid = {"seq": seq, "act": said_act, "segment": first, "segments": len(wanted)}
        said = {"act": act, "undid": undid, **({"skipped": clashes} if clashes else {})}
        change = acts.changed(self.fold.segments, wanted, said, duration_ms=0)
        return self.stored(act, change, undoes=seq)

    def next_of(self, act: str) -> int | None:
        """The row that comes next: undone edits may be redone until the person makes another edit."""
        from sqlalchemy import select

        asked = select(t.edit.c.seq, t.edit.c.act, t.edit.c.undoes).where(
            t.edit.c.recording == self.recording, t.edit.c.person == self.person, t.edit.c.act != DRAFT
        )
        done: list[int] = []
        undone: list[int] = []
        for seq, kind, undoes in self.connection.execute(asked.order_by(t.edit.c.seq)):
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


# Reading.


def changes_since(store: Store, recording: str, after: int) -> Changes:
    """What was touched after the edit `after`, as it is now, and where people are."""
    with store.read() as connection:
        fold = _fold(connection, store, recording)
        at = connection.execute(t.place.select().where(t.place.c.recording == recording).order_by(t.place.c.person)).all()
    touched = [i for i, version in fold.versions.items() if version > after]
    return Changes(
        seq=fold.seq,
        segments={i: fold.forms.get(i) for i in touched},
        versions={i: fold.versions[i] for i in touched},
        people=tuple({"person": row.person, "segment": row.segment, "at": row.at} for row in at),
    )


def history(store: Store, recording: str, segment: str) -> list[Past]:
    """Every edit of a segment, the oldest first."""
    with store.read() as connection:
        fold = _fold(connection, store, recording)
        asked = t.edit.select().where(t.edit.c.seq.in_(fold.touched.get(segment, ()))).order_by(t.edit.c.seq)
        rows = connection.execute(asked).all()
    return [
        Past(
            seq=r.seq, person=r.person, at=r.at, act=r.act, before=json.loads(r.before).get(segment), after=json.loads(r.after).get(segment)
        )
        for r in rows
    ]


def about(store: Store, recording: str) -> Mapping[str, Any]:
    """What the last draft said beside its segments: `from`; `about`, a transcript without segments in the form of our JSON; `doubts`."""
    from sqlalchemy import select

    with store.read() as connection:
        asked = select(t.edit.c.said).where(t.edit.c.recording == recording, t.edit.c.act == DRAFT).order_by(t.edit.c.seq.desc())
        found = connection.execute(asked.limit(1)).scalar()
    return cast("Mapping[str, Any]", json.loads(found)) if found else {}


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


# What people heard, and where they are.


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
        _check_there(_fold(connection, store, recording), segment)
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
        _check_there(_fold(connection, store, recording), segment)
        if not connection.execute(t.place.update().where(key).values(segment=segment, at=moment())).rowcount:
            connection.execute(t.place.insert().values(recording=recording, segment=segment, person=person, at=moment()))


def place_in(store: Store, recording: str, person: str) -> str | None:
    """The segment where a person was last, if any."""
    from sqlalchemy import select

    asked = select(t.place.c.segment).where(t.place.c.recording == recording, t.place.c.person == person)
    with store.read() as connection:
        return connection.execute(asked).scalar()
