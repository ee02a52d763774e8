"""How well the embedded model tells languages: new voices and other domains first, then known voices, unknown languages, calibration.

Data: test splits of the open collections; `mul_nicolingua`; and, evaluated only, the research collections and excerpts of English
meetings. Pieces are 1, 3, 5 and 10 s of one voice (shorter clips joined within a voice, or a session where voices are not labelled;
English meetings as they are, several voices).
Command: python recipes/score_identify.py --data ../shared/speech            writes docs/lid_scores.md
         python recipes/score_identify.py --page                            prints the page anew from the figures that were kept
         python recipes/score_identify.py --model FOLDER                    another base: prints alone
         python recipes/score_identify.py --model FOLDER --unheard NAME     a base that never heard a collection: its rows of the page
Time: 25 minutes on one core where nothing was heard yet (train_lid.py keeps what it hears), then three. `--smoke` scores a few pieces.
Expected: see docs/lid_scores.md; the same voices at 3 s about 98 %, languages never heard AUROC 0.96, a new domain far below.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from lid_data import SECONDS
from lid_fit import Sets, Table, auroc, first_stage, head_of, joined, sizes, table_of
from lid_page import (
    BINS,
    KEPT,
    KEPT_UNHEARD,
    MIXED,
    OTHER_KINDS,
    Figure,
    Figures,
    keep,
    kept,
    page,
    unheard_page,
    write,
)
from lid_sets import stored
from numpy.typing import NDArray
from train_lid import opened, without

from speech.errors import SpeechError
from speech.identify.head import Head
from speech.models.lm.decoder import LanguageDecoder
from speech.models.lm.finding import LanguageModels
from speech.models.recogniser import CtcRecogniser

Doubles = NDArray[np.float64]
DOMAINS = ("bre_roadennou_nc", "quy_siminchik")
NAMES = {
    "mlg_dimbyr_m": "Malagasy, male reader",
    "mlg_dimbyr_f": "Malagasy, female reader",
    "mul_nicolingua": "Maninka, Pular, Susu (one voice)",
    "bre_roadennou_nc": "Breton, interviews",
    "quy_siminchik": "Southern Quechua, radio",
    "bre_roadennou": "Breton, chess commentary",
    "mdw_mboshi": "Mboshi",
    "ell_griko": "Griko",
    "sxb_africanvoices": "Suba",
    "pcm_bassey": "Nigerian Pidgin",
    "bom_mandeebot": "Berom",
    "lin_kabongo": "Lingala",
    "mul_voxangeles": "VoxAngeles, 55 languages",
    "arb_ghandoura": "Arabic, other speakers",
    "wyn_craig": "Wyandot, same voice",
    "eng_ami": "English, meetings",
}


def name_of(collection: str, language: str = "") -> str:
    """A collection as the tables name it."""
    return NAMES.get(collection, f"{language or collection[:3]}, {collection}")


def probabilities(head: Head, table: Table) -> Doubles:
    """Of each piece, (pieces, languages + 1)."""
    return head.probabilities(head.logits(table.numbers), table.sureness.astype(np.float64), table.seconds)


def counted(table: str, row: str, column: str, right: NDArray[np.bool_], seconds: float = 0) -> Figure:
    """How many are right, of how many."""
    return Figure(table=table, row=row, seconds=int(seconds), column=column, value=int(right.sum()), of=len(right))


def number(table: str, row: str, column: str, value: float, seconds: float = 0) -> Figure:
    """A number as it is kept: six digits after the point."""
    return Figure(table=table, row=row, seconds=int(seconds), column=column, value=round(float(value), 6))


def forced(head: Head, table: Table) -> NDArray[np.bool_]:
    """Whether the likeliest language is the right one, were it known that it is one of them."""
    p = probabilities(head, table)[:, :-1]
    return np.asarray(np.array(head.languages)[p.argmax(axis=1)] == table.language)


def told(head: Head, table: Table) -> NDArray[np.bool_]:
    """Whether the right language is told, "none of these" being an answer."""
    p = probabilities(head, table)
    return np.asarray(forced(head, table) & (p[:, :-1].max(axis=1) > p[:, -1]))


def accepted(head: Head, table: Table) -> NDArray[np.bool_]:
    """Whether any of the languages is told."""
    p = probabilities(head, table)
    return np.asarray(p[:, :-1].max(axis=1) > p[:, -1])


def accuracy(kind: str, name: str, table: Table, head: Head) -> list[Figure]:
    """Accuracy of one collection by length: the language alone, and with none of these among the answers."""
    ways = {"likeliest": forced(head, table), "told": told(head, table)}
    found = [counted(kind, name, column, right[table.seconds == s], s) for s in SECONDS for column, right in ways.items()]
    return [number(kind, name, "pieces", len(table.seconds)), *found]


def calibrated(name: str, head: Head, table: Table) -> list[Figure]:
    """What is said, a language or none of these: its calibration error, how often it is right, and both by bins of probability."""
    p = probabilities(head, table)
    names = np.array([*head.languages, ""])
    due = np.where(np.isin(table.language, head.languages), table.language, "")
    right, sure = names[p.argmax(axis=1)] == due, p.max(axis=1)
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    bins = [b for b in range(BINS) if (place == b).any()]
    error = sum(abs(sure[place == b].mean() - right[place == b].mean()) * (place == b).mean() for b in bins)
    found = [number("sure", name, "error", error), number("sure", name, "right", right.mean())]
    for b in bins:
        found += [number("sure", name, f"bin {b}, mean", sure[place == b].mean()), counted("sure", name, f"bin {b}", right[place == b])]
    return found


def new_voices(train: Table, dev: Table, judged: Table, head: Head, where: dict[str, slice]) -> list[Figure]:
    """Malagasy: a head that heard one reader, on the other."""
    found = []
    for hidden in ("mlg_dimbyr_m", "mlg_dimbyr_f"):
        made, _ = head_of(without(train, {hidden}), without(dev, {hidden}), head.languages, where, head.kept)
        name = f"{name_of(hidden)} (the head never heard it)"
        found += accuracy("new", name, judged.where(judged.collection == hidden), made)
    return found


def rejection(head: Head, known: Table, unknown: Table, threshold: float) -> list[Figure]:
    """AUROC against the known, how often a language is told all the same, and how often at the threshold found on dev."""
    inside, outside = 1 - probabilities(head, known)[:, -1], 1 - probabilities(head, unknown)[:, -1]
    wrongly = accepted(head, unknown)
    found = []
    for collection in [*dict.fromkeys(unknown.collection.tolist()), ""]:
        chosen = (unknown.collection == collection) if collection else np.ones(len(outside), bool)
        name = name_of(collection) if collection else "all"
        found.append(number("unknown", name, "pieces", chosen.sum()))
        for s in (1.0, 3.0, 10.0):
            place = chosen & (unknown.seconds == s)
            if place.any():
                found.append(number("unknown", name, "AUROC", auroc(inside[known.seconds == s], outside[place]), s))
                found.append(counted("unknown", name, "told", wrongly[place], s))
                found.append(counted("unknown", name, "at the threshold", outside[place] > threshold, s))
    return found


def nats_a_letter(decoder: LanguageDecoder, emissions: Sequence[NDArray[np.float32]]) -> Doubles:
    """What the best transcript of each piece costs, sounds and language model together."""
    found = decoder.best(emissions)
    return np.array([-h[0].score / max(1, len(h[0].symbols)) if h and h[0].symbols else 10.0 for h in found])


def report(sets: Sets, *, smoke: bool) -> Figures:
    """All figures of the page."""
    train, dev = sets.table(r"train\.[a-z_]+"), sets.table(r"dev\.[a-z_]+")
    where = sizes(sets.vocabularies, len(sets.kept), train.numbers.shape[1])
    head, found = head_of(train, dev, sets.languages, where, sets.kept)
    known = sets.table(r"test\.known")
    domains = sets.table(r"test\.domains")
    unseen = sets.table(r"test\.(unseen\.[a-z_]+|english)")
    apart = known.collection == "bre_roadennou"
    same, chess = known.where(~apart), known.where(apart)
    figures = new_voices(train, dev, joined([known, sets.table(r"dev\.plain")]), head, where)
    figures += accuracy("new", name_of("bre_roadennou"), chess, head)
    for name in DOMAINS:
        figures += accuracy("new", name_of(name), domains.where(domains.collection == name), head)
    figures += one_voice(head, sets.table(r"test\.nicolingua"))
    for name in dict.fromkeys(same.collection.tolist()):
        figures += accuracy("known", name_of(name), same.where(same.collection == name), head)
    figures += means("mean", "mean of languages", same, head)
    figures.append(number("threshold", "dev", "threshold", found["threshold"]))
    figures += rejection(head, same, unseen, found["threshold"])
    wider = joined([known, domains])
    for s in SECONDS:
        figures.append(counted("threshold", "known voices", "right", at_threshold(head, same, found["threshold"], s), s))
        figures.append(number("threshold", "with new voices and domains", "AUROC", mixed_auroc(head, wider, unseen, s), s))
    figures += background(sets, train, dev, head, same, where)
    figures += sure(head, same, chess, domains, unseen)
    figures += parts(train, head, where, same, chess, domains)
    figures += [] if smoke else transcripts(sets, head)
    return Figures([*figures, *control(sets, head, where)])


def unheard(sets: Sets, collection: str) -> Figures:
    """A collection that neither base nor head heard, and the voices that they know."""
    train, dev = (without(sets.table(pattern), {collection}) for pattern in (r"train\.[a-z_]+", r"dev\.[a-z_]+"))
    where = sizes(sets.vocabularies, len(sets.kept), train.numbers.shape[1])
    head, _ = head_of(train, dev, sets.languages, where, sets.kept)
    known, plain = sets.table(r"test\.known"), sets.table(r"dev\.plain")
    judged = joined([known, plain])
    by = f"by a base without {collection}"
    figures = accuracy("unheard", f"{name_of(collection)} ({by})", judged.where(judged.collection == collection), head)
    same = known.where(~np.isin(known.collection, [collection, "bre_roadennou"]))
    return Figures([*figures, *means("unheard mean", f"mean of languages it knows, {by}", same, head)])


def one_voice(head: Head, table: Table) -> list[Figure]:
    """What is said of one voice in three languages that are not known: languages by how often."""
    said = np.array([*head.languages, "none"])[probabilities(head, table).argmax(axis=1)]
    found = []
    for code in dict.fromkeys(table.language.tolist()):
        names, counts = np.unique(said[table.language == code], return_counts=True)
        found += [number("one voice", code, str(n), c) for n, c in sorted(zip(names, counts, strict=True), key=lambda x: -x[1])]
    return found


def means(kind: str, name: str, table: Table, head: Head) -> list[Figure]:
    """The mean over languages, by length."""
    return [macro(kind, name, column, head, table, s, judge) for s in SECONDS for column, judge in (("likeliest", forced), ("told", told))]


def macro(
    kind: str, name: str, column: str, head: Head, table: Table, seconds: float, judge: Callable[[Head, Table], NDArray[np.bool_]]
) -> Figure:
    """The mean over languages with a 95 % interval by drawing pieces anew within each."""
    own = table.where(table.seconds == seconds)
    right = judge(head, own)
    groups = [right[own.language == code] for code in dict.fromkeys(own.language.tolist())]
    if not groups:
        return Figure(table=kind, row=name, seconds=int(seconds), column=column, value=0, of=0)
    rng = np.random.default_rng(1)
    drawn = [np.mean([rng.choice(g, len(g)).mean() for g in groups]) for _ in range(500)]
    low, high = (round(float(x), 6) for x in np.quantile(drawn, [0.025, 0.975]))
    return replace(number(kind, name, column, float(np.mean([g.mean() for g in groups])), seconds), low=low, high=high)


def at_threshold(head: Head, table: Table, threshold: float, seconds: float) -> NDArray[np.bool_]:
    """Whether the right language is told, where any is told above the threshold alone."""
    own = table.where(table.seconds == seconds)
    return np.asarray(forced(head, own) & (1 - probabilities(head, own)[:, -1] > threshold))


def mixed_auroc(head: Head, known: Table, unknown: Table, seconds: float) -> float:
    """AUROC at one length."""
    inside, outside = 1 - probabilities(head, known)[:, -1], 1 - probabilities(head, unknown)[:, -1]
    return auroc(inside[known.seconds == seconds], outside[unknown.seconds == seconds])


def background(sets: Sets, train: Table, dev: Table, head: Head, same: Table, where: dict[str, slice]) -> list[Figure]:
    """Arabic and Wyandot, which the head has in its background: and by a head that has not; AUROC at 3 s."""
    names = {"arb_ghandoura", "wyn_craig"}
    bare, _ = head_of(without(train, names), without(dev, names), head.languages, where, head.kept)
    table = sets.table(r"test\.background")
    return [
        number("background", name_of(name), column, mixed_auroc(made, same, table.where(table.collection == name), 3.0))
        for name in sorted(names)
        for column, made in (("head", head), ("without both", bare))
    ]


def sure(head: Head, same: Table, other: Table, domains: Table, unseen: Table) -> list[Figure]:
    """Calibration."""
    rng = np.random.default_rng(2)
    count = min(len(same.seconds), len(unseen.seconds))
    half = joined([t.where(np.isin(np.arange(len(t.seconds)), rng.choice(len(t.seconds), count, replace=False))) for t in (same, unseen)])
    named = [(MIXED, half), ("known voices alone", same), ("unseen languages alone", unseen), (name_of("bre_roadennou"), other)]
    named += [(OTHER_KINDS, domains), *((f"the first, at {s:.0f} s", half.where(half.seconds == s)) for s in SECONDS)]
    return [figure for name, table in named for figure in calibrated(name, head, table)]


def parts(train: Table, head: Head, where: dict[str, slice], same: Table, other: Table, domains: Table) -> list[Figure]:
    """The first stage by some of what is counted: the likeliest language at 3 s, mean of languages."""
    judged = {"known voices": same, "Breton, chess": other}
    names = dict(zip(DOMAINS, ("Breton, interviews", "Southern Quechua"), strict=True))
    judged |= {names[d]: domains.where(domains.collection == d) for d in DOMAINS}
    found = []
    for name, only in (
        ("hidden states alone: one pass of the encoder", ("states",)),
        ("what the recognisers hear alone: sounds and pairs", ("sounds", "pairs")),
        ("both: decided together with recognition", ("sounds", "pairs", "states")),
    ):
        fit = first_stage(train, head.languages, where, only)
        for column, table in judged.items():
            own = table.where(table.seconds == 3.0)
            right = np.array(head.languages)[fit.logits(own.numbers)[:, :-1].argmax(axis=1)] == own.language
            groups = [right[own.language == code].mean() for code in dict.fromkeys(own.language.tolist())]
            found += [number("parts", name, column, float(np.mean(groups)))] if groups else []
    return found


def transcripts(sets: Sets, head: Head) -> list[Figure]:
    """The candidates' transcripts scored, and the answer ranked anew by them, as arXiv 2409.18428 does; weights fitted on dev."""
    models = LanguageModels()
    if any(models.of(sets.model, code) is None for code in head.languages):
        return []
    costs: dict[str, Doubles] = {}
    tables: dict[str, Table] = {}
    for name in ("dev.plain", "test.known", "test.domains"):
        heard = [
            h for h in stored(sets.cache / f"{name}.npz") if h.seconds == 3.0 and (h.language in head.languages or h.language == "quy")
        ]
        tables[name] = table_of(heard, sets.vocabularies, sets.kept)
        cost = []
        for code in head.languages:
            decoder = models.decoder(sets.model, code)
            assert isinstance(decoder, LanguageDecoder)  # every shipped language has its model
            cost.append(nats_a_letter(decoder, [h.emissions[code].astype(np.float32) for h in heard]))
        costs[name] = np.stack(cost, axis=1)
    dev = tables["dev.plain"]
    y = np.array([head.languages.index(code) for code in dev.language])
    foreign = [costs["dev.plain"][y != n, n] for n in range(len(head.languages))]
    mean, scale = np.array([f.mean() for f in foreign]), np.array([f.std() for f in foreign])

    def ranked(name: str, weight: float, alone: bool = False) -> NDArray[np.bool_]:
        p = probabilities(head, tables[name])[:, :-1]
        score = -weight * (costs[name] - mean) / scale + (0.0 if alone else np.log(p / p.sum(axis=1, keepdims=True) + 1e-9))
        return np.asarray(np.array(head.languages)[score.argmax(axis=1)] == tables[name].language)

    losses = {w: -ranked("dev.plain", w).mean() for w in (0.0, 0.25, 0.5, 1.0, 1.5)}
    weight = min((w for w in losses if w), key=lambda w: (losses[w], w))
    found = [number("transcripts", "weight", "chosen", weight)]
    for name in ("test.known", "test.domains"):
        for collection in dict.fromkeys(tables[name].collection.tolist()):
            own = tables[name].collection == collection
            ways = {"head": ranked(name, 0.0), "transcripts alone": ranked(name, 1.0, alone=True), "ranked anew": ranked(name, weight)}
            found += [counted("transcripts", name_of(collection), column, right[own]) for column, right in ways.items()]
    return found


def control(sets: Sets, head: Head, where: dict[str, slice]) -> list[Figure]:
    """What lies between words: by the head itself, and by a first stage fitted on pauses, which knows the telephone alone."""
    train, test = sets.table(r"pauses\.train"), sets.table(r"pauses\.test")
    fit = first_stage(train, sets.languages, where)
    codes = np.array(sets.languages)
    found = [number("control", "pauses", "chance", 1 / len(codes))]
    for s in (1.0, 3.0):
        own = test.where(test.seconds == s)
        by_pauses = codes[fit.logits(own.numbers)[:, :-1].argmax(axis=1)] == own.language
        for column, right in (("fitted on pauses", by_pauses), ("head", forced(head, own))):
            groups = [right[own.language == code].mean() for code in dict.fromkeys(own.language.tolist())]
            found.append(number("control", "pauses", column, float(np.mean(groups)), s))
        found.append(number("control", "pauses", "none of these", 1 - accepted(head, own).mean(), s))
    return found


def refuse_heard(model: CtcRecogniser, collection: str) -> None:
    """Go on only where the cards of all adapters say what they learnt from, and none names this collection."""
    for code, path in sorted(model.checkpoint.adapters.items()):
        heard = tomllib.loads(path.with_suffix(".toml").read_text(encoding="utf-8"))["trained"]["collections"]
        if collection in heard:
            sys.exit(f"{model.name}: its adapter {code} learnt from {collection}. Give the base that train_base.py made without it")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--model", default="mini", help="the base; its head is fitted here as train_lid.py does")
    parser.add_argument("--unheard", metavar="NAME", help="a collection that --model never heard: keep its rows for the page")
    parser.add_argument("--page", action="store_true", help="hear nothing: print the page and its plots from the figures that were kept")
    parser.add_argument("--cache", type=Path, help="where what was heard is kept")
    parser.add_argument("--smoke", action="store_true", help="a few pieces; writes nothing")
    options = parser.parse_args()
    if not options.page and not hear(options):
        return
    write(kept(KEPT, KEPT_UNHEARD))


def hear(options: argparse.Namespace) -> bool:
    """Score a base; whether anything was kept that the page has."""
    sets = opened(options)
    try:
        if options.unheard:
            refuse_heard(sets.model, options.unheard)
        sets.hear_all(judged="test.known" if options.unheard else "pauses.test")
        figures = unheard(sets, options.unheard) if options.unheard else report(sets, smoke=options.smoke)
    finally:
        if options.smoke:
            shutil.rmtree(sets.cache, ignore_errors=True)
    print(unheard_page(figures) if options.unheard else page(figures))
    if options.smoke or (options.model != "mini" and not options.unheard):
        return False
    keep(figures, KEPT_UNHEARD if options.unheard else KEPT)
    return True


if __name__ == "__main__":
    try:
        main()
    except SpeechError as error:
        sys.exit(str(error))
