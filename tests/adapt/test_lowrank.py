"""Bases whose layers hold no adapters learn low-rank ones; what is written is heard again, checked as other adapters are."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from speech.adapt import AdaptSettings, Clip, Material, adapt
from speech.adapt.learner import Learner, Mode
from speech.adapt.run import Adapted
from speech.adapt.whole import head_or_donor
from speech.errors import ModelRefused
from speech.files import sha256_of
from speech.models.cards import AdapterCard, LowRank, card_toml, read_card
from speech.models.checkpoint import base_sha256, open_checkpoint
from speech.models.recogniser import CtcRecogniser, LoadSettings
from speech.models.training.export import write_adapter, write_learnt
from tests.models.folders import KINDS

pytest.importorskip("peft", reason="the extra [adapt] is not installed")

KIND = {kind.name: kind for kind in KINDS}
RNG = np.random.default_rng(3)
TEXTS = ("abe cab", "dab", "bad cabé", "a bé cad")


def clip(number: int) -> Clip:
    text = TEXTS[number % len(TEXTS)]
    samples = (RNG.standard_normal(16_000 + 1600 * number) * 3000).astype(np.int16)
    return Clip(id=str(number), text=text, symbols=["|" if s == " " else s for s in text], samples=samples, session=str(number // 2))


@pytest.fixture(scope="module")
def material() -> Material:
    return Material(
        language="zzz", found_as="made", train=[clip(n) for n in range(4)], dev=[clip(n) for n in range(4, 6)], split_by="test",
        decision=None,  # type: ignore[arg-type]  # the gate is not asked here
    )  # fmt: skip


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.adapt.batches.SHAPES", ((2, 3.0),))
    monkeypatch.setattr("speech.adapt.run.SHAPES", ((2, 3.0), (2, 3.0)))


def learn(folder: Path, material: Material, run: Path, language: str = "zzz", mode: Mode = "adapter") -> Adapted:
    checkpoint = open_checkpoint(folder)
    lent = head_or_donor(checkpoint, "none")
    settings = AdaptSettings(mode=mode, steps=4, decay_share=0.5, evaluate_steps=2, rate=1e-2)
    return adapt(dataclasses.replace(material, language=language), checkpoint, run, settings, donor=lent)


def written(made: Adapted, out: Path) -> AdapterCard:
    learner = made.learner
    card = AdapterCard(
        language=learner.language, base_sha256=base_sha256(learner.checkpoint), tensor_sha256="", alphabet=learner.vocabulary,
        low_rank=learner.low_rank,
    )  # fmt: skip
    out.mkdir(exist_ok=True)
    return write_adapter(out, card, made.tensors, half=False)


def heard(folder: Path, adapter: Path, language: str, samples: np.ndarray) -> np.ndarray:
    model = CtcRecogniser(open_checkpoint(folder), LoadSettings(precision="fp32", adapter=adapter))
    return model.emissions([samples], [language])[0]


@pytest.mark.parametrize("name", ["xls-r", "not-levelled", "added-tokens", "omnilingual", "w2v-bert", "hubert", "wavlm"])
def test_what_was_learnt_is_what_is_heard(name: str, material: Material, tmp_path: Path) -> None:
    folder = tmp_path / "base"
    KIND[name].make(folder)
    before = sha256_of(folder / "model.safetensors")
    made = learn(folder, material, tmp_path / "run")
    card = written(made, tmp_path / "out")
    assert read_card(tmp_path / "out" / "adapter.zzz.toml").low_rank == card.low_rank == made.learner.low_rank
    signal = made.learner.prepared(material.dev[0].samples / 32768)
    with made.averaged():
        due, _ = made.learner.built.run([signal], ["zzz"], length=len(signal), masked=False)
    found = heard(folder, tmp_path / "out", "zzz", signal)
    assert np.abs(found - due[0, : len(found), : found.shape[1]]).max() < 2e-4
    assert any(tensor.any() for key, tensor in made.tensors.items() if "lora_B" in key)  # it did learn
    assert sha256_of(folder / "model.safetensors") == before
    fresh = Learner(open_checkpoint(folder), "zzz", material.symbols, mode="adapter")
    assert fresh.base_hash() == made.learner.base_hash()


@pytest.mark.parametrize("name", ["mms", "xls-r", "wav2vec2-base", "omnilingual", "w2v-bert", "wavlm"])
def test_a_base_that_learnt_as_a_whole_is_a_checkpoint_of_its_own(name: str, material: Material, tmp_path: Path) -> None:
    import transformers

    folder, out = tmp_path / "base", tmp_path / "out"
    KIND[name].make(folder)
    before = {path.name: sha256_of(path) for path in folder.iterdir()}
    made = learn(folder, material, tmp_path / "run", mode="full")
    learner = made.learner
    card = AdapterCard(language="zzz", base_sha256="", tensor_sha256="", alphabet=learner.vocabulary)
    with made.averaged():
        card = write_learnt(out, learner.checkpoint, learner.built, card, half=False)
        signal = learner.prepared(material.dev[0].samples / 32768)
        due, _ = learner.built.run([signal], ["zzz"], length=len(signal), masked=False)
    assert {path.name: sha256_of(path) for path in folder.iterdir()} == before
    checkpoint = open_checkpoint(out)
    assert card.base_sha256 == base_sha256(checkpoint) != base_sha256(open_checkpoint(folder))
    model = CtcRecogniser(checkpoint, LoadSettings(precision="fp32"))
    found = model.emissions([signal], ["zzz"])[0]
    assert model.use("zzz").card is not None
    assert np.abs(found - due[0, : len(found), : found.shape[1]]).max() < 2e-4
    plain = getattr(transformers, checkpoint.family.architecture).from_pretrained(out).eval()
    with torch.no_grad():
        logits = plain(**learner.built.inputs_of([signal], len(signal), False)).logits
    assert np.abs(torch.log_softmax(logits, -1)[0, : len(found)].numpy() - found).max() < 2e-4


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, material: Material) -> tuple[Path, Path]:
    """A base of the shape of XLS-R, and a folder with adapters of two languages."""
    root = tmp_path_factory.mktemp("two")
    KIND["xls-r"].make(root / "base")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("speech.adapt.batches.SHAPES", ((2, 3.0),))
        for language in ("zzz", "zzy"):
            written(learn(root / "base", material, root / f"run_{language}", language), root / "out")
    tensors = load_file(root / "out" / "adapter.zzy.safetensors")
    other = {name: tensor * 1.5 for name, tensor in tensors.items()}
    write_adapter(root / "out", read_card(root / "out" / "adapter.zzy.toml"), other, half=False)
    return root / "base", root / "out"


def test_a_batch_of_two_languages_gives_what_each_gives_alone(two: tuple[Path, Path]) -> None:
    base, out = two
    model = CtcRecogniser(open_checkpoint(base), LoadSettings(precision="fp32", adapter=out))
    clips = [RNG.standard_normal(16_000).astype(np.float32) for _ in range(4)]
    codes = ["zzz", "zzy", "zzz", "zzy"]
    together = model.emissions(clips, codes)
    for own, sound, code in zip(together, clips, codes, strict=True):
        alone = CtcRecogniser(open_checkpoint(base), LoadSettings(precision="fp32", adapter=out))
        assert np.abs(alone.emissions([sound], [code])[0] - own).max() < 1e-4
    assert np.abs(model.emissions([clips[0]], ["zzz"])[0] - model.emissions([clips[0]], ["zzy"])[0]).max() > 1e-3


def refused(base: Path, out: Path) -> ModelRefused:
    with pytest.raises(ModelRefused) as caught:
        CtcRecogniser(open_checkpoint(base), LoadSettings(precision="fp32", adapter=out)).use("zzz")
    return caught.value


def test_what_does_not_fit_is_refused(two: tuple[Path, Path], tmp_path: Path) -> None:
    base, out = two
    card, tensors = read_card(out / "adapter.zzz.toml"), load_file(out / "adapter.zzz.safetensors")
    assert card.low_rank is not None

    def put(folder: str, changed: AdapterCard, own: dict[str, torch.Tensor]) -> Path:
        (tmp_path / folder).mkdir()
        write_adapter(tmp_path / folder, changed, own, half=False)
        return tmp_path / folder

    first = next(name for name in tensors if "lora_A" in name)
    lacking = refused(base, put("lacking", card, {n: t for n, t in tensors.items() if n != first}))
    assert lacking.code == "MODEL_SHAPE" and f"{first} is missing" in lacking.what
    rank = refused(base, put("rank", dataclasses.replace(card, low_rank=dataclasses.replace(card.low_rank, rank=8)), tensors))
    assert rank.code == "MODEL_SHAPE"
    plain = refused(base, put("plain", dataclasses.replace(card, low_rank=None), tensors))
    assert plain.code == "MODEL_ADAPTERS"
    other = refused(base, put("other", dataclasses.replace(card, base_sha256="0" * 64), tensors))
    assert other.code == "MODEL_BASE"
    edited = put("edited", card, tensors)
    save_file({**tensors, first: tensors[first] + 1}, edited / "adapter.zzz.safetensors")
    assert refused(base, edited).code == "MODEL_CARD"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"rank": 0}, "low_rank.rank"), ({"alpha": -1.0}, "low_rank.alpha"), ({"targets": ()}, "low_rank.targets"),
    ],
)  # fmt: skip
def test_a_card_with_a_wrong_form_is_refused(wrong: dict[str, object], said: str, tmp_path: Path) -> None:
    form = dataclasses.replace(LowRank(rank=4, alpha=8.0, targets=("q_proj",)), **wrong)  # type: ignore[arg-type]
    card = AdapterCard(language="zzz", base_sha256="0" * 64, tensor_sha256="0" * 64, alphabet=("a",), low_rank=form)
    (tmp_path / "card.toml").write_text(card_toml(card), encoding="utf-8")
    with pytest.raises(ModelRefused, match=said) as caught:
        read_card(tmp_path / "card.toml")
    assert caught.value.code == "MODEL_CARD"


def test_without_peft_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    KIND["xls-r"].make(tmp_path / "base")
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ModelRefused) as caught:
        Learner(open_checkpoint(tmp_path / "base"), "zzz", ("a",), mode="adapter")
    assert caught.value.code == "MODEL_NOT_HERE" and "oral-speech[adapt]" in caught.value.mend
