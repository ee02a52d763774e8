"""Words of a segment after a person's act: those that still stand keep their times, the rest get estimated ones.

Positions in a text are counted in graphemes (what a reader calls a letter), as the app counts them.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

import regex

from speech.types import Segment, Span, Word, joined

_GRAPHEME = regex.compile(r"\X")
_TOKEN = re.compile(r"\S+")


def graphemes(text: str) -> list[str]:
    """The text cut into graphemes."""
    return list(_GRAPHEME.findall(text))


def saved(text: str) -> str:
    """A text as it is stored: NFC, without control signs, no blanks round it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    kept = "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs"))
    return unicodedata.normalize("NFC", kept).strip()


def with_text(segment: Segment, text: str) -> Segment:
    """The segment with another text, written by a person; the same one where the text is the same."""
    if text == saved(segment.text):
        return segment
    status = segment.status if segment.status == "unsure" else "edited"
    words = _words(segment, text) if segment.words else ()
    return replace(segment, text=text, words=words, status=status, origin="person", confidence=None, alternatives=())


def _words(segment: Segment, text: str) -> tuple[Word, ...]:
    found = list(_TOKEN.finditer(text))
    tokens = [m.group() for m in found]
    old = segment.words
    new: list[Word | None] = [None] * len(tokens)
    # Other programs' files may hold letters and marks apart; what is saved is composed.
    before = [unicodedata.normalize("NFC", w.text) for w in old]
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(a=before, b=tokens, autojunk=False).get_opcodes():
        if tag == "equal":
            new[j1:j2] = [w if w.text == t else replace(w, text=t) for w, t in zip(old[i1:i2], tokens[j1:j2], strict=True)]
        elif tag == "replace":
            new[j1:j2] = _divided(old[i1:i2], tokens[j1:j2])
    words = [w or Word(text=t, estimated=True) for w, t in zip(new, tokens, strict=True)]
    gaps = [text[a.end() : b.start()] for a, b in zip(found, found[1:], strict=False)]
    spaced = [w if w.separator == s else replace(w, separator=s) for w, s in zip(words, [*gaps, " "], strict=True)]
    return tuple(placed(spaced, segment.span))


def _divided(old: Sequence[Word], tokens: Sequence[str]) -> list[Word]:
    """New words in the time of those whose place they take."""
    spans = [w.span for w in old if w.span]
    if not spans:
        return [Word(text=t, estimated=True) for t in tokens]
    outer = Span(start_ms=min(s.start_ms for s in spans), end_ms=max(s.end_ms for s in spans))
    one = old[0] if len(old) == 1 else Word(text="")
    return [
        Word(text=t, span=s, estimated=True, speaker=one.speaker, language=one.language)
        for t, s in zip(tokens, shares(outer, [len(graphemes(t)) for t in tokens]), strict=True)
    ]


def shares(outer: Span, sizes: Sequence[int]) -> list[Span]:
    """`outer` divided in proportion to `sizes`."""
    total, done, found = max(1, sum(sizes)), 0, []
    for size in sizes:
        start = outer.start_ms + outer.length_ms * done // total
        done += size
        found.append(Span(start_ms=start, end_ms=outer.start_ms + outer.length_ms * done // total))
    return found


def placed(words: Sequence[Word], outer: Span) -> list[Word]:
    """The words with an estimated time for each estimated one that has none, where there is room between its neighbours."""
    found = list(words)
    at = 0
    while at < len(found):
        if found[at].span is not None or not found[at].estimated:
            at += 1
            continue
        stop = next((n for n in range(at, len(found)) if found[n].span is not None or not found[n].estimated), len(found))
        before = next((w.span.end_ms for w in reversed(found[:at]) if w.span), outer.start_ms)
        after = next((w.span.start_ms for w in found[stop:] if w.span), outer.end_ms)
        if after - before >= stop - at:
            spans = shares(Span(start_ms=before, end_ms=after), [len(graphemes(w.text)) for w in found[at:stop]])
            found[at:stop] = [replace(w, span=s) for w, s in zip(found[at:stop], spans, strict=True)]
        at = stop
    return found


def within(segment: Segment, span: Span) -> Segment:
    """The segment at another span; words that no longer lie in it get what of it is left, or no time."""
    if span == segment.span:
        return segment
    words = []
    for word in segment.words:
        if word.span is None or (span.start_ms <= word.span.start_ms and word.span.end_ms <= span.end_ms):
            words.append(word)
            continue
        start, end = max(word.span.start_ms, span.start_ms), min(word.span.end_ms, span.end_ms)
        words.append(replace(word, span=Span(start_ms=start, end_ms=end) if end > start else None, estimated=True))
    return replace(segment, span=span, words=tuple(words))


def ends_of(words: Sequence[Word]) -> list[tuple[int, int]]:
    """Where each word begins and ends in the text they spell, in graphemes."""
    found, at = [], 0
    for word in words:
        size = len(graphemes(word.text))
        found.append((at, at + size))
        at += size + len(graphemes(word.separator))
    return found


def cut_at_time(segment: Segment, at_ms: int) -> int:
    """The grapheme before which a segment's text is cut for a cut in time: between words."""
    if segment.words:
        left = 0
        for word, (start, end) in zip(segment.words, ends_of(segment.words), strict=True):
            middle = (word.span.start_ms + word.span.end_ms) // 2 if word.span else None
            if middle is not None and middle >= at_ms:
                return start
            left = end
        return left
    letters = graphemes(segment.text)
    near = round(len(letters) * (at_ms - segment.span.start_ms) / max(1, segment.span.length_ms))
    borders = [0, *(n for n, letter in enumerate(letters) if letter.isspace()), len(letters)]
    return min(borders, key=lambda n: abs(n - near))


def time_at_cut(segment: Segment, caret: int) -> int:
    """When the text's grapheme `caret` begins: by the words' times, else by its share of the text."""
    ends = ends_of(segment.words)
    for n, (start, end) in enumerate(ends):
        span = segment.words[n].span
        if caret <= start:
            before = segment.words[n - 1].span if n else None
            if span and before:
                return (before.end_ms + span.start_ms) // 2
            if span or before:
                return span.start_ms if span else before.end_ms if before else 0
            break
        if start < caret < end and span:
            return span.start_ms + span.length_ms * (caret - start) // (end - start)
    else:
        if ends and segment.words[-1].span:
            return segment.words[-1].span.end_ms
    return segment.span.start_ms + segment.span.length_ms * caret // max(1, len(graphemes(segment.text)))


def halves(segment: Segment, caret: int, at_ms: int) -> tuple[tuple[str, tuple[Word, ...]], tuple[str, tuple[Word, ...]]]:
    """Text and words before and after a cut; a word that is cut in two gives two estimated ones."""
    if not segment.words:
        letters = graphemes(segment.text)
        return ("".join(letters[:caret]).rstrip(), ()), ("".join(letters[caret:]).lstrip(), ())
    left: list[Word] = []
    right: list[Word] = []
    for word, (start, end) in zip(segment.words, ends_of(segment.words), strict=True):
        if end <= caret:
            left.append(word)
        elif start >= caret:
            right.append(word)
        else:
            letters = graphemes(word.text)
            parts = "".join(letters[: caret - start]), "".join(letters[caret - start :])
            spans: tuple[Span | None, Span | None] = (None, None)
            if word.span:
                middle = min(max(at_ms, word.span.start_ms), word.span.end_ms)
                spans = Span(start_ms=word.span.start_ms, end_ms=middle), Span(start_ms=middle, end_ms=word.span.end_ms)
            one = replace(word, confidence=None, alternatives=(), estimated=True)
            left.append(replace(one, text=parts[0], span=spans[0], separator=""))
            right.append(replace(one, text=parts[1], span=spans[1], id=""))
    return (joined(tuple(left)), tuple(left)), (joined(tuple(right)), tuple(right))
