"""What is said for what is not written in letters: numbers, abbreviations and signs, where a language's table says how.

What a table does not say is left as it stands, so that whoever speaks can name it. A change keeps its place in the text as given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from speech.languages import Language, Numbers

MOST = 999_999_999
"""The largest number that is said as one; larger ones, and those that begin with 0, are said figure by figure."""

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?!\d)|\d+")
_POINT = re.compile(r"\.(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A stretch of a text (offsets), and the words that are said for it."""

    start: int
    end: int
    was: str
    spoken: str
    why: Literal["number", "abbreviation", "sign"]


def changes(text: str, language: Language) -> list[Change]:
    """What of `text` is said in other words, in order; stretches do not overlap."""
    found: list[Change] = []
    taken = [False] * len(text)

    def take(start: int, end: int, spoken: str, why: Literal["number", "abbreviation", "sign"]) -> None:
        if spoken and not any(taken[start:end]):
            taken[start:end] = [True] * (end - start)
            found.append(Change(start=start, end=end, was=text[start:end], spoken=spoken, why=why))

    for short, whole in sorted(language.spoken.abbreviations, key=lambda pair: -len(pair[0])):
        for match in re.finditer(rf"(?<!\w){re.escape(short)}(?!\w)", text, re.IGNORECASE):
            take(match.start(), match.end(), whole, "abbreviation")
    if language.spoken.numbers is not None:
        for match in _NUMBER.finditer(text):
            end, spoken = match.end(), in_words(match[0].replace(",", ""), language.spoken.numbers)
            point = _POINT.match(text, end) if language.spoken.numbers.point and "," not in match[0] else None
            if point:
                end = point.end()
                spoken += f" {language.spoken.numbers.point} {_by_figure(point[1], language.spoken.numbers)}"
            take(match.start(), end, spoken, "number")
    for sign, spoken in language.spoken.signs:
        for match in re.finditer(re.escape(sign), text):
            take(match.start(), match.end(), spoken, "sign")
    return sorted(found, key=lambda c: c.start)


def in_words(figures: str, numbers: Numbers) -> str:
    """A whole number in words, from its figures (of any script)."""
    plain = "".join(str(int(figure)) for figure in figures)
    if len(plain) > len(str(MOST)) or (plain[0] == "0" and len(plain) > 1):
        return _by_figure(plain, numbers)
    value = int(plain)
    if value == 0:
        return numbers.zero
    millions, rest = divmod(value, 1_000_000)
    thousands, below = divmod(rest, 1_000)
    parts = []
    for count, form, one in (
        (millions, numbers.million, numbers.one_million),
        (thousands, numbers.thousand, numbers.one_thousand),
    ):
        if count == 1 and one:
            parts.append(one)
        elif count:
            parts.append(form.format(_below_a_thousand(count, numbers)))
    if below:
        parts.append(_below_a_thousand(below, numbers))
    return numbers.join.join(parts)


def _below_a_thousand(value: int, numbers: Numbers) -> str:
    hundreds, rest = divmod(value, 100)
    tens, units = divmod(rest, 10)
    parts = [numbers.hundreds[hundreds - 1]] if hundreds else []
    if tens == 1 and units and numbers.teens:
        parts.append(numbers.teens[units - 1])
    else:
        parts += [numbers.tens[tens - 1]] if tens else []
        parts += [numbers.units[units - 1]] if units else []
    return numbers.join.join(parts)


def _by_figure(figures: str, numbers: Numbers) -> str:
    return " ".join(numbers.units[int(f) - 1] if int(f) else numbers.zero for f in figures)
