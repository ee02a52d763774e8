"""Oral Speech: recordings of oral languages into transcripts that people can trust and mend, offline.

Names load on first use, so that importing costs no torch:

    import speech
    pipeline = speech.load("mini", basis="own use on this machine")
    transcript = pipeline.transcribe("story.wav", language="que")
    speech.save(transcript, "story.eaf")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speech.adapt.whole import make_adapter as adapt
    from speech.errors import Finding, Refusal, RunFailure, SpeechError
    from speech.formats import read, save
    from speech.transcribe import Pipeline, load
    from speech.types import Coverage, Passage, Recording, Segment, Span, Transcript, Word

__version__ = "0.1.0"

_HOMES = {
    "Coverage": "types",
    "Finding": "errors",
    "Passage": "types",
    "Pipeline": "transcribe",
    "Recording": "types",
    "Refusal": "errors",
    "RunFailure": "errors",
    "Segment": "types",
    "Span": "types",
    "SpeechError": "errors",
    "Transcript": "types",
    "Word": "types",
    "load": "transcribe",
    "read": "formats",
    "save": "formats",
}

__all__ = [
    "Coverage",
    "Finding",
    "Passage",
    "Pipeline",
    "Recording",
    "Refusal",
    "RunFailure",
    "Segment",
    "Span",
    "SpeechError",
    "Transcript",
    "Word",
    "adapt",
    "load",
    "read",
    "save",
]


def __getattr__(name: str) -> Any:
    if name == "adapt":  # a room that is called as the verb
        return importlib.import_module("speech.adapt")
    if name not in _HOMES:
        raise AttributeError(f"module 'speech' has no attribute {name!r}")
    return getattr(importlib.import_module(f"speech.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
