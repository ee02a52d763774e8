"""Channels as speakers: what leaks from one microphone into another belongs to the louder, overlap to both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech.audio import ReadSettings, load
from speech.diarise import channels
from speech.diarise.thresholds import ACTIVITY
from speech.types import Span
from tests.diarise.fakes import heard_afar, placed, trimmed
from tests.sounds import RATE, SENTENCES, Samples, noise, spoken

EDGE_MS = 650
"""How far a turn may begin and end from what was said: the detector's edges, a cell, and half of what cells are compared in."""


@pytest.fixture(scope="module")
def voices() -> tuple[Samples, Samples]:
    """Two people for 16 s: one from 1 to 4.5 s and from 9 to 12 s, the other from 3 to 8.9 s and from 9.5 to 12.5 s; 4 s at once."""
    first, second, third = (trimmed(spoken(s, language=x, pause_s=0)) for s, x in zip(SENTENCES, ("que", "swh", "que"), strict=True))
    return placed(16, (1, first), (9, third)), placed(16, (3, second), (9.5, second[: 3 * RATE]))


def hiss(seed: int) -> Samples:
    return noise(16, 0.002, seed=seed)


def heard(folder: Path, *sounds: Samples) -> channels.ChannelTurns:
    soundfile.write(folder / "a.wav", np.stack(sounds, 1), RATE)
    with load(folder / "a.wav", ReadSettings(keep_channels=True)) as signal:
        return channels.turns(signal, ACTIVITY, lambda _step, _done, _total: None)


def spans(found: channels.ChannelTurns, channel: int) -> list[Span]:
    return [turn.span for turn in found.turns if turn.channel == channel]


def covers(spans: list[Span], *said: tuple[float, float]) -> bool:
    """Whether the spans are what was said, but for edges, and pauses of half a second that may be bridged."""
    at = np.zeros(1_600, bool)
    due, may = at.copy(), at.copy()
    for span in spans:
        at[span.start_ms // 10 : span.end_ms // 10] = True
    for start, end in said:
        due[int(100 * start) + EDGE_MS // 10 : int(100 * end) - EDGE_MS // 10] = True
        may[int(100 * start) - EDGE_MS // 10 : int(100 * end) + EDGE_MS // 10] = True
    return bool(at[due].all() and not at[~may].any())


FIRST, SECOND = ((1, 4.5), (9, 12)), ((3, 8.9), (9.5, 12.5))


@pytest.mark.parametrize("db", [6, 12, 20])
def test_what_leaks_from_one_microphone_into_the_other_is_the_louders_and_overlap_is_both(
    tmp_path: Path, voices: tuple[Samples, Samples], db: float
) -> None:
    a, b = voices
    found = heard(tmp_path, a + heard_afar(b, db) + hiss(1), b + heard_afar(a, db) + hiss(2))
    assert covers(spans(found, 1), *FIRST) and covers(spans(found, 2), *SECOND)
    assert [turn.speaker for turn in found.turns[:2]] == ["S1", "S2"]
    assert {f.code for f in found.findings} <= {"AUDIO_CHANNELS"}


def test_without_the_check_leaks_would_be_turns(tmp_path: Path, voices: tuple[Samples, Samples], monkeypatch: pytest.MonkeyPatch) -> None:
    """That the sounds of these tests need it."""
    a, b = voices
    monkeypatch.setattr(channels, "LEAKED_SHARE", 2.0)
    found = heard(tmp_path, a + heard_afar(b, 12) + hiss(1), b + heard_afar(a, 12) + hiss(2))
    assert not covers(spans(found, 1), *FIRST) and not covers(spans(found, 2), *SECOND)


def test_a_room_that_answers_does_not_make_its_leak_a_voice(tmp_path: Path, voices: tuple[Samples, Samples]) -> None:
    a, b = voices
    generator = np.random.default_rng(0)
    tail = generator.standard_normal(4_800) * np.exp(-np.arange(4_800) / (0.05 * RATE))
    tail[:64], tail[64] = 0, np.sqrt((tail**2).sum())
    tail *= 10 ** (-12 / 20) / np.sqrt((tail**2).sum())

    def in_the_room(sound: Samples) -> Samples:
        made: Samples = np.convolve(sound, tail)[: len(sound)].astype(np.float32)
        return made

    found = heard(tmp_path, a + in_the_room(b) + hiss(1), b + in_the_room(a) + hiss(2))
    assert covers(spans(found, 1), *FIRST) and covers(spans(found, 2), *SECOND)


def test_voices_that_share_nothing_keep_their_channels_however_low_one_is(tmp_path: Path, voices: tuple[Samples, Samples]) -> None:
    a, b = voices
    found = heard(tmp_path, a + hiss(1), 0.2 * b + hiss(2))
    assert covers(spans(found, 1), *FIRST) and covers(spans(found, 2), *SECOND)
    assert found.findings == ()


@pytest.mark.parametrize("sign", [1, -1])
def test_two_channels_with_the_same_sound_are_one_speaker_and_that_is_said(
    tmp_path: Path, voices: tuple[Samples, Samples], sign: int
) -> None:
    a, _ = voices
    found = heard(tmp_path, a + hiss(1), sign * 0.9 * a + hiss(2))
    assert {turn.channel for turn in found.turns} == {1} and covers(spans(found, 1), *FIRST)
    (finding,) = found.findings
    assert finding.code == "AUDIO_CHANNELS" and "channels 1 and 2 carry the same sound" in finding.what
    assert ("inverted" in finding.what) == (sign < 0)


def test_speech_before_and_after_a_leak_is_not_lost(tmp_path: Path, voices: tuple[Samples, Samples]) -> None:
    """Every cell of speech that a channel gives away is in a turn of the one that it is given to."""
    a, b = voices
    found = heard(tmp_path, a + heard_afar(b, 12) + hiss(1), b + heard_afar(a, 12) + hiss(2))
    taken = np.zeros(16_000, bool)
    for turn in found.turns:
        taken[turn.span.start_ms : turn.span.end_ms] = True
    assert sum(int((~taken[s.start_ms : s.end_ms]).sum()) for s in found.speech) < 300


def test_levels_say_which_channels_are_live() -> None:
    assert channels.live_channels((-20.0, None, -59.9, -60.1)) == (1, 3)
    assert channels.live_channels((None, None)) == ()
