"""Copies of a recording: a WAV for programs that draw waves from WAV only (ELAN, Praat's older releases), a FLAC for browsers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from speech.audio.folders import COPY_MARK
from speech.audio.reading import load
from speech.audio.records import RATE, ReadSettings
from speech.audio.signal import Signal
from speech.files import replacing

_BLOCK = 60 * RATE


def write_wav(recording: Path, target: Path, settings: ReadSettings | None = None) -> None:
    """Write the recording's sound at 16 kHz, one channel, 16 bit; its times are those of the transcript (the container's clock).

    There whole or not at all.

    Raises
    ------
    AudioRefused, PathRefused, DiskFailure
        As `load`; the disk is full.
    """
    with load(recording, settings) as signal:
        _write(signal, target, "WAV", None)


def write_flac(signal: Signal, target: Path, *, progress: Callable[[int, int], None] | None = None) -> None:
    """Write a recording's sound as FLAC at 16 kHz, one channel, 16 bit, on the container's clock; as `write_wav`."""
    _write(signal, target, "FLAC", progress)


def _write(signal: Signal, target: Path, format: str, progress: Callable[[int, int], None] | None) -> None:
    import soundfile

    with replacing(target) as part:
        before = signal.offset_ms * RATE // 1000
        with soundfile.SoundFile(part, "w", RATE, 1, subtype="PCM_16", format=format) as out:
            out.comment = COPY_MARK
            for _ in range(0, max(0, before), _BLOCK):
                out.write(np.zeros(min(_BLOCK, before), np.float32))
                before -= _BLOCK
            for start in range(max(0, -signal.offset_ms * RATE // 1000), signal.length_samples, _BLOCK):
                out.write(signal.read(start, _BLOCK))
                if progress is not None:
                    progress(1000 * start // RATE, 1000 * signal.length_samples // RATE)
