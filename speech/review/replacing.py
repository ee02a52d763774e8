"""Find and replace by grapheme: "a" is not found in "á", unless tones are passed over; times of words stay.

A plain search compares graphemes. A regular expression runs on the same text, with a limit of time, and only matches that
begin and end between graphemes count. What is put in place of `\\1` is taken from the text as it stands, tones and all.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, NoReturn

import regex

from speech.errors import Refusal
from speech.review.words import graphemes
from speech.types import Segment

LIMIT_S = 1.0
"""How long a regular expression may take over all segments."""
TONES = frozenset("\u0300\u0301\u0302\u0304\u030b\u030c\u030d\u030e\u030f\u0311\u1dc4\u1dc5\u1dc6\u1dc7\u1dc8\u1dc9")
"""Combining marks that write tone: grave, acute, circumflex, macron, caron, their doubles and contours. Not tilde, dots, hooks."""
_INSIDE = frozenset("'’ʼ")
"""Signs that may stand inside a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What is looked for, what is put in its place, and how: with case, with tones, whole words, a regular expression."""

    find: str
    put: str = ""
    case: bool = False
    tone: bool = True
    whole_word: bool = False
    regular: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A segment in which something was found: where, in graphemes, and the text with all of it replaced."""

    segment: str
    text: str
    hits: tuple[tuple[int, int], ...]
    after: str

    def as_dict(self) -> dict[str, Any]:
        """The hit as the app's route answers it."""
        return {"segment": self.segment, "text": self.text, "hits": [list(h) for h in self.hits], "after": self.after}


def sought(asked: Mapping[str, Any]) -> Sought:
    """What was asked, checked.

    Raises
    ------
    Refusal
        `REVIEW_ACT`: nothing to find, or a field of a wrong kind. `REVIEW_PATTERN`: an expression that cannot be read.
    """
    find, put = asked.get("find"), asked.get("with", "")
    flags = {
        name: asked.get(name, default) for name, default in (("case", False), ("tone", True), ("whole_word", False), ("regular", False))
    }
    if not isinstance(find, str) or not isinstance(put, str) or not all(isinstance(f, bool) for f in flags.values()):
        _refuse("the fields find and with must be text, the others true or false", "Load the page again", "REVIEW_ACT")
    for value in (find, put):
        if any("\ud800" <= c <= "\udfff" for c in value):
            _refuse("it holds half a character", "Write that letter again", "REVIEW_ACT")
    if not find:
        _refuse("nothing is looked for", "Write what is to be found", "REVIEW_ACT")
    found = Sought(find=unicodedata.normalize("NFC", find), put=unicodedata.normalize("NFC", put), **flags)
    if found.regular:
        _compiled(found)
    return found


def find(segments: Iterable[Segment], wanted: Sought) -> list[Hit]:
    """The segments in which it is found, in the order given.

    Raises
    ------
    Refusal
        `REVIEW_PATTERN`: the expression cannot be read, or takes longer than `LIMIT_S`.
    """
    pattern = _compiled(wanted) if wanted.regular else None
    keys = [_key(g, wanted) for g in graphemes(wanted.find)]
    until = monotonic() + LIMIT_S
    found = []
    for segment in segments:
        if not segment.text:
            continue
        letters = graphemes(segment.text)
        if pattern is not None:
            places = list(_by_pattern(letters, wanted, pattern, until))
        else:
            places = [(start, end, wanted.put) for start, end in _by_letters(letters, keys, wanted)]
        if places:
            after, at = [], 0
            for start, end, put in places:
                after += [*letters[at:start], put]
                at = end
            text = unicodedata.normalize("NFC", "".join([*after, *letters[at:]]))
            found.append(Hit(segment=segment.id, text=segment.text, hits=tuple((s, e) for s, e, _ in places), after=text))
    return found


def toneless(text: str) -> str:
    """The text without marks of tone; other diacritics stay."""
    return unicodedata.normalize("NFC", "".join(c for c in unicodedata.normalize("NFD", text) if c not in TONES))


def _key(letter: str, wanted: Sought) -> str:
    key = unicodedata.normalize("NFC", letter) if wanted.tone else toneless(letter)
    return key if wanted.case else key.casefold()


def _by_letters(letters: Sequence[str], keys: Sequence[str], wanted: Sought) -> Iterator[tuple[int, int]]:
    own = [_key(g, wanted) for g in letters]
    at, size = 0, len(keys)
    while at + size <= len(own):
        if own[at : at + size] == keys and (not wanted.whole_word or _is_whole(letters, at, at + size)):
            yield at, at + size
            at += size
        else:
            at += 1


def _by_pattern(letters: Sequence[str], wanted: Sought, pattern: Any, until: float) -> Iterator[tuple[int, int, str]]:
    shown = [unicodedata.normalize("NFC", g) if wanted.tone else toneless(g) for g in letters]
    borders, at = {}, 0
    for n, letter in enumerate(shown):
        borders[at] = n
        at += len(letter)
    borders[at] = len(letters)
    try:
        left = max(0.001, until - monotonic())
        matches = list(pattern.finditer("".join(shown), timeout=left, concurrent=True))
    except TimeoutError as error:
        raise Refusal(
            "find", f"this expression takes longer than {LIMIT_S:g} s", "Make it simpler: no repeats within repeats", "REVIEW_PATTERN"
        ) from error
    for match in matches:
        if match.start() not in borders or match.end() not in borders or match.start() == match.end():
            continue
        start, end = borders[match.start()], borders[match.end()]
        if not wanted.whole_word or _is_whole(letters, start, end):
            yield start, end, _filled(wanted.put, match, letters, borders)


_TEMPLATE = regex.compile(r"\\(?:(\d{1,2})|g<(\w+)>|(\\)|(n))")


def _filled(put: str, match: Any, letters: Sequence[str], borders: Mapping[int, int]) -> str:
    """`put` with its groups, each as it stands in the text itself."""

    def group(found: Any) -> str:
        if found[3]:
            return "\\"
        if found[4]:
            return "\n"
        name = int(found[1] or found[2]) if (found[1] or found[2]).isdecimal() else found[2]
        try:
            start, end = match.span(name)
        except IndexError as error:
            raise Refusal("replace", f"the expression has no group {name}", "Number the brackets from 1", "REVIEW_PATTERN") from error
        if start in borders and end in borders:
            return "".join(letters[borders[start] : borders[end]])
        return str(match[name] or "")

    return str(_TEMPLATE.sub(group, put))


def _is_whole(letters: Sequence[str], start: int, end: int) -> bool:
    before, after = letters[start - 1 : start], letters[end : end + 1]
    return not any(map(_in_word, before)) and not any(map(_in_word, after))


def _in_word(letter: str) -> bool:
    return unicodedata.category(letter[0])[0] in "LMN" or letter[0] in _INSIDE


def _compiled(wanted: Sought) -> Any:
    flags = regex.UNICODE | (0 if wanted.case else regex.IGNORECASE)
    text = wanted.find if wanted.tone else toneless(wanted.find)
    try:
        return regex.compile(text, flags)
    except (regex.error, OverflowError, RecursionError, ValueError) as error:
        what = getattr(error, "msg", None) or type(error).__name__
        raise Refusal(
            "find", f"this expression cannot be read ({what})", "Correct it, or search without expressions", "REVIEW_PATTERN"
        ) from error


def _refuse(what: str, mend: str, code: str) -> NoReturn:
    raise Refusal("find and replace", what, mend, code)
