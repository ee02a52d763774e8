"""The verb as a run, so that its results are written, and left alone, as those of the other verbs."""

from __future__ import annotations

from speech.align.choosing import through_of
from speech.align.recording import ALIGN, align
from speech.align.records import Aligned, Settings
from speech.align.text import OldText
from speech.collections import consent
from speech.collections.results import Earlier, Making
from speech.collections.runs import Run
from speech.models.recogniser import Later, Recogniser


def run_of(
    *,
    text: OldText,
    language: str,
    through: str | None,
    model: Recogniser | Later,
    context: consent.Context,
    settings: Settings,
    strict: bool = False,
    force: bool = False,
) -> Run[Aligned]:
    """How a recording is aligned with its text and written. `through` None: the text's language, or the likeliest other."""

    def ready() -> tuple[Recogniser, str]:
        recogniser = model() if isinstance(model, Later) else model
        return recogniser, through or through_of(recogniser, language, text)

    def making() -> Making:
        recogniser, by = ready()
        adapter = recogniser.use(by)
        made_by = settings.sha256(language=language, through=by, text_sha256=text.sha256, precision=recogniser.precision)
        return Making(frozenset(filter(None, (recogniser.base_sha256, adapter.tensor_sha256))), made_by)

    def work(recording, progress):  # type: ignore[no-untyped-def]  # as Run says
        recogniser, by = ready()
        return align(
            recording, text, language=language, model=recogniser, context=context, through=by, settings=settings, progress=progress
        )

    return Run(
        verb=ALIGN,
        work=work,
        unchanged=lambda transcript, decision: Aligned(
            transcript=transcript, decision=decision, unchanged=True, read=settings.read if settings.wav else None, language=language
        ),
        context=context,
        earlier=Earlier(making),
        strict=strict,
        force=force,
    )
