"""Emissions from samples: the seam on which every verb is typed, and the CTC networks of transformers behind it.

`Recogniser` is the seam. `CtcRecogniser` is a checkpoint's network with its adapters in memory: transformers' own class
and loading (`network`), adapters of a batch gathered per clip (`banks`), clips padded to a fixed set of lengths under a
mask. How a recording is cut, levelled, batched and joined stands in `encoder`.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from speech import languages
from speech.errors import Finding, ModelRefused, PathRefused
from speech.files import check_readable, is_folder, shown
from speech.models import hub
from speech.models.cards import Calibration
from speech.models.checkpoint import (
    RATE,
    Adapter,
    Checkpoint,
    base_sha256,
    compare_shapes,
    expected_shapes,
    no_language,
    open_adapter,
    open_checkpoint,
    uncarded,
)
from speech.models.ctc import is_special
from speech.models.families import width_of
from speech.models.memory import require_memory
from speech.models.once import Once
from speech.models.weights import tensors_of
from speech.text import in_capitals

Samples = NDArray[np.float32]
Emissions = NDArray[np.float32]
States = NDArray[np.float32]
Batch = Sequence[tuple[Samples, str]]
"""Clips with the language of each."""

SHAPES_S = (*(0.5 * n for n in range(1, 21)), 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 18.0, 20.0, 24.0, 30.0, 40.0)
"""Lengths that clips are padded to, in seconds: few, so that the processor's kernels are set up once for each."""

SMALL = 50_000_000
"""Weights up to which one batch a core beats one batch on all cores (see `workers`)."""


class Encoding(NamedTuple):
    """What the network makes of one clip: emissions (frames, vocabulary), and hidden states (frames, width) where asked for."""

    emissions: Emissions
    hidden: States | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenStates:
    """Which hidden states are wanted beside the emissions.

    `layer` counts as transformers does: 0 is what the first layer gets, the number of layers what the last one gives.
    With `adapters` they are those of the running pass, in each clip's language, and cost nothing. Without, they are
    the same for every language: from the running pass up to the recogniser's `common_layers`, above that from a second
    pass, which costs the front end and `layer` layers once more (`Recogniser.passes` tells).
    """

    layer: int
    adapters: bool = False


class Recogniser(Protocol):
    """What the verbs need of any encoder. Emissions are natural-log probabilities (frames, vocabulary of the language)."""

    name: str
    base_sha256: str
    sample_rate: int
    stride: int
    """Samples from one frame to the next."""
    reach: int
    """Samples that the first frame needs."""
    levelled: bool
    """Whether it hears speech brought to unit power, or samples as they are."""
    device: str
    precision: str
    threads: int
    """Cores to use; 0 where it is left to torch."""
    layers: int
    width: int
    """Of hidden states."""

    def frames(self, samples: int) -> int:
        """Frames that a clip of so many samples gives."""
        ...

    def languages(self) -> list[str]:
        """Codes that can be heard."""
        ...

    def use(self, language: str) -> Adapter:
        """Make sure that `language` can be heard; what is known of its adapter."""
        ...

    def symbols(self, language: str) -> tuple[str, ...]:
        """The vocabulary of a language, by number."""
        ...

    def blank(self, language: str) -> int:
        """The blank's number."""
        ...

    def calibration(self, language: str) -> Calibration:
        """How raw confidences map to the share that is right."""
        ...

    def findings(self, language: str) -> tuple[Finding, ...]:
        """What a person should know of what is used."""
        ...

    def passes(self, hidden: HiddenStates | None) -> int:
        """How many passes a batch takes: 2 where hidden states need one of their own, else 1."""
        ...

    def stream(self, batches: Iterable[Batch], hidden: HiddenStates | None = None) -> Iterator[list[Encoding]]:
        """What the network makes of the clips of each batch, in order; clips are levelled to unit power where `levelled`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSettings:
    """How a checkpoint is opened. `threads` is the number of cores to use; 0 leaves torch's own number.

    `adapter` serves every language that is asked for; with `of_some` those that it holds, and others come from elsewhere.
    """

    precision: str = "auto"
    device: str = "auto"
    threads: int = 0
    adapter: Path | None = None
    collection: Path | None = None
    of_some: bool = False

    def adapter_for(self, language: str) -> Path | None:
        """Where the adapter of a language was said to be; None where nothing was said of this one."""
        adapter = self.adapter
        if adapter is None or not self.of_some:
            return adapter
        held = adapter / f"adapter.{language}.safetensors" if is_folder(adapter) else adapter
        return adapter if held.name == f"adapter.{language}.safetensors" and held.exists() else None


class CtcRecogniser:
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
        import torch

        from speech.models import device
        from speech.models import precision as formats
        from speech.models.network import build
        from speech.models.workers import shared

        self.checkpoint = checkpoint
        self.settings = settings or LoadSettings()
        self.name = checkpoint.name
        self.sample_rate = RATE
        self.stride = checkpoint.front_end.stride
        self.reach = checkpoint.front_end.reach
        self.levelled = checkpoint.features.do_normalize
        self.threads = self.settings.threads
        self.device = device.choose(self.settings.device)
        self.precision: str = formats.choose(self.settings.precision, self.device)
        require_memory(checkpoint.name, _weights(checkpoint), self.precision)
        self.base_sha256 = base_sha256(checkpoint)
        self.adapters: dict[str, Adapter] = {}
        if self.threads:
            torch.set_num_threads(self.threads)
        self._network = build(checkpoint, precision=self.precision, device=self.device)
        self._bank = self._network.bank
        self.layers = self._network.layers
        self.width = width_of(checkpoint.config)
        small = self.device == "cpu" and _weights(checkpoint) <= SMALL
        self._workers = shared(self.threads if small else 1)
        self._lock = threading.Lock()

    def frames(self, samples: int) -> int:
        """Frames that a clip of so many samples gives."""
        return self.checkpoint.front_end.frames(samples)

    def symbols(self, language: str) -> tuple[str, ...]:
        """The vocabulary of a language, by number."""
        return self.use(language).symbols

    def blank(self, language: str) -> int:
        """The blank's number: the same in every language of a checkpoint."""
        return self.checkpoint.symbols.blank

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
        self._check_places(language)
        places = hub.adapter_places(
            language,
            self.base_sha256,
            flag=self.settings.adapter_for(language),
            collection=self.settings.collection,
            package=checkpoint.folder,
        )
        path = next((p for p in places if p.exists()), None)
        if path is None:
            adapter, tensors = self._inside(language, [shown(p.parent) for p in places])
        else:
            own = path.parent == checkpoint.folder
            symbols = checkpoint.vocabularies.get(language, ()) or None if own else None
            adapter = open_adapter(checkpoint, path, language, base_hash=self.base_sha256, symbols=symbols)
            tensors = tensors_of(path)
        collection = self.settings.collection
        if collection is not None and self.settings.adapter_for(language) is None and (path is None or not path.is_relative_to(collection)):
            said = Finding(
                code="MODEL_COLLECTION",
                where=shown(collection),
                what=f"this collection has no adapter for {language}; that of {shown(adapter.path.parent)} was used",
            )
            adapter = dataclasses.replace(adapter, findings=(*adapter.findings, said))
        form = adapter.card.low_rank if adapter.card else None
        self._bank.add(language, tensors, scale=form.scale if form else None)
        self.adapters[language] = adapter
        return adapter

    def _check_places(self, language: str) -> None:
        """Refuse places that were named and do not hold what was asked: another adapter would be taken without a word."""
        adapter, collection = self.settings.adapter_for(language), self.settings.collection
        if collection is not None and not is_folder(collection):
            raise PathRefused(f"--collection {shown(collection)}", "there is no such folder", "Check the spelling", "PATH_MISSING")
        if adapter is None:
            return
        folder = is_folder(adapter)
        if not folder:
            check_readable(adapter)
        if not folder and adapter.suffix != ".safetensors":
            raise ModelRefused(
                f"--adapter {shown(adapter)}",
                "this is no .safetensors file",
                "Name the adapter itself: its card lies beside it",
                "MODEL_SOURCE",
            )
        if folder and not (adapter / f"adapter.{language}.safetensors").exists():
            there = sorted(p.name.split(".")[1] for p in adapter.glob("adapter.*.safetensors"))
            raise no_language(language, there, f"--adapter {shown(adapter)}")

    def _inside(self, language: str, looked: Sequence[str]) -> tuple[Adapter, dict[str, Any]]:
        """The head, and adapters where there are, that lie in the weights themselves, as in a fine-tuned folder.

        One vocabulary for all serves whatever language is asked for; of several, only the one that the tokenizer names.

        Raises
        ------
        ModelRefused
            `MODEL_LANGUAGE`: they are of another language; `MODEL_VOCAB`, `MODEL_SHAPE`: they do not fit.
        """
        from safetensors import safe_open

        checkpoint, family = self.checkpoint, self.checkpoint.family
        held = checkpoint.symbols.inside
        if held not in (language, languages.UNDETERMINED):
            raise no_language(language, self.languages(), f"{self.name}, --language {language}", looked)
        symbols = checkpoint.vocabularies[held]
        tensors: dict[str, Any] = {}
        for path in checkpoint.weights:
            with safe_open(path, framework="pt") as file:
                names = [n for n in file.keys() if n.startswith(f"{family.head}.") or ".adapter_layer." in n]
                tensors |= {name: file.get_tensor(name) for name in names}
        rows = len(tensors.get(f"{family.head}.weight", ()))
        if rows < len(symbols) and all(is_special(symbol) for symbol in symbols[rows:]):
            symbols = symbols[:rows]  # a tokenizer adds <s> and </s> behind its vocabulary; not every head has rows for them
        if rows != len(symbols):
            raise ModelRefused(
                self.name,
                f"the head has {rows} rows, the vocabulary {len(symbols)} symbols",
                "Fetch weights and the tokenizer's files from the same place",
                "MODEL_VOCAB",
            )
        if checkpoint.takes_adapters:
            due = expected_shapes(checkpoint.config, rows, family)
            compare_shapes({name: tuple(t.shape) for name, t in tensors.items()}, due, shown(checkpoint.weights[0]))
        adapter = Adapter(
            language=language, path=checkpoint.weights[0], card=None, symbols=symbols, tensor_sha256=self.base_sha256,
            findings=tuple(uncarded(shown(checkpoint.folder))),
        )  # fmt: skip
        return adapter, tensors

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
        """What a person should know of the checkpoint and of what serves the language."""
        return (*self.checkpoint.findings, *self.use(language).findings, *_of_language(language, self.symbols(language), self.name))

    @property
    def common_layers(self) -> int:
        """Up to which layer hidden states of the running pass are the same for every language brought so far."""
        return self._bank.common_layers

    def passes(self, hidden: HiddenStates | None) -> int:
        """How many passes a batch takes: 2 where hidden states without adapters lie above the common layers."""
        return 2 if hidden is not None and not hidden.adapters and hidden.layer > self.common_layers else 1

    def encode_batch(self, batch: Batch, hidden: HiddenStates | None = None) -> list[Encoding]:
        """Log probabilities, and hidden states where asked for, of clips of any lengths and languages, as one batch.

        Clips are float32 at `sample_rate`, levelled to unit power. Each gets exactly the frames that the front end
        makes of its own length: padding is masked and cut off. Clips shorter than `reach` get none. A checkpoint that does
        not bear padding (`Checkpoint.pads`) hears equal lengths together and others apart.

        Raises
        ------
        ValueError
            `hidden` names a layer that the network does not have.
        """
        if hidden is not None and not 0 <= hidden.layer <= self.layers:
            raise ValueError(f"layer {hidden.layer} was asked for; {self.name} has 0 to {self.layers}")
        none = None if hidden is None else np.zeros((0, self.width), np.float32)
        encodings = [Encoding(np.zeros((0, len(self.symbols(code))), np.float32), none) for _, code in batch]
        rows = [n for n, (clip, _) in enumerate(batch) if len(clip) >= self.reach]
        masked, padded = self.checkpoint.features.return_attention_mask, self.checkpoint.pads
        groups = ([rows] if rows else []) if padded else _equal_lengths(rows, [clip for clip, _ in batch])
        for group in groups:
            clips, codes = [batch[n][0] for n in group], [batch[n][1] for n in group]
            longest = max(map(len, clips))
            length = padded_samples(longest, self.sample_rate) if padded else longest
            own_pass = self.passes(hidden) == 2
            layer = None if hidden is None or own_pass else hidden.layer
            scores, states = self._network.run(clips, codes, length=length, masked=masked, layer=layer)
            if own_pass and hidden is not None:
                states = self._network.hidden(clips, length=length, masked=masked, layer=hidden.layer)
            for row, n in enumerate(group):
                frames = self.frames(len(batch[n][0]))
                emissions = scores[row, :frames, : len(self.symbols(codes[row]))]
                encodings[n] = Encoding(emissions, None if states is None else states[row, :frames])
        return encodings

    def emissions(self, clips: Sequence[Samples], languages: Sequence[str]) -> list[Emissions]:
        """Log probabilities of clips, each in its language, as one batch (see `encode_batch`)."""
        return [encoding.emissions for encoding in self.encode_batch(list(zip(clips, languages, strict=True)))]

    def stream(self, batches: Iterable[Batch], hidden: HiddenStates | None = None) -> Iterator[list[Encoding]]:
        """What the network makes of the clips of each batch, in order; a small network computes a batch on each core.

        What a clip gives depends on its batch alone (in the last digits), never on what else is computed meanwhile.
        """
        return self._workers.map(lambda batch: self.encode_batch(batch, hidden), batches)


def _of_language(language: str, symbols: Sequence[str], name: str) -> Iterator[Finding]:
    """What a person should know of how the symbols become a language's text."""
    table = languages.load(language)
    if not table.listed:
        yield Finding(
            code="LANGUAGE_PLAIN",
            where=language,
            what="there is no table of this language here: its text is written by Unicode's own rules, and no letter is taken for wrong",
        )
    if in_capitals(symbols):
        yield Finding(
            code="MODEL_CAPITALS",
            where=name,
            what="this model writes capitals only; its text is given in small letters, by the language's own rules",
        )


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


def load(name: str, settings: LoadSettings | None = None) -> CtcRecogniser:
    """The recogniser of a model named as on the command line."""
    return CtcRecogniser(open_checkpoint(hub.resolve(name)), settings)


def _weights(checkpoint: Checkpoint) -> int:
    return sum(int(np.prod(e.shape)) for e in checkpoint.tensors.values())


class Later(Once[Recogniser]):
    """A recogniser, with the adapters of some languages, that is loaded when it is first asked for."""

    def __init__(self, name: str, settings: LoadSettings, languages: Sequence[str]) -> None:
        self.threads = settings.threads

        def loaded() -> Recogniser:
            model: Recogniser = load(name, settings)
            for language in languages:
                model.use(language)
            return model

        super().__init__(loaded, look=lambda: hub.resolve(name))
