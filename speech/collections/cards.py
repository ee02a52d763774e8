"""Cards of collections and people: found beside the recordings, read from TOML, checked against the shipped schemas.

A card that is there and wrong is never the same as no card: every fault here is `CARD_INVALID`. Messages give
the field and the rule, never the value: a value can be a name.

Where a card is looked for
    In the recording's folder, then in its parents, four at most. In a folder counts `collection.card.toml`, then
    `<folder>.card.toml`, else the only `*.card.toml` there; several without such a name are refused, because none
    could be ignored safely. A card that was made for the folder in the app's workspace beside it (`workspaces`) counts as
    if it lay in the folder; for what was sent to a workspace the card of its collection counts. The search ends after a
    folder that holds `.git` or is the root of a disk, and before the user's home folder. A link is searched for from where
    it lies, then from where it leads.
"""

from __future__ import annotations

import datetime
import errno
import functools
import hashlib
import json
import os
import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from speech.collections import workspaces
from speech.collections.records import Card, Person, card_of, person_of
from speech.errors import ConsentRefused
from speech.files import read_errors, resolved, shown

LEVELS = 4
"""How many parents of the recording's folder are searched."""

_MISNAMED = re.compile(r"(.*[ ._-])?card\.toml(\.txt)?|(.*[ ._-])?card(\.toml)?\.txt", re.IGNORECASE)
"""Names that a card gets by mistake: a denial in one must not pass for no card at all."""

_MEND = "Correct the card; while it is wrong nothing is done with the recordings it speaks for"


def find_card(audio_path: Path) -> Path | None:
    """The card that speaks for a recording, by the rule above; None where there is none.

    Raises
    ------
    ConsentRefused
        `CARD_INVALID`: several cards in one folder, or a folder that may not be listed.
    PathRefused
        `PATH_LINK`, `PATH_IO`: the recording itself cannot be reached.
    """
    start = Path(os.path.abspath(audio_path))  # noqa: PTH100 - the link itself, with `..` taken out
    with read_errors(audio_path):
        found = _search(start.parent)
        leads_to = resolved(start)
        return found if found or leads_to.parent == start.parent else _search(leads_to.parent)


def _search(folder: Path) -> Path | None:
    home = Path.home() if "HOME" in os.environ or os.name == "nt" else None
    for level in (folder, *folder.parents)[: LEVELS + 1]:
        if level == home and level != folder:
            return None
        cards, boundary = _listed(level)
        made = workspaces.cards_of(level) if level.name else []
        if made:
            return _made_beside(level, cards, made)
        if cards:
            return _chosen(level, cards)
        if (collection := workspaces.collection_of(level)) is not None:
            return _search(collection)
        if boundary or level == home or level.is_mount():
            return None
    return None


def _listed(folder: Path) -> tuple[list[str], bool]:
    """Names of cards in a folder, and whether a repository begins there."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if "card" in entry.name.lower() or entry.name == ".git"]
    except FileNotFoundError:
        return [], False
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM):
            # Without the right to look a card may be hidden; a circle of links, or a stick that is gone, hides the recording too.
            raise
        raise ConsentRefused(
            shown(folder),
            f"whether a card lies here cannot be seen ({error.strerror})",
            "Ask for the right to list this folder",
            "CARD_INVALID",
        ) from error
    cards = sorted(name for name in names if name.endswith(".card.toml"))
    if not cards and (meant := [name for name in sorted(names) if _MISNAMED.fullmatch(name)]):
        raise ConsentRefused(
            shown(folder / meant[0]),
            "this looks like a consent card, but by its name it is none: call it collection.card.toml, or otherwise if it is no card",
            _MEND,
            "CARD_INVALID",
        )
    return cards, ".git" in names


def _chosen(folder: Path, cards: list[str]) -> Path:
    for name in ("collection.card.toml", f"{folder.name}.card.toml"):
        if name in cards:
            return folder / name
    if len(cards) == 1:
        return folder / cards[0]
    raise ConsentRefused(
        shown(folder),
        f"several cards lie here and none is named for the folder: {', '.join(shown(c) for c in cards[:5])}",
        f"Name the one that counts collection.card.toml or {shown(folder.name)}.card.toml",
        "CARD_INVALID",
    )


def _made_beside(folder: Path, cards: list[str], made: list[Path]) -> Path:
    if not cards and len(made) == 1:
        return made[0]
    several = [*(folder / name for name in cards), *made]
    raise ConsentRefused(
        shown(folder),
        f"several cards speak for it, and none could be ignored safely: {', '.join(shown(path) for path in several[:5])}",
        "Write what the others say into one of them, and take the others away",
        "CARD_INVALID",
    )


def load_card(path: Path) -> Card:
    """A collection's card, checked.

    Raises
    ------
    ConsentRefused
        `CARD_INVALID`: it is gone, no TOML, or breaks the schema; all faults are named by field.
    """
    data = _read(path)
    return _card(data, shown(path))


@functools.lru_cache(maxsize=64)
def _card(data: bytes, where: str) -> Card:
    return check_card(_toml(data, where), where, hashlib.sha256(data).hexdigest())


def check_card(raw: dict[str, Any], where: str, sha256: str = "") -> Card:
    """The card in data already parsed, dates as ISO text; refused as by `load_card`."""
    _check(raw, "collection_card.schema.json", where)
    try:
        return card_of(raw, sha256)
    except ValueError as error:  # a day that no calendar has: the schema knows only its form
        raise ConsentRefused(where, f"the card holds a day that does not exist ({error})", _MEND, "CARD_INVALID") from error


def load_person(path: Path) -> Person:
    """A person's card, checked; refused as by `load_card`."""
    where = shown(path)
    return check_person(_toml(_read(path), where), where)


def check_person(raw: dict[str, Any], where: str) -> Person:
    """The person in data already parsed, dates as ISO text; refused as by `load_card`."""
    _check(raw, "person.schema.json", where)
    try:
        return person_of(raw)
    except ValueError as error:
        raise ConsentRefused(where, f"the card holds a day that does not exist ({error})", _MEND, "CARD_INVALID") from error


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise ConsentRefused(shown(path), "the card is not there, or no file", _MEND, "CARD_INVALID")
        return path.read_bytes()
    except OSError as error:
        raise ConsentRefused(shown(path), f"the card cannot be read ({error.strerror})", _MEND, "CARD_INVALID") from error


def _toml(data: bytes, where: str) -> dict[str, Any]:
    try:
        raw = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConsentRefused(where, f"the card is not UTF-8 (byte {error.start})", _MEND, "CARD_INVALID") from error
    except tomllib.TOMLDecodeError as error:
        raise ConsentRefused(where, f"the card is no TOML ({error})", _MEND, "CARD_INVALID") from error
    found = plain(raw)
    if not isinstance(found, dict):
        raise TypeError("a TOML document is a table")
    return found


def plain(value: Any) -> Any:
    """A TOML value with its dates as the ISO text that the schema speaks of."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return value


@functools.cache
def _validator(schema: str) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(resources.files(__package__).joinpath(schema).read_text(encoding="utf-8")))


def _check(raw: dict[str, Any], schema: str, where: str) -> None:
    faults = sorted({_said(error) for error in _validator(schema).iter_errors(raw)})
    if faults:
        more = f"; and {len(faults) - 8} more" if len(faults) > 8 else ""
        raise ConsentRefused(where, f"the card breaks its schema: {'; '.join(faults[:8])}{more}", _MEND, "CARD_INVALID")


def _said(error: Any) -> str:
    """One fault: the field, and the rule it breaks. Names of fields are shown, values are not."""
    field = ".".join(str(part) for part in error.absolute_path) or "(top)"
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"{field}: {', '.join(missing)} missing"
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        unknown = sorted(set(error.instance) - set(error.schema.get("properties", {})))
        return f"{field}: unknown {', '.join(shown(str(name)) for name in unknown)}"
    if error.validator == "enum":
        return f"{field}: none of the values allowed"
    return f"{field}: breaks {error.validator}"
