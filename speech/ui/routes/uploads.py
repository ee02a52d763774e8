"""Recordings, and old transcripts of them, sent in pieces of at most 4 MiB: begun, put, taken up again, ended."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from speech.errors import DiskFailure, Refusal
from speech.ui.answers import Json, NotThere, refused
from speech.ui.routes.common import Uploader, served_of
from speech.ui.uploads import Kind, Upload

router = APIRouter()


class Begin(BaseModel):
    """A file's name and size, and what it is sent as."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=1000)
    size: int
    kind: Kind = "recording"


class End(BaseModel):
    """What the whole file's SHA-256 is."""

    model_config = ConfigDict(extra="forbid")
    sha256: str = Field(max_length=64)


def _own(request: Request, id: str, owner: str) -> Upload:
    found = served_of(request).uploads.find(id, owner)
    if found is None:
        raise NotThere
    return found


@router.post("/upload")
def begin(request: Request, asker: Uploader, asked: Begin) -> Json:
    """Begin; what the file is called here, and where it goes on."""
    try:
        made = served_of(request).uploads.begin(asker.name, asked.name, asked.size, kind=asked.kind)
    except (Refusal, DiskFailure) as error:
        return refused(error, 413)
    return Json({"id": made.id, "name": made.name, "at": 0})


@router.get("/upload")
def coming(request: Request, asker: Uploader) -> Json:
    """The asker's own that were begun and not ended."""
    own = [u for u in served_of(request).uploads.coming() if u.owner == asker.name]
    return Json([{"id": u.id, "name": u.name, "size": u.size, "at": u.at} for u in own])


@router.get("/upload/{id}")
def state(request: Request, asker: Uploader, id: str) -> Json:
    """Where it goes on."""
    found = _own(request, id, asker.name)
    return Json({"id": found.id, "name": found.name, "size": found.size, "at": found.at})


@router.put("/upload/{id}")
async def put(request: Request, asker: Uploader, id: str, at: int) -> Json:
    """Add a piece; 409 with the place where it goes on, where this one does not."""
    found = await run_in_threadpool(_own, request, id, asker.name)
    data = await request.body()
    uploads = served_of(request).uploads
    try:
        return Json({"at": await run_in_threadpool(uploads.put, found, at, data)})
    except Refusal:
        now = await run_in_threadpool(_own, request, id, asker.name)
        return Json({"ok": False, "at": now.at}, 409)


@router.post("/upload/{id}/end")
def end(request: Request, asker: Uploader, id: str, asked: End) -> Json:
    """The file is whole: it becomes a recording of the collection, or a transcript that waits for its recording."""
    served = served_of(request)
    upload = _own(request, id, asker.name)
    if upload.kind == "transcript":
        sent = served.uploads.end(upload, asked.sha256, lambda part: served.texts.keep(part, owner=asker.name, name=upload.name))
        return Json(served.waiting(sent, asker))
    return Json(served.added(served.uploads.end(upload, asked.sha256, lambda part: served.uploads.sound(part, upload.name))))


@router.delete("/upload/{id}")
def give_up(request: Request, asker: Uploader, id: str) -> Json:
    """Drop what is here of it."""
    served_of(request).uploads.give_up(_own(request, id, asker.name))
    return Json({"ok": True})
