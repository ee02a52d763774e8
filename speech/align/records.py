"""How an old transcript is laid on its recording, and what comes of it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from speech.align.edges import EdgeSettings
from speech.align.windows import WindowSettings
from speech.audio import ReadSettings
from speech.collections.made import Made
from speech.models.activity import ActivitySettings
from speech.models.encoder import EncodeSettings

Units = Literal["words", "lines", "letters"]
"""The smallest that gets times; letters stand where words would."""

NOT_SAID = "not found in the recording"
FITS_BADLY = "fits the sound badly"
NOT_WRITTEN = "speech that the text does not have"
ALL_TIERS = ".tiers.eaf"
"""How the name of the old EAF ends that is written with new times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(EncodeSettings):
    """How a recording is read and heard, and how text and sound are laid together; what changes a time goes into the settings' hash.

    A line whose words score under `sure` on average is unsure. Speech of at least `unwritten_ms` on which no line lies is named.
    """

    read: ReadSettings = field(default_factory=ReadSettings)
    activity: ActivitySettings = field(default_factory=ActivitySettings)
    windows: WindowSettings = field(default_factory=WindowSettings)
    edges: EdgeSettings = field(default_factory=EdgeSettings)
    units: Units = "words"
    sure: float = 0.3
    unwritten_ms: int = 1_000
    wav: bool = False

    def sha256(self, *, language: str, through: str, text_sha256: str, precision: str) -> str:
        """A hash over every setting, the languages, the text and the network's number format."""
        of_it = {**dataclasses.asdict(self), "language": language, "through": through, "text": text_sha256, "precision": precision}
        del of_it["wav"]
        return hashlib.sha256(json.dumps(of_it, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedLine:
    """What became of a line: its span, whether it was found, mean score of its words (0 to 1), and how many words have no place."""

    number: int
    start_ms: int
    end_ms: int
    found: bool
    score: float
    words: int
    unplaced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Aligned(Made):
    """What came of one recording and its text. `through` is the language whose recogniser heard it, where it is another than the text's.

    `eaf` is the old file, where it is an EAF with tiers that the transcript does not have.
    """

    lines: tuple[PlacedLine, ...] = ()
    language: str = ""
    through: str = ""
    eaf: bytes = field(default=b"", repr=False)

    def further(self, files: Mapping[str, Path]) -> dict[Path, bytes]:
        """Beside an EAF the old one with all its tiers, its lines where they were placed."""
        from speech import formats

        if not self.eaf or "eaf" not in files:
            return {}
        path = files["eaf"].with_suffix(ALL_TIERS)
        return {path: formats.with_times(self.eaf, self.transcript, path)}

    def as_dict(self, path: str) -> dict[str, Any]:
        """The object of `--json`."""
        return {
            **self.opening(path),
            "language": self.language,
            "through": self.through or None,
            "lines": [dataclasses.asdict(line) for line in self.lines],
            **self.ending(),
        }
