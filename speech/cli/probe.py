"""`speech probe`: what an audio file really holds, against what its header claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from speech.cli.account import exact, note
from speech.cli.options import attempt, read_settings, reading, stated
from speech.cli.progress import Bar
from speech.cli.streams import Streams
from speech.errors import PathRefused
from speech.files import shown

if TYPE_CHECKING:
    from speech.audio import Probe
    from speech.collections.results import Source


@click.command("probe", short_help="What an audio file really holds, against what its header claims.")
@click.argument("audio", nargs=-1, required=True, type=click.Path(path_type=str))
@reading
@stated
def command(
    audio: tuple[str, ...],
    strict: bool,
    accept_damaged: bool,
    assume_rate: int | None,
    channels: str | None,
    track: int | None,
    as_json: bool,
    purpose: str,
    debug: bool,
) -> int:
    """Decode each AUDIO to its end and report format, claimed and found length, levels, and everything odd.

    \b
    speech probe tapes                            every recording in a folder
    speech probe tapes/*.wav > report.txt
    """
    from speech.audio import probe
    from speech.audio.folders import others_line
    from speech.cli.inputs import given
    from speech.collections import consent
    from speech.collections.results import Source

    settings = read_settings(strict=strict, accept_damaged=accept_damaged, assume_rate=assume_rate, channels=channels, track=track)
    context = consent.Context(basis=consent.basis_for(purpose), purpose=purpose)
    found = given(audio)

    def work(source: Source | PathRefused) -> None:
        if isinstance(source, PathRefused):
            raise source
        recording = source.recording
        consent.require({"play"}, consent.item_of(recording), context=context)
        with Bar(shown(recording.name)) as bar:
            held = probe(recording, settings, progress=lambda done, total: bar("decoding", done, total))
        if as_json:
            Streams.json({"path": shown(recording), "ok": True, **{k: v for k, v in held.as_dict().items() if k not in ("path", "ok")}})
            return
        Streams.result("\n".join([shown(recording), *(f"  {line}" for line in told(held)), ""]))

    status = 0
    for source in found.sources:
        name = str(source.recording) if isinstance(source, Source) else source.where
        status = max(status, attempt(name, lambda s=source: work(s), as_json=as_json, debug=debug))  # type: ignore[misc]  # mypy on defaults
    if line := others_line(found.others):
        Streams.note(line)
    return status


def told(held: Probe) -> list[str]:
    """What a file holds, a fact a line, and then what is odd about it."""
    levels = ", ".join("silent" if level is None else f"{level:.1f}" for level in held.levels_dbfs)
    facts = {
        "container": held.container,
        "codec": held.codec,
        "media type": held.media_type,
        "sample rate": f"{held.sample_rate:,} Hz",
        "bits": held.bits,
        "channels": held.channels,
        "used channels": ", ".join(map(str, held.used_channels)) if len(held.used_channels) != held.channels else "",
        "tracks": held.tracks if held.tracks > 1 else "",
        "length": exact(held.found_ms),
        "the header claims": "" if held.claimed_ms in (None, held.found_ms) else exact(held.claimed_ms or 0),
        "missing": exact(held.missing_ms) if held.missing_ms else "",
        "starts at": exact(held.offset_ms) if held.offset_ms else "",
        "level": f"{levels} dBFS" if levels else "",
        "size": f"{held.size_bytes:,} bytes",
    }
    return [*(f"{name}: {value}" for name, value in facts.items() if value not in (None, "")), *(note(f) for f in held.findings)]
