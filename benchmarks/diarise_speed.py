"""Speed of diarisation by its parts, as times real time, and its memory at 30 minutes and 3 hours.

Each length runs in a process of its own on sound made by eSpeak NG; peak as `recording_memory.py` takes it. Two things on the
same machine to compare with: finding speech alone, and transcribing the same 30 minutes with `mini`.
Command: python benchmarks/diarise_speed.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from figures import keep, two_lengths

CHILD = """
import json, pathlib, re, sys, time
from speech.collections import consent
from speech.diarise import diarise
from speech.diarise.embedded import Embedded
context = consent.Context(basis="benchmark", purpose="research")
engine = Embedded()
engine.model
begun = time.perf_counter()
result = diarise(pathlib.Path(sys.argv[1]), diariser=engine, context=context)
peak = re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())
print(json.dumps({"mb": int(peak[1]) / 1024, "s": time.perf_counter() - begun, "parts": result.seconds, "turns": len(result.turns)}))
"""
TRANSCRIBED = """
import json, sys, time
import speech
pipeline = speech.load("mini", basis="benchmark")
begun = time.perf_counter()
pipeline.transcribe(sys.argv[1], language="que")
print(json.dumps({"s": time.perf_counter() - begun}))
"""


def measured(program: str, path: Path) -> dict[str, float | dict[str, float]]:
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    found: dict[str, float | dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        short, long = two_lengths(Path(name))
        a, b, words = measured(CHILD, short), measured(CHILD, long), measured(TRANSCRIBED, short)
    parts = {f"{part}, times real time": round(1800 / seconds) for part, seconds in dict(a["parts"]).items() if seconds > 0.01}  # type: ignore[arg-type]
    keep(
        "diarise_speed",
        {
            "30 minutes, times real time": round(1800 / float(a["s"]), 1),  # type: ignore[arg-type]
            "3 hours, times real time": round(10_800 / float(b["s"]), 1),  # type: ignore[arg-type]
            **parts,
            "transcribing, times real time": round(1800 / float(words["s"]), 1),  # type: ignore[arg-type]
            "30 minutes, peak MB": round(float(a["mb"])),  # type: ignore[arg-type]
            "3 hours, peak MB": round(float(b["mb"])),  # type: ignore[arg-type]
            "ratio of peaks": round(float(b["mb"]) / float(a["mb"]), 3),  # type: ignore[arg-type]
            "3 hours, turns": b["turns"],
        },
    )


if __name__ == "__main__":
    main()
