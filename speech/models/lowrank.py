"""Low-rank adapters of languages in a network whose layers hold none: which modules they belong to, and the layer that adds them.

A linear module's output gains `scale * up(down(input))`, with `down` (rank, in) and `up` (out, rank): Hu et al. 2021,
arXiv:2106.09685. They are learnt through peft and lie in `adapter.<lang>.safetensors` under peft's names; hearing with them needs no
peft. As attention adapters, those of several languages stand side by side, and a batch may mix languages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from speech.models.checkpoint import DOWN, UP

if TYPE_CHECKING:
    from speech.models.banks import Choice


@dataclass(slots=True)
class _Language:
    down: Tensor
    up: Tensor


class BankedLowRank(nn.Module):
    """A linear module, and what each language adds to its output. Forward takes (clips, frames, width)."""

    def __init__(self, choice: Choice, inner: nn.Module, languages: int) -> None:
        super().__init__()
        self.inner = inner
        self._choice = choice
        self._languages: list[_Language | None] = [None] * languages

    def add(self, down: Tensor | None, up: Tensor | None) -> None:
        """Stack one more language; None for one that adds nothing here. `up` holds the scale already."""
        own = None if down is None or up is None else _Language(down, up)
        self._languages = [*self._languages, own]

    def forward(self, hidden: Tensor) -> Tensor:
        """The module's output with what the chosen languages add."""
        out: Tensor = self.inner(hidden)
        index, languages = self._choice.index, self._languages
        if index is None or all(languages[row] is None for row in self._choice.rows):
            return out
        if isinstance(index, int):
            return out + _added(languages[index], hidden)
        # Few languages meet in a batch, and their ranks may differ: each adds to its own clips.
        for row in self._choice.rows:
            if languages[row] is not None:
                clips = index == row
                out = out.index_add(0, clips.nonzero()[:, 0], _added(languages[row], hidden[clips]).to(out.dtype))
        return out


def _added(language: _Language | None, hidden: Tensor) -> Tensor:
    assert language is not None  # asked only where there is one
    return F.linear(F.linear(hidden, language.down), language.up)


def modules_of(layers: Sequence[nn.Module], prefix: str, *, whole: bool) -> dict[str, nn.Linear]:
    """The linear modules of a network's layers that may have low-rank adapters, by the name of the module.

    `whole`: attention calls its modules; else it reads their weights itself, and only those outside it are given.
    """
    found = {}
    for number, layer in enumerate(layers):
        for name, module in layer.named_modules():
            if isinstance(module, nn.Linear) and ".adapter_layer." not in f".{name}." and (whole or "attention" not in name):
                found[f"{prefix}.{number}.{name}"] = module
    return found


def scaled(tensors: Mapping[str, Tensor], scale: float, dtype: torch.dtype, device: Any) -> dict[str, tuple[Tensor, Tensor]]:
    """The matrices of each module, `up` times the scale, in the network's number format."""
    names = sorted(name[: -len(DOWN) - 1] for name in tensors if name.endswith(DOWN))
    return {
        name: (tensors[f"{name}.{DOWN}"].to(device, dtype), (tensors[f"{name}.{UP}"].float() * scale).to(device, dtype)) for name in names
    }
