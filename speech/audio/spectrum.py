"""A glance at the spectrum of an excerpt: is it speech under a wrong sample rate, or nothing but mains hum?

Both are hints for a person, so both are careful. The weights of the first are fitted on real speech, as labelled and
with its label changed (`benchmarks/rate_suspect.py --fit`; without it, how often it is right).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speech.audio.source import Block

_EXCERPT_SECONDS = 20
_HUM_SECONDS = 2
_LEAST_SECONDS = 1.0
_SUSPECT_FROM, _SUSPECT_TO = 32_000, 96_000
_SUSPECTED = 16_000
_WEIGHTS = (-0.58, 0.07, 1.14, 0.90)
_OFFSET = -7.06
_EVIDENCE = 3.0
"""Log-odds beyond which the rate of a long excerpt is suspected: odds of 20 to 1 where right and wrong labels are as common."""
_EVIDENCE_OF_A_SECOND = 10.0
"""What one second needs beyond that; n seconds need an n-th of it: a shout or a jingle is short, a wrong label lasts."""
_NOTHING_ABOVE_DB = -60.0
"""Share of 8 kHz up below which a label is right: sound under a wrong one fills the band that the label allows."""
_SLOWEST_HZ = 4.5
"""Pace of loudness below which speech is not too fast: half of all speech at its right rate is under 4.1."""
_NO_VOICE_HZ = 1_333
"""Half of a voice's energy lies below this; what does not, at the rate suspected, is no voice."""


class Excerpt:
    """The first seconds that are not silent, in their loudest channel; and how steady the whole is."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.parts: list[NDArray[np.float32]] = []
        self.held = 0
        seconds = _EXCERPT_SECONDS if _SUSPECT_FROM <= rate <= _SUSPECT_TO else _HUM_SECONDS
        self.wanted = seconds * rate
        self.least, self.most = np.inf, 0.0

    def add(self, block: Block) -> None:
        """Look at a block of (frames, channels)."""
        size = self.rate // 5
        whole = len(block) // size * size
        if not whole:
            return
        channel = 0 if block.shape[1] == 1 else int(np.einsum("ij,ij->j", block[::16], block[::16]).argmax())
        mono = np.ascontiguousarray(block[:whole, channel])
        pieces = mono.reshape(-1, size)
        power = np.einsum("ij,ij->i", pieces, pieces) / size - np.square(pieces.mean(axis=1))
        self.least, self.most = min(self.least, float(power.min())), max(self.most, float(power.max()))
        left = self.wanted - self.held
        if left > 0 and power.max() > 1e-6:
            self.parts.append(mono[:left])
            self.held += min(left, whole)

    def is_hum(self) -> bool:
        """Whether the whole is as steady as a machine and lies on multiples of 50 or 60 Hz."""
        if self.held < self.rate or self.most > 1.6 * self.least:
            return False
        size = 1 << (2 * self.rate - 1).bit_length()
        sound = np.concatenate(self.parts)[:size].astype(np.float64)
        power = np.square(np.abs(np.fft.rfft((sound - sound.mean()) * np.hanning(len(sound)))))
        width = self.rate / len(sound)
        at = np.arange(len(power)) * width
        total = float(power.sum())
        return (
            any(float(power[np.abs((at + mains / 2) % mains - mains / 2) < 3].sum()) > 0.9 * total for mains in (50, 60))
            and float(power[at < 1000].sum()) > 0.98 * total
        )

    def shape(self) -> Shape:
        """The shape of what is held."""
        return shape_of(np.concatenate(self.parts), self.rate)

    def likely_rate(self) -> int | None:
        """16,000 if this sounds like speech recorded at that rate under a label far above it; None otherwise.

        Such speech is too fast, has next to nothing where voices have their pitch, its middle too high, and reaches far
        beyond 8 kHz: four signs, weighed by a logistic curve. Sound whose middle is too high for that, too, is noise.
        Where one of the signs speaks clearly against it, the others do not count; a short excerpt needs more than a long one.
        """
        if not _SUSPECT_FROM <= self.rate <= _SUSPECT_TO or self.held < _LEAST_SECONDS * self.rate:
            return None
        shape = self.shape()
        if shape.high_db < _NOTHING_ABOVE_DB or shape.changes_hz < _SLOWEST_HZ:
            return None
        if shape.middle_hz * _SUSPECTED / self.rate >= _NO_VOICE_HZ:
            return None
        evidence = float(np.dot(_WEIGHTS, shape.signs)) + _OFFSET
        return _SUSPECTED if evidence > _EVIDENCE + _EVIDENCE_OF_A_SECOND * self.rate / self.held else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Of active speech: share of 60-350 Hz and of 8 kHz up in its energy, its middle, and the pace of its loudness."""

    low_db: float
    high_db: float
    middle_hz: float
    changes_hz: float

    @property
    def signs(self) -> tuple[float, float, float, float]:
        """What tells a wrong rate, on scales where equal steps mean much the same."""
        return self.low_db, self.high_db, math.log2(max(50.0, self.middle_hz) / 500), self.changes_hz


def shape_of(sound: NDArray[np.float32], rate: int) -> Shape:
    """The shape of some seconds of sound."""
    size, hop = int(rate * 0.0427) // 2 * 2, rate // 50
    window = np.hanning(size).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(sound, size)[::hop]
    power = np.square(np.abs(np.fft.rfft(frames * window, axis=1)))
    at = np.arange(power.shape[1]) * rate / size
    power[:, at < 60] = 0
    whole = power.sum(axis=1)
    if not whole.max() > 0:
        return Shape(low_db=0.0, high_db=-120.0, middle_hz=0.0, changes_hz=0.0)
    active = power[whole > whole.max() * 1e-3].mean(axis=0, dtype=np.float64)
    share = active / active.sum()
    loudness = np.sqrt(power[:, (at > 200) & (at < 8000)].sum(axis=1, dtype=np.float64))
    loudness = np.log(loudness + loudness.max() * 1e-2 + 1e-12)
    changes = np.square(np.abs(np.fft.rfft((loudness - loudness.mean()) * np.hanning(len(loudness)))))
    pace = np.arange(len(changes)) * (rate / hop) / len(loudness)
    band = (pace > 1) & (pace < 25)
    return Shape(
        low_db=float(10 * np.log10(share[at < 350].sum() + 1e-12)),
        high_db=float(10 * np.log10(share[at > 8000].sum() + 1e-12)),
        middle_hz=float(at[np.searchsorted(np.cumsum(share), 0.5)]),
        changes_hz=float((pace[band] * changes[band]).sum() / max(1e-12, changes[band].sum())),
    )
