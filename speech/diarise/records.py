"""What diarisation is asked, and what it answers; the seam behind which its engines stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speech.types import Span, Turn

Progress = Callable[[str, int, int], None]
"""Step, done, total."""
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

    Speakers are `S1`, `S2`, ... by when they first speak. Each turn's margin, 0 to 1, is how far the second
    most likely speaker lies behind; None where an engine does not say.
    """

    turns: tuple[Turn, ...] = ()
    voice_by_speaker: Mapping[str, Voice] = field(default_factory=dict)


class Diariser(Protocol):
    """An engine. It gives turns where somebody speaks; what it takes for speech is its own affair where `speech` is not used."""

    name: str
    """As said in `--diariser` and in a transcript's provenance."""

    def voices(self, sound: Sound, rms: float, speech: Sequence[Span], count: SpeakerCount, progress: Progress) -> Voices:
        """Who speaks when. `rms` is the sound's root mean square; `speech` what speech detection found, in order, without overlap."""
        ...
