"""One run: from clips with texts to an adapter and head, and what they are worth on dev."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from speech.adapt import needs
from speech.adapt.batches import SHAPES, Batch, Batches
from speech.adapt.learner import Learner, Mode
from speech.adapt.material import Clip, Material
from speech.audio import RATE
from speech.errors import TrainingFailure
from speech.files import shown
from speech.models import hub
from speech.models.checkpoint import Checkpoint, open_checkpoint
from speech.models.training import Evaluation, Loop, LoopSettings, Step, generators, supply
from speech.models.training.loop import BEST, HELD, LAST
from speech.models.training.losses import ctc as ctc_loss
from speech.score import Scores, score
from speech.score.weighing import Emitted, decoded

SAME = 0.01
"""Per cent of CER that is no difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptSettings:
    """How it is learnt. Steps are of about 48 s of sound."""

    mode: Mode = "adapter"
    steps: int = 600
    decay_share: float = 0.4
    rate: float = 2e-3
    last_layers: int = 2
    evaluate_steps: int = 100
    patience: int = 3
    augmented: float = 0.7
    seed: int = 1

    @classmethod
    def of(cls, mode: Mode, steps: int, *, large: bool = False) -> AdaptSettings:
        """What learns well in so many steps, by what moves: a few tries by hand on dev of Mboshi and Yoruba chose it.

        For `large` bases, which were not at hand to choose on, the rates are those that transformers publishes for MMS-1B's adapters and
        for all of XLS-R (examples/pytorch/speech-recognition/README.md).
        """
        rate = (1e-3 if large else 6e-3) if mode == "adapter" else (3e-4 if large else 1e-3)
        return cls(mode=mode, steps=steps, rate=rate, evaluate_steps=max(50, steps // 8))


def steps_for(seconds: float, *, large: bool = False) -> int:
    """Steps for so much speech: the more there is, the more, up to what a laptop does in half an hour, or in a night of a `large` base."""
    minutes = seconds / 60
    return int(min(1000, 100 + 10 * minutes) if large else min(3000, 200 + 40 * minutes))


@dataclass(slots=True, kw_only=True)
class Adapted:
    """What came of it: the learner, adapter and head with the mean of the last weights, their scores on dev, and dev's CER by step."""

    learner: Learner
    tensors: dict[str, Tensor]
    """As `adapter.<lang>.safetensors` names them."""
    scores: Scores
    """On dev, which chose among the judgements: a little better than other clips of its kind would give."""
    curve: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0
    core_seconds: float = 0.0
    """Of all cores together, judgements included."""
    loop: Loop

    def averaged(self) -> AbstractContextManager[Any]:
        """The learner with the weights that were scored, in evaluation mode, while the block lasts."""
        return self.loop.averaged()


def adapt(
    material: Material,
    checkpoint: Checkpoint,
    folder: Path,
    settings: AdaptSettings | None = None,
    *,
    donor: tuple[Any, Sequence[str]] | None = None,
    asked: Mapping[str, Any] | None = None,
    progress: Callable[[int, float], None] | None = None,
    stepped: Callable[[int, int], None] | None = None,
    began: Callable[[float, int], None] | None = None,
) -> Adapted:
    """Learn from the material's train clips, and judge on its dev clips; the run lies in `folder` and goes on from there.

    Where dev CER does not fall for `settings.patience` judgements the rate is brought to its end early; of all judgements the best counts.

    Parameters
    ----------
    asked : what a run is known by, kept in its card
    progress : gets the step and the dev CER in per cent, each time dev is judged
    stepped : gets each step and how many there are at most
    began : gets the seconds that a step takes, as tried before the first, and the bytes of memory that learning needs

    Raises
    ------
    TrainingFailure
        `TRAINING_DIVERGED`, `TRAINING_BASE_CHANGED`; `TRAINING_CHECKPOINT`: the run in `folder` was asked for otherwise.
    MemoryFailure
        `MODEL_MEMORY`: learning needs more than there is.
    ModelRefused
        `MODEL_NOT_HERE`: the base needs low-rank adapters, and peft is not installed.
    """
    settings = settings or AdaptSettings()
    told = {**asdict(settings), "language": material.language, "clips": digest_of(material.train), **(asked or {})}
    _check_same(folder, told)
    need = needs.require(checkpoint, settings.mode, last_layers=settings.last_layers)
    generators.seed_all(settings.seed)
    learner = Learner(checkpoint, material.language, material.symbols, mode=settings.mode, last_layers=settings.last_layers, donor=donor)
    batches = Batches(material.train, learner.vocabulary, seed=settings.seed, augmented=settings.augmented, prepare=learner.prepared)
    decay = round(settings.steps * settings.decay_share)
    loop = Loop(
        learner,
        LoopSettings(
            rate=settings.rate,
            warmup_steps=max(1, min(100, settings.steps // 5)),
            hold_steps=settings.steps - decay,
            decay_steps=decay,
            average=0.99,
            checkpoint_steps=settings.evaluate_steps,
            evaluate_steps=settings.evaluate_steps,
            patience=settings.patience,
            seed=settings.seed,
        ),
        folder,
        card={"asked": told},
        frozen=learner.base_hash,
    )
    if loop.drawn:
        batches.restore(loop.drawn)
    if began:
        began(tried(learner), need)

    def evaluate(step: int) -> Evaluation:
        with loop.averaged():
            found = judged(learner, material.dev)
        cer = 100 * (found.overall.letters.value or 0.0)
        if progress:
            progress(step, cer)
        return Evaluation(score=cer, stated={"dev_cer": round(cer, 2), "dev_wer": round(100 * (found.overall.words.value or 0.0), 2)})

    def told_of(step: Callable[[], Step]) -> Step:
        if stepped:
            stepped(loop.step, settings.steps)
        return step()

    supplied = (functools.partial(told_of, step) for step in _steps(learner, batches))
    loop.run(supplied, decay=False, evaluate=evaluate)  # it may end early: the decay follows all the same
    loop.run(supplied, decay=True, evaluate=evaluate)
    # Taken before an earlier checkpoint is, which has those of its own time.
    seconds, core_seconds, curve = loop.seconds, loop.core_seconds, [(step, round(cer, 2)) for step, cer in loop.scores]
    with loop.averaged():
        scores = judged(learner, material.dev)
    if loop.best is not None and loop.best < 100 * (scores.overall.letters.value or 0.0) - SAME and (folder / BEST).exists():
        loop.load(folder / BEST)  # few minutes can be learnt by heart: what was better on dev before is taken
        with loop.averaged():
            scores = judged(learner, material.dev)
    with loop.averaged():
        tensors = {name: tensor.clone() for name, tensor in learner.tensors().items()}
    return Adapted(learner=learner, tensors=tensors, scores=scores, curve=curve, seconds=seconds, core_seconds=core_seconds, loop=loop)


def tried(learner: Learner) -> float:
    """Seconds that a step takes here, of two that change nothing: neither weights nor what is drawn later."""
    count, seconds = SHAPES[1]
    targets = [[learner.vocabulary.index(learner.letters[0])]] * count
    states = generators.process_states("cpu")
    took = 0.0
    learner.train()
    for _ in range(2):
        begun = time.monotonic()
        inputs = torch.from_numpy(np.random.default_rng(1).standard_normal((count, int(seconds * RATE)), np.float32))
        ctc_loss(learner(inputs), targets, blank=learner.blank).backward()  # type: ignore[no-untyped-call]
        took = time.monotonic() - begun
        if took > 10:
            break  # the first is slower than those after it, but not so that a second should be waited for
    learner.zero_grad(set_to_none=True)
    generators.restore_process(states, "cpu")
    return took


def pace(base: str) -> float:
    """Seconds that a step takes on this machine, with a base as it is: tried before anything is learnt."""
    checkpoint = open_checkpoint(hub.resolve(base))
    return tried(Learner(checkpoint, "und", tuple("abcdefghijklmnopqrstuvwxyz"), mode="adapter"))


def digest_of(clips: Sequence[Clip]) -> str:
    """A hash over what clips say and how they sound."""
    digest = hashlib.sha256()
    for clip in clips:
        digest.update(f"{clip.id}\n{clip.text}\n".encode())
        digest.update(clip.samples.tobytes())
    return digest.hexdigest()


def _check_same(folder: Path, told: Mapping[str, Any]) -> None:
    """Refuse to go on with a run that was begun with other clips or settings: what came of it would be neither's."""
    if not (folder / LAST).exists():
        return
    begun = json.loads((folder / "card.json").read_text(encoding="utf-8")).get("asked", {})
    if differing := sorted(name for name in {*begun, *told} if begun.get(name) != told.get(name)):
        raise TrainingFailure(
            where=shown(folder),
            what=f"the run that was interrupted here was begun with other {', '.join(differing)}",
            mend="Give the same again to go on with it, choose another --out, or delete this folder",
            code="TRAINING_CHECKPOINT",
        )


def finish(folder: Path) -> None:
    """Let go of a run's checkpoints once its adapter is written; its card and log stay."""
    for name in (LAST, BEST, HELD):
        (folder / name).unlink(missing_ok=True)


def _steps(learner: Learner, batches: Batches) -> Iterator[Callable[[], Step]]:
    def step(batch: Batch, drawn: supply.State) -> Step:
        symbols = max(1, sum(map(len, batch.targets)))
        loss = ctc_loss(learner(batch.inputs), batch.targets, blank=learner.blank) / symbols
        return Step(loss=loss, audio_s=batch.inputs.numel() / RATE, clips=batch.clips, drawn=drawn)

    return (functools.partial(step, batch, drawn) for batch, drawn in supply.ahead(batches))


def judged(learner: Learner, clips: Sequence[Clip]) -> Scores:
    """Greedy error rates of clips; the learner is left in evaluation mode."""
    heard = emitted(learner, sorted(clips, key=lambda clip: len(clip.samples)))
    return score([dataclasses.replace(pair, words=()) for pair, _ in decoded(heard, learner.output)])


def emitted(learner: Learner, clips: Sequence[Clip]) -> list[Emitted]:
    """What the learner gives for clips, in their order; it is left in evaluation mode."""
    learner.eval()
    order = sorted(range(len(clips)), key=lambda n: len(clips[n].samples))
    found: dict[int, Emitted] = {}
    together = 8 if learner.checkpoint.pads else 1
    masked = learner.checkpoint.features.return_attention_mask
    for at in range(0, len(order), together):
        numbers = order[at : at + together]
        inputs = [learner.prepared(clips[n].samples / 32768) for n in numbers]
        scores, _ = learner.built.run(inputs, [learner.language] * len(numbers), length=max(map(len, inputs)), masked=masked)
        for n, own in zip(numbers, scores, strict=True):
            clip = clips[n]
            emissions = np.asarray(own[: learner.checkpoint.front_end.frames(len(clip.samples))])
            found[n] = Emitted(id=clip.id, reference=clip.text, recording=clip.session, emissions=[emissions])
    learner.built.bank.use(learner.language)
    return [found[n] for n in range(len(clips))]
