"""A run's checkpoint as a file: what is trained, not the frozen base; written whole or not at all, read without unpickling.

torch answers a full disk with an error of its own zip writer that names no disk; here it is named.
"""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch
from torch import Tensor, nn

from speech.errors import TrainingFailure
from speech.files import check_readable, replacing, shown

FORM = "speech-training/1"


class _Output(io.RawIOBase):
    """A file that remembers what the disk said: torch's writer puts its own error in the place of an OSError."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self.file = file
        self.said: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        try:
            return self.file.write(data)
        except OSError as error:
            self.said = error
            raise


def write(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state whose values are plain or tensors.

    Raises
    ------
    DiskFailure
        `DISK_FULL`, `DISK_READONLY`, `DISK_IO`: nothing is left behind, an old checkpoint is untouched.
    """
    with replacing(path) as part, part.open("wb") as file:
        output = _Output(file)
        try:
            torch.save({"form": FORM, **state}, cast(BinaryIO, output))
        except RuntimeError as error:
            if output.said is None:
                raise
            raise output.said from error
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> dict[str, Any]:
    """A state that `write` wrote, its tensors on the processor.

    Raises
    ------
    TrainingFailure
        `TRAINING_CHECKPOINT`: damaged, or written by another program or version.
    PathRefused
        The file cannot be reached.
    """
    check_readable(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise other(path, f"it is damaged or no checkpoint of a training run ({str(error).splitlines()[0][:120]})") from error
    form = state.get("form") if isinstance(state, dict) else None
    if form != FORM:
        raise other(path, f"its form is {form or 'that of an older version'}; this version reads {FORM}")
    return dict(state)


def trained(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that are trained, by name."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def buffers(model: nn.Module) -> dict[str, Tensor]:
    """What a model's state holds besides parameters."""
    parameters = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    return {name: tensor for name, tensor in model.state_dict().items() if name not in parameters}


def place(path: Path, found: Mapping[str, Tensor], due: Mapping[str, Tensor]) -> None:
    """Copy tensors of a checkpoint to where they belong, in number format and device of the model.

    Raises
    ------
    TrainingFailure
        `TRAINING_CHECKPOINT`: names or shapes are not the model's; nothing is copied.
    """
    faults = [f"{name} is missing" for name in due if name not in found]
    faults += [f"{name} is surplus" for name in found if name not in due]
    faults += [
        f"{name} is {list(found[name].shape)}, here {list(due[name].shape)}"
        for name in due
        if name in found and found[name].shape != due[name].shape
    ]
    if faults:
        more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise other(path, f"it trains other weights than this run: {'; '.join(faults[:5])}{more}")
    with torch.no_grad():
        for name, tensor in due.items():
            tensor.copy_(found[name])


def place_buffers(path: Path, found: Mapping[str, Tensor], model: nn.Module) -> None:
    """As `place`, for the buffers that changed while the run trained."""
    here = buffers(model)
    place(path, found, {name: here[name] for name in found if name in here})


def other(path: Path, what: str) -> TrainingFailure:
    """The failure for a checkpoint that cannot be gone on from."""
    return TrainingFailure(
        where=shown(path),
        what=what,
        mend="Go on with the version and settings that wrote it, or begin a new run in another folder from weights it exported",
        code="TRAINING_CHECKPOINT",
    )
