"""How fast `speech transcribe` is with `mini`, and against the transformers pipeline with the same weights and files.

The recordings are made by eSpeak NG (speech with pauses): one of 20 minutes, and a folder of 60 clips of 3 to 12 s.
Ours includes reading, speech detection, decoding and EAF; the pipeline reads arrays and gives text. Both in one
process, in turn, the median of three rounds; the ratio is what counts, since machines are noisy.
Command: python benchmarks/mini_speed.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from figures import keep, made_speech

import speech
from speech.models import hub


def pipeline_of_transformers() -> Any:
    """The plain pipeline, one thread number for both."""
    import torch
    from transformers import AutoModelForCTC, AutoProcessor, pipeline

    folder = hub.mini_folder()
    processor = AutoProcessor.from_pretrained(folder)
    processor.tokenizer.set_target_lang("que")
    model = AutoModelForCTC.from_pretrained(folder, target_lang="que", ignore_mismatched_sizes=True, dtype=torch.float32)
    return pipeline(
        "automatic-speech-recognition",
        model=model,
        tokenizer=processor.tokenizer,
        feature_extractor=processor.feature_extractor,
        chunk_length_s=20,
    )


def main() -> None:
    rng = np.random.default_rng(1)
    ours = speech.load("mini", basis="benchmark")
    theirs = pipeline_of_transformers()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        long = folder / "long.wav"
        soundfile.write(long, made_speech(1200), 16_000)
        clips = []
        sound = made_speech(900)
        place = 0
        for number in range(60):
            size = int(rng.uniform(3, 12) * 16_000)
            path = folder / f"clip{number:02d}.wav"
            soundfile.write(path, sound[place : place + size], 16_000)
            place += size
            clips.append(path)
        seconds = {"long": 1200.0, "clips": place / 16_000}
        times: dict[str, list[float]] = {k: [] for k in ("ours long", "theirs long", "ours clips", "theirs clips")}
        steps: dict[str, float] = {}
        for _ in range(3):
            for kind, files in (("long", [long]), ("clips", clips)):
                begun = time.perf_counter()
                for path in files:
                    result = ours.run(path, language="que")
                    speech.save(result.transcript, folder / f"{path.stem}.eaf", force=True)
                times[f"ours {kind}"].append(time.perf_counter() - begun)
                if kind == "long":
                    steps = result.seconds
                begun = time.perf_counter()
                for path in files:
                    theirs({"raw": soundfile.read(path, dtype="float32")[0], "sampling_rate": 16_000})
                times[f"theirs {kind}"].append(time.perf_counter() - begun)
    middle = {k: statistics.median(v) for k, v in times.items()}
    figures: dict[str, Any] = {"precision": ours.model.precision if ours.model else "", "steps of the long recording, seconds": steps}
    for kind in ("long", "clips"):
        figures[f"{kind}: times real time, ours"] = round(seconds[kind] / middle[f"ours {kind}"], 1)
        figures[f"{kind}: times real time, transformers pipeline"] = round(seconds[kind] / middle[f"theirs {kind}"], 1)
        figures[f"{kind}: ratio"] = round(middle[f"theirs {kind}"] / middle[f"ours {kind}"], 2)
    keep("mini_speed", figures)


if __name__ == "__main__":
    main()
