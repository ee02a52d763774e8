"""What was agreed about the recordings: what the gate says of each, the form that is filled in, taking back; and the basis for
recordings without a card, asked once."""

from __future__ import annotations

import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from speech import languages
from speech.collections import answers, asking, consent
from speech.collections.cards import find_card, load_card
from speech.errors import ConsentRefused, UsageFailure
from speech.review import agreed
from speech.ui.answers import Json, NotThere
from speech.ui.routes.common import Consenter, Reader, served_of
from speech.ui.served import Known, Served
from speech.ui.users import Asker

router = APIRouter(prefix="/api/consent")

ASKED = ("play", "review", "transcribe_local", "train_asr", "export_text")

Line = Annotated[str, Field(min_length=1, max_length=300)]
Name = Annotated[str, Field(min_length=1, max_length=40)]


class Basis(BaseModel):
    """On what basis recordings without a card are used here."""

    model_config = ConfigDict(extra="forbid")
    basis: str = Field(min_length=3, max_length=300)


class Described(BaseModel):
    """What is asked about a collection that has no card yet."""

    model_config = ConfigDict(extra="forbid")
    title: Line
    languages: list[Name] = Field(min_length=1, max_length=20)
    holder: Line
    kind: Name
    source: Line
    licence: Name


class Form(BaseModel):
    """The form, filled in: for the collection, or for people by code. Spoken answers name a recording of the collection by its id."""

    model_config = ConfigDict(extra="forbid")
    people: list[Name] = Field(default_factory=list, max_length=200)
    collection: Described | None = None
    how: Name
    allow: list[Name] = Field(max_length=20)
    purposes: list[Name] = Field(min_length=1, max_length=10)
    given_on: datetime.date
    until: datetime.date | None = None
    evidence: str = Field(default="", max_length=300)
    recording: str = Field(default="", max_length=16)

    @model_validator(mode="after")
    def one_of_both(self) -> Form:
        """People answer on cards of their own: not together with a new card of the collection."""
        if self.people and self.collection:
            raise ValueError("people and a new collection at once")
        return self


class Withdrawal(BaseModel):
    """Who takes back what; no person: the holder."""

    model_config = ConfigDict(extra="forbid")
    person: str = Field(default="", max_length=40)
    scopes: list[Name] = Field(default_factory=lambda: ["ALL"], min_length=1, max_length=30)


@router.get("")
def basis(request: Request, asker: Reader) -> Json:
    """What was stated for recordings without a card, and how many there are."""
    served = served_of(request)
    return Json({"basis": served.basis(), "uncarded": agreed.uncarded(served.workspace())})


@router.get("/form")
def form(request: Request, asker: Consenter) -> Json:
    """What was answered, who has not answered yet, what may be done with how many recordings, and what the form offers."""
    served = served_of(request)
    found = agreed.agreed(served.workspace())
    card = found.card
    return Json(
        {
            "where": found.where,
            "folder": served.name,
            "fault": found.fault,
            "card": card and {
                "id": card.id, "title": card.title, "holder": card.raw["holder"]["name"], "languages": list(card.languages),
                "licence": card.licence, "for_all": card.rule == "collection", "records": [r.as_dict() for r in found.records],
            },
            "speakers": [speaker.as_dict() for speaker in found.speakers],
            "unknown": found.unknown,
            "uncarded": found.uncarded,
            "recordings": found.recordings,
            "may": [may.as_dict() for may in found.may],
            "languages": [{"code": code, "name": languages.load(code).name} for code in found.languages],
            "sound": [{"id": known.id, "name": known.name} for known in served.workspace().recordings()],
            "today": consent.today().isoformat(),
            "offered": {
                "how": asking.HOW, "how_person": asking.HOW_PERSON, "allow": asking.ALLOW, "voices": asking.VOICES,
                "purposes": consent.PURPOSES, "kinds": answers.HOLDERS, "licences": answers.LICENCES,
            },
        }
    )  # fmt: skip


@router.post("/form")
def answered(request: Request, asker: Consenter, given: Form) -> Json:
    """Write what was answered: all of it or nothing."""
    served = served_of(request)
    evidence, digest = given.evidence.strip(), ""
    if given.how == "oral_recorded":
        evidence, digest = _sound(served, given.recording)
    collection = None
    if given.collection is not None:
        d = given.collection
        codes = tuple(languages.check_code(code.strip().lower(), "languages") for code in d.languages)
        collection = asking.Collection(
            title=d.title, languages=codes, holder=d.holder, kind=d.kind, source=d.source, licence=d.licence
        )  # fmt: skip
    answer = asking.Answer(
        how=given.how, allow=tuple(given.allow), asked=asking.ALLOW + (asking.VOICES if given.people else ()), given_on=given.given_on,
        until=given.until, evidence=evidence, evidence_sha256=digest, purposes=tuple(given.purposes), recorded_by="keeper",
    )  # fmt: skip
    made = asking.record(
        _own_card(served, collection), answer, collection=collection, people=given.people, agents=served.agents(asker), store=served.store
    )
    return _told(served, made)


@router.post("/withdraw")
def withdraw(request: Request, asker: Consenter, given: Withdrawal) -> Json:
    """Write down that consent was taken back; the gate refuses from the next request on."""
    served = served_of(request)
    made = asking.withdraw(
        _own_card(served, None), person=given.person, scopes=given.scopes, recorded_by="keeper", agents=served.agents(asker),
        store=served.store,
    )  # fmt: skip
    return _told(served, [made])


@router.get("/{recording}")
def state(request: Request, asker: Reader, recording: str) -> Json:
    """Each scope with the gate's answer, who bars it (by code) and what would change it; for keepers, also of what is refused."""
    served = served_of(request)
    known = served.find(recording)
    if known is None or not (asker.may("consent") or served.allowed(known, ("review",))):
        raise NotThere
    workspace, scopes = served.workspace(), {}
    for scope in ASKED:
        decision = workspace.allowed(known, scope)
        first = decision.reasons[0] if decision.reasons else None
        row: dict[str, Any] = {
            "allowed": decision.allowed,
            "code": decision.code,
            "what": first.what if first else "",
            "mend": first.mend if first else "",
        }
        if asker.may("consent"):
            row |= {"people": list(decision.people), "record": first.record if first else ", ".join(decision.records)}
        scopes[scope] = row
    card, title, holder = _speaks(served, known, asker)
    return Json({"recording": recording, "card": card, "title": title, "holder": holder, "basis": served.basis(), "scopes": scopes})


@router.post("")
def state_basis(request: Request, asker: Consenter, asked: Basis) -> Json:
    """State the basis."""
    served_of(request).state_basis(asked.basis, asker)
    return Json({"ok": True, "basis": asked.basis})


def _speaks(served: Served, known: Known, asker: Asker) -> tuple[bool, str, str]:
    """Whether a card speaks for a recording, its title and, for keepers, who holds it."""
    try:
        path = find_card(served.path(known))
        card = load_card(path) if path is not None else None
    except ConsentRefused:
        return True, "", ""
    if card is None:
        return False, "", ""
    return True, card.title, str(card.raw["holder"]["name"]) if asker.may("consent") else ""


def _own_card(served: Served, collection: asking.Collection | None) -> Any:
    """The card of the workspace: that with the recordings is not written here."""
    path, where = agreed.card_of(served.workspace())
    if where == "theirs":
        raise UsageFailure(
            "consent", "the card lies with the recordings, where the app changes nothing",
            f"Add to it on the command line: speech consent record {served.name}", "CONSENT_ANSWER",
        )  # fmt: skip
    if where == "ours" and collection is not None:
        raise UsageFailure("consent", "there is a card already", "Load the page again, and answer anew", "CONSENT_ANSWER")
    return path


def _sound(served: Served, id: str) -> tuple[str, str]:
    """Name and hash of the recording in which an answer is heard."""
    from speech.files import sha256_of

    known = served.find(id)
    if known is None:
        raise UsageFailure(
            "evidence", "what was said is to be named as its recording", "Send the recording first, then choose it", "CONSENT_ANSWER"
        )
    return known.name, sha256_of(served.path(known))


def _told(served: Served, made: list[asking.Written]) -> Json:
    served.agreed_anew()
    rows = [
        {
            "person": one.person, "records": list(one.records), "scopes": list(one.scopes), "decision": one.decision,
            "taken_back": list(one.taken_back), "outdone": list(one.outdone),
        }
        for one in made
    ]  # fmt: skip
    return Json({"ok": True, "written": rows})
