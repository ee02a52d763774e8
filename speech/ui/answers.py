"""What routes answer: JSON with our headers, refusals in one shape, and one answer for all that is not there.

What is refused, not there, and not the asker's is the same 404, so that an answer tells nothing of what others have.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from speech.errors import SpeechError


class Json(Response):
    """JSON in UTF-8, kept by nobody."""

    media_type = "application/json"

    def __init__(self, content: Any, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(content, status_code, {"cache-control": "no-store", **(headers or {})})

    def render(self, content: Any) -> bytes:
        """The bytes of it."""
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8", "backslashreplace")


class NotThere(Exception):
    """Not there, or not the asker's."""


def not_there() -> Json:
    """The one answer."""
    return Json({"ok": False}, 404)


def not_understood() -> Json:
    """A form that no page of ours sends. The values are the person's own text: they are not sent back."""
    what = "the page asked in a form that the server does not know"
    return Json({"ok": False, "code": "REQUEST", "what": what, "mend": "Load the page again"}, 422)


def refused(error: SpeechError, status: int = 422) -> Json:
    """Why the asker's own act was refused, with its mend; without the place, which can be a path of this machine."""
    return Json({"ok": False, "code": error.code, "what": error.what, "mend": error.mend}, status)
