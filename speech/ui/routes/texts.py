"""Old transcripts that wait for being placed on their recordings: which belongs to which."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from speech.ui.answers import Json, NotThere
from speech.ui.routes.common import Uploader, served_of
from speech.ui.texts import SUFFIXES, Sent
from speech.ui.users import Asker

router = APIRouter(prefix="/api/texts")


class Belongs(BaseModel):
    """To which recording a transcript belongs; empty: to the one that is called as it is."""

    model_config = ConfigDict(extra="forbid")
    recording: str = Field(max_length=16)


def own_text(request: Request, asker: Asker, id: str) -> Sent:
    """A transcript of the asker's.

    Raises
    ------
    NotThere
        No such transcript, or another's: alike.
    """
    found = served_of(request).texts.find(id, asker.name)
    if found is None:
        raise NotThere
    return found


@router.get("")
def waiting(request: Request, asker: Uploader) -> Json:
    """The asker's own that wait, and the ends of names that are sent as transcripts."""
    return Json({"suffixes": list(SUFFIXES), "waiting": served_of(request).texts_of(asker)})


@router.put("/{id}")
def belongs(request: Request, asker: Uploader, id: str, asked: Belongs) -> Json:
    """Say to which recording it belongs."""
    served, sent = served_of(request), own_text(request, asker, id)
    if asked.recording and all(row["id"] != asked.recording for row in served.listed(asker)):
        raise NotThere
    return Json(served.waiting(served.texts.belongs(sent, asked.recording), asker))


@router.delete("/{id}")
def delete(request: Request, asker: Uploader, id: str) -> Json:
    """Delete it; work with it under way is ended first."""
    served, sent = served_of(request), own_text(request, asker, id)
    for job in served.queue.all(served.id):
        if job.kind == "align" and job.is_open and job.settings.get("text") == sent.id:
            served.queue.want(job.id, "cancel")
    served.texts.delete(sent)
    return Json({"ok": True})
