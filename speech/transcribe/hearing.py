"""From a recording's sound to segments with words: where there is speech, and what was heard in each passage.

How passages are cut, levelled, batched and joined stands in `speech.models.encoder`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from speech import languages
from speech.audio import Signal
from speech.models import ctc
from speech.models.encoder import Encoded, encode, speech_gain
from speech.models.lm.finding import OFF, LanguageModels
from speech.models.recogniser import Recogniser
from speech.transcribe.records import NOTHING_HEARD, RATE, Progress, Settings
from speech.types import Passage, Segment, Span, Word

_AT_ONCE = 64
"""Passages decoded together."""

Samples = NDArray[np.float32]


def recognised(
    signal: Signal,
    passages: Sequence[Passage],
    model: Recogniser,
    settings: Settings,
    report: Progress,
    language_models: LanguageModels | None = None,
) -> list[Segment]:
    """The passages as segments with words, in the order given. Each channel is levelled by its own passages.

    Emissions are decoded some tens of passages at a time, so that memory does not grow with the recording.
    """
    chosen = language_models or LanguageModels(OFF)
    spans_by_channel: dict[int | None, list[Span]] = {}
    for passage in passages:
        spans_by_channel.setdefault(passage.channel, []).append(passage.span)
    gains = {channel: speech_gain(signal, spans, RATE, channel) for channel, spans in spans_by_channel.items()}
    word_makers = {language: _word_maker(model, language, chosen) for language in {p.language: None for p in passages}}
    heard = encode(signal, passages, model, settings, gains=gains, progress=lambda done, total: report("recognising", done, total))
    found: list[Segment] = []
    for some in _grouped(heard, _AT_ONCE):
        words: dict[int, list[Word]] = {}
        for language, maker in word_makers.items():
            own = [n for n, encoded in enumerate(some) if encoded.passage.language == language]
            words.update(zip(own, maker([some[n] for n in own]), strict=True))
        found += [_segment(encoded, words[n]) for n, encoded in enumerate(some)]
    return found


def _grouped(heard: Iterable[Encoded], size: int) -> Iterator[list[Encoded]]:
    held: list[Encoded] = []
    for encoded in heard:
        held.append(encoded)
        if len(held) == size:
            yield held
            held = []
    if held:
        yield held


def _segment(encoded: Encoded, words: Sequence[Word]) -> Segment:
    """A passage's words as a segment; one in which nothing was heard says so."""
    passage = encoded.passage
    if not words:
        return Segment(
            span=passage.span, language=passage.language, speaker=passage.speaker, channel=passage.channel,
            status="unsure", unsure_reason=NOTHING_HEARD,
        )  # fmt: skip
    sizes = np.array([len(w.text) for w in words], np.float64)
    sure = float(np.dot(sizes, [w.confidence or 0.0 for w in words]) / sizes.sum())
    return Segment(
        span=passage.span, language=passage.language, speaker=passage.speaker, channel=passage.channel,
        text=" ".join(w.text for w in words), words=tuple(words), confidence=round(sure, 3),
    )  # fmt: skip


def _word_maker(model: Recogniser, language: str, chosen: LanguageModels) -> Callable[[Sequence[Encoded]], list[list[Word]]]:
    """From what was heard to words with times and calibrated confidence, for one language."""
    symbols = model.symbols(language)
    table = languages.load(language)
    calibrated = chosen.calibration(model, language)
    decoder = chosen.decoder(model, language)

    def words_of(encoded: Encoded, path: Sequence[ctc.Heard]) -> list[Word]:
        heard = ctc.words(path, encoded.emissions, symbols, table)
        places = _places(heard, encoded.passage.span, encoded.begin_samples, model.stride, model.reach)
        sure = [calibrated(w.raw, w.surprisal) for w in heard]
        return [
            Word(text=w.text, span=place, confidence=round(own, 3), alternatives=ctc.alternatives(own, w.readings))
            for w, place, own in zip(heard, places, sure, strict=True)
        ]

    def all_words(some: Sequence[Encoded]) -> list[list[Word]]:
        return [words_of(encoded, path) for encoded, path in zip(some, decoder([e.emissions for e in some]), strict=True)]

    return all_words


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
