"""Decoding by FFmpeg's libraries (PyAV): MP4, Matroska, WMA, AAC and all that libsndfile does not know, or gave up.

Lengths come from decoding to the end; gaps between time stamps become silence, so that later times hold.
Files are opened by content, without a name. What a file may make FFmpeg do is fenced in (`_fences`): nothing that it names is opened,
neither another file nor an address; only containers and codecs of sound are tried; probing ends after a few megabytes.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from speech.audio.records import COPY_AGAIN, ReadSettings, clock, convert, spans_text
from speech.audio.source import STALL_SECONDS, Block, Source, Window, block_frames, check_length, check_shape
from speech.errors import AudioRefused

# Demuxers that take nearly any bytes for sound; asked for only where the sign of their format was seen.
_CREDULOUS = frozenset("mp3 aac loas ac3 eac3 mpeg mpegvideo h261 h263 h264 hevc dts dtshd gsm g722 s16le data sbc adp aptx".split())
# Containers that state a length, rather than have one guessed from a bit rate.
_CLAIMING = frozenset("mp4 m4a mov matroska webm asf avi wv ape tta dsf flac".split())
_NO_DELAY_TOLD = {"adts": 2112, "asf": 2048}
_FORCED = {"adts": "aac", "ac3": "ac3", "flac": "flac", "ogg": "ogg", "amr": "amr", "mp4": "mov", "asf": "asf", "avi": "avi"}
_FOREIGN_TOLERANCE_MS = 120
# What recorders and collections hold. Playlists, lists of files, descriptions of streams, scripts and devices are not among them.
_CONTAINERS = (
    "aac ac3 act aiff amr ape asf au avi caf dsf dss dv eac3 flac flv gsm iff ircam loas matroska mov mp3 mp4 mpc mpc8 mpeg mpegts mxf "
    "nistsphere nut ogg oma pvf qcp rm shn sln sox tak tta voc w64 wav webm wsd wtv wv wve xwma"
).split()
_PROBE_BYTES = 5 << 20
_MOST_STREAMS = 100


@functools.cache
def _fences() -> dict[str, str]:
    """Options of FFmpeg's demuxers that bound what a file can make them do."""
    import av

    of_sound = [name for name in sorted(av.codecs_available) if _decodes_sound(name)]
    return {
        # No protocol has this name. "file" would not do: a list of files (ffconcat) then opens what lies in the working folder.
        "protocol_whitelist": "none",
        "format_whitelist": ",".join(_CONTAINERS),
        "codec_whitelist": ",".join(of_sound),  # pictures beside the sound are not decoded, not even while probing
        "probesize": str(_PROBE_BYTES),
        "max_streams": str(_MOST_STREAMS),
    }


def _decodes_sound(name: str) -> bool:
    import av

    try:
        return bool(av.codec.Codec(name, "r").type == "audio")
    except ValueError:  # it only encodes
        return False


class AvSource(Source):
    """The chosen audio track of a container."""

    demuxer: Any
    stream: Any
    window: Window
    first: Any = None
    errors: int = 0
    flac_block: int = 0

    def blocks(self) -> Iterator[Block]:
        """All samples of the track, with silence for gaps between time stamps."""
        size = block_frames(self.sample_rate, self.channels)
        holes: list[tuple[int, int]] = []
        parts: list[Block] = []
        at = held = 0
        start: float | None = None
        for frame, seconds in self._all():
            part = _samples(frame, self.channels)
            self._same_rate(frame, at)
            if seconds is not None:
                start = seconds - at / self.sample_rate if start is None else start
                gap = round((seconds - start) * self.sample_rate) - at
                if gap > max(frame.samples // 2, self.sample_rate // 250):
                    check_length(self.where, at + gap, self.sample_rate)
                    holes.append((round(1000 * at / self.sample_rate), round(1000 * (at + gap) / self.sample_rate)))
                    yield from self._silence(parts, gap, size)
                    parts, held = [], 0
                    at += gap
            parts.append(part)
            at += len(part)
            held += len(part)
            if held >= size:
                yield np.concatenate(parts)
                parts, held = [], 0
        if held:
            yield np.concatenate(parts)
        if holes:
            self.note("AUDIO_HOLE", f"damaged at {spans_text(holes)}; filled with silence, so that later times hold", COPY_AGAIN)

    def _silence(self, parts: list[Block], gap: int, size: int) -> Iterator[Block]:
        """What is held back, then `gap` frames of silence in pieces that fit into memory."""
        if parts:
            yield np.concatenate(parts)
        for begin in range(0, gap, size):
            yield np.zeros((min(size, gap - begin), self.channels), np.float32)

    def _same_rate(self, frame: Any, at: int) -> None:
        if frame.sample_rate != self.sample_rate:
            place = clock(round(1000 * at / self.sample_rate))
            raise AudioRefused(
                self.where,
                f"the sample rate changes from {self.sample_rate} to {frame.sample_rate} at {place}",
                convert(self.where),
                "AUDIO_CODEC",
            )

    def _all(self) -> Iterator[tuple[Any, float | None]]:
        if self.first is not None:
            yield self.first
        yield from self._pull

    def pull(self) -> Iterator[tuple[Any, float | None]]:
        """Each decoded frame with its time in seconds, None where the container gives none."""
        import av

        packets = self.demuxer.demux(self.stream)
        while True:
            try:
                packet = next(packets)
                frames = packet.decode()
            except StopIteration:
                return
            except av.EOFError:
                return
            except av.FFmpegError:
                self.errors += 1
                if time.monotonic() > (self.window.deadline or 0):
                    return
                continue
            for frame in frames:
                self.window.deadline = time.monotonic() + STALL_SECONDS
                yield frame, self._seconds(frame, packet)

    def _seconds(self, frame: Any, packet: Any) -> float | None:
        """When a frame sounds. FLAC frames carry their number, which holds where the demuxer lost count."""
        if self.flac_block and packet.size:
            number = flac_number(bytes(memoryview(packet)[:16]), self.flac_block)
            if number is not None:
                return number / self.sample_rate
        return None if frame.pts is None else float(frame.pts * frame.time_base)

    _pull: Iterator[tuple[Any, float | None]]

    def close(self) -> None:
        """Close the demuxer."""
        self.demuxer.close()


def flac_number(head: bytes, block: int) -> int | None:
    """The first sample of a FLAC frame, from its header; `block` is the fixed block size of the stream."""
    if len(head) < 5 or head[0] != 0xFF or head[1] & 0xFC != 0xF8:
        return None
    lead = head[4]
    extra = 0 if lead < 0x80 else next((n for n in range(1, 7) if lead >> (6 - n) == (1 << (n + 2)) - 2), -1)
    if extra < 0 or len(head) < 5 + extra:
        return None
    value = lead if extra == 0 else lead & ((1 << (6 - extra)) - 1)
    for byte in head[5 : 5 + extra]:
        if byte >> 6 != 2:
            return None
        value = value << 6 | byte & 0x3F
    return value if head[1] & 1 else value * block


def _samples(frame: Any, channels: int) -> Block:
    """A frame as (frames, channels), full scale 1.0."""
    values = frame.to_ndarray()
    own = len(frame.layout.channels)
    values = values.T if frame.format.is_planar else values.reshape(-1, own)
    if values.dtype == np.uint8:
        values = (values.astype(np.float32) - 128) * np.float32(2**-7)
    elif values.dtype.kind == "i":
        values = values.astype(np.float32) * np.float32(2.0 ** (1 - 8 * values.dtype.itemsize))
    if own != channels:
        values = values[:, :1].repeat(channels, axis=1) if own < channels else values[:, :channels]
    return np.ascontiguousarray(values, np.float32)


def open_av(window: Window, where: str, container: str, media_type: str, settings: ReadSettings) -> AvSource:
    """Whatever FFmpeg's libraries can open; `container` is what was recognised, empty if nothing.

    Raises
    ------
    AudioRefused
        `AUDIO_NO_TRACK`, `AUDIO_TRACKS` (the track asked for is not there), `AUDIO_CODEC`, `AUDIO_HEADER`.
    """
    import av

    window.seek(0)
    window.deadline = time.monotonic() + STALL_SECONDS
    try:
        demuxer = av.open(window, mode="r", format=_FORCED.get(container), metadata_errors="ignore", container_options=_fences())
    except av.FFmpegError as error:
        raise _cannot_open(where, container, error) from error
    try:
        return _track(demuxer, window, where, container, media_type, settings)
    except BaseException:
        demuxer.close()
        raise


def _cannot_open(where: str, container: str, error: Exception) -> AudioRefused:
    if container == "mp4":
        what = "the index of the file (moov) is missing or damaged, as when a recorder loses power"
        return AudioRefused(where, what, f"{COPY_AGAIN}; a tool such as untrunc may rebuild the index", "AUDIO_HEADER")
    if container:
        return AudioRefused(where, f"its {container} header cannot be read ({type(error).__name__})", COPY_AGAIN, "AUDIO_HEADER")
    return AudioRefused(where, f"no decoder here knows it ({type(error).__name__})", convert(where), "AUDIO_NOT_AUDIO")


def _track(demuxer: Any, window: Window, where: str, container: str, media_type: str, settings: ReadSettings) -> AvSource:
    names = set(demuxer.format.name.split(","))
    if not container and names & _CREDULOUS:
        raise AudioRefused(where, "it only looks like sound by chance", convert(where), "AUDIO_NOT_AUDIO")
    tracks = demuxer.streams.audio
    if not tracks:
        raise AudioRefused(where, "the file has no sound track", "Name the recording that has the sound", "AUDIO_NO_TRACK")
    wanted = settings.track or 1
    if not 1 <= wanted <= len(tracks):
        raise AudioRefused(where, f"there is no track {wanted}; it has {len(tracks)}", f"Choose --track 1 to {len(tracks)}", "AUDIO_TRACKS")
    stream = tracks[wanted - 1]
    context = stream.codec_context
    if context is None or not context.codec:
        raise AudioRefused(where, f"no decoder here knows the codec of track {wanted}", convert(where), "AUDIO_CODEC")
    source = AvSource(
        where=where,
        container=container or demuxer.format.name.split(",")[0],
        codec=context.codec.canonical_name,
        media_type="video" + media_type[5:] if demuxer.streams.video and media_type.startswith("audio/") else media_type,
        sample_rate=0,
        channels=0,
        tracks=len(tracks),
        integers=context.name.startswith(("pcm_s", "pcm_u", "flac", "alac")),
    )
    source.demuxer, source.stream, source.window = demuxer, stream, window
    source._pull = source.pull()
    source.first = next(source._pull, None)
    if source.first is None:
        _nothing(source)
    frame, seconds = source.first
    source.sample_rate, source.channels = frame.sample_rate, len(frame.layout.channels)
    check_shape(where, source.sample_rate, source.channels)
    _claims(source, names, seconds, settings)
    return source


def _nothing(source: AvSource) -> None:
    if source.errors:
        raise AudioRefused(
            source.where, f"not one of its packets can be decoded (codec {source.codec})", convert(source.where), "AUDIO_CODEC"
        )
    raise AudioRefused(source.where, "the file has a header and no sound", COPY_AGAIN, "AUDIO_EMPTY")


def _claims(source: AvSource, names: set[str], seconds: float | None, settings: ReadSettings) -> None:
    """Length, start and number of tracks, as the container states them."""
    demuxer, stream, rate = source.demuxer, source.stream, source.sample_rate
    length: float | None = None
    if names & _CLAIMING:
        if stream.duration and "asf" not in names:
            length = float(stream.duration * stream.time_base)
        elif "DURATION" in stream.metadata:
            length = _duration_tag(stream.metadata["DURATION"])
        elif "asf" in names:
            length = _asf_seconds(source.window)  # what FFmpeg says of a cut file is a guess from its size
        elif demuxer.duration and len(demuxer.streams) == 1:
            length = demuxer.duration / 1e6
    origin = (demuxer.start_time or 0) / 1e6 if names & {"mpegts", "mpeg"} else 0.0
    source.offset_ms = max(0, round(1000 * ((seconds or 0.0) - origin)))
    if length is not None and (not stream.duration or "asf" in names):
        length -= source.offset_ms / 1000  # these lengths count from the container's zero
    source.claimed_frames = None if length is None else round(length * rate)
    source.tolerance_ms = _FOREIGN_TOLERANCE_MS
    what = []
    if source.offset_ms < 5:
        source.offset_ms = 0
    else:
        what.append(f"the sound begins {source.offset_ms} ms after the container's zero; that much is added to the times")
    if source.container in _NO_DELAY_TOLD:
        bound = round(1000 * _NO_DELAY_TOLD[source.container] / rate)
        what.append(f"the file does not tell its encoder's delay: sound may lie up to {bound} ms off")
    if what:
        source.note("AUDIO_OFFSET", "; ".join(what))
    if source.tracks > 1 and settings.track is None:
        source.note("AUDIO_TRACKS", f"it has {source.tracks} sound tracks; the first was read", "Choose another with --track")


def _duration_tag(text: str) -> float | None:
    """Seconds of Matroska's `00:00:04.000000000`."""
    parts = text.split(":")
    try:
        hours, minutes, seconds = (float(p) for p in parts)
    except ValueError:
        return None
    return hours * 3600 + minutes * 60 + seconds


def _asf_seconds(window: Window) -> float | None:
    """Play time without its lead, from the file properties of a WMA file."""
    window.seek(0)
    head = window.read_fully(1 << 14)
    at = head.find(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))
    if at < 0 or at + 88 > len(head):
        return None
    play, lead = (int.from_bytes(head[at + n : at + n + 8], "little") for n in (64, 80))
    return max(0.0, play / 1e7 - lead / 1e3) or None
