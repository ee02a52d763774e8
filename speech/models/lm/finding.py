"""Which language model is used for a language: the one named, or the one that lies beside the adapter or in the model's folder."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speech import languages
from speech.errors import Finding
from speech.models import ctc
from speech.models.cards import Calibration
from speech.models.lm.decoder import LanguageDecoder
from speech.models.lm.files import load
from speech.models.lm.scorer import LanguageModel
from speech.models.recogniser import Recogniser

AUTO, OFF = "auto", "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundModel:
    """A language model in use: its hash, and where its file lies."""

    model: LanguageModel
    sha256: str
    path: Path

    def calibration(self, adapter_sha256: str) -> Calibration:
        """How confidences of what it decodes map to what is right; none where it was fitted with another adapter."""
        told = self._fitted(adapter_sha256)
        if "raw" not in told:
            return Calibration()
        return Calibration(
            raw=tuple(map(float, told["raw"])),
            right=tuple(map(float, told["right"])),
            words=int(told["words"]),
            split=str(told["split"]),
            ece=float(told["ece"]),
            mixture=(float(m[0]), float(m[1]), float(m[2])) if (m := told.get("mixture")) else None,
        )

    def limit(self, adapter_sha256: str) -> float | None:
        """Nats a letter over which words stand as they sounded; none where it was not found with this adapter."""
        limit = self._fitted(adapter_sha256).get("limit")
        return None if limit is None else float(limit)

    def _fitted(self, adapter_sha256: str) -> dict[str, Any]:
        """What was found on dev with an adapter; nothing where that was another one."""
        told = self.model.card.get("calibration")
        return told if isinstance(told, dict) and told.get("adapter") == adapter_sha256 else {}


def fitted_with(adapter_sha256: str, *, limit: float | None, calibration: Calibration | None) -> dict[str, Any]:
    """What a language model's card keeps under `calibration` of what was found on dev with an adapter: what `FoundModel` reads."""
    told: dict[str, Any] = {"adapter": adapter_sha256}
    if limit is not None:
        told["limit"] = limit
    if calibration is not None:
        told |= {name: getattr(calibration, name) for name in ("words", "split", "ece")}
        told |= {"raw": list(calibration.raw), "right": list(calibration.right)}
        told |= {"mixture": list(calibration.mixture)} if calibration.mixture else {}
    return told


def beside(adapter: Path, language: str) -> Path:
    """Where the language model of a language lies that goes with an adapter."""
    return adapter.parent / f"lm.{language}.safetensors"


class LanguageModels:
    """The language models of a run, each loaded when it is first asked for. `choice` is `auto`, `off`, or a file."""

    def __init__(self, choice: str = AUTO, hotwords: Sequence[str] = ()) -> None:
        self.choice = choice
        self.hotwords = tuple(hotwords)
        self._found: dict[str, FoundModel | None] = {}
        self._lock = threading.Lock()

    def of(self, recogniser: Recogniser, language: str) -> FoundModel | None:
        """The model for a language, None where there is none.

        Raises
        ------
        PathRefused, ModelRefused
            The file that was named, or the one that lies there, cannot be used.
        """
        with self._lock:
            if language not in self._found:
                path = self._path(recogniser, language)
                file = load(path) if path is not None else None
                self._found[language] = (
                    FoundModel(model=file.model, sha256=file.sha256, path=path) if file is not None and path is not None else None
                )
            return self._found[language]

    def _path(self, recogniser: Recogniser, language: str) -> Path | None:
        if self.choice == OFF:
            return None
        if self.choice != AUTO:
            return Path(self.choice)
        folder = recogniser.use(language).path.parent
        places = [beside(recogniser.use(language).path, language), *sorted((folder / "language_model").glob("*.arpa"))]
        return next((p for p in places if p.is_file()), None)

    def decoder(self, recogniser: Recogniser, language: str) -> ctc.Decoder:
        """How the emissions of a language are decoded: with its model, or greedily where there is none."""
        symbols, blank = recogniser.symbols(language), recogniser.blank(language)
        found = self.of(recogniser, language)
        if found is None:
            return ctc.Greedy(blank=blank, silent=frozenset(n for n, s in enumerate(symbols) if ctc.is_special(s)))
        limit = found.limit(recogniser.use(language).tensor_sha256)
        return LanguageDecoder(symbols, blank, languages.load(language), found.model, hotwords=self.hotwords, limit=limit)

    def calibration(self, recogniser: Recogniser, language: str) -> Calibration:
        """How raw confidences map to the share that is right, for what this decodes."""
        found = self.of(recogniser, language)
        if found is None:
            return recogniser.calibration(language)
        return found.calibration(recogniser.use(language).tensor_sha256)

    def findings(self, recogniser: Recogniser, language: str) -> list[Finding]:
        """What a person should know: hot words without a language model to hear them with."""
        if self.hotwords and self.of(recogniser, language) is None:
            return [
                Finding(
                    code="MODEL_LM",
                    where="--words",
                    what=f"there is no language model for {language}: the words given were not used",
                    mend="Make one with: speech lm train",
                )
            ]
        return []
