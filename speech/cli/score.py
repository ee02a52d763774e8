"""`speech score`: error rates of transcripts against references."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from speech.cli.options import findings_for_people, stated
from speech.cli.streams import Streams
from speech.errors import Finding
from speech.files import shown


@click.command("score", short_help="Error rates of transcripts against references, with counts and intervals.")
@click.argument("reference", type=click.Path(path_type=Path))
@click.argument("hypothesis", type=click.Path(path_type=Path))
@click.option("--language", "-l", default="und", metavar="CODE", help="Language where the files name none.")
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
    reference: Path, hypothesis: Path, language: str, split: str | None, report: Path | None, encoding: str | None, draws: int,
    as_json: bool, purpose: str, debug: bool,
) -> int:  # fmt: skip
    """WER and CER of HYPOTHESIS against REFERENCE, with counts and 95 % intervals.

    Both may be ELAN, TextGrid, JSON (ours, or Whisper's and its kin) or other transcripts, manifests, plain text (a line a
    clip), or folders of files of the same names. Clips are matched by id, never by place unless both sides are plain lines of equal number.

    \b
    speech score reference.eaf transcript.eaf --language que --report page.html
    speech score manifest.tsv transcripts.jsonl --split test
    """
    from speech import languages
    from speech.collections import consent
    from speech.files import write_text
    from speech.score import ScoreSettings, pair_files, score, score_report

    languages.check_code(language)
    context = consent.Context(basis=consent.OWN_USE, purpose=purpose)
    for path in (reference, hypothesis):
        consent.require({"evaluate"}, consent.item_of(path), context=context)
    repaired: list[Finding] = []
    pairs = pair_files(reference, hypothesis, language=language, split=split, encoding=encoding, findings=repaired)
    scores = score(pairs, ScoreSettings(draws=draws))
    scores = replace(scores, findings=(*repaired, *scores.findings))
    if as_json:
        Streams.json({"path": shown(hypothesis), "ok": True, "reference": shown(reference), **scores.as_dict()})
    else:
        for line in scores.summary_lines():
            Streams.result(line)
    findings_for_people(scores.findings)
    if report is not None:
        write_text(report, score_report(scores, pairs, title=f"{hypothesis.name} against {reference.name}"))
        Streams.note(f"  wrote {shown(report)}")
    return 0
