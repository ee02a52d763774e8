"""The training loop: schedule, averages, checkpoints, resuming, early stop, and a run card begun at the start.

What is trained and on what stays with the caller, who hands in a model and an endless supply of steps. The
rate is held and then falls to zero; a checkpoint of the held part can be carried on from at any time, and any
checkpoint can be brought to an end by a decay of its own (arXiv:2405.18392). A step whose loss is not finite
is skipped and named; three in a row end the run with the last good checkpoint kept.

A checkpoint holds what is trained and the states of all generators, so that a resumed run gives what an unbroken one
gives, to the bit; what is frozen it does not hold, and the caller builds it anew.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from speech.errors import Finding, TrainingFailure
from speech.files import disk_errors, shown, write_text
from speech.models.training import generators, saved
from speech.models.training.environment import environment

BAD_STEPS = 3
LAST, BEST, HELD = "last.pt", "best.pt", "held.pt"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSettings:
    """How the loop steps. Rates in units of Adam; `average` is the decay of the running mean of weights a step."""

    rate: float = 1e-3
    warmup_steps: int = 300
    hold_steps: int = 10_000
    decay_steps: int = 0
    weight_decay: float = 0.01
    clip_norm: float = 5.0
    average: float = 0.998
    checkpoint_steps: int = 250
    evaluate_steps: int = 500
    patience: int = 0
    """Evaluations without a better score after which the run stops; 0: never."""
    seed: int = 20261121

    def rate_at(self, step: int, decay_from: int | None) -> float:
        """Learning rate of `step`: a straight warm-up, held, and a cosine from `decay_from` on."""
        if decay_from is not None and step >= decay_from:
            part = min(1.0, (step - decay_from) / max(1, self.decay_steps))
            return self.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * part)))
        return self.rate * min(1.0, (step + 1) / self.warmup_steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step's loss (a scalar with gradient), the audio seconds behind it, and the clips it read.

    `drawn` is what the batches after this one depend on (`supply.State`); a resumed run finds it in `Loop.drawn`.
    """

    loss: Tensor
    audio_s: float
    clips: Sequence[str]
    drawn: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What an evaluation found: the score that is to fall, and what the log keeps."""

    score: float
    stated: Mapping[str, Any]


class Loop:
    """A run in a folder: `last.pt` to go on from, `log.jsonl`, `card.json`. Checkpoints are replaced whole.

    With patience, `best.pt` is that of the best evaluation; where a decay begins, `held.pt` is what it began from.
    """

    def __init__(
        self,
        model: nn.Module,
        settings: LoopSettings,
        folder: Path,
        *,
        card: Mapping[str, Any],
        frozen: Callable[[], str] | None = None,
        device: str = "cpu",
    ) -> None:
        """Begin or, where `folder` holds a checkpoint, go on. `card` is kept in the run card beside the environment.

        Trained are the parameters that ask for a gradient now. The model goes to `device`; inputs are the steps' own
        business. `frozen` gives a hash of what training must not change (the base, when an adapter is trained); it is
        asked again before every checkpoint.

        Raises
        ------
        TrainingFailure
            `TRAINING_CHECKPOINT`: the checkpoint is damaged, of another form, or of other weights.
        DiskFailure
            The folder cannot be written.
        """
        self._frozen = frozen
        self._due = frozen() if frozen else ""
        self.model = model.to(device)
        self.device = device
        self.settings = settings
        self.folder = folder
        self.step = 0
        self.audio_s = 0.0
        self.seconds = 0.0
        self.decay_from: int | None = None
        self.drawn: Mapping[str, Any] = {}
        self.evaluated = 0
        self.scores: list[tuple[int, float]] = []
        self._worked_before = -time.process_time()
        self.best: float | None = None
        self.stale = 0
        self.findings: list[Finding] = []
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for part in folder.glob(".speech-*.part"):
                part.unlink()  # of a run that was killed while it wrote: each may be as large as a checkpoint
        self._trained = saved.trained(model)
        self._buffers = {name: tensor.clone() for name, tensor in saved.buffers(model).items()}
        self._changed: set[str] = set()
        decayed = [p for p in self._trained.values() if p.ndim > 1]
        plain = [p for p in self._trained.values() if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=settings.rate,
            betas=(0.9, 0.98),
        )
        self.mean = {name: p.detach().clone() for name, p in self._trained.items()}
        self.card = {"settings": asdict(settings), **environment(), **card}
        if (folder / LAST).exists():
            self.load(folder / LAST)
        write_text(folder / "card.json", json.dumps(self.card, ensure_ascii=False, indent=1, sort_keys=True) + "\n")

    @property
    def core_seconds(self) -> float:
        """What the processor's cores have worked since the run began, evaluations included; of a run that goes on, all its parts."""
        return self._worked_before + time.process_time()

    def load(self, path: Path) -> None:
        """Take weights, optimiser, averages, counts and generators from a checkpoint of this loop.

        Raises
        ------
        TrainingFailure
            `TRAINING_CHECKPOINT`: it is damaged, of another form, or of other weights.
        """
        state = saved.read(path)
        if state["frozen"] != self._due:
            raise saved.other(path, f"the run began on another base (hash {state['frozen'][:16]}, here {self._due[:16]})")
        saved.place(path, state["trained"], self._trained)
        saved.place(path, state["mean"], self.mean)
        saved.place_buffers(path, state["buffers"], self.model)
        self._changed = set(state["buffers"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.audio_s, self.seconds = state["step"], state["audio_s"], state["seconds"]
        self.decay_from, self.drawn = state["decay_from"], state["drawn"]
        self.evaluated, self.best, self.stale = state["evaluated"], state["best"], state["stale"]
        self.scores = [(step, score) for step, score in state.get("scores", ())]
        self._worked_before = state.get("core_seconds", 0.0) - time.process_time()
        generators.restore_process(state["generators"], self.device)

    def save(self, name: str = LAST) -> None:
        """Write what is trained and where the run stands; the file is there complete or not at all.

        Raises
        ------
        TrainingFailure
            `TRAINING_BASE_CHANGED`: what was to stay frozen did not; nothing is written.
        DiskFailure
            No room, or no right to write: the checkpoint before stays.
        """
        if self._frozen and (now := self._frozen()) != self._due:
            raise TrainingFailure(
                where=shown(self.folder),
                what=f"the base changed while the adapter was trained (hash {self._due[:16]}, now {now[:16]})",
                mend="The adapter was not saved; fetch the base again and run once more",
                code="TRAINING_BASE_CHANGED",
            )
        here = saved.buffers(self.model)
        self._changed |= {name for name, tensor in here.items() if not torch.equal(tensor, self._buffers[name])}
        state = {
            "frozen": self._due,
            "trained": {name: p.detach() for name, p in self._trained.items()},
            "mean": self.mean,
            "buffers": {name: here[name] for name in sorted(self._changed)},
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "audio_s": self.audio_s,
            "seconds": self.seconds,
            "core_seconds": self.core_seconds,
            "scores": self.scores,
            "decay_from": self.decay_from,
            "drawn": self.drawn,
            "evaluated": self.evaluated,
            "best": self.best,
            "stale": self.stale,
            "generators": generators.process_states(self.device),
        }
        saved.write(self.folder / name, state)

    def run(
        self,
        steps: Iterator[Callable[[], Step]],
        *,
        decay: bool,
        evaluate: Callable[[int], Evaluation] | None = None,
    ) -> bool:
        """Step until the hold (or the decay, when asked for) is over; False when patience ended the hold before.

        `evaluate` is called every so many steps and at the end, with the step.

        Raises
        ------
        TrainingFailure
            `TRAINING_DIVERGED`: three steps in a row without a finite loss; `last.pt` is the last good one.
        """
        if decay and self.decay_from is None:
            self.decay_from = self.step
            self.save(HELD)
        end = self.decay_from + self.settings.decay_steps if self.decay_from is not None else self.settings.hold_steps
        bad = 0
        if evaluate:
            self._evaluate(evaluate, end)  # where the run was interrupted between a checkpoint and its evaluation
        self.model.train()
        while self.step < end and not self._stopped():
            begun = time.monotonic()
            for group in self.optimiser.param_groups:
                group["lr"] = self.settings.rate_at(self.step, self.decay_from)
            made = next(steps)()
            self.drawn = made.drawn
            loss = float(made.loss.detach())
            norm = self._update(made.loss) if math.isfinite(loss) else math.nan
            if not math.isfinite(norm):
                bad += 1
                self._skip(made, bad)
                continue
            bad = 0
            self.step += 1
            self.audio_s += made.audio_s
            self.seconds += time.monotonic() - begun
            self._log(loss=loss, norm=norm)
            if self.step % self.settings.checkpoint_steps == 0 or self.step == end:
                self.save()
            if evaluate:
                self._evaluate(evaluate, end)
        return self.step >= end

    def _evaluate(self, evaluate: Callable[[int], Evaluation], end: int) -> None:
        """Evaluate where this step is due, and keep what came of it.

        The checkpoint of the step is written before: an evaluation that is interrupted costs no step.
        """
        if self.evaluated >= self.step or (self.step % self.settings.evaluate_steps and self.step != end):
            return
        found = evaluate(self.step)
        self.model.train()
        self._log(**found.stated)
        self.evaluated = self.step
        self.scores.append((self.step, found.score))
        better = self.best is None or found.score < self.best
        self.best, self.stale = (found.score, 0) if better else (self.best, self.stale + 1)
        if better and self.settings.patience:
            self.save(BEST)
        if self.step == end or self._stopped():
            self.save()

    def _stopped(self) -> bool:
        """Whether patience is over; a decay that has begun goes on to its end, since weights are good only there."""
        return self.decay_from is None and 0 < self.settings.patience <= self.stale

    def _update(self, loss: Tensor) -> float:
        """One step of the optimiser; returns the gradient's norm, and changes nothing where it is not finite."""
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no annotation here
        norm = float(nn.utils.clip_grad_norm_(self._trained.values(), self.settings.clip_norm))
        if not math.isfinite(norm):
            return norm
        self.optimiser.step()
        keep = min(self.settings.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, parameter in self._trained.items():
                self.mean[name].lerp_(parameter, 1 - keep)
        return norm

    def _skip(self, made: Step, bad: int) -> None:
        self.findings.append(
            Finding(
                code="TRAINING_CLIP",
                where=", ".join(made.clips),
                what=f"the loss of step {self.step + 1} is not finite; the step was skipped",
                mend="Listen to these clips, compare their text, and correct it or leave the clips out of the manifest",
            )
        )
        self._log(skipped=list(made.clips))
        if bad >= BAD_STEPS:
            raise TrainingFailure(
                where=shown(self.folder),
                what=f"no finite loss in {BAD_STEPS} steps in a row (last clips: {', '.join(made.clips)})",
                mend="The last good checkpoint is kept in last.pt; lower the rate or leave the named clips out, then run again",
                code="TRAINING_DIVERGED",
            )

    def _log(self, **values: Any) -> None:
        row = {"step": self.step, "audio_h": round(self.audio_s / 3600, 3), "seconds": round(self.seconds, 1), **values}
        path = self.folder / "log.jsonl"
        with disk_errors(path), path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(row, ensure_ascii=False) + "\n")

    @contextmanager
    def averaged(self) -> Iterator[nn.Module]:
        """The model with the running mean of its weights, in evaluation mode, while the block lasts."""
        last = {name: p.detach().clone() for name, p in self._trained.items()}
        training = self.model.training
        try:
            self._take(self.mean)
            yield self.model.eval()
        finally:
            self._take(last)
            self.model.train(training)

    def _take(self, weights: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self._trained.items():
                parameter.copy_(weights[name])


def take_averaged(path: Path, model: nn.Module) -> tuple[int, float]:
    """Give `model` the averaged weights of a checkpoint; its step, and the seconds of audio heard by then.

    Raises
    ------
    TrainingFailure
        `TRAINING_CHECKPOINT`: it is damaged, of another form, or of other weights.
    """
    state = saved.read(path)
    saved.place(path, state["mean"], saved.trained(model))
    saved.place_buffers(path, state["buffers"], model)
    return state["step"], state["audio_s"]
