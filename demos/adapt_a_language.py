"""Minutes of speech into a model, shown: Papiamentu, which the embedded model does not know, is heard before and after learning.

**Synthetic: no person speaks here.** eSpeak NG speaks sentences that a seeded draw makes of a small list of words, in several of its
voices. So it shows what is done and how long it takes; how well people are heard after as many minutes stands in docs/guides/adapt.md.
A drawn sentence has a fixed order and few words, and a synthesiser says each letter alike: people are heard far worse.

Written into --out: `recordings/` (clips, texts.txt and a card of consent that says what they are), `adapter/`, and `new/` with clips
that nothing was learnt from. Time: under five minutes on two cores; --smoke: two steps on few clips.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from refusals import plainly
from synthetic import write_card

if TYPE_CHECKING:
    from speech.adapt import Material
    from speech.transcribe import Pipeline

LANGUAGE, SEED, STEPS, BASIS = "pap", 29, 120, "made by a synthesiser"
DAYS = ("Tur dia", "Awe mainta", "Awe atardi", "Djadumingu", "Djasabra")
WHO = ("e mucha", "e muhé", "e hòmber", "mi ruman", "mi wela", "nos bisiña", "e piskadó")
DOES = ("ta mira", "ta kumpra", "ta bende", "ta buska", "ta karga")
THINGS = ("un kachó", "un pushi chikí", "e boto nobo", "hopi fruta", "webu i pan", "un piská grandi", "e buki bieu", "awa i lechi")
PLACES = ("na laman", "na merkado", "den kunuku", "riba kaminda", "serka di kas", "den kushina")
"""Words of Papiamentu, put together by us; no speaker has looked at what the draw makes of them."""

VOICES = ("m1", "m3", "m7", "f2", "f4", "f5")
"""Variants of eSpeak NG's voice. Each is a session of its own, so that the one which dev gets has taught nothing."""
NEW_VOICE = "f1"
"""One more, which is in neither train nor dev."""
CLIPS, FEW, HEARD = 11, 4, 3
"""Clips a voice; the same with --smoke; new sentences that a voice says at the end."""
NOTE = "SYNTHETIC.txt"
"""Says what lies beside it, and that it may be made anew."""


def sentences(count: int) -> list[str]:
    """So many sentences, none twice, the same in each run."""
    draw = random.Random(SEED)
    found: dict[str, None] = {}
    while len(found) < count:
        found[" ".join(draw.choice(part) for part in (DAYS, WHO, DOES, THINGS, PLACES)) + "."] = None
    return list(found)


def speak(folder: Path, voices: Sequence[str], texts: Iterator[str], clips: int) -> float:
    """Write `clips` clips a voice and texts.txt into `folder`; the minutes of them."""
    import numpy as np
    import soundfile

    from speech.say import Espeak

    espeak, draw = Espeak(), random.Random(SEED)
    pause = np.zeros(espeak.sample_rate // 4, np.float32)
    folder.mkdir(parents=True)
    lines, samples = [], 0
    for voice in voices:
        for number in range(1, clips + 1):
            text, name = next(texts), f"{voice}_{number:02}"
            said = espeak.say(text, LANGUAGE, variant=voice, words_a_minute=draw.randint(120, 160), pitch=draw.randint(40, 60))
            soundfile.write(folder / f"{name}.wav", np.concatenate([pause, said, pause]), espeak.sample_rate, subtype="PCM_16")
            lines.append(f"{name}\t{text}")
            samples += len(said) + 2 * len(pause)
    (folder / "texts.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return samples / espeak.sample_rate / 60


def best_donor(folder: Path) -> tuple[str, Material]:
    """The language of `mini` that hears the most of Papiamentu right, and the clips as `speech adapt` parts them."""
    from speech.adapt import gather
    from speech.adapt.donors import ranked
    from speech.collections import consent
    from speech.models import hub
    from speech.models.checkpoint import open_checkpoint

    material = gather(folder, LANGUAGE, context=consent.Context(basis=BASIS))
    return ranked(open_checkpoint(hub.resolve("mini")), material.train, material.symbols)[0].language, material


def heard(pipeline: Pipeline, language: str, recordings: Sequence[Path]) -> list[str]:
    """What each recording says to a pipeline, on one line."""
    return [" ".join(pipeline.transcribe(recording, language=language).text.split()) for recording in recordings]


def cer(said: Sequence[str], heard: Sequence[str]) -> float:
    """Letters wrong, in per cent."""
    from speech.score import Pair, score

    pairs = [Pair(id=str(n), reference=a, hypothesis=b, language=LANGUAGE) for n, (a, b) in enumerate(zip(said, heard, strict=True))]
    return 100 * (score(pairs).overall.letters.value or 0.0)


def show(out: Path, steps: int, clips: int) -> None:
    import speech

    texts = iter(sentences((len(VOICES) * CLIPS) + 2 * HEARD))
    folder = out / "recordings"
    minutes = speak(folder, VOICES, texts, clips)
    source = "sentences drawn from a list of words in demos/adapt_a_language.py"
    write_card(folder, id="synthetic_papiamentu", title="Papiamentu", languages=(LANGUAGE,), source=source)
    print(f"\n{folder}: {len(VOICES) * clips} clips, {minutes:.1f} minutes of synthetic speech in {len(VOICES)} voices of eSpeak NG")
    before = speech.load("mini", basis=BASIS, lm="off")
    donor, material = best_donor(folder)
    dev, voices = [clip.text for clip in material.dev], sorted({clip.session for clip in material.dev})
    wrong = cer(dev, heard(before, donor, [folder / f"{clip.id}.wav" for clip in material.dev]))
    print(f"dev is what {' and '.join(voices)} says ({len(dev)} clips); the other voices are learnt from.")
    print(f"\nBefore: mini listens with its adapter of {donor}, the best of its languages here. CER on dev: {wrong:.1f} %\n")
    made = speech.adapt(
        folder, language=LANGUAGE, out=out / "adapter", basis=BASIS, donor=donor, steps=steps, curve=False,
        say=lambda line: print(f"  {line}"), progress=lambda step, cer: print(f"  step {step:3}: CER on dev {cer:.1f} %", flush=True),
    )  # fmt: skip
    overall = made.scores.overall
    print(f"\nAfter {made.adapted.seconds:.0f} s of learning: CER on dev {100 * (overall.letters.value or 0):.1f} %, the sounds alone")
    print(f"Written: {made.path} with its card beside it")
    after = speech.load("mini", basis=BASIS, lm="off", adapter=out / "adapter")
    taught = next(voice for voice in VOICES if voice not in voices)
    for voice, whose in ((taught, "a voice that was learnt from"), (NEW_VOICE, "a voice in neither train nor dev")):
        new = out / "new" / voice
        speak(new, [voice], texts, HEARD)
        said = [line.partition("\t")[2] for line in (new / "texts.txt").read_text(encoding="utf-8").splitlines()]
        recordings = sorted(new.glob("*.wav"))
        first, then = heard(before, donor, recordings), heard(after, LANGUAGE, recordings)
        print(f"\nNew sentences in eSpeak NG's {voice}, {whose}: CER before {cer(said, first):.1f} %, after {cer(said, then):.1f} %")
        for number, text in enumerate(said):
            print(f"  said    {text}\n  before  {first[number]}\n  after   {then[number]}")


def make_room(out: Path) -> None:
    """An empty folder: what an earlier demonstration left is taken away, and nothing else."""
    if out.exists() and any(out.iterdir()):
        if not (out / NOTE).is_file():
            sys.exit(f"{out}: files lie there that this demonstration did not write. Choose another --out")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / NOTE).write_text(
        "Everything here is synthetic: drawn sentences of Papiamentu, spoken by eSpeak NG, and an adapter learnt from them.\n"
        "No person's speech. The next run of demos/adapt_a_language.py replaces this folder.\n",
        encoding="utf-8",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("demo-output/papiamentu"))
    parser.add_argument("--steps", type=int, default=STEPS, help=f"steps of 48 s of sound; {STEPS} where none are given")
    parser.add_argument("--smoke", action="store_true", help="two steps on few clips: whether it runs, not what it learns")
    options = parser.parse_args()
    begun = time.monotonic()
    print(
        "SYNTHETIC: eSpeak NG, a synthesiser, speaks drawn sentences of Papiamentu. No person's speech is here, and people are heard worse."
    )
    print("For your own recordings: speech adapt FOLDER --language CODE --out DIR (docs/guides/adapt.md)")
    make_room(options.out)
    show(options.out, 2 if options.smoke else options.steps, FEW if options.smoke else CLIPS)
    print(f"\nAll of it took {(time.monotonic() - begun) / 60:.1f} minutes. To hear a recording with it:")
    print(f"  speech transcribe {options.out / 'new' / NEW_VOICE} -l {LANGUAGE} --adapter {options.out / 'adapter'} --out out")


if __name__ == "__main__":
    plainly(main)
