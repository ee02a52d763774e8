"""From emissions to symbols in time with a language model: the search, and then where each symbol sounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from speech.languages import Language
from speech.models.ctc import PIECE, Emissions, Heard, begins_word, is_special, letters_of
from speech.models.lm.beam import BeamSettings, Hypothesis, aligned, search
from speech.models.lm.scorer import LanguageModel, LanguageScorer
from speech.models.lm.words import Trie
from speech.text import WORD_BREAK, in_capitals, lowered, normalise, spell


@dataclass(slots=True)
class LanguageDecoder:
    """Searches with a language model over one vocabulary. `hotwords` are words that a person expects, as they are written."""

    symbols: Sequence[str]
    blank: int
    language: Language
    model: LanguageModel
    hotwords: Sequence[str] = ()
    settings: BeamSettings = field(default_factory=BeamSettings)
    _scorer: LanguageScorer = field(init=False)
    _silent: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        units = units_of(self.symbols, self.language, self.model)
        self._scorer = LanguageScorer(self.model, units, pieces=[s.startswith(PIECE) for s in self.symbols], hotwords=self._hotword_trie())
        self._silent = frozenset(n for n, s in enumerate(self.symbols) if is_special(s)) - {self.blank}

    def _hotword_trie(self) -> Trie | None:
        number = {name: place for place, name in enumerate(self.model.letters.units)}
        words = [word for text in self.hotwords for word in normalise(text, self.language).split()]
        spelt = [spell(word, self.language) for word in dict.fromkeys(words)]
        known = [[number[s] for s in word] for word in spelt if all(s in number for s in word)]
        return Trie.of(known, len(number)) if known else None

    def best(self, emissions: Sequence[Emissions], count: int = 1) -> list[list[Hypothesis]]:
        """The `count` likeliest hypotheses of each segment."""
        return search(emissions, blank=self.blank, silent=self._silent, scorer=self._scorer, settings=self.settings, best=count)

    def __call__(self, emissions: Sequence[Emissions]) -> list[list[Heard]]:
        """The likeliest symbols of each segment with their frames."""
        full = [n for n, e in enumerate(emissions) if len(e)]
        found: list[list[Heard]] = [[] for _ in emissions]
        for number, hypotheses in zip(full, self.best([emissions[n] for n in full]), strict=True):
            if hypotheses:
                found[number] = in_time(emissions[number], hypotheses[0].symbols, self.blank)
        return found


def in_time(emissions: Emissions, symbols: Sequence[int], blank: int) -> list[Heard]:
    """Symbols with the frames in which they sound, on the likeliest path that spells them."""
    first, end = aligned(emissions, symbols, blank)
    return [
        Heard(symbol=int(s), first=int(a), end=int(b), score=float(emissions[a:b, s].mean(dtype=np.float64)))
        for s, a, b in zip(symbols, first, end, strict=True)
    ]


def units_of(symbols: Sequence[str], language: Language, model: LanguageModel) -> list[list[int]]:
    """What each symbol of an acoustic vocabulary writes, in the letters of a language model; -1 is a letter it does not know.

    A piece that begins a word has the word break before its letters.
    """
    number = {name: place for place, name in enumerate(model.letters.units)}
    capitals = in_capitals(symbols)
    found: list[list[int]] = []
    for symbol in symbols:
        if is_special(symbol):
            found.append([])
            continue
        own = [model.break_unit] if begins_word(symbol) else []
        letters = letters_of(symbol)
        if letters and letters != WORD_BREAK:
            text = lowered(letters, language) if capitals else letters
            parts = [text] if text in number else spell(text, language)
            own += [number.get(part, -1) for part in parts]
        found.append(own)
    return found
