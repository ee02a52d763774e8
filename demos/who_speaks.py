"""The joined transcript, shown: voices of eSpeak NG talk in two languages, one interrupts another; who speaks, in which language, and what.

**Synthetic: no person speaks here.** Voices of a synthesiser differ more than those of people, and there is no room and no wind; how
well people are told apart and understood stands in the tables that recipes/ make. With --audio it takes a recording of your own.

Printed on one page: each turn with its speaker, margin, language and words, beside what was put into the recording; written into
--out: the recording, its transcript for ELAN (talk.eaf), its turns as RTTM, and a plot (turns.svg).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from refusals import plainly

if TYPE_CHECKING:
    from speech.types import Segment, Transcript

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


def show(recording: Path, folder: Path, placed: Sequence[Placed], language: str) -> None:
    import speech
    from speech.cli.account import summary
    from speech.cli.transcribe import turns_found
    from speech.collections.consent import OWN_USE
    from speech.formats import save

    pipeline = speech.load("mini", basis="made by a synthesiser" if placed else OWN_USE)
    result = pipeline.run(recording, language=language, speakers="auto")
    transcript = result.transcript
    if placed:
        print("\nWhat was put into the recording:\n\n    start     end  voice   language  words")
        for (start, end, voice, code), (_, _, text) in zip(placed, SAYS, strict=True):
            print(f"  {start:7.2f} {end:7.2f}  {voice:<7} {code}       {text}")
    print("\nWhat was found (? : the speaker or the language is unsure):\n\n    start     end  speaker margin language  words")
    for s in transcript.segments:
        margin = "     -" if s.speaker_margin is None else f"{s.speaker_margin:6.2f}"
        doubt = "?" if s.status == "unsure" else " "
        said = s.text or f"({s.unsure_reason})"
        times = f"{s.span.start_ms / 1000:7.2f} {s.span.end_ms / 1000:7.2f}"
        print(f"  {times}  {s.speaker or 'nobody':<7} {margin} {s.language or '-'}{doubt}      {said}")
    print(f"\n{summary(result, recording.name, turns_found)}")
    for start, end in at_once(transcript.segments):
        print(f"  two at once: {start / 1000:.2f} - {end / 1000:.2f}")
    eaf, rttm = folder / f"{recording.stem}.eaf", folder / f"{recording.stem}.rttm"
    save(transcript, eaf, force=True)
    save(transcript, rttm, force=True)
    plot = draw(transcript, folder / "turns.svg", placed)
    print(f"\nWritten: {eaf} (open it in ELAN), {rttm} and {plot} (open it in a browser)")


def at_once(turns: Sequence[Segment]) -> list[tuple[int, int]]:
    """Where two people speak."""
    pairs = [(a.span, b.span) for n, a in enumerate(turns) for b in turns[:n] if a.speaker != b.speaker]
    common = [(max(a.start_ms, b.start_ms), min(a.end_ms, b.end_ms)) for a, b in pairs]
    return sorted((start, end) for start, end in common if start < end)


def draw(transcript: Transcript, path: Path, placed: Sequence[Placed]) -> Path:
    """The turns as a plot: a row a voice that was put in, then a row a speaker who was found."""
    from speech.report import Lane, timeline_plot

    put_in: dict[str, list[tuple[int, int, str]]] = {}
    for start, end, voice, language in placed:
        put_in.setdefault(f"{voice} (put in)", []).append((round(1000 * start), round(1000 * end), language))
    found: dict[str, list[tuple[int, int, str]]] = {}
    for s in transcript.segments:
        found.setdefault(f"{s.speaker or 'nobody'} (found)", []).append((s.span.start_ms, s.span.end_ms, s.language or "?"))
    title, length = "Who speaks when, in which language", transcript.recording.duration_ms
    lanes = [Lane(name=name, bars=bars) for name, bars in (put_in | found).items()]
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n{timeline_plot(title, lanes, length, shaded=at_once(transcript.segments))}\n',
        encoding="utf-8",
    )
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, help="your own recording")
    parser.add_argument("--language", default="auto", help="the languages that are spoken in it, as swh,yor; or auto")
    parser.add_argument("--out", type=Path, default=Path("demo-output"))
    options = parser.parse_args()
    options.out.mkdir(exist_ok=True)
    if options.audio:
        show(options.audio, options.out, (), options.language)
        return
    print("SYNTHETIC: no person speaks here; eSpeak NG, a synthesiser, talks in two voices and two languages, and is interrupted once.")
    recording = options.out / "talk.wav"
    show(recording, options.out, talk(recording), "swh,que")


if __name__ == "__main__":
    plainly(main)
