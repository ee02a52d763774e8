"""Errors over time: hand-worked cases, and pyannote.metrics on drawn ones."""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from typing import Any

import pytest

from speech.score.records import Counts
from speech.score.times import Labelled, speech_in, time_errors
from speech.types import Segment, Span, Word


def at(start_ms: int, end_ms: int, label: str) -> Labelled:
    return Labelled(span=Span(start_ms=start_ms, end_ms=end_ms), label=label)


def counts(reference: Sequence[Labelled], hypothesis: Sequence[Labelled], **given: Any) -> tuple[int, int, int, int]:
    """Right, confused, missed, false alarm."""
    c = time_errors(reference, hypothesis, **given).counts
    return c.hits, c.substitutions, c.deletions, c.insertions


def test_speakers_are_taken_for_each_other_as_agrees_longest() -> None:
    said = [at(0, 1000, "Ana"), at(1000, 3000, "Rosa")]
    heard = [at(0, 800, "S2"), at(800, 2500, "S1"), at(3000, 3300, "S1")]
    # 800 Ana and 1500 Rosa are right, 200 of Ana are Rosa's, the last 500 are missed, 300 after the end are false alarm.
    assert counts(said, heard, named=False) == (2300, 200, 500, 300)
    assert time_errors(said, heard, named=False).taken_for == {"Ana": "S2", "Rosa": "S1"}
    # As languages, no label of one side is on the other.
    assert counts(said, heard, named=True) == (0, 2500, 500, 300)


def test_overlap_counts_for_each_language_in_it() -> None:
    said = [at(0, 1000, "yor"), at(500, 1500, "swh")]
    assert counts(said, [at(0, 1500, "yor")], named=True) == (1000, 500, 500, 0)
    assert counts(said, [at(0, 1000, "yor"), at(500, 1500, "amh")], named=True) == (1000, 1000, 0, 0)
    assert counts([at(0, 1000, "yor")], said, named=True) == (1000, 0, 0, 1000)
    # Two people in one language at a time are one stretch of that language.
    assert counts([at(0, 1000, "yor"), at(500, 1500, "yor")], [at(0, 1500, "yor")], named=True) == (1500, 0, 0, 0)


def test_collar_and_spans_beside_are_not_judged() -> None:
    said, heard = [at(1000, 3000, "a")], [at(1200, 3300, "b")]
    assert counts(said, heard, named=False, collar_ms=250) == (1500, 0, 0, 50)
    assert counts(said, heard, named=False, beside=[Span(start_ms=0, end_ms=2000)]) == (1000, 0, 0, 300)
    assert counts([], heard, named=False) == (0, 0, 0, 2100)
    assert counts(said, [], named=False) == (0, 0, 2000, 0)


def test_slots_add_up_and_end_at_the_cuts() -> None:
    said, heard = [at(0, 1000, "a"), at(2000, 3000, "b")], [at(500, 2500, "x")]
    found = time_errors(said, heard, named=False, cuts=[1500])
    assert found.slots == (Counts(hits=500, deletions=500, insertions=500), Counts(substitutions=500, deletions=500, insertions=500))
    assert found.counts == time_errors(said, heard, named=False).counts


def test_a_word_of_another_language_counts_for_its_own_span() -> None:
    words = (
        Word(text="kay", span=Span(start_ms=0, end_ms=400), language="que"),
        Word(text="okay", span=Span(start_ms=400, end_ms=700), language="eng"),
    )
    spoken = Segment(span=Span(start_ms=0, end_ms=1000), text="kay okay", language="que", words=words)
    noise = Segment(span=Span(start_ms=2000, end_ms=3000), language="que", kind="noise")
    untold = Segment(span=Span(start_ms=4000, end_ms=5000), text="?")
    found, without = speech_in([spoken, noise, untold], lambda part: part.language)
    assert sorted((x.span.start_ms, x.span.end_ms, x.label) for x in found) == [(0, 400, "que"), (400, 700, "eng"), (700, 1000, "que")]
    assert without == [Span(start_ms=4000, end_ms=5000)]


def drawn(draw: random.Random, names: str) -> list[Labelled]:
    """Up to four labels, each with turns that do not overlap its own."""
    made = []
    for name in names[: draw.randint(1, 4)]:
        moments = sorted(draw.sample(range(0, 20_000, 10), 2 * draw.randint(1, 5)))
        made += [at(a, b, name) for a, b in zip(moments[::2], moments[1::2], strict=True)]
    return made


@pytest.mark.parametrize("collar_ms", [0, 250])
@pytest.mark.parametrize("named", [False, True])
def test_counts_are_those_of_pyannote_metrics(collar_ms: int, named: bool) -> None:
    pytest.importorskip("pyannote.metrics", reason="pyannote.metrics is not installed")
    from pyannote.core import Annotation, Timeline
    from pyannote.core import Segment as Stretch
    from pyannote.metrics.diarization import DiarizationErrorRate
    from pyannote.metrics.identification import IdentificationErrorRate

    def annotation(given: Sequence[Labelled]) -> Any:
        made = Annotation(uri="a")
        for n, one in enumerate(given):
            made[Stretch(one.span.start_ms / 1000, one.span.end_ms / 1000), n] = one.label
        return made

    metric = (IdentificationErrorRate if named else DiarizationErrorRate)(collar=2 * collar_ms / 1000)
    for seed in range(40):
        draw = random.Random(seed)
        said, heard = drawn(draw, "abcd"), drawn(draw, "bcde" if named else "wxyz")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            detail = metric(annotation(said), annotation(heard), uem=Timeline([Stretch(0, 20)]), detailed=True)
        expected = [1000 * detail[k] for k in ("correct", "confusion", "missed detection", "false alarm")]
        assert list(counts(said, heard, named=named, collar_ms=collar_ms)) == pytest.approx(expected, abs=1e-3)
