"""Emissions from samples: a `Wav2Vec2ForCTC` with its adapters in memory, fed in batches of a few fixed shapes.

The network is transformers' own class and its own loading; what is ours is how it is fed: adapters of a batch
are gathered per clip (`banks`), clips are padded to a fixed set of lengths under a mask, weight norm is computed
once, and gradients are off. `Recogniser` is the seam behind which other encoders can stand.
"""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from speech import languages
from speech.errors import Finding, MemoryFailure, ModelRefused, SpeechError
from speech.files import shown
from speech.models import hub
from speech.models.cards import Calibration
from speech.models.checkpoint import Adapter, Checkpoint, base_sha256, compare_shapes, no_language, open_adapter, open_checkpoint

Samples = NDArray[np.float32]
Emissions = NDArray[np.float32]

SHAPES_S = (*(0.5 * n for n in range(1, 21)), 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 18.0, 20.0, 24.0, 30.0, 40.0)
"""Lengths that clips are padded to, in seconds: few, so that the processor's kernels are set up once for each."""

SMALL = 50_000_000
"""Weights up to which one batch a core beats one batch on all cores (see `workers`)."""


class Recogniser(Protocol):
    """What the verbs need of any encoder."""

    name: str
    sample_rate: int
    stride: int
    reach: int

    def emissions(self, clips: Sequence[Samples], languages: Sequence[str]) -> list[Emissions]:
        """Natural-log probabilities (frames, vocabulary of its language) for each clip, levelled to unit power."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSettings:
    """How a checkpoint is opened. `threads` is the number of cores to use; 0 leaves torch's own number."""

    precision: str = "auto"
    threads: int = 0
    adapter: Path | None = None
    collection: Path | None = None


class Wav2Vec2Recogniser:
    """A checkpoint's network with the adapters asked for so far, all in memory."""

    def __init__(self, checkpoint: Checkpoint, settings: LoadSettings | None = None) -> None:
        """Load the base; adapters come with `use`.

        Raises
        ------
        ModelRefused
            `MODEL_SHAPE`, `MODEL_NONFINITE`, `MODEL_NOT_HERE` and what `open_checkpoint` refuses.
        MemoryFailure
            `MODEL_MEMORY`: found before a tensor is loaded.
        """
        from speech.models import precision as formats

        self.checkpoint = checkpoint
        self.settings = settings or LoadSettings()
        self.name = checkpoint.name
        self.sample_rate = checkpoint.features.sample_rate
        self.stride = checkpoint.stride
        self.reach = checkpoint.least_samples
        self.precision = formats.choose(self.settings.precision)
        require_memory(checkpoint, self.precision)
        self.base_sha256 = base_sha256(checkpoint)
        self.adapters: dict[str, Adapter] = {}
        self._network, self._bank = _build(checkpoint, self.settings, self.precision)
        from speech.models.workers import shared

        self._workers = shared(self.settings.threads if _weights(checkpoint) <= SMALL else 1)
        self._lock = threading.Lock()

    def use(self, language: str) -> Adapter:
        """The adapter of `language`, loaded and verified on first use; afterwards a look-up.

        Raises
        ------
        ModelRefused
            `MODEL_LANGUAGE` with the nearest codes, `LANGUAGE_CODE`, and what `open_adapter` refuses.
        """
        if language in self.adapters:
            return self.adapters[language]
        languages.check_code(language)
        with self._lock:  # another thread may have brought it meanwhile
            return self.adapters.get(language) or self._bring(language)

    def _bring(self, language: str) -> Adapter:
        checkpoint = self.checkpoint
        places = hub.adapter_places(
            language, self.base_sha256, flag=self.settings.adapter, collection=self.settings.collection, package=checkpoint.folder
        )
        path = next((p for p in places if p.exists()), None)
        if path is None:
            if not checkpoint.adapters and checkpoint.vocabularies:
                return self._own_head(language)
            raise no_language(language, self.languages(), f"{self.name}, --language {language}", [shown(p.parent) for p in places])
        own = path.parent == checkpoint.folder
        adapter = open_adapter(
            checkpoint,
            path,
            language,
            base_hash=self.base_sha256,
            symbols=checkpoint.vocabularies.get(language, ()) or None if own else None,
        )
        from safetensors.torch import load_file

        self._bank.add(language, load_file(path))
        self.adapters[language] = adapter
        return adapter

    def _own_head(self, language: str) -> Adapter:
        """A fine-tuned folder without adapters: its one head serves the language asked for."""
        from safetensors import safe_open

        symbols = next(iter(self.checkpoint.vocabularies.values()))
        tensors: dict[str, Any] = {}
        for path in self.checkpoint.weights:
            with safe_open(path, framework="pt") as file:
                tensors |= {name: file.get_tensor(name) for name in file.keys() if name.startswith("lm_head.")}
        if len(tensors.get("lm_head.weight", ())) != len(symbols):
            raise ModelRefused(
                self.name,
                f"the head does not have the vocabulary's {len(symbols)} rows",
                "Fetch weights and vocab.json from the same place",
                "MODEL_VOCAB",
            )
        self._bank.add(language, tensors)
        adapter = Adapter(language=language, path=self.checkpoint.weights[0], card=None, symbols=symbols, tensor_sha256=self.base_sha256)
        self.adapters[language] = adapter
        return adapter

    def languages(self) -> list[str]:
        """Codes with an adapter beside the base or in the user's folder for this base."""
        kept = hub.user_folder() / "adapters" / self.base_sha256[:16]
        here = {p.name[len("adapter.") : -len(".safetensors")] for p in kept.glob("adapter.*.safetensors")} if kept.is_dir() else set()
        return sorted(set(self.checkpoint.adapters) | here)

    def calibration(self, language: str) -> Calibration:
        """How raw confidences of `language` map to the share that is right; empty where nothing was fitted."""
        card = self.use(language).card
        return card.calibration if card else Calibration()

    def findings(self, language: str) -> tuple[Finding, ...]:
        """What a person should know of the adapter in use."""
        return self.use(language).findings

    def emissions(self, clips: Sequence[Samples], languages: Sequence[str]) -> list[Emissions]:
        """Log probabilities for clips of any lengths and languages, as one batch.

        Clips are float32 at `sample_rate`, levelled (see `Levelled` of the verb). Each gets exactly the frames that
        the front end makes of its own length: padding is masked and cut off. Clips shorter than `reach` get none.
        """
        import torch

        rows = [n for n, clip in enumerate(clips) if len(clip) >= self.reach]
        out: list[Emissions] = [np.zeros((0, len(self.use(code).symbols)), np.float32) for code in languages]
        if not rows:
            return out
        masked = self.checkpoint.features.return_attention_mask
        groups = [rows] if masked else _equal_lengths(rows, clips)
        for group in groups:
            length = padded_samples(max(len(clips[n]) for n in group), self.sample_rate) if masked else len(clips[group[0]])
            inputs = np.zeros((len(group), length), np.float32)
            mask = np.zeros((len(group), length), np.int64)
            for row, n in enumerate(group):
                inputs[row, : len(clips[n])] = clips[n]
                mask[row, : len(clips[n])] = 1
            self._bank.use([languages[n] for n in group])
            with torch.inference_mode():
                logits = self._network(
                    torch.from_numpy(inputs).to(self._dtype), attention_mask=torch.from_numpy(mask) if masked else None
                ).logits
                scores = torch.log_softmax(logits.float(), -1).numpy()
            for row, n in enumerate(group):
                out[n] = scores[row, : self.checkpoint.frames(len(clips[n])), : len(self.use(languages[n]).symbols)]
        return out

    def stream(self, batches: Iterable[Sequence[Samples]], language: str) -> Iterator[list[Emissions]]:
        """Emissions of each batch, in order; a small network computes as many batches at once as there are cores.

        What a clip gives depends on its batch alone (in the last digits), never on what else is computed meanwhile.
        """
        return self._workers.map(lambda clips: self.emissions(clips, [language] * len(clips)), batches)

    @property
    def _dtype(self) -> Any:
        import torch

        return torch.bfloat16 if self.precision == "bf16" else torch.float32


def _equal_lengths(rows: Sequence[int], clips: Sequence[Samples]) -> list[list[int]]:
    groups: dict[int, list[int]] = {}
    for n in rows:
        groups.setdefault(len(clips[n]), []).append(n)
    return list(groups.values())


def padded_samples(length: int, rate: int) -> int:
    """The fixed length that `length` samples are padded to; beyond the longest, whole multiples of 10 s."""
    for seconds in SHAPES_S:
        if length <= seconds * rate:
            return int(seconds * rate)
    step = 10 * rate
    return -(-length // step) * step


def load(name: str, settings: LoadSettings | None = None) -> Wav2Vec2Recogniser:
    """The recogniser of a model named as on the command line."""
    return Wav2Vec2Recogniser(open_checkpoint(hub.resolve(name)), settings)


def _build(checkpoint: Checkpoint, settings: LoadSettings, precision: str) -> tuple[Any, Any]:
    """The network by transformers' own loading, every tensor accounted for, with an empty bank of adapters."""
    import torch

    from speech.models import guard

    guard.load()
    from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

    from speech.models import precision as formats
    from speech.models.banks import Bank
    from speech.models.weights import canonical_name

    if settings.threads:
        torch.set_num_threads(settings.threads)
    with _quiet():
        config = Wav2Vec2Config.from_pretrained(checkpoint.folder, local_files_only=True)
        with torch.device("meta"):
            due = {canonical_name(n): tuple(t.shape) for n, t in Wav2Vec2ForCTC(config).state_dict().items()}
        found = {canonical_name(n): e.shape for n, e in checkpoint.tensors.items()}
        for optional in ("wav2vec2.masked_spec_embed", "lm_head.weight", "lm_head.bias"):
            # The mask is for training; the head is exchanged with the adapter, whose own shape is checked.
            due.pop(optional, None)
            found.pop(optional, None)
        compare_shapes(found, due, shown(checkpoint.weights[0]))
        network = Wav2Vec2ForCTC.from_pretrained(
            checkpoint.folder,
            config=config,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.bfloat16 if precision == "bf16" else torch.float32,
            attn_implementation="sdpa",
            ignore_mismatched_sizes=True,
        )
    network.eval()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    torch.nn.utils.parametrize.remove_parametrizations(network.wav2vec2.encoder.pos_conv_embed.conv, "weight")
    network = formats.apply(network, "fp32" if precision == "bf16" else precision)  # type: ignore[arg-type]  # bf16 was loaded as such
    bank = Bank(network, {})
    network.to(torch.bfloat16 if precision == "bf16" else torch.float32)
    return network, bank


@contextmanager
def _quiet() -> Iterator[None]:
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


def _weights(checkpoint: Checkpoint) -> int:
    return sum(int(np.prod(e.shape)) for e in checkpoint.tensors.values())


class Later:
    """A recogniser that is loaded when it is first asked for, once for all threads.

    What stands against it is kept, so that further recordings meet it before they are read.
    """

    def __init__(self, name: str, settings: LoadSettings, language: str) -> None:
        self.settings = settings
        self._name, self._language = name, language
        self._lock = threading.Lock()
        self._model: Wav2Vec2Recogniser | None = None
        self._against: SpeechError | None = None
        try:
            hub.resolve(name)
        except SpeechError as error:
            self._against = error

    def check(self) -> None:
        """Raise what is known to stand against loading; nothing is loaded."""
        if self._against:
            raise copy.copy(self._against)  # one object raised again and again would gather traces

    def __call__(self) -> Wav2Vec2Recogniser:
        """The model, with the language's adapter."""
        with self._lock:
            self.check()
            if self._model is None:
                try:
                    model = load(self._name, self.settings)
                    model.use(self._language)
                except SpeechError as error:
                    self._against = copy.copy(error)
                    raise
                self._model = model
            return self._model


def free_memory() -> int | None:
    """Bytes that a program may still take, or None where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None


def require_memory(checkpoint: Checkpoint, precision: str, free: Callable[[], int | None] = free_memory) -> None:
    """Refuse a model that will not fit, before loading it.

    Raises
    ------
    MemoryFailure
        `MODEL_MEMORY`: what is needed (weights, plus a fifth and 300 MB to work in) and what is free.
    """
    numbers = _weights(checkpoint)
    need = int(numbers * (2 if precision == "bf16" else 4) * 1.2) + 300_000_000
    here = free()
    if here is not None and here < need:
        raise MemoryFailure(
            checkpoint.name,
            f"{numbers / 1e6:.0f} million weights in {precision} need about {need / 1e9:.1f} GB, {here / 1e9:.1f} GB are free",
            f"Close other programs, or choose a smaller model (--model {hub.MINI})",
            "MODEL_MEMORY",
        )
