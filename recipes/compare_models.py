"""Two models beside each other on the dev and test splits of the open speech: error rates with intervals, into docs/scores_compared.md.

Data: as score_mini.py, the same clips and the same way through the whole verb, in fp32.
Command: python recipes/compare_models.py before=FOLDER now=speech/models/mini [--data ../shared/speech]
         an older `mini` is had by: git archive REVISION speech/models/mini | tar -x -C FOLDER --strip-components 3
Time: three minutes on two cores. `--smoke` hears ten clips of each split and writes nothing.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from mini_runs import heard, listed

from speech.files import write_text
from speech.models.recogniser import LoadSettings, load
from speech.score import Group, score
from speech.score.summary import in_per_cent


def groups(model: Path, data: Path, split: str, *, smoke: bool) -> dict[str, Group]:
    """What a model makes of a split, by language and over all."""
    recogniser = load(str(model), LoadSettings(precision="fp32"))
    clips = list(listed(data, split, Counter()))
    clips = clips[:: max(1, len(clips) // 10)] if smoke else clips
    scores = score([heard(recogniser, clip) for clip in clips])
    return {**{group.name: group for group in scores.languages}, "all clips": scores.overall}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs=2, metavar="NAME=FOLDER")
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    folders = {name: Path(folder) for name, _, folder in (given.partition("=") for given in options.models)}
    one, other = folders
    lines = [
        f"# `mini` {one} and {other}\n",
        "Made by `python recipes/compare_models.py`: greedy, no language model, every clip through the whole of `speech transcribe`, fp32.",
        "Per cent with 95 % intervals over clips; which voices also train stands in [scores.md](scores.md).",
    ]
    for split in ("dev", "test"):
        found = {name: groups(folder, options.data, split, smoke=options.smoke) for name, folder in folders.items()}
        lines += [
            f"\n## Split {split}\n",
            f"| language | clips | CER {one} | CER {other} | WER {one} | WER {other} |",
            "|---|---|---|---|---|---|",
        ]
        for name, group in found[one].items():
            later = found[other][name]
            rates = (group.letters, later.letters, group.words, later.words)
            lines.append(f"| {name} | {group.clips} | {' | '.join(map(in_per_cent, rates))} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if not options.smoke:
        write_text(Path("docs/scores_compared.md"), text)


if __name__ == "__main__":
    main()
