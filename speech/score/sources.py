"""Files into what can be paired: rows with keys, or one whole transcript.

Four kinds of file: plain text (a line a clip, or `id<TAB>text`), tables with a header (`text`, and `path` or `id`, or
the times `start` and `end`), JSON lines (manifests, and what `speech transcribe --json` prints), and everything
`speech.formats` reads, of which the tiers of the transcription are taken. A whole manifest is read as one, with all its
checks; rows that name a clip and a text, and no more, are enough here. This module pairs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from speech.collections.manifest import TSV_COLUMNS, read_manifest, refused
from speech.collections.manifest_rows import Fault, parse
from speech.errors import Finding, TextRefused
from speech.files import shown
from speech.languages import UNDETERMINED
from speech.score.records import SideName
from speech.text.checks import check_name
from speech.text.decode import check, lines, read_text
from speech.types import Recording, Segment, Span, Transcript

TABLES = (".tsv",)
JSON_LINES = (".jsonl", ".ndjson")
PLAIN = (".txt", ".text", ".trn", ".ref", ".hyp", "")

_CODE = re.compile(r"[a-z]{3}")
_TIMES = re.compile(r"\d+[.,]\d+\t\d+[.,]\d+(\t|$)")
_TIME_FIELDS = (("start_ms", "end_ms", 1), ("start", "end", 1000))
"""Columns of times in a table, and how many milliseconds one is."""
_PATH_FIELDS = ("audio", "path", "file_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A text and what it can be found by. `text` is None where the row says that nothing was transcribed."""

    text: str | None
    id: str = ""
    path: str = ""
    start_ms: int | None = None
    end_ms: int | None = None
    language: str = ""
    speaker: str | None = None
    recording: str = ""
    split: str = ""
    words: tuple[tuple[str, float | None], ...] = ()

    @property
    def place(self) -> str:
        """The path, with the span where the row is a part of its recording."""
        return self.path if self.start_ms is None and self.end_ms is None else f"{self.path}#{self.start_ms}-{self.end_ms}"

    @property
    def name(self) -> str:
        """The file name without folder and suffix, with the span."""
        return self.place.replace(self.path, PurePosixPath(self.path.replace("\\", "/")).stem, 1) if self.path else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Entries of one file; `keyed` says whether they have ids or paths, or stand in order only."""

    file: str
    entries: tuple[Entry, ...]
    keyed: bool
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """One transcript of one recording: of which tiers, which others were left, and what to know of it.

    `asked` says whether a tier that a person named was found; None where none was named.
    """

    file: str
    transcript: Transcript
    tiers: tuple[tuple[str, int], ...] = ()
    not_read: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    asked: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one side is read. `tier` must be there where `strict`; else it is taken where it is there."""

    side: SideName = "reference"
    language: str = UNDETERMINED
    encoding: str | None = None
    format: str | None = None
    tier: str | None = None
    strict: bool = True


def read_source(path: Path, reading: Reading | None = None) -> Listed | Whole:
    """What one file offers for pairing.

    Raises
    ------
    PathRefused, FormatRefused, ManifestRefused
        It cannot be read, is of no known format, or has rows with faults (all are listed).
    TextRefused
        `TEXT_ENCODING`, `TEXT_CONTROL`, `TEXT_SURROGATE`, `TEXT_TOO_LONG`; `TEXT_UNPAIRED`: rows that no pair can
        be made of, by number. `TEXT_TIER`: it is not clear which tier holds the transcription, or the one asked for is
        not there.
    """
    reading = reading or Reading()
    suffix, encoding = f".{reading.format}" if reading.format else path.suffix.lower(), reading.encoding
    if suffix in (*JSON_LINES, *TABLES, *PLAIN):
        if reading.tier is not None and reading.strict:
            raise TextRefused(shown(path), "this file has no tiers", f"Leave out --tier {reading.tier!r} for it", "TEXT_TIER")
        text = read_text(path, encoding=encoding)
        if suffix in JSON_LINES:
            return _json_lines(text, path)
        return _table(text, path) if suffix in TABLES else _plain(text, shown(path))
    return _annotated(path, reading)


def transcription_in(path: Path, language: str, *, tier: str | None = None, encoding: str | None = None) -> Transcript:
    """The transcription in an annotation file: of the tier named, or of those that hold it as far as can be told.

    Raises
    ------
    PathRefused, FormatRefused, TextRefused
        As `read_source`.
    """
    return whole_in(path, language, tier=tier, encoding=encoding).transcript


def whole_in(path: Path, language: str, *, tier: str | None = None, encoding: str | None = None) -> Whole:
    """As `transcription_in`, with the tiers that it was read from."""
    return _annotated(path, Reading(language=language, tier=tier, strict=tier is not None, encoding=encoding))


def _annotated(path: Path, reading: Reading) -> Whole:
    """A transcript of the tiers that were named, or that hold the transcription as far as can be told."""
    from speech import formats
    from speech.score import tiers as choosing

    given = {"format": reading.format, "encoding": reading.encoding}
    where, listed = shown(path), formats.tiers(path, **given)
    there = reading.tier is not None and bool(choosing.named(listed, reading.tier))
    findings: list[Finding] = []
    if not listed and not (reading.tier is not None and reading.strict):
        transcript = formats.read(path, findings=findings, **given)
        return Whole(file=where, transcript=transcript, findings=tuple(findings), asked=None if reading.tier is None else False)
    asked = reading.tier if there or reading.strict else None
    choice = choosing.choose(listed, language=reading.language, where=where, asked=asked)
    transcript = formats.read(path, tiers=[t.name for t in choice.used], findings=findings, **given)
    findings += choosing.words_that_differ(choice, listed, language=reading.language, side=reading.side)
    return Whole(
        file=where,
        transcript=transcript,
        tiers=tuple((t.name, len(t.filled)) for t in choice.used),
        not_read=tuple(t.name for t in choice.left),
        findings=tuple(findings),
        asked=None if reading.tier is None else there,
    )


def _plain(text: str, where: str) -> Listed:
    """A line a clip, empty ones too; or `id<TAB>text` where every line that is not empty has a tab."""
    rows = lines(text)
    if _labels(rows):
        _unpaired(where, "this is a label track: its lines begin with two times, not with an id", "Save it as TextGrid, EAF or SRT")
    filled = [n for n, row in enumerate(rows, start=1) if row.strip()]
    tabbed = [n for n in filled if "\t" in rows[n - 1]]
    if not tabbed:
        return Listed(file=where, entries=tuple(Entry(text=row, id="") for row in rows), keyed=False)
    if len(tabbed) < len(filled):
        bare = sorted(set(filled) - set(tabbed))
        _unpaired(where, f"some lines have an id and a tab, others have none (lines {_few(bare)})", "Give every line an id, or none")
    parted = [rows[n - 1].split("\t", 1) for n in filled]
    return Listed(file=where, entries=tuple(Entry(id=key.strip(), text=rest) for key, rest in parted), keyed=True)


def _labels(rows: Sequence[str]) -> bool:
    filled = [row for row in rows if row.strip() and not row.startswith("\\")]
    return bool(filled) and all(_TIMES.match(row) for row in filled)


def _table(text: str, path: Path) -> Listed | Whole:
    """Tab-separated rows under a header, cells as they stand (no quoting); without a header as plain text."""
    where, rows = shown(path), lines(text)
    header = rows[0].split("\t") if rows else []
    times = next((t for t in _TIME_FIELDS if set(t[:2]) <= set(header)), None)
    keys = {"id", *_PATH_FIELDS} & set(header)
    if "text" not in header or not (keys or times):
        return _plain(text, where)
    if {"path", "language"} <= set(header) <= set(TSV_COLUMNS):
        return _manifest(path)
    cells = [row.split("\t") for row in rows[1:] if row]
    if wrong := [n for n, row in enumerate(cells, start=2) if len(row) != len(header)]:
        _unpaired(where, f"rows {_few(wrong)} do not have the {len(header)} cells of the header", "Give every row a cell a column")
    found = [dict(zip(header, row, strict=True)) for row in cells]
    if times and not keys:
        return Whole(file=where, transcript=_timed(found, times, where))
    return Listed(file=where, entries=tuple(_entry(row, "") for row in found), keyed=True)


def _timed(rows: Sequence[Mapping[str, str]], times: tuple[str, str, int], where: str) -> Transcript:
    """Rows of a start, an end and a text as one transcript."""
    start, end, factor = times
    segments, wrong = [], []
    for number, row in enumerate(rows, start=2):
        try:
            span = Span(start_ms=round(Decimal(row[start]) * factor), end_ms=round(Decimal(row[end]) * factor))
        except (InvalidOperation, ValueError, OverflowError):
            wrong.append(number)
            continue
        if not 0 <= span.start_ms <= span.end_ms:
            wrong.append(number)
        segments.append(Segment(span=span, text=row["text"], speaker=row.get("speaker") or None, language=row.get("language") or None))
    if wrong:
        _unpaired(
            where, f"rows {_few(wrong)} have times that cannot be", f"Give {start} and {end} as numbers, the end not before the start"
        )
    return Transcript(segments=tuple(segments))


def as_one(source: Listed, side: SideName) -> Transcript | None:
    """Rows with times of one recording as its transcript; None where they are anything else.

    A row that nobody transcribed is no reference; as a hypothesis it has nothing.
    """
    entries = source.entries
    if not entries or len({e.path for e in entries}) > 1 or not entries[0].path:
        return None
    segments = []
    for e in entries:
        if e.start_ms is None or e.end_ms is None or (e.text is None and side == "reference"):
            return None
        span = Span(start_ms=e.start_ms, end_ms=e.end_ms)
        segments.append(Segment(span=span, text=e.text or "", speaker=e.speaker, language=e.language or None))
    return Transcript(recording=Recording(path=entries[0].path), segments=tuple(segments))


def _json_lines(text: str, path: Path) -> Listed:
    where = shown(path)
    faults: list[Fault] = []
    rows: list[dict[str, Any]] = []
    entries = []
    for number, line in enumerate(lines(text), start=1):
        if line.strip() and (pairs := parse(number, line, faults)) is not None:
            rows.append(dict(pairs))
            entries.append(_entry(rows[-1], f"{where}, row {number}"))
    if faults:
        raise refused(where, faults)
    if rows and all({"id", "audio", "language"} <= set(row) for row in rows):
        return _manifest(path)
    return Listed(file=where, entries=tuple(entries), keyed=True)


def _manifest(path: Path) -> Listed:
    return Listed(file=shown(path), entries=tuple(_entry(asdict(row), "") for row in read_manifest(path).rows), keyed=True)


def _entry(row: Mapping[str, Any], where: str) -> Entry:
    """A row of a manifest or of `transcribe --json`, by field names; unknown fields do not matter here."""
    for field in ("id", "text", *_PATH_FIELDS):
        if where and isinstance(row.get(field), str):
            # JSON escapes can make what the file's own bytes could not hold.
            check(row[field], f"{where}, {field}")
    path = next((str(row[f]) for f in _PATH_FIELDS if row.get(f)), "")
    for name in (path, str(row.get("id") or "")):
        check_name(name, shown(name))
    text = row.get("text")
    start, end = _ms(row.get("start_ms")), _ms(row.get("end_ms"))
    whole = not start and end is None
    return Entry(
        id=str(row.get("id") or ""),
        path=path,
        start_ms=None if whole else start or 0,
        end_ms=end,
        text=text if isinstance(text, str) else None,
        language=code_or_nothing(row.get("language")),
        speaker=str(row["speaker"]) if row.get("speaker") else None,
        recording=str(row.get("session") or ""),
        split=str(row.get("split") or ""),
        words=_words(row.get("words")),
    )


def _ms(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if value.isdecimal() else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _words(value: Any) -> tuple[tuple[str, float | None], ...]:
    """Words with confidences, where a row has them: objects with `text` and `confidence`."""
    if not isinstance(value, list):
        return ()
    return tuple((str(w["text"]), _number(w.get("confidence"))) for w in value if isinstance(w, dict) and "text" in w)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def code_or_nothing(value: object) -> str:
    """`value` if it has the form of a language code, else nothing."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else ""


def _few(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - 10:,} more" if len(numbers) > 10 else ""
    return ", ".join(map(str, numbers[:10])) + more


def _unpaired(where: str, what: str, mend: str) -> NoReturn:
    raise TextRefused(where, what, mend, "TEXT_UNPAIRED")
