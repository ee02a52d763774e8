"""How often real words are invented: a model of one language hears another's speech, greedily and with its language model.

Of the words written, those of four letters or more that stand in the language model's list are counted: nobody said them; and of those the
ones that say of themselves that they are likely right (a confidence of a half or more). Other speech is the other open languages' and
languages that no part of `mini` has heard. Beside it the same for the language's own test clips, where words of the list that stand in no
reference are counted. `switched` lays a segment of other speech between two of the language's own: within a segment.
Command: python benchmarks/invented_words.py      (needs ../shared)
"""

from __future__ import annotations

import csv
import math
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from figures import SHARED, keep

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "recipes"))
from mini_runs import CONTEXT, emissions_kept, listed  # recipes are beside, not in the package

import speech
from speech import languages
from speech.models import ctc
from speech.models.cards import Calibration
from speech.models.lm.decoder import LanguageDecoder
from speech.models.lm.finding import FoundModel, LanguageModels
from speech.models.recogniser import Recogniser
from speech.text import normalise
from speech.transcribe import transcribe

OWN, OTHER, SWITCHED = 40, 15, 60
LETTERS = 4
UNHEARD = ("mdw_mboshi", "ell_griko", "sxb_africanvoices", "pcm_bassey", "lin_kabongo", "bom_mandeebot")
"""Collections of languages that no part of `mini` has heard."""

Emissions = np.ndarray


@dataclass(frozen=True, slots=True)
class Sound:
    """A clip with what was said in it, empty where it was another language."""

    path: Path
    text: str


def evenly(clips: Sequence[Sound], most: int) -> list[Sound]:
    """At most `most` clips, spread over all."""
    return list(clips[:: max(1, len(clips) // most)][:most])


def sounds() -> dict[str, list[Sound]]:
    """Test clips by language, those of the collections that were not heard under the collection's name."""
    found: dict[str, list[Sound]] = {}
    for clip in listed(SHARED, "test", Counter()):
        found.setdefault(clip.language, []).append(Sound(clip.path, clip.text))
    for name in UNHEARD:
        folder = SHARED / "research" / name
        with (folder / "manifest.tsv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row["split"] == "test"]
        found[name] = [Sound(folder / row["path"], "") for row in rows]
    return found


class Counted:
    """What the decoders of one language write of emissions, and how much of it is in the language model's list."""

    def __init__(self, model: Recogniser, code: str, found: FoundModel) -> None:
        self.symbols, self.table = model.symbols(code), languages.load(code)
        blank, use = model.blank(code), model.use(code)
        assert found.model.words is not None
        listed_words = {"".join(name.split()) for name in found.model.words.ngram.units if name not in ("<s>", "<unk>")}
        self.known = {word for word in listed_words if len(word) >= LETTERS}
        silent = frozenset(n for n, s in enumerate(self.symbols) if ctc.is_special(s))
        fitted, limit = found.calibration(use.tensor_sha256), found.limit(use.tensor_sha256)

        def with_limit(limit: float | None) -> LanguageDecoder:
            return LanguageDecoder(self.symbols, blank, self.table, found.model, limit=limit)

        self.decoders: dict[str, tuple[ctc.Decoder, Calibration]] = {
            "greedy": (ctc.Greedy(blank=blank, silent=silent), model.calibration(code)),
            "no limit": (with_limit(math.inf), fitted),
            "in use": (with_limit(limit), fitted),
        }

    def count(self, emissions: Sequence[Emissions], way: str, *, said: frozenset[str] = frozenset()) -> Counter[str]:
        """Words written, those of the list that nobody said, and of these the sure ones."""
        decoder, calibrated = self.decoders[way]
        counts: Counter[str] = Counter()
        for own, path in zip(emissions, decoder(emissions), strict=True):
            for word in ctc.words(path, own, self.symbols, self.table):
                counts += self.judged(word, calibrated, said)
        return counts

    def count_within(self, switched: Sequence[tuple[Emissions, int, int]], way: str) -> Counter[str]:
        """The same for the words that begin in the frames given."""
        decoder, calibrated = self.decoders[way]
        counts: Counter[str] = Counter()
        for (own, start, end), path in zip(switched, decoder([e for e, _, _ in switched]), strict=True):
            for word in ctc.words(path, own, self.symbols, self.table):
                if start <= word.first < end:
                    counts += self.judged(word, calibrated, frozenset())
        return counts

    def judged(self, word: ctc.HeardWord, calibrated: Calibration, said: frozenset[str]) -> Counter[str]:
        """One word, as counts."""
        text = "".join(normalise(word.text, self.table).split())
        invented = text in self.known and text not in said
        return Counter(words=1, invented=int(invented), sure=int(invented and calibrated(word.raw, word.surprisal) >= 0.5))


def heard(model: Recogniser, code: str, clips: Sequence[Sound]) -> list[list[Emissions]]:
    """Emissions of each clip's segments, as a model of a language hears them."""
    found = []
    with emissions_kept() as kept:
        for clip in clips:
            kept.clear()
            transcribe(clip.path, language=code, model=model, context=CONTEXT, language_models=LanguageModels("off"))
            found.append([e for e in kept if len(e)])
    return found


def switched(own: Sequence[Emissions], other: Sequence[Emissions]) -> list[tuple[Emissions, int, int]]:
    """Other speech of one to four seconds between segments of the language's own, with its first frame and the one after its last."""
    draw = np.random.default_rng(1)
    own, other = [e for e in own if 40 < len(e) < 150], [e for e in other if 25 < len(e) < 100]
    found = []
    for _ in range(SWITCHED):
        before, between, after = (some[int(draw.integers(len(some)))] for some in (own, other, own))
        found.append((np.concatenate([before, between, after]), len(before), len(before) + len(between)))
    return found


def main() -> None:
    if not SHARED.exists():
        sys.exit("the shared speech does not lie beside this checkout (../shared)")
    model = speech.load("mini", basis="benchmark").model
    assert model is not None
    clips = sounds()
    figures: dict[str, str] = {}
    total: dict[str, Counter[str]] = {}
    for code in clips:
        found = LanguageModels().of(model, code) if code not in UNHEARD else None
        if found is None or found.model.words is None:
            continue
        counted = Counted(model, code, found)
        own_clips = evenly(clips[code], OWN)
        own = heard(model, code, own_clips)
        others = [e for other in clips if other != code for clip in heard(model, code, evenly(clips[other], OTHER)) for e in clip]
        said = [frozenset(normalise(clip.text, counted.table).split()) for clip in own_clips]
        mixed = switched([e for clip in own for e in clip], others)
        for way in counted.decoders:
            rows = {
                "other languages": counted.count(others, way),
                "switched": counted.count_within(mixed, way),
                "its own": sum((counted.count(e, way, said=text) for e, text in zip(own, said, strict=True)), Counter()),
            }
            for what, counts in rows.items():
                figures[f"{code}, {way}, {what}"] = told(counts)
                total[f"{way}, {what}"] = total.get(f"{way}, {what}", Counter()) + counts
    keep("invented_words", figures | {f"all, {name}": told(counts) for name, counts in total.items()})


def told(counts: Counter[str]) -> str:
    """Counts as text."""
    return f"{counts['invented']} of {counts['words']}, {counts['sure']} of them sure"


if __name__ == "__main__":
    main()
