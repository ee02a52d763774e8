"""A WAV of a recording, for programs that draw waves from WAV only (ELAN, Praat's older releases)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from speech.audio.folders import COPY_MARK
from speech.audio.reading import load
from speech.audio.records import RATE, ReadSettings
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
    import soundfile

    with load(recording, settings) as signal, replacing(target) as part:
        before = signal.offset_ms * RATE // 1000
        with soundfile.SoundFile(part, "w", RATE, 1, subtype="PCM_16", format="WAV") as out:
            out.comment = COPY_MARK
            for _ in range(0, max(0, before), _BLOCK):
                out.write(np.zeros(min(_BLOCK, before), np.float32))
                before -= _BLOCK
            for start in range(max(0, -signal.offset_ms * RATE // 1000), signal.length_samples, _BLOCK):
                out.write(signal.read(start, _BLOCK))
