"""Every text that our pages ask for is in the English table, and every one there is asked for."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

UI = Path(str(resources.files("speech.ui")))
PAGES = [p for p in UI.joinpath("static").iterdir() if p.suffix in (".js", ".html") and not p.name.startswith("review")]
AREAS = (
    "align",
    "app",
    "collection",
    "consent",
    "jobs",
    "languages",
    "learn",
    "listening",
    "sign_in",
    "speak",
    "speakers",
    "tabs",
    "transcribe",
)


def test_no_text_is_missing_and_none_is_left_over() -> None:
    table = json.loads((UI / "strings" / "en.json").read_text(encoding="utf-8"))
    own = {key for key in table if key.split(".")[0] in AREAS}
    asked: set[str] = set()
    patterns: set[str] = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        asked |= set(re.findall(r'\bt\(\s*"([a-z_]+\.[^"]+)"', text)) | set(re.findall(r"\{(sign_in\.[a-z_]+)\}", text))
        patterns |= {re.sub(r"\$\{[^}]*\}", "\0", found) for found in re.findall(r"\bt\(\s*`([^`]+)`", text)}
        patterns |= {re.sub(r"\$\{[^}]*\}", "\0", found) for found in re.findall(r'\? "([a-z]+\.[a-z_]+)" :', text)}
        asked |= set(re.findall(r'"((?:transcribe|align|consent|jobs|speak)\.[a-z_]+)"', text))
    assert sorted(asked - set(table)) == []
    shapes = [re.compile(re.escape(pattern).replace("\0", ".*")) for pattern in patterns]
    assert all(any(shape.fullmatch(key) for key in table) for shape in shapes)
    assert sorted(key for key in own - asked if not any(shape.fullmatch(key) for shape in shapes)) == []
