"""Fit the confidence of `mini` on dev data and write it into the adapters' cards.

Data: split dev of the open collections (never test). How it is fitted and judged stands in `speech.score.fitting`.
Command: python recipes/calibrate_mini.py --data ../shared/speech --model speech/models/mini
         python recipes/calibrate_mini.py --compare     writes nothing: curve, steps and mixtures, by ten folds
Time: about two minutes.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from mini_runs import heard, listed

from speech.files import write_text
from speech.models.cards import Calibration, card_toml, read_card
from speech.models.recogniser import LoadSettings, load
from speech.score import Pair, score
from speech.score.fitting import crossed, fitted, judged, measured


def compare(found: dict[str, list[Pair]]) -> None:
    """Print what each mixture of curve and steps is worth on words that it has not seen, in the mean of languages."""
    known = [judged(pairs) for pairs in found.values()]
    print("half at words  error  by chance  log loss")
    for half in (0.0, 50.0, 100.0, 200.0, 400.0, np.inf):
        rows = []
        for raw, right in known:
            sure = crossed(raw, right, 10, half)
            kept = np.clip(sure, 1e-3, 1 - 1e-3)
            counted = measured(sure, right)
            rows.append([counted.error, counted.by_chance, float(-np.mean(right * np.log(kept) + (1 - right) * np.log(1 - kept)))])
        error, chance, loss = np.array(rows).mean(axis=0)
        print(f"{half:13.0f}  {error:5.3f}  {chance:9.3f}  {loss:8.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--model", type=Path, default=Path("speech/models/mini"))
    parser.add_argument("--compare", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bare = Path(shutil.copytree(options.model, Path(name) / "model"))
        for path in sorted(bare.glob("adapter.*.toml")):
            write_text(path, card_toml(dataclasses.replace(read_card(path), calibration=Calibration())))
        model = load(str(bare), LoadSettings(precision="fp32"))  # figures of one format, whatever the machine has
        pairs: dict[str, list[Pair]] = defaultdict(list)
        for clip in listed(options.data, "dev", Counter()):
            pairs[clip.language].append(heard(model, clip))
    if options.compare:
        compare(pairs)
        return
    print("language  words  right  error before  error after (five folds)  by chance  dev CER")
    for code, found in sorted(pairs.items()):
        made = fitted(found, split="dev")
        if made is None:
            print(f"{code:8}  too few words: its card stays as it is")
            continue
        path = options.model / f"adapter.{code}.toml"
        write_text(path, card_toml(dataclasses.replace(read_card(path), calibration=made.calibration)))
        cer, before, left = score(found).overall.letters.value or 0.0, made.before, made.left
        right = sum(b.words * b.accuracy for b in before.bins) / before.words
        print(f"{code:8}  {left.words:5}  {right:5.2f}  {before.error:12.3f}  {left.error:24.3f}  {left.by_chance:9.3f}  {100 * cer:7.1f}")


if __name__ == "__main__":
    main()
