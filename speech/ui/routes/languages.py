"""Languages that can be transcribed here, with figures from cards, and the command that fetches what is missing."""

from __future__ import annotations

from fastapi import APIRouter, Request

from speech.review import learning
from speech.review.spoken import may_be_spoken
from speech.ui.answers import Json
from speech.ui.catalogue import found
from speech.ui.routes.common import Reader, recording_of, served_of

router = APIRouter(prefix="/api/languages")


@router.get("")
def languages(request: Request, asker: Reader, q: str = "") -> Json:
    """Those meant by `q`, all for an empty one; an adapter that was learnt here and put to use stands in place of the model's own."""
    return Json(found(q[:100], learning.all_in_use(learning.models_of(served_of(request).workspace()))))


@router.get("/spoken/{recording}")
def spoken(request: Request, asker: Reader, recording: str) -> Json:
    """Which languages may be spoken in a recording, by its card and the model, and why another is not among them."""
    known = recording_of(request, recording, "review")
    return Json(may_be_spoken(served_of(request).workspace(), known).as_dict())
