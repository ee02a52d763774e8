"""How a recording is transcribed, and what comes of it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from speech.audio import ReadSettings
from speech.collections.made import Made, Progress
from speech.identify.chain import ChainSettings
from speech.languages import UNDETERMINED
from speech.models.activity import ActivitySettings
from speech.models.encoder import EncodeSettings
from speech.types import Segment

__all__ = ["NOTHING_HEARD", "NO_MODEL", "RATE", "Progress", "Result", "Settings", "TurnSettings"]

RATE = 16_000
NO_MODEL = "no model for this language"
NOTHING_HEARD = "no words heard"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSettings:
    """How turns become passages, in milliseconds and chances.

    `join_ms`: a speaker's turns are one over a pause up to this in which nobody else speaks. `edge_ms` is heard beyond both edges of a
    turn, at most to the middle of the pause; `least_ms` must be a speaker's alone, for anything to be heard; `nobodys_ms`: speech that is
    nobody's turn is heard from this length on. The language of a turn is told by its first `turn_language_ms` of speech; it is unsure
    under `language_sure`, and may be another than was named where that has the chance `outside`.
    Tried by hand on a tuning session of `recipes/score_sessions.py --tune`: `join_ms` 300 to 800, `edge_ms` 120 to 600,
    `turn_language_ms` 3,000 to all; words and languages were as good by each, and longer joined pauses counted as speech that is none.
    """

    join_ms: int = 500
    edge_ms: int = 400
    least_ms: int = 200
    nobodys_ms: int = 400
    turn_language_ms: int | None = 5_000
    language_sure: float = 0.8
    outside: float = 0.9
    chain: ChainSettings = field(default_factory=ChainSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(EncodeSettings):
    """How a recording is read, where speech is found in it, and how it is heard; what changes a word goes into the settings' hash."""

    activity: ActivitySettings = field(default_factory=ActivitySettings)
    read: ReadSettings = field(default_factory=ReadSettings)
    wav: bool = False
    """Whether a WAV is written beside the results of a recording that is none."""
    per_speaker: bool = False
    """Whether each channel is one person's microphone."""
    turns: TurnSettings = field(default_factory=TurnSettings)

    def sha256(
        self, *, languages: Sequence[str] = (), precision: str = "", hotwords: Sequence[str] = (), turns: Mapping[str, object] | None = None
    ) -> str:
        """A hash over every setting, the languages that are heard, the network's number format, hot words, and what told turns apart."""
        all_of_it = {**dataclasses.asdict(self), "languages": list(languages), "precision": precision}
        if hotwords:
            all_of_it["hotwords"] = list(hotwords)
        if turns:
            all_of_it["told"] = dict(turns)
        else:
            del all_of_it["turns"], all_of_it["per_speaker"]  # nobody asked
        del all_of_it["wav"]  # it changes no word
        return hashlib.sha256(json.dumps(all_of_it, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Made):
    """What came of transcribing one recording; `by_turns`: speakers or languages were told apart in it."""

    by_turns: bool = False

    def as_dict(self, path: str) -> dict[str, Any]:
        """The object of `--json`."""
        transcript = self.transcript
        return {
            **self.opening(path),
            "text": transcript.text,
            "language": transcript.languages[0].id if transcript.languages else UNDETERMINED,
            **(self._turns() if self.by_turns else {}),
            **self.ending(),
        }

    def _turns(self) -> dict[str, Any]:
        """Who speaks when in which language, and what."""
        transcript = self.transcript
        return {
            "languages": [used.id for used in transcript.languages],
            "speakers": [{"speaker": s.id, "person": s.person, "channel": s.channel} for s in transcript.speakers],
            "turns": [_turn(segment) for segment in transcript.segments],
        }


def _turn(segment: Segment) -> dict[str, Any]:
    words = [
        {
            "text": w.text, "start_ms": w.span.start_ms if w.span else None, "end_ms": w.span.end_ms if w.span else None,
            "confidence": w.confidence, "speaker": w.speaker, "margin": w.speaker_margin,
        }
        for w in segment.words
    ]  # fmt: skip
    return {
        "start_ms": segment.span.start_ms,
        "end_ms": segment.span.end_ms,
        "speaker": segment.speaker,
        "margin": segment.speaker_margin,
        "language": segment.language,
        "kind": segment.kind,
        "status": segment.status,
        "reason": segment.unsure_reason,
        "text": segment.text,
        "words": words,
    }
