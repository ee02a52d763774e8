"""One recording into a transcript: decoded once, read in windows, every millisecond speech, silence or missing."""

from __future__ import annotations

import time
from pathlib import Path

from speech import languages
from speech.audio import load as load_audio
from speech.collections import consent
from speech.languages import UNDETERMINED
from speech.models.activity import segments
from speech.models.recogniser import Later, Wav2Vec2Recogniser
from speech.transcribe.assembly import assembled
from speech.transcribe.hearing import recognised, speech_probabilities
from speech.transcribe.records import NO_MODEL, RATE, Progress, Result, Settings
from speech.types import Segment

SCOPES = frozenset({"transcribe_local"})


def transcribe(
    recording: Path,
    *,
    language: str,
    model: Wav2Vec2Recogniser | Later | None,
    context: consent.Context,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Result:
    """Turn a recording into words with times and confidence. Writes nothing, downloads nothing.

    The text does not depend on `settings.chunk_ms` of 10 s or more: no stretch that is heard at once is longer.
    With `language` "und" no model is needed: speech and times come out, with empty segments to fill.
    A model for `Later` is loaded once a recording was read, so that a damaged one is answered at once.

    Raises
    ------
    ConsentRefused
        Scope `transcribe_local` not granted; raised before a sample is decoded.
    AudioRefused, PathRefused
        The recording cannot be read; FAULTS rows A.
    ModelRefused
        There is no adapter for `language`.
    """
    settings = settings or Settings()
    report = progress or (lambda _step, _done, _total: None)
    languages.check_code(language)
    decision = consent.require(SCOPES, consent.item_of(recording), context=context)
    if isinstance(model, Later):
        model.check()
    clock = _Clock()
    with load_audio(recording, settings.read, progress=lambda done, total: report("reading", done, total)) as signal:
        clock.mark("reading")
        if isinstance(model, Later):
            report("loading the model", 0, 1)
        recogniser = model() if isinstance(model, Later) else model
        if language == UNDETERMINED:
            recogniser = None
        elif recogniser is not None:
            recogniser.use(language)
        clock.mark("model")
        probabilities = speech_probabilities(signal, report)
        clock.mark("speech detection")
        spans = segments(probabilities, signal.length_samples * 1000 // RATE, settings.activity)
        if recogniser is None:
            made = [Segment(span=span, language=None, unsure_reason=NO_MODEL, status="unsure") for span in spans]
        else:
            made = recognised(signal, spans, language, recogniser, settings, report)
        clock.mark("recognition")
        transcript = assembled(recording, signal, made, language, recogniser, settings)
        clock.mark("transcript")
    findings = recogniser.findings(language) if recogniser else ()
    return Result(transcript=transcript, findings=(*signal.findings, *findings), seconds=clock.seconds, decision=decision)


class _Clock:
    """Seconds of each step, by the monotonic clock."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def mark(self, step: str) -> None:
        now = time.monotonic()
        self.seconds[step] = round(now - self._last, 3)
        self._last = now
