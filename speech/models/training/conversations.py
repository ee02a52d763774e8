"""Conversations composed of clips of labelled speakers: turns, pauses, back-channels, overlap, one room, wind; with who speaks when.

No labelled field recording with a free licence is at hand, so what learns to tell speakers apart, and what is measured,
is put together from clips of one speaker each. What could betray a speaker without the voice is made alike: levels, band,
noise between words; one room and one noise lie over all. Every draw comes from the caller's generator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speech.audio import RATE
from speech.models.training.augment import not_speech
from speech.types import Span, Turn

Samples = NDArray[np.float32]
STEP = RATE // 100
"""Samples of the 10 ms by which speech within a clip is known."""
_BRIDGED = 25
"""Steps of a pause within a turn that still counts as speech: 250 ms, as annotators leave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A speaker, and how to draw a stretch of his or her speech."""

    name: str
    draw: Callable[[np.random.Generator, int], Samples]
    """Generator and wished length in samples: samples of about that length or less, of this speaker alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationSettings:
    """How people talk: lengths in seconds, shares of turns."""

    speakers: tuple[int, int] = (2, 5)
    length_s: float = 120.0
    turn_s: tuple[float, float] = (1.0, 12.0)
    pause_s: tuple[float, float] = (0.1, 2.0)
    overlapped: float = 0.4
    """Share of turns that begin before the one before has ended."""
    overlap_s: tuple[float, float] = (0.3, 2.0)
    back_channels: float = 0.15
    """Share of longer turns with a word of another speaker in them."""
    again: float = 0.15
    """Share of turns after which the same speaker goes on after a pause."""
    sounds: float = 0.2
    """Share of pauses with sound that is no speech in them: knocks, tones, chords, sweeps, as loud as speech or 20 dB under it."""
    noise_db: tuple[float, float] = (12.0, 30.0)
    """How far wind and room noise lie under speech."""
    reverberation_s: tuple[float, float] = (0.1, 0.5)
    band_hz: tuple[float, float] = (3400.0, 7600.0)
    level_db: float = 2.0
    """Deviation of the speakers' levels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Samples at 16 kHz within -1..1, and the turns in them in order of their starts."""

    samples: Samples
    turns: tuple[Turn, ...]


def speaking(samples: Samples) -> NDArray[np.bool_]:
    """Which steps of 10 ms of a clean clip are speech, by energy over its own floor; short pauses bridged.

    No speech detector of the product has a part in it, so that a reference made of it favours none.
    """
    count = len(samples) // STEP
    if not count:
        return np.zeros(0, np.bool_)
    power = np.square(samples[: count * STEP].astype(np.float64)).reshape(count, STEP).mean(axis=1)
    level = 10 * np.log10(power + 1e-10)
    loud = float(np.percentile(level, 95))
    floor = min(float(np.percentile(level, 5)), loud - 12)
    # 30 dB is the range that speech takes (ANSI S3.5); breath and room lie below.
    heard = level > max(floor + 0.45 * (loud - floor), loud - 30)
    return _bridged(_bridged(heard, _BRIDGED, to=True), 5, to=False)


def trimmed(samples: Samples, level: float) -> tuple[Samples, NDArray[np.bool_]]:
    """A clean clip from its first to its last speech, which is brought to this root mean square; and which steps are speech.

    Both empty where there is none.
    """
    flags = speaking(samples)
    if not flags.any():
        return samples[:0], flags[:0]
    first, last = int(np.argmax(flags)), len(flags) - int(np.argmax(flags[::-1]))
    part, flags = samples[first * STEP : last * STEP], flags[first:last]
    loud = part.reshape(-1, STEP)[flags]
    return part * (level / (float(np.sqrt(np.mean(np.square(loud, dtype=np.float64)))) + 1e-6)), flags


def _bridged(flags: NDArray[np.bool_], shortest: int, *, to: bool) -> NDArray[np.bool_]:
    """Runs of `not to` shorter than `shortest` between two others turned into `to`."""
    flags = flags.copy()
    edges = np.flatnonzero(np.diff(flags.astype(np.int8))) + 1
    bounds = [0, *edges.tolist(), len(flags)]
    for start, end in zip(bounds[:-1], bounds[1:], strict=True):
        inner = (start > 0 and end < len(flags)) or not to
        if flags[start] != to and end - start < shortest and inner:
            flags[start:end] = to
    return flags


def compose(voices: Sequence[Voice], settings: ConversationSettings, rng: np.random.Generator) -> Conversation:
    """A conversation of some of these voices."""
    most = min(settings.speakers[1], len(voices))
    count = int(rng.integers(min(settings.speakers[0], most), most + 1))
    chosen = [voices[n] for n in rng.choice(len(voices), count, replace=False)]
    gains = 10 ** (rng.normal(0, settings.level_db, count) / 20)
    length = int(settings.length_s * RATE)
    mix = np.zeros(length, np.float32)
    active = np.zeros((count, length // STEP), np.bool_)
    share = rng.dirichlet(np.full(count, 3.0))

    def lay(speaker: int, at: int, wished: int) -> int:
        """Lay a stretch of a speaker's speech at a sample; the sample after its last speech."""
        part, flags = trimmed(chosen[speaker].draw(rng, wished), 0.06 * gains[speaker])
        if not len(flags):
            return at
        # What is between words goes: its noise would be the speaker's microphone.
        part = part * _faded(flags)
        start = at // STEP
        flags = flags[: max(0, active.shape[1] - start)]
        mix[start * STEP : start * STEP + len(flags) * STEP] += part[: len(flags) * STEP]
        active[speaker, start : start + len(flags)] |= flags
        return (start + len(part) // STEP) * STEP

    at, speaker = int(rng.uniform(*settings.pause_s) * RATE), int(rng.integers(count))
    while at < length:
        wished = int(np.exp(rng.uniform(*np.log(settings.turn_s))) * RATE)
        end = lay(speaker, at, wished)
        if end - at > 3 * RATE and count > 1 and rng.random() < settings.back_channels:
            other = int(rng.choice([n for n in range(count) if n != speaker]))
            lay(other, int(rng.uniform(at + RATE, end - RATE)), int(rng.uniform(0.4, 1.0) * RATE))
        before = speaker
        if count > 1 and rng.random() >= settings.again:
            chance = share.copy()
            chance[before] = 0
            speaker = int(rng.choice(count, p=chance / chance.sum()))
        if speaker != before and rng.random() < settings.overlapped:
            at = max(at + RATE // 2, end - int(rng.uniform(*settings.overlap_s) * RATE))
        else:
            at = end + int(np.exp(rng.uniform(*np.log(settings.pause_s))) * RATE)
            if rng.random() < settings.sounds:
                _sound(mix[end:at], rng)
    return Conversation(samples=in_one_room(mix, settings, rng), turns=turns_of(active, [v.name for v in chosen]))


def _sound(pause: Samples, rng: np.random.Generator) -> None:
    """Sound that is no speech, added to a part of a pause (in place)."""
    length = int(len(pause) * rng.uniform(0.3, 1.0))
    if length < RATE // 10:
        return
    start = int(rng.integers(len(pause) - length + 1))
    made = not_speech(rng, length)
    level = 0.06 * 10 ** (-rng.uniform(0, 20) / 20) / (float(np.sqrt(np.mean(np.square(made)))) + 1e-6)
    pause[start : start + length] += np.asarray(made * level * np.hanning(length) ** 0.25, np.float32)


def turns_of(active: NDArray[np.bool_], names: Sequence[str]) -> tuple[Turn, ...]:
    """Runs of (speakers, steps of 10 ms) as turns, in order of their starts; those who say nothing have none."""
    found = []
    for name, flags in zip(names, active, strict=True):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], _bridged(flags, _BRIDGED, to=True).astype(np.int8), [0]])))
        found += [Turn(span=Span(start_ms=10 * int(a), end_ms=10 * int(b)), speaker=name) for a, b in edges.reshape(-1, 2)]
    return tuple(sorted(found, key=lambda turn: (turn.span.start_ms, turn.span.end_ms, turn.speaker)))


def _faded(flags: NDArray[np.bool_]) -> Samples:
    """A gain a sample: 1 in speech, 0 elsewhere, with edges of 10 ms."""
    gain = np.repeat(flags.astype(np.float32), STEP)
    return np.convolve(gain, np.full(STEP, 1 / STEP, np.float32), mode="same")


def in_one_room(mix: Samples, settings: ConversationSettings, rng: np.random.Generator) -> Samples:
    """One room, one noise and one band over everything."""
    power = float(np.sqrt(np.mean(np.square(mix[mix != 0], dtype=np.float64)))) if mix.any() else 0.05
    tail_length = int(RATE * rng.uniform(*settings.reverberation_s))
    tail = rng.standard_normal(tail_length, np.float32) * np.exp(-6.9 * np.arange(tail_length, dtype=np.float32) / tail_length)
    tail *= np.float32(rng.uniform(0.05, 0.5)) / (np.sqrt(np.sum(np.square(tail))) + 1e-9)
    tail[0] = 1.0
    # Whole seconds: their transforms are quick. All is in float32, which numpy's transform keeps.
    size = -(-(len(mix) + tail_length) // RATE) * RATE
    frequency = np.fft.rfftfreq(size, 1 / RATE).astype(np.float32)
    spectrum = np.fft.rfft(mix, size) * np.fft.rfft(tail, size)
    spectrum[frequency > rng.uniform(*settings.band_hz)] = 0
    heard = np.fft.irfft(spectrum, size)[: len(mix)]
    noise = wind(rng, len(mix)) if rng.random() < 0.5 else hiss(rng, len(mix))
    noise *= np.float32(power * 10 ** (-rng.uniform(*settings.noise_db) / 20) / (np.sqrt(np.mean(np.square(noise))) + 1e-9))
    made = heard + noise
    return np.asarray(made * min(1.0, 0.98 / (float(np.max(np.abs(made))) + 1e-9)), np.float32)


def hiss(rng: np.random.Generator, length: int) -> Samples:
    """Noise whose spectrum falls or rises by a random power of frequency."""
    spectrum = np.fft.rfft(rng.standard_normal(length, np.float32))
    frequency = np.maximum(np.arange(len(spectrum), dtype=np.float32), 1)
    return np.asarray(np.fft.irfft(spectrum * frequency ** np.float32(rng.uniform(-1.0, 0.3)), length), np.float32)


def wind(rng: np.random.Generator, length: int) -> Samples:
    """Wind on a microphone: low noise that comes and goes in gusts."""
    white = rng.standard_normal(length, np.float32)
    frequency = np.fft.rfftfreq(length, 1 / RATE).astype(np.float32)
    noise = np.fft.irfft(np.fft.rfft(white) / (1 + np.square(frequency / np.float32(rng.uniform(80, 300)))), length)
    points = max(2, length // RATE)
    gusts = np.interp(np.linspace(0, points - 1, length), np.arange(points), rng.uniform(0.1, 1, points) ** 2)
    return np.asarray(noise * gusts + white * (0.02 * float(np.std(noise))), np.float32)
