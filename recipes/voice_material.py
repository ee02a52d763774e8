"""What a voice learns from: one speaker's recordings with their texts, asked of the gate for `train_tts` before a sample is decoded.

A public licence never gives a voice: each person who is heard must have agreed to it by name. Texts are read as `speech say` will read
them, by the same code: numbers in words, letters taken apart where only their signs are known. A clip whose text the voice cannot say is
left out by name, and so is one with more symbols than frames.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from voice_learning import Batch
from voice_start import card_for

from speech import audio, say
from speech.adapt.material import USED, Source
from speech.collections import consent, ledger
from speech.collections.events import Entity, Event
from speech.collections.manifest import Row
from speech.errors import ConsentRefused, TextRefused
from speech.say import vits

SCOPE = "train_tts"
SHORTEST_S, LONGEST_S = 0.5, 15.0
DEV_SHARE, DEV_MOST = 0.05, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A stretch with its text: samples (float32, 16 kHz) and the numbers of its symbols."""

    id: str
    text: str
    samples: NDArray[np.float32]
    symbols: tuple[int, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / audio.RATE


@dataclass(slots=True, kw_only=True)
class Asked:
    """Rows of one speaker that may be learnt from, and on whose word."""

    rows: list[Row]
    root: Path
    decisions: tuple[consent.Decision, ...]
    cards: tuple[Path, ...]
    speakers: tuple[str, ...]
    """Everybody heard in these recordings."""


@dataclass(slots=True, kw_only=True)
class Material:
    """Clips to learn from and to judge by, and what was left out."""

    train: list[Clip]
    dev: list[Clip]
    recordings: frozenset[str]
    """Hashes."""
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def minutes(self) -> float:
        """Of train."""
        return sum(clip.seconds for clip in self.train) / 60


def item_of(name: str, rows: Sequence[Row], root: Path, card: Path | None) -> consent.Item:
    """A recording with everybody that its rows say is heard."""
    row = rows[0]
    return consent.Item(
        id=name, path=root / name, card_path=card, sha256=row.sha256, access=row.access, licence=row.licence,
        speakers=tuple(sorted({r.speaker for r in rows})),
    )  # fmt: skip


def by_recording(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows of each recording."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.audio].append(row)
    return dict(found)


def ask(source: Source, language: str, *, context: consent.Context, card: Path | None = None, speaker: str = "") -> Asked:
    """The rows of a source with a text in `language` by one speaker, each recording asked of the gate; nothing is decoded.

    Rows of test are not read. Who else is heard in the same recordings is asked, too.

    Raises
    ------
    ConsentRefused
        Somebody did not agree to `train_tts`; the refusal has its row in the ledger.
    TextRefused
        `TEXT_EMPTY`: no such row. `VOICE_SPEAKER`: there are several speakers, and none is chosen.
    """
    rows = [row for row in source.rows if row.language == language and row.text and row.split in USED]
    speakers = sorted({row.speaker for row in rows})
    if speaker:
        rows = [row for row in rows if row.speaker == speaker]
    if not rows:
        raise TextRefused(source.name, f"no row has a text in {language}", "Check --language, --speaker and the manifest", "TEXT_EMPTY")
    if len(speakers) > 1 and not speaker:
        raise TextRefused(
            source.name, f"{len(speakers)} speakers are heard, and a voice is of one", "Choose one by its code: --speaker CODE",
            "VOICE_SPEAKER",
        )  # fmt: skip
    every = by_recording(source.rows)
    decisions, cards = [], []
    for name in by_recording(rows):
        try:
            decisions.append(consent.require({SCOPE}, item_of(name, every[name], source.root, card), context=context))
        except ConsentRefused as refused:
            ledger.append(
                Event(type="train", outcome="refused", gate=consent.gate_of(refused), purpose=context.purpose, fault=refused.code)
            )
            raise
        cards.append(card_for(source.root / name, card))
    return Asked(
        rows=rows, root=source.root, decisions=tuple(decisions), cards=tuple(dict.fromkeys(c for c in cards if c is not None)),
        speakers=tuple(sorted({row.speaker for name in by_recording(rows) for row in every[name]})),
    )  # fmt: skip


def decode(asked: Asked) -> tuple[list[tuple[Row, NDArray[np.float32]]], frozenset[str]]:
    """Each row's samples at 16 kHz, and the hashes of the recordings."""
    found, hashes = [], set()
    for name, rows in by_recording(asked.rows).items():
        with audio.load(asked.root / name) as signal:
            hashes.add(signal.sha256)
            for row in rows:
                end_ms = row.end_ms if row.end_ms is not None else signal.duration_ms
                start = row.start_ms * audio.RATE // 1000
                found.append((row, np.array(signal.read(start, (end_ms - row.start_ms) * audio.RATE // 1000), np.float32)))
    return found, frozenset(hashes)


def gather(asked: Asked, folder: Path, language: str, hop: int, *, minutes: float | None = None, seed: int = 1) -> Material:
    """The clips as the voice in `folder` reads their texts; at most so many minutes, drawn by whole clips; dev is drawn from them."""
    from transformers import VitsTokenizer

    voice = vits.load(str(folder), language)
    tokenizer = VitsTokenizer.from_pretrained(folder, local_files_only=True)
    decoded, hashes = decode(asked)
    found = Material(train=[], dev=[], recordings=hashes)
    clips = []
    for row, samples in decoded:
        clip, why = _clip(row, samples, voice, tokenizer, language, hop)
        if clip is None:
            found.left_out[why] += 1
        else:
            clips.append((row.split, clip))
    if minutes is not None:
        clips = _some(clips, 60 * minutes, seed)
    dev = {n for n, (split, _) in enumerate(clips) if split == "dev"}
    if not dev:
        count = min(DEV_MOST, max(1, round(DEV_SHARE * len(clips))))
        dev = set(random.Random(seed).sample(range(len(clips)), count)) if len(clips) > 1 else set()
    found.train = [clip for n, (_, clip) in enumerate(clips) if n not in dev]
    found.dev = [clip for n, (_, clip) in enumerate(clips) if n in dev]
    if not found.train:
        why = ", ".join(f"{count} {reason}" for reason, count in found.left_out.most_common())
        raise TextRefused("the clips", f"nothing is left to learn from: {why}", "Mend the texts, or add clips", "TEXT_EMPTY")
    return found


def _some(clips: list[tuple[str, Clip]], seconds: float, seed: int) -> list[tuple[str, Clip]]:
    order, total = list(range(len(clips))), 0.0
    random.Random(seed).shuffle(order)
    kept: set[int] = set()
    for n in order:
        if not kept or total + clips[n][1].seconds <= seconds:
            kept.add(n)
            total += clips[n][1].seconds
    return [clip for n, clip in enumerate(clips) if n in kept]


def _clip(
    row: Row, samples: NDArray[np.float32], voice: vits.VitsVoice, tokenizer: Any, language: str, hop: int
) -> tuple[Clip | None, str]:
    samples = samples[: len(samples) // hop * hop]
    seconds = len(samples) / audio.RATE
    if not SHORTEST_S <= seconds <= LONGEST_S:
        return None, f"not between {SHORTEST_S} and {LONGEST_S} s"
    checked = say.check(row.text or "", language=language, voice=voice)
    if checked.refused:
        return None, f"with {', '.join(sorted(u.letter for u in checked.unsaid))}, which the voice cannot say"
    symbols = tuple(tokenizer(voice.handed_over(" ".join(checked.spoken.split())))["input_ids"])
    if len(symbols) > len(samples) // hop:
        return None, "with more symbols than frames"
    return Clip(id=row.id, text=row.text or "", samples=samples, symbols=symbols), ""


class Batches:
    """Batches by step, the same for the same seed: clips of about one length side by side, each once before any comes again."""

    def __init__(self, clips: Sequence[Clip], size: int, segment_frames: int, hop: int, seed: int) -> None:
        self.clips = [clip for clip in clips if len(clip.samples) // hop >= segment_frames]
        self.size, self.segment, self.hop, self.seed = max(1, min(size, len(self.clips))), segment_frames, hop, seed
        self.in_epoch = max(1, len(self.clips) // self.size)

    def at(self, step: int) -> Batch:
        """The batch of a step, from 0; it depends on the seed and the step alone."""
        epoch, number = divmod(step, self.in_epoch)
        rng = np.random.default_rng([self.seed, epoch])
        order = rng.permutation(len(self.clips))
        width = 8 * self.size
        parts = [sorted(order[i : i + width], key=lambda n: len(self.clips[n].samples)) for i in range(0, len(order), width)]
        batches = [part[i : i + self.size] for part in parts for i in range(0, len(part) - self.size + 1, self.size)]
        chosen = batches[rng.permutation(len(batches))[number % len(batches)]]
        return collated([self.clips[n] for n in chosen], self.segment, self.hop, np.random.default_rng([self.seed, 1, step]))


def collated(clips: Sequence[Clip], segment_frames: int, hop: int, rng: np.random.Generator) -> Batch:
    """Clips side by side; where each stretch begins is drawn."""
    frames = [len(clip.samples) // hop for clip in clips]
    symbols = np.zeros((len(clips), max(len(clip.symbols) for clip in clips)), np.int64)
    mask = np.zeros_like(symbols)
    samples = np.zeros((len(clips), max(frames) * hop), np.float32)
    for n, clip in enumerate(clips):
        symbols[n, : len(clip.symbols)], mask[n, : len(clip.symbols)] = clip.symbols, 1
        samples[n, : frames[n] * hop] = clip.samples[: frames[n] * hop]
    return Batch(
        names=tuple(clip.id for clip in clips), symbols=torch.from_numpy(symbols), symbol_mask=torch.from_numpy(mask),
        samples=torch.from_numpy(samples), frames=torch.tensor(frames),
        starts=torch.tensor([int(rng.integers(0, length - segment_frames + 1)) for length in frames]),
    )  # fmt: skip


def learnt(
    asked: Asked, material: Material, weights: Path, start_sha256: str, context: consent.Context
) -> Event:  # fmt: skip
    """The ledger's row of a voice that was made: which recordings and which start it came from."""
    from speech.collections.events import PERSON

    people = tuple(code for code in asked.speakers if PERSON.fullmatch(code))
    return Event(
        type="train",
        used=(
            *([Entity(kind="voice", sha256=start_sha256)] if start_sha256 else []),
            *(Entity(kind="recording", sha256=sha256, people=people) for sha256 in sorted(material.recordings)),
        ),
        made=(Entity.of(weights, "voice", root=weights.parent, people=people),),
        gate=consent.gate_of(asked.decisions[0]),
        collection=asked.decisions[0].collection,
        purpose=context.purpose,
        audio_ms=round(60_000 * material.minutes),
    )
