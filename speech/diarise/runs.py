"""The verb over the recordings of a run, and what the numbers on its command line mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from speech.collections import consent
from speech.collections.results import Earlier, Making
from speech.collections.runs import Run
from speech.diarise.engines import Later, model_sha256
from speech.diarise.gate import verb_of
from speech.diarise.recording import diarise
from speech.diarise.records import Diariser, KnownVoice, Progress, Result, Settings, SpeakerCount
from speech.errors import UsageFailure
from speech.files import shown


def run_of(
    *,
    diariser: Diariser | Later,
    context: consent.Context,
    count: SpeakerCount,
    known: Sequence[KnownVoice] = (),
    link: bool = False,
    settings: Settings,
    strict: bool = False,
    force: bool = False,
) -> Run[Result]:
    """How the recordings of a run are heard and written. Where voices are linked, all are heard, whatever earlier runs left."""

    def work(recording: Path, progress: Progress) -> Result:
        return diarise(
            recording, diariser=diariser, context=context, count=count, known=known, link=link, settings=settings, progress=progress
        )

    return Run(
        verb=verb_of((k.person for k in known), link=link),
        work=work,
        unchanged=lambda transcript, decision: Result(
            transcript=transcript, decision=decision, unchanged=True, read=settings.read if settings.wav else None
        ),
        context=context,
        earlier=Earlier(lambda: making_of(diariser, count, known, settings, link=link), "diarise"),
        strict=strict,
        force=force,
        always=link,
    )


def making_of(
    diariser: Diariser | Later, count: SpeakerCount, known: Sequence[KnownVoice], settings: Settings, *, link: bool = False
) -> Making:
    """What results of this engine, number of speakers and settings are made by."""
    models = frozenset[str]()
    if not settings.per_speaker or known or link:
        sha256 = model_sha256(diariser() if isinstance(diariser, Later) else diariser)
        models = frozenset({sha256} if sha256 else ())
    return Making(models, settings.sha256(engine=diariser.name, count=count, known=known))


def speaker_count(text: str | None) -> SpeakerCount:
    """`3`, or `2-4`, as the number of people who speak; None where it is not known.

    Raises
    ------
    UsageFailure
        `SPEAKERS`: it is neither, nobody, or the wrong way round.
    """
    if text is None:
        return SpeakerCount()
    found = re.fullmatch(r"([0-9]{1,3})(?:-([0-9]{1,3}))?", text.strip())
    least, most = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= least <= most:
        raise UsageFailure(
            f"--speakers {shown(text)}",
            "this is no number of people, nor a range",
            "For example --speakers 2, or 2-4",
            "SPEAKERS",
        )
    return SpeakerCount(least=least, most=most)
