"""Our own decoding against other decoders: the same samples from numpy, libsndfile and FFmpeg."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech.audio import probe
from speech.audio.decode_av import flac_number
from speech.audio.decode_pcm import samples_of
from tests.audio.audio_makers import Samples, chunk, encoded, fmt, put, read, riff, voice


@pytest.mark.parametrize("codec", ["ULAW", "ALAW"])
def test_all_256_values_of_g711_equal_those_of_libsndfile(tmp_path: Path, codec: str) -> None:
    path = put(tmp_path / "a.raw", bytes(range(256)))
    theirs, _ = soundfile.read(path, samplerate=8_000, channels=1, format="RAW", subtype=codec, dtype="float32")
    np.testing.assert_array_equal(samples_of(bytes(range(256)), codec.lower(), 1, False), theirs)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize(("container", "endian"), [("WAV", "LITTLE"), ("WAV", "BIG"), ("WAVEX", "FILE"), ("RF64", "FILE"), ("W64", "FILE")])
def test_samples_equal_those_of_libsndfile(tmp_path: Path, subtype: str, container: str, endian: str) -> None:
    sound = np.stack([voice(1), voice(1, seed=3)[::-1]], 1)
    path = tmp_path / "a.bin"
    soundfile.write(path, sound, 16_000, format=container, subtype=subtype, endian=endian)
    theirs, _ = soundfile.read(path, dtype="float32")
    found, ours = read(path, channels=(2,))
    assert (found.channels, found.sample_rate, found.found_ms, found.claimed_ms) == (2, 16_000, 1000, 1000)
    np.testing.assert_allclose(ours, theirs[:, 1] - theirs[:, 1].mean(), atol=2e-7)


@pytest.mark.parametrize(
    ("container", "subtype"),
    [("AIFF", "PCM_24"), ("AU", "FLOAT"), ("CAF", "PCM_16"), ("FLAC", "PCM_24"), ("FLAC", "PCM_S8"), ("OGG", "VORBIS"), ("OGG", "OPUS")],
)
def test_other_containers_give_what_libsndfile_gives(tmp_path: Path, container: str, subtype: str) -> None:
    path = tmp_path / "a.bin"
    soundfile.write(path, voice(2), 16_000, format=container, subtype=subtype)
    theirs, _ = soundfile.read(path, dtype="float32")
    found, ours = read(path)
    assert (found.findings, found.found_ms, found.claimed_ms) == ((), 2000, 2000)
    np.testing.assert_allclose(ours, theirs - theirs.mean(), atol=2e-7)


def by_ffmpeg(path: Path) -> Samples:
    import av

    with av.open(str(path)) as file:
        parts = [np.asarray(frame.to_ndarray(), np.float32) for frame in file.decode(audio=0)]
    return np.asarray(np.concatenate(parts, axis=1)[0])


@pytest.mark.parametrize("rate", [16_000, 44_100, 11_025])
@pytest.mark.parametrize("options", [{}, {"write_xing": "0", "id3v2_version": "0"}])
def test_mp3_frame_by_frame_equals_ffmpegs_own_reading(tmp_path: Path, rate: int, options: dict[str, str]) -> None:
    import soxr

    path = encoded(tmp_path / "a.mp3", "libmp3lame", "mp3", voice(2, rate), rate=rate, options=options)
    theirs = by_ffmpeg(path)
    found, ours = read(path)
    assert (found.found_ms, found.claimed_ms is not None) == (round(1000 * len(theirs) / rate), not options)
    theirs = soxr.resample(theirs, rate, 16_000, quality="HQ") if rate != 16_000 else theirs
    np.testing.assert_allclose(ours, theirs[: len(ours)] - theirs.mean(), atol=1e-3 if rate != 16_000 else 1e-6)


@pytest.mark.parametrize(
    ("codec", "container"), [("aac", "ipod"), ("alac", "ipod"), ("libopus", "webm"), ("wmav2", "asf"), ("ac3", "ac3"), ("mp2", "mp2")]
)
def test_what_only_ffmpeg_knows_is_read(tmp_path: Path, codec: str, container: str) -> None:
    sound = voice(2, 48_000)
    found = probe(encoded(tmp_path / "a.bin", codec, container, sound, rate=48_000))
    assert 1950 <= found.found_ms <= 2100 and found.missing_ms == 0
    assert found.codec == codec.removeprefix("lib")


@pytest.mark.parametrize("bits", [12, 20])
def test_odd_bit_depths_fill_their_bytes_from_the_top(tmp_path: Path, bits: int) -> None:
    import struct

    width = (bits + 7) // 8
    head = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 16_000, 16_000 * width, width, bits))
    full = voice(1)
    whole = (np.round(full * 2 ** (bits - 1)).astype(np.int64) << (8 * width - bits)).astype("<i4")
    raw = whole.view(np.uint8).reshape(-1, 4)[:, :width].tobytes()
    _, samples = read(put(tmp_path / "a.wav", riff(head, chunk(b"data", raw))))
    np.testing.assert_allclose(samples, full - full.mean(), atol=2.0 ** (1 - bits))


@pytest.mark.parametrize(
    ("head", "first"),
    [
        ("fff8 5918 00", 0),
        ("fff8 5918 7f", 127 * 4096),
        ("fff8 5918 c280", 128 * 4096),
        ("fff8 5918 e0a080", 2048 * 4096),
        ("fff9 5918 c280", 128),
        ("0000 0000 00", None),
    ],
)
def test_flac_frames_tell_their_first_sample(head: str, first: int | None) -> None:
    assert flac_number(bytes.fromhex(head) + bytes(8), 4096) == first


def test_the_sound_chunk_of_a_wav_may_end_in_half_a_frame(tmp_path: Path) -> None:
    raw = (np.arange(1, 1001, dtype="<i2") * 16).tobytes()
    found, samples = read(put(tmp_path / "a.wav", riff(fmt(8_000, 2), chunk(b"data", raw[:-1]))))
    assert found.found_ms == round(1000 * 499 / 8_000) and len(samples) == 998
