"""What learns: the network of a base with one new language in its bank, and which of its weights may move.

Where the base's layers hold attention adapters (MMS, mini) these learn; where they hold none, low-rank ones (`lowrank`).
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from speech.adapt.lowrank import inject, is_low_rank, learnt
from speech.models import precision
from speech.models.checkpoint import Checkpoint, expected_shapes
from speech.models.network import Network, build
from speech.models.training.augment import levelled
from speech.models.vocabulary import PIECE
from speech.score.weighing import Output
from speech.text import WORD_BREAK

Mode = Literal["adapter", "layers", "full"]
BLANK = "<pad>"
SPECIAL = ("<s>", "</s>", "<unk>", WORD_BREAK)


LARGE = 150_000_000
"""Weights from which activations are computed again instead of kept: half the memory for a third more time."""


class Learner(nn.Module):
    """A base with a new language. `mode` says what moves: adapter and head; the last layers, too; or all."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        language: str,
        symbols: Sequence[str],
        *,
        mode: Mode,
        last_layers: int = 2,
        donor: tuple[Mapping[str, Tensor], Sequence[str]] | None = None,
        masks: tuple[float, int, float, int] = (0.08, 5, 0.04, 16),
        dropout: float = 0.1,
    ) -> None:
        """`symbols` are the letters; `donor` is another language's adapter with its vocabulary, to begin from.

        Raises
        ------
        ModelRefused
            `MODEL_NOT_HERE`: the base needs low-rank adapters, and peft is not installed.
        """
        super().__init__()
        self.built: Network = build(checkpoint, precision="fp32", device="cpu")
        self.network = self.built.module
        self.language = language
        self.mode = mode
        self.letters = tuple(symbols)
        letters = [*SPECIAL, *(s for s in symbols if s not in (BLANK, *SPECIAL))]
        self.blank = checkpoint.symbols.blank  # one for all languages of a base
        letters += [f"<unused{n}>" for n in range(self.blank - len(letters))]  # a short alphabet before a blank that stands far behind
        self.vocabulary = (*letters[: self.blank], BLANK, *letters[self.blank :])
        self.checkpoint = checkpoint
        self.half_precision = precision.has_bf16()
        tensors = _first_weights(checkpoint, self.vocabulary, donor)
        bank = self.built.bank
        bank.add(language, tensors)
        bank.use(language)
        _in_training(self.network, masks, dropout)
        if mode != "full" and hasattr(self.network, "freeze_feature_encoder"):
            self.network.freeze_feature_encoder()  # else transformers goes back through it, though nothing in it learns
        low = mode != "full" and not checkpoint.takes_adapters
        self.low_rank = inject(self.built, dropout=dropout) if low else None
        if sum(parameter.numel() for parameter in self.network.parameters()) > LARGE:
            self.network.activation_checkpointing_enable({"use_reentrant": False})
        adapters = [layer.adapter_layer for layer in bank.layers] if checkpoint.takes_adapters else []
        whole = {"adapter": [], "layers": list(bank.layers[-last_layers:]), "full": [self.network]}[mode]
        for module in (bank.head, *adapters, *whole):
            module.requires_grad_(True)
        for adapter in adapters:
            if adapter.silent:  # a layer that serves all languages goes on to do so
                adapter.requires_grad_(False)

    def prepared(self, signal: NDArray[Any]) -> NDArray[np.float32]:
        """Sound (samples,) in -1..1 as the base hears it: levelled, or as it is."""
        return levelled(signal) if self.checkpoint.features.do_normalize else np.asarray(signal, np.float32)

    def forward(self, inputs: Tensor) -> Tensor:
        """Log probabilities (frames, clips, symbols) of prepared sound (clips, samples), whole rows without padding."""
        named = self.built.inputs_of(list(inputs.numpy()), inputs.shape[1], masked=False)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half_precision and self.training):
            logits = self.network(**named).logits
        return F.log_softmax(logits.float(), -1).transpose(0, 1)

    def base_hash(self) -> str:
        """A hash over the weights that are not to move."""
        digest = hashlib.sha256()
        for name, parameter in self.network.named_parameters():
            if not parameter.requires_grad and ".adapter_layer." not in name and not is_low_rank(name):
                digest.update(name.encode())
                digest.update(parameter.detach().contiguous().numpy().tobytes())
        return digest.hexdigest()

    @property
    def output(self) -> Output:
        """What its emissions stand for."""
        return Output(language=self.language, symbols=self.vocabulary, blank=self.blank)

    def tensors(self) -> dict[str, Tensor]:
        """Adapter and head as `adapter.<lang>.safetensors` names them."""
        return {**self.built.bank.tensors(self.language), **learnt(self.network)}


def _first_weights(
    checkpoint: Checkpoint, vocabulary: Sequence[str], donor: tuple[Mapping[str, Tensor], Sequence[str]] | None
) -> dict[str, Tensor]:
    """Where learning begins: the donor's adapter, and of its head the rows of letters that both have; else small random numbers.

    A letter with marks that the donor lacks begins as its plain letter, a little less likely and not quite the same.
    """
    family = checkpoint.family
    head, bias = f"{family.head}.weight", f"{family.head}.bias"
    found: dict[str, Tensor] = {}
    for name, shape in expected_shapes(checkpoint.config, len(vocabulary), family).items():
        if name.endswith("norm.weight"):
            found[name] = torch.ones(shape)
        elif name.endswith("bias") or name.endswith("linear_2.weight"):
            found[name] = torch.zeros(shape)
        else:
            found[name] = torch.randn(shape) * 0.02
    if donor is None:
        for name, tensor in found.items():
            if name.endswith("linear_2.weight"):
                tensor.normal_(0, 1e-3)  # a layer whose adapter is zero counts as one that serves all languages
        return found
    tensors, symbols = donor
    place = _rows(symbols, checkpoint.symbols.blank)
    for name, tensor in tensors.items():
        if name not in (head, bias):
            found[name] = tensor.float()
    for row, symbol in enumerate(vocabulary):
        plain = unicodedata.normalize("NFD", symbol)[0]
        if place.get(symbol, len(tensors[head])) < len(tensors[head]):
            found[head][row] = tensors[head][place[symbol]].float()
            found[bias][row] = tensors[bias][place[symbol]].float()
        elif plain.isalpha() and place.get(plain, len(tensors[head])) < len(tensors[head]):
            found[head][row] = tensors[head][place[plain]].float() + 0.5 * found[head][row]
            found[bias][row] = tensors[bias][place[plain]].float() - 0.7
    return found


def _rows(symbols: Sequence[str], blank: int) -> dict[str, int]:
    """Rows of a donor's head by our symbols: the blank and the break between words may have other names there (`[PAD]`, `<s>`, `▁`)."""
    rows = {symbol: row for row, symbol in enumerate(symbols) if row != blank}
    return {**rows, BLANK: blank, **({WORD_BREAK: rows[PIECE]} if PIECE in rows and WORD_BREAK not in rows else {})}


def _in_training(network: Any, masks: tuple[float, int, float, int], dropout: float) -> None:
    """Masks over time and features while learning, dropout, and no layer left out."""
    config = getattr(network.config, "audio_config", network.config)
    config.apply_spec_augment = any(name.endswith("masked_spec_embed") for name, _ in network.named_parameters())
    config.mask_time_prob, config.mask_time_length, config.mask_feature_prob, config.mask_feature_length = masks
    for name in ("mask_time_min_masks", "mask_feature_min_masks"):
        if not hasattr(config, name):
            setattr(config, name, 0)  # read while masking, and left out of some configurations
    if hasattr(config, "layerdrop"):
        config.layerdrop = 0.0
    for module in network.modules():
        if isinstance(getattr(module, "layerdrop", None), float):
            module.layerdrop = 0.0  # Omnilingual's encoder has read it from its configuration already
        if isinstance(module, nn.Dropout):
            module.p = min(module.p, dropout) if module.p else dropout
