"""Tiers of an annotation file as a person chooses among them: what the file says of each, and its annotations.

Which of them holds the transcription is not decided here (`speech.score.tiers`).
"""

from __future__ import annotations

from dataclasses import dataclass

from speech.formats._tiers import Role
from speech.types import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class TierText:
    """One tier with times, by itself or over its parents; `ours` is its role where we wrote it, `type` ELAN's type."""

    name: str
    cells: tuple[tuple[Span, str], ...]
    type: str = ""
    parent: str | None = None
    participant: str = ""
    language: str = ""
    ours: Role | None = None

    @property
    def filled(self) -> tuple[tuple[Span, str], ...]:
        """The annotations that hold a text."""
        return tuple((span, text) for span, text in self.cells if text.strip())
