"""Voice vectors by the network in the package Resemblyzer (Apache-2.0), where it is installed.

It learnt from thousands of people, ours from few: on voices of other languages it tells more (docs/diarise_scores.md). Its
weights are the package's, found there and opened only where they are the bytes that this version knows; none of its code runs,
as it does not import beside today's packages. Install it with `pip install --no-deps Resemblyzer==0.1.4`.

Source: Wan et al. 2018 (arXiv:1710.10467).
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech.diarise.records import Sound
from speech.errors import ModelRefused
from speech.files import read_bytes, shown
from speech.models.voices import HOP, RATE, STRIDE, Heard, packed

SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
_BANDS, _SIZE, _DIMENSION = 40, 400, 256
_WINDOW, _STEP = 160, 40
"""Spectra heard for a vector (1.6 s), and between two vectors (0.4 s)."""
_LEVEL = 10 ** (-30 / 20)
_BLOCK = 150
"""Vectors made at once: a minute."""

Floats = NDArray[np.float32]


def find() -> Path | None:
    """The package's file of weights; None where it is not installed."""
    found = importlib.util.find_spec("resemblyzer")
    path = Path(found.origin).parent / "pretrained.pt" if found and found.origin else None
    return path if path is not None and path.exists() else None


def load() -> PackagedVoices | None:
    """The packaged network; None where the package is not installed.

    Raises
    ------
    ModelRefused
        `MODEL_PICKLE`: other weights than those that this version knows lie there; they are not opened.
    """
    path = find()
    if path is None:
        return None
    data = read_bytes(path)
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise ModelRefused(
            shown(path), "these are not the weights of Resemblyzer 0.1.4, and are not opened",
            "pip install --no-deps --force-reinstall Resemblyzer==0.1.4, or pip uninstall Resemblyzer", "MODEL_PICKLE",
        )  # fmt: skip
    import io

    import torch

    return PackagedVoices(torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)["model_state"])


class PackagedVoices:
    """A recurrent network over 1.6 s of sound."""

    sha256 = SHA256

    def __init__(self, weights: dict[str, Any]) -> None:
        import torch

        self._recurrent = torch.nn.LSTM(_BANDS, _DIMENSION, 3, batch_first=True)
        self._out = torch.nn.Linear(_DIMENSION, _DIMENSION)
        for part, name in ((self._recurrent, "lstm."), (self._out, "linear.")):
            part.load_state_dict({key.removeprefix(name): value for key, value in weights.items() if key.startswith(name)})
        self._filters = torch.from_numpy(_filters())
        self._taper = torch.hann_window(_SIZE)

    def hear(self, sound: Sound, rms: float) -> Floats:
        """A unit vector each 0.4 s, of the 1.6 s around it: (steps, 256). Read in blocks."""
        import torch

        gain = np.float32(_LEVEL / max(rms, 1e-6))
        found = []
        steps = sound.length_samples // (HOP * _STEP) + 1
        for start in range(0, steps, _BLOCK):
            count = min(_BLOCK, steps - start)
            first = (start * _STEP - _WINDOW // 2) * HOP - _SIZE // 2
            length = ((count - 1) * _STEP + _WINDOW) * HOP + _SIZE - HOP
            samples = sound.read(max(0, first), length + min(0, first))
            padded = np.pad(samples, (max(0, -first), 0))
            padded = np.pad(padded, (0, length - len(padded))) * gain
            with torch.inference_mode():
                frames = torch.from_numpy(padded).unfold(0, _SIZE, HOP) * self._taper
                spectra = torch.fft.rfft(frames).abs().square() @ self._filters
                _, (hidden, _) = self._recurrent(spectra.unfold(0, _WINDOW, _STEP).transpose(1, 2))
                found.append(torch.nn.functional.normalize(torch.relu(self._out(hidden[-1])), dim=-1).numpy())
        return np.concatenate(found)


def joined(heard: Heard, steps: Floats, weight: float) -> Heard:
    """What was heard with the packaged vectors beside ours: cosines then are `weight` of theirs and the rest of ours."""
    frames = len(heard.counts)
    beside = np.empty((frames, heard.packed.shape[1] + steps.shape[1]), np.int8)
    for start in range(0, frames, 7500):
        piece = slice(start, min(frames, start + 7500))
        place = (np.arange(piece.start, piece.stop) + 0.5) * STRIDE / _STEP
        before = np.minimum(place.astype(int), len(steps) - 1)
        share = (place - before)[:, None].astype(np.float32)
        theirs = (1 - share) * steps[before] + share * steps[np.minimum(before + 1, len(steps) - 1)]
        theirs /= np.linalg.norm(theirs, axis=1, keepdims=True) + 1e-9
        beside[piece] = packed(np.hstack([np.sqrt(1 - weight) * heard.vectors(piece), np.sqrt(weight) * theirs]))
    return Heard(packed=beside, counts=heard.counts)


def _filters() -> Floats:
    """Triangles on Slaney's mel scale, of equal area: (size / 2 + 1, bands)."""
    low, high = 200 / 3, np.log(6.4) / 27

    def hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(mel >= 15, 1000 * np.exp(high * (mel - 15)), mel * low)

    edges = hertz(np.linspace(0, 15 + np.log(RATE / 2 / 1000) / high, _BANDS + 2))
    bins = np.linspace(0, RATE / 2, _SIZE // 2 + 1)
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((bins[:, None] - left) / (middle - left), (right - bins[:, None]) / (right - middle))
    return np.asarray(np.maximum(0, triangles) * 2 / (right - left), np.float32)
