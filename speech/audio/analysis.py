"""What a voice sounds like, in numbers: pitch, mel cepstra, how far two sounds are apart, and a picture's worth of spectrogram.

For reports and for measuring synthetic voices; nothing that transcribes comes here. librosa does the work, and it comes with the extra
`tts`: it is imported at the first call, which takes seconds, as it compiles parts of itself then.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech.audio.records import RATE
from speech.errors import ModelRefused

HOP = RATE // 100
"""Samples from frame to frame: 10 ms."""
BANDS, COEFFICIENTS = 80, 24
"""Mel bands, and cepstral coefficients above the first, which is loudness and is left out."""
_WINDOW, _TRANSFORM = 400, 1024
_QUIET_DB = 40.0
_FLOOR_DB = 60.0
"""Below the loudest. What is quieter is the room's noise, or a synthesiser's utter silence: their distance would outweigh the words'."""

Samples = NDArray[Any]
Frames = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pitch:
    """Fundamental frequency by frame of 10 ms; not a number where no voice sounds."""

    hz: NDArray[np.float64]

    @property
    def voiced(self) -> NDArray[np.float64]:
        """The frames where a voice sounds."""
        return self.hz[np.isfinite(self.hz)]

    @property
    def voiced_share(self) -> float:
        """Of all frames."""
        return len(self.voiced) / len(self.hz) if len(self.hz) else 0.0

    @property
    def middle_hz(self) -> float | None:
        """The median."""
        return float(np.median(self.voiced)) if len(self.voiced) else None

    @property
    def span_semitones(self) -> float | None:
        """From the 10th to the 90th percentile: how much the voice moves."""
        if not len(self.voiced):
            return None
        low, high = np.percentile(self.voiced, [10, 90])
        return float(12 * np.log2(high / low))


@dataclass(frozen=True, slots=True, kw_only=True)
class Distortion:
    """How far two sounds are apart along the best alignment of their frames."""

    db: float
    """Mel-cepstral distortion: root mean square difference of the smoothed mel spectra, in decibels, loudness left out."""
    centred_db: float
    """The same, after each side's own mean cepstrum is taken away: without what voice and microphone add everywhere."""
    path: tuple[tuple[int, int], ...]
    """Frames of the first and of the second that stand for each other."""


def _librosa() -> Any:
    try:
        import librosa
    except ImportError as error:
        raise ModelRefused(
            where="analysis of voices",
            what="librosa is not installed",
            mend="pip install 'oral-speech[tts]'",
            code="MODEL_NOT_HERE",
        ) from error
    return librosa


def trimmed(samples: Samples) -> Samples:
    """A sound without the quiet at its ends: what is 40 dB below its loudest."""
    found, _ = _librosa().effects.trim(np.asarray(samples, np.float32), top_db=_QUIET_DB, frame_length=_WINDOW, hop_length=HOP)
    return np.asarray(found)


def pitch(samples: Samples, *, lowest: float = 60.0, highest: float = 500.0, window_ms: int = 64) -> Pitch:
    """Fundamental frequency of samples (length,) at 16 kHz.

    A window of 64 ms is surer in recordings. One of 40 ms, which is about the least for 60 Hz, also finds the end of eSpeak NG's falling
    tone of Mandarin, which the longer one takes for unvoiced.

    Source
    ------
    Mauch and Dixon 2014 (pYIN).
    """
    hz, _, _ = _librosa().pyin(
        np.asarray(samples, np.float32), fmin=lowest, fmax=highest, sr=RATE, frame_length=window_ms * RATE // 1000, hop_length=HOP
    )
    return Pitch(hz=np.asarray(hz, np.float64))


def mel_decibels(samples: Samples) -> Frames:
    """Mel spectrogram (frames, 80 bands) of samples (length,) at 16 kHz, in decibels below its own loudest, down to -60."""
    librosa = _librosa()
    power = librosa.feature.melspectrogram(
        y=np.asarray(samples, np.float32), sr=RATE, n_fft=_TRANSFORM, win_length=_WINDOW, hop_length=HOP, n_mels=BANDS
    )
    return np.asarray(librosa.power_to_db(power, ref=np.max, top_db=_FLOOR_DB), np.float32).T


def cepstra(samples: Samples) -> Frames:
    """Mel cepstra (frames, 24) of samples at 16 kHz, without the first: two frames' Euclidean distance is in decibels.

    The transform is orthonormal, so the distance over all coefficients, divided by the root of the number of bands, is the root mean
    square difference of the two spectra; fewer coefficients compare smoothed spectra.
    """
    found = _librosa().feature.mfcc(S=mel_decibels(samples).T, n_mfcc=COEFFICIENTS + 1, dct_type=2, norm="ortho")
    return np.asarray(found[1:].T / np.sqrt(BANDS), np.float32)


def distortion(first: Samples, second: Samples) -> Distortion:
    """How far apart two sounds of the same words are, both at 16 kHz; the quiet at their ends does not count.

    The alignment is found on the cepstra without their means, and both figures are taken along it.

    Source
    ------
    Kubichek 1993 (mel-cepstral distortion); Sakoe and Chiba 1978 (dynamic time warping).
    """
    sides = [cepstra(trimmed(side)) for side in (first, second)]
    centred = [side - side.mean(axis=0) for side in sides]
    _, steps = _librosa().sequence.dtw(X=centred[0].T, Y=centred[1].T, metric="euclidean")
    a, b = np.asarray(steps)[::-1].T

    def apart(one: Frames, other: Frames) -> float:
        return float(np.mean(np.linalg.norm(one[a] - other[b], axis=1)))

    return Distortion(
        db=apart(*sides), centred_db=apart(*centred), path=tuple((int(i), int(j)) for i, j in zip(a, b, strict=True))
    )  # fmt: skip


def picture(samples: Samples) -> bytes:
    """A spectrogram of samples at 16 kHz as a grey PNG: a column is 10 ms, a row a mel band, the lowest below; black is loud."""
    grey = np.clip(-mel_decibels(samples).T[::-1] * 255 / _FLOOR_DB, 0, 255).astype(np.uint8)
    tall = np.repeat(grey, 3, axis=0)
    height, width = tall.shape
    lines = b"".join(b"\0" + row.tobytes() for row in tall)

    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(lines, 9)) + part(b"IEND", b"")
