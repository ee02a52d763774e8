"""What every decoder of this room gives: facts of a stream, its samples in blocks, and what it noticed.

A source is read once, to the end; only then are its findings complete. `Window` shows a decoder a part
of a file, with a header of ours in front where the file's own is damaged.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech.audio.records import COPY_AGAIN, LEAST_RATE, LONGEST_HOURS, MOST_CHANNELS, MOST_RATE, convert
from speech.errors import AudioRefused, Finding

Block = NDArray[np.float32]
"""(frames, channels), full scale 1.0."""

BLOCK_SECONDS = 10
_BLOCK_VALUES = 1 << 20
STALL_SECONDS = 60.0
"""A decoder that gives no sample for so long is stopped."""


def block_frames(rate: int, channels: int) -> int:
    """Frames in a block: 10 s, or less where many channels would make it large."""
    return max(1024, min(BLOCK_SECONDS * rate, _BLOCK_VALUES // channels))


class Damaged(Exception):
    """A fast decoder met damage: the file is to be read again by one that knows time stamps."""


class Original(io.FileIO):
    """The recording itself, read without a buffer. `trouble` is what went wrong under a decoder's hands."""

    trouble: OSError | None = None


class Window(io.RawIOBase):
    """A read-only file made of `head` and the bytes `start` to `start + length` of another.

    It has no name: a decoder that sees none cannot be misled by a suffix, nor stumble over signs in it.
    Decoders cannot pass on an exception (they print it and go on), so a failing disk reads as the end, and
    the error is kept with the file.
    """

    def __init__(self, file: Original, start: int, length: int, head: bytes = b"") -> None:
        super().__init__()
        self._file, self._start, self._length, self._head = file, start, length, head
        self._at = 0
        self.deadline: float | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next byte comes from."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, as in every file."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._head) + self._length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as one read goes."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            self._file.trouble = TimeoutError(f"no sound for {STALL_SECONDS:.0f} s")
            return 0
        view = memoryview(buffer).cast("B")
        done = 0
        if self._at < len(self._head):
            part = self._head[self._at : self._at + len(view)]
            view[: len(part)] = part
            done = len(part)
        inside = self._at + done - len(self._head)
        wanted = min(len(view) - done, self._length - inside)
        if wanted > 0:  # one call fills all it can: libsndfile takes a short read for the end
            try:
                self._file.seek(self._start + inside)
                done += self._file.readinto(view[done : done + wanted]) or 0
            except OSError as error:
                self._file.trouble = error
        self._at += done
        return done

    def read_fully(self, count: int) -> bytes:
        """Up to `count` bytes; fewer only at the end."""
        parts = bytearray()
        while len(parts) < count:
            part = self.read(count - len(parts))
            if not part:
                break
            parts += part
        return bytes(parts)


@dataclass(kw_only=True)
class Source:
    """Facts of a stream and its decoder. `claimed_frames` is what the file says of itself, None if nothing."""

    where: str
    container: str
    codec: str
    media_type: str
    sample_rate: int
    channels: int
    bits: int | None = None
    tracks: int = 1
    claimed_frames: int | None = None
    tolerance_ms: int = 0
    """How far a claim may honestly exceed the sound (priming and padding of a codec)."""
    offset_ms: int = 0
    integers: bool = True
    """Whether samples are whole numbers: then none can be NaN or beyond full scale."""
    findings: list[Finding] = field(default_factory=list)

    def note(self, code: str, what: str, mend: str = "") -> None:
        """Add a finding."""
        self.findings.append(Finding(code=code, where=self.where, what=what, mend=mend))

    def blocks(self) -> Iterator[Block]:
        """All samples from the first to the last; may raise `Damaged`."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what the decoder holds."""


def check_shape(where: str, sample_rate: int, channels: int) -> None:
    """Refuse rates and channel counts that no recording has.

    Raises
    ------
    AudioRefused
        `AUDIO_HEADER` with the field, its value and the limits.
    """
    if not LEAST_RATE <= sample_rate <= MOST_RATE:
        raise AudioRefused(
            where,
            f"the header claims a sample rate of {sample_rate} (limits: {LEAST_RATE} to {MOST_RATE})",
            convert(where),
            "AUDIO_HEADER",
        )
    if not 1 <= channels <= MOST_CHANNELS:
        raise AudioRefused(where, f"the header claims {channels} channels (limits: 1 to {MOST_CHANNELS})", convert(where), "AUDIO_HEADER")


def check_length(where: str, frames: int, rate: int) -> None:
    """Refuse what goes on for longer than a recording does, before it fills the disk.

    Raises
    ------
    AudioRefused
        `AUDIO_HEADER` with the length and the limit.
    """
    hours = frames / rate / 3600
    if hours > LONGEST_HOURS:
        raise AudioRefused(where, f"its times go on for {hours:,.0f} hours (limit: {LONGEST_HOURS})", COPY_AGAIN, "AUDIO_HEADER")


def refused_by_decoder(where: str, error: Exception) -> AudioRefused:
    """A decoder's own exception as a refusal with a mend."""
    words = " ".join(str(error).split()).rstrip(".")[:200]
    return AudioRefused(
        where, f"the decoder refused it ({type(error.__cause__ or error).__name__}: {words})", convert(where), "AUDIO_CODEC"
    )
