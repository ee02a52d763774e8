"""Words against the text and times of their segment: separators found again, times divided, edits carried over."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from speech.types import Segment, Span, Word


def spaced(text: str, words: Sequence[Word]) -> tuple[Word, ...] | None:
    """The words with the separators that make them spell `text`, or None where they do not spell it.

    Each word is taken as early as it can stand, the last at the end; so if there is a way, one is found.
    """
    if not words:
        return ()
    at = 0
    separators: list[str] = []
    for number, word in enumerate(words):
        if number == len(words) - 1 and number:
            start = len(text) - len(word.text)
            start = start if text.endswith(word.text) else -1
        else:
            start = text.find(word.text, at)
        if start < at or (number == 0 and start != 0):
            return None
        if number:
            separators.append(text[at:start])
        at = start + len(word.text)
    if at != len(text):
        return None
    return tuple(w if w.separator == s else replace(w, separator=s) for w, s in zip(words, (*separators, " "), strict=True))


def fitted(text: str, words: Sequence[Word]) -> tuple[Word, ...]:
    """Words for a text that a person may have edited since: those still in it keep times and confidence.

    The text wins. Where the words do not spell it, it is cut at blanks, and a word that stands unchanged
    keeps what was known of it; a new one has no time.
    """
    words = [w for w in words if w.text]
    if not words:
        return ()
    exact = spaced(text, words)
    if exact is not None and not any(unicodedata.category(c)[0] in "LMN" for w in exact for c in w.separator):
        return exact
    parts = re.findall(r"\S+", text)
    known: dict[int, Word] = {}
    for block in difflib.SequenceMatcher(a=[w.text for w in words], b=parts, autojunk=False).get_matching_blocks():
        known.update({block.b + n: words[block.a + n] for n in range(block.size)})
    if text != text.strip() or not known:
        return ()
    return spaced(text, [known.get(n, Word(text=part)) for n, part in enumerate(parts)]) or ()


def clamped(span: Span, outer: Span) -> Span:
    """The span, no part of it outside `outer`."""
    start = min(max(span.start_ms, outer.start_ms), outer.end_ms)
    return Span(start_ms=start, end_ms=min(max(span.end_ms, start), outer.end_ms))


def at_least(span: Span, last_ms: int) -> Span:
    """The span, at least a millisecond long, that one before `last_ms`."""
    if span.length_ms:
        return span
    start = min(span.start_ms, last_ms - 1)
    return Span(start_ms=start, end_ms=start + 1)


def divided(segment: Segment) -> tuple[Span, ...]:
    """A span for every word: its own, within the segment; a missing one by even division between neighbours."""
    spans: list[Span | None] = [w.span and clamped(w.span, segment.span) for w in segment.words]
    at = 0
    while at < len(spans):
        if spans[at] is not None:
            at += 1
            continue
        stop = next((n for n in range(at, len(spans)) if spans[n] is not None), len(spans))
        before = spans[at - 1] if at else None
        after = spans[stop] if stop < len(spans) else None
        right = after.start_ms if after else segment.span.end_ms
        left = min(before.end_ms if before else segment.span.start_ms, right)
        count = stop - at
        for n in range(count):
            start, end = left + (right - left) * n // count, left + (right - left) * (n + 1) // count
            spans[at + n] = Span(start_ms=start, end_ms=end)
        at = stop
    return tuple(s for s in spans if s is not None)
