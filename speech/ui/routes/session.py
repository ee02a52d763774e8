"""Signing in and out; who one is, what one may, what one has chosen."""

from __future__ import annotations

import html
import json
import math
from importlib import resources
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import HTMLResponse, RedirectResponse

from speech.ui.answers import Json, NotThere
from speech.ui.gate import cookie_of
from speech.ui.routes.common import Reader, served_of
from speech.ui.sessions import COOKIE, LASTS_S
from speech.ui.strings import TAGS, strings, there, wanted
from speech.ui.users import MAY

router = APIRouter()


class SignIn(BaseModel):
    """Name and password."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=80)
    password: str = Field(max_length=400)


class Chosen(BaseModel):
    """A choice to keep."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=r"^[a-z][a-z0-9_.-]{0,39}$")
    value: Any


@router.get("/sign-in")
def sign_in_page(request: Request, key: str = "") -> Response:
    """The page to sign in on; with a one-time key, the way in."""
    served = served_of(request)
    if key:
        person = served.sessions.take_key(key)
        if person is not None and served.users.asker(person) is not None:
            return _begun(request, RedirectResponse("/", 303), person)
    text = strings(wanted(request.headers.get("accept-language", "")))
    page = resources.files("speech.ui").joinpath("static", "sign-in.html").read_text(encoding="utf-8")
    alone = served.users.path is None
    for name, said in text["strings"].items():
        if name.startswith("sign_in.") and isinstance(said, str):
            page = page.replace(f"{{{name}}}", html.escape(said))
    page = (
        page.replace("{language}", TAGS.get(text["language"], text["language"]))
        .replace("{alone}", "alone" if alone else "people")
        .replace("{used}", "used" if key else "")
    )
    return HTMLResponse(page, headers={"cache-control": "no-store"})


@router.post("/api/sign-in")
def sign_in(request: Request, asked: SignIn) -> Response:
    """A session for who gives the right password; wrong ones slow down."""
    served = served_of(request)
    address = request.client.host if request.client else ""
    # Behind another server all have its address.
    who = (f"name {asked.name}",) if served.public else (f"name {asked.name}", f"address {address}")
    wait = served.patience.wait_s(*who)
    if wait > 0:
        return Response(status_code=429, headers={"retry-after": str(math.ceil(wait)), "cache-control": "no-store"})
    asker = served.users.signed_in(asked.name, asked.password)
    if asker is None:
        served.patience.wrong(*who)
        return Response(status_code=401, headers={"cache-control": "no-store"})
    served.patience.right(*who)
    return _begun(request, Json({"ok": True}), asker.name)


def _begun(request: Request, response: Response, person: str) -> Response:
    served = served_of(request)
    secure = request.url.scheme == "https" or served.public.startswith("https:")
    token = served.sessions.begin(person)
    response.set_cookie(COOKIE, token, max_age=LASTS_S, path="/", httponly=True, samesite="strict", secure=secure)
    return response


@router.post("/api/sign-out")
def sign_out(request: Request, asker: Reader) -> Response:
    """The end of this session."""
    served_of(request).sessions.end(cookie_of(request.headers.get("cookie", "")))
    response = Json({"ok": True})
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return response


@router.get("/api/me")
def me(request: Request, asker: Reader) -> Json:
    """Who asks."""
    served = served_of(request)
    return Json(
        {
            "person": asker.name,
            "role": asker.role,
            "may": list(MAY[asker.role]),
            "preferences": served.preferences.of(asker.name),
            "collection": served.name,
            "alone": served.users.path is None,
        }
    )


@router.put("/api/me/preferences")
def prefer(request: Request, asker: Reader, chosen: Chosen) -> Json:
    """Keep a choice."""
    if len(json.dumps(chosen.value)) > 4096 or not served_of(request).preferences.keep(asker.name, chosen.name, chosen.value):
        return Json({"ok": False}, 422)
    return Json({"ok": True})


@router.get("/api/strings/{language}")
def table(language: str, asker: Reader) -> Json:
    """What the pages say in a language."""
    if language not in there():
        raise NotThere
    return Json(strings(language))
