"""The verb over several recordings: at once, or as a run that goes on where an earlier one stopped."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

from speech.collections import consent
from speech.collections.many import Outcomes, RunProgress, cores_here
from speech.collections.results import Earlier, Making
from speech.collections.runs import Run
from speech.languages import UNDETERMINED
from speech.models.lm.finding import LanguageModels
from speech.models.recogniser import Later, Recogniser
from speech.transcribe.asked import Asked, codes_of
from speech.transcribe.assembly import made_with
from speech.transcribe.recording import transcribe
from speech.transcribe.records import Result, Settings


def transcribe_all(
    recordings: Sequence[Path],
    *,
    asked: Asked,
    model: Recogniser | Later | None,
    context: consent.Context,
    language_models: LanguageModels | None = None,
    settings: Settings | None = None,
    progress: RunProgress | None = None,
) -> Outcomes[Path, Result]:
    """What `transcribe` makes of each recording, or the exception it raised. Writes nothing."""
    heard = _verb(asked, model, context, language_models, settings or Settings())
    return Outcomes(recordings, lambda path, report: heard(path, progress=report), cores=cores_of(model), progress=progress)


def run_of(
    *,
    asked: Asked,
    model: Recogniser | Later | None,
    context: consent.Context,
    settings: Settings,
    language_models: LanguageModels,
    strict: bool = False,
    force: bool = False,
) -> Run[Result]:
    """How the recordings of a run are heard and written."""
    heard = _verb(asked, model, context, language_models, settings)
    return Run(
        verb=asked.verb,
        work=lambda recording, progress: heard(recording, progress=progress),
        unchanged=lambda transcript, decision: Result(
            transcript=transcript, decision=decision, unchanged=True, read=settings.read if settings.wav else None, by_turns=asked.turns
        ),
        context=context,
        earlier=Earlier(lambda: making_of(asked, model() if isinstance(model, Later) else model, settings, language_models)),
        strict=strict,
        force=force,
    )


def _verb(
    asked: Asked, model: Recogniser | Later | None, context: consent.Context, language_models: LanguageModels | None, settings: Settings
) -> Callable[..., Result]:
    """The verb with what all recordings of a run have in common; engines are loaded once."""
    asked = asked.once()
    return functools.partial(
        transcribe, language=asked.language, speakers=asked.speakers, model=model, context=context, diariser=asked.diariser,
        identifier=asked.identifier, language_models=language_models, settings=settings,
    )  # fmt: skip


def making_of(asked: Asked, model: Recogniser | None, settings: Settings, language_models: LanguageModels) -> Making:
    """What results of this model, of what is asked, and of these settings are made by."""
    codes = [code for code in codes_of(asked) if code != UNDETERMINED]
    ears = asked.ears(model)
    if model is not None and ears.hears is not None and ears.columns is not None:
        codes = [code for code in ears.columns.languages if code in ears.hears]
    models = {sha256 for act in asked.acts(ears, "") for sha256 in (act.base_sha256, act.adapter_sha256)}
    if model is not None:
        for code in codes:
            used = language_models.of(model, code)
            models |= {model.base_sha256, model.use(code).tensor_sha256, used.sha256 if used is not None else ""}
    made_by = made_with(settings, codes_of(asked), model, language_models, asked, ears)
    return Making(frozenset(filter(None, models)), made_by, of_some=asked.several is not None)


def cores_of(model: Recogniser | Later | None) -> int:
    """Cores this process may use, as said for the model."""
    return cores_here(model.threads if model else 0)
