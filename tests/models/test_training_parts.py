"""What training is made of: the loss, pace and noise, and files that are written whole with hashes that agree."""

from __future__ import annotations

import dataclasses
import errno
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from speech.errors import DiskFailure, ModelRefused
from speech.models.banks import Bank
from speech.models.cards import AdapterCard, read_card
from speech.models.checkpoint import base_sha256, open_adapter, open_checkpoint
from speech.models.training.augment import Augment, at_speed, levelled, not_speech
from speech.models.training.export import write_adapter, write_checkpoint
from speech.models.training.losses import ctc
from tests.conftest import REPOSITORY
from tests.models import tiny


def test_the_loss_is_the_sum_over_paths_worked_out_by_hand() -> None:
    # Two frames, a blank and one symbol, each of probability 1/2: "a" is spelt by three of four paths, silence by one.
    scores = torch.full((2, 2, 2), math.log(0.5))
    assert float(ctc(scores, [[1], []])) == pytest.approx(-math.log(3 / 4) - math.log(1 / 4))


def test_frames_of_padding_and_texts_too_long_count_nothing() -> None:
    scores = torch.log_softmax(torch.randn(6, 2, 4, generator=torch.Generator().manual_seed(1)), -1)
    alone = ctc(scores[:4, :1], [[1, 2]]) + ctc(scores[:, 1:], [[3]])
    assert float(ctc(scores, [[1, 2], [3]], frames=[4, 6])) == pytest.approx(float(alone))
    assert float(ctc(scores[:, :1], [[1, 1, 1, 1]])) == 0.0


def test_a_clip_said_faster_is_shorter_by_as_much_and_higher() -> None:
    tone = (8000 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)).astype(np.int16)
    fast = at_speed(tone, 1.25)
    assert fast.dtype == np.int16
    assert len(fast) == pytest.approx(16_000 / 1.25, abs=2)
    peak = int(np.argmax(np.abs(np.fft.rfft(fast)))) * 16_000 / len(fast)
    assert peak == pytest.approx(1250, abs=5)
    assert at_speed(tone, 1.0) is tone


def test_noise_is_drawn_from_the_callers_generator_alone() -> None:
    clip = np.sin(np.arange(8000) / 5).astype(np.float32)
    made = [[Augment(np.random.default_rng(seed), [clip])(clip) for _ in range(8)] for seed in (1, 1, 2)]
    assert all(np.array_equal(a, b) for a, b in zip(made[0], made[1], strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(made[0], made[2], strict=True))
    assert all(len(sound) == 8000 and np.isfinite(sound).all() for sound in made[0])


def test_sound_without_words_is_of_the_length_asked_for_and_can_be_levelled() -> None:
    rng = np.random.default_rng(3)
    for _ in range(40):
        sound = levelled(not_speech(rng, 4000))
        assert sound.shape == (4000,) and sound.dtype == np.float32
        assert float(np.mean(sound)) == pytest.approx(0, abs=1e-3) and float(np.var(sound)) <= 1.001


@pytest.fixture(scope="module")
def trained() -> tuple[Any, Bank]:
    """A random network whose bank holds the tiny checkpoint's languages, each with adapters that tell them apart."""
    config = tiny.configuration()
    from transformers import Wav2Vec2ForCTC

    torch.manual_seed(3)
    network = Wav2Vec2ForCTC(config).eval()
    bank = Bank(network, {code: len(symbols) for code, symbols in tiny.VOCABULARIES.items()})
    with torch.no_grad():
        for code in bank.languages:
            for tensor in bank.tensors(code).values():
                tensor.add_(torch.randn_like(tensor) * 0.3)
    return network, bank


VOCABULARY = {code: {s: n for n, s in enumerate(symbols)} for code, symbols in tiny.VOCABULARIES.items()}


def card(code: str) -> AdapterCard:
    return AdapterCard(language=code, base="tiny", base_sha256="", tensor_sha256="", alphabet=tuple(tiny.VOCABULARIES[code]))


@pytest.mark.parametrize("half", [True, False])
def test_a_written_checkpoint_is_what_was_trained(tmp_path: Path, trained: tuple[Any, Bank], half: bool) -> None:
    network, bank = trained
    base_hash = write_checkpoint(tmp_path / "model", network, bank, VOCABULARY, {c: card(c) for c in ("yor", "que", "fra")}, half=half)
    checkpoint = open_checkpoint(tmp_path / "model")
    assert base_sha256(checkpoint) == base_hash
    for code in bank.languages:
        found = open_adapter(checkpoint, checkpoint.adapters[code], code, base_hash=base_hash, symbols=checkpoint.vocabularies[code])
        assert found.card is not None and found.card.base == "tiny"
    assert {e.dtype for e in checkpoint.tensors.values()} == {"F16" if half else "F32"}
    assert not [p.name for p in (tmp_path / "model").iterdir() if p.name.startswith(".")]
    # Plain transformers hears in it what the trained network hears.
    sound = levelled(np.random.default_rng(1).standard_normal(6000))
    for code in bank.languages:
        bank.use(code)
        theirs = tiny.log_probabilities(tiny.plain(tmp_path / "model", code), sound)
        np.testing.assert_allclose(tiny.log_probabilities(network, sound), theirs, atol=0.02 if half else 1e-5)


def test_an_adapter_is_written_with_its_card_and_a_bad_weight_leaves_what_was_there(tmp_path: Path, trained: tuple[Any, Bank]) -> None:
    _, bank = trained
    with pytest.raises(ValueError, match="hash of its base"):
        write_adapter(tmp_path, card("que"), bank.tensors("que"))
    ours = dataclasses.replace(card("que"), base_sha256="0" * 64)
    said = write_adapter(tmp_path, ours, bank.tensors("que"))
    assert read_card(tmp_path / "adapter.que.toml") == said
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert sorted(before) == ["adapter.que.safetensors", "adapter.que.toml"]
    broken = {name: tensor * float("nan") for name, tensor in bank.tensors("que").items()}
    with pytest.raises(ModelRefused) as refused:
        write_adapter(tmp_path, ours, broken)
    assert refused.value.code == "MODEL_NONFINITE"
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("after", [0, 1, 4])
def test_d1_a_full_disk_leaves_the_checkpoint_that_was_there(
    tmp_path: Path, trained: tuple[Any, Bank], monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    network, bank = trained
    cards = {code: card(code) for code in bank.languages}
    write_checkpoint(tmp_path, network, bank, VOCABULARY, cards)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    left = [after]

    def full(_handle: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DiskFailure) as failed:
        write_checkpoint(tmp_path, network, bank, VOCABULARY, cards, half=False)
    assert failed.value.code == "DISK_FULL"
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


LIMITED = """
import resource, signal, sys
from pathlib import Path
import torch
from speech.errors import DiskFailure
from speech.models.cards import AdapterCard
from speech.models.training.export import write_adapter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
card = AdapterCard(language="que", base_sha256="a", tensor_sha256="", alphabet=("<pad>",))
try:
    write_adapter(Path(sys.argv[1]), card, {"lm_head.weight": torch.ones(100_000)})
except DiskFailure as failed:
    print(failed.code)
"""


def test_d1_the_error_of_safetensors_on_a_full_disk_is_named(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert done.stdout.strip() == "DISK_FULL"
    assert list(tmp_path.iterdir()) == []
