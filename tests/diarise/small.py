"""Folders of small pyannote pipelines, as they lie on a disk: config, checkpoints, PLDA. Needs pyannote.audio."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

RATE = 16_000
VALUES = {
    "AgglomerativeClustering": {"method": "centroid", "min_cluster_size": 1, "threshold": 0.7},
    "VBxClustering": {"threshold": 0.6, "Fa": 0.07, "Fb": 0.8},
}


def require() -> None:
    """Skip where pyannote.audio is not installed."""
    if not importlib.util.find_spec("pyannote") or not importlib.util.find_spec("pyannote.audio"):
        pytest.skip("pyannote.audio is not installed (the extra diarise)")
    from speech.diarise import pyannote_engine

    with pyannote_engine._left_as_found():
        pyannote_engine._import()


def save_model(model: Any, specifications: Any, folder: Path) -> None:
    """A model as a checkpoint of pyannote."""
    import lightning
    import torch

    model.specifications = specifications
    model.setup()
    checkpoint = {
        "state_dict": model.state_dict(),
        "hyper_parameters": dict(model.hparams),
        "pytorch-lightning_version": lightning.__version__,
    }
    model.on_save_checkpoint(checkpoint)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(checkpoint, folder / "pytorch_model.bin")


def save_plda(folder: Path, dimension: int, kept: int | None = None) -> None:
    """A PLDA by which voices differ much more than one voice from itself."""
    kept = kept or dimension
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "xvec_transform.npz", mean1=np.zeros(dimension), mean2=np.zeros(kept), lda=np.eye(dimension, kept))
    np.savez(folder / "plda.npz", mu=np.zeros(kept), tr=10 * np.eye(kept), psi=np.linspace(200, 100, kept))


def config(clustering: str, *, at: str = "$model/", plda: str | None = "$model/plda", extra: str = "") -> str:
    """A config as the hub has them."""
    import yaml

    params: dict[str, Any] = {
        "clustering": clustering,
        "segmentation": f"{at}segmentation",
        "segmentation_batch_size": 32,
        "embedding": f"{at}embedding",
        "embedding_batch_size": 32,
        "embedding_exclude_overlap": True,
    }
    if plda:
        params["plda"] = plda
    table = {
        "dependencies": {"pyannote.audio": "4.0.0"},
        "pipeline": {"name": "pyannote.audio.pipelines.SpeakerDiarization", "params": params},
        "params": {"clustering": VALUES[clustering], "segmentation": {"min_duration_off": 0.0}},
    }
    return str(yaml.safe_dump(table)) + extra


def save_tones(folder: Path, clustering: str = "VBxClustering") -> Path:
    """A pipeline that hears tones as voices."""
    from tests.diarise import tones

    save_model(tones.Segmentation(), tones.HEARS, folder / "segmentation")
    save_model(tones.Embedding(), tones.KNOWS, folder / "embedding")
    save_plda(folder / "plda", 3)
    (folder / "config.yaml").write_text(config(clustering), encoding="utf-8")
    return folder


def save_random(folder: Path, *, whole: bool = False) -> Path:
    """pyannote's own networks with random weights, PyanNet and WeSpeaker's ResNet34; `whole`: in the shapes of community-1."""
    from dataclasses import replace

    import torch
    from pyannote.audio.models.embedding import WeSpeakerResNet34
    from pyannote.audio.models.segmentation import PyanNet

    from tests.diarise import tones

    lstm = {"hidden_size": 128, "num_layers": 4} if whole else {"hidden_size": 16, "num_layers": 1}
    seconds, step = (10.0, 0.1) if whole else (2.0, 0.5)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_model(PyanNet(lstm=lstm), replace(tones.HEARS, duration=seconds), folder / "segmentation")
        save_model(WeSpeakerResNet34(), replace(tones.KNOWS, duration=seconds), folder / "embedding")
    save_plda(folder / "plda", 256, 128)
    text = config("VBxClustering").replace("    segmentation: ", f"    segmentation_step: {step}\n    segmentation: ")
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return folder


class Samples:
    """A `Sound` in memory."""

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self.samples = samples
        self.length_samples = len(samples)

    def read(self, start: int, count: int) -> NDArray[np.float32]:
        """As a `Signal` reads."""
        return self.samples[start : start + count]


def conversation(*turns: tuple[int, float, float], seconds: float) -> Samples:
    """Tones in faint noise: (hertz, start, end) each."""
    samples = np.random.default_rng(1).standard_normal(round(seconds * RATE)) * 1e-4
    for hertz, start, end in turns:
        at = np.arange(round(start * RATE), round(end * RATE))
        samples[at] += 0.3 * np.sin(2 * np.pi * hertz * at / RATE)
    return Samples(samples.astype(np.float32))
