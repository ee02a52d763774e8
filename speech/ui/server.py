"""The app put together and run: routes, pages, the gate before them, uvicorn, and the workers beside.

`build` makes the app for what is served and needs no socket; `serve` opens one. A server for other machines needs people with
passwords: without a file of them it is refused.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from speech.errors import DiskFailure, RunFailure, SpeechError, UsageFailure
from speech.files import shown
from speech.review.edits import segments_of
from speech.store import open_store
from speech.ui.answers import Json, NotThere, not_there, not_understood, refused
from speech.ui.bodies import Strict
from speech.ui.gate import Gate, names_of
from speech.ui.pages import frame
from speech.ui.routes import ROUTERS
from speech.ui.served import Served
from speech.ui.users import LOCAL, Users

log = logging.getLogger(__name__)

_PLAIN = ("/media/", "/download/", "/upload")
"""Not packed: sound is small already, and a range is of the file's own bytes."""
_GZIP_FROM = 1024


class _Packed:
    """Gzip for text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._packed = GZipMiddleware(app, minimum_size=_GZIP_FROM, compresslevel=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plain = scope["type"] != "http" or scope["path"].startswith(_PLAIN)
        await (self._app if plain else self._packed)(scope, receive, send)


class _Static(StaticFiles):
    """Our own files: asked for anew each time, so that a newer version is seen at once; sent only where changed."""

    def file_response(self, full_path: os.PathLike[str] | str, *args: object, **kwargs: object) -> Response:
        """The file."""
        response = super().file_response(full_path, *args, **kwargs)  # type: ignore[arg-type]  # passed through
        response.headers["cache-control"] = "no-cache"
        return response


def build(served: Served, *, host: str = "127.0.0.1", port: int = 7860) -> Gate:
    """The whole app behind its gate."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.served = served
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.append(Mount("/static", _Static(directory=str(resources.files("speech.ui").joinpath("static")))))
    app.router.routes.append(Mount("/", frame()))
    app.add_exception_handler(NotThere, _not_there)
    app.add_exception_handler(HTTPException, _not_there)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(SpeechError, _refused)
    app.add_exception_handler(Exception, _bug)
    everywhere = host in ("0.0.0.0", "::")
    return Gate(
        _Packed(Strict(app)),
        sessions=served.sessions,
        users=served.users,
        hosts=names_of(host, port),
        everywhere=everywhere,
        public=served.public,
    )


async def _not_there(_request: Request, _error: Exception) -> Response:
    return not_there()


async def _not_understood(_request: Request, _error: Exception) -> Response:
    return not_understood()


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, SpeechError)
    if isinstance(error, DiskFailure):
        return refused(error, 507)
    return refused(error, 503 if isinstance(error, RunFailure) and not isinstance(error, UsageFailure) else 422)


async def _bug(_request: Request, error: Exception) -> Response:
    log.error("a bug in the app", exc_info=error)
    return Json({"ok": False, "code": "INTERNAL", "what": "a bug in this program", "mend": "Report it; what was saved is safe"}, 500)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listening_on(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes one that is free.

    Raises
    ------
    UsageFailure
        `APP_PORT`: the address is taken, or is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there it would let two servers share a port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(512)
    except (OSError, OverflowError) as error:
        made.close()
        what = getattr(error, "strerror", None) or str(error)
        raise UsageFailure(
            f"{host}:{port}", f"the app cannot be reached there ({what})", "Choose another: speech app --port 7861", "APP_PORT"
        ) from error
    return made


def _origin_of(public: str) -> str:
    """The origin of a public address: scheme, name and port.

    Raises
    ------
    UsageFailure
        `APP_HOST`.
    """
    parts = urlsplit(public)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query or "@" in parts.netloc:
        raise UsageFailure(
            f"--public {shown(public)}", "this is no address of a server", "Give one such as https://speech.example.org", "APP_HOST"
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _place_of(served: Served, recording: Path | None) -> str:
    """The part of an address that opens a recording; empty for none."""
    known = served.workspace().find(recording) if recording is not None else None
    if known is None:
        return ""
    return f"#{'review' if segments_of(served.store, known.id).touched else 'transcribe'}/{known.id}"


def serve(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    database: str | None = None,
    users: Path | None = None,
    public: str = "",
    recording: Path | None = None,
    told: Callable[[str], None],
) -> None:
    """Serve a folder until a signal ends it. `told` gets the address to open, with a one-time key where no one signs in by name.

    The address leads to `recording`, where one is given: to its transcript, or to where it gets one.

    Raises
    ------
    UsageFailure
        `APP_HOST`: another machine could reach it, and there is no file of people; or `public` is no address. `APP_PORT`: the address
        is taken. `USERS_FILE`.
    StoreFailure, PathRefused, DiskFailure
        The store or the folder cannot be used.
    """
    public = _origin_of(public) if public else ""
    if users is None and (public or not is_loopback(host)):
        raise UsageFailure(
            f"--public {public}" if public else f"--host {host}",
            "other machines could reach the app, and nobody would have to sign in",
            "Make a file of people first: speech app users add NAME --users people.json, then give it with --users",
            "APP_HOST",
        )
    if database is not None:
        os.environ["SPEECH_STORE"] = database  # for the workers, and for all that asks the ledger
    import uvicorn

    from speech.ui.worker import Workers

    with listening_on(host, port) as listening, open_store() as store:
        port = int(listening.getsockname()[1])
        served = Served(store, folder, users=Users(users), local=is_loopback(host) and not public, public=public)
        app = build(served, host=host, port=port)
        workers = Workers(store, served.id, folder)
        settings = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, proxy_headers=False, lifespan="off", ws="none",
            timeout_keep_alive=30, timeout_graceful_shutdown=5,
        )  # fmt: skip
        shown_host = f"[{host}]" if ":" in host else ("127.0.0.1" if host == "0.0.0.0" else host)
        key = f"/sign-in?key={served.sessions.new_key(LOCAL)}" if users is None else "/"
        workers.start()
        try:
            at = _place_of(served, recording)
            told((f"{public}/{at}" if at else public) if public else f"http://{shown_host}:{port}{key}{at}")
            uvicorn.Server(settings).run(sockets=[listening])
        finally:
            workers.stop()
            served.aloud.end()
