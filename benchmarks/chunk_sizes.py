"""Whether the text depends on the chunk size: 10, 20 and 40 s against one piece, on real recordings of `../shared`.

Two ways: as shipped (segments cut in pauses, at most 10 s), and the worst case, segments of up to 60 s without a cut,
where attention itself sees more or less. The difference is the CER of one text against the other.
Command: python benchmarks/chunk_sizes.py
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from figures import SHARED, keep

import speech
from speech.collections.manifest import read_manifest
from speech.models.activity import ActivitySettings
from speech.score import Pair, score
from speech.transcribe import Settings


def long_clips(folder: Path) -> list[tuple[Path, str]]:
    """Stretches of about 50 s without long pauses, from test clips of three readers."""
    made: list[tuple[Path, str]] = []
    for collection, language in (("swh_gitau", "swh"), ("yor_ogun", "yor"), ("que_killkan", "que")):
        rows = read_manifest(SHARED / "open" / collection / "manifest.tsv").rows
        clips = [row.audio for row in rows if row.split == "test"]
        joined: list[np.ndarray] = []
        for clip in clips:
            joined.append(soundfile.read(SHARED / "open" / collection / clip, dtype="float32")[0])
            if sum(map(len, joined)) > 50 * 16_000:
                path = folder / f"{collection}{len(made)}.wav"
                soundfile.write(path, np.concatenate(joined), 16_000)
                made.append((path, language))
                joined = []
            if len([m for m in made if m[1] == language]) == 4:
                break
    return made


def main() -> None:
    if not SHARED.exists():
        sys.exit("the shared speech does not lie beside this checkout (../shared)")
    pipeline = speech.load("mini", basis="benchmark")
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        recordings = long_clips(Path(name))
        for label, activity in (("as shipped", ActivitySettings()), ("60 s uncut", ActivitySettings(join_ms=3_000, longest_ms=60_000))):
            base = Settings(activity=activity)
            texts = {
                ms: [pipeline.transcribe(p, language=c, settings=dataclasses.replace(base, chunk_ms=ms)).text for p, c in recordings]
                for ms in (10_000, 20_000, 40_000, 1_000_000)
            }
            for ms in (10_000, 20_000, 40_000):
                pairs = [
                    Pair(id=str(n), reference=whole, hypothesis=part, language=recordings[n][1])
                    for n, (whole, part) in enumerate(zip(texts[1_000_000], texts[ms], strict=True))
                ]
                figures[f"{label}: {ms // 1000} s against one piece, CER %"] = round(100 * (score(pairs).overall.letters.value or 0), 3)
    keep("chunk_sizes", figures)


if __name__ == "__main__":
    main()
