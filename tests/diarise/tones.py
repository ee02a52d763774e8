"""Models of pyannote's shapes that hear tones as voices: 500 Hz is one, 1500 Hz another. What a pipeline makes of them is known by hand.

Their checkpoints are pickles that name this module, as real ones name pyannote's; import it after pyannote.
"""

from __future__ import annotations

from typing import Any

import torch
from pyannote.audio.core.model import Model
from pyannote.audio.core.task import Problem, Resolution, Specifications

WIN, HOP = 640, 320
BINS = (20, 60)
"""Of 25 Hz each."""

HEARS = Specifications(
    problem=Problem.MONO_LABEL_CLASSIFICATION,
    resolution=Resolution.FRAME,
    duration=2.0,
    classes=["speaker#1", "speaker#2", "speaker#3"],
    powerset_max_classes=2,
    permutation_invariant=True,
)
KNOWS = Specifications(problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=2.0)


def magnitudes(waveforms: torch.Tensor) -> torch.Tensor:
    """(batch, frames, 2): how loud each tone is."""
    frames = waveforms[:, 0].unfold(1, WIN, HOP) * torch.hann_window(WIN)
    loud: torch.Tensor = torch.fft.rfft(frames).abs()[..., list(BINS)] / WIN
    return loud


class _Tones(Model):  # type: ignore[misc]  # pyannote is untyped
    def __init__(self, sample_rate: int = 16000, num_channels: int = 1, task: Any = None) -> None:
        super().__init__(sample_rate=sample_rate, num_channels=num_channels, task=task)
        self.save_hyperparameters("sample_rate", "num_channels")
        self.weight = torch.nn.Parameter(torch.ones(1))

    def build(self) -> None:
        """No layers of a task."""

    def num_frames(self, samples: int) -> int:
        """Frames of so many samples."""
        return (samples - WIN) // HOP + 1

    def receptive_field_size(self, num_frames: int = 1) -> int:
        """Samples of so many frames."""
        return WIN + (num_frames - 1) * HOP

    def receptive_field_center(self, frame: int = 0) -> int:
        """The sample in the middle of a frame."""
        return WIN // 2 + frame * HOP


class Segmentation(_Tones):
    """Who sounds in each frame."""

    @property
    def dimension(self) -> int:
        """Classes: nobody, each of three, each pair."""
        return 7

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """(batch, frames, 7) log probabilities."""
        heard = magnitudes(waveforms) > 0.01
        kind = heard[..., 0] * 1 + heard[..., 1] * 2
        one_hot = torch.nn.functional.one_hot(torch.tensor([0, 1, 2, 4])[kind], 7).float()
        return (one_hot + 1e-6).log()


class Embedding(_Tones):
    """Which tone is heard in the frames of a mask."""

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return 3

    def forward(self, waveforms: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        """(batch, 3)"""
        loud = magnitudes(waveforms)
        mask = torch.ones(loud.shape[:2]) if weights is None else torch.nn.functional.interpolate(weights[:, None], loud.shape[1])[:, 0]
        mean = (loud * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)
        return torch.cat([mean, torch.full((len(mean), 1), 0.001)], 1)
