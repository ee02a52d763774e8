"""A random checkpoint of the real MMS architecture in small widths, saved by plain transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

VOCABULARIES = {
    "que": ["<pad>", "<s>", "</s>", "<unk>", "|", "a", "i", "u", "k", "n", "ñ"],
    "yor": ["<pad>", "<s>", "</s>", "<unk>", "|", "a", "e", "ẹ", "o", "ọ", "\u0301", "\u0300", "gb"],
    "fra": ["<pad>", "<s>", "</s>", "<unk>", "|", "a", "b", "c", "é"],
}


def configuration(**changes: Any) -> Any:
    """The shape of MMS (layer norm in the front end, stable layer norm, adapters of 16) with small widths."""
    from speech.models import guard

    guard.load()
    from transformers import Wav2Vec2Config

    values: dict[str, Any] = {
        "vocab_size": len(VOCABULARIES["que"]),
        "hidden_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "conv_dim": (16, 16, 16, 16, 16, 16, 16),
        "conv_kernel": (10, 3, 3, 3, 3, 2, 2),
        "conv_stride": (5, 2, 2, 2, 2, 2, 2),
        "feat_extract_norm": "layer",
        "conv_bias": True,
        "do_stable_layer_norm": True,
        "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 4,
        "adapter_attn_dim": 16,
        "pad_token_id": 0,
        "layerdrop": 0.0,
    }
    return Wav2Vec2Config(**(values | changes))


def save(folder: Path, *, seed: int = 0, vocabularies: dict[str, list[str]] | None = None, **changes: Any) -> Path:
    """Save a random network and an adapter for each language, all by transformers' own calls."""
    import torch

    config = configuration(**changes)
    from safetensors.torch import save_file
    from transformers import Wav2Vec2ForCTC

    vocabularies = vocabularies or VOCABULARIES
    torch.manual_seed(seed)
    network = Wav2Vec2ForCTC(config)
    folder.mkdir(parents=True, exist_ok=True)
    network.save_pretrained(folder)
    for language, symbols in vocabularies.items():
        network.init_adapter_layers()
        network.lm_head = torch.nn.Linear(config.hidden_size, len(symbols))
        # Adapters are initialised near nothing; larger ones make languages differ clearly.
        tensors = {name: torch.randn_like(t) * 0.3 for name, t in network._get_adapters().items()}
        save_file({n: t.contiguous() for n, t in tensors.items()}, folder / f"adapter.{language}.safetensors", metadata={"format": "pt"})
    nested = {language: {s: n for n, s in enumerate(symbols)} for language, symbols in vocabularies.items()}
    (folder / "vocab.json").write_text(json.dumps(nested, ensure_ascii=False), encoding="utf-8")
    (folder / "preprocessor_config.json").write_text(
        json.dumps(
            {
                "feature_extractor_type": "Wav2Vec2FeatureExtractor",
                "do_normalize": True,
                "return_attention_mask": True,
                "sampling_rate": 16000,
            }
        ),
        encoding="utf-8",
    )
    return folder


def plain(folder: Path, language: str) -> Any:
    """The checkpoint opened by plain transformers with `target_lang`."""
    from speech.models import guard

    guard.load()
    import torch
    from transformers import Wav2Vec2ForCTC

    return Wav2Vec2ForCTC.from_pretrained(
        folder, target_lang=language, ignore_mismatched_sizes=True, dtype=torch.float32, local_files_only=True
    ).eval()


def log_probabilities(network: Any, samples: Any) -> Any:
    """Log probabilities (frames, vocabulary) of one clip by plain transformers."""
    import torch

    with torch.inference_mode():
        return torch.log_softmax(network(torch.from_numpy(samples)[None]).logits[0], -1).numpy()
