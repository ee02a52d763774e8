"""`speech say`: a text as speech; which voices there are; what a file says of itself."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from speech.cli.options import LANGUAGE, stated
from speech.cli.streams import Streams
from speech.errors import UsageFailure
from speech.files import shown

if TYPE_CHECKING:
    from speech.say import Checked, Settings, Spoken

_MOST_SHOWN = 40


@click.command("say", short_help="Text as speech, by a voice that says what it cannot say.")
@click.argument("text", nargs=-1)
@click.option(
    "--file", "file", type=click.Path(path_type=Path), metavar="FILE", help="Speak this text file (UTF-8); - reads standard input."
)
@click.option("--encoding", metavar="NAME", help="Encoding of a text that is not UTF-8.")
@click.option("--language", "-l", type=LANGUAGE, metavar="CODE", help="Language of the text.")
@click.option("--out", "-o", type=click.Path(path_type=Path), metavar="FILE", help="Sound file: .wav, .flac, .opus or .mp3.")
@click.option(
    "--voice",
    default="espeak",
    show_default=True,
    metavar="NAME|PATH|REPOSITORY",
    help="espeak; mms (facebook/mms-tts-CODE on this machine); or a VITS checkpoint: its folder, or its repository on this machine.",
)
@click.option("--as", "borrow", type=LANGUAGE, metavar="CODE", help="Borrow the voice of this language; letters are told.")
@click.option("--speed", default=1.0, show_default=True, type=float, help="From 0.5 to 2; 1 is the voice's own.")
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0, 2**32 - 1), help="What is drawn by chance: same seed, same sound."
)
@click.option("--speaker", type=click.IntRange(min=0), help="Which speaker of a checkpoint that holds several, from 0.")
@click.option(
    "--letters",
    type=click.Choice(["refuse", "nearest", "leave-out"]),
    help="Letters it cannot say: refuse the text (default), say the nearest (default with --as), or leave out what has none.",
)
@click.option("--card", type=click.Path(path_type=Path), metavar="FILE", help="The consent card of the voice, where it lies elsewhere.")
@click.option("--check", "only_check", is_flag=True, help="Only tell what the voice cannot say and what is spelt out; makes no sound.")
@click.option("--force", is_flag=True, help="Replace a file of this name.")
@click.option("--list", "list_voices", is_flag=True, help="Which languages have which voices on this machine.")
@click.option(
    "--verify", type=click.Path(path_type=Path), metavar="FILE", help="What a sound file says of itself: synthetic, voice, origin."
)
@stated
def command(
    text: tuple[str, ...], file: Path | None, encoding: str | None, language: str | None, out: Path | None, voice: str,
    borrow: str | None, speed: float, seed: int, speaker: int | None, letters: Any, card: Path | None, only_check: bool,
    force: bool, list_voices: bool, verify: Path | None, as_json: bool, purpose: str, debug: bool,
) -> int:  # fmt: skip
    """Speak TEXT into a sound file that says that it is synthetic.

    \b
    speech say "Habari yako?" --language swh --out habari.wav
    speech say --file story.txt --language yor --as swh --out story.opus
    speech say "Habari yako?" --language swh --voice mms --out habari.wav
    speech say --list --language swh
    speech say --verify habari.wav
    """
    if verify is not None:
        return _verify(verify, as_json=as_json)
    if list_voices:
        return _list(language, as_json=as_json)
    if language is None:
        raise UsageFailure("--language", "no language was named", "Name it, such as --language swh", "LANGUAGE_MISSING")
    from speech.collections import consent
    from speech.say import Settings, check, engines, say

    words = _text(text, file, encoding)
    settings = Settings(speed=speed, seed=seed, letters=letters or ("nearest" if borrow else "refuse"), speaker=speaker)
    if not only_check and out is None:
        raise UsageFailure("--out", "no sound file was named", "Name it, such as --out speech.wav; --check makes no sound", "PATH_MISSING")
    chosen = engines.load(voice, language, borrow=borrow, card=card)
    checked = check(words, language=language, voice=chosen, settings=settings)
    if only_check:
        return _show_check(checked, settings, as_json=as_json)
    if not as_json and not checked.refused:
        _show_letters(checked)  # before there is a sound
    from speech.cli.progress import Bar

    context = consent.Context(basis=consent.basis_for(purpose), purpose=purpose)
    with Bar(shown(out or "")) as bar:
        spoken = say(
            words, language=language, voice=chosen, out=out, settings=settings, context=context, force=force,
            progress=lambda done, of: bar.show(f"sentence {done} of {of}", done / of),
        )  # fmt: skip
    _show_spoken(spoken, as_json=as_json)
    return 0


def _text(words: Sequence[str], file: Path | None, encoding: str | None) -> str:
    """The text that is to be spoken."""
    if bool(words) == (file is not None):
        raise UsageFailure(
            "TEXT", "give either a text or --file", 'Such as speech say "Habari yako?" --language swh --out habari.wav', "TEXT_EMPTY"
        )
    from speech.text import decode

    if file is None:
        joined = " ".join(words)
        if joined.isascii() or not any("\udc80" <= sign <= "\udcff" for sign in joined):
            return joined
        # Bytes of the command line that are no UTF-8 come as halves of pairs: the same refusal as for a file.
        return decode.decode(joined.encode("utf-8", "surrogateescape"), "the text", encoding=encoding)
    if str(file) == "-":
        return decode.decode(sys.stdin.buffer.read(), "standard input", encoding=encoding)
    return decode.read_text(file, encoding=encoding)


def _show_check(checked: Checked, settings: Settings, *, as_json: bool) -> int:
    from speech.say.speaking import refusal

    if as_json:
        Streams.json({"path": None, "ok": not checked.refused, **_facts(checked), "sentences": [s.text for s in checked.sentences]})
        return int(checked.refused)
    _show_letters(checked)
    if checked.refused:
        Streams.note(f"{checked.voice.name} will not say this text as things stand. {refusal(checked, settings).mend}.")
    else:
        Streams.result(checked.spoken)
    return int(checked.refused)


def _facts(checked: Checked) -> dict[str, Any]:
    return {
        "voice": checked.voice.as_dict(), "unsaid": [u.as_dict() for u in checked.unsaid],
        "spelt_out": [r.as_dict() for r in checked.replaced],
    }  # fmt: skip


def _show_letters(checked: Checked) -> None:
    """What is said otherwise than it is written, a line each."""
    for replaced in checked.replaced[:_MOST_SHOWN]:
        Streams.note(f"  {replaced.was!r} at {replaced.start + 1} is said {replaced.spoken!r} ({replaced.why})")
    for unsaid in checked.unsaid[:_MOST_SHOWN]:
        at = ", ".join(str(p + 1) for p in unsaid.places[:5]) + (f" and {len(unsaid.places) - 5} more" if len(unsaid.places) > 5 else "")
        near = "has no near letter" if unsaid.nearest is None else f"is said {unsaid.nearest!r}" if unsaid.nearest else "is left out"
        Streams.note(f"  {unsaid.letter!r} ({unsaid.name}) at {at}: {checked.voice.name} cannot say it; nearest: it {near}")
    more = max(0, len(checked.replaced) - _MOST_SHOWN) + max(0, len(checked.unsaid) - _MOST_SHOWN)
    if more:
        Streams.note(f"  and {more} more (--json lists all)")


def _show_spoken(spoken: Spoken, *, as_json: bool) -> None:
    out = spoken.output or Path()
    if as_json:
        Streams.json(
            {
                "path": shown(out), "ok": True, "synthetic": True, "duration_ms": spoken.duration_ms, "sample_rate": spoken.sample_rate,
                "samples_sha256": spoken.sha256, "sentences": len(spoken.checked.sentences), **_facts(spoken.checked),
                "settings": spoken.settings.facts(), "findings": [f.as_dict() for f in spoken.findings],
            }
        )  # fmt: skip
        return
    for finding in spoken.findings:
        Streams.note(f"  {finding.what}")
    whose = "no person's voice" if spoken.voice.synthetic else "a person's voice, by consent"
    Streams.result(f"{shown(out)}: {spoken.duration_ms / 1000:.1f} s by {spoken.voice.name}, synthetic ({whose})")


def _list(language: str | None, *, as_json: bool) -> int:
    from speech import languages
    from speech.say import voices
    from speech.say.engines import near_voices

    found = voices(language)
    for entry in found:
        if as_json:
            Streams.json(
                {"path": entry.voice, "ok": True, "language": entry.language, "needs_card": entry.needs_card, **entry.facts.as_dict()}
            )
            continue
        note = "no person's voice" if entry.facts.synthetic else "needs a card of whoever speaks" if entry.needs_card else "by consent"
        Streams.result(f"{entry.language}\t{entry.voice}\t{entry.facts.name}\t{note}")
    if not found:
        near = f"; borrow one: --as {near_voices(language)[0]}" if language and near_voices(language) else ""
        Streams.note(f"There is no voice for {languages.named(language) if language else 'any language'} on this machine{near}")
    return 0


def _verify(path: Path, *, as_json: bool) -> int:
    from speech.say import verify

    found = verify(path)
    if as_json:
        Streams.json({"path": shown(path), "ok": True, **found.as_dict()})
        return 0
    if found.synthetic is None:
        Streams.result(f"{shown(path)}: does not say that it is synthetic, which proves nothing: the mark can be taken out")
        return 0
    voice = found.facts.get("voice", {})
    Streams.result(f"{shown(path)}: synthetic speech, by its own account")
    for name in ("name", "origin", "licence"):
        if voice.get(name):
            Streams.result(f"  voice {name}: {voice[name]}" if name != "name" else f"  voice: {voice[name]}")
    for name in ("language", "made_by", "text_sha256"):
        if found.facts.get(name):
            Streams.result(f"  {name.replace('_', ' ')}: {found.facts[name]}")
    if settings := {name: value for name, value in found.facts.get("settings", {}).items() if value is not None}:
        Streams.result(f"  settings: {', '.join(f'{name} {value}' for name, value in settings.items())}")
    if found.facts.get("left_out"):
        Streams.result(f"  letters left out of the text: {found.facts['left_out']}")
    Streams.result("  inaudible mark: none (none is set)")
    return 0
