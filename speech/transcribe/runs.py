"""The verb over several recordings: at once, or as a run that goes on where an earlier one stopped."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from speech.collections import consent
from speech.collections.acts import TRANSCRIBE
from speech.collections.many import Outcomes, RunProgress, cores_here
from speech.collections.results import Earlier, Making
from speech.collections.runs import Run
from speech.models.lm.finding import LanguageModels
from speech.models.recogniser import Later, Recogniser
from speech.transcribe.recording import transcribe
from speech.transcribe.records import Progress, Result, Settings


def transcribe_all(
    recordings: Sequence[Path],
    *,
    language: str,
    model: Recogniser | Later | None,
    context: consent.Context,
    language_models: LanguageModels | None = None,
    settings: Settings | None = None,
    progress: RunProgress | None = None,
) -> Outcomes[Path, Result]:
    """What `transcribe` makes of each recording, or the exception it raised. Writes nothing."""
    heard = functools.partial(
        transcribe, language=language, model=model, context=context, language_models=language_models, settings=settings
    )
    return Outcomes(recordings, lambda path, report: heard(path, progress=report), cores=cores_of(model), progress=progress)


def run_of(
    *,
    language: str,
    model: Recogniser | Later | None,
    context: consent.Context,
    settings: Settings,
    earlier: Earlier,
    language_models: LanguageModels,
    strict: bool = False,
    force: bool = False,
) -> Run[Result]:
    """How the recordings of a run are heard and written."""

    def work(recording: Path, progress: Progress) -> Result:
        return transcribe(
            recording,
            language=language,
            model=model,
            context=context,
            language_models=language_models,
            settings=settings,
            progress=progress,
        )

    return Run(
        verb=TRANSCRIBE,
        work=work,
        unchanged=lambda transcript, decision: Result(
            transcript=transcript, decision=decision, unchanged=True, read=settings.read if settings.wav else None
        ),
        context=context,
        earlier=earlier,
        strict=strict,
        force=force,
    )


def making_of(language: str, model: Recogniser | None, settings: Settings, language_models: LanguageModels) -> Making:
    """What results of this model, language and settings are made by."""
    models: set[str] = set()
    if model is not None:
        used = language_models.of(model, language)
        models = {model.base_sha256, model.use(language).tensor_sha256, used.sha256 if used is not None else ""}
    precision = model.precision if model is not None else ""
    made_by = settings.sha256(languages=(language,), precision=precision, hotwords=language_models.hotwords)
    return Making(frozenset(filter(None, models)), made_by)


def cores_of(model: Recogniser | Later | None) -> int:
    """Cores this process may use, as said for the model."""
    return cores_here(model.threads if model else 0)
