"""Bodies as strict as our JSON is: what a parser would let through and a row could not hold is refused before any route sees it.

Half a character, NaN and infinity, numbers beyond 64 bits, a key twice, values nested deep, and anything that is not UTF-8.
"""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from speech.ui.answers import not_understood

DEEPEST = 32
"""Lists and objects in one another; no page sends more than five."""
_MOST = 1 << 63


class Strict:
    """Stands before `app`: a JSON body is read whole (the gate bounds it), looked through, and handed on as it came."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, or 422."""
        if scope["type"] != "http" or not _is_json(scope):
            await self._app(scope, receive, send)
            return
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return  # the client is gone
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if body and not is_sound(body):
            await not_understood()(scope, receive, send)
            return
        given = False

        async def replayed() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replayed, send)


def _is_json(scope: Scope) -> bool:
    return any(name == b"content-type" and value.split(b";")[0].strip().lower() == b"application/json" for name, value in scope["headers"])


def is_sound(body: bytes) -> bool:
    """Whether a body is JSON that a row can hold.

    >>> [is_sound(b) for b in (b'{"a": [1, "x"]}', b'{"a": NaN}', b'{"a": 1, "a": 2}', b'["\\\\ud800"]', b"[" * 40 + b"]" * 40)]
    [True, False, False, False, False]
    """
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return False
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if depth > DEEPEST or not _is_plain(one):
            return False
        if isinstance(one, dict):
            waiting += [(inner, depth + 1) for pair in one.items() for inner in pair]
        elif isinstance(one, list):
            waiting += [(inner, depth + 1) for inner in one]
    return True


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            return False
        return True
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or -_MOST <= value < _MOST
