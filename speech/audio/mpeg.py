"""MPEG audio (MP1, MP2, MP3) frame by frame: where each frame lies, what its Xing or LAME tag claims, where bytes were lost.

Headers of such files lie about their length or say nothing (20 of 60 s in a VBR file without Xing header),
so the length is the number of frames found. Nothing is decoded here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_BITRATES = {
    (3, 3): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (3, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (3, 1): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 3): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 1): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_NEEDED = 3
_SEARCH = 1 << 16
_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a frame's four header bytes say. `layer` is 1, 2 or 3."""

    version: int
    layer: int
    rate: int
    channels: int
    length: int
    samples: int

    @property
    def kind(self) -> tuple[int, int, int]:
        """What stays the same from frame to frame."""
        return self.version, self.layer, self.rate


_headers: dict[int, Header | None] = {}


def header_of(data: bytes, at: int) -> Header | None:
    """The header at `at`, if four bytes there can be one."""
    if at + 4 > len(data) or data[at] != 0xFF or data[at + 1] & 0xE0 != 0xE0:
        return None
    key = data[at + 1] << 16 | data[at + 2] << 8 | (data[at + 3] & 0xC0)
    if key not in _headers:
        _headers[key] = _parse(key)
    return _headers[key]


def _parse(key: int) -> Header | None:
    version, layer_bits = key >> 19 & 3, key >> 17 & 3
    bitrate_index, rate_index, padding = key >> 12 & 15, key >> 10 & 3, key >> 9 & 1
    if version == 1 or layer_bits == 0 or bitrate_index in (0, 15) or rate_index == 3:
        return None  # reserved values, and free format (no recorder here writes it)
    layer = 4 - layer_bits
    rate = _RATES[version][rate_index]
    bitrate = 1000 * _BITRATES[(3 if version == 3 else 2, layer_bits)][bitrate_index]
    if layer == 1:
        length, samples = (12 * bitrate // rate + padding) * 4, 384
    else:
        samples = 576 if layer == 3 and version != 3 else 1152
        length = samples // 8 * bitrate // rate + padding
    return Header(version=version, layer=layer, rate=rate, channels=1 if key & 0xC0 == 0xC0 else 2, length=length, samples=samples)


def first_frames(data: bytes, start: int) -> tuple[int, Header] | None:
    """Place and header of the first of several frames that follow one another near `start`, or None."""
    for at in range(start, min(len(data), start + _SEARCH)):
        if data[at] == 0xFF and (found := header_of(data, at)) is not None and _follow(data, at, found):
            return at, found
    return None


def _follow(data: bytes, at: int, first: Header) -> bool:
    place = at
    for _ in range(_NEEDED):
        place += header.length if (header := header_of(data, place)) is not None else 0
        following = header_of(data, place)
        if following is None or following.kind != first.kind:
            return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """What a Xing, Info or VBRI frame says. `delay` and `padding` are LAME's, None where absent."""

    frames: int | None
    delay: int | None
    padding: int | None


def tag_of(frame: bytes, header: Header) -> Tag | None:
    """The tag that a first frame holds in place of sound, or None."""
    if frame[36:40] == b"VBRI":
        return Tag(frames=int.from_bytes(frame[50:54], "big"), delay=None, padding=None)
    side = (32 if header.channels == 2 else 17) if header.version == 3 else (17 if header.channels == 2 else 9)
    at = 4 + side
    if header.layer != 3 or frame[at : at + 4] not in (b"Xing", b"Info"):
        return None
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    place = at + 8
    frames = int.from_bytes(frame[place : place + 4], "big") if flags & 1 else None
    place += 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    lame = frame[place : place + 24]
    if len(lame) < 24 or not lame[:4].isalnum():
        return Tag(frames=frames, delay=None, padding=None)
    both = int.from_bytes(lame[21:24], "big")
    return Tag(frames=frames, delay=both >> 12, padding=both & 0xFFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A frame (`data`), bytes that were lost between frames (`lost` > 0), or a cut frame at the end (`cut`)."""

    data: bytes = b""
    lost: int = 0
    cut: bool = False
    unread: int = 0


def pieces(window: Any, first: int, kind: tuple[int, int, int]) -> Iterator[Piece]:
    """All frames of `kind` from byte `first` on, in order.

    A frame counts only if another, a tag or the end follows it; so the frame before a loss, whose body is
    suspect, belongs to the loss.
    """
    window.seek(first)
    buffer = window.read_fully(_CHUNK)
    at = 0
    while True:
        if len(buffer) - at < 1 << 14:
            more = window.read_fully(_CHUNK)
            buffer = buffer[at:] + more
            at = 0
        if at >= len(buffer):
            return
        header = header_of(buffer, at)
        end = at + header.length if header is not None and header.kind == kind else 0
        if end and end > len(buffer):
            yield Piece(cut=True)
            return
        if end and (end == len(buffer) or _fits(buffer, end, kind)):
            yield Piece(data=buffer[at:end])
            at = end
            continue
        if not end and _is_tag(buffer, at):
            return
        place, buffer = _resume(window, buffer, at + 1, kind)
        if place < 0:
            rest = buffer[at:]
            if end:
                yield Piece(data=buffer[at:end])
                rest = buffer[end:]
            if rest.strip(b"\0") and not _is_tag(rest, 0):
                yield Piece(cut=len(rest) < 2048, unread=len(rest))
            return
        yield Piece(lost=place - at)
        at = place


def _fits(data: bytes, at: int, kind: tuple[int, int, int]) -> bool:
    following = header_of(data, at)
    if following is not None:
        return following.kind == kind
    return len(data) - at < 4 or _is_tag(data, at)


def _resume(window: Any, buffer: bytes, at: int, kind: tuple[int, int, int]) -> tuple[int, bytes]:
    """Where frames go on after a loss (-1: nowhere), and the buffer, which may have grown."""
    while True:
        at = buffer.find(b"\xff", at)
        if at < 0 or len(buffer) - at < 1 << 13:
            more = window.read_fully(_CHUNK) if len(buffer) < 64 << 20 else b""
            if at < 0:
                at = len(buffer)
            buffer += more
            if not more and at >= len(buffer):
                return -1, buffer
            if more:
                continue
        header = header_of(buffer, at)
        if header is not None and header.kind == kind:
            end = at + header.length
            following = header_of(buffer, end)
            if (following is not None and following.kind == kind) or end == len(buffer):
                return at, buffer
        at += 1


def _is_tag(data: bytes, at: int) -> bool:
    return data[at : at + 3] in (b"TAG", b"ID3") or data[at : at + 8] in (b"APETAGEX", b"LYRICSBE")
