"""Each channel as one speaker: lapel microphones, with the sound of others that leaks into them left to those others.

Speech is found on every live channel by itself. Where a channel has speech that is the same sound as on a louder one (a
few milliseconds later, through the air), it belongs to the louder. Channels are compared over half a second, band by
band: a band that another channel has louder, and coherent with this one, came from there. So where two
speak at once, each keeps the bands of the own voice. Levels are compared as recorded: microphones whose gains differ by
more than the leak is down are told apart wrongly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech.audio import Signal
from speech.collections.made import Progress
from speech.diarise.thresholds import LEAK_COHERENCE, LEAKED_SHARE, LEAST_TURN_MS, SAME_COHERENCE, SAME_LEVEL_DB, SAME_SHARE
from speech.errors import AudioRefused, Finding
from speech.models.activity import ActivitySettings, segments, speech_probabilities
from speech.types import Span, Turn, merged, without

RATE = 16_000
DEAD_BELOW_LOUDEST_DB = 40.0
"""As the mix has it: a channel this far below the loudest carries nobody."""
_FRAME = 1024
_STEP = 512
_FRAMES = 15
"""Frames of 64 ms, half over the one before, in which two channels are compared: half a second."""
_CELL_FRAMES = 8
CELL_MS = 1000 * _CELL_FRAMES * _STEP // RATE
"""Each 256 ms, in the middle of what is compared, is given to one channel."""
_BANDS = slice(6, 256)
"""100 to 4,000 Hz."""
_BLOCK_CELLS = 128
_NOTHING = 1e-20
_TOLD_MS = 1_000

Samples = NDArray[np.float32]
Flags = NDArray[np.bool_]
Powers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTurns:
    """Turns on the samples' clock, everything that was found to be speech on any channel, and what a person should know."""

    turns: tuple[Turn, ...]
    speech: tuple[Span, ...]
    findings: tuple[Finding, ...] = ()


class OneChannel:
    """One channel of a recording, read as if it were all of it."""

    def __init__(self, signal: Signal, channel: int) -> None:
        self.length_samples = signal.length_samples
        self._signal = signal
        self._channel = channel

    def read(self, start: int, count: int) -> Samples:
        """`count` samples from sample `start` on; fewer at the end."""
        return self._signal.read(start, count, self._channel)


def turns(signal: Signal, activity: ActivitySettings, report: Progress) -> ChannelTurns:
    """Who speaks when, where each channel is one speaker; turns carry their channel.

    Raises
    ------
    AudioRefused
        `AUDIO_CHANNELS`: the recording has one channel.
    """
    probe = signal.probe
    if probe.channels == 1:
        raise AudioRefused(
            probe.path, "it has one channel, and each speaker should have one", "Leave out --channels per-speaker", "AUDIO_CHANNELS"
        )
    live = live_channels(probe.levels_dbfs)
    findings = [*_dead(signal, live)]
    speech = {channel: _speech(signal, channel, live, activity, report) for channel in live}
    shared = compared(signal, speech)
    for twin, first, inverted in shared.twins:
        findings.append(_twins(signal, twin, first, inverted))
    own = divided(speech, shared)
    findings += [_leaked(signal, channel, ms) for channel, ms in shared.leaked_ms.items() if ms >= _TOLD_MS]
    found = sorted(
        (Turn(span=span, speaker=f"channel {channel}", channel=channel) for channel, spans in own.items() for span in spans),
        key=lambda t: (t.span, t.channel or 0),
    )
    label_by_channel = {channel: f"S{n}" for n, channel in enumerate(dict.fromkeys(t.channel for t in found), 1)}
    labelled = tuple(Turn(span=t.span, speaker=label_by_channel[t.channel], channel=t.channel) for t in found)
    return ChannelTurns(turns=labelled, speech=tuple(merged(s for spans in speech.values() for s in spans)), findings=tuple(findings))


def live_channels(levels_dbfs: Sequence[float | None]) -> tuple[int, ...]:
    """Channels, from 1, that carry sound: not silent, and not far below the loudest."""
    loudest = max((level for level in levels_dbfs if level is not None), default=0.0)
    return tuple(n for n, level in enumerate(levels_dbfs, 1) if level is not None and level > loudest - DEAD_BELOW_LOUDEST_DB)


def _speech(signal: Signal, channel: int, live: Sequence[int], activity: ActivitySettings, report: Progress) -> list[Span]:
    before, rms = live.index(channel), signal.rms_of(channel)

    def told(step: str, done: int, total: int) -> None:
        report(step, before * total + done, len(live) * total)

    return segments(speech_probabilities(OneChannel(signal, channel), rms, told), signal.probe.found_ms, activity)


@dataclass(slots=True, kw_only=True)
class Shared:
    """Which channels carry another's sound: cells of `CELL_MS` by the channel they leak into, with the channel they are of."""

    owner: Mapping[int, NDArray[np.int64]]
    """For each channel and cell the channel whose sound it is: its own number, or that of one from which most of it came."""
    twins: Sequence[tuple[int, int, bool]] = ()
    """A channel that carries the same sound as an earlier one, that one, and whether one of them is inverted."""
    leaked_ms: dict[int, int]


def compared(signal: Signal, speech: Mapping[int, Sequence[Span]]) -> Shared:
    """Compare all channels with speech, cell by cell, wherever one of them has any."""
    channels = list(speech)
    cells = -(-signal.length_samples // (_CELL_FRAMES * _STEP))
    speaks = {channel: _cells(spans, cells) for channel, spans in speech.items()}
    owner = {channel: np.full(cells, channel) for channel in channels}
    same = {(a, b): [0, 0, 0.0] for b in channels for a in channels if a < b}
    """Cells in which the two carry the same sound, cells compared, and the sign of what they have in common."""
    for first, powers, came, alike, signs in _blocks(signal, channels, cells, np.logical_or.reduce([*speaks.values()])):
        span = slice(first, first + powers.shape[1])
        for b, channel in enumerate(channels):
            source = came[:, b].argmax(axis=0)
            leaks = np.take_along_axis(came[:, b], source[None], axis=0)[0] >= LEAKED_SHARE
            owner[channel][span] = np.where(leaks, np.array(channels)[source], channel)
        for (one, other), counts in same.items():
            a, b = channels.index(one), channels.index(other)
            either = speaks[one][span] | speaks[other][span]
            close = np.abs(10 * np.log10((powers[a] + 1e-20) / (powers[b] + 1e-20))) < SAME_LEVEL_DB
            one_sound = either & close & (alike[a, b] >= SAME_COHERENCE)
            counts[0] += int(one_sound.sum())
            counts[1] += int(either.sum())
            counts[2] += float(signs[a, b][one_sound].sum())
    twins = _first_twins({pair: counts for pair, counts in same.items() if counts[1] and counts[0] >= SAME_SHARE * counts[1]})
    for channel in channels:
        owner[channel] = _smoothed(owner[channel], channel)
    for twin, one, _ in twins:
        owner[twin][:] = one
        for cells_of in owner.values():
            cells_of[cells_of == twin] = one
    told = {twin for twin, _, _ in twins}
    leaked = {c: CELL_MS * int((speaks[c] & (owner[c] != c)).sum()) for c in channels if c not in told}
    return Shared(owner=owner, twins=twins, leaked_ms=leaked)


def _first_twins(same: Mapping[tuple[int, int], Sequence[float]]) -> list[tuple[int, int, bool]]:
    """Each channel that carries another's sound, with the first that carries it."""
    found: dict[int, tuple[int, int, bool]] = {}
    for (one, other), counts in sorted(same.items()):
        if one not in found and other not in found:
            found[other] = (other, one, counts[2] < 0)
    return list(found.values())


def divided(speech: Mapping[int, Sequence[Span]], shared: Shared) -> dict[int, list[Span]]:
    """Each channel's own speech: less what leaked into it, with what leaked from it into others and was not found on itself."""
    own: dict[int, list[Span]] = {channel: [] for channel in speech}
    for channel, spans in speech.items():
        owner = shared.owner[channel]
        for other in np.unique(owner).tolist():
            theirs = _spans(owner == other)
            taken = [part for span in spans for part in _within(span, theirs)]
            own[other] += taken
    return {channel: [s for s in _closed(merged(spans)) if s.length_ms >= LEAST_TURN_MS] for channel, spans in own.items()}


def _within(span: Span, among: Sequence[Span]) -> list[Span]:
    """Parts of a span that lie in some of `among`."""
    outside = without(span, among)
    return without(span, outside)


def _closed(spans: Sequence[Span]) -> list[Span]:
    """Spans with gaps of a cell closed: a cell that was given to another by chance is no pause."""
    closed: list[Span] = []
    for span in spans:
        if closed and span.start_ms - closed[-1].end_ms <= CELL_MS:
            closed[-1] = Span(start_ms=closed[-1].start_ms, end_ms=span.end_ms)
        else:
            closed.append(span)
    return closed


def _cells(spans: Sequence[Span], cells: int) -> Flags:
    flags = np.zeros(cells, np.bool_)
    for span in spans:
        flags[span.start_ms // CELL_MS : -(-span.end_ms // CELL_MS)] = True
    return flags


def _spans(flags: Flags) -> list[Span]:
    edges = np.flatnonzero(np.diff(flags.view(np.int8), prepend=np.int8(0), append=np.int8(0)))
    return [Span(start_ms=CELL_MS * int(a), end_ms=CELL_MS * int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _smoothed(owner: NDArray[np.int64], channel: int) -> NDArray[np.int64]:
    """A cell whose two neighbours are both another's is theirs, too; one that stands alone goes back."""
    before, after = np.roll(owner, 1), np.roll(owner, -1)
    agreed = before == after
    agreed[:1] = agreed[-1:] = False
    return np.where(agreed, before, owner)


def _blocks(signal: Signal, channels: Sequence[int], cells: int, wanted: Flags) -> Iterator[tuple[int, Powers, Powers, Powers, Powers]]:
    """Block by block: its first cell; powers (channels, cells); and, each (a, b, cells), the share of b's power that came from a,
    the coherence of the two, and the sign of what they have in common.

    Blocks in which nobody speaks are left out.
    """
    margin = (_FRAMES - _CELL_FRAMES) // 2 * _STEP
    for first in range(0, cells, _BLOCK_CELLS):
        count = min(_BLOCK_CELLS, cells - first)
        if not wanted[first : first + count].any():
            continue
        start = first * _CELL_FRAMES * _STEP - margin
        length = ((count - 1) * _CELL_FRAMES + _FRAMES - 1) * _STEP + _FRAME
        spectra = [_spectra(_padded(signal, channel, start, length)) for channel in channels]
        yield first, *_compared(spectra, count)


def _padded(signal: Signal, channel: int, start: int, length: int) -> Samples:
    """Samples from `start`, which may lie before the first; zeros where there are none."""
    before = max(0, -start)
    samples = signal.read(max(0, start), length - before, channel)
    return np.concatenate([np.zeros(before, np.float32), samples, np.zeros(length - before - len(samples), np.float32)])


def _spectra(samples: Samples) -> NDArray[np.complex64]:
    """(frames, bands) of overlapping frames."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::_STEP]
    return np.fft.rfft(frames * np.hanning(_FRAME).astype(np.float32), axis=1)[:, _BANDS].astype(np.complex64)


def _compared(spectra: Sequence[NDArray[np.complex64]], count: int) -> tuple[Powers, Powers, Powers, Powers]:
    number = len(spectra)
    own = [_summed(np.square(x.real) + np.square(x.imag), count) for x in spectra]
    powers = np.array([p.sum(axis=1, dtype=np.float64) for p in own])
    came, alike, signs = (np.zeros((number, number, count)) for _ in range(3))
    for a in range(number):
        for b in range(a):
            cross = _summed(np.conj(spectra[a]) * spectra[b], count)
            coherence = (np.square(cross.real) + np.square(cross.imag)) / (own[a] * own[b] + _NOTHING)
            signs[a, b] = signs[b, a] = np.sign(cross.real.sum(axis=1))
            for source, other in ((a, b), (b, a)):
                theirs = (coherence >= LEAK_COHERENCE) & (own[source] > own[other])
                came[source, other] = (own[other] * theirs).sum(axis=1) / (powers[other] + _NOTHING)
                alike[source, other] = (own[other] * coherence).sum(axis=1) / (powers[other] + _NOTHING)
    return powers, came, alike, signs


def _summed(products: NDArray[Any], count: int) -> NDArray[Any]:
    """(cells, bands): the sums over the frames of each cell: its own, and those up to where the comparison ends."""
    padded = np.concatenate([products, np.zeros((1, products.shape[1]), products.dtype)])
    by_cell = padded.reshape(count + 1, _CELL_FRAMES, -1)
    summed: NDArray[Any] = by_cell[:-1].sum(axis=1) + by_cell[1:, : _FRAMES - _CELL_FRAMES].sum(axis=1)
    return summed


def _dead(signal: Signal, live: Sequence[int]) -> Iterator[Finding]:
    dead = [n for n in range(1, signal.probe.channels + 1) if n not in live]
    if dead:
        levels = ", ".join("silent" if v is None else f"{v:.1f}" for v in signal.probe.levels_dbfs)
        names = ", ".join(map(str, dead))
        yield _finding(signal, f"nobody is heard on channel {names} (dBFS of all: {levels})", "Check that microphone and its cable")


def _twins(signal: Signal, twin: int, first: int, inverted: bool) -> Finding:
    what = f"channels {first} and {twin} carry the same sound{', one of them inverted' if inverted else ''}: they are one speaker here"
    return _finding(signal, what, "If several people speak there, leave out --channels per-speaker")


def _leaked(signal: Signal, channel: int, ms: int) -> Finding:
    return _finding(
        signal, f"for {ms / 1000:.1f} s a voice is heard on channel {channel} that is louder on another, and was left to that one"
    )


def _finding(signal: Signal, what: str, mend: str = "") -> Finding:
    return Finding(code="AUDIO_CHANNELS", where=signal.probe.path, what=what, mend=mend)
