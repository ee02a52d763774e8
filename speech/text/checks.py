"""What a person should know of a text before it is scored or trained: signs that hide, mix or do not belong.

`findings` reports and changes nothing; `require_trainable` refuses what a model would learn wrongly. A message
names signs (code point, name), rows and counts, never a transcript. What a language's table replaces is ruled
upon and no longer reported: the checks look at the text as it is compared.
"""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import regex

from speech.errors import Finding, PathRefused, TextRefused
from speech.files import shown
from speech.languages import Language, table_of
from speech.text.normalise import INVISIBLE, normalise, outside_alphabet, visible_name
from speech.text.spelling import symbols_of

BIDI = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
APOSTROPHES = ("'", "\u2019", "\u02bc")

_OPENS = {**dict.fromkeys("\u202a\u202b\u202d\u202e", "\u202c"), **dict.fromkeys("\u2066\u2067\u2068", "\u2069")}
_RTL = regex.compile(r"[\p{Bidi_Class=R}\p{Bidi_Class=AL}]")
_VARIATION = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
_SCRIPTS = {
    "Latn": "Latin", "Grek": "Greek", "Cyrl": "Cyrillic", "Armn": "Armenian", "Hebr": "Hebrew", "Arab": "Arabic", "Syrc": "Syriac",
    "Thaa": "Thaana", "Nkoo": "Nko", "Ethi": "Ethiopic", "Cher": "Cherokee", "Cans": "Canadian_Aboriginal", "Tfng": "Tifinagh",
    "Vaii": "Vai", "Adlm": "Adlam", "Geor": "Georgian", "Deva": "Devanagari", "Beng": "Bengali", "Guru": "Gurmukhi", "Gujr": "Gujarati",
    "Orya": "Oriya", "Taml": "Tamil", "Telu": "Telugu", "Knda": "Kannada", "Mlym": "Malayalam", "Sinh": "Sinhala", "Thai": "Thai",
    "Laoo": "Lao", "Tibt": "Tibetan", "Mymr": "Myanmar", "Khmr": "Khmer", "Mong": "Mongolian", "Copt": "Coptic", "Olck": "Ol_Chiki",
}  # fmt: skip
# Scripts that one orthography mixes by rule count as one.
_EAST_ASIAN = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}]")
_NO_SCRIPT = regex.compile(r"[\p{Script=Common}\p{Script=Inherited}]")
_SCRIPT_SIGNS = tuple((name, regex.compile(rf"\p{{Script={name}}}")) for name in _SCRIPTS.values())
# Small letters that look alike in print; the Latin one is what a Latin word means.
_LOOKALIKES = dict(zip("аеорсухіјѕһԁԛԝοανιυρκε", "aeopcyxijshdqwoaviupke", strict=True))


@dataclass(slots=True)
class _Seen:
    """How often each sign occurs, and in which rows."""

    signs: Counter[str] = field(default_factory=Counter)
    rows: dict[str, None] = field(default_factory=dict)

    def add(self, found: Counter[str], row: str) -> None:
        if found:
            self.signs.update(found)
            self.rows[row] = None

    def __bool__(self) -> bool:
        return bool(self.signs)

    def words(self) -> str:
        """Signs with counts, then rows, for a message."""
        named = [f"{visible_name(sign)}, {count:,} {'time' if count == 1 else 'times'}" for sign, count in self.signs.most_common(10)]
        if len(self.signs) > 10:
            named.append(f"{len(self.signs) - 10} signs more")
        return "; ".join(named) + self._in_rows()

    def _in_rows(self) -> str:
        rows = [shown(r) for r in self.rows if r]
        if not rows:
            return ""
        more = f" and {len(rows) - 5:,} more" if len(rows) > 5 else ""
        noun = "row" if len(rows) == 1 else "rows"
        return f" (in {len(rows):,} {noun}: {', '.join(rows[:5])}{more})"


def findings(text: str, language: Language, where: str) -> list[Finding]:
    """What is worth knowing of one text: `TEXT_BIDI`, `TEXT_INVISIBLE`, `TEXT_ALPHABET`, `TEXT_MIXED_SCRIPT`."""
    return findings_in([("", text)], language, where)


def findings_in(rows: Iterable[tuple[str, str]], language: Language, where: str) -> list[Finding]:
    """As `findings` for many texts (row id, text): one finding a kind, with signs, counts and rows."""
    seen = {code: _Seen() for code in _KINDS}
    forms = _Seen()
    for row, text in rows:
        normal = normalise(text, language)
        for code, (find, _, _) in _KINDS.items():
            seen[code].add(find(text, normal, language), row)
        forms.add(_apostrophes(text, language), row)
    found = [
        Finding(code=code, where=where, what=f"{what}: {seen[code].words()}", mend=mend(language, seen[code]))
        for code, (_, what, mend) in _KINDS.items()
        if seen[code]
    ]
    if len(forms.signs) > 1:
        found.append(Finding(code="TEXT_MIXED_SCRIPT", where=where, what=_FORMS.format(forms.words()), mend=_mend_forms(language)))
    return found


def require_trainable(rows: Iterable[tuple[str, str]], language: Language, where: str = "the training text") -> None:
    """Refuse training text (row id, text) with signs that a model should not learn.

    Raises
    ------
    TextRefused
        `TEXT_MIXED_SCRIPT`: a letter of another script inside a word, or apostrophes of several forms that the
        table does not make one. `TEXT_ALPHABET`: digits, emoji, private or unassigned signs, letters the table does
        not list. Each with sign, code point, name, count and rows.
    """
    mixed, forms, foreign = _Seen(), _Seen(), _Seen()
    for row, text in rows:
        normal = normalise(text, language)
        mixed.add(_mixed(text, normal, language), row)
        forms.add(_apostrophes(text, language), row)
        foreign.add(_foreign(text, normal, language), row)
    if mixed:
        raise TextRefused(where, f"{_MIXED}: {mixed.words()}", _mend_mixed(language, mixed), "TEXT_MIXED_SCRIPT")
    if len(forms.signs) > 1:
        raise TextRefused(where, _FORMS.format(forms.words()), _mend_forms(language), "TEXT_MIXED_SCRIPT")
    if foreign:
        raise TextRefused(where, f"{_FOREIGN} of {language.name}: {foreign.words()}", _mend_alphabet(language, foreign), "TEXT_ALPHABET")


def check_name(name: str, where: str) -> None:
    """Refuse a name whose bidi controls do not close: it would be shown as another name.

    Raises
    ------
    PathRefused
        `PATH_NAME`: the sign that does not close, or closes nothing.
    """
    waiting: list[str] = []
    for sign in name:
        if sign in _OPENS:
            waiting.append(_OPENS[sign])
        elif sign in _OPENS.values():
            if not waiting or waiting.pop() != sign:
                raise _unbalanced(sign, where)
    if waiting:
        raise _unbalanced(waiting[-1], where, closing=True)


def _unbalanced(sign: str, where: str, *, closing: bool = False) -> PathRefused:
    fault = "is missing after its opening sign" if closing else "closes nothing"
    return PathRefused(
        where, f"in the name, {visible_name(sign)} {fault}: it would be shown as another name", "Rename the file", "PATH_NAME"
    )


def script_of(sign: str) -> str:
    """The Unicode script of a letter; empty for signs of every script, and `other` for scripts we have no name for."""
    return _script_of(sign)


@functools.lru_cache(maxsize=4096)
def _script_of(sign: str) -> str:
    if _NO_SCRIPT.match(sign):
        return ""
    if _EAST_ASIAN.match(sign):
        return "East Asian"
    return next((name for name, pattern in _SCRIPT_SIGNS if pattern.match(sign)), "other")


def _bidi(text: str, _normal: str, language: Language) -> Counter[str]:
    """Bidi controls and isolates; words written from right to left are ordinary in a language written so."""
    found = Counter(s for s in text if s in BIDI)
    if language.script and language.script not in ("Hebr", "Arab", "Syrc", "Thaa", "Nkoo", "Adlm"):
        found.update(_RTL.findall(text))
    return found


def _invisible(text: str, _normal: str, language: Language) -> Counter[str]:
    return Counter(s for s in text if s not in language.keep and _hides(s))


@functools.lru_cache(maxsize=4096)
def _hides(sign: str) -> bool:
    if sign in BIDI or sign == " ":
        return False
    return sign in INVISIBLE or sign in _VARIATION or unicodedata.category(sign) in ("Zs", "Zl", "Zp")


def _foreign(text: str, normal: str, language: Language) -> Counter[str]:
    """Signs outside the alphabet, and those that normalising would turn into spaces although they stand for something."""
    found = outside_alphabet(normal, language)
    found.update(s for s in text if unicodedata.category(s) in ("So", "Co", "Cn"))
    return found


def _mixed(_text: str, normal: str, language: Language) -> Counter[str]:
    """Letters of another script inside words that hold the language's own."""
    return Counter(sign for word in normal.split() for sign in _mixed_in(word, language))


@functools.lru_cache(maxsize=65_536)
def _mixed_in(word: str, language: Language) -> tuple[str, ...]:
    own, listed = _SCRIPTS.get(language.script, ""), _listed(language)
    scripts = Counter(s for s in (_script_of(c) for c in word if c not in listed) if s)
    if any(c in listed and unicodedata.category(c)[0] == "L" for c in word):
        scripts[own] += len(word)
    if len(scripts) < 2:
        return ()
    home = own if own in scripts else scripts.most_common(1)[0][0]
    return tuple(c for c in word if c not in listed and _script_of(c) not in ("", home))


@functools.lru_cache(maxsize=64)
def _listed(language: Language) -> frozenset[str]:
    return frozenset(symbols_of(language)) if language.listed else frozenset()


def _apostrophes(text: str, language: Language) -> Counter[str]:
    """Apostrophes between letters, by form, after the table's own replacements."""
    if not any(form in text for form in APOSTROPHES):
        return Counter()
    for old, new in language.replace:
        text = text.replace(old, new)
    inner = (text[n] for n in range(1, len(text) - 1) if text[n] in APOSTROPHES and text[n - 1].isalpha() and text[n + 1].isalpha())
    return Counter(inner)


_MIXED = "letters of another script inside words"
_FOREIGN = "signs outside the alphabet"
_FORMS = "the apostrophe is written in several ways: {}"


def _line(language: Language, entry: str) -> str:
    """The table and the line of an entry in it, for a message; the table to make where there is none."""
    table = table_of(language.code)
    if not table.is_file():
        return f'{shown(table)} (to be made, with code = "{language.code}" and name = "..." before it)'
    for number, line in enumerate(table.read_text(encoding="utf-8").split("\n"), start=1):
        if line.startswith(f"{entry} ="):
            return f"{shown(table)}, line {number}"
    return shown(table)


def _mend_alphabet(language: Language, seen: _Seen) -> str:
    if any(unicodedata.category(s)[0] == "N" for s in seen.signs):
        return f"Write numbers as they were spoken, and the other signs as letters, or list a letter in {_line(language, 'also')}"
    return f"Write the letter meant, or list it in {_line(language, 'also')}"


def _mend_mixed(language: Language, seen: _Seen) -> str:
    latin = language.script in ("", "Latn")
    meant = {s: _LOOKALIKES.get(s, "...") if latin else "..." for s, _ in seen.signs.most_common(10)}
    likely = [f"{s!r} looks like {letter!r}" for s, letter in meant.items() if letter != "..."]
    write = f"Write the letter meant ({', '.join(likely)})" if likely else "Write the letter meant"
    ruled = ", ".join(f'"{s}" = "{letter}"' for s, letter in meant.items())
    return (
        f"{write}, or leave the texts and say below [normalise] in {_line(language, 'replace')} what stands for what, as in: "
        f"replace = {{ {ruled} }}"
    )


def _mend_forms(language: Language) -> str:
    return f"Write one of them throughout, or rule on it under replace in {_line(language, 'replace')}"


_Find = Callable[[str, str, Language], "Counter[str]"]
"""Text, the same normalised, language: the signs found."""
_Mend = Callable[[Language, _Seen], str]
_KINDS: dict[str, tuple[_Find, str, _Mend]] = {
    "TEXT_BIDI": (
        _bidi,
        "direction controls or right-to-left letters",
        lambda _language, _seen: "Nothing need be done: controls are kept and shown, and not scored",
    ),
    "TEXT_INVISIBLE": (
        _invisible,
        "signs that cannot be seen",
        lambda _language, _seen: "They are not scored; take them out, or list under keep in the language's table those it needs",
    ),
    "TEXT_MIXED_SCRIPT": (_mixed, _MIXED, _mend_mixed),
    "TEXT_ALPHABET": (_foreign, "signs outside the alphabet, counted as they stand", _mend_alphabet),
}
