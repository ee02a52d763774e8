"""How a recording is transcribed, and what comes of it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from speech.audio import ReadSettings
from speech.collections import consent
from speech.errors import Finding, FormatRefused
from speech.languages import UNDETERMINED
from speech.models.activity import ActivitySettings
from speech.models.encoder import EncodeSettings
from speech.types import Coverage, Transcript

RATE = 16_000
NO_MODEL = "no model for this language"
NOTHING_HEARD = "no words heard"

Progress = Callable[[str, int, int], None]
"""Step, done, total."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(EncodeSettings):
    """How a recording is read, where speech is found in it, and how it is heard; what changes a word goes into the settings' hash."""

    activity: ActivitySettings = field(default_factory=ActivitySettings)
    read: ReadSettings = field(default_factory=ReadSettings)
    wav: bool = False
    """Whether a WAV is written beside the results of a recording that is none."""

    def sha256(self, *, languages: Sequence[str] = (), precision: str = "", hotwords: Sequence[str] = ()) -> str:
        """A hash over every setting, the languages that are heard, the network's number format, and hot words."""
        all_of_it = {**dataclasses.asdict(self), "languages": list(languages), "precision": precision}
        if hotwords:
            all_of_it["hotwords"] = list(hotwords)
        del all_of_it["wav"]  # it changes no word
        return hashlib.sha256(json.dumps(all_of_it, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
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

    def as_dict(self, path: str) -> dict[str, Any]:
        """The object of `--json`."""
        coverage = self.transcript.coverage or Coverage(duration_ms=self.transcript.recording.duration_ms)
        refused = self.refusal.as_dict(path) if self.refusal else {}
        return {
            "path": path,
            "ok": True,
            **refused,
            **({"unchanged": True} if self.unchanged else {}),
            "text": self.transcript.text,
            "language": self.transcript.languages[0].id if self.transcript.languages else UNDETERMINED,
            "duration_ms": coverage.duration_ms,
            "coverage": {
                **{f.name: getattr(coverage, f.name) for f in dataclasses.fields(coverage) if f.name != "skipped"},
                "skipped": [{"start_ms": s.span.start_ms, "end_ms": s.span.end_ms, "reason": s.reason} for s in coverage.skipped],
            },
            "outputs": list(self.outputs),
            "findings": [f.as_dict() for f in self.findings],
        }
