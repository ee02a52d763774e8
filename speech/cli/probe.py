"""`speech probe`: what an audio file really holds, against what its header claims."""

from __future__ import annotations

from pathlib import Path

import click

from speech.cli.options import each, findings_for_people, read_settings, reading, stated
from speech.cli.progress import Bar
from speech.cli.streams import Streams
from speech.files import shown


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
    speech probe tapes/*.wav
    """
    from speech.audio import probe
    from speech.collections import consent

    settings = read_settings(strict=strict, accept_damaged=accept_damaged, assume_rate=assume_rate, channels=channels, track=track)

    def work(recording: Path) -> None:
        consent.require({"play"}, consent.item_of(recording), context=consent.Context(basis=consent.OWN_USE, purpose=purpose))
        with Bar(shown(recording.name)) as bar:
            found = probe(recording, settings, progress=lambda done, total: bar("decoding", done, total))
        if as_json:
            Streams.json({"path": shown(recording), "ok": True, **{k: v for k, v in found.as_dict().items() if k not in ("path", "ok")}})
            return
        for name, value in found.as_dict().items():
            if name not in ("findings", "ok") and value not in (None, "", [], ()):
                Streams.result(f"{name.replace('_', ' ')}: {value}")
        findings_for_people(found.findings)

    return each(audio, work, as_json=as_json, debug=debug)
