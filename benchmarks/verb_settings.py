"""What some settings of the verb cost and give on dev: CER of each language, and letters in 30 minutes that are not speech.

As shipped; each segment heard by itself, with 8 s of surroundings, or alone; short stretches with less around them;
segments up to 15 s; cuts at shorter pauses.
Command: python benchmarks/verb_settings.py      (needs ../shared)
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from figures import SHARED, keep
from not_speech import write_not_speech

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "recipes"))
from mini_runs import heard, listed  # recipes are beside, not in the package

import speech
from speech.models.activity import ActivitySettings
from speech.score import score
from speech.transcribe import Settings

SETTINGS = {
    "as shipped": Settings(),
    "each segment by itself, with its surroundings": Settings(together_ms=0),
    "each segment by itself, nothing around it": Settings(together_ms=0, least_ms=0),
    "stretches, nothing around them": Settings(least_ms=0),
    "stretches, short ones 5 s with their surroundings": Settings(least_ms=5_000),
    "segments up to 15 s": Settings(activity=ActivitySettings(longest_ms=15_000)),
    "cut at pauses of 350 ms, edges of 160": Settings(activity=ActivitySettings(join_ms=350, edge_ms=160)),
}
SEED = 987_654_321  # not that of not_speech.py, whose sounds chose nothing


def main() -> None:
    if not SHARED.exists():
        sys.exit("the shared speech does not lie beside this checkout (../shared)")
    pipeline = speech.load("mini", basis="benchmark")
    assert pipeline.model is not None
    clips = list(listed(SHARED, "dev", Counter()))
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        noise = write_not_speech(Path(folder), SEED)[0]
        for name, settings in SETTINGS.items():
            scores = score([heard(pipeline.model, clip, settings) for clip in clips])
            found = {g.name: round(100 * (g.letters.value or 0), 1) for g in scores.languages}
            texts = [pipeline.transcribe(noise, language=code, settings=settings).text for code in found]
            figures[name] = {**found, "letters on noise, seven languages": sum(len("".join(text.split())) for text in texts)}
            print(name, figures[name], flush=True)
    keep("verb_settings", figures)


if __name__ == "__main__":
    main()
