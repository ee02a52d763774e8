"""Edits as rows, and the current segments as their fold: who, when, what was asked, before and after.

`record` makes one edit in one transaction that holds the right to write: versions are compared, the row is added, and it is on
disk when the call returns. An edit made on an older version of a segment is a `Conflict`, never an overwriting. The same
id twice is stored once. Undo takes back a person's own last edit, field by field, also days later; where somebody else has changed
the same since, that is a conflict, too. Rows are only added.

Folds are in `folding`, rows in `rows`, what undo takes back in `undoing`, who heard what in `attention`; their names that others use are
here, too. All functions may be called from several threads, and several processes may share a store.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from speech.errors import Refusal
from speech.review import acts
from speech.review.acts import refuse
from speech.review.attention import heard_in, mark_heard, place_in, put_place
from speech.review.doubts import doubts_in
from speech.review.folding import DRAFT, Fold, fold_at, fold_in, segments_of, state_in
from speech.review.forms import Form, form_of, maybe_form, maybe_segment, segment_of, text_of
from speech.review.rows import Changes, Conflict, Past, Recorded, Row, answered, row_of, stored
from speech.review.undoing import Clash, next_of, reverted
from speech.store import Store
from speech.store import tables as t
from speech.types import Segment, Transcript, identified

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = [
    "DRAFT", "IMPORT", "Changes", "Conflict", "Fold", "Past", "Recorded", "about", "changes_since", "draft", "fold_at", "heard_in",
    "history", "import_states", "mark_heard", "place_in", "put_place", "record", "reverted", "segments_of",
]  # fmt: skip

IMPORT = "import"
_SKIPPING = frozenset({"replace", "rename_speaker", IMPORT})
"""Acts on many segments: those that somebody else has changed since are left out and listed."""
_LARGEST = 4 << 20
"""Bytes of what one edit may ask."""


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
        if (found := row_of(connection, id)) is not None:
            return answered(found, recording, person)
        fold = fold_in(connection, store, recording)
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
        row = Row(id=id, recording=recording, person=person, act=DRAFT, said=said, before=before, after=change)
        made = stored(connection, row)
        if also is not None:
            also(connection)
        return made


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
        if (found := row_of(connection, id)) is not None:
            return answered(found, recording, person)
        duration_ms = _duration(connection, recording)
        edit = _Edit(
            connection=connection,
            fold=fold_in(connection, store, recording),
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
        if (found := row_of(connection, id)) is not None:
            return answered(found, recording, person)
        fold = fold_in(connection, store, recording)
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
        form = state_in(self.connection, self.fold, id, seq)
        if form is None:
            refuse("this segment was not there then", "Choose another row of its history")
        return acts.changed(segments, {id: segment_of(form)}, asked, duration_ms=self.duration_ms)

    def stored(self, act: str, change: acts.Change, undoes: int | None = None) -> Recorded:
        before = {i: maybe_form(s) for i, s in change.before.items()}
        after = {i: maybe_form(s) for i, s in change.after.items()}
        row = Row(
            id=self.id, recording=self.recording, person=self.person, act=act, said=change.said, before=before, after=after, undoes=undoes
        )
        return stored(self.connection, row)

    def unchanged(self, act: str, named: Iterable[str], skipped: Iterable[str] = ()) -> Recorded:
        ids = [i for i in dict.fromkeys((*named, *skipped)) if i in self.fold.versions]
        segments = {i: self.fold.forms.get(i) for i in ids}
        versions = {i: self.fold.versions[i] for i in ids}
        return Recorded(seq=self.fold.seq, act=act, segments=segments, versions=versions, skipped=tuple(skipped), stored=False)

    def conflict(self, segment: str, base: Mapping[str, int], asked: Mapping[str, Any]) -> Recorded | Conflict:
        """What the edit would have made of the segment that the person saw, beside what it is now."""
        seen = {i: s for i, s in self.fold.segments.items() if i not in base or base[i] == self.fold.versions.get(i)}
        for id in (i for i in base if i not in seen):
            if form := state_in(self.connection, self.fold, id, base[id]):
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
        seq = next_of(self.connection, self.recording, self.person, act)
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


# Reading.


def changes_since(store: Store, recording: str, after: int) -> Changes:
    """What was touched after the edit `after`, as it is now, and where people are."""
    with store.read() as connection:
        fold = fold_in(connection, store, recording)
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
        fold = fold_in(connection, store, recording)
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
