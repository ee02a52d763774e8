"""Turns into a transcript without words, which accounts for every millisecond and says what made it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from speech.audio import Signal
from speech.collections.accounts import coverage, moved, now, recording_of, software
from speech.diarise.thresholds import UNSURE_MARGIN
from speech.types import Act, Segment, Skip, Span, Speaker, Transcript, Turn, identified

NOBODY = "speech that no speaker was found for"
CLOSE = "another voice is nearly as likely"


def assembled(
    recording: Path,
    signal: Signal,
    turns: Sequence[Turn],
    speech: Sequence[Span],
    person_by_speaker: Mapping[str, str],
    *,
    model: str,
    model_sha256: str,
    settings_sha256: str,
) -> Transcript:
    """The transcript of a recording's turns, on the container's clock; what is speech and nobody's turn is listed as skipped."""
    channel_by_speaker = {turn.speaker: turn.channel for turn in turns}
    at = now()
    act = Act(activity="diarise", agent=software(), model=model, base_sha256=model_sha256, settings_sha256=settings_sha256, at=at)
    offset = signal.offset_ms
    transcript = Transcript(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{signal.sha256}/diarise/{model_sha256}/{settings_sha256}")),
        created=at,
        software=software(),
        recording=recording_of(recording, signal),
        speakers=tuple(
            Speaker(id=label, person=person_by_speaker.get(label), channel=channel) for label, channel in channel_by_speaker.items()
        ),
        segments=tuple(_segment(turn, offset) for turn in turns),
        coverage=coverage(
            (moved(turn.span, offset) for turn in turns),
            [Skip(span=moved(span, offset), reason=NOBODY) for span in speech],
            duration_ms=signal.duration_ms,
            missing_ms=signal.missing_ms,
        ),
        provenance=(act,),
    )
    return identified(transcript)


def _segment(turn: Turn, offset_ms: int) -> Segment:
    unsure = turn.margin is not None and turn.margin < UNSURE_MARGIN
    return Segment(
        span=moved(turn.span, offset_ms),
        speaker=turn.speaker,
        speaker_margin=None if turn.margin is None else round(turn.margin, 3),
        channel=turn.channel,
        status="unsure" if unsure else "draft",
        unsure_reason=CLOSE if unsure else "",
    )
