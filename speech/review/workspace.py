"""A collection's folder, opened for review: its recordings, the annotation files beside them, and a folder of our own.

Nothing in the collection's folder is changed. What the app makes lies in `NAME.workspace` beside it (below SPEECH_WORKSPACE
where that is set, in the user's data folder where the place beside may not be written). Recordings get ids that stay; a
folder that was moved together with its workspace keeps its edits. An annotation file beside a recording, or the rows of a
manifest, become its draft, once.
"""

from __future__ import annotations

import json
import re
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from speech import formats, languages
from speech.collections import answers, consent, ledger, workspaces
from speech.collections.events import Event
from speech.collections.manifest import Row, read_manifest
from speech.errors import PathRefused, Refusal, SpeechError
from speech.files import disk_errors, is_folder, read_bytes, resolved, sha256_of, shown, write_text
from speech.review import edits
from speech.review.forms import text_of
from speech.score.sources import whole_in
from speech.store import Store
from speech.store import tables as t
from speech.store.moments import moment
from speech.types import Segment, Span, Speaker, Transcript, Translation

if TYPE_CHECKING:
    from sqlalchemy import Connection

ANNOTATIONS = (".eaf", ".textgrid", ".json")
"""Ends of annotation files that become drafts, the first that lies there."""
MANIFESTS = (answers.MANIFEST, "manifest.tsv")
KEY = "people.key.tsv"
"""What `speech manifest import` writes: a code and the label that the files have for it, a line each."""
PARTS = ("peaks", "playable", "uploads", "models", "exports", "work", workspaces.CONSENT)
_WHOLE = 0.9
"""Share of a tier's annotations, at least, that have the times of segments, where it speaks of whole segments."""
_ID = re.compile(r"[0-9a-f]{16}")
PROGRAM = "oral-speech"
"""Who imports drafts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A recording of a workspace, as the store knows it. `facts` is empty until somebody has looked at the whole file."""

    id: str
    workspace: str
    path: str
    uploaded: bool
    sha256: str
    duration_ms: int
    facts: Mapping[str, Any]
    language: str
    added: str
    gone: bool

    @property
    def name(self) -> str:
        """What people call it: its path in the folder."""
        return self.path


@dataclass(slots=True, kw_only=True)
class Seen:
    """What a look through the folder found: new recordings, those that are gone or back, drafts made, files that were refused."""

    added: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    drafted: list[str] = field(default_factory=list)
    refused: list[SpeechError] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """An open collection. `place` is our own folder; `context` is what the gate is asked with."""

    store: Store
    id: str
    folder: Path
    name: str
    place: Path
    context: consent.Context

    def recordings(self, *, gone: bool = False) -> list[Listed]:
        """The recordings in order of their paths; with `gone` also those whose files are not there now."""
        asked = t.recording.select().where(t.recording.c.workspace == self.id).order_by(t.recording.c.uploaded, t.recording.c.path)
        with self.store.read() as connection:
            found = [_listed(row) for row in connection.execute(asked).mappings()]
        return [r for r in found if gone or not r.gone]

    def get(self, id: str) -> Listed:
        """The recording of this id.

        Raises
        ------
        Refusal
            `REVIEW_RECORDING`: this workspace has none.
        """
        row = None
        if _ID.fullmatch(id):
            with self.store.read() as connection:
                asked = t.recording.select().where(t.recording.c.workspace == self.id, t.recording.c.id == id)
                row = connection.execute(asked).mappings().first()
        if row is None:
            raise Refusal(f"recording {ascii(id)[1:-1]}", "there is no such recording", "Load the list again", "REVIEW_RECORDING")
        return _listed(row)

    def find(self, path: Path) -> Listed | None:
        """The recording whose file, or whose annotation file, this is."""
        wanted = _stem(path.absolute())
        return next((r for r in self.recordings() if _stem(self.path_of(r)) == wanted or self.path_of(r) == path.absolute()), None)

    def path_of(self, recording: Listed) -> Path:
        """Where its file lies."""
        return (self.place / "uploads" if recording.uploaded else self.folder) / recording.path

    def allowed(self, recording: Listed, scope: str = "review") -> consent.Decision:
        """The gate's answer for a recording, asked with those who are known to speak in it."""
        return consent.answer({scope}, self.item_of(recording), context=self.context)

    def require(self, recording: Listed, *scopes: str) -> consent.Decision:
        """Go on only where the gate allows every scope.

        Raises
        ------
        ConsentRefused
        """
        return consent.require(set(scopes), self.item_of(recording), context=self.context)

    def item_of(self, recording: Listed) -> consent.Item:
        """A recording as the gate is asked for it: its speakers are those of its segments as they stand."""
        forms = edits.segments_of(self.store, recording.id).forms.values()
        speakers = {form.get("speaker") or "" for form in forms if form.get("status") != "not_speech"}
        return consent.Item(
            id=shown(self.path_of(recording)), path=self.path_of(recording), sha256=recording.sha256, speakers=tuple(sorted(speakers))
        )

    def look(self, id: str) -> Listed:
        """Read a recording to its end, once, and keep what it holds: length, rate, channels, codec, hash, findings.

        Raises
        ------
        AudioRefused, PathRefused
            It cannot be read.
        """
        from speech.audio import probe

        recording = self.get(id)
        path = self.path_of(recording)
        found = probe(path)
        facts = found.as_dict()
        self._set(id, facts=text_of(_plain(facts)), duration_ms=found.duration_ms, sha256=sha256_of(path))
        return self.get(id)

    def set_language(self, id: str, code: str) -> None:
        """Say which language a recording is in.

        Raises
        ------
        ModelRefused
            `LANGUAGE_CODE`.
        """
        self._set(id, language=languages.check_code(code, where="language"))

    def add_upload(self, name: str, *, language: str = languages.UNDETERMINED, sha256: str = "") -> Listed:
        """Take a file that lies in `uploads/` as a recording."""
        id = _new_id()
        with self.store.write() as connection:
            row = {
                "id": id,
                "workspace": self.id,
                "path": name,
                "uploaded": 1,
                "language": language,
                "sha256": sha256,
                "added": moment(),
            }
            connection.execute(t.recording.insert().values(**row, duration_ms=_about_ms(self.place / "uploads" / name)))
        return self.get(id)

    def _set(self, id: str, **values: Any) -> None:
        with self.store.write() as connection:
            self._set_in(connection, id, **values)

    def _set_in(self, connection: Connection, id: str, **values: Any) -> None:
        connection.execute(t.recording.update().where(t.recording.c.id == id).values(**values))

    def refresh(self) -> Seen:
        """Look through the folder again: new recordings get ids and drafts, those whose files are not there are `gone`.

        A file that was renamed keeps its id where it is known by its hash.

        Raises
        ------
        PathRefused
            The folder may not be read.
        """
        from speech.audio import recordings_in

        seen = Seen()
        contents = recordings_in(self.folder, without=[self.place])
        seen.refused += contents.refused
        there: dict[str, Path] = {}
        inside: dict[Path, bool] = {}
        for path in contents.recordings:
            try:
                self._check_inside(path, inside)
            except PathRefused as refused:
                seen.refused.append(refused)
                continue
            name = path.relative_to(self.folder).as_posix()
            try:
                name.encode("utf-8")
            except UnicodeEncodeError:
                seen.refused.append(
                    PathRefused(shown(path), "its name is no UTF-8", "Rename it; letters of any script will do", "PATH_NAME")
                )
                continue
            there[name] = path
        self._note(there, seen)
        self._draft(seen)
        return seen

    def _note(self, there: Mapping[str, Path], seen: Seen) -> None:
        known = {r.path: r for r in self.recordings(gone=True) if not r.uploaded}
        new = [name for name in there if name not in known]
        lost = [r for name, r in known.items() if name not in there]
        moved = _moved(new, lost, there)
        told = _told_languages(self.folder, seen) if new else {}
        lengths = {name: _about_ms(there[name]) for name in new if name not in moved}
        if not new and not [r for r in lost if not r.gone] and not any(r.gone for n, r in known.items() if n in there):
            return
        with self.store.write() as connection:
            rows = connection.execute(t.recording.select().where(t.recording.c.workspace == self.id)).mappings()
            now_known = {row["path"] for row in rows if not row["uploaded"]}  # another process may have been first
            for name in new:
                if name in moved:
                    connection.execute(t.recording.update().where(t.recording.c.id == moved[name].id).values(path=name, gone=0))
                    seen.back.append(name)
                elif name not in now_known:
                    row = {"id": _new_id(), "workspace": self.id, "path": name, "added": moment(), "duration_ms": lengths[name]}
                    connection.execute(t.recording.insert().values(**row, language=told.get(name, languages.UNDETERMINED)))
                    seen.added.append(name)
            for r in lost:
                if not r.gone and r not in moved.values():
                    connection.execute(t.recording.update().where(t.recording.c.id == r.id).values(gone=1))
                    seen.gone.append(r.path)
            for name, r in known.items():
                if name in there and r.gone:
                    connection.execute(t.recording.update().where(t.recording.c.id == r.id).values(gone=0))
                    seen.back.append(name)

    def _draft(self, seen: Seen) -> None:
        """Drafts for recordings that have none, from what lies beside them; what the gate refuses is not read."""
        drafted = self._drafted()
        waiting = [r for r in self.recordings() if not r.uploaded and r.id not in drafted]
        if not waiting:
            return
        rows = _manifest_rows(self.folder)
        codes = codes_of(self.folder)
        for recording in waiting:
            path = self.path_of(recording)
            beside = annotation_beside(path)
            if beside is None and recording.path not in rows:
                continue
            try:
                if not self.allowed(recording).allowed:
                    continue
                if beside is not None:
                    self._check_inside(beside)
                    self.draft_from(recording, beside, codes=codes)
                else:
                    transcript = _from_rows(rows[recording.path], recording.duration_ms)
                    self._store_draft(recording, transcript, source="manifest", key=text_of([r.id for r in rows[recording.path]]))
            except SpeechError as refused:
                seen.refused.append(refused)
                continue
            seen.drafted.append(recording.path)

    def _check_inside(self, path: Path, inside: dict[Path, bool] | None = None) -> None:
        """Refuse what a link brings in from elsewhere: it was not given, and the card of its own place may bar it.

        `inside` keeps what is known of folders. A link to nothing is left to who reads it.

        Raises
        ------
        PathRefused
            `PATH_LINK`.
        """
        known = {} if inside is None else inside
        if path.parent not in known:
            known[path.parent] = resolved(path.parent).is_relative_to(self.folder)
        leads_out = not known[path.parent] or (path.is_symlink() and path.exists() and not resolved(path).is_relative_to(self.folder))
        if leads_out:
            mend = "Put a copy into the folder, or open the folder that it leads to"
            raise PathRefused(shown(path), "a link leads out of the folder here", mend, "PATH_LINK")

    def draft_from(
        self, recording: Listed, beside: Path, *, tier: str | None = None, person: str = PROGRAM, codes: Mapping[str, str] | None = None
    ) -> edits.Recorded:
        """Make an annotation file the draft of a recording.

        Raises
        ------
        FormatRefused, TextRefused, PathRefused
            It cannot be read, or it is not clear which tier holds the transcription (then name it).
        Refusal
            `REVIEW_DRAFTED`.
        """
        read = annotations_in(beside, recording.language, tier=tier)
        transcript = coded(read, codes_of(self.folder) if codes is None else codes)
        return self._store_draft(recording, transcript, source=beside.name, key=sha256_of(beside), person=person)

    def draft(
        self, recording: Listed, transcript: Transcript, *, person: str, id: str, source: str, language: str, event: Event
    ) -> edits.Recorded:
        """Make what a model heard the draft of a recording, with its language and the ledger's row: all three are there, or none.

        Where no `language` is said, it is the one that most of the transcript is in.

        Raises
        ------
        Refusal
            `REVIEW_DRAFTED`.
        """
        code = languages.check_code(language or _language_of(transcript) or recording.language, where="language")

        def also(connection: Connection) -> None:
            self._set_in(connection, recording.id, language=code)
            ledger.append_in(connection, event)

        return edits.draft(self.store, recording.id, transcript, person=person, id=id, source=source, also=also)

    def _store_draft(self, recording: Listed, transcript: Transcript, *, source: str, key: str, person: str = PROGRAM) -> edits.Recorded:
        import hashlib

        # The same file drafts the same recording once, whichever of two processes comes first.
        id = "draft-" + hashlib.sha256(f"{recording.id}\n{source}\n{key}".encode()).hexdigest()[:32]
        code = _language_of(transcript) if recording.language == languages.UNDETERMINED else ""

        def also(connection: Connection) -> None:
            if code:
                self._set_in(connection, recording.id, language=code)

        return edits.draft(self.store, recording.id, transcript, person=person, id=id, source=source, also=also)

    def _drafted(self) -> set[str]:
        from sqlalchemy import select

        with self.store.read() as connection:
            asked = select(t.edit.c.recording).join(t.recording, t.recording.c.id == t.edit.c.recording)
            return set(connection.execute(asked.where(t.recording.c.workspace == self.id).distinct()).scalars())


def meant_by(path: Path) -> tuple[Path, Path | None]:
    """The folder to open for a path, and the recording in it that was named: itself, or that of an annotation file; a folder names none.

    Raises
    ------
    Refusal
        `REVIEW_FOLDER`: a file that is no recording, and has none of its name beside it.
    PathRefused
        It cannot be read.
    """
    from speech.audio.folders import is_recording

    if not path.is_file():
        return path, None
    path = path.absolute()
    beside = [path] if path.suffix.lower() not in ANNOTATIONS else sorted(f for f in path.parent.glob("*") if f.stem == path.stem)
    for one in beside:
        if one.is_file() and one.suffix.lower() not in ANNOTATIONS and is_recording(one):
            return path.parent, one
    raise Refusal(
        shown(path), "this is a file, and no recording", "Name the folder that holds the recordings, or one of them", "REVIEW_FOLDER"
    )


def open_workspace(folder: Path, *, store: Store, context: consent.Context | None = None, refresh: bool = True) -> Workspace:
    """The workspace of a collection's folder, made where there is none; the folder itself is only read.

    Raises
    ------
    Refusal
        `REVIEW_FOLDER`: this is no folder, or is itself a workspace.
    PathRefused
        The folder may not be read.
    DiskFailure
        No place for the workspace.
    """
    if not is_folder(folder):
        raise Refusal(shown(folder), "there is no such folder", "Name the folder that holds the recordings", "REVIEW_FOLDER")
    folder = resolved(folder)
    if folder.name.endswith(workspaces.SUFFIX) and (folder / workspaces.ABOUT).is_file():
        raise Refusal(
            shown(folder), "this is what the app keeps of a collection", "Name the folder that holds the recordings", "REVIEW_FOLDER"
        )
    place = workspaces.place_of(folder)
    with disk_errors(place):
        for part in PARTS:
            (place / part).mkdir(parents=True, exist_ok=True)
    id = _known(store, folder, place)
    about = text_of({"id": id, "folder": shown(folder)}) + "\n"
    if not (place / workspaces.ABOUT).is_file() or read_bytes(place / workspaces.ABOUT).decode("utf-8", "replace") != about:
        write_text(place / workspaces.ABOUT, about)
    found = Workspace(
        store=store,
        id=id,
        folder=folder,
        name=workspaces.name_of(folder),
        place=place,
        context=context or consent.Context(basis=consent.OWN_USE),
    )
    if refresh:
        found.refresh()
    return found


def _known(store: Store, folder: Path, place: Path) -> str:
    """The id of the workspace: by its folder, or by what its own folder says where the collection was moved."""
    here, told = shown(folder), workspaces.told_of(place).get("id")
    with store.write() as connection:
        if row := connection.execute(t.workspace.select().where(t.workspace.c.folder == here)).first():
            return str(row.id)
        if told and (row := connection.execute(t.workspace.select().where(t.workspace.c.id == told)).first()):
            if not Path(row.folder).exists():
                connection.execute(
                    t.workspace.update().where(t.workspace.c.id == told).values(folder=here, name=workspaces.name_of(folder))
                )
                return str(told)
        id = _new_id()
        connection.execute(t.workspace.insert().values(id=id, folder=here, name=workspaces.name_of(folder), created=moment()))
        return id


def annotation_beside(recording: Path) -> Path | None:
    """The annotation file of the same name beside a recording: EAF before TextGrid before JSON."""
    try:
        beside = {f.suffix.lower(): f for f in sorted(recording.parent.iterdir()) if f.stem == recording.stem and f.is_file()}
    except OSError:
        return None
    return next((beside[end] for end in ANNOTATIONS if end in beside), None)


def annotations_in(path: Path, language: str, *, tier: str | None = None, tiers: Collection[str] = ()) -> Transcript:
    """The transcription in an annotation file, with what other people's tiers say of whole segments (a translation, a gloss, a note).

    It stands in `tier` or in these `tiers`, by their exact names; where none is named, in those that hold it as far as can be told.
    A tier that speaks of whole segments hangs on another and has the times of its segments; each is a translation under its language,
    or the name of its type (names of tiers may hold names of people). What is of the type "note" is a note.

    Raises
    ------
    FormatRefused, TextRefused, PathRefused
        As `score.sources.whole_in`.
    """
    if tiers:
        transcript, read = formats.read(path, tiers=tiers), set(tiers)
    else:
        whole = whole_in(path, language, tier=tier)
        transcript, read = whole.transcript, {name for name, _ in whole.tiers}
    by_span: dict[Span, list[int]] = defaultdict(list)
    for n, s in enumerate(transcript.segments):
        by_span[s.span].append(n)
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for hanging in formats.tiers(path):
        cells = [(span, text) for span, text in hanging.cells if text.strip()]
        if hanging.ours is not None or hanging.parent is None or hanging.name in read or not cells:
            continue
        at = [n for span, _ in cells for n in by_span.get(span, ())[:1]]
        # Words and their glosses have times of their own, but for segments of one word.
        if len(at) < _WHOLE * len(cells):
            continue
        name = hanging.language if languages.is_code(hanging.language) and hanging.language != language else hanging.type or "note"
        name = "note" if name.casefold() in ("note", "notes") else name
        for span, text in cells:
            free = [n for n in by_span.get(span, ()) if name not in found[n]]
            if free:
                found[free[0]][name] = text.strip()
    if not found:
        return transcript
    segments = tuple(
        replace(
            s,
            translations=(*s.translations, *(Translation(language=code, text=text) for code, text in found[n].items() if code != "note")),
            notes=(*s.notes, *(text for code, text in found[n].items() if code == "note")),
        )
        for n, s in enumerate(transcript.segments)
    )
    return replace(transcript, segments=segments)


def coded(transcript: Transcript, codes: Mapping[str, str]) -> Transcript:
    """The transcript with codes in place of labels that stand for people."""
    if not codes:
        return transcript

    def code(label: str | None) -> str | None:
        return codes.get(label, label) if label is not None else None

    segments = tuple(
        replace(s, speaker=code(s.speaker), words=tuple(replace(w, speaker=code(w.speaker)) for w in s.words)) for s in transcript.segments
    )
    speakers = tuple(Speaker(id=codes.get(s.id, s.id), person=s.person, channel=s.channel) for s in transcript.speakers)
    return replace(transcript, segments=segments, speakers=speakers)


def codes_of(folder: Path) -> dict[str, str]:
    """Codes by the labels that stand in the files, where `speech manifest import` wrote which is which."""
    try:
        lines = (folder / KEY).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    return {label: code for code, tab, label in (line.partition("\t") for line in lines) if tab and label}


def _manifest_rows(folder: Path) -> dict[str, list[Row]]:
    """The rows with a text of the folder's manifest, by recording; none where it cannot be read (`speech manifest check` says why)."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in _rows(folder):
        if row.text is not None:
            found[row.audio].append(row)
    return found


def _rows(folder: Path, seen: Seen | None = None) -> Iterable[Row]:
    for name in MANIFESTS:
        if (folder / name).is_file():
            try:
                return read_manifest(folder / name).rows
            except SpeechError as refused:
                if seen is not None:
                    seen.refused.append(refused)
    return ()


def _told_languages(folder: Path, seen: Seen) -> dict[str, str]:
    return {row.audio: row.language for row in _rows(folder, seen)}


def _from_rows(rows: Iterable[Row], duration_ms: int) -> Transcript:
    segments = []
    for row in sorted(rows, key=lambda r: (r.start_ms, r.end_ms or 0)):
        end = row.end_ms if row.end_ms is not None else max(duration_ms, row.start_ms + 1)
        segments.append(
            Segment(
                span=Span(start_ms=row.start_ms, end_ms=end),
                text=row.text or "",
                speaker=row.speaker or None,
                language=row.language,
                channel=row.channel,
                origin="person",
                translations=tuple(Translation(language=code, text=text) for code, text in row.translation.items()),
            )
        )
    return Transcript(segments=tuple(segments))


def _language_of(transcript: Transcript) -> str:
    """The language that most segments state, in the form of a code."""
    counts: dict[str, int] = defaultdict(int)
    for s in transcript.segments:
        counts[s.language or ""] += s.span.length_ms
    counts.pop("", None)
    named = [*sorted(counts, key=lambda code: -counts[code]), *(x.id for x in transcript.languages)]
    return next((code for code in named if languages.is_code(code)), "")


def _moved(new: Iterable[str], lost: Iterable[Listed], there: Mapping[str, Path]) -> dict[str, Listed]:
    """New names that are files we know, under another name, by their hashes."""
    hashes = {r.sha256: r for r in lost if r.sha256}
    sizes = {r.facts.get("size_bytes") for r in hashes.values()}
    found: dict[str, Listed] = {}
    for name in new if hashes else ():
        try:
            if there[name].stat().st_size in sizes and (r := hashes.pop(sha256_of(there[name]), None)):
                found[name] = r
        except (OSError, PathRefused):
            continue
    return found


def _about_ms(path: Path) -> int:
    from speech.audio.folders import about_ms

    return about_ms(path)


def _stem(path: Path) -> str:
    return (path.parent / PurePosixPath(path.name).stem).as_posix()


def _listed(row: Mapping[Any, Any]) -> Listed:
    return Listed(**{**row, "uploaded": bool(row["uploaded"]), "gone": bool(row["gone"]), "facts": json.loads(row["facts"])})


def _plain(value: Any) -> Any:
    """What JSON can hold: no infinite number."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and value - value != 0 else value


def _new_id() -> str:
    return secrets.token_hex(8)
