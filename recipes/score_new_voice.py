"""How much worse a voice is heard that did not train: Malagasy, where one reader trains and the other is only scored.

Data: `mlg_dimbyr_m` and `mlg_dimbyr_f`, one reader each; the model comes from a run of train_mini.py without one of
them. Of the voice left out every split is new; of the other the test split is scored; and both test splits by the
embedded model, which trained on both readers, since one may be harder to hear for anyone. Greedy, and with the shipped language model.
Command: python recipes/train_mini.py --run RUN --leave-out mlg_dimbyr_f [--decay N]
         python recipes/train_mini.py --run RUN --export FOLDER
         python recipes/score_new_voice.py --model FOLDER --left-out mlg_dimbyr_f       writes docs/scores_new_voice.md
Time: two minutes. `--smoke` scores ten clips of the embedded model and writes nothing: it says nothing of new voices.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from train_lms import Clip, clips_of, decoded, limit_of

from speech.files import write_text
from speech.models.cards import read_card
from speech.models.hub import MINI
from speech.models.lm.files import load as load_language_model
from speech.models.lm.finding import LanguageModels
from speech.models.lm.scorer import LanguageModel
from speech.models.recogniser import CtcRecogniser, LoadSettings, load
from speech.score import Scores, score
from speech.score.summary import in_per_cent
from speech.text import RULES

READERS = ("mlg_dimbyr_m", "mlg_dimbyr_f")


WAYS = ("greedy", "with the language model", "and within its limit")


def line(name: str, voices: str, clips: Sequence[Clip], found: Sequence[Scores]) -> str:
    """A row of the table: clips and hours, then CER and WER by way of decoding; an empty cell where a way says nothing."""
    hours = sum(c.listed.seconds for c in clips) / 3600
    cells = [f"{in_per_cent(s.overall.letters)} | {in_per_cent(s.overall.words)}" for s in found]
    return f"| {name} | {voices} | {len(clips)} | {hours:.2f} | " + " | ".join([*cells, *["– | –"] * (len(WAYS) - len(cells))]) + " |"


def heard_in_all_ways(model: CtcRecogniser, clips: Sequence[Clip], lm: LanguageModel, limit: float) -> list[Scores]:
    """Scores of clips by way of decoding."""
    return [score(decoded(model, clips, "mlg", one, own)) for one, own in ((None, None), (lm, None), (lm, limit))]


def what_trained(folder: Path, left_out: str) -> str:
    """Steps and hours of the run behind the Malagasy adapter, as its card says."""
    trained = read_card(folder / "adapter.mlg.toml").trained
    if left_out in trained["collections"]:
        sys.exit(f"{folder}: its card says that {left_out} trained it; train with --leave-out {left_out}")
    return f"{trained['steps']} steps, {trained['audio_heard_hours']:.0f} hours heard, {trained['hours']:.2f} hours of Malagasy"


def scored(model: CtcRecogniser, root: Path, left_out: str, *, smoke: bool) -> list[str]:
    """Table rows: the voice left out in each split, and the other reader's test split.

    The language model is the shipped one; its limit is found on dev of the reader that trained. It has read the texts of train.
    """
    lm = load_language_model(Path("speech/models/mini/lm.mlg.safetensors")).model
    clips = {split: clips_of(model, root, split, every=20 if smoke else 1, only={"mlg"})["mlg"] for split in ("train", "dev", "test")}
    limit = limit_of(model, [c for c in clips["dev"] if c.listed.collection != left_out] or clips["dev"], "mlg", lm)
    rows = []
    for split, of_split in clips.items():
        for reader in READERS:
            own = [c for c in of_split if c.listed.collection == reader]
            if not own or (reader != left_out and split != "test"):
                continue
            voices = "new" if reader == left_out else "same (one reader)"
            if split == "train":
                found = [score(decoded(model, own, "mlg", None))]
            else:
                found = heard_in_all_ways(model, own, lm, limit)
            rows.append(line(f"`{reader}` {split}", voices, own, found))
    trained = {c.listed.text for c in clips["train"] if c.listed.collection != left_out}
    again = sum(c.listed.text in trained for some in clips.values() for c in some if c.listed.collection == left_out)
    return [*rows, f"\n{again} clips of the voice left out read a sentence that the other reader's training clips hold, too."]


def shipped(root: Path) -> list[str]:
    """Table rows of the embedded model: both readers' test splits."""
    model = load(MINI, LoadSettings(precision="fp32"))
    found = LanguageModels().of(model, "mlg")
    assert found is not None
    limit = found.limit(model.use("mlg").tensor_sha256)
    assert limit is not None
    clips = clips_of(model, root, "test", every=1, only={"mlg"})["mlg"]
    rows = []
    for reader in READERS:
        own = [c for c in clips if c.listed.collection == reader]
        scores = heard_in_all_ways(model, own, found.model, limit)
        rows.append(line(f"`{reader}` test, shipped model", "same (both readers train)", own, scores))
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
        f"Rates in per cent with 95 % intervals over clips. Normalisation: {RULES}.\n",
        "| clips of | voices | clips | hours | " + " | ".join(f"CER, {way} | WER" for way in WAYS) + " |",
        "|---" * (4 + 2 * len(WAYS)) + "|",
        *([] if options.smoke else shipped(options.data)),
        *scored(load(str(options.model)), options.data, options.left_out, smoke=options.smoke),
    ]
    print("\n".join(lines))
    if not options.smoke:
        write_text(Path("docs/scores_new_voice.md"), "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
