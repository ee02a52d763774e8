"""Results into files, then rows of the ledger; refusals into rows of the ledger."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import logging
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from speech.collections import consent
from speech.collections.acts import Verb
from speech.collections.made import Made
from speech.collections.results import Due
from speech.errors import Finding, FormatRefused, SpeechError, StoreFailure
from speech.files import disk_errors, shown
from speech.types import Transcript

log = logging.getLogger(__name__)

R = TypeVar("R", bound=Made)


def deliver(
    recording: Path,
    outcome: R | Exception,
    due: Due | None = None,
    *,
    verb: Verb,
    context: consent.Context,
    strict: bool = False,
    force: bool = False,
) -> R:
    """Write what came of `recording` where it is `due` (nowhere when None), then the ledger's row.

    What could not be written, because another file lies there, is in the result's `refusal`.

    Raises
    ------
    FormatRefused
        `FORMAT_LOSS` under `strict`; `FORMAT_EXISTS` where no format could be written.
    SpeechError
        `outcome` itself, where it is a refusal. Every refusal gets its row in the ledger.
    """
    if not isinstance(outcome, Exception) and due is not None and not due.write:
        return _as_it_lies(outcome, due, verb, context)
    try:
        if isinstance(outcome, Exception):
            raise outcome
        written = _written(outcome, due, strict=strict, force=force)
        if due is not None and due.write and not written.outputs and written.refusal:
            raise written.refusal
    except SpeechError as error:
        _record_refusal(recording, verb, context, error)
        raise
    findings = written.findings
    try:
        findings += _record(recording, outcome, written.outputs, verb, context, None)
    except StoreFailure as failure:
        files = ", ".join(map(shown, written.outputs)) or "no file"
        what = f"{failure.what}; written before that, without a row in the ledger: {files}"
        raise StoreFailure(failure.where, what, failure.mend, failure.code) from failure
    unchanged = [due.place.files[name] for name in due.unchanged] if due else []
    return dataclasses.replace(
        outcome,
        findings=(*outcome.findings, *findings),
        outputs=tuple(shown(p) for p in (*written.outputs, *unchanged, *written.copies)),
        backups=tuple(map(shown, written.backups)),
        refusal=written.refusal,
    )


def _as_it_lies(outcome: R, due: Due, verb: Verb, context: consent.Context) -> R:
    """The result of an earlier run, which is all that was asked for; with a WAV, where that is asked for now."""
    paths = [due.place.files[name] for name in due.unchanged]
    copies: list[Path] = []
    copy = wav_of(outcome, due)
    if copy is not None and not os.path.lexists(copy):
        copies.append(_write_copy(outcome, due.place.recording, copy))
        _name_copy(outcome, due, copy, verb, context)
    return dataclasses.replace(outcome, outputs=tuple(map(shown, (*paths, *copies))), refusal=due.refusal, unchanged=True)


def _name_copy(outcome: Made, due: Due, copy: Path, verb: Verb, context: consent.Context) -> None:
    """Write the WAV's name into the results that can hold it: nobody has changed them since they were written."""
    from speech import formats

    changed = []
    for name in due.unchanged:
        if name in ("eaf", "json"):
            path = due.place.files[name]
            before = hashlib.sha256(path.read_bytes()).hexdigest()
            named = with_wav(dataclasses.replace(outcome, transcript=formats.read(path, format=name)), copy).transcript
            formats.put_edited(formats.rendered(named, path, format=name), path, read_sha256=before)
            changed.append(path)
    if changed:
        _record(due.place.recording, outcome, changed, verb, context, None)


def unchanged_transcript(due: Due) -> Transcript:
    """What an earlier run made of a recording, read from the format that says most of it; nothing is heard."""
    from speech import formats

    fullest = ("json", "eaf", "csv_words", "textgrid")
    order = sorted(due.unchanged, key=lambda name: fullest.index(name) if name in fullest else len(fullest))
    return formats.read(due.place.files[order[0]], format=order[0])


def _record_refusal(recording: Path, verb: Verb, context: consent.Context, error: SpeechError) -> None:
    """The ledger's row of a refusal; where the ledger fails, the refusal itself is still what the caller hears."""
    try:
        found = _record(recording, None, [], verb, context, error)
    except StoreFailure as failure:
        error.add_note(f"{failure} [{failure.code}]")
        return
    for finding in found:
        log.warning("%s: %s", finding.where, finding.what)


def check_folder(folder: Path) -> None:
    """Whether results can be written below `folder`, which need not be there: nothing is made before there is a result.

    Raises
    ------
    DiskFailure
        `DISK_READONLY`, `DISK_IO`: it, or what it would lie in, is no folder that may be written.
    """
    above = folder.absolute()
    with disk_errors(folder):
        while True:
            try:
                found = above.stat()
                break
            except FileNotFoundError:
                if above.is_symlink():
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None  # a link to nothing
                above = above.parent
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, f"{shown(above)} is no folder")
        if not os.access(above, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def make_folder(folder: Path) -> None:
    """The folder that results go into.

    Raises
    ------
    DiskFailure
        It cannot be made.
    """
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)


@dataclasses.dataclass(slots=True)
class _Written:
    outputs: list[Path] = dataclasses.field(default_factory=list)
    backups: list[Path] = dataclasses.field(default_factory=list)
    copies: list[Path] = dataclasses.field(default_factory=list)
    findings: list[Finding] = dataclasses.field(default_factory=list)
    refusal: FormatRefused | None = None


def _written(result: Made, due: Due | None, *, strict: bool, force: bool) -> _Written:
    """Every format that is due; what another file stands in the way of is refused, and the others are written all the same.

    A loss that `strict` refuses comes before the first file is there.
    """
    from speech import formats as written

    found = _Written()
    if due is None:
        return found
    found.refusal = due.refusal
    found.findings += due.place.findings
    copy = wav_of(result, due)
    if copy is not None and _is_anothers(copy):
        found.findings.append(
            Finding(
                code="FORMAT_EXISTS",
                where=shown(copy),
                what=f"{copy.name} lies there already, is no copy of ours, and stays as it is: no WAV was written",
                mend="Choose another --out",
            )
        )
        copy = None
    if copy is not None:
        result = with_wav(result, copy)
    planned = []
    for name in due.write:
        target = due.place.files[name]
        make_folder(target.parent)
        try:
            planned.append(written.plan(result.for_format(name), target, format=name, strict=strict, force=force))
        except FormatRefused as refused:
            if refused.code != "FORMAT_EXISTS":
                raise
            found.refusal = refused
            continue
        found.findings += planned[-1].findings
    for path, data in result.further({name: due.place.files[name] for name in due.write}).items():
        try:
            planned.append(written.plan_data(data, path, force=force))
        except FormatRefused as refused:
            found.refusal = refused
    if copy is not None and planned:
        found.copies.append(_write_copy(result, due.place.recording, copy))
    for file in planned:
        if backup := file.write():
            found.backups.append(backup)
        found.outputs.append(file.path)
    return found


def wav_of(result: Made, due: Due) -> Path | None:
    """Where a WAV of the recording goes, beside its results; None where it is not asked for, or the recording is one."""
    is_wav = result.transcript.recording.media_type == "audio/x-wav" or due.place.recording.suffix.lower() in (".wav", ".wave")
    if result.read is None or is_wav:
        return None
    first = next(iter(due.place.files.items()))
    from speech import formats

    return first[1].with_name(first[1].name.removesuffix(formats.by_name(first[0]).SUFFIXES[0]) + ".wav")


def with_wav(result: R, copy: Path) -> R:
    """The result with its transcript naming the WAV."""
    recording = dataclasses.replace(result.transcript.recording, wav=copy.as_posix())
    return dataclasses.replace(result, transcript=dataclasses.replace(result.transcript, recording=recording))


def _is_anothers(copy: Path) -> bool:
    """Whether a file lies where a WAV of ours should go that we did not make."""
    from speech.audio.folders import is_copy

    return os.path.lexists(copy) and not is_copy(copy)


def _write_copy(result: Made, recording: Path, copy: Path) -> Path:
    """Write the WAV; one that we made before, perhaps of other sound under the same name, is made anew."""
    from speech.audio.copies import write_wav

    make_folder(copy.parent)
    write_wav(recording, copy, result.read)
    return copy


def _record(
    recording: Path, result: Made | None, outputs: Sequence[Path], verb: Verb, context: consent.Context, error: SpeechError | None
) -> list[Finding]:
    """The ledger's row for what was done or refused; a finding where this machine has no place for a ledger."""
    from speech.collections import acts, ledger

    try:
        ledger.append(acts.verb_event(verb, recording, result, outputs, context, error))
    except StoreFailure as failure:
        if failure.code != "STORE_PLACE":
            raise
        return [
            Finding(code=failure.code, where=failure.where, what=f"no row was written to the ledger: {failure.what}", mend=failure.mend)
        ]
    return []
