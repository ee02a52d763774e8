"""What a number format costs and gives: CER on Kichwa and Swahili test clips, and speed, for those this processor has.

Command: python benchmarks/precision.py      (needs ../shared)
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from figures import SHARED, keep

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "recipes"))
from mini_runs import heard, listed  # recipes are beside, not in the package

from speech.models.precision import has_bf16
from speech.models.recogniser import LoadSettings, load
from speech.score import score


def main() -> None:
    if not SHARED.exists():
        sys.exit("the shared speech does not lie beside this checkout (../shared)")
    clips = list(listed(SHARED, "test", Counter(), only={"que", "swh"}))
    figures: dict[str, Any] = {"bf16 in hardware": has_bf16()}
    for precision in ("fp32", "int8", *(["bf16"] if has_bf16() else [])):
        model = load("mini", LoadSettings(precision=precision))
        heard(model, clips[0])
        begun = time.perf_counter()
        pairs = [heard(model, clip) for clip in clips]
        seconds = time.perf_counter() - begun
        for group in score(pairs).languages:
            figures[f"{precision}: {group.name} CER %"] = round(100 * (group.letters.value or 0), 2)
        figures[f"{precision}: times real time, clip by clip"] = round(sum(c.seconds for c in clips) / seconds, 1)
    keep("precision", figures)


if __name__ == "__main__":
    main()
