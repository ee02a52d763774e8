"""The signal: one resampler over the whole recording, mixing, reading anywhere, from memory and from a hidden file."""

from __future__ import annotations

import gc
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest

import speech.audio.signal as signal_module
from speech.audio import RATE, ReadSettings, load, probe
from speech.errors import AudioRefused, DiskFailure
from tests.audio.audio_makers import codes, pcm16, put, read, voice, wav


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_blocks_resample_to_what_one_call_gives(tmp_path: Path, rate: int) -> None:
    import soxr

    sound = voice(25, rate)
    stored = np.frombuffer(pcm16(sound), "<i2").astype(np.float32) / 32768
    whole = soxr.resample(stored, rate, RATE, quality="HQ")
    _, samples = read(put(tmp_path / "a.wav", wav(sound, rate)))
    assert len(samples) == 25 * RATE
    np.testing.assert_allclose(samples, whole[: 25 * RATE] - whole.mean(), atol=2e-6)


def test_stereo_is_the_mean_of_both_channels(tmp_path: Path) -> None:
    left, right = voice(3), voice(3, seed=1)[::-1]
    found, samples = read(put(tmp_path / "a.wav", wav(np.stack([left, right], 1))))
    both = (left + right) / 2
    assert found.used_channels == (1, 2) and found.findings == ()
    np.testing.assert_allclose(samples, both - both.mean(), atol=1e-4)


def test_statistics_are_those_of_what_is_read(tmp_path: Path) -> None:
    path = put(tmp_path / "a.wav", wav(voice(12) + np.float32(0.25)))
    with load(path) as signal:
        samples = signal.read(0, signal.length_samples).astype(np.float64)
        assert abs(samples.mean()) < 1e-6
        assert signal.mean == pytest.approx(0.25 + voice(12).mean(), abs=1e-4)
        assert signal.rms == pytest.approx(np.sqrt(np.mean(samples**2)), rel=1e-5)
        assert signal.peak == pytest.approx(np.abs(samples).max(), rel=1e-5)


@pytest.mark.parametrize("kept", [10 * 60 * RATE * 4, 100_000, 0])
def test_any_part_can_be_read_from_memory_and_from_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    monkeypatch.setattr(signal_module, "KEPT_IN_MEMORY", kept)
    sound = np.stack([voice(30)] * 2, 1)
    path = put(tmp_path / "a.wav", wav(sound))
    with load(path) as signal:
        whole = signal.read(0, signal.length_samples)
        assert len(whole) == signal.length_samples == 480_000
        np.testing.assert_allclose(whole, voice(30) - voice(30).mean(), atol=1e-4)
        np.testing.assert_array_equal(signal.read(123_456, 7_890), whole[123_456 : 123_456 + 7_890])
        np.testing.assert_array_equal(signal.read(479_990, 100), whole[-10:])
        assert len(signal.read(480_000, 5)) == len(signal.read(999_999, 5)) == len(signal.read(5, 0)) == 0
        with pytest.raises(ValueError):
            signal.read(-1, 5)


def test_the_temporary_file_has_no_name_and_follows_tmpdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal_module, "KEPT_IN_MEMORY", 0)
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    path = put(tmp_path / "a.wav", wav(voice(1)))
    with load(path) as signal:
        assert list(place.iterdir()) == []
        assert signal.length_samples == RATE
    place.rmdir()
    with pytest.raises(DiskFailure):
        load(path)


def test_a_closed_signal_leaves_nothing_open(tmp_path: Path) -> None:
    signal = load(put(tmp_path / "a.wav", wav(voice(1))))
    signal.close()
    with pytest.raises(ValueError):
        signal.read(0, 1)
    del signal
    gc.collect()  # an unclosed file would warn, and warnings are errors here


def test_progress_goes_up_to_the_whole(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    load(put(tmp_path / "a.wav", wav(voice(25))), progress=lambda done, total: seen.append((done, total))).close()
    assert seen[-1] == (25_000, 25_000) and all(total == 25_000 for _, total in seen)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen) and len(seen) >= 3


def test_a_probe_is_plain_json_and_says_the_same_as_loading(tmp_path: Path) -> None:
    path = put(tmp_path / "a.wav", wav(np.stack([voice(2), voice(2) * 0], 1))[:-20_000])
    found = probe(path)
    with load(path) as signal:
        assert signal.probe == found
        assert signal.duration_ms == found.duration_ms == 2000
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert told["missing_ms"] + told["found_ms"] == told["duration_ms"] == 2000
    assert told["levels_dbfs"][1] is None and told["used_channels"] == [1]
    assert [f["code"] for f in told["findings"]] == ["AUDIO_TRUNCATED", "AUDIO_CHANNELS"]


def test_strict_refuses_any_finding_and_passes_a_clean_recording(tmp_path: Path) -> None:
    clean, odd = put(tmp_path / "a.wav", wav(voice(1))), put(tmp_path / "b.wav", wav(voice(1, 8_000), 8_000))
    assert probe(clean, ReadSettings(strict=True)).findings == ()
    with pytest.raises(AudioRefused) as caught:
        probe(odd, ReadSettings(strict=True))
    assert caught.value.code == "AUDIO_NARROWBAND"


def test_an_assumed_rate_replaces_that_of_the_header(tmp_path: Path) -> None:
    found, samples = read(put(tmp_path / "a.wav", wav(voice(3), 48_000)), assume_rate=16_000)
    assert (found.sample_rate, found.found_ms, found.claimed_ms, len(samples)) == (16_000, 3000, 3000, 48_000)
    with pytest.raises(AudioRefused, match="limits"):
        load(tmp_path / "a.wav", ReadSettings(assume_rate=1))


def test_real_recordings_are_read_without_a_false_alarm_and_left_as_they_were(shared: Path) -> None:
    from speech.files import sha256_of

    clips = [c for folder in sorted((shared / "speech/open").iterdir()) for c in sorted(folder.rglob("*.opus"))[5:7]]
    assert len(clips) > 12
    for clip in clips:
        before = sha256_of(clip), clip.stat().st_mtime_ns
        with load(clip) as signal:
            assert set(codes(signal.findings)) <= {"AUDIO_CLIPPED"}, clip
            assert signal.missing_ms == 0 and abs(signal.length_samples - signal.duration_ms * 16) <= 8
            assert np.isfinite(signal.read(0, RATE)).all()
        assert before == (sha256_of(clip), clip.stat().st_mtime_ns)


def test_a_chapter_is_as_long_as_its_sentences_say(shared: Path) -> None:
    folder = shared / "speech/open/que_killkan_long"
    found = probe(folder / "Chapter01.opus")
    assert (found.container, found.codec, found.claimed_ms) == ("ogg", "opus", found.found_ms)
    assert found.found_ms // 1000 == 13 * 60 + 16
