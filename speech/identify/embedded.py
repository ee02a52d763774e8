"""The engine that ships: the embedded model's common hidden states and what each of its recognisers hears, weighed by a small head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speech.identify.features import counted, vocabulary_of
from speech.identify.head import FILE, SURENESS, flat, head_sha256, read_head
from speech.identify.records import Piece, Progress, Sound
from speech.models.encoder import Encoded, EncodeSettings, encode
from speech.models.recogniser import CtcRecogniser, HiddenStates
from speech.types import Passage


class Embedded:
    """An engine by a recogniser with its head. Every passage is heard in each language, in one run of batches."""

    calibrated = True

    def __init__(self, recogniser: CtcRecogniser, folder: Path) -> None:
        """Bring the adapters, and hold the head against them.

        Raises
        ------
        ModelRefused
            `MODEL_CONFIG`: there is no head in the folder; and what `read_head` refuses.
        """
        shipped = sorted(recogniser.checkpoint.adapters)
        adapters = {code: recogniser.use(code).tensor_sha256 for code in shipped}
        self._recogniser = recogniser
        self._head = read_head(folder, recogniser.base_sha256, adapters)
        self._vocabularies = {code: vocabulary_of(recogniser.symbols(code), recogniser.blank(code)) for code in self._head.languages}
        self.name = recogniser.name
        self.base_sha256 = recogniser.base_sha256
        self.sha256 = head_sha256(folder / FILE)
        self.threads = recogniser.threads
        self.least_ms = self._head.least_ms
        self.languages: Sequence[str] = self._head.languages
        fitted = self._head.card.get("calibration", {})
        self.calibration = f"calibrated on {fitted.get('split', 'data not stated')}: {fitted.get('pieces', 0)} pieces of speech"

    def weigh(
        self, sound: Sound, pieces: Sequence[Piece], gains: Mapping[int | None, float], progress: Progress | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """What was counted of each piece: the first stage's logits, then how sure each recogniser is."""
        passages = [
            Passage(span=span, language=code, channel=piece.channel) for piece in pieces for span in piece.spans for code in self.languages
        ]
        if not passages:
            return
        heard = encode(
            sound, passages, self._recogniser, EncodeSettings(), gains=gains, hidden=HiddenStates(layer=self._head.layer),
            progress=(lambda done, total: progress("telling languages", done, total)) if progress else None,
        )  # fmt: skip
        for piece in pieces:
            yield self._weights([next(heard) for _ in range(len(piece.spans) * len(self.languages))])

    def _weights(self, heard: Sequence[Encoded]) -> NDArray[np.float32]:
        """Logits and sureness of one piece; `heard` is by span, then by language."""
        step = len(self.languages)
        first = [encoded.hidden for encoded in heard[::step]]
        states = np.concatenate([h for h in first if h is not None])
        emissions = {code: np.concatenate([e.emissions for e in heard[n::step]]) for n, code in enumerate(self.languages)}
        if not len(states):
            return np.zeros(step + 1 + step * SURENESS, np.float32)
        found = counted(states, emissions, self._vocabularies, self._head.kept)
        return np.concatenate([self._head.logits(flat(found)), found["sureness"]]).astype(np.float32)

    def probabilities(self, weights: Sequence[NDArray[np.float32]], lengths_ms: Sequence[int]) -> NDArray[np.float64]:
        """Probabilities of one language being spoken in all pieces: what was counted is averaged by length."""
        shares = np.asarray(lengths_ms, np.float64) / max(1, sum(lengths_ms))
        mean = (np.stack(weights).astype(np.float64) * shares[:, None]).sum(axis=0)
        size = len(self.languages) + 1
        sureness = mean[size:].reshape(size - 1, SURENESS)
        return np.asarray(self._head.probabilities(mean[:size], sureness, np.asarray(sum(lengths_ms) / 1000)))
