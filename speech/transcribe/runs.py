"""A run over recordings: where each result goes, what is heard and what an earlier run left, and what is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from speech.collections import consent
from speech.collections.results import Due, Earlier, Making, Place, due
from speech.errors import Refusal
from speech.models.lm.finding import LanguageModels
from speech.models.recogniser import Later, Recogniser
from speech.transcribe.outputs import deliver, unchanged_result
from speech.transcribe.recording import SCOPES, transcribe
from speech.transcribe.records import Progress, Result, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A recording of a run, by its number; its place, None where nothing is written, or why it has none."""

    number: int
    recording: Path
    place: Place | Refusal | None

    @property
    def given(self) -> str:
        """The path as a program knows it."""
        return str(self.recording)


@dataclass(slots=True, kw_only=True)
class Hearing:
    """How the recordings of a run are heard and written."""

    language: str
    model: Recogniser | Later | None
    context: consent.Context
    settings: Settings
    earlier: Earlier
    language_models: LanguageModels
    strict: bool = False
    force: bool = False
    _dues: dict[int, Due] = field(default_factory=dict)

    def hear(self, item: Item, progress: Progress) -> Result:
        """What comes of a recording; where an earlier run left all that is asked for, nothing is heard.

        Raises
        ------
        FormatRefused
            `FORMAT_EXISTS`: other files lie in every place; found out before a sample is heard.
        SpeechError
            As `transcribe`.
        """
        if isinstance(item.place, Refusal):
            raise item.place
        if item.place is not None:
            decision = consent.require(SCOPES, consent.item_of(item.recording), context=self.context)
            left = self._dues[item.number] = due(item.place, self.earlier, force=self.force)
            if left.refusal and not (left.write or left.unchanged):
                raise left.refusal
            if not left.write:
                return unchanged_result(left, decision, self.settings)
        return transcribe(
            item.recording,
            language=self.language,
            model=self.model,
            context=self.context,
            language_models=self.language_models,
            settings=self.settings,
            progress=progress,
        )

    def deliver(self, item: Item, outcome: Result | Exception) -> Result:
        """Write what came of a recording; raises as `outputs.deliver`."""
        return deliver(item.recording, outcome, self._dues.get(item.number), context=self.context, strict=self.strict, force=self.force)


def making_of(language: str, model: Recogniser | None, settings: Settings, language_models: LanguageModels) -> Making:
    """What results of this model, language and settings are made by."""
    models: set[str] = set()
    if model is not None:
        used = language_models.of(model, language)
        models = {model.base_sha256, model.use(language).tensor_sha256, used.sha256 if used is not None else ""}
    precision = model.precision if model is not None else ""
    made_by = settings.sha256(languages=(language,), precision=precision, hotwords=language_models.hotwords)
    return Making(frozenset(filter(None, models)), made_by)
