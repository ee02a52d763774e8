"""The voice network over a recording: read in order by one thread, the same for long and short, packed without loss that matters."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from speech.errors import ModelRefused
from speech.models import voices
from speech.models.voices import FRAME, WINDOW_FRAMES, Heard


class Sound:
    """Noise that is read by place, as a long recording is; remembers who reads."""

    def __init__(self, seconds: float) -> None:
        self.samples = np.random.default_rng(3).normal(0, 0.05, int(16_000 * seconds)).astype(np.float32)
        self.readers: set[int] = set()

    @property
    def length_samples(self) -> int:
        return len(self.samples)

    def read(self, start: int, count: int) -> np.ndarray:
        self.readers.add(threading.get_ident())
        return self.samples[start : start + count]


@pytest.fixture(scope="module")
def model() -> voices.VoiceModel:
    return voices.load()


def test_a_recording_is_read_by_the_thread_that_asks(model: voices.VoiceModel) -> None:
    """Seek and read of several threads would give each other's samples."""
    sound = Sound(45)
    heard = model.hear(sound, 0.05)
    assert sound.readers == {threading.get_ident()}
    assert len(heard.counts) == sound.length_samples // FRAME
    np.testing.assert_allclose(heard.counts.sum(axis=1), 1, atol=1e-5)


def test_the_first_window_of_a_long_recording_is_heard_as_a_short_one(model: voices.VoiceModel) -> None:
    long, short = Sound(45), Sound(45)
    short.samples = short.samples[: WINDOW_FRAMES * FRAME]
    same = slice(0, WINDOW_FRAMES - 50)
    np.testing.assert_array_equal(model.hear(long, 0.05).counts[same], model.hear(short, 0.05).counts[same])


@pytest.mark.parametrize("seconds", [0.0, 0.03, 0.05, 16.03])
def test_short_and_uneven_ends_are_heard(model: voices.VoiceModel, seconds: float) -> None:
    sound = Sound(seconds)
    assert len(model.hear(sound, 0.05).counts) == sound.length_samples // FRAME


def test_packing_changes_a_cosine_by_less_than_a_hundredth() -> None:
    vectors = np.random.default_rng(1).normal(size=(200, 128))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    kept = Heard.of(vectors, np.zeros((200, 3), np.float32)).vectors(slice(None))
    assert np.abs(kept @ kept.T - vectors @ vectors.T).max() < 0.01


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    path = tmp_path / "voices.safetensors"
    save_file({"count.weight": torch.zeros(3, 7)}, path)
    with pytest.raises(ModelRefused) as refused:
        voices.load(path)
    assert refused.value.code == "MODEL_SHAPE"
