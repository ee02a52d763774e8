"""Sound that was made here into files: WAV, FLAC, Opus and MP3 by their suffix, with what they say of themselves."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech.errors import AudioRefused, FormatRefused, PathRefused
from speech.files import check_readable, disk_errors, replacing, sha256_of, shown

_FORMATS = {
    ".wav": ("wav", "pcm_s16le"),
    ".flac": ("flac", "flac"),
    ".opus": ("ogg", "libopus"),
    ".mp3": ("mp3", "libmp3lame"),
}
SUFFIXES = tuple(_FORMATS)
_OPUS_RATES, _MP3_RATES = (8_000, 12_000, 16_000, 24_000, 48_000), (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


def check_target(path: Path, *, force: bool = False) -> None:
    """Whether sound can be written at `path`, before any is made.

    Raises
    ------
    FormatRefused
        `FORMAT_UNKNOWN`: no such suffix; `FORMAT_EXISTS`: a file lies there, and `force` is not given.
    PathRefused
        `PATH_MISSING`: the folder is not there; `PATH_NOT_FILE`.
    DiskFailure
        The folder may not be written.
    """
    if path.suffix.lower() not in _FORMATS:
        what = f"{path.suffix} names no format that sound is written in" if path.suffix else "the end of its name tells no format"
        raise FormatRefused(shown(path), what, f"Let its name end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}", "FORMAT_UNKNOWN")
    if path.is_dir():
        raise PathRefused(shown(path), "this is a folder", "Name a file in it", "PATH_NOT_FILE")
    if not path.parent.is_dir():
        raise PathRefused(shown(path.parent), "there is no such folder", "Make it first, or name another", "PATH_MISSING")
    if os.path.lexists(path) and not force:
        raise _exists(path)
    with disk_errors(path):
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _exists(path: Path) -> FormatRefused:
    return FormatRefused(
        shown(path), "another file lies there already, and stays as it is", "Name another, or give --force", "FORMAT_EXISTS"
    )


def write_sound(path: Path, pieces: Iterable[NDArray[np.float32]], rate: int, tags: Mapping[str, str], *, force: bool = False) -> None:
    """Write sound of one channel, piece by piece, as 16 bit (or what the format makes of it); there whole or not at all.

    The same pieces and tags give the same bytes. Opus and MP3 know some sample rates only: others are resampled to the next higher one.

    Raises
    ------
    FormatRefused
        `FORMAT_EXISTS`: a file with other bytes lies there, and `force` is not given.
    DiskFailure
        The disk is full, or may not be written. Whatever `pieces` raises leaves nothing behind.
    """
    import av

    kind, codec = _FORMATS[path.suffix.lower()]
    rates = {"libopus": _OPUS_RATES, "libmp3lame": _MP3_RATES}.get(codec, (rate,))
    written = min((r for r in rates if r >= rate), default=rates[-1])
    with replacing(path) as part, disk_errors(path):
        # Opus streams get a number by chance without it, and the same speech would be another file.
        with av.open(str(part), "w", format=kind, container_options={"fflags": "+bitexact"}) as container:
            for name, value in tags.items():
                container.metadata[name] = value
            stream = container.add_stream(codec, rate=written, options={"flags": "+bitexact"})
            stream.codec_context.layout = "mono"
            if codec == "libmp3lame":
                stream.codec_context.bit_rate = 64_000
            clock = 0
            for piece in _resampled(pieces, rate, written):
                frame = av.AudioFrame.from_ndarray(
                    np.round(np.clip(piece, -1, 1) * 32767).astype(np.int16)[None], format="s16", layout="mono"
                )
                frame.sample_rate, frame.pts, frame.time_base = written, clock, Fraction(1, written)
                clock += len(piece)
                container.mux(_encoded(stream, frame))
            container.mux(stream.encode(None))
        if not force and os.path.lexists(path) and sha256_of(path) != sha256_of(part):
            raise _exists(path)


def _encoded(stream: Any, frame: Any) -> Any:
    return stream.encode(frame)


_BLOCK = 65_536


def _resampled(pieces: Iterable[NDArray[np.float32]], rate: int, written: int) -> Iterator[NDArray[np.float32]]:
    """The pieces at the rate that is written, in blocks that are not empty."""
    if rate == written:
        yield from (piece[i : i + _BLOCK] for piece in pieces for i in range(0, len(piece), _BLOCK))
        return
    import soxr

    stream = soxr.ResampleStream(rate, written, 1, dtype="float32")
    for piece in pieces:
        made = stream.resample_chunk(piece)
        yield from (made[i : i + _BLOCK] for i in range(0, len(made), _BLOCK))
    made = stream.resample_chunk(np.zeros(0, np.float32), last=True)
    yield from (made[i : i + _BLOCK] for i in range(0, len(made), _BLOCK))


def tags_in(path: Path) -> dict[str, str]:
    """The metadata of a sound file, by small names; that of the stream where the container has none.

    Raises
    ------
    PathRefused
        It cannot be reached. `AudioRefused` `AUDIO_NOT_AUDIO`: it is no sound file.
    """
    import av

    check_readable(path)
    try:
        with av.open(str(path), options={"protocol_whitelist": "file"}) as container:
            if not container.streams.audio:
                raise AudioRefused(shown(path), "there is no sound in this file", "Name a sound file", "AUDIO_NO_TRACK")
            held = [container.metadata, *(stream.metadata for stream in container.streams.audio)]
            return {name.lower(): str(value) for tags in reversed(held) for name, value in tags.items()}
    except (av.FFmpegError, OSError) as error:
        raise AudioRefused(
            shown(path), f"this is no sound file that can be read ({error.strerror})", "Name a sound file", "AUDIO_NOT_AUDIO"
        ) from error
