"""Foreign exceptions end in this room: each kind is thrown from inside a decoder and comes out as a refusal."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from speech.audio import load, probe
from speech.audio.reading import foreign, translated
from speech.audio.source import Original
from speech.errors import AudioRefused, PathRefused, SpeechError
from tests.audio.audio_makers import encoded, put, riff, voice, wav


def errors() -> list[tuple[Exception, str]]:
    import av

    return [
        (soundfile.LibsndfileError(1), "AUDIO_CODEC"),
        (av.FFmpegError(1, "broken"), "AUDIO_CODEC"),
        (av.InvalidDataError(1, "broken"), "AUDIO_CODEC"),
        (RuntimeError("broken"), "AUDIO_CODEC"),
        (TimeoutError("no end"), "AUDIO_CODEC"),
        (EOFError(), "AUDIO_CORRUPT"),
        (struct.error("unpack"), "AUDIO_CORRUPT"),
        (OSError(5, "Input/output error"), "PATH_IO"),
        (MemoryError(), "AUDIO_HEADER"),
    ]


@pytest.mark.parametrize("number", range(9))
def test_each_foreign_exception_becomes_a_refusal_with_its_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    error, code = errors()[number]

    def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr("speech.audio.decode_pcm.samples_of", fail)
    with pytest.raises(SpeechError) as caught:
        load(put(tmp_path / "a.wav", wav(voice(1))))
    assert (caught.value.code, caught.value.__cause__) == (code, error)
    assert isinstance(caught.value, PathRefused if code.startswith("PATH") else AudioRefused)


def test_every_class_that_is_caught_is_translated() -> None:
    assert len(foreign()) == 8
    for kind in foreign():
        made = kind(1, "x") if kind.__name__ in ("FFmpegError", "OSError") else kind(1)
        assert translated("a.wav", made).where == "a.wav"


def test_a_bug_of_ours_is_not_dressed_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise KeyError("bug")

    monkeypatch.setattr("speech.audio.decode_pcm.samples_of", fail)
    with pytest.raises(KeyError):
        load(put(tmp_path / "a.wav", wav(voice(1))))


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "m4a", "adpcm"])
def test_a_disk_that_fails_under_a_decoder_is_a_path_error_and_prints_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    path, sound = tmp_path / f"a.{kind}", voice(30)
    if kind in ("mp3", "m4a"):
        encoded(path, "libmp3lame" if kind == "mp3" else "aac", "mp3" if kind == "mp3" else "ipod", sound)
    elif kind == "flac":
        soundfile.write(path, sound, 16_000)
    else:
        soundfile.write(path, sound, 16_000, format="WAV", subtype="MS_ADPCM" if kind == "adpcm" else "PCM_16")
    middle = path.stat().st_size // 2
    original = Original.readinto

    def readinto(self: Original, buffer: Any) -> int | None:
        if self.tell() + len(buffer) > middle and self.tell() > 0:
            raise OSError(116, "Stale file handle")
        return original(self, buffer)

    monkeypatch.setattr(Original, "readinto", readinto)
    with pytest.raises(PathRefused) as caught:
        load(path)
    assert caught.value.code == "PATH_IO" and "Stale file handle" in caught.value.what
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("seed", range(60))
def test_no_damage_leads_to_anything_but_a_result_or_a_refusal(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    data = bytearray(_whole(tmp_path, seed))
    for _ in range(int(random.integers(1, 8))):
        place = int(random.integers(0, min(len(data), 300) if random.random() < 0.5 else len(data)))
        change = int(random.integers(0, 4))
        if change == 0:
            data[place] = int(random.integers(0, 256))
        elif change == 1:
            data[place : place + 4] = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f"][seed % 3]
        elif change == 2:
            del data[place : place + int(random.integers(1, 400))]
        else:
            del data[max(1, len(data) - place) :]
    path = put(tmp_path / "damaged.bin", bytes(data))
    try:
        with load(path) as signal:
            samples = signal.read(0, signal.length_samples)
            assert len(samples) == signal.length_samples > 0
            assert np.isfinite(samples).all() and np.abs(samples).max() <= 1.0001
            assert signal.duration_ms == signal.probe.found_ms + signal.missing_ms
    except SpeechError as error:
        assert error.code.startswith("AUDIO_")


def _whole(tmp_path: Path, seed: int) -> bytes:
    """A sound file of a kind that the number chooses."""
    path, sound = tmp_path / "whole", voice(1)
    kinds = [
        ("WAV", "PCM_16"),
        ("WAV", "FLOAT"),
        ("WAV", "IMA_ADPCM"),
        ("W64", "PCM_24"),
        ("RF64", "PCM_16"),
        ("FLAC", "PCM_16"),
        ("OGG", "OPUS"),
    ]
    kinds += [("AIFF", "PCM_16"), ("CAF", "PCM_16"), ("AU", "PCM_16")]
    if seed % 12 < len(kinds):
        container, subtype = kinds[seed % 12]
        soundfile.write(path, sound, 16_000, format=container, subtype=subtype)
    else:
        codec, container = [("libmp3lame", "mp3"), ("aac", "mp4")][seed % 12 - len(kinds)]
        encoded(path, codec, container, sound)
    return path.read_bytes()


def test_a_chunk_that_claims_the_sky_does_not_stop_the_walk(tmp_path: Path) -> None:
    with pytest.raises(AudioRefused):
        probe(put(tmp_path / "a.wav", riff(b"junk\xff\xff\xff\xff" * 20_000)))
