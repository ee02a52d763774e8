"""The voice network: who is heard in each 40 ms of a recording, as vectors; and whether nobody speaks, one, or several.

Trained on conversations composed of open speech (`recipes/train_voices.py`). One pass over windows of 16 s gives both; vectors
of one speaker lie close to each other, those of two do not. It holds no person's voice: what it gives for a recording is forgotten
with the recording, unless `voiceprint` was granted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from speech.errors import ModelRefused
from speech.files import shown

if TYPE_CHECKING:
    import torch

    from speech.models.activity import Readable

RATE = 16_000
HOP = 160
"""Samples between the spectra."""
STRIDE = 4
"""Spectra a frame of the network: 40 ms."""
FRAME = HOP * STRIDE
WINDOW_FRAMES = 400
"""Frames heard at once: 16 s."""
_OVERLAP_FRAMES = 100
_WINDOW = 400
_SIZE = 512
_FLOOR = 1e-5

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceShape:
    """The network's measures."""

    bands: int = 64
    narrow: int = 192
    wide: int = 256
    dimension: int = 128
    attention: int = 2
    heads: int = 4


_PACKED = 254
"""A component of a unit vector in int8: within -0.5..0.5, which all but a freak has; more is cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the network heard: (frames, dimension) unit vectors, packed into int8, and (frames, 3) probabilities of nobody, one, several.

    Packed they are 12 MB an hour; a cosine of two changes by less than 0.01.
    """

    packed: NDArray[np.int8]
    counts: Floats

    @classmethod
    def of(cls, vectors: NDArray[np.floating[Any]], counts: Floats) -> Heard:
        """From vectors of unit length."""
        return cls(packed=packed(vectors), counts=counts)

    def vectors(self, frames: NDArray[np.intp] | slice) -> Floats:
        """The vectors of some frames, as float32."""
        return self.packed[frames].astype(np.float32) / np.float32(_PACKED)


def packed(vectors: NDArray[np.floating[Any]]) -> NDArray[np.int8]:
    """Unit vectors as int8."""
    return np.asarray(np.clip(np.rint(vectors * _PACKED), -127, 127), np.int8)


def filters(bands: int) -> Floats:
    """Triangles on the mel scale from 60 to 7600 Hz: (size / 2 + 1, bands)."""
    low, high = 2595 * np.log10(1 + np.array([60.0, 7600.0]) / 700)
    mel = np.linspace(float(low), float(high), bands + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = np.linspace(0, RATE / 2, _SIZE // 2 + 1)
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - left) / (middle - left)
    falling = (right - bins[:, None]) / (right - middle)
    return np.asarray(np.maximum(0, np.minimum(rising, falling)), np.float32)


def build(shape: VoiceShape) -> torch.nn.Module:
    """The network with random weights: (clips, samples) to vectors (clips, frames, dimension) and count logits (clips, frames, 3)."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Block(nn.Module):
        def __init__(self, size: int, dilation: int) -> None:
            super().__init__()
            self.narrow = nn.Conv1d(size, size, 3, padding=dilation, dilation=dilation)
            self.norm = nn.BatchNorm1d(size)
            self.mix = nn.Conv1d(size, size, 1)

        def forward(self, hidden: torch.Tensor) -> torch.Tensor:
            return hidden + self.mix(torch.relu(self.norm(self.narrow(hidden))))  # type: ignore[no-any-return]

    class VoiceNetwork(nn.Module):
        mel: torch.Tensor
        taper: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mel", torch.from_numpy(filters(shape.bands)), persistent=False)
            self.register_buffer("taper", torch.hann_window(_WINDOW), persistent=False)
            self.first = nn.Conv1d(shape.bands, shape.narrow, 5, stride=2, padding=2)
            self.first_norm = nn.BatchNorm1d(shape.narrow)
            self.near = nn.ModuleList(Block(shape.narrow, d) for d in (1, 2, 3))
            self.second = nn.Conv1d(shape.narrow, shape.wide, 3, stride=2, padding=1)
            self.second_norm = nn.BatchNorm1d(shape.wide)
            self.far = nn.ModuleList(Block(shape.wide, d) for d in (1, 2, 4, 8))
            layer = nn.TransformerEncoderLayer(shape.wide, shape.heads, 2 * shape.wide, dropout=0.1, batch_first=True, norm_first=True)
            self.around = nn.TransformerEncoder(layer, shape.attention, enable_nested_tensor=False)
            self.vector = nn.Linear(shape.wide, shape.dimension)
            self.count = nn.Linear(shape.wide, 3)

        def spectra(self, samples: torch.Tensor) -> torch.Tensor:
            """(clips, spectra, bands), natural log, the mean over time taken off."""
            padded = functional.pad(samples, (_WINDOW // 2, _WINDOW // 2))
            frames = padded.unfold(-1, _WINDOW, HOP)[:, : samples.shape[1] // HOP] * self.taper
            power = torch.fft.rfft(frames, _SIZE).abs().square()
            logs: torch.Tensor = (power @ self.mel + _FLOOR).log()
            return logs - logs.mean(dim=1, keepdim=True)

        def forward(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            hidden = self.spectra(samples).transpose(1, 2) * 0.3
            hidden = torch.relu(self.first_norm(self.first(hidden)))
            for block in self.near:
                hidden = block(hidden)
            hidden = torch.relu(self.second_norm(self.second(hidden)))
            for block in self.far:
                hidden = block(hidden)
            hidden = self.around(hidden.transpose(1, 2))
            return functional.normalize(self.vector(hidden), dim=-1), self.count(hidden)

    return VoiceNetwork()


class VoiceModel:
    """The network with its weights, asked about recordings."""

    def __init__(self, network: torch.nn.Module, shape: VoiceShape, sha256: str = "") -> None:
        from speech.models.workers import shared

        self.shape = shape
        self.sha256 = sha256
        self._network = network.eval()
        self._workers = shared()

    def hear(self, recording: Readable, rms: float, progress: Callable[[int, int], None] | None = None) -> Heard:
        """Vectors and counts of a whole recording, read window by window.

        Windows overlap by 4 s; each frame is taken from the window in whose middle it lies nearer, so that nothing is
        heard at an edge alone.
        """
        import torch

        from speech.models.activity import level_gain

        frames = recording.length_samples // FRAME
        vectors = np.zeros((frames, self.shape.dimension), np.int8)
        counts = np.zeros((frames, 3), np.float32)
        counts[:, 0] = 1.0
        gain = np.float32(level_gain(rms))
        step, edge = WINDOW_FRAMES - _OVERLAP_FRAMES, _OVERLAP_FRAMES // 2

        def heard(window: tuple[int, Floats]) -> tuple[int, Floats, Floats]:
            start, samples = window
            with torch.inference_mode():
                found, logits = self._network(torch.from_numpy(samples)[None])
            return start, found[0].float().numpy(), logits[0].float().softmax(-1).numpy()

        def windows() -> Iterator[tuple[int, Floats]]:
            # Read here, in the caller's thread: a recording is read by seek and read, and workers would move its place under each other.
            for start in starts:
                samples = recording.read(start * FRAME, WINDOW_FRAMES * FRAME) * gain
                # The last window is not padded: zeros would shift the mean that is taken off.
                yield start, samples[: len(samples) // FRAME * FRAME]

        starts = [s for s in range(0, max(1, frames), step) if s == 0 or frames - s > _OVERLAP_FRAMES] if frames else []
        for start, found, shares in self._workers.map(heard, windows()):
            first = 0 if start == 0 else edge
            last = min(len(found), frames - start)
            vectors[start + first : start + last] = packed(found[first:last])
            counts[start + first : start + last] = shares[first:last]
            if progress:
                progress(min(frames, start + last), frames)
        return Heard(packed=vectors, counts=counts)


def load(path: Path | None = None) -> VoiceModel:
    """The voice network that ships, or another file of its kind.

    Raises
    ------
    ModelRefused
        As for every file of weights: `MODEL_NOT_HERE`, `MODEL_TRUNCATED`, `MODEL_SHAPE`, ...
    """
    from speech.models.weights import content_sha256, entries, tensors_of

    path = path or Path(__file__).parent / "mini" / "voices.safetensors"
    found = entries(path)
    network = build(VoiceShape())
    due = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    shapes = {name: entry.shape for name, entry in found.items()}
    if shapes != due:
        wrong = sorted(name for name in {*due, *shapes} if due.get(name) != shapes.get(name))
        what = f"{len(wrong)} tensors are missing, surplus or of another shape: {', '.join(wrong[:5])}"
        raise ModelRefused(shown(path), what, "Install the package again", "MODEL_SHAPE")
    sha256 = content_sha256([(path, found)])  # refuses what is no number
    network.load_state_dict({name: tensor.float() for name, tensor in tensors_of(path).items()}, strict=False)
    return VoiceModel(network, VoiceShape(), sha256)
