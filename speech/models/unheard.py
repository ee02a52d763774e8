"""Sound as loud as the speech of a recording in which no speech was found: music, singing, whispering, or speech that was missed.

Speech detection may skip; it may not hide. It was trained on talk: sung vowels and whispering it takes for no speech, and so
what is loud and was left out is named, for a person to listen to.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from speech.errors import Finding
from speech.models.activity import RATE, Readable
from speech.types import Span, merged

STEP_MS = 100
_STEP = RATE * STEP_MS // 1000
_BLOCK = 600
UNDER_SPEECH_DB = 12.0
"""Sound down to this under the median level of the recording's speech is as loud as speech."""
OVER_FLOOR_DB = 15.0
"""And it lies this far over the quiet parts: a steady noise is none."""
LEAST_MS = 1_000
JOIN_MS = 500
"""Times are chosen by hand: a cough is shorter, a sung line has pauses of half a second."""


def loud_beside(sound: Readable, speech: Sequence[Span]) -> list[Span]:
    """Spans of at least a second that are as loud as the speech and in none of its spans."""
    levels = _levels(sound)
    if not len(levels):
        return []
    spoken = np.zeros(len(levels), np.bool_)
    for span in speech:
        spoken[span.start_ms // STEP_MS : -(-span.end_ms // STEP_MS)] = True
    # The quietest hundredth: a recording may be song from end to end.
    least = float(np.percentile(levels, 1)) + OVER_FLOOR_DB
    if spoken.any():
        least = max(least, float(np.median(levels[spoken])) - UNDER_SPEECH_DB)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], ((levels > least) & ~spoken).astype(np.int8), [0]]))).reshape(-1, 2)
    wide = [Span(start_ms=int(a) * STEP_MS, end_ms=int(b) * STEP_MS + JOIN_MS) for a, b in edges]
    joined = [Span(start_ms=s.start_ms, end_ms=s.end_ms - JOIN_MS) for s in merged(wide)]
    return [span for span in joined if span.length_ms >= LEAST_MS]


def finding(path: str, spans: Sequence[Span]) -> tuple[Finding, ...]:
    """What is said of such spans; nothing where there are none."""
    if not spans:
        return ()
    longest = max(spans, key=lambda span: span.length_ms)
    total = sum(span.length_ms for span in spans) / 1000
    what = (
        f"{total:.1f} s in {len(spans)} place{'s' if len(spans) > 1 else ''} sound as loud as its speech, and no speech was found there "
        f"(music, singing, whispering?); the longest from {_clock(longest.start_ms)} to {_clock(longest.end_ms)}"
    )
    return (Finding(code="AUDIO_UNHEARD", where=path, what=what, mend="Listen there, and add by hand what is speech"),)


def _levels(sound: Readable) -> NDArray[np.float32]:
    """dBFS of each step, read in blocks."""
    found = []
    for start in range(0, sound.length_samples, _BLOCK * _STEP):
        samples = sound.read(start, _BLOCK * _STEP)
        whole = samples[: len(samples) // _STEP * _STEP].reshape(-1, _STEP)
        found.append(10 * np.log10(np.square(whole, dtype=np.float64).mean(axis=1) + 1e-12))
    return np.concatenate(found).astype(np.float32) if found else np.zeros(0, np.float32)


def _clock(time_ms: int) -> str:
    return f"{time_ms // 60_000}:{time_ms // 1000 % 60:02}"
