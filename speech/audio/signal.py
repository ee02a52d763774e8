"""A recording ready for use: 16 kHz, one channel, float32, read span by span from memory or from a hidden file.

Samples are kept as they were resampled; the offset is taken off, and peaks over full scale brought down,
when they are read. Up to 10 minutes stay in memory; more goes to a temporary file without a name, read by
seek and read: mapped pages would count as resident and grow with the recording.
"""

from __future__ import annotations

import errno
import io
import math
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech.audio.records import RATE, Probe
from speech.errors import AudioRefused, Finding
from speech.files import disk_errors

KEPT_IN_MEMORY = 10 * 60 * RATE * 4
LEFT_FREE = 256 << 20
"""Bytes of the disk that a temporary file leaves to others: who edits meanwhile must be able to save."""
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
            if not isinstance(self.file, io.BytesIO) and shutil.disk_usage(tempfile.gettempdir()).free < LEFT_FREE:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.file.write(data)
            self.size += len(data)

    def read(self, start: int, count: int) -> NDArray[np.float32]:
        """`count` values from value `start` on; fewer at the end."""
        self.file.seek(4 * start)
        return np.frombuffer(self.file.read(4 * max(0, count)), np.float32)

    def close(self) -> None:
        """Give memory and disk back."""
        self.file.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One channel, or the mix of all: where its samples lie, and what they come to.

    Values stand at `column` of rows of `columns` in `spool`. `mean` is taken off and, where peaks exceed full scale,
    the whole brought down by `scale`; `rms` and `peak` are those of what is read then.
    """

    spool: Spool
    columns: int
    column: int
    mean: float
    rms: float
    peak: float
    scale: float

    @classmethod
    def of(cls, spool: Spool, columns: int, column: int, sums: Sums) -> Track:
        """A track whose samples have these sums."""
        mean = sums.total / max(1, sums.count)
        peak = max(sums.high - mean, mean - sums.low, 0.0)
        scale = 1 / peak if peak > 1 else 1.0
        rms = math.sqrt(max(0.0, sums.squares / max(1, sums.count) - mean * mean)) * scale
        return cls(spool=spool, columns=columns, column=column, mean=mean, rms=rms, peak=peak * scale, scale=scale)

    def read(self, start: int, count: int) -> NDArray[np.float32]:
        """`count` samples from sample `start` on."""
        values = self.spool.read(start * self.columns, count * self.columns)[self.column :: self.columns] - np.float32(self.mean)
        if self.scale != 1.0:
            values *= np.float32(self.scale)
        return values


@dataclass(slots=True)
class Sums:
    """What is counted of a track's samples, block by block."""

    total: float = 0.0
    squares: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    count: int = 0

    def add(self, values: NDArray[np.float32]) -> None:
        """Count some samples."""
        self.total += float(values.sum(dtype=np.float64))
        self.squares += float(values @ values)
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
        self.count += len(values)


class Signal:
    """One recording at 16 kHz, one channel; a context manager.

    `length_samples` are there to be read; `missing_ms` more were claimed by the file and are not there.
    `mean` was taken off; `rms` and `peak` are those of what `read` gives, over the whole recording.
    `sha256` is that of the file whose sound this is. Times on the container's clock are sample times plus `offset_ms`.
    Where channels were kept, each is read by its number, from 1.
    """

    def __init__(self, *, probe: Probe, sha256: str, length_samples: int, tracks: Sequence[Track]) -> None:
        self.probe = probe
        self.sha256 = sha256
        self.length_samples = length_samples
        self._mix, *self._channels = tracks

    @property
    def mean(self) -> float:
        """The offset of the mix, which was taken off."""
        return self._mix.mean

    @property
    def rms(self) -> float:
        """Root mean square of the mix."""
        return self._mix.rms

    @property
    def peak(self) -> float:
        """Largest absolute value of the mix."""
        return self._mix.peak

    def rms_of(self, channel: int) -> float:
        """Root mean square of a channel, from 1; refused as by `read`."""
        return self._track(channel).rms

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

    def read(self, start: int, count: int, channel: int | None = None) -> NDArray[np.float32]:
        """`count` samples from sample `start` on, without offset, within -1..1; fewer at the end.

        `channel` counts from 1; None is the mix.

        Raises
        ------
        AudioRefused
            `AUDIO_CHANNELS`: there is no such channel, or channels were not kept.
        """
        if start < 0 or count < 0:
            raise ValueError(f"start {start} and count {count} must not be negative")
        return self._track(channel).read(start, min(count, max(0, self.length_samples - start)))

    def _track(self, channel: int | None) -> Track:
        if channel is None or (channel == 1 and self.probe.channels == 1):
            return self._mix
        if self._channels and 1 <= channel <= len(self._channels):
            return self._channels[channel - 1]
        there = f"it has {self.probe.channels}" + ("" if self._channels else ", and only their mix was kept")
        mend = "Choose one that is there" if self._channels else "Read it with keep_channels"
        raise AudioRefused(self.probe.path, f"channel {channel} was asked for; {there}", mend, "AUDIO_CHANNELS")

    def close(self) -> None:
        """Let go of the samples."""
        for track in (self._mix, *self._channels[:1]):
            track.spool.close()

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
        self.mixed: Spool | None = None

    def add(self, block: NDArray[np.float32], *, last: bool = False) -> None:
        """Take (frames, channels) at the recording's rate."""
        if self.resampler is None:
            self.spool.write(block)
        else:
            self.spool.write(self.resampler.resample_chunk(block[:, 0] if self.channels == 1 else block, last=last))

    def finish(self, length: int, weights: NDArray[np.float32], *, keep_channels: bool = False) -> list[Track]:
        """The mix of `length` samples; with `keep_channels` and several, the channels after it. Each once in memory or on disk."""
        self.add(np.zeros((0, self.channels), np.float32), last=True)
        channels = self.channels
        mixed = self.spool
        if keep_channels and channels > 1:
            mixed = self.mixed = Spool(4 * length)
        sums = [Sums() for _ in range(1 + channels if mixed is not self.spool else 1)]
        step = max(1, _PASS_FRAMES // channels)
        for start in range(0, length, step):
            count = min(step, length - start)
            block = self.spool.read(start * channels, count * channels).reshape(-1, channels)
            mono = block[:, 0] if channels == 1 else block @ weights
            if len(mono) < count:  # a resampler may end a sample early
                mono = np.concatenate([mono, np.zeros(count - len(mono), np.float32)])
            sums[0].add(mono)
            for channel, own in enumerate(sums[1:]):
                if len(block):
                    own.add(np.ascontiguousarray(block[:, channel]))
            if mixed is not self.spool:
                mixed.write(mono)
            elif channels > 1 or len(block) < count:
                self._replace(start, mono)
        if mixed is not self.spool:
            self._fill(length)
            return [Track.of(mixed, 1, 0, sums[0]), *(Track.of(self.spool, channels, n, own) for n, own in enumerate(sums[1:]))]
        with disk_errors(Path(tempfile.gettempdir())):
            self.spool.file.truncate(4 * length)
        return [Track.of(self.spool, 1, 0, sums[0])]

    def _fill(self, length: int) -> None:
        """Zeros where a resampler ended a sample early, in every channel."""
        lacking = length * self.channels - self.spool.size // 4
        if lacking > 0:
            self.spool.file.seek(0, io.SEEK_END)
            self.spool.write(np.zeros(lacking, np.float32))

    def _replace(self, start: int, mono: NDArray[np.float32]) -> None:
        # One channel is never ahead of the many it is made from, so what is overwritten was read.
        with disk_errors(Path(tempfile.gettempdir())):
            self.spool.file.seek(4 * start)
            self.spool.file.write(mono.tobytes())

    def close(self) -> None:
        """Drop what was kept."""
        self.spool.close()
        if self.mixed is not None:
            self.mixed.close()
