"""Error rates of `mini` on the dev and test splits of the open speech, into docs/scores.md and the adapters' cards.

Data: the eight trained collections, their own splits; clips with digits or event tokens are left out and counted.
Greedy, no language model, tones and diacritics kept; every clip goes through the whole verb.
Command: python recipes/score_mini.py --data ../shared/speech [--report page.html]
Time: about five minutes. `--smoke` scores ten clips and writes nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections import Counter, defaultdict
from pathlib import Path

from mini_runs import VOICES, heard, listed

from speech import languages
from speech.files import write_text
from speech.models.cards import card_toml, read_card
from speech.models.recogniser import LoadSettings, load
from speech.score import Group, Pair, Scores, score, score_report
from speech.score.summary import in_per_cent
from speech.text import RULES


def row(name: str, voices: str, clips: int, hours: float, group: Group, calibration: str) -> str:
    """A line of the table."""
    counts = group.letters.counts
    return (
        f"| {name} | {voices} | {clips} | {hours:.2f} | {in_per_cent(group.letters)} | {counts.errors} / {counts.reference} | "
        f"{in_per_cent(group.code_points)} | {in_per_cent(group.words)} | {calibration} |"
    )


def table(split: str, pairs: list[Pair], hours: dict[str, float]) -> tuple[list[str], Scores]:
    """The table of one split by collection and by language, and the scores behind it."""
    scores = score(pairs)
    errors = {c.name: f"{100 * c.error:.1f}, by chance {100 * c.by_chance:.1f} ({c.words})" for c in scores.calibration}
    lines = [
        f"\n## Split {split}\n",
        *(["Confidences were fitted on this split: what their error is worth only test tells.\n"] if split == "dev" else []),
        "| collection or language | voices | clips | hours | CER % (95 % interval) | errors / letters | CER by code point | WER % "
        "| calibration error % (words) |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for collection, voices in VOICES.items():
        own = [p for p in pairs if p.id.startswith(f"{collection}/")]
        if own:
            lines.append(row(f"`{collection}`", voices, len(own), hours[collection], score(own).overall, ""))
    for group in scores.languages:
        total = sum(h for c, h in hours.items() if c.startswith(group.name))
        lines.append(
            row(f"**{languages.load(group.name).name}** (`{group.name}`)", "", group.clips, total, group, errors.get(group.name, ""))
        )
    if scores.by_language:
        spread = scores.by_language.letters
        ratio = f"{spread.ratio:.1f}" if spread.ratio else "–"
        lines.append(
            f"\nMean over {spread.groups} languages {100 * spread.macro:.1f} % CER; worst {spread.worst} {100 * spread.worst_rate:.1f} %, "
            f"best {spread.best} {100 * spread.best_rate:.1f} %, worst over best {ratio}."
        )
    return lines, scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--model", type=Path, default=Path("speech/models/mini"))
    parser.add_argument("--report", type=Path, help="an HTML page of the test split")
    parser.add_argument("--splits", default="dev,test")
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    model = load(str(options.model), LoadSettings(precision="fp32"))  # figures of one format, whatever the machine has
    left_out: Counter[str] = Counter()
    lines = [
        "# Error rates of `mini`\n",
        "Made by `python recipes/score_mini.py`. Greedy, no language model; every clip through the whole of `speech transcribe`.",
        f"Normalisation: {RULES}. CER counts graphemes, spaces included; intervals draw clips.",
        "*Voices* says whether the speakers of a split also train: no figure here is speaker-disjoint unless it says *new*.",
        f"Number format {model.precision}.",
    ]
    stated: dict[str, list[dict[str, object]]] = {}
    for split in options.splits.split(","):
        clips = list(listed(options.data, split, left_out))
        clips = clips[:: max(1, len(clips) // 10)] if options.smoke else clips
        hours: defaultdict[str, float] = defaultdict(float)
        pairs = []
        for clip in clips:
            pairs.append(heard(model, clip))
            hours[clip.collection] += clip.seconds / 3600
        made, scores = table(split, pairs, dict(hours))
        lines += made
        for group in scores.languages:
            found = group.letters
            interval = found.interval
            stated.setdefault(group.name, []).append(
                {
                    "split": split,
                    "cer": round(100 * (found.value or 0), 1),
                    "cer_low": round(100 * interval.low, 1) if interval else -1.0,
                    "cer_high": round(100 * interval.high, 1) if interval else -1.0,
                    "wer": round(100 * (group.words.value or 0), 1),
                    "clips": group.clips,
                    "letters": found.counts.reference,
                }
            )
        if options.report and split == "test":
            write_text(options.report, score_report(scores, pairs, title="mini on the test split"))
    lines += ["\n## Left out\n", *(f"- {reason}: {count} clips" for reason, count in sorted(left_out.items()))]
    print("\n".join(lines))
    if options.smoke:
        return
    write_text(Path("docs/scores.md"), "\n".join(lines) + "\n")
    for code, rows in stated.items():
        path = options.model / f"adapter.{code}.toml"
        write_text(path, card_toml(dataclasses.replace(read_card(path), scores=tuple(rows))))


if __name__ == "__main__":
    main()
