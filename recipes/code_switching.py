"""How much Spanish stands among the words of Kichwa, and whether its letters alone give a word away.

Data: the ELAN files of Killkan (`open/que_killkan_eaf`, CC BY 4.0), which say of each word whether it is Kichwa, Spanish, or both in one
word (tier MISC: `Lang=es`, `Lang=qqe`; no mark means Kichwa). Chapters 1 and 20 are not read; chapter 15 judges, the others teach.
Command: python recipes/code_switching.py --data ../shared/speech            writes docs/code_switching.md
Time: ten seconds. `--smoke` reads three chapters and writes nothing.
Expected: one word in seven is Spanish in whole or in part, in 44 % of the sentences; letters tell Spanish words with an AUROC of 0.98.
"""

from __future__ import annotations

import argparse
import gzip
import math
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from lid_fit import auroc

from speech.files import write_text

DEV, UNREAD = 15, (1, 20)
_ORDER = 4


def sentences_of(path: Path) -> list[list[tuple[str, str]]]:
    """The sentences of a chapter: words in small letters with their language (`qu`, `es`, `qqe` for both, or another); no punctuation."""
    root = ElementTree.fromstring(gzip.decompress(path.read_bytes()))
    tiers = {tier.get("TIER_ID", ""): list(tier.iter("REF_ANNOTATION")) for tier in root.iter("TIER")}
    marks = {a.get("ANNOTATION_REF"): a.findtext("ANNOTATION_VALUE") or "" for a in tiers["MISC"]}
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for form in tiers["FORM"]:
        word = (form.findtext("ANNOTATION_VALUE") or "").strip().lower()
        mark = dict(part.split("=", 1) for part in marks.get(form.get("ANNOTATION_ID"), "").split("|") if "=" in part)
        if any(c.isalpha() for c in word) and mark.get("CSID") != "OTHER":
            found[form.get("ANNOTATION_REF") or ""].append((word, mark.get("Lang", "qu")))
    return list(found.values())


class Letters:
    """How likely a word's letters are in one language: n-grams with back-off by interpolation (Witten and Bell 1991)."""

    def __init__(self, words: Iterable[str]) -> None:
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        for word in words:
            text = "^" * (_ORDER - 1) + word + "$"
            for place in range(_ORDER - 1, len(text)):
                for length in range(_ORDER):
                    self.counts[text[place - length : place]][text[place]] += 1

    def nats(self, word: str) -> float:
        """Log probability a letter."""
        text = "^" * (_ORDER - 1) + word + "$"
        total = 0.0
        for place in range(_ORDER - 1, len(text)):
            p = 1 / 60
            for length in range(_ORDER):
                own = self.counts.get(text[place - length : place])
                if own:
                    n = sum(own.values())
                    p = (own[text[place]] + len(own) * p) / (n + len(own))
            total += math.log(p)
        return total / (len(word) + 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    chapters = {int(p.name[7:9]): p for p in sorted((options.data / "open" / "que_killkan_eaf").glob("Chapter*.eaf.gz"))}
    read = [n for n in chapters if n not in UNREAD and (not options.smoke or n in (2, 3, DEV))]
    sentences = {n: sentences_of(chapters[n]) for n in read}
    lines = ["# Spanish among the words of Kichwa\n", "Made by `python recipes/code_switching.py`, from the ELAN files of Killkan.\n"]
    everything = [s for own in sentences.values() for s in own]
    counted = Counter(language for sentence in everything for _, language in sentence)
    total = sum(counted.values())
    foreign = sum(any(language in ("es", "qqe") for _, language in s) for s in everything)
    alone = sum(all(language == "es" for _, language in s) for s in everything)
    spanish_share, mixed_share = (100 * counted[code] / total for code in ("es", "qqe"))
    lines.append(
        f"Of {total:,} words in {len(everything):,} sentences ({len(read)} chapters) {spanish_share:.1f} % are marked Spanish and "
        f"{mixed_share:.1f} % a Spanish stem with a Kichwa ending; {100 * foreign / len(everything):.0f} % of the sentences hold at "
        f"least one, {100 * alone / len(everything):.1f} % nothing else.\n"
    )
    teach = [pair for n, own in sentences.items() if n != DEV for s in own for pair in s]
    spanish, kichwa = (Letters({w for w, code in teach if code == which}) for which in ("es", "qu"))
    seen = {w for w, _ in teach}
    judged = [pair for s in sentences[DEV] for pair in s]
    lines += [
        "| words of chapter 15 | Kichwa | Spanish | mixed | AUROC, Spanish against Kichwa | mixed against Kichwa |",
        "|---|---|---|---|---|---|",
    ]
    for name, kept in (("all", judged), ("not met in the other chapters", [p for p in judged if p[0] not in seen])):
        scores = {c: np.array([spanish.nats(w) - kichwa.nats(w) for w, code in kept if code == c]) for c in ("qu", "es", "qqe")}
        sizes = " | ".join(str(len(scores[c])) for c in ("qu", "es", "qqe"))
        lines.append(f"| {name} | {sizes} | {auroc(scores['es'], scores['qu']):.3f} | {auroc(scores['qqe'], scores['qu']):.3f} |")
    lines.append(
        "\nThis is from the spelling that a person wrote. Words are too short to be told apart by sound here (what one second of speech "
        "gives stands in [lid_scores.md](lid_scores.md)), and Spanish is none of the embedded model's languages; so `identify` marks "
        "turns, not words. A mark on words by their letters could stand in `Word.language`: no verb sets it yet."
    )
    print("\n".join(lines))
    if not options.smoke:
        write_text(Path("docs/code_switching.md"), "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
