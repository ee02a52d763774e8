"""What `speech lm train` takes: seconds and peak memory for 1, 10 and 100 MB of text, each in a process of its own.

The text is made: words of two to five syllables drawn as they are in languages (Zipf), each followed by one of a few that like to
follow it, in sentences of 4 to 16 words. Command: python benchmarks/language_model_training.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from figures import keep

CHILD = r"""
import json, pathlib, re, sys, time
from speech import cli
begun = time.perf_counter()
assert cli.run(["lm", "train", sys.argv[1], "--language", "que", "--out", sys.argv[2]]) == 0
peak = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path("/proc/self/status").read_text())
print(json.dumps({"s": time.perf_counter() - begun, "mb": int(peak[1]) / 1024, "bytes": pathlib.Path(sys.argv[2]).stat().st_size}))
"""


def made_text(path: Path, size: int) -> None:
    """Write a text of about `size` bytes."""
    draw = np.random.default_rng(0)
    syllables = np.array([a + b for a in "chkllmnpqrstwy" for b in "aiu"] + [a + b + c for a in "kmnpst" for b in "aiu" for c in "knrs"])
    kinds = 300_000
    words = ["".join(syllables[draw.integers(len(syllables), size=draw.integers(2, 6))]) for _ in range(kinds)]
    chance = 1 / np.arange(1, kinds + 1)
    chance /= chance.sum()
    likes = draw.choice(kinds, size=(kinds, 4), p=chance)
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < size:
            drawn = draw.choice(kinds, size=100_000, p=chance)
            liked = draw.random(100_000) < 0.4
            for place in np.flatnonzero(liked[1:]) + 1:
                drawn[place] = likes[drawn[place - 1], place % 4]
            start = 0
            while start < len(drawn):
                length = int(draw.integers(4, 17))
                file.write(" ".join(words[n] for n in drawn[start : start + length]) + "\n")
                start += length


def main() -> None:
    figures: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        for megabytes in (1, 10, 100):
            text, out = Path(name) / f"{megabytes}.txt", Path(name) / f"{megabytes}.safetensors"
            made_text(text, megabytes * 1_000_000)
            done = subprocess.run([sys.executable, "-c", CHILD, str(text), str(out)], stdout=subprocess.PIPE, text=True, check=True)
            print(*done.stdout.splitlines()[:-1], sep="\n")
            told = json.loads(done.stdout.splitlines()[-1])
            figures[f"{megabytes} MB"] = f"{told['s']:.0f} s, {told['mb']:.0f} MB of memory, a file of {told['bytes'] / 1e6:.1f} MB"
    keep("language_model_training", figures)


if __name__ == "__main__":
    main()
