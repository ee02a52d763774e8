"""Languages by a classifier of other makers, as MMS-LID is: its own labels, its own probabilities.

It knows no "none of these", and nobody has calibrated it here: that is said with every answer. Long recordings are heard in
pieces, whose log probabilities are averaged by length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from speech.identify.records import RATE, Piece, Progress, Sound
from speech.models.classifier import Classifier

_CODE = re.compile(r"[a-z]{3}")


class Labelled:
    """An engine by labels."""

    calibration = "not calibrated: these are the model's own probabilities"
    calibrated = False
    sha256 = ""
    least_ms = 1_000

    def __init__(self, classifier: Classifier) -> None:
        """Of labels that are written `que-script_latin` the code is taken; labels of the same language count together."""
        self._classifier = classifier
        self.name = classifier.name
        self.base_sha256 = classifier.sha256
        self.threads = classifier.threads
        codes = [code_of(label) for label in classifier.labels]
        self.languages: Sequence[str] = tuple(dict.fromkeys(codes))
        self._row = np.array([self.languages.index(code) for code in codes])

    def weigh(
        self, sound: Sound, pieces: Sequence[Piece], gains: Mapping[int | None, float], progress: Progress | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """Log probabilities of the languages, and never of none; the gain is the classifier's own affair."""
        for number, piece in enumerate(pieces):
            samples = [sound.read(s.start_ms * RATE // 1000, s.length_ms * RATE // 1000, piece.channel) for s in piece.spans]
            logits = self._classifier.logits(np.concatenate(samples)).astype(np.float64)
            shares = np.exp(logits - logits.max())
            summed = np.bincount(self._row, shares / shares.sum(), len(self.languages))
            if progress:
                progress("telling languages", number + 1, len(pieces))
            yield np.append(np.log(summed + 1e-30), -np.inf).astype(np.float32)

    def probabilities(self, weights: Sequence[NDArray[np.float32]], lengths_ms: Sequence[int]) -> NDArray[np.float64]:
        """Probabilities (languages + 1,), the last of them 0."""
        shares = np.asarray(lengths_ms, np.float64) / max(1, sum(lengths_ms))
        mean = (np.stack(weights)[:, :-1].astype(np.float64) * shares[:, None]).sum(axis=0)
        held = np.exp(mean - mean.max())
        return np.append(held / held.sum(), 0.0)


def code_of(label: str) -> str:
    """The ISO 639-3 code of a label; a label that begins otherwise stays as it is."""
    found = _CODE.match(label)
    return found[0] if found and (len(label) == 3 or label[3] in "-_") else label
