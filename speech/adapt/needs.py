"""What learning needs, said before a weight is loaded: memory for weights, what moves, and what is kept for the way back.

Counted from the shapes that the checkpoint states. Held against what processes really took by benchmarks/adapt_large.py.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path

from speech.adapt import learner as learners
from speech.adapt.lowrank import RANK
from speech.audio import RATE
from speech.errors import DiskFailure, MemoryFailure
from speech.files import shown
from speech.models import precision
from speech.models.cards import LowRank
from speech.models.checkpoint import Checkpoint, expected_shapes, low_rank_shapes
from speech.models.families import layers_of, width_of
from speech.models.memory import free_memory

STEP_S = 48.0
"""Seconds of sound in a step."""
_BESIDE = 16_000_000
"""Bytes that are allowed for what lies beside the checkpoints: adapter, cards, log, language model."""
_PROGRAM = 500_000_000
"""Bytes of the program itself."""
_LETTERS = 64
"""Rows of a head: too few to matter where there are more."""
_KEPT = 24
"""Of each layer, numbers a frame and unit of width that are kept for the way back, where nothing is computed again."""


def weights_of(checkpoint: Checkpoint) -> int:
    """How many weights there are."""
    return sum(math.prod(entry.shape) for entry in checkpoint.tensors.values())


def is_large(checkpoint: Checkpoint) -> bool:
    """Whether layers are computed again on the way back, and rates are those of large models."""
    return weights_of(checkpoint) > learners.LARGE


def moving(checkpoint: Checkpoint, mode: learners.Mode, *, last_layers: int = 2) -> int:
    """How many weights learn in a mode."""
    every = {name: math.prod(entry.shape) for name, entry in checkpoint.tensors.items()}
    if mode == "full":
        return sum(every.values())
    if checkpoint.takes_adapters:
        shapes = expected_shapes(checkpoint.config, _LETTERS, checkpoint.family)
    else:
        targets = {
            name.split(".")[-2]
            for name, entry in checkpoint.tensors.items()
            if name.endswith(".weight") and len(entry.shape) == 2 and "embed" not in name
            and (checkpoint.family.quantises or "attention" not in name)
        }  # fmt: skip
        shapes = low_rank_shapes(checkpoint, _LETTERS, LowRank(rank=RANK, alpha=RANK, targets=tuple(targets)))
    in_layers = sum(size for name, size in every.items() if name.startswith(f"{checkpoint.family.layers}.") and ".adapter_" not in name)
    whole = in_layers * last_layers // layers_of(checkpoint.config) if mode == "layers" else 0
    return sum(map(math.prod, shapes.values())) + whole


def memory_needed(checkpoint: Checkpoint, mode: learners.Mode = "adapter", *, last_layers: int = 2) -> int:
    """Bytes that learning takes at its peak.

    Weights in four bytes each; beside them what is computed in bf16, where layers are not computed again; what moves five times over
    (gradient, two moments, mean, and the last weights while the mean is judged); a step's activations.
    """
    weights, again = weights_of(checkpoint), is_large(checkpoint)
    half = precision.has_bf16() and (mode == "full" or not again)
    frames = STEP_S * RATE / checkpoint.front_end.stride
    width, layers = width_of(checkpoint.config), layers_of(checkpoint.config)
    kept = layers + _KEPT if again else layers * _KEPT  # computed again layer by layer: of all but one only the input stays
    return int(weights * (6 if half else 4) + 20 * moving(checkpoint, mode, last_layers=last_layers) + 4 * frames * width * kept
               + _front(checkpoint) * (2 if mode == "full" else 1) + _PROGRAM)  # fmt: skip


def disk_needed(checkpoint: Checkpoint, mode: learners.Mode = "adapter", *, runs: int = 1, last_layers: int = 2) -> int:
    """Bytes that learning keeps on the disk while it goes on, with `runs` (the parts of a learning curve are one each).

    A run keeps up to three checkpoints until all are done: what moves, its two moments and its mean. Beside them adapter, cards and
    language model; in mode full a model of its own.
    """
    moved = moving(checkpoint, mode, last_layers=last_layers)
    return runs * 3 * 20 * moved + 8 * moved + (4 * weights_of(checkpoint) if mode == "full" else 0) + _BESIDE


def require_room(place: Path, need: int) -> int:
    """The free bytes at `place`, refused where they are fewer than needed; asked before learning begins.

    Raises
    ------
    DiskFailure
        `DISK_FULL`: what is needed, and what is free.
    """
    free = free_disk(place)
    if free < need:
        raise DiskFailure(
            shown(place),
            f"learning keeps about {need / 1e6:.0f} MB on the disk while it goes on, {free / 1e6:.0f} MB are free",
            "Make room on this disk, then begin again",
            "DISK_FULL",
        )
    return free


def free_disk(place: Path) -> int:
    """Free bytes of the disk that a folder lies on, or will."""
    there = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    return shutil.disk_usage(there).free


def _front(checkpoint: Checkpoint) -> int:
    """Bytes that the front end takes: its first convolution gives the most, held five times while it is turned and normed."""
    if checkpoint.family.inputs == "log-mel":
        return 0
    stated = checkpoint.config.get("audio_config", checkpoint.config)
    channels = (stated.get("conv_dim") or (512,))[0]
    return int(5 * 4 * channels * STEP_S * RATE / checkpoint.front_end.steps[0][1])


def require(
    checkpoint: Checkpoint, mode: learners.Mode = "adapter", *, last_layers: int = 2, free: Callable[[], int | None] = free_memory
) -> int:
    """The bytes needed, refused where they are not there; asked before the weights are loaded.

    Raises
    ------
    MemoryFailure
        `MODEL_MEMORY`: what is needed, what is free, and what needs less.
    """
    need, here = memory_needed(checkpoint, mode, last_layers=last_layers), free()
    if here is not None and here < need:
        raise MemoryFailure(
            checkpoint.name,
            f"learning needs about {need / 1024**3:.1f} GiB of memory, {here / 1024**3:.1f} GiB are free",
            f"Close other programs, {'leave out --full' if mode == 'full' else 'raise the limit of the container'}, "
            "or take a smaller base, such as mini",
            "MODEL_MEMORY",
        )
    return need
