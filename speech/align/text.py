"""The old transcript: its lines in order, each with its words as they are written, from plain text or any annotation file we read."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from speech import formats
from speech.errors import TextRefused
from speech.files import read_bytes, shown
from speech.text.decode import lines as lines_in
from speech.text.decode import read_text
from speech.types import Segment, Span, Transcript, Word

PLAIN = (".txt", ".text", ".md", "")
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the old transcript: as it was written, and its words with what divides them.

    `number` counts from 1 as people count: lines of a text file, annotations of another. `segment` is what it was in a file that had it.
    """

    number: int
    text: str
    words: tuple[Word, ...]
    segment: Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class OldText:
    """The lines in order, and the transcript they come from: its speakers, languages and the rest are kept."""

    lines: tuple[Line, ...]
    transcript: Transcript
    path: Path
    sha256: str
    timed: bool
    """Whether the file had times, which are not believed."""
    left: tuple[str, ...] = ()
    """Tiers of the file with annotations that are not taken along: not chosen, or below those that are, and not of our own kinds."""
    eaf: bytes = field(default=b"", repr=False)
    """The file itself, where it is an EAF that has such tiers."""


def read_old(path: Path, *, tiers: Collection[str] | None = None, encoding: str | None = None) -> OldText:
    """The transcript in a file: plain text, a line a line; EAF, TextGrid, SRT, VTT and the others, an annotation a line.

    Raises
    ------
    TextRefused
        `TEXT_EMPTY`: there are no words in it; and as `text.decode`.
    FormatRefused, PathRefused
        As `formats.read`.
    """
    if path.suffix.lower() in PLAIN:
        found = [(n, line.strip()) for n, line in enumerate(lines_in(read_text(path, encoding=encoding)), 1) if line.strip()]
        transcript = Transcript(segments=tuple(Segment(span=Span(start_ms=0, end_ms=0), text=text, origin="person") for _, text in found))
        return _old(transcript, [n for n, _ in found], path, timed=False)
    old = old_of(formats.read(path, tiers=tiers, encoding=encoding), path)
    left = _left(path, tiers, encoding)
    return dataclasses.replace(old, left=left, eaf=read_bytes(path) if left and path.suffix.lower() == ".eaf" else b"")


def _left(path: Path, tiers: Collection[str] | None, encoding: str | None) -> tuple[str, ...]:
    found = formats.tiers(path, encoding=encoding)
    taken = set(tiers) if tiers else {tier.name for tier in found if tier.parent is None}
    return tuple(tier.name for tier in found if tier.filled and tier.ours is None and tier.name not in taken)


def old_of(transcript: Transcript, path: Path) -> OldText:
    """The same of a transcript that was read from `path`: its segments with a text, in their order, without spaces around them.

    Raises
    ------
    TextRefused
        `TEXT_EMPTY`.
    """
    order = sorted(transcript.segments, key=lambda s: (s.span.start_ms, s.span.end_ms))
    transcript = dataclasses.replace(
        transcript, segments=tuple(dataclasses.replace(s, text=s.text.strip()) for s in order if s.text.strip())
    )
    return _old(transcript, range(1, len(transcript.segments) + 1), path, timed=True)


def _old(transcript: Transcript, numbers: Sequence[int], path: Path, *, timed: bool) -> OldText:
    import hashlib

    lines = tuple(
        Line(number=number, text=segment.text, words=_words(segment), segment=segment)
        for number, segment in zip(numbers, transcript.segments, strict=True)
    )
    if not any(line.words for line in lines):
        raise TextRefused(shown(path), "there are no words in it", "Name the file that holds the transcript", "TEXT_EMPTY")
    return OldText(lines=lines, transcript=transcript, path=path, sha256=hashlib.sha256(read_bytes(path)).hexdigest(), timed=timed)


def _words(segment: Segment) -> tuple[Word, ...]:
    """The words of a line as they are written, signs that touch them included; ids of words that the file had are kept where they fit."""
    found = list(_WORD.finditer(segment.text))
    had = segment.words if [w.text for w in segment.words] == [m[0] for m in found] else ()
    words = []
    for k, match in enumerate(found):
        after = segment.text[match.end() : found[k + 1].start()] if k + 1 < len(found) else " "
        words.append(Word(text=match[0], separator=after, id=had[k].id if had else "", speaker=had[k].speaker if had else None))
    return tuple(words)
