"""Samples that need no codec: PCM of 8 to 64 bits, float, mu-law and A-law, straight from a range of bytes."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from speech.audio.riff import Layout
from speech.audio.source import Block, Source, Window, block_frames

PLAIN = frozenset({"pcm", "float", "alaw", "ulaw"})


class PcmSource(Source):
    """Samples of a range of bytes, as the chunk walk found it."""

    window: Window
    layout: Layout

    @classmethod
    def of(cls, layout: Layout, window: Window, media_type: str) -> PcmSource:
        """A source for the samples that `layout` describes; `window` holds just those bytes."""
        width = layout.sample_bytes * layout.channels
        source = cls(
            where=layout.where,
            container=layout.container,
            codec=layout.codec,
            media_type=media_type,
            sample_rate=layout.sample_rate,
            channels=layout.channels,
            bits=layout.bits,
            claimed_frames=None if layout.claimed is None else layout.claimed // width,
            integers=layout.codec != "float",
            findings=list(layout.findings),
        )
        source.window, source.layout = window, layout
        if layout.codec == "pcm" and layout.sample_bytes == 2 and _is_swapped(layout, window):
            layout.big_endian = not layout.big_endian
            source.note(
                "AUDIO_BYTE_ORDER",
                "the two bytes of each sample stand in the other order than the header says; they were turned",
                "Nothing is needed; a copy made by an audio program will be right",
            )
        return source

    def blocks(self) -> Iterator[Block]:
        """All samples; a part of a frame at the end is dropped."""
        width = self.layout.sample_bytes
        frame = width * self.channels
        count = block_frames(self.sample_rate, self.channels) * frame
        self.window.seek(0)
        while raw := self.window.read_fully(count):
            usable = len(raw) - len(raw) % frame
            if usable:
                yield samples_of(raw[:usable], self.layout.codec, width, self.layout.big_endian).reshape(-1, self.channels)


def samples_of(raw: bytes, codec: str, width: int, big_endian: bool) -> NDArray[np.float32]:
    """Bytes as numbers with full scale 1.0."""
    order = ">" if big_endian else "<"
    if codec in ("alaw", "ulaw"):
        return _table(codec)[np.frombuffer(raw, np.uint8)]
    if codec == "float":
        with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 is inf, and counted as such
            return np.frombuffer(raw, f"{order}f{width}").astype(np.float32)
    if width == 1:
        return (np.frombuffer(raw, np.uint8).astype(np.float32) - 128) * np.float32(2**-7)
    if width == 3:
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, slice(0, 3) if big_endian else slice(1, 4)] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        return wide.view(f"{order}i4")[:, 0].astype(np.float32) * np.float32(2**-31)
    return np.frombuffer(raw, f"{order}i{width}").astype(np.float32) * np.float32(2.0 ** (1 - 8 * width))


@functools.cache
def _table(codec: str) -> NDArray[np.float32]:
    """The 256 values of G.711, full scale 1.0 at 32768."""
    code = np.arange(256)
    if codec == "ulaw":
        code = ~code & 0xFF
        size = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
        values = np.where(code & 0x80, -size, size)
    else:
        code = code ^ 0x55
        exponent, mantissa = (code & 0x70) >> 4, (code & 0x0F) << 4
        size = np.where(exponent == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(exponent - 1, 0))
        values = np.where(code & 0x80, size, -size)
    return (values / 32768).astype(np.float32)


def _is_swapped(layout: Layout, window: Window) -> bool:
    """Whether 16-bit samples are noise as the header orders their bytes, and smooth in the other order.

    Sound in the wrong order is noise whose neighbours have nothing to do with each other; noise that was
    recorded is rough in both orders.
    """
    frame = 2 * layout.channels
    seen = 0
    for part in range(5):
        window.seek(layout.length // 5 * part // frame * frame)
        raw = window.read_fully(4096 * frame)
        values = np.frombuffer(raw[: len(raw) // frame * frame], ">i2" if layout.big_endian else "<i2").reshape(-1, layout.channels)[:, 0]
        as_said, turned = _roughness(values), _roughness(values.byteswap())
        if as_said is None or turned is None:
            continue
        if as_said < 1.0 or turned > 0.6:
            return False
        seen += 1
    return seen > 0


def _roughness(values: NDArray[np.int16]) -> float | None:
    """Mean step between neighbours over mean size; independent neighbours give more than 1. None for near silence."""
    wide = values.astype(np.float64)
    wide -= wide.mean() if len(wide) else 0.0
    size = float(np.abs(wide).mean()) if len(wide) > 100 else 0.0
    return None if size < 4 else float(np.abs(np.diff(wide)).mean()) / size
