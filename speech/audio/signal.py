"""A recording ready for use: 16 kHz, one channel, float32, read span by span from memory or from a hidden file.

Samples are kept as they were resampled; the offset is taken off, and peaks over full scale brought down,
when they are read. Up to 10 minutes stay in memory; more goes to a temporary file without a name, read by
seek and read: mapped pages would count as resident and grow with the recording.
"""

from __future__ import annotations

import io
import math
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech.audio.records import RATE, Probe
from speech.errors import Finding
from speech.files import disk_errors

KEPT_IN_MEMORY = 10 * 60 * RATE * 4
_PASS_FRAMES = 1 << 16


class Spool:
    """Samples in order, first all written, then read anywhere."""

    def __init__(self, expected_bytes: int = 0) -> None:
        self.file: Any = None
        self.size = 0
        with disk_errors(Path(tempfile.gettempdir())):
            self.file = tempfile.TemporaryFile() if expected_bytes > KEPT_IN_MEMORY else io.BytesIO()

    def write(self, values: NDArray[np.float32]) -> None:
        """Add at the end."""
        if values.size:
            self._put(values)

    def _put(self, values: NDArray[np.float32]) -> None:
        data = values.tobytes()
        with disk_errors(Path(tempfile.gettempdir())):
            if isinstance(self.file, io.BytesIO) and self.size + len(data) > KEPT_IN_MEMORY:
                held, self.file = self.file, tempfile.TemporaryFile()
                self.file.write(held.getbuffer())
            self.file.write(data)
            self.size += len(data)

    def read(self, start: int, count: int) -> NDArray[np.float32]:
        """`count` values from value `start` on; fewer at the end."""
        self.file.seek(4 * start)
        return np.frombuffer(self.file.read(4 * max(0, count)), np.float32)

    def close(self) -> None:
        """Give memory and disk back."""
        self.file.close()


class Signal:
    """One recording at 16 kHz, one channel; a context manager.

    `length_samples` are there to be read; `missing_ms` more were claimed by the file and are not there.
    `mean` was taken off; `rms` and `peak` are those of what `read` gives, over the whole recording.
    Times on the container's clock are sample times plus `offset_ms`.
    """

    def __init__(self, *, probe: Probe, spool: Spool, length_samples: int, mean: float, rms: float, low: float, high: float) -> None:
        self.probe = probe
        self.length_samples = length_samples
        self.mean = mean
        peak = max(high - mean, mean - low, 0.0)
        self._scale = 1 / peak if peak > 1 else 1.0
        self.peak = peak * self._scale
        self.rms = rms * self._scale
        self._spool = spool

    @property
    def duration_ms(self) -> int:
        """What was found and what is missing, together."""
        return self.probe.duration_ms

    @property
    def missing_ms(self) -> int:
        """What the file claims beyond its last sample."""
        return self.probe.missing_ms

    @property
    def offset_ms(self) -> int:
        """Where the first sample lies on the container's clock."""
        return self.probe.offset_ms

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was noticed while reading."""
        return self.probe.findings

    def read(self, start: int, count: int) -> NDArray[np.float32]:
        """`count` samples from sample `start` on, without offset, within -1..1; fewer at the end."""
        if start < 0 or count < 0:
            raise ValueError(f"start {start} and count {count} must not be negative")
        values = self._spool.read(start, min(count, max(0, self.length_samples - start))) - np.float32(self.mean)
        if self._scale != 1.0:
            values *= np.float32(self._scale)
        return values

    def close(self) -> None:
        """Let go of the samples."""
        self._spool.close()

    def __enter__(self) -> Signal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class Keeper:
    """Resamples blocks to 16 kHz, with one resampler over the whole recording, and keeps all channels.

    Which channels to mix is known only at the end; mixing then is the same as before, as resampling is linear.
    """

    def __init__(self, rate: int, channels: int, expected_ms: int) -> None:
        import soxr

        self.channels = channels
        self.resampler = None
        if rate != RATE:
            self.resampler = soxr.ResampleStream(rate, RATE, channels, dtype="float32", quality="HQ")
        self.spool = Spool(expected_ms * RATE // 1000 * 4 * channels)

    def add(self, block: NDArray[np.float32], *, last: bool = False) -> None:
        """Take (frames, channels) at the recording's rate."""
        if self.resampler is None:
            self.spool.write(block)
        else:
            self.spool.write(self.resampler.resample_chunk(block[:, 0] if self.channels == 1 else block, last=last))

    def finish(self, length: int, weights: NDArray[np.float32]) -> tuple[float, float, float, float]:
        """Mix in place to one channel of `length` samples; gives mean, root mean square, lowest, highest."""
        self.add(np.zeros((0, self.channels), np.float32), last=True)
        spool, channels = self.spool, self.channels
        total = squares = 0.0
        low, high = math.inf, -math.inf
        step = max(1, _PASS_FRAMES // channels)
        for start in range(0, length, step):
            count = min(step, length - start)
            block = spool.read(start * channels, count * channels).reshape(-1, channels)
            mono = block[:, 0] if channels == 1 else block @ weights
            if len(mono) < count:  # a resampler may end a sample early
                mono = np.concatenate([mono, np.zeros(count - len(mono), np.float32)])
            if channels > 1 or len(block) < count:
                self._replace(start, mono)
            total += float(mono.sum(dtype=np.float64))
            squares += float(mono @ mono)
            low, high = min(low, float(mono.min())), max(high, float(mono.max()))
        with disk_errors(Path(tempfile.gettempdir())):
            spool.file.truncate(4 * length)
        mean = total / max(1, length)
        return mean, math.sqrt(max(0.0, squares / max(1, length) - mean * mean)), low, high

    def _replace(self, start: int, mono: NDArray[np.float32]) -> None:
        # One channel is never ahead of the many it is made from, so what is overwritten was read.
        with disk_errors(Path(tempfile.gettempdir())):
            self.spool.file.seek(4 * start)
            self.spool.file.write(mono.tobytes())

    def close(self) -> None:
        """Drop what was kept."""
        self.spool.close()
