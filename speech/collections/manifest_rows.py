"""One line of a manifest: parsed as strict JSON, and each field checked by itself. All faults are kept, none is mended."""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from speech import languages
from speech.files import shown

Pairs = list[tuple[str, Any]]

_SURROGATE = re.compile("[\ud800-\udfff]")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LANGUAGE = re.compile(r"[a-z]{3}")
_DRIVE = re.compile(r"[A-Za-z]:")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_STRINGS = (
    "id",
    "audio",
    "sha256",
    "text_sha256",
    "language",
    "glottocode",
    "script",
    "variety",
    "speaker",
    "session",
    "split",
    "licence",
    "access",
)
_TEXTS = frozenset({*_STRINGS, "text"})
_NUMBERS = ("start_ms", "end_ms", "channel")
_MAPPINGS = ("translation", "source")
_REQUIRED = ("id", "audio", "language")

_TWO_LETTERS = {
    "qu": "que", "yo": "yor", "am": "amh", "sw": "swh", "br": "bre", "rw": "kin", "mg": "mlg", "ay": "aym", "gn": "grn",
    "ha": "hau", "ig": "ibo", "ln": "lin", "om": "orm", "sn": "sna", "so": "som", "ti": "tir", "wo": "wol", "xh": "xho",
    "zu": "zul", "en": "eng", "es": "spa", "fr": "fra", "pt": "por", "ar": "ara", "de": "deu", "it": "ita", "ru": "rus",
    "mi": "mri", "cy": "cym", "eu": "eus", "ga": "gle", "gd": "gla", "se": "sme", "iu": "iku", "cr": "cre", "oj": "oji",
}  # fmt: skip
"""ISO 639-1 codes that people write for ISO 639-3; a proposal is made from it, never a correction."""

_RETIRED = {
    "mol": ("ron",), "kzj": ("dtp",), "kzt": ("dtp",), "tdu": ("dtp",), "ccq": ("rki",), "drh": ("khk",),
    "coy": ("pij",), "tkk": ("twm",), "mwd": ("dmw",), "gmo": ("dwr", "gmv", "gof"),
}  # fmt: skip
"""Codes that ISO 639-3 has retired, merged or split, with their successors: some that old collections carry, not all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with a manifest: line and field, code, and what it is, with the proposal where there is one."""

    line: int
    field: str
    code: str
    what: str

    def __str__(self) -> str:
        field = f", {self.field}" if self.field else ""
        return f"line {self.line}{field}: {self.what}"


class _Twice(ValueError):
    pass


def _pairs(found: Pairs) -> dict[str, Any]:
    made = dict(found)
    if len(made) != len(found):
        names = [name for name, _ in found]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return made


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant)


def parse(number: int, line: str, faults: list[Fault]) -> dict[str, Any] | None:
    """Names and values of a line; None with a fault where it is no JSON object."""
    try:
        found = _DECODER.decode(line)
    except json.JSONDecodeError as error:
        faults.append(Fault(line=number, field="", code="MANIFEST_JSON", what=f"column {error.colno}: no JSON ({error.msg})"))
    except _Twice as error:
        name = str(error)
        column = line.find(json.dumps(name), line.find(json.dumps(name)) + 1) + 1
        faults.append(Fault(line=number, field=shown(name), code="MANIFEST_JSON", what=f"column {column}: the field stands twice"))
    except (ValueError, RecursionError) as error:
        said = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:80]
        faults.append(Fault(line=number, field="", code="MANIFEST_JSON", what=said))
    else:
        if isinstance(found, dict):
            return found
        faults.append(Fault(line=number, field="", code="MANIFEST_JSON", what="column 1: the line is no JSON object"))
    return None


def checked(number: int, line: str, values: dict[str, Any]) -> list[Fault]:
    """Every fault of a row's fields."""
    found = [Fault(line=number, field=name, code="MANIFEST_FIELD", what="it is missing") for name in _REQUIRED if name not in values]
    for name, value in values.items():
        if name in _TEXTS and type(value) is str and value.isascii():
            continue  # nearly every field of nearly every row
        what = _type_fault(name, value)
        if what:
            column = line.find(json.dumps(name)) + 1
            place = f"column {column}: " if column else ""
            found.append(Fault(line=number, field=shown(name), code="MANIFEST_FIELD", what=place + what))
    if not found:
        found = [Fault(line=number, field=field, code=code, what=what) for field, code, what in _value_faults(values)]
    return found


def _type_fault(name: str, value: Any) -> str:
    if name in _STRINGS or name == "text":
        right = isinstance(value, str) or (name == "text" and value is None)
        return ("" if _encodable(value) else "it holds half of a surrogate pair") if right else "it is no text"
    if name in _NUMBERS:
        right = isinstance(value, int) and not isinstance(value, bool)
        return "" if right or (value is None and name != "start_ms") else "it is no whole number"
    if name in _MAPPINGS:
        right = isinstance(value, dict) and all(isinstance(v, str) and _encodable(v) for v in value.values())
        return "" if right else "it is no object of texts"
    if name == "consent":
        return "" if isinstance(value, list) and all(isinstance(v, str) for v in value) else "it is no list of record ids"
    if name == "extra":
        return "" if isinstance(value, dict) else "it is no object"
    return "no such field"


def _encodable(text: str | None) -> bool:
    # JSON can spell half of a surrogate pair; no file can hold it.
    return text is None or text.isascii() or _SURROGATE.search(text) is None


def _value_faults(values: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    if not values["id"]:
        yield "id", "MANIFEST_FIELD", "it is empty"
    for name in ("sha256", "text_sha256"):
        if values.get(name) and not _SHA256.fullmatch(values[name]):
            yield name, "MANIFEST_FIELD", "it is no SHA-256 in small hexadecimal letters"
    if values.get("text") is not None and values.get("text_sha256"):
        yield "text_sha256", "MANIFEST_FIELD", "it stands in place of text, and both are there"
    what = path_fault(values["audio"])
    if what:
        yield "audio", "MANIFEST_PATH", what
    what = language_fault(values["language"])
    if what:
        yield "language", "MANIFEST_LANGUAGE", what
    start, end = values.get("start_ms", 0), values.get("end_ms")
    if start < 0:
        yield "start_ms", "MANIFEST_SPAN", f"it is negative ({start})"
    if end is not None and end <= start:
        yield "end_ms", "MANIFEST_SPAN", f"the span {start} to {end} ms holds nothing"
    duration = values.get("extra", {}).get("duration_ms")
    if isinstance(duration, int) and end is not None and end > duration + 50:
        yield "end_ms", "MANIFEST_SPAN", f"the span ends at {end} ms, the audio at {duration} ms"


def path_fault(path: str) -> str:
    """What is wrong with a path that should be a POSIX path below the root; "" if nothing."""
    if not path:
        return "it is empty"
    if "\0" in path:
        return "it holds a NUL"
    if _URL.match(path):
        return f"{shown(path[:80])} is an address, not a path"
    if path.startswith("/") or _DRIVE.match(path):
        return f"{shown(path[:80])} is not relative to the root"
    if "\\" in path:
        return f"{shown(path[:80])} has a backslash; write / between folders"
    if ".." in path.split("/"):
        return f"{shown(path[:80])} leads upwards"
    return ""


@functools.lru_cache(maxsize=1024)
def language_fault(code: str) -> str:
    """What is wrong with a language code, with a proposal where there is one; "" if nothing."""
    retired, names = _known()
    if code in retired:
        return f"{code} is retired; use {' or '.join(retired[code])}"
    if _LANGUAGE.fullmatch(code):
        return ""
    meant = _TWO_LETTERS.get(code.lower().split("-")[0].split("_")[0]) or names.get(_plain(code))
    if meant is None and _LANGUAGE.fullmatch(code.strip().lower()):
        meant = code.strip().lower()
    said = f"{shown(code[:40])!r} is no ISO 639-3 code (three small letters)" if code else "it is empty"
    return said + (f"; did you mean {meant}?" if meant else "; write und where the language is not known")


@functools.cache
def _known() -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Retired codes with their successors, and names with their codes, from the tables of languages."""
    retired = dict(_RETIRED)
    names: dict[str, str] = {}
    for code in languages.known():
        language = languages.load(code)
        for old in language.retired:
            retired[old] = (*retired.get(old, ()), code)
        for name in (language.name, language.autonym, language.variety):
            for word in {name, *re.split(r"[^\w']+", name)}:
                if len(word) > 3:
                    names.setdefault(_plain(word), code)
    names.setdefault("quechua", "que")
    return retired, names


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFD", name.strip().casefold())
    return "".join(sign for sign in folded if not unicodedata.combining(sign))
