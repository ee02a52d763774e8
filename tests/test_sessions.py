"""The composed sessions: their references say what is in the sound, and the report of the whole chain runs."""

from __future__ import annotations

import importlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile

from speech import formats
from speech.types import Segment, Span, Transcript, Word, merged, without
from tests.conftest import REPOSITORY
from tests.test_recipes import smoke


@pytest.fixture
def composer(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The recipe as a module."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "recipes"))
    return importlib.import_module("compose_sessions")


def clips(composer: ModuleType, speaker: str, language: str, level: float) -> list[Any]:
    """Eight clips of a second: a tone at a level of its own."""
    made = []
    for n in range(8):
        flags = np.ones(100, np.bool_)
        flags[40:80] = n % 2 == 0  # every second one has a pause
        tone = level * np.sin(np.arange(16_000) * 2 * np.pi * 300 / 16_000) * np.repeat(flags, 160)
        made.append(composer.Clip(speaker=speaker, language=language, text=f"{speaker} {n}", samples=tone.astype(np.float32), flags=flags))
    return made


def test_a_reference_has_every_clip_once_and_speech_where_the_sound_is(composer: ModuleType) -> None:
    both = [*clips(composer, "a", "swh", 0.05), *clips(composer, "b", "yor", 0.05)]
    made = composer.compose("x", both, 60.0, np.random.default_rng(1))
    segments = made.reference.segments
    assert sorted(s.text for s in segments) == sorted(c.text for c in both)
    assert {(s.speaker, s.language) for s in segments} == {("a", "swh"), ("b", "yor")}
    overlaps = [a.span.end_ms - b.span.start_ms for a, b in pairwise(segments)]
    assert any(o > 0 for o in overlaps) and max(overlaps) <= 1500
    assert all(a.speaker != b.speaker for (a, b), o in zip(pairwise(segments), overlaps, strict=True) if o > 0)
    # Pauses from 250 ms within a clip are no speech; what is speech lies within its speaker's turns.
    assert sum(t.span.length_ms for t in made.turns) == sum(600 if int(s.text[-1]) % 2 else 1000 for s in segments)
    for turn in made.turns:
        assert not without(turn.span, merged(s.span for s in segments if s.speaker == turn.speaker))
    spoken = merged(t.span for t in made.turns)
    steps = np.square(made.samples[: 60 * 16_000].astype(np.float64)).reshape(-1, 160).mean(axis=1)
    inside = np.zeros(len(steps), np.bool_)
    for span in spoken:
        inside[span.start_ms // 10 : span.end_ms // 10] = True
    assert np.median(steps[inside]) > 30 * np.median(steps[~inside])


def test_a_session_is_the_same_each_time_and_no_clip_passes_its_end(composer: ModuleType) -> None:
    both = [*clips(composer, "a", "swh", 0.05), *clips(composer, "b", "yor", 0.05)]
    first, second = (composer.compose("x", both, 8.0, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first.samples, second.samples) and first.reference == second.reference
    assert len(first.samples) == 8 * 16_000 and max(s.span.end_ms for s in first.reference.segments) <= 8000


def test_the_test_sessions_share_no_clip_and_tuning_hears_no_test_clip(composer: ModuleType, shared: Path) -> None:
    texts: dict[str, set[tuple[str, str]]] = {}
    for name, (split, voices) in composer.SESSIONS.items():
        texts[name] = {(v.speaker, c.text) for v in voices for c in composer.clips_of(shared / "speech", split, v)}
        assert len({v.speaker for v in voices}) == 3
    assert not texts["a"] & texts["b"]
    assert not (texts["a"] | texts["b"]) & (texts["tuning_a"] | texts["tuning_b"])


def test_nothing_is_written_inside_the_repository(composer: ModuleType) -> None:
    made = composer.compose("x", clips(composer, "a", "swh", 0.05), 3.0, np.random.default_rng(1))
    with pytest.raises(SystemExit, match="--out a folder outside it"):
        composer.write(made, REPOSITORY / "docs")


def test_composed_files_agree(shared: Path, tmp_path: Path) -> None:
    smoke("compose_sessions.py", shared, "--out", str(tmp_path))
    for name in ("a", "b"):
        samples, rate = soundfile.read(tmp_path / f"{name}.wav")
        assert (rate, len(samples)) == (16_000, 60 * 16_000)
        ours, eaf = formats.read(tmp_path / f"{name}.json"), formats.read(tmp_path / f"{name}.eaf")
        assert Path(ours.recording.path) == Path(eaf.recording.path) == tmp_path / f"{name}.wav"
        said = [sorted((s.span, s.speaker or "", s.language or "", s.text) for s in t.segments) for t in (ours, eaf)]
        assert said[0] == said[1] and len({s.speaker for s in ours.segments}) >= 2
        for turn in formats.read(tmp_path / f"{name}.rttm").segments:
            assert any(s.speaker == turn.speaker and not without(turn.span, [s.span]) for s in ours.segments)


@pytest.fixture
def scorer(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The recipe as a module."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "recipes"))
    return importlib.import_module("score_sessions")


def test_the_report_of_a_minute_scores_speakers_languages_and_text(shared: Path) -> None:
    said = smoke("score_sessions.py", shared)
    assert "## A: Swahili, Yoruba, Amharic" in said and "languages by a list, speakers auto" in said
    assert "equal all 1 transcripts" in said


def test_a_file_that_says_something_else_is_told(scorer: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = (Word(text="kay", span=Span(start_ms=100, end_ms=500), speaker="S1"),)
    spoken = Segment(span=Span(start_ms=0, end_ms=900), text="kay", speaker="S1", language="que", words=words)
    over = Segment(span=Span(start_ms=700, end_ms=1500), text="chay", speaker="S2", language="yor")
    transcript = Transcript(segments=(spoken, over))
    assert list(scorer.differences(transcript, tmp_path, "x")) == []
    monkeypatch.setattr(formats, "read", lambda _path: replace(transcript, segments=(spoken, replace(over, speaker="S1"))))
    rttm, eaf = scorer.differences(transcript, tmp_path, "x")
    assert rttm.startswith("rttm: 2 in the transcript, 2 in the file, 2 differ") and eaf.startswith("eaf: 2 in the transcript")
