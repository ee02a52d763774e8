"""What a verb makes of one recording, whichever verb it is; each verb's own result is one of these and says more."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speech.audio import ReadSettings
from speech.collections import consent
from speech.errors import Finding, FormatRefused
from speech.types import Coverage, Transcript

Progress = Callable[[str, int, int], None]
"""Step, done, total."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What came of one recording: transcript, findings, seconds by step, and files once written.

    `unchanged`: an earlier run made it with the same settings, and nothing was heard. `backups` are older files that were
    replaced and kept; `read` says how the recording is read once more for a WAV, where one is asked for; `refusal` says
    which formats another file stood in the way of.
    """

    transcript: Transcript
    findings: tuple[Finding, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    decision: consent.Decision | None = None
    read: ReadSettings | None = None
    unchanged: bool = False
    backups: tuple[str, ...] = ()
    refusal: FormatRefused | None = None

    def opening(self, path: str) -> dict[str, Any]:
        """How the object of `--json` begins, for every verb."""
        refused = self.refusal.as_dict(path) if self.refusal else {}
        return {"path": path, "ok": True, **refused, **({"unchanged": True} if self.unchanged else {})}

    def ending(self) -> dict[str, Any]:
        """How the object of `--json` ends, for every verb: every millisecond, files, findings."""
        coverage = self.transcript.coverage or Coverage(duration_ms=self.transcript.recording.duration_ms)
        return {
            "duration_ms": coverage.duration_ms,
            "coverage": {
                **{f.name: getattr(coverage, f.name) for f in dataclasses.fields(coverage) if f.name != "skipped"},
                "skipped": [{"start_ms": s.span.start_ms, "end_ms": s.span.end_ms, "reason": s.reason} for s in coverage.skipped],
            },
            "outputs": list(self.outputs),
            "findings": [f.as_dict() for f in self.findings],
        }

    def for_format(self, format: str) -> Transcript:
        """The transcript as a file of this format is made of it."""
        return self.transcript

    def further(self, files: Mapping[str, Path]) -> dict[Path, bytes]:
        """What is written beside the files of the formats that are due (`files`, by format), where the verb makes more than these."""
        return {}

    def as_dict(self, path: str) -> dict[str, Any]:
        """The object of `--json`; a verb puts its own facts in the middle."""
        return {**self.opening(path), **self.ending()}


class Clock:
    """Seconds of each step, by the monotonic clock."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def mark(self, step: str) -> None:
        """A step is done; what passed since the one before was its time."""
        now = time.monotonic()
        self.seconds[step] = round(now - self._last, 3)
        self._last = now
