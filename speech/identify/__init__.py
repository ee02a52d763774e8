"""Which language is spoken: `identify` (the verb) and its engines, the embedded head and classifiers such as MMS-LID."""

from __future__ import annotations

from speech.identify.engines import Later, open_identifier
from speech.identify.recording import IDENTIFY, identify
from speech.identify.records import Candidate, Identified, Identifier, LanguageTurn, Settings
from speech.identify.runs import run_of

__all__ = [
    "IDENTIFY",
    "Candidate",
    "Identified",
    "Identifier",
    "LanguageTurn",
    "Later",
    "Settings",
    "identify",
    "open_identifier",
    "run_of",
]
