"""From which confidence on a word is marked, and which of the marked ones are very doubtful: the one place that says so.

Where confidences are calibrated they are probabilities of being right, and the limits are the same for every model: one word in five
wrong, and as likely wrong as right. Where a draft says that its confidences only rank words, the limits are taken from its own words:
as many are marked as a reader can look through. What they are is kept with the draft; pages and orders ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from speech.types import Transcript

_NOT_CALIBRATED = "not calibrated"
"""How `models.cards.Calibration` begins what it says of itself where it is none."""
_MARKED, _DOUBTFUL = 0.2, 0.05
"""Shares of the words that are marked, and very doubtful, where confidences only rank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """A word is sure from confidence `sure` on, unsure from `doubtful` on, else doubtful."""

    sure: float = 0.8
    doubtful: float = 0.5

    def as_dict(self) -> dict[str, float]:
        """As the draft's row keeps it, and the app's route answers it."""
        return {"sure": self.sure, "doubtful": self.doubtful}


def doubts_in(transcript: Transcript) -> Doubts:
    """The limits for what a model heard; the usual ones where it says nothing of its calibration, or has no confidences."""
    said = [act.calibration for act in transcript.provenance if act.calibration]
    # A word whose time is estimated was not heard: nothing tells how sure it is, and many such would hide the others.
    heard = [w for s in transcript.segments for w in s.words if not w.estimated]
    known = sorted(w.confidence for w in heard if w.confidence is not None)
    if not known or not said or not said[-1].startswith(_NOT_CALIBRATED):
        return Doubts()
    return Doubts(sure=known[int(_MARKED * len(known))], doubtful=known[int(_DOUBTFUL * len(known))])


def doubts_kept(said: Mapping[str, Any]) -> Doubts:
    """The limits that a draft's row says (`edits.about`); the usual ones where it says none."""
    kept = said.get("doubts")
    return Doubts(sure=float(kept["sure"]), doubtful=float(kept["doubtful"])) if isinstance(kept, Mapping) else Doubts()
