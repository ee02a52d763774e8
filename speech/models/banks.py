"""Adapters and heads of several languages in one network, chosen per clip.

transformers holds one adapter and one head at a time and exchanges them in place. Here the layers of all
languages are stacked and gathered by an index, so one batch carries many languages and switching touches
neither disk nor weights. The arithmetic of one language is that of `Wav2Vec2AttnAdapterLayer` and `lm_head`.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from speech.models.families import FAMILIES, Family
from speech.models.lowrank import BankedLowRank, scaled

PADDING_LOGIT = -1e4
"""Logit of vocabulary entries that a shorter vocabulary of the same bank does not have."""


_NAMES = {
    "norm.weight": "norm_weight",
    "norm.bias": "norm_bias",
    "linear_1.weight": "weight_1",
    "linear_1.bias": "bias_1",
    "linear_2.weight": "weight_2",
    "linear_2.bias": "bias_2",
}
"""transformers' names of an adapter layer's tensors, and ours."""


class Choice(threading.local):
    """Which language each clip of the running batch has; shared by all layers of a bank, each thread with its own.

    `index` is one number for the whole batch (the quick path), a tensor (clips,), or None: no adapter is used.
    `rows` are the numbers that stand in it.
    """

    def __init__(self) -> None:
        self.index: int | Tensor | None = 0
        self.rows: frozenset[int] = frozenset((0,))


class BankedAdapter(nn.Module):
    """One encoder layer's adapters, stacked: (languages, ...). Forward takes (clips, frames, width)."""

    def __init__(self, choice: Choice, languages: int, width: int, inner: int) -> None:
        super().__init__()
        self.choice = choice
        self.norm_weight = nn.Parameter(torch.ones(languages, width))
        self.norm_bias = nn.Parameter(torch.zeros(languages, width))
        self.weight_1 = nn.Parameter(torch.randn(languages, inner, width) * 0.02)
        self.bias_1 = nn.Parameter(torch.zeros(languages, inner))
        self.weight_2 = nn.Parameter(torch.randn(languages, width, inner) * 0.02)
        self.bias_2 = nn.Parameter(torch.zeros(languages, width))
        self.silent: frozenset[int] = frozenset()
        """Languages, by number, whose adapter adds nothing in this layer: its last weights and biases are zero."""

    def forward(self, hidden: Tensor) -> Tensor:
        """What the chosen adapters add to `hidden`."""
        index = self.choice.index
        if index is None or self.choice.rows <= self.silent:
            return hidden.new_zeros(())
        if isinstance(index, int):
            hidden = F.layer_norm(hidden, hidden.shape[-1:], self.norm_weight[index], self.norm_bias[index])
            hidden = F.relu(F.linear(hidden, self.weight_1[index], self.bias_1[index]))
            return F.linear(hidden, self.weight_2[index], self.bias_2[index])
        hidden = F.layer_norm(hidden, hidden.shape[-1:])
        hidden = hidden * self.norm_weight[index].unsqueeze(1) + self.norm_bias[index].unsqueeze(1)
        hidden = F.relu(torch.baddbmm(self.bias_1[index].unsqueeze(1), hidden, self.weight_1[index].transpose(1, 2)))
        return torch.baddbmm(self.bias_2[index].unsqueeze(1), hidden, self.weight_2[index].transpose(1, 2))

    def add(self, tensors: Mapping[str, Tensor], prefix: str) -> None:
        """Stack one more language, cast to the type of those here."""
        if not tensors[prefix + "linear_2.weight"].any() and not tensors[prefix + "linear_2.bias"].any():
            self.silent |= {len(self.weight_2)}
        for name, own in _NAMES.items():
            stack = getattr(self, own)
            setattr(self, own, nn.Parameter(torch.cat([stack.detach(), tensors[prefix + name].to(stack)[None]]), requires_grad=False))

    def silence(self) -> None:
        """Let every language's adapter add nothing in this layer, in training too."""
        with torch.no_grad():
            self.weight_2.zero_()
            self.bias_2.zero_()
        for parameter in self.parameters():
            parameter.requires_grad_(False)
        self.silent = frozenset(range(len(self.weight_2)))

    def layers(self, index: int) -> dict[str, Tensor]:
        """One language's tensors under transformers' names."""
        return {name: getattr(self, own)[index] for name, own in _NAMES.items()}


class BankedHead(nn.Module):
    """Output layers of several languages, padded to the longest vocabulary."""

    def __init__(self, choice: Choice, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.choice = choice
        self.sizes = tuple(sizes)
        longest = max(sizes, default=0)
        self.weight = nn.Parameter(torch.randn(len(sizes), longest, width) * 0.02)
        bias = torch.zeros(len(sizes), longest)
        for row, size in enumerate(sizes):
            bias[row, size:] = PADDING_LOGIT
        self.bias = nn.Parameter(bias)

    def add(self, weight: Tensor, bias: Tensor) -> None:
        """Stack one more head, cast to the type of those here; shorter ones are padded."""
        longest = max(self.weight.shape[1], len(weight))
        weights = self.weight.new_zeros(len(self.sizes) + 1, longest, self.weight.shape[2])
        biases = self.bias.new_full((len(self.sizes) + 1, longest), PADDING_LOGIT)
        weights[:-1, : self.weight.shape[1]] = self.weight.detach()
        biases[:-1, : self.bias.shape[1]] = self.bias.detach()
        weights[-1, : len(weight)] = weight.to(weights)
        biases[-1, : len(bias)] = bias.to(biases)
        self.weight = nn.Parameter(weights, requires_grad=False)
        self.bias = nn.Parameter(biases, requires_grad=False)
        self.sizes = (*self.sizes, len(weight))

    def forward(self, hidden: Tensor) -> Tensor:
        """Logits (clips, frames, longest vocabulary of the batch); shorter ones are filled with `PADDING_LOGIT`."""
        index, weight, bias, sizes = self.choice.index, self.weight, self.bias, self.sizes
        if index is None:
            raise ValueError("a head needs a language")
        if isinstance(index, int):
            size = sizes[index]
            return F.linear(hidden, weight[index, :size], bias[index, :size])
        # Cut to the longest of the batch: another thread may be bringing a language with more symbols.
        size = max(sizes[row] for row in self.choice.rows)
        return torch.baddbmm(bias[index, :size].unsqueeze(1), hidden, weight[index, :size].transpose(1, 2))


class Bank:
    """The adapters and heads of a CTC network, by language, held stacked in place of the single ones."""

    def __init__(self, model: Any, vocabularies: Mapping[str, int], family: Family = FAMILIES["wav2vec2"]) -> None:
        """Put banked layers into `model`; `vocabularies` gives the size of each language's vocabulary."""
        self.model = model
        self.family = family
        self.languages: tuple[str, ...] = tuple(vocabularies)
        self.choice = Choice()
        self.layers: Sequence[Any] = operator.attrgetter(family.layers)(model)
        inner = getattr(model.config, "adapter_attn_dim", None) if family.adapters else None
        if inner:
            for layer in self.layers:
                layer.adapter_layer = BankedAdapter(self.choice, len(self.languages), model.config.hidden_size, inner)
        self.head = BankedHead(self.choice, list(vocabularies.values()), getattr(model, family.head).in_features)
        setattr(model, family.head, self.head)
        self.low_rank: dict[str, BankedLowRank] = {}
        """Modules to which a language adds by low-rank adapters, by name."""

    def use(self, languages: str | Sequence[str] | None) -> None:
        """Choose a language for the whole batch, one for each clip, or None for no adapter at all. Touches no weight."""
        if languages is None:
            self.choice.index, self.choice.rows = None, frozenset()
            return
        rows = [self.languages.index(code) for code in ([languages] if isinstance(languages, str) else languages)]
        self.choice.rows = frozenset(rows)
        self.choice.index = rows[0] if len(self.choice.rows) == 1 else torch.tensor(rows, device=self.head.weight.device)

    @property
    def common_layers(self) -> int:
        """How many of the lowest layers serve all languages: no adapter of this bank adds anything in them."""
        count = 0
        for layer in self.layers:
            adapter = getattr(layer, "adapter_layer", None)
            if isinstance(adapter, BankedAdapter) and len(adapter.silent) < len(self.languages):
                break
            if any(isinstance(part, BankedLowRank) for part in layer.modules()):
                break
            count += 1
        return count

    def _adapters(self) -> Iterator[tuple[int, BankedAdapter]]:
        for number, layer in enumerate(self.layers):
            adapter = getattr(layer, "adapter_layer", None)
            if isinstance(adapter, BankedAdapter):
                yield number, adapter

    def tensors(self, language: str) -> dict[str, Tensor]:
        """Adapter and head of one language (views) under the names of `adapter.<lang>.safetensors`."""
        row = self.languages.index(language)
        found: dict[str, Tensor] = {}
        for number, adapter in self._adapters():
            for name, tensor in adapter.layers(row).items():
                found[f"{self.family.layers}.{number}.adapter_layer.{name}"] = tensor.detach()
        size = self.head.sizes[row]
        found[f"{self.family.head}.weight"] = self.head.weight[row, :size].detach()
        found[f"{self.family.head}.bias"] = self.head.bias[row, :size].detach()
        return found

    def add(self, language: str, tensors: Mapping[str, Tensor], *, scale: float | None = None) -> None:
        """Stack one more language; `tensors` as `adapter.<lang>.safetensors` names them, already checked.

        `scale` is that of low-rank adapters, where they are what the file holds.
        """
        if scale is None:
            for number, adapter in self._adapters():
                adapter.add(tensors, f"{self.family.layers}.{number}.adapter_layer.")
        self._add_low_rank({} if scale is None else scaled(tensors, scale, self.head.weight.dtype, self.head.weight.device))
        self.head.add(tensors[f"{self.family.head}.weight"], tensors[f"{self.family.head}.bias"])
        self.languages = (*self.languages, language)

    def _add_low_rank(self, own: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        """Put layers for low-rank adapters where a language first needs them; elsewhere it adds nothing."""
        for name in own:
            if name not in self.low_rank:
                parent, _, last = name.rpartition(".")
                holder = self.model.get_submodule(parent)
                self.low_rank[name] = BankedLowRank(self.choice, getattr(holder, last), len(self.languages))
                setattr(holder, last, self.low_rank[name])
        for name, layer in self.low_rank.items():
            layer.add(*own.get(name, (None, None)))
