"""A new engine is a class with six members: letters, sentences, consent, files and the mark come with the room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from speech.collections.consent import Context, Item
from speech.errors import ConsentRefused, TextRefused
from speech.say import Settings, VoiceFacts, say, verify
from tests.diarise.fakes import CARD, carded

CONTEXT = Context(basis="test")


class Cloned:
    """Speaks with a voice that was taken from seconds of a recording: a tone a letter."""

    sample_rate = 8_000
    speakers = 1

    def __init__(self, sample: Path, person: str) -> None:
        self.item = Item(id=sample.name, path=sample, speakers=(person,))
        self.facts = VoiceFacts(
            engine="cloned", name=sample.name, language="swh", origin=sample.name, licence="", sha256="a" * 64, synthetic=False
        )

    def cannot_say(self, word: str) -> frozenset[str]:
        return frozenset(letter for letter in word if not letter.isascii())

    def say(self, sentence: str, settings: Settings, *, number: int = 0) -> np.ndarray:
        steps = int(800 / settings.speed)
        rng = np.random.default_rng(settings.seed + number)
        return np.concatenate([np.sin(np.arange(steps) * ord(sign) / 300) * rng.uniform(0.3, 0.5) for sign in sentence]).astype(np.float32)


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    (tmp_path / "voice").mkdir()
    path = tmp_path / "voice" / "said.wav"
    path.write_bytes(b"RIFF")
    return path


def test_a_cloned_voice_asks_as_any_other_does(sample: Path, tmp_path: Path) -> None:
    voice, out = Cloned(sample, "EX1-001"), tmp_path / "said.flac"
    with pytest.raises(ConsentRefused) as caught:
        say("habari", language="swh", voice=voice, out=out, context=CONTEXT)
    assert caught.value.code == "NO_CARD" and not out.exists()
    holder = CARD.replace('"voiceprint"', '"synthesise_voice"')
    carded(sample.parent, {"EX1-001": ("granted", '"voiceprint", "train_tts"')}, holder)
    with pytest.raises(ConsentRefused) as caught:
        say("habari", language="swh", voice=voice, out=out, context=CONTEXT)
    assert (caught.value.code, caught.value.people) == ("BIOMETRIC_EXPLICIT", ("EX1-001",)) and not out.exists()
    carded(sample.parent, {"EX1-001": ("granted", '"synthesise_voice"')}, holder)
    spoken = say("Habari. Nina 12.", language="swh", voice=voice, out=out, context=CONTEXT)
    assert verify(out).facts["voice"]["engine"] == "cloned" and verify(out).facts["voice"]["synthetic"] is False
    assert spoken.checked.spoken == "Habari. Nina kumi na mbili." and len(spoken.checked.sentences) == 2


def test_its_letters_are_told_like_those_of_others(sample: Path) -> None:
    with pytest.raises(TextRefused) as caught:
        say("Ẹ káàbọ̀", language="yor", voice=Cloned(sample, "EX1-001"), context=CONTEXT)
    assert caught.value.code == "VOICE_LETTERS"
