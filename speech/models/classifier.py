"""Checkpoints that name what a clip is, not what is said in it: `Wav2Vec2ForSequenceClassification`, as MMS-LID has it.

A folder in the Hugging Face layout is checked as those of recognisers are (`checkpoint`, `weights`): safetensors only, whole, every
tensor accounted for, nothing newly initialised, no connection. The network is transformers' own class. Needs no vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech.errors import ModelRefused
from speech.files import shown
from speech.models import hub
from speech.models.checkpoint import RATE, compare_shapes, inside, json_of, stated_features, weight_files
from speech.models.families import FrontEnd
from speech.models.memory import require_memory
from speech.models.recogniser import LoadSettings
from speech.models.weights import Entry, canonical_name, content_sha256, entries

ARCHITECTURE = "Wav2Vec2ForSequenceClassification"

Samples = NDArray[np.float32]
Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierCheckpoint:
    """What a folder holds: `labels` by number, as its config.json names them; whether clips are levelled, and heard under a mask."""

    folder: Path
    name: str
    config: Mapping[str, Any]
    weights: tuple[Path, ...]
    tensors: Mapping[str, Entry]
    labels: tuple[str, ...]
    levelled: bool
    masked: bool
    reach: int
    """Samples that the first frame needs."""


def is_classifier(name: str) -> bool:
    """Whether a model named as on the command line is a checkpoint of this kind; False where it is not on this machine.

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE`, and `MODEL_CONFIG` where its config.json cannot be read.
    """
    return name != hub.MINI and ARCHITECTURE in (json_of(hub.resolve(name) / "config.json", hub.resolve(name)).get("architectures") or ())


def open_classifier(folder: Path) -> ClassifierCheckpoint:
    """The checkpoint in `folder`, its files checked before a tensor is loaded.

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE`, `MODEL_CONFIG` (another kind of model, labels that are not numbered through), `MODEL_RATE`, `PATH_LINK`,
        and the codes of `speech.models.weights`.
    """
    where = shown(folder / "config.json")
    config = json_of(folder / "config.json", folder)
    if ARCHITECTURE not in (config.get("architectures") or ()):
        raise ModelRefused(
            where,
            f"this is {config.get('architectures')}, not {ARCHITECTURE}",
            "Choose a model that names languages, such as facebook/mms-lid-126",
            "MODEL_CONFIG",
        )
    weights = weight_files(folder)
    tensors: dict[str, Entry] = {}
    for path in weights:
        tensors.update(entries(inside(path, folder)))
    stated = stated_features(folder)
    rate = stated.get("sampling_rate", RATE)
    if rate != RATE:
        raise ModelRefused(
            shown(folder),
            f"this model hears {rate} samples a second; recordings are heard at {RATE}",
            "Choose a model that was trained at 16 kHz",
            "MODEL_RATE",
        )
    kernels, strides = config.get("conv_kernel", (10, 3, 3, 3, 3, 2, 2)), config.get("conv_stride", (5, 2, 2, 2, 2, 2, 2))
    return ClassifierCheckpoint(
        folder=folder,
        name=folder.name,
        config=config,
        weights=weights,
        tensors=tensors,
        labels=_labels(config, where),
        levelled=bool(stated.get("do_normalize", True)),
        masked=bool(stated.get("return_attention_mask", config.get("feat_extract_norm") == "layer")),
        reach=_reach(kernels, strides, where),
    )


def _labels(config: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """The labels by number."""
    table = config.get("id2label")
    try:
        found = {int(number): str(label) for number, label in table.items()} if isinstance(table, dict) else {}
    except ValueError:
        found = {}
    if not found or sorted(found) != list(range(len(found))) or len(set(found.values())) != len(found):
        raise ModelRefused(
            where,
            "its id2label does not number labels through from 0, each once",
            "Fetch config.json from the model's source",
            "MODEL_CONFIG",
        )
    return tuple(found[number] for number in range(len(found)))


def _reach(kernels: Any, strides: Any, where: str) -> int:
    try:
        steps = tuple((int(k), int(s), 0) for k, s in zip(kernels, strides, strict=True))
    except (TypeError, ValueError) as error:
        raise ModelRefused(
            where, f"its front end is described badly ({error})", "Fetch config.json from the model's source", "MODEL_CONFIG"
        ) from error
    return FrontEnd(steps=steps, begins=len(steps)).reach


class Classifier:
    """A checkpoint's network in memory."""

    def __init__(self, checkpoint: ClassifierCheckpoint, settings: LoadSettings | None = None) -> None:
        """Load the network, every tensor accounted for.

        Raises
        ------
        ModelRefused
            `MODEL_SHAPE`, `MODEL_NONFINITE`.
        MemoryFailure
            `MODEL_MEMORY`: found before a tensor is loaded.
        """
        import torch

        from speech.models import device, guard
        from speech.models import precision as formats

        settings = settings or LoadSettings()
        self.checkpoint = checkpoint
        self.name = checkpoint.name
        self.labels = checkpoint.labels
        self.device = device.choose(settings.device)
        self.threads = settings.threads
        # A network of other makers, heard a piece at a time: nothing is gained by int8, and no parity is promised with it.
        self.precision: str = formats.choose("fp32" if settings.precision == "int8" else settings.precision, self.device)
        require_memory(checkpoint.name, sum(math.prod(e.shape) for e in checkpoint.tensors.values()), self.precision)
        self.sha256 = content_sha256([(path, entries(path)) for path in checkpoint.weights], rename=canonical_name)
        if settings.threads:
            torch.set_num_threads(settings.threads)
        guard.load()
        self._network = self._built()

    def _built(self) -> Any:
        import torch
        import transformers

        from speech.models.network import quiet

        checkpoint = self.checkpoint
        kind = getattr(transformers, ARCHITECTURE)
        with quiet():
            config = transformers.AutoConfig.from_pretrained(checkpoint.folder, local_files_only=True)
            with torch.device("meta"):
                due = {canonical_name(n): tuple(t.shape) for n, t in kind(config).state_dict().items()}
            found = {canonical_name(n): e.shape for n, e in checkpoint.tensors.items()}
            for table in (due, found):
                for name in [n for n in table if n.endswith("masked_spec_embed")]:
                    del table[name]
            compare_shapes(found, due, shown(checkpoint.weights[0]))
            dtype = torch.bfloat16 if self.precision == "bf16" else torch.float32
            module = kind.from_pretrained(
                checkpoint.folder, config=config, local_files_only=True, use_safetensors=True, dtype=dtype, attn_implementation="sdpa"
            )
        return module.eval().requires_grad_(False).to(self.device)

    def logits(self, clip: Samples) -> Logits:
        """Unnormalised log odds (labels,) of one clip at 16 kHz of any level; a clip shorter than its first frame is heard with silence."""
        import torch

        clip = np.asarray(clip, np.float32)
        if len(clip) < self.checkpoint.reach:
            clip = np.pad(clip, (0, self.checkpoint.reach - len(clip)))
        if self.checkpoint.levelled:
            clip = (clip - clip.mean()) / np.sqrt(clip.var() + 1e-7)  # as transformers' feature extractor does
        values = torch.from_numpy(clip)[None].to(self.device, self._network.dtype)
        inputs = {"input_values": values}
        if self.checkpoint.masked:
            inputs["attention_mask"] = torch.ones(values.shape, dtype=torch.long, device=self.device)
        with torch.inference_mode():
            return np.asarray(self._network(**inputs).logits[0].float().cpu().numpy())


def load_classifier(name: str, settings: LoadSettings | None = None) -> Classifier:
    """The classifier of a model named as on the command line."""
    return Classifier(open_classifier(hub.resolve(name)), settings)
