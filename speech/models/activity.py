"""Where there is speech in a recording: silero-vad, and segments cut in its pauses.

The weights come with the package `silero-vad` (MIT). That package is not imported, only found: importing it
sets torch to one thread. All of its network but the last layers looks at one frame alone, so blocks of frames are
computed side by side, as matrix products; the recurrent layer then goes through them in order. So a recording is
never held whole, and the answer does not depend on where blocks end.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from speech.errors import ModelRefused
from speech.types import Span

RATE = 16_000
FRAME = 512
_CONTEXT = 64
_BLOCK = 1024
"""Frames a call: 33 s."""
_QUIETEST = 1e-5
"""Root mean square below which a recording is silent (-100 dBFS): there is nothing to level."""
_LEVEL = 0.06
"""Root mean square that the detector hears every recording at (-24 dBFS)."""
_MOST_GAIN = 20.0

Samples = NDArray[np.float32]


class Readable(Protocol):
    """Samples of a recording at 16 kHz, read by position."""

    @property
    def length_samples(self) -> int:
        """How many there are."""
        ...

    def read(self, start: int, count: int) -> Samples:
        """`count` samples from `start` (fewer at the end)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivitySettings:
    """How probabilities become segments. Times in milliseconds.

    `threshold` opens speech and `threshold - 0.15` closes it, as silero's authors advise; `least_ms` of speech
    is kept, pauses under `join_ms` are bridged, `edge_ms` is added on both sides where there is room.
    Segments longer than `longest_ms` are cut in their deepest pause: with both edges they stay under the 10 s of a
    small chunk, so that the chunk size changes no text. `join_ms` and `edge_ms` were chosen on dev data
    (`benchmarks/verb_settings.py`).
    """

    threshold: float = 0.5
    least_ms: int = 96
    join_ms: int = 800
    edge_ms: int = 320
    longest_ms: int = 9_300


class SpeechDetector:
    """Speech probability of each 32 ms frame."""

    def __init__(self) -> None:
        """Find and open the weights.

        Raises
        ------
        ModelRefused
            `MODEL_NOT_HERE`: the package silero-vad is not installed whole.
        """
        import torch

        from speech.models.workers import shared

        weights = _weights()
        self._workers = shared()
        self._basis = weights["stft.forward_basis_buffer"][:, 0].T.contiguous()
        self._layers = [
            (_as_matrix(weights[f"encoder.{n}.reparam_conv.weight"]), weights[f"encoder.{n}.reparam_conv.bias"], step)
            for n, step in enumerate((1, 2, 2, 1))
        ]
        self._recurrent = torch.nn.LSTM(128, 128)
        self._recurrent.load_state_dict({f"{n}_l0": weights[f"decoder.rnn.{n}"] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")})
        self._out = weights["decoder.decoder.2.weight"][0, :, 0], weights["decoder.decoder.2.bias"]

    def probabilities(self, recording: Readable, gain: float = 1.0, progress: Callable[[int, int], None] | None = None) -> Samples:
        """Speech probability (frames,) of a recording read in blocks and multiplied by `gain`."""
        total = recording.length_samples
        # Made beforehand: small results kept one by one, between large ones let go, hold the memory of those (120 MB in 3 hours).
        found = np.empty(-(-total // FRAME), np.float32)
        state = None
        place = 0
        for features in self._workers.map(self._features, self._blocks(recording, gain)):
            speech, state = self._workers.run(self._in_order, (features, state))
            found[place : place + len(speech)] = speech
            place += len(speech)
            if progress:
                progress(min(total, place * FRAME), total)
        return found

    def _in_order(self, given: tuple[Any, Any]) -> tuple[Samples, Any]:
        """Probabilities of a block's features, from the state that the block before left."""
        import torch

        features, state = given
        with torch.inference_mode():
            hidden, state = self._recurrent(features, state)
            weight, bias = self._out
            return torch.sigmoid(hidden.relu() @ weight + bias).numpy(), state

    @staticmethod
    def _blocks(recording: Readable, gain: float) -> Iterator[Samples]:
        """(frames, context and frame) of each block, zeros before the start and after the end."""
        context = np.zeros(_CONTEXT, np.float32)
        for start in range(0, recording.length_samples, _BLOCK * FRAME):
            samples = recording.read(start, _BLOCK * FRAME) * np.float32(gain)
            frames = -(-len(samples) // FRAME)
            padded = np.concatenate([context, samples, np.zeros(frames * FRAME - len(samples), np.float32)], dtype=np.float32)
            context = padded[-_CONTEXT:]
            yield np.lib.stride_tricks.sliding_window_view(padded, _CONTEXT + FRAME)[::FRAME]

    def _features(self, block: Samples) -> Any:
        """What the layers before the recurrent one make of frames: (frames, 128)."""
        import torch
        from torch.nn.functional import pad

        with torch.inference_mode():
            frames = pad(torch.from_numpy(np.ascontiguousarray(block))[:, None], (0, _CONTEXT), "reflect")[:, 0]
            waves = frames.unfold(1, 256, 128).reshape(-1, 256) @ self._basis
            hidden = (waves[:, :129].square() + waves[:, 129:].square()).sqrt_().view(len(block), 4, 129)
            for weight, bias, step in self._layers:
                windows = pad(hidden, (0, 0, 1, 1)).unfold(1, 3, step)
                flat = windows.transpose(2, 3).reshape(-1, len(weight))
                hidden = torch.addmm(bias, flat, weight).relu_().view(len(block), windows.shape[1], -1)
            return hidden[:, 0]


_made: list[SpeechDetector] = []
_making = threading.Lock()


def detector() -> SpeechDetector:
    """The one detector of this process: opening its weights takes longer than a short clip."""
    with _making:  # recordings in several threads may ask first
        if not _made:
            _made.append(SpeechDetector())
        return _made[0]


def level_gain(rms: float) -> float:
    """What a recording is multiplied by before it is heard: its level, not over 26 dB."""
    return min(_MOST_GAIN, _LEVEL / rms) if rms > 0 else 1.0


def speech_probabilities(
    recording: Readable, rms: float, report: Callable[[str, int, int], None] = lambda _step, _done, _total: None
) -> Samples:
    """Speech probability by frame of a recording with root mean square `rms`; a silent one is not amplified into noise and asked about."""
    if rms < _QUIETEST:
        return np.zeros(0, np.float32)
    return detector().probabilities(recording, level_gain(rms), lambda done, total: report("finding speech", done, total))


def _as_matrix(kernel: Any) -> Any:
    """A convolution's kernel (out, in, 3) as a matrix (3 * in, out) for windows laid flat."""
    return kernel.permute(2, 1, 0).reshape(-1, len(kernel)).contiguous()


def _weights() -> dict[str, Any]:
    """Tensors of the package's 16 kHz network. Its archive is code of an installed package, as its modules are."""
    import warnings

    import torch

    found = importlib.util.find_spec("silero_vad")
    path = Path(found.origin).parent / "data" / "silero_vad.jit" if found and found.origin else None
    if path is None or not path.exists():
        raise ModelRefused(
            "silero-vad", "the speech detector's weights are not installed", "pip install 'silero-vad>=6.2.3,<7'", "MODEL_NOT_HERE"
        )
    with warnings.catch_warnings():
        # torch wants such archives exported anew by their makers; the bound on torch keeps it reading them.
        warnings.simplefilter("ignore", DeprecationWarning)
        return dict(torch.jit.load(str(path))._model.state_dict())  # type: ignore[no-untyped-call]  # torch's own gap


def segments(probabilities: Samples, length_ms: int, settings: ActivitySettings) -> list[Span]:
    """Speech as segments: bridged, widened and cut, in order, without overlap."""
    spans = _runs(probabilities, settings)
    spans = [s for s in _bridged(spans, settings.join_ms) if s[1] - s[0] >= settings.least_ms]
    pieces: list[Span] = []
    for start, end in spans:
        for a, b in cut(start, end, probabilities, settings):
            pieces.append(Span(start_ms=a, end_ms=b))
    return _widened(pieces, length_ms, settings.edge_ms)


def _runs(probabilities: Samples, settings: ActivitySettings) -> list[tuple[int, int]]:
    """Runs of speech in milliseconds, by a threshold that opens and a lower one that closes."""
    high = probabilities >= settings.threshold
    low = probabilities >= settings.threshold - 0.15
    edges = np.flatnonzero(np.diff(np.concatenate([[0], low.astype(np.int8), [0]])))
    runs = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if high[start:end].any():
            first = start + int(np.argmax(high[start:end]))
            runs.append((_ms(first), _ms(end)))
    return runs


def _ms(frame: int) -> int:
    return int(frame) * FRAME * 1000 // RATE


def _bridged(spans: Sequence[tuple[int, int]], join_ms: int) -> Iterator[tuple[int, int]]:
    held: tuple[int, int] | None = None
    for start, end in spans:
        if held and start - held[1] < join_ms:
            held = (held[0], end)
            continue
        if held:
            yield held
        held = (start, end)
    if held:
        yield held


def cut(start: int, end: int, probabilities: Samples, settings: ActivitySettings) -> Iterator[tuple[int, int]]:
    """`start..end` in pieces of at most `longest_ms`, each cut where speech is least likely (five frames smoothed)."""
    while end - start > settings.longest_ms:
        first = (start + settings.longest_ms // 2) * RATE // 1000 // FRAME
        last = (start + settings.longest_ms) * RATE // 1000 // FRAME - 1
        window = np.convolve(probabilities[first - 2 : last + 3], np.ones(5) / 5, mode="same")[2:-2]
        at = _ms(first + int(np.argmin(window)))
        yield start, at
        start = at
    yield start, end


def _widened(spans: Sequence[Span], length_ms: int, edge_ms: int) -> list[Span]:
    """Each span widened by `edge_ms`, at most to the middle of the pause beside it."""
    out: list[Span] = []
    for n, span in enumerate(spans):
        before = spans[n - 1].end_ms if n else -2 * edge_ms
        after = spans[n + 1].start_ms if n + 1 < len(spans) else length_ms + 2 * edge_ms
        start = max(0, span.start_ms - min(edge_ms, (span.start_ms - before) // 2))
        end = min(length_ms, span.end_ms + min(edge_ms, (after - span.end_ms) // 2))
        if out and start < out[-1].end_ms:
            start = out[-1].end_ms
        if end > start:
            out.append(Span(start_ms=start, end_ms=end))
    return out
