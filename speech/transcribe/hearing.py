"""From a recording's sound to segments with words: speech found, cut in pauses, levelled, recognised in batches.

A recording is levelled once, over its speech. Neighbouring short segments are heard in one stretch with the pauses
between them, so that less of the recording is heard twice as surroundings. Batches are made of one recording's
stretches only, so what is heard in it does not depend on what else is transcribed meanwhile.
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
class _Stretch:
    """Segments that are heard together, and the chunks of the sound from the first one's start to the last one's end."""

    spans: tuple[Span, ...]
    chunks: tuple[chunks.Chunk, ...]

    @property
    def start_samples(self) -> int:
        return self.spans[0].start_ms * RATE // 1000

    @property
    def heard_samples(self) -> int:
        """What the network hears, overlaps and surroundings included."""
        return sum(chunk.end - chunk.start for chunk in self.chunks)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """One chunk of one stretch, ready for the network."""

    stretch: int
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
    stretches = [_stretch(group, signal, model, settings) for group in _together(spans, min(settings.together_ms, settings.chunk_ms))]
    total = sum(stretch.heard_samples for stretch in stretches)
    done = 0
    for window in _windows(stretches, settings.window_ms * RATE // 1000):
        tasks = [
            _Task(stretch=n, number=k, samples=signal.read(stretch.start_samples + chunk.start, chunk.end - chunk.start) * np.float32(gain))
            for n, stretch in enumerate(window)
            for k, chunk in enumerate(stretch.chunks)
        ]
        pieces: dict[tuple[int, int], ctc.Emissions] = {}
        batches = list(_batches(tasks, settings.batch_ms * RATE // 1000))
        sounds = ([t.samples for t in batch] for batch in batches)
        for batch, found in zip(batches, model.stream(sounds, language), strict=True):
            pieces |= {(task.stretch, task.number): piece for task, piece in zip(batch, found, strict=True)}
            done += sum(len(t.samples) for t in batch)
            report("recognising", done, total)
        for n, stretch in enumerate(window):
            emissions = chunks.joined(stretch.chunks, [pieces.pop((n, k)) for k in range(len(stretch.chunks))])
            begins = [round((span.start_ms * RATE // 1000 - stretch.start_samples) / model.stride) for span in stretch.spans]
            for span, begin, end in zip(stretch.spans, begins, _ends(stretch.spans, begins, model), strict=True):
                made.append(decode(span, emissions[begin:end], stretch.start_samples + begin * model.stride))
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


def _together(spans: Sequence[Span], longest_ms: int) -> Iterator[tuple[Span, ...]]:
    """Spans in groups, in order: neighbours that with what lies between them are at most `longest_ms` long."""
    group: list[Span] = []
    for span in spans:
        if group and span.end_ms - group[0].start_ms > longest_ms:
            yield tuple(group)
            group = []
        group.append(span)
    if group:
        yield tuple(group)


def _windows(stretches: Sequence[_Stretch], size: int) -> Iterator[list[_Stretch]]:
    """Stretches in groups of about `size` samples heard, in order."""
    group: list[_Stretch] = []
    held = 0
    for stretch in stretches:
        if group and held + stretch.heard_samples > size:
            yield group
            group, held = [], 0
        group.append(stretch)
        held += stretch.heard_samples
    if group:
        yield group


def _stretch(spans: tuple[Span, ...], signal: Signal, model: Wav2Vec2Recogniser, settings: Settings) -> _Stretch:
    """How spans are heard together; a short stretch is heard with what lies around it, of which nothing is written."""
    start, end, chunk, least = (
        ms * RATE // 1000 for ms in (spans[0].start_ms, spans[-1].end_ms, settings.chunk_ms, min(settings.least_ms, settings.chunk_ms))
    )
    length = end - start
    if model.reach <= length < least:
        after = max(0, signal.length_samples - end)
        frames = model.checkpoint.frames(length)
        plan = [chunks.surrounded(length, least=least, before=start, after=after, stride=model.stride, frames=frames)]
    else:
        plan = chunks.plan(length, chunk=chunk, overlap=settings.overlap_ms * RATE // 1000, stride=model.stride)
    return _Stretch(spans=spans, chunks=tuple(plan))


def _ends(spans: Sequence[Span], begins: Sequence[int], model: Wav2Vec2Recogniser) -> list[int]:
    """The frame after each span's last: where spans touch no frame is lost between them."""
    ends = [begin + model.checkpoint.frames(s.length_ms * RATE // 1000) for s, begin in zip(spans, begins, strict=True)]
    for n, (span, after) in enumerate(zip(spans, spans[1:], strict=False)):
        if span.end_ms == after.start_ms:
            ends[n] = begins[n + 1]
    return ends


def _batches(tasks: Sequence[_Task], size: int) -> Iterator[list[_Task]]:
    """Tasks by length, the longest first (so that memory is asked for once), as many as `size` samples hold when padded."""
    batch: list[_Task] = []
    for task in sorted(tasks, key=lambda t: (-len(t.samples), t.stretch, t.number)):
        longest = len((batch[0] if batch else task).samples)
        if batch and (padded_samples(longest, RATE) * (len(batch) + 1) > size or longest - len(task.samples) > _CALL_MS * RATE // 1000):
            yield batch
            batch = []
        batch.append(task)
    if batch:
        yield batch


def _decoder(model: Wav2Vec2Recogniser, language: str) -> Callable[[Span, ctc.Emissions, int], Segment]:
    """From a span, its emissions and the sample they begin at to a segment, for one language."""
    adapter = model.use(language)
    table = languages.load(language)
    calibrated = model.calibration(language)
    blank = model.checkpoint.config.get("pad_token_id", 0)
    silent = frozenset(n for n, s in enumerate(adapter.symbols) if s in ctc.SPECIAL)
    greedy = ctc.Greedy(blank=blank, silent=silent)

    def decode(span: Span, emissions: ctc.Emissions, begin: int) -> Segment:
        heard = ctc.words(greedy(emissions), emissions, adapter.symbols, table)
        words = tuple(
            Word(text=w.text, span=place, confidence=round(calibrated(w.raw), 3), alternatives=w.alternatives)
            for w, place in zip(heard, _places(heard, span, begin, model.stride, model.reach), strict=True)
        )
        if not words:
            return Segment(span=span, language=language, status="unsure", unsure_reason=NOTHING_HEARD)
        sizes = np.array([len(w.text) for w in words], np.float64)
        sure = float(np.dot(sizes, [w.confidence or 0.0 for w in words]) / sizes.sum())
        return Segment(span=span, language=language, text=" ".join(w.text for w in words), words=words, confidence=round(sure, 3))

    return decode


def _places(heard: Sequence[ctc.HeardWord], span: Span, begin: int, stride: int, reach: int) -> list[Span]:
    """Words' times: from the middle of the first frame to that of the last, a frame wider, never over a neighbour."""

    def middle(frame: int) -> float:
        return (begin + frame * stride + reach / 2) * 1000 / RATE

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
