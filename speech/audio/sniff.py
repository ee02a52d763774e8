"""What a file is, by its first bytes and never by its suffix; and what it looks like when it is no sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from speech.audio.mpeg import first_frames
from speech.audio.riff import container_of

MEDIA_TYPES = {
    "wav": "audio/x-wav",
    "rifx": "audio/x-wav",
    "rf64": "audio/x-wav",
    "bw64": "audio/x-wav",
    "w64": "audio/x-w64",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "mp3": "audio/mpeg",
    "aiff": "audio/x-aiff",
    "au": "audio/basic",
    "caf": "audio/x-caf",
    "mp4": "audio/mp4",
    "matroska": "audio/x-matroska",
    "webm": "audio/webm",
    "asf": "audio/x-ms-wma",
    "avi": "video/x-msvideo",
    "adts": "audio/aac",
    "amr": "audio/amr",
    "ac3": "audio/ac3",
    "mpegts": "video/mp2t",
    "mpeg": "video/mpeg",
}

# Suffixes that promise a container. A suffix that is not here promises nothing.
_PROMISES = {
    "wav": ("wav", "rifx", "rf64", "bw64", "w64"),
    "wave": ("wav", "rifx", "rf64", "bw64", "w64"),
    "bwf": ("wav", "rifx", "rf64", "bw64"),
    "rf64": ("wav", "rf64", "bw64"),
    "w64": ("w64",),
    "flac": ("flac", "ogg"),
    "ogg": ("ogg",),
    "oga": ("ogg",),
    "opus": ("ogg",),
    "spx": ("ogg",),
    "mp3": ("mp3",),
    "mp2": ("mp3",),
    "aif": ("aiff",),
    "aiff": ("aiff",),
    "aifc": ("aiff",),
    "au": ("au",),
    "snd": ("au",),
    "caf": ("caf",),
    "m4a": ("mp4",),
    "m4b": ("mp4",),
    "mp4": ("mp4",),
    "m4v": ("mp4",),
    "mov": ("mp4",),
    "3gp": ("mp4",),
    "mkv": ("matroska", "webm"),
    "mka": ("matroska", "webm"),
    "webm": ("matroska", "webm"),
    "wma": ("asf",),
    "wmv": ("asf",),
    "avi": ("avi",),
    "aac": ("adts",),
    "amr": ("amr",),
    "ac3": ("ac3",),
}


_OF_SOUND = frozenset({*_PROMISES, "mpg", "mpeg", "ts", "mts", "m2ts", "vob"})
"""Suffixes of files that hold sound, or pictures with sound."""


def promises(name: str) -> bool:
    """Whether a file of this name should hold sound."""
    return PurePath(name).suffix[1:].lower() in _OF_SOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """`container` is empty where nothing is recognised; `start` is where its first byte lies (after an ID3 tag)."""

    container: str
    start: int = 0


def recognise(head: bytes) -> Looks:
    """The container that `head`, the first bytes of a file, belongs to."""
    riff = container_of(head)
    if riff:
        return Looks(container=riff)
    start = id3_length(head)
    body = head[start : start + 4096] if start < len(head) else b""
    if body[:4] == b"fLaC":
        return Looks(container="flac", start=start)
    if start and not body:
        return Looks(container="mp3", start=start)  # a tag longer than what was looked at
    return Looks(container=_plain(head) or _frames(head, start), start=start)


def _plain(head: bytes) -> str:
    """Containers with a sign of their own at the start."""
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp", b"moof", b"pnot"):
        return "mp4"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "webm" if b"webm" in head[:64] else "matroska"
    if head[:1] == b"\x47" and head[188:189] == b"\x47" and head[376:377] == b"\x47":
        return "mpegts"
    signs = {
        b"OggS": "ogg",
        b".snd": "au",
        b"dns.": "au",
        b"caff": "caf",
        b"\x30\x26\xb2\x75": "asf",
        b"#!AM": "amr",
        b"\x00\x00\x01\xba": "mpeg",
    }
    return signs.get(head[:4], "")


def _frames(head: bytes, start: int) -> str:
    """Streams without a header: several frames in a row must fit, or random bytes would pass for sound."""
    if first_frames(head, start) is not None:
        return "mp3"
    for begin in {start, 0}:
        if _adts_frames(head, begin) >= 4:
            return "adts"
    return "ac3" if head[:2] == b"\x0b\x77" and head[5:6] and head[5] >> 3 <= 16 else ""


def _adts_frames(head: bytes, at: int) -> int:
    count = 0
    while at + 7 <= len(head) and head[at] == 0xFF and head[at + 1] & 0xF6 == 0xF0:
        length = (head[at + 3] & 3) << 11 | head[at + 4] << 3 | head[at + 5] >> 5
        if length < 7:
            break
        at += length
        count += 1
    return count


def id3_length(head: bytes) -> int:
    """Bytes of the ID3v2 tag at the start, 0 if there is none."""
    if head[:3] != b"ID3" or len(head) < 10 or any(c & 0x80 for c in head[6:10]):
        return 0
    length = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return length + (20 if head[5] & 0x10 else 10)


def misnamed(name: str, container: str) -> str:
    """The suffix of `name` if it promises another container, else nothing."""
    suffix = PurePath(name).suffix[1:].lower()
    promised = _PROMISES.get(suffix)
    return suffix if promised is not None and container not in promised and container else ""


def looks_like(head: bytes) -> tuple[str, str]:
    """What a file that holds no sound looks like, and what mends it."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    low = text[:256].lower()
    if text.startswith(b"version https://git-lfs.github.com"):
        return "a git-lfs pointer: a few lines that stand for the file", "Fetch the file itself: git lfs pull"
    if low.startswith((b"<!doctype html", b"<html")) or b"<html" in low:
        return "a web page (HTML): a download that asked for a login, or went wrong", "Download the recording again, logged in"
    if b"<annotation_document" in head.lower():
        return "an ELAN file (EAF), which holds annotations and no sound", "Name the recording that it points to"
    if low.startswith(b"<?xml"):
        return "an XML file", "Name the recording itself"
    for sign, name in _SIGNS:
        if head.startswith(sign):
            return name, "Name the recording itself"
    if not head.strip(b"\0"):
        return "nothing but zero bytes, as a copy that was broken off leaves them", "Copy it again from the recorder or card"
    if _is_text(head):
        return "a text", "Name the recording itself"
    return f"no kind of sound known here; it begins with the bytes {head[:8].hex(' ')}", "Copy it again, or name the recording itself"


_SIGNS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3", "a database (SQLite)"),
)


def _is_text(head: bytes) -> bool:
    try:
        text = head[: max(1, len(head) - 4)].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(c.isprintable() or c in "\r\n\t\f" for c in text)
