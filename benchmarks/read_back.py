"""Whether sentences can be read back out of the language models that ship, and out of models that are not pruned.

Each train sentence of five words or more is begun with its first letters (8, 16, or half of it), and the model goes on with the
likeliest letters (a beam of 8) to the sentence's length: counted are the sentences that come out whole. Sentences that stand several times
in the text, or share all of what follows with another, are counted apart.
Command: python benchmarks/read_back.py      (needs ../shared)
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np
from figures import SHARED, keep

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "recipes"))
from train_lms import more_text, transcripts

from speech import languages
from speech.lm import LearnSettings, learn, usable
from speech.models.hub import mini_folder
from speech.models.lm.files import load
from speech.models.lm.ngram import Ngram
from speech.models.lm.train import TrainSettings
from speech.text import spell

SENTENCES = 150
BEAM = 8


def goes_on(model: Ngram, begun: list[int], length: int) -> list[int]:
    """The likeliest text of `length` units that begins so, by a beam."""
    machine = model.machine
    state = machine.start
    for unit in begun:
        state = int(machine.step(np.array([state]), np.array([unit]))[1][0])
    texts, states, values = [list(begun)], np.array([state]), np.zeros(1)
    every = np.arange(len(model.units))
    while len(texts[0]) < length:
        gain, after = machine.step(states[:, None], every[None])
        total = (values[:, None] + gain).ravel()
        best = np.argsort(-total, kind="stable")[:BEAM]
        texts = [[*texts[int(k) // len(every)], int(k) % len(every)] for k in best]
        states, values = after.ravel()[best].astype(np.int64), total[best]
    return texts[0]


def main() -> None:
    if not SHARED.exists():
        sys.exit("the shared speech does not lie beside this checkout (../shared)")
    figures: dict[str, str] = {}
    texts_root = SHARED.parent / "text"
    for path in sorted(mini_folder().glob("lm.*.safetensors")):
        code = path.name.split(".")[1]
        table = languages.load(code)
        texts = [*transcripts(SHARED, code), *more_text(texts_root, SHARED, code)]
        sentences = list(usable((s for t in texts for s in t.sentences), table, Counter()))
        often = Counter(sentences)
        chosen = [s for s in sorted(often) if len(s.split()) >= 5][:: max(1, len(often) // SENTENCES)]
        models = {
            "as it ships": load(path).model.letters,
            "nothing pruned": learn(texts, code, LearnSettings(letters=TrainSettings(at_least=1)))[0].letters,
        }
        for name, model in models.items():
            number = {unit: n for n, unit in enumerate(model.units)}
            for begun in ("8 letters", "16 letters", "half"):
                whole = Counter[str]()
                for sentence in chosen:
                    units = [number[u] for u in spell(sentence, table)]
                    first = len(units) // 2 if begun == "half" else int(begun.split()[0])
                    if first < len(units) - 8:
                        kind = "once" if often[sentence] == 1 else "several times"
                        whole[f"{kind} all"] += 1
                        whole[kind] += goes_on(model, units[:first], len(units)) == units
                figures[f"{code}, {name}, begun with {begun}"] = (
                    f"{whole['once']} of {whole['once all']} sentences that stand once, "
                    f"{whole['several times']} of {whole['several times all']} that stand several times"
                )
                print(code, name, begun, dict(whole), flush=True)
    keep("read_back", figures)


if __name__ == "__main__":
    main()
