"""From normalised text to the symbols a model writes, and back; and text cut into graphemes.

Three rules, named in a language's table:

letters   each letter is a symbol
marks     combining marks listed by the language (tones) are symbols of their own after their letter;
          other diacritics, such as the dot of Yoruba, stay part of the letter
ethiopic  a syllable is a consonant row and a vowel order, as Unicode arranges them: about 50 symbols
          in place of about 300, so that rare syllables are learnt from common ones; the sixth order,
          mostly spoken without a vowel, is the consonant alone
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

import regex

from speech.languages import Language

WORD_BREAK = "|"
"""The symbol between words, as in MMS vocabularies."""

# Vowel orders of a row, as modifier letters: readable in plain tools, and never part of a text.
VOWELS = ("ᵊ", "ᵘ", "ⁱ", "ᵃ", "ᵉ", "", "ᵒ", "ʷ")
_ETHIOPIC = (0x1200, 0x1358)
_ROW_ORDER = 5
_CLUSTER = regex.compile(r"\X")


def spell(text: str, language: Language) -> list[str]:
    """Model symbols of a normalised text; words are divided by `WORD_BREAK`. Letters outside the alphabet stay in."""
    symbols: list[str] = []
    for word in text.split():
        if symbols:
            symbols.append(WORD_BREAK)
        symbols.extend(_spell_word(word, language))
    return symbols


def _spell_word(word: str, language: Language) -> Iterable[str]:
    if language.rule == "ethiopic":
        for sign in word:
            yield from _split_syllable(sign)
    elif language.rule == "marks":
        for cluster in _CLUSTER.findall(word):
            parts = unicodedata.normalize("NFD", cluster)
            letter = unicodedata.normalize("NFC", "".join(p for p in parts if p not in language.marks))
            if len(letter) != 1:
                # A mark that the table does not list may not change places with one that it does.
                yield from unicodedata.normalize("NFC", cluster)
                continue
            yield letter
            yield from (p for p in parts if p in language.marks)
    else:
        yield from word


def compose(symbols: Sequence[str], language: Language) -> str:
    """The text that `symbols` spell: the inverse of `spell` on every text it can make."""
    if language.rule == "ethiopic":
        return _join_syllables(symbols)
    return unicodedata.normalize("NFC", "".join(" " if s == WORD_BREAK else s for s in symbols))


def _row_sign(row: int) -> str:
    # The sixth order (no vowel) names the row: h is ህ.
    return chr(_ETHIOPIC[0] + 8 * row + _ROW_ORDER)


def _split_syllable(sign: str) -> tuple[str, ...]:
    code = ord(sign)
    if not _ETHIOPIC[0] <= code < _ETHIOPIC[1]:
        return (sign,)
    row, order = divmod(code - _ETHIOPIC[0], 8)
    return (_row_sign(row), VOWELS[order]) if VOWELS[order] else (_row_sign(row),)


def _join_syllables(symbols: Sequence[str]) -> str:
    """Consonant and vowel symbols as syllables; a stray vowel is dropped."""
    out: list[str] = []
    row: int | None = None
    for symbol in symbols:
        code = ord(symbol[0])
        if _ETHIOPIC[0] <= code < _ETHIOPIC[1] and (code - _ETHIOPIC[0]) % 8 == _ROW_ORDER:
            # Whole syllables of other orders, as foreign vocabularies hold them, pass below as they are.
            if row is not None:
                out.append(_row_sign(row))
            row = (code - _ETHIOPIC[0]) // 8
            continue
        if symbol in VOWELS and row is not None:
            syllable = chr(_ETHIOPIC[0] + 8 * row + VOWELS.index(symbol))
            out.append(syllable if unicodedata.category(syllable) == "Lo" else _row_sign(row))
            row = None
            continue
        if row is not None:
            out.append(_row_sign(row))
            row = None
        if symbol == WORD_BREAK:
            out.append(" ")
        elif symbol not in VOWELS:
            out.append(symbol)
    if row is not None:
        out.append(_row_sign(row))
    return "".join(out)


def symbols_of(language: Language) -> tuple[str, ...]:
    """Every symbol the language's table allows, in code point order, without the word break.

    Empty for a language without a table.
    """
    if language.rule == "ethiopic":
        rows = (0x1200 + 8 * r for r in range((_ETHIOPIC[1] - _ETHIOPIC[0]) // 8))
        signs = {chr(first + _ROW_ORDER) for first in rows if unicodedata.category(chr(first + _ROW_ORDER)) == "Lo"}
        return (*filter(None, VOWELS), *sorted(signs | {*language.also, *language.keep}))
    signs = {part for letter in (*language.letters, *language.also) for part in _spell_word(letter, language)}
    return tuple(sorted(signs | set(language.marks) | set(language.keep)))


def graphemes(text: str) -> list[str]:
    """User-perceived characters (extended grapheme clusters, UAX 29): a letter with its marks is one."""
    found: list[str] = _CLUSTER.findall(text)
    return found
