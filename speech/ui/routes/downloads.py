"""Transcripts taken away: one file, or a ZIP of several; and how far the collection is.

On a server that other machines reach, what is taken away leaves the machine: the gate is asked for that scope, too. Only keepers take
away, who may know of all recordings: what the gate refuses is refused by name.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from speech.files import write_bytes
from speech.review import exchange
from speech.ui.answers import Json, NotThere
from speech.ui.routes.common import Exporter, Reader, allowed_to, served_of
from speech.ui.served import Served

router = APIRouter()

FORMATS = ("eaf", "textgrid", "srt", "vtt", "csv", "csv_words", "rttm", "json", "txt")
_ID = re.compile(r"[0-9a-f-]{36}")


class Taken(BaseModel):
    """What is taken away."""

    model_config = ConfigDict(extra="forbid")
    recordings: list[str] = Field(min_length=1, max_length=5000)
    formats: list[str] = Field(min_length=1, max_length=len(FORMATS))


def _scopes(served: Served) -> tuple[str, ...]:
    return ("review",) if served.local else ("review", "export_text")


def _attached(data: bytes, name: str, media_type: str) -> Response:
    shown = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return Response(data, media_type=media_type, headers={"content-disposition": shown, "cache-control": "no-store"})


@router.get("/download/{id}")
def download(request: Request, asker: Exporter, id: str, format: str = "eaf") -> Response:
    """One transcript in one format."""
    served = served_of(request)
    known = allowed_to(request, id, *_scopes(served))
    if format not in FORMATS:
        raise NotThere
    name, data = exchange.rendered(served.workspace(), known, format)
    return _attached(data, name, "application/octet-stream")


@router.post("/api/exports")
def export(request: Request, asker: Exporter, asked: Taken) -> Json:
    """Make a ZIP; what its formats cannot hold is said."""
    served = served_of(request)
    known = [allowed_to(request, id, *_scopes(served)) for id in dict.fromkeys(asked.recordings)]
    if not set(asked.formats) <= set(FORMATS):
        raise NotThere
    data, made, id = exchange.zipped(served.workspace(), known, list(dict.fromkeys(asked.formats)), person=asker.name)
    refused = [one.refusal for one in made if one.refusal is not None]
    if refused and not any(one.files for one in made):
        raise refused[0]
    write_bytes(served.place / "exports" / f"{id}.zip", data)
    losses = dict.fromkeys(finding.what for one in made for finding in one.findings)
    rows = [{"code": error.code, "what": error.what, "mend": error.mend} for error in refused]
    return Json({"id": id, "losses": list(losses), "refused": rows})


@router.get("/api/exports")
def exports(request: Request, asker: Exporter) -> Json:
    """What was taken away, by whom; the newest first."""
    found = [
        {
            "id": row["id"],
            "person": row["person"],
            "at": row["at"],
            "formats": json.loads(row["formats"]),
            "recordings": len(json.loads(row["recordings"])),
            "sha256": row["sha256"],
        }
        for row in _rows(served_of(request))
    ]
    return Json(found[:200])


@router.get("/download/export/{id}")
def download_export(request: Request, asker: Exporter, id: str) -> Response:
    """A ZIP that the asker made; what the gate allows no longer is not given out again."""
    served = served_of(request)
    row = next((row for row in _rows(served) if row["id"] == id and row["person"] == asker.name), None)
    path = served.place / "exports" / f"{id}.zip"
    if row is None or not _ID.fullmatch(id) or not path.is_file():
        raise NotThere
    for one in json.loads(row["recordings"]):
        allowed_to(request, str(one["id"]), *_scopes(served))
    return _attached(path.read_bytes(), f"{served.name}.zip", "application/zip")


def _rows(served: Served) -> list[dict[str, Any]]:
    from speech.store.tables import export

    with served.store.read() as connection:
        asked = export.select().where(export.c.workspace == served.id).order_by(export.c.at.desc(), export.c.id)
        return [dict(row) for row in connection.execute(asked).mappings()]


@router.get("/api/progress")
def how_far(request: Request, asker: Reader) -> Json:
    """Segments and milliseconds by state, recording by recording and together; approved speech by speaker and language."""
    found = served_of(request).counted()
    return Json(
        {
            "recordings": [one.as_dict() for one in found.recordings],
            "total": found.total.as_dict(),
            "approved": [{"speaker": s, "language": code, "ms": ms} for (s, code), ms in found.approved.items()],
        }
    )
