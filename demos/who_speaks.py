"""Who speaks, when, in which language, shown: voices of eSpeak NG talk in two languages, one interrupts another, and are told apart.

**Synthetic: no person speaks here.** Voices of a synthesiser differ more than those of people, and there is no room and no wind; how
well people are told apart stands in the tables that recipes/ make. With --audio it takes a recording of your own.

Printed on one page: each turn with its speaker, margin and language, beside what was put into the recording; written into --out: the
recording, its turns as RTTM, and a plot (turns.svg).
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from refusals import plainly

if TYPE_CHECKING:
    from speech.collections.consent import Context
    from speech.diarise import Result
    from speech.types import Turn

RATE = 16_000
PAUSE_S, INTERRUPTS_S = 0.7, 1.2
VOICES = {"Ana": ("f2", 70, 140), "Bo": ("m3", 25, 130)}
"""Variant of eSpeak NG, pitch, words a minute. The names are of nobody."""
SAYS = (
    ("Bo", "swh", "Mama anapika chakula cha jioni nyumbani, na watoto wanacheza nje pamoja na rafiki zao."),
    ("Ana", "que", "Ñukanchik ayllukunaka hatun llaktapi kawsanchik, punchanta mamaka chakrapi llankan."),
    ("Bo", "swh", "Kesho tutaenda sokoni kununua matunda na samaki, kisha tutarudi nyumbani."),
    ("Ana", "que", "Kayaka tukuy mashikunawan tantanakushun, wawakunaka yachana wasiman rinkuna."),
)
INTERRUPTS = 3
"""Which of them begins before the one before it has ended."""

Placed = tuple[float, float, str, str]
"""Start and end in seconds, voice, language."""


def talk(path: Path) -> list[Placed]:
    """A recording of the voices talking, and who speaks when in it."""
    import numpy as np
    import soundfile
    import soxr

    from speech.say import Espeak

    espeak = Espeak()
    whole = np.zeros(0, np.float32)
    placed: list[Placed] = []
    for number, (voice, language, text) in enumerate(SAYS):
        variant, pitch, pace = VOICES[voice]
        said = espeak.say(text, language, variant=variant, pitch=pitch, words_a_minute=pace)
        loud = np.flatnonzero(np.abs(said) > 1e-3)
        piece = soxr.resample(said[loud[0] : loud[-1] + 1], espeak.sample_rate, RATE).astype(np.float32)
        first = max(0, len(whole) + round(RATE * (-INTERRUPTS_S if number == INTERRUPTS else PAUSE_S)))
        whole = np.concatenate([whole, np.zeros(max(0, first + len(piece) - len(whole)), np.float32)])
        whole[first : first + len(piece)] += piece
        placed.append((first / RATE, (first + len(piece)) / RATE, voice, language))
    whole = np.concatenate([whole, np.zeros(round(RATE * PAUSE_S), np.float32)])
    whole += np.random.default_rng(31).standard_normal(len(whole)).astype(np.float32) * 0.002
    soundfile.write(path, whole * (0.9 / max(0.9, float(np.abs(whole).max()))), RATE, subtype="PCM_16")
    return placed


def languages_of(recording: Path, turns: Sequence[Turn], context: Context) -> list[str]:
    """The language of each turn by `speech.identify`, "?" where it is none that is known; empty where that verb is not there yet."""
    if importlib.util.find_spec("speech.identify") is None:
        return [""] * len(turns)
    from speech.models.recogniser import LoadSettings

    verb = importlib.import_module("speech.identify")
    told = verb.identify(recording, model=verb.Later("mini", LoadSettings()), context=context, turns=turns).turns
    return [turn.language or "?" for turn in told]


def show(recording: Path, folder: Path, placed: Sequence[Placed]) -> None:
    from speech.cli.account import summary
    from speech.cli.diarise import speakers_found
    from speech.collections.consent import OWN_USE, Context
    from speech.diarise import Later, diarise
    from speech.formats import save

    context = Context(basis="made by a synthesiser" if placed else OWN_USE)
    result = diarise(recording, diariser=Later("embedded"), context=context)
    languages = languages_of(recording, result.turns, context)
    if placed:
        print("\nWhat was put into the recording:\n\n    start     end  voice   language")
        for start, end, voice, language in placed:
            print(f"  {start:7.2f} {end:7.2f}  {voice:<7} {language}")
    print("\nWhat was found:\n\n    start     end  speaker margin language")
    for turn, language in zip(result.turns, languages, strict=True):
        margin = "     -" if turn.margin is None else f"{turn.margin:6.2f}"
        print(f"  {turn.span.start_ms / 1000:7.2f} {turn.span.end_ms / 1000:7.2f}  {turn.speaker:<7} {margin} {language or '-'}")
    print(f"\n{summary(result, recording.name, speakers_found)}")
    rttm = folder / f"{recording.stem}.rttm"
    save(result.transcript, rttm, force=True)
    plot = draw(result, languages, folder / "turns.svg", placed)
    print(f"\nWritten: {rttm} and {plot} (open it in a browser)")


def at_once(turns: Sequence[Turn]) -> list[tuple[int, int]]:
    """Where two people speak."""
    pairs = [(a.span, b.span) for n, a in enumerate(turns) for b in turns[:n] if a.speaker != b.speaker]
    common = [(max(a.start_ms, b.start_ms), min(a.end_ms, b.end_ms)) for a, b in pairs]
    return sorted((start, end) for start, end in common if start < end)


def draw(result: Result, languages: Sequence[str], path: Path, placed: Sequence[Placed]) -> Path:
    """The turns as a plot: a row a voice that was put in, then a row a speaker who was found."""
    from speech.report import Lane, timeline_plot

    put_in: dict[str, list[tuple[int, int, str]]] = {}
    for start, end, voice, language in placed:
        put_in.setdefault(f"{voice} (put in)", []).append((round(1000 * start), round(1000 * end), language))
    found: dict[str, list[tuple[int, int, str]]] = {}
    for turn, language in zip(result.turns, languages, strict=True):
        found.setdefault(f"{turn.speaker} (found)", []).append((turn.span.start_ms, turn.span.end_ms, language))
    title, length = "Who speaks when, in which language", result.transcript.recording.duration_ms
    lanes = [Lane(name=name, bars=bars) for name, bars in (put_in | found).items()]
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n{timeline_plot(title, lanes, length, shaded=at_once(result.turns))}\n', encoding="utf-8"
    )
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, help="your own recording")
    parser.add_argument("--out", type=Path, default=Path("demo-output"))
    options = parser.parse_args()
    options.out.mkdir(exist_ok=True)
    if options.audio:
        show(options.audio, options.out, ())
        return
    print("SYNTHETIC: no person speaks here; eSpeak NG, a synthesiser, talks in two voices and two languages, and is interrupted once.")
    recording = options.out / "talk.wav"
    show(recording, options.out, talk(recording))


if __name__ == "__main__":
    plainly(main)
