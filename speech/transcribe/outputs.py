"""Results into files, then rows of the ledger; refusals into rows of the ledger."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

from speech.collections import consent
from speech.errors import Finding, SpeechError, StoreFailure
from speech.files import disk_errors, shown
from speech.transcribe.records import Result

log = logging.getLogger(__name__)


def deliver(
    recording: Path,
    outcome: Result | Exception,
    folder: Path | None,
    *,
    formats: Sequence[str],
    context: consent.Context,
    strict: bool = False,
    force: bool = False,
) -> Result:
    """Write what came of `recording` into `folder` in each format (nowhere when None), then the ledger's row.

    Raises
    ------
    FormatRefused
        `FORMAT_EXISTS`: another result lies there; `FORMAT_LOSS` under `strict`.
    SpeechError
        `outcome` itself, where it is a refusal. Every refusal gets its row in the ledger.
    """
    try:
        if isinstance(outcome, Exception):
            raise outcome
        outputs, findings = _written(recording, outcome, folder, formats, strict=strict, force=force)
    except SpeechError as error:
        _record_refusal(recording, context, error)
        raise
    try:
        findings += _record(recording, outcome, outputs, context, None)
    except StoreFailure as failure:
        files = ", ".join(map(shown, outputs)) or "no file"
        what = f"{failure.what}; written before that, without a row in the ledger: {files}"
        raise StoreFailure(failure.where, what, failure.mend, failure.code) from failure
    return dataclasses.replace(outcome, findings=(*outcome.findings, *findings), outputs=tuple(shown(p) for p in outputs))


def _record_refusal(recording: Path, context: consent.Context, error: SpeechError) -> None:
    """The ledger's row of a refusal; where the ledger fails, the refusal itself is still what the caller hears."""
    try:
        found = _record(recording, None, [], context, error)
    except StoreFailure as failure:
        error.add_note(f"{failure} [{failure.code}]")
        return
    for finding in found:
        log.warning("%s: %s", finding.where, finding.what)


def make_folder(folder: Path) -> None:
    """The folder that results go into.

    Raises
    ------
    DiskFailure
        It cannot be made.
    """
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)


def _written(
    recording: Path, result: Result, folder: Path | None, formats: Sequence[str], *, strict: bool, force: bool
) -> tuple[list[Path], list[Finding]]:
    """All formats written, or none: a refusal of one comes before the first is there."""
    from speech import formats as written

    if folder is None:
        return [], []
    make_folder(folder)
    findings: list[Finding] = []
    planned = []
    for name in formats:
        target, renamed = output_path(recording, folder, name)
        planned.append(written.plan(result.transcript, target, format=name, strict=strict, force=force))
        findings += [*renamed, *planned[-1].findings]
    for file in planned:
        file.write()
    return [file.path for file in planned], findings


def output_path(recording: Path, folder: Path, format: str) -> tuple[Path, list[Finding]]:
    """Where the result of `recording` goes: its name with the format's suffix, escaped and shortened where a disk needs it."""
    from speech import formats as written

    suffix = written.by_name(format).SUFFIXES[0]
    stem = shown(recording.stem).replace("/", "_")
    name = stem + suffix
    if len(name.encode("utf-8")) <= 200 and stem == recording.stem:
        return folder / name, []
    digest = hashlib.sha256(str(recording.name).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    short = stem.encode("utf-8")[:150].decode("utf-8", "ignore")
    made = folder / f"{short}-{digest}{suffix}"
    return made, [
        Finding(
            code="NAME_CHANGED",
            where=shown(recording),
            what=f"the result is named {made.name}: not every disk can hold the recording's own name",
        )
    ]


def _record(
    recording: Path, result: Result | None, outputs: Sequence[Path], context: consent.Context, error: SpeechError | None
) -> list[Finding]:
    """The ledger's row for what was done or refused; a finding where this machine has no place for a ledger."""
    from speech.collections import acts, ledger

    try:
        ledger.append(acts.transcribe_event(recording, result, outputs, context, error))
    except StoreFailure as failure:
        if failure.code != "STORE_PLACE":
            raise
        return [
            Finding(code=failure.code, where=failure.where, what=f"no row was written to the ledger: {failure.what}", mend=failure.mend)
        ]
    return []
