"""`speech review`: what was reviewed in the app, as files; files corrected elsewhere, back as edits; how far a collection is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from speech.cli.options import attempt, stated
from speech.cli.streams import Streams, show_error
from speech.errors import Finding, Refusal, SpeechError, UsageFailure
from speech.files import shown

if TYPE_CHECKING:
    from speech.review.exchange import Brought, Difference, Exported
    from speech.review.progress import Progress
    from speech.review.workspace import Workspace

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def _kept(function: Decorated) -> Decorated:
    """--database and --person."""
    function = click.option(
        "--person", default="local", show_default=True, metavar="CODE", help="Who does this, as a code; it stands in the history."
    )(function)
    return click.option(
        "--database", metavar="PATH|URL", help="Where edits are kept, if not in your data folder; a password goes into PGPASSWORD."
    )(function)


@click.group("review", short_help="Reviewed transcripts: exported, taken back from ELAN, counted.")
def command() -> None:
    """Transcripts that are reviewed in the app: the same edits from the command line."""


@command.command("export")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--format", "-f", "asked", default="eaf", show_default=True, metavar="NAME,NAME", help="Formats to write.")
@click.option("--out", "-o", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Folder for the files.")
@click.option("--zip", "archive", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="One ZIP in place of a folder.")
@click.option("--force", is_flag=True, help="Replace other files of these names; they are kept beside.")
@click.option("--strict", is_flag=True, help="Refuse a format that cannot hold all.")
@_kept
@stated
def export(
    folder: Path, asked: str, out: Path | None, archive: Path | None, force: bool, strict: bool, database: str | None, person: str,
    as_json: bool, purpose: str, debug: bool,
) -> int:  # fmt: skip
    """Write the current transcripts of FOLDER's recordings, as they stand in the app.

    The files have the recordings' names; the ids of segments are in them, so that what is corrected there comes back with
    `speech review import`. FOLDER itself is not changed.
    """
    from speech import formats
    from speech.review import exchange

    names = tuple(dict.fromkeys(n.strip().lower() for n in asked.split(",") if n.strip()))
    for name in names or ("",):
        formats.by_name(name)
    if (out is None) == (archive is None):
        raise UsageFailure("--out", "one place is needed, and no more", "Give --out DIR, or --zip FILE", "FORMAT_SEVERAL")
    with _opened(folder, database, purpose) as workspace:
        drafted = [r for r in workspace.recordings() if _has_edits(workspace, r.id)]
        if archive is not None:
            data, made, _ = exchange.zipped(workspace, drafted, names, person=person)
            if any(m.files for m in made):
                formats.put(data, archive, force=force)
        else:
            made = exchange.export(workspace, drafted, names, out or Path(), person=person, force=force, strict=strict)
        status = 0
        for one in made:
            status = max(status, _show_exported(one, archive, as_json=as_json, debug=debug))
        if not made:
            raise Refusal(shown(folder), "no recording has a transcript yet", "Transcribe them first: speech transcribe", "REVIEW_NOTHING")
    return status


def _show_exported(one: Exported, archive: Path | None, *, as_json: bool, debug: bool) -> int:
    name = shown(one.recording.path)
    if one.refusal is not None:
        show_error(one.refusal, as_json=as_json, debug=debug, path=name)
        return one.refusal.exit_status
    files = [shown(f) for f in one.files]
    if as_json:
        archived = {"zip": shown(archive)} if archive is not None else {}
        Streams.json(
            {"path": name, "ok": True, "seq": one.seq, "segments": one.segments, "files": files, **archived,
             "findings": [f.as_dict() for f in one.findings]}
        )  # fmt: skip
        return 0
    Streams.result(f"{name}: {one.segments:,} segments into {', '.join(files)}" + (f" in {shown(archive)}" if archive is not None else ""))
    for finding in one.findings:
        Streams.note(_note(finding))
    return 0


@command.command("import")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--tier", metavar="NAME", help="The tier that holds the transcription, where it is not clear.")
@click.option("--take-file", is_flag=True, help="Where the file and the app changed the same, take the file's.")
@_kept
@stated
def import_files(
    folder: Path, files: tuple[Path, ...], tier: str | None, take_file: bool, database: str | None, person: str, as_json: bool,
    purpose: str, debug: bool,
) -> int:  # fmt: skip
    """Take FILES of FOLDER's recordings, corrected in ELAN meanwhile, back as edits.

    What only the file changed is taken. What was changed in the app, too, is listed and stays as it is there; nothing is lost
    either way, each edit stands in the history.
    """
    from speech.review import exchange

    status = 0
    with _opened(folder, database, purpose) as workspace:
        for file in files:

            def one(file: Path = file) -> None:
                brought = exchange.import_back(workspace, file, person=person, take_file=take_file, tier=tier)
                _show_brought(file, brought, as_json=as_json)

            status = max(status, attempt(str(file), one, as_json=as_json, debug=debug))
    return status


def _show_brought(file: Path, brought: Brought, *, as_json: bool) -> None:
    if as_json:
        Streams.json(
            {"path": shown(file), "ok": True, "recording": shown(brought.recording.path), "made_from": brought.made_from,
             "seq": brought.edit.seq if brought.edit else None, "accepted": [d.as_dict() for d in brought.accepted],
             "conflicts": [d.as_dict() for d in brought.conflicts]}
        )  # fmt: skip
        return
    Streams.result(
        f"{shown(file)}: {len(brought.accepted):,} changes taken into {shown(brought.recording.path)}, {len(brought.conflicts):,} conflicts"
    )
    for difference in brought.conflicts:
        Streams.result(f"  {_conflict(difference)}")
    if any(d.why == "both" for d in brought.conflicts):
        Streams.note("  These stay as they are in the app; with --take-file the file's are taken")


def _conflict(d: Difference) -> str:
    at = f"{d.start_ms // 60_000}:{d.start_ms / 1000 % 60:06.3f}"
    what = f"{d.kind} {d.field}".strip()
    why = "changed in the app, too" if d.why == "both" else "would overlap another segment of this speaker"
    return f"{at} {shown(d.segment)}: {what}, {why}"


@command.command("stats")
@click.argument("folder", type=click.Path(path_type=Path))
@_kept
@stated
def stats(folder: Path, database: str | None, person: str, as_json: bool, purpose: str, debug: bool) -> int:
    """How far FOLDER is: recordings with their segments by state, what nobody has heard, approved minutes by speaker and language."""
    from speech.review import progress

    with _opened(folder, database, purpose) as workspace:
        found = progress.stats(workspace)
    if as_json:
        for one in found.recordings:
            Streams.json({"path": shown(one.name), "ok": True, **one.as_dict()})
        Streams.json(
            {"path": shown(folder), "ok": True, "total": found.total.as_dict(),
             "approved": [{"speaker": s, "language": code, "ms": ms} for (s, code), ms in found.approved.items()]}
        )  # fmt: skip
        return 0
    for one in found.recordings:
        Streams.result(f"{shown(one.name)}: {_line(one)}")
    Streams.result(f"{shown(folder)}: {len(found.recordings):,} recordings, {_line(found.total)}")
    for (speaker, language), ms in found.approved.items():
        Streams.result(f"  approved {speaker or 'not known':20} {language:5} {ms / 60_000:8.2f} min")
    return 0


def _line(one: Progress) -> str:
    hours = f"{one.duration_ms / 3_600_000:.2f} h"
    if not one.drafted:
        return f"{hours}, no transcript"
    states = ", ".join(f"{one.by[state].segments:,} {state.replace('_', ' ')}" for state in one.by)
    return f"{hours}, {one.all.segments:,} segments ({states}), {one.unheard.segments:,} unheard"


@contextmanager
def _opened(folder: Path, database: str | None, purpose: str) -> Iterator[Workspace]:
    from speech.collections import consent
    from speech.review.workspace import open_workspace
    from speech.store import open_store

    context = consent.Context(basis=consent.basis_for(purpose), purpose=purpose)
    with open_store(database) as store:
        workspace = open_workspace(folder, store=store, context=context, refresh=False)
        for refused in workspace.refresh().refused:
            Streams.note(_passed_over(refused))
        yield workspace


def _passed_over(refused: SpeechError) -> str:
    return f"  note: {refused} [{refused.code}]"


def _has_edits(workspace: Workspace, recording: str) -> bool:
    from speech.review import edits

    return bool(edits.segments_of(workspace.store, recording).versions)


def _note(finding: Finding) -> str:
    mend = f". {finding.mend}" if finding.mend else ""
    return f"  note: {finding.where}: {finding.what}{mend} [{finding.code}]"
