"""Choosing what to transcribe next, measured: the page's order *teaches most* against chance, on languages that the base never heard.

Data: Yoruba (`open/yor_ogun`) and Swahili (`open/swh_gitau`), one reader each; the base `without_yor_swh` (../shared/training). Cards of
the collections: data_manifests/. The clips of train are the pool: drafted by the base with the adapter of the language that hears them
best as it is. Then, as at the page Learn, its list of what to look at next is worked through, twenty segments at a time: their texts
become the corpus's, they count as approved, and the list is made anew (speech.review.learning.next_to_review), until so many minutes are
taken. Chance takes as many minutes in the order `random`. What was taken teaches an adapter (the recipe of `speech adapt`, steps by
minutes), dev of the corpus chooses the step, test judges: CER with intervals over clips. Random order goes on to 33 minutes, so that
the goal can be read: the page's order at 20 minutes as good as random order at 33, 60 % of the minutes.

Command: python recipes/choose_next.py                  every run that docs/review_runs/ has no card of; then docs/app_scores.md
         python recipes/choose_next.py --only swh       runs whose name begins so
         python recipes/choose_next.py --plan           what would be run, and about how long it takes
Time: `--plan` says; three to ten hours on two cores. A run that was interrupted goes on. `--smoke` takes a few clips and steps, and
writes no card.
Expected: see docs/app_scores.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from adapt_language import CARDS as ADAPTED
from adapt_language import TASKS, Task, base_of, material_of, rate

import speech
from speech import languages
from speech.adapt import donors
from speech.adapt.material import Clip, Material, split_of
from speech.adapt.run import AdaptSettings, adapt, judged, steps_for
from speech.collections import consent
from speech.errors import SpeechError
from speech.files import write_text
from speech.models.checkpoint import Checkpoint, base_sha256
from speech.models.training.environment import environment
from speech.models.weights import tensors_of
from speech.review.learning import Reviewed, next_to_review
from speech.review.orders import ordered
from speech.types import Passage, Segment, Span, Word

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
import app_page  # benchmarks are beside, not in the package

WORK = Path("~/.cache/oral-speech/train/choose").expanduser()
CONTEXT = consent.Context(basis="measuring in which order clips teach most")
CODES = ("swh", "yor")
SIZES = (5, 10, 20)
BEYOND = 33
"""Minutes of random order that 20 chosen ones should be worth."""
SEEDS = (1, 2)
AT_ONCE = 20
"""Segments of the page's list that are worked through before it is made anew."""
PART_S = 600.0
"""Recordings that the pool is drafted in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One run: so many minutes of a language's pool in one of the orders, with its seed."""

    code: str
    minutes: float
    order: str
    seed: int

    @property
    def name(self) -> str:
        """Of its card."""
        return f"{self.code}_{self.minutes:g}_{self.order}_{self.seed}"


def planned() -> Iterator[Planned]:
    """Every run, those that say most first."""
    for size in reversed(SIZES):
        for order, seed in (("teaches", 1), ("random", 1), ("random", 2)):
            for code in CODES:
                yield Planned(code=code, minutes=size, order=order, seed=seed)
    for seed in SEEDS:
        for code in CODES:
            yield Planned(code=code, minutes=BEYOND, order="random", seed=seed)
    for size in reversed(SIZES):
        for code in CODES:
            yield Planned(code=code, minutes=size, order="teaches", seed=2)


def seconds_a_step() -> float:
    """Of learning an adapter, by the cards of recipes/adapt_language.py; half a second where there are none."""
    cards = [json.loads(path.read_text(encoding="utf-8")) for path in ADAPTED.glob("run_yor_*_adapter.json")]
    return sum(c["seconds"] for c in cards) / sum(c["settings"]["steps"] for c in cards) if cards else 0.5


def expected(plans: Sequence[Planned]) -> str:
    """What it takes, in words."""
    steps = sum(steps_for(60 * plan.minutes) for plan in plans)
    hours = steps * seconds_a_step() / 3600
    return f"{len(plans)} runs, {steps:,} steps, at {seconds_a_step():.2f} s a step {hours:.1f} hours; drafts and test besides"


def donor_of(code: str, checkpoint: Checkpoint, material: Material) -> str:
    """The adapter of the base that hears the pool best as it is; the page would know it from the first texts."""
    return donors.ranked(checkpoint, material.train, material.symbols)[0].language


def drafted(clips: Sequence[Clip], task: Task, donor: str, base: Path, kept: Path | None) -> dict[str, Segment]:
    """What the base hears of each clip, by the verb itself, with words and confidences; kept, as it takes minutes."""
    if kept is not None and kept.exists():
        return {row["id"]: _segment(row) for row in json.loads(kept.read_text(encoding="utf-8"))}
    pipeline = speech.load(str(base), basis=CONTEXT.basis, lm="off")
    found: list[Segment] = []
    for part in _parts(clips):
        with tempfile.TemporaryDirectory() as name:
            path, spans = Path(name) / "part.wav", []
            at = 0
            for clip in part:
                end = at + len(clip.samples) * 1000 // 16_000
                spans.append(Span(start_ms=at, end_ms=end))
                at = end
            soundfile.write(path, np.concatenate([clip.samples[: 16 * s.length_ms] for clip, s in zip(part, spans, strict=True)]), 16_000)
            passages = [Passage(span=span, language=donor) for span in spans]
            heard = pipeline.transcribe(path, passages=passages).segments
        found += [
            replace(segment, id=clip.id, speaker=clip.speaker or None, language=task.language)
            for clip, segment in zip(part, heard, strict=True)
        ]
        print(f"  drafted {len(found)} of {len(clips)} clips", flush=True)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_text(kept, json.dumps([_row(s) for s in found], ensure_ascii=False) + "\n")
    return {segment.id: segment for segment in found}


def _parts(clips: Sequence[Clip]) -> Iterator[list[Clip]]:
    part: list[Clip] = []
    for clip in clips:
        part.append(clip)
        if sum(c.seconds for c in part) > PART_S:
            yield part
            part = []
    if part:
        yield part


def _row(segment: Segment) -> dict[str, Any]:
    words = [(w.text, w.confidence) for w in segment.words]
    return {
        "id": segment.id, "ms": segment.span.length_ms, "text": segment.text, "confidence": segment.confidence, "words": words,
        "speaker": segment.speaker, "language": segment.language, "status": segment.status,
    }  # fmt: skip


def _segment(row: dict[str, Any]) -> Segment:
    return Segment(
        id=row["id"], span=Span(start_ms=0, end_ms=row["ms"]), text=row["text"], confidence=row["confidence"], speaker=row["speaker"],
        language=row["language"], status=row["status"], words=tuple(Word(text=text, confidence=sure) for text, sure in row["words"]),
    )  # fmt: skip


def chosen(clips: Sequence[Clip], drafts: dict[str, Segment], plan: Planned, language: str) -> tuple[list[Clip], dict[str, int]]:
    """Clips up to the minutes of a plan in its order, and for what reasons the page named them. One that no longer fits is passed by."""
    by_id, left = {clip.id: clip for clip in clips}, 60 * plan.minutes
    now = {clip.id: drafts[clip.id] for clip in clips}
    reasons: Counter[str] = Counter()
    found: list[Clip] = []

    def take(id: str, reason: str) -> bool:
        nonlocal left
        if by_id[id].seconds > left:
            return False
        left -= by_id[id].seconds
        found.append(by_id[id])
        reasons[reason] += 1
        now[id] = replace(now[id], text=by_id[id].text, status="approved", origin="person", words=(), confidence=None)
        return True

    if plan.order == "random":
        for ranked in ordered(now.values(), "random", seed=plan.seed):
            take(ranked.id, ranked.reason)
        return found, dict(reasons)
    passed: set[str] = set()
    while True:
        waiting = [segment for id, segment in now.items() if id not in passed]
        reviewed = Reviewed(id="pool", path=Path("pool"), sha256="", segments=waiting, language=language)
        some = next_to_review([reviewed], language, AT_ONCE, seed=plan.seed)
        if not some:
            return found, dict(reasons)
        passed |= {one.segment for one in some if not take(one.segment, one.reason)}
        if left < min(clip.seconds for clip in clips):
            return found, dict(reasons)


def run(plan: Planned, data: Path, *, smoke: bool) -> dict[str, Any]:
    """Choose, learn, and score on dev and test; the run's card."""
    task = TASKS[plan.code]
    checkpoint = base_of(task, data)
    material = material_of(task, data, 0)
    if smoke:
        material = replace(material, train=material.train[:12], dev=material.dev[:4])
    material.fit_to(checkpoint.front_end)
    kept = None if smoke else WORK / f"draft_{plan.code}.json"
    donor = donor_of(plan.code, checkpoint, material) if kept is None or not kept.exists() else _donor_kept(plan.code)
    if kept is not None:
        (WORK / f"donor_{plan.code}.txt").parent.mkdir(parents=True, exist_ok=True)
        write_text(WORK / f"donor_{plan.code}.txt", f"{donor}\n")
    drafts = drafted(material.train, task, donor, data.parent / task.base, kept)
    clips, reasons = chosen(material.train, drafts, plan, task.language)
    seconds = sum(clip.seconds for clip in clips)
    print(f"  {len(clips)} of {len(material.train)} clips, {seconds / 60:.1f} minutes, {reasons}", flush=True)
    settings = AdaptSettings.of("adapter", 2 if smoke else steps_for(seconds))
    folder = WORK / (f"smoke_{plan.name}" if smoke else plan.name)
    if smoke:
        shutil.rmtree(folder, ignore_errors=True)
    asked = {"base": base_sha256(checkpoint), "donor": donor}
    lent = (tensors_of(checkpoint.adapters[donor]), checkpoint.vocabularies[donor])
    begun = time.perf_counter()
    made = adapt(
        replace(material, train=clips), checkpoint, folder, settings, donor=lent, asked=asked,
        progress=lambda step, cer: print(f"  {step}: {cer:.1f}", flush=True),
    )  # fmt: skip
    took = time.perf_counter() - begun
    card = Path("data_manifests") / f"{task.card}.card.toml"
    test_clips = split_of(data / task.clips / "manifest.tsv", task.language, "test", context=CONTEXT, card=card)
    with made.averaged():
        test = judged(made.learner, test_clips[:4] if smoke else test_clips)
    shutil.rmtree(folder)
    return {
        "name": plan.name,
        "language": task.language,
        "called": f"{languages.load(task.language).name}, from {Path(task.base).name}, one reader in pool and test",
        "base": task.base,
        "order": plan.order,
        "seed": plan.seed,
        "asked_minutes": plan.minutes,
        "minutes": round(seconds / 60, 1),
        "clips": len(clips),
        "pool": {"clips": len(material.train), "minutes": round(sum(c.seconds for c in material.train) / 60, 1)},
        "reasons": reasons,
        "donor": donor,
        "settings": asdict(settings),
        "curve": made.curve,
        "seconds": round(took),
        "dev": {"cer": rate(made.scores.overall.letters), "wer": rate(made.scores.overall.words)},
        "test": {"cer": rate(test.overall.letters), "wer": rate(test.overall.words)},
        "environment": environment(),
    }


def _donor_kept(code: str) -> str:
    return (WORK / f"donor_{code}.txt").read_text(encoding="utf-8").strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--only", default="", metavar="NAME", help="runs whose name begins so")
    parser.add_argument("--plan", action="store_true", help="say what would be run, and how long it takes")
    parser.add_argument("--smoke", action="store_true", help="a few clips and steps, nothing written")
    options = parser.parse_args()
    os.environ.setdefault("SPEECH_LANGUAGES", "data_manifests/research/languages")
    if options.smoke:
        for order in ("teaches", "random"):
            card = run(Planned(code="swh", minutes=1, order=order, seed=1), options.data, smoke=True)
            print(f"{order}: {card['clips']} clips, {card['minutes']} minutes, test CER {card['test']['cer']['said']}")
        return
    cards = {plan.name: app_page.RUNS / f"choose_{plan.name}.json" for plan in planned()}
    waiting = [plan for plan in planned() if plan.name.startswith(options.only) and not cards[plan.name].exists()]
    print(expected(waiting), flush=True)
    if options.plan:
        print("\n".join(plan.name for plan in waiting))
        return
    app_page.RUNS.mkdir(exist_ok=True)
    for plan in waiting:
        print(plan.name, flush=True)
        card = run(plan, options.data, smoke=False)
        write_text(cards[plan.name], json.dumps(card, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
        app_page.write()


if __name__ == "__main__":
    try:
        main()
    except SpeechError as error:
        sys.exit(str(error))
