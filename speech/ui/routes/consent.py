"""What the gate says of a recording, before any work; and the basis for recordings without a card, asked once."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from speech.collections.cards import find_card
from speech.errors import ConsentRefused
from speech.ui.answers import Json, NotThere
from speech.ui.routes.common import Consenter, Reader, served_of
from speech.ui.served import Known, Served

router = APIRouter(prefix="/api/consent")

ASKED = ("play", "review", "transcribe_local", "train_asr", "export_text")


class Basis(BaseModel):
    """On what basis recordings without a card are used here."""

    model_config = ConfigDict(extra="forbid")
    basis: str = Field(min_length=3, max_length=300)


@router.get("")
def basis(request: Request, asker: Reader) -> Json:
    """What was stated for recordings without a card, and whether there is one that waits for it."""
    served = served_of(request)
    stated = served.basis()
    return Json({"basis": stated, "wanted": stated is None and any(_has_no_card(served, r) for r in served.workspace().recordings())})


def _has_no_card(served: Served, known: Known) -> bool:
    try:
        return find_card(served.path(known)) is None
    except ConsentRefused:
        return False


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
    return Json({"recording": recording, "card": not _has_no_card(served, known), "basis": served.basis(), "scopes": scopes})


@router.post("")
def state_basis(request: Request, asker: Consenter, asked: Basis) -> Json:
    """State the basis."""
    served_of(request).state_basis(asked.basis, asker)
    return Json({"ok": True, "basis": asked.basis})
