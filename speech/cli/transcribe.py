"""`speech transcribe`: recordings into transcripts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from speech.cli.account import Account
from speech.cli.options import LANGUAGE, read_settings, reading, stated, telling_speakers
from speech.cli.streams import Streams
from speech.errors import Refusal, UsageFailure
from speech.files import shown

if TYPE_CHECKING:
    from speech.collections.made import Made


@click.command("transcribe", short_help="Recordings into transcripts: ELAN and other formats.")
@click.argument("audio", nargs=-1, required=True, type=click.Path(path_type=str))
@click.option(
    "--language", "-l", type=LANGUAGE, metavar="CODE|CODE,CODE|auto",
    help="ISO 639-3 code, such as que; several, or auto, for turns in different languages; und finds speech and times without words.",
)  # fmt: skip
@click.option("--speakers", metavar="auto|N|MIN-MAX|off", help="Tell who speaks: how many, where that is known. Off unless given.")
@telling_speakers
@click.option(
    "--identifier", default="mini", show_default=True, metavar="NAME|PATH",
    help="What tells languages apart, as --model of speech identify.",
)  # fmt: skip
@click.option(
    "--model",
    default="mini",
    show_default=True,
    metavar="NAME|PATH",
    help="mini, a folder in the Hugging Face layout, or a repository on this machine.",
)
@click.option(
    "--adapter", type=click.Path(path_type=Path), metavar="PATH", help="An adapter file or a folder of adapters to look in first."
)
@click.option(
    "--collection",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The collection whose adapters/ folder is looked in next.",
)
@click.option(
    "--format",
    "-f",
    "asked_formats",
    multiple=True,
    metavar="NAME,NAME",
    help="eaf, textgrid, srt, vtt, rttm, json, csv, csv_words, txt. Default: eaf with --out, else text (times alone for und).",
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write results here; without it they go to standard output.",
)
@click.option("--force", is_flag=True, help="Replace another result that lies there; the old file is kept beside it, as story.1.eaf")
@click.option("--wav", is_flag=True, help="Write a WAV beside the results of a recording that is none: ELAN draws waves from WAV only.")
@click.option("--verbose", "-v", is_flag=True, help="Tell more of each recording: every millisecond, every note, seconds by step.")
@click.option(
    "--precision",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "fp32", "bf16", "int8"]),
    help="Number format; auto asks the processor.",
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "cpu", "cuda"]),
    help="Where the network computes; auto takes a GPU where there is one.",
)
@click.option(
    "--chunk",
    "chunk_s",
    default=20.0,
    show_default=True,
    type=click.FloatRange(10, 120),
    metavar="SECONDS",
    help="Longest piece the network hears at once.",
)
@click.option(
    "--lm",
    default="auto",
    show_default=True,
    metavar="auto|off|FILE",
    help="Language model: the one beside the adapter, none, or a file (ours, or ARPA).",
)
@click.option("--words", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Names and words to listen for, one a line.")
@click.option("--threads", default=0, type=click.IntRange(min=0), help="Processor threads; 0 leaves it to torch.")
@reading
@stated
def command(
    audio: tuple[str, ...], language: str | None, speakers: str | None, diariser: str, trust: tuple[str, ...], identifier: str,
    model: str, adapter: Path | None, collection: Path | None,
    asked_formats: tuple[str, ...], out: Path | None, force: bool, wav: bool, verbose: bool, precision: str, device: str, chunk_s: float,
    lm: str, words: Path | None, threads: int, strict: bool, accept_damaged: bool, assume_rate: int | None, channels: str | None,
    track: int | None, as_json: bool, purpose: str, debug: bool,
) -> int:  # fmt: skip
    """Transcribe AUDIO, each into words with times and confidence. A folder stands for the recordings in it.

    \b
    speech transcribe story.wav --language que                    text on the screen
    speech transcribe tapes --language que --out transcripts      a folder: one ELAN file each, in the same order of folders
    speech transcribe story.wav -l que -f eaf,srt,csv -o out      several formats
    speech transcribe story.wav --language und -o out             speech and times, empty segments to fill
    speech transcribe talk.wav -l swh,yor --speakers auto -o out  who speaks, in which of these languages, and what
    speech transcribe talk.wav -l auto --channels per-speaker     lapel microphones: each channel is one speaker
    """
    from speech import diarise, identify, languages
    from speech.audio.folders import others_line
    from speech.cli.inputs import given
    from speech.cli.running import Showing, formats_asked, items_of, work_through
    from speech.collections import consent
    from speech.collections.outputs import check_folder
    from speech.models.lm.finding import LanguageModels
    from speech.models.recogniser import Later, LoadSettings
    from speech.transcribe import Asked, Settings, codes_of, cores_of, run_of, speakers_of

    if language is None:
        raise UsageFailure(
            "--language",
            "it is not said which language is spoken",
            f"Give one of {', '.join(_here(model))}, auto to find out, or und for times without words",
            "LANGUAGE_MISSING",
        )
    default = "eaf" if out else "csv" if language == "und" else "txt"  # on the screen text, or a table of times where there is none
    names = formats_asked(",".join(asked_formats), out, as_json, default=default)
    if wav and out is None:
        raise UsageFailure("--wav", "there is no folder for it", "Name one with --out", "FORMAT_SEVERAL")
    per_speaker, mixed = (True, None) if channels == "per-speaker" else (False, None if channels == "mix" else channels)
    read = read_settings(strict=strict, accept_damaged=accept_damaged, assume_rate=assume_rate, channels=mixed, track=track)
    settings = Settings(chunk_ms=round(1000 * chunk_s), read=read, wav=wav, per_speaker=per_speaker)
    asked = Asked(
        language=language, speakers=speakers_of(speakers), per_speaker=per_speaker, diariser=diarise.Later(diariser, trust=trust),
        identifier=identify.Later(identifier, LoadSettings(precision=precision, device=device, threads=threads)),
    )  # fmt: skip
    asked.check("--speakers")
    named = codes_of(asked)
    for code in named:
        languages.check_code(code)
    context = consent.Context(basis=consent.basis_for(purpose), purpose=purpose)
    load = LoadSettings(
        precision=precision, device=device, threads=threads, adapter=adapter, collection=collection, of_some=asked.several is not None
    )
    if adapter is not None and named and not any(load.adapter_for(code) for code in named):
        raise UsageFailure(
            f"--adapter {shown(adapter)}",
            f"there is no adapter for {' or '.join(named)} there",
            "Name the file adapter.CODE.safetensors of one of these languages, or the folder that holds it",
            "MODEL_LANGUAGE",
        )
    later = Later(model, load, named) if named != (languages.UNDETERMINED,) else None
    if threads:
        from speech.models.workers import limit

        limit(threads)
    if out is not None:
        check_folder(out)
    found = given(audio, out)
    items = items_of(found.sources, out, names)
    language_models = LanguageModels(lm, _hotwords(words))
    run = run_of(asked=asked, model=later, context=context, settings=settings, language_models=language_models, strict=strict, force=force)
    account = Account(len(items), verbose=verbose, found=turns_found if asked.turns else None)
    showing = Showing(out=out, names=names, as_json=as_json, debug=debug)
    status = work_through(run, items, account, showing, cores=cores_of(later))
    if line := others_line(found.others):
        Streams.note(f"  {line}")
    account.end()
    return status


def turns_found(made: Made) -> list[str]:
    """How many words, of whom, in which languages; what is unsure, and what was skipped."""
    from speech import languages
    from speech.cli.account import clock, words_found

    transcript = made.transcript
    found = [s.language for s in transcript.segments if s.text and s.language]
    told = [languages.named(code) for code in dict.fromkeys(found)]
    count = len(transcript.speakers)
    overlaid = sum(s.span.length_ms for s in transcript.segments if s.kind == "overlap")
    unsure = sum(s.status == "unsure" and bool(s.text) for s in transcript.segments)
    return [
        *([f"{count} speaker{'' if count == 1 else 's'}"] if count else []),
        *([f"in {' and '.join(told)}"] if told else []),
        *words_found(made),
        *([f"{unsure:,} turn{'' if unsure == 1 else 's'} unsure"] if unsure else []),
        *([f"{clock(overlaid)} spoken over somebody else, without words"] if overlaid else []),
    ]


def _hotwords(path: Path | None) -> tuple[str, ...]:
    """Words of a file, a line each; empty lines and lines that begin with # are none."""
    if path is None:
        return ()
    from speech.text.decode import lines, read_text

    return tuple(line.strip() for line in lines(read_text(path)) if line.strip() and not line.lstrip().startswith("#"))


def _here(model: str) -> list[str]:
    """Languages that the model's folder has adapters for, found without loading it."""
    from speech.models import hub

    try:
        return sorted(p.name.split(".")[1] for p in hub.resolve(model).glob("adapter.*.safetensors"))
    except Refusal:
        return []
