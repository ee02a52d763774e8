"""Which letters of a text a voice cannot say, where they stand, and the nearest that it can. Nothing is dropped in silence.

Nearest is, first to last: what the table of the text's language says; the letter without its marks, as few as need be; the sounds
that a special letter is commonly written with; the plain letter in its Unicode name; its romanised form, where uroman (extra `tts`)
is installed.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator

import regex

from speech.languages import Language
from speech.say.records import Unsaid, Voice
from speech.text.nearest import SOUNDS, plain_letter, romanised
from speech.text.normalise import INVISIBLE
from speech.text.spelling import graphemes

APOSTROPHES = "'’ʼ‘`ʻ"
SPOKEN_PUNCTUATION = frozenset("@#%&*/\\§†‡‰¶_")
"""Signs that Unicode counts as punctuation and people say by name; the rest of punctuation is a pause."""

_WORDS = regex.compile(
    rf"[\p{{L}}\p{{M}}\p{{N}}](?:[\p{{L}}\p{{M}}\p{{N}}\u200c\u200d{APOSTROPHES}-]*[\p{{L}}\p{{M}}\p{{N}}{APOSTROPHES}])?"
)


def words_of(text: str) -> Iterator[tuple[int, str]]:
    """What of a text is to be said: words (letters, marks, figures, apostrophes and hyphens in them), and signs said by name, with offsets.

    An apostrophe that closes a word is its own where the word has none before it; quotation marks around a word are not.
    """
    at = 0
    for match in _WORDS.finditer(text):
        yield from _signs(text, at, match.start())
        yield match.start(), match[0]
        at = match.end()
    yield from _signs(text, at, len(text))


def _signs(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    for i in range(start, end):
        if unicodedata.category(text[i])[0] in "SLMN" or text[i] in SPOKEN_PUNCTUATION or unicodedata.category(text[i]) in ("Co", "Cn"):
            yield i, text[i]


def unsaid_in(text: str, voice: Voice, language: Language) -> list[Unsaid]:
    """The letters of `text` (offsets as in it) that a voice cannot say, most frequent first."""
    places: dict[str, list[int]] = {}
    words: dict[str, str] = {}
    for start, word in words_of(text):
        visible = "".join(sign for sign in word if sign not in INVISIBLE)
        bad = voice.cannot_say(unicodedata.normalize("NFC", visible))
        if not bad:
            continue
        for key, offset in _letters(word, bad, language):
            places.setdefault(key, []).append(start + offset)
            words.setdefault(key, visible)
    return [
        Unsaid(letter=key, name=_name(key), places=tuple(found), nearest=_nearest(key, words[key], voice, language))
        for key, found in sorted(places.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    ]


def _letters(word: str, bad: frozenset[str], language: Language) -> Iterator[tuple[str, int]]:
    """The letters of a word that cannot be said, each with its offset; one of several signs, such as ng', where the table lists it."""
    several = [old for old, _ in language.spoken.letters if any(sign in old for sign in bad) and len(old) > 1]
    offset = 0
    clusters = graphemes(word)
    while clusters:
        joined = "".join(clusters)
        if group := next((old for old in several if joined.lower().startswith(old)), None):
            yield group, offset
            while clusters and len(group) > 0:
                taken = clusters.pop(0)
                offset += len(taken)
                group = group[len(taken) :]
            continue
        cluster = clusters.pop(0)
        letter = unicodedata.normalize("NFC", cluster)
        if letter in bad:
            yield letter, offset
        offset += len(cluster)


def _name(letter: str) -> str:
    return " + ".join(unicodedata.name(sign, f"U+{ord(sign):04X}") for sign in letter)


def _nearest(letter: str, word: str, voice: Voice, language: Language) -> str | None:
    for candidate in dict.fromkeys(_candidates(letter, language)):
        if candidate != letter and not _says_badly(voice, word, letter, candidate):
            return candidate
    return None


def _says_badly(voice: Voice, word: str, letter: str, candidate: str) -> bool:
    """Whether the voice cannot say a candidate in the place of a letter."""
    bad = voice.cannot_say(candidate) if candidate else frozenset()
    if not bad and candidate:
        return False
    changed = unicodedata.normalize("NFC", word).replace(letter, candidate)
    still = voice.cannot_say(changed) if changed else frozenset()
    return any(sign in still for sign in graphemes(candidate)) if candidate else any(sign in still for sign in letter)


def _candidates(letter: str, language: Language) -> Iterator[str]:
    table = dict(language.spoken.letters)
    low = letter.lower()
    if low in table:
        yield table[low]
    yield from _fewer_marks(letter)
    base = "".join(c for c in unicodedata.normalize("NFD", low) if not unicodedata.combining(c))
    if base in table:
        yield table[base]
    if unicodedata.category(letter[0])[0] == "L" or letter in SOUNDS:
        yield plain_letter(letter)
    if roman := romanised(letter):
        yield roman


def _fewer_marks(letter: str) -> Iterator[str]:
    """The letter with fewer and fewer of its combining marks."""
    parts = unicodedata.normalize("NFD", letter)
    base, marks = parts[:1], [c for c in parts[1:] if unicodedata.combining(c)]
    for kept in range(len(marks) - 1, -1, -1):
        for some in itertools.combinations(marks, kept):
            yield unicodedata.normalize("NFC", base + "".join(some))
