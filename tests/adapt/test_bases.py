"""Bases of every kind to begin from: what their heads lend, what an adapter of another form does, what peft may not do unasked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from speech.adapt import learner as learners
from speech.adapt.donors import lenders
from speech.adapt.learner import Learner
from speech.adapt.whole import _donor, head_or_donor
from speech.errors import ModelRefused
from speech.models.cards import AdapterCard, LowRank, read_card
from speech.models.checkpoint import base_sha256, low_rank_shapes, open_checkpoint
from speech.models.recogniser import CtcRecogniser, LoadSettings
from speech.models.training.export import write_adapter
from speech.models.training.losses import ctc
from tests.models.folders import KINDS

pytest.importorskip("peft", reason="the extra [adapt] is not installed")

KIND = {kind.name: kind for kind in KINDS}
RNG = np.random.default_rng(5)


def learner_of(folder: Path, letters: tuple[str, ...] = ("a", "b")) -> Learner:
    checkpoint = open_checkpoint(folder)
    return Learner(checkpoint, "zzz", letters, mode="adapter", donor=head_or_donor(checkpoint, "none"))


@pytest.mark.parametrize(
    ("name", "blank", "word_break"),
    [("omnilingual", "<s>", "▁"), ("pieces", "<s>", "▁"), ("added-tokens", "[PAD]", "|"), ("xls-r", "<pad>", "|")],
)
def test_the_blank_and_the_word_break_begin_as_those_of_the_base(name: str, blank: str, word_break: str, tmp_path: Path) -> None:
    KIND[name].make(tmp_path)
    learner = learner_of(tmp_path)
    head = f"{learner.checkpoint.family.head}.weight"
    own, base = learner.tensors()[head], load_file(tmp_path / "model.safetensors")[head].float()
    symbols = learner.checkpoint.vocabularies["und"]
    for ours, theirs in (("<pad>", blank), ("|", word_break), ("a", "a")):
        assert torch.equal(own[learner.vocabulary.index(ours)], base[symbols.index(theirs)]), ours
    assert sum(torch.equal(row, base[symbols.index(blank)]) for row in own) == 1


def beside(folder: Path, language: str = "zzz") -> AdapterCard:
    """A low-rank adapter with its card, written beside its base; its matrices are random."""
    checkpoint = open_checkpoint(folder)
    alphabet = ("<pad>", "<s>", "</s>", "<unk>", "|", "a", "b")
    form = LowRank(rank=2, alpha=4.0, targets=("q_proj", "output_dense"))
    card = AdapterCard(language=language, base_sha256=base_sha256(checkpoint), tensor_sha256="", alphabet=alphabet, low_rank=form)
    tensors = {name: torch.randn(shape) * 0.1 for name, shape in low_rank_shapes(checkpoint, len(alphabet), form).items()}
    return write_adapter(folder, card, tensors, half=False)


def test_an_adapter_beside_a_base_without_adapter_layers_lends_nothing_and_is_heard(tmp_path: Path) -> None:
    KIND["xls-r"].make(tmp_path)
    beside(tmp_path)
    checkpoint = open_checkpoint(tmp_path)
    assert set(checkpoint.adapters) == {"zzz"} and lenders(checkpoint) == {}
    assert _donor(checkpoint, None, "auto", print) == ([], "none")  # type: ignore[arg-type]  # nothing is heard for it
    assert learner_of(tmp_path).low_rank is not None
    model = CtcRecogniser(checkpoint, LoadSettings(precision="fp32"))
    clips = [RNG.standard_normal(9_000).astype(np.float32) for _ in range(2)]
    mixed = model.emissions(clips, ["zzz", "que"])  # que: the head and the vocabulary of the base itself
    for code, clip, own in zip(("zzz", "que"), clips, mixed, strict=True):
        alone = CtcRecogniser(open_checkpoint(tmp_path), LoadSettings(precision="fp32")).emissions([clip], [code])[0]
        assert own.shape == alone.shape and np.abs(own - alone).max() < 1e-4


def test_an_adapter_learnt_later_lends_by_its_card(tmp_path: Path) -> None:
    KIND["mms"].make(tmp_path)
    checkpoint = open_checkpoint(tmp_path)
    learner = Learner(checkpoint, "zzz", ("a", "b"), mode="adapter")
    assert "zzz" not in lenders(checkpoint)
    card = AdapterCard(language="zzz", base_sha256=base_sha256(checkpoint), tensor_sha256="", alphabet=learner.vocabulary)
    write_adapter(tmp_path, card, learner.tensors())
    assert lenders(open_checkpoint(tmp_path))["zzz"] == learner.vocabulary


def refused(folder: Path, adapter: Path | None = None) -> ModelRefused:
    with pytest.raises(ModelRefused) as caught:
        CtcRecogniser(open_checkpoint(folder), LoadSettings(precision="fp32", adapter=adapter)).use("zzz")
    return caught.value


def test_a_scale_that_was_edited_in_the_card_is_refused(tmp_path: Path) -> None:
    KIND["xls-r"].make(tmp_path)
    beside(tmp_path)
    card = tmp_path / "adapter.zzz.toml"
    written = card.read_text(encoding="utf-8")
    assert "alpha = 4.0" in written and read_card(card).low_rank == LowRank(rank=2, alpha=4.0, targets=("q_proj", "output_dense"))
    card.write_text(written.replace("alpha = 4.0", "alpha = 8.0"), encoding="utf-8")
    found = refused(tmp_path)
    assert found.code == "MODEL_CARD" and "8.0" in found.what and "4.0" in found.what
    card.write_text(written, encoding="utf-8")
    CtcRecogniser(open_checkpoint(tmp_path), LoadSettings(precision="fp32")).use("zzz")


def test_low_rank_adapters_for_a_base_with_adapter_layers_are_refused(tmp_path: Path) -> None:
    KIND["mms"].make(tmp_path / "base")
    (tmp_path / "out").mkdir()
    checkpoint = open_checkpoint(tmp_path / "base")
    form = LowRank(rank=2, alpha=4.0, targets=("q_proj",))
    card = AdapterCard(language="zzz", base_sha256=base_sha256(checkpoint), tensor_sha256="", alphabet=("<pad>", "a"), low_rank=form)
    write_adapter(tmp_path / "out", card, {n: torch.randn(s) for n, s in low_rank_shapes(checkpoint, 2, form).items()})
    assert refused(tmp_path / "base", tmp_path / "out").code == "MODEL_ADAPTERS"


def test_surplus_and_infinite_matrices_are_refused(tmp_path: Path) -> None:
    KIND["xls-r"].make(tmp_path / "base")
    card = beside(tmp_path / "base")
    tensors = load_file(tmp_path / "base" / "adapter.zzz.safetensors")
    (tmp_path / "out").mkdir()
    write_adapter(tmp_path / "out", card, {**tensors, "wav2vec2.encoder.layers.9.q_proj.lora_A.weight": torch.ones(2, 2)})
    surplus = refused(tmp_path / "base", tmp_path / "out")
    assert surplus.code == "MODEL_SHAPE" and "layers.9.q_proj.lora_A.weight is surplus" in surplus.what
    first = next(name for name in tensors if name.endswith("lora_B.weight"))
    with pytest.raises(ModelRefused) as caught:
        write_adapter(tmp_path / "out", card, {**tensors, first: torch.full_like(tensors[first], float("nan"))})
    assert caught.value.code == "MODEL_NONFINITE"
    save_file({**tensors, first: torch.full_like(tensors[first], float("inf"))}, tmp_path / "base" / "adapter.zzz.safetensors")
    assert refused(tmp_path / "base").code == "MODEL_NONFINITE"


def test_an_adapter_of_pefts_beside_the_weights_is_not_added_unasked(tmp_path: Path) -> None:
    KIND["hubert"].make(tmp_path)
    (tmp_path / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}), encoding="utf-8")
    with pytest.raises(ModelRefused) as caught:
        open_checkpoint(tmp_path)
    assert caught.value.code == "MODEL_CONFIG" and "adapter_config.json" in caught.value.where


@pytest.mark.parametrize("name", ["mms", "xls-r", "omnilingual", "w2v-bert", "hubert", "wavlm"])
def test_what_is_computed_again_gives_the_gradients_of_what_is_kept(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    KIND[name].make(tmp_path)
    inputs = torch.from_numpy(RNG.standard_normal((2, 16_000)).astype(np.float32))
    found = []
    for large in (10**9, 0):
        monkeypatch.setattr(learners, "LARGE", large)
        torch.manual_seed(1)
        np.random.seed(1)
        learner = learner_of(tmp_path)
        learner.half_precision = False
        learner.train()
        torch.manual_seed(2)
        np.random.seed(2)
        ctc(learner(inputs), [[5], [6]], blank=learner.blank).backward()  # type: ignore[no-untyped-call]  # torch has no annotation here
        found.append({n: p.grad for n, p in learner.named_parameters() if p.requires_grad})
        assert learner.network.is_activation_checkpointing == (large == 0)
    assert found[0].keys() == found[1].keys()
    for key, kept in found[0].items():
        again = found[1][key]
        assert kept is not None and again is not None and torch.allclose(kept, again, atol=1e-5), key


def test_a_learner_holds_one_copy_of_the_base(tmp_path: Path) -> None:
    """Frozen weights stand once in what learns; nothing of them is cloned for the mean, the optimiser or a checkpoint."""
    KIND["xls-r"].make(tmp_path)
    learner = learner_of(tmp_path)
    due = sum(int(np.prod(e.shape)) for n, e in learner.checkpoint.tensors.items() if not n.startswith("lm_head."))
    head = sum(t.numel() for n, t in learner.tensors().items())
    assert abs(sum(p.numel() for p in learner.parameters()) - due - head) <= 0.02 * due  # weight norms are computed once


@pytest.mark.parametrize("name", ["mms", "xls-r", "omnilingual", "w2v-bert", "hubert", "wavlm"])
def test_where_all_learns_no_weight_of_the_base_is_left_out(name: str, tmp_path: Path) -> None:
    KIND[name].make(tmp_path)
    checkpoint = open_checkpoint(tmp_path)
    learner = Learner(checkpoint, "zzz", ("a", "b"), mode="full", donor=head_or_donor(checkpoint, "none"))
    moving = {name for name, parameter in learner.network.named_parameters() if parameter.requires_grad}
    held = {name for name, tensor in learner.network.state_dict().items() if tensor.is_floating_point()}
    assert held == moving


@pytest.mark.parametrize("name", ["mms", "xls-r", "omnilingual", "w2v-bert", "hubert", "wavlm"])
def test_no_layer_is_left_out_while_learning(name: str, tmp_path: Path) -> None:
    KIND[name].make(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    config.get("audio_config", config)["layerdrop"] = 1.0
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    learner = learner_of(tmp_path)
    learner.train()
    learner(torch.randn(2, 16_000)).sum().backward()  # torch has no annotation here
    assert [n for n, p in learner.named_parameters() if p.requires_grad and p.grad is None] == []


def test_a_front_end_that_does_not_learn_is_not_gone_back_through(tmp_path: Path) -> None:
    """transformers asks a gradient of the samples themselves unless it is told; half of a step of `mini` was spent on it."""
    KIND["xls-r"].make(tmp_path)
    learner = learner_of(tmp_path)
    learner.train()
    seen = []
    learner.network.wav2vec2.feature_extractor.register_forward_hook(lambda _m, _i, out: seen.append(out.requires_grad))
    learner(torch.randn(2, 16_000)).sum().backward()
    assert seen == [False]
