"""Files into what can be paired: rows with keys, or one whole transcript.

Four kinds of file: plain text (a line a clip, or `id<TAB>text`), tables with a header (`path` or `id`, and `text`),
JSON lines (manifests, and what `speech transcribe --json` prints), and everything `speech.formats` reads. A whole
manifest is read as one, with all its checks; rows that name a clip and a text, and no more, are enough here. This
module pairs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from speech.collections.manifest import TSV_COLUMNS, read_manifest, refused
from speech.collections.manifest_rows import Fault, parse
from speech.errors import Finding, TextRefused
from speech.files import shown
from speech.text.checks import check_name
from speech.text.decode import check, lines, read_text
from speech.types import Transcript

TABLES = (".tsv",)
JSON_LINES = (".jsonl", ".ndjson")
PLAIN = (".txt", ".text", ".trn", ".ref", ".hyp", "")

_CODE = re.compile(r"[a-z]{3}")
_TIMES = re.compile(r"\d+[.,]\d+\t\d+[.,]\d+(\t|$)")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """One transcript of one recording."""

    file: str
    transcript: Transcript


def read_source(path: Path, *, encoding: str | None = None, findings: list[Finding] | None = None) -> Listed | Whole:
    """What one file offers for pairing; what had to be repaired in it is added to `findings`.

    Raises
    ------
    PathRefused, FormatRefused, ManifestRefused
        It cannot be read, is of no known format, or has rows with faults (all are listed).
    TextRefused
        `TEXT_ENCODING`, `TEXT_CONTROL`, `TEXT_SURROGATE`, `TEXT_TOO_LONG`; `TEXT_UNPAIRED`: rows that no pair can
        be made of, by number.
    """
    suffix = path.suffix.lower()
    if suffix in JSON_LINES:
        return _json_lines(read_text(path, encoding=encoding), path)
    if suffix in TABLES:
        return _table(read_text(path, encoding=encoding), path)
    if suffix in PLAIN:
        return _plain(read_text(path, encoding=encoding), shown(path))
    from speech.formats import read

    return Whole(file=shown(path), transcript=read(path, encoding=encoding, findings=findings))


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


def _table(text: str, path: Path) -> Listed:
    """Tab-separated rows under a header, cells as they stand (no quoting); without a header as plain text."""
    where, rows = shown(path), lines(text)
    header = rows[0].split("\t") if rows else []
    if "text" not in header or not {"id", *_PATH_FIELDS} & set(header):
        return _plain(text, where)
    if {"path", "language"} <= set(header) <= set(TSV_COLUMNS):
        return _manifest(path)
    cells = [row.split("\t") for row in rows[1:] if row]
    if wrong := [n for n, row in enumerate(cells, start=2) if len(row) != len(header)]:
        _unpaired(where, f"rows {_few(wrong)} do not have the {len(header)} cells of the header", "Give every row a cell a column")
    return Listed(file=where, entries=tuple(_entry(dict(zip(header, row, strict=True)), "") for row in cells), keyed=True)


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
