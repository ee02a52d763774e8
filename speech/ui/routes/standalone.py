"""The review of one recording by itself, for phones: the element alone."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from speech.ui.routes.common import Reader, recording_of

router = APIRouter()

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Oral Speech</title>
<link rel="icon" href="/static/icon.svg">
<link rel="stylesheet" href="/static/app.css">
<script type="module" src="/static/review.js"></script>
</head>
<body class="speech-alone">
<main><h1>Oral Speech</h1><speech-review recording="{id}"></speech-review></main>
</body>
</html>
"""


@router.get("/review/{id}")
def review(request: Request, asker: Reader, id: str) -> HTMLResponse:
    """The page."""
    known = recording_of(request, id, "review")
    return HTMLResponse(_PAGE.format(id=known.id), headers={"cache-control": "no-store"})
