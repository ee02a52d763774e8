"""What language identification is asked, and what it answers; the seam behind which its engines stand."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from speech.audio import ReadSettings
from speech.audio.records import RATE
from speech.collections.made import Made, Progress
from speech.models.activity import ActivitySettings
from speech.types import Span

__all__ = ["RATE", "Candidate", "Identified", "Identifier", "LanguageTurn", "Piece", "Progress", "Settings", "Sound"]

Weights = NDArray[np.float32]
"""Unnormalised log odds (languages + 1,): the last is of a language that is none of the others."""

TOO_LITTLE = "too little speech to tell"
"""Why a turn has no language, where less was heard than an engine needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How languages are told. Times in milliseconds.

    Of a whole recording at most `most_ms` of speech is heard, spread over it; with turns, all of it, or the first `turn_ms` of each.
    What is heard at once is at most `piece_ms`, as in training; shorter stretches of speech are joined up to that. `listed_odds` is
    how much likelier a language on the list of candidates is taken to be than one that is not.
    """

    read: ReadSettings = field(default_factory=ReadSettings)
    activity: ActivitySettings = field(default_factory=ActivitySettings)
    most_ms: int = 120_000
    turn_ms: int | None = None
    piece_ms: int = 10_000
    listed_odds: float = 20.0

    def sha256(self, **more: object) -> str:
        """A hash of what decides the result."""
        return hashlib.sha256(json.dumps(dataclasses.asdict(self) | more, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A language that may be spoken, and how likely it is; None stands for none of the languages that are known."""

    language: str | None
    probability: float

    def as_dict(self) -> dict[str, Any]:
        """The candidate as it stands in `--json`."""
        return {"language": self.language, "probability": self.probability}


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageTurn:
    """The language of one turn. `probability` is that of what is said, a language or none of those known; None for too little speech."""

    span: Span
    language: str | None
    probability: float | None
    candidates: tuple[Candidate, ...] = ()
    speech_ms: int = 0
    speaker: str | None = None
    channel: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The turn as it stands in `--json`."""
        return {
            "start_ms": self.span.start_ms,
            "end_ms": self.span.end_ms,
            "speaker": self.speaker,
            "channel": self.channel,
            "language": self.language,
            "probability": self.probability,
            "candidates": [c.as_dict() for c in self.candidates],
            "speech_ms": self.speech_ms,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified(Made):
    """What came of one recording. `turns` are empty where none were asked for; `speech_ms` is the speech that was heard."""

    language: str | None = None
    probability: float | None = None
    candidates: tuple[Candidate, ...] = ()
    speech_ms: int = 0
    turns: tuple[LanguageTurn, ...] | None = None
    calibrated: bool = True

    def as_dict(self, path: str) -> dict[str, Any]:
        """The object of `--json`."""
        turns = {} if self.turns is None else {"turns": [turn.as_dict() for turn in self.turns]}
        return {
            **self.opening(path),
            "language": self.language,
            "probability": self.probability,
            "candidates": [c.as_dict() for c in self.candidates],
            "speech_ms": self.speech_ms,
            "calibrated": self.calibrated,
            **turns,
            **self.ending(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Stretches of one channel that are heard as one: together at most `Settings.piece_ms` long."""

    spans: tuple[Span, ...]
    channel: int | None = None

    @property
    def length_ms(self) -> int:
        """How much sound it is."""
        return sum(span.length_ms for span in self.spans)


class Sound(Protocol):
    """Samples of a recording at 16 kHz, read by position; `channel` counts from 1, None is the mix."""

    @property
    def length_samples(self) -> int:
        """How many there are."""
        ...

    def read(self, start: int, count: int, channel: int | None = None) -> NDArray[np.float32]:
        """`count` samples from `start` (fewer at the end)."""
        ...


class Identifier(Protocol):
    """An engine that tells languages."""

    name: str
    base_sha256: str
    sha256: str
    """Of what tells languages apart, where that is not the base itself; empty else."""
    calibration: str
    """Whether its probabilities are calibrated, and on what."""
    least_ms: int
    """Speech below which it says nothing."""
    threads: int

    @property
    def languages(self) -> Sequence[str]:
        """Codes that it knows (ISO 639-3), in the order of its weights."""
        ...

    @property
    def calibrated(self) -> bool:
        """Whether its probabilities are calibrated."""
        ...

    def weigh(
        self, sound: Sound, pieces: Sequence[Piece], gains: Mapping[int | None, float], progress: Progress | None = None
    ) -> Iterator[Weights]:
        """What speaks for each language in each piece, in order; `gains` brings each channel's speech to unit power."""
        ...

    def probabilities(self, weights: Sequence[Weights], lengths_ms: Sequence[int]) -> NDArray[np.float64]:
        """Probabilities (languages + 1,) of one language being spoken in all these pieces."""
        ...
