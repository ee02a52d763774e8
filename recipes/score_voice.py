"""What a voice is worth: whether it is understood, how near it is to a reader, its melody and its speed, into docs/voice_scores.md.

Data: sentences of the test splits of the open speech (`open/*`), with the recordings of the people who read them; cards of consent:
data_manifests/. Nothing is learnt here, and neither sound nor text of theirs is written. Of ten languages, seven are heard again
by the recogniser `mini` with the language's own adapter; three are tone languages, whose tones are looked at.
- Round trip: a sentence is said by the voice, and heard by `mini`; beside it stands how well `mini` hears the same sentence as a person
  read it. The goal is at most 1.5 times as many wrong letters.
- Likeness: mel-cepstral distortion between the reader and the voice along the best alignment, beside that between the reader and the
  voice saying another sentence, which shows what the figure is worth; pitch and pace of both.
- Tones: the pitch of one syllable in each tone, beside the levels (1 to 5) that textbooks give.
- Speed: seconds of sound a second, beside the engine without Oral Speech: eSpeak NG's own program or library, plain transformers.

Command: python recipes/score_voice.py            eSpeak NG in the languages that docs/voice_runs has no card of; then the page
         python recipes/score_voice.py --voice PATH --language swh [--card CARD]      a VITS checkpoint in one language
         python recipes/score_voice.py --table    the page alone
Needs ../shared and the extra tts. Time: about ten minutes on one core; `--smoke` takes two sentences of two languages and writes nothing.
Expected: see the page.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech import say
from speech.adapt.compare import judged_by
from speech.adapt.material import Clip, split_of
from speech.audio import RATE, analysis, resampled
from speech.collections import consent
from speech.collections.manifest import read_manifest
from speech.errors import SpeechError
from speech.files import write_bytes, write_text
from speech.models import guard
from speech.models.hub import mini_folder
from speech.models.recogniser import LoadSettings, Recogniser, load
from speech.models.training.environment import environment
from speech.report import Curve, curves_plot
from speech.say import engines
from speech.say.espeak import VOICES
from speech.score import Scores, ScoreSettings
from speech.score.intervals import draw, interval_of
from speech.score.summary import in_per_cent

CARDS, PAGE, IMAGES = Path("docs/voice_runs"), Path("docs/voice_scores.md"), Path("docs/images/voice")
CONTEXT = consent.Context(basis="measuring a synthetic voice")
GOAL = 1.5
SENTENCES, LIKENED, SEED = 20, 8, 21
LENGTHS_S = (2.0, 20.0)
"""Of recordings that are taken."""
POINTS = 11
"""Of a tone's contour."""

INTRO = f"""Made by `python recipes/score_voice.py` from the cards in [voice_runs](voice_runs). Sentences are of the test splits of the open
speech, {LENGTHS_S[0]:g} to {LENGTHS_S[1]:g} s long as people read them, drawn once. Nothing was chosen by these figures. A voice that is
borrowed reads the text of one language by the rules of another; of letters that it cannot say the nearest are said.
"""
HEARD = f"""Letters wrong (CER in per cent, greedy, without a language model, 95 % intervals) of the same sentences as people read them and
as the voice says them, heard by `mini`. The goal is at most {GOAL} times as many. `mini` has learnt from the readers of Swahili, Amharic,
Kinyarwanda, Malagasy and Yoruba, so people are heard better there than a new person would be, which is harder on the voice. But it has
learnt from eSpeak NG's voices of Swahili, Kichwa and Amharic, too, which read its training texts: where the table says so, a low figure
shows that the voice says the letters it is given, not that people understand it. The voice is clean and even, the recordings are of
telephones and plays, and the encoder that all languages share has heard this synthesiser: below 1 it is easier to hear for `mini`, not
better than a person.
"""
BESIDE = f"""Mel-cepstral distortion in dB ({analysis.COEFFICIENTS} coefficients, along the best alignment) between the reader and the
voice, after each side's mean is taken away: of the same sentence, and of another one. The nearer the two figures are to each other, the
less of the words is in them. They are not to be compared with those of other programs. Pitch is the median; its span goes from the 10th
to the 90th percentile.
"""
MELODY = """One syllable alone in each tone, semitones from the middle of all of them. *Agreement* is the correlation of the contours with
the levels that textbooks give (1 to 5); *nearest two* is how far the two most similar tones are apart. A syllable alone also carries the
melody of a sentence's end, and creaking, which belongs to some tones of Vietnamese, is not seen in the pitch.
"""


Cards = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A language to be spoken: where its sentences lie, and whose voice says it where it has none of its own."""

    name: str
    clips: str = ""
    borrow: str | None = None


LANGUAGES = {
    "swh": Spoken(name="Swahili", clips="swh_gitau"),
    "que": Spoken(name="Kichwa", clips="que_killkan"),
    "amh": Spoken(name="Amharic", clips="amh_azime"),
    "kin": Spoken(name="Kinyarwanda", clips="kin_ishimwe", borrow="swh"),
    "mlg": Spoken(name="Malagasy", clips="mlg_dimbyr_f", borrow="msa"),
    "yor": Spoken(name="Yoruba", clips="yor_ogun", borrow="swh"),
    "bre": Spoken(name="Breton", clips="bre_roadennou", borrow="cym"),
    "cmn": Spoken(name="Mandarin"),
    "yue": Spoken(name="Cantonese"),
    "vie": Spoken(name="Vietnamese"),
}
"""Borrowed voices are those that `speech say` names first; they were not chosen by what comes out."""

TONES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "cmn": (("1 high", "妈", "55"), ("2 rising", "麻", "35"), ("3 dipping", "马", "214"), ("4 falling", "骂", "51")),
    "yue": (
        ("1 high", "詩", "55"), ("2 rising", "史", "25"), ("3 mid", "試", "33"), ("4 falling", "時", "21"), ("5 low rise", "市", "23"),
        ("6 low", "事", "22"),
    ),
    "vie": (
        ("ngang", "ma", "33"), ("sắc", "má", "35"), ("huyền", "mà", "21"), ("hỏi", "mả", "313"), ("ngã", "mã", "35"), ("nặng", "mạ", "21"),
    ),
    "yor": (("high", "má", "55"), ("mid", "ma", "33"), ("low", "mà", "11")),
}  # fmt: skip
"""Of one syllable: the tone's name, the word, and its level from 1 to 5 as textbooks give it (Chao's letters)."""

PICTURED = {"swh": "karibu nyumbani, habari za asubuhi", "que": "alli puncha, imanalla kanki"}
"""Greetings of ours, for pictures: what people read is not pictured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The voice that is measured."""

    voice: str = "espeak"
    card: Path | None = None

    @property
    def name(self) -> str:
        """As its card's file has it."""
        return self.voice if self.voice == "espeak" else Path(self.voice).name

    def say(self, text: str, language: str) -> say.Spoken:
        """A text as the voice says it; of letters that it cannot say the nearest, and those without one left out."""
        return say.say(text, language=language, voice=_loaded(self, language), settings=say.Settings(letters="leave-out"), context=CONTEXT)


@functools.cache
def _loaded(asked: Asked, language: str) -> say.Voice:
    own = LANGUAGES[language]
    return engines.load(asked.voice, language, borrow=own.borrow if asked.voice == engines.ESPEAK else None, card=asked.card)


def sentences_of(code: str, data: Path, count: int) -> tuple[list[Clip], dict[str, str]]:
    """Recordings of test with what was read, and the texts as they were written, by id."""
    place = LANGUAGES[code].clips
    source = data / "open" / place / "manifest.tsv"
    clips = split_of(source, code, "test", context=CONTEXT, card=Path("data_manifests") / f"{place}.card.toml")
    written = {row.id: row.text or "" for row in read_manifest(source).rows}
    fitting = sorted((clip for clip in clips if LENGTHS_S[0] <= clip.seconds <= LENGTHS_S[1]), key=lambda clip: clip.id)
    return random.Random(SEED).sample(fitting, min(count, len(fitting))), written


def card_of(code: str) -> dict[str, Any]:
    """What the adapter of a language says of itself; `trained.synthetic` says whether eSpeak NG's voices trained it, too."""
    return tomllib.loads((mini_folder() / f"adapter.{code}.toml").read_text(encoding="utf-8"))


def as_clip(clip: Clip, spoken: say.Spoken) -> Clip:
    """What the voice says in place of the reader, at 16 kHz."""
    sound = resampled(spoken.samples, spoken.sample_rate)
    samples = np.clip(sound * 32767, -32768, 32767).astype(np.int16)
    return Clip(id=clip.id, text=clip.text, symbols=clip.symbols, samples=samples, session=clip.session)


def round_trip(natural: Scores, synthetic: Scores, checked: Sequence[say.Checked]) -> dict[str, Any]:
    """Wrong letters of the reader and of the voice, how many times as many, and what the voice could not say."""
    rows = list(zip(natural.rows, synthetic.rows, strict=True))
    drawn = draw([a.recording for a, _ in rows], [(a.letters, b.letters) for a, b in rows], ScoreSettings(), "voice")
    found = interval_of(drawn[:, 1:] / drawn[:, :1], 0, 0.95) if drawn is not None and (drawn[:, 0] > 0).all() else None
    people, voice = natural.overall.letters, synthetic.overall.letters
    unsaid = [letter for one in checked for letter in one.unsaid]
    return {
        "natural": in_per_cent(people), "synthetic": in_per_cent(voice),
        "ratio": round((voice.value or 0) / people.value, 2) if people.value else None,
        "ratio_interval": [round(found.low, 2), round(found.high, 2)] if found else None,
        "unsaid": sum(len(letter.places) for letter in unsaid), "letters": people.counts.reference,
        "unsaid_letters": sorted({letter.letter for letter in unsaid}),
    }  # fmt: skip


def likeness(people: Sequence[Clip], voice: Sequence[Clip]) -> dict[str, Any]:
    """Distance to the reader, of the same and of another sentence; pitch and pace of both."""
    sounds = [[clip.samples.astype(np.float32) / 32768 for clip in side] for side in (people, voice)]
    same = [analysis.distortion(a, b) for a, b in zip(*sounds, strict=True)]
    other = [analysis.distortion(a, b) for a, b in zip(sounds[0], sounds[1][1:] + sounds[1][:1], strict=True)]
    found: dict[str, Any] = {
        "sentences": len(people),
        "db": mean([d.db for d in same]), "db_other": mean([d.db for d in other]),
        "centred_db": mean([d.centred_db for d in same]), "centred_db_other": mean([d.centred_db for d in other]),
    }  # fmt: skip
    for name, own, clips in (("natural", sounds[0], people), ("synthetic", sounds[1], voice)):
        pitches = [analysis.pitch(sound) for sound in own]
        voiced = [p for p in pitches if p.middle_hz is not None]
        seconds = [len(analysis.trimmed(sound)) / RATE for sound in own]
        found[name] = {
            "hz": mean([p.middle_hz or 0 for p in voiced]), "span_semitones": mean([p.span_semitones or 0 for p in voiced]),
            "letters_a_second": round(sum(len(clip.symbols) for clip in clips) / sum(seconds), 1), "seconds": round(sum(seconds), 1),
        }  # fmt: skip
    return found


def mean(values: Sequence[float]) -> float | None:
    """To two places; None of nothing."""
    return round(statistics.fmean(values), 2) if values else None


def tones(asked: Asked, code: str) -> dict[str, Any]:
    """The contour of each tone in semitones from the middle of all of them, and how it agrees with the textbook's levels."""
    contours, told = [], []
    for name, word, _ in TONES[code]:
        spoken = asked.say(word, code)
        told.append({"tone": name, "word": word, "unsaid": [letter.letter for letter in spoken.checked.unsaid]})
        sound = resampled(np.pad(spoken.samples, spoken.sample_rate // 10), spoken.sample_rate)
        contours.append(contour(analysis.pitch(sound, window_ms=40).hz))
    voiced = np.concatenate([c for c in contours if len(c)]) if any(len(c) for c in contours) else np.ones(1)
    middle = float(np.exp(np.mean(np.log(voiced))))
    levels = [np.interp(np.linspace(0, 1, POINTS), np.linspace(0, 1, len(t)), [int(d) for d in t]) for _, _, t in TONES[code]]
    semitones = [12 * np.log2(c / middle) if len(c) else np.zeros(0) for c in contours]
    heard = [n for n, c in enumerate(semitones) if len(c)]
    flat = len(heard) < 2 or float(np.std(np.concatenate([semitones[n] for n in heard]))) == 0
    agreement = (
        np.corrcoef(np.concatenate([semitones[n] for n in heard]), np.concatenate([levels[n] for n in heard]))[0, 1] if not flat else 0
    )
    apart = [float(np.sqrt(np.mean((semitones[a] - semitones[b]) ** 2))) for a in heard for b in heard if a < b]
    return {
        "voice": LANGUAGES[code].borrow or code, "middle_hz": round(middle, 1), "agreement": round(float(agreement), 2) + 0.0,
        "nearest_two": round(min(apart), 2) if apart else None,
        "tones": [
            {**one, "level": TONES[code][n][2], "semitones": [round(float(v), 2) for v in semitones[n]]} for n, one in enumerate(told)
        ],
    }  # fmt: skip


def contour(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pitch at equal steps from the first to the last voiced frame, without the tenth at either end, where the voice sets in and ends."""
    places = np.flatnonzero(np.isfinite(hz))
    if len(places) < 5:
        return np.zeros(0)
    edge = (places[-1] - places[0]) * 0.1
    return np.asarray(np.interp(np.linspace(places[0] + edge, places[-1] - edge, POINTS), places, hz[places]))


def speed(asked: Asked, code: str, texts: Sequence[str]) -> dict[str, Any]:
    """Seconds of sound a second of work, of Oral Speech and of the engine alone; the middle of three turns, one after the other."""
    rival, name = plainly(asked, code)
    ways: dict[str, Callable[[str], float]] = {"ours": lambda text: asked.say(text, code).duration_ms / 1000, "rival": rival}
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(4):  # the first warms both up
        for way, speak in ways.items():
            begun = time.perf_counter()
            sound = sum(speak(text) for text in texts)
            if turn:
                rates[way].append(sound / (time.perf_counter() - begun))
    return {"rival": name, **{f"{way}_times_real_time": round(statistics.median(own), 1) for way, own in rates.items()}}


def plainly(asked: Asked, code: str) -> tuple[Callable[[str], float], str]:
    """The engine without Oral Speech, as seconds of sound for a text, and what it is called."""
    if asked.voice != "espeak":
        return _transformers(asked.voice), "plain transformers"
    voice = VOICES[LANGUAGES[code].borrow or code]
    if program := shutil.which("espeak-ng"):
        return functools.partial(_program, program, voice), "espeak-ng, the program"
    espeak = say.Espeak()
    return lambda text: len(espeak.say(text, voice)) / espeak.sample_rate, "eSpeak NG, the library alone"


def _program(program: str, voice: str, text: str) -> float:
    made = subprocess.run([program, "-v", voice, "-s", "150", "--stdout", text], capture_output=True, check=True).stdout
    return (len(made) - 44) / 2 / 22050


def _transformers(path: str) -> Callable[[str], float]:
    import torch

    guard.load()
    from transformers import AutoTokenizer, VitsModel

    tokenizer: Any = AutoTokenizer.from_pretrained(path, local_files_only=True)
    model: Any = VitsModel.from_pretrained(path, local_files_only=True).eval()

    def speak(text: str) -> float:
        with torch.inference_mode():
            made = model(**tokenizer(text, return_tensors="pt")).waveform
        return float(made.shape[-1] / model.config.sampling_rate)

    return speak


def measured(asked: Asked, code: str, data: Path, recogniser: Recogniser, count: int) -> dict[str, Any]:
    """Everything of one voice in one language."""
    found: dict[str, Any] = {"language": code}
    texts = [word for _, word, _ in TONES.get(code, ())]
    if LANGUAGES[code].clips:
        people, written = sentences_of(code, data, count)
        spoken = [asked.say(written[clip.id], code) for clip in people]
        voice = [as_clip(clip, one) for clip, one in zip(people, spoken, strict=True)]
        found["voice"] = spoken[0].voice.as_dict()
        found["sentences"] = len(people)
        found["learnt_from_voice"] = card_of(code)["trained"]["synthetic"] != "none"
        natural, synthetic = (judged_by(recogniser, code, side) for side in (people, voice))
        found["round_trip"] = round_trip(natural, synthetic, [one.checked for one in spoken])
        found["likeness"] = likeness(people[:LIKENED], voice[:LIKENED])
        texts = [written[clip.id] for clip in people]
    if code in TONES:
        found["tones"] = tones(asked, code)
    found["speed"] = speed(asked, code, texts)
    return found


def page(cards: Cards) -> str:
    """The tables, from the cards."""
    lines = [
        "# What synthetic voices are worth\n",
        INTRO,
    ]
    for name in dict.fromkeys(card["name"] for card in cards):
        own = [card for card in cards if card["name"] == name]
        lines += [f"## {name}\n"]
        for part in (_round_trips, _likenesses, _tones, _speeds, _pictures):
            lines += part(own)
    return "\n".join(lines) + "\n"


def _own(cards: Cards, part: str) -> Cards:
    return [one for one in cards if part in one]


def _voice_of(one: dict[str, Any]) -> str:
    borrow = LANGUAGES[one["language"]].borrow if one["name"] == engines.ESPEAK else None
    return f"borrowed: `{borrow}`" if borrow else "its own"


def _round_trips(cards: Cards) -> list[str]:
    rows = _own(cards, "round_trip")
    if not rows:
        return []
    lines = [
        "### Heard again\n",
        HEARD,
        "| language | voice | sentences | people | voice | times as many | goal | letters not said as written |",
        "|" + "---|" * 8,
    ]
    for one in rows:
        trip = one["round_trip"]
        low, high = trip["ratio_interval"] or (None, None)
        times = f"{trip['ratio']} ({low}–{high})" if low is not None else f"{trip['ratio']}"
        reached = "reached" if trip["ratio"] is not None and trip["ratio"] <= GOAL else "not reached"
        reached += ", by a recogniser that learnt from this voice" if one["name"] == engines.ESPEAK and one["learnt_from_voice"] else ""
        unsaid = f"{trip['unsaid']} of {trip['letters']}" + (f" ({', '.join(trip['unsaid_letters'])})" if trip["unsaid_letters"] else "")
        name = LANGUAGES[one["language"]].name
        who = f"{name} | {_voice_of(one)} | {one['sentences']}"
        lines.append(f"| {who} | {trip['natural']} | {trip['synthetic']} | {times} | {reached} | {unsaid} |")
    return [*lines, ""]


def _likenesses(cards: Cards) -> list[str]:
    rows = _own(cards, "likeness")
    if not rows:
        return []
    lines = [
        "### Beside the reader\n",
        BESIDE,
        "| language | sentences | dB, same | dB, another | without taking the mean away | pitch, Hz: reader, voice | span, semitones "
        "| letters a second |",
        "|" + "---|" * 8,
    ]
    for one in rows:
        found = one["likeness"]
        pairs = [f"{found['natural'][key]}, {found['synthetic'][key]}" for key in ("hz", "span_semitones", "letters_a_second")]
        whole = f"{found['db']}, {found['db_other']}"
        name = LANGUAGES[one["language"]].name
        lines.append(
            f"| {name} | {found['sentences']} | {found['centred_db']} | {found['centred_db_other']} | {whole} | {' | '.join(pairs)} |"
        )
    return [*lines, ""]


def _tones(cards: Cards) -> list[str]:
    rows = _own(cards, "tones")
    if not rows:
        return []
    lines = [
        "### Tones\n",
        MELODY,
        "| language | voice | agreement | nearest two, semitones | tone (level): from, middle, to |",
        "|" + "---|" * 5,
    ]
    for one in rows:
        found = one["tones"]
        said = "; ".join(f"{t['tone']} ({t['level']}): {_shape(t['semitones'])}" for t in found["tones"])
        name = LANGUAGES[one["language"]].name
        apart = found["nearest_two"] if found["nearest_two"] is not None else "–"
        lines.append(f"| {name} | {_voice_of(one)} | {found['agreement']} | {apart} | {said} |")
    lines.append("")
    for one in rows:
        name = LANGUAGES[one["language"]].name
        place = f"images/voice/{one['name']}_{one['language']}.svg"
        lines.append(f"![Pitch of one syllable of {name} in each tone, as {one['name']} says it]({place})\n")
    return lines


def _shape(semitones: Sequence[float]) -> str:
    if not semitones:
        return "no pitch found"
    return ", ".join(f"{semitones[n]:+.1f}" for n in (0, len(semitones) // 2, -1))


def _speeds(cards: Cards) -> list[str]:
    first = cards[0]["speed"]
    lines = [
        "### Speed\n",
        f"Seconds of sound a second of work, whole sentences in memory by a voice that is open, beside {first['rival']};",
        "the middle of three turns, on a machine that had other work, too. Oral Speech checks every letter first, and asks for consent.\n",
        "| language | Oral Speech | alone |",
        "|---|---|---|",
    ]
    for one in cards:
        name = LANGUAGES[one["language"]].name
        lines.append(f"| {name} | {one['speed']['ours_times_real_time']} | {one['speed']['rival_times_real_time']} |")
    return [*lines, ""]


def _pictures(cards: Cards) -> list[str]:
    found = [one for one in cards if one["language"] in PICTURED]
    if not found:
        return []
    lines = ["### Pictures\n", "Mel spectrograms of greetings; a column is 10 ms, low tones are below, black is loud.\n"]
    for one in found:
        code = one["language"]
        name = LANGUAGES[code].name
        place = f"images/voice/{one['name']}_{code}.png"
        lines.append(f"![Spectrogram of the {name} greeting “{PICTURED[code]}”, as {one['name']} says it]({place})\n")
    return lines


def curves_of(one: dict[str, Any]) -> str:
    """The contours of a card's tones."""
    curves = [Curve(name=f"{t['tone']} ({t['level']})", values=t["semitones"]) for t in one["tones"]["tones"] if t["semitones"]]
    return str(curves_plot(f"Tones of {LANGUAGES[one['language']].name}", curves, unit="semitones from the middle of all"))


def draw_pictures(asked: Asked, one: dict[str, Any]) -> None:
    """The contours of a card's tones, and the spectrogram of a greeting, beside the page."""
    code = one["language"]
    if "tones" in one:
        write_text(IMAGES / f"{asked.name}_{code}.svg", curves_of(one) + "\n")
    if code in PICTURED:
        spoken = asked.say(PICTURED[code], code)
        write_bytes(IMAGES / f"{asked.name}_{code}.png", analysis.picture(resampled(spoken.samples, spoken.sample_rate)))


def scored(asked: Asked, codes: Sequence[str], data: Path, *, smoke: bool) -> list[dict[str, Any]]:
    """The cards of a voice in some languages, each written as it is made."""
    recogniser = load("mini", LoadSettings(precision="fp32"))  # figures of one format, whatever the machine has
    cards = []
    for code in codes:
        found = measured(asked, code, data, recogniser, 2 if smoke else SENTENCES)
        cards.append({"name": asked.name, **found, "environment": environment()})
        print(f"{code}: {json.dumps(found, ensure_ascii=False)}", flush=True)
        if not smoke:
            draw_pictures(asked, cards[-1])
            write_text(CARDS / f"{asked.name}_{code}.json", json.dumps(cards[-1], ensure_ascii=False, indent=1, sort_keys=True) + "\n")
            write_text(PAGE, page(read()))
    return cards


def read() -> list[dict[str, Any]]:
    """The cards that are there, by voice, and each voice's languages in their order."""
    cards = [json.loads(path.read_text(encoding="utf-8")) for path in CARDS.glob("*.json")]
    order = list(LANGUAGES)
    return sorted(cards, key=lambda card: (card["name"] != engines.ESPEAK, card["name"], order.index(card["language"])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--voice", default=engines.ESPEAK, help="espeak, or the folder of a VITS checkpoint")
    parser.add_argument("--language", default="", metavar="CODE", help="that language alone")
    parser.add_argument("--card", type=Path, help="the card of consent of whose voice it is")
    parser.add_argument("--table", action="store_true", help="the page alone")
    parser.add_argument("--smoke", action="store_true", help="two sentences of two languages; nothing written")
    options = parser.parse_args()
    if options.table:
        write_text(PAGE, page(read()))
        return
    asked = Asked(voice=options.voice, card=options.card)
    codes = [options.language] if options.language else ["swh", "yor"] if options.smoke else list(LANGUAGES)
    if unknown := [code for code in codes if code not in LANGUAGES]:
        sys.exit(f"--language {unknown[0]}: there are sentences in {', '.join(LANGUAGES)}")
    if not options.smoke:
        for folder in (CARDS, IMAGES):
            folder.mkdir(parents=True, exist_ok=True)
        codes = [code for code in codes if not (CARDS / f"{asked.name}_{code}.json").exists()]
    with tempfile.TemporaryDirectory() as place:
        os.environ["SPEECH_STORE"] = str(Path(place) / "trials.sqlite3")  # the ledger of acts is for acts
        cards = scored(asked, codes, options.data, smoke=options.smoke)
    if options.smoke:
        print(page(cards))


if __name__ == "__main__":
    try:
        main()
    except SpeechError as error:
        sys.exit(str(error))
