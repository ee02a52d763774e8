"""Transcripts out of the app, and corrected ones back in.

An export is the current segments with what the draft said beside them. Its bytes depend on nothing but the edits: no clock, no
place. Names of people are in none: labels that a key file translates are codes, labels beside codes are left out.
What comes back, an EAF corrected in ELAN, say, is compared three ways: what it was made from, what it is now, what the app
has now. What only the file changed becomes one edit with act `import`; what both changed is named and stays as it is in the app.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import uuid
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

from speech import formats
from speech.collections import ledger
from speech.collections.consent import Decision, gate_of
from speech.collections.events import PERSON, Entity, Event
from speech.collections.results import Place, Source, places
from speech.errors import Finding, FormatRefused, Refusal, SpeechError
from speech.files import disk_errors, sha256_of, shown
from speech.review import acts, edits
from speech.review.forms import text_of
from speech.review.words import saved, with_text, within
from speech.review.workspace import Listed, Workspace, annotations_in, coded, codes_of
from speech.store import tables as t
from speech.store.moments import following
from speech.types import Act, Recording, Segment, Span, Speaker, Transcript, Translation, identified

_MADE_FROM = re.compile(r"review/([0-9a-f]{16})/([0-9]+)")
_ALIKE = 0.5
"""Share of their time together that two segments have in common, at least, to be taken for one."""


# Out.


@dataclass(slots=True, kw_only=True)
class Exported:
    """What became of one recording: files (in a ZIP their names there), what the formats could not hold, or why there is nothing."""

    recording: Listed
    seq: int = 0
    segments: int = 0
    files: list[Path] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    refusal: SpeechError | None = None


def transcript_of(workspace: Workspace, recording: Listed, *, fold: edits.Fold | None = None) -> Transcript:
    """The current transcript of a recording; its path leads to the file, its id tells the last edit in it."""
    fold = edits.segments_of(workspace.store, recording.id) if fold is None else fold
    about = edits.about(workspace.store, recording.id).get("about", {})
    base = formats.by_name("json").parse(text_of(about).encode("utf-8"), where=recording.name) if about else Transcript()
    segments = tuple(sorted((_nameless(s) for s in fold.segments.values()), key=lambda s: (s.span, s.speaker or "", s.id)))
    used = dict.fromkeys(s.speaker for s in segments if s.speaker)
    known = {s.id: s for s in base.speakers}
    found = replace(base.recording, path=workspace.path_of(recording).as_posix())
    return identified(
        replace(
            base,
            id=f"review/{recording.id}/{fold.seq}",
            created=_when(workspace, recording.id, fold.seq),
            recording=_measured(found, recording),
            segments=segments,
            speakers=tuple(replace(known.get(id, Speaker(id=id)), label="") for id in used),
            provenance=(*base.provenance, Act(activity="review", agent="oral-speech")),
            foreign={},
        )
    )


def _measured(found: Recording, recording: Listed) -> Recording:
    sha256 = recording.sha256 or found.sha256
    return replace(found, duration_ms=found.duration_ms or recording.duration_ms, sha256=sha256)


def _nameless(segment: Segment) -> Segment:
    """The segment without names of those who reviewed it."""
    if not any(x.by and not PERSON.fullmatch(x.by) for x in segment.translations):
        return segment
    return replace(segment, translations=tuple(x if PERSON.fullmatch(x.by) else replace(x, by="") for x in segment.translations))


def _when(workspace: Workspace, recording: str, seq: int) -> str:
    """When the last edit was made, to the second."""
    from sqlalchemy import select

    with workspace.store.read() as connection:
        asked = select(t.edit.c.at).where(t.edit.c.recording == recording, t.edit.c.seq <= seq).order_by(t.edit.c.seq.desc()).limit(1)
        at = connection.execute(asked).scalar()
    return f"{at[:19]}Z" if at else ""


def rendered(workspace: Workspace, recording: Listed, format: str) -> tuple[str, bytes]:
    """One file: its name and bytes, for a download.

    Raises
    ------
    FormatRefused, TextRefused
        The format cannot hold it, or there is no such format.
    ConsentRefused
        Scope `review`.
    """
    workspace.require(recording, "review")
    suffix = formats.by_name(format).SUFFIXES[0]
    name = PurePath(recording.path).name
    transcript = _beside(transcript_of(workspace, recording), name)
    return PurePath(name).stem + suffix, formats.rendered(transcript, PurePath(name).stem + suffix, format=format)


def _beside(transcript: Transcript, name: str) -> Transcript:
    """The transcript with its recording named as if it lay beside it."""
    return replace(transcript, recording=replace(transcript.recording, path=name))


def export(
    workspace: Workspace,
    recordings: Sequence[Listed],
    names: Sequence[str],
    out: Path,
    *,
    person: str,
    force: bool = False,
    strict: bool = False,
) -> list[Exported]:
    """Write each recording's transcript below `out`, in every format of `names`; a row in the store and in the ledger says so.

    Returns
    -------
    What became of each, in order; a recording that is refused leaves the others alone.

    Raises
    ------
    DiskFailure
        `out` cannot be written.
    """
    made: list[Exported] = []
    for recording, given in _places(workspace, recordings, out, names):
        found = Exported(recording=recording)
        made.append(found)
        try:
            place, decision, transcript = _ready(workspace, recording, given, found)
            planned = [formats.plan(transcript, p, format=n, strict=strict, force=force) for n, p in place.files.items() if _made(p.parent)]
            for plan in planned:
                plan.write()
            found.files += place.files.values()
            found.findings += [*place.findings, *(f for plan in planned for f in plan.findings)]
            _tell(workspace, recording, decision, [Entity.of(p, "transcript", root=out) for p in place.files.values()])
        except Refusal as refused:
            found.refusal = refused
    _note(workspace, made, names, person, hashlib.sha256(text_of([[sha256_of(p) for p in m.files] for m in made]).encode()).hexdigest())
    return made


def zipped(workspace: Workspace, recordings: Sequence[Listed], names: Sequence[str], *, person: str) -> tuple[bytes, list[Exported], str]:
    """The transcripts of recordings in one ZIP, whose bytes are the same for the same edits; what became of each; the export's id."""
    made: list[Exported] = []
    entries: dict[str, bytes] = {}
    root = Path("/")
    for recording, given in _places(workspace, recordings, root, names):
        found = Exported(recording=recording)
        made.append(found)
        try:
            place, decision, transcript = _ready(workspace, recording, given, found)
            transcript = _beside(transcript, PurePath(recording.path).name)
            # Rendered at a place beside the recording: the file names it by its name alone.
            files = {p.relative_to(root).as_posix(): formats.rendered(transcript, p.name, format=n) for n, p in place.files.items()}
            for name in place.files:
                found.findings += formats.losses(transcript, place.files[name].name, format=name)
            entries |= files
            found.files += [Path(name) for name in files]
            made_of = [Entity(kind="transcript", sha256=hashlib.sha256(d).hexdigest(), path=n) for n, d in files.items()]
            _tell(workspace, recording, decision, made_of)
        except Refusal as refused:
            found.refusal = refused
    data = _zip(entries)
    return data, made, _note(workspace, made, names, person, hashlib.sha256(data).hexdigest())


def _zip(entries: Mapping[str, bytes]) -> bytes:
    """A ZIP whose bytes depend on names and contents alone: fixed times and rights, sorted names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            archive.writestr(info, entries[name], compresslevel=6)
    return buffer.getvalue()


def _places(
    workspace: Workspace, recordings: Sequence[Listed], out: Path, names: Sequence[str]
) -> list[tuple[Listed, Place | FormatRefused]]:
    sources = [Source(recording=workspace.path_of(r), beneath=PurePath(r.path).parent) for r in recordings]
    return list(zip(recordings, places(sources, out, names), strict=True))


def _ready(workspace: Workspace, recording: Listed, given: Place | FormatRefused, found: Exported) -> tuple[Place, Decision, Transcript]:
    decision = workspace.require(recording, "review")
    if isinstance(given, FormatRefused):
        raise given
    fold = edits.segments_of(workspace.store, recording.id)
    if not fold.versions:
        raise Refusal(recording.name, "it has no transcript yet", "Transcribe it first: speech transcribe", "REVIEW_NOTHING")
    found.seq, found.segments = fold.seq, len(fold.forms)
    return given, decision, transcript_of(workspace, recording, fold=fold)


def _made(folder: Path) -> bool:
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return True


def _tell(workspace: Workspace, recording: Listed, decision: Decision, made: Iterable[Entity]) -> None:
    used = (Entity(kind="recording", sha256=recording.sha256),) if recording.sha256 else ()
    event = Event(
        type="export", used=used, made=tuple(made), gate=gate_of(decision), collection=decision.collection, purpose=decision.purpose
    )
    ledger.append(event, store=workspace.store)


def _note(workspace: Workspace, made: Sequence[Exported], names: Sequence[str], person: str, sha256: str) -> str:
    """The store's row of an export: who took what, up to which edit."""
    taken = [{"id": m.recording.id, "seq": m.seq} for m in made if m.files]
    id = str(uuid.uuid4())
    if taken:
        row = {"id": id, "workspace": workspace.id, "person": person, "sha256": sha256}
        with workspace.store.write() as connection:
            row["at"] = following(connection, t.export.c.at)
            connection.execute(t.export.insert().values(**row, formats=text_of(list(names)), recordings=text_of(taken)))
    return id


# Back in.


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that the file changed: `changed` a field, `added` or `deleted` a segment; and the three values.

    `why` says why it was not taken: "" where it was, `both` changed it, or it would `overlap`.
    """

    kind: str
    segment: str
    start_ms: int
    field: str = ""
    base: Any = None
    file: Any = None
    app: Any = None
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As it stands in `--json`."""
        return {name: getattr(self, name) for name in ("kind", "segment", "start_ms", "field", "base", "file", "app", "why")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What an import did: what was taken, what was not and why, and the edit (None where nothing was taken)."""

    recording: Listed
    made_from: int
    """The edit that the file was made from."""
    accepted: tuple[Difference, ...]
    conflicts: tuple[Difference, ...]
    edit: edits.Recorded | None = None


def import_back(
    workspace: Workspace, file: Path, *, person: str, recording: Listed | None = None, take_file: bool = False, tier: str | None = None
) -> Brought:
    """Take what a file corrected elsewhere changed, as one edit.

    The file says which edit it was made from, where it is an export of ours; else it is the last export, or the draft.
    Segments are matched by the ids of their annotations, else by time.

    Parameters
    ----------
    recording : which one; without it that of the file's name
    take_file : where both changed the same, take the file's (the app's stays in the history)

    Raises
    ------
    Refusal
        `REVIEW_RECORDING`: no recording of this name. `REVIEW_NOTHING`: it has no transcript in the app to compare with.
    ConsentRefused
        Scope `review`.
    FormatRefused, TextRefused, PathRefused
        The file cannot be read.
    """
    recording = recording or workspace.find(file) or _named_alike(workspace, file)
    if recording is None:
        raise Refusal(
            shown(file),
            "no recording of this name is in the folder",
            "Give the file the name of its recording, such as tape.eaf for tape.wav",
            "REVIEW_RECORDING",
        )
    workspace.require(recording, "review")
    now = edits.segments_of(workspace.store, recording.id)
    if not now.versions:
        raise Refusal(recording.name, "it has no transcript to compare with", "Put the file beside the recording", "REVIEW_NOTHING")
    theirs = coded(annotations_in(file, recording.language, tier=tier), codes_of(workspace.folder))
    seq = _made_from(workspace, recording, theirs, now)
    base = edits.fold_at(workspace.store, recording.id, seq)
    kind = formats.for_path(file)
    seen = {s.id: s for s in kind.kept(transcript_of(workspace, recording, fold=base)).segments if s.id in base.forms}
    brought = _imported_from(workspace, recording.id, file.name)
    comparing = _Comparing(base=base, now=now, seen=seen, ours=brought, take_file=take_file)
    comparing.compare(theirs.segments)
    states = comparing.fitting(_length(recording))
    edit = None
    if states:
        said = {"act": edits.IMPORT, "from": file.name, "sha256": sha256_of(file), "base": seq}
        id = "import-" + hashlib.sha256(text_of([recording.id, now.seq, said]).encode()).hexdigest()[:32]
        edit = edits.import_states(
            workspace.store, recording.id, person=person, id=id, states=states, said={**said, "taken": len(states)}, seq=now.seq
        )
    return Brought(recording=recording, made_from=seq, accepted=tuple(comparing.accepted), conflicts=tuple(comparing.conflicts), edit=edit)


def _length(recording: Listed) -> int:
    return recording.duration_ms if "found_ms" in recording.facts else 0


def _named_alike(workspace: Workspace, file: Path) -> Listed | None:
    """The only recording of the file's name, wherever it lies."""
    stems = {r.id: PurePath(r.path).stem for r in workspace.recordings()}
    found = [id for id, stem in stems.items() if stem == file.stem]
    return workspace.get(found[0]) if len(found) == 1 else None


def _made_from(workspace: Workspace, recording: Listed, theirs: Transcript, now: edits.Fold) -> int:
    told = _MADE_FROM.fullmatch(theirs.id)
    if told and told[1] == recording.id and int(told[2]) <= now.seq:
        return int(told[2])
    from sqlalchemy import select

    with workspace.store.read() as connection:
        rows = connection.execute(select(t.export.c.recordings).where(t.export.c.workspace == workspace.id)).scalars().all()
        drafted = select(t.edit.c.seq).where(t.edit.c.recording == recording.id).order_by(t.edit.c.seq).limit(1)
        first = connection.execute(drafted).scalar_one()
    exported = [e["seq"] for row in rows for e in json.loads(row) if e["id"] == recording.id]
    # Without a word of ours in the file it is the collection's own, from which the draft was made, or comes from an export.
    return int(max(exported)) if exported and theirs.id else int(first)


def _imported_from(workspace: Workspace, recording: str, name: str) -> frozenset[int]:
    """Earlier imports of a file of this name: what they made is the file's, not the app's."""
    from sqlalchemy import select

    with workspace.store.read() as connection:
        asked = select(t.edit.c.seq, t.edit.c.said).where(t.edit.c.recording == recording, t.edit.c.act == edits.IMPORT)
        return frozenset(seq for seq, said in connection.execute(asked) if json.loads(said).get("from") == name)


FIELDS = ("span", "speaker", "text", "translations", "notes", "status")


def _value(s: Segment, name: str) -> Any:
    """A field as it is compared."""
    if name == "translations":
        return {x.language: saved(x.text) for x in s.translations if x.text}
    if name == "notes":
        return [saved(x) for x in s.notes if x.strip()]
    if name == "span":
        return [s.span.start_ms, s.span.end_ms]
    if name == "status":
        return [s.status, s.unsure_reason]
    return saved(s.text) if name == "text" else s.speaker


@dataclass(slots=True, kw_only=True)
class _Comparing:
    """Three states of a recording: as the file was made, as the file is, as the app is."""

    base: edits.Fold
    now: edits.Fold
    seen: Mapping[str, Segment]
    """The base as the file's format holds it."""
    ours: frozenset[int]
    """Edits that an earlier import of this file made."""
    take_file: bool
    states: dict[str, Segment | None] = field(default_factory=dict)
    accepted: list[Difference] = field(default_factory=list)
    conflicts: list[Difference] = field(default_factory=list)

    def compare(self, theirs: Sequence[Segment]) -> None:
        pairs, new = matched(self.seen, theirs)
        for id, old in self.seen.items():
            if id in pairs:
                self._changed(old, pairs[id])
            else:
                self._deleted(old)
        for segment in new:
            self._added(segment)

    def fitting(self, duration_ms: int) -> dict[str, Segment | None]:
        """The new states that may stand together; others become conflicts."""
        try:
            return dict(acts.changed(self.now.segments, self.states, {}, duration_ms=duration_ms).after)
        except Refusal:
            pass
        fit: dict[str, Segment | None] = {}
        for id, state in sorted(self.states.items(), key=lambda item: item[1] is not None):
            try:
                acts.check_times(self.now.segments, {**fit, id: state}, duration_ms=duration_ms)
            except Refusal:
                refused = [d for d in self.accepted if d.segment == id]
                self.accepted = [d for d in self.accepted if d.segment != id]
                self.conflicts += [replace(d, why="overlap") for d in refused]
                continue
            fit[id] = state
        return dict(acts.changed(self.now.segments, fit, {}, duration_ms=duration_ms).after)

    def _untouched(self, id: str) -> bool:
        """Whether the app has what the file was made from, or what an earlier import of it brought."""
        return self.now.versions.get(id) in self.ours or self.now.forms.get(id) == self.base.forms.get(id)

    def _settle(self, difference: Difference, *, both: bool) -> bool:
        if both and not self.take_file:
            self.conflicts.append(replace(difference, why="both"))
            return False
        self.accepted.append(difference)
        return True

    def _changed(self, old: Segment, new: Segment) -> None:
        id, was = old.id, self.base.segments[old.id]
        names = [n for n in FIELDS if _value(old, n) != _value(new, n)]
        current = self.now.segments.get(id)
        if current is None:
            if names and not self.take_file:
                self.conflicts += [
                    Difference(
                        kind="changed",
                        segment=id,
                        start_ms=old.span.start_ms,
                        field=n,
                        base=_value(old, n),
                        file=_value(new, n),
                        why="both",
                    )
                    for n in names
                ]
            elif names:
                self.accepted.append(Difference(kind="added", segment=id, start_ms=new.span.start_ms, file=new.text))
                self.states[id] = _taken(was, new, names)
            return
        taken = []
        for n in names:
            theirs, mine = _value(new, n), _value(current, n)
            if theirs == mine:
                continue
            changed = mine != _value(was, n) or (n == "text" and current.status == "approved" != was.status)
            difference = Difference(
                kind="changed", segment=id, start_ms=current.span.start_ms, field=n, base=_value(old, n), file=theirs, app=mine
            )
            if self._settle(difference, both=changed and self.now.versions[id] not in self.ours):
                taken.append(n)
        if taken:
            self.states[id] = _taken(current, new, taken)

    def _deleted(self, old: Segment) -> None:
        current = self.now.segments.get(old.id)
        if current is None:
            return
        difference = Difference(kind="deleted", segment=old.id, start_ms=old.span.start_ms, base=old.text, app=current.text)
        if self._settle(difference, both=not self._untouched(old.id)):
            self.states[old.id] = None

    def _added(self, new: Segment) -> None:
        if any(s.span == new.span and s.speaker == new.speaker and saved(new.text) == s.text for s in self.now.segments.values()):
            return  # an earlier import brought it, or the app has the same
        if self.ours.intersection(self.now.touched.get(new.id, ())):
            self._brought(new)
            return
        id = new.id
        if not id or id in self.now.versions or id in self.states:
            id = "i" + hashlib.sha256(text_of([new.id, new.span.start_ms, new.span.end_ms, new.text]).encode()).hexdigest()[:12]
        self.accepted.append(Difference(kind="added", segment=id, start_ms=new.span.start_ms, file=new.text))
        status = new.status if new.status != "draft" else "edited" if new.text else "draft"
        self.states[id] = replace(new, id=id, text=saved(new.text), origin="person", status=status, words=_own_words(new))

    def _brought(self, new: Segment) -> None:
        """A segment that an earlier import of this file brought: what the file says of it now."""
        current = self.now.segments.get(new.id)
        if current is None:
            return  # deleted in the app since
        taken = []
        for n in (n for n in FIELDS if n != "status" and _value(new, n) != _value(current, n)):
            difference = Difference(
                kind="changed", segment=new.id, start_ms=new.span.start_ms, field=n, file=_value(new, n), app=_value(current, n)
            )
            if self._settle(difference, both=self.now.versions[new.id] not in self.ours):
                taken.append(n)
        if taken:
            self.states[new.id] = _taken(current, new, taken)


def _own_words(segment: Segment) -> tuple[Any, ...]:
    return segment.words if saved(segment.text) == segment.text else ()


def _taken(current: Segment, new: Segment, names: Sequence[str]) -> Segment:
    """The app's segment with these fields as the file has them."""
    found = current
    if "span" in names:
        found = within(found, Span(start_ms=new.span.start_ms, end_ms=new.span.end_ms))
    if "text" in names:
        found = with_text(found, saved(new.text))
    if "speaker" in names:
        words = tuple(replace(w, speaker=None, speaker_margin=None) for w in found.words)
        found = replace(found, speaker=new.speaker, speaker_margin=None, words=words)
    if "translations" in names:
        by = {x.language: x for x in current.translations}
        kept = [by[x.language] if x.language in by and by[x.language].text == x.text else x for x in new.translations if x.text]
        found = replace(found, translations=tuple(Translation(language=x.language, text=saved(x.text), by=x.by) for x in kept))
    if "notes" in names:
        found = replace(found, notes=tuple(saved(x) for x in new.notes if x.strip()))
    if "status" in names:
        found = replace(found, status=new.status, unsure_reason=new.unsure_reason)
    return found


def matched(base: Mapping[str, Segment], theirs: Sequence[Segment]) -> tuple[dict[str, Segment], list[Segment]]:
    """The file's segments by the ids of ours; those of nobody. By id where that can be, then by time and speaker, then by time."""
    pairs: dict[str, Segment] = {}
    left = []
    for s in theirs:
        old = base.get(s.id)
        # Programs may number anew: an id says something only where place or text agree.
        if old is not None and s.id not in pairs and (_common(old.span, s.span) > 0 or (old.text and old.text == s.text)):
            pairs[s.id] = s
        else:
            left.append(s)
    free = [s for id, s in base.items() if id not in pairs]
    near = sorted(
        (
            (old.speaker == s.speaker, share, n, old.id)
            for n, s in enumerate(left)
            for old in free
            if (share := _common(old.span, s.span)) >= _ALIKE
        ),
        key=lambda x: (not x[0], -x[1], x[2], x[3]),
    )
    taken: set[int] = set()
    for _, _, n, id in near:
        if n not in taken and id not in pairs:
            taken.add(n)
            pairs[id] = left[n]
    return pairs, [s for n, s in enumerate(left) if n not in taken]


def _common(a: Span, b: Span) -> float:
    """The time that two spans have in common, as a share of what they cover together."""
    shared = min(a.end_ms, b.end_ms) - max(a.start_ms, b.start_ms)
    return max(0, shared) / max(1, max(a.end_ms, b.end_ms) - min(a.start_ms, b.start_ms))
