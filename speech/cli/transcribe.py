"""`speech transcribe`: recordings into transcripts."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from speech.cli.options import each, findings_for_people, read_settings, reading, stated
from speech.cli.progress import Bars
from speech.cli.streams import Streams
from speech.errors import FormatRefused, Refusal, UsageFailure
from speech.files import shown

if TYPE_CHECKING:
    from speech.transcribe import Result


@click.command("transcribe", short_help="Recordings into transcripts: ELAN and other formats.")
@click.argument("audio", nargs=-1, required=True, type=click.Path(path_type=str))
@click.option("--language", "-l", metavar="CODE", help="ISO 639-3 code, such as que; und finds speech and times without words.")
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
    "formats",
    metavar="NAME,NAME",
    help="eaf, textgrid, srt, vtt, rttm, json, csv, txt. Default: eaf with --out, else text.",
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write results here; without it they go to standard output.",
)
@click.option("--force", is_flag=True, help="Replace another result that lies there; the old file is kept as .1")
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
@click.option("--threads", default=0, type=click.IntRange(min=0), help="Processor threads; 0 leaves it to torch.")
@reading
@stated
def command(
    audio: tuple[str, ...], language: str | None, model: str, adapter: Path | None, collection: Path | None, formats: str | None,
    out: Path | None, force: bool, precision: str, device: str, chunk_s: float, threads: int, strict: bool, accept_damaged: bool,
    assume_rate: int | None, channels: str | None, track: int | None, as_json: bool, purpose: str, debug: bool,
) -> int:  # fmt: skip
    """Transcribe AUDIO, each into words with times and confidence.

    \b
    speech transcribe story.wav --language que                    text on the screen
    speech transcribe *.wav --language que --out transcripts      one ELAN file each
    speech transcribe story.wav -l que -f eaf,srt,csv -o out      several formats
    speech transcribe story.wav --language und -o out             speech and times, empty segments to fill
    """
    from speech import languages
    from speech.collections import consent
    from speech.models.recogniser import Later, LoadSettings
    from speech.transcribe import Settings, deliver, make_folder, transcribe_all

    if language is None:
        raise UsageFailure(
            "--language",
            "it is not said which language is spoken",
            f"Give one of {', '.join(_here(model))}, or und for times without words",
            "LANGUAGE_MISSING",
        )
    names = _formats(formats, out, as_json)
    languages.check_code(language)
    read = read_settings(strict=strict, accept_damaged=accept_damaged, assume_rate=assume_rate, channels=channels, track=track)
    settings = Settings(chunk_ms=round(1000 * chunk_s), read=read)
    context = consent.Context(basis=consent.OWN_USE, purpose=purpose)
    load = LoadSettings(precision=precision, device=device, threads=threads, adapter=adapter, collection=collection)
    later = Later(model, load, (language,)) if language != languages.UNDETERMINED else None
    bars = Bars([shown(Path(name).name) for name in audio])
    if threads:
        from speech.models.workers import limit

        limit(threads)
    if out:
        make_folder(out)
    clashes = _clashes(audio, out, names)
    outcomes = transcribe_all(
        [Path(name) for n, name in enumerate(audio) if n not in clashes],
        language=language, model=later, context=context, settings=settings, progress=bars,
    )  # fmt: skip
    numbers = iter(range(len(audio)))
    total = _Total()

    def work(recording: Path) -> None:
        clash = clashes.get(next(numbers))
        with bars.next():
            outcome = clash or next(outcomes)
        show(recording, outcome)

    def show(recording: Path, outcome: Result | Exception) -> None:
        result = deliver(recording, outcome, out, formats=names if out else (), context=context, strict=strict, force=force)
        total.add(result)
        _show(result, shown(recording), names, out, as_json, pace=len(audio) == 1)
        if result.decision and result.decision.code == "OK_UNCARDED":
            Streams.note(f"  consent: no card; basis: {context.basis} [OK_UNCARDED]")

    with contextlib.closing(outcomes):
        try:
            status = each(audio, work, as_json=as_json, debug=debug)
        except BaseException:
            # Ctrl-C or SIGTERM: what is finished and waited for its turn is kept.
            for recording, outcome in outcomes.finished():
                if not isinstance(outcome, Exception):
                    show(recording, outcome)
            raise
    if len(audio) > 1:
        Streams.note(total.line(len(audio)))
    return status


class _Total:
    """What a run came to."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._done = 0
        self._ms = 0

    def add(self, result: Result) -> None:
        """Count one recording that was transcribed."""
        self._done += 1
        self._ms += result.transcript.coverage.duration_ms if result.transcript.coverage else 0

    def line(self, asked: int) -> str:
        """The sum, for the end of a run; seconds include loading the model."""
        seconds = time.monotonic() - self._begun
        return (
            f"{asked} recordings: {self._done} transcribed, {asked - self._done} refused; "
            f"{_time(self._ms)} of sound in {seconds:.1f} s, {self._ms / 1000 / seconds:.0f} times real time"
        )


def _clashes(audio: Sequence[str], out: Path | None, names: Sequence[str]) -> dict[int, Refusal]:
    """Recordings, by their number, whose result would take the name of another's of this run."""
    from speech.transcribe import output_path

    if out is None:
        return {}
    first: dict[Path, Path] = {}
    found: dict[int, Refusal] = {}
    for number, name in enumerate(audio):
        recording = Path(name)
        other = first.setdefault(output_path(recording, out, names[0])[0], recording)
        if recording.absolute() != other.absolute():
            found[number] = FormatRefused(
                shown(recording),
                f"its result would have the name of that of {shown(other)}",
                "Transcribe it into another --out folder",
                "FORMAT_EXISTS",
            )
    return found


def _here(model: str) -> list[str]:
    """Languages that the model's folder has adapters for, found without loading it."""
    from speech.models import hub

    try:
        return sorted(p.name.split(".")[1] for p in hub.resolve(model).glob("adapter.*.safetensors"))
    except Refusal:
        return []


def _formats(asked: str | None, out: Path | None, as_json: bool) -> tuple[str, ...]:
    from speech import formats

    names = tuple(dict.fromkeys(filter(None, (asked or ("eaf" if out else "txt")).split(","))))
    for name in names:
        if name not in formats.names():
            raise UsageFailure(f"--format {name}", "there is no such format", f"Choose from {', '.join(formats.names())}", "FORMAT_UNKNOWN")
    if out is None and len(names) > 1:
        raise UsageFailure(
            f"--format {asked}", "several formats do not fit on standard output", "Name a folder with --out", "FORMAT_SEVERAL"
        )
    if out is None and asked and as_json:
        raise UsageFailure(f"--format {asked} --json", "both would go to standard output", "Name a folder with --out", "FORMAT_SEVERAL")
    return names


def _show(result: Result, path: str, names: tuple[str, ...], out: Path | None, as_json: bool, *, pace: bool) -> None:
    if as_json:
        Streams.json(result.as_dict(path))
    elif out is None:
        from speech import formats

        Streams.bytes(formats.by_name(names[0]).render(result.transcript))
    Streams.note(summary(result, path, pace=pace))
    findings_for_people(result.findings)
    for output in result.outputs:
        Streams.note(f"  wrote {output}")


def summary(result: Result, path: str, *, pace: bool = True) -> str:
    """One line that accounts for every millisecond; `pace` says nothing of one recording among others under way."""
    transcript = result.transcript
    coverage = transcript.coverage
    if coverage is None:
        return path
    words = [w for s in transcript.segments for w in s.words]
    reasons: dict[str, int] = {}
    for skip in coverage.skipped:
        reasons[skip.reason] = reasons.get(skip.reason, 0) + skip.span.length_ms
    why = "".join(f", {_time(ms)} skipped: {reason}" for reason, ms in reasons.items())
    sure = f", mean confidence {sum(w.confidence or 0 for w in words) / len(words):.2f}" if words else ""
    seconds = sum(s for step, s in result.seconds.items() if step != "model")
    quick = f"; {seconds:.1f} s, {coverage.duration_ms / 1000 / seconds:.0f} times real time" if seconds and pace else ""
    return (
        f"{path}: {_time(coverage.duration_ms)} = speech {_time(coverage.speech_ms)} ({_time(coverage.transcribed_ms)} transcribed{why})"
        f" + silence {_time(coverage.silence_ms)} + missing {_time(coverage.missing_ms)}; {len(words)} words{sure}{quick}"
    )


def _time(ms: int) -> str:
    minutes, rest = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}:{minutes:02d}:" if hours else f"{minutes}:") + f"{rest // 1000:02d}.{rest % 1000:03d}"
