"""`speech align`: an old transcript placed on its recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from speech.cli.account import Account
from speech.cli.options import LANGUAGE, read_settings, reading, stated
from speech.errors import UsageFailure

if TYPE_CHECKING:
    from speech.collections.made import Made


@click.command("align", short_help="An old transcript placed on its recording: lines and words with times.")
@click.argument("audio", type=click.Path(path_type=str))
@click.argument("text", type=click.Path(path_type=Path))
@click.option("--language", "-l", type=LANGUAGE, metavar="CODE", help="Language of the recording, ISO 639-3.")
@click.option(
    "--units", type=click.Choice(["words", "lines", "letters"]), default="words", show_default=True, help="The smallest that gets times."
)
@click.option(
    "--through", type=LANGUAGE, metavar="CODE",
    help="Hear it by the recogniser of this language, letters mapped, where the model does not know its own; else chosen by letters.",
)  # fmt: skip
@click.option("--tier", metavar="NAME,NAME", help="The tiers of TEXT that hold the transcription, where it has several.")
@click.option("--encoding", metavar="NAME", help="How TEXT is written, where it is not UTF-8: latin-1, cp1252...")
@click.option("--model", default="mini", show_default=True, metavar="NAME|PATH", help="As --model of speech transcribe.")
@click.option(
    "--adapter", type=click.Path(path_type=Path), metavar="PATH", help="An adapter file or a folder of adapters to look in first."
)
@click.option(
    "--format", "-f", "asked_formats", multiple=True, metavar="NAME,NAME",
    help="eaf, textgrid, srt, vtt, rttm, json, csv, csv_words, txt. Default: eaf with --out, else csv.",
)  # fmt: skip
@click.option("--out", "-o", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write results here.")
@click.option("--force", is_flag=True, help="Replace another result that lies there; the old file is kept beside it.")
@click.option("--wav", is_flag=True, help="Write a WAV beside the result of a recording that is none, for ELAN.")
@click.option("--verbose", "-v", is_flag=True, help="Tell more: every millisecond, every note, seconds by step.")
@click.option("--threads", default=0, type=click.IntRange(min=0), help="Processor threads; 0 leaves it to torch.")
@reading
@stated
def command(
    audio: str, text: Path, language: str | None, units: Any, through: str | None, tier: str | None, encoding: str | None, model: str,
    adapter: Path | None, asked_formats: tuple[str, ...], out: Path | None, force: bool, wav: bool, verbose: bool, threads: int,
    strict: bool, accept_damaged: bool, assume_rate: int | None, channels: str | None, track: int | None, as_json: bool, purpose: str,
    debug: bool,
) -> int:  # fmt: skip
    """Place the transcript TEXT on its recording AUDIO, minutes or hours long. TEXT is plain text, EAF, TextGrid, SRT or another format.

    \b
    speech align tape7.wav notebook.txt --language que --out aligned      a line a segment, with its words, as EAF
    speech align tape7.wav old.eaf -l que --units lines -o aligned        speakers and lines of an old file, with new times
    speech align tape7.wav notebook.txt -l mdw --through swh -o aligned   a language without a model of its own
    """
    from speech.align import Settings, read_old, run_of
    from speech.cli.inputs import given
    from speech.cli.running import Showing, formats_asked, items_of, work_through
    from speech.collections import consent
    from speech.collections.outputs import check_folder
    from speech.models.recogniser import Later, LoadSettings

    if language is None:
        raise UsageFailure("--language", "it is not said which language is spoken", "Name it, such as --language que", "LANGUAGE_MISSING")
    names = formats_asked(",".join(asked_formats), out, as_json, default="eaf" if out else "csv")
    if wav and out is None:
        raise UsageFailure("--wav", "there is no folder for it", "Name one with --out", "FORMAT_SEVERAL")
    read = read_settings(strict=strict, accept_damaged=accept_damaged, assume_rate=assume_rate, channels=channels, track=track)
    settings = Settings(read=read, units=units, wav=wav)
    old = read_old(text, tiers=_tiers(text, language, tier, encoding), encoding=encoding)
    context = consent.Context(basis=consent.basis_for(purpose), purpose=purpose)
    later = Later(model, LoadSettings(threads=threads, adapter=adapter), ())
    if threads:
        from speech.models.workers import limit

        limit(threads)
    if out is not None:
        check_folder(out)
    items = items_of(given([audio], out).sources, out, names)
    run = run_of(text=old, language=language, through=through, model=later, context=context, settings=settings, strict=strict, force=force)
    account = Account(len(items), verbose=verbose, done="aligned", found=lines_found)
    status = work_through(run, items, account, Showing(out=out, names=names, as_json=as_json, debug=debug), cores=1)
    account.end()
    return status


def _tiers(text: Path, language: str, asked: str | None, encoding: str | None) -> list[str] | None:
    """The tiers of TEXT that hold the transcription: those asked for, else as far as can be told; None where it is read as a whole."""
    from speech import formats
    from speech.align.text import PLAIN
    from speech.files import shown
    from speech.score.tiers import choose

    every = () if text.suffix.lower() in PLAIN else formats.tiers(text, encoding=encoding)
    if not every:
        return None
    used = [tier.name for tier in choose(every, language=language, where=shown(text), asked=asked).used]
    lines = [tier.name for tier in every if tier.filled and tier.parent is None and tier.ours in (None, "segments")]
    return None if used == lines else used  # read as a whole, a file of ours keeps its points, too


def lines_found(made: Made) -> list[str]:
    """How many lines stand where, and through which language the recording was heard."""
    from speech import languages
    from speech.align import Aligned

    if not isinstance(made, Aligned) or made.unchanged:
        return []
    lines = [line for line in made.lines if line.words]
    found = sum(line.found for line in lines)
    unsure = sum(s.status == "unsure" for s in made.transcript.segments) - (len(lines) - found)
    return [
        f"{found:,} of {len(lines):,} lines placed",
        *([f"{unsure:,} of them unsure"] if unsure > 0 else []),
        *([f"heard through {languages.named(made.through)}"] if made.through else []),
    ]
