"""Other readings as people see them in a tier: one a line, its confidence behind it; above them how sure the word itself is.

    0.42
    kawsay 0.31
    kausay 0.2

`?` stands where no confidence is known. A line end inside a reading is written `\\n`, a backslash `\\\\`. A line
that a person has typed without a number is a reading, too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from speech.types import Alternative

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:e-[0-9]+)?")
_LINE = re.compile(r"(?P<text>.*) (?P<sure>\S+)", re.DOTALL)
_UNKNOWN = "?"
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
_SIGNS = {written: sign for sign, written in _ESCAPES.items()}


def written(confidence: float | None, alternatives: Sequence[Alternative]) -> str:
    """The readings as lines, the confidence of what they are readings of above them where it is known."""
    own = [] if confidence is None else [repr(float(confidence))]
    others = (f"{_escaped(a.text)} {_UNKNOWN if a.confidence is None else repr(float(a.confidence))}" for a in alternatives)
    return "\n".join([*own, *others])


def read(text: str) -> tuple[float | None, tuple[Alternative, ...]]:
    """Confidence and readings from their lines; any text is accepted."""
    rows = [row for row in re.split(r"\r\n|\n|\r", text) if row]
    confidence = _probability(rows[0]) if rows else None
    return confidence, tuple(map(_reading, rows[1:] if confidence is not None else rows))


def _reading(row: str) -> Alternative:
    found = _LINE.fullmatch(row)
    if found and (found["sure"] == _UNKNOWN or _probability(found["sure"]) is not None):
        return Alternative(text=_plain(found["text"]), confidence=_probability(found["sure"]))
    return Alternative(text=_plain(row))


def _probability(text: str) -> float | None:
    value = float(text) if _NUMBER.fullmatch(text) else None
    return value if value is not None and value <= 1 else None


def _escaped(text: str) -> str:
    return re.sub(r"[\\\n\r]", lambda m: _ESCAPES[m.group()], text)


def _plain(text: str) -> str:
    return re.sub(r"\\[\\nr]", lambda m: _SIGNS[m.group()], text)
