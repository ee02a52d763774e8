"""eSpeak NG as a library: opened once, however many ask, from whatever thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from speech.errors import ModelRefused
from speech.say import Espeak

pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")


def test_a_second_instance_speaks_by_the_library_that_is_open() -> None:
    assert Espeak()._library is Espeak()._library


def test_threads_take_turns() -> None:
    def seconds(text: str) -> float:
        espeak = Espeak()
        return len(espeak.say(text, "que")) / espeak.sample_rate

    short, long = "wasi", "ñukanchik ayllukunaka hatun llaktapi kawsanchik"
    with ThreadPoolExecutor(4) as pool:
        spoken = list(pool.map(seconds, [short, long] * 8))
    # Two that speak at once would leave their sound with each other, or nothing.
    assert max(spoken[::2]) < 1.5 < 2.0 < min(spoken[1::2])


def test_speech_is_finite_and_audible() -> None:
    sound = Espeak().say("wasi", "que")
    assert sound.dtype == np.float32 and 0.05 < np.abs(sound).max() <= 1.0


def test_a_voice_that_is_not_there_is_refused() -> None:
    with pytest.raises(ModelRefused) as caught:
        Espeak().say("ti", "bre")
    assert caught.value.code == "MODEL_LANGUAGE"
