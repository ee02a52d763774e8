"""What a model is worth on clips that it did not learn from: the same dev for an old adapter and a new one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from speech.adapt.material import Clip
from speech.models.recogniser import Batch, Recogniser, Samples
from speech.models.training.augment import levelled
from speech.score import Scores, score
from speech.score.weighing import Emitted, Output, decoded

TOGETHER = 8


def judged_by(recogniser: Recogniser, language: str, clips: Sequence[Clip]) -> Scores:
    """Greedy error rates of clips as a recogniser hears them; each clip's pair is among them.

    Raises
    ------
    ModelRefused
        There is no adapter for the language.
    """
    recogniser.use(language)
    order = sorted(range(len(clips)), key=lambda n: len(clips[n].samples))
    parts = [order[at : at + TOGETHER] for at in range(0, len(order), TOGETHER)]

    def heard_as(clip: Clip) -> Samples:
        sound = clip.samples / 32768
        return levelled(sound) if recogniser.levelled else np.asarray(sound, np.float32)

    def batches() -> Iterator[Batch]:
        for part in parts:
            yield [(heard_as(clips[n]), language) for n in part]

    heard: dict[int, Emitted] = {}
    for part, encodings in zip(parts, recogniser.stream(batches()), strict=True):
        for n, encoding in zip(part, encodings, strict=True):
            clip = clips[n]
            heard[n] = Emitted(id=clip.id, reference=clip.text, recording=clip.session, emissions=[encoding.emissions])
    output = Output(language=language, symbols=recogniser.symbols(language), blank=recogniser.blank(language))
    told = decoded([heard[n] for n in range(len(clips))], output)
    return score([dataclasses.replace(pair, words=()) for pair, _ in told])
