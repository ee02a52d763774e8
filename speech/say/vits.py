"""VITS checkpoints (`VitsModel`), among them those of MMS in over a thousand languages: transformers' own network and tokenizer.

A folder in the Hugging Face layout is checked as those of recognisers are: safetensors only, whole, every tensor accounted for, no
connection. Its tokenizer drops what is not in its vocabulary without a word; here `cannot_say` names it before. Texts of checkpoints
that read Latin letters alone (`is_uroman`) are romanised by uroman (extra `tts`), loaded once. A voice was learnt from a person, so
its card is asked (`cards`).

Sources: VITS, Kim et al. 2021 (arXiv 2106.06103); MMS, Pratap et al. 2023 (arXiv 2305.13516).
"""

from __future__ import annotations

import functools
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from speech.collections import consent
from speech.errors import ModelRefused
from speech.files import is_folder, shown
from speech.models import hub
from speech.models.checkpoint import compare_shapes, inside, json_of, weight_files
from speech.models.memory import require_memory
from speech.models.weights import Entry, canonical_name, content_sha256, entries
from speech.say.records import Samples, Settings, VoiceFacts
from speech.text import nearest
from speech.text.spelling import graphemes

ARCHITECTURE = "VitsModel"
MMS = "facebook/mms-tts-{}"
"""The repositories of MMS, by the language's code."""
MMS_LICENCE = "CC-BY-NC-4.0"
ESPEAK_OR_MMS = "espeak, mms, the folder of a VITS checkpoint, or its repository (OWNER/NAME) on this machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class VitsCheckpoint:
    """What a folder holds: `vocabulary` numbers by letter; whether texts are put into small letters, and romanised."""

    folder: Path
    name: str
    config: Mapping[str, Any]
    weights: tuple[Path, ...]
    tensors: Mapping[str, Entry]
    vocabulary: Mapping[str, int]
    language: str
    lowers: bool
    romanises: bool
    speakers: int

    @property
    def sample_rate(self) -> int:
        """Samples a second of what it says."""
        return int(self.config.get("sampling_rate", 16_000))


def is_vits(folder: Path) -> bool:
    """Whether a folder's configuration names this architecture; False where it cannot be read."""
    try:
        return ARCHITECTURE in (json_of(folder / "config.json", folder).get("architectures") or ())
    except ModelRefused:
        return False


def open_vits(folder: Path, name: str = "") -> VitsCheckpoint:
    """The checkpoint in `folder`, its files checked before a tensor is loaded.

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE`, `MODEL_CONFIG` (another kind of model; a tokenizer that reads phonemes), `MODEL_VOCAB`, `PATH_LINK`, and the
        codes of `speech.models.weights`.
    """
    config = json_of(folder / "config.json", folder)
    if ARCHITECTURE not in (config.get("architectures") or ()):
        raise ModelRefused(
            shown(folder / "config.json"),
            f"this is {config.get('architectures')}, not {ARCHITECTURE}",
            "Choose a voice such as facebook/mms-tts-swh",
            "MODEL_CONFIG",
        )
    reader = json_of(folder / "tokenizer_config.json", folder)
    if reader.get("phonemize"):
        raise ModelRefused(
            shown(folder / "tokenizer_config.json"),
            "this voice reads phonemes of another program, so which letters it can say cannot be told",
            "Choose a voice that reads letters, as those of MMS do",
            "MODEL_CONFIG",
        )
    vocabulary = json_of(folder / "vocab.json", folder)
    numbers = sorted(n for n in vocabulary.values() if isinstance(n, int))
    if not vocabulary or len(numbers) != len(vocabulary) or numbers[0] < 0 or numbers[-1] >= int(config.get("vocab_size", 38)):
        raise ModelRefused(
            shown(folder / "vocab.json"),
            f"its letters are not numbers below the vocabulary's size ({config.get('vocab_size', 38)})",
            "Fetch vocab.json and config.json from the same place",
            "MODEL_VOCAB",
        )
    weights = weight_files(folder)
    tensors: dict[str, Entry] = {}
    for path in weights:
        tensors.update(entries(inside(path, folder)))
    return VitsCheckpoint(
        folder=folder,
        name=name or folder.name,
        config=config,
        weights=weights,
        tensors=tensors,
        vocabulary=vocabulary,
        language=str(reader.get("language") or ""),
        lowers=bool(reader.get("normalize", True)),
        romanises=bool(reader.get("is_uroman", False)),
        speakers=int(config.get("num_speakers", 1)),
    )


class VitsVoice:
    """A checkpoint as `Voice`. The network is loaded when it first speaks; its letters are told before.

    `item` says whose voice it is, for the gate; `licence` and `origin` are what a file made with it says.
    """

    def __init__(self, checkpoint: VitsCheckpoint, *, language: str, item: consent.Item, licence: str, origin: str) -> None:
        self.checkpoint = checkpoint
        self.sample_rate, self.speakers = checkpoint.sample_rate, checkpoint.speakers
        self.item = item
        self._language = language
        self._licence, self._origin = licence, origin
        if checkpoint.romanises and not nearest.romanises():
            raise ModelRefused(
                checkpoint.name, "this voice reads romanised text, and uroman is not installed", "pip install 'oral-speech[tts]'",
                "MODEL_NOT_HERE",
            )  # fmt: skip

    @functools.cached_property
    def facts(self) -> VoiceFacts:
        """Whose voice it is."""
        held = [(path, entries(path)) for path in self.checkpoint.weights]
        return VoiceFacts(
            engine="vits",
            name=self.checkpoint.name,
            language=self.checkpoint.language or self._language,
            origin=self._origin,
            licence=self._licence,
            sha256=content_sha256(held, rename=canonical_name),
            synthetic=self.item.no_voice,
        )

    def cannot_say(self, word: str) -> frozenset[str]:
        """As `Voice.cannot_say`: letters of which a sign is not in the vocabulary, after what the tokenizer does to a text."""
        return frozenset(letter for letter in graphemes(word) if not self._knows(letter))

    def _knows(self, letter: str) -> bool:
        return any(form and all(sign in self.checkpoint.vocabulary for sign in form) for form in self._forms(letter))

    def _forms(self, letter: str) -> tuple[str, ...]:
        """How a letter may be handed over, first to last: as it is, and taken apart into its signs."""
        low = self._read(letter)
        return (low, unicodedata.normalize("NFD", low))

    def _read(self, text: str) -> str:
        low = "".join(sign if sign in self.checkpoint.vocabulary else sign.lower() for sign in text) if self.checkpoint.lowers else text
        if self.checkpoint.romanises and not low.isascii():
            return nearest.romanised(low, self._language) or low
        return low

    def handed_over(self, sentence: str) -> str:
        """A sentence as the tokenizer gets it: letters taken apart where only their signs are known, romanised where it asks for that."""
        text = "".join(
            next((form for form in self._forms(g) if all(sign in self.checkpoint.vocabulary for sign in form)), g)
            if not self.checkpoint.romanises
            else g
            for g in graphemes(sentence)
        )
        return self._read(text) if self.checkpoint.romanises else text

    def say(self, sentence: str, settings: Settings, *, number: int = 0) -> Samples:
        """As `Voice.say`: what plain transformers gives with `set_seed(seed + number)`; the process's own chance is left as it was."""
        import torch

        network, tokenizer = self._loaded
        speaker = settings.speaker if settings.speaker is not None else 0
        inputs = tokenizer(self.handed_over(sentence), return_tensors="pt")
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed + number)
            made = network(
                **inputs,
                speaker_id=speaker if self.checkpoint.speakers > 1 else None,
                speaking_rate=float(network.speaking_rate) * settings.speed,
            )
        return np.asarray(made.waveform[0].float().numpy(), np.float32)

    @functools.cached_property
    def _loaded(self) -> tuple[Any, Any]:
        import torch

        from speech.models import guard
        from speech.models.network import quiet

        guard.load()
        import transformers

        checkpoint = self.checkpoint
        require_memory(checkpoint.name, sum(math.prod(e.shape) for e in checkpoint.tensors.values()), "fp32")
        kind = transformers.VitsModel
        with quiet(), torch.random.fork_rng(devices=[]):  # a network that is built draws numbers before its weights are read
            config = transformers.AutoConfig.from_pretrained(checkpoint.folder, local_files_only=True)
            with torch.device("meta"):
                due = {canonical_name(n): tuple(t.shape) for n, t in kind(config).state_dict().items()}
            found = {canonical_name(n): e.shape for n, e in checkpoint.tensors.items()}
            compare_shapes(found, due, shown(checkpoint.weights[0]))
            network = kind.from_pretrained(checkpoint.folder, local_files_only=True, use_safetensors=True, dtype=torch.float32)
            tokenizer = transformers.VitsTokenizer.from_pretrained(checkpoint.folder, local_files_only=True)
        return network.eval().requires_grad_(False), tokenizer


def load(name: str, language: str, *, card: Path | None = None) -> VitsVoice:
    """The voice of a folder or a repository on this machine, for texts of a language.

    Raises
    ------
    ModelRefused
        As `hub.resolve` and `open_vits`.
    """
    from speech.say import cards

    try:
        folder = hub.resolve(name)
    except ModelRefused as refused:
        raise ModelRefused(
            shown(name), "this voice is not on this machine",
            f"With a network: speech model add {name}; without one: --voice espeak, or the folder of a voice"
            if hub.is_repository(name) else f"Choose {ESPEAK_OR_MMS}",
            refused.code,
        ) from refused  # fmt: skip
    checkpoint = open_vits(folder, name=name if hub.is_repository(name) else folder.name)
    found = cards.of_voice(folder, name, card)
    mms = name.startswith("facebook/mms-tts-")
    return VitsVoice(
        checkpoint,
        language=language,
        item=found.item,
        licence=found.licence or (MMS_LICENCE if mms else ""),
        origin=found.origin or _origin(name, folder),
    )


def _origin(name: str, folder: Path) -> str:
    """From where a voice comes whose card does not say it: its repository, with the revision that lies here, or its folder's name."""
    if not hub.is_repository(name) or is_folder(Path(name)):
        return folder.name
    revision = f", revision {folder.name}" if folder.parent.name == "snapshots" else ""
    return f"https://huggingface.co/{name}{revision}"
