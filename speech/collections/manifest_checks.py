"""What a manifest alone does not show: whether its files are there and unchanged, and whether its splits are apart.

The length of a recording is asked of a function that is handed in: reading audio is another room's work.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from speech.collections.manifest import Manifest, Row, refused
from speech.collections.manifest_rows import Fault
from speech.errors import Finding
from speech.files import resolved, sha256_of, shown

Lengths = Callable[[Path], int]
"""The length of a recording in milliseconds."""

_SLACK_MS = 50


def check_files(manifest: Manifest, root: Path, *, hashes: bool = False, length_ms: Lengths | None = None) -> None:
    """Look at every file below `root` that the rows name; with `hashes`, read each; with `length_ms`, compare spans.

    Raises
    ------
    ManifestFaults
        `MANIFEST_AUDIO` (missing, with the name that differs only in case or Unicode form), `MANIFEST_PATH` (a link out
        of the root), `MANIFEST_CHANGED` (another hash), `MANIFEST_SPAN` (past the end by over 50 ms, with the real length).
    """
    faults: list[Fault] = []
    whole = resolved(root)
    for number, row in enumerate(manifest.rows, start=1):
        faults.extend(_file_faults(number, row, whole, hashes, length_ms))
    if faults:
        raise refused(_name(manifest), faults)


def _file_faults(number: int, row: Row, root: Path, hashes: bool, length_ms: Lengths | None) -> Iterator[Fault]:
    path = root / row.audio
    if not path.is_file():
        near = _near(path)
        what = f"{shown(row.audio)} is not there" + (f"; {shown(near)} is" if near else "")
        yield Fault(line=number, field="audio", code="MANIFEST_AUDIO", what=what)
        return
    if not resolved(path).is_relative_to(root):
        yield Fault(line=number, field="audio", code="MANIFEST_PATH", what=f"{shown(row.audio)} is a link out of the root")
        return
    if hashes and row.sha256 and sha256_of(path) != row.sha256:
        yield Fault(line=number, field="sha256", code="MANIFEST_CHANGED", what=f"{shown(row.audio)} is not the file that was recorded")
    if length_ms is not None and row.end_ms is not None and row.end_ms > length_ms(path) + _SLACK_MS:
        what = f"the span ends at {row.end_ms} ms, the audio at {length_ms(path)} ms"
        yield Fault(line=number, field="end_ms", code="MANIFEST_SPAN", what=what)


def _near(path: Path) -> str:
    """A name in the same folder that differs only in case or Unicode form."""
    if not path.parent.is_dir():
        return ""
    wanted = _folded(path.name)
    return next((p.name for p in sorted(path.parent.iterdir()) if _folded(p.name) == wanted), "")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


JUDGED = ("dev", "test")
"""Splits that judge: what no person said is in neither."""


def check_splits(manifest: Manifest, split_by: str = "") -> tuple[Finding, ...]:
    """Whether anything stands in more than one split; `split_by` is what the card says they are apart by, and why.

    Returns
    -------
    Findings `MANIFEST_LEAK` with counts, where the card explains what is shared.

    Raises
    ------
    ManifestFaults
        `MANIFEST_LEAK`: audio in two splits, or a speaker, session or text that the card says nothing of;
        synthetic speech in dev or test.
    """
    findings = []
    faults = [
        Fault(line=line, field="split", code="MANIFEST_LEAK", what=f"synthetic speech is in {row.split}")
        for line, row in enumerate(manifest.rows, start=1)
        if row.synthetic and row.split in JUDGED
    ]
    for name in ("audio", "speaker", "session", "text"):
        shared = _shared(manifest, name)
        if shared and (name == "audio" or not split_by):
            faults += [
                Fault(line=line, field=name, code="MANIFEST_LEAK", what=f"the same {name} is in {' and '.join(sorted(splits))}")
                for line, splits in shared
            ]
        elif shared:
            what = f"{len(shared)} of {name} in more than one split; the card says: split by {split_by}"
            findings.append(Finding(code="MANIFEST_LEAK", where=_name(manifest), what=what, mend="Score what is repeated apart"))
    if faults:
        raise refused(_name(manifest), faults)
    return tuple(findings)


def _shared(manifest: Manifest, name: str) -> list[tuple[int, set[str]]]:
    """Values of a field that more than one split has: the line of the first, and the splits."""
    first: dict[str, int] = {}
    splits: dict[str, set[str]] = defaultdict(set)
    for number, row in enumerate(manifest.rows, start=1):
        value = _text_of(row) if name == "text" else getattr(row, name)
        if value and row.split:
            first.setdefault(value, number)
            splits[value].add(row.split)
    return [(first[value], found) for value, found in splits.items() if len(found) > 1]


def _text_of(row: Row) -> str:
    return row.text_sha256 or (hashlib.sha256(row.text.encode("utf-8")).hexdigest() if row.text else "")


def overlaps(manifest: Manifest) -> tuple[Finding, ...]:
    """Findings `MANIFEST_OVERLAP`: spans of one speaker that lie over each other in one recording. Of two speakers it is no fault."""
    spans: dict[tuple[str, str, int | None], list[tuple[int, int, str]]] = defaultdict(list)
    for row in manifest.rows:
        if row.speaker and row.end_ms is not None:
            spans[(row.audio, row.speaker, row.channel)].append((row.start_ms, row.end_ms, row.id))
    findings = []
    for (audio, speaker, _), found in spans.items():
        found.sort()
        for (_, end, one), (start, _, other) in zip(found, found[1:], strict=False):
            if start < end:
                what = f"{one} and {other} of {speaker} overlap by {end - start} ms in {shown(audio)}"
                findings.append(Finding(code="MANIFEST_OVERLAP", where=_name(manifest), what=what, mend="Check the speaker or the times"))
    return tuple(findings)


def _name(manifest: Manifest) -> str:
    return shown(manifest.path) if manifest.path else "manifest"
