"""Composed conversations: who speaks when is as it was laid, for any seed the same, and nothing but the voice tells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from speech.audio import RATE
from speech.models.training.augment import sung, whispered
from speech.models.training.conversations import Conversation, ConversationSettings, Voice, compose, far, speaking, turns_of

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


def bursts(name: str) -> Voice:
    """Noise of a tenth of a second, then nothing: what comes after is the room's."""

    def draw(rng: np.random.Generator, wished: int) -> np.ndarray:
        made = np.zeros(max(wished, RATE), np.float32)
        made[: RATE // 10] = rng.normal(0, 0.3, RATE // 10)
        return made

    return Voice(name=name, draw=draw)


def test_far_from_the_microphone_the_room_is_as_loud_as_the_voice() -> None:
    def tail(settings: ConversationSettings) -> float:
        """Power in 50 to 150 ms after a burst, beside that in it, on average."""
        conversation = compose([bursts("a")], settings, np.random.default_rng(2))
        found = []
        for turn in conversation.turns:
            end = turn.span.end_ms * 16
            after, own = conversation.samples[end + 800 : end + 2400], conversation.samples[turn.span.start_ms * 16 : end]
            found.append(np.mean(np.square(after)) / np.mean(np.square(own)))
        return float(np.mean(found))

    near = replace(SETTINGS, speakers=(1, 1), pause_s=(1.0, 2.0), turn_s=(0.1, 0.2))
    assert tail(far(near)) > 0.05 > 5 * tail(near)
    assert far(near).pause_s == near.pause_s


def vowel(pitch: float, peak: float) -> np.ndarray:
    """Two seconds of harmonics, loudest at one of them."""
    time = np.arange(2 * RATE) / RATE
    parts = [np.sin(2 * np.pi * k * pitch * time) / (1 + ((k * pitch - peak) / 150) ** 2) for k in range(1, int(7000 / pitch))]
    return np.asarray(0.05 * np.sum(parts, axis=0), np.float32)


def periodicity(samples: np.ndarray) -> float:
    """The highest autocorrelation at the pitches of voices, in 64 ms from the middle."""
    middle = samples[len(samples) // 2 :][:1024].astype(np.float64)
    found = np.correlate(middle, middle, "full")[1023:]
    return float(found[40:200].max() / found[0])


def loudest(samples: np.ndarray) -> float:
    """Hertz of the peak of a smoothed spectrum."""
    power = np.square(np.abs(np.fft.rfft(samples[: 2 * RATE])))
    return float(np.argmax(np.convolve(power, np.ones(400), "same")) / 2)


def test_a_whisper_keeps_the_mouth_and_loses_the_voice() -> None:
    clip = vowel(125, 1500)
    made = whispered(clip, np.random.default_rng(0))
    assert len(made) == len(clip) and made.dtype.name == "float32"
    assert periodicity(clip) > 0.8 > 0.5 > periodicity(made)
    assert abs(loudest(made) - 1500) < 200


def test_singing_keeps_the_mouth_and_holds_notes() -> None:
    clip = vowel(125, 1500)
    made = sung(clip, np.random.default_rng(0))
    assert 1.4 * len(clip) < len(made) < 3.1 * len(clip)
    assert periodicity(made) > 0.6
    assert abs(loudest(made) - 1500) < 250
