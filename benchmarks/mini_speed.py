"""How fast `speech transcribe` is with `mini`, and against the transformers pipeline with the same weights and files.

The recordings are made by eSpeak NG (speech with pauses): one of 20 minutes, and a folder of 60 clips of 3 to 12 s.
Ours includes reading, speech detection, decoding and EAF; the pipeline reads arrays and gives text. Both in one
process, in turn, the median of three rounds; the ratio is what counts, since machines are noisy. The network alone
(batches of 24 s, a batch a core) is what no feeding can exceed.
Command: python benchmarks/mini_speed.py [fp32|int8|bf16]
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

import speech
from speech.models import hub


def pipeline_of_transformers() -> Any:
    """The plain pipeline, one thread number for both."""
    import torch

    from speech.models import guard

    guard.load()
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


def network_alone(ours: speech.Pipeline) -> float:
    """Times real time of the network on three clips of 8 s a batch."""
    model = ours.model
    assert model is not None
    batch = [(np.random.default_rng(n).standard_normal(8 * 16_000).astype(np.float32), "que") for n in range(3)]
    begun = time.perf_counter()
    for _ in model.stream([batch] * 20):
        pass
    return 20 * 24 / (time.perf_counter() - begun)


def main() -> None:
    rng = np.random.default_rng(1)
    precision = sys.argv[1] if len(sys.argv) > 1 else "auto"
    ours = speech.load("mini", basis="benchmark", precision=precision, lm="off")  # the pipeline has no language model either
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
                results = folder / f"results{len(times['ours long'])}"
                results.mkdir(exist_ok=True)
                begun = time.perf_counter()
                for path, result in zip(files, ours.run_all(files, language="que"), strict=True):
                    if isinstance(result, Exception):
                        raise result
                    speech.save(result.transcript, results / f"{path.stem}.eaf")
                    if kind == "long":
                        steps = result.seconds
                times[f"ours {kind}"].append(time.perf_counter() - begun)
                begun = time.perf_counter()
                for path in files:
                    theirs({"raw": soundfile.read(path, dtype="float32")[0], "sampling_rate": 16_000})
                times[f"theirs {kind}"].append(time.perf_counter() - begun)
    network = [network_alone(ours) for _ in range(3)]
    middle = {k: statistics.median(v) for k, v in times.items()}
    figures: dict[str, Any] = {"precision": ours.model.precision if ours.model else "", "steps of the long recording, seconds": steps}
    figures["network alone, times real time"] = round(statistics.median(network), 1)
    for kind in ("long", "clips"):
        figures[f"{kind}: times real time, ours"] = round(seconds[kind] / middle[f"ours {kind}"], 1)
        figures[f"{kind}: times real time, transformers pipeline"] = round(seconds[kind] / middle[f"theirs {kind}"], 1)
        figures[f"{kind}: ratio"] = round(middle[f"theirs {kind}"] / middle[f"ours {kind}"], 2)
    keep("mini_speed" if precision == "auto" else f"mini_speed_{precision}", figures)


if __name__ == "__main__":
    main()
