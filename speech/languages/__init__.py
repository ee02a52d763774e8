"""What is known of each language: codes, names, alphabet, and how its writing is compared.

One TOML file a language lies beside this module, or in a folder of the user's own (`SPEECH_LANGUAGES`, else below the user's
data), whose files come first; adding a language is adding a file. A language without a file is no fault: it gets an open alphabet
and the plain rules (`Language.plain`). This module does not touch text itself; `speech.text` applies what stands here.
"""

from __future__ import annotations

import functools
import os
import re
import tomllib
from dataclasses import MISSING, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from speech.errors import ModelRefused

UNDETERMINED = "und"
_CODE = re.compile(r"[a-z]{3}(?:-(?:script|dialect|variety)_[a-z0-9_]{1,60})?")
_FIELDS = {
    "code",
    "name",
    "autonym",
    "names",
    "variety",
    "glottocode",
    "script",
    "two_letters",
    "macrolanguage",
    "retired",
    "alphabet",
    "normalise",
    "spelling",
    "spoken",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """How whole numbers are said: `units` are the words for 1 to 9, `tens` for 10 to 90, `hundreds` for 100 to 900.

    `teens` 11 to 19, where they are not a ten and a unit. `thousand` and `million` hold `{}` where the count stands; `one_thousand`
    and `one_million` are said for a count of one. `join` stands between the parts. `point` is said for a decimal point.
    """

    zero: str
    units: tuple[str, ...]
    tens: tuple[str, ...]
    hundreds: tuple[str, ...]
    thousand: str
    million: str
    one_thousand: str = ""
    one_million: str = ""
    teens: tuple[str, ...] = ()
    join: str = " "
    point: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What is said for what is not written in letters; `letters` are the nearest that a voice of another kind may say."""

    numbers: Numbers | None = None
    abbreviations: tuple[tuple[str, str], ...] = ()
    signs: tuple[tuple[str, str], ...] = ()
    letters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language as its table describes it.

    `letters` is the alphabet as its writers count it, digraphs included; `also` holds letters met in
    loans and names; `marks` the combining signs (tones) that are part of spelling. `keep` lists the
    signs that belong inside words, such as the apostrophe of Breton c'h.
    """

    code: str
    name: str
    autonym: str = ""
    names: tuple[str, ...] = ()
    """Other names that people look for it under."""
    variety: str = ""
    glottocode: str = ""
    script: str = ""
    two_letters: str = ""
    """Its code in ISO 639-1, which is none here, but is what people know."""
    macrolanguage: bool = False
    retired: tuple[str, ...] = ()
    letters: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    replace: tuple[tuple[str, str], ...] = ()
    rule: str = "letters"
    spoken: Spoken = Spoken()

    @classmethod
    def plain(cls, code: str) -> Language:
        """A language we have no table for: any letter is allowed, none is changed."""
        return cls(code=check_code(code), name=code, keep=("'", "’", "ʼ"))

    @property
    def listed(self) -> bool:
        """Whether a table gave the alphabet (else every letter is allowed)."""
        return bool(self.letters) or self.rule == "ethiopic"


def check_code(code: str, where: str | None = None) -> str:
    """`code` if it has the form of an ISO 639-3 code (or `und`), before any path is made of it.

    MMS adds a script or dialect to some of its codes: `azj-script_cyrillic`, `quy-dialect_ayacucho`.

    Raises
    ------
    ModelRefused
        `LANGUAGE_CODE`: anything else, such as a name, a path or a two-letter code.
    """
    if _CODE.fullmatch(code):
        return code
    shown = ascii(code if len(code) <= 40 else code[:37] + "...")[1:-1]
    meant = _called(code)
    raise ModelRefused(
        where=where or f"--language {shown}",
        what="this is not an ISO 639-3 code (three small letters)",
        mend=f"For {_load(meant).name} give {meant}"
        if meant
        else "Look it up at iso639-3.sil.org, such as que for Kichwa; und stands for a language without a model",
        code="LANGUAGE_CODE",
    )


def is_code(text: str) -> bool:
    """Whether `text` has the form of a code."""
    return bool(_CODE.fullmatch(text))


def _called(name: str) -> str:
    """The code of the language that is called so, in any case, by a name or by its two letters; nothing where none is."""
    for code in known():
        table = _load(code)
        if name.casefold() in {n.casefold() for n in (table.name, table.autonym, table.two_letters, *table.names) if n}:
            return code
    return ""


def named(code: str) -> str:
    """A code with the language's name where we have a table of it, for people."""
    table = _load(code) if _CODE.fullmatch(code) else None
    return f"{code} ({table.name})" if table is not None and table.name not in ("", code) else code


def own_folder() -> Path:
    """Where the user's own tables lie, or would lie."""
    if named := os.environ.get("SPEECH_LANGUAGES"):
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_data_dir("oral-speech", appauthor=False)) / "languages"


@functools.cache
def known() -> tuple[str, ...]:
    """Codes with a table, ours or the user's own, sorted."""
    files = [*(f.name for f in resources.files(__name__).iterdir()), *(f.name for f in own_folder().glob("*.toml"))]
    return tuple(sorted({name[:-5] for name in files if name.endswith(".toml") and _CODE.fullmatch(name[:-5])}))


def load(code: str) -> Language:
    """The table of `code`, or the plain rules where there is none.

    A dialect has the table of its language; one that names a script has plain rules, since the table may be of another script.

    Raises
    ------
    ModelRefused
        `LANGUAGE_CODE`: not the form of a code.
    """
    check_code(code)
    return _load(code)


@functools.cache
def _load(code: str) -> Language:
    base, _, more = code.partition("-")
    if base not in known() or more.startswith("script_"):
        return Language.plain(code)
    return parse(table_of(base).read_text(encoding="utf-8"), str(table_of(base)))


def table_of(code: str) -> Path:
    """Where the table of `code` lies, the user's own before ours; where none does, where the user's own would."""
    own, ours = own_folder() / f"{code}.toml", Path(str(resources.files(__name__).joinpath(f"{code}.toml")))
    return ours if ours.is_file() and not own.is_file() else own


def parse(text: str, where: str) -> Language:
    """A language from the text of its table.

    Raises
    ------
    ModelRefused
        `LANGUAGE_TABLE`: it is no TOML, lacks code or name, or has a field that no table has, each by name.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelRefused(where, f"the table cannot be read ({error})", "Correct that line", "LANGUAGE_TABLE") from error
    if missing := [name for name in ("code", "name") if not raw.get(name)]:
        raise ModelRefused(where, f"{' and '.join(missing)} missing", 'Write it, such as name = "Mbosi"', "LANGUAGE_TABLE")
    unknown = sorted(set(raw) - _FIELDS)
    if unknown:
        raise ModelRefused(
            where=where,
            what=f"unknown fields {', '.join(unknown)}",
            mend=f"Known are {', '.join(sorted(_FIELDS))}",
            code="LANGUAGE_TABLE",
        )
    alphabet, rules, spelling = raw.get("alphabet", {}), raw.get("normalise", {}), raw.get("spelling", {})
    return Language(
        code=raw["code"],
        name=raw["name"],
        autonym=raw.get("autonym", ""),
        names=tuple(raw.get("names", ())),
        variety=raw.get("variety", ""),
        glottocode=raw.get("glottocode", ""),
        script=raw.get("script", ""),
        two_letters=raw.get("two_letters", ""),
        macrolanguage=raw.get("macrolanguage", False),
        retired=tuple(raw.get("retired", ())),
        letters=tuple(alphabet.get("letters", ())),
        also=tuple(alphabet.get("also", ())),
        marks=tuple(alphabet.get("marks", ())),
        keep=tuple(rules.get("keep", ())),
        replace=tuple(rules.get("replace", {}).items()),
        rule=spelling.get("rule", "letters"),
        spoken=_spoken(raw.get("spoken", {}), where),
    )


_LENGTHS = {"units": 9, "tens": 9, "hundreds": 9, "teens": 9}


def _spoken(raw: dict[str, Any], where: str) -> Spoken:
    """The part [spoken] of a table.

    Raises
    ------
    ModelRefused
        `LANGUAGE_TABLE`: a field that it does not have, or words that are missing.
    """
    faults = [f"unknown field spoken.{name}" for name in sorted(set(raw) - {"numbers", "abbreviations", "signs", "letters"})]
    numbers = raw.get("numbers")
    if numbers is not None:
        known = {f.name for f in fields(Numbers)}
        faults += [f"unknown field spoken.numbers.{name}" for name in sorted(set(numbers) - known)]
        faults += [f"spoken.numbers.{f.name} missing" for f in fields(Numbers) if f.default is MISSING and not numbers.get(f.name)]
        faults += [
            f"spoken.numbers.{n} has {len(numbers[n])} words, not {d}"
            for n, d in _LENGTHS.items()
            if numbers.get(n) and len(numbers[n]) != d
        ]
        faults += [
            f"spoken.numbers.{n} has no {{}} for the count" for n in ("thousand", "million") if numbers.get(n) and "{}" not in numbers[n]
        ]
    if faults:
        raise ModelRefused(where, "; ".join(faults), "Correct the part [spoken], as swh.toml has it", "LANGUAGE_TABLE")
    said: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in (numbers or {}).items()}
    return Spoken(
        numbers=Numbers(**said) if numbers is not None else None,
        abbreviations=tuple(raw.get("abbreviations", {}).items()),
        signs=tuple(raw.get("signs", {}).items()),
        letters=tuple(raw.get("letters", {}).items()),
    )
