"""Whether synthetic speech helps where little speech is there: error rates with and without it, into docs/augment_scores.md.

Data: Swahili (`open/swh_gitau`, MIT; one reader in all splits, so no figure here is one for a new voice), from a base that never heard
Swahili (`../shared/training/without_yor_swh`). Card of consent: data_manifests/swh_gitau.card.toml, scope `train_asr`.
The synthetic speech is eSpeak NG's Swahili voice, in several variants and at several speeds. It says sentences of train whose recordings
are not among the minutes learnt from: what a community has when it has more text than speech. It is written as a collection of its
own, whose card and rows say that it is synthetic; it is in train alone, and is at most half of what is learnt from.

Both runs of a pair have the same real clips, the same donor and the same number of steps of 48 s. So the run with synthetic speech
hears each real clip half as often, and hears no other real speech. Settings are those of `speech adapt`, and were chosen on neither.

Command: python recipes/augment_with_speech.py                 every run that docs/augment_runs/ has no card of; then the page
         python recipes/augment_with_speech.py --only swh_10   runs whose name begins so
         python recipes/augment_with_speech.py --table         the page alone
Needs ../shared and the extra tts. Time: 10 to 30 minutes a run on one core; `--smoke` does a few steps and writes no card.
Expected: see the page.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from adapt_language import CONTEXT, RUNS, TASKS, Planned, material_of, measured

from speech import languages
from speech.adapt.material import SYNTHETIC_SHARE, Clip, Material, split_of
from speech.collections import answers, consent
from speech.collections.manifest import Manifest, Row, read_manifest, write_manifest
from speech.errors import SpeechError
from speech.files import write_text
from speech.say import Espeak
from speech.score import Counts, ScoreSettings
from speech.score.intervals import draw, interval_of
from speech.text import normalise

CARDS, PAGE = Path("docs/augment_runs"), Path("docs/augment_scores.md")
TASK = TASKS["swh"]
WAY = "donor_adapter"
"""What `speech adapt` does where nothing else is asked for: the best donor; adapter and head learn."""
SIZES = (10, 30)
VARIANTS = ("m1", "m3", "m5", "m7", "f1", "f2", "f4", "f5")
WORDS_A_MINUTE, PITCH = (120, 180), (35, 65)
PAUSE_S = 0.15
SEED = 11


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run: how many minutes of real speech, and whether synthetic speech stands beside them."""

    minutes: int
    synthetic: bool

    @property
    def name(self) -> str:
        """As the card's file has it."""
        return f"swh_{self.minutes}_{'synthetic' if self.synthetic else 'plain'}"


def planned() -> Iterator[Run]:
    """Every run, the small pair first."""
    for minutes in SIZES:
        for synthetic in (False, True):
            yield Run(minutes=minutes, synthetic=synthetic)


def sentences(material: Material, data: Path) -> list[str]:
    """The texts of train, as written, whose recordings are not learnt from; none that is learnt from, or stands in dev or test."""
    table = languages.load(TASK.language)
    source = data / TASK.clips / "manifest.tsv"
    trainable = {clip.id for clip in material_of(TASK, data, 0).train}
    taken = {clip.text for clip in material.train} | set(material.kept_apart)
    found: dict[str, str] = {}
    for row in read_manifest(source).rows:
        text = normalise(row.text or "", table)
        if row.split == "train" and row.id in trainable and text not in taken:
            found.setdefault(text, row.text or "")
    return list(found.values())


def speak(texts: Sequence[str], folder: Path, seconds: float) -> None:
    """Say sentences in an order drawn once, until they are `seconds` long, and write them as a synthetic collection."""
    draws, espeak = random.Random(SEED), Espeak()
    order = list(texts)
    draws.shuffle(order)
    folder.mkdir(parents=True, exist_ok=True)
    pause = np.zeros(round(PAUSE_S * espeak.sample_rate), np.float32)
    rows: list[Row] = []
    total = 0.0
    for number, text in enumerate(order):
        variant, pace, pitch = draws.choice(VARIANTS), draws.randint(*WORDS_A_MINUTE), draws.randint(*PITCH)
        said = espeak.say(text, TASK.language, variant=variant, words_a_minute=pace, pitch=pitch)
        samples = np.concatenate([pause, said, pause])
        length = len(samples) / espeak.sample_rate
        if total + length > seconds:
            continue  # a shorter one may still have room
        total += length
        name = f"said_{number:03}.wav"
        soundfile.write(folder / name, samples, espeak.sample_rate, subtype="PCM_16")
        made = {"synthetic": True, "voice": f"espeak {TASK.language}+{variant}", "words_a_minute": pace, "pitch": pitch}
        rows.append(Row(id=f"said_{number:03}", audio=name, text=text, language=TASK.language, session=variant, split="train", extra=made))
    write_manifest(Manifest(rows=tuple(rows)), folder / answers.MANIFEST)
    answers.write_card(folder / answers.CARD, _card())


def _card() -> str:
    described = answers.Described(
        id="augment_swh_espeak", title="SYNTHETIC: Swahili sentences spoken by eSpeak NG; no person's speech", languages=(TASK.language,),
        holder="whoever ran the recipe", kind="project", licence="mit", for_all=True, why_not="no person was recorded", synthetic=True,
        source=f"texts of the collection {TASK.card}, spoken by eSpeak NG",
    )  # fmt: skip
    said = answers.Said(
        scopes=("LOCAL", "TRAIN"), basis="public_licence", given_by="licensor", given_on=consent.today(), evidence=f"card of {TASK.card}"
    )
    return answers.new_card(described, [said])


def synthetic_clips(material: Material, data: Path, folder: Path) -> list[Clip]:
    """Synthetic clips to learn from beside the material, at most `SYNTHETIC_SHARE` of both together; they are read as any collection is.

    Raises
    ------
    ConsentRefused
        The synthetic collection's card does not let it be learnt from.
    """
    shutil.rmtree(folder, ignore_errors=True)
    real = sum(clip.seconds for clip in material.train)
    speak(sentences(material, data), folder, real * SYNTHETIC_SHARE / (1 - SYNTHETIC_SHARE))
    return split_of(folder / answers.MANIFEST, TASK.language, "train", context=CONTEXT)


def run(plan: Run, data: Path, *, smoke: bool) -> dict[str, Any]:
    """Learn, and score on dev and test; the run's card, with the counts of each clip of test."""
    spoken: list[Clip] = []
    folder = RUNS / f"spoken_{plan.name}{'_smoke' if smoke else ''}"

    def beside(material: Material) -> list[Clip]:
        spoken.extend(synthetic_clips(material, data, folder))
        return spoken

    asked = Planned(name=f"augment_{plan.name}", task=TASK, way=WAY, minutes=plan.minutes)
    card, test = measured(asked, data, smoke=smoke, beside=beside if plan.synthetic else None)
    shutil.rmtree(folder, ignore_errors=True)
    minutes = sum(clip.seconds for clip in spoken) / 60
    card |= {
        "name": plan.name,
        "synthetic": {
            "minutes": round(minutes, 1), "clips": len(spoken), "share": round(minutes / (minutes + card["minutes"]), 3),
            "voice": f"eSpeak NG {TASK.language}", "variants": sorted({clip.session for clip in spoken}),
        },
        "test_clips": [[row.letters.errors, row.letters.reference, row.words.errors, row.words.reference] for row in test.rows],
    }  # fmt: skip
    return card


def page() -> str:
    """The table and the differences, from the cards."""
    cards = {card["name"]: card for path in sorted(CARDS.glob("*.json")) for card in [json.loads(path.read_text(encoding="utf-8"))]}
    low, high = WORDS_A_MINUTE
    lines = [
        "# Synthetic speech beside little speech\n",
        "Made by `python recipes/augment_with_speech.py` from the run cards in [augment_runs](augment_runs). Swahili, read sentences of",
        "one reader, from a base that never heard Swahili. Dev and test are the reader that is learnt from: a new voice is heard worse.",
        "Adapter and head learn, from the best donor.\n",
        f"The synthetic speech is eSpeak NG's Swahili voice in {len(VARIANTS)} variants, at {low} to {high} words a minute. It says other",
        f"sentences of train, never one of dev or test, and is at most {SYNTHETIC_SHARE:.0%} of what is learnt from. The run with it has",
        "the same real clips and the same number of steps, so it hears each real clip less often.\n",
        "Rates in per cent with 95 % intervals over clips, greedy, without a language model. All of test is one session, so the intervals",
        "are too narrow. Dev chose the weights within a run, test nothing. There is one run of each: another seed would differ, too.\n",
        "| real minutes | synthetic minutes | donor | steps | dev CER | dev WER | test CER | test WER |",
        "|" + "---|" * 8,
    ]
    order = [cards[plan.name] for plan in planned() if plan.name in cards]
    for card in order:
        rates = " | ".join(card[split][kind]["said"] for split in ("dev", "test") for kind in ("cer", "wer"))
        lines.append(f"| {card['minutes']} | {card['synthetic']['minutes']} | {card['donor']} | {card['settings']['steps']} | {rates} |")
    lines.append("\nWith synthetic speech minus without, on the same test clips, in per cent points (below 0: it helps):\n")
    for size in SIZES:
        pair = [cards.get(Run(minutes=size, synthetic=synthetic).name) for synthetic in (False, True)]
        if pair[0] and pair[1]:
            said = "; ".join(difference(pair[0]["test_clips"], pair[1]["test_clips"], kind) for kind in ("CER", "WER"))
            lines.append(f"- {size} minutes of real speech: {said}")
    lines.append("\nDev CER by step:\n")
    for card in order:
        curve = ", ".join(f"{step}: {cer:.1f}" for step, cer in card["curve"])
        lines.append(f"- {card['minutes']} minutes and {card['synthetic']['minutes']} synthetic: {curve}")
    return "\n".join(lines) + "\n"


def difference(without: Sequence[Sequence[int]], with_it: Sequence[Sequence[int]], kind: str) -> str:
    """How two runs differ on the same clips, with the interval of the paired draw; and which side of 0 it leaves open."""
    at = 0 if kind == "CER" else 2
    sides = [[Counts(substitutions=row[at], hits=row[at + 1] - row[at]) for row in rows] for rows in (without, with_it)]
    settings = ScoreSettings()
    drawn = draw([""] * len(without), list(zip(*sides, strict=True)), settings, "augment")
    totals = [sum(rows, Counts()) for rows in sides]
    moved = 100 * ((totals[1].rate or 0.0) - (totals[0].rate or 0.0))
    found = interval_of(100 * (drawn[:, 1:] - drawn[:, :1]), 0, settings.level) if drawn is not None else None
    if found is None:
        return f"{kind} {moved:+.1f}"
    verdict = "it helps" if found.high < 0 else "it harms" if found.low > 0 else "no difference is shown"
    return f"{kind} {moved:+.1f} ({found.low:+.1f} to {found.high:+.1f}), {verdict}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--only", default="", metavar="NAME", help="runs whose name begins so")
    parser.add_argument("--table", action="store_true", help="the page alone")
    parser.add_argument("--smoke", action="store_true", help="a few steps, nothing written")
    options = parser.parse_args()
    CARDS.mkdir(parents=True, exist_ok=True)
    for plan in () if options.table else planned():
        path = CARDS / f"{plan.name}.json"
        if not plan.name.startswith(options.only) or (path.exists() and not options.smoke):
            continue
        print(plan.name, flush=True)
        card = run(plan, options.data, smoke=options.smoke)
        told = card["synthetic"]
        print(
            f"  real {card['minutes']} min, synthetic {told['minutes']} min (share {told['share']}), test CER {card['test']['cer']['said']}"
        )
        if not options.smoke:
            write_text(path, json.dumps(card, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
            write_text(PAGE, page())
    if options.table:
        write_text(PAGE, page())


if __name__ == "__main__":
    try:
        main()
    except SpeechError as error:
        sys.exit(str(error))
