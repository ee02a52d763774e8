"""From a recording's sound to segments with words: speech found, cut in pauses, levelled, recognised in batches.

A recording is levelled once, over its speech; batches are made of one recording's segments only, so what is heard
in it does not depend on what else is transcribed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speech import languages
from speech.audio import Signal
from speech.models import chunks, ctc
from speech.models.activity import detector
from speech.models.recogniser import Wav2Vec2Recogniser, padded_samples
from speech.transcribe.records import NOTHING_HEARD, RATE, Progress, Settings
from speech.types import Segment, Span, Word

_QUIETEST = 1e-5
"""Root mean square below which a recording is silent (-100 dBFS): there is nothing to level."""
_LEVEL = 0.06
"""Root mean square that the detector hears every recording at (-24 dBFS)."""
_MOST_GAIN = 20.0
_CALL_MS = 1_500
"""Sound that the network hears in the time that one more call costs: so much padding in a batch is cheaper than a call."""

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """One chunk of one segment, ready for the network."""

    segment: int
    number: int
    samples: Samples


def speech_probabilities(signal: Signal, report: Progress) -> Samples:
    """Speech probability by frame; a silent recording is not amplified into noise and asked about."""
    if signal.rms < _QUIETEST:
        return np.zeros(0, np.float32)
    gain = min(_MOST_GAIN, _LEVEL / signal.rms)
    return detector().probabilities(signal, gain, lambda done, total: report("finding speech", done, total))


def recognised(
    signal: Signal, spans: Sequence[Span], language: str, model: Wav2Vec2Recogniser, settings: Settings, report: Progress
) -> list[Segment]:
    """The spans as segments with words; what is held at once is bounded by `settings.window_ms`."""
    gain = _speech_gain(signal, spans)
    decode = _decoder(model, language)
    made: list[Segment] = []
    planned = {span: _plan(span, signal, model, settings) for span in spans}
    total = sum(chunk.end - chunk.start for plan in planned.values() for chunk in plan)
    done = 0
    for window in _windows(spans, settings.window_ms):
        plans = [planned[span] for span in window]
        tasks = [
            _Task(segment=n, number=k, samples=_read(signal, span, chunk, gain))
            for n, (span, plan) in enumerate(zip(window, plans, strict=True))
            for k, chunk in enumerate(plan)
        ]
        pieces: dict[tuple[int, int], ctc.Emissions] = {}
        batches = list(_batches(tasks, settings.batch_ms * RATE // 1000))
        sounds = ([t.samples for t in batch] for batch in batches)
        for batch, found in zip(batches, model.stream(sounds, language), strict=True):
            pieces |= {(task.segment, task.number): piece for task, piece in zip(batch, found, strict=True)}
            done += sum(len(t.samples) for t in batch)
            report("recognising", done, total)
        for n, (span, plan) in enumerate(zip(window, plans, strict=True)):
            emissions = chunks.joined(plan, [pieces.pop((n, k)) for k in range(len(plan))])
            made.append(decode(span, emissions))
    return made


def _speech_gain(signal: Signal, spans: Sequence[Span]) -> float:
    """What brings the recording's speech, and only its speech, to unit power: one number for the whole file."""
    total, count = 0.0, 0
    for span in spans:
        for start in range(span.start_ms, span.end_ms, 30_000):
            samples = signal.read(start * RATE // 1000, min(30_000, span.end_ms - start) * RATE // 1000)
            total += float(np.square(samples, dtype=np.float64).sum())
            count += len(samples)
    return 1.0 / float(np.sqrt(total / count + 1e-14)) if count else 1.0


def _windows(spans: Sequence[Span], window_ms: int) -> Iterator[list[Span]]:
    """Spans in groups of about `window_ms` of speech, in order."""
    group: list[Span] = []
    held = 0
    for span in spans:
        if group and held + span.length_ms > window_ms:
            yield group
            group, held = [], 0
        group.append(span)
        held += span.length_ms
    if group:
        yield group


def _plan(span: Span, signal: Signal, model: Wav2Vec2Recogniser, settings: Settings) -> list[chunks.Chunk]:
    """The span in chunks; a short span is one, heard with what lies around it, of which nothing is written."""
    start, length, chunk, least = (
        ms * RATE // 1000 for ms in (span.start_ms, span.length_ms, settings.chunk_ms, min(settings.least_ms, settings.chunk_ms))
    )
    if model.reach <= length < least:
        after = max(0, signal.length_samples - start - length)
        frames = model.checkpoint.frames(length)
        return [chunks.surrounded(length, least=least, before=start, after=after, stride=model.stride, frames=frames)]
    return chunks.plan(length, chunk=chunk, overlap=settings.overlap_ms * RATE // 1000, stride=model.stride)


def _read(signal: Signal, span: Span, chunk: chunks.Chunk, gain: float) -> Samples:
    start = span.start_ms * RATE // 1000
    samples: Samples = signal.read(start + chunk.start, chunk.end - chunk.start)
    return samples * np.float32(gain)


def _batches(tasks: Sequence[_Task], size: int) -> Iterator[list[_Task]]:
    """Tasks by length, the longest first (so that memory is asked for once), as many as `size` samples hold when padded."""
    batch: list[_Task] = []
    for task in sorted(tasks, key=lambda t: (-len(t.samples), t.segment, t.number)):
        longest = len((batch[0] if batch else task).samples)
        if batch and (padded_samples(longest, RATE) * (len(batch) + 1) > size or longest - len(task.samples) > _CALL_MS * RATE // 1000):
            yield batch
            batch = []
        batch.append(task)
    if batch:
        yield batch


def _decoder(model: Wav2Vec2Recogniser, language: str) -> Callable[[Span, ctc.Emissions], Segment]:
    """From a span and its emissions to a segment, for one language."""
    adapter = model.use(language)
    table = languages.load(language)
    calibrated = model.calibration(language)
    blank = model.checkpoint.config.get("pad_token_id", 0)
    silent = frozenset(n for n, s in enumerate(adapter.symbols) if s in ctc.SPECIAL)
    greedy = ctc.Greedy(blank=blank, silent=silent)

    def decode(span: Span, emissions: ctc.Emissions) -> Segment:
        heard = ctc.words(greedy(emissions), emissions, adapter.symbols, table)
        words = tuple(
            Word(text=w.text, span=place, confidence=round(calibrated(w.raw), 3), alternatives=w.alternatives)
            for w, place in zip(heard, _places(heard, span, model.stride, model.reach), strict=True)
        )
        if not words:
            return Segment(span=span, language=language, status="unsure", unsure_reason=NOTHING_HEARD)
        sizes = np.array([len(w.text) for w in words], np.float64)
        sure = float(np.dot(sizes, [w.confidence or 0.0 for w in words]) / sizes.sum())
        return Segment(span=span, language=language, text=" ".join(w.text for w in words), words=words, confidence=round(sure, 3))

    return decode


def _places(heard: Sequence[ctc.HeardWord], span: Span, stride: int, reach: int) -> list[Span]:
    """Words' times: from the middle of the first frame to that of the last, a frame wider, never over a neighbour."""

    def middle(frame: int) -> float:
        return span.start_ms + (frame * stride + reach / 2) * 1000 / RATE

    step = stride * 1000 / RATE
    edges = [[middle(w.first) - step, middle(w.end - 1) + step] for w in heard]
    for left, right in zip(edges, edges[1:], strict=False):
        if left[1] > right[0]:
            left[1] = right[0] = (left[1] + right[0]) / 2
    out = []
    for start, end in edges:
        first = min(max(round(start), span.start_ms), span.end_ms - 1)
        out.append(Span(start_ms=first, end_ms=max(first + 1, min(round(end), span.end_ms))))
    return out
