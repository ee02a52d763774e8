"""What the language model costs: `speech transcribe` of 20 minutes with and without, in turn; the search alone beside a peer's.

The recording is made by eSpeak NG. The peer is flashlight's decoder (torchaudio's `ctc_decoder`, `pip install flashlight-text`), without a
lexicon and without a language model, on the same emissions and as many prefixes; ours then has none either. Where it is not
installed, it is left out. Memory is the peak of a process of its own that hears 20 and 60 minutes with the language model.
Command: python benchmarks/language_model_speed.py
"""

from __future__ import annotations

import resource
import statistics
import subprocess
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


def peer(symbols: list[str], emissions: list[np.ndarray], width: int) -> tuple[float, list[str]] | None:
    """Seconds and texts of flashlight's decoder; None where it is not installed."""
    try:
        from speech.models import guard

        guard.load()
        import torch
        from torchaudio.models.decoder import ctc_decoder

        tokens = [f"t{n}" if len(s) != 1 else s for n, s in enumerate(symbols)]
        decoder = ctc_decoder(lexicon=None, tokens=tokens, blank_token=tokens[0], sil_token="|", unk_word=tokens[3], beam_size=width)
    except (ImportError, RuntimeError, TypeError, ValueError, OSError) as error:  # whatever it lacks, it is left out
        print(f"flashlight's decoder is left out: {type(error).__name__}: {error}"[:200])
        return None
    begun = time.perf_counter()
    texts = []
    for own in emissions:
        best = decoder(torch.from_numpy(own)[None])[0][0]
        texts.append("".join(tokens[int(t)] for t in best.tokens if int(t) != 0).strip("|"))
    return time.perf_counter() - begun, texts


def main() -> None:
    if len(sys.argv) > 2 and sys.argv[1] == "--memory":
        speech.load("mini", basis="benchmark").transcribe(sys.argv[2], language="que")
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
        return
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
        ours = search(emissions, blank=model.blank("que"), silent=frozenset(), scorer=Nothing(), settings=settings)
        seconds = time.perf_counter() - begun
        figures["search alone, times real time"] = round(1200 / seconds, 1)
        symbols = list(model.symbols("que"))
        if theirs := peer(symbols, emissions, settings.width):
            texts = ["".join(symbols[s] for s in h[0].symbols).strip("|") for h in ours]
            same = sum(a == b for a, b in zip(texts, theirs[1], strict=True))
            figures["flashlight's search alone, times real time"] = round(1200 / theirs[0], 1)
            figures["segments with the same text as flashlight's"] = f"{same} of {len(texts)}"
        for minutes in (20, 60):
            long = Path(name) / f"{minutes}.wav"
            soundfile.write(long, np.tile(sound, minutes // 20), 16_000)
            done = subprocess.run([sys.executable, __file__, "--memory", str(long)], capture_output=True, text=True, check=True)
            figures[f"peak memory of {minutes} minutes, MB"] = int(done.stdout.split()[-1])
    keep("language_model_speed", figures)


if __name__ == "__main__":
    main()
