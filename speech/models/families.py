"""The kinds of CTC checkpoint that can be heard, each by what its `config.json` states. Needs no torch.

A family says which class of transformers holds it, where its layers and its head are, and what its front end takes.
`FrontEnd` counts: samples between frames, samples of the first frame, frames of n samples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from speech.errors import ModelRefused

Inputs = Literal["samples", "log-mel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One class of transformers. `encoder` is the path of attributes to the module that holds `layers`, `head` the output layer."""

    model_type: str
    architecture: str
    encoder: str
    head: str = "lm_head"
    inputs: Inputs = "samples"
    adapters: bool = False
    """Whether its layers can hold attention adapters, exchanged by language."""
    mask: str = "attention_mask"
    channel_axis: bool = False
    """Whether samples come as (clips, 1, samples)."""
    quantises: bool = True
    """Whether its linear layers may be computed in int8; attention that reads their weights itself cannot."""
    masked_by_default: bool = False
    """Whether its feature extractor gives a mask where nothing is stated."""
    note: str = ""
    """What a person should know of the family."""

    @property
    def layers(self) -> str:
        """How the names of its layers' tensors begin."""
        return f"{self.encoder}.layers"


FAMILIES = {
    family.model_type: family
    for family in (
        Family(model_type="wav2vec2", architecture="Wav2Vec2ForCTC", encoder="wav2vec2.encoder", adapters=True, note="MMS, XLS-R, mini"),
        Family(model_type="hubert", architecture="HubertForCTC", encoder="hubert.encoder", adapters=True),
        Family(model_type="wavlm", architecture="WavLMForCTC", encoder="wavlm.encoder", quantises=False),
        Family(
            model_type="wav2vec2-bert", architecture="Wav2Vec2BertForCTC", encoder="wav2vec2_bert.encoder", inputs="log-mel",
            masked_by_default=True, note="w2v-BERT 2.0",
        ),
        Family(
            model_type="omniasr_ctc", architecture="OmniASRForCTC", encoder="model.audio_tower", head="ctc_head", mask="padding_mask",
            channel_axis=True, masked_by_default=True, note="Omnilingual ASR",
        ),
    )
}  # fmt: skip


def family_of(config: Mapping[str, Any], where: str) -> Family:
    """The family that a configuration names.

    Raises
    ------
    ModelRefused
        `MODEL_CONFIG`: none of ours, or a class that does not recognise by CTC.
    """
    family = FAMILIES.get(config.get("model_type", ""))
    if family is None or family.architecture not in (config.get("architectures") or [family.architecture]):
        known = ", ".join(f.architecture for f in FAMILIES.values())
        raise ModelRefused(
            where,
            f"this is {config.get('architectures')} of type {config.get('model_type')}, none of the kinds that can be heard ({known})",
            "Choose a checkpoint that recognises by CTC, such as facebook/mms-1b-all or hf-audio/omniasr-ctc-300m-v2",
            "MODEL_CONFIG",
        )
    return family


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontEnd:
    """Steps from samples to frames: kernel, stride and padding on each side, in order."""

    steps: tuple[tuple[int, int, int], ...]
    begins: int
    """How many of the steps belong to the front end proper; those after it follow the layers (`add_adapter`)."""

    @property
    def stride(self) -> int:
        """Samples between frames."""
        return math.prod(stride for _, stride, _ in self.steps)

    @property
    def reach(self) -> int:
        """Samples that give the first frame."""
        reach = 1
        for kernel, stride, _ in reversed(self.steps[: self.begins]):
            reach = (reach - 1) * stride + kernel
        return reach

    def frames(self, samples: int) -> int:
        """Frames that a clip of `samples` gives; fewer than `reach` give none."""
        if samples < self.reach:
            return 0
        for kernel, stride, padding in self.steps:
            samples = (samples + 2 * padding - kernel) // stride + 1
        return max(0, samples)


def front_end(family: Family, config: Mapping[str, Any], features: Mapping[str, Any]) -> FrontEnd:
    """The front end of a checkpoint; `features` is what its feature extractor's file states."""
    begins: tuple[tuple[int, int, int], ...]
    if family.inputs == "log-mel":
        # Windows of 25 ms each 10 ms; then so many of them side by side as one frame.
        side_by_side = int(features.get("stride", 2))
        begins = ((400, 160, 0), (side_by_side, side_by_side, 0))
    else:
        stated = config.get("audio_config", config)
        # As transformers has them where nothing is stated.
        kernels, strides = stated.get("conv_kernel", (10, 3, 3, 3, 3, 2, 2)), stated.get("conv_stride", (5, 2, 2, 2, 2, 2, 2))
        begins = tuple((int(k), int(s), 0) for k, s in zip(kernels, strides, strict=True))
    after: tuple[tuple[int, int, int], ...] = ()
    if config.get("add_adapter"):
        stride = int(config.get("adapter_stride", 2))
        kernel = int(config.get("adapter_kernel_size", 3)) if family.inputs == "log-mel" else 1
        after = ((kernel, stride, kernel // 2),) * int(config.get("num_adapter_layers", 3))
    return FrontEnd(steps=begins + after, begins=len(begins))


def width_of(config: Mapping[str, Any]) -> int:
    """The width of the layers' hidden states.

    Raises
    ------
    ModelRefused
        `MODEL_CONFIG`: it is not stated.
    """
    return _stated(config, "hidden_size")


def layers_of(config: Mapping[str, Any]) -> int:
    """How many layers there are; refused as `width_of` where it is not stated."""
    return _stated(config, "num_hidden_layers")


def _stated(config: Mapping[str, Any], name: str) -> int:
    value = config.get("audio_config", config).get(name)
    if not isinstance(value, int):
        raise ModelRefused(
            "config.json", f"it states no {name}", "Save the model anew with transformers: model.save_pretrained(FOLDER)", "MODEL_CONFIG"
        )
    return value
