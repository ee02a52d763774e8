"""Which words are marked: by probability where it is one, else by rank among the draft's own words; kept with the draft."""

from __future__ import annotations

from dataclasses import replace

from speech.models.cards import Calibration
from speech.review import edits
from speech.review.doubts import Doubts, doubts_in, doubts_kept
from speech.review.orders import first_unsure
from speech.store import Store
from speech.types import Act, Segment, Span, Transcript, Word
from tests.review.conftest import RECORDING

CALIBRATED = str(Calibration(raw=(0.0, 1.0), right=(0.1, 0.9), words=500, split="dev", ece=0.04))
NOT_CALIBRATED = str(Calibration())


def heard(calibration: str, confidences: list[float]) -> Transcript:
    span = Span(start_ms=0, end_ms=1000)
    words = tuple(Word(text=f"w{n}", span=span, confidence=c) for n, c in enumerate(confidences))
    segment = Segment(id="a1", span=span, text=" ".join(w.text for w in words), words=words)
    return Transcript(segments=(segment,), provenance=(Act(activity="transcribe", calibration=calibration),))


def test_calibrated_confidences_have_fixed_limits() -> None:
    assert doubts_in(heard(CALIBRATED, [0.1, 0.2])) == Doubts(sure=0.8, doubtful=0.5)
    assert doubts_in(heard("", [0.1, 0.2])) == doubts_in(Transcript()) == Doubts()


def test_confidences_that_only_rank_mark_a_share_of_the_words() -> None:
    given = heard(NOT_CALIBRATED, [n / 100 for n in range(100, 0, -1)])
    limits = doubts_in(given)
    words = given.segments[0].words
    assert sum(w.confidence < limits.sure for w in words if w.confidence is not None) == 20
    assert sum(w.confidence < limits.doubtful for w in words if w.confidence is not None) == 5
    assert doubts_in(heard(NOT_CALIBRATED, [])) == Doubts()


def test_words_that_were_not_heard_do_not_hide_the_unsure_ones_among_the_others() -> None:
    """As where half of an old text is not in its recording: those words have score 0, and a time that is estimated."""
    given = heard(NOT_CALIBRATED, [n / 100 for n in range(100, 0, -1)])
    [segment] = given.segments
    unheard = tuple(replace(word, confidence=0.0, estimated=True) for word in segment.words)
    with_them = replace(given, segments=(segment, replace(segment, id="a2", words=unheard)))
    assert doubts_in(with_them) == doubts_in(given)


def test_limits_stay_with_the_draft_whatever_is_corrected(store: Store) -> None:
    given = heard(NOT_CALIBRATED, [0.05, 0.1, 0.15, 0.2, 0.3])
    edits.draft(store, RECORDING, given, person="p", id="d")
    assert doubts_kept(edits.about(store, RECORDING)) == doubts_in(given) != Doubts()
    base = edits.segments_of(store, RECORDING).versions
    edits.record(store, RECORDING, person="p", id="e", base=base, asked={"act": "text", "segment": "a1", "text": "x"})
    assert doubts_kept(edits.about(store, RECORDING)) == doubts_in(given)
    assert doubts_kept({}) == doubts_kept(edits.about(store, "none")) == Doubts()


def test_the_first_unsure_segment_is_found_by_the_drafts_own_limits() -> None:
    segments = heard(NOT_CALIBRATED, [0.3, 0.4, 0.5, 0.6, 0.7]).segments
    assert first_unsure(segments, Doubts()) == "a1" and first_unsure(segments, Doubts(sure=0.3, doubtful=0.3)) is None
