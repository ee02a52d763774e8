"""Self-training: untranscribed speech of the same language, learnt from as the new adapter hears it.

An adapter learnt from the transcribed minutes drafts the rest; the drafts it is surest of are learnt from together with the transcribed
clips, from the same beginning, and what comes of it is taken only where dev says that it is better (after Bartelds et al. 2023,
arXiv 2305.10951, where a wav2vec2 teacher labels speech for a student that begins anew).
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from speech import audio, languages
from speech.adapt.material import LONGEST_MS, SCOPE, SHORTEST_MS, Clip, Material
from speech.adapt.run import Adapted, emitted
from speech.audio.folders import is_recording, recordings_in
from speech.collections import consent
from speech.collections.manifest import read_manifest
from speech.errors import ManifestRefused, SpeechError
from speech.files import shown
from speech.models.activity import ActivitySettings, segments, speech_probabilities
from speech.models.families import FrontEnd
from speech.models.lm.scorer import LanguageModel
from speech.models.training.losses import frames_needed
from speech.score import Scores
from speech.score.weighing import decoded
from speech.text import spell

SURER = 0.5
"""Share of the drafted sound that is learnt from: the surer half."""
MOST_MINUTES = 240.0
"""Of untranscribed speech that is drafted: what is held in memory, and heard in minutes on two cores."""
LEAST_LETTERS_A_SECOND = 1.0
"""Fewer in a draft, and most of it was not heard."""


@dataclass(slots=True, kw_only=True)
class Untranscribed:
    """Passages of speech without a text, the recordings they are of, and on whose word they may be used."""

    clips: list[Clip]
    recordings: frozenset[str]
    """Hashes of the recordings."""
    records: tuple[str, ...] = ()
    duties: tuple[str, ...] = ()
    refused: list[str] = field(default_factory=list)
    """Recordings that could not be read, with the reason."""

    @property
    def minutes(self) -> float:
        """How much speech it is."""
        return sum(clip.seconds for clip in self.clips) / 60


@dataclass(slots=True, kw_only=True)
class Drafted:
    """Passages with the text that the adapter heard in them, the surest first, with how sure it was (0 to 1)."""

    clips: list[Clip]
    sure: list[float]

    def surest(self, share: float = SURER) -> list[Clip]:
        """So large a share of the sound, of what it was surest of."""
        most = share * sum(clip.seconds for clip in self.clips)
        found: list[Clip] = []
        total = 0.0
        for clip in self.clips:
            total += clip.seconds
            if total > most and found:
                break
            found.append(clip)
        return found


@dataclass(slots=True, kw_only=True)
class SelfTaught:
    """What a second run came to, with drafts beside the transcribed speech: minutes heard and learnt from, dev before and after."""

    heard_minutes: float
    minutes: float
    clips: int
    before: Scores
    after: Scores
    recordings: frozenset[str]
    records: tuple[str, ...]
    duties: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether fewer letters of dev are wrong than without the drafts."""
        return self.after.overall.letters.counts.errors < self.before.overall.letters.counts.errors


def untranscribed_in(
    source: Path, language: str, material: Material, *, context: consent.Context, card: Path | None = None, seed: int = 1
) -> Untranscribed:
    """Passages of speech in a folder of recordings, in one recording, or in those rows of a manifest that have no text.

    A recording that has a text in the material, test included, is left out by its place and by its hash. Recordings
    are read in random order until `MOST_MINUTES` of speech are there.

    Raises
    ------
    ConsentRefused
        Someone did not agree: nothing is decoded.
    ManifestRefused
        `MANIFEST_EMPTY`: no speech is there.
    PathRefused
        The folder cannot be read.
    """
    spans = {path: found for path, found in _spans(source, language).items() if found or path.resolve() not in material.transcribed}
    decisions = [
        consent.require(
            {SCOPE}, dataclasses.replace(consent.item_of(path), card_path=card) if card else consent.item_of(path), context=context
        )
        for path in spans
    ]
    found = Untranscribed(
        clips=[],
        recordings=frozenset(),
        records=tuple(dict.fromkeys(r for d in decisions for r in d.records)),
        duties=tuple(sorted({duty for d in decisions for duty in d.duties})),
    )
    hashes: set[str] = set()
    order = sorted(spans)
    random.Random(seed).shuffle(order)
    for path in order:
        if found.minutes >= MOST_MINUTES:
            break
        try:
            with audio.load(path) as signal:
                if signal.sha256 in material.recordings | hashes:
                    continue
                hashes.add(signal.sha256)
                found.clips += _clips(signal, path, spans[path])
        except SpeechError as error:
            found.refused.append(f"{shown(path)}: {error.what}")
    found.recordings = frozenset(hashes)
    if not found.clips:
        why = "; ".join(found.refused[:3]) or "no recording but those that have been transcribed, or none with speech in it"
        raise ManifestRefused(shown(source), f"there is no untranscribed speech: {why}", "Name a folder of recordings", "MANIFEST_EMPTY")
    return found


def _spans(source: Path, language: str) -> dict[Path, list[tuple[int, int]] | None]:
    """Recordings with the stretches (ms) that a manifest names, or None where all of it is to be looked through."""
    if source.is_dir():
        return dict.fromkeys(recordings_in(source).recordings)
    if is_recording(source):
        return {source: None}
    found: dict[Path, list[tuple[int, int]] | None] = {}
    for row in read_manifest(source).rows:
        if row.language == language and not row.text and row.split in ("", "train"):
            stretches = found.setdefault(source.parent / row.audio, [])
            if stretches is not None:
                stretches.append((row.start_ms, row.end_ms if row.end_ms is not None else -1))
    return found


def _clips(signal: audio.Signal, path: Path, stretches: Sequence[tuple[int, int]] | None) -> list[Clip]:
    """What is drafted of a recording: the stretches named, or its passages of speech."""
    if stretches is None:
        spans = segments(speech_probabilities(signal, signal.rms), signal.probe.found_ms, ActivitySettings())
        stretches = [(span.start_ms, span.end_ms) for span in spans]
    found = []
    for start, end in stretches:
        length = (end if end >= 0 else signal.duration_ms) - start
        if SHORTEST_MS <= length <= LONGEST_MS:
            samples = signal.read(start * audio.RATE // 1000, length * audio.RATE // 1000)
            found.append(
                Clip(
                    id=f"{path}, {start} ms", text="", symbols=[], session=str(path),
                    samples=np.clip(samples * 32767, -32768, 32767).astype(np.int16),
                )
            )  # fmt: skip
    return found


def drafted(adapted: Adapted, clips: Sequence[Clip], lm: LanguageModel | None = None, limit: float | None = None) -> Drafted:
    """What an adapter hears in clips, with its language model where it has one; what has too few letters, or too many, is left out."""
    learner = adapted.learner
    front_end: FrontEnd = learner.checkpoint.front_end
    table = languages.load(learner.language)
    known = set(learner.vocabulary)
    with adapted.averaged():
        heard = emitted(learner, clips)
    found: list[tuple[float, Clip]] = []
    for clip, (pair, _) in zip(clips, decoded(heard, learner.output, lm, limit), strict=True):
        symbols = spell(pair.hypothesis, table)
        fits = known.issuperset(symbols) and frames_needed(symbols) <= front_end.frames(len(clip.samples))
        if fits and len(symbols) >= LEAST_LETTERS_A_SECOND * clip.seconds:
            sure = sum(len(text) * (raw or 0.0) for text, raw in pair.words) / sum(len(text) for text, _ in pair.words)
            found.append((sure, dataclasses.replace(clip, text=pair.hypothesis, symbols=symbols)))
    found.sort(key=lambda own: (-own[0], own[1].id))
    return Drafted(clips=[clip for _, clip in found], sure=[round(sure, 4) for sure, _ in found])


def joined(material: Material, drafts: Sequence[Clip]) -> Material:
    """The material with drafts beside its train clips, these as often as it takes for half of what is heard to be transcribed by people."""
    transcribed = sum(clip.seconds for clip in material.train)
    times = max(1, round(sum(clip.seconds for clip in drafts) / transcribed)) if drafts else 1
    again = [dataclasses.replace(clip, id=f"{clip.id} ({n + 2})") for n in range(times - 1) for clip in material.train]
    return dataclasses.replace(material, train=[*material.train, *again, *drafts])
