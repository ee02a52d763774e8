"""Letters invented on half an hour of what is not speech: noise, silence, hum, tones, knocks, sweeps, pulsed bands.

The sounds are made with seeds that training never draws. Two figures for each language: letters that the whole verb
writes, and letters that the network alone would write if speech detection let everything through.
Command: python benchmarks/not_speech.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import soundfile
from figures import keep

import speech
from speech.models import ctc
from speech.models.training.augment import levelled, not_speech

MINUTES = 30
PIECE_S = 10
SEED = 123_454_321


def write_not_speech(folder: Path, seed: int) -> tuple[Path, list[np.ndarray]]:
    """A recording of such sounds in `folder`, and its pieces."""
    rng = np.random.default_rng(seed)
    pieces = [levelled(not_speech(rng, PIECE_S * 16_000)) * 0.1 for _ in range(MINUTES * 60 // PIECE_S)]
    path = folder / "not_speech.wav"
    soundfile.write(path, np.concatenate(pieces).astype(np.float32), 16_000, subtype="FLOAT")
    return path, pieces


def main() -> None:
    pipeline = speech.load("mini", basis="benchmark")
    assert pipeline.model is not None
    figures: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as name:
        path, pieces = write_not_speech(Path(name), SEED)
        for code in pipeline.model.languages():
            text = pipeline.transcribe(path, language=code).text
            figures[f"{code}: letters in {MINUTES} minutes, whole verb"] = len("".join(text.split()))
            symbols = pipeline.model.use(code).symbols
            greedy = ctc.Greedy(blank=0, silent=frozenset({1, 2, 3}))
            alone = 0
            for at in range(0, len(pieces), 4):
                batch = [(levelled(p), code) for p in pieces[at : at + 4]]
                for encodings in pipeline.model.stream([batch]):
                    alone += sum(ctc.letters_in(greedy.path(encoding.emissions), symbols) for encoding in encodings)
            figures[f"{code}: letters, network alone"] = alone
    keep("not_speech", figures)


if __name__ == "__main__":
    main()
