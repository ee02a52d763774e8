"""Decoding by libsndfile: FLAC with its own checks, Ogg, AIFF, AU, CAF, and the block codecs of WAV (ADPCM, GSM).

libsndfile answers damage with an exception or a short read; either ends in `Damaged`, and the file is read
again by a decoder that knows time stamps. Headers of WAV are ours, made from what the chunk walk found.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from speech.audio import ogg
from speech.audio.records import COPY_AGAIN
from speech.audio.riff import Layout
from speech.audio.source import Block, Damaged, Source, Window, block_frames, check_shape
from speech.errors import AudioRefused

BLOCK_CODECS = frozenset({"adpcm_ms", "adpcm_ima", "gsm"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamInfo:
    """FLAC's own claims. `md5` is that of the samples, None where the encoder wrote none."""

    sample_rate: int
    channels: int
    bits: int
    frames: int | None
    md5: bytes | None


def stream_info(head: bytes, where: str) -> StreamInfo:
    """The STREAMINFO block of a FLAC file, from its first 42 bytes."""
    if len(head) < 42 or head[4] & 0x7F != 0:
        raise AudioRefused(where, "the file ends inside its FLAC header, or has none", COPY_AGAIN, "AUDIO_HEADER")
    packed = int.from_bytes(head[18:26], "big")
    return StreamInfo(
        sample_rate=packed >> 44,
        channels=(packed >> 41 & 7) + 1,
        bits=(packed >> 36 & 31) + 1,
        frames=packed & (1 << 36) - 1 or None,
        md5=head[26:42] if any(head[26:42]) else None,
    )


class SoundfileSource(Source):
    """A stream that libsndfile decodes. `trim_frames` is where a padded last block ends."""

    sound: Any
    trim_frames: int | None = None

    def blocks(self) -> Iterator[Block]:
        """All samples."""
        count = block_frames(self.sample_rate, self.channels)
        left = self.trim_frames if self.trim_frames is not None else 1 << 62
        while left > 0:
            block = self._read(min(count, left), "float32")
            if not len(block):
                return
            left -= len(block)
            yield block

    def _read(self, count: int, kind: str) -> Any:
        import soundfile

        try:
            return self.sound.read(count, dtype=kind, always_2d=True)
        except soundfile.LibsndfileError as error:
            raise Damaged(error.error_string) from error

    def close(self) -> None:
        """Close the decoder; the file itself stays open."""
        self.sound.close()


class OggSource(SoundfileSource):
    """Ogg, checked against the last position that its pages claim."""

    def blocks(self) -> Iterator[Block]:
        """All samples; `Damaged` where fewer come than the pages claim."""
        found = 0
        for block in super().blocks():
            found += len(block)
            yield block
        if self.claimed_frames is not None and (self.claimed_frames - found) * 1000 > 20 * self.sample_rate:
            raise Damaged(f"{found} of {self.claimed_frames} frames")


class FlacSource(SoundfileSource):
    """FLAC, decoded as whole numbers and compared with the checksum of its samples."""

    md5: bytes | None = None

    def blocks(self) -> Iterator[Block]:
        """All samples; `Damaged` where fewer come than claimed, or others."""
        assert self.bits is not None
        digest, found, shift, width = hashlib.md5(usedforsecurity=False), 0, 32 - self.bits, (self.bits + 7) // 8
        count = block_frames(self.sample_rate, self.channels)
        while len(block := self._read(count, "int32")):
            found += len(block)
            if self.md5 is not None:
                digest.update(_packed(block >> shift, width))
            yield block.astype(np.float32) * np.float32(2**-31)
        if self.claimed_frames is not None and found < self.claimed_frames:
            raise Damaged(f"{found} of {self.claimed_frames} frames")
        if self.md5 is not None and digest.digest() != self.md5:
            raise Damaged("checksum")


def _packed(values: Any, width: int) -> bytes:
    """Whole numbers as FLAC's checksum sees them: little-endian, `width` bytes each."""
    if width in (1, 2, 4):
        return bytes(values.astype(f"<i{width}").tobytes())
    return np.ascontiguousarray(values.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :width]).tobytes()


def open_flac(window: Window, info: StreamInfo, where: str, media_type: str) -> FlacSource:
    """FLAC from its `fLaC` sign on."""
    check_shape(where, info.sample_rate, info.channels)
    source = FlacSource(
        where=where,
        container="flac",
        codec="flac",
        media_type=media_type,
        sample_rate=info.sample_rate,
        channels=info.channels,
        bits=info.bits,
        claimed_frames=info.frames,
    )
    source.md5 = info.md5
    window.seek(0)
    source.sound = _opened(window)
    return source


def open_ogg(file: Any, pages: ogg.Pages, where: str, media_type: str) -> OggSource:
    """Ogg Opus, Vorbis or FLAC."""
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    sound = _opened(file.fileno())
    check_shape(where, sound.samplerate, sound.channels)
    claimed = pages.claimed_frames if pages.closed else None
    source = OggSource(
        where=where,
        container="ogg",
        codec=pages.codec,
        media_type=media_type,
        sample_rate=sound.samplerate,
        channels=sound.channels,
        claimed_frames=None if claimed is None else claimed * sound.samplerate // pages.clock_rate,
        tolerance_ms=20,
        integers=False,
    )
    source.sound = sound
    return source


def open_plain(file: Any, size: int, container: str, where: str, media_type: str) -> SoundfileSource:
    """AIFF, AU or CAF, with the length their header claims."""
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    sound = _opened(file.fileno())
    check_shape(where, sound.samplerate, sound.channels)
    source = SoundfileSource(
        where=where,
        container=container,
        codec=sound.subtype.lower(),
        media_type=media_type,
        sample_rate=sound.samplerate,
        channels=sound.channels,
        claimed_frames=plain_claim(file, size, container),
        integers=sound.subtype not in ("FLOAT", "DOUBLE"),
    )
    source.sound = sound
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    sound.seek(0)  # the look at the header moved the file
    return source


def open_block_codec(file: Any, layout: Layout, where: str, media_type: str) -> SoundfileSource:
    """ADPCM or GSM in WAV, under a header made from the chunk walk.

    Where the file says how many samples it holds (`fact`), the padding of the last block is left out.
    """
    head = wav_head(layout)
    sound = _opened(Window(file, layout.offset, layout.length, head))
    block, per_block = max(1, layout.block_align), _frames_in_block(layout)
    claimed = None if layout.claimed is None else -(-layout.claimed // block) * per_block
    fact = layout.fact_frames
    if fact is not None and claimed is not None and claimed - per_block < fact <= claimed:
        claimed = fact
    source = SoundfileSource(
        where=where,
        container=layout.container,
        codec=layout.codec,
        media_type=media_type,
        sample_rate=layout.sample_rate,
        channels=layout.channels,
        bits=layout.bits or None,
        claimed_frames=claimed,
        findings=list(layout.findings),
    )
    source.sound, source.trim_frames = sound, claimed
    return source


def _frames_in_block(layout: Layout) -> int:
    """Frames that one block of ADPCM or GSM holds."""
    if layout.codec == "gsm":
        return 320
    if len(layout.fmt) >= 20:
        return max(1, int.from_bytes(layout.fmt[18:20], "little"))
    return max(1, layout.block_align * 2 // layout.channels)


def wav_head(layout: Layout) -> bytes:
    """A sound WAV header for the bytes of `layout`, with the file's own format chunk."""
    fmt = layout.fmt + b"\0" * (len(layout.fmt) % 2)
    fact = b"" if layout.fact_frames is None else b"fact" + struct.pack("<II", 4, layout.fact_frames)
    data = min(layout.length, 0xFFFFFFFE)
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(layout.fmt)) + fmt + fact + b"data" + struct.pack("<I", data)
    return b"RIFF" + struct.pack("<I", min(len(body) + data, 0xFFFFFFFF)) + body


def _opened(file: Any) -> Any:
    """libsndfile's handle on a file object or descriptor (which sees content, never a name)."""
    import soundfile

    try:
        return soundfile.SoundFile(file, closefd=False)
    except soundfile.LibsndfileError as error:
        raise Damaged(error.error_string) from error


def plain_claim(file: Any, size: int, container: str) -> int | None:
    """Frames that the header of an AIFF, AU or CAF file claims."""
    return {"aiff": _aiff_frames, "au": _au_frames, "caf": _caf_frames}[container](file, size)


def _aiff_frames(file: Any, size: int) -> int | None:
    at = 12
    while at + 8 <= size:
        file.seek(at)
        head = file.read(18)
        if head[:4] == b"COMM":
            return int.from_bytes(head[10:14], "big")
        at += 8 + int.from_bytes(head[4:8], "big") + head[7] % 2
    return None


def _au_frames(file: Any, size: int) -> int | None:
    file.seek(0)
    head = file.read(24)
    order: Any = "big" if head[:4] == b".snd" else "little"
    length, encoding, channels = (int.from_bytes(head[a : a + 4], order) for a in (8, 12, 20))
    width = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}.get(encoding)
    return None if width is None or length >= 0xFFFFFFFF or not channels else length // (width * channels)


def _caf_frames(file: Any, size: int) -> int | None:
    at, packet_bytes, packet_frames = 8, 0, 0
    while at + 12 <= size:
        file.seek(at)
        head = file.read(44)
        length = int.from_bytes(head[4:12], "big", signed=True)
        if head[:4] == b"desc" and len(head) == 44:
            packet_bytes, packet_frames = int.from_bytes(head[28:32], "big"), int.from_bytes(head[32:36], "big")
        if head[:4] == b"data":
            return None if length < 4 or not packet_bytes else (length - 4) // packet_bytes * packet_frames
        if length < 0:
            return None
        at += 12 + length
    return None
