"""A checkpoint folder in the Hugging Face layout, read and checked before any tensor is loaded.

`config.json` (`families` says which kinds are known), `model.safetensors` or its shards, the tokenizer's files (`vocabulary`),
`preprocessor_config.json` or `processor_config.json`, `adapter.<lang>.safetensors` with `adapter.<lang>.toml`. Needs no torch.
The network itself is built in `network` by transformers' own class.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speech import languages
from speech.errors import Finding, ModelRefused
from speech.files import resolved, shown
from speech.models.cards import AdapterCard, LowRank, read_card
from speech.models.families import Family, FrontEnd, family_of, front_end, layers_of, width_of
from speech.models.vocabulary import Vocabularies, read_json, read_vocabularies
from speech.models.weights import Entry, base_name, canonical_name, content_sha256, entries, header_of

RATE = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """How samples are prepared, as the checkpoint states it.

    `do_normalize`: it hears samples levelled to unit power; else as they are. `return_attention_mask`: it is told which
    samples are padding; one that is not told must hear equal lengths together.
    """

    do_normalize: bool = True
    return_attention_mask: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a folder holds. `vocabularies` gives each language's symbols by number; `adapters` its adapter file."""

    folder: Path
    name: str
    config: Mapping[str, Any]
    family: Family
    front_end: FrontEnd
    weights: tuple[Path, ...]
    tensors: Mapping[str, Entry]
    symbols: Vocabularies
    adapters: Mapping[str, Path]
    features: Features = field(default_factory=Features)
    carded: bool = True
    """Whether this folder's adapters have cards: those of other makers have none, ours always do."""
    findings: tuple[Finding, ...] = ()
    """What a person should know of the folder."""

    @property
    def vocabularies(self) -> Mapping[str, tuple[str, ...]]:
        """Each language's symbols by number; `und` where there is one vocabulary for all."""
        return self.symbols.symbols

    @property
    def pads(self) -> bool:
        """Whether clips of a batch may be padded: not without a mask, nor where convolutions follow the layers (`add_adapter`)."""
        return (self.features.return_attention_mask or self.family.inputs == "log-mel") and not self.config.get("add_adapter")

    @property
    def takes_adapters(self) -> bool:
        """Whether its layers hold attention adapters."""
        return self.family.adapters and bool(self.config.get("adapter_attn_dim"))


def open_checkpoint(folder: Path) -> Checkpoint:
    """The checkpoint in `folder`, its files checked for being whole and fitting each other.

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE` (no config or weights), `MODEL_CONFIG`, `MODEL_VOCAB`, `PATH_LINK` (a file that leads out
        of the folder), and the codes of `speech.models.weights`.
    """
    config = json_of(folder / "config.json", folder)
    with _well_formed(folder):
        family = family_of(config, shown(folder / "config.json"))
    weights = weight_files(folder)
    tensors: dict[str, Entry] = {}
    for path in weights:
        tensors.update(entries(inside(path, folder)))
    _refuse_unmerged(folder)
    adapters = {p.name[len("adapter.") : -len(".safetensors")]: inside(p, folder) for p in sorted(folder.glob("adapter.*.safetensors"))}
    with _well_formed(folder):
        stated = stated_features(folder)
        return Checkpoint(
            folder=folder,
            name=folder.name,
            config=config,
            family=family,
            front_end=front_end(family, config, stated),
            weights=weights,
            tensors=tensors,
            symbols=read_vocabularies(folder, config),
            adapters=adapters,
            features=_features(family, config, stated, folder),
            carded=any(folder.glob("adapter.*.toml")) or not adapters,
            findings=tuple(_noticed(folder)),
        )


@contextmanager
def _well_formed(folder: Path) -> Iterator[None]:
    """Other makers' files may hold anything in any place: what cannot be read is a refusal, not a fault of this program."""
    try:
        yield
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise ModelRefused(
            shown(folder),
            f"its configuration or tokenizer does not have the form that transformers writes ({type(error).__name__}: {error})",
            "Save model and tokenizer anew with transformers, or fetch the folder again",
            "MODEL_CONFIG",
        ) from error


def json_of(path: Path, folder: Path) -> dict[str, Any]:
    """A JSON file that belongs to a checkpoint's folder.

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE`: it is not in the folder; `MODEL_CONFIG`: it is no JSON.
    """
    if not path.exists():
        pickles = sorted(p.name for p in folder.glob("*.bin")) if folder.is_dir() else []
        raise ModelRefused(
            shown(folder),
            f"there is no {path.name} in this folder" + (f" (only {', '.join(pickles)})" if pickles else ""),
            "Name a folder in the Hugging Face layout: config.json, vocab.json, model.safetensors",
            "MODEL_NOT_HERE",
        )
    return read_json(path)


def _noticed(folder: Path) -> Iterator[Finding]:
    """What lies in the folder and is not used."""
    beside = folder / "language_model"
    if beside.is_dir() and not any(beside.glob("*.arpa")):
        yield Finding(
            code="MODEL_LANGUAGE_MODEL",
            where=shown(beside),
            what="this folder has a language model in a form that cannot be read here (KenLM's binary): words come from the sounds alone",
            mend="Put the .arpa file that it was made from beside it",
        )


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The safetensors files that hold a checkpoint's weights: one, or those that its index names.

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE`: there is none; `MODEL_PICKLE`: there are pickles alone.
    """
    whole = folder / "model.safetensors"
    index = folder / "model.safetensors.index.json"
    if whole.exists() or whole.is_symlink():
        return (whole,)
    if index.exists():
        names = sorted(set(json_of(index, folder).get("weight_map", {}).values()))
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


def _refuse_unmerged(folder: Path) -> None:
    """Refuse weights with an adapter of peft's beside them: transformers adds it where peft is installed, and leaves it out elsewhere."""
    if (folder / "adapter_config.json").exists():
        raise ModelRefused(
            shown(folder / "adapter_config.json"),
            "an adapter of peft's lies beside these weights, in no hash and no card",
            "Merge it with peft (merge_and_unload, save_pretrained), or delete this file where that was done",
            "MODEL_CONFIG",
        )


def inside(path: Path, folder: Path) -> Path:
    """`path`, unless it is a link that leaves the folder (the blobs of a hub cache beside it are part of it)."""
    real, root = resolved(path), resolved(folder)
    cache = root.parent.parent if root.parent.name == "snapshots" else root
    if not real.is_relative_to(cache):
        raise ModelRefused(shown(path), "this link leads out of the model's folder", "Put the file itself into the folder", "PATH_LINK")
    return path


def stated_features(folder: Path) -> dict[str, Any]:
    """What the feature extractor's file states; empty where there is none."""
    for name in ("preprocessor_config.json", "processor_config.json"):
        if (folder / name).exists():
            raw = read_json(folder / name)
            held = raw.get("feature_extractor", raw)
            if isinstance(held, dict):
                return held
    return {}


def _features(family: Family, config: Mapping[str, Any], stated: Mapping[str, Any], folder: Path) -> Features:
    """How samples are prepared. What is not stated is as transformers' own class has it.

    Raises
    ------
    ModelRefused
        `MODEL_RATE`: it wants another rate than 16,000 samples a second.
    """
    rate = stated.get("sampling_rate", RATE)
    if not isinstance(rate, int | float):
        raise ModelRefused(
            shown(folder), f"its sampling_rate is {rate!r}, no number", "Fetch preprocessor_config.json again", "MODEL_CONFIG"
        )
    if rate != RATE:
        raise ModelRefused(
            shown(folder),
            f"this model hears {rate} samples a second; recordings are heard at {RATE}",
            "Choose a model that was trained at 16 kHz",
            "MODEL_RATE",
        )
    # Without any file: a mask is for those with layer norm in their front end, as transformers advises.
    masked = family.masked_by_default if stated else family.masked_by_default or config.get("feat_extract_norm") == "layer"
    return Features(
        do_normalize=family.inputs == "samples" and bool(stated.get("do_normalize", True)),
        return_attention_mask=bool(stated.get("return_attention_mask", masked)),
    )


def base_sha256(checkpoint: Checkpoint) -> str:
    """The hash of the base: all tensors but adapters and head, under one naming, and every one finite."""
    files = [(path, entries(path)) for path in checkpoint.weights]
    return content_sha256(files, rename=lambda name: base_name(name, checkpoint.family.head))


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
    beside_base = path.parent.resolve() == checkpoint.folder.resolve()
    card = None if beside_base and not checkpoint.carded else read_card(card_path)
    if card is not None:
        _check_card(card, card_path, language, base_hash, tensor_hash)
        if card.low_rank is not None:
            _check_form(checkpoint, card.low_rank, card_path, header_of(path).get("low_rank", ""))
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
    _check_shapes(checkpoint, found, path, len(symbols), card.low_rank if card else None)
    findings = () if card else tuple(uncarded(shown(path)))
    return Adapter(language=language, path=path, card=card, symbols=tuple(symbols), tensor_sha256=tensor_hash, findings=findings)


def uncarded(where: str) -> Iterator[Finding]:
    """What lacks where an adapter, or a whole model, has no card."""
    yield Finding(
        code="MODEL_UNCARDED",
        where=where,
        what="there is no card: shapes and vocabulary were checked, and confidences are not calibrated (they rank words, no more)",
    )


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
            "Choose that base with --model, or ask for an adapter that was trained on this one",
            "MODEL_BASE",
        )
    if card.tensor_sha256 != tensor_hash:
        raise ModelRefused(
            where,
            f"the card states tensors {card.tensor_sha256[:16]}, the file holds {tensor_hash[:16]}",
            "Fetch adapter and card from the same place",
            "MODEL_CARD",
        )


def _check_form(checkpoint: Checkpoint, form: LowRank, path: Path, held: str) -> None:
    """Refuse low-rank adapters of another form than they were learnt in: another scale has the same tensors, and hears otherwise."""
    if str(form) != held:
        raise ModelRefused(
            shown(path),
            f"the card states low-rank adapters of {form}, the file beside it {held or 'none'}",
            "Fetch adapter and card from the same place",
            "MODEL_CARD",
        )
    if checkpoint.takes_adapters:
        raise ModelRefused(
            shown(path),
            f"the card names low-rank adapters, the layers of {checkpoint.name} hold attention adapters",
            "Learn the language anew on this model: speech adapt",
            "MODEL_ADAPTERS",
        )


def expected_shapes(config: Mapping[str, Any], vocabulary: int, family: Family) -> dict[str, tuple[int, ...]]:
    """Names and shapes of an adapter file for a configuration and a vocabulary's size."""
    width, inner = width_of(config), config.get("adapter_attn_dim")
    shapes: dict[str, tuple[int, ...]] = {f"{family.head}.weight": (vocabulary, width), f"{family.head}.bias": (vocabulary,)}
    if inner:
        for layer in range(layers_of(config)):
            prefix = f"{family.layers}.{layer}.adapter_layer"
            shapes |= {
                f"{prefix}.norm.weight": (width,),
                f"{prefix}.norm.bias": (width,),
                f"{prefix}.linear_1.weight": (inner, width),
                f"{prefix}.linear_1.bias": (inner,),
                f"{prefix}.linear_2.weight": (width, inner),
                f"{prefix}.linear_2.bias": (width,),
            }
    return shapes


DOWN, UP = "lora_A.weight", "lora_B.weight"
"""peft's names of the two matrices of a low-rank adapter."""


def low_rank_shapes(checkpoint: Checkpoint, vocabulary: int, form: LowRank) -> dict[str, tuple[int, ...]]:
    """Names and shapes of an adapter file with low-rank adapters and a head, for a base and a vocabulary's size."""
    family, width = checkpoint.family, width_of(checkpoint.config)
    shapes: dict[str, tuple[int, ...]] = {f"{family.head}.weight": (vocabulary, width), f"{family.head}.bias": (vocabulary,)}
    for name, entry in checkpoint.tensors.items():
        module, _, kind = name.rpartition(".")
        if kind == "weight" and module.startswith(f"{family.layers}.") and module.rpartition(".")[2] in form.targets:
            shapes[f"{module}.{DOWN}"] = (form.rank, entry.shape[-1])
            shapes[f"{module}.{UP}"] = (entry.shape[0], form.rank)
    return shapes


def _check_shapes(checkpoint: Checkpoint, found: Mapping[str, Entry], path: Path, vocabulary: int, low_rank: LowRank | None) -> None:
    if not checkpoint.takes_adapters and low_rank is None and len(found) > len(expected_shapes(checkpoint.config, 1, checkpoint.family)):
        raise ModelRefused(
            shown(path),
            f"the layers of {checkpoint.name} ({checkpoint.family.architecture}) hold no adapters, and the card names no low-rank ones",
            "Choose a model with adapters, such as mini or facebook/mms-1b-all, or an adapter that was learnt for this one",
            "MODEL_ADAPTERS",
        )
    head = found.get(f"{checkpoint.family.head}.weight")
    if head is not None and head.shape[:1] != (vocabulary,):
        raise ModelRefused(
            shown(path),
            f"the head has {head.shape[0]} rows, the vocabulary {vocabulary} symbols",
            "Fetch adapter and vocab.json from the same place",
            "MODEL_VOCAB",
        )
    if low_rank is not None:
        due = low_rank_shapes(checkpoint, vocabulary, low_rank)
    else:
        due = expected_shapes(checkpoint.config, vocabulary, checkpoint.family)
    compare_shapes({name: e.shape for name, e in found.items()}, due, shown(path))


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
    listed = ", ".join(map(languages.named, present[:20])) + (" and more" if len(present) > 20 else "")
    places = f" (looked in {', '.join(looked)})" if looked else ""
    return ModelRefused(
        where,
        f"there is no adapter for {language}{places}; there are {listed or 'none'}",
        (f"Nearest: {', '.join(near)}. " if near else "") + "Or --language und for speech and times without words",
        "MODEL_LANGUAGE",
    )
