"""Segments into a transcript that accounts for every millisecond and says what made it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

from speech import languages
from speech.audio import Signal
from speech.collections.accounts import coverage, moved, now, recording_of, segment_moved, software
from speech.languages import UNDETERMINED
from speech.models.lm.finding import LanguageModels
from speech.models.recogniser import Recogniser
from speech.transcribe.asked import Asked
from speech.transcribe.records import Settings
from speech.transcribe.turns import Ears
from speech.types import Act, Coverage, LanguageUse, Segment, Skip, Speaker, Transcript, identified


def assembled(
    recording: Path,
    signal: Signal,
    made: Sequence[Segment],
    codes: Sequence[str],
    model: Recogniser | None,
    settings: Settings,
    language_models: LanguageModels,
    asked: Asked,
    ears: Ears,
    skips: Sequence[Skip] = (),
) -> Transcript:
    """The transcript with its accounts: times on the container's clock, every millisecond counted once.

    `skips` are speech that has no segment.
    """
    offset = signal.offset_ms
    segments = [segment_moved(segment, offset) for segment in made]
    at = now()
    made_by = made_with(settings, codes, model, language_models, asked, ears)
    acts = tuple(_act(code, model, language_models, made_by, at) for code in codes or (UNDETERMINED,))
    adapters = "/".join(act.adapter_sha256 + act.language_model_sha256 for act in acts)
    named = f"{signal.sha256}/{acts[0].base_sha256}/{adapters}/{acts[0].settings_sha256}/{'/'.join(codes)}"
    channel_by_speaker = {s.speaker: s.channel for s in segments if s.speaker}
    used = dict.fromkeys([*codes, *(s.language for s in segments if s.language)])
    transcript = Transcript(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, named)),
        created=at,
        software=software(),
        recording=recording_of(recording, signal),
        languages=tuple(LanguageUse(id=code, label=languages.load(code).name) for code in used),
        speakers=tuple(Speaker(id=label, channel=channel) for label, channel in channel_by_speaker.items()),
        segments=tuple(segments),
        coverage=accounts(segments, signal.duration_ms, signal.missing_ms, [_later(skip, offset) for skip in skips]),
        provenance=(*asked.acts(ears, made_by), *acts),
    )
    return identified(transcript)


def made_with(
    settings: Settings, codes: Sequence[str], model: Recogniser | None, language_models: LanguageModels, asked: Asked, ears: Ears
) -> str:
    """The hash of all that a result depends on but its recording and the weights; known before anything is heard."""
    turns = asked.facts(ears)
    return settings.sha256(
        languages=() if asked.several else codes,
        precision=model.precision if model is not None else "",
        hotwords=language_models.hotwords,
        turns=turns,
    )


def _later(skip: Skip, by_ms: int) -> Skip:
    return Skip(span=moved(skip.span, by_ms), reason=skip.reason)


def _act(code: str, model: Recogniser | None, language_models: LanguageModels, made_by: str, at: str) -> Act:
    """What transcribed one language."""
    if model is None or code == UNDETERMINED:
        return Act(activity="transcribe", agent=software(), settings_sha256=made_by, at=at)
    used = language_models.of(model, code)
    return Act(
        activity="transcribe",
        agent=software(),
        model=model.name,
        base_sha256=model.base_sha256,
        adapter_sha256=model.use(code).tensor_sha256,
        settings_sha256=made_by,
        at=at,
        calibration=str(language_models.calibration(model, code)),
        language_model_sha256=used.sha256 if used is not None else "",
    )


def accounts(segments: Sequence[Segment], duration_ms: int, missing_ms: int, skips: Sequence[Skip] = ()) -> Coverage:
    """Every millisecond counted once, however segments overlap: transcribed where any of them has text, else skipped."""
    undone = [*(Skip(span=s.span, reason=s.unsure_reason) for s in segments if not s.text), *skips]
    return coverage((s.span for s in segments if s.text), undone, duration_ms=duration_ms, missing_ms=missing_ms)
