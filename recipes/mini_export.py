"""Write a trained `mini` in the layout that plain transformers reads: base, adapters, vocabulary, cards.

Used by train_mini.py --export. Weights are stored in half precision; cards hold hashes of what is in the files.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from speech import languages
from speech.files import write_text
from speech.models.banks import Bank
from speech.models.cards import AdapterCard, card_toml
from speech.models.checkpoint import base_sha256, open_checkpoint
from speech.models.weights import canonical_name, content_sha256, entries

MANIFESTS = Path(__file__).resolve().parent.parent / "data_manifests"
FIRST = "que"
"""The language whose adapter lies in model.safetensors too, so that plain transformers opens without target_lang."""


def write_checkpoint(
    network: Any,
    bank: Bank,
    vocabulary: Mapping[str, Mapping[str, int]],
    target: Path,
    *,
    run_card: Mapping[str, Any],
    step: int,
    audio_h: float,
) -> None:
    """The checkpoint of `network` in `target`; card scores and calibration come with calibrate_mini.py and score_mini.py."""
    target.mkdir(parents=True, exist_ok=True)
    first = FIRST if FIRST in bank.languages else bank.languages[0]
    base = {
        name: tensor for name, tensor in network.state_dict().items() if ".adapter_layer." not in name and not name.startswith("lm_head.")
    }
    _save(_half({**base, **bank.tensors(first)}), target / "model.safetensors")
    config = network.config.to_dict() | {
        "architectures": ["Wav2Vec2ForCTC"],
        "vocab_size": len(vocabulary[first]),
        "dtype": "float32",
        "layerdrop": 0.0,
    }
    for name in ("_name_or_path", "transformers_version"):
        config.pop(name, None)
    _json(target / "config.json", config)
    _json(target / "vocab.json", vocabulary)
    _json(
        target / "preprocessor_config.json",
        {
            "do_normalize": True,
            "feature_extractor_type": "Wav2Vec2FeatureExtractor",
            "feature_size": 1,
            "padding_side": "right",
            "padding_value": 0.0,
            "return_attention_mask": True,
            "sampling_rate": 16000,
        },
    )
    _json(
        target / "tokenizer_config.json",
        {
            "tokenizer_class": "Wav2Vec2CTCTokenizer",
            "target_lang": first,
            "pad_token": "<pad>",
            "bos_token": "<s>",
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "word_delimiter_token": "|",
            "do_lower_case": False,
        },
    )
    base_hash = base_sha256(open_checkpoint(target))
    for code in bank.languages:
        path = target / f"adapter.{code}.safetensors"
        _save(_half(bank.tensors(code)), path)
        card = AdapterCard(
            language=code,
            variety=languages.load(code).variety,
            base="mini",
            base_sha256=base_hash,
            tensor_sha256=content_sha256([(path, entries(path))], rename=canonical_name),
            alphabet=tuple(vocabulary[code]),
            trained=_trained(code, run_card, step, audio_h),
        )
        write_text(path.with_suffix(".toml"), card_toml(card))
    write_text(target / "README.md", _readme(run_card, step, audio_h))


def _save(tensors: Mapping[str, Tensor], path: Path) -> None:
    save_file(dict(tensors), path, metadata={"format": "pt"})
    path.chmod(0o644)  # the library writes for the owner alone, and a wheel keeps that


def _half(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().to(torch.float16).contiguous() for name, tensor in tensors.items()}


def _json(path: Path, value: object) -> None:
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1, sort_keys=path.name != "vocab.json") + "\n")


def _collections(code: str, run_card: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    cards = [tomllib.loads(p.read_text(encoding="utf-8")) for p in sorted(MANIFESTS.glob("*.card.toml"))]
    without = run_card.get("without", ())
    return [c for c in cards if c["id"] not in without and any(row["iso639_3"] == code for row in c["languages"])]


def _trained(code: str, run_card: Mapping[str, Any], step: int, audio_h: float) -> dict[str, Any]:
    cards = _collections(code, run_card)
    return {
        "collections": [c["id"] for c in cards],
        "hours": run_card["train_hours"][code],
        "licence": sorted({c["licence"]["id"] for c in cards}),
        "attribution": [c["licence"].get("attribution", "") for c in cards],
        "consent": [row["id"] for c in cards for row in c["consent"]],
        "left_out": {k.split(": ", 1)[1]: v for k, v in run_card["left_out"].items() if k.startswith(f"{code} train")},
        "steps": step,
        "audio_heard_hours": round(audio_h, 1),
        "synthetic": "eSpeak NG voices spoke training texts" if code in ("que", "swh", "amh") and run_card.get("spoken_clips") else "none",
    }


def _readme(run_card: Mapping[str, Any], step: int, audio_h: float) -> str:
    rows = [
        "---",
        "library_name: transformers",
        "pipeline_tag: automatic-speech-recognition",
        "license: apache-2.0",
        "---",
        "# mini: the embedded recogniser of Oral Speech",
        "",
        "A Wav2Vec2ForCTC with attention adapters and frames of 40 ms, trained from nothing by `recipes/train_mini.py` on the",
        f"open speech listed below: {step} steps, {audio_h:.0f} hours heard (with repetition, at three speeds, with noise).",
        "Greedy error rates, with intervals and whether voices are new, stand in docs/scores.md and in each adapter's card.",
        "It knows the voices, telephones and genres of its small training sets best; expect more errors on others.",
        "",
        "| language | train hours | credit |",
        "|---|---|---|",
    ]
    for code, hours in run_card["train_hours"].items():
        credits = dict.fromkeys(c["licence"].get("attribution", c["title"]) for c in _collections(code, run_card))
        rows.append(f"| {languages.load(code).name} (`{code}`) | {hours:.2f} | {'; '.join(credits)} |")
    rows += ["", "Clips left out of training and dev, by language, split and reason:", ""]
    rows += [f"- {reason}: {count}" for reason, count in sorted(run_card["left_out"].items())] or ["- none"]
    return "\n".join(rows) + "\n"
