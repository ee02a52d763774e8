"""What every transcript of ours begins with: the recording's facts, the program and day that made it, every millisecond counted."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Sequence
from pathlib import Path

from speech.audio import Signal
from speech.files import shown
from speech.types import Coverage, Recording, Segment, Skip, Span, merged, without


def recording_of(path: Path, signal: Signal) -> Recording:
    """The facts of a recording that was read."""
    return Recording(
        path=shown(path),
        sha256=signal.sha256,
        duration_ms=signal.duration_ms,
        sample_rate=signal.probe.sample_rate,
        channels=signal.probe.channels,
        offset_ms=signal.offset_ms,
        media_type=signal.probe.media_type,
    )


def coverage(done: Iterable[Span], undone: Sequence[Skip], *, duration_ms: int, missing_ms: int) -> Coverage:
    """Every millisecond counted once, however spans overlap: speech that was `done`, and what is left of `undone` with its reason."""
    transcribed = merged(done)
    skipped: list[Skip] = []
    counted = transcribed
    for skip in undone:
        skipped += [Skip(span=span, reason=skip.reason) for span in without(skip.span, counted)]
        counted = merged([*counted, skip.span])
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


def moved(span: Span, by_ms: int) -> Span:
    """The span on a clock that begins `by_ms` earlier."""
    return Span(start_ms=span.start_ms + by_ms, end_ms=span.end_ms + by_ms)


def segment_moved(segment: Segment, by_ms: int) -> Segment:
    """The segment with its words on a clock that begins `by_ms` earlier: the container's, whose sound starts at `offset_ms`."""
    if not by_ms:
        return segment
    words = tuple(dataclasses.replace(w, span=moved(w.span, by_ms) if w.span else None) for w in segment.words)
    return dataclasses.replace(segment, span=moved(segment.span, by_ms), words=words)


def now() -> str:
    """This moment, to the second, in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def software() -> str:
    """This program and its version, as a transcript names what made it."""
    from speech import __version__

    return f"oral-speech {__version__}"
