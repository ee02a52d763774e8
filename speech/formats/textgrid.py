"""Praat TextGrid: tiers by speaker, words and what hangs on them in tiers of their own (see `_tiers`).

Intervals must touch and fill their tier, so an empty segment and a gap are one; an interval of no length
becomes one of a millisecond. All of Praat's text forms are read: long, short and
chronological. A file read and edited is kept whole by `TextGridFile`; `render` builds a new one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from speech.errors import Finding
from speech.formats import _losses, _tiers
from speech.formats._checks import checked
from speech.formats._listing import TierText
from speech.formats._textgrid_file import GridTier, Mark, TextGridFile, Token, quoted
from speech.types import Span, Transcript

__all__ = ["LOSSES", "SUFFIXES", "GridTier", "Mark", "TextGridFile", "Token", "kept", "lost", "parse", "render", "tiers"]

SUFFIXES: tuple[str, ...] = (".TextGrid",)
"""As Praat writes it, and as MFA and praatio look for it; read in any case."""
LOSSES: tuple[str, ...] = (
    "ids",
    "word_ids",
    "empty_segments",
    "empty_translations",
    "word_overhang",
    "missing_times",
    "zero_lengths",
    "estimates",
    "separators",
    "translators",
    "word_speakers",
    "alternatives",
    "notes",
    "speaker_records",
    "language_records",
    "about",
)
_SEGMENT_VALUES = (
    _tiers.CONFIDENCE,
    _tiers.LANGUAGE,
    _tiers.STATUS,
    _tiers.REASON,
    _tiers.KIND,
    _tiers.ORIGIN,
    _tiers.CHANNEL,
    _tiers.MARGIN,
)
_WORD_VALUES = (_tiers.CONFIDENCE, _tiers.LANGUAGE)


def lost(transcript: Transcript) -> dict[str, int]:
    """What this transcript has that a TextGrid cannot hold, with counts."""
    return _losses.lost(transcript, LOSSES)


def kept(transcript: Transcript) -> Transcript:
    """The transcript as a TextGrid holds it."""
    return _losses.in_tiers(_losses.kept(transcript, LOSSES))


def tiers(data: bytes, *, where: str, encoding: str | None = None) -> tuple[TierText, ...]:
    """The tiers of intervals in a TextGrid, whatever they hold.

    Raises
    ------
    FormatRefused, TextRefused
        As `parse`.
    """
    grid = TextGridFile.from_bytes(data, where=where, encoding=encoding)
    names = [t.name for t in grid.tiers if not t.points]
    roles = {name: _tiers.named(name, names) for name in names}
    owners = {t.parent for t in roles.values()}
    return tuple(
        TierText(
            name=t.name,
            cells=tuple((Span(start_ms=m.start_ms, end_ms=m.end_ms), m.text) for m in t.marks if m.text),
            parent=roles[t.name].parent,
            ours=roles[t.name].role if roles[t.name].parent or t.name in owners or t.name == _tiers.NOBODY else None,
        )
        for t in grid.tiers
        if not t.points
    )


def parse(
    data: bytes,
    *,
    where: str,
    encoding: str | None = None,
    tiers: Collection[str] | None = None,
    findings: list[Finding] | None = None,
) -> Transcript:
    """The transcript in a TextGrid: an interval with text is a segment, its tier the speaker, unless the name is one of ours.

    Parameters
    ----------
    tiers : those whose intervals are segments, with what hangs on them; without it all are read.

    Raises
    ------
    FormatRefused
        `FORMAT_SYNTAX`; `FORMAT_TIMES`: an interval ends before it starts; `FORMAT_VALUE`.
    TextRefused
        `TEXT_ENCODING`, `TEXT_CONTROL`.
    """
    grid = TextGridFile.from_bytes(data, where=where, encoding=encoding)
    names = [t.name for t in grid.tiers if not t.points]
    read: list[_tiers.Tier] = []
    number = 0
    for found in grid.tiers:
        tier = _tiers.Tier(name=found.name, role="points") if found.points else _tiers.named(found.name, names)
        if tiers is not None:
            if found.name in tiers and not found.points:
                speaker = tier.speaker if tier.role == "segments" else _tiers.speaker_of(tier.parent or "", set(names))
                tier = _tiers.Tier(name=found.name, role="segments", speaker=speaker)
            elif found.points or not _hangs_on(tier, tiers, names):
                continue
        for mark in found.marks:
            if mark.text or found.points:
                number += 1
                tier.cells.append(_tiers.Cell(span=Span(start_ms=mark.start_ms, end_ms=mark.end_ms), text=mark.text, number=number))
        read.append(tier)
    segments, points = _tiers.assembled(read, where)
    foreign = {"textgrid": {"tiers": [t.name for t in grid.tiers]}}
    return checked(_losses.with_lists(Transcript(segments=segments, points=points, foreign=foreign)), where)


def _hangs_on(tier: _tiers.Tier, chosen: Collection[str], names: list[str]) -> bool:
    """Whether a tier belongs, over its parents, to a chosen one."""
    while tier.parent is not None:
        if tier.parent in chosen:
            return True
        tier = _tiers.named(tier.parent, names)
    return False


def render(transcript: Transcript) -> bytes:
    """A TextGrid in long form, UTF-8."""
    transcript = checked(transcript)
    _tiers.check_word_order(transcript)
    shaped = kept(transcript)
    tiers = _tiers.laid_out(shaped, _SEGMENT_VALUES, _WORD_VALUES)
    last = max([1, transcript.recording.duration_ms, *(c.span.end_ms for t in tiers for c in t.cells)])
    if not tiers:
        tiers = [_tiers.Tier(name=_tiers.NOBODY, role="segments")]
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {_seconds(last)}"]
    lines += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, tier in enumerate(tiers, 1):
        lines.append(f"    item [{number}]:")
        lines += _tier_lines(tier, last)
    return ("\n".join(lines) + "\n").encode("utf-8")


def _tier_lines(tier: _tiers.Tier, last: int) -> Iterator[str]:
    points = tier.role == "points"
    yield f"        class = {quoted('TextTier' if points else 'IntervalTier')}"
    yield f"        name = {quoted(tier.name)}"
    yield "        xmin = 0"
    yield f"        xmax = {_seconds(last)}"
    if points:
        yield f"        points: size = {len(tier.cells)}"
        for number, cell in enumerate(tier.cells, 1):
            yield f"        points [{number}]:"
            yield f"            number = {_seconds(cell.span.start_ms)}"
            yield f"            mark = {quoted(cell.text)}"
        return
    filled = list(_filled(tier.cells, last))
    yield f"        intervals: size = {len(filled)}"
    for number, (start, end, text) in enumerate(filled, 1):
        yield f"        intervals [{number}]:"
        yield f"            xmin = {_seconds(start)}"
        yield f"            xmax = {_seconds(end)}"
        yield f"            text = {quoted(text)}"


def _filled(cells: list[_tiers.Cell], last: int) -> Iterator[tuple[int, int, str]]:
    """The intervals of a tier, gaps filled with empty ones up to the end."""
    at = 0
    for cell in cells:
        if cell.span.start_ms > at:
            yield at, cell.span.start_ms, ""
        yield cell.span.start_ms, cell.span.end_ms, cell.text
        at = cell.span.end_ms
    if at < last:
        yield at, last, ""


def _seconds(time_ms: int) -> str:
    return repr(time_ms / 1000) if time_ms % 1000 else str(time_ms // 1000)
