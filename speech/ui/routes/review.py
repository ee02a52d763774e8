"""Recordings and their segments: lists, edits, what others changed, history, orders, peaks."""

from __future__ import annotations

import math
import zlib
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from speech.audio.peaks import MOST_POINTS, read_peaks
from speech.diarise.thresholds import UNSURE_MARGIN
from speech.errors import PathRefused
from speech.review import edits, orders, replacing
from speech.review.doubts import doubts_kept
from speech.ui.answers import Json, NotThere
from speech.ui.routes.common import Listener, Reader, Writer, recording_of, served_of

router = APIRouter(prefix="/api/recordings")

RIGHTS = {
    "text": "text", "translation": "text", "language": "text", "status": "status", "note": "note",
    "undo": "text", "redo": "text", "restore": "text",
    "speaker": "speakers", "rename_speaker": "speakers", "times": "times", "split": "times", "merge": "times", "add": "times",
    "delete": "times", "replace": "replace",
}  # fmt: skip
"""The right that each act asks for."""
LATEST_MS = 10**9


class Edit(BaseModel):
    """An act, under the client's id, made on segments as the client saw them."""

    model_config = ConfigDict(extra="allow")
    id: str = Field(min_length=1, max_length=80)
    base: dict[str, int] = Field(default_factory=dict)
    act: str = Field(max_length=40)


class OfSegment(BaseModel):
    """A segment that was heard, or where the person is."""

    model_config = ConfigDict(extra="forbid")
    segment: str = Field(min_length=1, max_length=80)


class Sought(BaseModel):
    """What is looked for; as the act `replace`."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)
    find: str = Field(max_length=400)


@router.get("")
def recordings(request: Request, asker: Reader) -> Json:
    """The recordings that the asker may know of, with how far each is."""
    return Json(served_of(request).listed(asker))


@router.get("/{id}")
def recording(request: Request, asker: Reader, id: str) -> Json:
    """A recording with its segments as they are now."""
    served = served_of(request)
    known = recording_of(request, id, "review")
    fold = edits.segments_of(served.store, id)
    heard = edits.heard_in(served.store, id)
    segments = [{**form, "heard": form["id"] in heard} for form in fold.ordered()]
    return Json(
        {
            "id": id,
            "name": known.name,
            "duration_ms": known.duration_ms,
            "language": served.language_of(known, segments),
            "languages": served.languages_of(known, segments),
            "speakers": sorted({s["speaker"] for s in segments if s.get("speaker")}),
            "seq": fold.seq,
            "place": edits.place_in(served.store, id, asker.name),
            "draft": fold.drafted,
            "doubts": {**doubts_kept(edits.about(served.store, id)).as_dict(), "margin": UNSURE_MARGIN},
            "segments": segments,
        }
    )


@router.get("/{id}/changes")
def changes(request: Request, asker: Reader, id: str, after: int = 0) -> Json:
    """What happened since."""
    recording_of(request, id, "review")
    return Json(edits.changes_since(served_of(request).store, id, after).as_dict())


@router.post("/{id}/edits")
def edit(request: Request, asker: Writer, id: str, asked: Edit) -> Json:
    """Make an edit; stored when this answers."""
    recording_of(request, id, "review")
    if not asker.may(RIGHTS.get(asked.act, "keeper")):
        raise NotThere
    act: dict[str, Any] = {"act": asked.act, **(asked.model_extra or {})}
    made = edits.record(served_of(request).store, id, person=asker.name, id=asked.id, base=asked.base, asked=act)
    return Json(made.as_dict(), 409 if isinstance(made, edits.Conflict) else 200)


@router.post("/{id}/heard")
def heard(request: Request, asker: Listener, id: str, said: OfSegment) -> Json:
    """A segment was heard to its end."""
    recording_of(request, id, "review")
    _there(request, id, said.segment)
    edits.mark_heard(served_of(request).store, id, said.segment, asker.name)
    return Json({"ok": True})


@router.post("/{id}/place")
def place(request: Request, asker: Reader, id: str, said: OfSegment) -> Json:
    """Where the person is."""
    recording_of(request, id, "review")
    _there(request, id, said.segment)
    edits.put_place(served_of(request).store, id, said.segment, asker.name)
    return Json({"ok": True})


def _there(request: Request, id: str, segment: str) -> None:
    if segment not in edits.segments_of(served_of(request).store, id).forms:
        raise NotThere


@router.get("/{id}/history/{segment}")
def history(request: Request, asker: Reader, id: str, segment: str) -> Json:
    """Every edit of a segment."""
    recording_of(request, id, "review")
    return Json([past.as_dict() for past in edits.history(served_of(request).store, id, segment)])


@router.get("/{id}/order")
def order(
    request: Request,
    asker: Reader,
    id: str,
    by: Literal["time", "unsure", "teaches", "disagreement", "random"] = "time",
    status: str = "",
    speaker: str = "",
) -> Json:
    """What to look at next, with the reason."""
    recording_of(request, id, "review")
    segments = edits.segments_of(served_of(request).store, id).segments
    states = tuple(part for part in status.split(",") if part)
    # The same person sees the same chance order each time.
    seed = zlib.crc32(f"{id} {asker.name}".encode())
    found = orders.ordered(segments.values(), by, seed=seed, status=states, speaker=speaker or None)
    return Json([one.as_dict() for one in found])


@router.post("/{id}/find")
def find(request: Request, asker: Reader, id: str, asked: Sought) -> Json:
    """Where a text stands, and what replacing it would give."""
    recording_of(request, id, "review")
    wanted = replacing.sought({"find": asked.find, **(asked.model_extra or {})})
    segments = edits.segments_of(served_of(request).store, id).segments
    return Json([hit.as_dict() for hit in replacing.find(segments.values(), wanted)])


@router.get("/{id}/peaks")
def peaks(request: Request, asker: Listener, id: str, from_ms: float = 0, to_ms: float | None = None, points: float = 2000) -> Response:
    """The lowest and highest of each step, as int8; 404 with `wait` while they are being made."""
    known = recording_of(request, id, "play")
    served = served_of(request)
    if not 1 <= points <= MOST_POINTS or not 0 <= from_ms <= LATEST_MS or not (to_ms is None or from_ms <= to_ms <= LATEST_MS):
        return Json({"ok": False, "code": "REQUEST", "what": "these are no times of a window", "mend": "Load the page again"}, 422)
    try:
        pairs, step_ms = read_peaks(served.peaks_file(known), int(from_ms), None if to_ms is None else math.ceil(to_ms), int(points))
    except PathRefused:
        served.look(known)
        return Json({"ok": False, "wait": True}, 404)
    headers = {"x-points": str(len(pairs)), "x-step-ms": str(step_ms), "cache-control": "private, max-age=300"}
    return Response(pairs.tobytes(), media_type="application/octet-stream", headers=headers)


@router.get("/{id}/facts")
def facts(request: Request, asker: Reader, id: str) -> Json:
    """What the file holds against what its header claims; `wait` while nobody has looked yet."""
    known = recording_of(request, id, "review")
    served = served_of(request)
    if "found_ms" not in known.facts and "refusal" not in known.facts:
        served.look(known)
        return Json({"ok": True, "wait": True})
    return Json({"ok": True, **known.facts})
