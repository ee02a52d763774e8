"""What recordings in the field have and clean clips have not: level, noise, other voices, room, band, pace; and sound without words.

Signals are (samples,) at 16 kHz. Every draw comes from the caller's generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech.audio import RATE, resampled

Samples = NDArray[Any]


def at_speed(samples: Samples, speed: float) -> Samples:
    """A clip said faster (above 1) or slower, in its own number format; pitch moves with it."""
    return samples if speed == 1.0 else resampled(samples, RATE * speed, quality="MQ")


_GRAIN, _REACH = 480, 128
"""Samples of a grain (30 ms, two pitch periods of a deep voice), and how far one is moved to where the waves meet."""


def at_tempo(samples: Samples, tempo: float) -> Samples:
    """A clip said faster (above 1) or slower with the pitch left as it is: (samples,) as float32 in the unit of `samples`.

    Source
    ------
    Waveform similarity overlap-add, Verhelst and Roelands 1993.
    """
    signal = samples.astype(np.float32)
    length, hop = int(len(signal) / tempo), _GRAIN // 2
    if tempo == 1.0 or length < _GRAIN:
        return np.asarray(signal[:length])
    window = np.hanning(_GRAIN).astype(np.float32)
    padded = np.pad(signal, (_REACH, 2 * (_GRAIN + _REACH)))
    count = -(-length // hop)
    made = np.zeros(count * hop + _GRAIN, np.float32)
    weight = np.zeros_like(made)
    place = 0
    for number in range(count):
        begin = int(number * hop * tempo)  # of the reach around the grain, in padded samples
        if number:
            due = padded[place + hop : place + hop + _GRAIN]  # what would go on without a seam
            near = padded[begin : begin + 2 * _REACH + _GRAIN]
            if len(due) < _GRAIN or len(near) < 2 * _REACH + _GRAIN:
                break
            place = begin + int(np.argmax(np.correlate(near, due, "valid")))
        else:
            place = _REACH
        made[number * hop : number * hop + _GRAIN] += window * padded[place : place + _GRAIN]
        weight[number * hop : number * hop + _GRAIN] += window
    return np.asarray(made[:length] / np.maximum(weight[:length], 1e-3))


def as_voice(samples: Samples, voice: float, tempo: float = 1.0) -> Samples:
    """A clip as of a smaller (above 1) or larger speaker: pitch and formants move together, the pace by `tempo` alone.

    Returns int16 (samples,) from int16.
    """
    moved = at_tempo(at_speed(samples, voice), tempo / voice)
    return np.asarray(np.clip(moved, -32768, 32767), np.int16)


class Augment:
    """Noise, other voices behind, room, tilt, band, each now and then. `others` are clips to make babble of, in any unit."""

    def __init__(self, rng: np.random.Generator, others: Sequence[Samples]) -> None:
        self.rng = rng
        self.others = others

    def __call__(self, signal: Samples) -> Samples:
        rng = self.rng
        if rng.random() < 0.25:
            signal = self._room(signal)
        if rng.random() < 0.35:
            signal = self._tilt(signal)
        if rng.random() < 0.15:
            signal = band(signal, float(rng.uniform(3000, 3900)))
        if rng.random() < 0.5:
            noise = self._babble(len(signal)) if rng.random() < 0.3 else coloured(rng, len(signal))
            level = 10 ** (-rng.uniform(5, 30) / 20)
            power = float(np.sqrt(np.mean(signal**2))) + 1e-6
            signal = signal + noise * (level * power / (float(np.sqrt(np.mean(noise**2))) + 1e-6))
        return signal.astype(np.float32)

    def _room(self, signal: Samples) -> Samples:
        length = int(RATE * self.rng.uniform(0.05, 0.35))
        tail = self.rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 6.9))
        tail *= self.rng.uniform(0.05, 0.5) / (np.sqrt(np.sum(tail**2)) + 1e-9)
        tail[0] = 1.0
        size = 1 << int(np.ceil(np.log2(len(signal) + length)))
        spectrum = np.fft.rfft(signal, size) * np.fft.rfft(tail, size)
        return np.asarray(np.fft.irfft(spectrum, size)[: len(signal)])

    def _tilt(self, signal: Samples) -> Samples:
        """A smooth random equaliser of up to about 6 dB."""
        points = self.rng.uniform(-6, 6, 6)
        spectrum = np.fft.rfft(signal)
        where = np.linspace(0, 5, len(spectrum)) ** 0.5 * 5**0.5
        return np.asarray(np.fft.irfft(spectrum * 10 ** (np.interp(where, np.arange(6), points) / 20), len(signal)))

    def _babble(self, length: int) -> Samples:
        out = np.zeros(length)
        for _ in range(self.rng.integers(2, 5)):
            other = self.others[int(self.rng.integers(len(self.others)))].astype(np.float64)
            other = other / (np.sqrt(np.mean(other**2)) + 1.0)
            start = int(self.rng.integers(len(other)))
            out += np.resize(np.roll(other, start), length)
        return out


def coloured(rng: np.random.Generator, length: int) -> Samples:
    """Noise whose spectrum falls or rises by a random power of frequency."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    frequency = np.maximum(np.arange(len(spectrum)), 1.0)
    return np.asarray(np.fft.irfft(spectrum * frequency ** rng.uniform(-1.0, 0.3), length))


def band(signal: Samples, top: float) -> Samples:
    """Only what lies below `top` Hz, as a telephone leaves it."""
    spectrum = np.fft.rfft(signal)
    spectrum[int(len(spectrum) * top / (RATE / 2)) :] = 0
    return np.asarray(np.fft.irfft(spectrum, len(signal)))


def not_speech(rng: np.random.Generator, length: int) -> Samples:
    """Sound without words, made not recorded: noise, hum, tones, chords with an envelope, knocks, sweeps, silence."""
    kind = int(rng.integers(8))
    time = np.arange(length) / RATE
    if kind == 0:
        return coloured(rng, length)
    if kind == 1:
        return np.asarray(rng.standard_normal(length) * 1e-3 * rng.random())
    if kind == 2:
        base = float(rng.choice([50.0, 60.0, 100.0, 120.0]))
        hum = sum(rng.random() * np.sin(2 * np.pi * base * k * time + rng.uniform(0, 6)) for k in range(1, 8))
        return np.asarray(hum + 0.02 * rng.standard_normal(length))
    if kind in (3, 4):
        out = 0.01 * rng.standard_normal(length)
        place = 0
        while place < length:
            step = int(RATE * rng.uniform(0.08, 0.9))
            span = time[: min(step, length - place)]
            root = 110 * 2 ** rng.uniform(0, 3)
            for ratio in rng.choice([1, 1.2, 1.25, 1.333, 1.5, 1.6, 2, 3, 4], int(rng.integers(1, 5)), replace=False):
                vibrato = 1 + 0.01 * rng.random() * np.sin(2 * np.pi * rng.uniform(4, 7) * span)
                tone = np.sin(2 * np.pi * root * ratio * np.cumsum(vibrato) / RATE)
                for k in range(2, int(rng.integers(2, 7))):
                    tone = tone + rng.random() / k * np.sin(2 * np.pi * k * root * ratio * span)
                out[place : place + len(span)] += rng.random() * tone * np.exp(-span * rng.uniform(0.2, 6))
            place += step
        return np.asarray(out)
    if kind == 5:
        out = 0.005 * rng.standard_normal(length)
        for _ in range(int(rng.integers(1, 1 + 3 * max(1, length // RATE)))):
            size = int(RATE * rng.uniform(0.005, 0.15))
            place = int(rng.integers(max(1, length - size)))
            knock = rng.standard_normal(size) * np.exp(-np.arange(size) / (size / 5))
            out[place : place + size] += rng.uniform(0.1, 1) * knock[: length - place]
        return np.asarray(out)
    if kind == 6:
        start, end = rng.uniform(80, 4000, 2)
        return np.asarray(np.sin(2 * np.pi * np.cumsum(np.linspace(start, end, length)) / RATE) + 0.01 * rng.standard_normal(length))
    # Noise that comes and goes at about the pace of syllables, in a band: the hardest to tell from speech.
    moments = np.arange(0, time[-1] + 0.3, 0.15)
    pace = np.interp(time, moments, rng.random(len(moments)))
    low, high = sorted(rng.uniform(100, 6000, 2))
    spectrum = np.fft.rfft(rng.standard_normal(length))
    edge = np.fft.rfftfreq(length, 1 / RATE)
    spectrum[(edge < low) | (edge > high)] = 0
    return np.asarray(np.fft.irfft(spectrum, length) * pace)


_SIZE, _STEP, _SMOOTH = 512, 128, 32
"""Samples of a spectrum (32 ms), between two (8 ms), and of the cepstrum that is kept: 2 ms, so that no voice's pitch is left in it."""


def whispered(signal: Samples, rng: np.random.Generator) -> Samples:
    """A clip as if whispered: noise where the voice was, and little of what a voice has below 600 Hz. Float32, (samples,) as it came."""
    frequency = np.fft.rfftfreq(_SIZE, 1 / RATE)
    return _sounded(_envelopes(signal) * (frequency / (frequency + 600)), rng.standard_normal(len(signal)))


def sung(signal: Samples, rng: np.random.Generator) -> Samples:
    """A clip as if sung: sounds held 1.5 to 3 times as long, on notes with vibrato and some breath. Float32, as long as that makes it."""
    envelopes = _envelopes(signal)
    place = np.arange(0, len(envelopes) - 1, 1 / rng.uniform(1.5, 3.0))
    before, part = place.astype(int), (place % 1)[:, None]
    length = len(place) * _STEP
    time = np.arange(length) / RATE
    steps = np.array([-5, -3, -1, 0, 2, 4, 5, 7])
    notes = rng.uniform(110, 330) * 2 ** (rng.choice(steps, 1 + int(length / RATE / 0.2)) / 12)
    ends = np.cumsum(np.exp(rng.uniform(np.log(0.25), np.log(1.5), len(notes))))
    pitch = notes[np.minimum(np.searchsorted(ends, time), len(notes) - 1)]
    pitch = pitch * (1 + rng.uniform(0.005, 0.025) * np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * time))
    pulses = np.diff(np.floor(np.cumsum(pitch) / RATE), prepend=0) * np.sqrt(RATE / pitch)
    voice = pulses + rng.uniform(0.02, 0.15) * rng.standard_normal(length)
    return _sounded(envelopes[before] ** (1 - part) * envelopes[before + 1] ** part, voice)


def _envelopes(signal: Samples) -> Samples:
    """What a mouth makes of a sound, without its pitch: (steps, bins) of amplitude, the spectra smoothed by their cepstra."""
    padded = np.pad(signal.astype(np.float32), _SIZE // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _SIZE)[::_STEP] * np.hanning(_SIZE).astype(np.float32)
    cepstra = np.fft.irfft(np.log(np.abs(np.fft.rfft(frames)) + 1e-5))
    cepstra[:, _SMOOTH:-_SMOOTH] = 0
    return np.asarray(np.exp(np.fft.rfft(cepstra).real))


def _sounded(envelopes: Samples, source: Samples) -> Samples:
    """A source of even spectrum, shaped by envelopes (steps, bins)."""
    window = np.hanning(_SIZE).astype(np.float32)
    padded = np.pad(source, (_SIZE // 2, _SIZE))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _SIZE)[::_STEP][: len(envelopes)]
    shaped = np.fft.irfft(np.fft.rfft(frames * window) * envelopes[: len(frames)]) * window
    made = np.zeros(len(frames) * _STEP + _SIZE)
    for n, frame in enumerate(shaped):
        made[n * _STEP : n * _STEP + _SIZE] += frame
    return np.asarray(made[_SIZE // 2 : _SIZE // 2 + len(source)], np.float32)


def levelled(signal: Samples) -> Samples:
    """Zero mean and unit variance, as the checkpoint's feature extractor asks."""
    signal = signal - np.mean(signal)
    return np.asarray(signal / np.sqrt(np.var(signal) + 1e-7), dtype=np.float32)
