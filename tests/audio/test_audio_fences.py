"""What a hostile file cannot make FFmpeg do: open another file, ask an address, fill the disk, decode pictures, take all memory."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from speech.audio import load
from speech.audio import signal as signal_module
from speech.audio.decode_av import _fences, open_av
from speech.audio.records import LONGEST_HOURS, ReadSettings
from speech.audio.source import Original, Window
from speech.errors import AudioRefused, DiskFailure
from tests.audio.audio_makers import chunk, fmt, pcm16, put, riff, voice, wav
from tests.conftest import REPOSITORY
from tests.watching import Listener, opened

HLS = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{0}\n#EXT-X-ENDLIST\n"
MPD = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT2S"><Period>'
    '<AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="1000"><SegmentList duration="2"><SegmentURL media="{0}"/>'
    "</SegmentList></Representation></AdaptationSet></Period></MPD>"
)
LISTS = {
    "hls_file": HLS.format("FILE"),
    "hls_file_url": HLS.format("file://FILE"),
    "hls_http": HLS.format("HTTP"),
    "hls_key": HLS.format("FILE").replace("#EXTINF", '#EXT-X-KEY:METHOD=AES-128,URI="HTTP"\n#EXTINF'),
    "hls_data": HLS.format("data:audio/wav;base64,UklGRg=="),
    "hls_concat": HLS.format("concat:FILE|HTTP"),
    "hls_crypto": HLS.format("crypto+file://FILE"),
    "ffconcat_absolute": "ffconcat version 1.0\nfile FILE\n",
    "ffconcat_relative": "ffconcat version 1.0\nfile target.wav\n",
    "ffconcat_http": "ffconcat version 1.0\nfile HTTP\n",
    "ffconcat_quoted": "ffconcat version 1.0\nfile 'file:target.wav'\noption safe 0\n",
    "dash": MPD.format("HTTP"),
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "imf": '<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016"/>',
    "pls": "[playlist]\nFile1=HTTP\n",
    "xspf": '<?xml version="1.0"?><playlist xmlns="http://xspf.org/ns/0/"><location>HTTP</location></playlist>',
    "asx": '<asx version="3.0"><entry><ref href="HTTP"/></entry></asx>',
    "rtsp_text": "RTSPtext\nrtsp://127.0.0.1:9/\n",
    "smil": '<smil><body><audio src="HTTP"/></body></smil>',
}


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


@pytest.mark.parametrize("suffix", [".wav", ".m3u8"])
@pytest.mark.parametrize("kind", LISTS)
def test_what_a_list_names_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listener: Listener, kind: str, suffix: str
) -> None:
    monkeypatch.chdir(tmp_path)  # a name without a folder is looked for here
    target = put(tmp_path / "target.wav", wav(voice(1)))
    text = LISTS[kind].replace("FILE", str(target)).replace("HTTP", f"{listener.address}/a.wav")
    path = put(tmp_path / f"list{suffix}", text.encode())
    with opened(target) as times, pytest.raises(AudioRefused) as caught:
        load(path)
    assert (times, listener.asked, caught.value.code) == ([0], [], "AUDIO_NOT_AUDIO")


@pytest.mark.parametrize("kind", LISTS)
def test_no_demuxer_of_lists_is_tried_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Whatever the first look says of a file: a demuxer that a later version of it lets through opens nothing either."""
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "target.wav", wav(voice(1)))
    text = LISTS[kind].replace("FILE", "target.wav").replace("HTTP", "http://127.0.0.1:9/a.wav")
    with Original(put(tmp_path / "list", text.encode()), "rb") as file, pytest.raises(AudioRefused) as caught:
        open_av(Window(file, 0, len(text)), "list", "", "", ReadSettings())
    assert caught.value.code == "AUDIO_NOT_AUDIO" and "no decoder here knows it" in caught.value.what


def test_the_fences_name_no_protocol_and_no_codec_of_pictures() -> None:
    import av

    fences = _fences()
    assert fences["protocol_whitelist"] == "none"
    assert {av.codec.Codec(name, "r").type for name in fences["codec_whitelist"].split(",")} == {"audio"}
    named = set(fences["format_whitelist"].split(","))
    assert not named & set("hls concat dash sdp rtsp rtp sap imf image2 lavfi alsa x11grab tty webm_dash_manifest svg_pipe ass srt".split())


def _with_streams(count: int, *, attached: bytes = b"") -> bytes:
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as container:
        tracks = [container.add_stream("pcm_s16le", rate=16_000) for _ in range(count)]
        if attached:
            container.add_attachment("font.ttf", "application/x-truetype-font", attached)
        values = (np.round(voice(1) * 32767).astype(np.int16))[None]
        for track in tracks:
            frame = av.AudioFrame.from_ndarray(values, format="s16", layout="mono")
            frame.sample_rate, frame.pts = 16_000, 0
            for packet in track.encode(frame):
                container.mux(packet)
    return out.getvalue()


def test_an_attached_font_is_left_alone(tmp_path: Path) -> None:
    with load(put(tmp_path / "a.mka", _with_streams(1, attached=b"\0\1\0\0<script>" * 1000))) as signal:
        assert signal.length_samples == 16_000


def test_of_very_many_tracks_only_so_many_are_looked_at(tmp_path: Path) -> None:
    with load(put(tmp_path / "a.mka", _with_streams(120))) as signal:
        assert signal.probe.tracks == 100


def _late(seconds: int) -> bytes:
    """Sound whose second packet comes `seconds` after the first."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as container:
        track = container.add_stream("pcm_s16le", rate=16_000)
        values = (np.round(voice(1) * 32767).astype(np.int16))[None]
        for at in (0, seconds):
            frame = av.AudioFrame.from_ndarray(values, format="s16", layout="mono")
            frame.sample_rate, frame.pts = 16_000, at * 16_000
            for packet in track.encode(frame):
                container.mux(packet)
    return out.getvalue()


def test_a_few_bytes_do_not_stand_for_years_of_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    monkeypatch.setattr(signal_module.Spool, "write", lambda _, values: written.append(values.size))
    with pytest.raises(AudioRefused, match="hours") as caught:
        load(put(tmp_path / "a.mka", _late(3600 * (LONGEST_HOURS + 1))))
    assert caught.value.code == "AUDIO_HEADER" and sum(written) <= 32_000


def test_a_gap_that_can_be_is_filled(tmp_path: Path) -> None:
    with load(put(tmp_path / "a.mka", _late(30))) as signal:
        assert signal.length_samples == 31 * 16_000


def test_sound_without_end_ends_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.audio.source.LONGEST_HOURS", 2 / 3600)
    with pytest.raises(AudioRefused, match="limit") as caught:
        load(put(tmp_path / "a.wav", wav(voice(4))))
    assert caught.value.code == "AUDIO_HEADER"


def test_a_temporary_file_leaves_the_disk_room_for_what_is_edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal_module, "KEPT_IN_MEMORY", 1000)
    monkeypatch.setattr("speech.audio.signal.shutil.disk_usage", lambda _: SimpleNamespace(free=signal_module.LEFT_FREE - 1))
    with pytest.raises(DiskFailure) as caught:
        load(put(tmp_path / "a.wav", wav(voice(4))))
    assert caught.value.code == "DISK_FULL"


ABSURD = {
    "no channels": riff(fmt(channels=0), chunk(b"data", pcm16(voice(1)))),
    "65,535 channels": riff(fmt(channels=65_535), chunk(b"data", pcm16(voice(1)))),
    "a rate of 0": riff(fmt(rate=0), chunk(b"data", pcm16(voice(1)))),
    "a rate of 4 GHz": riff(fmt(rate=4_000_000_000), chunk(b"data", pcm16(voice(1)))),
    "samples of 65,535 bits": riff(fmt(bits=65_535), chunk(b"data", pcm16(voice(1)))),
    "no chunk but the header": riff(fmt()),
    "a format of 2 GiB": riff(chunk(b"fmt ", b"\1\0", size=1 << 31)),
    "a FLAC of 4 GHz": b"fLaC\x80\0\0\x22" + struct.pack(">HH", 4096, 4096) + bytes(6) + b"\xff" * 8 + bytes(16),
    "an EBML of 2^56 bytes": b"\x1a\x45\xdf\xa3\x01" + b"\xff" * 7 + b"\x42\x86\x81\x01" + b"\x18\x53\x80\x67\x01" + b"\xff" * 7,
    "an MP4 that nests": b"\0\0\0\x18ftypM4A " + bytes(12) + b"".join(struct.pack(">I4s", 8 * (900 - n), b"moov") for n in range(900)),
    "an MP4 of 2^31 samples": b"\0\0\0\x18ftypM4A " + bytes(12) + struct.pack(">I4s", 60, b"moov") + b"\xff" * 52,
    "an Ogg page of another": b"OggS\0\x02" + b"\xff" * 40,
    "an AIFF of 2^63 frames": b"FORM" + struct.pack(">I", 46) + b"AIFFCOMM" + struct.pack(">IhIh", 18, 1, 0xFFFFFFFF, 16) + b"\x7f" * 10,
}


@pytest.mark.parametrize("kind", ABSURD)
def test_a_header_that_claims_the_impossible_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    with pytest.raises(AudioRefused) as caught:
        load(put(tmp_path / "a", ABSURD[kind]))
    assert caught.value.code.startswith("AUDIO_") and caught.value.mend


@pytest.mark.parametrize("cut", [1, 12, 20, 36, 44, 45, 100])
@pytest.mark.parametrize("kind", ["wav", "matroska"])
def test_a_file_cut_anywhere_is_read_or_refused_by_name(tmp_path: Path, kind: str, cut: int) -> None:
    data = (wav(voice(1)) if kind == "wav" else _with_streams(1))[:cut]
    try:
        with load(put(tmp_path / "a", data)) as signal:
            assert signal.findings
    except AudioRefused as refused:
        assert refused.mend


_HUNGRY = """
import resource, sys
from pathlib import Path
import numpy, soundfile, av, soxr
from speech.audio import load
from speech.errors import AudioRefused
load(Path(sys.argv[1])).close()
now = int(next(line for line in open("/proc/self/status") if line.startswith("VmData")).split()[1]) << 10
resource.setrlimit(resource.RLIMIT_DATA, (now + (64 << 20),) * 2)
try:
    load(Path(sys.argv[2]))
except AudioRefused as refused:
    print(refused.code, refused.what)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits its own memory as Linux does")
def test_a_packet_larger_than_the_memory_is_refused_and_the_process_lives(tmp_path: Path) -> None:
    plain = put(tmp_path / "plain.mka", _with_streams(1))
    head = _with_streams(1)
    at = head.index(b"\x1f\x43\xb6\x75")  # the cluster
    size = struct.pack(">I", 0x10000000 | 300 << 20 >> 1)  # a block of 150 MiB, as EBML writes lengths
    large = tmp_path / "large.mka"
    with large.open("wb") as file:
        file.write(head[:at] + b"\x1f\x43\xb6\x75" + b"\x01" + b"\xff" * 7 + b"\xe7\x81\x00" + b"\xa3" + size + b"\x81\0\0\x80")
        file.truncate(160 << 20)  # sparse: the kernel keeps no zeros
    done = subprocess.run(
        [sys.executable, "-c", _HUNGRY, str(plain), str(large)], cwd=REPOSITORY, capture_output=True, text=True, timeout=120,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0 and done.stdout.startswith("AUDIO_"), done.stderr
