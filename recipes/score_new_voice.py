"""How much worse a voice is heard that did not train: Malagasy, where one reader trains and the other is only scored.

Data: `mlg_dimbyr_m` and `mlg_dimbyr_f`, one reader each; the model comes from a run of train_mini.py without one of
them. Of the voice left out every split is new; of the other the test split is scored; and both test splits by the
embedded model, which trained on both readers, since one may be harder to hear for anyone. Greedy, no language model.
Command: python recipes/train_mini.py --run RUN --leave-out mlg_dimbyr_f [--decay N]
         python recipes/train_mini.py --run RUN --export FOLDER
         python recipes/score_new_voice.py --model FOLDER --left-out mlg_dimbyr_f       writes docs/scores_new_voice.md
Time: two minutes. `--smoke` scores ten clips of the embedded model and writes nothing: it says nothing of new voices.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from mini_runs import Listed, heard, listed

from speech.files import write_text
from speech.models.cards import read_card
from speech.models.hub import MINI
from speech.models.recogniser import CtcRecogniser, load
from speech.score import Pair, score
from speech.score.summary import in_per_cent
from speech.text import RULES

READERS = ("mlg_dimbyr_m", "mlg_dimbyr_f")


def line(name: str, voices: str, clips: list[Listed], pairs: list[Pair]) -> str:
    """A row of the table."""
    found = score(pairs).overall
    counts = found.letters.counts
    hours = sum(c.seconds for c in clips) / 3600
    errors = f"{counts.errors} / {counts.reference}"
    return f"| {name} | {voices} | {len(clips)} | {hours:.2f} | {in_per_cent(found.letters)} | {errors} | {in_per_cent(found.words)} |"


def what_trained(folder: Path, left_out: str) -> str:
    """Steps and hours of the run behind the Malagasy adapter, as its card says."""
    trained = read_card(folder / "adapter.mlg.toml").trained
    if left_out in trained["collections"]:
        sys.exit(f"{folder}: its card says that {left_out} trained it; train with --leave-out {left_out}")
    return f"{trained['steps']} steps, {trained['audio_heard_hours']:.0f} hours heard, {trained['hours']:.2f} hours of Malagasy"


def scored(model: CtcRecogniser, root: Path, left_out: str, *, smoke: bool) -> list[str]:
    """Table rows: the voice left out in each split, and the other reader's test split."""
    reasons: Counter[str] = Counter()
    texts: dict[str, set[str]] = {}
    rows = []
    by_split = {split: list(listed(root, split, reasons, only={"mlg"})) for split in ("train", "dev", "test")}
    for split, clips in by_split.items():
        for reader in READERS:
            own = [c for c in clips if c.collection == reader]
            if split == "train" and reader != left_out:
                texts["trained"] = {c.text for c in own}
                continue
            if reader != left_out and split != "test":
                continue
            own = own[:5] if smoke else own
            voices = "new" if reader == left_out else "same (one reader)"
            rows.append(line(f"`{reader}` {split}", voices, own, [heard(model, c) for c in own]))
    again = sum(c.text in texts.get("trained", set()) for clips in by_split.values() for c in clips if c.collection == left_out)
    return [*rows, f"\n{again} clips of the voice left out read a sentence that the other reader's training clips hold, too."]


def shipped(root: Path) -> list[str]:
    """Table rows of the embedded model: both readers' test splits."""
    model = load(MINI)
    clips = list(listed(root, "test", Counter(), only={"mlg"}))
    rows = []
    for reader in READERS:
        own = [c for c in clips if c.collection == reader]
        rows.append(line(f"`{reader}` test, shipped model", "same (both readers train)", own, [heard(model, c) for c in own]))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--model", type=Path, default=Path("speech/models/mini"))
    parser.add_argument("--left-out", default=READERS[1], choices=READERS)
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    made_by = "smoke" if options.smoke else what_trained(options.model, options.left_out)
    lines = [
        "# Malagasy: a voice that did not train\n",
        f"Made by `python recipes/score_new_voice.py --model FOLDER --left-out {options.left_out}`. A model of its own: "
        f"{made_by}, without `{options.left_out}`; and the shipped one, which trained on both readers and longer. "
        f"Greedy, no language model. Normalisation: {RULES}.\n",
        "| clips of | voices | clips | hours | CER % (95 % interval) | errors / letters | WER % |",
        "|---|---|---|---|---|---|---|",
        *([] if options.smoke else shipped(options.data)),
        *scored(load(str(options.model)), options.data, options.left_out, smoke=options.smoke),
    ]
    print("\n".join(lines))
    if not options.smoke:
        write_text(Path("docs/scores_new_voice.md"), "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
