"""Transcripts into files and back: one module a format, found by listing this folder.

`read` gives the transcript in a file; `save` writes one, reads it back, compares it with what was meant, and
says what the format could not hold. A format is a module with `SUFFIXES`, `LOSSES`, `parse`, `render`,
`lost` and `kept`; adding a format is adding a file. Nothing here decides what a transcript says.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import importlib
import io
import os
import re
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Protocol, cast, runtime_checkable

from speech.errors import Finding, FormatRefused, InternalFailure, PathRefused, SpeechError
from speech.files import read_bytes, shown, write_bytes
from speech.formats._listing import TierText as TierText  # given out here
from speech.types import Transcript

_HELPERS = {"encoding"}
PACKED = ".gz"
"""The further end of a name whose file was packed by gzip."""
_LARGEST = 1 << 28
"""Bytes that a packed file may hold: far above any transcript, and below what fills a small machine's memory."""


class Format(Protocol):
    """What a module of this folder offers.

    `parse` adds to `findings` what it had to repair. `kept` is the transcript less `LOSSES`: what reading it back must give.
    """

    @property
    def SUFFIXES(self) -> tuple[str, ...]: ...
    @property
    def LOSSES(self) -> tuple[str, ...]: ...
    def parse(self, data: bytes, *, where: str, encoding: str | None = None, findings: list[Finding] | None = None) -> Transcript: ...
    def render(self, transcript: Transcript) -> bytes: ...
    def lost(self, transcript: Transcript) -> dict[str, int]: ...
    def kept(self, transcript: Transcript) -> Transcript: ...


@runtime_checkable
class Tiered(Protocol):
    """What a format offers, too, whose files have tiers to choose from."""

    def tiers(self, data: bytes, *, where: str, encoding: str | None = None) -> tuple[TierText, ...]: ...
    def parse(
        self,
        data: bytes,
        *,
        where: str,
        encoding: str | None = None,
        tiers: Collection[str] | None = None,
        findings: list[Finding] | None = None,
    ) -> Transcript: ...


@functools.cache
def names() -> tuple[str, ...]:
    """The formats, sorted."""
    files = (f.name.removesuffix(".py") for f in resources.files(__name__).iterdir() if f.name.endswith(".py"))
    return tuple(sorted(n for n in files if not n.startswith("_") and n not in _HELPERS))


def by_name(name: str) -> Format:
    """The format of this name.

    Raises
    ------
    FormatRefused
        `FORMAT_UNKNOWN`: there is none.
    """
    if name not in names():
        raise FormatRefused(
            f"--format {ascii(name)[1:-1]}", "there is no such format", f"Choose one of {', '.join(names())}", "FORMAT_UNKNOWN"
        )
    return cast(Format, importlib.import_module(f"{__name__}.{name}"))


def for_path(path: str | os.PathLike[str]) -> Format:
    """The format of a file, by the end of its name.

    Raises
    ------
    FormatRefused
        `FORMAT_UNKNOWN`: the end is that of no format we have.
    """
    suffix = Path(path).suffix.lower()
    for name in names():
        if suffix in (s.lower() for s in by_name(name).SUFFIXES):
            return by_name(name)
    known = ", ".join(s for name in names() for s in by_name(name).SUFFIXES)
    raise FormatRefused(
        shown(path),
        f"no format is known for {ascii(suffix)[1:-1] or 'a name without an end'}",
        f"Name it {known}, or give --format",
        "FORMAT_UNKNOWN",
    )


def tiers(path: str | os.PathLike[str], *, format: str | None = None, encoding: str | None = None) -> tuple[TierText, ...]:
    """The tiers of a file with their annotations; none where its format knows no tiers.

    Raises
    ------
    FormatRefused, TextRefused, PathRefused
        As `read`.
    """
    path = Path(path)
    found = _format_of(path, format)
    return found.tiers(_contents(path), where=shown(path), encoding=encoding) if isinstance(found, Tiered) else ()


def _format_of(path: Path, name: str | None) -> Format:
    if name:
        return by_name(name)
    return for_path(path.with_suffix("") if path.suffix.lower() == PACKED else path)


def _contents(path: Path) -> bytes:
    data = read_bytes(path)
    return unpacked(data, path) if path.suffix.lower() == PACKED else data


def read(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    encoding: str | None = None,
    tiers: Collection[str] | None = None,
    findings: list[Finding] | None = None,
) -> Transcript:
    """The transcript in a file, packed by gzip (`.eaf.gz`) or not; the file is only read.

    `recording.path`, written relative to the transcript, comes back relative to where the program runs. What had to be
    repaired (a cue that ends before it starts) is added to `findings`.

    Parameters
    ----------
    tiers : in a format with tiers, those whose annotations are segments; without it each that may be one.

    Raises
    ------
    FormatRefused, TextRefused
        It is of no format we have, or not what its format should be.
    PathRefused
        The path leads to no file that may be read.
    """
    path = Path(path)
    found, data, where = _format_of(path, format), _contents(path), shown(path)
    if tiers is not None and isinstance(found, Tiered):
        transcript = found.parse(data, where=where, encoding=encoding, tiers=tiers, findings=findings)
    else:
        transcript = found.parse(data, where=where, encoding=encoding, findings=findings)
    return _with_paths(transcript, lambda given: Path(os.path.normpath(path.parent / given)).as_posix() if _relative(given) else given)


def unpacked(data: bytes, path: Path) -> bytes:
    """What was packed by gzip.

    Raises
    ------
    FormatRefused
        `FORMAT_SYNTAX`: it is none, is cut off, or holds more than a transcript can.
    """
    try:
        with gzip.open(io.BytesIO(data)) as file:
            held = file.read(_LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FormatRefused(
            shown(path), "this is not a whole file packed by gzip", "Pack it again, or give it as it was", "FORMAT_SYNTAX"
        ) from error
    if len(held) > _LARGEST:
        raise FormatRefused(
            shown(path), f"it holds more than {_LARGEST >> 20} MB, which no transcript does", "Give the transcript itself", "FORMAT_SYNTAX"
        )
    return held


def save(
    transcript: Transcript,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    strict: bool = False,
    force: bool = False,
) -> list[Finding]:
    """Write a transcript; the file is there whole and read back, or not at all.

    Parameters
    ----------
    strict : refuse where the format cannot hold all
    force : replace another file of this name, which is kept beside it as `story.1.eaf` (or the next free number)

    Returns
    -------
    `FORMAT_LOSS` with counts, where the format cannot hold all; else nothing.

    Raises
    ------
    FormatRefused
        `FORMAT_EXISTS`: another file lies there (the same one is no fault). `FORMAT_LOSS`: `strict`.
        `FORMAT_TIMES`, `FORMAT_WORDS`, `FORMAT_VALUE`, `FORMAT_TEXT`: nobody could read it back.
    TextRefused
        `TEXT_CONTROL`, `TEXT_SURROGATE`, with the segment.
    """
    planned = plan(transcript, path, format=format, strict=strict, force=force)
    planned.write()
    return planned.findings


def losses(transcript: Transcript, path: str | os.PathLike[str], *, format: str | None = None) -> list[Finding]:
    """What `save` would say of a file at `path` that cannot hold all; nothing is written."""
    path = Path(path)
    counts = (by_name(format) if format else for_path(path)).lost(_beside(transcript, path))
    return [_loss(path, counts)] if counts else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A file that can be written; `data` is None where it lies there already."""

    path: Path
    data: bytes | None
    findings: list[Finding]
    force: bool

    def write(self) -> Path | None:
        """Write it, as `save` would; where an older file is kept now, if one was replaced."""
        return None if self.data is None else put(self.data, self.path, force=self.force)


def plan(
    transcript: Transcript, path: str | os.PathLike[str], *, format: str | None = None, strict: bool = False, force: bool = False
) -> Planned:
    """All that `save` does but the writing; so that of several formats all are written, or none.

    Raises
    ------
    FormatRefused, TextRefused, PathRefused
        As `save`.
    """
    path = Path(path)
    found = by_name(format) if format else for_path(path)
    transcript = _beside(transcript, path)
    counts = found.lost(transcript)
    findings = [_loss(path, counts)] if counts else []
    if findings and strict:
        raise FormatRefused(findings[0].where, findings[0].what, findings[0].mend, "FORMAT_LOSS")
    data = found.render(transcript)
    if found.kept(found.parse(data, where=shown(path))) != found.kept(transcript):
        raise InternalFailure(
            shown(path), "what was written does not read back as it was meant", "Report this; nothing was written", "INTERNAL"
        )
    there = _made_before(found, transcript, path)
    if not there:
        _check_free(data, path, force=force)
    return Planned(path=path, data=None if there else data, findings=findings, force=force)


def _made_before(found: Format, transcript: Transcript, path: Path) -> bool:
    """Whether the file at `path` holds this transcript already, made at another moment: then it stays as it is."""
    if not path.is_file():
        return False
    try:
        old = found.parse(read_bytes(path), where=shown(path))
    except SpeechError:
        return False
    return found.kept(_timeless(old)) == found.kept(_timeless(transcript))


def _timeless(transcript: Transcript) -> Transcript:
    return replace(transcript, created="", provenance=tuple(replace(act, at="") for act in transcript.provenance))


def plan_data(data: bytes, path: Path, *, force: bool) -> Planned:
    """The same of bytes that are ready.

    Raises
    ------
    FormatRefused
        `FORMAT_EXISTS`.
    """
    return Planned(path=path, data=None if _check_free(data, path, force=force) == data else data, findings=[], force=force)


def with_times(data: bytes, transcript: Transcript, path: Path) -> bytes:
    """An EAF that a transcript was read from, as a file at `path`: all of it, with the transcript's times (`eaf.with_times`)."""
    from speech.formats import eaf

    return eaf.with_times(data, _beside(transcript, path), where=shown(path))


def rendered(transcript: Transcript, path: str | os.PathLike[str], *, format: str | None = None) -> bytes:
    """The bytes that `save` would write at `path`; nothing is written."""
    found = by_name(format) if format else for_path(path)
    return found.render(_beside(transcript, Path(path)))


def put(data: bytes, path: Path, *, force: bool) -> Path | None:
    """Write bytes where nothing, or the same, lies; with `force` what lies there is kept beside, under the name given back.

    Raises
    ------
    FormatRefused
        `FORMAT_EXISTS`: another file lies there.
    """
    old = _check_free(data, path, force=force)
    if old == data:
        return None
    backup = None
    if old is not None:
        backup = free_name(path)
        write_bytes(backup, old)
    write_bytes(path, data)
    return backup


def _check_free(data: bytes, path: Path, *, force: bool) -> bytes | None:
    """What lies at `path`, where it is the same or may be replaced; None where nothing does."""
    if not path.parent.is_dir():
        raise PathRefused(shown(path), "its folder does not exist", "Make the folder, or choose another --out", "PATH_MISSING")
    if not os.path.lexists(path):
        return None
    old = read_bytes(path)
    if old != data and not force:
        raise FormatRefused(
            shown(path),
            "another file of this name exists",
            f"Choose another --out, or --force: the old file is kept beside it, as {shown(free_name(path).name)}",
            "FORMAT_EXISTS",
        )
    return old


def put_edited(data: bytes, path: Path, *, read_sha256: str) -> None:
    """Write an edited file over the one it was read from.

    Raises
    ------
    FormatRefused
        `FORMAT_CHANGED`: the file is no longer the one that was read; nothing was written.
    """
    now = hashlib.sha256(read_bytes(path)).hexdigest()
    if now != read_sha256:
        raise FormatRefused(
            shown(path),
            "the file was changed since it was read",
            "Read it again, or choose another --out; nothing was written",
            "FORMAT_CHANGED",
        )
    write_bytes(path, data)


def free_name(path: Path) -> Path:
    """Where an old file is kept: `story.1.eaf` beside `story.eaf`, which programs still open by its suffix."""
    number = 1
    while os.path.lexists(path.with_name(f"{path.stem}.{number}{path.suffix}")):
        number += 1
    return path.with_name(f"{path.stem}.{number}{path.suffix}")


def _loss(path: Path, counts: dict[str, int]) -> Finding:
    from speech.formats._losses import LOSS

    listed = ", ".join(f"{count} {LOSS[name].says}" for name, count in counts.items())
    return Finding(
        code="FORMAT_LOSS",
        where=shown(path),
        what=f"{path.name} cannot hold: {listed}",
        mend="Save as json too, which holds everything",
    )


def _beside(transcript: Transcript, path: Path) -> Transcript:
    """The transcript with its recording named relative to the file it is saved in."""

    def named(given: str) -> str:
        if not (_relative(given) or given.startswith("/")):
            return given
        near = shown(os.path.relpath(given, path.parent) if _same_root(given, path) else given)
        return PurePosixPath(near.replace(os.sep, "/")).as_posix()

    return _with_paths(transcript, named)


def _with_paths(transcript: Transcript, change: Callable[[str], str]) -> Transcript:
    """The transcript with the paths of its recording changed, where it has any."""
    recording = transcript.recording
    changed = replace(recording, path=recording.path and change(recording.path), wav=recording.wav and change(recording.wav))
    return transcript if changed == recording else replace(transcript, recording=changed)


def _same_root(given: str, path: Path) -> bool:
    return os.path.splitdrive(Path(given).absolute())[0] == os.path.splitdrive(path.absolute())[0]


def _relative(given: str) -> bool:
    """Whether a recording's path depends on where one stands: no root, no drive, no address."""
    return not (given.startswith("/") or PureWindowsPath(given).drive or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", given))
