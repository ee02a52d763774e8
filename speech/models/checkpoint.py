"""A checkpoint folder in the Hugging Face layout, read and checked before any tensor is loaded.

`config.json`, `model.safetensors` (or its shards), `vocab.json` (nested by language, or flat), `preprocessor_config.json`
or `processor_config.json`, `adapter.<lang>.safetensors` with `adapter.<lang>.toml`. Needs no torch. The network itself is
built in `speech.models.recogniser` by transformers' own class.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speech import languages
from speech.errors import Finding, ModelRefused
from speech.files import shown
from speech.models.cards import AdapterCard, read_card
from speech.models.weights import Entry, base_name, canonical_name, content_sha256, entries

BLANKS = ("<pad>", "[PAD]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """How samples are prepared, as the checkpoint states it."""

    sample_rate: int = 16_000
    do_normalize: bool = True
    return_attention_mask: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a folder holds. `vocabularies` gives each language's symbols by number; `adapters` its adapter file."""

    folder: Path
    name: str
    config: Mapping[str, Any]
    weights: tuple[Path, ...]
    tensors: Mapping[str, Entry]
    vocabularies: Mapping[str, tuple[str, ...]]
    adapters: Mapping[str, Path]
    features: Features = field(default_factory=Features)
    carded: bool = True
    """Whether this folder's adapters have cards: those of other makers have none, ours always do."""

    @property
    def stride(self) -> int:
        """Samples between frames."""
        return math.prod(self.config["conv_stride"])

    @property
    def least_samples(self) -> int:
        """Samples that give one frame: the reach of the front end."""
        reach = 1
        for kernel, stride in zip(reversed(self.config["conv_kernel"]), reversed(self.config["conv_stride"]), strict=True):
            reach = (reach - 1) * stride + kernel
        return reach

    def frames(self, samples: int) -> int:
        """Frames that the front end makes of `samples`."""
        for kernel, stride in zip(self.config["conv_kernel"], self.config["conv_stride"], strict=True):
            samples = (samples - kernel) // stride + 1
        return max(0, samples)


def open_checkpoint(folder: Path) -> Checkpoint:
    """The checkpoint in `folder`, its files checked for being whole and fitting each other.

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE` (no config or weights), `MODEL_CONFIG`, `MODEL_VOCAB`, `PATH_LINK` (a file that leads out
        of the folder), and the codes of `speech.models.weights`.
    """
    config = _json(folder / "config.json", folder)
    if "Wav2Vec2ForCTC" not in config.get("architectures", ["Wav2Vec2ForCTC"]) or config.get("model_type") != "wav2vec2":
        raise ModelRefused(
            shown(folder / "config.json"),
            f"this is {config.get('architectures')} of type {config.get('model_type')}, not a Wav2Vec2ForCTC",
            "Choose a checkpoint that recognises by CTC, such as facebook/mms-1b-all",
            "MODEL_CONFIG",
        )
    weights = _weight_files(folder)
    tensors: dict[str, Entry] = {}
    for path in weights:
        tensors.update(entries(_inside(path, folder)))
    adapters = {p.name[len("adapter.") : -len(".safetensors")]: _inside(p, folder) for p in sorted(folder.glob("adapter.*.safetensors"))}
    return Checkpoint(
        folder=folder,
        name=folder.name,
        config=config,
        weights=weights,
        tensors=tensors,
        vocabularies=_vocabularies(folder, config),
        adapters=adapters,
        features=_features(folder),
        carded=any(folder.glob("adapter.*.toml")) or not adapters,
    )


def _json(path: Path, folder: Path) -> dict[str, Any]:
    if not path.exists():
        pickles = sorted(p.name for p in folder.glob("*.bin")) if folder.is_dir() else []
        code = "MODEL_NOT_HERE"
        raise ModelRefused(
            shown(folder),
            f"there is no {path.name} in this folder" + (f" (only {', '.join(pickles)})" if pickles else ""),
            "Name a folder in the Hugging Face layout: config.json, vocab.json, model.safetensors",
            code,
        )
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise ModelRefused(shown(path), f"the file is not JSON ({error})", "Fetch it again", "MODEL_CONFIG") from error
    if not isinstance(found, dict):
        raise ModelRefused(shown(path), "the file does not hold a table", "Fetch it again", "MODEL_CONFIG")
    return found


def _weight_files(folder: Path) -> tuple[Path, ...]:
    whole = folder / "model.safetensors"
    index = folder / "model.safetensors.index.json"
    if whole.exists() or whole.is_symlink():
        return (whole,)
    if index.exists():
        names = sorted(set(_json(index, folder).get("weight_map", {}).values()))
        return tuple(folder / name for name in names)
    pickles = sorted(p for pattern in ("*.bin", "*.pt", "*.ckpt") for p in folder.glob(pattern))
    if pickles:
        entries(pickles[0])  # refuses it by name
    raise ModelRefused(
        shown(folder),
        "there is no model.safetensors in this folder",
        "Fetch it: hf download REPOSITORY --revision SHA --local-dir FOLDER",
        "MODEL_NOT_HERE",
    )


def _inside(path: Path, folder: Path) -> Path:
    """`path`, unless it is a link that leaves the folder (the blobs of a hub cache beside it are part of it)."""
    real, root = path.resolve(), folder.resolve()
    cache = root.parent.parent if root.parent.name == "snapshots" else root
    if not real.is_relative_to(cache):
        raise ModelRefused(shown(path), "this link leads out of the model's folder", "Put the file itself into the folder", "PATH_LINK")
    return path


def _vocabularies(folder: Path, config: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    raw = _json(folder / "vocab.json", folder)
    where = shown(folder / "vocab.json")
    nested = all(isinstance(value, dict) for value in raw.values()) and bool(raw)
    rows = raw if nested else {languages.UNDETERMINED: raw}
    blank = config.get("pad_token_id", 0)
    return {language: _symbols(numbers, blank, f"{where}, {language}") for language, numbers in rows.items()}


def _symbols(numbers: Mapping[str, Any], blank: int, where: str) -> tuple[str, ...]:
    by_number: dict[int, str] = {}
    for symbol, number in numbers.items():
        if not isinstance(number, int) or number in by_number:
            raise ModelRefused(
                where,
                f"{symbol!r} and {by_number.get(number, '?')!r} have the same number {number}",
                "Correct the vocabulary, or fetch it again",
                "MODEL_VOCAB",
            )
        by_number[number] = symbol
    if sorted(by_number) != list(range(len(by_number))):
        raise ModelRefused(where, "the numbers do not run from 0 without a gap", "Correct the vocabulary, or fetch it again", "MODEL_VOCAB")
    if by_number.get(blank) not in BLANKS:
        raise ModelRefused(
            where,
            f"number {blank} should be the blank and is {by_number.get(blank)!r}",
            "Set pad_token_id of config.json to the blank's number",
            "MODEL_VOCAB",
        )
    return tuple(by_number[n] for n in range(len(by_number)))


def _features(folder: Path) -> Features:
    for name in ("preprocessor_config.json", "processor_config.json"):
        if (folder / name).exists():
            raw = _json(folder / name, folder)
            raw = raw.get("feature_extractor", raw)
            return Features(
                sample_rate=raw.get("sampling_rate", 16_000),
                do_normalize=raw.get("do_normalize", True),
                return_attention_mask=raw.get("return_attention_mask", True),
            )
    return Features()


def base_sha256(checkpoint: Checkpoint) -> str:
    """The hash of the base: all tensors but adapters and head, under one naming, and every one finite."""
    return content_sha256([(path, entries(path)) for path in checkpoint.weights], rename=base_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One language's adapter on disk, checked against its base: file, card (None for another maker's), symbols."""

    language: str
    path: Path
    card: AdapterCard | None
    symbols: tuple[str, ...]
    tensor_sha256: str
    findings: tuple[Finding, ...] = ()


def open_adapter(checkpoint: Checkpoint, path: Path, language: str, *, base_hash: str, symbols: Sequence[str] | None = None) -> Adapter:
    """The adapter at `path`, verified: card, base, alphabet, tensors' hash, shapes, every weight finite.

    Raises
    ------
    ModelRefused
        `MODEL_CARD`, `MODEL_BASE`, `MODEL_SHAPE`, `MODEL_VOCAB`, `MODEL_NONFINITE` and the codes of weights.
    """
    found = entries(path)
    tensor_hash = content_sha256([(path, found)], rename=canonical_name)
    card_path = path.with_suffix(".toml")
    inside = path.parent.resolve() == checkpoint.folder.resolve()
    card = None if inside and not checkpoint.carded else read_card(card_path)
    if card is not None:
        _check_card(card, card_path, language, base_hash, tensor_hash)
        if symbols is not None and tuple(symbols) != card.alphabet:
            raise ModelRefused(
                shown(card_path),
                "the card's alphabet is not that of vocab.json",
                "Fetch card and vocabulary from the same place",
                "MODEL_CARD",
            )
        symbols = card.alphabet
    if symbols is None:
        raise ModelRefused(
            shown(path), f"vocab.json has no entry {language}", "Fetch vocab.json from the same place as the adapter", "MODEL_VOCAB"
        )
    _check_shapes(checkpoint, found, path, len(symbols))
    findings = (
        ()
        if card
        else (
            Finding(
                code="MODEL_UNCARDED", where=shown(path), what="this adapter has no card; it was checked for shape and vocabulary only"
            ),
        )
    )
    return Adapter(language=language, path=path, card=card, symbols=tuple(symbols), tensor_sha256=tensor_hash, findings=findings)


def _check_card(card: AdapterCard, path: Path, language: str, base_hash: str, tensor_hash: str) -> None:
    where = shown(path)
    if card.language != language:
        raise ModelRefused(
            where, f"the card is for {card.language}, asked was {language}", "Rename the files after the language they hold", "MODEL_CARD"
        )
    if card.base_sha256 != base_hash:
        raise ModelRefused(
            where,
            f"this adapter belongs to base {card.base_sha256[:16]}{f' ({card.base})' if card.base else ''}, this base is {base_hash[:16]}",
            "Choose that base with --model, or train an adapter for this one: speech adapt",
            "MODEL_BASE",
        )
    if card.tensor_sha256 != tensor_hash:
        raise ModelRefused(
            where,
            f"the card states tensors {card.tensor_sha256[:16]}, the file holds {tensor_hash[:16]}",
            "Fetch adapter and card from the same place",
            "MODEL_CARD",
        )


def expected_shapes(config: Mapping[str, Any], vocabulary: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of an adapter file for a configuration and a vocabulary's size."""
    width, inner = config["hidden_size"], config.get("adapter_attn_dim")
    shapes: dict[str, tuple[int, ...]] = {"lm_head.weight": (vocabulary, width), "lm_head.bias": (vocabulary,)}
    if inner:
        for layer in range(config["num_hidden_layers"]):
            prefix = f"wav2vec2.encoder.layers.{layer}.adapter_layer"
            shapes |= {
                f"{prefix}.norm.weight": (width,),
                f"{prefix}.norm.bias": (width,),
                f"{prefix}.linear_1.weight": (inner, width),
                f"{prefix}.linear_1.bias": (inner,),
                f"{prefix}.linear_2.weight": (width, inner),
                f"{prefix}.linear_2.bias": (width,),
            }
    return shapes


def _check_shapes(checkpoint: Checkpoint, found: Mapping[str, Entry], path: Path, vocabulary: int) -> None:
    head = found.get("lm_head.weight")
    if head is not None and head.shape[:1] != (vocabulary,):
        raise ModelRefused(
            shown(path),
            f"the head has {head.shape[0]} rows, the vocabulary {vocabulary} symbols",
            "Fetch adapter and vocab.json from the same place",
            "MODEL_VOCAB",
        )
    compare_shapes({name: e.shape for name, e in found.items()}, expected_shapes(checkpoint.config, vocabulary), shown(path))


def compare_shapes(found: Mapping[str, tuple[int, ...]], due: Mapping[str, tuple[int, ...]], where: str) -> None:
    """Refuse with every tensor that is missing, surplus or of another shape: nothing is ever newly initialised."""
    faults = [f"{name} is missing" for name in sorted(set(due) - set(found))]
    faults += [f"{name} is surplus" for name in sorted(set(found) - set(due))]
    faults += [
        f"{name} is {list(found[name])}, due {list(due[name])}" for name in sorted(set(due) & set(found)) if found[name] != due[name]
    ]
    if faults:
        raise ModelRefused(
            where,
            f"{len(faults)} tensors do not fit config.json: {'; '.join(faults)}",
            "Fetch weights and config.json from the same place",
            "MODEL_SHAPE",
        )


def no_language(language: str, present: Sequence[str], where: str, looked: Sequence[str] = ()) -> ModelRefused:
    """The refusal for a language without an adapter, with the nearest codes and where it was looked for."""
    near = difflib.get_close_matches(language, present, n=3, cutoff=0.5)
    listed = ", ".join(present[:20]) + (" and more" if len(present) > 20 else "")
    places = f" (looked in {', '.join(looked)})" if looked else ""
    return ModelRefused(
        where,
        f"there is no adapter for {language}{places}; there are {listed or 'none'}",
        (f"Nearest: {', '.join(near)}. " if near else "") + "Or --language und for speech and times without words",
        "MODEL_LANGUAGE",
    )
