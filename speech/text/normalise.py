"""The stated normalisation under which texts are compared and trained, and the letter check beside it.

Normalising never decides spelling: no letter is folded into another but by a language's own table
(`replace`), tones and diacritics stay. NFKC is used nowhere: it would turn the aspiration of a letter into h.
"""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter
from collections.abc import Iterable

from speech.languages import Language

RULES = (
    "NFC; lower case; the language's own replacements; signs other than letters, marks and the "
    "language's word signs become spaces; invisible and bidi controls removed; spaces joined"
)

# Zero-width and soft signs, byte order mark, bidi marks, embeddings, isolates. ZWJ and ZWNJ stay when a table lists them.
INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f") | frozenset(
    chr(c) for c in (*range(0x200E, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xFE00, 0xFE10), 0x061C)
)


def normalise(text: str, language: Language) -> str:
    """`text` as it is compared and trained in `language`; `RULES` says in words what is done."""
    kept: list[str] = []
    replaced = _replace(unicodedata.normalize("NFC", text), language)
    for sign in unicodedata.normalize("NFC", lowered(replaced, language)):
        if sign in language.keep:
            kept.append(sign)
        elif sign in INVISIBLE:
            continue
        elif unicodedata.category(sign)[0] in "LMN":
            kept.append(sign)
        else:
            kept.append(" ")
    words = "".join(kept).split()
    # A word sign that stands alone or closes a quotation is no letter.
    signs = "".join(s for s in language.keep if s in "'’ʼ")
    if signs:
        words = [w for w in (_strip_quotes(w, signs, language) for w in words) if w]
    return " ".join(words)


DOTLESS = frozenset({"tur", "aze", "azj", "azb", "crh", "gag", "tat"})
"""Languages in whose Latin writing the small letter of I is ı, and the capital of i is İ (Unicode SpecialCasing)."""


def lowered(text: str, language: Language) -> str:
    """`text` in small letters, by the language's own rules."""
    if language.code[:3] in DOTLESS:
        text = text.replace("İ", "i").replace("I", "ı")
    return text.lower()


def in_capitals(symbols: Iterable[str]) -> bool:
    """Whether a vocabulary has capitals and no small letters, as many English ones have. Special symbols do not count."""
    letters = [s for s in symbols if not (s.startswith(("<", "[")) and len(s) > 1)]
    return any(s != s.lower() for s in letters) and not any(s != s.upper() for s in letters)


def _strip_quotes(word: str, signs: str, language: Language) -> str:
    """`word` without an opening and closing quotation mark, and without signs that stand alone."""
    if not word.strip(signs):
        return ""
    while len(word) > 2 and word[0] in signs and word[-1] in signs:
        word = word[1:-1]
    return word


def _replace(text: str, language: Language) -> str:
    for old, new in language.replace:
        text = text.replace(old, new)
    return text


@functools.lru_cache(maxsize=64)
def _allowed(language: Language) -> frozenset[str]:
    from speech.text.spelling import symbols_of

    return frozenset(symbols_of(language))


def outside_alphabet(text: str, language: Language) -> Counter[str]:
    """Signs of a normalised text that the language's table does not list, with counts.

    Empty where the language has no table. Digits are outside every alphabet: they must be spelt out.
    """
    from speech.text.spelling import VOWELS, WORD_BREAK, spell

    found: Counter[str] = Counter()
    if not language.listed:
        found.update(s for s in text if unicodedata.category(s)[0] == "N")
        return found
    # Vowel symbols are no letters of a text: they stand for what a syllable holds.
    found.update(s for s in text if s in VOWELS)
    allowed = _allowed(language)
    found.update(s for s in spell(text, language) if s != WORD_BREAK and s not in allowed)
    return found


def visible_name(sign: str) -> str:
    """A sign for a message: itself, its code point and its Unicode name."""
    return f"{sign!r} U+{ord(sign):04X} {unicodedata.name(sign, 'unnamed')}"
