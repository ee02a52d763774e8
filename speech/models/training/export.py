"""What training leaves: an adapter with its card, or a whole checkpoint in the layout that plain transformers reads.

All files are written beside their place before the first takes it, so that a full disk leaves what was there. Cards hold
hashes of what is in the files: a folder whose writing was cut in between is refused when it is loaded.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from speech.audio import RATE
from speech.files import disk_errors, replacing, write_text
from speech.models.banks import Bank
from speech.models.cards import AdapterCard, card_toml
from speech.models.checkpoint import Checkpoint, base_sha256, open_checkpoint
from speech.models.network import Network
from speech.models.weights import canonical_name, content_sha256, entries


def write_adapter(folder: Path, card: AdapterCard, tensors: Mapping[str, Tensor], *, half: bool = True) -> AdapterCard:
    """Write `adapter.<lang>.safetensors` and its card into `folder`; the card as written, with the hash of its tensors.

    `tensors` have the names of the file (`Bank.tensors`); with `half` they are kept in half precision. `card.base_sha256`
    is the caller's, `card.tensor_sha256` is put in here.

    Raises
    ------
    DiskFailure
        No room, or no right to write; what was there stays.
    ModelRefused
        `MODEL_NONFINITE`: a weight is not a number; nothing is written.
    """
    if not card.base_sha256:
        raise ValueError(f"the card of {card.language} lacks the hash of its base")
    path = folder / f"adapter.{card.language}.safetensors"
    with replacing(path) as part:
        _save(tensors, part, half=half, stated={"low_rank": str(card.low_rank)} if card.low_rank else {})
        card = dataclasses.replace(card, tensor_sha256=content_sha256([(part, entries(part))], rename=canonical_name))
        write_text(path.with_suffix(".toml"), card_toml(card))
    return card


def write_checkpoint(
    folder: Path,
    network: Any,
    bank: Bank,
    vocabulary: Mapping[str, Mapping[str, int]],
    cards: Mapping[str, AdapterCard],
    *,
    half: bool = True,
) -> str:
    """Write base, adapters, vocabulary and configuration into `folder`, and give the hash of the base.

    `network` is the `Wav2Vec2ForCTC` that holds `bank`, fed with levelled sound at 16 kHz. `cards` are those of the bank's
    languages; their hashes are put in here. The first one's adapter lies in `model.safetensors`, too, so that plain
    transformers opens the folder without `target_lang`. Other files of the folder stay.

    Raises
    ------
    DiskFailure
        No room, or no right to write; what was there stays.
    ModelRefused
        `MODEL_NONFINITE`: a weight is not a number; nothing is written.
    """
    first = next(iter(cards))
    state = network.state_dict()
    base = {name: tensor for name, tensor in state.items() if ".adapter_layer." not in name and not name.startswith("lm_head.")}
    with _replacing_files(folder) as made:
        with replacing(made / "model.safetensors") as part:
            _save({**base, **bank.tensors(first)}, part, half=half)
        for file, value in _described(network.config, vocabulary, first).items():
            write_text(made / file, json.dumps(value, ensure_ascii=False, indent=1, sort_keys=file != "vocab.json") + "\n")
        base_hash = base_sha256(open_checkpoint(made))
        for language, card in cards.items():
            write_adapter(made, dataclasses.replace(card, base_sha256=base_hash), bank.tensors(language), half=half)
    return base_hash


def write_learnt(folder: Path, base: Checkpoint, network: Network, card: AdapterCard, *, half: bool = True) -> AdapterCard:
    """Write a base of which every weight has learnt, with its one language, as a checkpoint of its own; the language's card as written.

    The layout is the base's: what prepares sound is copied, vocabulary and configuration are those of the language. Head, and attention
    adapters where there are, lie in `model.safetensors` and beside it with their card. Other files of the folder stay.

    Raises
    ------
    DiskFailure
        No room, or no right to write; what was there stays.
    ModelRefused
        `MODEL_NONFINITE`: a weight is not a number; nothing is written.
    """
    language, symbols = card.language, card.alphabet
    tensors = network.bank.tensors(language)
    numbers = {symbol: number for number, symbol in enumerate(symbols)}
    config = {**base.config, "vocab_size": len(symbols), "pad_token_id": base.symbols.blank}
    described: dict[str, object] = {
        "config.json": config,
        "vocab.json": {language: numbers} if base.takes_adapters else numbers,
        "tokenizer_config.json": _tokenizer(language if base.takes_adapters else None),
    }
    with _replacing_files(folder) as made:
        for file, value in described.items():
            write_text(made / file, json.dumps(value, ensure_ascii=False, indent=1) + "\n")
        for file in ("preprocessor_config.json", "processor_config.json"):
            if (base.folder / file).exists():
                shutil.copyfile(base.folder / file, made / file)
        with replacing(made / "model.safetensors") as part:
            _save({**_named_as_saved(network, base), **tensors}, part, half=half)
        card = dataclasses.replace(card, base_sha256=base_sha256(open_checkpoint(made)), low_rank=None)
        card = write_adapter(made, card, tensors, half=half)
    return card


@contextmanager
def _replacing_files(folder: Path) -> Iterator[Path]:
    """A folder to write into, whose files take their places in `folder` when the block ends well."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".speech-") as name:
            yield Path(name)
            for path in sorted(Path(name).iterdir()):
                path.replace(folder / path.name)


def _named_as_saved(network: Network, base: Checkpoint) -> dict[str, Tensor]:
    """The base's weights under the names that transformers loads: weight norms, computed once for hearing, are split again."""
    head, state = f"{base.family.head}.", network.module.state_dict()
    found = {n: t for n, t in state.items() if ".adapter_layer." not in n and not n.startswith(head)}
    for name in base.tensors:
        module, _, kind = canonical_name(name).rpartition(".")
        if kind == "weight_g" and f"{module}.weight" in found:
            direction = found.pop(f"{module}.weight")
            over = [axis for axis, size in enumerate(base.tensors[name].shape) if size == 1]
            found[f"{module}.parametrizations.weight.original0"] = direction.norm(dim=over, keepdim=True)
            found[f"{module}.parametrizations.weight.original1"] = direction
    return found


def _tokenizer(target: str | None) -> dict[str, object]:
    """`tokenizer_config.json` for our vocabularies."""
    stated: dict[str, object] = {
        "tokenizer_class": "Wav2Vec2CTCTokenizer",
        "pad_token": "<pad>",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "word_delimiter_token": "|",
        "do_lower_case": False,
    }
    return stated | ({"target_lang": target} if target else {})


def _save(tensors: Mapping[str, Tensor], path: Path, *, half: bool, stated: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write to a file that is to take another's place, and wait until it is on the disk; `stated` stands in its header."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    kind = torch.float16 if half else torch.float32
    plain = {name: tensor.detach().to("cpu", kind).contiguous() for name, tensor in tensors.items()}
    try:
        save_file(plain, path, metadata={"format": "pt", **stated})
    except SafetensorError as error:
        # What the disk said stands in the text of the library's own error.
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _described(config: Any, vocabulary: Mapping[str, Mapping[str, int]], first: str) -> dict[str, object]:
    """The JSON files of the layout, by name."""
    stated = config.to_dict() | {
        "architectures": ["Wav2Vec2ForCTC"],
        "vocab_size": len(vocabulary[first]),
        "dtype": "float32",
        "layerdrop": 0.0,
    }
    for name in ("_name_or_path", "transformers_version"):
        stated.pop(name, None)
    return {
        "config.json": stated,
        "vocab.json": vocabulary,
        "preprocessor_config.json": {
            "do_normalize": True,
            "feature_extractor_type": "Wav2Vec2FeatureExtractor",
            "feature_size": 1,
            "padding_side": "right",
            "padding_value": 0.0,
            "return_attention_mask": True,
            "sampling_rate": RATE,
        },
        "tokenizer_config.json": _tokenizer(first),
    }
