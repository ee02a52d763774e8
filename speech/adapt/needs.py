"""What learning needs, said before it begins: memory for weights, gradients, averages and what is kept for the way back.

Held against what processes really took by benchmarks/adapt_large.py.
"""

from __future__ import annotations

from collections.abc import Callable

from speech.adapt.learner import LARGE, Learner
from speech.audio import RATE
from speech.errors import MemoryFailure
from speech.models.checkpoint import Checkpoint
from speech.models.families import layers_of, width_of
from speech.models.memory import free_memory

STEP_S = 48.0
"""Seconds of sound in a step."""
_PROGRAM = 900_000_000
"""Bytes of the program itself, and of a front end at work on a step's sound."""
_KEPT = 24
"""Of each layer, numbers a frame and unit of width that are kept for the way back, where nothing is computed again."""


def memory_needed(checkpoint: Checkpoint, learner: Learner) -> int:
    """Bytes that learning takes at its peak: weights as they are held, what moves five times over, and a step's activations."""
    weights = sum(parameter.numel() for parameter in learner.network.parameters())
    moving = sum(parameter.numel() for parameter in learner.network.parameters() if parameter.requires_grad)
    frames = STEP_S * RATE / checkpoint.front_end.stride
    width, layers = width_of(checkpoint.config), layers_of(checkpoint.config)
    kept = layers + _KEPT if weights > LARGE else layers * _KEPT  # computed again layer by layer: of all but one only the input stays
    held = weights * (6 if learner.half_precision else 4)  # and in bf16 beside it, for one step
    return int(held + 20 * moving + 4 * frames * width * kept + _PROGRAM)


def require(checkpoint: Checkpoint, learner: Learner, free: Callable[[], int | None] = free_memory) -> int:
    """The bytes needed, refused where they are not there. The weights are in memory already and count as free.

    Raises
    ------
    MemoryFailure
        `MODEL_MEMORY`: what is needed, what is free, and what needs less.
    """
    need, here = memory_needed(checkpoint, learner), free()
    loaded = 4 * sum(parameter.numel() for parameter in learner.network.parameters())
    if here is not None and here + loaded < need:
        raise MemoryFailure(
            checkpoint.name,
            f"learning needs about {need / 1e9:.1f} GB, {(here + loaded) / 1e9:.1f} GB are there",
            "Close other programs, leave out --full, or take a smaller base, such as mini",
            "MODEL_MEMORY",
        )
    return need
