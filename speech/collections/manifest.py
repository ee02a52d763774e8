"""Manifests: which clips and spans a collection holds. JSONL (`speech-manifest/1`), and the TSV of a folder of clips.

Reading checks every row and raises once, with all faults by line and field; nothing is corrected, a wrong language
gets a proposal. Text is taken as it stands. Audio is not opened here: `manifest_checks` looks at files and splits.
Field order is fixed and empty fields are left out, so that writing what was read gives the same bytes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from speech.collections import manifest_rows
from speech.collections.manifest_rows import Fault
from speech.errors import ManifestRefused
from speech.files import check_readable, read_errors, shown, write_text

SCHEMA = "speech-manifest/1"
TSV_COLUMNS = ("path", "text", "language", "speaker", "session", "seconds", "split")
_SHOWN = 20
_NOTHING: Mapping[str, Any] = {}  # one for all rows: a million rows would else hold three million of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A clip or a span of a recording. Empty fields say "not known"; `text` None is not transcribed, "" is silence."""

    id: str
    audio: str
    """POSIX path below the collection's root."""
    sha256: str = ""
    start_ms: int = 0
    end_ms: int | None = None
    """None: to the end."""
    text: str | None = None
    text_sha256: str = ""
    """In place of `text`, where the right in it is in doubt: SHA-256 of its UTF-8 bytes."""
    language: str
    glottocode: str = ""
    script: str = ""
    variety: str = ""
    speaker: str = ""
    session: str = ""
    split: str = ""
    translation: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    channel: int | None = None
    licence: str = ""
    access: str = ""
    consent: tuple[str, ...] = ()
    """Ids of the records it rests on."""
    source: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """`file`, `tier`, `annotation` it was cut from."""
    extra: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    @property
    def synthetic(self) -> bool:
        """Whether the row says that a synthesiser spoke (`extra["synthetic"]`): for train alone, people are judged by people."""
        return self.extra.get("synthetic") is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Rows in the order of their lines, and where they were read from."""

    rows: tuple[Row, ...]
    path: Path | None = None


class ManifestFaults(ManifestRefused):
    """A refused manifest with every fault; the message names the first twenty."""

    faults: tuple[Fault, ...] = ()


def read_manifest(path: Path) -> Manifest:
    """A manifest, by its suffix: `.tsv`, else JSONL.

    In a TSV a cell is text without quoting and a line is a row; `id` is the path without its suffix, `seconds` goes to
    `extra["duration_ms"]`, an empty text means not transcribed.

    Raises
    ------
    ManifestFaults
        All faults at once; the code is that of the first: `MANIFEST_JSON`, `MANIFEST_FIELD`, `MANIFEST_ROWS`,
        `MANIFEST_PATH`, `MANIFEST_LANGUAGE`, `MANIFEST_SPAN`, `MANIFEST_DUPLICATE`, `MANIFEST_EMPTY`.
    PathRefused
        The file itself cannot be read.
    """
    return Manifest(rows=tuple(_checked(path)), path=path)


def check_manifest(path: Path) -> int:
    """How many rows a manifest has, each checked as by `read_manifest` and none kept: for the very large."""
    return sum(1 for _ in _checked(path))


def _checked(path: Path) -> Iterator[Row]:
    """Rows as they are read; the refusal with all faults comes at the end."""
    check_readable(path)
    faults: list[Fault] = []
    found = _tsv(_lines(path, faults), faults) if path.suffix == ".tsv" else _jsonl(_lines(path, faults), faults)
    empty = True
    for row in _distinct(found, faults):
        empty = False
        yield row
    if empty and not faults:
        faults.append(Fault(line=1, field="", code="MANIFEST_EMPTY", what="there are no rows"))
    if faults:
        raise refused(shown(path), faults)


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write JSONL, a row a line; the same rows give the same bytes.

    Raises
    ------
    DiskFailure
        Nothing is left behind, an old file is untouched.
    """
    write_text(path, "".join(line_of(row) + "\n" for row in manifest.rows))


def line_of(row: Row) -> str:
    """A row as its line, without the line's end."""
    return json.dumps(_filled(row), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _filled(row: Row) -> dict[str, Any]:
    kept = {}
    for name in _NAMES:
        value = getattr(row, name)
        if value in (None, (), {}) or (value == "" and name != "text") or (name == "start_ms" and value == 0):
            continue
        kept[name] = list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value
    return kept


_NAMES = tuple(f.name for f in fields(Row))


def refused(where: str, faults: Iterable[Fault]) -> ManifestFaults:
    """The refusal that carries `faults`, in the order of their lines."""
    ordered = sorted(faults, key=lambda f: f.line)
    said = "; ".join(str(fault) for fault in ordered[:_SHOWN])
    more = f"; and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    count = f"{len(ordered)} fault{'s' if len(ordered) > 1 else ''}"
    error = ManifestFaults(where, f"{count}: {said}{more}", "Correct these lines and read it again", ordered[0].code)
    error.faults = tuple(ordered)
    return error


def _lines(path: Path, faults: list[Fault]) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, ended by LF or CRLF alone: other signs that Python counts as line ends belong to the text."""
    with read_errors(path), path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if number == 1:
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            try:
                yield number, raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
            except UnicodeDecodeError as error:
                what = f"byte {error.start + 1} of the line is not UTF-8"
                faults.append(Fault(line=number, field="", code="MANIFEST_JSON", what=what))


def _jsonl(lines: Iterable[tuple[int, str]], faults: list[Fault]) -> Iterator[tuple[int, Row]]:
    for number, line in lines:
        values = manifest_rows.parse(number, line, faults)
        if values is not None and (row := _row(number, line, values, faults)) is not None:
            yield number, row


def _row(number: int, line: str, values: dict[str, Any], faults: list[Fault]) -> Row | None:
    found = manifest_rows.checked(number, line, values)
    if found:
        faults.extend(found)
        return None
    for name in ("language", "glottocode", "script", "variety", "speaker", "session", "split", "licence", "access"):
        if name in values:  # the same few words in every row: kept once
            values[name] = sys.intern(values[name])
    if "consent" in values:
        values["consent"] = tuple(values["consent"])
    return Row(**values)


def _distinct(found: Iterable[tuple[int, Row]], faults: list[Fault]) -> Iterator[Row]:
    """The rows, with a fault for each id and each stretch of audio that an earlier row has."""
    ids: dict[Hashable, int] = {}
    stretches: dict[Hashable, int] = {}
    for number, row in found:
        whole = row.start_ms == 0 and row.end_ms is None and row.channel is None
        stretch = row.audio if whole else (row.audio, row.start_ms, row.end_ms, row.channel)
        for name, key, seen in (("id", row.id, ids), ("audio", stretch, stretches)):
            first = seen.setdefault(key, number)
            if first != number:
                what = f"the same {'id' if name == 'id' else 'audio and span'} as line {first}"
                faults.append(Fault(line=number, field=name, code="MANIFEST_DUPLICATE", what=what))
        yield row


def _tsv(lines: Iterator[tuple[int, str]], faults: list[Fault]) -> Iterator[tuple[int, Row]]:
    number, header = next(lines, (1, ""))
    columns = header.split("\t")
    unknown = [c for c in columns if c not in TSV_COLUMNS]
    missing = [c for c in ("path", "language") if c not in columns]
    if unknown or missing or len(set(columns)) != len(columns):
        what = f"the header is {shown(header[:120])!r}; the columns are {' '.join(TSV_COLUMNS)}"
        faults.append(Fault(line=number, field="", code="MANIFEST_FIELD", what=what))
        return
    for number, line in lines:
        cells = line.split("\t")
        if len(cells) != len(columns):
            what = f"{len(cells)} cells where the header has {len(columns)}"
            faults.append(Fault(line=number, field="", code="MANIFEST_ROWS", what=what))
            continue
        row = _tsv_row(number, line, dict(zip(columns, cells, strict=True)), faults)
        if row is not None:
            yield number, row


def _tsv_row(number: int, line: str, cells: dict[str, str], faults: list[Fault]) -> Row | None:
    path = cells["path"]
    head, dot, _ = path.rpartition(".")
    values: dict[str, Any] = {"id": head if dot and "/" not in path[len(head) :] else path, "audio": path, "language": cells["language"]}
    values |= {name: cells[name] for name in ("text", "speaker", "session", "split") if cells.get(name)}
    if cells.get("seconds"):
        length = _milliseconds(cells["seconds"])
        if length is None:
            what = f"{shown(cells['seconds'][:40])} is no length in seconds"
            faults.append(Fault(line=number, field="seconds", code="MANIFEST_SPAN", what=what))
            return None
        values["extra"] = {"duration_ms": length}
    return _row(number, line, values, faults)


def _milliseconds(seconds: str) -> int | None:
    try:
        value = Decimal(seconds) * 1000
    except InvalidOperation:
        return None
    return int(value.to_integral_value()) if value.is_finite() and value > 0 else None
