"""Classifiers of other makers: parity with plain transformers, labels as codes, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from speech.errors import ModelRefused
from speech.identify.labels import Labelled, code_of
from speech.identify.records import Piece
from speech.models.classifier import load_classifier, open_classifier
from speech.models.recogniser import LoadSettings
from speech.types import Span
from tests.identify import lid_folder

FP32 = LoadSettings(precision="fp32", device="cpu")


class Samples:
    """A recording in memory."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values.astype(np.float32)
        self.length_samples = len(values)

    def read(self, start: int, count: int, channel: int | None = None) -> np.ndarray:
        return self.values[start : start + count]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lid_folder.save(tmp_path_factory.mktemp("lid"))


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.asarray(rng.standard_normal(int(16_000 * seconds)) * np.sin(np.arange(int(16_000 * seconds)) / 900), np.float32) * 0.1 + 0.02


def test_logits_are_those_of_plain_transformers(folder: Path) -> None:
    import torch
    from transformers import AutoFeatureExtractor, Wav2Vec2ForSequenceClassification

    plain = Wav2Vec2ForSequenceClassification.from_pretrained(folder).eval()
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    ours = load_classifier(str(folder), FP32)
    for seconds in (0.5, 1.7, 4.0):
        clip = noise(seconds)
        with torch.inference_mode():
            due = plain(**extractor(clip, sampling_rate=16_000, return_tensors="pt")).logits[0].numpy()
        assert np.abs(due).max() > 0.1
        np.testing.assert_allclose(ours.logits(clip), due, atol=1e-4, rtol=1e-3)


def test_labels_of_one_language_count_together(folder: Path) -> None:
    engine = Labelled(load_classifier(str(folder), FP32))
    assert list(engine.languages) == ["que", "swh", "eng", "zho"]
    assert code_of("azj-script_latin") == "azj" and code_of("French") == "French"
    clip = noise(2.0)
    logits = load_classifier(str(folder), FP32).logits(clip).astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum()
    [weights] = engine.weigh(Samples(clip), [Piece(spans=(Span(start_ms=0, end_ms=2_000),))], {None: 1.0})
    found = engine.probabilities([weights], [2_000])
    np.testing.assert_allclose(found[:-1], [shares[0], shares[1], shares[2], shares[3] + shares[4]], atol=1e-5)
    assert found[-1] == 0.0


def test_a_long_recording_is_heard_in_pieces_that_weigh_by_length(folder: Path) -> None:
    engine = Labelled(load_classifier(str(folder), FP32))
    sound = Samples(np.concatenate([noise(3.0, 1), noise(1.0, 2)]))
    pieces = [Piece(spans=(Span(start_ms=0, end_ms=3_000),)), Piece(spans=(Span(start_ms=3_000, end_ms=4_000),))]
    seen: list[int] = []
    weights = list(engine.weigh(sound, pieces, {None: 1.0}, lambda _step, done, _total: seen.append(done)))
    assert seen == [1, 2]
    mixed = np.exp(0.75 * weights[0][:-1] + 0.25 * weights[1][:-1])
    np.testing.assert_allclose(engine.probabilities(weights, [3_000, 1_000])[:-1], mixed / mixed.sum(), rtol=1e-5)


def spoil_architecture(config: dict[str, object]) -> None:
    config["architectures"] = ["Wav2Vec2ForCTC"]


def spoil_labels(config: dict[str, object]) -> None:
    config["id2label"] = {"0": "que", "1": "que", "2": "eng", "3": "a", "4": "b"}


def spoil_width(config: dict[str, object]) -> None:
    config["classifier_proj_size"] = 12


@pytest.mark.parametrize(
    ("spoil", "code"), [(spoil_architecture, "MODEL_CONFIG"), (spoil_labels, "MODEL_CONFIG"), (spoil_width, "MODEL_SHAPE")]
)
def test_a_folder_that_does_not_fit_itself_is_refused(tmp_path: Path, spoil: Callable[[dict[str, object]], None], code: str) -> None:
    made = lid_folder.save(tmp_path / "lid")
    path = made / "config.json"
    config = json.loads(path.read_text())
    spoil(config)
    path.write_text(json.dumps(config))
    with pytest.raises(ModelRefused) as refused:
        load_classifier(str(made), FP32)
    assert refused.value.code == code


def test_a_pickle_instead_of_weights_is_not_opened(tmp_path: Path) -> None:
    made = lid_folder.save(tmp_path / "lid")
    (made / "model.safetensors").rename(made / "pytorch_model.bin")
    with pytest.raises(ModelRefused) as refused:
        open_classifier(made)
    assert refused.value.code == "MODEL_PICKLE"


def test_weights_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    made = lid_folder.save(tmp_path / "lid")
    tensors = load_file(made / "model.safetensors")
    tensors["projector.weight"][0, 0] = np.nan
    save_file(tensors, made / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelRefused) as refused:
        load_classifier(str(made), FP32)
    assert refused.value.code == "MODEL_NONFINITE"
