"""Seconds and memory of `speech align` on long recordings, by step, and beside one forced alignment of the whole text.

Command: python benchmarks/align_speed.py --data ../shared/speech --minutes 30 180 [--threads 2]
Data: Swahili test clips of ../shared/speech (open/swh_gitau), joined over and over with pauses; so the text comes again and again, too.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000
_WORK = """
import json, pathlib, re, sys, time
from speech.align import align, read_old
from speech.collections import consent
from speech.models.recogniser import LoadSettings, load

recording, text, threads = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
model = load("mini", LoadSettings(threads=threads))
began = time.perf_counter()
made = align(recording, read_old(text), language="swh", model=model, context=consent.Context(basis="timing"))
whole = time.perf_counter() - began
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1]) // 1024
found = sum(line.found for line in made.lines)
print(json.dumps({"seconds": whole, "steps": dict(made.seconds), "peak_mb": peak, "lines": len(made.lines), "found": found}))
"""


def session(data: Path, minutes: float, folder: Path) -> tuple[Path, Path]:
    """A recording of so many minutes, and its text."""
    source = data / "open" / "swh_gitau"
    with (source / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["split"] == "test"]
    rng = np.random.default_rng(0)
    recording, text = folder / "long.wav", folder / "long.txt"
    lines: list[str] = []
    written = 0
    with soundfile.SoundFile(recording, "w", RATE, 1) as sound:
        while written < 60 * RATE * minutes:
            row = rows[len(lines) % len(rows)]
            clip, _ = soundfile.read(source / row["path"], dtype="float32")
            pause = np.zeros(int(RATE * rng.uniform(0.3, 2.0)), np.float32)
            sound.write(np.concatenate([clip, pause]))
            written += len(clip) + len(pause)
            lines.append(" ".join(row["text"].split()))
    text.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return recording, text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--minutes", type=float, nargs="+", default=[30.0, 180.0])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    for minutes in options.minutes:
        with tempfile.TemporaryDirectory() as name:
            recording, text = session(options.data, minutes, Path(name))
            length = soundfile.info(recording).duration
            done = subprocess.run(
                [sys.executable, "-c", _WORK, str(recording), str(text), str(options.threads)], check=True, capture_output=True, text=True
            )
        told = json.loads(done.stdout)
        steps = ", ".join(f"{step} {seconds:.1f}" for step, seconds in told["steps"].items() if seconds >= 0.05)
        print(
            f"{length / 60:.0f} minutes, {told['found']} of {told['lines']} lines: {told['seconds']:.1f} s, "
            f"{length / told['seconds']:.1f} times real time ({steps}); peak {told['peak_mb']} MB",
            flush=True,
        )


if __name__ == "__main__":
    main()
