"""Which languages can be transcribed here, with what and how well; and the command that fetches what is missing.

Read from cards and tables on this machine: a row says where its figures come from, and says nothing that no file holds.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from speech import languages
from speech.errors import SpeechError
from speech.models import hub
from speech.models.cards import read_card

MOST = 200
"""Rows of an answer, at most."""
FETCHED = "facebook/mms-1b-all"
"""The repository with the most languages."""


_NONE: Mapping[str, Path] = {}


def folded(text: str) -> str:
    """A text as it is searched for: without accents, in small letters."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def found(q: str, learnt: Mapping[str, Path] = _NONE) -> list[dict[str, Any]]:
    """The languages that a person may mean by `q`, all for an empty one; best first. Accents are optional.

    `learnt` are folders of adapters that were learnt here and are in use: they stand in place of the embedded model's own.
    """
    sought = folded(q.strip())
    here = _here()
    for code, folder in learnt.items():
        own = [{**row, "learnt": True} for found, row in _adapters(hub.MINI, folder) if found == code]
        here[code] = [*own, *(row for row in here.get(code, []) if row["model"] != hub.MINI)] if own else here.get(code, [])
    rows = []
    for code in sorted({*languages.known(), *here}):
        table = languages.load(code)
        rank = _rank(sought, table)
        if rank is not None:
            rows.append((not here.get(code), rank, folded(table.name), _row(table, here.get(code, []))))
    if not rows and len(sought) == 3 and sought.isascii() and sought.isalpha():
        rows.append((True, 0, sought, _row(languages.Language.plain(sought), [])))
    return [row for *_, row in sorted(rows, key=lambda r: r[:3])][:MOST]


def _rank(sought: str, table: languages.Language) -> int | None:
    """0 for a code, 1 where a name begins so, 2 where one holds it; None where it is not meant."""
    if not sought:
        return 1
    if sought in (table.code, table.two_letters, *table.retired):
        return 0
    names = [folded(n) for n in (table.name, table.autonym, *table.names, table.glottocode, table.variety) if n]
    if any(name.startswith(sought) for name in names):
        return 1
    return 2 if any(sought in name for name in names) else None


def _row(table: languages.Language, here: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "code": table.code,
        "name": table.name,
        "autonym": table.autonym,
        "names": list(table.names),
        "glottocode": table.glottocode,
        "variety": table.variety,
        "retired": list(table.retired),
        "models": here,
        "fetch": "" if here else f"speech model add {FETCHED} --language {table.code}",
    }


def models() -> dict[str, Path]:
    """The models on this machine, the embedded one first."""
    kept = sorted(p for p in hub.user_folder().glob("*") if (p / "config.json").exists()) if hub.user_folder().is_dir() else []
    return {hub.MINI: hub.mini_folder(), **{p.name: p for p in kept}, **hub.cached()}


def _here() -> dict[str, list[dict[str, Any]]]:
    """What stands on this machine for each language."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for name, folder in models().items():
        for code, row in _adapters(name, folder):
            rows.setdefault(code, []).append(row)
    return rows


def _adapters(model: str, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.glob("adapter.*.safetensors")):
        code = path.name.split(".")[1]
        try:
            languages.check_code(code)
        except SpeechError:
            continue
        yield code, {"model": model, "adapter": path.name, "language_model": (folder / f"lm.{code}.safetensors").exists(), **_told(path)}


def _told(adapter: Path) -> dict[str, Any]:
    """What the card beside an adapter says; where there is none, that."""
    card_path = adapter.with_suffix(".toml")
    try:
        card = read_card(card_path)
    except SpeechError:
        return {"card": False}
    dev = next((s for s in card.scores if s.get("split") == "dev"), {})
    hours = card.trained.get("hours")
    return {
        "card": True,
        "variety": card.variety,
        "licence": [str(one) for one in card.trained.get("licence", ())],
        "minutes": round(60 * hours) if isinstance(hours, int | float) else None,
        "cer": {"dev": dev.get("cer"), "low": dev.get("cer_low"), "high": dev.get("cer_high"), "letters": dev.get("letters")}
        if dev
        else None,
        "source": card_path.name,
    }
