"""What minutes of speech teach: error rates after adapting a base to a language that it never heard, into docs/adapt_scores.md.

Data: Mboshi (`research/mdw_mboshi`: one voice trains, others are dev and test; for research, nothing trained on it is
shipped), from `mini`; Yoruba (`open/yor_ogun`: one reader in all splits) from a base that never heard Yoruba (`../shared/training`).
Donors are judged on the research languages with a train split, too, and on Swahili. Cards of the collections: data_manifests/.
Command: python recipes/adapt_language.py                 every run that docs/adapt_runs/ has no card of; then the page
         python recipes/adapt_language.py --only mdw_10   runs whose name begins so
         python recipes/adapt_language.py --donors        instead, what each donor is worth after 100 steps, beside its rank
         python recipes/adapt_language.py --drafts        instead, ten minutes transcribed and the rest of train drafted (self-training)
         python recipes/adapt_language.py --table         the page alone
Time: two to twenty minutes a run on two cores, about four hours in all. `--smoke` does a few steps and writes no card.
Expected: see the page.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from speech.adapt import donors, drafts, minutes
from speech.adapt.learner import Mode
from speech.adapt.material import Clip, Material, gather, split_of
from speech.adapt.run import Adapted, AdaptSettings, adapt, judged, steps_for
from speech.collections import consent
from speech.errors import SpeechError
from speech.files import write_text
from speech.models.checkpoint import Checkpoint, base_sha256, open_checkpoint
from speech.models.training.environment import environment
from speech.models.weights import tensors_of
from speech.score import Pair, Rate, Scores, score
from speech.score.summary import in_per_cent

CARDS, PAGE, REACHED = Path("docs/adapt_runs"), Path("docs/adapt_scores.md"), Path("speech/adapt/reached.json")
RUNS = Path("~/.cache/oral-speech/train/adapt").expanduser()
os.environ.setdefault("SPEECH_LANGUAGES", "data_manifests/research/languages")  # how the research texts are to be read
CONTEXT = consent.Context(basis="measuring how adapting learns")
MINI = Path("speech/models/mini")
DONOR_STEPS = 100
TRANSCRIBED = 10
"""Minutes, where the rest of train is drafted."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A language, its clips below the data, the card that lets them be learnt from, its base, and minutes to learn from (0: all)."""

    language: str
    clips: str
    card: str
    base: str
    sizes: tuple[int, ...] = ()
    voices: str = ""
    name: str = ""


TASKS = {
    "mdw": Task(
        language="mdw", clips="research/mdw_mboshi", card="research/mdw_mboshi", base="mini", sizes=(5, 10, 20, 0),
        voices="another voice than was learnt from", name="Mboshi",
    ),
    "yor": Task(
        language="yor", clips="open/yor_ogun", card="yor_ogun", base="training/without_yor_swh", sizes=(10, 30, 60),
        voices="the voice that was learnt from", name="Yoruba",
    ),
    "sxb": Task(language="sxb", clips="research/sxb_africanvoices", card="research/sxb_africanvoices", base="mini"),
    "quy": Task(language="quy", clips="research/quy_siminchik", card="research/quy_siminchik", base="mini"),
    "pcm": Task(language="pcm", clips="research/pcm_bassey", card="research/pcm_bassey", base="mini"),
    "swh": Task(language="swh", clips="open/swh_gitau", card="swh_gitau", base="training/without_yor_swh"),
}  # fmt: skip
WAYS: dict[str, tuple[str, Mode]] = {
    "random_adapter": ("random start, adapter and head", "adapter"),
    "donor_adapter": ("best donor, adapter and head", "adapter"),
    "donor_layers": ("best donor, and the last layers, too", "layers"),
    "donor_full": ("best donor, everything", "full"),
}


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One run: its name, task, way, and minutes."""

    name: str
    task: Task
    way: str
    minutes: int


def planned() -> Iterator[Planned]:
    """Every run, those that say most first."""
    for way in ("donor_full", "donor_adapter", "donor_layers", "random_adapter"):
        for code, task in TASKS.items():
            for size in task.sizes:
                yield Planned(name=f"{code}_{size or 'all'}_{way}", task=task, way=way, minutes=size)


def base_of(task: Task, data: Path) -> Checkpoint:
    """The base that a task learns from."""
    return open_checkpoint(MINI if task.base == "mini" else data.parent / task.base)


def material_of(task: Task, data: Path, size: int) -> Material:
    """The clips of a task, so many minutes of train."""
    card = Path("data_manifests") / f"{task.card}.card.toml"
    source = data / task.clips / "manifest.tsv"
    return gather(source, task.language, context=CONTEXT, card=card, minutes=size or None, leave_out=True)


def rate(found: Rate) -> dict[str, Any]:
    """A rate as a run card has it."""
    return found.as_dict() | {"said": in_per_cent(found), "value": found.value}


def run(plan: Planned, data: Path, *, smoke: bool) -> dict[str, Any]:
    """Learn, and score on dev and test; the run's card."""
    return measured(plan, data, smoke=smoke)[0]


def measured(
    plan: Planned, data: Path, *, smoke: bool, beside: Callable[[Material], Sequence[Clip]] | None = None
) -> tuple[dict[str, Any], Scores]:
    """The run's card, and the scores of test by clip.

    `beside` gives further clips to learn from. Neither the steps nor the donor depend on them.
    """
    checkpoint = base_of(plan.task, data)
    material = material_of(plan.task, data, plan.minutes)
    material.fit_to(checkpoint.front_end)
    _, mode = WAYS[plan.way]
    ranked = donors.ranked(checkpoint, material.train, material.symbols) if plan.way.startswith("donor") else []
    donor = ranked[0].language if ranked else ""
    lent = (tensors_of(checkpoint.adapters[donor]), checkpoint.vocabularies[donor]) if donor else None
    seconds, count = sum(clip.seconds for clip in material.train), len(material.train)
    settings = AdaptSettings.of(mode, 4 if smoke else steps_for(seconds))
    if beside:
        material = replace(material, train=[*material.train, *beside(material)])
        material.fit_to(checkpoint.front_end)
    folder = RUNS / (f"smoke_{plan.name}" if smoke else plan.name)
    asked = {"base": base_sha256(checkpoint), "donor": donor}
    made = adapt(material, checkpoint, folder, settings, donor=lent, asked=asked, progress=lambda step, cer: print(f"  {step}: {cer:.1f}"))
    card = Path("data_manifests") / f"{plan.task.card}.card.toml"
    clips = split_of(data / plan.task.clips / "manifest.tsv", plan.task.language, "test", context=CONTEXT, card=card)
    with made.averaged():
        test = judged(made.learner, clips[:8] if smoke else clips)
    shutil.rmtree(folder)
    card_of_run = {
        "name": plan.name,
        "language": plan.task.language,
        "base": plan.task.base,
        "way": plan.way,
        "minutes": round(seconds / 60, 1),
        "clips": count,
        "donor": donor,
        "donors": [asdict(d) for d in ranked],
        "settings": asdict(settings),
        "asked": asked,
        "curve": made.curve,
        "seconds": round(made.seconds),
        "core_seconds": round(made.core_seconds),
        "dev": {"cer": rate(made.scores.overall.letters), "wer": rate(made.scores.overall.words)},
        "test": {"cer": rate(test.overall.letters), "wer": rate(test.overall.words)},
        "left_out": dict(material.left_out),
        "environment": environment(),
    }
    return card_of_run, test


def judge_donors(code: str, data: Path, *, smoke: bool) -> dict[str, Any]:
    """Dev CER after a few steps from each donor and from random numbers, beside the ranking that was made before."""
    task = TASKS[code]
    checkpoint = base_of(task, data)
    material = material_of(task, data, 10)
    material.fit_to(checkpoint.front_end)
    ranked = donors.ranked(checkpoint, material.train, material.symbols)
    learnt: dict[str, float] = {}
    for donor in [d.language for d in ranked][: 2 if smoke else None] + ["none"]:
        folder = RUNS / f"donor_{code}_{donor}"
        shutil.rmtree(folder, ignore_errors=True)
        lent = None if donor == "none" else (tensors_of(checkpoint.adapters[donor]), checkpoint.vocabularies[donor])
        made = adapt(material, checkpoint, folder, AdaptSettings.of("adapter", 2 if smoke else DONOR_STEPS), donor=lent)
        shutil.rmtree(folder)
        learnt[donor] = round(100 * (made.scores.overall.letters.value or 0.0), 2)
        print(f"  {code} from {donor}: {learnt[donor]}")
    return {"language": code, "ranked": [asdict(d) for d in ranked], "dev_cer": learnt, "steps": DONOR_STEPS, "environment": environment()}


def self_trained(code: str, data: Path, *, smoke: bool) -> dict[str, Any]:
    """Ten minutes with their texts, the rest of train without: test CER of the adapter alone, and of the one that learns from drafts, too.

    A third run learns from the rest with its true texts: what the drafts would give if they had no error.
    """
    task = TASKS[code]
    checkpoint = base_of(task, data)
    every, material = material_of(task, data, 0), material_of(task, data, TRANSCRIBED)
    for one in (every, material):
        one.fit_to(checkpoint.front_end)
    transcribed = {clip.id for clip in material.train}
    rest = [clip for clip in every.train if clip.id not in transcribed]
    lent_by = donors.ranked(checkpoint, material.train, material.symbols)[0].language
    lent = (tensors_of(checkpoint.adapters[lent_by]), checkpoint.vocabularies[lent_by])
    card = Path("data_manifests") / f"{task.card}.card.toml"
    clips = split_of(data / task.clips / "manifest.tsv", task.language, "test", context=CONTEXT, card=card)[: 8 if smoke else None]
    found: dict[str, Any] = {}

    def learnt(name: str, own: Material, seconds: float) -> Adapted:
        settings = AdaptSettings.of("adapter", 4 if smoke else steps_for(seconds))
        made = adapt(own, checkpoint, RUNS / f"drafts_{code}_{name}", settings, donor=lent)
        with made.averaged():
            test = judged(made.learner, clips)
        found[name] = {
            "dev": rate(made.scores.overall.letters), "test": {"cer": rate(test.overall.letters), "wer": rate(test.overall.words)},
            "steps": settings.steps, "seconds": round(made.seconds),
        }  # fmt: skip
        print(f"  {code} {name}: {found[name]['test']['cer']['said']}", flush=True)
        return made

    seconds, more = (sum(clip.seconds for clip in own) for own in (material.train, rest))
    alone = learnt("alone", material, seconds)
    told = drafts.drafted(alone, [replace(clip, text="", symbols=[]) for clip in rest])
    chosen = told.surest()
    true = {clip.id: clip for clip in rest}
    of_drafts = score([Pair(id=clip.id, reference=true[clip.id].text, hypothesis=clip.text) for clip in chosen]) if chosen else None
    both = drafts.joined(material, chosen)
    learnt("with_drafts", both, seconds + drafts.SURER * more)
    learnt("with_true_texts", replace(both, train=[true.get(clip.id, clip) for clip in both.train]), seconds + drafts.SURER * more)
    for name in found:
        shutil.rmtree(RUNS / f"drafts_{code}_{name}")
    return {
        "language": code, "minutes": round(seconds / 60, 1), "untranscribed_minutes": round(more / 60, 1), "donor": lent_by,
        "drafted_minutes": round(sum(c.seconds for c in chosen) / 60, 1),
        "drafts_cer": rate(of_drafts.overall.letters) if of_drafts else None,
        "runs": found,
        "environment": environment(),
    }  # fmt: skip


def read(kind: str) -> list[dict[str, Any]]:
    """The cards of runs, or of donors judged."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(CARDS.glob(f"{kind}_*.json"))]


def page() -> str:
    """The tables, from the cards."""
    lines = [
        "# What minutes of speech teach\n",
        "Made by `python recipes/adapt_language.py` from the run cards in [adapt_runs](adapt_runs). Rates in per cent with 95 %",
        "intervals over clips or recordings, greedy, without a language model. Dev chose the settings, test nothing. Core seconds",
        "are the processor's own, of both cores together, of learning alone: half of them is about the time that two idle cores take (the",
        "cards hold the clock's seconds, too, pauses and other work included). Of some runs that were interrupted they count from where",
        "these went on, as the table says. The base never heard the language.\n",
    ]
    cards = read("run")
    for code, task in TASKS.items():
        own = [card for card in cards if card["name"].startswith(f"{code}_")]
        if own:
            lines += [f"## {task.name}, from {task.base}: dev and test are {task.voices}\n", *_runs(own), *_forecasts(own)]
    lines += _donors(read("donors"))
    lines += _self_trained(read("drafts"))
    return "\n".join(lines) + "\n"


def reached() -> list[dict[str, Any]]:
    """What `speech adapt` says before it begins."""
    return [
        {
            "language": card["language"],
            "name": TASKS[card["language"]].name,
            "voices": TASKS[card["language"]].voices,
            "minutes": card["minutes"],
            "moved": WAYS[card["way"]][1],
            "cer": round(card["dev"]["cer"]["value"], 3),
        }
        for card in read("run")
        if card["way"] in ("donor_adapter", "donor_full")
    ]


def write() -> None:
    """The page, and what the package says of it."""
    write_text(PAGE, page())
    write_text(REACHED, json.dumps(reached(), ensure_ascii=False, indent=1) + "\n")


def _runs(cards: Sequence[dict[str, Any]]) -> list[str]:
    order = list(WAYS)
    rows = [
        "| minutes | start, and what moves | donor | steps | core seconds | dev CER | dev WER | test CER | test WER |",
        "|" + "---|" * 9,
    ]
    for card in sorted(cards, key=lambda c: (c["minutes"], order.index(c["way"]))):
        rates = " | ".join(card[split][kind]["said"] for split in ("dev", "test") for kind in ("cer", "wer"))
        what = WAYS[card["way"]][0]
        # The first cards of runs that were interrupted count from where these went on.
        later = card["curve"][0][0] - card["settings"]["evaluate_steps"]
        seconds = f"{card['core_seconds']}" + (f" from step {later} on" if later > 0 else "")
        told = f"{card['donor'] or '–'} | {card['settings']['steps']} | {seconds}"
        rows.append(f"| {card['minutes']} | {what} | {told} | {rates} |")
    rows.append("\nDev CER by step:\n")
    for card in sorted(cards, key=lambda c: (c["minutes"], order.index(c["way"]))):
        curve = ", ".join(f"{step}: {cer:.1f}" for step, cer in card["curve"])
        rows.append(f"- {card['minutes']} minutes, {WAYS[card['way']][0]}: {curve}")
    return [*rows, ""]


def _forecasts(cards: Sequence[dict[str, Any]]) -> list[str]:
    """What the line through the smaller sizes said of the largest, beside what was measured there."""
    said = []
    for way in WAYS:
        own = sorted((c for c in cards if c["way"] == way), key=lambda c: c["minutes"])
        points = [
            minutes.Point(minutes=c["minutes"], cer=c["dev"]["cer"]["value"], low=c["dev"]["cer"]["interval"][0],
                          high=c["dev"]["cer"]["interval"][1])
            for c in own if c["dev"]["cer"]["interval"]
        ]  # fmt: skip
        if len(points) > 3 and (found := minutes.forecast(points[:-1], points[-1].minutes)):
            said.append(
                f"- {WAYS[way][0]}: {100 * found.cer:.1f} ({100 * found.low:.1f}–{100 * found.high:.1f}) forecast for "
                f"{found.minutes:g} minutes from the sizes below, {100 * points[-1].cer:.1f} measured"
            )
    return ["Forecast and measured, dev CER:\n", *said, ""] if said else []


def _donors(cards: Sequence[dict[str, Any]]) -> list[str]:
    if not cards:
        return []
    lines = [
        "## Donors: the ranking before learning, and what each is worth after it\n",
        f"10 minutes, adapter and head, {DONOR_STEPS} steps, dev CER. In the order of the ranking: per cent of base letters that the donor",
        "hears wrong as it is, then dev CER after learning from it.\n",
        "| language | donors as ranked: before, after | random start | the first is | lost by taking the first |",
        "|" + "---|" * 5,
    ]
    for card in cards:
        learnt = card["dev_cer"]
        order = [d["language"] for d in card["ranked"]]
        cells = ", ".join(f"{d['language']} {d['wrong']:.0f}, {learnt[d['language']]:.1f}" for d in card["ranked"])
        place = sorted(order, key=lambda c: learnt[c]).index(order[0]) + 1
        lost = _from_first(card) - _from_best(card)
        lines.append(f"| {card['language']} | {cells} | {learnt['none']:.1f} | {place}. of {len(order)} | {lost:.1f} |")
    first, best = (sum(card["dev_cer"]["none"] - of(card) for card in cards) / len(cards) for of in (_from_first, _from_best))
    lines.append(f"\nMeans over the languages: the first as ranked is {first:.1f} points better than a random start, the best {best:.1f}.")
    return [*lines, ""]


def _from_first(card: dict[str, Any]) -> float:
    """Dev CER after learning from the donor that is ranked first."""
    return float(card["dev_cer"][card["ranked"][0]["language"]])


def _from_best(card: dict[str, Any]) -> float:
    """Dev CER after learning from the donor that turns out best."""
    return float(min(card["dev_cer"][d["language"]] for d in card["ranked"]))


def _self_trained(cards: Sequence[dict[str, Any]]) -> list[str]:
    if not cards:
        return []
    lines = [
        "## Self-training: the rest of train without its texts\n",
        f"{TRANSCRIBED} minutes with their texts, adapter and head; of the rest, drafted by the adapter, the surer half is learnt from,",
        "too (`speech adapt --untranscribed`). The last column learns from the same clips with their true texts.\n",
        "| language | untranscribed, learnt from (minutes) | CER of these drafts | test CER alone | with drafts | with true texts |",
        "|" + "---|" * 6,
    ]
    for card in cards:
        runs = " | ".join(card["runs"][name]["test"]["cer"]["said"] for name in ("alone", "with_drafts", "with_true_texts"))
        heard = f"{card['untranscribed_minutes']}, {card['drafted_minutes']}"
        lines.append(f"| {TASKS[card['language']].name} | {heard} | {card['drafts_cer']['said']} | {runs} |")
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--only", default="", metavar="NAME", help="runs whose name begins so")
    parser.add_argument("--donors", action="store_true", help="judge the ranking of donors")
    parser.add_argument("--drafts", action="store_true", help="self-training: the rest of train is drafted")
    parser.add_argument("--table", action="store_true", help="the page alone")
    parser.add_argument("--smoke", action="store_true", help="a few steps, nothing written")
    options = parser.parse_args()
    CARDS.mkdir(parents=True, exist_ok=True)
    if not options.table:
        names = (
            [("donors", code) for code in TASKS] if options.donors
            else [("drafts", code) for code, task in TASKS.items() if task.sizes] if options.drafts
            else [("run", plan.name) for plan in planned()]
        )  # fmt: skip
        plans = {plan.name: plan for plan in planned()}
        for kind, name in names:
            path = CARDS / f"{kind}_{name}.json"
            if not name.startswith(options.only) or (path.exists() and not options.smoke):
                continue
            print(name, flush=True)
            make = {"donors": judge_donors, "drafts": self_trained}.get(kind)
            card = make(name, options.data, smoke=options.smoke) if make else run(plans[name], options.data, smoke=options.smoke)
            if not options.smoke:
                write_text(path, json.dumps(card, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
                write()
    if not options.smoke:
        write()


if __name__ == "__main__":
    try:
        main()
    except SpeechError as error:
        sys.exit(str(error))
