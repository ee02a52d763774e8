"""What is written reads back: for each format, a transcript less what the format says it cannot hold."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings

from speech import formats
from speech.formats import _losses
from speech.types import Transcript
from tests.strategies import transcripts

_SETTINGS = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


def _holds(name: str, transcript: Transcript) -> None:
    format = formats.by_name(name)
    if name == "srt":
        assume(not any("-->" in s.text or "-->" in (s.speaker or "") for s in transcript.segments))
    data = format.render(transcript)
    again = format.parse(data, where="again")
    assert format.kept(again) == format.kept(transcript)
    assert format.render(again) == format.render(format.parse(format.render(again), where="twice"))


@pytest.mark.parametrize("name", formats.names())
@given(transcript=transcripts())
@settings(parent=_SETTINGS, max_examples=50)
def test_what_is_written_reads_back_less_the_losses(name: str, transcript: Transcript) -> None:
    _holds(name, transcript)


@pytest.mark.slow
@pytest.mark.parametrize("name", formats.names())
@given(transcript=transcripts())
@settings(parent=_SETTINGS, max_examples=1_000)
def test_what_is_written_reads_back_a_thousand_times(name: str, transcript: Transcript) -> None:
    _holds(name, transcript)


@given(transcript=transcripts())
@settings(parent=_SETTINGS, max_examples=50)
def test_a_loss_is_counted_just_where_dropping_it_changes_something(transcript: Transcript) -> None:
    """So nothing is dropped that is not told, and nothing is told that is not dropped."""
    plain = _losses.with_lists(_losses.normal(transcript))
    for name, loss in _losses.LOSS.items():
        dropped = replace(loss.drop(plain), speakers=(), languages=())
        if name != "times":  # a segment at 0 has a time, too
            assert (loss.count(plain) > 0) == (dropped != replace(plain, speakers=(), languages=())), name


@given(transcript=transcripts())
@settings(parent=_SETTINGS, max_examples=50)
def test_records_of_speakers_are_counted_where_they_say_more_than_the_segments(transcript: Transcript) -> None:
    used = {s.speaker for s in transcript.segments}
    more = [s for s in transcript.speakers if s.person or s.label or s.id not in used]
    assert _losses.lost(transcript, ["speaker_records"]) == ({"speaker_records": len(more)} if more else {})


@pytest.mark.parametrize("name", formats.names())
def test_every_loss_of_a_format_is_a_known_one(name: str) -> None:
    assert set(formats.by_name(name).LOSSES) <= set(_losses.LOSS)
