"""How often real words are invented: a model of one language hears another's speech, greedily and with its language model.

Of the words written, those of four letters or more that stand in the language model's list are counted: nobody said them. Beside it
the same for the language's own test clips, where words of the list that stand in no reference are counted.
Command: python benchmarks/invented_words.py      (needs ../shared)
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from figures import SHARED, keep

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "recipes"))
from mini_runs import CONTEXT, Listed, listed  # recipes are beside, not in the package

import speech
from speech import languages
from speech.models.lm.finding import LanguageModels
from speech.text import normalise
from speech.transcribe import transcribe

CLIPS = 40
LETTERS = 4


def main() -> None:
    if not SHARED.exists():
        sys.exit("the shared speech does not lie beside this checkout (../shared)")
    model = speech.load("mini", basis="benchmark").model
    assert model is not None
    clips: dict[str, list[Listed]] = {}
    for clip in listed(SHARED, "test", Counter()):
        clips.setdefault(clip.language, []).append(clip)
    figures: dict[str, str] = {}
    for code in clips:
        auto = LanguageModels()
        found = auto.of(model, code)
        if found is None or found.model.words is None:
            continue
        known = {"".join(n.split()) for n in found.model.words.ngram.units if n not in ("<s>", "<unk>")}
        known = {languages_word for languages_word in known if len(languages_word) >= LETTERS}
        for kind, chosen in (("greedy", LanguageModels("off")), ("with the language model", auto)):
            counts: Counter[str] = Counter()
            for other, theirs in clips.items():
                own = other == code
                for clip in theirs[:CLIPS] if own else theirs[: CLIPS // 4]:
                    text = transcribe(clip.path, language=code, model=model, context=CONTEXT, language_models=chosen).transcript.text
                    table = languages.load(code)
                    said = set(normalise(clip.text, table).split()) if own else set()
                    words = normalise(text, table).split()
                    place = "own" if own else "other"
                    counts[f"{place} words"] += len(words)
                    counts[f"{place} invented"] += sum("".join(w) in known and w not in said for w in words if len(w) >= LETTERS)
            figures[f"{code}, {kind}: invented on other languages"] = f"{counts['other invented']} of {counts['other words']}"
            figures[f"{code}, {kind}: invented on its own"] = f"{counts['own invented']} of {counts['own words']}"
            print(code, kind, dict(counts), flush=True)
    keep("invented_words", figures)


if __name__ == "__main__":
    main()
