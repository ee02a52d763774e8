"""What an exported `mini` says of itself: cards of its adapters, and its README. Used by train_mini.py --export."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mini_data import MANIFESTS

from speech import languages
from speech.files import write_text
from speech.models.banks import Bank
from speech.models.cards import AdapterCard
from speech.models.training.export import write_checkpoint

FIRST = "que"
"""The language whose adapter lies in model.safetensors too, so that plain transformers opens without target_lang."""


def write_mini(
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
    cards = {
        code: AdapterCard(
            language=code,
            variety=languages.load(code).variety,
            base="mini",
            base_sha256="",
            tensor_sha256="",
            alphabet=tuple(vocabulary[code]),
            trained=_trained(code, run_card, step, audio_h),
        )
        for code in sorted(bank.languages, key=lambda code: code != FIRST)
    }
    write_checkpoint(target, network, bank, vocabulary, cards)
    write_text(target / "README.md", _readme(run_card, step, audio_h))


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
        "Language models of its train transcripts lie beside it (lm.<code>.safetensors): docs/lm_scores.md says what they are worth.",
        "Beside it lie two networks that are no part of it: what tells voices apart (voices.safetensors) and languages",
        "(identify.safetensors).",
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
