"""R27: text is shown as text, wherever it comes from: no script of a file, a label or a note runs, and nothing is asked of the network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from speech import formats
from speech.types import Segment, Span, Transcript, Translation
from tests.ui_element import sessions
from tests.ui_element.conftest import Desk, Site

SCRIPTS = (
    "<script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 1'>",
    "<svg onload='window.ran = 1'>",
    '"><iframe srcdoc="<script>parent.ran = 1</script>">',
    "javascript:window.ran=1",
    "{{constructor.constructor('window.ran = 1')()}}",
    "${window.ran = 1}",
    "\u202e<b onmouseover=window.ran=1>\u2066",
)


def hostile() -> sessions.Made:
    segments = tuple(
        Segment(
            id=f"a{n + 1}",
            span=Span(start_ms=200 + 1500 * n, end_ms=1500 + 1500 * n),
            text=text,
            speaker=SCRIPTS[n % 2] + str(n % 3),
            language="que",
            status="unsure",
            unsure_reason=text,
            notes=(text, SCRIPTS[0]),
            translations=(Translation(language=SCRIPTS[1], text=text), Translation(language="es", text=text)),
        )
        for n, text in enumerate(SCRIPTS)
    )
    return sessions.Made(name="<img src=x onerror='window.ran=1'>.wav", language="que", segments=segments, seconds=14)


def test_hostile_text_is_shown_as_text(open_site: Callable[..., Site], open_desk: Callable[..., Desk]) -> None:
    made = hostile()
    site = open_site(made)
    desk = open_desk(site, made.name)
    asked: list[str] = []
    desk.page.on("request", lambda request: asked.append(request.url))
    for n, text in enumerate(SCRIPTS):
        desk.click(f"a{n + 1}")
        shown = desk.page.locator(f".row[data-id='a{n + 1}']").inner_text()
        assert "".join(text.split()) in "".join(shown.split()), text
    desk.list()
    for key in ("h", "Escape", "?", "Escape", "Control+f", "Escape"):
        desk.press(key)
    desk.page.goto(f"{site.address}/")
    desk.page.get_by_text(made.name).first.wait_for(timeout=30_000)
    assert desk.page.evaluate("() => window.ran") is None
    assert not [url for url in asked if not url.startswith((site.address, "blob:", "data:"))]
    assert not [url for url in asked if url.endswith("/x")]


@pytest.mark.parametrize("format", ["eaf", "json"])
def test_a_hostile_transcript_comes_in_as_text_and_goes_out_as_it_was(tmp_path: Path, format: str) -> None:
    made = hostile()
    segments = tuple(dataclasses.replace(s, text=s.text.strip("\u202e\u2066")) for s in made.segments)
    path = tmp_path / f"a.{format}"
    formats.save(Transcript(segments=segments), path, format=format)
    assert [s.text for s in formats.read(path, format=format).segments] == [s.text for s in segments]
