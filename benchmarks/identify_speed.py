"""Speed of telling languages by its parts, as times real time, and its memory at 30 minutes and 3 hours.

Each length runs in a process of its own on sound made by eSpeak NG; peak as `recording_memory.py` takes it. Without turns, as much of a
recording is heard as tells its language, so a longer one costs little more; with `--per-turn` all of it is heard. Transcribing the
same 30 minutes with `mini` stands beside it.
Command: python benchmarks/identify_speed.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from diarise_speed import TRANSCRIBED, measured
from figures import keep, two_lengths

CHILD = """
import json, pathlib, re, sys, time
from speech.collections import consent
from speech.identify import identify, open_identifier
context = consent.Context(basis="benchmark", purpose="research")
engine = open_identifier("mini")
begun = time.perf_counter()
result = identify(pathlib.Path(sys.argv[1]), model=engine, context=context, per_turn=PER_TURN)
seconds = time.perf_counter() - begun
peak = re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())
print(json.dumps({"mb": int(peak[1]) / 1024, "s": seconds, "parts": result.seconds, "heard_s": result.speech_ms / 1000}))
"""


def main() -> None:
    once, every = (CHILD.replace("PER_TURN", str(per_turn)) for per_turn in (False, True))
    with tempfile.TemporaryDirectory() as name:
        short, long = two_lengths(Path(name))
        a, b, turns, words = measured(once, short), measured(once, long), measured(every, short), measured(TRANSCRIBED, short)
    parts = {f"{part}, times real time": round(1800 / seconds) for part, seconds in dict(a["parts"]).items() if seconds > 0.01}  # type: ignore[arg-type]
    took, took_long, took_turns, transcribing = (float(x["s"]) for x in (a, b, turns, words))  # type: ignore[arg-type]
    keep(
        "identify_speed",
        {
            "30 minutes, times real time": round(1800 / took, 1),
            "30 minutes, seconds of speech heard": a["heard_s"],
            "3 hours, times real time": round(10_800 / took_long, 1),
            "30 minutes by turn, times real time": round(1800 / took_turns, 1),
            **parts,
            "transcribing, times real time": round(1800 / transcribing, 1),
            "by turn, seconds beside those of transcribing": round(took_turns / transcribing, 2),
            "30 minutes, peak MB": round(float(a["mb"])),  # type: ignore[arg-type]
            "3 hours, peak MB": round(float(b["mb"])),  # type: ignore[arg-type]
            "ratio of peaks": round(float(b["mb"]) / float(a["mb"]), 3),  # type: ignore[arg-type]
        },
    )


if __name__ == "__main__":
    main()
