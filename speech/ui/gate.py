"""The gate before everything that the app serves, Gradio's own addresses too: host, session, origin, sizes, headers.

A pure ASGI wrapper: nothing behind it runs for a request that it turns away. In this order: a Host that is not this server's is 421;
without a session 401, and no content (a page asked for by a browser's address line is led to the sign-in page instead, whatever its
address); a write without this server's Origin, without the header that only our own pages set, or of another kind of body is 403.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from speech.ui.sessions import COOKIE, Sessions
from speech.ui.users import Asker, Users

CSP = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    b"content-security-policy": CSP.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=()",
}
"""Headers of every answer; none behind the gate can weaken them."""
_DROPPED = {b"server", b"x-powered-by", b"access-control-allow-origin", b"access-control-allow-credentials"}

OPEN = frozenset({"/sign-in", "/api/sign-in", "/static/sign-in.css", "/static/sign-in.js"})
"""What is there without a session."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MOST_JSON = 1 << 20
"""Bytes of a body that is no upload."""
MOST_UPLOAD = 4 << 20


def names_of(host: str, port: int) -> frozenset[str]:
    """The Hosts that a server on `host` answers to; one on every address also answers to the address it is reached at."""
    names = {"localhost", "127.0.0.1", "[::1]"}
    if host not in ("", "0.0.0.0", "::"):
        names.add(f"[{host}]" if ":" in host else host.lower())
    if host not in ("", "localhost", "127.0.0.1", "::1"):
        own = socket.gethostname().lower()
        names |= {own, f"{own}.local"}
    return frozenset({*(f"{name}:{port}" for name in names), *(names if port in (80, 443) else ())})


class Gate:
    """Stands before `app`. `hosts` are names with their port; `everywhere` adds the address a connection came in on.

    `public` is the address that people open where another server (https) stands before this one and passes the Host on.
    """

    def __init__(
        self, app: ASGIApp, *, sessions: Sessions, users: Users, hosts: Iterable[str], everywhere: bool = False, public: str = ""
    ) -> None:
        self._app = app
        self._sessions = sessions
        self._users = users
        self._hosts = frozenset(hosts)
        self._everywhere = everywhere
        self._public = public
        self._public_host = urlsplit(public).netloc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] not in ("http", "websocket"):
            return
        verdict = self._verdict(scope)
        if isinstance(verdict, _Most):
            await _Guarded(verdict.bytes, receive, send).answer(self._app, scope)
        else:
            await _refuse(scope, _Guarded(0, receive, send).send, verdict)

    def _verdict(self, scope: Scope) -> int | _Most:
        """A status to refuse with, or what the body may come to."""
        headers = _headers(scope)
        path = scope["path"]
        if not self._known_host(scope, headers.get("host", "")):
            return 421
        asker = self._asker(headers.get("cookie", ""))
        is_open = path in OPEN
        if asker is None and not is_open:
            return 303 if _is_navigation(scope, headers) else 401
        scope["speech_asker"] = asker
        if scope["type"] == "websocket":
            return 404  # there are none
        method = scope["method"]
        if method not in _SAFE:
            if headers.get("origin") != self._origin(scope, headers["host"].lower()) or headers.get("x-speech") != "1":
                return 403
            kind = headers.get("content-type", "").split(";")[0].strip().lower()
            upload = path.startswith("/upload/") and method == "PUT"
            has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
            if has_body and kind != ("application/octet-stream" if upload else "application/json"):
                return 403
            most = MOST_UPLOAD if upload else MOST_JSON
            if not _fits(headers.get("content-length"), most):
                return 413
            return _Most(bytes=most)
        return _Most(bytes=MOST_JSON)

    def _known_host(self, scope: Scope, host: str) -> bool:
        if host.lower() in self._hosts or (host and host.lower() == self._public_host):
            return True
        server = scope.get("server")
        if not self._everywhere or not server:
            return False
        address, port = server[0], server[1]
        return host in (f"{address}:{port}", f"[{address}]:{port}")

    def _origin(self, scope: Scope, host: str) -> str:
        # The Host is one of ours by now: a page of another origin cannot have it in its Origin.
        if host == self._public_host:
            return self._public
        return f"{'https' if scope.get('scheme') == 'https' else 'http'}://{host}"

    def _asker(self, cookies: str) -> Asker | None:
        token = cookie_of(cookies)
        person = self._sessions.person(token) if token else None
        return self._users.asker(person) if person is not None else None


def cookie_of(cookies: str) -> str:
    """The session's token in a Cookie header; "" where there is none."""
    try:
        found = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Most:
    """Let through, with a body of so many bytes at most."""

    bytes: int


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        if key == "cookie" and key in found:
            found[key] += "; " + value.decode("latin-1")
        elif key == "host" and key in found:
            found[key] = ""  # two hosts are none
        else:
            found[key] = value.decode("latin-1")
    return found


def _fits(length: str | None, most: int) -> bool:
    if length is None:
        return True
    return length.isascii() and length.isdigit() and int(length) <= most


def _is_navigation(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Whether a browser's address line asks for a page."""
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


async def _refuse(scope: Scope, send: Send, status: int) -> None:
    if scope["type"] == "websocket":
        if "websocket.http.response" in scope.get("extensions", {}):
            await send({"type": "websocket.http.response.start", "status": status, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b""})
        else:
            await send({"type": "websocket.close", "code": 1008})
        return
    body = b'{"ok": false}' if status == 404 else b""
    headers = [(b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    if body:
        headers.append((b"content-type", b"application/json"))
    if status == 303:
        headers.append((b"location", b"/sign-in"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body if scope["method"] != "HEAD" else b""})


class _TooLong(Exception):
    """A body went on beyond what its kind may have."""


class _Guarded:
    """An answer with the gate's headers, to a body that is counted as it comes: one that claimed no length is cut off, too."""

    def __init__(self, most: int, receive: Receive, send: Send) -> None:
        self._most = most
        self._receive = receive
        self._send = send
        self._got = 0
        self._too_long = False
        self._begun = False
        self._over = False

    async def answer(self, app: ASGIApp, scope: Scope) -> None:
        """What `app` answers, or 413."""
        try:
            await app(scope, self.receive, self.send)
        except _TooLong:
            if not self._begun:
                await self._say_too_long()

    async def receive(self) -> Message:
        """The next of the body."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._got += len(message.get("body", b""))
            if self._got > self._most:
                self._too_long = True
                raise _TooLong
        return message

    async def send(self, message: Message) -> None:
        """Pass on, with our headers."""
        if self._over:
            return
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            if self._too_long:
                await self._say_too_long()
                return
            self._begun = True
            kept = [(k, v) for k, v in message.get("headers", []) if k.lower() not in HEADERS and k.lower() not in _DROPPED]
            message = {**message, "headers": [*kept, *HEADERS.items()]}
        await self._send(message)

    async def _say_too_long(self) -> None:
        self._begun = self._over = True
        headers = [(b"content-length", b"0"), (b"connection", b"close"), *HEADERS.items()]
        await self._send({"type": "http.response.start", "status": 413, "headers": headers})
        await self._send({"type": "http.response.body", "body": b""})
