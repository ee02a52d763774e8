"""What so many minutes taught elsewhere: the figures of recipes/adapt_language.py, said before learning begins."""

from __future__ import annotations

import json
import math
from importlib import resources
from typing import Any

NAME = "reached.json"
_NEAR = math.log(2.0)


def rows() -> list[dict[str, Any]]:
    """Language, minutes, what moved, dev CER (0 to 1), and whether the voices of dev were learnt from; of the best donor."""
    found: list[dict[str, Any]] = json.loads(resources.files(__package__).joinpath(NAME).read_text(encoding="utf-8"))
    return found


def said(minutes: float, mode: str) -> str:
    """What about as many minutes reached elsewhere, and what all of the base gave of the same ones; empty where none were tried."""
    near = [row for row in rows() if row["moved"] == mode and abs(math.log(row["minutes"] / max(minutes, 0.1))) < _NEAR]
    best = {row["language"]: row for row in sorted(near, key=lambda r: -abs(math.log(r["minutes"] / max(minutes, 0.1))))}
    whole = {(row["language"], row["minutes"]): row["cer"] for row in rows() if row["moved"] == "full" != mode}
    told = []
    for row in best.values():
        with_full = whole.get((row["language"], row["minutes"]))
        more = "" if with_full is None else f"; with --full {100 * with_full:.0f} %"
        told.append(f"{100 * row['cer']:.0f} % after {row['minutes']:g} minutes of {row['name']} ({row['voices']}{more})")
    return f"as a guide, letters wrong elsewhere, with a small base: {', '.join(told)}" if told else ""
