"""A TextGrid file kept as it was read: its tokens, and which of them are names, times and texts.

Praat reads strings, free-standing numbers and flags, and takes all else for comment; so does this. A text may
hold line ends, doubled quotes and things like `xmin = 5`, which is why lines are never matched. Long and
short form are the same tokens, the chronological form has them in another order. Changing one text changes that token
only; the rest is written byte for byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import NoReturn

from speech.errors import FormatRefused
from speech.text.decode import check, decode_marked

_TOKEN = re.compile(
    r'(?P<string>"(?:[^"]|"")*")|(?P<comment>![^\r\n]*)|(?P<flag><[a-z]+>)(?!\S)|(?P<number>[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(?!\S)|(?P<rest>[^\s"]+)'
)
_CHRONOLOGICAL = "Praat chronological TextGrid text file"
_MEND = "Open and save it in Praat as a text file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A string, number or flag, and where it stands in the text."""

    kind: str
    raw: str
    start: int

    @property
    def value(self) -> str:
        """A string without its quotes, anything else as it stands."""
        return self.raw[1:-1].replace('""', '"') if self.kind == "string" else self.raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An interval, or a point where both times are one; `token` is the number of its text's token."""

    start_ms: int
    end_ms: int
    text: str
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GridTier:
    """A tier: intervals or points."""

    name: str
    points: bool
    marks: tuple[Mark, ...]


def milliseconds(number: str) -> int:
    """Whole milliseconds of a number of seconds, exactly rounded."""
    return int((Decimal(number) * 1000).to_integral_value(ROUND_HALF_UP))


@dataclass(slots=True)
class TextGridFile:
    """A TextGrid in memory: `tiers` as they are now, `to_bytes` the file with what was changed."""

    text: str
    encoding: str
    mark: bytes
    tokens: list[Token]
    where: str
    changed: dict[int, str] = field(default_factory=dict)

    @classmethod
    def from_bytes(cls, data: bytes, *, where: str, encoding: str | None = None) -> TextGridFile:
        """A file's content, its tokens found.

        Raises
        ------
        FormatRefused
            `FORMAT_SYNTAX`: no TextGrid, the binary form, or cut off.
        TextRefused
            `TEXT_ENCODING`, `TEXT_CONTROL`.
        """
        if data.startswith(b"ooBinaryFile"):
            raise FormatRefused(where, "this is a TextGrid in Praat's binary form", _MEND, "FORMAT_SYNTAX")
        text, name, mark = decode_marked(data, where, encoding=encoding)
        kinds = ("string", "number", "flag")
        tokens = [Token(kind=m.lastgroup or "", raw=m.group(), start=m.start()) for m in _TOKEN.finditer(text) if m.lastgroup in kinds]
        found = cls(text, name, mark, tokens, where)
        first = [t.value for t in tokens[:2]]
        if first not in (["ooTextFile", "TextGrid"], ["ooTextFile short", "TextGrid"]) and not found._chronological:
            found._refuse(0, "this is not a TextGrid")
        _ = found.tiers
        return found

    @property
    def span_ms(self) -> tuple[int, int]:
        """First and last time of the whole file."""
        at = 1 if self._chronological else 2
        return self._time(at), self._time(at + 1)

    @property
    def tiers(self) -> list[GridTier]:
        """The tiers, with the texts as they are now."""
        if self._chronological:
            return self._tiers_by_time()
        self._time(2), self._time(3)
        if self._get(4, "flag") == "<absent>":
            return []
        tiers, at = [], 6
        for _ in range(self._count(5)):
            tier, at = self._tier(at)
            tiers.append(tier)
        return tiers

    def set_text(self, token: int, text: str) -> None:
        """Change one text, by the number of its token."""
        if self.tokens[token].kind != "string":
            raise ValueError(f"token {token} is no text")
        check(text, self.where)
        self.changed[token] = text

    def to_bytes(self) -> bytes:
        """The file: the bytes that were read, but for changed texts."""
        parts, at = [], 0
        for number in sorted(self.changed):
            token = self.tokens[number]
            parts += [self.text[at : token.start], quoted(self.changed[number])]
            at = token.start + len(token.raw)
        return self.mark + "".join([*parts, self.text[at:]]).encode(self.encoding)

    @property
    def _chronological(self) -> bool:
        return bool(self.tokens) and self.tokens[0].kind == "string" and self.tokens[0].value == _CHRONOLOGICAL

    def _tiers_by_time(self) -> list[GridTier]:
        """The tiers of the chronological form: all of them first, then the marks of all in order of time, each with its tier's number."""
        self._time(1), self._time(2)
        heads = [4 + 4 * number for number in range(self._count(3))]
        kinds = [self._points(at) for at in heads]
        names = [self._get(at + 1, "string") for at in heads]
        for at in heads:
            self._time(at + 2), self._time(at + 3)
        marks: list[list[Mark]] = [[] for _ in heads]
        at = 4 + 4 * len(heads)
        while at < len(self.tokens):
            number = self._count(at)
            if not 1 <= number <= len(heads):
                self._refuse(at, f"there is no tier {number}, of {len(heads)}")
            mark, at = self._mark(at + 1, kinds[number - 1])
            marks[number - 1].append(mark)
        return [GridTier(name=n, points=p, marks=tuple(m)) for n, p, m in zip(names, kinds, marks, strict=True)]

    def _points(self, at: int) -> bool:
        """Whether the tier whose kind stands here is one of points."""
        kind = self._get(at, "string")
        if kind not in ("IntervalTier", "TextTier"):
            self._refuse(at, "a tier is neither of intervals nor of points")
        return kind == "TextTier"

    def _mark(self, at: int, points: bool) -> tuple[Mark, int]:
        """The interval or point whose time stands here, and where the next begins."""
        start = self._time(at)
        end = start if points else self._time(at + 1)
        at += 1 if points else 2
        return Mark(start_ms=start, end_ms=end, text=self._get(at, "string"), token=at), at + 1

    def _tier(self, at: int) -> tuple[GridTier, int]:
        points, size = self._points(at), self._count(at + 4)
        name, at = self._get(at + 1, "string"), at + 5
        marks = []
        for _ in range(size):
            mark, at = self._mark(at, points)
            marks.append(mark)
        return GridTier(name=name, points=points, marks=tuple(marks)), at

    def _get(self, at: int, kind: str) -> str:
        if at >= len(self.tokens):
            self._refuse(len(self.tokens), "the file ends too early")
        if self.tokens[at].kind != kind:
            self._refuse(at, f"a {kind} is due here")
        return self.changed.get(at, self.tokens[at].value)

    def _time(self, at: int) -> int:
        return milliseconds(self._get(at, "number"))

    def _count(self, at: int) -> int:
        number = self._get(at, "number")
        if not number.isdigit() or int(number) > len(self.tokens):
            self._refuse(at, f"{number} entries are claimed, the file holds fewer")
        return int(number)

    def _refuse(self, at: int, what: str) -> NoReturn:
        place = self.tokens[at].start if at < len(self.tokens) else len(self.text)
        line = len(re.findall(r"\r\n|\n|\r", self.text[:place])) + 1
        raise FormatRefused(f"{self.where}, line {line}", what, _MEND, "FORMAT_SYNTAX")


def quoted(text: str) -> str:
    """A text as Praat writes it."""
    return '"' + text.replace('"', '""') + '"'
