"""Old transcripts placed on their recordings: laid on pauses, aligned by force between them; lines and words with times and scores."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speech.align.choosing import through_of
    from speech.align.recording import align
    from speech.align.records import Aligned, PlacedLine, Settings
    from speech.align.runs import run_of
    from speech.align.text import OldText, old_of, read_old

_PLACES = {
    "Aligned": "records", "OldText": "text", "PlacedLine": "records", "Settings": "records", "align": "recording", "old_of": "text",
    "read_old": "text", "run_of": "runs", "through_of": "choosing",
}  # fmt: skip

__all__ = ["Aligned", "OldText", "PlacedLine", "Settings", "align", "old_of", "read_old", "run_of", "through_of"]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"speech.align.{_PLACES[name]}"), name)
    raise AttributeError(name)
