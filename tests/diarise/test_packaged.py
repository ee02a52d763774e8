"""The voice network of an installed Resemblyzer: opened only as the bytes that are known, the same for any block, beside ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from speech.diarise import packaged
from speech.diarise.packaged import PackagedVoices, joined
from speech.errors import ModelRefused
from speech.models.voices import Heard


@dataclass
class Sound:
    samples: np.ndarray

    @property
    def length_samples(self) -> int:
        return len(self.samples)

    def read(self, start: int, count: int) -> np.ndarray:
        return np.asarray(self.samples[start : start + count], np.float32)


def units(*shape: int, seed: int) -> np.ndarray:
    rows = np.abs(np.random.default_rng(seed).normal(size=shape)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), np.float32)


@pytest.fixture
def network() -> PackagedVoices:
    import torch

    torch.manual_seed(5)
    lstm, linear = torch.nn.LSTM(40, 256, 3), torch.nn.Linear(256, 256)
    return PackagedVoices({f"{n}.{k}": v for n, part in (("lstm", lstm), ("linear", linear)) for k, v in part.state_dict().items()})


def test_other_bytes_under_its_name_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "resemblyzer").mkdir()
    (tmp_path / "resemblyzer" / "__init__.py").write_text("raise AssertionError('its code ran')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert packaged.load() is None  # a package without weights
    (tmp_path / "resemblyzer" / "pretrained.pt").write_bytes(b"\x80\x02another pickle")
    with pytest.raises(ModelRefused, match=r"not the weights of Resemblyzer 0\.1\.4") as refused:
        packaged.load()
    assert refused.value.code == "MODEL_PICKLE"


def test_vectors_do_not_depend_on_the_block(network: PackagedVoices, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = Sound(np.random.default_rng(1).normal(0, 0.05, 16_000 * 9).astype(np.float32))
    whole = network.hear(sound, 0.05)
    assert whole.shape == (23, 256)
    np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, atol=1e-5)
    monkeypatch.setattr(packaged, "_BLOCK", 4)
    np.testing.assert_allclose(network.hear(sound, 0.05), whole, atol=1e-5)


def test_cosines_beside_ours_are_the_weighted_mean_of_both() -> None:
    ours, theirs = units(20, 128, seed=1), units(3, 256, seed=2)
    both = joined(Heard.of(ours, np.ones((20, 3), np.float32)), theirs, 0.25).vectors(slice(None))
    assert both.shape == (20, 384)

    # Frames 4 and 14 (0.18 and 0.58 s) lie between vectors 0 and 1, 1 and 2, at 0.45 of the way.
    def between(n: int) -> np.ndarray:
        made = 0.55 * theirs[n] + 0.45 * theirs[n + 1]
        return np.asarray(made / np.linalg.norm(made))

    due = 0.75 * float(ours[4] @ ours[14]) + 0.25 * float(between(0) @ between(1))
    assert abs(float(both[4] @ both[14]) - due) < 0.02
