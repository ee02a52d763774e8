"""`speech identify`: which language is spoken in a recording, and in each turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from speech.cli.account import Account
from speech.cli.options import read_settings, reading, stated
from speech.cli.streams import Streams
from speech.errors import UsageFailure

if TYPE_CHECKING:
    from speech.collections.made import Made
    from speech.identify import Candidate, Identified


@click.command("identify", short_help="Which language is spoken: in recordings, and in each turn.")
@click.argument("audio", nargs=-1, required=True, type=click.Path(path_type=str))
@click.option(
    "--candidates", metavar="CODE,CODE", help="Languages that may be spoken, such as que,swh; others are then taken to be unlikely."
)
@click.option("--per-turn", is_flag=True, help="Tell the language of each stretch of speech, too.")
@click.option(
    "--model",
    default="mini",
    show_default=True,
    metavar="NAME|PATH",
    help="mini, or a classifier of languages such as facebook/mms-lid-126: a repository on this machine, or its folder.",
)
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
@click.option("--threads", default=0, type=click.IntRange(min=0), help="Processor threads; 0 leaves it to torch.")
@reading
@stated
def command(
    audio: tuple[str, ...], candidates: str | None, per_turn: bool, model: str, verbose: bool, precision: str, device: str, threads: int,
    strict: bool, accept_damaged: bool, assume_rate: int | None, channels: str | None, track: int | None, as_json: bool, purpose: str,
    debug: bool,
) -> int:  # fmt: skip
    """Tell which language is spoken in AUDIO, how sure that is, and how much speech was heard. A folder stands for the recordings in it.

    \b
    speech identify story.wav                           a line: recording, language, probability, seconds heard
    speech identify tapes --candidates que,swh          one of these, or none of them
    speech identify talk.wav --per-turn --json          each stretch of speech with its language
    """
    from speech.audio.folders import others_line
    from speech.cli.inputs import given
    from speech.cli.running import Showing, items_of, work_through
    from speech.collections import consent
    from speech.collections.many import cores_here
    from speech.identify import Later, Settings, run_of
    from speech.models.recogniser import LoadSettings

    named = _codes(candidates)
    settings = Settings(
        read=read_settings(strict=strict, accept_damaged=accept_damaged, assume_rate=assume_rate, channels=channels, track=track)
    )
    context = consent.Context(basis=consent.basis_for(purpose), purpose=purpose)
    later = Later(model, LoadSettings(precision=precision, device=device, threads=threads))
    if threads:
        from speech.models.workers import limit

        limit(threads)
    found = given(audio, None)
    items = items_of(found.sources, None, ())
    run = run_of(model=later, context=context, settings=settings, candidates=named, per_turn=per_turn, strict=strict)
    account = Account(len(items), verbose=verbose, done="heard", found=told)
    showing = Showing(out=None, names=(), as_json=as_json, debug=debug, lines=lines)
    status = work_through(run, items, account, showing, cores=cores_here(threads))
    if line := others_line(found.others):
        Streams.note(f"  {line}")
    account.end()
    return status


def _codes(asked: str | None) -> tuple[str, ...] | None:
    """The codes of --candidates; None where it was left out."""
    if asked is None:
        return None
    named = tuple(dict.fromkeys(part.strip() for part in asked.split(",") if part.strip()))
    if not named:
        raise UsageFailure("--candidates", "no language is named", "Name some, such as que,swh, or leave it out", "LANGUAGE_MISSING")
    return named


def lines(result: Identified, path: str) -> str:
    """What goes to the screen, divided by tabs: recording, language, probability, seconds of speech; then its turns, with their times."""
    rows = [[path, *_cells(result.language, result.probability, result.speech_ms)]]
    for turn in result.turns or ():
        times = f"{turn.span.start_ms / 1000:.3f}-{turn.span.end_ms / 1000:.3f}"
        rows.append(["", *_cells(turn.language, turn.probability, turn.speech_ms), times])
    return "".join("\t".join(row) + "\n" for row in rows)


def _cells(language: str | None, probability: float | None, speech_ms: int) -> list[str]:
    name = language or ("none" if probability is not None else "unknown")
    return [name, "" if probability is None else f"{probability:.2f}", f"{speech_ms / 1000:.1f}"]


def told(result: Made) -> list[str]:
    """What was found in one recording, for the line about it."""
    from speech import languages
    from speech.identify import Identified

    if not isinstance(result, Identified):
        return []
    heard = f"by {result.speech_ms / 1000:.1f} s of it"
    if result.probability is None:
        return [f"too little to tell its language ({result.speech_ms / 1000:.1f} s)"]
    others = [_named(c) for c in result.candidates if c.language != result.language and c.probability >= 0.05]
    name = languages.named(result.language) if result.language else "none of the languages that are known"
    return [f"{name} ({result.probability:.2f}, {heard})" + (f", else {' or '.join(others[:2])}" if others else "")]


def _named(candidate: Candidate) -> str:
    return f"{candidate.language or 'none of these'} ({candidate.probability:.2f})"
