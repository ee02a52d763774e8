"""The training loop: schedule, averages, checkpoints, resuming, and a run card begun at the start.

What is trained and on what stays with the caller, who hands in a model and an endless supply of steps. The
rate is held and then falls to zero; a checkpoint of the held part can be carried on from at any time, and any
checkpoint can be brought to an end by a decay of its own (arXiv:2405.18392). A step whose loss is not finite
is skipped and named; three in a row end the run with the last good checkpoint kept.
"""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from speech.errors import Finding, TrainingFailure
from speech.files import write_text

BAD_STEPS = 3


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
    seed: int = 20261121

    def rate_at(self, step: int, decay_from: int | None) -> float:
        """Learning rate of `step`: a straight warm-up, held, and a cosine from `decay_from` on."""
        if decay_from is not None and step >= decay_from:
            part = min(1.0, (step - decay_from) / max(1, self.decay_steps))
            return self.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * part)))
        return self.rate * min(1.0, (step + 1) / self.warmup_steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step's loss (a scalar with gradient), the audio seconds behind it, and the clips it read."""

    loss: Tensor
    audio_s: float
    clips: Sequence[str]


class Loop:
    """A run in a folder: `last.pt` to go on from, `log.jsonl`, `card.json`. Checkpoints are replaced whole."""

    def __init__(
        self, model: nn.Module, settings: LoopSettings, folder: Path, *, card: Mapping[str, Any], frozen: Callable[[], str] | None = None
    ) -> None:
        """Begin or, where `folder` holds a checkpoint, go on. `card` is kept in the run card beside the environment.

        `frozen` gives a hash of what training must not change (the base, when an adapter is trained); it is asked
        again before every checkpoint.
        """
        self._frozen = frozen
        self._due = frozen() if frozen else ""
        self.model = model
        self.settings = settings
        self.folder = folder
        self.step = 0
        self.audio_s = 0.0
        self.seconds = 0.0
        self.decay_from: int | None = None
        self.findings: list[Finding] = []
        folder.mkdir(parents=True, exist_ok=True)
        decayed = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
        plain = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=settings.rate,
            betas=(0.9, 0.98),
        )
        self.mean = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}
        self.card = {"settings": asdict(settings), **environment(), **card}
        if (folder / "last.pt").exists():
            self.load(folder / "last.pt")
        write_text(folder / "card.json", json.dumps(self.card, ensure_ascii=False, indent=1, sort_keys=True) + "\n")

    def load(self, path: Path) -> None:
        """Take weights, optimiser, averages and counts from a checkpoint of this loop."""
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.mean = state["mean"]
        self.step, self.audio_s, self.seconds = state["step"], state["audio_s"], state["seconds"]
        self.decay_from = state["decay_from"]

    def save(self, name: str = "last.pt") -> None:
        """Write the whole state; the file is there complete or not at all.

        Raises
        ------
        TrainingFailure
            `TRAINING_BASE_CHANGED`: what was to stay frozen did not; nothing is written.
        """
        if self._frozen and (now := self._frozen()) != self._due:
            raise TrainingFailure(
                where=str(self.folder),
                what=f"the base changed while the adapter was trained (hash {self._due[:16]}, now {now[:16]})",
                mend="The adapter was not saved; fetch the base again and run once more",
                code="TRAINING_BASE_CHANGED",
            )
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "mean": self.mean,
            "step": self.step,
            "audio_s": self.audio_s,
            "seconds": self.seconds,
            "decay_from": self.decay_from,
        }
        part = self.folder / f"{name}.part"
        torch.save(state, part)
        part.replace(self.folder / name)

    def run(
        self,
        steps: Iterator[Callable[[], Step]],
        *,
        decay: bool,
        evaluate: Callable[[int], Mapping[str, Any]] | None = None,
    ) -> bool:
        """Step until the hold (or the decay, when asked for) is over; True when it ran to its end.

        Raises
        ------
        TrainingFailure
            `TRAINING_DIVERGED`: three steps in a row without a finite loss; `last.pt` is the last good one.
        """
        if decay and self.decay_from is None:
            self.decay_from = self.step
            self.save("held.pt")
        end = self.decay_from + self.settings.decay_steps if self.decay_from is not None else self.settings.hold_steps
        self.model.train()
        bad = 0
        while self.step < end:
            begun = time.monotonic()
            for group in self.optimiser.param_groups:
                group["lr"] = self.settings.rate_at(self.step, self.decay_from)
            made = next(steps)()
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
            if evaluate and (self.step % self.settings.evaluate_steps == 0 or self.step == end):
                self._log(**evaluate(self.step))
                self.model.train()
        return True

    def _update(self, loss: Tensor) -> float:
        """One step of the optimiser; returns the gradient's norm, and changes nothing where it is not finite."""
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no annotation here
        norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm))
        if not math.isfinite(norm):
            return norm
        self.optimiser.step()
        keep = min(self.settings.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                if name in self.mean:
                    self.mean[name].lerp_(parameter, 1 - keep)
        return norm

    def _skip(self, made: Step, bad: int) -> None:
        self.findings.append(
            Finding(
                code="TRAINING_CLIP",
                where=", ".join(made.clips),
                what=f"the loss of step {self.step + 1} is not finite; the step was skipped",
                mend="Listen to these clips and compare their text: speech manifest check",
            )
        )
        self._log(skipped=list(made.clips))
        if bad >= BAD_STEPS:
            raise TrainingFailure(
                where=str(self.folder),
                what=f"no finite loss in {BAD_STEPS} steps in a row (last clips: {', '.join(made.clips)})",
                mend="The last good checkpoint is kept in last.pt; lower the rate or leave the named clips out, then run again",
                code="TRAINING_DIVERGED",
            )

    def _log(self, **values: Any) -> None:
        row = {"step": self.step, "audio_h": round(self.audio_s / 3600, 3), "seconds": round(self.seconds, 1), **values}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(row, ensure_ascii=False) + "\n")

    def averaged(self) -> dict[str, Tensor]:
        """The model's state with the running mean of the weights in place of the last ones."""
        return {**self.model.state_dict(), **self.mean}


def environment() -> dict[str, Any]:
    """What a run card says of the program and the machine; no host name, no path of a person."""
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        dirty = bool(subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=True).stdout.strip())
    except (OSError, subprocess.CalledProcessError):
        commit, dirty = "", False
    return {
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "commit": commit,
        "dirty": dirty,
        "processor": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
        "versions": {name: metadata.version(name) for name in ("torch", "transformers", "numpy")},
        "python": platform.python_version(),
    }
