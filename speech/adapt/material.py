"""What is learnt from: rows of a manifest as clips with their sound and symbols, asked of the gate, checked, and split into train and dev.

Dev is split off by session, or by recording where no session is told, never by clip: a clip's neighbours share its voice, its room and
often its words.
"""

from __future__ import annotations

import functools
import random
from collections import Counter, defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speech import audio, languages
from speech.adapt.dev import Piece, dev_of
from speech.audio.folders import is_recording
from speech.collections import consent
from speech.collections.importing import import_folder
from speech.collections.manifest import Row, read_manifest
from speech.collections.manifest_checks import JUDGED
from speech.errors import Finding, ManifestRefused, TextRefused
from speech.files import shown
from speech.models.families import FrontEnd
from speech.models.training.losses import frames_needed
from speech.score.sources import transcription_in
from speech.text import normalise, spell
from speech.text.checks import require_trainable

SCOPE = "train_asr"
SHORTEST_MS, LONGEST_MS = 200, 23_500
"""Lengths of clips that are learnt from; longer ones fit no row of a batch."""
USED = ("", "train", "dev")
"""Splits that are read: test is never."""
SYNTHETIC_SHARE = 0.5
"""Of train, at most so much is synthetic speech, where there is speech of people beside it."""

Samples = NDArray[np.int16]


@dataclass(slots=True, kw_only=True)
class Clip:
    """A stretch with its text: samples (int16, 16 kHz), and the symbols that it spells."""

    id: str
    text: str
    symbols: list[str]
    samples: Samples
    session: str = ""
    speaker: str = ""
    synthetic: bool = False

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / audio.RATE


@dataclass(slots=True, kw_only=True)
class Material:
    """Clips to learn from and to judge by, what was left out and why, and on whose word they may be used."""

    language: str
    found_as: str
    """What the source was taken as: a manifest, or what a folder held."""
    train: list[Clip]
    dev: list[Clip]
    split_by: str
    left_out: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    """What was left out by name: `TEXT_EMPTY`, `TEXT_LONGER_THAN_AUDIO`, and clips whose texts were not to be learnt from."""
    records: tuple[str, ...] = ()
    """Ids of the records of consent."""
    duties: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    decision: consent.Decision
    """The gate's answer for the first recording: what the ledger keeps."""
    recordings: frozenset[str] = frozenset()
    """Hashes of the recordings."""
    transcribed: frozenset[Path] = frozenset()
    """Where recordings with a text lie, those of test, too: none is drafted as if it had no text."""
    kept_apart: frozenset[str] = frozenset()
    """Texts of the rows that are not of train, those of test, too: no further text may hold them."""
    new_letters: dict[str, int] = field(default_factory=dict)
    """Symbols of dev that train has not, and how often they stand there."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of the training texts, sorted: the alphabet comes from them alone."""
        return tuple(sorted({symbol for clip in self.train for symbol in clip.symbols}))

    def fit_to(self, front_end: FrontEnd) -> None:
        """Leave out, by name, the clips of train whose symbols need more frames of a base than their sound has.

        Raises
        ------
        ManifestRefused
            `TEXT_LONGER_THAN_AUDIO`: none is left.
        """
        long = [clip.id for clip in self.train if frames_needed(clip.symbols) > front_end.frames(len(clip.samples))]
        if not long:
            return
        what = f"texts with more letters than their sound has room for: {_named(long)}"
        mend = "Listen to them: the text may belong to another clip, or the clip is cut short"
        if len(long) == len(self.train):
            raise ManifestRefused("the clips", what, mend, "TEXT_LONGER_THAN_AUDIO")
        self.train = [clip for clip in self.train if clip.id not in set(long)]
        self.left_out["texts longer than their sound"] += len(long)
        self.findings.append(Finding(code="TEXT_LONGER_THAN_AUDIO", where="train", what=f"left out, {what}", mend=mend))


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Rows, the folder that their recordings lie below, what messages call it, and what it was taken as."""

    rows: Sequence[Row]
    root: Path
    name: str
    found_as: str


def read_source(source: Path, language: str, *, tier: str | None = None, encoding: str | None = None) -> Source:
    """The rows of a manifest, or of a folder as it is.

    Raises
    ------
    ManifestRefused, FormatRefused, TextRefused, PathRefused
        It cannot be read, or holds nothing to learn from.
    """
    if source.is_file() and is_recording(source):
        raise ManifestRefused(
            shown(source),
            "this is no manifest, by its name a recording",
            "Name the folder that holds the recordings and their texts",
            "MANIFEST_JSON",
        )
    if source.is_dir():
        read = functools.partial(transcription_in, language=language, tier=tier, encoding=encoding)
        found = import_folder(source, language, transcript_in=read, encoding=encoding)
        return Source(rows=found.rows, root=source, name=shown(source), found_as=found.found_as)
    return Source(rows=read_manifest(source).rows, root=source.parent, name=shown(source), found_as="a manifest")


def gather(
    source: Path | Source,
    language: str,
    *,
    context: consent.Context,
    card: Path | None = None,
    minutes: float | None = None,
    tier: str | None = None,
    encoding: str | None = None,
    leave_out: bool = False,
    seed: int = 1,
) -> Material:
    """The clips of a manifest, of a folder as it is, or of rows, that may be learnt from.

    Parameters
    ----------
    card : one that lies elsewhere than beside the recordings
    minutes : at most so many of train, drawn by whole clips; all where None
    tier : of annotation files in a folder; None: the one that holds the transcription
    leave_out : clips whose texts hold what a model must not learn are left out by name, instead of all being refused

    Raises
    ------
    TextRefused
        `TEXT_ALPHABET`, `TEXT_MIXED_SCRIPT`: digits, foreign signs or letters in texts, each with its rows; nothing is decoded.
    ConsentRefused
        Someone did not agree: nothing is decoded.
    ManifestRefused
        The manifest is wrong, or nothing is left of it.
    AudioRefused, PathRefused
        A recording cannot be read.
    """
    if isinstance(source, Path):
        source = read_source(source, language, tier=tier, encoding=encoding)
    name = source.name
    rows = [row for row in source.rows if row.language == language and row.text and row.split in USED]
    if not rows:
        raise ManifestRefused(name, f"no row has a text in {language}", "Check --language, or the manifest", "MANIFEST_EMPTY")
    _judged_by_people(rows, name)
    table = languages.load(language)
    left_out: Counter[str] = Counter()
    findings: list[Finding] = []
    rows = _with_letters(rows, table, name, left_out, findings)
    if leave_out:
        rows = _trainable(rows, table, name, left_out, findings)
    else:
        require_trainable(((row.id, row.text or "") for row in rows), table, name)
    decisions = _allowed(rows, source.root, card, context)
    clips: dict[str, list[Clip]] = defaultdict(list)
    hashes: set[str] = set()
    for split, clip in _clips(rows, source.root, table, left_out, hashes):
        clips[split].append(clip)
    train, dev, split_by = _split(clips)
    apart = {normalise(r.text, table) for r in source.rows if r.text and r.language == language and r.split not in ("", "train")}
    if minutes is not None:
        train = some(train, minutes * 60, seed)
    train = _capped(train, {clip.text for clip in dev} | apart, left_out, seed)
    if not train or not dev:
        why = ", ".join(f"{count} {reason}" for reason, count in left_out.most_common()) or "too few clips"
        raise ManifestRefused(
            name, f"nothing is left to learn from, or to judge by: {why}", "Mend the texts, or add clips", "MANIFEST_EMPTY"
        )
    known = {symbol for clip in train for symbol in clip.symbols}
    return Material(
        language=language,
        found_as=source.found_as,
        train=train,
        dev=dev,
        split_by=split_by,
        left_out=left_out,
        findings=findings,
        records=tuple(dict.fromkeys(r for d in decisions for r in d.records)),
        duties=tuple(sorted({duty for d in decisions for duty in d.duties})),
        collections=tuple(dict.fromkeys(d.collection for d in decisions if d.collection)),
        decision=decisions[0],
        recordings=frozenset(hashes),
        transcribed=frozenset((source.root / r.audio).resolve() for r in source.rows if r.text),
        kept_apart=frozenset(apart),
        new_letters=dict(Counter(s for clip in dev for s in clip.symbols if s not in known)),
    )


def split_of(
    source: Path, language: str, split: str, *, context: consent.Context, card: Path | None = None, encoding: str | None = None
) -> list[Clip]:
    """The clips of one split of a manifest, asked of the gate, for measuring: `gather` never reads test.

    Clips that `gather` would leave out are left out here, too. Raises as `gather` does.
    """
    found = read_source(source, language, encoding=encoding)
    table = languages.load(language)
    left_out: Counter[str] = Counter()
    rows = [row for row in found.rows if row.language == language and row.split == split and row.text]
    rows = _trainable(_with_letters(rows, table, shown(source), left_out, []), table, shown(source), left_out, [])
    if not rows:
        raise ManifestRefused(shown(source), f"no row of {split} has a text in {language}", "Check the manifest", "MANIFEST_EMPTY")
    _judged_by_people(rows, shown(source))
    _allowed(rows, found.root, card, context)
    return [clip for _, clip in _clips(rows, found.root, table, left_out, set())]


def _with_letters(rows: Sequence[Row], table: languages.Language, where: str, left_out: Counter[str], findings: list[Finding]) -> list[Row]:
    """The rows whose text has a letter; the others are named."""
    empty = [row.id for row in rows if not normalise(row.text or "", table)]
    if empty:
        left_out["no letter in the text"] += len(empty)
        findings.append(
            Finding(
                code="TEXT_EMPTY",
                where=where,
                what=f"left out, no letter in the text: {_named(empty)}",
                mend="Write what is said there, or take these rows out",
            )
        )
    return [row for row in rows if row.id not in set(empty)]


def _trainable(rows: Sequence[Row], table: languages.Language, where: str, left_out: Counter[str], findings: list[Finding]) -> list[Row]:
    """The rows whose texts a model may learn; the others are named with what is wrong in them.

    Raises
    ------
    TextRefused
        `TEXT_MIXED_SCRIPT`: apostrophes are written in several ways, which no single row shows.
    """
    kept: list[Row] = []
    for row in rows:
        try:
            require_trainable([(row.id, row.text or "")], table, where)
            kept.append(row)
        except TextRefused as refusal:
            left_out["texts with signs that are no letters of the language"] += 1
            findings.append(Finding(code=refusal.code, where=where, what=f"left out: {refusal.what}", mend=refusal.mend))
    require_trainable(((row.id, row.text or "") for row in kept), table, where)
    return kept


def _judged_by_people(rows: Sequence[Row], where: str) -> None:
    """Refuse rows of dev or test that say of themselves that a synthesiser spoke: what they would show is not how people are heard."""
    if ids := [row.id for row in rows if row.synthetic and row.split in JUDGED]:
        raise ManifestRefused(where, f"synthetic speech in dev or test: {_named(ids)}", "Put it in train, or take it out", "MANIFEST_LEAK")


def _capped(train: Sequence[Clip], judged: Set[str], left_out: Counter[str], seed: int) -> list[Clip]:
    """Train with at most `SYNTHETIC_SHARE` of synthetic speech, all of it where there is no other; none that says what is judged."""
    people, made = ([clip for clip in train if clip.synthetic is synthetic] for synthetic in (False, True))
    new = [clip for clip in made if clip.text not in judged]
    if len(new) < len(made):
        left_out["synthetic, of sentences of dev or test"] += len(made) - len(new)
    room = sum(clip.seconds for clip in people) * SYNTHETIC_SHARE / (1 - SYNTHETIC_SHARE)
    kept = some(new, room, seed) if people and sum(clip.seconds for clip in new) > room else new
    if len(kept) < len(new):
        left_out[f"synthetic, beyond {SYNTHETIC_SHARE:.0%} of what is learnt from"] += len(new) - len(kept)
    ids = {clip.id for clip in kept}
    return [clip for clip in train if not clip.synthetic or clip.id in ids]


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - 10} more" if len(ids) > 10 else ""
    return f"{len(ids)} clips ({', '.join(map(shown, ids[:10]))}{more})"


def _allowed(rows: Sequence[Row], root: Path, card: Path | None, context: consent.Context) -> list[consent.Decision]:
    """The gate's answers, one a recording and its speakers; the first refusal ends it."""
    speakers: dict[str, set[str]] = defaultdict(set)
    binding: dict[str, Row] = {}
    for row in rows:
        speakers[row.audio].add(row.speaker)
        binding[row.audio] = row
    return [
        consent.require(
            {SCOPE},
            consent.Item(
                id=name, path=root / name, card_path=card, sha256=binding[name].sha256, access=binding[name].access,
                licence=binding[name].licence, speakers=tuple(sorted(speakers[name])),
            ),
            context=context,
        )
        for name in speakers
    ]  # fmt: skip


def _clips(rows: Sequence[Row], root: Path, table: languages.Language, left_out: Counter[str], hashes: set[str]) -> list[tuple[str, Clip]]:
    """Clips with their splits; each recording is decoded once, and only what is used of it is kept."""
    found: list[tuple[str, Clip]] = []
    by_recording: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_recording[row.audio].append(row)
    for name, own in by_recording.items():
        with audio.load(root / name) as signal:
            hashes.add(signal.sha256)
            for row in own:
                text = normalise(row.text or "", table)
                length = (row.end_ms if row.end_ms is not None else signal.duration_ms) - row.start_ms
                why = (
                    f"shorter than {SHORTEST_MS / 1000} s" if length < SHORTEST_MS
                    else f"longer than {LONGEST_MS / 1000} s" if length > LONGEST_MS
                    else ""
                )  # fmt: skip
                if why:
                    left_out[why] += 1
                    continue
                start = row.start_ms * audio.RATE // 1000
                samples = signal.read(start, length * audio.RATE // 1000)
                clip = Clip(
                    id=row.id, text=text, symbols=spell(text, table), session=row.session or row.audio, speaker=row.speaker,
                    synthetic=row.synthetic,
                    samples=np.clip(samples * 32767, -32768, 32767).astype(np.int16),
                )  # fmt: skip
                found.append((row.split, clip))
    return found


def _split(clips: dict[str, list[Clip]]) -> tuple[list[Clip], list[Clip], str]:
    """Train, dev, and what they are apart by."""
    if clips.get("dev"):
        return clips["train"] + clips[""], clips["dev"], "the rows that the manifest keeps for it"
    every = clips["train"] + clips[""]
    people = [c for c in every if not c.synthetic] or every  # what is synthetic as a whole is a trial, and its card says so
    dev, apart = dev_of([Piece(session=c.session, speaker=c.speaker, seconds=c.seconds) for c in people])
    judge = {people[n].id for n in dev}
    return [c for c in every if c.id not in judge], [c for c in every if c.id in judge], apart.said


def some(clips: Sequence[Clip], seconds: float, seed: int = 1) -> list[Clip]:
    """Clips drawn in random order up to so many seconds; of one seed, more seconds hold nearly all that fewer do."""
    order = list(clips)
    random.Random(seed).shuffle(order)
    found: list[Clip] = []
    total = 0.0
    for clip in order:
        if total + clip.seconds <= seconds or not found:
            found.append(clip)
            total += clip.seconds
    return found
