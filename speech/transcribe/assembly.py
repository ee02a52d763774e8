"""Segments into a transcript that accounts for every millisecond and says what made it."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Sequence
from pathlib import Path

from speech import languages
from speech.audio import Signal
from speech.files import shown
from speech.languages import UNDETERMINED
from speech.models.lm.finding import LanguageModels
from speech.models.recogniser import Recogniser
from speech.transcribe.records import Settings
from speech.types import Act, Coverage, LanguageUse, Recording, Segment, Skip, Span, Speaker, Transcript, identified, merged, without


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
    segments = [_shifted(segment, offset) for segment in made]
    at = _now()
    made_by = settings.sha256(languages=codes, precision=model.precision if model is not None else "", hotwords=language_models.hotwords)
    acts = tuple(_act(code, model, language_models, made_by, at) for code in codes)
    asked, adapters = "/".join(codes), "/".join(act.adapter_sha256 + act.language_model_sha256 for act in acts)
    named = f"{signal.sha256}/{acts[0].base_sha256}/{adapters}/{acts[0].settings_sha256}/{asked}"
    transcript = Transcript(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, named)),
        created=at,
        software=_software(),
        recording=Recording(
            path=shown(recording),
            sha256=signal.sha256,
            duration_ms=signal.duration_ms,
            sample_rate=signal.probe.sample_rate,
            channels=signal.probe.channels,
            offset_ms=offset,
            media_type=signal.probe.media_type,
        ),
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
        return Act(activity="transcribe", agent=_software(), settings_sha256=made_by, at=at)
    used = language_models.of(model, code)
    return Act(
        activity="transcribe",
        agent=_software(),
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
    transcribed = merged(s.span for s in segments if s.text)
    skipped: list[Skip] = []
    counted = transcribed
    for segment in segments:
        if not segment.text:
            skipped += [Skip(span=span, reason=segment.unsure_reason) for span in without(segment.span, counted)]
            counted = merged([*counted, segment.span])
    transcribed_ms = sum(span.length_ms for span in transcribed)
    skipped_ms = sum(skip.span.length_ms for skip in skipped)
    return Coverage(
        duration_ms=duration_ms,
        speech_ms=transcribed_ms + skipped_ms,
        silence_ms=duration_ms - missing_ms - transcribed_ms - skipped_ms,
        missing_ms=missing_ms,
        transcribed_ms=transcribed_ms,
        skipped_ms=skipped_ms,
        skipped=tuple(skipped),
    )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _software() -> str:
    from speech import __version__

    return f"oral-speech {__version__}"


def _shifted(segment: Segment, offset_ms: int) -> Segment:
    """The segment on the container's clock, whose sound starts at `offset_ms`."""
    if not offset_ms:
        return segment

    def moved(span: Span) -> Span:
        return Span(start_ms=span.start_ms + offset_ms, end_ms=span.end_ms + offset_ms)

    words = tuple(dataclasses.replace(w, span=moved(w.span) if w.span else None) for w in segment.words)
    return dataclasses.replace(segment, span=moved(segment.span), words=words)
