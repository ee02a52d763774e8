"""Two transcripts of one recording, cut at different places, joined by time into passages that both sides hold.

A passage ends where both sides pause: no word, or segment whose words have no times, lies over its border. So no
word is counted in two passages, or torn from the one it answers to; and one recording gives many things to draw and to
read. Where one side alone has something close to a border, it stays with its neighbour: a word that one side puts just
before a border and the other just after it is no error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from speech.score.records import Said
from speech.types import Segment, Span, Word

SLACK_MS = 100
"""What two annotations may overlap without being one passage, halved: people and models set borders that roughly."""
NEAR_MS = 500
"""How near a neighbour must lie for what one side alone has to go with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A word with its time, or a whole segment where its words have none; `segment` is its number on its side."""

    span: Span
    segment: int
    source: Segment
    words: tuple[Word, ...]

    @property
    def core(self) -> Span:
        """What of its span must lie in the passage."""
        start, end = self.span.start_ms + SLACK_MS, self.span.end_ms - SLACK_MS
        if start < end:
            return Span(start_ms=start, end_ms=end)
        middle = (self.span.start_ms + self.span.end_ms) // 2
        return Span(start_ms=middle, end_ms=middle + 1)


@dataclass(slots=True, kw_only=True)
class Passage:
    """What both sides have in one stretch of time."""

    reference: list[Piece] = field(default_factory=list)
    hypothesis: list[Piece] = field(default_factory=list)

    @property
    def span(self) -> Span:
        """From the first start to the last end of either side."""
        spans = [p.span for p in (*self.reference, *self.hypothesis)]
        return Span(start_ms=min(s.start_ms for s in spans), end_ms=max(s.end_ms for s in spans))

    @property
    def one_sided(self) -> bool:
        """Whether one side has nothing here."""
        return not (self.reference and self.hypothesis)


def has_times(segments: Sequence[Segment]) -> bool:
    """Whether every text has a place in time."""
    return all(s.span.length_ms > 0 for s in segments if s.text.strip())


def passages(reference: Sequence[Segment], hypothesis: Sequence[Segment]) -> list[Passage]:
    """The passages in order of time (of where they surely begin); every segment with a text is in one, or its words are, each in one."""
    pieces = [(p.core, True, p) for p in _pieces(reference)] + [(p.core, False, p) for p in _pieces(hypothesis)]
    found: list[Passage] = []
    end_ms = -1
    for core, of_reference, piece in sorted(pieces, key=lambda x: (x[0].start_ms, x[0].end_ms)):
        if not found or core.start_ms >= end_ms:
            found.append(Passage())
        (found[-1].reference if of_reference else found[-1].hypothesis).append(piece)
        end_ms = max(end_ms, core.end_ms)
    return _with_neighbours(found)


def text_of(pieces: Sequence[Piece]) -> str:
    """What one side says in a passage: segment after segment, a line each, so that two speakers do not mix word by word."""
    lines: dict[int, str] = {}
    for piece in sorted(pieces, key=lambda p: (p.segment, p.span.start_ms)):
        whole = piece.words == piece.source.words
        said = piece.source.text if whole else "".join(w.text + w.separator for w in piece.words)
        lines[piece.segment] = lines.get(piece.segment, "") + said
    return "\n".join(line.strip() for line in lines.values())


def said_in(pieces: Sequence[Piece]) -> tuple[Said, ...]:
    """What `text_of` gives, by speaker."""
    held: dict[int, list[Piece]] = {}
    for piece in sorted(pieces, key=lambda p: (p.segment, p.span.start_ms)):
        held.setdefault(piece.segment, []).append(piece)
    return tuple(s for own in held.values() for s in by_speaker(own[0].source, tuple(w for p in own for w in p.words)))


def by_speaker(segment: Segment, words: Sequence[Word]) -> Iterator[Said]:
    """These of a segment's words as text, cut where a word has another speaker than the one before."""
    if words == segment.words and all(w.speaker in (None, segment.speaker) for w in words):
        yield Said(speaker=segment.speaker, text=segment.text, language=segment.language)
        return
    for speaker, run in groupby(words, key=lambda w: w.speaker or segment.speaker):
        yield Said(speaker=speaker, text="".join(w.text + w.separator for w in run), language=segment.language)


def _pieces(segments: Sequence[Segment]) -> Iterator[Piece]:
    """Segments must be in order of time: their numbers are the order in which a passage reads them."""
    for number, segment in enumerate(segments):
        if not segment.text.strip():
            continue
        if len(segment.words) > 1 and all(w.span is not None and not w.estimated for w in segment.words):
            for word in segment.words:
                if word.span is not None:
                    yield Piece(span=word.span, segment=number, source=segment, words=(word,))
        else:
            yield Piece(span=segment.span, segment=number, source=segment, words=segment.words)


def _with_neighbours(found: Sequence[Passage]) -> list[Passage]:
    """One-sided passages joined with the nearer neighbour, where that is near."""
    gaps = [max(0, b.span.start_ms - a.span.end_ms) for a, b in zip(found, found[1:], strict=False)]
    joined: set[int] = set()
    for number, passage in enumerate(found):
        near = [n for n in (number - 1, number) if 0 <= n < len(gaps) and gaps[n] <= NEAR_MS]
        if passage.one_sided and near:
            joined.add(min(near, key=lambda n: gaps[n]))
    made: list[Passage] = []
    for number, passage in enumerate(found):
        if number - 1 in joined:
            made[-1].reference += passage.reference
            made[-1].hypothesis += passage.hypothesis
        else:
            made.append(passage)
    return made
