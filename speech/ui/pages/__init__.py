"""The tabs: Gradio's Blocks as the frame, with an empty column a tab that the module of that tab in `static/` fills.

Gradio carries no text, name or sound: not even an event of its own. So nothing of it is served but what its page is made of; queue,
uploads, files, streams and the rest are not there. Its HTML is taken apart for the names of its bundle: inline scripts, remote
addresses and previews for social networks stay out, as the gate's policy asks.
"""

from __future__ import annotations

import asyncio
import functools
import re

import gradio
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from speech.ui.answers import not_there

TABS = ("transcribe", "review", "languages", "speak", "learn", "collection")
_OF_THE_PAGE = re.compile(r"/(config|theme\.css|gradio_api/info|(assets|svelte)(/[A-Za-z0-9_@$-][A-Za-z0-9_.@$-]{0,120}){1,6})")
_BUNDLE = re.compile(r'<script type="module"[^>]*\bsrc="\./(assets/[\w.-]+\.js)"')
_STYLE = re.compile(r'<link rel="stylesheet"[^>]*\bhref="\./(assets/[\w.-]+\.css)"')

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<base href="/">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Oral Speech</title>
<link rel="icon" href="/static/icon.svg">
<link rel="stylesheet" href="/{style}">
<link rel="stylesheet" href="/static/app.css">
<script src="/static/frame.js"></script>
<script type="module" src="/{bundle}"></script>
<script type="module" src="/static/app.js"></script>
</head>
<body>
<gradio-app control_page_title="false" embed="false" eager="true"></gradio-app>
</body>
</html>
"""


def blocks() -> gradio.Blocks:
    """The frame of the page: its tabs, each with an empty column."""
    made: gradio.Blocks
    with gradio.Blocks(title="Oral Speech", analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600)) as made:
        gradio.Column(elem_id="speech-head")
        with gradio.Tabs(elem_id="speech-tabs"):
            for name in TABS:
                with gradio.Tab(name.capitalize(), id=name, elem_id=f"tab-{name}"):
                    gradio.Column(elem_id=f"page-{name}")
    return made


async def _mounted() -> ASGIApp:
    mounted: ASGIApp = gradio.mount_gradio_app(
        FastAPI(openapi_url=None, docs_url=None, redoc_url=None),
        blocks(),
        path="/",
        ssr_mode=False,
        show_error=False,
        run_history=False,
        footer_links=[],
        max_file_size=1,
        pwa=False,
        mcp_server=False,
        theme=gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        app_kwargs={"openapi_url": None, "docs_url": None, "redoc_url": None},
    )
    return mounted


@functools.cache
def frame() -> Frame:
    """The frame; one a process, as it holds nothing of who asks."""
    return Frame()


class Frame:
    """What is served of Gradio: its page, rebuilt, and the files of its bundle; the rest is not there."""

    def __init__(self) -> None:
        # In a loop that runs: without one Gradio makes some of its own and never closes them.
        self._gradio: ASGIApp = asyncio.run(_mounted())
        self._page = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for a page or a file of it."""
        if scope["type"] != "http":
            return
        path = scope["path"]
        if scope["method"] in ("GET", "HEAD") and path == "/":
            await (await self.page(Request(scope)))(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD") and _OF_THE_PAGE.fullmatch(path) and ".." not in path:
            await self._file(scope, receive, send)
        else:
            await not_there()(scope, receive, send)

    async def _file(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A file of Gradio's, or the one answer for all that is not there."""
        missing = False

        async def passed(message: Message) -> None:
            nonlocal missing
            missing = missing or (message["type"] == "http.response.start" and message["status"] >= 400)
            if not missing:
                await send(message)

        await self._gradio({**scope, "method": "GET"}, receive, passed)
        if missing:
            await not_there()(scope, receive, send)

    async def page(self, request: Request) -> HTMLResponse:
        """The frame's HTML, without what a browser would have to refuse."""
        if not self._page:
            found = await self._html(request)
            bundle, style = _BUNDLE.search(found), _STYLE.search(found)
            if bundle is None or style is None:
                raise RuntimeError("Gradio's page names no bundle: another version than the one this was written for")
            self._page = PAGE.format(bundle=bundle[1], style=style[1])
        return HTMLResponse(self._page, headers={"cache-control": "no-store"})

    async def _html(self, request: Request) -> str:
        """Gradio's own page as text."""
        parts: list[bytes] = []

        async def nothing() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        headers = [(k, v) for k, v in request.scope["headers"] if k == b"host"]
        await self._gradio({**request.scope, "method": "GET", "headers": headers}, nothing, keep)
        return b"".join(parts).decode("utf-8")
