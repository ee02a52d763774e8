"""WebVTT: speakers as `<v Name>`, languages as `<lang>`, words as `<00:00:01.500><c.w>word</c>`, starts only.

Everything a browser would take for markup is escaped. In other people's files, only what WebVTT knows as a
tag is one: `<3` and `<inaudible>` stay text. A cue with several voices becomes a segment each, with the same
times. NOTE, STYLE and REGION blocks, identifiers and settings are kept in `foreign`.

The id of a segment is the identifier of its cue. A state of review other than draft stands in a comment before
the cue, which players pass over: `NOTE status unsure: no words heard`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, cast, get_args

from speech.errors import Finding, FormatRefused
from speech.formats import _cues, _losses
from speech.formats._checks import LATEST_MS, checked
from speech.formats._repairs import Times, repaired
from speech.text.decode import decode, lines
from speech.types import Segment, Span, Status, Transcript, Word, id_number, identified, joined

SUFFIXES: tuple[str, ...] = (".vtt",)
LOSSES: tuple[str, ...] = (
    "double_ids",
    "foreign_ids",
    "word_ids",
    "word_ends",
    "estimates",
    "confidence",
    "word_confidence",
    "word_speakers",
    "alternatives",
    "translations",
    "points",
    "kinds",
    "origins",
    "channels",
    "speaker_margins",
    "notes",
    "speaker_records",
    "language_records",
    "about",
)
_TIMING = re.compile(rf"\s*{_cues.CLOCK}\s*-->\s*{_cues.CLOCK}(?P<settings>\s.*)?")
_REVIEW = re.compile(rf"NOTE status (?P<status>{'|'.join(get_args(Status))})(?:: (?P<reason>.*))?", re.DOTALL)
_TAG = re.compile(
    r"<(?:(?P<time>(?:\d+:)?\d\d:\d\d\.\d{3})"
    r"|(?P<close>/)?(?P<name>v|c|i|b|u|ruby|rt|lang)(?P<classes>(?:\.[^\s.<>]+)*)(?:[ \t\n]+(?P<of>[^>]*))?)>"
)


def lost(transcript: Transcript) -> dict[str, int]:
    """What this transcript has that WebVTT cannot hold, with counts."""
    return _losses.lost(transcript, LOSSES)


def kept(transcript: Transcript) -> Transcript:
    """The transcript as WebVTT holds it, its segments with ids."""
    named = identified(_losses.kept(transcript, ("double_ids", "foreign_ids")))
    return _losses.kept(named, LOSSES)


def parse(data: bytes, *, where: str, encoding: str | None = None, findings: list[Finding] | None = None) -> Transcript:
    """The transcript in a WebVTT file.

    Raises
    ------
    FormatRefused
        `FORMAT_SYNTAX`: the first line is not WEBVTT; `FORMAT_TIMES`: negative, or too late.
    TextRefused
        `TEXT_ENCODING`, `TEXT_CONTROL`.
    """
    rows = lines(decode(data, where, encoding=encoding))
    if not rows or not re.fullmatch(r"WEBVTT([ \t].*)?", rows[0]):
        raise FormatRefused(f"{where}, line 1", "the first line is not WEBVTT", "Correct the line in a text editor", "FORMAT_SYNTAX")
    _cues.check_times(rows, where)
    blocks = list(_blocks(rows))
    timings = [next((n for n, row in enumerate(block[:2]) if _TIMING.fullmatch(row)), None) for _, block in blocks]
    times = [_times(block[n], f"{where}, line {first + n}") for (first, block), n in zip(blocks, timings, strict=True) if n is not None]
    spans = iter(repaired(times, where, findings))
    segments: list[Segment] = []
    kept_back: dict[str, Any] = {"header": rows[0], "blocks": [], "cues": []}
    review: dict[str, Any] = {}
    taken: set[str] = set()
    for (_, block), timing in zip(blocks, timings, strict=True):
        if timing is None:
            if said := _REVIEW.fullmatch("\n".join(block)):
                review = {"status": cast(Status, said["status"]), "unsure_reason": html.unescape(said["reason"] or "")}
            else:
                kept_back["blocks"].append("\n".join(block))
            continue
        span = next(spans)
        found = _TIMING.fullmatch(block[timing])
        settings = (found["settings"] or "").strip() if found else ""
        if timing or settings:
            kept_back["cues"].append({"start_ms": span.start_ms, "identifier": block[0] if timing else "", "settings": settings})
        voices = [replace(s, **review) for s in _Cue(span).read("\n".join(block[timing + 1 :]))]
        review = {}
        # The number of a subtitle is no id: it says its place. Only what we wrote, or ELAN, stays through edits.
        if timing and id_number(block[0]) and block[0] not in taken:
            taken.add(block[0])
            voices[0] = replace(voices[0], id=block[0])
        segments.extend(voices)
    found_transcript = checked(Transcript(segments=tuple(segments)), where)
    return replace(_losses.with_lists(found_transcript), foreign={"vtt": kept_back})


def _times(row: str, where: str) -> Times:
    """Start and end as the line of times has them."""
    found = _TIMING.fullmatch(row)
    groups = found.groups() if found else ()
    start, end = _cues.from_clock(groups[:4]), _cues.from_clock(groups[4:8])
    if max(start, end) > LATEST_MS:
        raise FormatRefused(where, "the cue is too late", "Correct its times", "FORMAT_TIMES")
    return start, end


def _blocks(rows: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Stretches of lines between empty ones, after the first line, with the number of their first line."""
    block: list[str] = []
    for number, row in enumerate([*rows[1:], ""], 2):
        if row:
            block.append(row)
        elif block:
            yield number - len(block), block
            block = []


@dataclass(slots=True)
class _Cue:
    """The text of a cue as it is read: voices, languages and words, one after another."""

    span: Span
    speaker: str | None = None
    languages: list[str] = field(default_factory=list)
    start: int | None = None
    text: str = ""
    in_word: bool = False
    word_start: int | None = None
    word_text: str = ""
    words: list[Word] = field(default_factory=list)
    gap: str = ""
    word_language: str | None = None
    language: str | None = None
    closed_at: int = 0
    voices: list[Segment] = field(default_factory=list)

    def read(self, text: str) -> list[Segment]:
        at = 0
        for tag in _TAG.finditer(text):
            self._write(html.unescape(text[at : tag.start()]))
            self._tag(tag)
            at = tag.end()
        self._write(html.unescape(text[at:]))
        if self.text.strip() or self.speaker is not None or not self.voices:
            self._finish()
        return self.voices

    def _write(self, text: str) -> None:
        self.text += text
        if self.in_word:
            self.word_text += text
        elif self.words:
            self.gap += text

    def _tag(self, tag: re.Match[str]) -> None:
        name, closes = tag["name"], bool(tag["close"])
        if tag["time"]:
            found = re.fullmatch(_cues.CLOCK, tag["time"])
            self.start = _cues.from_clock(found.groups()) if found else None
        elif name == "v" and not closes:
            if self.text.strip() or self.speaker is not None:
                self._finish()
            self.text, self.speaker = "", html.unescape(tag["of"] or "") or None
        elif name == "v" and self.speaker is not None:
            self._finish()
            self.speaker = None
        elif name == "lang" and not closes:
            language = html.unescape(tag["of"] or "")
            self.languages.append(language)
            if self.in_word:
                self.word_language = language or None
            elif not self.text:
                self.language = language or None
        elif name == "lang" and self.languages:
            self.languages.pop()
            self.closed_at = len(self.text)
        elif name == "c" and not closes and tag["classes"] == ".w":
            self.in_word, self.word_start, self.word_text, self.word_language = True, self.start, "", None
        elif name == "c" and closes and self.in_word:
            self._end_word()

    def _end_word(self) -> None:
        if self.words:
            self.words[-1] = replace(self.words[-1], separator=self.gap)
        # The end is known only with the next word's start: for now it is that of the cue.
        span = None if self.word_start is None else Span(start_ms=self.word_start, end_ms=max(self.word_start, self.span.end_ms))
        self.words.append(Word(text=self.word_text, span=span, language=self.word_language))
        self.in_word, self.start, self.gap = False, None, ""

    def _finish(self) -> None:
        # A language that ends before the text does is not that of the whole.
        language = self.language if self.closed_at == len(self.text) or self.languages else None
        segment = Segment(span=self.span, text=self.text, speaker=self.speaker, language=language, words=tuple(self.words))
        if not all(w.text for w in segment.words) or joined(segment.words) != segment.text:
            segment = replace(segment, words=())
        self.voices.append(_losses.LOSS["word_ends"].drop(Transcript(segments=(segment,))).segments[0])
        self.text, self.words, self.gap, self.start, self.in_word, self.language = "", [], "", None, False, None


def render(transcript: Transcript) -> bytes:
    """A WebVTT file."""
    parts = ["WEBVTT\n"]
    for segment in kept(checked(transcript)).segments:
        times = f"{_cues.clock(segment.span.start_ms, '.')} --> {_cues.clock(segment.span.end_ms, '.')}"
        text = (
            "".join(map(_marked, segment.words, (*(w.separator for w in segment.words[:-1]), "")))
            if segment.words
            else _escaped(segment.text)
        )
        if segment.language:
            text = f"<lang {_escaped_name(segment.language)}>{text}</lang>"
        if segment.speaker:
            text = f"<v {_escaped_name(segment.speaker)}>{text}</v>"
        parts.append(f"{_reviewed(segment)}\n{segment.id}\n{times}\n" + (f"{text}\n" if text else ""))
    return "".join(parts).encode("utf-8")


def _reviewed(segment: Segment) -> str:
    """The comment before a cue that says how far it was reviewed, where it was."""
    if segment.status == "draft" and not segment.unsure_reason:
        return ""
    # Written in one line: a comment ends at an empty one.
    reason = f": {_escaped(segment.unsure_reason).replace(chr(10), '&#10;')}" if segment.unsure_reason else ""
    return f"\nNOTE status {segment.status}{reason}\n"


def _marked(word: Word, separator: str) -> str:
    stamp = "" if word.span is None else f"<{_cues.clock(word.span.start_ms, '.')}>"
    inner = _escaped(word.text)
    if word.language:
        inner = f"<lang {_escaped_name(word.language)}>{inner}</lang>"
    return f"{stamp}<c.w>{inner}</c>{_escaped(separator)}"


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    # A line end is written as one, but where it would make an empty line, which ends a cue.
    return re.sub(r"(?<![^\n])\n|\n(?=\n|$)", "&#10;", text)


def _escaped_name(name: str) -> str:
    """A name in a tag, where a browser joins blanks and takes them off the ends."""
    text = _escaped(name).replace("\n", "&#10;")
    return re.sub(r"^[^\S\x85]|[^\S\x85]$|(?<=\s)[^\S\x85]|[^\S \x85]", lambda m: f"&#{ord(m.group())};", text)
