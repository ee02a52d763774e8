"""Speed of the joined transcript by its parts, as times real time, its memory, and what sharing the encoder's work brings.

Speakers are told apart, the language of each turn among all that `mini` knows, and its words: 30 minutes and 3 hours of sound made
by eSpeak NG, each in a process of its own. Sharing: sound that is heard in several languages passes the front end and the layers
without adapters once; the same without that, in the same process. What sharing more could bring at most: the shares of speech
detection, of voices, and of recognition in the whole.
Command: python benchmarks/chain_speed.py
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
pipeline.run(sys.argv[2], language="auto", speakers="auto")  # engines are loaded
begun = time.perf_counter()
result = pipeline.run(sys.argv[1], language="auto", speakers="auto")
taken = time.perf_counter() - begun
peak = re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())
print(json.dumps({"mb": int(peak[1]) / 1024, "s": taken, "parts": result.seconds}))
"""
SHARED = """
import json, sys, time
import speech
from speech.models.network import Network
pipeline = speech.load("mini", basis="benchmark")
pipeline.run(sys.argv[1], language="auto")
apart = lambda self, clips: (clips, None)
seconds = {"shared": [], "apart": []}
for _ in range(3):
    for name, way in (("shared", Network._distinct), ("apart", apart)):
        kept, Network._distinct = Network._distinct, way
        seconds[name].append(pipeline.run(sys.argv[1], language="auto").seconds["languages"])
        Network._distinct = kept
print(json.dumps({name: min(each) for name, each in seconds.items()}))
"""


def measured(program: str, *paths: Path) -> dict[str, float | dict[str, float]]:
    done = subprocess.run([sys.executable, "-c", program, *map(str, paths)], capture_output=True, text=True, check=True)
    found: dict[str, float | dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def cut(path: Path, seconds: int) -> Path:
    import soundfile

    samples, rate = soundfile.read(path, frames=seconds * soundfile.info(path).samplerate)
    made = path.with_name(f"{seconds}.wav")
    soundfile.write(made, samples, rate)
    return made


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        short, long = two_lengths(Path(name))
        warm, five = cut(short, 20), cut(short, 300)
        a, b, sharing = measured(CHILD, short, warm), measured(CHILD, long, warm), measured(SHARED, five)
    parts = {part: seconds for part, seconds in dict(a["parts"]).items() if seconds > 0.01}  # type: ignore[arg-type]
    whole = float(a["s"])  # type: ignore[arg-type]
    keep(
        "chain_speed",
        {
            "30 minutes, times real time": round(1800 / whole, 1),
            "3 hours, times real time": round(10_800 / float(b["s"]), 1),  # type: ignore[arg-type]
            **{f"{part}, times real time": round(1800 / seconds) for part, seconds in parts.items()},
            **{f"{part}, share of the whole": round(seconds / whole, 3) for part, seconds in parts.items()},
            "telling languages, time with shared layers over time without": round(float(sharing["shared"]) / float(sharing["apart"]), 2),  # type: ignore[arg-type]
            "30 minutes, peak MB": round(float(a["mb"])),  # type: ignore[arg-type]
            "3 hours, peak MB": round(float(b["mb"])),  # type: ignore[arg-type]
        },
    )


if __name__ == "__main__":
    main()
