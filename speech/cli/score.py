"""`speech score`: error rates of transcripts against references."""

from __future__ import annotations

import os
from pathlib import Path

import click

from speech.cli.options import LANGUAGE, stated
from speech.cli.streams import Streams
from speech.errors import Finding, UsageFailure
from speech.files import shown

OTHER_KINDS = ("tsv", "jsonl")
"""What is scored, too, besides the formats of transcripts: tables and JSON lines."""


@click.command("score", short_help="Error rates of transcripts against references, with counts and intervals.")
@click.argument("reference", type=click.Path(path_type=Path))
@click.argument("hypothesis", type=click.Path(path_type=Path))
@click.option("--language", "-l", type=LANGUAGE, default="und", metavar="CODE", help="Language where the files name none.")
@click.option(
    "--tier",
    "tiers",
    multiple=True,
    metavar="NAME",
    help="The tier that is compared, where it is not clear; NAME,NAME for several. Twice: of the reference, then of the hypothesis.",
)
@click.option(
    "--format",
    "-f",
    "formats",
    metavar="NAME,NAME",
    help="eaf, textgrid, srt, vtt, rttm, json, csv, csv_words, txt, tsv, jsonl, whatever the file is called; of a folder only these. "
    "Two: of the reference, then of the hypothesis.",
)
@click.option("--all", "every", is_flag=True, help="Refuse two sets of which one has more than the other.")
@click.option("--split", metavar="NAME", help="Only rows of this split, where the reference is a manifest.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.html",
    help="Write a page with plots and the worst clips to read.",
)
@click.option("--encoding", metavar="NAME", help="Encoding of plain text that is not UTF-8.")
@click.option("--draws", default=2000, show_default=True, type=click.IntRange(100, 100_000), help="Draws of the bootstrap.")
@stated
def command(
    reference: Path, hypothesis: Path, language: str, tiers: tuple[str, ...], formats: str | None, every: bool, split: str | None,
    report: Path | None, encoding: str | None, draws: int, as_json: bool, purpose: str, debug: bool,
) -> int:  # fmt: skip
    """WER and CER of HYPOTHESIS against REFERENCE, with counts and 95 % intervals.

    Both may be ELAN, TextGrid, JSON (ours, or Whisper's and its kin) or other transcripts, manifests, plain text (a line a
    clip), or folders of files of the same names. Two transcripts of one recording are joined by time; clips are matched by
    id, never by place unless both sides are plain lines of equal number. What stands on one side only is left out and counted.

    \b
    speech score reference.eaf transcript.eaf --language que --report page.html
    speech score reference.eaf transcript.eaf --tier Transcription --tier segments
    speech score manifest.tsv transcripts.jsonl --split test
    """
    from speech import languages
    from speech.collections import consent
    from speech.files import disk_errors, write_text
    from speech.score import PairSettings, ScoreSettings, compare, score, score_report, summary_lines

    languages.check_code(language)
    if len(tiers) > 2:
        raise UsageFailure("--tier", "there are two sides", "Give it once, or twice; several tiers of a side as NAME,NAME", "TEXT_TIER")
    context = consent.Context(basis=consent.basis_for(purpose), purpose=purpose)
    for path in (reference, hypothesis):
        consent.require({"evaluate"}, consent.item_of(path), context=context)
    settings = PairSettings(language=language, split=split, encoding=encoding, tiers=tiers, formats=_formats(formats), every=every)
    compared = compare(reference, hypothesis, settings)
    for recording in dict.fromkeys(r for side in compared.sides for r in side.recordings):
        # A result may lie far from its recording, whose card speaks for it all the same.
        if os.path.exists(recording):  # noqa: PTH110  # a disk that is gone is no bug: what is read of it has been
            consent.require({"evaluate"}, consent.item_of(Path(recording)), context=context)
    scores = score(compared, ScoreSettings(draws=draws))
    if as_json:
        Streams.json({"path": shown(hypothesis), "ok": True, "reference": shown(reference), **scores.as_dict()})
    else:
        for line in summary_lines(scores):
            Streams.result(line)
    others = sorted({p.language for p in compared.pairs} - {language, languages.UNDETERMINED})
    if language != languages.UNDETERMINED and others:
        Streams.note(
            f"  note: the files say that they are {', '.join(map(languages.named, others))}: that counts, not --language {language}"
        )
    for finding in scores.findings:
        Streams.note(_note(finding))
    if report is not None:
        with disk_errors(report.parent):
            report.parent.mkdir(parents=True, exist_ok=True)
        write_text(report, score_report(scores, compared.pairs, title=f"{hypothesis.name} against {reference.name}"))
        Streams.note(f"  wrote {shown(report)}")
    return 0


def _formats(asked: str | None) -> tuple[str, ...]:
    """One format for both sides, or two."""
    from speech import formats

    known = (*formats.names(), *OTHER_KINDS)
    names = tuple(n.strip().lower() for n in (asked or "").split(",") if n.strip())
    for name in names:
        if name not in known:
            raise UsageFailure(f"--format {name}", "there is no such format", f"Choose from {', '.join(known)}", "FORMAT_UNKNOWN")
    if len(names) > 2:
        raise UsageFailure(f"--format {asked}", "there are two sides", "Name one format, or two", "FORMAT_SEVERAL")
    return names


def _note(finding: Finding) -> str:
    mend = f". {finding.mend}" if finding.mend else ""
    return f"  note: {finding.where}: {finding.what}{mend} [{finding.code}]"
