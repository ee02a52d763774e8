"""Low-rank adapters, learnt through peft, for bases whose layers hold none: XLS-R, w2v-BERT, Omnilingual and others.

Every linear module of the layers gets one (Dettmers et al. 2023, arXiv:2305.14314, found that all of them count more than the rank).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from speech.errors import ModelRefused
from speech.models.cards import LowRank
from speech.models.checkpoint import DOWN, UP
from speech.models.lowrank import modules_of
from speech.models.network import Network

RANK, ALPHA = 16, 32


def inject(built: Network, *, dropout: float) -> LowRank:
    """Put low-rank adapters into a network's layers: they alone of it ask for a gradient then; their form.

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE`: peft is not installed.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise ModelRefused(
            f"peft, for adapting {built.family.architecture}",
            "the layers of this base hold no adapters; low-rank ones are learnt through peft, which is not installed",
            "pip install 'oral-speech[adapt]', or take a base with adapters, such as mini",
            "MODEL_NOT_HERE",
        ) from error
    found = modules_of(built.bank.layers, built.family.layers, whole=built.family.quantises)
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=dropout, target_modules=list(found), bias="none")
    inject_adapter_in_model(config, built.module)
    return LowRank(rank=RANK, alpha=ALPHA, targets=tuple(sorted({name.rpartition(".")[2] for name in found})))


def learnt(module: Any) -> dict[str, Tensor]:
    """The matrices (views) as `adapter.<lang>.safetensors` names them."""
    names = {".lora_A.default.weight": DOWN, ".lora_B.default.weight": UP}
    return {
        name.replace(inner, f".{kept}"): parameter.detach()
        for name, parameter in module.named_parameters()
        for inner, kept in names.items()
        if name.endswith(inner)
    }


def is_low_rank(name: str) -> bool:
    """Whether a parameter belongs to a low-rank adapter."""
    return ".lora_A." in name or ".lora_B." in name
