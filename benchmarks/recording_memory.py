"""Peak memory of transcribing 30 minutes and 3 hours: it must not grow with the recording (within 15 %).

Each length runs in a process of its own, with the language model, on sound made by eSpeak NG; the peak is what the operating system
reports of its memory since it began (VmHWM: `ru_maxrss` also holds what the process that started it held).
Command: python benchmarks/recording_memory.py
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
import speech
pipeline = speech.load("mini", basis="benchmark")
begun = time.perf_counter()
transcript = pipeline.transcribe(sys.argv[1], language="que")
peak = re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())
print(json.dumps({"mb": int(peak[1]) / 1024, "s": time.perf_counter() - begun,
                  "segments": len(transcript.segments), "adds_up": transcript.coverage.adds_up}))
"""


def measured(path: Path) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        short, long = two_lengths(Path(name))
        a, b = measured(short), measured(long)
    keep(
        "recording_memory",
        {
            "30 minutes, peak MB": round(a["mb"]),
            "3 hours, peak MB": round(b["mb"]),
            "ratio": round(b["mb"] / a["mb"], 3),
            "30 minutes, seconds": round(a["s"], 1),
            "3 hours, seconds": round(b["s"], 1),
            "3 hours, segments": b["segments"],
            "3 hours, coverage adds up": b["adds_up"],
        },
    )


if __name__ == "__main__":
    main()
