"""The table of letters by their Unicode names that the palette searches; `python -m tests.ui_element.letters` writes it anew."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

TABLE = Path(__file__).resolve().parents[2] / "speech" / "ui" / "static" / "letters.json"
BLOCKS = (
    (0x00A1, 0x036F), (0x0370, 0x052F), (0x0590, 0x06FF), (0x0750, 0x077F), (0x07C0, 0x07FF), (0x08A0, 0x08FF), (0x1200, 0x139F),
    (0x13A0, 0x13FF), (0x1AB0, 0x1AFF), (0x1D00, 0x1EFF), (0x2010, 0x2027), (0x2C60, 0x2C7F), (0x2D30, 0x2DDF), (0x2E17, 0x2E17),
    (0xA720, 0xA7FF), (0xAB00, 0xAB6F), (0xFB50, 0xFBB1),
)  # fmt: skip
"""Latin with its extensions, phonetic letters, combining marks, Greek, Cyrillic, Hebrew, Arabic, N'Ko, Ethiopic, Cherokee, Tifinagh."""


def table() -> dict[str, str]:
    """Letter -> name, of all letters, marks and signs of these blocks."""
    found = {}
    for first, last in BLOCKS:
        for code in range(first, last + 1):
            letter = chr(code)
            name = unicodedata.name(letter, "")
            if name and unicodedata.category(letter)[0] in "LMPS":
                found[letter] = name
    return found


def text() -> str:
    """The file as it is kept: a letter a line, so that a new Unicode version is a short difference."""
    return "{\n" + ",\n".join(f"{json.dumps(k, ensure_ascii=False)}: {json.dumps(v)}" for k, v in table().items()) + "\n}\n"


if __name__ == "__main__":
    TABLE.write_text(text(), encoding="utf-8")
