"""The network of a checkpoint, built by transformers' own loading, with a bank of adapters, on one device.

`build` accounts for every tensor; nothing is ever newly initialised. `Network.run` is one batch: inputs and a mask in,
log probabilities out, and on request what a layer gives (hidden states).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from speech.errors import UsageFailure
from speech.files import shown
from speech.models import guard
from speech.models import precision as formats
from speech.models.banks import Bank
from speech.models.checkpoint import RATE, Checkpoint, compare_shapes
from speech.models.families import Family
from speech.models.weights import canonical_name

Array = NDArray[np.float32]


class Network:
    """A CTC network with its bank of adapters; threads may run it side by side."""

    def __init__(self, module: Any, bank: Bank, family: Family, *, device: str, dtype: torch.dtype, extractor: Any = None) -> None:
        self.module = module
        self.bank = bank
        self.family = family
        self.device = device
        self.dtype = dtype
        self.layers = len(bank.layers)
        self._extractor = extractor
        self._wanted = _Wanted()
        self._spread = _Spread()
        for number, layer in enumerate(bank.layers):
            layer.register_forward_pre_hook(self._spread_at(number), with_kwargs=True)
            layer.register_forward_pre_hook(self._keep_input(number), with_kwargs=True)
        bank.layers[-1].register_forward_hook(self._keep_output)

    def run(
        self, clips: Sequence[Array], languages: Sequence[str], *, length: int, masked: bool, layer: int | None = None
    ) -> tuple[Array, Array | None]:
        """Log probabilities (clips, frames, longest vocabulary) of a batch; with `layer`, its hidden states beside them.

        Clips are padded to `length` samples, under a mask where `masked`. Hidden states are (clips, frames, width), counted
        as transformers counts them: 0 is what the first layer gets, `layers` what the last one gives. A clip that is there in
        several languages (the same array) passes the front end and the layers without adapters once.
        """
        distinct, rows = self._distinct(clips)
        inputs = self.inputs_of(distinct, length, masked)
        self.bank.use(languages)
        with self._spread.over(rows, self.bank.common_layers, self.device), self._wanted.layer(layer, alone=False) as kept:
            with torch.inference_mode():
                scores = torch.log_softmax(self.module(**inputs).logits.float(), -1).cpu().numpy()
            states = kept.states()
        if states is not None and rows is not None and len(states) < len(clips):
            states = states[rows]
        return scores, states

    def hidden(self, clips: Sequence[Array], *, length: int, masked: bool, layer: int) -> Array:
        """Hidden states of a layer (clips, frames, width) without any adapter: the same for every language.

        Computes the front end and the layers below, and nothing above.
        """
        inputs = self.inputs_of(clips, length, masked)
        self.bank.use(None)
        with self._wanted.layer(layer, alone=True) as kept, torch.inference_mode():
            try:
                self.module(**inputs)
            except _Enough:
                pass
        states = kept.states()
        assert states is not None  # the layer's hook ended the pass
        return states

    def _distinct(self, clips: Sequence[Array]) -> tuple[Sequence[Array], list[int] | None]:
        """Clips, each once, and which of them each clip is; None where all differ, or where layers do not take rows as ours do."""
        place_by_id: dict[int, int] = {}
        rows = [place_by_id.setdefault(id(clip), len(place_by_id)) for clip in clips]
        if len(place_by_id) == len(clips) or not self.family.adapters:
            return clips, None
        return [clips[rows.index(n)] for n in range(len(place_by_id))], rows

    def inputs_of(self, clips: Sequence[Array], length: int, masked: bool) -> dict[str, torch.Tensor]:
        """What the module is called with, for clips padded to `length` samples."""
        if self._extractor is not None:
            made = self._extractor([np.asarray(clip) for clip in clips], sampling_rate=RATE, return_tensors="np")
            features = torch.from_numpy(made["input_features"]).to(self.device, self.dtype)
            mask = torch.from_numpy(np.asarray(made["attention_mask"], np.int64)).to(self.device)
            return {"input_features": features, self.family.mask: mask}
        samples = np.zeros((len(clips), length), np.float32)
        present = np.zeros((len(clips), length), np.int64)
        for row, clip in enumerate(clips):
            samples[row, : len(clip)] = clip
            present[row, : len(clip)] = 1
        values = torch.from_numpy(samples).to(self.device, self.dtype)
        inputs = {"input_values": values[:, None] if self.family.channel_axis else values}
        if masked:
            inputs[self.family.mask] = torch.from_numpy(present).to(self.device)
        return inputs

    def _spread_at(self, number: int) -> Any:
        def hook(_layer: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
            return self._spread.offered(number, arguments, named)

        return hook

    def _keep_input(self, number: int) -> Any:
        def hook(_layer: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
            self._wanted.offer(number, arguments[0] if arguments else named["hidden_states"])

        return hook

    def _keep_output(self, _layer: Any, _arguments: Any, output: Any) -> None:
        self._wanted.offer(self.layers, output[0] if isinstance(output, tuple) else output)


class _Enough(Exception):
    """The layer asked for is reached; what lies above is not computed."""


class _Spread(threading.local):
    """Where, in this thread's running pass, clips become one row for each language in which they are heard."""

    def __init__(self) -> None:
        self.rows: torch.Tensor | None = None
        self.at = 0

    @contextmanager
    def over(self, rows: Sequence[int] | None, at: int, device: str) -> Iterator[None]:
        """While it lasts, layers from `at` on get the clips `rows`."""
        self.rows, self.at = None if rows is None else torch.tensor(rows, device=device), at
        try:
            yield
        finally:
            self.rows = None

    def offered(self, number: int, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What a layer is called with: hidden states spread once, at `at`; the mask, which each layer gets anew, at each from there on."""
        rows = self.rows
        if rows is None or number < self.at:
            return arguments, named
        named = {name: value if name == "hidden_states" or not _by_clip(value) else value[rows] for name, value in named.items()}
        first, others = arguments[:1], [value[rows] if _by_clip(value) else value for value in arguments[1:]]
        if number == self.at:
            first = tuple(value[rows] for value in first)
            named |= {name: value[rows] for name, value in named.items() if name == "hidden_states"}
        return (*first, *others), named


def _by_clip(value: Any) -> bool:
    """Whether a layer's argument is the mask: the only tensor beside hidden states that it gets, a row a clip."""
    return isinstance(value, torch.Tensor)


class _Wanted(threading.local):
    """The layer whose states this thread wants of its running pass."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.alone = False
        self.kept: torch.Tensor | None = None

    @contextmanager
    def layer(self, number: int | None, *, alone: bool) -> Iterator[_Wanted]:
        """While it lasts, states of layer `number` are kept; `alone` ends the pass there."""
        self.number, self.alone, self.kept = number, alone, None
        try:
            yield self
        finally:
            self.number = None

    def offer(self, number: int, states: torch.Tensor) -> None:
        """Keep states where they are those wanted."""
        if number == self.number:
            self.kept = states
            if self.alone:
                raise _Enough

    def states(self) -> Array | None:
        """What was kept, as an array; let go here."""
        kept, self.kept = self.kept, None
        return None if kept is None else kept.float().cpu().numpy()


def build(checkpoint: Checkpoint, *, precision: str, device: str) -> Network:
    """The network of a checkpoint with an empty bank, every tensor accounted for.

    Raises
    ------
    ModelRefused
        `MODEL_SHAPE`: all tensors that are missing, surplus, or of another shape than config.json asks.
    """
    guard.load()
    import transformers

    family = checkpoint.family
    if precision == "int8" and not family.quantises:
        raise UsageFailure("--precision int8", f"{family.architecture} cannot be computed in it", "Use --precision auto", "PRECISION")
    kind = getattr(transformers, family.architecture)
    with quiet():
        config = transformers.AutoConfig.from_pretrained(checkpoint.folder, local_files_only=True)
        with torch.device("meta"):
            due = {canonical_name(n): tuple(t.shape) for n, t in kind(config).state_dict().items()}
        found = {canonical_name(n): e.shape for n, e in checkpoint.tensors.items()}
        for name in [n for n in (*due, *found) if _exchanged(n, family)]:
            due.pop(name, None)
            found.pop(name, None)
        compare_shapes(found, due, shown(checkpoint.weights[0]))
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        module = kind.from_pretrained(
            checkpoint.folder,
            config=config,
            local_files_only=True,
            use_safetensors=True,
            dtype=dtype,
            attn_implementation="sdpa" if kind._supports_sdpa else "eager",
            ignore_mismatched_sizes=True,
        )
        extractor = None
        if family.inputs == "log-mel":
            extractor = transformers.AutoFeatureExtractor.from_pretrained(checkpoint.folder, local_files_only=True)
    module.eval()
    for part in module.modules():
        if torch.nn.utils.parametrize.is_parametrized(part, "weight"):
            # Computed once, not at each batch; before the freezing, since what asks for no gradient becomes a buffer, which cannot learn.
            torch.nn.utils.parametrize.remove_parametrizations(part, "weight")
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    if precision == "int8":
        module = formats.apply(module, "int8")
    bank = Bank(module, {}, family)
    module.to(device=device, dtype=dtype)
    return Network(module, bank, family, device=device, dtype=dtype, extractor=extractor)


def _exchanged(name: str, family: Family) -> bool:
    """Whether a tensor may be lacking or of another shape: the mask is for training, adapters and head come with a language."""
    return name.endswith("masked_spec_embed") or ".adapter_layer." in name or name.startswith(f"{family.head}.")


@contextmanager
def quiet() -> Iterator[None]:
    """transformers' bars and notices off: our streams are read by programs."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
