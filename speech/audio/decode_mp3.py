"""MPEG audio (MP3, MP2), frame by frame: every frame has its place, so what is lost in between stays silent in its place.

Our own walk finds the frames (`mpeg`); FFmpeg's decoder gets them one by one. The length is what was found.
Encoder delay and padding are taken off where a LAME tag tells them, as players do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from speech.audio import mpeg
from speech.audio.records import COPY_AGAIN, spans_text
from speech.audio.sniff import id3_length
from speech.audio.source import Block, Source, Window, block_frames
from speech.errors import AudioRefused

_DECODER_DELAY = 529
_USUAL_DELAY = 1105


class Mp3Source(Source):
    """MPEG audio of one layer and rate. `first` is the byte of its first frame."""

    window: Window
    first: int
    header: mpeg.Header
    tag: mpeg.Tag | None = None

    def blocks(self) -> Iterator[Block]:
        """All samples, with silence for what was lost."""
        size = block_frames(self.sample_rate, self.channels)
        skip, end = self._limits()
        parts: list[Block] = []
        at = held = 0
        for part in self._frames():
            start, at = at, at + len(part)
            part = part[max(0, skip - start) : max(0, end - start) if end is not None else None]
            parts.append(part)
            held += len(part)
            if held >= size:
                yield np.concatenate(parts)
                parts, held = [], 0
        if held:
            yield np.concatenate(parts)

    def _limits(self) -> tuple[int, int | None]:
        """Samples to leave out at the start, and where the sound ends, as the LAME tag says."""
        if self.tag is None or self.tag.delay is None or self.tag.padding is None:
            return 0, None
        skip = self.tag.delay + _DECODER_DELAY
        if self.tag.frames is None:
            return skip, None
        return skip, self.tag.frames * self.header.samples - max(0, self.tag.padding - _DECODER_DELAY)

    def _frames(self) -> Iterator[Block]:
        """Each frame's samples; silence of the right length where one is lost or cannot be decoded."""
        import av

        decoder = av.CodecContext.create(f"mp{self.header.layer}float", "r")
        silence = np.zeros((self.header.samples, self.channels), np.float32)
        holes: list[tuple[int, int]] = []
        index = total = 0
        for piece in mpeg.pieces(self.window, self.first, self.header.kind):
            if piece.data:
                part = _decoded(av, decoder, piece.data, self.channels)
                total += len(piece.data)
                index += 1
                if part is None or len(part) != len(silence):
                    self._hole(holes, index - 1, 1)
                    part = silence
                yield part
            elif piece.lost:
                mean = total / index if index else self.header.length
                count = max(1, round(piece.lost / mean))
                self._hole(holes, index, count)
                index += count
                for _ in range(count):
                    yield silence
            else:
                self._ending(piece)
        if holes:
            self.note("AUDIO_HOLE", f"damaged at {spans_text(holes)}; filled with silence, so that later times hold", COPY_AGAIN)

    def _ending(self, piece: mpeg.Piece) -> None:
        if piece.unread and not piece.cut:
            self.note("AUDIO_HOLE", f"the last {piece.unread} bytes hold no sound that can be read", COPY_AGAIN)
        else:
            self.note("AUDIO_TAIL", "the last frame is cut; how much is missing after it no one can tell", COPY_AGAIN)

    def _hole(self, holes: list[tuple[int, int]], frame: int, count: int) -> None:
        skip = self._limits()[0]
        start, end = (max(0, round(1000 * (f * self.header.samples - skip) / self.sample_rate)) for f in (frame, frame + count))
        if holes and holes[-1][1] >= start:
            holes[-1] = (holes[-1][0], end)
        else:
            holes.append((start, end))


def _decoded(av: Any, decoder: Any, data: bytes, channels: int) -> Block | None:
    """One frame's samples, (frames, channels); None where the decoder refuses it."""
    try:
        frames = decoder.decode(av.Packet(data))
    except av.FFmpegError:
        return None
    if not frames:
        return None
    part = frames[0].to_ndarray().T
    if part.shape[1] != channels:
        part = part[:, :1].repeat(channels, axis=1) if part.shape[1] < channels else part[:, :channels]
    return np.ascontiguousarray(part, np.float32)


def open_mp3(window: Window, where: str, container: str, media_type: str) -> Mp3Source:
    """MPEG audio in `window` (a file, or the sound chunk of a WAV).

    Raises
    ------
    AudioRefused
        `AUDIO_NOT_AUDIO`: no frames follow one another near the start.
    """
    window.seek(0)
    start = 0
    while (step := _tag_length(window, start)) > 0:
        start += step
    window.seek(start)
    found = mpeg.first_frames(window.read_fully(1 << 17), 0)
    if found is None:
        raise AudioRefused(where, "no MP3 frames follow one another near its start", COPY_AGAIN, "AUDIO_NOT_AUDIO")
    first, header = start + found[0], found[1]
    window.seek(first)
    tag = mpeg.tag_of(window.read_fully(header.length), header)
    source = Mp3Source(
        where=where,
        container=container,
        codec=f"mp{header.layer}",
        media_type=media_type,
        sample_rate=header.rate,
        channels=header.channels,
        claimed_frames=None if tag is None or tag.frames is None else tag.frames * header.samples,
        integers=False,
    )
    source.window, source.header, source.tag = window, header, tag
    source.first = first + (header.length if tag is not None else 0)
    skip, end = source._limits()
    if tag is not None and source.claimed_frames is not None and end is not None:
        source.claimed_frames = max(0, end - skip)
    if header.layer == 3 and skip == 0:
        bound = round(1000 * _USUAL_DELAY / header.rate)
        source.note("AUDIO_OFFSET", f"the file does not tell its encoder's delay: sound may lie up to {bound} ms late")
    return source


def _tag_length(window: Window, at: int) -> int:
    """Bytes of an ID3v2 tag at `at`, 0 if none is there (two in a row occur)."""
    window.seek(at)
    return id3_length(window.read_fully(10))
