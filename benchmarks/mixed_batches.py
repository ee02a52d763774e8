"""What it costs to hear several languages at once, and to have hidden states beside the emissions.

Sixteen passages of a recording (3 to 9 s, eSpeak NG) through `speech.models.encoder.encode`: in four languages, mixed, and all in
one; then with hidden states of a layer from the running pass, and of one above the common layers from a second pass. All in
turn in one process; the ratio is the median over rounds. Aim: four languages cost at most 10 % more than one.
Command: python benchmarks/mixed_batches.py [fp32|bf16|int8]
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from figures import keep, made_speech

from speech.models.encoder import encode
from speech.models.recogniser import CtcRecogniser, HiddenStates, LoadSettings, load
from speech.types import Passage, Span

ROUNDS = 15
CODES = ("que", "swh", "yor", "bre")


@dataclass(frozen=True)
class Sound:
    """Made speech, read as a recording is."""

    samples: Any

    @property
    def length_samples(self) -> int:
        """How many there are."""
        return len(self.samples)

    def read(self, start: int, count: int, channel: int | None = None) -> Any:
        """Part of it."""
        return self.samples[start : start + count]


def passages(languages: tuple[str, ...]) -> list[Passage]:
    """Sixteen passages, one after the other, so far apart that none is heard with its neighbour."""
    rng = np.random.default_rng(3)
    lengths = rng.integers(3_000, 9_000, 16)
    return [
        Passage(span=Span(start_ms=11_000 * n, end_ms=11_000 * n + int(length)), language=languages[n % len(languages)])
        for n, length in enumerate(lengths)
    ]


def seconds(model: CtcRecogniser, sound: Sound, asked: list[Passage], hidden: HiddenStates | None = None) -> float:
    """Wall seconds of one run."""
    begun = time.perf_counter()
    for _ in encode(sound, asked, model, gains={None: 10.0}, hidden=hidden):
        pass
    return time.perf_counter() - begun


def main() -> None:
    precision = sys.argv[1] if len(sys.argv) > 1 else "auto"
    model = load("mini", LoadSettings(precision=precision))
    sound = Sound(made_speech(180))
    one, four = passages(CODES[:1]), passages(CODES)
    for code in CODES:
        model.use(code)
    common = model.common_layers
    runs: dict[str, tuple[list[Passage], HiddenStates | None]] = {
        "one language": (one, None),
        "four languages": (four, None),
        f"four languages, hidden states of layer {common}, which serves all languages": (four, HiddenStates(layer=common)),
        f"four languages, hidden states of layer {model.layers} by a second pass": (four, HiddenStates(layer=model.layers)),
    }
    for asked, hidden in runs.values():
        seconds(model, sound, asked, hidden)
    times = [{name: seconds(model, sound, *run) for name, run in runs.items()} for _ in range(ROUNDS)]
    figures: dict[str, Any] = {"precision": model.precision, "layers that serve all languages": common}
    figures["one language, seconds"] = round(statistics.median(t["one language"] for t in times), 3)
    for name in list(runs)[1:]:
        figures[f"{name}: times as long as one language"] = round(statistics.median(t[name] / t["one language"] for t in times), 3)
    keep("mixed_batches" if precision == "auto" else f"mixed_batches_{precision}", figures)


if __name__ == "__main__":
    main()
