"""What the language model costs: `speech transcribe` of 20 minutes with and without, in turn, and the search alone.

The recording is made by eSpeak NG. The search alone beside a peer's is in peer_decoder.py, what memory a recording takes, with the
language model, in recording_memory.py.
Command: python benchmarks/language_model_speed.py
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from figures import keep, made_speech

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "recipes"))
from mini_runs import emissions_kept  # recipes are beside, not in the package

import speech
from speech.models.lm.beam import BeamSettings, search

ROUNDS = 3


class Nothing:
    """No language model, for the comparison of searches."""

    memory = 1

    def start(self) -> Any:
        """The memory of the empty prefix."""
        return np.zeros(1, np.int64)

    def extend(self, memories: Any, symbols: Any) -> Any:
        """Nothing is gained."""
        return np.zeros(len(symbols), np.float32), memories

    def end(self, memories: Any) -> Any:
        """Nothing is gained."""
        return np.zeros(len(memories), np.float32)


def emissions_of(pipeline: speech.Pipeline, recording: Path) -> list[np.ndarray]:
    """What the verb decodes."""
    with emissions_kept() as kept:
        pipeline.transcribe(recording, language="que")
    return list(kept)


def main() -> None:
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "long.wav"
        sound = made_speech(1200)
        soundfile.write(path, sound, 16_000)
        pipelines = {lm: speech.load("mini", basis="benchmark", lm=lm) for lm in ("off", "auto")}
        times: dict[str, list[float]] = {lm: [] for lm in pipelines}
        for round_number in range(ROUNDS + 1):
            for lm, pipeline in pipelines.items():
                begun = time.perf_counter()
                pipeline.transcribe(path, language="que")
                if round_number:  # the first round loads
                    times[lm].append(time.perf_counter() - begun)
        middle = {lm: statistics.median(values) for lm, values in times.items()}
        figures["whole run with the language model, over greedy"] = round(middle["auto"] / middle["off"], 2)
        figures["times real time, greedy"] = round(1200 / middle["off"], 1)
        figures["times real time, with the language model"] = round(1200 / middle["auto"], 1)
        emissions = emissions_of(pipelines["off"], path)
        model = pipelines["off"].model
        assert model is not None
        settings = BeamSettings(width=16)
        begun = time.perf_counter()
        search(emissions, blank=model.blank("que"), silent=frozenset(), scorer=Nothing(), settings=settings)
        seconds = time.perf_counter() - begun
        figures["search alone, times real time"] = round(1200 / seconds, 1)
    keep("language_model_speed", figures)


if __name__ == "__main__":
    main()
