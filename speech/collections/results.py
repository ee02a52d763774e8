"""Where the results of recordings go: names under `--out` that no two recordings share, and what lies there already.

A recording gives a file a format, named after it: `story.wav` gives `story.eaf`. Where another recording has the same
name but for its suffix (a master and its proxy), each keeps its own: `story.wav.eaf` and `story.mp3.eaf`. What an
earlier run left is known by the ledger: which bytes were written, from which recording, by which model and settings.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Literal

from speech import formats
from speech.audio.folders import is_copy, promises_sound
from speech.collections import ledger
from speech.errors import Finding, FormatRefused, SpeechError, StoreFailure
from speech.files import read_bytes, sha256_of, shown
from speech.types import Transcript

Standing = Literal["free", "unchanged", "edited", "draft", "other", "unknown"]
"""What lies where a result should go: nothing; that very result; that result, changed since; an untouched result of other
sound, or of another model, language or settings; something else; or it cannot be told before the recording was heard."""

_LONGEST_BYTES = 200
"""Of a file name: most disks take 255 bytes, some less, and backups get a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A recording, and the folder under `--out` that its results go to, relative: that it has under the folder given."""

    recording: Path
    beneath: PurePath = PurePath()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The files of one recording's results, by format; a finding where they cannot have its name."""

    recording: Path
    files: Mapping[str, Path]
    findings: tuple[Finding, ...] = ()


def places(sources: Sequence[Source], out: Path, names: Sequence[str]) -> list[Place | FormatRefused]:
    """A place for each recording, in order; a refusal for one whose place another of this run has. Makes nothing."""
    names_by_stem: dict[tuple[PurePath, str], set[str]] = defaultdict(set)
    for source in sources:
        names_by_stem[source.beneath, source.recording.stem].add(source.recording.name)
    siblings = _Siblings()
    taken: dict[Path, Path] = {}
    found: list[Place | FormatRefused] = []
    for source in sources:
        recording = source.recording
        apart = len(names_by_stem[source.beneath, recording.stem]) > 1 or siblings.has_twin(recording)
        place = place_of(recording, out / source.beneath, names, apart=apart)
        first = taken.setdefault(place.files[names[0]], recording)
        if first.absolute() != recording.absolute():
            found.append(
                FormatRefused(
                    shown(recording),
                    f"its result would have the name of that of {shown(first)}",
                    "Send it to another --out folder, or give the folder that holds both",
                    "FORMAT_EXISTS",
                )
            )
        else:
            found.append(place)
    return found


def place_of(recording: Path, folder: Path, names: Sequence[str], *, apart: bool = False) -> Place:
    """The files of a recording in `folder`, named after it; with its suffix where it is kept `apart` from another."""
    name = recording.name if apart else recording.stem
    made = {format: _result(name, recording, folder, formats.by_name(format).SUFFIXES[0]) for format in names}
    findings = tuple(
        Finding(
            code="NAME_CHANGED",
            where=shown(recording),
            what=f"the result is named {path.name}: not every disk can hold the recording's own name",
        )
        for format, path in made.items()
        if path.name != name + formats.by_name(format).SUFFIXES[0]
    )
    return Place(recording=recording, files=made, findings=findings)


def _result(name: str, recording: Path, folder: Path, suffix: str) -> Path:
    """A name with a format's suffix, escaped and shortened where a disk needs it."""
    plain = shown(name).replace("/", "_")
    if plain == name and len((name + suffix).encode("utf-8")) <= _LONGEST_BYTES:
        return folder / (name + suffix)
    digest = hashlib.sha256(recording.name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    short = plain.encode("utf-8")[:150].decode("utf-8", "ignore")
    return folder / f"{short}-{digest}{suffix}"


class _Siblings:
    """Recordings of one name in one folder, each folder looked at once."""

    def __init__(self) -> None:
        self._names: dict[Path, dict[str, list[str]]] = {}

    def has_twin(self, recording: Path) -> bool:
        folder = recording.parent
        if folder not in self._names:
            names: dict[str, list[str]] = defaultdict(list)
            try:
                for name in os.listdir(folder):  # noqa: PTH208  # names are enough, and there may be many
                    if promises_sound(Path(name)) and not name.startswith("."):
                        names[Path(name).stem].append(name)
            except OSError:
                names.clear()
            self._names[folder] = names
        others = [name for name in self._names[folder].get(recording.stem, ()) if name != recording.name]
        return any(not is_copy(folder / name) for name in others)


@dataclass(frozen=True, slots=True)
class Making:
    """What a result is made by: hashes of models and adapters, and of the settings.

    `of_some`: the models are all that may be used; a result is made by some of them, as its languages turn out.
    """

    models: frozenset[str]
    settings_sha256: str
    of_some: bool = field(default=False, compare=False)

    def makes(self, other: Making) -> bool:
        """Whether a result made by `other` is one that is made by this."""
        alike = other.models <= self.models if self.of_some else other.models == self.models
        return alike and self.settings_sha256 == other.settings_sha256

    @classmethod
    def of(cls, transcript: Transcript, activity: str = "transcribe") -> Making:
        """What made a transcript, by its last acts of this kind."""
        acts = [act for act in transcript.provenance if act.activity == activity]
        settings = acts[-1].settings_sha256 if acts else ""
        used = [act for act in transcript.provenance if act.settings_sha256 == settings]  # turns were told in the same run
        return cls(
            frozenset(sha for act in used for sha in (act.base_sha256, act.adapter_sha256, act.language_model_sha256) if sha),
            settings,
        )


class Earlier:
    """What earlier runs of a verb left, by the ledger. `making` says what this run makes results by; it is asked only where that decides.

    `verb` is the type of its events, which is also how it names itself in a transcript's provenance.
    """

    def __init__(self, making: Callable[[], Making], verb: str = "transcribe") -> None:
        self._asked = making
        self._verb = verb
        self._lock = threading.RLock()
        self._making: Making | None = None
        self._rows: _Rows | None = None
        self._read = False

    def standing(self, recording: Path, path: Path) -> Standing:
        """What lies at `path`, where the result of `recording` should go.

        Raises
        ------
        SpeechError
            What is there, or the recording, cannot be read; or what `making` raises.
        """
        if not os.path.lexists(path):
            return "free"
        rows = self._ledger()
        if rows is None:
            return "unknown"
        source = sha256_of(recording)
        lies = hashlib.sha256(read_bytes(path)).hexdigest()
        made_these = rows.by_bytes.get(lies, set())
        if any(sha == source and self.making.makes(made) for sha, made in made_these):
            return "unchanged"
        if made_these:
            return "draft"
        if source in rows.recordings and any(path.name in names for made, names in rows.names[source] if self.making.makes(made)):
            return "edited"
        # Made on another machine, perhaps: then hearing it again gives the same, which is no fault.
        stated = _stated(path)
        if stated is not None and stated.recording.sha256 == source and self.making.makes(Making.of(stated, self._verb)):
            return "unknown"
        return "other"

    def owner(self, path: Path) -> str:
        """The name of the recording that a result was made from, where that is known."""
        if not path.is_file():
            return ""
        rows = self._ledger()
        names = rows.owners.get(hashlib.sha256(read_bytes(path)).hexdigest(), "") if rows is not None else ""
        if names:
            return names
        stated = _stated(path)
        return PurePath(stated.recording.path.replace("\\", "/")).name if stated is not None else ""

    @property
    def making(self) -> Making:
        """What this run makes results by."""
        with self._lock:  # several recordings are looked at at once
            if self._making is None:
                self._making = self._asked()
            return self._making

    def _ledger(self) -> _Rows | None:
        """Rows of transcripts, read once; None where there is no ledger to read."""
        with self._lock:
            if not self._read:
                self._read = True
                try:
                    self._rows = _Rows(json.loads(row.body) for row in ledger.rows_of(self._verb))
                except StoreFailure:
                    self._rows = None  # writing the next row says what is wrong with it
            return self._rows


class _Rows:
    """What the ledger knows of transcripts: what was made by what, and from what."""

    def __init__(self, bodies: Any) -> None:
        self.by_bytes: dict[str, set[tuple[str, Making]]] = defaultdict(set)
        self.names: dict[str, list[tuple[Making, set[str]]]] = defaultdict(list)
        self.owners: dict[str, str] = {}
        self.recordings: set[str] = set()
        for body in bodies:
            used: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for thing in body["used"]:
                used[thing["kind"]].append(thing)
            if body["outcome"] != "success" or not used["recording"]:
                continue
            recording = used["recording"][0]
            models = frozenset(thing["sha256"] for kind in ("model", "adapter", "language_model") for thing in used[kind])
            making = Making(models, body.get("settings_sha256", ""))
            self.recordings.add(recording["sha256"])
            self.names[recording["sha256"]].append((making, {thing.get("path", "") for thing in body["made"]}))
            for thing in body["made"]:
                self.by_bytes[thing["sha256"]].add((recording["sha256"], making))
                self.owners[thing["sha256"]] = recording.get("path", "")


def _stated(path: Path) -> Transcript | None:
    """The transcript in a file that says what made it; None where it is none."""
    try:
        transcript = formats.read(path)
    except SpeechError:
        return None
    return transcript if transcript.provenance and transcript.recording.path else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is left to be written of a recording's results, what lies there as it would be written, and what stands in the way."""

    place: Place
    write: tuple[str, ...]
    unchanged: tuple[str, ...] = ()
    refusal: FormatRefused | None = None


def due(place: Place, earlier: Earlier, *, force: bool = False) -> Due:
    """Look where the results of a recording should go, before a sample of it is heard.

    A result of another recording's of the same name keeps its place, and this one gets its suffix (`story.mp3.eaf`).

    Raises
    ------
    SpeechError
        As `Earlier.standing`.
    """
    recording = place.recording
    if any(_of_twin(earlier.owner(path), recording) for path in place.files.values()):
        folder = next(iter(place.files.values())).parent
        place = place_of(recording, folder, tuple(place.files), apart=True)
    found = {name: earlier.standing(recording, path) for name, path in place.files.items()}
    unchanged = tuple(name for name, state in found.items() if state == "unchanged")
    kept = {} if force else {name: state for name, state in found.items() if state in ("edited", "draft", "other")}
    return Due(
        place=place,
        write=tuple(name for name in found if name not in kept and name not in unchanged),
        unchanged=unchanged,
        refusal=_in_the_way({place.files[name]: state for name, state in kept.items()}) if kept else None,
    )


def _of_twin(owner: str, recording: Path) -> bool:
    """Whether a recording of the same name but for its suffix made what lies there."""
    return owner not in ("", shown(recording.name), recording.name) and PurePath(owner).stem == recording.stem


_WHY = {
    "edited": ("changed since it was written (corrected, perhaps), so it is kept", "Nothing need be done to keep it; --force replaces it"),
    "draft": (
        "an earlier run wrote this, of other sound or with another model, language or options; nobody has changed it since",
        "Replace it with --force, or choose another --out",
    ),
    "other": ("another file of this name exists", "Choose another --out, or replace it with --force"),
}


def _in_the_way(states_by_path: Mapping[Path, Standing]) -> FormatRefused:
    paths, states = list(states_by_path), set(states_by_path.values())
    what, mend = _WHY[states.pop() if len(states) == 1 else "other"]
    return FormatRefused(
        ", ".join(map(shown, paths)),
        what,
        f"{mend}: the old file stays beside it, as {shown(formats.free_name(paths[0]).name)}",
        "FORMAT_EXISTS",
    )
