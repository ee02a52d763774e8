"""The states of random generators, as plain values that a checkpoint holds, so that a resumed run draws as an unbroken one.

Two kinds: those of the process (Python's, NumPy's, torch's), from which a network draws its dropout and masks, and those
that a caller owns.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

Own = random.Random | np.random.Generator
States = Mapping[str, Any]


def seed_all(seed: int) -> None:
    """Seed the generators of the process: Python's, NumPy's (transformers draws masks from it) and torch's, of all devices."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def process_states(device: str) -> dict[str, Any]:
    """States of the process's generators; with a GPU as `device`, of the GPU's too."""
    legacy: dict[str, Any] = np.random.get_state(legacy=False)
    inner = {**legacy["state"], "key": legacy["state"]["key"].tolist()}  # no array: they would need a pickle to be trusted
    found = {"python": random.getstate(), "numpy": {**legacy, "state": inner}, "torch": torch.get_rng_state()}
    return found | ({} if device == "cpu" else {"device": torch.cuda.get_rng_state(device)})


def restore_process(states: States, device: str) -> None:
    """Set the process's generators to what `process_states` gave. Another kind of device goes on from its own seed."""
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
    torch.set_rng_state(states["torch"])
    if device != "cpu" and "device" in states:
        torch.cuda.set_rng_state(states["device"], device)


def state_of(generator: Own) -> Any:
    """The state of a generator of one's own."""
    return generator.getstate() if isinstance(generator, random.Random) else generator.bit_generator.state


def restore(generator: Own, state: Any) -> None:
    """Set a generator to what `state_of` gave."""
    if isinstance(generator, random.Random):
        generator.setstate(state)
    else:
        generator.bit_generator.state = state
