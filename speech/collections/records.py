"""What cards say, as frozen records: consent, conditions, labels, rulings, people. No decision is taken here.

Days are `datetime.date`, read from ISO text. Groups of scopes are expanded when a record is made, so that the gate
only ever sees single scopes; no scope implies another.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

LOCAL = ("play", "review", "transcribe_local", "diarise", "identify_language", "translate", "evaluate")
TRAIN = ("train_asr", "train_lid")
LEAVE = ("transcribe_remote", "export_text", "export_audio")
PUBLISH = ("publish_text", "publish_audio", "publish_model")
VOICE = ("voiceprint", "train_tts", "synthesise_voice")
SCOPES = LOCAL + TRAIN + LEAVE + PUBLISH + VOICE
"""Every scope, in the order in which several are decided and the first refusal is named."""

GROUPS: Mapping[str, tuple[str, ...]] = {"LOCAL": LOCAL, "TRAIN": TRAIN, "LEAVE": LEAVE, "PUBLISH": PUBLISH}
"""Names that stand for several scopes. The voice scopes have none: they are always written out."""

Answer = Literal["granted", "denied", "conditional", "pending", "withdrawn"]


def expand(names: Iterable[str]) -> tuple[str, ...]:
    """Scopes and groups as single scopes, each once, in the order of `SCOPES`; names that are neither are kept at the end.

    `ALL`, which only a denial or withdrawal may say, is every scope.
    """
    given = list(names)
    single = {scope for name in given for scope in (SCOPES if name == "ALL" else GROUPS.get(name, (name,)))}
    return tuple(s for s in SCOPES if s in single) + tuple(sorted(single.difference(SCOPES)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What the machine checks before a granted record counts. Empty means not asked for."""

    purposes: frozenset[str] = frozenset()
    embargo_until: datetime.date | None = None
    review_before_publish: bool = False
    names_hidden: bool = False
    places: frozenset[str] = frozenset()
    remote_no_retention: bool = False
    recipients: frozenset[str] = frozenset()
    months: frozenset[int] = frozenset()
    delete_after: datetime.date | None = None
    other: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One answer that someone gave, with its basis. Never changed; a newer one supersedes."""

    id: str
    decision: Answer
    scopes: frozenset[str]
    basis: str
    given_on: datetime.date
    valid_from: datetime.date | None = None
    expires: datetime.date | None = None
    conditions: Conditions = field(default_factory=Conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A Traditional Knowledge or Biocultural label, or a notice (`n_...`); `items` empty means the whole collection."""

    code: str
    set_by: str = ""
    items: frozenset[str] = frozenset()
    months: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A recorded human decision that lifts reasons, or says no."""

    id: str
    decision: Literal["allow", "refuse"]
    scopes: frozenset[str]
    lifts: frozenset[str]
    labels: frozenset[str]
    items: frozenset[str]
    authority: str
    given_on: datetime.date
    expires: datetime.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Community:
    """A community that must agree, and what it said."""

    id: str
    records: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person by code. Nothing here tells who it is."""

    code: str
    records: tuple[Record, ...] = ()
    child: bool = False
    reconsent_on: datetime.date | None = None
    deceased: bool = False
    after_death: str = "heirs"
    mourning_until: datetime.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A collection's card, checked against its schema. `sha256` is that of the file it was read from."""

    id: str
    title: str
    access: str
    licence: str
    records: tuple[Record, ...]
    languages: tuple[str, ...] = ()
    rule: Literal["each", "collection"] = "each"
    attribution: str = ""
    item_access: Mapping[str, str] = field(default_factory=dict)
    communities: tuple[Community, ...] = ()
    community_required: bool = False
    labels: tuple[Label, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    people_folder: str = ""
    benefit_agreed: bool = False
    derived_from: tuple[str, ...] = ()
    synthetic: bool = False
    sha256: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)
    """The whole card as read, for those who show it; dates as ISO text."""


def card_of(raw: Mapping[str, Any], sha256: str = "") -> Card:
    """The card that checked data describe (`cards.load_card` checks them)."""
    people, community = raw["people"], raw["community"]
    return Card(
        id=raw["id"],
        title=raw["title"],
        access=raw["access"]["class"],
        item_access=dict(raw["access"].get("items", {})),
        licence=raw["licence"]["id"],
        attribution=raw["licence"].get("attribution", ""),
        records=_records(raw["consent"]),
        languages=tuple(row["iso639_3"] for row in raw["languages"]),
        rule=people["rule"],
        people_folder=people.get("folder", ""),
        community_required=community["consent_required"],
        communities=tuple(Community(id=c["id"], records=_records(c.get("consent", ()))) for c in community.get("communities", ())),
        labels=tuple(_label(label) for label in raw.get("labels", ())),
        rulings=tuple(_ruling(ruling) for ruling in raw.get("rulings", ())),
        benefit_agreed=raw.get("benefit", {}).get("agreed", False),
        derived_from=tuple(raw.get("derived_from", ())),
        synthetic=raw.get("synthetic", False),
        sha256=sha256,
        raw=raw,
    )


def person_of(raw: Mapping[str, Any]) -> Person:
    """The person that checked data describe."""
    return Person(
        code=raw["code"],
        records=_records(raw["consent"]),
        child=raw.get("age_band") == "child" or "minor" in raw,
        reconsent_on=_day(raw.get("minor", {}).get("reconsent_on")),
        deceased=raw.get("life") == "deceased",
        after_death=raw.get("after_death", "heirs"),
        mourning_until=_day(raw.get("mourning_until")),
    )


def _records(found: Iterable[Mapping[str, Any]]) -> tuple[Record, ...]:
    return tuple(
        Record(
            id=raw["id"],
            decision=raw["decision"],
            scopes=frozenset(expand(raw["scopes"])),
            basis=raw["basis"],
            given_on=datetime.date.fromisoformat(raw["given_on"]),
            valid_from=_day(raw.get("valid_from")),
            expires=_day(raw.get("expires")),
            conditions=_conditions(raw.get("conditions", {})),
        )
        for raw in found
    )


def _conditions(raw: Mapping[str, Any]) -> Conditions:
    return Conditions(
        purposes=frozenset(raw.get("purposes", ())),
        embargo_until=_day(raw.get("embargo_until")),
        review_before_publish=raw.get("review_before_publish", False),
        names_hidden=raw.get("names_hidden", False),
        places=frozenset(raw.get("places", ())),
        remote_no_retention=raw.get("remote_no_retention", False),
        recipients=frozenset(raw.get("recipients", ())),
        months=frozenset(raw.get("months", ())),
        delete_after=_day(raw.get("delete_after")),
        other=raw.get("other", ""),
    )


def _label(raw: Mapping[str, Any]) -> Label:
    return Label(code=raw["code"], set_by=raw["set_by"], items=frozenset(raw.get("items", ())), months=frozenset(raw.get("months", ())))


def _ruling(raw: Mapping[str, Any]) -> Ruling:
    return Ruling(
        id=raw["id"],
        decision=raw["decision"],
        scopes=frozenset(raw["scopes"]),
        lifts=frozenset(raw["lifts"]),
        labels=frozenset(raw.get("labels", ())),
        items=frozenset(raw["items"]),
        authority=raw["authority"],
        given_on=datetime.date.fromisoformat(raw["given_on"]),
        expires=_day(raw.get("expires")),
    )


def _day(text: str | None) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None
