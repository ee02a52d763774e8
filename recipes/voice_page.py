"""docs/voice_training.md: what came of tiny voices that were trained on eSpeak NG's speech, with curves, and whom the gate refused.

Nobody speaks here: eSpeak NG says sentences that a seeded draw makes of small lists of words, and a card beside the clips says so.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from voice_material import SCOPE, by_recording, item_of
from voice_start import ACCOUNT

from speech import languages, say
from speech.adapt.compare import judged_by
from speech.adapt.material import Clip
from speech.audio import RATE, resampled
from speech.audio.writing import write_sound
from speech.collections import answers, consent
from speech.collections.cards import load_card
from speech.collections.manifest import read_manifest
from speech.files import read_bytes, write_text
from speech.models.recogniser import LoadSettings, load
from speech.report import Markup, element
from speech.score.summary import in_per_cent
from speech.text import normalise, spell

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE, IMAGES = REPOSITORY / "docs" / "voice_training.md", REPOSITORY / "docs" / "images" / "voice_training"
MANIFESTS = REPOSITORY / "data_manifests"
SEED, NEW_SEED = 7, 8
CONTEXT = consent.Context()
MOST_S = 30
"""Of a sentence that is spoken: a voice that babbles may not find its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A voice that is shown: what eSpeak NG says, how often, and where the training starts."""

    language: str
    parts: tuple[tuple[str, ...], ...]
    """A sentence has one of each, in this order."""
    sentence: str
    clips: int
    steps: int
    heard: int = 20
    """New sentences of the round trip."""
    start: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


SWAHILI = (
    ("mama yangu", "baba yake", "mtoto mdogo", "mwalimu wetu", "mkulima", "dada yako", "kaka yangu", "mzee huyu"),
    ("anapika", "ananunua", "anauza", "anatafuta", "anabeba", "anaona", "anapenda", "alileta", "ataleta"),
    (
        "samaki wakubwa", "mkate na chai", "ndizi mbivu", "kitabu kipya", "maji safi", "mbuzi mweupe", "nguo nyekundu", "kuku wanne",
        "viazi vitamu", "jembe jipya", "fedha nyingi", "dhahabu",
    ),
)  # fmt: skip
KICHWA = (
    ("ñuka mama", "kanpak wawki", "shuk runa", "paypak pani", "uchilla wawa", "yachachik", "ñukanchik hatun tayta"),
    ("hatun wasita", "mishki yakuta", "sara tantata", "llakta allkuta", "yana atallpata", "mushuk kamuta", "tsala sachata"),
    ("rikun", "rantin", "katun", "maskan", "apan", "munan", "kuyan"),
)  # fmt: skip
"""Words put together by us; no speaker has looked at what the draw makes of them."""

SHOWN = {
    "swh": Shown(
        language="swh", parts=SWAHILI, sentence="mama yangu ananunua samaki wakubwa", clips=160, steps=100,
        settings={"adversarial_from": 60},
    ),
    "que": Shown(
        language="que", parts=KICHWA, sentence="ñuka mama mishki yakuta rikun", clips=80, steps=30, start="swh",
        settings={"adversarial_from": 0},
    ),
}  # fmt: skip
"""A few minutes of one core; more steps give better voices."""
_FEW: Mapping[str, Any] = {"checkpoint_steps": 2, "adversarial_from": 1}
SMOKE = {
    "swh": Shown(language="swh", parts=SWAHILI, sentence=SHOWN["swh"].sentence, clips=10, steps=4, heard=2, settings=_FEW),
    "que": Shown(language="que", parts=KICHWA, sentence=SHOWN["que"].sentence, clips=6, steps=2, heard=2, start="swh", settings=_FEW),
}


def sentences(one: Shown, seed: int, apart_from: Sequence[str] = ()) -> Iterator[str]:
    """Sentences without end, none twice, none of `apart_from`."""
    draw, seen = random.Random(seed), set(apart_from)
    while len(seen) < math.prod(map(len, one.parts)):
        made = " ".join(draw.choice(part) for part in one.parts)
        if made not in seen:
            seen.add(made)
            yield made


def speak(folder: Path, one: Shown) -> None:
    """eSpeak NG's clips with texts.txt and a card into a folder; one voice, as it is."""
    espeak, texts = say.Espeak(), sentences(one, SEED)
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(1, one.clips + 1):
        text, name = next(texts), f"clip_{number:03}"
        tags = {"comment": "synthetic speech of eSpeak NG; no person spoke"}
        write_sound(folder / f"{name}.wav", [espeak.say(text, one.language)], espeak.sample_rate, tags, force=True)
        lines.append(f"{name}\t{text}\n")
    write_text(folder / "texts.txt", "".join(lines))
    described = answers.Described(
        id=f"synthetic_{one.language}", title=f"SYNTHETIC: sentences of {languages.named(one.language)} by eSpeak NG; no person's speech",
        languages=(one.language,), holder="whoever ran the recipe", kind="project", licence="cc0-1.0", for_all=True,
        why_not="no person was recorded", source="recipes/train_voice.py --show, spoken by eSpeak NG", synthetic=True,
    )  # fmt: skip
    said = answers.Said(
        scopes=("LOCAL", "TRAIN", "train_tts", "synthesise_voice"), basis="public_licence", given_by="licensor", given_on=consent.today(),
        evidence="eSpeak NG's voices are rules",
    )  # fmt: skip
    answers.write_card(folder / answers.CARD, answers.new_card(described, [said]))


# The round trip.


def round_trip(out: Path, name: str, one: Shown) -> dict[str, Any]:
    """New sentences as eSpeak NG says them and as the voice does, heard by `mini` with the language's adapter."""
    learnt = [line.partition("\t")[2] for line in read_bytes(out / f"{name}_speech" / "texts.txt").decode("utf-8").splitlines()]
    new = sentences(one, NEW_SEED, learnt)
    texts = [next(new) for _ in range(one.heard)]
    espeak = say.Espeak()
    recogniser = load("mini", LoadSettings(precision="fp32"))
    by_rule = [_clip(n, text, one.language, espeak.say(text, one.language), espeak.sample_rate) for n, text in enumerate(texts)]
    by_voice = []
    for n, text in enumerate(texts):
        spoken = say.say(text, language=one.language, voice=str(out / name / "voice"), context=CONTEXT)
        by_voice.append(_clip(n, text, one.language, spoken.samples, spoken.sample_rate))
    heard = {side: judged_by(recogniser, one.language, clips) for side, clips in (("eSpeak NG", by_rule), ("the voice", by_voice))}
    return {
        "sentences": len(texts), "letters": heard["eSpeak NG"].overall.letters.counts.reference,
        **{side: in_per_cent(scores.overall.letters) for side, scores in heard.items()},
        "seconds": {"eSpeak NG": _seconds(by_rule), "the voice": _seconds(by_voice)},
    }  # fmt: skip


def _clip(number: int, text: str, language: str, samples: NDArray[np.float32], rate: int) -> Clip:
    sound = resampled(samples, rate)[: MOST_S * RATE]
    table = languages.load(language)
    plain = normalise(text, table)
    return Clip(
        id=str(number), text=plain, symbols=spell(plain, table), samples=np.clip(sound * 32767, -32768, 32767).astype(np.int16),
        session=str(number),
    )  # fmt: skip


def _seconds(clips: Sequence[Clip]) -> float:
    return round(sum(clip.seconds for clip in clips), 1)


# Whom the gate refused.


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A collection, its recordings, how many of them a voice may be learnt from, and the codes of the others."""

    id: str
    recordings: int
    allowed: int
    codes: tuple[str, ...]
    reasons: tuple[str, ...]
    """Codes of everything that speaks against it."""


def answers_of_collections(folder: Path = MANIFESTS) -> list[Answered]:
    """What the gate says to `train_tts` of every recording of every collection whose manifest lies in a folder; nothing is decoded."""
    found = []
    for manifest in sorted(folder.rglob("*.jsonl")):
        card = manifest.with_name(f"{manifest.stem}.card.toml")
        if not card.is_file():
            continue
        recordings = by_recording(read_manifest(manifest).rows)
        held, context = load_card(card), consent.Context(basis="asked for a page", day=consent.today())
        items = [replace(item_of(name, rows, folder, card), card=held) for name, rows in recordings.items()]
        said = [consent.answer({SCOPE}, item, context=context) for item in items]
        codes = Counter(decision.code for decision in said if not decision.allowed)
        allowed = sum(decision.allowed for decision in said)
        reasons = {reason.code for decision in said for reason in decision.reasons}
        found.append(
            Answered(id=manifest.stem, recordings=len(said), allowed=allowed, codes=tuple(sorted(codes)), reasons=tuple(sorted(reasons)))
        )
    return found


# The curves.

LOSSES = {
    "mel": "mel: how far the spectrogram is off",
    "kl": "kl: how far letters and sound are apart, nats a frame",
    "duration": "duration: how unlikely the lengths are, nats a symbol",
    "adversarial": "adversarial: the voice told from a recording",
    "feature": "feature: layers of the discriminators apart",
    "discriminator": "discriminator: what it mistakes",
}
_WIDE, _TALL, _GAP, _COLUMNS = 300.0, 110.0, 64.0, 2


def losses_plot(log: Sequence[Mapping[str, Any]]) -> str:
    """An SVG with a panel a loss over the steps: the mean of some steps as a line, dev as dots. On white, for any page."""
    last = max((int(row["step"]) for row in log), default=1)
    parts: list[Markup] = [element("rect", width="100%", height="100%", fill="#ffffff")]
    told = []
    shown = [name for name in LOSSES if any(name in row for row in log)]
    for place, name in enumerate(shown):
        line = _smooth([(int(row["step"]), float(row[name])) for row in log if name in row], max(1, last // 60))
        dots = [(int(row["step"]), float(row["dev"][name])) for row in log if name in row.get("dev", {})]
        left, top = 70 + (place % _COLUMNS) * (_WIDE + 90), 40 + (place // _COLUMNS) * (_TALL + _GAP)
        parts += _panel(LOSSES[name], line, dots, last, left, top)
        told.append(f"{name} from {line[0][1]:.2f} to {line[-1][1]:.2f}")
    width = 70 + _COLUMNS * (_WIDE + 90)
    height = 40 + math.ceil(len(shown) / _COLUMNS) * (_TALL + _GAP)
    return str(
        element(
            "svg", element("title", f"Losses over {last} steps"), element("desc", "; ".join(told)), *parts,
            xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width:g} {height:g}", width=f"{width:g}", height=f"{height:g}", role="img",
            font_family="system-ui, sans-serif", font_size="13", fill="#1a1a1a",
        )
    )  # fmt: skip


def _smooth(points: Sequence[tuple[int, float]], width: int) -> list[tuple[int, float]]:
    return [(points[i][0], float(np.mean([v for _, v in points[i : i + width]]))) for i in range(0, len(points), width)]


def _panel(
    title: str, line: Sequence[tuple[int, float]], dots: Sequence[tuple[int, float]], last: int, left: float, top: float
) -> list[Markup]:  # fmt: skip
    every = [value for _, value in [*line, *dots]]
    low, high = min(every), max(every)

    def at(step: int, value: float) -> tuple[str, str]:
        return f"{left + _WIDE * step / last:.1f}", f"{top + _TALL * (high - value) / ((high - low) or 1.0):.1f}"

    points = " ".join(",".join(at(*point)) for point in line)
    parts = [
        element("text", title, x=f"{left:g}", y=f"{top - 10:g}"),
        element("text", f"{high:.2f}", x=f"{left - 6:g}", y=f"{top + 5:g}", text_anchor="end"),
        element("text", f"{low:.2f}", x=f"{left - 6:g}", y=f"{top + _TALL + 5:g}", text_anchor="end"),
        element("text", "0", x=f"{left:g}", y=f"{top + _TALL + 18:g}"),
        element("text", f"step {last}", x=f"{left + _WIDE:g}", y=f"{top + _TALL + 18:g}", text_anchor="end"),
        element("rect", x=f"{left:g}", y=f"{top:g}", width=f"{_WIDE:g}", height=f"{_TALL:g}", fill="none", stroke="#c0c0c0"),
        element("polyline", points=points, fill="none", stroke="#0b5394", stroke_width="2"),
    ]
    for dot in dots:
        x, y = at(*dot)
        parts.append(element("circle", cx=x, cy=y, r="3.5", fill="#b45309"))
    return parts


# The page.

INTRO = """# Training a voice

Printed by `python recipes/train_voice.py --show --out FOLDER`; the recipe says how to train one from your own recordings.
**Nobody speaks here.** eSpeak NG, a synthesiser, says sentences that a seeded draw makes of a list of words of ours, in one voice, and its
card says `synthetic = true`; so do the cards of the voices that came of it. The networks are tiny, and they learnt for as many steps as
stand below, where real training takes tens of thousands: they babble. What is shown is which losses begin to fall, that a run ends in a
folder that `speech say --voice FOLDER` speaks with, and how its voice is heard beside eSpeak NG's own. Useful voices start from a
checkpoint such as those of MMS-TTS, are forty times as large, and need a GPU; that was not tried here.
"""
GATE = """## Whom the gate refuses

Every recording is asked for `train_tts` before a sample of it is decoded. No collection here holds a person's consent to that: a licence
is of the recording, and never gives a voice.
"""


def page(out: Path, shown: Mapping[str, Shown]) -> tuple[str, dict[str, str]]:
    """The page and its images (name and SVG), from the runs in `out`."""
    lines, images = [INTRO], {}
    for name, one in shown.items():
        account = json.loads(read_bytes(out / name / "voice" / ACCOUNT))
        log = [json.loads(line) for line in read_bytes(out / name / "log.jsonl").decode("utf-8").splitlines()]
        images[f"{name}.svg"] = losses_plot(log)
        lines += _section(name, one, account, log, round_trip(out, name, one))
    lines += [GATE, "| collection | recordings | allowed | refused with | all that speaks against it |", "|---|---:|---:|---|---|"]
    lines += [
        f"| {a.id} | {a.recordings:,} | {a.allowed} | {_codes(a.codes)} | {_codes(a.reasons)} |" for a in answers_of_collections()
    ]  # fmt: skip
    return "\n".join(lines) + "\n", images


def _codes(codes: Sequence[str]) -> str:
    return ", ".join(f"`{code}`" for code in codes)


def _section(
    name: str, one: Shown, account: Mapping[str, Any], log: Sequence[Mapping[str, Any]], heard: Mapping[str, Any]
) -> list[str]:  # fmt: skip
    rows = [row for row in log if "mel" in row]
    dev = [row["dev"] for row in log if row.get("dev")]
    start = f"from {account['start']}" if not one.start else f"from the voice of {languages.named(one.start)} above"
    mapped = "; ".join(new["said"] for new in account["letters_mapped"]) or "none"
    from_ = int(account["asked"]["settings"]["adversarial_from"])
    reached = from_ < int(account["steps"])
    judged = f"the discriminators judged from step {from_ + 1} on" if reached else "the discriminators' turn was not reached"
    lines = [
        f"## {languages.named(one.language)}, {start}\n",
        f"{account['minutes']:.1f} minutes in {account['clips']} clips, {account['dev_clips']} more to judge by; {account['parameters']:,} "
        f"parameters, {account['steps']:,} steps in {account['processor_seconds']} seconds of one core, "
        f"spread over {account['seconds'] / 60:.0f} minutes; "
        f"{judged}. New letters: {mapped}.\n",
        f"![Curves of the training of {languages.named(one.language)}: "
        f"{_told(rows)}; the dots are clips that were not learnt from](images/voice_training/{name}.svg)\n",
        "| loss | first 20 steps | last 20 steps | dev, at first | dev, at last |",
        "|---|---:|---:|---:|---:|",
    ]  # fmt: skip
    for loss, said in LOSSES.items():
        values = [float(row[loss]) for row in rows if loss in row]
        if values:
            ends = [f"{np.mean(part):.2f}" for part in (values[:20], values[-20:])]
            ends += [f"{d[loss]:.2f}" if loss in d else "" for d in ((dev[0], dev[-1]) if dev else ({}, {}))]
            lines.append(f"| {said} | {' | '.join(ends)} |")
    lines += [
        f"\n{heard['sentences']} new sentences of the same words, {heard['letters']} letters, heard by `mini` (CER in per cent, greedy, "
        "95 % intervals):\n",
        "| said by | letters wrong | seconds |", "|---|---:|---:|",
        *(f"| {side} | {heard[side]} | {heard['seconds'][side]:.1f} |" for side in ("eSpeak NG", "the voice")), "",
    ]  # fmt: skip
    return lines


def _told(rows: Sequence[Mapping[str, Any]]) -> str:
    told = []
    for name in LOSSES:
        values = [float(row[name]) for row in rows if name in row]
        if values:
            told.append(f"{name} goes from {np.mean(values[:20]):.2f} to {np.mean(values[-20:]):.2f}")
    return ", ".join(told)


def write(text: str, images: Mapping[str, str]) -> None:
    """The page and its images into docs."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, svg in images.items():
        write_text(IMAGES / name, svg + "\n")
    write_text(PAGE, text)
