"""Hypothesis makes transcripts: overlapping, unordered, of no length, with signs that formats trip over.

Hypothesis chooses how many segments and a seed; the rest is drawn from the seed, as drawing each of the some
hundred fields of a transcript by Hypothesis took 0.4 s. A failing example shrinks in segments only.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from hypothesis import strategies as st

from speech.types import (
    Act,
    Alternative,
    Coverage,
    LanguageUse,
    Point,
    Recording,
    Segment,
    Skip,
    Span,
    Speaker,
    Transcript,
    Translation,
    Word,
    joined,
)

NASTY = (
    "a",
    "ŋ́",
    "ọ́",
    "e\u0301",
    "𞤀",
    "ሀ",
    '"',
    '""',
    "'",
    "&",
    "&amp;",
    "&#10;",
    "<",
    ">",
    "<v Ana>",
    "</v>",
    "<c.w>",
    "<00:00:01.500>",
    "=",
    "=1+1",
    "-",
    "+",
    "@",
    "\uff1d",
    "%",
    "%20",
    "%5B",
    "[",
    "]",
    " [words]",
    " (2)",
    ",",
    ";",
    ":",
    ": ",
    "-->",
    "\\",
    "!",
    "xmin = 5",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "\t",
    " ",
    "  ",
    "\u00a0",
    "\u2028",
    "\x85",
    "\u200d",
    "\ufeff",
    "\u202e",
    "12",
    "00:00:01,000",
    "WEBVTT",
    "NOTE",
    "SPEAKER",
    "segments",
    "]]>",
    "<![CDATA[",
    "<!--",
    "null",
    "NA",
    "007",
)
"""Pieces of text that one format or another takes for its own."""

_T = TypeVar("_T")
_SPEAKERS = ("S1", "S1", "S2", "segments", "Ana [words]", "S1 (2)", "-", "María José", "a: b", "<NA>", "=x", " x ")
_LANGUAGES = ("que", "spa", "a1", "lang_2", "Included_In", "x y")
_SEPARATORS = (" ", " ", " ", " ", "", "-", "\n", "\u00a0", ", ")


class _Maker:
    """Draws records from a seed; about half of all optional things are there."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def maybe(self, make: Callable[[], _T], otherwise: _T | None = None) -> _T | None:
        return make() if self.random.random() < 0.5 else otherwise

    def several(self, most: int, make: Callable[[], _T]) -> tuple[_T, ...]:
        return tuple(make() for _ in range(self.random.randint(0, most)))

    def letter(self) -> str:
        while True:
            sign = chr(self.random.choice((self.random.randrange(0x20, 0x3000), self.random.randrange(0x20, 0x110000))))
            if unicodedata.category(sign) not in ("Cc", "Cs") and sign not in "\ufffe\uffff":
                return sign

    def piece(self) -> str:
        kind = self.random.random()
        return self.random.choice(NASTY) if kind < 0.5 else self.letter() if kind < 0.7 else self.random.choice("abcdeiou")

    def text(self, least: int = 0) -> str:
        return "".join(self.piece() for _ in range(self.random.randint(least, 5)))

    def confidence(self) -> float | None:
        return self.random.choice((None, 0.0, 1.0, 0.5, self.random.random(), self.random.random() ** 40))

    def alternative(self) -> Alternative:
        return Alternative(text=self.text(), confidence=self.confidence())

    def span(self, first: int = 0, last: int = 5_000) -> Span:
        start = self.random.randint(first, last)
        return Span(start_ms=start, end_ms=start if self.random.random() < 0.2 else self.random.randint(start, last))

    def words(self, outer: Span) -> tuple[Word, ...]:
        """Words in the order of their starts, up to 20 ms out of the segment, some without times."""
        first, last = max(outer.start_ms - 20, 0), outer.end_ms + 20
        found = []
        for span in sorted((self.span(first, last) for _ in range(self.random.randint(0, 4))), key=lambda s: s.start_ms):
            word = Word(
                text=self.text(1),
                span=None if self.random.random() < 0.2 else span,
                estimated=self.random.random() < 0.2,
                confidence=self.confidence(),
                speaker=self.random.choice((None, None, "S2")),
                speaker_margin=self.random.choice((None, None, 0.25)),
                language=self.maybe(lambda: self.random.choice(_LANGUAGES)),
                alternatives=self.several(1, self.alternative),
                separator=self.random.choice(_SEPARATORS),
            )
            found.append(word)
        return tuple(found)

    def translation(self) -> Translation:
        return Translation(language=self.random.choice(("spa", "eng", "x (2)")), text=self.text(), by=self.random.choice(("", "P1")))

    def segment(self) -> Segment:
        """A segment with words that spell it, or with text alone, or without any."""
        span = self.span()
        words = self.words(span)
        plain = self.random.random() < 0.5
        return Segment(
            span=span,
            text=joined(words) if words else self.text(),
            words=words,
            speaker=self.random.choice((None, self.random.choice(_SPEAKERS), self.random.choice(_SPEAKERS), self.text(1))),
            language=self.maybe(lambda: self.random.choice(_LANGUAGES)),
            translations=self.several(3, self.translation),
            confidence=self.confidence(),
            status="draft" if plain else self.random.choice(("edited", "approved", "unsure", "not_speech")),
            unsure_reason="" if plain else self.text(),
            origin=self.random.choice(("machine", "person")),
            kind="speech" if plain else self.random.choice(("overlap", "noise", "silence", "singing")),
            channel=self.maybe(lambda: self.random.randint(0, 8)),
            alternatives=self.several(1, self.alternative),
            notes=self.several(2, self.text),
            speaker_margin=self.random.choice((None, None, 0.25)),
        )

    def named(self, number: int, segment: Segment) -> Segment:
        """The segment with ids of our form, of another, or without; now and then one that stands elsewhere, too."""
        form = self.random.choice(("", "a{}", "seg{}", "w {}/"))

        def id() -> str:
            return form.format(self.random.choice((number * 10 + self.random.randint(1, 9), self.random.randint(1, 60))))

        return replace(segment, id=id(), words=tuple(replace(w, id=id()) for w in segment.words))

    def point(self) -> Point:
        return Point(
            time_ms=self.random.randint(0, 5_000),
            label=self.text(),
            tier=self.random.choice(("", "S1", "S1 (2)", self.text())),
            id=self.random.choice(("", "a7", "p")),
        )

    def transcript(self, count: int) -> Transcript:
        segments = [self.named(n, self.segment()) for n in range(count)]
        if self.random.random() < 0.1:
            return Transcript(segments=tuple(segments))
        skip = Skip(span=Span(start_ms=0, end_ms=9), reason=self.text())
        return Transcript(
            recording=Recording(path=self.text(), sha256="ab" * 32, duration_ms=self.random.randint(0, 9_000)),
            segments=tuple(segments),
            speakers=self.several(
                2, lambda: Speaker(id=self.random.choice(("S1", "S2")), person=self.maybe(lambda: "P07"), label=self.text())
            ),
            languages=self.several(2, lambda: LanguageUse(id=self.random.choice(("que", "x y")), glottocode=self.text())),
            points=self.several(4, self.point),
            coverage=self.maybe(lambda: Coverage(duration_ms=9, speech_ms=9, skipped_ms=9, skipped=(skip,))),
            provenance=self.several(2, lambda: Act(activity=self.text(1), model=self.text())),
            id=self.text(),
            created=self.random.choice(("", "2026-01-02T03:04:05+00:00", "yesterday")),
            software=self.text(),
            last_id=self.random.choice((0, 8, 100)),
            consent=self.random.choice(({}, {"labels": [self.text()], "access": "open"})),
            foreign=self.random.choice(({}, {"eaf": {"tiers": [self.text()]}})),
        )


def transcripts(most: int = 6) -> st.SearchStrategy[Transcript]:
    """Whole transcripts, segments and points in no order."""
    return st.builds(lambda count, seed: _Maker(seed).transcript(count), st.integers(0, most), st.integers(0, 2**32 - 1))
