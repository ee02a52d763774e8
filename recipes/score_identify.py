"""How well the embedded model tells languages: new voices and other domains first, then known voices, unknown languages, calibration.

Data: test splits of the open collections; `mul_nicolingua`; and, evaluated only, the research collections and excerpts of English
meetings. Pieces are 1, 3, 5 and 10 s of one voice (shorter clips joined within a voice, or a session where voices are not labelled;
English meetings as they are, several voices).
Command: python recipes/score_identify.py --data ../shared/speech            writes docs/lid_scores.md
         python recipes/score_identify.py --model FOLDER                    another base, such as one without a voice: prints alone
Time: 25 minutes on one core where nothing was heard yet (train_lid.py keeps what it hears), then three. `--smoke` scores a few pieces.
Expected: see docs/lid_scores.md; the same voices at 3 s about 98 %, languages never heard AUROC 0.96, a new domain far below.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from lid_data import SECONDS
from lid_fit import Sets, Table, auroc, first_stage, head_of, joined, sizes, table_of
from lid_sets import stored
from numpy.typing import NDArray
from train_lid import opened, without

from speech.errors import SpeechError
from speech.files import write_text
from speech.identify.head import Head
from speech.models.lm.decoder import LanguageDecoder
from speech.models.lm.finding import LanguageModels

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


def share(right: NDArray[np.bool_]) -> str:
    """A share in per cent with its 95 % interval (Wilson), and of how many."""
    n = len(right)
    if not n:
        return "–"
    p, z = float(right.mean()), 1.96
    middle, half = (p + z * z / (2 * n)) / (1 + z * z / n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return f"{100 * p:.0f} ({100 * max(0, middle - half):.0f}–{100 * min(1, middle + half):.0f})"


def by_seconds(table: Table, cell: Callable[[Table, NDArray[np.bool_]], str]) -> str:
    """Cells of a row, a length each."""
    return " | ".join(cell(table, table.seconds == seconds) for seconds in SECONDS)


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


def row(name: str, table: Table, head: Head) -> str:
    """Accuracy of one collection: the language alone, and with none of these among the answers."""
    own, all_told = forced(head, table), told(head, table)
    cells = [f"{share(own[table.seconds == s])} | {share(all_told[table.seconds == s])}" for s in SECONDS]
    return f"| {name} | {len(own)} | " + " | ".join(cells) + " |"


HEADING = "| | pieces | " + " | ".join(f"{s:.0f} s | {s:.0f} s, or none" for s in SECONDS) + " |\n|---|---" + "|---" * 8 + "|"


def calibration_error(p: Doubles, right: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error, in equal bins of probability."""
    place = np.minimum((p * bins).astype(int), bins - 1)
    return float(sum(abs(p[place == b].mean() - right[place == b].mean()) * (place == b).mean() for b in range(bins) if (place == b).any()))


def calibrated(head: Head, table: Table) -> tuple[float, float]:
    """Calibration error of what is said (a language, or none of these), and how often that is right."""
    p = probabilities(head, table)
    said = p.argmax(axis=1)
    names = np.array([*head.languages, ""])
    due = np.where(np.isin(table.language, head.languages), table.language, "")
    right = names[said] == due
    return calibration_error(p.max(axis=1), right), float(right.mean())


def new_voices(train: Table, dev: Table, judged: Table, head: Head, where: dict[str, slice]) -> list[str]:
    """Malagasy: a head that heard one reader, on the other; the base has heard both, where nothing else is said."""
    rows = []
    for hidden in ("mlg_dimbyr_m", "mlg_dimbyr_f"):
        made, _ = head_of(without(train, {hidden}), without(dev, {hidden}), head.languages, where, head.kept)
        rows.append(row(f"{name_of(hidden)} (the head never heard it)", judged.where(judged.collection == hidden), made))
    return rows


def rejection(head: Head, known: Table, unknown: Table, threshold: float) -> list[str]:
    """AUROC against the known, how often a language is told all the same, and how often at the threshold found on dev."""
    inside, outside = 1 - probabilities(head, known)[:, -1], 1 - probabilities(head, unknown)[:, -1]
    wrongly = accepted(head, unknown)
    rows = []
    for name in [*dict.fromkeys(unknown.collection.tolist()), ""]:
        chosen = (unknown.collection == name) if name else np.ones(len(outside), bool)
        cells = []
        for s in (1.0, 3.0, 10.0):
            place = chosen & (unknown.seconds == s)
            cells.append(
                f"{auroc(inside[known.seconds == s], outside[place]):.3f} | {share(wrongly[place])} | {share(outside[place] > threshold)}"
                if place.any()
                else "– | – | –"
            )
        rows.append(f"| {name_of(name) if name else '**all**'} | {chosen.sum()} | " + " | ".join(cells) + " |")
    return rows


def nats_a_letter(decoder: LanguageDecoder, emissions: Sequence[NDArray[np.float32]]) -> Doubles:
    """What the best transcript of each piece costs, sounds and language model together."""
    found = decoder.best(emissions)
    return np.array([-h[0].score / max(1, len(h[0].symbols)) if h and h[0].symbols else 10.0 for h in found])


def report(sets: Sets, *, smoke: bool) -> list[str]:
    """The tables."""
    train, dev = sets.table(r"train\.[a-z_]+"), sets.table(r"dev\.[a-z_]+")
    where = sizes(sets.vocabularies, len(sets.kept), train.numbers.shape[1])
    head, found = head_of(train, dev, sets.languages, where, sets.kept)
    known = sets.table(r"test\.known")
    domains = sets.table(r"test\.domains")
    voice = sets.table(r"test\.nicolingua")
    unseen = sets.table(r"test\.(unseen\.[a-z_]+|english)")
    apart = known.collection == "bre_roadennou"
    same = known.where(~apart)
    return [
        "# Telling languages: how well the embedded model does it\n",
        "Made by `python recipes/score_identify.py`. Pieces of 1, 3, 5 and 10 s of one voice; shorter clips are joined within a voice "
        "(within a session where voices are not labelled). Per cent with 95 % intervals (Wilson, over pieces: pieces of one voice are "
        "not independent). Two figures a length: the likeliest of the seven languages, as if it were known to be one of them; and what "
        "the verb says, with none of these among the answers. Research collections are evaluated only; weights and thresholds come "
        "from train and dev of open ones.\n",
        "## New voices and other domains\n",
        "The base of these figures trained on both Malagasy readers, so that only the head is new to the voice; "
        "`--model FOLDER` scores by another base.\n",
        HEADING,
        *new_voices(train, dev, joined([known, sets.table(r"dev\.plain")]), head, where),
        row(name_of("bre_roadennou"), known.where(apart), head),
        *(row(name_of(name), domains.where(domains.collection == name), head) for name in DOMAINS),
        "\n" + one_voice(head, voice),
        "\n## The voices that it knows\n",
        HEADING,
        *(row(name_of(name, str(name)[:3]), same.where(same.collection == name), head) for name in dict.fromkeys(same.collection.tolist())),
        "| **mean of languages** | | "
        + " | ".join(f"{macro(head, same, s, forced)} | {macro(head, same, s, told)}" for s in SECONDS)
        + " |",
        "\n## Languages that it does not know\n",
        "AUROC: how often a piece of a known voice stands above one of this language (the first table's pieces are not among the known). "
        "The background holds eSpeak NG voices of some fifty languages, English and Greek among them. "
        "Then how often one of the seven is told all the same; and how often where at most 5 % of the languages left out on dev pass "
        f"(threshold {found['threshold']:.2f}).\n",
        "| | pieces | " + " | ".join(f"{s:.0f} s: AUROC | told | at the threshold" for s in (1, 3, 10)) + " |",
        "|---|---" + "|---" * 9 + "|",
        *rejection(head, same, unseen, found["threshold"]),
        "\nAt that threshold the right language is told of the known voices in "
        + ", ".join(f"{share(at_threshold(head, same, found['threshold'], s))} at {s:.0f} s" for s in SECONDS)
        + ". With new voices and domains among the known the AUROC is "
        + ", ".join(f"{mixed_auroc(head, joined([known, domains]), unseen, s):.3f} at {s:.0f} s" for s in SECONDS)
        + ".\n",
        *background(sets, train, dev, head, same, where),
        "\n## How sure it is\n",
        "Calibration error of what is said, a language or none of these (ten bins), and how often it is right.\n",
        "| | error | right |",
        "|---|---|---|",
        *sure(head, same, known.where(apart), domains, unseen),
        "\n## What each part gives (3 s)\n",
        *parts(train, head, where, same, known.where(apart), domains),
        "\n## Transcripts beside it (3 s)\n",
        *(["(not in a smoke run)"] if smoke else transcripts(sets, head)),
        "\n## Control\n",
        control(sets, head, where),
    ]


def one_voice(head: Head, table: Table) -> str:
    """What is said of one voice in three languages that are not known."""
    p = probabilities(head, table)
    said = np.array([*head.languages, "none"])[p.argmax(axis=1)]
    told_of = []
    for code in dict.fromkeys(table.language.tolist()):
        names, counts = np.unique(said[table.language == code], return_counts=True)
        told_of.append(f"{code}: " + ", ".join(f"{n} {c}" for n, c in sorted(zip(names, counts, strict=True), key=lambda x: -x[1])))
    return f"{name_of('mul_nicolingua')}, none of them known, all lengths, what is said: " + "; ".join(told_of) + "."


def macro(head: Head, table: Table, seconds: float, judge: Callable[[Head, Table], NDArray[np.bool_]]) -> str:
    """The mean over languages, in per cent, with a 95 % interval by drawing pieces anew within each."""
    own = table.where(table.seconds == seconds)
    right = judge(head, own)
    groups = [right[own.language == code] for code in dict.fromkeys(own.language.tolist())]
    if not groups:
        return "–"
    rng = np.random.default_rng(1)
    drawn = [np.mean([rng.choice(g, len(g)).mean() for g in groups]) for _ in range(500)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{100 * np.mean([g.mean() for g in groups]):.1f} ({100 * low:.1f}–{100 * high:.1f})"


def at_threshold(head: Head, table: Table, threshold: float, seconds: float) -> NDArray[np.bool_]:
    """Whether the right language is told, where any is told above the threshold alone."""
    own = table.where(table.seconds == seconds)
    return np.asarray(forced(head, own) & (1 - probabilities(head, own)[:, -1] > threshold))


def mixed_auroc(head: Head, known: Table, unknown: Table, seconds: float) -> float:
    """AUROC at one length."""
    inside, outside = 1 - probabilities(head, known)[:, -1], 1 - probabilities(head, unknown)[:, -1]
    return auroc(inside[known.seconds == seconds], outside[unknown.seconds == seconds])


def background(sets: Sets, train: Table, dev: Table, head: Head, same: Table, where: dict[str, slice]) -> list[str]:
    """Arabic and Wyandot, which the head has in its background: and by a head that has not."""
    names = {"arb_ghandoura", "wyn_craig"}
    bare, _ = head_of(without(train, names), without(dev, names), head.languages, where, head.kept)
    table = sets.table(r"test\.background")
    said = []
    for name in sorted(names):
        own = table.where(table.collection == name)
        figures = [f"{mixed_auroc(made, same, own, 3.0):.3f}" for made in (head, bare)]
        said.append(f"{name_of(name)} {figures[0]}, by a head fitted without both {figures[1]}")
    return ["Of languages that are in the background, AUROC at 3 s: " + "; ".join(said) + "."]


def sure(head: Head, same: Table, other: Table, domains: Table, unseen: Table) -> list[str]:
    """Rows of calibration."""
    rng = np.random.default_rng(2)
    count = min(len(same.seconds), len(unseen.seconds))
    half = joined([t.where(np.isin(np.arange(len(t.seconds)), rng.choice(len(t.seconds), count, replace=False))) for t in (same, unseen)])
    rows = []
    named = (("known voices and unseen languages, as many of each", half), ("known voices alone", same), ("unseen languages alone", unseen))
    for name, table in (*named, ("Breton, chess commentary", other), ("interviews and radio", domains)):
        error, right = calibrated(head, table)
        rows.append(f"| {name} | {error:.3f} | {100 * right:.0f} |")
    for seconds in SECONDS:
        error, right = calibrated(head, half.where(half.seconds == seconds))
        rows.append(f"| the first, at {seconds:.0f} s | {error:.3f} | {100 * right:.0f} |")
    return rows


def parts(train: Table, head: Head, where: dict[str, slice], same: Table, other: Table, domains: Table) -> list[str]:
    """The first stage by some of what is counted: the likeliest language, mean of languages."""
    rows = ["| weighed | known voices | Breton, chess | Breton, interviews | Southern Quechua |", "|---|---|---|---|---|"]
    for name, only in (
        ("hidden states alone: one pass of the encoder", ("states",)),
        ("what the recognisers hear alone: sounds and pairs", ("sounds", "pairs")),
        ("both: decided together with recognition", ("sounds", "pairs", "states")),
    ):
        fit = first_stage(train, head.languages, where, only)
        cells = []
        for table in (same, other, *(domains.where(domains.collection == d) for d in DOMAINS)):
            own = table.where(table.seconds == 3.0)
            right = np.array(head.languages)[fit.logits(own.numbers)[:, :-1].argmax(axis=1)] == own.language
            groups = [right[own.language == code].mean() for code in dict.fromkeys(own.language.tolist())]
            cells.append(f"{100 * np.mean(groups):.0f}" if groups else "–")
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return rows


def transcripts(sets: Sets, head: Head) -> list[str]:
    """The candidates' transcripts scored, and the answer ranked anew by them, as arXiv 2409.18428 does; weights fitted on dev."""
    models = LanguageModels()
    if any(models.of(sets.model, code) is None for code in head.languages):
        return ["There are no language models beside these adapters."]
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
    rows = [f"Weight of the transcripts, chosen on dev: {weight}.\n", "| | head | transcripts alone | ranked anew |", "|---|---|---|---|"]
    for name in ("test.known", "test.domains"):
        for collection in dict.fromkeys(tables[name].collection.tolist()):
            own = tables[name].collection == collection
            cells = [share(r[own]) for r in (ranked(name, 0.0), ranked(name, 1.0, alone=True), ranked(name, weight))]
            rows.append(f"| {name_of(collection)} | " + " | ".join(cells) + " |")
    return rows


def control(sets: Sets, head: Head, where: dict[str, slice]) -> str:
    """What lies between words: by the head itself, and by a first stage fitted on pauses, which knows the telephone alone."""
    train, test = sets.table(r"pauses\.train"), sets.table(r"pauses\.test")
    fit = first_stage(train, sets.languages, where)
    codes = np.array(sets.languages)
    by_head, by_pauses, no_language = [], [], []
    for seconds in (1.0, 3.0):
        own = test.where(test.seconds == seconds)
        names = dict.fromkeys(own.language.tolist())
        right = codes[fit.logits(own.numbers)[:, :-1].argmax(axis=1)] == own.language
        by_pauses.append(f"{100 * np.mean([right[own.language == code].mean() for code in names]):.0f} % at {seconds:.0f} s")
        right = forced(head, own)
        by_head.append(f"{100 * np.mean([right[own.language == code].mean() for code in names]):.0f} % at {seconds:.0f} s")
        no_language.append(f"{100 * (1 - accepted(head, own).mean()):.0f} % at {seconds:.0f} s")
    return (
        f"What lies between the words of the test clips, heard as if it were speech: the head finds the language of the clip in "
        f"{' and '.join(by_head)} (mean of languages; chance {100 / len(codes):.0f} %), and says none of these of "
        f"{' and '.join(no_language)}. "
        f"A first stage fitted on the pauses of train, unperturbed, reaches {' and '.join(by_pauses)}: so much could be told in this data "
        "by the telephone and the room alone."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--model", default="mini", help="the base; its head is fitted here as train_lid.py does")
    parser.add_argument("--cache", type=Path, help="where what was heard is kept")
    parser.add_argument("--smoke", action="store_true", help="a few pieces; writes nothing")
    options = parser.parse_args()
    sets = opened(options)
    try:
        sets.hear_all(judged=True)
        lines = report(sets, smoke=options.smoke)
    finally:
        if options.smoke:
            shutil.rmtree(sets.cache, ignore_errors=True)
    print("\n".join(lines))
    if not options.smoke and options.model == "mini":
        write_text(Path("docs/lid_scores.md"), "\n".join(lines) + "\n")


if __name__ == "__main__":
    try:
        main()
    except SpeechError as error:
        sys.exit(str(error))
