"""What each format writes for one transcript, byte for byte beside this file: a change shows as a diff to read.

`make golden` writes the files anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from speech import formats
from speech.types import (
    Act,
    Alternative,
    Coverage,
    LanguageUse,
    Recording,
    Segment,
    Skip,
    Span,
    Speaker,
    Transcript,
    Translation,
    Word,
    identified,
)

HERE = Path(__file__).parent


def span(start_ms: int, end_ms: int) -> Span:
    return Span(start_ms=start_ms, end_ms=end_ms)


def story() -> Transcript:
    """Two speakers who overlap, tones, signs that formats must guard, a segment to fill, and other readings."""
    transcript = Transcript(
        id="00000000-0000-5000-8000-000000000000",
        created="2026-01-02T03:04:05Z",
        software="oral-speech golden",
        recording=Recording(
            path="tapes/a b.wav", sha256="0" * 64, duration_ms=9_500, sample_rate=44_100, channels=2, media_type="audio/vnd.wave"
        ),
        languages=(LanguageUse(id="yor", label="Yoruba"), LanguageUse(id="que", label="Kichwa")),
        speakers=(Speaker(id="A", person="P01"), Speaker(id="B")),
        segments=(
            Segment(
                span=span(320, 2_480),
                speaker="A",
                language="yor",
                text="ọjọ́ <ire> & ń'lé",
                words=(
                    Word(
                        text="ọjọ́",
                        span=span(340, 900),
                        confidence=0.91,
                        alternatives=(Alternative(text="ojo", confidence=0.31), Alternative(text="ọjọ", confidence=0.2)),
                    ),
                    Word(text="<ire>", span=span(910, 1_500), confidence=0.42),
                    Word(text="&", span=span(1_510, 1_700), confidence=0.2),
                    Word(text="ń'lé", span=span(1_720, 2_460), confidence=0.77),
                ),
                translations=(Translation(language="eng", text="good day"),),
                confidence=0.66,
            ),
            Segment(span=span(2_100, 4_000), speaker="B", language="que", text="ñuka wasiman rini", status="approved"),
            Segment(span=span(5_000, 6_000), language="que", status="unsure", unsure_reason="no words heard"),
        ),
        coverage=Coverage(
            duration_ms=9_500,
            speech_ms=5_060,
            silence_ms=4_440,
            transcribed_ms=4_060,
            skipped_ms=1_000,
            skipped=(Skip(span=span(5_000, 6_000), reason="no words heard"),),
        ),
        provenance=(Act(activity="transcribe", agent="oral-speech golden", model="mini", at="2026-01-02T03:04:05Z"),),
    )
    return identified(transcript)


@pytest.mark.parametrize("name", formats.names())
def test_a_format_writes_what_it_wrote(name: str) -> None:
    made = formats.by_name(name).render(story())
    path = HERE / f"story{formats.by_name(name).SUFFIXES[0]}"
    if os.environ.get("GOLDEN"):
        path.write_bytes(made)
    assert made == path.read_bytes()


def test_no_file_lies_here_that_nobody_compares() -> None:
    due = {f"story{formats.by_name(name).SUFFIXES[0]}" for name in formats.names()}
    assert {p.name for p in HERE.iterdir() if p.name.startswith("story")} == due
