"""What reading is asked and what it finds: settings, the probe of a file, and the constants of this room.

No decoding here. Channels and tracks count from 1, as people count them; times are milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from speech.errors import Finding

RATE = 16_000
"""Samples a second of every signal that leaves this room."""

LEAST_RATE, MOST_RATE = 4_000, 768_000
MOST_CHANNELS = 64
LONGEST_HOURS = 100
"""A recording is not longer; a file whose times lead there lies, or a few bytes stand for days of nothing."""
TAIL_MS = 50
"""Less than this missing at the end is a tail, not a cut."""
SHORT_MS = 100
"""Less than this holds no word."""

COPY_AGAIN = "Copy it again from the recorder or card"


def convert(name: str) -> str:
    """The command that can help with a file we cannot read."""
    return f"Try: ffmpeg -i {name} -c:a flac converted.flac"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSettings:
    """How a recording is read.

    `strict` refuses every recording with a finding; `accept_damaged` takes a corrupt one as it is;
    `assume_rate` replaces the rate in the header; `channels` and `track` choose, counted from 1;
    `keep_channels` keeps each channel by itself beside the mix, for who reads one of them.
    """

    strict: bool = False
    accept_damaged: bool = False
    assume_rate: int | None = None
    channels: tuple[int, ...] | None = None
    track: int | None = None
    keep_channels: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a file holds, against what its header claims.

    `claimed_ms` is None where the file claims no length. `found_ms` is what was decoded, holes inside
    included (they are filled with silence); `missing_ms` is what the claim has beyond that. `offset_ms`
    is where the first sample lies on the container's clock. `levels_dbfs` has one value a channel
    (root mean square without its offset), None for digital silence; `used_channels` are those mixed.
    """

    path: str
    container: str
    codec: str
    media_type: str
    sample_rate: int
    channels: int
    bits: int | None
    tracks: int
    claimed_ms: int | None
    found_ms: int
    missing_ms: int
    offset_ms: int
    size_bytes: int
    levels_dbfs: tuple[float | None, ...]
    used_channels: tuple[int, ...]
    findings: tuple[Finding, ...]

    @property
    def duration_ms(self) -> int:
        """What was found and what is missing, together."""
        return self.found_ms + self.missing_ms

    def as_dict(self) -> dict[str, Any]:
        """The probe as it stands in `--json`."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return {
            **values,
            "duration_ms": self.duration_ms,
            "levels_dbfs": list(self.levels_dbfs),
            "used_channels": list(self.used_channels),
            "findings": [f.as_dict() for f in self.findings],
        }


def clock(ms: int) -> str:
    """A time for messages: 48:10.250, or 1:02:03.004."""
    seconds, rest = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{seconds:02d}.{rest:03d}"
    return f"{minutes}:{seconds:02d}.{rest:03d}"


def spans_text(spans: list[tuple[int, int]], most: int = 5) -> str:
    """Spans in milliseconds for messages; those beyond `most` are counted."""
    text = ", ".join(f"{clock(a)}-{clock(b)}" for a, b in spans[:most])
    return f"{text} and {len(spans) - most} more" if len(spans) > most else text
