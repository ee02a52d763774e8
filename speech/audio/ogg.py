"""The pages of an Ogg file: whether the last one closes the stream, where it says the sound ends, which are lost.

Decoders read a cut Ogg file without a word; only the missing end-of-stream flag tells. No sample is decoded.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

_HEAD = 27


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """What the page headers say. `granule` is the position that the last page claims, -1 if none does."""

    codec: str
    rate: int
    channels: int
    pre_skip: int
    granule: int
    closed: bool
    lost: int
    streams: int

    @property
    def claimed_frames(self) -> int | None:
        """Frames at the stream's own rate, from its last position."""
        if self.granule < 0 or not self.rate:
            return None
        return max(0, self.granule - self.pre_skip)

    @property
    def clock_rate(self) -> int:
        """The rate that positions count in."""
        return 48_000 if self.codec == "opus" else self.rate


def walk(file: Any, size: int) -> Pages:
    """Go from page to page by their headers alone."""
    at, granule, lost, closed = 0, -1, 0, False
    first = b""
    numbers: dict[int, int] = {}
    while at + _HEAD <= size:
        head = _at(file, at, _HEAD + 255)
        if head[:4] != b"OggS" or len(head) < _HEAD:
            found = _next_page(file, at, size)
            if found < 0:
                break
            lost += 1
            at = found
            continue
        flags, position, serial, number = head[5], *struct.unpack("<qII", head[6:22])
        lengths = head[_HEAD : _HEAD + head[26]]
        end = at + _HEAD + head[26] + sum(lengths)
        if not first:
            first = _at(file, at + _HEAD + head[26], 64)
        if end > size:
            closed = False
            break
        if serial in numbers and number > numbers[serial] + 1:
            lost += 1
        numbers[serial] = number
        if position >= 0:
            granule = position
        closed = bool(flags & 4)
        at = end
    codec, rate, channels, skip = _codec(first)
    return Pages(codec=codec, rate=rate, channels=channels, pre_skip=skip, granule=granule, closed=closed, lost=lost, streams=len(numbers))


def _codec(first: bytes) -> tuple[str, int, int, int]:
    """Codec, rate, channels and samples to skip, from the first packet."""
    if first[:8] == b"OpusHead" and len(first) >= 16:
        return "opus", 48_000, first[9], int.from_bytes(first[10:12], "little")
    if first[:7] == b"\x01vorbis" and len(first) >= 16:
        return "vorbis", int.from_bytes(first[12:16], "little"), first[11], 0
    if first[:5] == b"\x7fFLAC" and len(first) >= 30:
        return "flac", int.from_bytes(first[27:30], "big") >> 4, (first[29] >> 1 & 7) + 1, 0
    if first[:8] == b"Speex   " and len(first) >= 52:
        return "speex", int.from_bytes(first[36:40], "little"), int.from_bytes(first[48:52], "little"), 0
    return "", 0, 0, 0


def _next_page(file: Any, at: int, size: int) -> int:
    """The next page after `at`, by its sign; -1 if none."""
    at += 1
    while at < size:
        part = _at(file, at, (1 << 16) + 3)
        place = part.find(b"OggS")
        if place >= 0:
            return at + place
        at += 1 << 16
    return -1


def _at(file: Any, place: int, count: int) -> bytes:
    file.seek(place)
    got: bytes = file.read(count)
    return got
