"""A long session end to end: chapter 20 of Killkan (test clips, with pauses) after the rebuilt chapter 1, over 20 minutes.

CER of the whole text, seconds, peak memory, coverage; the EAF written validates against the schema and reads back equal.
Both chapters are test: nothing that is shipped has read them. Voices unknown: the cast recurs in every chapter.
Command: python benchmarks/kichwa_session.py      (needs ../shared)
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from figures import SHARED, keep
from lxml import etree

import speech
from speech import formats
from speech.collections.manifest import read_manifest
from speech.score import Pair, score

PAUSE_S = 1.0


def session(path: Path) -> str:
    """Write the recording; returns what is said in it."""
    long = SHARED / "open" / "que_killkan_long"
    pieces = [soundfile.read(long / "Chapter01.opus", dtype="float32")[0]]
    said = [line.split("\t")[2] for line in (long / "Chapter01.sentences.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    for row in read_manifest(SHARED / "open" / "que_killkan" / "manifest.tsv").rows:
        if row.split == "test":
            pieces += [
                np.zeros(int(PAUSE_S * 16_000), np.float32),
                soundfile.read(SHARED / "open" / "que_killkan" / row.audio, dtype="float32")[0],
            ]
            said.append(row.text or "")
    soundfile.write(path, np.concatenate(pieces), 16_000)
    return " ".join(said)


def main() -> None:
    if not SHARED.exists():
        sys.exit("the shared speech does not lie beside this checkout (../shared)")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "session.wav"
        said = session(path)
        pipeline = speech.load("mini", basis="benchmark")
        begun = time.perf_counter()
        result = pipeline.run(path, language="que")
        seconds = time.perf_counter() - begun
        target = Path(name) / "session.eaf"
        formats.save(result.transcript, target)
        schema = etree.XMLSchema(etree.parse(str(SHARED.parent / "formats" / "EAFv3.0.xsd")))
        valid = schema.validate(etree.parse(str(target)))
        eaf = formats.by_name("eaf")
        equal = eaf.kept(formats.read(target)).segments == eaf.kept(result.transcript).segments
    coverage = result.transcript.coverage
    scores = score([Pair(id="session", reference=said, hypothesis=result.transcript.text.replace("\n", " "), language="que")])
    counts = scores.overall.letters.counts
    assert coverage is not None
    keep(
        "kichwa_session",
        {
            "minutes": round(coverage.duration_ms / 60_000, 1),
            "CER %": round(100 * (scores.overall.letters.value or 0), 1),
            "errors / letters": f"{counts.errors} / {counts.reference}",
            "seconds": round(seconds, 1),
            "times real time": round(coverage.duration_ms / 1000 / seconds, 1),
            "peak MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "coverage adds up": coverage.adds_up,
            "speech ms": coverage.speech_ms,
            "skipped ms": coverage.skipped_ms,
            "EAF validates": valid,
            "EAF reads back equal": equal,
        },
    )


if __name__ == "__main__":
    main()
