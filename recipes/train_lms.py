"""The language models that ship with `mini`: learnt, weighed on dev, calibrated on dev, and scored step by step.

Texts: the train transcripts of the open collections (their cards grant `train_asr`), and open text beside them (../shared/text): for
Kichwa the sentences of chapters that are neither dev nor test, for Yoruba the train part of the Global Voices news. Weights are chosen on
dev, and the confidences fitted there; test chooses nothing. Emissions come from the whole verb, once a clip.
Command: python recipes/train_lms.py --data ../shared/speech --texts ../shared/text --model speech/models/mini
         writes lm.<code>.safetensors beside the adapters and docs/lm_scores.md; --smoke: two languages, few clips, writes nothing
Time: about ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mini_data import COLLECTIONS, allowed, spelt_rows
from mini_runs import CONTEXT, Listed, emissions_kept, listed

from speech import languages
from speech.collections.cards import load_card
from speech.files import write_text
from speech.lm import LearnSettings, Text, held_out, learn
from speech.models.lm.files import save
from speech.models.lm.finding import beside, fitted_with
from speech.models.lm.scorer import LanguageModel
from speech.models.lm.train import TrainSettings
from speech.models.recogniser import LoadSettings, Recogniser, load
from speech.score import Pair, Scores, score, weighing
from speech.score.summary import in_per_cent
from speech.score.weighing import GRID, Emitted, Output, chosen, confidence_of
from speech.text import normalise
from speech.transcribe import transcribe

MANIFESTS = Path(__file__).resolve().parent.parent / "data_manifests"
LONG_CHAPTER = "1"
"""The chapter of the recording of 13 minutes, which is a test, too: no text of it is learnt from."""


@dataclass(slots=True)
class Clip:
    """A clip: what was said, its segments' emissions, and where it belongs."""

    listed: Listed
    emissions: list[np.ndarray] = field(default_factory=list)


def clips_of(model: Recogniser, root: Path, split: str, *, every: int, only: set[str] | None) -> dict[str, list[Clip]]:
    """Clips by language with the emissions that the verb decodes."""
    found: dict[str, list[Clip]] = defaultdict(list)
    with emissions_kept() as kept:
        for number, clip in enumerate(listed(root, split, Counter(), only=only)):
            if number % every == 0:
                kept.clear()
                transcribe(clip.path, language=clip.language, model=model, context=CONTEXT)
                found[clip.language].append(Clip(clip, list(kept)))
    return found


def emitted(clips: Sequence[Clip]) -> list[Emitted]:
    """Clips as what weighs a language model takes them; each is a recording of its own."""
    names = [f"{clip.listed.collection}/{clip.listed.path.name}" for clip in clips]
    return [Emitted(id=n, recording=n, reference=c.listed.text, emissions=c.emissions) for n, c in zip(names, clips, strict=True)]


def output_of(model: Recogniser, code: str) -> Output:
    """What a language's emissions stand for."""
    return Output(language=code, symbols=model.symbols(code), blank=model.blank(code))


def decoded(model: Recogniser, clips: Sequence[Clip], code: str, lm: LanguageModel | None, limit: float | None = None) -> list[Pair]:
    """Pairs of a language, words with raw confidences."""
    return [pair for pair, _ in weighing.decoded(emitted(clips), output_of(model, code), lm, limit)]


def transcripts(root: Path, code: str) -> list[Text]:
    """Train transcripts of the open collections, a text a collection."""
    allowed({"train_asr"}, only={code})
    found = []
    for collection in COLLECTIONS:
        card = load_card(MANIFESTS / f"{collection}.card.toml")
        if code in card.languages:
            rows = spelt_rows(root, {"train"}, left_out=Counter(), only={code}, without=set(COLLECTIONS) - {collection}, numbers=True)
            found.append(text_of(f"{collection}, train", [text for _, _, text in rows], card.licence, f"{collection}:licence"))
    return found


def text_of(name: str, sentences: Sequence[str], licence: str, ground: str) -> Text:
    """Sentences as a text, known by their hash."""
    digest = hashlib.sha256("\n".join(sentences).encode()).hexdigest()
    return Text(name=name, sha256=digest, sentences=tuple(sentences), ground=ground, licence=licence)


def more_text(texts: Path, root: Path, code: str) -> list[Text]:
    """Open text beside the transcripts, without any sentence of dev or test, or of the transcripts themselves."""
    table = languages.load(code)
    kept_out = {text for _, _, text in spelt_rows(root, {"train", "dev", "test"}, left_out=Counter(), only={code})}
    if code == "que":
        held = {row.session for _, row, _ in spelt_rows(root, {"dev", "test"}, left_out=Counter(), only={code})}
        chapters = {LONG_CHAPTER, *(str(int("".join(c for c in name if c.isdigit()))) for name in held)}
        with (texts / "parallel" / "que_spa_killkan" / "sentences.tsv").open(encoding="utf-8", newline="") as file:
            rows = [r for r in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if r["id"].split("_")[0] not in chapters]
        sentences = [r["kichwa"] for r in rows]
        name, licence = "Killkan, sentences of chapters that are neither dev nor test nor the long recording", "cc-by-4.0"
    elif code == "yor":
        blocks = re.split(r"\n\s*\n", (texts / "ner" / "yor_globalvoices" / "train.tsv").read_text(encoding="utf-8"))
        sentences = [" ".join(line.split("\t")[0] for line in block.splitlines() if line.strip()) for block in blocks]
        name, licence = "Global Voices news in Yoruba, train", "cc-by-3.0"
    else:
        return []
    clean = [s for s in sentences if normalise(s, table) and normalise(s, table) not in kept_out]
    return [text_of(name, clean, licence, f"text under {licence}")]


def rates(scores: Scores) -> str:
    """CER and WER with intervals, as cells."""
    return f"{in_per_cent(scores.overall.letters)} | {in_per_cent(scores.overall.words)}"


def long_recording(model: Recogniser, root: Path) -> Clip:
    """The Kichwa chapter of 13 minutes as one clip."""
    folder = root / "open" / "que_killkan_long"
    rows = (folder / "Chapter01.sentences.tsv").read_text(encoding="utf-8").splitlines()[1:]
    path, said = folder / "Chapter01.opus", " ".join(row.split("\t")[2] for row in rows)
    own = Listed(path=path, collection="que_killkan_long", language="que", speaker="unknown", session="ch01", text=said, seconds=0.0)
    with emissions_kept() as kept:
        transcribe(path, language="que", model=model, context=CONTEXT)
        return Clip(own, list(kept))


def limit_of(model: Recogniser, clips: Sequence[Clip], code: str, lm: LanguageModel) -> float:
    """Nats a letter that nearly all words of these clips stay under."""
    limit = weighing.limit_of(emitted(clips), output_of(model, code), lm)
    assert limit is not None, "no word was heard"
    return limit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--texts", type=Path, default=Path("../shared/text"))
    parser.add_argument("--model", type=Path, default=Path("speech/models/mini"))
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    model = load(str(options.model), LoadSettings(precision="fp32"))
    only, every = ({"que", "swh"}, 20) if options.smoke else (None, 1)
    by_split = {split: clips_of(model, options.data, split, every=every, only=only) for split in ("dev", "test")}
    lines = [HEAD]
    chosen_weights: list[str] = []
    calibrations: list[str] = []
    chapter: list[str] = []
    for code in sorted(by_split["dev"]):
        train = transcripts(options.data, code)
        more = [*train, *more_text(options.texts, options.data, code)]
        pruned, _ = learn(train, code)
        whole, _ = learn(train, code, LearnSettings(letters=TrainSettings(order=pruned.letters.order, at_least=1)))
        both, _ = learn(more, code)
        grid = GRID[:2] if options.smoke else GRID
        dev, output = emitted(by_split["dev"][code]), output_of(model, code)
        no_words = [dataclasses.replace(w, words=0.0) for w in grid[::2]]
        lms: dict[str, LanguageModel | None] = {
            "greedy": None,
            "letters": chosen(dev, output, dataclasses.replace(pruned, words=None), no_words),
            "letters, nothing pruned": chosen(dev, output, dataclasses.replace(whole, words=None), no_words),
            "letters and words": chosen(dev, output, pruned, grid),
        }
        if len(more) > len(train):
            lms["and more text"] = chosen(dev, output, both, grid)
        ships = lms.get("and more text") or lms["letters and words"]
        assert ships is not None
        limit = limit_of(model, by_split["dev"][code], code, ships)
        for step, lm, own in [*((step, lm, None) for step, lm in lms.items()), ("this, within its limit", ships, limit)]:
            scores = {split: score(decoded(model, by_split[split][code], code, lm, own)) for split in ("dev", "test")}
            lines.append(f"| {languages.named(code)} | {step} | {rates(scores['dev'])} | {rates(scores['test'])} |")
            print(lines[-1], flush=True)
            if code == "que" and not options.smoke:
                long = score(decoded(model, [long_recording(model, options.data)], code, lm, own)).overall
                chapter.append(f"| {step} | {in_per_cent(long.letters)} | {in_per_cent(long.words)} |")
        fit = confidence_of(weighing.decoded(dev, output, ships, limit), split="dev, with the language model", priced=True)
        card: dict[str, Any] = dict(ships.card)
        card["licence"] = "apache-2.0, learnt from texts as stated"
        card["dev"] = held_out(ships, [c.listed.text for c in by_split["dev"][code]], code)
        card["test"] = held_out(ships, [c.listed.text for c in by_split["test"][code]], code)
        known = fit.calibration if fit is not None else None
        card["calibration"] = fitted_with(model.use(code).tensor_sha256, limit=limit, calibration=known)
        if fit is not None and known is not None:
            unseen = [
                dataclasses.replace(p, words=tuple((t, known(raw or 0.0, cost)) for (t, raw), cost in zip(p.words, own, strict=True)))
                for p, own in weighing.decoded(emitted(by_split["test"][code]), output, ships, limit)
            ]
            tested = score(unseen).calibration[0]
            calibrations.append(
                f"| {languages.named(code)} | {known.words} | {100 * fit.before.error:.1f} | {100 * fit.left.error:.1f} | "
                f"{tested.words} | {100 * tested.error:.1f} | {100 * tested.by_chance:.1f} |"
            )
        w = ships.weights
        chosen_weights.append(
            f"| {languages.named(code)} | {w.weight} | {w.bonus} | {w.words} | {limit} | {card['sentences']:,} | {len(ships.letters):,} | "
            f"{card['dev']['perplexity']} | {card['test']['perplexity']} |"
        )
        if not options.smoke:
            save(dataclasses.replace(ships, card=card), beside(model.use(code).path, code))
    if not options.smoke:
        page = [*lines, CHAPTER, *chapter, WEIGHTS, *chosen_weights, CALIBRATION, *calibrations]
        write_text(Path("docs/lm_scores.md"), "\n".join(page) + "\n")


HEAD = """# Language models of `mini`: what each step is worth

Made by `python recipes/train_lms.py`. Rates in per cent with 95 % intervals over clips; dev chose the weights, test nothing. Whose voices
the clips are stands in [scores.md](scores.md): in most languages one reader, who trains too. Texts are the train transcripts, which
share readers and sources with the test (Kichwa: other chapters of one story), so a text of another kind is helped less. Where there is
more open text, the model that learnt from that, too, ships: it knows more words, though these clips gain nothing by it. The last row is
what is in use: words over the limit, where it does not sound like the language, stand as they sounded (benchmarks/invented_words.py).

| language | step | dev CER | dev WER | test CER | test WER |
|---|---|---|---|---|---|"""
CHAPTER = """
## The chapter of 13 minutes
Kichwa's first chapter as one recording, whose text no language model has read; one recording gives no interval. Voices: unknown (the cast
recurs in every chapter).

| step | CER | WER |
|---|---|---|"""
WEIGHTS = """
## What ships
| language | weight | bonus a letter | share of words | limit, nats a letter | sentences | n-grams | perplexity a letter, dev | test |
|---|---|---|---|---|---|---|---|---|"""
CALIBRATION = """
## Confidences
Fitted on dev for what the search gives: error in per cent on words of dev before, after by five folds, and on words of test.

| language | words of dev | before | after, by folds | words of test | on test | by chance |
|---|---|---|---|---|---|---|"""


if __name__ == "__main__":
    main()
