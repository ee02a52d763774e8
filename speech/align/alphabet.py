"""From words as they are written to the symbols of a recogniser; letters that it has not learnt become the nearest that it has."""

from __future__ import annotations

import unicodedata
from collections import Counter

from speech import languages
from speech.languages import Language
from speech.models.ctc import PIECE, is_special
from speech.models.recogniser import Recogniser
from speech.text import WORD_BREAK, graphemes, in_capitals, normalise, spell
from speech.text.nearest import plain_letter, romanised
from speech.text.spoken import changes

LETTERS_A_FIGURE = 6
"""About as long as it takes to say one."""


class Alphabet:
    """The symbols of one language in a recogniser, for texts of a language that may be another (`through` is then the recogniser's).

    `mapped` counts letters that were heard as others, `lost` those that have no sound here: a word of such letters alone has no place.
    """

    def __init__(self, recogniser: Recogniser, language: str, through: str | None = None) -> None:
        self.language, self.through = language, through or language
        self._table: Language = languages.load(language)
        self._spelling: Language = languages.load(self.through)
        symbols = recogniser.symbols(self.through)
        self._numbers = {symbol: n for n, symbol in enumerate(symbols) if not is_special(symbol)}
        self._capitals = in_capitals(symbols)
        self.blank = recogniser.blank(self.through)
        self.word_break = next((self._numbers[s] for s in (WORD_BREAK, " ") if s in self._numbers), None)
        self._breaks = {WORD_BREAK, " ", PIECE}
        self.mapped: Counter[tuple[str, str]] = Counter()
        self.lost: Counter[str] = Counter()

    def letters(self, word: str) -> list[tuple[str, tuple[int, ...]]]:
        """The letters (graphemes) of a word as it is compared, each with its symbols; empty where nothing of it is spoken."""
        found = self._letters(word, count=True)
        if found and (first := self._numbers.get(PIECE + self._case(found[0][0]))) is not None and len(found[0][1]) == 1:
            found[0] = (found[0][0], (first,))
        return found

    def symbols(self, word: str) -> list[int]:
        """The symbols of a word, in order."""
        return [number for _, numbers in self.letters(word) for number in numbers]

    def unheard(self, word: str) -> int:
        """How many letters' time is spoken of a word that has no symbols: figures, and letters that are lost."""
        letters = self._compared(word)
        if any(self._of_letter(letter, count=False) for letter in letters):
            return 0
        return sum(LETTERS_A_FIGURE if letter.isdigit() else 1 for letter in letters)

    def written(self, word: str) -> list[tuple[str, int]]:
        """The letters of a word as it is written, and how many of its `symbols` each has; joined they are the word.

        A sign without a sound stands with the letter before it, or after it where there is none. A word whose letters change when they
        stand alone is one piece.
        """
        pieces: list[str] = []
        silent = ""
        for letter in graphemes(word):
            if self._letters(letter, count=False):
                pieces.append(silent + letter)
                silent = ""
            elif pieces:
                pieces[-1] += letter
            else:
                silent += letter
        numbers_by_piece = [[n for _, numbers in self._letters(piece, count=False) for n in numbers] for piece in pieces]
        whole = [n for _, numbers in self._letters(word, count=False) for n in numbers]
        if not pieces or not all(numbers_by_piece) or [n for numbers in numbers_by_piece for n in numbers] != whole:
            return [(word, len(whole))]
        return [(piece, len(numbers)) for piece, numbers in zip(pieces, numbers_by_piece, strict=True)]

    def _letters(self, word: str, *, count: bool) -> list[tuple[str, tuple[int, ...]]]:
        spelt = [(letter, self._of_letter(letter, count=count)) for letter in self._compared(word)]
        return [(letter, numbers) for letter, numbers in spelt if numbers]

    def _compared(self, word: str) -> list[str]:
        """The letters of a word as it is said and compared: numbers in words where the table says how."""
        for change in reversed(changes(word, self._table)):
            word = f"{word[: change.start]} {change.spoken} {word[change.end :]}"
        return [letter for part in normalise(word, self._table).split() for letter in graphemes(part)]

    def _case(self, letter: str) -> str:
        return letter.upper() if self._capitals else letter

    def _of_letter(self, letter: str, *, count: bool) -> tuple[int, ...]:
        """The symbols of a letter; of the nearest that there is, counted if asked; none where it is lost."""
        if (own := self._spelt(letter)) is not None:
            return own
        for candidate in self._nearest(letter):
            if candidate and (other := self._spelt(candidate)) is not None:
                if count:
                    self.mapped[letter, candidate] += 1
                return other
        if count:
            self.lost[letter] += 1
        return ()

    def _spelt(self, letter: str) -> tuple[int, ...] | None:
        symbols = [s for s in spell(normalise(letter, self._spelling) or letter, self._spelling) if s not in self._breaks]
        numbers = [self._numbers.get(self._case(s)) for s in symbols]
        return tuple(n for n in numbers if n is not None) if numbers and all(n is not None for n in numbers) else None

    def _nearest(self, letter: str) -> list[str]:
        table = dict(self._table.spoken.letters)
        bare = "".join(c for c in unicodedata.normalize("NFD", letter) if not unicodedata.combining(c))
        return [
            table.get(letter, ""),
            bare,
            plain_letter(letter),
            romanised(letter, self.language),
            plain_letter(romanised(letter, self.language) or " "),
        ]
