"""Voices for composed conversations: which speakers train, which tune, which only report; and eSpeak NG's.

Used by train_voices.py, tune_diarise.py and score_diarise.py. Speakers of the three groups are disjoint, as the fixed
splits of the Arabic commands have them; Swahili and Kinyarwanda readers tune, Malagasy and all research collections only report.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from mini_data import MANIFESTS

from speech.audio import RATE, resampled
from speech.collections import consent
from speech.collections.cards import load_card
from speech.collections.consent import Context, Item
from speech.collections.manifest import read_manifest
from speech.models.training.augment import at_speed
from speech.models.training.conversations import Samples, Voice

TRAIN = {
    "open_speakers/arb_ghandoura": {"train"},
    "open/amh_azime": {"train"},
    "open/yor_ogun": {"train"},
    "open_speakers/wyn_craig": {"train"},
}
"""Collections whose speakers are labelled, and the splits that train."""
UNLABELLED = {"open/que_killkan": {"train"}, "open/bre_roadennou": {"train"}}
"""Casts without labels: a clip is one voice, two clips may or may not be of one."""
TUNE = {"open_speakers/arb_ghandoura": {"dev"}, "open/swh_gitau": {"train"}, "open/kin_ishimwe": {"train"}}
ANY = {"train", "dev", "test"}
REPORT = {
    "Southern Quechua": {"research/quy_siminchik": ANY},
    "Mboshi": {"research/mdw_mboshi": ANY},
    "Malagasy": {"open/mlg_dimbyr_m": ANY, "open/mlg_dimbyr_f": ANY},
    "Arabic": {"open_speakers/arb_ghandoura": {"test"}},
    "mixed": {
        "research/quy_siminchik": ANY,
        "research/mdw_mboshi": ANY,
        "open/mlg_dimbyr_m": ANY,
        "open/mlg_dimbyr_f": ANY,
        "open_speakers/arb_ghandoura": {"test"},
        "research/sxb_africanvoices": ANY,
        "research/pcm_bassey": ANY,
        "research/bom_mandeebot": ANY,
    },
}
"""Whose conversations are reported: nobody here trained or tuned anything. Arabic: the three test speakers of 26."""

LEAST_S = 8.0
"""A speaker with less speech than this has no part in conversations."""


@dataclass(slots=True)
class ClipVoice:
    """A labelled speaker's clips, as int16; `draw` gives stretches of them."""

    name: str
    clips: list[np.ndarray] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return sum(map(len, self.clips)) / RATE

    def draw(self, rng: np.random.Generator, wished: int) -> Samples:
        """A stretch of one clip, or of short clips one after another with 0.1 s between."""
        parts: list[Samples] = []
        have = 0
        while have < wished:
            clip = self.clips[int(rng.integers(len(self.clips)))]
            start = int(rng.integers(max(1, len(clip) - (wished - have))))
            parts.append(clip[start : start + wished - have].astype(np.float32) / np.float32(32768))
            have += len(parts[-1]) + RATE // 10
            if len(clip) > 3 * RATE:
                break
            parts.append(np.zeros(RATE // 10, np.float32))
        return np.concatenate(parts)

    def voice(self) -> Voice:
        return Voice(name=self.name, draw=self.draw)


def resized(voice: ClipVoice, size: float) -> Voice:
    """A labelled voice of another body."""

    def draw(rng: np.random.Generator, wished: int) -> Samples:
        return np.asarray(at_speed(voice.draw(rng, int(wished * size)), size), np.float32)

    return Voice(name=f"{voice.name}@{size}", draw=draw)


def read_voices(root: Path, collections: dict[str, set[str]], *, trains: bool = False) -> list[ClipVoice]:
    """Speakers with at least `LEAST_S` seconds; with `trains` the gate is asked before a clip is decoded."""
    found: dict[str, ClipVoice] = {}
    for place, splits in collections.items():
        if trains:
            asked(place)
        for row in read_manifest(root / place / "manifest.tsv").rows:
            if row.split in splits:
                name = row.speaker or Path(place).name
                samples, rate = soundfile.read(root / place / row.audio, dtype="int16")
                if rate != RATE:
                    raise ValueError(f"{row.audio}: {rate} Hz")
                found.setdefault(name, ClipVoice(name)).clips.append(samples)
    return [voice for voice in found.values() if voice.seconds >= LEAST_S]


def asked(place: str) -> list[str]:
    """Ask the gate whether a collection may train what ships; the records that carry the answer."""
    path = MANIFESTS / f"{Path(place).name}.card.toml"
    decision = consent.require(
        {"train_asr"},
        Item(id=Path(place).name, card=load_card(path), card_path=path),
        context=Context(purpose="research", licence="apache-2.0"),
    )
    return list(decision.records)


VARIANTS = (
    "Alicia Andrea Andy Annie Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario Michael Mike Nguyen Reed Storm Tweaky adam anika "
    "antonio aunty belinda benjamin boris caleb david ed edward edward2 f1 f2 f3 f4 f5 grandma grandpa gustave ian iven iven2 iven3 john "
    "kaukovalta klatt klatt2 klatt3 klatt4 linda m1 m2 m3 m4 m5 m6 m7 m8 marcelo max michel miguel mike2 norbert pablo paul pedro quincy "
    "rob robert sandro shelby steph steph2 steph3 travis victor zac"
).split()
LANGUAGES = ("swh", "que", "am", "es", "fr", "hi", "id", "tr", "pt", "gn", "it", "fi", "hu", "ka", "ta", "en")


def synthetic_voices(cache: Path, texts: Sequence[str], *, seconds: float = 60.0, seed: int = 31) -> list[ClipVoice]:
    """eSpeak NG's variants, each at a pitch of its own, in three languages; kept in `cache` (a folder), as they take minutes to make."""
    from speech.say import Espeak

    key = hashlib.sha256(repr((VARIANTS, LANGUAGES, seconds, seed, texts[:5], len(texts))).encode()).hexdigest()[:12]
    path = cache / f"espeak_{key}.npz"
    if path.exists():
        with np.load(path) as held:
            return _grouped((name.split("/")[0], held[name]) for name in held.files)
    rng, espeak, made = np.random.default_rng(seed), Espeak(), []
    for variant in VARIANTS:
        pitch, spread, have = int(rng.integers(20, 80)), int(rng.integers(30, 70)), 0.0
        languages = rng.choice(LANGUAGES, 3, replace=False)
        while have < seconds:
            said = espeak.say(
                texts[int(rng.integers(len(texts)))],
                str(rng.choice(languages)),
                variant=variant,
                words_a_minute=int(rng.integers(120, 190)),
                pitch=pitch,
                pitch_range=spread,
            )
            clip = resampled(said, espeak.sample_rate)
            if len(clip) > RATE // 2:
                made.append((f"espeak_{variant}", np.asarray(np.clip(clip, -1, 1) * 32767, np.int16)))
            have += max(len(clip) / RATE, 0.5)
    cache.mkdir(parents=True, exist_ok=True)
    np.savez(path, allow_pickle=False, **{f"{name}/{n}": clip for n, (name, clip) in enumerate(made)})
    return _grouped(iter(made))


def _grouped(clips: Iterator[tuple[str, np.ndarray]]) -> list[ClipVoice]:
    found: dict[str, ClipVoice] = {}
    for name, clip in clips:
        found.setdefault(name, ClipVoice(name)).clips.append(clip)
    return list(found.values())


def texts_of(root: Path) -> list[str]:
    """Sentences of the open train splits, for eSpeak NG to read in whatever language."""
    return [row.text for place in ("open/swh_gitau", "open/que_killkan") for row in read_manifest(root / place / "manifest.tsv").rows[::7]
            if row.split == "train" and row.text]  # fmt: skip
