"""The diariser that ships: no network, no token, no other package. For now everybody is one speaker; the voices come next."""

from __future__ import annotations

from collections.abc import Sequence

from speech.diarise.records import Progress, Sound, SpeakerCount, Voices
from speech.types import Span, Turn


class Embedded:
    """One speaker for all speech."""

    name = "embedded"

    def voices(self, sound: Sound, rms: float, speech: Sequence[Span], count: SpeakerCount, progress: Progress) -> Voices:
        """Every span of speech as a turn of one speaker."""
        return Voices(turns=tuple(Turn(span=span, speaker="S1") for span in speech))
