"""Which of a base's languages to begin from: the one whose adapter, as it is, already hears the most of the new language's letters right.

Each donor hears the same few training clips; what it writes and what was said are compared by base letters, since spellings differ.
Nothing is trained for it. The figure says how donors stand to each other, not how well the new language will be heard.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from speech import languages
from speech.adapt.material import Clip
from speech.models import ctc
from speech.models.cards import read_card
from speech.models.checkpoint import Checkpoint
from speech.models.network import build
from speech.models.training.augment import levelled
from speech.models.weights import tensors_of
from speech.score import Pair, score

CLIPS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Donor:
    """A language that lends its adapter: per cent of base letters that it hears wrong, and letters that both alphabets have."""

    language: str
    wrong: float
    shared: int
    letters: int


def lenders(checkpoint: Checkpoint) -> dict[str, tuple[str, ...]]:
    """The symbols of each language whose attention adapter can be begun from: by vocab.json, or by the card of one learnt later."""
    found = {}
    for code, path in sorted(checkpoint.adapters.items()) if checkpoint.takes_adapters else ():
        card = path.with_suffix(".toml")
        if symbols := checkpoint.vocabularies.get(code) or (read_card(card).alphabet if card.exists() else ()):
            found[code] = symbols
    return found


def ranked(checkpoint: Checkpoint, clips: Sequence[Clip], symbols: Sequence[str]) -> list[Donor]:
    """The donors of a base, the best first; none where the base has no adapters."""
    some = list(clips)[:: max(1, len(clips) // CLIPS)][:CLIPS]
    said = [_letters(clip.text) for clip in some]
    network = build(checkpoint, precision="fp32", device="cpu")
    found = []
    for code, vocabulary in lenders(checkpoint).items():
        network.bank.add(code, tensors_of(checkpoint.adapters[code]))
        silent = frozenset(n for n, s in enumerate(vocabulary) if ctc.is_special(s))
        greedy = ctc.Greedy(blank=checkpoint.symbols.blank, silent=silent)
        table = languages.load(code)
        heard = []
        for clip in some:
            inputs = levelled(clip.samples / 32768)
            emissions, _ = network.run([inputs], [code], length=len(inputs), masked=False)
            path_heard = greedy.path(np.asarray(emissions[0]))
            heard.append(_letters(" ".join(w.text for w in ctc.words(path_heard, np.asarray(emissions[0]), vocabulary, table))))
        both = sum(symbol in vocabulary for symbol in symbols)
        pairs = [Pair(id=str(n), reference=a, hypothesis=b, language="und") for n, (a, b) in enumerate(zip(said, heard, strict=True))]
        wrong = 100 * (score(pairs).overall.letters.value or 0.0)
        found.append(Donor(language=code, wrong=round(wrong, 1), shared=both, letters=len(symbols)))
    return sorted(found, key=lambda donor: (donor.wrong, donor.language))


def _letters(text: str) -> str:
    """Base letters without marks and without breaks; a letter that none is left of stands for nothing."""
    plain = unicodedata.normalize("NFD", text.casefold())
    return "".join(sign for sign in plain if sign.isalpha() and not unicodedata.combining(sign)) or "-"
