"""Segments into a transcript that accounts for every millisecond and says what made it."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Sequence
from pathlib import Path

from speech import languages
from speech.audio import Signal
from speech.files import sha256_of, shown
from speech.languages import UNDETERMINED
from speech.models.recogniser import Wav2Vec2Recogniser
from speech.transcribe.records import Settings
from speech.types import Act, Coverage, LanguageUse, Recording, Segment, Skip, Span, Transcript


def assembled(
    recording: Path, signal: Signal, made: Sequence[Segment], language: str, model: Wav2Vec2Recogniser | None, settings: Settings
) -> Transcript:
    """The transcript with its accounts: times on the container's clock, every millisecond counted."""
    offset = signal.offset_ms
    numbered = [_shifted(dataclasses.replace(s, id=f"s{n}"), offset) for n, s in enumerate(made, 1)]
    skipped = tuple(Skip(span=s.span, reason=s.unsure_reason) for s in numbered if not s.text)
    speech_ms = sum(s.span.length_ms for s in numbered)
    skipped_ms = sum(s.span.length_ms for s in skipped)
    digest = sha256_of(recording)
    adapter = model.use(language) if model is not None and language != UNDETERMINED else None
    act = Act(
        activity="transcribe",
        agent=_software(),
        model=model.name if model is not None and adapter is not None else "",
        base_sha256=model.base_sha256 if model is not None and adapter is not None else "",
        adapter_sha256=adapter.tensor_sha256 if adapter else "",
        settings_sha256=settings.sha256(),
        at=_now(),
    )
    named = f"{digest}/{act.base_sha256}/{act.adapter_sha256}/{act.settings_sha256}/{language}"
    return Transcript(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, named)),
        created=act.at,
        software=act.agent,
        recording=Recording(
            path=shown(recording),
            sha256=digest,
            duration_ms=signal.duration_ms,
            sample_rate=signal.probe.sample_rate,
            channels=signal.probe.channels,
            offset_ms=offset,
            media_type=signal.probe.media_type,
        ),
        languages=(LanguageUse(id=language, label=languages.load(language).name),),
        segments=tuple(numbered),
        coverage=Coverage(
            duration_ms=signal.duration_ms,
            speech_ms=speech_ms,
            silence_ms=signal.duration_ms - signal.missing_ms - speech_ms,
            missing_ms=signal.missing_ms,
            transcribed_ms=speech_ms - skipped_ms,
            skipped_ms=skipped_ms,
            skipped=skipped,
        ),
        provenance=(act,),
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
