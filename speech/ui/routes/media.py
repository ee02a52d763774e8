"""Sound for the browser, in pieces: each request is asked of the gate anew, so that a withdrawal stops what plays."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi import APIRouter, Request, Response

from speech.ui.answers import Json, NotThere
from speech.ui.routes.common import Listener, own_speech, recording_of, served_of
from speech.ui.spoken import KINDS

router = APIRouter()

PIECE = 512 << 10
"""Bytes of an answer, at most: what a player that is given the whole file would swallow."""
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


@router.get("/media/{id}")
@router.head("/media/{id}")
def media(request: Request, asker: Listener, id: str) -> Response:
    """A piece of a recording, or of speech that the asker had made: 206 with the range asked for, cut to 512 KiB; without a range its
    beginning."""
    served = served_of(request)
    if served.find(id) is None:
        _, path = own_speech(request, asker, id)
        return _piece(request, path, KINDS[path.suffix])
    known = recording_of(request, id, "play")
    found = served.playable(known)
    if found is None:
        served.look(known)
        return Json({"ok": False, "wait": True}, 404)
    return _piece(request, *found)


def _piece(request: Request, path: Path, media_type: str) -> Response:
    headers = {
        "accept-ranges": "bytes", "cache-control": "private, no-store", "content-disposition": "inline",
    }  # fmt: skip
    try:
        size = path.stat().st_size
        if request.method == "HEAD":
            return Response(status_code=200, headers={**headers, "content-length": str(size)}, media_type=media_type)
        span = span_of(request.headers.get("range", "bytes=0-"), size)
        if span is None:
            return Response(status_code=416, headers={**headers, "content-range": f"bytes */{size}"})
        first, last = span
        data = _read(path, first, last - first + 1)
    except OSError as error:
        raise NotThere from error
    headers["content-range"] = f"bytes {first}-{first + len(data) - 1}/{size}"
    return Response(data, status_code=206, headers=headers, media_type=media_type)


def span_of(asked: str, size: int) -> tuple[int, int] | None:
    """First and last byte of the piece that a Range header gets; None where there is none to get.

    >>> span_of("bytes=10-", 100), span_of("bytes=-5", 100), span_of("bytes=100-", 100), span_of("bytes=0-1,5-6", 100)
    ((10, 99), (95, 99), None, None)
    """
    found = _RANGE.fullmatch(asked.strip())
    if found is None or size == 0 or not (found[1] or found[2]):
        return None
    if not found[1]:
        first, last = max(0, size - int(found[2])), size - 1
        if int(found[2]) == 0:
            return None
    else:
        first, last = int(found[1]), min(int(found[2]) if found[2] else size - 1, size - 1)
    if first >= size or last < first:
        return None
    return first, min(last, first + PIECE - 1)


def _read(path: Path, first: int, count: int) -> bytes:
    with path.open("rb") as file:
        file.seek(first)
        return file.read(count)
