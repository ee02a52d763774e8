"""What the pages say, in the person's language: tables of `strings/`, each with a fallback to the next language that has a key.

A table is JSON: a text a key, or an object of plural forms. A key that starts with `_` tells of the table itself; `_approved` lists the
keys that a speaker of the language has read and approved.
"""

from __future__ import annotations

import functools
import json
import re
from importlib import resources
from typing import Any

FALLBACK = {"que": "es"}
"""Where a key is looked for next; elsewhere in English."""
TAGS = {"que": "qu", "swh": "sw"}
"""How browsers and screen readers call a language that has a code of two letters; others as they are."""
_CODE = re.compile(r"[a-z]{2,3}")


@functools.cache
def there() -> tuple[str, ...]:
    """Languages with a table."""
    names = [f.name for f in resources.files("speech.ui").joinpath("strings").iterdir()]
    return tuple(sorted(name[:-5] for name in names if name.endswith(".json") and _CODE.fullmatch(name[:-5])))


@functools.cache
def _table(language: str) -> dict[str, Any]:
    raw = json.loads(resources.files("speech.ui").joinpath("strings", f"{language}.json").read_text(encoding="utf-8"))
    return dict(raw)


@functools.cache
def strings(language: str) -> dict[str, Any]:
    """`language`, its `strings` with fallbacks filled in, `machine` (keys no speaker has approved), and the languages there are."""
    language = language if language in there() else "en"
    chain = [language]
    while chain[-1] != "en":
        chain.append(FALLBACK.get(chain[-1], "en"))
    filled: dict[str, Any] = {}
    for code in reversed(chain):
        if code in there():
            filled |= {key: text for key, text in _table(code).items() if not key.startswith("_")}
    own = _table(language)
    approved = set(own.get("_approved", ()))
    machine = [] if language == "en" else sorted(k for k in own if not k.startswith("_") and k not in approved)
    return {
        "language": language,
        "strings": filled,
        "machine": machine,
        "languages": [{"code": code, "name": str(_table(code).get("_name", code))} for code in there()],
    }


def wanted(accepted: str) -> str:
    """The table for an Accept-Language header."""
    for part in accepted.split(","):
        asked = part.split(";")[0].strip().lower().split("-")[0]
        # Browsers have two letters where there are (qu, sw), tables may have three (que, swh).
        found = [code for code in there() if code == asked or (len(asked) == 2 and code[:2] == asked and len(code) == 3)]
        if found:
            return found[0]
    return "en"
