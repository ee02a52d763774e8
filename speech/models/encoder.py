"""From a recording's passages to emissions: cut, levelled, batched across languages, joined again.

Passages of one channel and language that lie close together are heard in one stretch with what lies between them, so
that less of the recording is heard twice as surroundings. A stretch depends on the passages of its own channel and
language alone, so a passage gives the same in a mixed run as in one of its language (but for the last digits, which
depend on the batch). Batches are made of one recording's stretches only: what is heard in it does not depend on what
else is heard meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speech.errors import AudioRefused
from speech.models import chunks
from speech.models.recogniser import Emissions, HiddenStates, Recogniser, States, padded_samples
from speech.types import Passage, Span, merged

Samples = NDArray[np.float32]
Progress = Callable[[int, int], None]
"""Samples heard, and samples to be heard."""

_CALL_MS = 1_500
"""Sound that the network hears in the time that one more call costs: so much padding in a batch is cheaper than a call."""
_BEYOND_MS = 50
"""How far a passage may end beyond the sound: rounding of another program's times."""
_HELD_BYTES = 256_000_000
"""Emissions and hidden states held at once; with a vocabulary of thousands this is less than `window_ms` of sound."""
_BLOCK_MS = 400
_GATE_DB = 10.0


class Readable(Protocol):
    """Samples of a recording at 16 kHz, read by position; `channel` counts from 1, None is the mix."""

    @property
    def length_samples(self) -> int:
        """How many there are."""
        ...

    def read(self, start: int, count: int, channel: int | None = None) -> Samples:
        """`count` samples from `start` (fewer at the end)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeSettings:
    """How passages are heard.

    `chunk_ms` is the longest piece the network sees at once, `overlap_ms` what it hears beyond each inner edge;
    neighbouring passages are heard in one stretch of at most `together_ms`, with the pauses between them;
    a shorter one than `least_ms` is heard with what lies around it, half on each side: alone, a knock in noise became letters;
    `batch_ms` is the sound in one batch, `window_ms` the sound held at once. `benchmarks/verb_settings.py` compares some.
    """

    chunk_ms: int = 20_000
    overlap_ms: int = 2_000
    together_ms: int = 10_000
    least_ms: int = 8_000
    batch_ms: int = 24_000
    window_ms: int = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """What was heard in one passage.

    `emissions` are natural-log probabilities (frames, vocabulary of its language), the first frame's samples beginning at
    sample `begin_samples` of the recording; `hidden` (frames, width) where it was asked for.
    """

    passage: Passage
    begin_samples: int
    emissions: Emissions
    hidden: States | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """Passages of one channel and language that are heard together, and the chunks of the sound from first to last."""

    numbers: tuple[int, ...]
    """Of its passages, in the order given to `encode`."""
    spans: tuple[Span, ...]
    start: int
    language: str
    channel: int | None
    chunks: tuple[chunks.Chunk, ...]

    @property
    def heard_samples(self) -> int:
        """What the network hears, overlaps and surroundings included."""
        return sum(chunk.end - chunk.start for chunk in self.chunks)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """One chunk of one stretch, ready for the network."""

    stretch: int
    number: int
    language: str
    samples: Samples


def encode(
    signal: Readable,
    passages: Sequence[Passage],
    recogniser: Recogniser,
    settings: EncodeSettings | None = None,
    *,
    gains: Mapping[int | None, float] | None = None,
    hidden: HiddenStates | None = None,
    progress: Progress | None = None,
) -> Iterator[Encoded]:
    """Hear passages of a recording; they come in the order given, each when it is heard.

    Memory is bounded by `settings.window_ms` where passages come in order of time, as they do from `diarise` and from speech
    detection; otherwise what was heard waits for its turn. Passages may overlap and mix languages; batches mix them too.

    Parameters
    ----------
    gains : by channel
        What brings a channel's speech to unit power (`speech_gain`, where it is known where speech is). Channels without one
        are levelled by their louder parts (`gated_gain`). A recording has one level, not each passage its own. A checkpoint that
        wants samples as they are gets them so.
    hidden
        Hidden states wanted beside the emissions; `HiddenStates` says what they cost.

    Raises
    ------
    AudioRefused
        `AUDIO_SPAN`: a passage ends before it begins, or lies outside the recording; `AUDIO_CHANNELS`.
    ModelRefused
        `MODEL_LANGUAGE` and what else `Recogniser.use` refuses; before anything is heard.
    """
    settings = settings or EncodeSettings()
    rate = recogniser.sample_rate
    for language in {p.language: None for p in passages}:
        recogniser.use(language)
    stretches = _stretches([_inside(p, signal.length_samples, rate) for p in passages], signal, recogniser, settings)
    levels = dict(gains or {}) if recogniser.levelled else {s.channel: 1.0 for s in stretches}
    for channel in {s.channel: None for s in stretches}:
        if channel not in levels:
            levels[channel] = gated_gain(signal, channel, rate)
    return _heard(signal, passages, recogniser, settings, stretches, levels, hidden, progress)


def _heard(
    signal: Readable, passages: Sequence[Passage], recogniser: Recogniser, settings: EncodeSettings, stretches: Sequence[_Stretch],
    gains: Mapping[int | None, float], hidden: HiddenStates | None, progress: Progress | None,
) -> Iterator[Encoded]:  # fmt: skip
    """What `encode` gives, window by window of stretches."""
    rate = recogniser.sample_rate
    total = sum(stretch.heard_samples for stretch in stretches)
    done = 0
    waiting: dict[int, Encoded] = {}
    next_number = 0
    for window in _windows(stretches, _window_samples(stretches, recogniser, settings, hidden)):
        tasks = list(_tasks(window, signal, gains))
        emissions_by_chunk: dict[tuple[int, int], Emissions] = {}
        hidden_by_chunk: dict[tuple[int, int], States] = {}
        batches = list(_batches(tasks, settings.batch_ms * rate // 1000, rate))
        sounds = ([(task.samples, task.language) for task in batch] for batch in batches)
        for batch, encodings in zip(batches, recogniser.stream(sounds, hidden), strict=True):
            for task, encoding in zip(batch, encodings, strict=True):
                emissions_by_chunk[task.stretch, task.number] = encoding.emissions
                if encoding.hidden is not None:
                    hidden_by_chunk[task.stretch, task.number] = encoding.hidden
            done += sum(len(task.samples) for task in batch)
            if progress:
                progress(done, total)
        for n, stretch in enumerate(window):
            keys = [(n, k) for k in range(len(stretch.chunks))]
            emissions = chunks.joined(stretch.chunks, [emissions_by_chunk.pop(key) for key in keys])
            states = chunks.joined(stretch.chunks, [hidden_by_chunk.pop(key) for key in keys]) if hidden_by_chunk else None
            for number, begin, end in zip(stretch.numbers, *_frames(stretch, recogniser), strict=True):
                waiting[number] = Encoded(
                    passage=passages[number],
                    begin_samples=stretch.start + begin * recogniser.stride,
                    emissions=emissions[begin:end],
                    hidden=None if states is None else states[begin:end],
                )
        while next_number in waiting:
            yield waiting.pop(next_number)
            next_number += 1


def _tasks(window: Sequence[_Stretch], signal: Readable, gains: Mapping[int | None, float]) -> Iterator[_Task]:
    """The chunks of a window; those that are heard in several languages hold the same array, which the network hears once where it can."""
    sound_by_place: dict[tuple[int, int, int | None], Samples] = {}
    for n, stretch in enumerate(window):
        for k, chunk in enumerate(stretch.chunks):
            place = (stretch.start + chunk.start, chunk.end - chunk.start, stretch.channel)
            if place not in sound_by_place:
                sound_by_place[place] = signal.read(*place) * np.float32(gains[stretch.channel])
            yield _Task(stretch=n, number=k, language=stretch.language, samples=sound_by_place[place])


def speech_gain(signal: Readable, spans: Sequence[Span], rate: int, channel: int | None = None) -> float:
    """What brings a recording's speech, and only its speech, to unit power: one number for the whole channel.

    `spans` are where there is speech; where they overlap, sound counts once.
    """
    total, count = 0.0, 0
    for span in merged(spans):
        for start in range(span.start_ms, span.end_ms, 30_000):
            samples = signal.read(start * rate // 1000, min(30_000, span.end_ms - start) * rate // 1000, channel)
            total += float(np.square(samples, dtype=np.float64).sum())
            count += len(samples)
    return _gain(total, count)


def gated_gain(signal: Readable, channel: int | None, rate: int) -> float:
    """What brings the louder parts of a channel to unit power, where nobody said where there is speech.

    Blocks of 400 ms more than 10 dB below the mean of all are left out, as loudness meters leave out pauses
    (ITU-R BS.1770-4, without its weighting of frequencies).
    """
    size = _BLOCK_MS * rate // 1000
    powers: list[NDArray[np.float64]] = []
    counts: list[NDArray[np.float64]] = []
    for start in range(0, signal.length_samples, 75 * size):
        samples = signal.read(start, 75 * size, channel).astype(np.float64)
        edges = np.arange(0, len(samples), size)
        powers.append(np.add.reduceat(np.square(samples), edges))
        counts.append(np.diff(np.append(edges, len(samples))).astype(np.float64))
    if not powers:
        return 1.0
    power, count = np.concatenate(powers), np.concatenate(counts)
    kept = power / count >= power.sum() / count.sum() * 10 ** (-_GATE_DB / 10)
    return _gain(float(power[kept].sum()), int(count[kept].sum()))


def _gain(total: float, count: int) -> float:
    return 1.0 / float(np.sqrt(total / count + 1e-14)) if count else 1.0


def _inside(passage: Passage, length_samples: int, rate: int) -> Passage:
    """The passage within the sound.

    Raises
    ------
    AudioRefused
        `AUDIO_SPAN`.
    """
    span, length_ms = passage.span, length_samples * 1000 // rate
    if span.start_ms < 0 or span.end_ms < span.start_ms or span.end_ms > length_ms + _BEYOND_MS:
        raise AudioRefused(
            f"passage {span.start_ms}-{span.end_ms} ms",
            f"it does not lie in the recording, which is {length_ms} ms long",
            "Correct its times: start before end, both inside the recording",
            "AUDIO_SPAN",
        )
    if span.end_ms <= length_ms:
        return passage
    span = Span(start_ms=min(span.start_ms, length_ms), end_ms=length_ms)
    return Passage(span=span, language=passage.language, speaker=passage.speaker, channel=passage.channel)


def _stretches(passages: Sequence[Passage], signal: Readable, recogniser: Recogniser, settings: EncodeSettings) -> list[_Stretch]:
    """All stretches of a recording, in order of the first passage (as given) that each holds."""
    numbers_by_kind: dict[tuple[int | None, str], list[int]] = {}
    for number, passage in enumerate(passages):
        numbers_by_kind.setdefault((passage.channel, passage.language), []).append(number)
    stretches: list[_Stretch] = []
    for (channel, language), numbers in numbers_by_kind.items():
        numbers.sort(key=lambda n: (passages[n].span, n))
        for group in _together(numbers, passages, min(settings.together_ms, settings.chunk_ms)):
            spans = tuple(passages[n].span for n in group)
            stretches.append(
                _Stretch(
                    numbers=tuple(group),
                    spans=spans,
                    start=spans[0].start_ms * recogniser.sample_rate // 1000,
                    language=language,
                    channel=channel,
                    chunks=_chunks(spans, signal.length_samples, recogniser, settings),
                )
            )
    return sorted(stretches, key=lambda s: min(s.numbers))


def _together(numbers: Sequence[int], passages: Sequence[Passage], longest_ms: int) -> Iterator[list[int]]:
    """Passages in groups, in order of time: neighbours that with what lies between them are at most `longest_ms` long."""
    group: list[int] = []
    for number in numbers:
        if group and max(passages[n].span.end_ms for n in (*group, number)) - passages[group[0]].span.start_ms > longest_ms:
            yield group
            group = []
        group.append(number)
    if group:
        yield group


def _chunks(spans: Sequence[Span], available: int, recogniser: Recogniser, settings: EncodeSettings) -> tuple[chunks.Chunk, ...]:
    """How spans are heard together; a short stretch is heard with what lies around it, of which nothing is given."""
    rate, stride = recogniser.sample_rate, recogniser.stride
    last_ms = max(span.end_ms for span in spans)
    start, end, chunk, least = (
        ms * rate // 1000 for ms in (spans[0].start_ms, last_ms, settings.chunk_ms, min(settings.least_ms, settings.chunk_ms))
    )
    length = end - start
    if recogniser.reach <= length < least:
        after = max(0, available - end)
        frames = recogniser.frames(length)
        return (chunks.surrounded(length, least=least, before=start, after=after, stride=stride, frames=frames),)
    return tuple(chunks.plan(length, chunk=chunk, overlap=settings.overlap_ms * rate // 1000, stride=stride))


def _frames(stretch: _Stretch, recogniser: Recogniser) -> tuple[list[int], list[int]]:
    """First frame, and frame after the last, of each passage of a stretch: where passages touch no frame is lost between them."""
    rate, stride = recogniser.sample_rate, recogniser.stride
    begins = [round((span.start_ms * rate // 1000 - stretch.start) / stride) for span in stretch.spans]
    ends = [begin + recogniser.frames(s.length_ms * rate // 1000) for s, begin in zip(stretch.spans, begins, strict=True)]
    for n, (span, after) in enumerate(zip(stretch.spans, stretch.spans[1:], strict=False)):
        if span.end_ms == after.start_ms:
            ends[n] = begins[n + 1]
    return begins, ends


def _window_samples(stretches: Sequence[_Stretch], recogniser: Recogniser, settings: EncodeSettings, hidden: HiddenStates | None) -> int:
    """Sound in a window, so that what it gives stays under `_HELD_BYTES`."""
    symbols = max((len(recogniser.symbols(s.language)) for s in stretches), default=0)
    frame_bytes = 4 * (symbols + (recogniser.width if hidden else 0))
    return min(settings.window_ms * recogniser.sample_rate // 1000, _HELD_BYTES // max(1, frame_bytes) * recogniser.stride)


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


def _batches(tasks: Sequence[_Task], size: int, rate: int) -> Iterator[list[_Task]]:
    """Tasks by length, the longest first (so that memory is asked for once), as many as `size` samples hold when padded."""
    batch: list[_Task] = []
    distinct: set[int] = set()
    for task in sorted(tasks, key=lambda t: (-len(t.samples), t.stretch, t.number)):
        longest, again = len((batch[0] if batch else task).samples), id(task.samples) in distinct
        full = padded_samples(longest, rate) * (len(distinct) + 1) > size or longest - len(task.samples) > _CALL_MS * rate // 1000
        if batch and not again and full:
            yield batch
            batch, distinct = [], set()
        batch.append(task)
        distinct.add(id(task.samples))
    if batch:
        yield batch
