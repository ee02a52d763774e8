"""The one path by which sound is read: recognise by content, decode to the end, compare with every claim.

A fast decoder is tried first where one fits; where it meets damage the file is read once more by one that
knows time stamps. All foreign exceptions end here. The file is only read, and must be the same afterwards.
"""

from __future__ import annotations

import errno
import hashlib
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from speech.audio import decode_av, decode_mp3, decode_pcm, decode_soundfile, ogg, riff, sniff
from speech.audio.checks import Mix, Statistics
from speech.audio.records import COPY_AGAIN, RATE, TAIL_MS, Probe, ReadSettings, clock, convert
from speech.audio.signal import Keeper, Signal
from speech.audio.source import Damaged, Original, Source, Window, check_length, check_shape, refused_by_decoder
from speech.errors import AudioRefused, Finding, PathRefused, SpeechError
from speech.files import check_readable, read_errors, shown, unreachable

Progress = Callable[[int, int], None]
"""Called with milliseconds done and in all (the larger of done and claimed)."""

_LOOK_BYTES = 1 << 17


@dataclass(kw_only=True)
class _Run:
    """One pass over a source."""

    source: Source
    statistics: Statistics
    keeper: Keeper | None = None


def probe(path: Path, settings: ReadSettings | None = None, *, progress: Progress | None = None) -> Probe:
    """What a file really holds, against what its header claims; the whole is decoded, nothing is kept.

    `progress` gets milliseconds done and in all.

    Raises
    ------
    AudioRefused, PathRefused
        As `load`.
    """
    settings = settings or ReadSettings()
    with _opened(path) as (file, where):
        run = _read(file, where, path, settings, keep=False, progress=progress)
        return _report(run, file, where, path, settings)[0]


def load(path: Path, settings: ReadSettings | None = None, *, progress: Progress | None = None) -> Signal:
    """Read a recording to its end as 16 kHz, one channel; close the result, or use it with `with`.

    Memory does not grow with the recording. `progress` gets milliseconds done and in all.

    Raises
    ------
    PathRefused
        `PATH_*`: the path leads to no file that may be read.
    AudioRefused
        `AUDIO_*`: no sound, damaged beyond use, changed while read, or (`strict`) any finding.
    DiskFailure
        No room for the temporary file of a long recording.
    """
    settings = settings or ReadSettings()
    with _opened(path) as (file, where):
        run = _read(file, where, path, settings, keep=True, progress=progress)
        keeper = run.keeper
        assert keeper is not None
        try:
            found, mix = _report(run, file, where, path, settings)
            length = max(1, round(run.statistics.frames * RATE / run.statistics.rate))
            tracks = keeper.finish(length, mix.weights, keep_channels=settings.keep_channels)
            # From the file that was decoded, while it is held open: one that took its place has another hash.
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        except BaseException:
            keeper.close()
            raise
        return Signal(probe=found, sha256=digest, length_samples=length, tracks=tracks)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Original, str]]:
    """The file, held open; foreign exceptions become refusals, and a change of the file outranks them."""
    where = shown(path)
    check_readable(path)
    with read_errors(path):
        file = Original(path, "rb")
    with file:
        with read_errors(path):
            before = os.fstat(file.fileno())
        try:
            yield file, where
        except SpeechError as error:
            _check_unchanged(file, path, where, before, error)
            raise
        except foreign() as error:
            _check_unchanged(file, path, where, before, error)
            raise translated(where, error) from error
        _check_unchanged(file, path, where, before, None)


def foreign() -> tuple[type[Exception], ...]:
    """The exceptions that libraries and the disk throw at us; looked up only when one flies."""
    import av
    import soundfile

    return (soundfile.SoundFileError, av.FFmpegError, Damaged, EOFError, struct.error, OSError, RuntimeError, MemoryError)


def translated(where: str, error: Exception) -> SpeechError:
    """A foreign exception as a refusal."""
    import av
    import soundfile

    if isinstance(error, TimeoutError):
        return AudioRefused(where, f"the decoder came to no end ({error})", convert(where), "AUDIO_CODEC")
    if isinstance(error, MemoryError):
        what = "a part of it claims more memory than there is"
        return AudioRefused(where, what, f"Close other programs. {convert(where)}", "AUDIO_HEADER")
    if isinstance(error, (soundfile.SoundFileError, av.FFmpegError, Damaged)):
        return refused_by_decoder(where, error)  # before OSError: some of FFmpeg's are both
    if isinstance(error, (EOFError, struct.error)):
        return AudioRefused(where, "the file ends in the middle of what was being read", COPY_AGAIN, "AUDIO_CORRUPT")
    if isinstance(error, OSError):
        what = f"the disk gave no answer ({error.strerror or error})"
        return PathRefused(where, what, "Check the cable or share, then run again", "PATH_IO")
    return refused_by_decoder(where, error)


def _check_unchanged(file: Original, path: Path, where: str, before: os.stat_result, cause: Exception | None) -> None:
    """Refuse a file that grew, shrank or was replaced meanwhile."""
    try:
        states = [os.fstat(file.fileno()), path.stat()]
    except OSError as error:
        # A stick that was pulled takes the name with it: what failed first is what a person can mend.
        if _is_gone(cause) or not isinstance(error, FileNotFoundError | NotADirectoryError):
            raise unreachable(path, OSError(errno.EIO, os.strerror(errno.EIO))) from (cause or error)
        states = []
    same = [
        (s.st_size, s.st_mtime_ns, s.st_ino, s.st_dev) == (before.st_size, before.st_mtime_ns, before.st_ino, before.st_dev) for s in states
    ]
    if len(same) == 2 and all(same):
        return
    now = f"it had {before.st_size} bytes and has {states[1].st_size}" if states else "it is gone"
    mend = "Let the copy finish, then run again; if the change is meant, correct its hash in the manifest"
    raise AudioRefused(where, f"the file changed while it was read ({now})", mend, "AUDIO_CHANGED") from cause


def _is_gone(cause: Exception | None) -> bool:
    """Whether what went wrong is the disk's own doing."""
    return cause is not None and (cause if isinstance(cause, SpeechError) else translated("", cause)).code == "PATH_IO"


def _read(file: Original, where: str, path: Path, settings: ReadSettings, *, keep: bool, progress: Progress | None) -> _Run:
    """Decode to the end; a second time with time stamps where the first decoder met damage."""
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise AudioRefused(where, "the file is empty (0 bytes)", COPY_AGAIN, "AUDIO_EMPTY")
    head = Window(file, 0, size).read_fully(_LOOK_BYTES)
    looks = sniff.recognise(head)
    for careful in (False, True):
        try:
            source = _choose(file, size, head, looks, where, settings, careful=careful)
            run = _pass(source, settings, keep=keep, progress=progress)
        except Damaged:
            _check_disk(file)
            if careful:
                raise
            continue
        except AudioRefused:
            _check_disk(file)
            raise
        if file.trouble is not None:
            if run.keeper is not None:
                run.keeper.close()
            _check_disk(file)
        suffix = sniff.misnamed(path.name, source.container)
        if suffix:
            run.source.note("AUDIO_MISNAMED", f"its name says {suffix} and it holds {source.container}; it was read as that", "Rename it")
        return run
    raise AssertionError("the careful pass returns or raises")


def _check_disk(file: Original) -> None:
    """Raise what a decoder had to take for the end of the file."""
    if file.trouble is not None:
        raise file.trouble


def _pass(source: Source, settings: ReadSettings, *, keep: bool, progress: Progress | None) -> _Run:
    """All blocks of a source into statistics and, if asked, a signal."""
    rate = settings.assume_rate or source.sample_rate
    keeper = None
    try:
        check_shape(source.where, rate, source.channels)
        claimed = source.claimed_frames or 0
        run = _Run(source=source, statistics=Statistics(source, rate))
        if keep:
            keeper = run.keeper = Keeper(rate, source.channels, 1000 * claimed // rate)
        for block in source.blocks():
            if not len(block):
                continue
            block = run.statistics.add(block)
            check_length(source.where, run.statistics.frames, rate)
            if keeper is not None:
                keeper.add(block)
            if progress is not None:
                done = run.statistics.frames
                progress(1000 * done // rate, 1000 * max(done, claimed) // rate)
        return run
    except BaseException:
        if keeper is not None:
            keeper.close()
        raise
    finally:
        source.close()


def _choose(file: Original, size: int, head: bytes, looks: sniff.Looks, where: str, settings: ReadSettings, *, careful: bool) -> Source:
    """The decoder for what the first bytes show."""
    container, whole = looks.container, Window(file, 0, size)
    media_type = sniff.MEDIA_TYPES.get(container, "")
    if container in ("wav", "rifx", "rf64", "bw64", "w64"):
        return _choose_wav(file, size, where, media_type, settings, careful=careful)
    if container == "flac":
        return _choose_flac(file, size, looks.start, where, media_type, settings, careful=careful)
    if container == "ogg":
        return _choose_ogg(file, size, where, media_type, settings, careful=careful)
    if container == "mp3":
        return decode_mp3.open_mp3(whole, where, "mp3", media_type)
    if container in ("aiff", "au", "caf") and not careful:
        return decode_soundfile.open_plain(file, size, container, where, media_type)
    if container in ("mp4", "asf"):
        _check_open(file, size, container, where)
    if not container:
        what, mend = sniff.looks_like(head)
        try:
            return decode_av.open_av(whole, where, "", "", settings)
        except AudioRefused as error:
            if error.code in ("AUDIO_NOT_AUDIO", "AUDIO_NO_TRACK", "AUDIO_CODEC", "AUDIO_EMPTY"):
                raise AudioRefused(where, f"this is {what}", mend, "AUDIO_NOT_AUDIO") from error
            raise
    source = decode_av.open_av(whole, where, container, media_type, settings)
    if container in ("aiff", "au", "caf"):
        source.claimed_frames = decode_soundfile.plain_claim(file, size, container)
    return source


def _choose_wav(file: Original, size: int, where: str, media_type: str, settings: ReadSettings, *, careful: bool) -> Source:
    """WAV and its kin, by what the chunk walk found."""
    layout = riff.walk(file, size, where)
    sound = Window(file, layout.offset, layout.length)
    if layout.codec in decode_pcm.PLAIN:
        return decode_pcm.PcmSource.of(layout, sound, media_type)
    if layout.codec in ("mp3", "mp2"):
        source: Source = decode_mp3.open_mp3(sound, where, layout.container, media_type)
    elif layout.codec in decode_soundfile.BLOCK_CODECS and not careful:
        return decode_soundfile.open_block_codec(file, layout, where, media_type)
    else:
        repaired = Window(file, layout.offset, layout.length, decode_soundfile.wav_head(layout))
        try:
            source = decode_av.open_av(repaired, where, "wav", media_type, settings)
        except AudioRefused as error:
            what = f"its sound is of WAV kind 0x{layout.tag:04x}, which no decoder here knows"
            raise AudioRefused(where, what, convert(where), "AUDIO_CODEC") from error
        source.claimed_frames = None
    if layout.claimed is not None and layout.claimed > layout.length and source.claimed_frames is None:
        source.note("AUDIO_TRUNCATED", f"the header claims {layout.claimed} bytes of sound, the file holds {layout.length}", COPY_AGAIN)
    source.findings.extend(layout.findings)
    return source


def _choose_flac(file: Original, size: int, start: int, where: str, media_type: str, settings: ReadSettings, *, careful: bool) -> Source:
    """FLAC, from byte `start` on."""
    window = Window(file, start, size - start)
    info = decode_soundfile.stream_info(window.read_fully(42), where)
    if info.frames is not None and not careful:
        return decode_soundfile.open_flac(window, info, where, media_type)
    source = decode_av.open_av(window, where, "flac", media_type, settings)
    window_block = Window(file, start + 8, 4).read_fully(4)
    if window_block[:2] == window_block[2:]:
        source.flac_block = int.from_bytes(window_block[:2], "big")
    source.claimed_frames, source.bits, source.tolerance_ms = info.frames, info.bits, 0
    if info.frames is None:
        source.note("AUDIO_LENGTH_UNKNOWN", "the header claims no length (it was streamed); all was read to the end of the file")
    return source


def _choose_ogg(file: Original, size: int, where: str, media_type: str, settings: ReadSettings, *, careful: bool) -> Source:
    """Ogg, once its pages were walked."""
    pages = ogg.walk(file, size)
    fast = not careful and pages.codec in ("opus", "vorbis", "flac") and not pages.lost and pages.streams == 1
    if fast:
        source: Source = decode_soundfile.open_ogg(file, pages, where, media_type)
    else:
        source = decode_av.open_av(Window(file, 0, size), where, "ogg", media_type, settings)
        if pages.streams == 1 and pages.closed and pages.claimed_frames is not None and pages.clock_rate:
            source.claimed_frames = pages.claimed_frames * source.sample_rate // pages.clock_rate
    if not pages.closed:
        source.note("AUDIO_TRUNCATED", "no page closes the stream: its end is missing, how much no one can tell", COPY_AGAIN)
    return source


def _check_open(file: Original, size: int, container: str, where: str) -> None:
    """Refuse files that are locked by a right, before a decoder makes silence of them."""
    if container == "asf":
        file.seek(0)
        head = file.read(1 << 16)
        marks = (bytes.fromhex("fbb31122 23bdd211 b4b700a0 c955fc6e"), bytes.fromhex("14e68a29 2226174c b935dae0 7ee9289c"))
        locked = any(m in head for m in marks)
    else:
        locked = _mp4_locked(file, size)
    if locked:
        raise AudioRefused(where, "its sound is encrypted", "Ask its owner for a copy without protection", "AUDIO_ENCRYPTED")


def _mp4_locked(file: Original, size: int) -> bool:
    """Whether the index (`moov`) of an MP4 names an encrypted sound entry."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1 and len(head) == 16:
            length = int.from_bytes(head[8:16], "big")
        if head[4:8] == b"moov":
            file.seek(at)
            index = file.read(min(length or size, 64 << 20))
            return b"enca" in index or b"drms" in index
        if length < 8:
            return False
        at += length
    return False


def _report(run: _Run, file: Original, where: str, path: Path, settings: ReadSettings) -> tuple[Probe, Mix]:
    """Compare what was found with what was claimed.

    Raises
    ------
    AudioRefused
        `AUDIO_EMPTY`, `AUDIO_CORRUPT`, `AUDIO_NONFINITE`, or (`strict`) the first finding.
    """
    source, statistics = run.source, run.statistics
    if statistics.frames == 0:
        raise AudioRefused(where, "the file has a header and no sound", COPY_AGAIN, "AUDIO_EMPTY")
    rate, found = statistics.rate, statistics.frames
    found_ms, missing_ms = _missing(source, rate, found)
    _check_corrupt(source, missing_ms, settings)
    findings = source.findings
    mix = statistics.mix(settings, findings)
    findings.extend(statistics.findings(mix, settings))
    result = Probe(
        path=where,
        container=source.container,
        codec=source.codec,
        media_type=source.media_type,
        sample_rate=rate,
        channels=source.channels,
        bits=source.bits,
        tracks=source.tracks,
        claimed_ms=None if source.claimed_frames is None else round(1000 * source.claimed_frames / rate),
        found_ms=found_ms,
        missing_ms=missing_ms,
        offset_ms=source.offset_ms,
        size_bytes=os.fstat(file.fileno()).st_size,
        levels_dbfs=statistics.levels_dbfs(),
        used_channels=mix.used,
        findings=tuple(findings),
    )
    if settings.strict and findings:
        rest = f" (and {len(findings) - 1} more findings)" if len(findings) > 1 else ""
        first = findings[0]
        mend = first.mend or "Look at it with speech probe"
        raise AudioRefused(where, first.what + rest, f"{mend}, or leave out --strict to take what is there", first.code)
    return result, mix


def _missing(source: Source, rate: int, found: int) -> tuple[int, int]:
    """Milliseconds found, and claimed beyond that; tells a tail from a cut."""
    found_ms = round(1000 * found / rate)
    claimed = source.claimed_frames
    if claimed is None or (claimed - found) * 1000 <= source.tolerance_ms * rate:
        return found_ms, 0
    short = 1000 * (claimed - found) / rate
    what = f"the header claims {clock(round(1000 * claimed / rate))}, the file holds {clock(found_ms)}"
    if short < TAIL_MS:
        source.note("AUDIO_TAIL", f"{what} ({claimed - found} samples are missing at the end)", COPY_AGAIN)
    else:
        source.note("AUDIO_TRUNCATED", what, COPY_AGAIN)
    return found_ms, round(1000 * claimed / rate) - found_ms


def _check_corrupt(source: Source, missing_ms: int, settings: ReadSettings) -> None:
    """A FLAC that had to be read with care, and is not merely cut, is not what was recorded."""
    if source.container != "flac" or missing_ms >= TAIL_MS or not isinstance(source, decode_av.AvSource) or source.claimed_frames is None:
        return
    what = "its samples are not those its checksum was made of"
    if not settings.accept_damaged:
        raise AudioRefused(source.where, what, f"{COPY_AGAIN}, or give --accept-damaged to take it as it is", "AUDIO_CORRUPT")
    source.findings.append(Finding(code="AUDIO_CORRUPT", where=source.where, what=f"{what}; it was taken as it is", mend=COPY_AGAIN))
