"""What people said about their recordings, written down: a new card, and records added to cards that are there.

Cards are written as text, and added to as text: what a person wrote by hand in one stays, and no record is ever changed. What is
written is read and checked first, so that no file is left that `cards` would refuse.
"""

from __future__ import annotations

import datetime
import json
import re
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speech.collections import cards
from speech.collections.records import Answer
from speech.errors import ConsentRefused
from speech.files import read_bytes, shown, write_text

HOLDERS = ("community", "researcher", "archive", "project", "organisation")
LICENCES = (
    "archive_terms", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-4.0",
    "kaitiakitanga", "noodl", "mit", "apache-2.0", "unknown",
)  # fmt: skip
EVIDENCE = {
    "written": "form",
    "oral_recorded": "recording",
    "community_protocol": "minutes",
    "public_licence": "licence_text",
    "guardian": "form",
    "heir": "form",
}
"""What shows that it was agreed, by how it was agreed."""
CARD, PEOPLE, MANIFEST = "collection.card.toml", "people", "manifest.jsonl"
"""Names beside the recordings: the card, the folder of people's cards, the manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer: what was agreed or refused, on what basis, when, for what and until when."""

    scopes: tuple[str, ...]
    basis: str
    given_by: str
    given_on: datetime.date
    decision: Answer = "granted"
    evidence: str = ""
    """Where it can be looked up: the form, the minutes, the recording's name, the licence's page."""
    evidence_sha256: str = ""
    """Of the recording, where it was said on tape."""
    purposes: tuple[str, ...] = ()
    until: datetime.date | None = None
    """First day on which it no longer holds."""
    recorded_by: str = "linguist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a card says of a collection beside what was agreed."""

    id: str
    title: str
    languages: tuple[str, ...]
    holder: str
    kind: str
    source: str
    licence: str = "archive_terms"
    terms: str = "as the records of consent in this card say"
    attribution: str = ""
    community: str = ""
    """Who speaks for the community, where it must agree; empty where it need not, and `why_not` says why."""
    why_not: str = ""
    for_all: bool = False
    """Whether what is agreed here holds for speakers without a card of their own (a licence, or a community's protocol)."""
    people_folder: str = ""
    synthetic: bool = False
    """Whether a synthesiser made it: no person is heard, so nobody is asked."""


def identifier(name: str) -> str:
    """A card's id made of a name: small letters, digits, `_`, `.` and `-`."""
    made = re.sub(r"[^a-z0-9_.-]+", "_", name.lower()).strip("_.-")
    return made[:60] if len(made) > 1 else f"collection_{made}".strip("_")


def new_card(described: Described, said: Sequence[Said]) -> str:
    """The text of a card with its first records; what the community must say is the same, said by its authority."""
    d = described
    lines = ["schema_version = 1", f"id = {_text(d.id)}", f"title = {_text(d.title)}"]
    lines += ["synthetic = true", ""] if d.synthetic else [""]
    for code in d.languages:
        lines += ["[[languages]]", f"iso639_3 = {_text(code)}", ""]
    lines += ["[holder]", f"name = {_text(d.holder)}", f"kind = {_text(d.kind)}", ""]
    lines += ["[source]", f"reference = {_text(d.source)}", "", "[access]", 'class = "open"', ""]
    lines += ["[licence]", f"id = {_text(d.licence)}"]
    if d.licence == "archive_terms":
        lines += [f"terms = {_text(d.terms)}", 'reference = "this card"']
    if d.attribution or d.licence.startswith("cc-by"):
        lines.append(f"attribution = {_text(d.attribution or d.holder)}")
    lines += ["", "[community]", f"consent_required = {'true' if d.community else 'false'}"]
    if d.community:
        lines += ["", "[[community.communities]]", 'id = "community"', f"authority = {_text(d.community)}", ""]
        for number, one in enumerate(said, 1):
            spoken = _record(one, f"{d.id}:community-{number}", "community_protocol", "community_authority")
            lines += ["[[community.communities.consent]]", *spoken, ""]
    else:
        lines += [f"why_not = {_text(d.why_not or 'those recorded spoke for themselves')}", ""]
    lines += ["[people]", f'rule = "{"collection" if d.for_all else "each"}"']
    lines += [f"folder = {_text(d.people_folder)}"] if d.people_folder else []
    for number, one in enumerate(said, 1):
        lines += ["", "[[consent]]", *_record(one, f"{d.id}:{number}", one.basis, one.given_by)]
    return "\n".join(lines) + "\n"


def new_person(code: str, collection: str, said: Sequence[Said]) -> str:
    """The text of a person's card with the first records."""
    lines = ["schema_version = 1", f"code = {_text(code)}", f"collection = {_text(collection)}", 'roles = ["speaker"]']
    for number, one in enumerate(said, 1):
        lines += ["", "[[consent]]", *_record(one, f"{code.lower()}:{number}", one.basis, one.given_by)]
    return "\n".join(lines) + "\n"


def write_card(path: Path, text: str) -> None:
    """Write a card that holds by its schema; an earlier file is replaced, so callers look first.

    Raises
    ------
    ConsentRefused
        `CARD_INVALID`: an answer cannot be put on a card, by field.
    DiskFailure
        Nothing is left behind.
    """
    check_text(path, text)
    write_text(path, text)


def add_record(path: Path, said: Said) -> str:
    """Add what was said to a collection's or a person's card; its id. Records that are there are not touched.

    Raises
    ------
    ConsentRefused
        `CARD_INVALID`: the card there is wrong, or the answer cannot be put on it.
    """
    text, names = with_records(path, read_bytes(path).decode("utf-8"), [said])
    write_card(path, text)
    return names[0]


def with_records(path: Path, text: str, said: Sequence[Said]) -> tuple[str, list[str]]:
    """The text of the card at `path` with what was said added, and the new records' ids; nothing is written.

    Raises
    ------
    ConsentRefused
        `CARD_INVALID`: the card is wrong as it is.
    """
    raw = check_text(path, text)
    owner = str(raw["code"]).lower() if "code" in raw else str(raw["id"])
    taken = {record["id"] for record in raw["consent"]}
    communities = raw.get("community", {}).get("communities", [])
    names: list[str] = []
    added: list[str] = []
    for one in said:
        name = next(f"{owner}:{number}" for number in range(len(taken) + 1, len(taken) * 2 + 3) if f"{owner}:{number}" not in taken)
        taken.add(name)
        names.append(name)
        added += ["", "[[consent]]", *_record(one, name, one.basis, one.given_by)]
        if one.basis == "community_protocol" and len(communities) == 1:
            # Holder and community both must allow a thing: one assembly speaks for both.
            spoken = _record(one, f"{name}-community", one.basis, "community_authority")
            added += ["", "[[community.communities.consent]]", *spoken]
    return "\n".join([text.rstrip(), *added, ""]), names


def _record(said: Said, name: str, basis: str, given_by: str) -> list[str]:
    lines = [
        f"id = {_text(name)}", f"decision = {_text(said.decision)}", f"scopes = {_list(said.scopes)}", f"basis = {_text(basis)}",
        f"given_by = {_text(given_by)}", f"given_on = {said.given_on.isoformat()}",
    ]  # fmt: skip
    if said.until:
        lines.append(f"expires = {said.until.isoformat()}")
    if said.evidence:
        digest = f", sha256 = {_text(said.evidence_sha256)}" if said.evidence_sha256 else ""
        lines.append(f"evidence = {{ kind = {_text(EVIDENCE.get(basis, 'message'))}, reference = {_text(said.evidence)}{digest} }}")
    if said.purposes:
        lines.append(f"conditions = {{ purposes = {_list(said.purposes)} }}")
    return [*lines, f"recorded_by = {_text(said.recorded_by)}"]


def check_text(path: Path, text: str) -> dict[str, Any]:
    """The data of a card's text, checked as a collection's or a person's.

    Raises
    ------
    ConsentRefused
        `CARD_INVALID`.
    """
    where = shown(path)
    try:
        raw = cards.plain(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConsentRefused(where, f"the card is no TOML ({error})", "Correct the card, then answer again", "CARD_INVALID") from error
    cards.check_person(raw, where) if "code" in raw else cards.check_card(raw, where)
    return dict(raw)


def _text(value: str) -> str:
    # JSON's strings are strings of TOML, too, once DEL is escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(values: Collection[str]) -> str:
    return "[" + ", ".join(map(_text, values)) + "]"
