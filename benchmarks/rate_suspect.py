"""How often speech under a wrong sample rate is suspected (AUDIO_RATE_SUSPECT), and how often other sound is.

Speech at 16 kHz is labelled 32, 44.1, 48 and 96 kHz: it should be suspected. The same clip, really resampled to that rate
with faint and with strong noise over the whole band, and sounds that are not speech, should not. The weights in
`speech.audio.spectrum` were fitted on clips of the open train splits under the first three labels; counted are test
splits, of collections that fitted nothing as well.
Command: python benchmarks/rate_suspect.py            (needs ../shared)
         python benchmarks/rate_suspect.py --all      every clip of every split, as it is and 2 and 3 times too fast
         python benchmarks/rate_suspect.py --fit      prints the weights anew
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from figures import SHARED, keep

from speech.audio.spectrum import Excerpt
from speech.collections.manifest import read_manifest
from speech.models.training.augment import levelled, not_speech

LABELS = (32_000, 44_100, 48_000, 96_000)
FITTED = LABELS[:3]
CLIPS = 25
CLIPS_FITTED = 40
SECONDS = (3, 15)
RATE = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One excerpt: what it is made of, and whether its rate is wrong."""

    source: str
    label: int
    wrong: bool
    excerpt: Excerpt


def excerpt(sound: np.ndarray, label: int) -> Excerpt:
    made = Excerpt(label)
    made.add(sound.astype(np.float32)[:, None])
    return made


def clips(fitting: bool) -> Iterator[tuple[str, Path]]:
    """Up to `CLIPS` or `CLIPS_FITTED` clips a collection, drawn by their names."""
    kinds = ("open",) if fitting else ("open", "open_speakers", "research")
    for manifest in sorted(p for kind in kinds for p in (SHARED / kind).glob("*/manifest.tsv")):
        rows = [r for r in read_manifest(manifest).rows if r.split == ("train" if fitting else "test")]
        kept = [r.audio for r in rows if r.extra["duration_ms"] >= 1000 * SECONDS[0]]
        for path in sorted(kept, key=lambda p: zlib.crc32(p.encode()))[: CLIPS_FITTED if fitting else CLIPS]:
            yield manifest.parent.name, manifest.parent / path


def cases(fitting: bool) -> Iterator[Case]:
    """Every clip under every label: mislabelled, and resampled with noise 60 and 15 dB below it. And what is not speech."""
    rng = np.random.default_rng(5 if fitting else 6)
    for name, path in clips(fitting):
        sound, rate = soundfile.read(path, dtype="float32", frames=SECONDS[1] * RATE)
        if rate != RATE:
            continue
        for label in FITTED if fitting else LABELS:
            yield Case(source=name, label=label, wrong=True, excerpt=excerpt(sound, label))
            real = soxr.resample(sound, RATE, label)
            for below_db in (60, 15):
                noise = rng.standard_normal(len(real)) * real.std() * 10 ** (-below_db / 20)
                yield Case(source=name, label=label, wrong=False, excerpt=excerpt(real + noise, label))
    for _ in range(0 if fitting else 2 * CLIPS):
        for label in LABELS:
            yield Case(source="not speech", label=label, wrong=False, excerpt=excerpt(0.1 * levelled(not_speech(rng, 10 * label)), label))


def fit() -> None:
    """Logistic regression with a ridge, on signs as `Shape` gives them; of speech alone, which is what the question is about."""
    known = [(case.excerpt.shape(), case.wrong) for case in cases(fitting=True)]
    signs = np.array([shape.signs for shape, _ in known])
    wrong = np.array([float(w) for _, w in known])
    middle, spread = signs.mean(0), signs.std(0)
    x = np.c_[(signs - middle) / spread, np.ones(len(signs))]
    ridge = np.diag(np.r_[np.ones(signs.shape[1]), 1e-9])
    w = np.zeros(x.shape[1])
    for _ in range(100):
        p = np.exp(-np.logaddexp(0, -x @ w))
        w -= np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + ridge, x.T @ (p - wrong) + ridge @ w)
    weights = w[:-1] / spread
    print("weights", weights.round(3).tolist(), "offset", round(float(w[-1] - weights @ middle), 3), "cases", len(wrong))


def every_clip() -> None:
    """Every clip of a second or more: resampled to 44.1 and 48 kHz, bare and with faint noise, and labelled 32 and 48 kHz.

    At 16 kHz nothing is ever suspected (`speech.audio.spectrum` looks from 32 kHz on), so that label needs no count. The limits
    were chosen while some clips of train were looked at; dev and test chose nothing.
    """
    rng = np.random.default_rng(7)
    counts: dict[str, list[int]] = {}

    def count(kind: str, found: Excerpt) -> None:
        row = counts.setdefault(kind, [0, 0])
        row[0] += found.likely_rate() is not None
        row[1] += 1

    for manifest in sorted(SHARED.glob("*/*/manifest.tsv")):
        for row in read_manifest(manifest).rows:
            sound, rate = soundfile.read(manifest.parent / row.audio, dtype="float32", frames=20 * RATE)
            if rate != RATE or len(sound) < RATE:
                continue
            sound = sound if sound.ndim == 1 else sound.mean(axis=1)
            part = "train" if row.split == "train" else "dev, test and others"
            for label in (44_100, 48_000):
                real = soxr.resample(sound, RATE, label)
                faint = rng.standard_normal(len(real)) * real.std() * 1e-3
                count(f"right, {label} Hz, {part}", excerpt(real, label))
                count(f"right, {label} Hz, with noise 60 dB below, {part}", excerpt(real + faint, label))
            for label, times in ((32_000, 2), (48_000, 3)):
                count(f"wrong by {times}, {part}", excerpt(sound, label))
    keep("rate_suspect_all", {kind: f"{n} of {of}" for kind, (n, of) in sorted(counts.items())})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--all", action="store_true")
    if not SHARED.exists():
        sys.exit("the shared speech does not lie beside this checkout (../shared)")
    asked = parser.parse_args()
    if asked.fit:
        fit()
        return
    if asked.all:
        every_clip()
        return
    figures: dict[str, str] = {}
    counts: dict[tuple[int, str], list[int]] = {}
    for case in cases(fitting=False):
        kind = case.source if case.source == "not speech" else f"{case.source}, {'mislabelled' if case.wrong else 'as it is'}"
        count = counts.setdefault((case.label, kind), [0, 0])
        count[0] += case.excerpt.likely_rate() is not None
        count[1] += 1
    for (label, kind), (suspected, all_of) in sorted(counts.items()):
        figures[f"{kind}, label {label}: suspected"] = f"{suspected} of {all_of}"
    keep("rate_suspect", figures)


if __name__ == "__main__":
    main()
