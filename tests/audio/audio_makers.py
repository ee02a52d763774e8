"""Recordings for tests, made on the spot: WAV files byte by byte, and other formats by their own encoders."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from speech.audio import Probe, ReadSettings, load
from speech.errors import AudioRefused, Finding, Refusal

Samples = NDArray[np.float32]


def voice(seconds: float = 4.0, rate: int = 16_000, *, seed: int = 0) -> Samples:
    """Something like speech: harmonics of 120 Hz that swell four times a second, and a little noise; peak below 0.5."""
    at = np.arange(round(seconds * rate)) / rate
    tone = sum(np.sin(2 * np.pi * 120 * k * at + k) / k for k in range(1, 12))
    noise = np.random.default_rng(seed).normal(0, 0.01, len(at))
    return np.asarray(0.15 * tone * (0.1 + np.square(np.sin(np.pi * 4 * at))) + noise, np.float32).clip(-0.49, 0.49)


def pcm16(samples: Samples) -> bytes:
    """Samples as little-endian 16-bit; (frames,) or (frames, channels)."""
    return np.round(samples * 32768).clip(-32768, 32767).astype("<i2").tobytes()


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """A RIFF chunk with its pad byte; `size` overrides what the header says."""
    return name + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def fmt(rate: int = 16_000, channels: int = 1, bits: int = 16, tag: int = 1) -> bytes:
    """A `fmt ` chunk of 16 bytes."""
    block = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * block & 0xFFFFFFFF, block & 0xFFFF, bits))


def riff(*chunks: bytes, sign: bytes = b"RIFF", size: int | None = None) -> bytes:
    """A WAV file of these chunks."""
    body = b"WAVE" + b"".join(chunks)
    return sign + struct.pack("<I", len(body) if size is None else size) + body


def wav(samples: Samples, rate: int = 16_000, **data: Any) -> bytes:
    """A plain 16-bit WAV file; `size` is what its data chunk claims."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    return riff(fmt(rate, channels), chunk(b"data", pcm16(samples), **data))


def put(path: Path, data: bytes) -> Path:
    """Write bytes; gives the path."""
    path.write_bytes(data)
    return path


def read(path: Path, **settings: Any) -> tuple[Probe, Samples]:
    """What a file holds, and all its samples."""
    with load(path, ReadSettings(**settings)) as signal:
        return signal.probe, signal.read(0, signal.length_samples)


def codes(found: Probe | tuple[Finding, ...]) -> list[str]:
    """The codes of findings, sorted."""
    return sorted(f.code for f in (found.findings if isinstance(found, Probe) else found))


def encoded(
    path: Path,
    codec: str,
    container: str,
    samples: Samples,
    *,
    rate: int = 16_000,
    bit_rate: int = 48_000,
    options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
    tracks: tuple[float, ...] = (1.0,),
    start: float = 0.0,
    video: bool = False,
) -> Path:
    """One channel of sound by FFmpeg's encoders: tracks with these gains, beginning `start` seconds late."""
    import av

    with av.open(str(path), "w", format=container, options=options or {}) as out:
        picture: Any = out.add_stream("mpeg4", rate=25) if video else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        streams: list[Any] = []
        for _ in tracks:
            stream: Any = out.add_stream(codec, rate=rate, options=codec_options or {})
            stream.layout, stream.bit_rate = "mono", bit_rate
            streams.append(stream)
        if picture is not None:
            _mux(out, picture, _pictures(len(samples) / rate + start))
        for stream, gain in zip(streams, tracks, strict=True):
            frame = av.AudioFrame.from_ndarray((samples * np.float32(gain)).reshape(1, -1), "flt", "mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, round(start * rate), Fraction(1, rate)
            resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=rate)
            _mux(out, stream, [*resampler.resample(frame), *resampler.resample(None)])
    return path


def _pictures(seconds: float) -> list[Any]:
    import av

    frames = []
    for number in range(round(25 * seconds)):
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")
        frame.pts = number
        frames.append(frame)
    return frames


def _mux(out: Any, stream: Any, frames: list[Any]) -> None:
    for frame in [*frames, None]:
        for packet in stream.encode(frame):
            out.mux(packet)


def noise_inside(data: bytes, count: int, *, at: float = 0.5) -> bytes:
    """`data` with `count` random bytes written over its middle."""
    place = int(len(data) * at)
    noise = np.random.default_rng(5).integers(0, 256, count, np.uint8).tobytes()
    return data[:place] + noise + data[place + count :]


def likeness(a: Samples, b: Samples) -> float:
    """Correlation of two recordings over their common length."""
    count = min(len(a), len(b))
    return float(np.corrcoef(a[:count], b[:count])[0, 1])


def rf64(samples: bytes, sign: bytes = b"RF64") -> bytes:
    """A file with 64-bit sizes: RF64 or BW64."""
    sizes = struct.pack("<QQQI", 72 + len(samples), len(samples), len(samples) // 2, 0)
    return riff(chunk(b"ds64", sizes), fmt(), chunk(b"data", samples, 0xFFFFFFFF), sign=sign, size=0xFFFFFFFF)


def float_wav(samples: Samples, rate: int = 16_000) -> bytes:
    """A WAV file of 32-bit floats, one channel."""
    return riff(fmt(rate, bits=32, tag=3), chunk(b"data", samples.astype("<f4").tobytes()))


VOICE = voice()
KNOWN = (np.round(VOICE * 32768) / 32768).astype(np.float32)
"""What a 16-bit file holds of VOICE."""


def refused(path: Path, code: str, kind: type[Refusal] = AudioRefused, **settings: bool) -> Refusal:
    """The refusal with which `path` is turned away; the file is untouched."""
    before = path.lstat() if os.path.lexists(path) else None
    with pytest.raises(kind) as caught:
        load(path, ReadSettings(**settings))  # type: ignore[arg-type]  # only flags are passed here
    assert caught.value.code == code
    after = path.lstat() if before is not None else None
    assert (before and before.st_mtime_ns) == (after and after.st_mtime_ns)
    return caught.value


def same_as_voice(path: Path, **settings: bool) -> None:
    """Check that `path` holds the samples of VOICE, at 16 bits."""
    found, samples = read(path, **settings)
    assert found.found_ms == 4000
    np.testing.assert_allclose(samples + (KNOWN.mean() if len(samples) else 0), KNOWN, atol=2e-4)


PEAK = """
import sys, threading, time, psutil
from pathlib import Path
from speech.audio import load
peak, done = 0, False
def watch():
    global peak
    while not done:
        peak = max(peak, psutil.Process().memory_info().rss)
        time.sleep(0.01)
thread = threading.Thread(target=watch); thread.start()
with load(Path(sys.argv[1])) as signal:
    length = signal.length_samples
    step = 30 * 16000
    for start in range(0, length, step):
        signal.read(start, step)
done = True; thread.join()
print(peak, length)
"""


def peak_of(path: Path) -> tuple[int, int]:
    """Most resident bytes of a process that loads and reads `path`, and its length in samples."""
    pytest.importorskip("psutil")
    made = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True)
    peak, length = made.stdout.split()
    return int(peak), int(length)


def long_wav(path: Path, minutes: int) -> Path:
    """Some minutes at 32 kHz."""
    part = pcm16(voice(60, 32_000))
    with path.open("wb") as file:
        file.write(riff(fmt(32_000), chunk(b"data", b"", len(part) * minutes)))
        for _ in range(minutes):
            file.write(part)
    return path


AS_NOBODY = """
import os, sys
from pathlib import Path
from speech.audio import load
from speech.errors import SpeechError
try:
    load(Path(os.devnull))
except SpeechError:
    pass  # all is imported now: the plain user may not read where Python lies
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    load(Path(sys.argv[1]))
except SpeechError as error:
    print(error.code, error.what)
"""


def silent_video(path: Path) -> Path:
    """A video of ten pictures without any sound."""
    import av

    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        _mux(out, stream, _pictures(0.4))
    return path
