"""From emissions to symbols in time with a language model: the search, and then where each symbol sounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from speech.languages import Language
from speech.models.ctc import PIECE, Emissions, Greedy, Heard, begins_word, is_special, letters_of
from speech.models.lm import surprisal
from speech.models.lm.beam import BeamSettings, Hypothesis, aligned, search
from speech.models.lm.scorer import LanguageModel, LanguageScorer
from speech.models.lm.words import Trie
from speech.text import WORD_BREAK, in_capitals, lowered, normalise, spell


@dataclass(slots=True)
class LanguageDecoder:
    """Searches with a language model over one vocabulary. `hotwords` are words that a person expects, as they are written.

    Words around which what was heard costs more than `limit` nats a letter stand as they sounded; with no limit none do.
    """

    symbols: Sequence[str]
    blank: int
    language: Language
    model: LanguageModel
    hotwords: Sequence[str] = ()
    limit: float | None = None
    settings: BeamSettings = field(default_factory=BeamSettings)
    _scorer: LanguageScorer = field(init=False)
    _plain: LanguageScorer = field(init=False)
    """The language model alone: unweighted, without bonus and hot words."""
    _silent: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        units = units_of(self.symbols, self.language, self.model)
        pieces = [s.startswith(PIECE) for s in self.symbols]
        self._scorer = LanguageScorer(self.model, units, pieces=pieces, hotwords=self._hotword_trie())
        alone = replace(self.model, weights=replace(self.model.weights, weight=1.0, bonus=0.0))
        self._plain = LanguageScorer(alone, units, pieces=pieces)
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
        found = self.paths(emissions)
        if self.limit is None:
            return found
        sounds = Greedy(blank=self.blank, silent=self._silent)
        for number, (words, costs) in enumerate(self.surprisals(emissions, found)):
            own = sounds.path(emissions[number]) if (costs > self.limit).any() else []
            found[number] = surprisal.unbent(found[number], own, words, costs.tolist(), self.limit)
        return found

    def paths(self, emissions: Sequence[Emissions]) -> list[list[Heard]]:
        """The likeliest symbols of each segment, however surprising."""
        full = [n for n, e in enumerate(emissions) if len(e)]
        found: list[list[Heard]] = [[] for _ in emissions]
        for number, hypotheses in zip(full, self.best([emissions[n] for n in full]), strict=True):
            if hypotheses:
                found[number] = in_time(emissions[number], hypotheses[0].symbols, self.blank)
        return found

    def surprisals(
        self, emissions: Sequence[Emissions], paths: Sequence[Sequence[Heard]]
    ) -> list[tuple[list[tuple[int, int]], surprisal.Floats]]:
        """The words of each path, as first symbol and the one after the last, and the nats a letter that each costs with what is near it.

        Where pieces of words are heard a segment counts as a whole: between two words of theirs nothing can be cut.
        """
        spelt = surprisal.spelling([[h.symbol for h in path] for path in paths], self._plain)
        near = surprisal.NEAR_LETTERS if any(s in (WORD_BREAK, " ") for s in self.symbols) else max(map(len, paths), default=0)
        found = []
        for own, path, letters in zip(emissions, paths, spelt, strict=True):
            words = surprisal.words_in(path, self.symbols)
            sounds = surprisal.acoustic(own, path, self.blank, self._silent)
            found.append((words, surprisal.surprisals(sounds + letters, words, near)))
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
