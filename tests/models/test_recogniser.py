"""Ours against plain transformers on a random model of the real architecture, and what feeding adds."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from speech.errors import Refusal
from speech.models import guard
from speech.models.recogniser import CtcRecogniser, LoadSettings, load, padded_samples
from tests.models import tiny


@pytest.fixture(scope="module")
def recogniser(tiny_folder: Path) -> CtcRecogniser:
    return load(str(tiny_folder), LoadSettings(precision="fp32"))


def clips() -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    return [rng.standard_normal(n).astype(np.float32) for n in (16_000, 5_333, 40_001)]


@pytest.mark.parametrize("language", list(tiny.VOCABULARIES))
def test_emissions_equal_plain_transformers(recogniser: CtcRecogniser, tiny_folder: Path, language: str) -> None:
    network = tiny.plain(tiny_folder, language)
    for clip in clips():
        ours = recogniser.emissions([clip], [language])[0]
        np.testing.assert_allclose(ours, tiny.log_probabilities(network, clip), atol=1e-4)


def test_one_batch_carries_several_languages(recogniser: CtcRecogniser, tiny_folder: Path) -> None:
    codes = list(tiny.VOCABULARIES)
    found = recogniser.emissions(clips(), codes)
    for clip, code, ours in zip(clips(), codes, found, strict=True):
        assert ours.shape[1] == len(tiny.VOCABULARIES[code])
        np.testing.assert_allclose(ours, tiny.log_probabilities(tiny.plain(tiny_folder, code), clip), atol=1e-4)


def test_a_clip_shorter_than_the_front_end_gives_no_frames(recogniser: CtcRecogniser) -> None:
    assert recogniser.reach == 400
    assert [len(e) for e in recogniser.emissions([np.zeros(399, np.float32), np.zeros(400, np.float32)], ["que", "que"])] == [0, 1]


def test_switching_a_language_takes_no_disk_and_under_a_millisecond(recogniser: CtcRecogniser, monkeypatch: pytest.MonkeyPatch) -> None:
    for code in tiny.VOCABULARIES:
        recogniser.use(code)

    def no_disk(*_a: object, **_k: object) -> None:
        raise AssertionError("the disk was touched")

    monkeypatch.setattr("builtins.open", no_disk)
    monkeypatch.setattr(Path, "open", no_disk)
    begun = time.perf_counter()
    for n in range(300):
        recogniser._bank.use(list(tiny.VOCABULARIES)[n % 3])
    # A tenfold bound against hanging: the figure itself is measured in benchmarks.
    assert (time.perf_counter() - begun) / 300 < 0.01


def test_ours_saved_opens_in_plain_transformers(recogniser: CtcRecogniser, tiny_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    for name in ("config.json", "vocab.json", "model.safetensors", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((tiny_folder / name).read_bytes())
    recogniser.use("yor")
    save_file(
        {n: t.contiguous().clone() for n, t in recogniser._bank.tensors("yor").items()},
        tmp_path / "adapter.yor.safetensors",
        metadata={"format": "pt"},
    )
    clip = clips()[0]
    np.testing.assert_allclose(
        tiny.log_probabilities(tiny.plain(tmp_path, "yor"), clip), recogniser.emissions([clip], ["yor"])[0], atol=1e-4
    )


def test_lengths_are_padded_to_a_fixed_set() -> None:
    lengths = {n: padded_samples(n, 16_000) for n in range(1, 16_000 * 40, 700)}
    assert len(set(lengths.values())) <= 32
    assert all(padded >= n for n, padded in lengths.items())
    assert max(padded - n for n, padded in lengths.items() if n <= 10 * 16_000) < 8_000
    assert padded_samples(16_000 * 41, 16_000) == 16_000 * 50


def test_a_fine_tuned_folder_without_adapters_serves_with_its_own_head(tmp_path: Path) -> None:
    import json

    import torch

    guard.load()  # a torchaudio for CUDA may lie here
    from transformers import Wav2Vec2ForCTC

    symbols = tiny.VOCABULARIES["que"]
    torch.manual_seed(3)
    network = Wav2Vec2ForCTC(tiny.configuration(adapter_attn_dim=None, vocab_size=len(symbols))).eval()
    network.save_pretrained(tmp_path)
    (tmp_path / "vocab.json").write_text(json.dumps({s: n for n, s in enumerate(symbols)}), encoding="utf-8")
    clip = clips()[0]
    ours = load(str(tmp_path), LoadSettings(precision="fp32")).emissions([clip], ["que"])[0]
    np.testing.assert_allclose(ours, tiny.log_probabilities(network, clip), atol=1e-4)


def test_an_adapter_or_collection_that_is_not_there_is_refused_not_replaced(tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter.que.toml").write_text("", encoding="utf-8")
    for settings, code in (
        (LoadSettings(adapter=tmp_path / "nothing.safetensors"), "PATH_MISSING"),
        (LoadSettings(adapter=tmp_path / "nothing"), "PATH_MISSING"),
        (LoadSettings(adapter=tmp_path), "MODEL_LANGUAGE"),
        (LoadSettings(adapter=tmp_path / "adapter.que.toml"), "MODEL_SOURCE"),
        (LoadSettings(collection=tmp_path / "nothing"), "PATH_MISSING"),
    ):
        model = load(str(tiny_folder), settings)
        with pytest.raises(Refusal) as refused:
            model.use("que")
        assert refused.value.code == code
    # A collection without adapters of its own is no fault: those of the model serve.
    codes = [f.code for f in load(str(tiny_folder), LoadSettings(collection=tmp_path)).findings("que")]
    assert codes == ["MODEL_UNCARDED", "MODEL_COLLECTION"]
