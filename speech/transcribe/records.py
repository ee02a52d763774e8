"""How a recording is transcribed, and what comes of it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from speech.audio import ReadSettings
from speech.collections.made import Made, Progress
from speech.languages import UNDETERMINED
from speech.models.activity import ActivitySettings
from speech.models.encoder import EncodeSettings

__all__ = ["NOTHING_HEARD", "NO_MODEL", "RATE", "Progress", "Result", "Settings"]

RATE = 16_000
NO_MODEL = "no model for this language"
NOTHING_HEARD = "no words heard"


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
class Result(Made):
    """What came of transcribing one recording."""

    def as_dict(self, path: str) -> dict[str, Any]:
        """The object of `--json`."""
        return {
            **self.opening(path),
            "text": self.transcript.text,
            "language": self.transcript.languages[0].id if self.transcript.languages else UNDETERMINED,
            **self.ending(),
        }
