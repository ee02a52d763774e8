"""`speech manifest`: what a folder holds, as a manifest with a card to fill in; faults of a manifest; hours in it."""

from __future__ import annotations

import functools
from collections import defaultdict
from pathlib import Path
from typing import Any

import click

from speech.cli.options import LANGUAGE, told
from speech.cli.streams import Streams
from speech.errors import FormatRefused
from speech.files import shown

KEY = "people.key.tsv"


@click.group("manifest", short_help="Manifests: made of a folder, checked, counted.")
def command() -> None:
    """Which clips and stretches a collection holds, with their texts: what `speech adapt` learns from."""


@command.command("import")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--language", "-l", required=True, type=LANGUAGE, metavar="CODE", help="Language of the recordings.")
@click.option("--tier", metavar="NAME", help="The tier of ELAN or Praat files that holds the transcription.")
@click.option(
    "--speaker", default="", metavar="CODE", help="Who speaks in all of it, as a code such as STORY-01, where the files tell of no two."
)
@click.option("--encoding", metavar="NAME", help="Encoding of tables and texts that are not UTF-8.")
@click.option("--force", is_flag=True, help="Replace the manifest that lies there.")
@told
def import_folder(
    folder: Path, language: str, tier: str | None, speaker: str, encoding: str | None, force: bool, as_json: bool, debug: bool
) -> int:
    """Make a manifest of what lies in FOLDER: ELAN files beside recordings, clips with texts, Common Voice, audiofolder, a table.

    Writes manifest.jsonl there, with codes in place of speakers' labels. Recordings and texts stay as they are. What was agreed with the
    people recorded is written down with `speech consent record`.
    """
    from speech import languages
    from speech.collections import answers
    from speech.collections.cards import find_card
    from speech.collections.importing import import_folder as imported
    from speech.collections.manifest import Manifest, write_manifest
    from speech.files import write_text
    from speech.score.sources import transcription_in

    languages.check_code(language)
    target = folder / answers.MANIFEST
    if target.exists() and not force:
        raise FormatRefused(shown(target), "a manifest lies there", "Give --force to make it anew", "FORMAT_EXISTS")
    found = imported(
        folder, language, transcript_in=lambda path: transcription_in(path, language, tier=tier, encoding=encoding), speaker=speaker,
        encoding=encoding,
    )  # fmt: skip
    write_manifest(Manifest(rows=tuple(found.rows), path=target), target)
    people = sorted({row.speaker for row in found.rows if row.speaker})
    if people:
        (folder / answers.PEOPLE).mkdir(exist_ok=True)
    if found.names:
        key = folder / KEY
        write_text(key, "".join(f"{code}\t{label}\n" for code, label in sorted(found.names.items())))
        key.chmod(0o600)
    seconds = sum(_length_ms(row) for row in found.rows) / 1000
    sessions = {row.session for row in found.rows if row.session}
    if as_json:
        Streams.json(
            {"path": shown(target), "ok": True, "found_as": found.found_as, "rows": len(found.rows), "seconds": round(seconds, 1),
             "sessions": len(sessions), "speakers": people, "left_out": dict(found.left_out)}
        )  # fmt: skip
        return 0
    Streams.result(
        f"{shown(target)}: {len(found.rows):,} clips, {seconds / 60:.1f} minutes, {_count(len(sessions), 'session')}, "
        f"{_count(len(people), 'speaker') if people else 'no labelled speakers'}; from {found.found_as}"
    )
    for why, count in found.left_out.most_common():
        if count:
            Streams.note(f"  left out: {count:,} {why}")
    if found.names:
        Streams.note(f"  {KEY} says which label each code stands for: keep it to yourself, it may hold names")
    if find_card(folder / "recording") is None:
        Streams.note(f"  Training needs what was agreed with the people recorded: speech consent record {shown(folder)}")
        Streams.note(f"  ({answers.CARD} will lie beside the recordings)")
    return 0


@command.command("check")
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option("--hashes", is_flag=True, help="Read every recording and compare its hash.")
@told
def check(manifest: Path, hashes: bool, as_json: bool, debug: bool) -> int:
    """Name every fault of MANIFEST by line and field: fields, files that are gone or changed, spans past the end, splits that
    share something."""
    from speech.audio import probe
    from speech.collections.cards import find_card, load_card
    from speech.collections.manifest import read_manifest
    from speech.collections.manifest_checks import check_files, check_splits, overlaps

    found = read_manifest(manifest)
    length_ms = functools.cache(lambda path: probe(path).found_ms)
    check_files(found, manifest.parent, hashes=hashes, length_ms=length_ms)
    card = find_card(manifest)
    split_by = load_card(card).raw.get("manifest", {}).get("split_by", "") if card else ""
    findings = [*check_splits(found, split_by), *overlaps(found)]
    if as_json:
        Streams.json({"path": shown(manifest), "ok": True, "rows": len(found.rows), "findings": [f.code for f in findings]})
        return 0
    Streams.result(f"{shown(manifest)}: {len(found.rows):,} rows, no fault" + ("" if hashes else " (hashes not compared: --hashes)"))
    for finding in findings:
        Streams.note(f"  {finding.what} [{finding.code}]. {finding.mend}")
    return 0


@command.command("stats")
@click.argument("manifest", type=click.Path(path_type=Path))
@told
def stats(manifest: Path, as_json: bool, debug: bool) -> int:
    """Hours and clips of MANIFEST by language, split and speaker."""
    from speech.collections.manifest import read_manifest

    rows = read_manifest(manifest).rows
    table: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0, 0.0])
    for row in rows:
        for kind, value in (("language", row.language), ("split", row.split or "none"), ("speaker", row.speaker or "not known")):
            table[kind, value][0] += 1
            table[kind, value][1] += _length_ms(row) / 3_600_000
    if as_json:
        Streams.json(
            {"path": shown(manifest), "ok": True, "rows": len(rows),
             "by": [{"kind": k, "value": v, "clips": int(c), "hours": round(h, 4)} for (k, v), (c, h) in sorted(table.items())]}
        )  # fmt: skip
        return 0
    Streams.result(f"{shown(manifest)}: {len(rows):,} rows")
    for (kind, value), (count, hours) in sorted(table.items()):
        Streams.result(f"  {kind:9} {value:20} {int(count):7,} clips {hours:8.3f} h")
    return 0


def _length_ms(row: Any) -> int:
    return int(row.end_ms - row.start_ms if row.end_ms is not None else row.extra.get("duration_ms", 0))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
