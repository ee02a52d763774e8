"""The nearest plain letter of a special one, and other scripts in Latin letters: for voices and aligners that know fewer letters."""

from __future__ import annotations

import functools
import importlib.util
import re
import unicodedata
from typing import Any

# As writers of African and American languages spell these sounds without the letter.
SOUNDS = {
    "ɓ": "b", "ɗ": "d", "ɖ": "d", "ƙ": "k", "ƴ": "y", "ɠ": "g", "ʄ": "j", "ƈ": "c", "ƥ": "p", "ƭ": "t", "ɛ": "e", "ɔ": "o", "ɩ": "i",
    "ɪ": "i", "ʋ": "v", "ʊ": "u", "ə": "a", "ǝ": "e", "ŋ": "ng", "ɲ": "ny", "ʃ": "sh", "ʒ": "zh", "ɣ": "gh", "ɦ": "h", "ƒ": "f",
    "θ": "th", "ð": "dh", "χ": "kh", "ɬ": "l", "ɨ": "i", "ʉ": "u", "ı": "i", "ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ß": "ss",
    "ʌ": "a", "ɑ": "a", "ɒ": "o", "ɐ": "a", "ɜ": "e", "ɘ": "e", "ɤ": "o", "ɯ": "u", "ʏ": "u", "ɵ": "o", "ɹ": "r", "ɻ": "r", "ɾ": "r",
    "ɽ": "r", "ʀ": "r", "ʁ": "r", "ɫ": "l", "ɭ": "l", "ʎ": "ly", "ɱ": "m", "ɳ": "n", "ɴ": "n", "ɸ": "f", "β": "b", "ʂ": "sh", "ʐ": "zh",
    "ɕ": "sh", "ʑ": "zh", "ʝ": "j", "ɟ": "j", "ɥ": "w", "ɰ": "w", "ʍ": "w", "ʈ": "t", "ɡ": "g", "ɢ": "g", "ʛ": "g", "ʕ": "", "ː": "",
    "ˑ": "", "ˈ": "", "ˌ": "", "æ": "ae", "œ": "oe", "ʔ": "", "ʼ": "", "ꞌ": "", "ʻ": "", "'": "", "’": "", "‘": "", "`": "", "þ": "th",
}  # fmt: skip
_NAMED = re.compile(r"LATIN (?:SMALL|CAPITAL) LETTER ([A-Z]{1,2}) WITH ")


def plain_letter(letter: str) -> str:
    """A letter without its marks, and without what sets a special letter apart from a plain one; the letter itself where it is plain."""
    bare = "".join(c for c in unicodedata.normalize("NFD", letter.lower()) if not unicodedata.combining(c))
    if bare in SOUNDS:
        return SOUNDS[bare]
    named = _NAMED.match(unicodedata.name(bare, "")) if len(bare) == 1 else None
    return named[1].lower() if named else bare


@functools.lru_cache(maxsize=4096)
def romanised(text: str, language: str = "") -> str:
    """`text` in Latin letters by uroman; empty where the extra `tts` is not installed, or it knows none."""
    uroman = _uroman()
    if uroman is None:
        return ""
    toneless = "".join(sign for sign in text if "TONE" not in unicodedata.name(sign, ""))  # it writes "tone" for some
    roman = str(uroman.romanize_string(toneless, lcode=language or None))
    return roman.lower() if roman.isascii() and roman.strip() else ""


def romanises() -> bool:
    """Whether uroman (extra `tts`) is installed."""
    return importlib.util.find_spec("uroman") is not None


@functools.cache
def _uroman() -> Any:
    try:
        from uroman import Uroman
    except ImportError:
        return None
    return Uroman()
