"""What is asked of a voice, and what comes of it; the seam behind which engines sit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from speech.collections import consent
from speech.errors import Finding

Samples = NDArray[np.float32]
"""Sound of one channel, (samples,), within -1..1."""

Letters = Literal["refuse", "nearest", "leave-out"]
"""What becomes of a text with letters that the voice cannot say: nothing is said; the nearest letters are said, and the text is refused
where a letter has none; the nearest letters are said, and letters without one are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a text is spoken.

    `speed` 1.0 is the voice's own; `seed` fixes what a voice draws by chance: the same seed gives the same sound. `speaker` is
    one of the speakers of a checkpoint that holds several, from 0.
    """

    speed: float = 1.0
    seed: int = 0
    letters: Letters = "refuse"
    speaker: int | None = None

    def facts(self) -> dict[str, Any]:
        """What goes into a file's account of itself."""
        return {"speed": self.speed, "seed": self.seed, "letters": self.letters, "speaker": self.speaker}


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceFacts:
    """Whose voice it is. `synthetic`: no person's voice was recorded for it. `language` is that which it was made for."""

    engine: str
    name: str
    language: str
    origin: str
    licence: str
    sha256: str
    synthetic: bool

    def as_dict(self) -> dict[str, Any]:
        """As it stands in `--json` and in a file's account of itself."""
        return {
            "engine": self.engine, "name": self.name, "language": self.language, "origin": self.origin, "licence": self.licence,
            "sha256": self.sha256, "synthetic": self.synthetic,
        }  # fmt: skip


class Voice(Protocol):
    """What an engine gives: a voice that says sentences. A new engine is a module with such a class, and a line in `engines`."""

    @property
    def facts(self) -> VoiceFacts:
        """Whose voice it is."""

    @property
    def sample_rate(self) -> int:
        """Samples a second of what it says."""

    @property
    def speakers(self) -> int:
        """How many speakers it holds."""

    @property
    def item(self) -> consent.Item:
        """What the gate is asked about, for `synthesise_voice`; its card says whose voice it is."""

    def cannot_say(self, word: str) -> frozenset[str]:
        """Graphemes of a word (as written, NFC) that it would drop, spell out by name, or say in another language's voice."""

    def say(self, sentence: str, settings: Settings, *, number: int = 0) -> Samples:
        """A sentence as sound; `number` is its place in the text, from 0, and moves the seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsaid:
    """A letter that the voice cannot say: where it stands (offsets into the text as given), and the nearest letter it can say.

    `nearest` None: there is none. "": it is best left out, such as an apostrophe at which the voice would spell the letters.
    """

    letter: str
    name: str
    places: tuple[int, ...]
    nearest: str | None

    def as_dict(self) -> dict[str, Any]:
        """As it stands in `--json`."""
        return {"letter": self.letter, "name": self.name, "places": list(self.places), "nearest": self.nearest}


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """A number, an abbreviation or a sign, and the words that are said for it; offsets into the text as given."""

    start: int
    end: int
    was: str
    spoken: str
    why: Literal["number", "abbreviation", "sign"]

    def as_dict(self) -> dict[str, Any]:
        """As it stands in `--json`."""
        return {"start": self.start, "end": self.end, "was": self.was, "spoken": self.spoken, "why": self.why}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Words that are said in one go, and the silence after them."""

    text: str
    pause_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A text before it is spoken. `spoken` is what will be said under the settings; empty where the letters forbid it."""

    text: str
    spoken: str
    unsaid: tuple[Unsaid, ...]
    replaced: tuple[Replaced, ...]
    sentences: tuple[Sentence, ...]
    voice: VoiceFacts

    @property
    def refused(self) -> bool:
        """Whether nothing can be said as things stand."""
        return not self.sentences


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A text that was spoken. `samples` is empty where the sound went into a file; `sha256` is over the samples as 16 bit numbers."""

    samples: Samples
    sample_rate: int
    duration_ms: int
    sha256: str
    voice: VoiceFacts
    checked: Checked
    settings: Settings
    output: Path | None = None
    findings: tuple[Finding, ...] = ()
    decision: consent.Decision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceEntry:
    """A voice of a language on this machine, as `--voice` names it."""

    language: str
    voice: str
    facts: VoiceFacts
    needs_card: bool
    """Whether it is a person's voice for which no card speaks here: it is refused until one does."""


Progress = Callable[[int, int], None]
"""Sentences done, of how many."""
