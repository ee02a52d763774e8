"""Rows of CSV, for a table of segments (`csv`) and one of words (`csv_words`): written by columns, read by their names.

Cells a spreadsheet would run as a formula (also after blanks) get a leading `'`, and so does a cell that begins with one, so reading is
exact. Numbers stay numbers. Lists (alternatives, translations, notes) are JSON in one cell. A mark at the start tells Excel that the file
is UTF-8.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NoReturn, get_args

from speech.errors import Finding, FormatRefused, TextRefused
from speech.formats import _losses
from speech.formats._checks import checked
from speech.text.decode import LONGEST, decode
from speech.types import Alternative, Kind, Origin, Point, Segment, Span, Status, Transcript, Translation, Word

_SEGMENT = ("segment", "id", "start_ms", "end_ms", "speaker", "language", "text", "confidence", "status", "unsure_reason", "origin", "kind")
_SEGMENT_LISTS = ("channel", "speaker_margin", "alternatives", "translations", "notes")
_WORD = ("word", "word_id", "word_start_ms", "word_end_ms", "word_estimated", "word_confidence", "word_speaker", "word_speaker_margin")
_WORD_MORE = ("word_language", "word_separator", "word_alternatives")
_POINT = ("point_ms", "point_label", "point_tier", "point_id")
COLUMNS = (*_SEGMENT, *_SEGMENT_LISTS, *_WORD, *_WORD_MORE, *_POINT)
_NEEDED = ("start_ms", "end_ms", "text")

# What spreadsheets take for the start of a formula, with the full-width forms some of them turn into it. Blanks and signs that
# are not seen may stand before it: some programs take them off first.
_RISKY = re.compile(
    r"'|[\t\r\n]|[\s\x00-\x1f\x7f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]"
)


def written(transcript: Transcript, columns: Sequence[str], *, by_word: bool) -> bytes:
    """A CSV file in UTF-8, lines ended by CRLF: a row a segment, or a row a word with the cells of its segment."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, restval="", extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    for number, segment in enumerate(transcript.segments, 1):
        row = {**_segment_row(segment), "segment": number}
        writer.writerows([{**row, **_word_row(w)} for w in segment.words if by_word] or [row])
    for point in transcript.points:
        texts = {"point_label": guarded(point.label), "point_tier": guarded(point.tier), "point_id": guarded(point.id)}
        writer.writerow({"point_ms": point.time_ms, **texts})
    return out.getvalue().encode("utf-8-sig")


def guarded(text: str | None) -> str:
    """A text as a cell that no spreadsheet runs as a formula."""
    text = text or ""
    return f"'{text}" if _RISKY.match(text) else text


def _unguarded(text: str) -> str:
    # Only a guard that we would have set is taken off: another's `'tis` stays.
    return text[1:] if text.startswith("'") and _RISKY.match(text, 1) else text


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def _listed(values: list[Any]) -> str:
    return json.dumps(values, ensure_ascii=False) if values else ""


def _alternatives(values: tuple[Alternative, ...]) -> str:
    return _listed([{"text": a.text, "confidence": a.confidence} for a in values])


def _segment_row(s: Segment) -> dict[str, Any]:
    return {
        "id": guarded(s.id),
        "start_ms": s.span.start_ms,
        "end_ms": s.span.end_ms,
        "speaker": guarded(s.speaker),
        "language": guarded(s.language),
        "text": guarded(s.text),
        "confidence": _number(s.confidence),
        "status": s.status,
        "unsure_reason": guarded(s.unsure_reason),
        "origin": s.origin,
        "kind": s.kind,
        "channel": _number(s.channel),
        "speaker_margin": _number(s.speaker_margin),
        "alternatives": _alternatives(s.alternatives),
        "translations": _listed([{"language": x.language, "text": x.text, "by": x.by} for x in s.translations]),
        "notes": _listed(list(s.notes)),
    }


def _word_row(w: Word) -> dict[str, Any]:
    return {
        "word": guarded(w.text),
        "word_id": guarded(w.id),
        "word_start_ms": "" if w.span is None else w.span.start_ms,
        "word_end_ms": "" if w.span is None else w.span.end_ms,
        "word_estimated": "yes" if w.estimated else "",
        "word_confidence": _number(w.confidence),
        "word_speaker": guarded(w.speaker),
        "word_speaker_margin": _number(w.speaker_margin),
        "word_language": guarded(w.language),
        # In quotes as JSON: a cell of one blank would not be seen, and many programs take it off.
        "word_separator": "" if w.separator == " " else json.dumps(w.separator, ensure_ascii=False),
        "word_alternatives": _alternatives(w.alternatives),
    }


def parse(data: bytes, *, where: str, encoding: str | None = None, findings: list[Finding] | None = None) -> Transcript:
    """The transcript in a CSV file; of others, `start_ms`, `end_ms` and `text` are enough.

    Rows are one segment where their `segment` is the same; without that column each row is one.

    Raises
    ------
    FormatRefused
        `FORMAT_SYNTAX` (columns missing, a row of another length, a quote left open), `FORMAT_VALUE` (a cell is not
        what its column holds), `FORMAT_TIMES`, `FORMAT_WORDS`.
    TextRefused
        `TEXT_ENCODING`, `TEXT_CONTROL`, `TEXT_TOO_LONG`.
    """
    rows = list(_rows(decode(data, where, encoding=encoding), where))
    segments: dict[str, Segment] = {}
    points: list[Point] = []
    for number, row in rows:
        read = _Row(row, f"{where}, row {number}")
        if row.get("point_ms"):
            points.append(read.point())
            continue
        key = row.get("segment") or f"row {number}"
        segment = segments.setdefault(key, read.segment())
        if row.get("word"):
            segments[key] = replace(segment, words=(*segment.words, read.word()))
    found = checked(Transcript(segments=tuple(segments.values()), points=tuple(points)), where)
    return _losses.with_lists(found)


def _rows(text: str, where: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows by column, counted as a spreadsheet counts them: the first after the names is 2."""
    first = next(csv.reader(io.StringIO(text, newline="")), [])
    delimiter = next(
        (d for d in (",", ";", "\t") if set(_NEEDED) <= set(next(csv.reader(io.StringIO(text, newline=""), delimiter=d), []))), None
    )
    if delimiter is None:
        missing = ", ".join(n for n in _NEEDED if n not in first)
        raise FormatRefused(
            f"{where}, row 1", f"no columns {missing}, divided by comma, semicolon or tab", "Name them in the first row", "FORMAT_SYNTAX"
        )
    before = csv.field_size_limit(LONGEST)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        names = next(reader)
        for number, cells in enumerate(reader, 2):
            if cells and len(cells) != len(names):
                what = f"{len(cells)} cells, where the first row has {len(names)}"
                raise FormatRefused(f"{where}, row {number}", what, "Correct the row, or the quotes before it", "FORMAT_SYNTAX")
            if cells:
                yield number, dict(zip(names, cells, strict=True))
    except csv.Error as error:
        if "field larger" in str(error):
            raise TextRefused(where, f"a cell of more than {LONGEST} characters", "Divide it", "TEXT_TOO_LONG") from error
        raise FormatRefused(where, f"this is not CSV ({error})", "Look for a quote that is not closed", "FORMAT_SYNTAX") from error
    finally:
        csv.field_size_limit(before)


class _Row:
    """One row, each cell read as its column wants it."""

    def __init__(self, row: dict[str, str], where: str) -> None:
        self.row, self.where = row, where

    def _cell(self, name: str, read: Callable[[str], Any], default: Any) -> Any:
        text = self.row.get(name) or ""
        if not text:
            return default
        try:
            return read(text)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self._refuse(name)

    def _refuse(self, name: str) -> NoReturn:
        raise FormatRefused(
            f"{self.where}, column {name}", "the cell is not what this column holds", "Correct the cell", "FORMAT_VALUE"
        ) from None

    def _text(self, name: str) -> str:
        return str(self._cell(name, _unguarded, ""))

    def _choice(self, name: str, choices: Any) -> Any:
        value = self._text(name) or get_args(choices)[0]
        return value if value in get_args(choices) else self._refuse(name)

    def _span(self, prefix: str) -> Span | None:
        start, end = self._cell(f"{prefix}start_ms", int, None), self._cell(f"{prefix}end_ms", int, None)
        if (start is None) != (end is None):
            self._refuse(f"{prefix}start_ms" if start is None else f"{prefix}end_ms")
        return None if start is None else Span(start_ms=start, end_ms=end)

    def _alternatives(self, name: str) -> tuple[Alternative, ...]:
        return tuple(
            self._cell(
                name, lambda t: [Alternative(text=_str(a["text"]), confidence=_maybe(a.get("confidence"))) for a in json.loads(t)], ()
            )
        )

    def segment(self) -> Segment:
        span = self._span("")
        if span is None:
            self._refuse("start_ms")
        return Segment(
            id=self._text("id"),
            span=span,
            speaker=self._text("speaker") or None,
            language=self._text("language") or None,
            text=self._text("text"),
            confidence=self._cell("confidence", float, None),
            status=self._choice("status", Status),
            unsure_reason=self._text("unsure_reason"),
            origin=self._choice("origin", Origin),
            kind=self._choice("kind", Kind),
            channel=self._cell("channel", int, None),
            speaker_margin=self._cell("speaker_margin", float, None),
            alternatives=self._alternatives("alternatives"),
            translations=tuple(self._cell("translations", _translations, ())),
            notes=tuple(self._cell("notes", lambda t: [_str(n) for n in json.loads(t)], ())),
        )

    def word(self) -> Word:
        return Word(
            text=self._text("word"),
            id=self._text("word_id"),
            span=self._span("word_"),
            estimated=self._text("word_estimated") == "yes",
            confidence=self._cell("word_confidence", float, None),
            speaker=self._text("word_speaker") or None,
            speaker_margin=self._cell("word_speaker_margin", float, None),
            language=self._text("word_language") or None,
            separator=self._cell("word_separator", lambda t: _str(json.loads(t)), " "),
            alternatives=self._alternatives("word_alternatives"),
        )

    def point(self) -> Point:
        return Point(
            time_ms=self._cell("point_ms", int, 0),
            label=self._text("point_label"),
            tier=self._text("point_tier"),
            id=self._text("point_id"),
        )


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value


def _maybe(value: Any) -> float | None:
    return None if value is None else float(value)


def _translations(text: str) -> list[Translation]:
    return [Translation(language=_str(x["language"]), text=_str(x["text"]), by=_str(x.get("by", ""))) for x in json.loads(text)]
