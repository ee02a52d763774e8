"""The verb over several recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from speech.collections import consent
from speech.collections.made import Progress
from speech.collections.results import Earlier, Making
from speech.collections.runs import Run
from speech.identify.engines import Later
from speech.identify.recording import IDENTIFY, identify
from speech.identify.records import Identified, Identifier, Settings
from speech.types import Transcript


def run_of(
    *,
    model: Identifier | Later,
    context: consent.Context,
    settings: Settings,
    candidates: Sequence[str] | None = None,
    per_turn: bool = False,
    strict: bool = False,
) -> Run[Identified]:
    """How the recordings of a run are heard, and how each gets its row in the ledger; no file is written."""

    def work(recording: Path, progress: Progress) -> Identified:
        return identify(
            recording, model=model, context=context, candidates=candidates, per_turn=per_turn, settings=settings, progress=progress
        )

    def unchanged(transcript: Transcript, decision: consent.Decision) -> Identified:
        return Identified(transcript=transcript, decision=decision, unchanged=True)

    return Run(
        verb=IDENTIFY, work=work, unchanged=unchanged, context=context, earlier=Earlier(lambda: Making(frozenset(), "")), strict=strict
    )
