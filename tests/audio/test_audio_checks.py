"""Findings that have no row of their own: quiet sound, byte order, dropouts, a wrapped size, a decoder without an end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from speech.audio import probe
from tests.audio.audio_makers import VOICE, chunk, codes, encoded, float_wav, fmt, pcm16, put, refused, riff, same_as_voice, wav


@pytest.mark.parametrize("level", [-70.0, -65.0])
def test_a_very_quiet_recording_is_named(tmp_path: Path, level: float) -> None:
    noise = np.random.default_rng(3).normal(0, 10 ** (level / 20), 64_000).astype(np.float32)
    assert codes(probe(put(tmp_path / "a.wav", float_wav(noise)))) == ["AUDIO_QUIET"]


def test_bytes_in_the_wrong_order_are_turned_and_told(tmp_path: Path) -> None:
    swapped = np.frombuffer(pcm16(VOICE), "<i2").byteswap().tobytes()
    path = put(tmp_path / "a.wav", riff(fmt(), chunk(b"data", swapped)))
    same_as_voice(path)
    assert codes(probe(path)) == ["AUDIO_BYTE_ORDER"]


def test_dropouts_are_told_with_their_places(tmp_path: Path) -> None:
    broken = VOICE + np.float32(0.3) * np.sin(np.arange(64_000)).astype(np.float32)
    for start in (16_000, 40_000):
        broken[start : start + 320] = 0
        broken[[start - 1, start + 320]] = 0.2
    found = probe(put(tmp_path / "a.wav", wav(broken)))
    assert codes(found) == ["AUDIO_DROPOUTS"] and "0:01.000-0:01.020, 0:02.500-0:02.520" in found.findings[0].what


def test_an_end_that_never_comes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = encoded(tmp_path / "a.m4a", "aac", "ipod", VOICE)
    monkeypatch.setattr("speech.audio.decode_av.STALL_SECONDS", -1.0)
    assert "came to no end" in refused(path, "AUDIO_CODEC").what


def test_a_wrapped_size_is_found_by_the_walk_alone(tmp_path: Path) -> None:
    from speech.audio.riff import walk

    path = tmp_path / "a.wav"
    length = (1 << 32) + 64_000
    with path.open("wb") as file:
        file.write(riff(fmt(), chunk(b"data", b"", 64_000)))
        file.truncate(44 + length)
    with path.open("rb", buffering=0) as file:
        layout = walk(file, 44 + length, "a.wav")
    assert (layout.offset, layout.length) == (44, length)
