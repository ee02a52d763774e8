"""What diarisation is asked, and what it answers; the seam behind which its engines stand."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from speech.audio import ReadSettings
from speech.collections.made import Made, Progress
from speech.diarise.thresholds import ACTIVITY, UNSURE_MARGIN
from speech.models.activity import ActivitySettings
from speech.types import Span, Transcript, Turn

__all__ = ["Diariser", "KnownVoice", "KnowsVoices", "Progress", "Result", "Settings", "Sound", "SpeakerCount", "Voice", "Voices"]

SPEAKS = "…"
"""What stands for speech without words in formats that keep no empty segment."""
Voice = NDArray[np.float32]
"""A unit vector that says how a voice sounds; compared by its cosine with others of the same network. Never stored without `voiceprint`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerCount:
    """How many people speak, as far as that is known: from `least` to `most`, None without a limit."""

    least: int = 1
    most: int | None = None

    @property
    def exact(self) -> int | None:
        """The number, where it is known."""
        return self.least if self.least == self.most else None


class Sound(Protocol):
    """Samples at 16 kHz, read by position: an `audio.Signal`, or one channel of it."""

    @property
    def length_samples(self) -> int:
        """How many there are."""
        ...

    def read(self, start: int, count: int) -> NDArray[np.float32]:
        """`count` samples from sample `start` on; fewer at the end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Voices:
    """Who speaks when in one channel: turns in order, on the clock of the samples; overlap is two turns at once.

    Speakers are `S1`, `S2`, ... by when they first speak. Each turn's margin, 0 to 1, says by how far the next
    speaker lies behind how often such turns are right; None where an engine does not say.
    """

    turns: tuple[Turn, ...] = ()
    voice_by_speaker: Mapping[str, Voice] = field(default_factory=dict)


class Diariser(Protocol):
    """An engine. It gives turns where somebody speaks; what it takes for speech is its own affair where `speech` is not used.

    It may say more of itself: `sha256`, or `sha256_by_checkpoint`, of its weights; `several_at_once`, that it takes recordings in
    several threads (else it gets one at a time).
    """

    name: str
    """As said in `--diariser` and in a transcript's provenance."""

    def voices(self, sound: Sound, rms: float, speech: Sequence[Span], count: SpeakerCount, progress: Progress) -> Voices:
        """Who speaks when. `rms` is the sound's root mean square; `speech` what speech detection found, in order, without overlap."""
        ...


@runtime_checkable
class KnowsVoices(Protocol):
    """An engine that can say how the voice in a stretch of sound is, to be compared with those of `Voices.voice_by_speaker`."""

    def voice(self, sound: Sound, rms: float, speech: Sequence[Span]) -> Voice:
        """The voice of the one person who speaks in these spans, as a unit vector."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownVoice:
    """A person of the collection, by code, and their voice from a clip; held for the run, never stored."""

    person: str
    clip_sha256: str
    voice: Voice = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a recording is read, and where speech is found in it.

    `per_speaker`: each channel is one person's microphone, and no engine is asked who speaks.
    """

    read: ReadSettings = field(default_factory=ReadSettings)
    activity: ActivitySettings = ACTIVITY
    per_speaker: bool = False
    wav: bool = False
    """Whether a WAV is written beside the results of a recording that is none."""

    def sha256(self, *, engine: str, count: SpeakerCount, known: Sequence[KnownVoice] = ()) -> str:
        """A hash over every setting, the engine's name, the number of speakers asked for, and who was known by which clip."""
        all_of_it = {
            **dataclasses.asdict(self),
            "engine": "" if self.per_speaker else engine,
            "count": [count.least, count.most],
            "unsure": UNSURE_MARGIN,
            "known": sorted([k.person, k.clip_sha256] for k in known),
        }
        del all_of_it["wav"]  # it changes no turn
        return hashlib.sha256(json.dumps(all_of_it, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Made):
    """What came of one recording: turns as segments without text. `voices` are kept only where recordings are to be linked."""

    voices: Mapping[str, Voice] = field(default_factory=dict, repr=False)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Who speaks when, on the container's clock."""
        return tuple(
            Turn(span=s.span, speaker=s.speaker or "", margin=s.speaker_margin, channel=s.channel) for s in self.transcript.segments
        )

    def as_dict(self, path: str) -> dict[str, Any]:
        """The object of `--json`."""
        turns = [
            {
                "start_ms": turn.span.start_ms,
                "end_ms": turn.span.end_ms,
                "speaker": turn.speaker,
                "margin": turn.margin,
                **({"channel": turn.channel} if turn.channel is not None else {}),
            }
            for turn in self.turns
        ]
        speakers = [{"speaker": s.id, "person": s.person, "channel": s.channel} for s in self.transcript.speakers]
        return {**self.opening(path), "turns": turns, "speakers": speakers, **self.ending()}

    def for_format(self, format: str) -> Transcript:
        """Formats that keep no empty segments get a sign that somebody speaks there."""
        from speech import formats

        if "empty_segments" not in formats.by_name(format).LOSSES:
            return self.transcript
        spoken = tuple(dataclasses.replace(s, text=SPEAKS) for s in self.transcript.segments)
        return dataclasses.replace(self.transcript, segments=spoken)
