"""What subtitle formats share: the clock, and speakers written before the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from speech.errors import FormatRefused
from speech.types import Segment

CLOCK = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})(?:[,.](\d{1,3}))?"
"""A time of a subtitle: hours may have any number of digits or be missing, a fraction may be short."""

_SIGNED = r"-?(?:\d+:)?-?\d{1,2}:-?\d{1,2}(?:[,.]-?\d{1,3})?"
_SIGNED_TIMES = re.compile(rf"\s*({_SIGNED})\s*-->\s*({_SIGNED})(?:\s.*)?")
NOBODY = "-"
_PREFIX = re.compile(r"(?P<name>[^\s:][^:\r\n]*): (?P<text>.*)", re.DOTALL)
_ENCODED = re.compile(r"(?:%[0-9A-F]{2})+")


def clock(time_ms: int, comma: str) -> str:
    """`00:00:01,500`, with the sign before the milliseconds that the format wants."""
    seconds, rest = divmod(time_ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{comma}{rest:03}"


def from_clock(parts: Sequence[str | None]) -> int:
    """Milliseconds of the four groups of `CLOCK`; `,5` is half a second."""
    hours, minutes, seconds, fraction = (p or "0" for p in parts)
    return (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * 1000 + int(fraction.ljust(3, "0"))


def check_times(rows: Sequence[str], where: str) -> None:
    """Refuse a negative time: taken for text, its cue would be lost without a word.

    Raises
    ------
    FormatRefused
        `FORMAT_TIMES`, with the line.
    """
    for number, row in enumerate(rows, 1):
        if (found := _SIGNED_TIMES.fullmatch(row)) and "-" in found[1] + found[2]:
            raise FormatRefused(f"{where}, line {number}", "a time is negative", "Correct the times", "FORMAT_TIMES")


def prefixed(segments: Sequence[Segment]) -> list[str]:
    """The texts, each with its speaker before it where any has one.

    Also where none has, if every text looks as if it had: then `-: ` stands before each, or a reader would
    take the text for a name.
    """
    texts = [s.text for s in segments]
    if not any(s.speaker for s in segments) and not (texts and all(_PREFIX.fullmatch(t) for t in texts)):
        return texts
    return [f"{_encoded(s.speaker)}: {s.text}" for s in segments]


def unprefixed(texts: Sequence[str]) -> list[tuple[str | None, str]]:
    """Speaker and text of each; a name counts only where every text has one."""
    found = [_PREFIX.fullmatch(t) for t in texts]
    if not all(found):
        return [(None, t) for t in texts]
    return [(_decoded(m["name"]), m["text"]) for m in found if m]


def _encoded(speaker: str | None) -> str:
    if not speaker:
        return NOBODY
    if speaker == NOBODY:
        return quote(speaker).replace(NOBODY, "%2D")
    inner = re.sub(r"[:%]|[^\S ]|[\r\n]", lambda m: quote(m.group()), speaker)
    return re.sub(r"^ +| +$", lambda m: quote(m.group()), inner)


def _decoded(name: str) -> str | None:
    # Only what `_encoded` encodes: a name of somebody else's that holds a % stays as it is.
    def plain(found: re.Match[str]) -> str:
        try:
            text = bytes.fromhex(found.group().replace("%", "")).decode("utf-8")
        except UnicodeDecodeError:
            return found.group()
        return text if all(c in ":%-" or c.isspace() for c in text) else found.group()

    return None if name == NOBODY else _ENCODED.sub(plain, name)
