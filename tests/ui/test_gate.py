"""R25: a visitor without rights sees nothing; foreign hosts, origins and bodies are turned away before anything runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount
from starlette.types import Message

from speech.ui.gate import MOST_JSON, OPEN, names_of
from speech.ui.routes import ROUTERS
from speech.ui.served import Served
from speech.ui.server import build
from tests.ui.conftest import ORIGIN, PASSWORD, WRITES, Person, recording

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def paths_of(routes: list[BaseRoute], before: str = "") -> Iterator[str]:
    """The addresses of an app, Gradio's included, with something for each parameter."""
    for route in routes:
        path = before + str(getattr(route, "path", "") or "")
        inner = getattr(route, "app", None)
        below = getattr(inner, "routes", None) or getattr(getattr(inner, "_gradio", None), "routes", None) or getattr(route, "routes", None)
        if isinstance(route, Mount) or below:
            yield path or "/"
            yield from paths_of(list(below or []), path)
        included = getattr(getattr(route, "original_router", None) or getattr(route, "router", None), "routes", None)
        if included:
            yield from paths_of(list(included), path)
        if path:
            yield re.sub(r"\{(\w+):path\}", "a/b", path)


def every_path(served: Served) -> list[str]:
    gate: Any = build(served)
    app = gate
    while not hasattr(app, "routes"):  # through what stands before the routes
        app = app._app
    id = recording(served)
    found = {re.sub(r"\{\w+(:\w+)?\}", id, path) for path in paths_of(app.routes)}
    known = """
        / /config /gradio_api/queue/join /gradio_api/queue/data /gradio_api/upload /gradio_api/file=/etc/passwd /gradio_api/info /docs
        /gradio_api/heartbeat/abc /gradio_api/cancel /gradio_api/reset /openapi.json /redoc /theme.css /manifest.json /favicon.ico
        /static/app.js /static/sign-in.html /robots.txt /login /media/ID /review/ID /not/there
    """.replace("ID", id).split()
    return sorted((found | set(known)) - OPEN)


def test_the_routes_are_found(served: Served) -> None:
    paths = every_path(served)
    id = recording(served)
    assert {f"/media/{id}", f"/api/recordings/{id}/edits", "/api/jobs", f"/upload/{id}", "/api/consent", "/config"} <= set(paths)
    assert len(paths) > 45
    assert any(path.startswith("/gradio_api/") and "queue" in path for path in paths)


def test_a_route_that_is_added_is_asked_for_without_being_named_here(served: Served) -> None:
    own = {
        re.sub(r"\{\w+(:\w+)?\}", recording(served), route.path)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
    }
    assert len(own) > 30 and own - OPEN <= set(every_path(served))


@pytest.mark.parametrize("cookie", [None, "speech_session=stale", "speech_session=", "other=1", 'speech_session="\x00'])
def test_without_a_session_every_address_is_401_without_content(served: Served, cookie: str | None) -> None:
    visitor = Person(served, None)
    for path in every_path(served):
        for verb in VERBS:
            headers = {**WRITES, **({"Cookie": cookie} if cookie else {})}
            answer = visitor.client.request(verb, path, headers=headers)
            assert (answer.status_code, answer.content) == (401, b""), (verb, path)
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "set-cookie" not in answer.headers


def test_a_session_that_was_ended_or_whose_person_is_gone_is_stale(shared_served: Served) -> None:
    ana = Person(shared_served, "ana")
    assert ana.get("/api/me").status_code == 200
    assert ana.send("/api/sign-out").status_code == 200
    ana.client.cookies.set("speech_session", ana.token)
    assert ana.get("/api/me").status_code == 401
    nobody = Person(shared_served, "nobody")
    assert nobody.get("/api/me").status_code == 401


def test_a_page_asked_for_by_hand_leads_to_the_sign_in_page_whatever_it_is(served: Served) -> None:
    visitor = Person(served, None)
    by_hand = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    for path in ("/", "/api/recordings", "/not/there"):
        answer = visitor.get(path, by_hand)
        assert (answer.status_code, answer.headers["location"], answer.content) == (303, "/sign-in", b"")


def test_the_sign_in_page_tells_nothing_of_what_is_behind(served: Served) -> None:
    page = Person(served, None).get("/sign-in").text
    assert "tapes" not in page and "story" not in page and "{sign_in" not in page and "gradio" not in page.lower()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:7861", "127.0.0.1", "localhost.evil.example:7860", "", "127.0.0.1:7860.evil"])
def test_a_foreign_host_is_421(local: Person, host: str) -> None:
    answer = local.get("/api/me", {"Host": host})
    assert (answer.status_code, answer.content) == (421, b"")


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1:7860", "LOCALHOST:7860", "[::1]:7860"])
def test_names_of_this_machine_are_known(local: Person, host: str) -> None:
    assert local.get("/api/me", {"Host": host, "Cookie": f"speech_session={local.token}"}).status_code == 200


def test_a_server_on_an_address_answers_to_it_and_on_all_to_the_one_it_is_reached_at() -> None:
    assert "192.168.1.5:80" in names_of("192.168.1.5", 80) and "192.168.1.5" in names_of("192.168.1.5", 80)
    assert not {name for name in names_of("0.0.0.0", 7860) if name.startswith("0.")}


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Speech": "1"},
        {"Origin": "http://evil.example", "X-Speech": "1"},
        {"Origin": "null", "X-Speech": "1"},
        {"Origin": "http://127.0.0.1:7861", "X-Speech": "1"},
        {"Origin": "https://127.0.0.1:7860", "X-Speech": "1"},
        {"Origin": ORIGIN},
        {"Origin": ORIGIN, "X-Speech": "0"},
        {"Origin": ORIGIN, "X-Speech": "1", "Content-Type": "text/plain"},
        {"Origin": ORIGIN, "X-Speech": "1", "Content-Type": "application/x-www-form-urlencoded"},
        {"Origin": ORIGIN, "X-Speech": "1", "Content-Type": "multipart/form-data; boundary=x"},
    ],
)
def test_a_write_from_elsewhere_or_of_another_kind_is_403_and_changes_nothing(local: Person, headers: dict[str, str]) -> None:
    body = b'{"name": "theme", "value": "dark"}'
    given = {"Content-Type": "application/json", **headers}
    answer = local.client.put("/api/me/preferences", content=body, headers=given)
    assert (answer.status_code, answer.content) == (403, b"")
    assert local.get("/api/me").json()["preferences"] == {}


def test_every_answer_has_the_headers(local: Person) -> None:
    for path in ("/", "/api/me", "/static/app.js", "/not/there", "/config", "/sign-in"):
        headers = local.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe-eval" not in policy
        assert "script-src" not in policy and headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers and "server" not in headers


def test_a_body_too_long_is_413_before_it_is_read(local: Person) -> None:
    answer = local.client.put("/api/me/preferences", content=b"x" * (MOST_JSON + 1), headers={**WRITES, "Content-Type": "application/json"})
    assert (answer.status_code, answer.content) == (413, b"")

    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * (64 << 10)

    answer = local.client.put("/api/me/preferences", content=endless(), headers={**WRITES, "Content-Type": "application/json"})
    assert (answer.status_code, answer.content) == (413, b"")


def test_of_gradio_only_the_page_is_there(local: Person) -> None:
    page = local.get("/")
    assert page.status_code == 200 and "<script>" not in page.text and "https://" not in page.text
    assert local.get("/config").status_code == 200
    gone = """
        /gradio_api/queue/data?session_hash=a /gradio_api/file=/etc/passwd /gradio_api/heartbeat/a /gradio_api/openapi.json /openapi.json
        /gradio_api/deep_link /gradio_api/app_id /gradio_api/startup-events /login /monitoring /manifest.json /docs
    """
    for path in gone.split():
        assert (local.get(path).status_code, local.get(path).json()) == (404, {"ok": False}), path
    for path in (
        "/gradio_api/queue/join",
        "/gradio_api/upload",
        "/gradio_api/run/predict",
        "/gradio_api/cancel",
        "/gradio_api/reset",
        "/login",
    ):
        assert local.send(path, {}).status_code == 404, path


def test_the_frames_configuration_holds_no_name_and_no_place(local: Person, served: Served) -> None:
    text = local.get("/config").text + local.get("/").text
    for said in ("tapes", "story.wav", str(served.place), str(served.place.parent)):
        assert said not in text


async def _asked(gate: Any, scope: dict[str, Any]) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await gate(scope, receive, send)
    return sent


@pytest.mark.parametrize("extensions", [{}, {"websocket.http.response": {}}])
def test_websockets_are_turned_away(served: Served, extensions: dict[str, Any]) -> None:
    import asyncio

    scope = {
        "type": "websocket", "path": "/gradio_api/queue/join", "headers": [(b"host", b"127.0.0.1:7860")], "extensions": extensions,
        "server": ("127.0.0.1", 7860), "scheme": "ws",
    }  # fmt: skip
    sent = asyncio.run(_asked(build(served), scope))
    if extensions:
        assert sent[0]["status"] == 401 and sent[1]["body"] == b""
    else:
        assert sent[0]["type"] == "websocket.close"


def test_behind_a_server_with_https_its_name_and_origin_count(shared_served: Served) -> None:
    shared_served.public = "https://speech.example.org"
    person = Person(shared_served, None)
    headers = {"Host": "speech.example.org", "Origin": "https://speech.example.org", "X-Speech": "1"}
    body = {"name": "eva", "password": PASSWORD}
    answer = person.client.post("/api/sign-in", json=body, headers=headers)
    assert answer.status_code == 200 and "secure" in answer.headers["set-cookie"].lower()
    for origin in ("http://speech.example.org", "https://speech.example.org.evil.example", ORIGIN):
        assert person.client.post("/api/sign-in", json=body, headers={**headers, "Origin": origin}).status_code == 403
    assert person.client.post("/api/sign-in", json=body, headers={**headers, "Host": "127.0.0.1:7860"}).status_code == 403
