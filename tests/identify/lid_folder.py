"""A small random `Wav2Vec2ForSequenceClassification`, saved by transformers itself as MMS-LID's checkpoints are."""

from __future__ import annotations

from pathlib import Path

LABELS = ("que", "swh", "eng", "zho-script_simplified", "zho-script_traditional")


def save(folder: Path, *, seed: int = 3, labels: tuple[str, ...] = LABELS) -> Path:
    """Write it into `folder`."""
    import torch

    from speech.models import guard

    guard.load()
    import transformers

    torch.manual_seed(seed)
    config = transformers.Wav2Vec2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, conv_dim=(16, 16, 16), conv_kernel=(10, 4, 4),
        conv_stride=(8, 5, 8), num_feat_extract_layers=3, feat_extract_norm="layer", do_stable_layer_norm=True, num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2, classifier_proj_size=24, num_labels=len(labels),
        id2label=dict(enumerate(labels)), label2id={label: n for n, label in enumerate(labels)},
    )  # fmt: skip
    model = transformers.Wav2Vec2ForSequenceClassification(config).eval()
    with torch.no_grad():  # random weights as they begin say nearly the same of every sound
        model.classifier.weight.mul_(200)
    model.save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True).save_pretrained(folder)
    return folder
