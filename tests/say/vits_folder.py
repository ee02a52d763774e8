"""A VITS checkpoint of the real architecture with random weights, small, in the Hugging Face layout; and cards for voices."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

LETTERS = "abcdefghijklmnoprstuwyz'- "
SYNTHETIC = """
schema_version = 1
id = "random_voice"
title = "A voice of random numbers"
languages = [{ iso639_3 = "swh" }]
holder = { name = "Nobody", kind = "project" }
source = { reference = "made for a test" }
access = { class = "open" }
licence = { id = "cc0-1.0" }
community = { consent_required = false, why_not = "nobody was recorded" }
people = { rule = "collection" }
synthetic = true

[[consent]]
id = "random_voice:1"
decision = "granted"
scopes = ["LOCAL", "synthesise_voice"]
basis = "public_licence"
given_by = "licensor"
given_on = 2020-01-01
evidence = { kind = "licence_text", reference = "none needed" }
recorded_by = "c"
"""


def save(
    folder: Path,
    *,
    letters: str = LETTERS,
    card: str = SYNTHETIC,
    speakers: int = 1,
    tokenizer: Mapping[str, object] | None = None,
    real: bool = False,
    bins: int = 65,
) -> Path:
    """Write config, tokenizer, weights and card; all parts of the network there, with small numbers in the places of the `real` ones."""
    import torch
    from transformers import VitsConfig, VitsModel

    folder.mkdir(parents=True, exist_ok=True)
    symbols = {"<pad>": 0, **{letter: n for n, letter in enumerate(letters, 1)}}
    symbols["<unk>"] = len(symbols)
    torch.manual_seed(3)
    config = VitsConfig(vocab_size=len(symbols)) if real else VitsConfig(
        vocab_size=len(symbols), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, ffn_dim=48, flow_size=32,
        spectrogram_bins=bins, upsample_initial_channel=32, upsample_rates=[8, 8, 2, 2], upsample_kernel_sizes=[16, 16, 4, 4],
        depth_separable_num_layers=2, duration_predictor_flow_bins=4, duration_predictor_num_flows=2, prior_encoder_num_flows=2,
        posterior_encoder_num_wavenet_layers=2,
        prior_encoder_num_wavenet_layers=2, num_speakers=speakers, speaker_embedding_size=8 if speakers > 1 else 0,
    )  # fmt: skip
    VitsModel(config).save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps(symbols), encoding="utf-8")
    stated = {
        "tokenizer_class": "VitsTokenizer", "language": "swh", "add_blank": True, "normalize": True, "phonemize": False, "is_uroman": False,
        "pad_token": "<pad>", "unk_token": "<unk>", **(tokenizer or {}),
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(stated), encoding="utf-8")
    if card:
        (folder / "collection.card.toml").write_text(card, encoding="utf-8")
    return folder
