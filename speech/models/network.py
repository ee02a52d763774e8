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

from speech.files import shown
from speech.models import guard
from speech.models import precision as formats
from speech.models.banks import Bank
from speech.models.checkpoint import Checkpoint, compare_shapes
from speech.models.weights import canonical_name

Array = NDArray[np.float32]


class Network:
    """A CTC network with its bank of adapters; threads may run it side by side."""

    def __init__(self, module: Any, bank: Bank, *, device: str, dtype: torch.dtype) -> None:
        self.module = module
        self.bank = bank
        self.device = device
        self.dtype = dtype
        encoder = module.base_model.encoder
        self.layers = len(encoder.layers)
        self._wanted = _Wanted()
        for number, layer in enumerate(encoder.layers):
            layer.register_forward_pre_hook(self._keep_input(number), with_kwargs=True)
        encoder.layers[-1].register_forward_hook(self._keep_output)

    def run(self, inputs: Array, mask: NDArray[np.int64] | None, languages: Sequence[str], layer: int | None = None) -> tuple[Array, Any]:
        """Log probabilities (clips, frames, longest vocabulary) of a batch; with `layer`, its hidden states beside them.

        `inputs` are (clips, samples) or what else the front end takes; hidden states are (clips, frames, width), counted
        as transformers counts them: 0 is what the first layer gets, `layers` what the last one gives.
        """
        self.bank.use(languages)
        with self._wanted.layer(layer, alone=False) as kept, torch.inference_mode():
            logits = self.module(self._placed(inputs), attention_mask=self._mask(mask)).logits
            scores = torch.log_softmax(logits.float(), -1).cpu().numpy()
        return scores, kept.states()

    def hidden(self, inputs: Array, mask: NDArray[np.int64] | None, layer: int) -> Array:
        """Hidden states of a layer (clips, frames, width) without any adapter: the same for every language.

        Computes the front end and the layers below, and nothing above.
        """
        self.bank.use(None)
        with self._wanted.layer(layer, alone=True) as kept, torch.inference_mode():
            try:
                self.module(self._placed(inputs), attention_mask=self._mask(mask))
            except _Enough:
                pass
        states = kept.states()
        assert states is not None  # the layer's hook ended the pass
        return states

    def _placed(self, inputs: Array) -> torch.Tensor:
        return torch.from_numpy(inputs).to(self.device, self.dtype)

    def _mask(self, mask: NDArray[np.int64] | None) -> torch.Tensor | None:
        return None if mask is None else torch.from_numpy(mask).to(self.device)

    def _keep_input(self, number: int) -> Any:
        def hook(_layer: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
            self._wanted.offer(number, arguments[0] if arguments else named["hidden_states"])

        return hook

    def _keep_output(self, _layer: Any, _arguments: Any, output: Any) -> None:
        self._wanted.offer(self.layers, output[0] if isinstance(output, tuple) else output)


class _Enough(Exception):
    """The layer asked for is reached; what lies above is not computed."""


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
    from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

    with quiet():
        config = Wav2Vec2Config.from_pretrained(checkpoint.folder, local_files_only=True)
        with torch.device("meta"):
            due = {canonical_name(n): tuple(t.shape) for n, t in Wav2Vec2ForCTC(config).state_dict().items()}
        found = {canonical_name(n): e.shape for n, e in checkpoint.tensors.items()}
        for optional in ("wav2vec2.masked_spec_embed", "lm_head.weight", "lm_head.bias"):
            # The mask is for training; the head is exchanged with the adapter, whose own shape is checked.
            due.pop(optional, None)
            found.pop(optional, None)
        compare_shapes(found, due, shown(checkpoint.weights[0]))
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        module = Wav2Vec2ForCTC.from_pretrained(
            checkpoint.folder,
            config=config,
            local_files_only=True,
            use_safetensors=True,
            dtype=dtype,
            attn_implementation="sdpa",
            ignore_mismatched_sizes=True,
        )
    module.eval()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    torch.nn.utils.parametrize.remove_parametrizations(module.wav2vec2.encoder.pos_conv_embed.conv, "weight")
    if precision == "int8":
        module = formats.apply(module, "int8")
    bank = Bank(module, {})
    module.to(device=device, dtype=dtype)
    return Network(module, bank, device=device, dtype=dtype)


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
