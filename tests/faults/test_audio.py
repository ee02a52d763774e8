"""Rows A1 to A34 of the acceptance table, as far as reading answers them: bad recordings and their named answers."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech.audio import ReadSettings, load, probe, recordings_in
from speech.errors import AudioRefused, PathRefused
from tests.audio.audio_makers import (
    AS_NOBODY,
    KNOWN,
    VOICE,
    chunk,
    codes,
    encoded,
    float_wav,
    fmt,
    likeness,
    long_wav,
    noise_inside,
    pcm16,
    peak_of,
    put,
    read,
    refused,
    rf64,
    riff,
    same_as_voice,
    silent_video,
    voice,
    wav,
)


def test_a1_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert "Copy it again from the recorder" in refused(put(tmp_path / "a.wav", b""), "AUDIO_EMPTY").mend


def test_a2_a_header_without_samples_is_refused(tmp_path: Path) -> None:
    refused(put(tmp_path / "a.wav", wav(VOICE[:0])), "AUDIO_EMPTY")


@pytest.mark.parametrize("count", [1, 800])
def test_a2_one_sample_and_a_twentieth_of_a_second_are_read_and_called_short(tmp_path: Path, count: int) -> None:
    found, samples = read(put(tmp_path / "a.wav", wav(VOICE[2000 : 2000 + count])))
    assert len(samples) == count
    assert "AUDIO_SHORT" in codes(found)


def test_a3_a_wav_cut_in_the_middle_says_what_is_missing(tmp_path: Path) -> None:
    path = put(tmp_path / "a.wav", wav(VOICE)[: 44 + 64_000])
    with load(path) as signal:
        assert (signal.length_samples, signal.missing_ms, signal.duration_ms) == (32_000, 2000, 4000)
        assert codes(signal.findings) == ["AUDIO_TRUNCATED"]
        assert "0:04.000" in signal.findings[0].what and "0:02.000" in signal.findings[0].what
    assert "--strict" in refused(path, "AUDIO_TRUNCATED", strict=True).mend


@pytest.mark.parametrize("length", [4, 10, 16, 30, 40])
def test_a4_a_wav_cut_inside_its_header_is_refused(tmp_path: Path, length: int) -> None:
    refused(put(tmp_path / "a.wav", wav(VOICE)[:length]), "AUDIO_HEADER")


def test_a4_a_missing_last_byte_is_a_tail(tmp_path: Path) -> None:
    found, samples = read(put(tmp_path / "a.wav", wav(VOICE)[:-1]))
    assert (len(samples), codes(found), found.missing_ms) == (63_999, ["AUDIO_TAIL"], 0)


def test_a5_sound_after_a_size_of_zero_is_read_to_the_end(tmp_path: Path) -> None:
    path = put(tmp_path / "a.wav", wav(VOICE, size=0))
    same_as_voice(path)
    assert codes(probe(path)) == ["AUDIO_LENGTH_REPAIRED"]


def test_a6_a_size_that_is_too_small_is_repaired(tmp_path: Path) -> None:
    path = put(tmp_path / "a.wav", wav(VOICE, size=32_000))
    same_as_voice(path)
    assert codes(probe(path)) == ["AUDIO_LENGTH_REPAIRED"]


@pytest.mark.slow
def test_a6_a_size_that_wrapped_at_four_gigabytes_is_repaired(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    length = (1 << 32) + 6_400_000
    with path.open("wb") as file:
        file.write(riff(fmt(48_000, 2), chunk(b"data", b"", length & 0xFFFFFFFF)))
        file.write(pcm16(VOICE))
        file.truncate(44 + length)
    found = probe(path)
    assert found.found_ms == round(1000 * length / 4 / 48_000)
    assert "AUDIO_LENGTH_REPAIRED" in codes(found)


@pytest.mark.parametrize("sign", [b"RF64", b"BW64"])
def test_a7_rf64_and_bw64_give_the_samples_of_plain_wav(tmp_path: Path, sign: bytes) -> None:
    path = put(tmp_path / "a.wav", rf64(pcm16(VOICE), sign))
    same_as_voice(path)
    assert probe(path).findings == ()


def test_a7_w64_gives_the_samples_of_plain_wav(tmp_path: Path) -> None:
    path = tmp_path / "a.w64"
    soundfile.write(path, np.frombuffer(pcm16(VOICE), "<i2"), 16_000, format="W64", subtype="PCM_16")
    same_as_voice(path)
    assert probe(path).findings == ()


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000])
def test_a7_a_streamed_wav_is_read_to_the_end(tmp_path: Path, size: int) -> None:
    path = put(tmp_path / "a.wav", wav(VOICE, size=size))
    same_as_voice(path)
    found = probe(path)
    assert (codes(found), found.claimed_ms) == (["AUDIO_LENGTH_UNKNOWN"], None)


def test_a8_a_cut_rf64_says_what_is_missing(tmp_path: Path) -> None:
    data = rf64(pcm16(VOICE))
    found = probe(put(tmp_path / "a.wav", data[:-64_000]))
    assert (found.claimed_ms, found.found_ms, found.missing_ms) == (4000, 2000, 2000)
    assert codes(found) == ["AUDIO_TRUNCATED"]


def test_a9_an_odd_chunk_without_pad_byte_is_stepped_over(tmp_path: Path) -> None:
    odd = b"LIST" + struct.pack("<I", 7) + b"INFOabc"
    path = put(tmp_path / "a.wav", riff(fmt(), odd, chunk(b"data", pcm16(VOICE))))
    same_as_voice(path)
    assert codes(probe(path)) == ["AUDIO_CHUNKS_REPAIRED"]


@pytest.mark.parametrize("size", [3, 26, 5_000, 3_000_000_000])
def test_a9_a_wrong_chunk_size_does_not_hide_the_sound(tmp_path: Path, size: int) -> None:
    path = put(tmp_path / "a.wav", riff(fmt(), chunk(b"LIST", b"INFO" + bytes(36), size), chunk(b"data", pcm16(VOICE))))
    same_as_voice(path)
    assert codes(probe(path)) == ["AUDIO_CHUNKS_REPAIRED"]


def test_a9_a_wav_without_a_sound_chunk_is_refused(tmp_path: Path) -> None:
    refused(put(tmp_path / "a.wav", riff(fmt(), chunk(b"LIST", b"INFO" + bytes(400)))), "AUDIO_HEADER")


def test_a10_large_chunks_before_and_after_change_no_sample(tmp_path: Path) -> None:
    before, after = chunk(b"LIST", b"INFO" + bytes(1 << 20)), chunk(b"_PMX", b"<x:xmpmeta/>" * 99) + chunk(b"id3 ", b"ID3" + bytes(501))
    path = put(tmp_path / "a.wav", riff(fmt(), before, chunk(b"data", pcm16(VOICE)), after))
    same_as_voice(path)
    assert probe(path).findings == ()


@pytest.mark.parametrize("tag", [b"ID3\x04\0\0\0\0\x20\0" + bytes(4096), b"TAG" + bytes(125), b"<?xpacket begin=''?>" + b"x" * 90_000])
def test_a10_a_tag_put_straight_behind_the_sound_makes_no_click(tmp_path: Path, tag: bytes) -> None:
    path = put(tmp_path / "a.wav", wav(VOICE) + tag)
    same_as_voice(path)
    assert probe(path).findings == ()


@pytest.mark.parametrize(
    ("rate", "channels", "bits", "value"),
    [(0, 1, 16, "0"), (4_000_000_000, 1, 16, "4000000000"), (16_000, 0, 16, "0"), (16_000, 300, 16, "300"), (16_000, 1, 0, "0")],
)
def test_a11_impossible_header_values_are_refused_with_their_limits(
    tmp_path: Path, rate: int, channels: int, bits: int, value: str
) -> None:
    error = refused(put(tmp_path / "a.wav", riff(fmt(rate, channels, bits), chunk(b"data", pcm16(VOICE)))), "AUDIO_HEADER")
    assert value in error.what and "limits" in error.what


def test_a12_speech_under_three_times_its_rate_is_suspected(shared: Path, tmp_path: Path) -> None:
    samples, rate = soundfile.read(shared / "speech/open/que_killkan_long/Chapter01.opus", dtype="float32", frames=60 * 16_000)
    assert rate == 16_000
    found = probe(put(tmp_path / "a.wav", wav(samples, 48_000)))
    assert "AUDIO_RATE_SUSPECT" in codes(found)
    assert "--assume-rate 16000" in next(f.mend for f in found.findings if f.code == "AUDIO_RATE_SUSPECT")
    settings = ReadSettings(assume_rate=16_000)
    again = probe(tmp_path / "a.wav", settings)
    assert (again.found_ms, again.sample_rate, codes(again)) == (60_000, 16_000, [])


def test_a12_speech_under_its_own_rate_is_not_suspected(shared: Path, tmp_path: Path) -> None:
    import soxr

    folders = sorted(p for p in (shared / "speech/open").iterdir() if p.is_dir())
    clips = [c for folder in folders for c in sorted(folder.rglob("*.opus"))[:2]]
    assert len(clips) >= 16
    for clip in clips:
        samples, rate = soundfile.read(clip, dtype="float32", frames=10 * 16_000)
        assert "AUDIO_RATE_SUSPECT" not in codes(probe(clip))
        wide = soxr.resample(samples, rate, 48_000) + np.random.default_rng(1).normal(0, 1e-3, len(samples) * 3).astype(np.float32)
        assert "AUDIO_RATE_SUSPECT" not in codes(probe(put(tmp_path / "a.wav", wav(wide, 48_000)))), clip


@pytest.mark.parametrize("clip", ["ch20_003", "ch20_125", "ch20_126"])
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a12_shouts_and_jingles_under_their_own_rate_are_not_suspected(shared: Path, tmp_path: Path, clip: str, rate: int) -> None:
    import soxr

    samples, own = soundfile.read(shared / f"speech/open/que_killkan/clips/{clip}.opus", dtype="float32")
    real = soxr.resample(samples, own, rate)
    for floor in (0.0, 3e-4, 3e-3):  # what a microphone adds, up to the edge of the band
        sound = real + np.random.default_rng(1).normal(0, floor, len(real)).astype(np.float32)
        assert "AUDIO_RATE_SUSPECT" not in codes(probe(put(tmp_path / "a.wav", wav(sound, rate))))


@pytest.mark.parametrize(
    ("subtype", "step"),
    [("PCM_U8", 2**-7), ("PCM_16", 2**-15), ("PCM_24", 2**-23), ("PCM_32", 2**-24), ("FLOAT", 1e-6), ("DOUBLE", 1e-6)]
    + [("ULAW", 0.02), ("ALAW", 0.02), ("MS_ADPCM", 0.12), ("IMA_ADPCM", 0.12)],
)
def test_a13_every_kind_of_wav_gives_the_same_samples_within_its_quantiser(tmp_path: Path, subtype: str, step: float) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, VOICE, 16_000, subtype=subtype)
    found, samples = read(path)
    assert 64_000 <= len(samples) <= 64_200
    assert found.findings == ()
    assert np.abs(samples[:64_000] - (VOICE - VOICE.mean())).max() <= 1.01 * step + 2e-3 * (subtype == "PCM_U8")
    assert likeness(samples, VOICE) > 0.995


def test_a13_ms_adpcm_is_as_long_as_it_was(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", VOICE, 16_000, subtype="MS_ADPCM")
    with load(tmp_path / "a.wav") as signal:
        assert signal.length_samples == 64_000


def test_a13_gsm_is_read(tmp_path: Path) -> None:
    low = voice(rate=8_000)
    soundfile.write(tmp_path / "a.wav", low, 8_000, subtype="GSM610")
    found, samples = read(tmp_path / "a.wav")
    assert found.codec == "gsm" and len(samples) == 64_000
    assert likeness(samples[::2], low) > 0.9


def test_a13_mp3_inside_wav_is_read_as_mp3(tmp_path: Path) -> None:
    bare = encoded(tmp_path / "a.mp3", "libmp3lame", "mp3", VOICE, options={"write_xing": "0", "id3v2_version": "0"})
    inside = put(tmp_path / "a.wav", riff(fmt(bits=0, tag=0x55), chunk(b"data", bare.read_bytes())))
    found, samples = read(inside)
    assert (found.container, found.codec) == ("wav", "mp3")
    np.testing.assert_array_equal(samples, read(bare)[1])


def test_a13_64_bit_integers_are_read(tmp_path: Path) -> None:
    wide = (np.frombuffer(pcm16(VOICE), "<i2").astype("<i8") << 48).tobytes()
    same_as_voice(put(tmp_path / "a.wav", riff(fmt(bits=64), chunk(b"data", wide))))


def test_a14_a_few_samples_that_are_no_numbers_become_silent_before_resampling(tmp_path: Path) -> None:
    bad = voice(4, 32_000)
    bad[64_000:64_010] = [np.nan, np.inf, -np.inf, np.nan, np.inf, np.nan, np.nan, np.nan, np.nan, 1e30]
    found, samples = read(put(tmp_path / "a.wav", float_wav(bad, 32_000)))
    assert np.isfinite(samples).all()
    assert codes(found) == ["AUDIO_NONFINITE"] and "0:02.000" in found.findings[0].what
    _, clean = read(put(tmp_path / "clean.wav", float_wav(voice(4, 32_000), 32_000)))
    away = np.r_[0:31_800, 32_200:64_000]
    np.testing.assert_allclose(samples[away], clean[away], atol=2e-3)


def test_a14_many_samples_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    bad = VOICE.copy()
    bad[::500] = np.nan
    refused(put(tmp_path / "a.wav", float_wav(bad)), "AUDIO_NONFINITE")


def test_a15_peaks_over_full_scale_are_scaled_not_clipped(tmp_path: Path) -> None:
    loud = VOICE * np.float32(2.6 / np.abs(VOICE).max())
    found, samples = read(put(tmp_path / "a.wav", float_wav(loud)))
    assert codes(found) == ["AUDIO_OVER"]
    assert 0.999 < np.abs(samples).max() <= 1.000001
    assert likeness(samples, VOICE) > 0.999999


def test_a15_an_offset_is_taken_off(tmp_path: Path) -> None:
    found, samples = read(put(tmp_path / "a.wav", float_wav(VOICE + np.float32(0.5))))
    assert codes(found) == ["AUDIO_DC"]
    np.testing.assert_allclose(samples, VOICE - VOICE.mean(), atol=1e-5)


def test_a15_clipping_is_told_with_its_place(tmp_path: Path) -> None:
    hot = VOICE.copy()
    hot[16_000:16_320], hot[16_320:16_640] = 1.0, -1.0
    found = probe(put(tmp_path / "a.wav", wav(hot)))
    assert codes(found) == ["AUDIO_CLIPPED"]
    assert "1.00 %" in found.findings[0].what and "0:01.000-0:01.040" in found.findings[0].what


def test_a16_channels_that_cancel_are_not_mixed(tmp_path: Path) -> None:
    found, samples = read(put(tmp_path / "a.wav", wav(np.stack([VOICE, -VOICE], 1))))
    assert codes(found) == ["AUDIO_ANTIPHASE"]
    assert len(found.used_channels) == 1
    assert abs(likeness(samples, VOICE)) > 0.9999


def test_a17_a_dead_channel_is_left_out(tmp_path: Path) -> None:
    path = put(tmp_path / "a.wav", wav(np.stack([VOICE * 0, VOICE], 1)))
    same_as_voice(path)
    found = probe(path)
    assert (codes(found), found.used_channels, found.levels_dbfs[0]) == (["AUDIO_CHANNELS"], (2,), None)


def test_a17_of_eight_channels_the_live_ones_are_mixed_or_those_asked_for(tmp_path: Path) -> None:
    other = voice(seed=7)[::-1].copy()
    many = np.zeros((64_000, 8), np.float32)
    many[:, 2], many[:, 5] = VOICE, other
    path = put(tmp_path / "a.wav", wav(many))
    found, samples = read(path)
    assert (codes(found), found.used_channels) == (["AUDIO_CHANNELS"], (3, 6))
    half = (VOICE + other) * np.float32(0.5)
    np.testing.assert_allclose(samples, half - half.mean(), atol=1e-4)
    asked, alone = read(path, channels=(3,))
    assert asked.used_channels == (3,)
    np.testing.assert_allclose(alone, VOICE - VOICE.mean(), atol=1e-4)
    with pytest.raises(AudioRefused, match="--channels from 1 to 8"):
        probe(path, ReadSettings(channels=(9,)))


def test_a18_digital_silence_is_silent(tmp_path: Path) -> None:
    found, samples = read(put(tmp_path / "a.wav", wav(VOICE * 0)))
    assert codes(found) == ["AUDIO_SILENT"]
    assert len(samples) == 64_000 and not samples.any()


@pytest.mark.parametrize("mains", [50, 60])
def test_a18_hum_alone_is_silent_and_a_voice_over_hum_is_not(tmp_path: Path, mains: int) -> None:
    at = np.arange(64_000) / 16_000
    hum = sum(0.05 * np.sin(2 * np.pi * mains * k * at) / k for k in (1, 2, 3)).astype(np.float32)  # type: ignore[union-attr]
    assert codes(probe(put(tmp_path / "hum.wav", wav(hum)))) == ["AUDIO_SILENT"]
    assert codes(probe(put(tmp_path / "both.wav", wav(hum + VOICE)))) == []


def test_a19_a_telephone_rate_is_read_and_named(tmp_path: Path) -> None:
    low = voice(rate=8_000)
    found, samples = read(put(tmp_path / "a.wav", wav(low, 8_000)))
    assert codes(found) == ["AUDIO_NARROWBAND"] and len(samples) == 64_000
    assert likeness(samples[::2], low) > 0.999


def test_a19_a_studio_rate_gives_the_same_sound(tmp_path: Path) -> None:
    tone = voice(4, 192_000)
    found, samples = read(put(tmp_path / "a.wav", wav(tone, 192_000)))
    assert found.findings == () and len(samples) == 64_000
    assert likeness(samples, tone[::12]) > 0.99


@pytest.mark.parametrize(("suffix", "container"), [(".wav", "mp3"), (".mp3", "flac"), (".wav", "mp4")])
def test_a20_a_wrong_suffix_is_read_by_content_and_named(tmp_path: Path, suffix: str, container: str) -> None:
    path = tmp_path / f"a{suffix}"
    if container == "flac":
        soundfile.write(path, VOICE, 16_000, format="FLAC")
    else:
        encoded(path, "libmp3lame" if container == "mp3" else "aac", container, VOICE)
    found, samples = read(path)
    assert found.container == container and codes(found) == ["AUDIO_MISNAMED"]
    assert likeness(samples, VOICE) > 0.9


def test_a21_sound_of_a_video_keeps_the_clock_of_the_container(tmp_path: Path) -> None:
    found, samples = read(encoded(tmp_path / "a.mkv", "aac", "matroska", VOICE, video=True, start=1.936))
    assert (codes(found), found.offset_ms, found.media_type) == (["AUDIO_OFFSET"], 1936, "video/x-matroska")
    assert likeness(samples, VOICE) > 0.95


def test_a21_a_video_that_starts_with_its_sound_has_no_offset(tmp_path: Path) -> None:
    found, samples = read(encoded(tmp_path / "a.mp4", "aac", "mp4", VOICE, video=True))
    assert (codes(found), found.offset_ms) == ([], 0)
    assert likeness(samples, VOICE) > 0.95


def test_a21_of_two_tracks_the_first_is_read_or_the_one_asked_for(tmp_path: Path) -> None:
    path = encoded(tmp_path / "a.mkv", "aac", "matroska", VOICE, tracks=(1.0, 0.25))
    first, loud = read(path)
    second, quiet = read(path, track=2)
    assert (codes(first), first.tracks, codes(second)) == (["AUDIO_TRACKS"], 2, [])
    assert 3 < np.abs(loud).max() / np.abs(quiet).max() < 5
    with pytest.raises(AudioRefused, match="--track 1 to 2"):
        load(path, ReadSettings(track=3))


def test_a21_a_video_without_sound_is_refused(tmp_path: Path) -> None:
    path = silent_video(tmp_path / "a.mp4")
    refused(path, "AUDIO_NO_TRACK")


def test_a22_an_encrypted_mp4_is_refused(tmp_path: Path) -> None:
    key = "00112233445566778899aabbccddeeff"
    options = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": key, "encryption_kid": key}
    error = refused(encoded(tmp_path / "a.mp4", "aac", "mp4", VOICE, options=options), "AUDIO_ENCRYPTED")
    assert "owner" in error.mend


def test_a22_an_unknown_wav_kind_is_refused_with_its_tag(tmp_path: Path) -> None:
    error = refused(put(tmp_path / "a.wav", riff(fmt(tag=0x1234), chunk(b"data", pcm16(VOICE)))), "AUDIO_CODEC")
    assert "0x1234" in error.what and "ffmpeg" in error.mend


def test_a23_a_variable_bit_rate_mp3_without_a_frame_count_is_read_whole(tmp_path: Path) -> None:
    parts = np.concatenate([voice(20) * 0.01, voice(20), voice(20) * 0.01])
    options = {"write_xing": "0", "id3v2_version": "0"}
    path = encoded(
        tmp_path / "a.mp3",
        "libmp3lame",
        "mp3",
        parts,
        bit_rate=0,
        options=options,
        codec_options={"global_quality": "400", "flags": "+qscale"},
    )
    found, samples = read(path)
    assert 60_000 <= found.found_ms <= 60_200 and found.claimed_ms is None
    assert likeness(samples[1105:], parts) > 0.95


def test_a24_half_an_mp3_with_a_frame_count_says_what_is_missing(tmp_path: Path) -> None:
    data = encoded(tmp_path / "a.mp3", "libmp3lame", "mp3", VOICE).read_bytes()
    found = probe(put(tmp_path / "b.mp3", data[: len(data) // 2]))
    assert found.claimed_ms == 4000 and "AUDIO_TRUNCATED" in codes(found)
    assert 1800 < found.found_ms < 2100 and found.duration_ms == 4000


def test_a24_half_an_mp3_without_a_frame_count_shows_a_cut_frame(tmp_path: Path) -> None:
    data = encoded(tmp_path / "a.mp3", "libmp3lame", "mp3", VOICE, options={"write_xing": "0"}).read_bytes()
    assert "AUDIO_TAIL" in codes(probe(put(tmp_path / "b.mp3", data[: len(data) // 2 + 31])))


def test_a24_noise_inside_an_mp3_is_silence_and_later_times_hold(tmp_path: Path) -> None:
    whole = encoded(tmp_path / "a.mp3", "libmp3lame", "mp3", VOICE)
    found, samples = read(put(tmp_path / "b.mp3", noise_inside(whole.read_bytes(), 2000)))
    assert codes(found) == ["AUDIO_HOLE"] and found.found_ms == 4000
    clean = read(whole)[1]
    np.testing.assert_allclose(samples[48_000:], clean[48_000:], atol=0.01)


def flac(tmp_path: Path) -> bytes:
    soundfile.write(tmp_path / "whole.flac", np.frombuffer(pcm16(VOICE), "<i2"), 16_000)
    return (tmp_path / "whole.flac").read_bytes()


def test_a25_a_whole_flac_is_read_without_a_finding(tmp_path: Path) -> None:
    flac(tmp_path)
    same_as_voice(tmp_path / "whole.flac")
    assert probe(tmp_path / "whole.flac").findings == ()


def test_a25_a_cut_flac_says_what_is_missing(tmp_path: Path) -> None:
    data = flac(tmp_path)
    found, samples = read(put(tmp_path / "a.flac", data[: len(data) // 2]))
    assert (found.claimed_ms, found.duration_ms, codes(found)) == (4000, 4000, ["AUDIO_TRUNCATED"])
    assert len(samples) > 16_000
    np.testing.assert_allclose(samples, KNOWN[: len(samples)] - KNOWN[: len(samples)].mean(), atol=1e-4)


def test_a25_a_damaged_flac_is_refused_or_taken_with_later_times_in_place(tmp_path: Path) -> None:
    data = flac(tmp_path)
    middle = len(data) // 2
    path = put(tmp_path / "a.flac", data[:middle] + bytes(50) + data[middle + 50 :])
    assert "--accept-damaged" in refused(path, "AUDIO_CORRUPT").mend
    found, samples = read(path, accept_damaged=True)
    assert codes(found) == ["AUDIO_CORRUPT", "AUDIO_HOLE"] and found.found_ms == 4000
    assert likeness(samples[48_000:], KNOWN[48_000:]) > 0.9999


def test_a25_a_flac_whose_checksum_differs_is_refused(tmp_path: Path) -> None:
    data = bytearray(flac(tmp_path))
    data[30] ^= 0xFF  # inside the MD5 of STREAMINFO, bytes 26 to 42
    refused(put(tmp_path / "a.flac", bytes(data)), "AUDIO_CORRUPT")


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_a26_a_cut_ogg_lacks_the_page_that_closes_it(tmp_path: Path, subtype: str) -> None:
    soundfile.write(tmp_path / "a.ogg", VOICE, 16_000, format="OGG", subtype=subtype)
    assert probe(tmp_path / "a.ogg").findings == ()
    data = (tmp_path / "a.ogg").read_bytes()
    assert codes(probe(put(tmp_path / "b.ogg", data[: len(data) * 2 // 3]))) == ["AUDIO_TRUNCATED"]


def test_a26_an_m4a_without_its_index_is_refused(tmp_path: Path) -> None:
    data = encoded(tmp_path / "a.m4a", "aac", "ipod", VOICE).read_bytes()
    assert "moov" in refused(put(tmp_path / "b.m4a", data[: len(data) // 2]), "AUDIO_HEADER").what


@pytest.mark.parametrize(
    ("codec", "container", "told"),
    [("libmp3lame", "mp3", True), ("aac", "ipod", True), ("libopus", "matroska", True), ("flac", "flac", True), ("aac", "adts", False)],
)
def test_a27_codec_delay_is_taken_off_where_the_file_tells_it_and_bounded_elsewhere(
    tmp_path: Path, codec: str, container: str, told: bool
) -> None:
    rate = 48_000 if codec == "libopus" else 16_000
    click = np.zeros(4 * rate, np.float32)
    click[2 * rate : 2 * rate + rate // 500] = 0.9
    found, samples = read(encoded(tmp_path / "a.bin", codec, container, click, rate=rate, bit_rate=64_000))
    late_ms = (int(np.flatnonzero(np.abs(samples) > 0.45)[0]) - 32_000) / 16
    if told:
        assert abs(late_ms) < 3 and found.findings == ()
    else:
        assert codes(found) == ["AUDIO_OFFSET"] and "132 ms" in found.findings[0].what
        assert 0 < late_ms < 132


def test_a27_an_mp3_that_does_not_tell_its_delay_says_how_much_it_may_be(tmp_path: Path) -> None:
    found = probe(encoded(tmp_path / "a.mp3", "libmp3lame", "mp3", VOICE, options={"write_xing": "0"}))
    assert codes(found) == ["AUDIO_OFFSET"] and "69 ms" in found.findings[0].what


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "HTML"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git-lfs"),
        (b"Once there was a fox.\n" * 30, "text"),
        (bytes(5000), "zero"),
        (np.random.default_rng(2).integers(0, 256, 200_000, np.uint8).tobytes(), "no kind of sound"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 20, "PDF"),
        (b'<?xml version="1.0"?><ANNOTATION_DOCUMENT AUTHOR="">' + b" " * 99, "ELAN"),
    ],
)
def test_a28_what_is_no_sound_is_named_for_what_it_looks_like(tmp_path: Path, data: bytes, word: str) -> None:
    error = refused(put(tmp_path / "a.wav", data), "AUDIO_NOT_AUDIO")
    assert word in error.what
    assert ("git lfs pull" in error.mend) == (word == "git-lfs")


def test_a29_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    short, short_length = peak_of(long_wav(tmp_path / "a.wav", 11))
    long, long_length = peak_of(long_wav(tmp_path / "a.wav", 33))
    assert (short_length, long_length) == (11 * 60 * 16_000, 33 * 60 * 16_000)
    assert long < 1.25 * short


@pytest.mark.slow
def test_a29_three_hours_take_the_memory_of_thirty_minutes(tmp_path: Path) -> None:
    short, _ = peak_of(long_wav(tmp_path / "a.wav", 30))
    long, length = peak_of(long_wav(tmp_path / "a.wav", 180))
    assert length == 180 * 60 * 16_000
    assert long < 1.15 * short


def test_a30_a_missing_path_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none.wav", "PATH_MISSING", PathRefused)


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "device"])
def test_a30_what_is_no_file_is_never_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    else:
        path = Path("/dev/zero")
    assert kind in refused(path, "PATH_NOT_FILE", PathRefused).what


def test_a31_links_to_nothing_and_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to(tmp_path / "none.wav")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    refused(tmp_path / "gone", "PATH_LINK", PathRefused)
    refused(tmp_path / "circle", "PATH_LINK", PathRefused)


def test_a31_a_link_in_a_circle_does_not_stop_the_look_through_a_folder(tmp_path: Path) -> None:
    (tmp_path / "circle.wav").symlink_to(tmp_path / "circle.wav")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    good = put(tmp_path / "good.wav", wav(VOICE))
    found = recordings_in(tmp_path)
    assert found.recordings == [tmp_path / "circle.wav", good]  # refused by name when it is read
    assert found.others["link to nothing"] == 1


def test_a32_a_file_without_a_right_to_read_it_is_refused_with_owner_and_mode(tmp_path: Path) -> None:
    path = put(tmp_path / "a.wav", wav(VOICE))
    path.chmod(0)
    for folder in [tmp_path, *tmp_path.parents]:
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(folder.stat().st_mode | 0o055)
    made = subprocess.run([sys.executable, "-c", AS_NOBODY, str(path)], capture_output=True, text=True, check=True)
    assert made.stdout.startswith("PATH_DENIED") and "owner" in made.stdout and "----------" in made.stdout


@pytest.mark.parametrize("change", ["grows", "shrinks", "is replaced"])
def test_a33_a_file_that_changes_while_read_is_refused(tmp_path: Path, change: str) -> None:
    path = put(tmp_path / "a.wav", wav(voice(60)))

    def meddle(done: int, total: int) -> None:
        if done > 10_000:
            return
        if change == "grows":
            with path.open("ab") as file:
                file.write(bytes(1000))
        elif change == "shrinks":
            os.truncate(path, 400_000)
        else:
            put(tmp_path / "b.wav", wav(voice(60))).replace(path)

    with pytest.raises(AudioRefused) as caught:
        load(path, progress=meddle)
    assert caught.value.code == "AUDIO_CHANGED"


@pytest.mark.parametrize("name", [b"caf\xe9.wav", b"two\nlines.wav", b"-n.wav", b"x" * 251 + b".wav"])
@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "mp3"])
def test_a34_any_name_can_be_read_and_is_shown_escaped(tmp_path: Path, name: bytes, container: str) -> None:
    made = tmp_path / "made"
    if container == "mp3":
        encoded(made, "libmp3lame", "mp3", VOICE)
    else:
        soundfile.write(made, VOICE, 16_000, format=container)
    path = tmp_path / os.fsdecode(name)
    made.rename(path)
    found = probe(path)
    assert found.found_ms == 4000
    shown = {b"caf\xe9.wav": "caf\\xe9.wav", b"two\nlines.wav": "two\\nlines.wav"}.get(name, os.fsdecode(name))
    assert found.path.endswith("/" + shown)
    found.path.encode("utf-8")
