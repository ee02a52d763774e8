"""What people approved teaches the model: which segments, which of them judge, how the old and the new model compare, which is in use.

The judges (dev) are chosen once and stay: what has taught a model is never a judge of it afterwards, and what judges never teaches. An
adapter is put to use by a person, never by itself, and the one before it can be taken back.
"""

from __future__ import annotations

import functools
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from speech.adapt import needs
from speech.adapt.compare import judged_by
from speech.adapt.dev import DEV_SHARE, Apart, Piece, dev_of
from speech.adapt.material import Clip, Source
from speech.adapt.minutes import SIZES, parts_of
from speech.adapt.run import pace, steps_for
from speech.adapt.whole import Made, make_adapter
from speech.collections import consent
from speech.collections.manifest import Row
from speech.errors import ConsentRefused, ManifestRefused, ModelRefused, Refusal
from speech.files import shown, write_text
from speech.jobs import Job, Queue
from speech.models import hub
from speech.models.checkpoint import open_checkpoint
from speech.models.recogniser import LoadSettings, load
from speech.review import edits
from speech.review.orders import ordered
from speech.review.workspace import Workspace
from speech.score import Rate, Scores
from speech.types import Segment

SCOPE = "train_asr"
TAUGHT_BY = ("approved",)
"""Statuses of segments that may teach: a person has heard them and says that the text is right."""
_PACE = "pace.json"
WORST = 10
"""Clips that are shown as those which the new model hears worst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A recording with its current segments: `id` in the store, `path` of the file, `session` where one is told, else the recording."""

    id: str
    path: Path
    sha256: str
    segments: Sequence[Segment]
    session: str = ""
    language: str = ""
    """Of segments that name none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What would be learnt from: rows with their split, how dev was chosen, and what may not be learnt from, recordings by code."""

    rows: tuple[Row, ...]
    root: Path
    split_by: Apart
    refused: Mapping[str, int] = field(default_factory=dict)
    unapproved: int = 0
    """Segments with a text that nobody approved."""

    def seconds(self, split: str) -> float:
        """Of the segments of one split."""
        return sum(_seconds(row) for row in self.rows if row.split == split)

    @property
    def ready(self) -> bool:
        """Whether there is something to learn from and something to judge by."""
        return self.seconds("train") > 0 and self.seconds("dev") > 0

    def require_ready(self, language: str) -> None:
        """Refuse what is too little, or what nobody may learn from.

        Raises
        ------
        ManifestRefused
            `MANIFEST_EMPTY`.
        ConsentRefused
            All that is approved is refused by the gate: with the code of most recordings, and how many there are.
        """
        if self.refused and not self.rows:
            code, count = max(self.refused.items(), key=lambda one: one[1])
            told = ", ".join(f"{number} recording{'' if number == 1 else 's'} ({why})" for why, number in self.refused.items())
            raise ConsentRefused(
                language, f"nothing that is approved may be learnt from: {told}", "See what was agreed, and ask", code, scope=SCOPE,
                item=f"{count} recordings",
            )  # fmt: skip
        if not self.ready:
            raise ManifestRefused(
                language, f"too little is approved to learn from and to judge by; {self.unapproved} segments are not approved",
                "Approve more, best of several sessions", "MANIFEST_EMPTY",
            )  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Kept:
    """What the workspace keeps of a language: ids of segments that judge and that have taught, and the adapters in use, newest last."""

    dev: list[str] = field(default_factory=list)
    taught: list[str] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    """Names of folders below the language's own; "" is the model as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """Approved milliseconds by speaker of one language ("" is a speaker who is not known), most first; what the next round size lacks."""

    by_speaker: Mapping[str, int]
    lacking_ms: int
    """To the next of the sizes at which a learning curve is looked at."""

    @property
    def ms(self) -> int:
        """Of all speakers."""
        return sum(self.by_speaker.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """A segment that is worth looking at, and why: a key of the app's strings and what fills it."""

    recording: str
    segment: str
    reason: str
    detail: str = ""


def reviewed(workspace: Workspace) -> list[Reviewed]:
    """The recordings of a workspace whose drafts may be read, with their current segments in order of time."""
    found = []
    for recording in workspace.recordings():
        if not workspace.allowed(recording).allowed:
            continue
        fold = edits.segments_of(workspace.store, recording.id)
        if fold.forms:
            found.append(
                Reviewed(
                    id=recording.id,
                    path=workspace.path_of(recording).absolute(),
                    sha256=recording.sha256,
                    segments=[fold.segments[form["id"]] for form in fold.ordered()],
                    language=recording.language,
                )
            )
    return found


def root_of(workspace: Workspace) -> Path:
    """A folder that all recordings of a workspace lie below, those that were uploaded, too."""
    return Path(os.path.commonpath([workspace.folder.absolute(), workspace.place.absolute()]))


def models_of(workspace: Workspace) -> Path:
    """Where a workspace keeps what was learnt in it."""
    return workspace.place / "models"


def languages_of(recordings: Sequence[Reviewed]) -> dict[str, int]:
    """Approved milliseconds by language, most first."""
    found: Counter[str] = Counter()
    for recording in recordings:
        for segment in recording.segments:
            if code := segment.language or recording.language:
                found[code] += segment.span.length_ms if segment.status in TAUGHT_BY else 0
    return dict(found.most_common())


def approved(recordings: Sequence[Reviewed], language: str) -> Approved:
    """What is approved in a language."""
    found: Counter[str] = Counter()
    for recording in recordings:
        for segment in recording.segments:
            if segment.status in TAUGHT_BY and (segment.language or recording.language) == language:
                found[segment.speaker or ""] += segment.span.length_ms
    whole = sum(found.values())
    aim = next((round(60_000 * size) for size in SIZES if 60_000 * size > whole), whole)
    return Approved(by_speaker=dict(found.most_common()), lacking_ms=aim - whole)


def next_to_review(recordings: Sequence[Reviewed], language: str, count: int = 20, *, seed: int = 0) -> list[Next]:
    """Segments of a language that would teach the most, over all recordings, in the order `teaches`."""
    places: dict[str, tuple[str, str]] = {}
    every: list[Segment] = []
    for recording in recordings:
        for segment in recording.segments:
            if (segment.language or recording.language) == language:
                name = f"{recording.id}/{segment.id}"
                places[name] = (recording.id, segment.id)
                every.append(replace(segment, id=name))
    order = [ranked for ranked in ordered(every, "teaches", seed=seed) if ranked.reason != "done"][:count]
    return [Next(recording=places[r.id][0], segment=places[r.id][1], reason=r.reason, detail=r.detail) for r in order]


def folder_of(models: Path, language: str) -> Path:
    """Where the adapters of a language lie below the models of a workspace."""
    return models / language


def kept(models: Path, language: str) -> Kept:
    """What the workspace keeps of a language; nothing where nothing was learnt yet."""
    path = folder_of(models, language) / "kept.json"
    if not path.is_file():
        return Kept()
    found = json.loads(path.read_text(encoding="utf-8"))
    return Kept(dev=found["dev"], taught=found["taught"], chosen=found["chosen"])


def keep(models: Path, language: str, now: Kept) -> None:
    """Write what is kept, whole or not at all."""
    folder = folder_of(models, language)
    folder.mkdir(parents=True, exist_ok=True)
    told = {"dev": sorted(now.dev), "taught": sorted(now.taught), "chosen": now.chosen}
    write_text(folder / "kept.json", json.dumps(told, ensure_ascii=False, indent=1) + "\n")


def in_use(models: Path, language: str) -> Path | None:
    """The folder of the adapter that a person put to use; None: the model as it came."""
    chosen = kept(models, language).chosen
    return folder_of(models, language) / chosen[-1] if chosen and chosen[-1] else None


def all_in_use(models: Path) -> dict[str, Path]:
    """The folders of the adapters in use, by language; languages that are heard by the model as it came are not among them."""
    codes = sorted(path.parent.name for path in models.glob("*/kept.json"))
    found = {code: in_use(models, code) for code in codes}
    return {code: folder for code, folder in found.items() if folder is not None}


def choose(models: Path, language: str, name: str) -> Kept:
    """Put an adapter to use; the one before stays, for `back`.

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE`: there is no such adapter.
    """
    folder = folder_of(models, language)
    there = {path.parent.name for path in folder.glob(f"*/adapter.{language}.safetensors")} if folder.is_dir() else set()
    if name and name not in there:
        raise ModelRefused(shown(name), "there is no such adapter", "Choose one that was learnt here", "MODEL_NOT_HERE")
    now = kept(models, language)
    if not now.chosen or now.chosen[-1] != name:
        now.chosen.append(name)
        keep(models, language, now)
    return now


def back(models: Path, language: str) -> Kept:
    """Put the adapter before the present one to use again; the model as it came where there was none."""
    now = kept(models, language)
    if now.chosen:
        now.chosen.pop()
        keep(models, language, now)
    return now


def lesson(recordings: Sequence[Reviewed], language: str, *, root: Path, models: Path, context: consent.Context) -> Lesson:
    """What people approved in a language and may be learnt from, split into train and dev.

    Parameters
    ----------
    root : a folder that all recordings lie below
    """
    rows: list[Row] = []
    refused: Counter[str] = Counter()
    unapproved = 0
    for recording in recordings:
        own = [s for s in recording.segments if (s.language or recording.language) == language and s.text.strip()]
        good = [s for s in own if s.status in TAUGHT_BY]
        unapproved += len(own) - len(good)
        if not good:
            continue
        speakers = tuple(sorted({s.speaker or "" for s in good}))
        asked = consent.Item(id=recording.id, path=recording.path, sha256=recording.sha256, speakers=speakers)
        decision = consent.answer({SCOPE}, asked, context=context)
        if not decision.allowed:
            refused[decision.code] += 1
            continue
        rows += [_row(recording, segment, language, root) for segment in good]
    now = kept(models, language)
    dev, split_by = judges(rows, now.dev, now.taught)
    split = [replace(row, split="dev" if row.id in dev else "train") for row in rows]
    return Lesson(rows=tuple(split), root=root, split_by=split_by, refused=dict(refused), unapproved=unapproved)


def lesson_in(workspace: Workspace, language: str, recordings: Sequence[Reviewed] | None = None) -> Lesson:
    """The lesson of a workspace, of its recordings as they are now where none are given."""
    every = reviewed(workspace) if recordings is None else recordings
    return lesson(every, language, root=root_of(workspace), models=models_of(workspace), context=workspace.context)


def judges(rows: Sequence[Row], dev: Collection[str], taught: Collection[str]) -> tuple[frozenset[str], Apart]:
    """Ids of the segments that judge, and how they were chosen.

    Those that judged before stay; a whole session that has taught nothing yet joins them where they have become too few.
    """
    dev, taught = set(dev), set(taught)
    found = dev & {row.id for row in rows}
    if not found:
        fresh = [row for row in rows if row.id not in taught]
        numbers, split_by = dev_of([Piece(session=r.session, speaker=r.speaker, seconds=_seconds(r)) for r in fresh])
        return frozenset(fresh[n].id for n in numbers), split_by
    sessions: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        sessions[row.session].append(row)
    ids = {session: {row.id for row in own} for session, own in sessions.items()}
    for own in ids.values():
        if own & dev and not own & taught:
            found |= own  # a session that judges as a whole goes on to do so with what was approved in it since
    enough = DEV_SHARE / 2 * sum(map(_seconds, rows))
    for session in sorted(sessions, key=lambda session: (sum(map(_seconds, sessions[session])), session)):
        if not ids[session] & (dev | taught) and sum(_seconds(row) for row in rows if row.id in found) < enough:
            found |= ids[session]
    return frozenset(found), Apart(how="before")


def learn(
    given: Lesson, language: str, *, models: Path, name: str, base: str = hub.MINI, donor: str = "auto", basis: str | None,
    purpose: str = "research", say: Callable[[str], None] = lambda _text: None,
    stepped: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Learn an adapter into a folder of its own, judge it and the one in use on the same dev, and put nothing to use.

    Returns
    -------
    What the page shows: `adapter` (the folder's name), `new` and `old` (rates with intervals; `old` null where no model knew the
    language), `minutes`, `split_by`, `worst` (segments that the new one hears worst), `curve`, `forecast`, `left_out`, `refused`.

    Raises
    ------
    ManifestRefused
        `MANIFEST_EMPTY`: too little was approved. All that `speech.adapt` raises.
    """
    given.require_ready(language)
    needs.require_room(models, cost_of(given, (), models=models, base=base).disk)
    now = kept(models, language)
    source = Source(rows=given.rows, root=given.root, name="what was approved", found_as="approved segments")
    out = folder_of(models, language) / name
    made = make_adapter(
        source, language=language, out=out, basis=basis, purpose=purpose, base=base, donor=donor, leave_out=True, say=say, stepped=stepped
    )
    now.dev = sorted(set(now.dev) | {row.id for row in given.rows if row.split == "dev"})
    now.taught = sorted(set(now.taught) | {row.id for row in given.rows if row.split == "train"})
    keep(models, language, now)
    before = _before(made.material.dev, language, base, in_use(models, language))
    told = _told(made, before, given)
    write_text(out / "learnt.json", json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What learning takes: steps of it and its parts, seconds (None: not known), bytes of memory and disk; and what is free there."""

    steps: int
    seconds: int | None
    memory: int
    disk: int
    free: int

    def as_dict(self) -> dict[str, Any]:
        """As the page is given it."""
        return {"steps": self.steps, "seconds": self.seconds, "memory": self.memory, "disk": self.disk, "free": self.free}


def _parts(given: Lesson) -> tuple[float, ...]:
    return parts_of(given.seconds("train") / 60)


def steps_of(given: Lesson) -> int:
    """Steps of a lesson, its learning curve's among them."""
    steps = steps_for(given.seconds("train"))
    return steps + sum(min(steps, steps_for(60 * size)) for size in _parts(given))


def cost_of(given: Lesson, runs: Sequence[Mapping[str, Any]], *, models: Path, base: str = hub.MINI) -> Cost:
    """What learning would take: time by the last run here, before the first by the pace that was tried; memory and disk by the base."""
    steps, memory, disk = steps_of(given), *_needed(base, len(_parts(given)) + 1)
    last = next((run for run in reversed(runs) if run.get("steps") and run.get("all_seconds")), None)
    pace = last["all_seconds"] / last["steps"] if last else pace_of(models, base)
    seconds = None if pace is None else max(1, round(steps * pace))
    return Cost(steps=steps, seconds=seconds, memory=memory, disk=disk, free=needs.free_disk(models))


@functools.lru_cache(maxsize=64)
def _needed(base: str, runs: int) -> tuple[int, int]:
    checkpoint = open_checkpoint(hub.resolve(base))
    return needs.memory_needed(checkpoint), needs.disk_needed(checkpoint, runs=runs)


def pace_of(models: Path, base: str = hub.MINI) -> float | None:
    """Seconds a step, as it was tried on this machine; None where nobody has tried."""
    try:
        found = json.loads((models / _PACE).read_text(encoding="utf-8")).get(base)
    except (OSError, ValueError, AttributeError):
        return None
    return float(found) if isinstance(found, int | float) and found > 0 else None


def try_pace(models: Path, base: str = hub.MINI) -> float:
    """Try how long a step takes here, and keep it."""
    took = pace(base)
    write_text(models / _PACE, json.dumps({base: round(took, 4)}) + "\n")
    return took


def begin(queue: Queue, workspace: Workspace, language: str, *, owner: str) -> Job:
    """Put learning of a language into the queue. One person at a time teaches a language; who asks again gets the job that is open.

    Raises
    ------
    Refusal
        `REVIEW_LEARNING`: somebody else has begun.
    ManifestRefused, ConsentRefused
        As `Lesson.require_ready`.
    MemoryFailure, DiskFailure
        `MODEL_MEMORY`, `DISK_FULL`: learning needs more than there is.
    """
    given = lesson_in(workspace, language)
    given.require_ready(language)
    models = models_of(workspace)
    cost = cost_of(given, (), models=models)
    needs.require(open_checkpoint(hub.resolve(hub.MINI)))
    needs.require_room(models, cost.disk)
    job = queue.add("adapt", workspace=workspace.id, owner=owner, settings={"language": language}, one_by="language")
    if job.owner != owner:
        raise Refusal(language, "somebody else has begun to learn it", "Wait until it has ended", "REVIEW_LEARNING")
    return job


def learnt(models: Path, language: str) -> list[dict[str, Any]]:
    """What each adapter of a language is worth, as `learn` told it, oldest first."""
    paths = folder_of(models, language).glob("*/learnt.json")
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(paths, key=lambda path: path.stat().st_mtime)]


def _before(dev: Sequence[Clip], language: str, base: str, adapter: Path | None) -> Scores | None:
    """What the model in use is worth on dev; None where none knows the language."""
    recogniser = load(base, LoadSettings(adapter=adapter))
    if adapter is None and language not in recogniser.languages():
        return None
    return judged_by(recogniser, language, dev)


def _told(made: Made, before: Scores | None, given: Lesson) -> dict[str, Any]:
    rows = sorted(made.scores.rows, key=lambda row: (-row.letters.errors, row.id))
    return {
        "adapter": made.path.parent.name,
        "donor": made.donor,
        "minutes": round(given.seconds("train") / 60, 1),
        "dev_clips": len(made.material.dev),
        "split_by": given.split_by.as_dict(),
        "new": {"cer": _rate(made.scores.overall.letters), "wer": _rate(made.scores.overall.words)},
        "old": {"cer": _rate(before.overall.letters), "wer": _rate(before.overall.words)} if before else None,
        "worst": [{"segment": row.id, "errors": row.letters.errors, "letters": row.letters.reference} for row in rows[:WORST]],
        "curve": [{"minutes": p.minutes, "cer": p.cer, "low": p.low, "high": p.high} for p in made.points],
        "forecast": {"minutes": made.expected.minutes, "cer": made.expected.cer, "low": made.expected.low, "high": made.expected.high}
        if made.expected
        else None,
        "left_out": dict(made.material.left_out),
        "refused": dict(given.refused),
        "seconds": round(made.adapted.seconds, 1),
        "all_seconds": round(sum(p.seconds for p in made.points), 1),
        "steps": steps_of(given),
        "bytes": sum(path.stat().st_size for path in made.path.parent.rglob("*") if path.is_file()),
    }


def _rate(rate: Rate) -> dict[str, float | None]:
    """Shares of 1."""
    return {
        "value": rate.value,
        "low": rate.interval.low if rate.interval else None,
        "high": rate.interval.high if rate.interval else None,
    }


def _row(recording: Reviewed, segment: Segment, language: str, root: Path) -> Row:
    return Row(
        id=f"{recording.id}/{segment.id}",
        audio=recording.path.relative_to(root).as_posix(),
        sha256=recording.sha256,
        start_ms=segment.span.start_ms,
        end_ms=segment.span.end_ms,
        text=segment.text.strip(),
        language=language,
        speaker=segment.speaker or "",
        session=recording.session or recording.id,
        channel=segment.channel,
        extra={"status": segment.status},
    )


def _seconds(row: Row) -> float:
    return ((row.end_ms or row.start_ms) - row.start_ms) / 1000
