"""The app, opened on a sample collection: drafts to mend, a recording to transcribe, and what was mended to learn from.

**Synthetic: no person speaks here.** eSpeak NG speaks short talks in Kichwa and Swahili with two of its voices, and the card of consent
beside them says so. Written into --out: `village/` (recordings, the drafts that the embedded model made, and the card) and, once the app is
open, `village.workspace/` with what it makes. Nothing else is touched, and the same command begins anew only where --anew is said.
Command: make app, or python demos/review.py [--no-open]
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from refusals import plainly
from synthetic import write_card

NOTE = "SYNTHETIC.txt"
"""Says what lies beside it, and that it may be made anew."""
BASIS = "made by a synthesiser"
PAUSE_S = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A recording that is made: who says what, in turn (voice of eSpeak NG, sentence).

    `languages` are those of the turns, where they are not all in `language`; in the last `at_once_s` of a turn the next begins.
    """

    name: str
    language: str
    turns: tuple[tuple[str, str], ...]
    languages: tuple[str, ...] = ()
    at_once_s: tuple[float, ...] = ()
    drafted: bool = True

    @property
    def asked(self) -> str:
        """The languages, as `speech transcribe --language` takes them."""
        return ",".join(dict.fromkeys(self.languages)) or self.language


TALKS = (
    Talk(
        name="kichwa_family",
        language="que",
        turns=(
            ("f2", "Ñukanchik ayllukunaka hatun llaktapi kawsanchik."),
            ("m3", "Punchanta mamaka chakrapi llankan."),
            ("f2", "Wawakunaka yachana wasiman rinkuna."),
            ("m3", "Kayaka tukuy mashikunawan tantanakushun."),
            ("f2", "Taytaka yakuta apamun, ñukaka mikunata yanuni."),
            ("m3", "Chishitaka wasiman tikramunchik."),
        ),
    ),
    Talk(
        name="swahili_market",
        language="swh",
        turns=(
            ("m1", "Mama anapika chakula cha jioni nyumbani."),
            ("f4", "Watoto wanacheza nje pamoja na rafiki zao."),
            ("m1", "Kesho tutaenda sokoni kununua matunda na samaki."),
            ("f4", "Bei ya samaki imepanda sana mwaka huu."),
        ),
    ),
    Talk(
        name="two_languages_at_the_market",
        language="swh",
        turns=(
            ("f4", "Kesho tutaenda sokoni kununua matunda na samaki."),
            ("m3", "Punchanta mamaka chakrapi llankan, wawakunaka yachana wasiman rinkuna."),
            ("f4", "Bei ya samaki imepanda sana mwaka huu, lakini matunda ni rahisi."),
            ("m3", "Kayaka tukuy mashikunawan tantanakushun."),
            ("f4", "Watoto wanacheza nje pamoja na rafiki zao."),
        ),
        languages=("swh", "que", "swh", "que", "swh"),
        at_once_s=(0.0, 0.8, 0.0, 0.0),
    ),
    Talk(
        name="swahili_not_yet_transcribed",
        language="swh",
        turns=(
            ("f4", "Babu alituambia hadithi ya zamani."),
            ("m1", "Tulikaa chini ya mti mkubwa hadi usiku."),
            ("f4", "Mvua ilianza kunyesha, tukakimbia nyumbani."),
        ),
        drafted=False,
    ),
)
LANGUAGES = tuple(dict.fromkeys(code for talk in TALKS for code in talk.asked.split(",")))


def speak(talk: Talk, folder: Path) -> Path:
    """The recording of a talk, with pauses between its turns where the next does not begin before."""
    import numpy as np
    import soundfile

    from speech.say import Espeak

    espeak = Espeak()
    rate = espeak.sample_rate
    codes = talk.languages or (talk.language,) * len(talk.turns)
    said = [espeak.say(text, code, variant=voice, words_a_minute=135) for (voice, text), code in zip(talk.turns, codes, strict=True)]
    starts = [round(PAUSE_S * rate)]
    for n, one in enumerate(said):
        over = talk.at_once_s[n] if n < len(talk.at_once_s) else 0.0
        starts.append(starts[-1] + len(one) + round((-over or PAUSE_S) * rate))
    sound = np.zeros(starts[-1], np.float32)
    for start, one in zip(starts, said, strict=False):
        sound[start : start + len(one)] += one
    path = folder / f"{talk.name}.wav"
    soundfile.write(path, sound, rate, subtype="PCM_16")
    return path


def make(folder: Path) -> None:
    """The sample collection: recordings, drafts beside those that have one, a card, and a note of what it is."""
    import speech

    folder.mkdir(parents=True)
    (folder / NOTE).write_text(f"{__doc__}\n", encoding="utf-8")
    write_card(folder, id="synthetic_village", title="talks", languages=LANGUAGES, source="sentences in demos/review.py")
    pipeline = speech.load("mini", basis=BASIS)
    for talk in TALKS:
        path = speak(talk, folder)
        if talk.drafted:
            speakers = "2" if talk.languages else None
            speech.save(pipeline.transcribe(path, language=talk.asked, speakers=speakers), path.with_suffix(".eaf"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("demo-output"))
    parser.add_argument("--port", type=int, default=7860)
    parser.add_argument("--anew", action="store_true", help="make the sample again; what was mended in it is lost")
    parser.add_argument("--no-open", action="store_true", help="make the sample, and do not open the app")
    options = parser.parse_args()
    folder = options.out / "village"
    if options.anew and (folder / NOTE).is_file():
        for lying in (folder, folder.with_name("village.workspace")):
            shutil.rmtree(lying, ignore_errors=True)
    if folder.exists() and not (folder / NOTE).is_file():
        sys.exit(f"{folder} is there, and this program did not make it. Choose another --out")
    print("Synthetic: eSpeak NG, a program, speaks the sample; no person was recorded.", flush=True)
    if not folder.exists():
        make(folder)
    print(f"The sample lies in {folder}: {len(TALKS)} recordings, drafts beside {sum(talk.drafted for talk in TALKS)} of them.", flush=True)
    if not options.no_open:
        from speech.cli import run

        sys.exit(run(["app", str(folder), "--port", str(options.port)]))


if __name__ == "__main__":
    plainly(main)
