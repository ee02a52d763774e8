"""Segments into a transcript that accounts for every millisecond and says what made it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

from speech import languages
from speech.audio import Signal
from speech.collections.accounts import coverage, now, recording_of, segment_moved, software
from speech.languages import UNDETERMINED
from speech.models.lm.finding import LanguageModels
from speech.models.recogniser import Recogniser
from speech.transcribe.records import Settings
from speech.types import Act, Coverage, LanguageUse, Segment, Skip, Speaker, Transcript, identified


def assembled(
    recording: Path,
    signal: Signal,
    made: Sequence[Segment],
    codes: Sequence[str],
    model: Recogniser | None,
    settings: Settings,
    language_models: LanguageModels,
) -> Transcript:
    """The transcript with its accounts: times on the container's clock, every millisecond counted once."""
    offset = signal.offset_ms
    segments = [segment_moved(segment, offset) for segment in made]
    at = now()
    made_by = settings.sha256(languages=codes, precision=model.precision if model is not None else "", hotwords=language_models.hotwords)
    acts = tuple(_act(code, model, language_models, made_by, at) for code in codes)
    asked, adapters = "/".join(codes), "/".join(act.adapter_sha256 + act.language_model_sha256 for act in acts)
    named = f"{signal.sha256}/{acts[0].base_sha256}/{adapters}/{acts[0].settings_sha256}/{asked}"
    transcript = Transcript(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, named)),
        created=at,
        software=software(),
        recording=recording_of(recording, signal),
        languages=tuple(LanguageUse(id=code, label=languages.load(code).name) for code in codes),
        speakers=tuple(Speaker(id=label) for label in dict.fromkeys(s.speaker for s in segments if s.speaker)),
        segments=tuple(segments),
        coverage=accounts(segments, signal.duration_ms, signal.missing_ms),
        provenance=acts,
    )
    return identified(transcript)


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


def accounts(segments: Sequence[Segment], duration_ms: int, missing_ms: int) -> Coverage:
    """Every millisecond counted once, however segments overlap: transcribed where any of them has text, else skipped."""
    undone = [Skip(span=s.span, reason=s.unsure_reason) for s in segments if not s.text]
    return coverage((s.span for s in segments if s.text), undone, duration_ms=duration_ms, missing_ms=missing_ms)
