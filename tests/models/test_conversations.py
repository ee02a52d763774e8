"""Composed conversations: who speaks when is as it was laid, for any seed the same, and nothing but the voice tells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from speech.audio import RATE
from speech.models.training.conversations import Conversation, ConversationSettings, Voice, compose, speaking, turns_of

SETTINGS = ConversationSettings(length_s=30.0, noise_db=(40.0, 45.0), sounds=0.0, reverberation_s=(0.05, 0.06), band_hz=(7500.0, 7600.0))


def tone(name: str, pitch: float, level: float) -> Voice:
    """A voice that is a tone with nothing round it."""

    def draw(_rng: np.random.Generator, wished: int) -> np.ndarray:
        time = np.arange(wished) / RATE
        return np.asarray(level * np.sin(2 * np.pi * pitch * time), np.float32)

    return Voice(name=name, draw=draw)


def made(seed: int = 1, **changes: object) -> Conversation:
    voices = [tone("low", 300.0, 0.9), tone("high", 1500.0, 0.001)]
    return compose(voices, replace(SETTINGS, **changes), np.random.default_rng(seed))  # type: ignore[arg-type]


def power(samples: np.ndarray, pitch: float) -> float:
    time = np.arange(len(samples)) / RATE
    return float(np.abs(np.mean(samples * np.exp(-2j * np.pi * pitch * time))))


def test_turns_say_who_is_heard() -> None:
    conversation = made()
    alone = [t for t in conversation.turns if t.span.length_ms > 500 and not any(
        o is not t and o.span.start_ms < t.span.end_ms and t.span.start_ms < o.span.end_ms for o in conversation.turns)]  # fmt: skip
    assert {t.speaker for t in alone} == {"low", "high"}
    for turn in alone:
        part = conversation.samples[turn.span.start_ms * 16 : turn.span.end_ms * 16]
        own, other = (300.0, 1500.0) if turn.speaker == "low" else (1500.0, 300.0)
        assert power(part, own) > 10 * power(part, other)


def test_levels_are_made_alike() -> None:
    conversation = made(level_db=0.0, overlapped=0.0, back_channels=0.0)
    levels = {"low": [], "high": []}  # type: dict[str, list[float]]
    for turn in conversation.turns:
        part = conversation.samples[turn.span.start_ms * 16 : turn.span.end_ms * 16]
        levels[turn.speaker].append(float(np.sqrt(np.mean(np.square(part)))))
    assert 0.5 < np.mean(levels["low"]) / np.mean(levels["high"]) < 2  # the room colours tones; they came 900 times apart


def test_a_seed_gives_the_same_and_another_does_not() -> None:
    assert np.array_equal(made(4).samples, made(4).samples) and made(4).turns == made(4).turns
    assert made(4).turns != made(5).turns


def test_overlap_comes_as_asked() -> None:
    def overlapped(conversation: Conversation) -> int:
        laid = np.zeros(3000, int)
        for turn in conversation.turns:
            laid[turn.span.start_ms // 10 : turn.span.end_ms // 10] += 1
        return int((laid > 1).sum())

    assert overlapped(made(overlapped=0.0, back_channels=0.0)) == 0
    assert overlapped(made(overlapped=1.0, again=0.0)) > 100


def test_speech_in_a_clip_is_found_by_its_own_floor() -> None:
    rng = np.random.default_rng(0)
    clip = rng.normal(0, 1e-4, 4 * RATE).astype(np.float32)
    clip[RATE : 2 * RATE] += rng.normal(0, 0.1, RATE).astype(np.float32)
    clip[RATE + 8000 : RATE + 9600] *= 1e-3  # a pause of 0.1 s
    assert np.flatnonzero(speaking(clip))[[0, -1]].tolist() == [100, 199]
    assert speaking(clip)[100:200].all()
    assert not speaking(np.zeros(100, np.float32)).any()


def test_runs_become_turns_in_order() -> None:
    active = np.zeros((2, 200), np.bool_)
    active[0, 10:50] = active[1, 40:90] = active[0, 60:70] = True
    found = [(t.speaker, t.span.start_ms, t.span.end_ms) for t in turns_of(active, ["a", "b"])]
    assert found == [("a", 100, 700), ("b", 400, 900)]
