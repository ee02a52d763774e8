"""`speech diarise`: who speaks when in recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from speech.cli.options import read_settings, reading, stated, telling_speakers
from speech.cli.streams import Streams, show_error
from speech.errors import Refusal, UsageFailure
from speech.files import shown

if TYPE_CHECKING:
    from speech.collections.made import Made
    from speech.diarise.links import Link


@click.command("diarise", short_help="Who speaks when: turns with speakers, as RTTM and other formats.")
@click.argument("audio", nargs=-1, required=True, type=click.Path(path_type=str))
@click.option("--speakers", metavar="N|MIN-MAX", help="How many people speak, where that is known.")
@telling_speakers
@click.option("--known", multiple=True, metavar="PERSON=CLIP", help="Name this person of the collection by a clip of the voice.")
@click.option("--link", is_flag=True, help="Propose which unnamed voices of several recordings are one, for a person to confirm.")
@click.option(
    "--format", "-f", "asked_formats", multiple=True, metavar="NAME,NAME",
    help="rttm, eaf, textgrid, srt, vtt, json, csv, csv_words, txt. Default: rttm.",
)  # fmt: skip
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Write results here; without it they go to standard output.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace another result that lies there; the old file is kept beside it, as story.1.rttm")
@click.option("--wav", is_flag=True, help="Write a WAV beside the results of a recording that is none: ELAN draws waves from WAV only.")
@click.option("--verbose", "-v", is_flag=True, help="Tell more of each recording: every millisecond, every note, seconds by step.")
@click.option("--threads", default=0, type=click.IntRange(min=0), help="Processor threads; 0 leaves it to torch.")
@reading
@stated
def command(
    audio: tuple[str, ...], speakers: str | None, diariser: str, trust: tuple[str, ...], known: tuple[str, ...], link: bool,
    asked_formats: tuple[str, ...], out: Path | None, force: bool, wav: bool, verbose: bool, threads: int, strict: bool,
    accept_damaged: bool, assume_rate: int | None, channels: str | None, track: int | None, as_json: bool, purpose: str, debug: bool,
) -> int:  # fmt: skip
    """Say who speaks when in AUDIO. A folder stands for the recordings in it. Speakers are S1, S2, ... in each recording.

    \b
    speech diarise story.wav                                      RTTM on the screen
    speech diarise tapes --out turns                              a folder: one RTTM file each, in the same order of folders
    speech diarise tapes -f rttm,eaf --speakers 2-4 -o out        two to four people; ELAN files too, to be transcribed by hand
    speech diarise story.wav --channels per-speaker               lapel microphones: each channel is one speaker
    """
    from speech.audio.folders import others_line
    from speech.cli.account import Account
    from speech.cli.inputs import given
    from speech.cli.running import Showing, formats_asked, items_of, work_through
    from speech.collections import consent
    from speech.collections.many import cores_here
    from speech.collections.outputs import check_folder
    from speech.diarise import Later, Settings, links, run_of, speaker_count
    from speech.diarise.known import asked, known_voices

    names = formats_asked(",".join(asked_formats), out, as_json, default="rttm")
    if wav and out is None:
        raise UsageFailure("--wav", "there is no folder for it", "Name one with --out", "FORMAT_SEVERAL")
    per_speaker, mixed = (True, None) if channels == "per-speaker" else (False, None if channels in (None, "mix") else channels)
    read = read_settings(strict=strict, accept_damaged=accept_damaged, assume_rate=assume_rate, channels=mixed, track=track)
    settings, count = Settings(read=read, per_speaker=per_speaker, wav=wav), speaker_count(speakers)
    if per_speaker and speakers:
        raise UsageFailure("--speakers", "with --channels per-speaker each channel is one speaker", "Leave out one of the two", "SPEAKERS")
    clips = asked(known)
    context = consent.Context(basis=consent.basis_for(purpose), purpose=purpose)
    if threads:
        from speech.models.workers import limit

        limit(threads)
    if out is not None:
        check_folder(out)
    found = given(audio, out)
    items = items_of(found.sources, out, names)
    later = Later(diariser, trust=trust)
    people = known_voices(clips, diariser=later, context=context)
    run = run_of(diariser=later, context=context, count=count, known=people, link=link, settings=settings, strict=strict, force=force)
    account = Account(len(items), verbose=verbose, done="diarised", found=speakers_found)
    showing = Showing(out=out, names=names, as_json=as_json, debug=debug)
    voices: list[links.Heard] = []
    status = work_through(
        run, items, account, showing, cores=cores_here(threads),
        each=lambda result: voices.extend(links.heard_in(result.transcript.recording.path, result)) if link else None,
    )  # fmt: skip
    if line := others_line(found.others):
        Streams.note(f"  {line}")
    account.end()
    if link:
        status = max(status, _show_links(links.proposed(voices), out, force=force, as_json=as_json, debug=debug))
    return status


def speakers_found(made: Made) -> list[str]:
    """How many people speak, in how many turns; how many of these are unsure, and how much speech is nobody's."""
    from speech.cli.account import clock, skipped

    transcript = made.transcript
    if not transcript.segments:
        return skipped(made, "nobody's")
    turns, speakers = len(transcript.segments), {s.speaker for s in transcript.segments}
    unsure = sum(s.status == "unsure" for s in transcript.segments)
    persons = [s.person for s in transcript.speakers if s.person]
    parts = [f"{len(speakers)} speaker{'s' if len(speakers) > 1 else ''} in {turns:,} turn{'s' if turns > 1 else ''}"]
    parts += [f"known: {', '.join(persons)}"] if persons else []
    together = sum(s.span.length_ms for s in transcript.segments) - (transcript.coverage.transcribed_ms if transcript.coverage else 0)
    parts += [f"{clock(together)} spoken at once"] if transcript.coverage and together >= 100 else []
    parts += [f"{unsure:,} turn{'s' if unsure > 1 else ''} unsure"] if unsure else []
    return [*parts, *skipped(made, "nobody's")]


def _show_links(proposed: list[Link], out: Path | None, *, force: bool, as_json: bool, debug: bool) -> int:
    """Proposals for people, for programs, and as a table to be confirmed, unless another lies there; the exit status."""
    from speech.diarise import links

    outputs, status = [], 0
    try:
        outputs = [shown(links.write(proposed, out, force=force))] if out is not None and proposed else []
    except Refusal as refusal:
        show_error(refusal, as_json=False, debug=debug)
        status = refusal.exit_status
    for link in proposed:
        members = ", ".join(f"{m.speaker} of {m.recording}" for m in link.members)
        Streams.note(f"  {link.id}: perhaps one person ({link.alike:.2f} alike): {members}")
    where = f" Listen, and write yes or no into {outputs[0]}." if outputs else ""
    Streams.note(f"  {len(proposed)} voice{'' if len(proposed) == 1 else 's'} perhaps heard in several recordings.{where}")
    if as_json:
        Streams.json({"ok": True, "links": [link.as_dict() for link in proposed], "outputs": outputs})
    return status
