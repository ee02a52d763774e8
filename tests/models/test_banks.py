"""Adapters and heads of several languages in one network: one more while others are heard, and layers that add nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from speech.models.banks import BankedHead, Choice
from speech.models.recogniser import CtcRecogniser, HiddenStates, LoadSettings, load
from tests.models import tiny


@pytest.mark.parametrize("first", ["weight", "bias"])
def test_a_head_that_grows_while_a_mixed_batch_is_heard_changes_nothing(first: str) -> None:
    choice = Choice()
    head = BankedHead(choice, [5, 7], 8)
    choice.index, choice.rows = torch.tensor([0, 1]), frozenset((0, 1))
    hidden = torch.randn(2, 3, 8)
    before = head(hidden)
    weight, bias = head.weight, head.bias
    head.add(torch.randn(12, 8), torch.randn(12))
    assert head.sizes == (5, 7, 12)
    # Another thread may see one of the two already longer.
    setattr(head, "bias" if first == "weight" else "weight", bias if first == "weight" else weight)
    torch.testing.assert_close(head(hidden), before)


def silenced(folder: Path, layers: int) -> Path:
    """The adapters of the lowest layers of a checkpoint add nothing."""
    from safetensors.torch import load_file, save_file

    for path in folder.glob("adapter.*.safetensors"):
        tensors = load_file(path)
        for name in tensors:
            if any(f"layers.{n}.adapter_layer.linear_2" in name for n in range(layers)):
                tensors[name] = torch.zeros_like(tensors[name])
        save_file(tensors, path, metadata={"format": "pt"})
    return folder


def test_lower_layers_whose_adapters_add_nothing_serve_all_languages_in_the_running_pass(tmp_path: Path) -> None:
    model = load(str(silenced(tiny.save(tmp_path), 2)), LoadSettings(precision="fp32"))
    clip = np.random.default_rng(1).standard_normal(16_000).astype(np.float32)
    batch = [(clip, code) for code in tiny.VOCABULARIES]
    encodings = model.encode_batch(batch, HiddenStates(layer=2))
    assert model.common_layers == 2
    assert [model.passes(HiddenStates(layer=n)) for n in range(4)] == [1, 1, 1, 2]
    for one in encodings[1:]:
        assert one.hidden is not None and encodings[0].hidden is not None
        np.testing.assert_allclose(one.hidden, encodings[0].hidden, atol=1e-5)
    for encoding, code in zip(encodings, tiny.VOCABULARIES, strict=True):
        np.testing.assert_allclose(encoding.emissions, tiny.log_probabilities(tiny.plain(tmp_path, code), clip), atol=1e-4)


def test_a_bank_whose_adapters_all_add_something_has_no_common_layer(tiny_folder: Path) -> None:
    model: CtcRecogniser = load(str(tiny_folder), LoadSettings(precision="fp32"))
    for code in tiny.VOCABULARIES:
        model.use(code)
    assert model.common_layers == 0


def test_silenced_layers_stay_so_in_training() -> None:
    from transformers import Wav2Vec2ForCTC

    from speech.models.banks import Bank, BankedAdapter

    network = Wav2Vec2ForCTC(tiny.configuration())
    bank = Bank(network, {"que": 5, "yor": 6})
    for layer in network.wav2vec2.encoder.layers[:2]:
        assert isinstance(layer.adapter_layer, BankedAdapter)
        layer.adapter_layer.silence()
    assert bank.common_layers == 2
    bank.use(["que", "yor"])
    network.train()
    network(torch.randn(2, 8_000)).logits.sum().backward()
    lowest, highest = network.wav2vec2.encoder.layers[0].adapter_layer, network.wav2vec2.encoder.layers[2].adapter_layer
    assert all(p.grad is None and not p.requires_grad for p in lowest.parameters())
    assert all(p.grad is not None for p in highest.parameters())
    assert not lowest.weight_2.any() and not lowest.bias_2.any()
