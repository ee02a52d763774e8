"""Our search beside flashlight's decoder (lexicon-free, with KenLM), on the same emissions with the same language model.

Letters of Kichwa and Swahili, the n-grams that ship up to the sixth order (KenLM as it is built reads no longer ones), as ARPA for the
peer; prefixes, symbols a frame and weight are the same, and a letter has no bonus, which flashlight's search without a lexicon does not
know. Its environment is another one, as its KenLM must be compiled: `pip install flashlight-text kenlm`. pyctcdecode knows language models
of words only, and needs an older NumPy than ours.
Command: python benchmarks/peer_decoder.py --peer PYTHON      (needs ../shared; PYTHON has flashlight-text and kenlm)
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

CODES = ("que", "swh")
WIDTHS = (16, 64)
WEIGHT, SYMBOLS, BELOW, ORDER = 0.6, 12, 12.0, 6


def as_peer(folder: Path) -> None:
    """Decode what lies in `folder` with flashlight: runs in its environment, where nothing of ours is."""
    from importlib import import_module

    fl = import_module("flashlight.lib.text.decoder")

    tokens = json.loads((folder / "tokens.json").read_text(encoding="utf-8"))
    emissions = [np.ascontiguousarray(np.load(path)) for path in sorted((folder / "emissions").iterdir())]
    known = import_module("flashlight.lib.text.dictionary").Dictionary(tokens)
    model = fl.KenLM(str(folder / "letters.arpa"), known)
    told: dict[str, Any] = {}
    for width in WIDTHS:
        options = fl.LexiconFreeDecoderOptions(width, SYMBOLS, BELOW, WEIGHT * math.log(10), 0.0, True, fl.CriterionType.CTC)
        search = fl.LexiconFreeDecoder(options, model, tokens.index("|"), 0, [])
        begun = time.perf_counter()
        texts = []
        for own in emissions:
            best = search.decode(own.ctypes.data, *own.shape)[0].tokens
            spelt = [t for n, t in enumerate(best) if t != 0 and t != -1 and (n == 0 or t != best[n - 1])]
            texts.append(spelt)
        told[str(width)] = {"seconds": time.perf_counter() - begun, "texts": texts}
    print(json.dumps(told))


def ours(emissions: Sequence[np.ndarray], code: str, model: Any, width: int) -> tuple[float, list[list[int]]]:
    """Seconds and symbols of our search."""
    from speech import languages
    from speech.models.lm.beam import BeamSettings
    from speech.models.lm.decoder import LanguageDecoder

    settings = BeamSettings(width=width, symbols=SYMBOLS, below=BELOW)
    decoder = LanguageDecoder(model[0].symbols(code), model[0].blank(code), languages.load(code), model[1], settings=settings)
    begun = time.perf_counter()
    texts = [list(hypotheses[0].symbols) for hypotheses in decoder.best(emissions)]
    return time.perf_counter() - begun, texts


@dataclass(frozen=True, slots=True)
class Texts:
    """What was said in each clip, and which clip each segment is of."""

    symbols: Sequence[str]
    references: Sequence[str]
    clip_of_segment: Sequence[int]

    def cer(self, texts: Sequence[Sequence[int]], code: str) -> float:
        """Per cent of letters that are wrong in texts of segments, given as symbols."""
        import jiwer

        from speech import languages
        from speech.text import normalise

        joined = [""] * len(self.references)
        for clip, text in zip(self.clip_of_segment, texts, strict=True):
            joined[clip] += " " + "".join(self.symbols[s] for s in text).replace("|", " ")
        return round(100.0 * float(jiwer.cer(list(self.references), [normalise(text, languages.load(code)) for text in joined])), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="an interpreter that has flashlight-text and kenlm")
    parser.add_argument("--as-peer", type=Path)
    options = parser.parse_args()
    if options.as_peer:
        as_peer(options.as_peer)
        return
    import dataclasses

    from figures import SHARED, keep

    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "recipes"))
    from mini_runs import CONTEXT, emissions_kept, listed

    import speech
    from speech import languages
    from speech.models import ctc
    from speech.models.lm.files import write_arpa
    from speech.models.lm.finding import LanguageModels
    from speech.models.lm.scorer import Weights
    from speech.text import normalise
    from speech.transcribe import transcribe

    recogniser = speech.load("mini", basis="benchmark").model
    assert recogniser is not None
    figures: dict[str, Any] = {}
    for code in CODES:
        found = LanguageModels().of(recogniser, code)
        assert found is not None
        last = found.model.letters.levels[ORDER - 1]
        last = dataclasses.replace(last, log_back_off=np.zeros_like(last.log_back_off))
        short = dataclasses.replace(found.model.letters, levels=(*found.model.letters.levels[: ORDER - 1], last))
        letters = dataclasses.replace(found.model, letters=short, words=None, weights=Weights(weight=WEIGHT, bonus=0.0))
        table, symbols, seconds = languages.load(code), list(recogniser.symbols(code)), 0.0
        emissions: list[np.ndarray] = []
        references: list[str] = []
        clip_of_segment: list[int] = []
        with emissions_kept() as kept:
            for clip in listed(SHARED, "test", Counter(), only={code}):
                kept.clear()
                transcribe(clip.path, language=code, model=recogniser, context=CONTEXT, language_models=LanguageModels("off"))
                for segment in kept:
                    # The silent specials go to the blank, as in our search; the peer knows no silent ones.
                    own = np.maximum(segment, -100.0)
                    silent = [n for n, s in enumerate(symbols) if ctc.is_special(s)]
                    own[:, 0] = np.logaddexp.reduce(own[:, silent], axis=1)
                    own[:, silent[1:]] = -100.0
                    emissions.append(own)
                    clip_of_segment.append(len(references))
                references.append(normalise(clip.text, table))
                seconds += clip.seconds

        by_clip = Texts(symbols, references, clip_of_segment)
        by_width = {width: ours(emissions, code, (recogniser, letters), width) for width in WIDTHS}
        for width, (spent, texts) in by_width.items():
            figures[f"{code}, ours, {width} prefixes"] = f"CER {by_clip.cer(texts, code)}, {seconds / spent:.0f} times real time"
        if options.peer:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                (folder / "emissions").mkdir()
                for number, own in enumerate(emissions):
                    np.save(folder / "emissions" / f"{number:05}.npy", own)
                (folder / "tokens.json").write_text(json.dumps(symbols), encoding="utf-8")
                write_arpa(letters.letters, folder / "letters.arpa")
                command = [options.peer, __file__, "--as-peer", name]
                told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])
            for width, row in told.items():
                rate = seconds / row["seconds"]
                figures[f"{code}, flashlight with KenLM, {width} prefixes"] = (
                    f"CER {by_clip.cer(row['texts'], code)}, {rate:.0f} times real time"
                )
        figures[f"{code}, clips"] = len(references)
    keep("peer_decoder", figures)


if __name__ == "__main__":
    main()
