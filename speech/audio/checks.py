"""What is known of a signal once it has been read: levels, offsets, clipping, damage, and which channels to mix.

`Statistics` sees every block once, at the file's own rate, and keeps a few numbers a channel. It also makes
blocks safe: what is not finite becomes zero before a resampler can spread it. What it found is told at the end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from speech.audio.records import COPY_AGAIN, RATE, SHORT_MS, ReadSettings, spans_text
from speech.audio.source import Block, Source
from speech.audio.spectrum import Excerpt
from speech.errors import AudioRefused, Finding

SILENT_DBFS = -85.0
QUIET_DBFS = -60.0
DEAD_BELOW_LOUDEST_DB = 40.0
_LARGEST = 1e12
"""A float beyond this is no sound but damage, as NaN is."""
_CLIPPED_SHARE = 5e-4
_DC_SHARE = 0.01
_NONFINITE_SHARE = 1e-3
_ANTIPHASE = 0.25
_JOIN_MS = 200


@dataclass(kw_only=True)
class Marks:
    """Spans of one kind of flaw, joined where close, with the number of samples in them."""

    rate: int
    count: int = 0
    spans: list[tuple[int, int]] = field(default_factory=list)

    def add(self, start: int, end: int, count: int) -> None:
        """A flaw from sample `start` to `end`."""
        self.count += count
        a, b = 1000 * start // self.rate, -(-1000 * end // self.rate)
        if self.spans and a - self.spans[-1][1] <= _JOIN_MS:
            self.spans[-1] = (self.spans[-1][0], max(b, self.spans[-1][1]))
        elif len(self.spans) < 10_000:
            self.spans.append((a, b))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Which channels are heard, from 1, and the weight of every channel."""

    used: tuple[int, ...]
    weights: NDArray[np.float32]


class Statistics:
    """Sums over all blocks of one source."""

    def __init__(self, source: Source, rate: int) -> None:
        channels = source.channels
        self.source, self.rate = source, rate
        self.frames = 0
        self.sums = np.zeros(channels)
        self.products = np.zeros((channels, channels))
        self.low, self.high = np.full(channels, np.inf), np.full(channels, -np.inf)
        self.nonfinite, self.clipped, self.dropouts = Marks(rate=rate), Marks(rate=rate), Marks(rate=rate)
        self.excerpt = Excerpt(rate)

    def add(self, block: Block) -> Block:
        """Count a block; returns it, with zeros for what is not finite."""
        rows = np.ascontiguousarray(block.T)  # sums over columns of (frames, 2) are 20 times slower
        low, high = rows.min(axis=1), rows.max(axis=1)
        if not (np.isfinite(low).all() and np.isfinite(high).all() and max(high.max(), -low.min()) < _LARGEST):
            block = self._cleaned(block)
            rows = np.ascontiguousarray(block.T)
            low, high = rows.min(axis=1), rows.max(axis=1)
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)
        self.sums += rows.sum(axis=1, dtype=np.float64)
        self.products += (rows @ rows.T).astype(np.float64)
        if high.max() >= 0.999 or low.min() <= -0.999:
            self._clips(block)
        self._zeros(block)
        self.excerpt.add(block)
        self.frames += len(block)
        return block

    def _cleaned(self, block: Block) -> Block:
        bad: NDArray[np.bool_] = ~np.isfinite(block) | (np.abs(block) >= _LARGEST)
        for start, end in runs(np.asarray(bad.any(axis=1))):
            self.nonfinite.add(self.frames + start, self.frames + end, end - start)
        return np.where(bad, np.float32(0), block)

    def _clips(self, block: Block) -> None:
        """Runs of three and more samples at full scale."""
        size = np.abs(block)
        for channel in range(block.shape[1]):
            full = (size[:, channel] >= 0.999) & (size[:, channel] <= 1.001)
            for start, end in runs(full):
                if end - start >= 3:
                    self.clipped.add(self.frames + start, self.frames + end, end - start)

    def _zeros(self, block: Block) -> None:
        """Gaps of exact zeros with sound cut off at both edges, as a recorder leaves that lost samples."""
        zero = np.ascontiguousarray(block[:, 0]) == 0
        if np.count_nonzero(zero) < self.rate // 200:
            return
        for start, end in runs(zero):
            if not (self.rate // 200 <= end - start <= self.rate and start > 0 and end < len(block)):
                continue
            edges = np.abs(block[[start - 1, end]]).max(axis=1)
            if edges.min() >= 0.01 and edges.max() >= 0.03 and not block[start:end].any():
                self.dropouts.add(self.frames + start, self.frames + end, end - start)

    @property
    def means(self) -> NDArray[np.float64]:
        """Offset of each channel."""
        return self.sums / max(1, self.frames)

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Mean products of channels without their offsets: (channels, channels)."""
        means = self.means
        return self.products / max(1, self.frames) - np.outer(means, means)

    def levels_dbfs(self) -> tuple[float | None, ...]:
        """Root mean square of each channel without its offset; None for digital silence."""
        return tuple(None if (level := decibel(float(v))) == -math.inf else round(level, 1) for v in np.diag(self.covariance))

    def mix(self, settings: ReadSettings, findings: list[Finding]) -> Mix:
        """Choose channels: as asked, or all that live; one alone where they would cancel.

        Raises
        ------
        AudioRefused
            `AUDIO_CHANNELS`: a channel was asked for that is not there.
        """
        source, channels = self.source, self.source.channels
        if settings.channels is not None:
            wrong = [c for c in settings.channels if not 1 <= c <= channels]
            if wrong or not settings.channels:
                asked = ", ".join(map(str, wrong)) or "none"
                raise AudioRefused(
                    source.where,
                    f"channel {asked} was asked for; it has {channels}",
                    f"Choose --channels from 1 to {channels}",
                    "AUDIO_CHANNELS",
                )
            return _mixed(tuple(dict.fromkeys(settings.channels)), channels)
        power = np.maximum(np.diag(self.covariance), 0.0)
        loudest = float(power.max())
        live = tuple(int(c) + 1 for c in np.flatnonzero(power > loudest * 10 ** (-DEAD_BELOW_LOUDEST_DB / 10)))
        if not live or decibel(loudest) < SILENT_DBFS:
            live = tuple(range(1, channels + 1))
        mix = _mixed(live, channels)
        together = float(mix.weights @ self.covariance @ mix.weights)
        alone = float(np.mean([power[c - 1] for c in live]))
        levels = ", ".join("silent" if v is None else f"{v:.1f}" for v in self.levels_dbfs())
        if len(live) > 1 and alone > 0 and decibel(alone) >= SILENT_DBFS and together < alone * _ANTIPHASE / max(1, len(live) - 1):
            best = int(power.argmax()) + 1
            findings.append(
                self._finding(
                    "AUDIO_ANTIPHASE",
                    f"its channels cancel each other when mixed; channel {best} alone was used (dBFS: {levels})",
                    "Choose another with --channels",
                )
            )
            return _mixed((best,), channels)
        if len(live) < channels or channels > 2:
            used = ", ".join(map(str, live))
            findings.append(
                self._finding(
                    "AUDIO_CHANNELS", f"of {channels} channels (dBFS: {levels}) these were mixed: {used}", "Choose others with --channels"
                )
            )
        return mix

    def findings(self, mix: Mix, settings: ReadSettings) -> list[Finding]:
        """What a person should know of these samples.

        Raises
        ------
        AudioRefused
            `AUDIO_NONFINITE`: more than 0.1 % of the samples are no numbers.
        """
        found: list[Finding] = []
        self._damage(found, settings)
        level = decibel(float(mix.weights @ self.covariance @ mix.weights))
        offset = float(np.abs(self.means[[c - 1 for c in mix.used]]).max())
        peak = float(max(self.high.max(), -self.low.min()))
        if 1000 * self.frames < SHORT_MS * self.rate:
            ms = 1000 * self.frames // self.rate
            found.append(self._finding("AUDIO_SHORT", f"it holds {self.frames} samples ({ms} ms), too short for a word", COPY_AGAIN))
        if peak > (1.0001 if self.source.codec in ("float", "double") or self.source.codec.startswith("pcm_f") else 1.26):
            found.append(
                self._finding(
                    "AUDIO_OVER", f"its samples reach {peak:.3g} times full scale; the whole was made quieter, nothing was cut off"
                )
            )
        if offset > _DC_SHARE:
            found.append(self._finding("AUDIO_DC", f"its samples lie off zero by {100 * offset:.1f} % of full scale; this was taken off"))
        if self.clipped.count > _CLIPPED_SHARE * self.frames * len(mix.used):
            share = 100 * self.clipped.count / self.frames / self.source.channels
            mend = "Record at a lower level; words there may be wrong"
            found.append(
                self._finding("AUDIO_CLIPPED", f"{share:.2f} % of its samples are clipped, at {spans_text(self.clipped.spans)}", mend)
            )
        if self.dropouts.count and all(f.code != "AUDIO_HOLE" for f in self.source.findings):
            what = f"sound breaks off and returns {len(self.dropouts.spans)} times: {spans_text(self.dropouts.spans)}"
            found.append(self._finding("AUDIO_DROPOUTS", what, "Check the recorder's card"))
        if level < SILENT_DBFS or self.excerpt.is_hum():
            what = "it is silent" if level < SILENT_DBFS else "it holds nothing but the hum of mains current"
            found.append(
                self._finding(
                    "AUDIO_SILENT", f"{what} ({level:.1f} dBFS)" if level > -math.inf else what, "Check the microphone and its cable"
                )
            )
        elif level < QUIET_DBFS:
            found.append(self._finding("AUDIO_QUIET", f"it is very quiet ({level:.1f} dBFS)", "Record nearer to the speaker"))
        if self.rate < RATE:
            what = f"its sample rate is {self.rate}: it holds nothing above {self.rate // 2} Hz"
            found.append(self._finding("AUDIO_NARROWBAND", what, f"Where a choice remains, record at {RATE} or more"))
        if settings.assume_rate is None and (likely := self.excerpt.likely_rate()) is not None:
            what = (
                f"speech in it seems about {self.rate / likely:.0f} times too fast and high for its label of {self.rate} samples a second"
            )
            found.append(self._finding("AUDIO_RATE_SUSPECT", what, f"Listen to it; if it is so, give --assume-rate {likely}"))
        return found

    def _damage(self, found: list[Finding], settings: ReadSettings) -> None:
        bad = self.nonfinite
        if not bad.count:
            return
        what = f"{bad.count} of {self.frames} samples are no numbers, at {spans_text(bad.spans)}"
        if bad.count > _NONFINITE_SHARE * self.frames and not settings.accept_damaged:
            raise AudioRefused(self.source.where, what, f"{COPY_AGAIN}, or give --accept-damaged to put silence there", "AUDIO_NONFINITE")
        found.append(self._finding("AUDIO_NONFINITE", f"{what}; they were made silent", COPY_AGAIN))

    def _finding(self, code: str, what: str, mend: str = "") -> Finding:
        return Finding(code=code, where=self.source.where, what=what, mend=mend)


def _mixed(used: tuple[int, ...], channels: int) -> Mix:
    weights = np.zeros(channels, np.float32)
    weights[[c - 1 for c in used]] = 1 / len(used)
    return Mix(used=used, weights=weights)


def decibel(power: float) -> float:
    """Mean square as dBFS; minus infinity for none."""
    return 10 * math.log10(power) if power > 1e-20 else -math.inf


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First index and index after the last of each run of True."""
    edges = np.flatnonzero(np.diff(flags.view(np.int8), prepend=np.int8(0), append=np.int8(0)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
