"""Our own walk over the chunks of RIFF, RIFX, RF64, BW64 and W64: where the samples lie, and of what kind.

Libraries believe size fields; recorders that lose power, programs that stream and files beyond 4 GiB make
them wrong. The walk trusts what it finds: a claim holds only if a chunk, or the end, follows where it says.
Nothing is decoded here and no sample is read but for a glance at what follows the data.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

from speech.audio.records import COPY_AGAIN, convert
from speech.audio.source import check_shape
from speech.errors import AudioRefused, Finding

KNOWN = frozenset(
    b"fmt |data|fact|LIST|list|JUNK|junk|PAD |FLLR|bext|iXML|axml|chna|link|umid|mext|qlty|cart|id3 |ID3 |_PMX|XMP |cue |"
    b"smpl|inst|plst|note|labl|ltxt|PEAK|DISP|acid|strc|afsp|AFAn|levl|elm1|minf|regn|LGWV|SAUR|ds64|r64m|MD5 |cset|file|"
    b"slnt|wavl|bmrk|ovwf|muma|chrp|R64M|Fake|DGDA|clm |ResU".split(b"|")
)
_TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICS", b"<?xpacket", b"<x:xmpmeta", b"<?xml", b"%PDF")
_STREAMED = 0xFFFFFF00
_SOX_PIPE = range(0x7FFFF000, 0x80000001)
_MOST_CHUNKS = 10_000
_SEARCH_BYTES = 64 << 20
_W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_AMBISONIC_TAIL = bytes.fromhex("00000721d3118644c8c1ca000000")

CODECS = {
    0x0001: "pcm",
    0x0002: "adpcm_ms",
    0x0003: "float",
    0x0006: "alaw",
    0x0007: "ulaw",
    0x0011: "adpcm_ima",
    0x0031: "gsm",
    0x0050: "mp2",
    0x0055: "mp3",
}


@dataclass(kw_only=True)
class Layout:
    """Where the samples of a WAV-like file lie. `claimed` is the bytes its header promises, None if none."""

    where: str
    container: str
    big_endian: bool = False
    tag: int = 0
    codec: str = ""
    channels: int = 0
    sample_rate: int = 0
    block_align: int = 0
    bits: int = 0
    fmt: bytes = b""
    fact_frames: int | None = None
    offset: int = -1
    length: int = 0
    claimed: int | None = None
    findings: list[Finding] = field(default_factory=list)

    def note(self, code: str, what: str, mend: str = "") -> None:
        """Add a finding, once."""
        if all(f.code != code for f in self.findings):
            self.findings.append(Finding(code=code, where=self.where, what=what, mend=mend))

    @property
    def sample_bytes(self) -> int:
        """Bytes that one sample of one channel takes."""
        inside, rest = divmod(self.block_align, self.channels)
        if rest == 0 and inside in (1, 2, 3, 4, 8) and inside * 8 >= self.bits:
            return inside
        return (self.bits + 7) // 8


def walk(file: Any, size: int, where: str) -> Layout:
    """Find format and samples of a file that begins as RIFF, RIFX, RF64, BW64 or W64.

    Raises
    ------
    AudioRefused
        `AUDIO_HEADER`: the file ends inside its header, or no sound chunk or format is there, or a field
        has a value that no recording has. `AUDIO_EMPTY`: a sound chunk without samples.
    """
    start = _at(file, 0, 40)
    layout = Layout(where=where, container=container_of(start))
    layout.big_endian = layout.container == "rifx"
    if layout.container == "w64":
        _Walker(file, size, layout, wide=True).run(40)
    else:
        _Walker(file, size, layout, wide=False).run(12)
    _finish(layout)
    return layout


def container_of(start: bytes) -> str:
    """`wav`, `rifx`, `rf64`, `bw64`, `w64`, or nothing."""
    name = {b"RIFF": "wav", b"RIFX": "rifx", b"RF64": "rf64", b"BW64": "bw64"}.get(start[:4], "")
    if name and b"WAVE".startswith(start[8:12]):  # a file cut inside its header is still this
        return name
    if start[:4] == b"riff" and start[4:16] == bytes.fromhex("2e91cf11a5d628db04c10000"):
        return "w64"
    return ""


class _Walker:
    """One pass over the chunks of one file."""

    def __init__(self, file: Any, size: int, layout: Layout, *, wide: bool) -> None:
        self.file, self.size, self.layout, self.wide = file, size, layout, wide
        self.head = 24 if wide else 8
        self.order = ">" if layout.big_endian else "<"
        self.long_size: int | None = None

    def run(self, at: int) -> None:
        """Walk until the samples and their format are known."""
        layout = self.layout
        for _ in range(_MOST_CHUNKS):
            found = self.chunk(at)
            if found is None:
                found = self.search(at)
                if found is None:
                    return
                at = found[0]
            at, name, length = found
            body = at + self.head
            if name == b"data":
                self.data(body, length)
                if layout.fmt:
                    return
            elif body + length > self.size or not self.plausible(body + length):
                inner = self.search(body)
                if inner is not None:
                    at = inner[0]
                    continue
                if name not in KNOWN:
                    return
            self.facts(name, body, length)
            at = self.after(body + length)

    def chunk(self, at: int) -> tuple[int, bytes, int] | None:
        """Place, name and length of the chunk at `at`, if one can be there."""
        head = _at(self.file, at, self.head) if at < self.size else b""
        if len(head) < self.head:
            return None
        name = head[:4]
        if self.wide:
            length = struct.unpack("<Q", head[16:24])[0] - 24
            return (at, name, length) if length >= 0 and name.isascii() and (head[4:16] == _W64_TAIL or name.isalnum()) else None
        if not all(32 <= c < 127 for c in name) or name.strip() == b"":
            return None
        return at, name, struct.unpack(self.order + "I", head[4:8])[0]

    def plausible(self, at: int) -> bool:
        """Whether a chunk that leads on, or the end of the file, is at `at` or one byte (W64: up to 7) on."""
        places = ((at + 7) & ~7,) if self.wide else (at, at + 1)
        return any(self._leads_on(place) for place in places)

    def _leads_on(self, place: int) -> bool:
        found = self.chunk(place)
        return place >= self.size or (found is not None and (found[1] in KNOWN or self._chain(place)))

    def after(self, end: int) -> int:
        """Where the next chunk begins: chunks are padded to 2 bytes (W64: 8), though some writers forget."""
        if self.wide:
            return (end + 7) & ~7
        if end % 2 == 0:
            return end
        unpadded, padded = self.chunk(end), self.chunk(end + 1)
        if unpadded is not None and unpadded[1] in KNOWN and (padded is None or padded[1] not in KNOWN):
            self.layout.note("AUDIO_CHUNKS_REPAIRED", f"a chunk of odd length that ends at byte {end} lacks its pad byte")
            return end
        return end + 1

    def search(self, at: int) -> tuple[int, bytes, int] | None:
        """The next `fmt ` or `data` chunk at or after `at`, found by its letters."""
        names = (b"data",) if self.layout.fmt else (b"fmt ", b"data")
        end = min(self.size, at + _SEARCH_BYTES)
        step = 1 << 20
        while at < end:
            part = _at(self.file, at, step + 3)
            hits = sorted((p, n) for n in names if (p := part.find(n)) >= 0)
            for place, _ in hits:
                found = self.chunk(at + place)
                if found is not None:
                    self.layout.note(
                        "AUDIO_CHUNKS_REPAIRED", f"chunk sizes are wrong; {found[1].decode()!r} was found at byte {at + place}"
                    )
                    return found
            at += step
        return None

    def facts(self, name: bytes, body: int, length: int) -> None:
        """Take what a small chunk says."""
        layout = self.layout
        if name == b"fmt " and not layout.fmt:
            layout.fmt = _at(self.file, body, min(length, 4096))
            self.format()
        elif name == b"fact":
            raw = _at(self.file, body, 8 if self.wide else 4)
            if len(raw) >= 4:
                layout.fact_frames = int.from_bytes(raw, "big" if layout.big_endian else "little")
        elif name == b"ds64":
            raw = _at(self.file, body, 24)
            if len(raw) == 24:
                self.long_size = struct.unpack("<Q", raw[8:16])[0]

    def format(self) -> None:
        """Read the `fmt ` chunk."""
        layout = self.layout
        if len(layout.fmt) < 14:
            raise AudioRefused(
                layout.where, f"the format chunk has {len(layout.fmt)} bytes (at least 14 are due)", COPY_AGAIN, "AUDIO_HEADER"
            )
        padded = layout.fmt.ljust(16, b"\0")
        layout.tag, layout.channels, layout.sample_rate, _, layout.block_align, layout.bits = struct.unpack(
            self.order + "HHIIHH", padded[:16]
        )
        if layout.tag == 0xFFFE and len(layout.fmt) >= 40:
            guid = layout.fmt[24:40]
            if guid[2:] in (_GUID_TAIL, _AMBISONIC_TAIL) or guid[2:4] == b"\0\0":
                layout.tag = int.from_bytes(guid[:2], "big" if layout.big_endian else "little")
        layout.codec = CODECS.get(layout.tag, f"tag_{layout.tag:04x}")

    def data(self, body: int, length: int) -> None:
        """Settle where the samples end: the claim, or what the file shows."""
        layout = self.layout
        here = self.size - body
        layout.offset = body
        if layout.container in ("rf64", "bw64") and length == 0xFFFFFFFF and self.long_size is not None:
            length = self.long_size if self.long_size < 1 << 62 else 0xFFFFFFFF
        if not self.wide and (length >= _STREAMED or length in _SOX_PIPE) and length > here:
            layout.note("AUDIO_LENGTH_UNKNOWN", "the header claims no length (it was streamed); all was read to the end of the file")
            layout.length = here
        elif length > here:
            layout.length, layout.claimed = here, length
        elif length == here or self.followed(body + length):
            layout.length = layout.claimed = length
        elif self.rest_is_small(body, length) or _at(self.file, body + length, 16).lstrip(b"\0").startswith(_TAGS):
            layout.length = layout.claimed = length
        else:
            layout.note(
                "AUDIO_LENGTH_REPAIRED",
                f"the header claims {length} bytes of sound and {here} are there; all were read",
                "Nothing is needed; a copy made by an audio program will have the right length",
            )
            layout.length = here

    def rest_is_small(self, body: int, length: int) -> bool:
        """Whether what follows the claimed end is too little to be sound that was forgotten."""
        rest = self.size - body - length
        second = max(1, self.layout.block_align) * max(1, self.layout.sample_rate)
        return length > 0 and rest < min(1 << 16, second // 20)

    def followed(self, end: int) -> bool:
        """Whether chunks follow at `end` and lead to the end of the file (a known one may be cut there)."""
        places = (end, end + 1) if end % 2 or not self.wide else (end,)
        if self.wide:
            places = ((end + 7) & ~7,)
        return any(self._chain(place) for place in places)

    def _chain(self, at: int) -> bool:
        for _ in range(_MOST_CHUNKS):
            if at >= self.size:
                return True
            found = self.chunk(at)
            if found is None:
                return False
            if found[1] in KNOWN and found[1] != b"fmt ":
                return True
            at = found[0] + self.head + found[2]
            at = (at + 7) & ~7 if self.wide else at + at % 2
            if at > self.size + 1:
                return False
        return False


def _finish(layout: Layout) -> None:
    """Refuse what lacks a part or holds impossible values."""
    where = layout.where
    if layout.offset < 0 or not layout.fmt:
        part = "sound" if layout.offset < 0 else "format"
        raise AudioRefused(where, f"the file has a header without a {part} chunk", COPY_AGAIN, "AUDIO_HEADER")
    check_shape(where, layout.sample_rate, layout.channels)
    if layout.codec in ("pcm", "float") and not 1 <= layout.bits <= 64:
        raise AudioRefused(where, f"the header claims {layout.bits} bits a sample (limits: 1 to 64)", convert(where), "AUDIO_HEADER")
    if layout.codec == "float" and layout.bits not in (32, 64):
        raise AudioRefused(where, f"the header claims floats of {layout.bits} bits (32 or 64 are due)", convert(where), "AUDIO_HEADER")
    if layout.codec in ("alaw", "ulaw"):
        layout.bits = 8
    if layout.length == 0:
        raise AudioRefused(where, "the file has a header and no sound", COPY_AGAIN, "AUDIO_EMPTY")


def _at(file: Any, place: int, count: int) -> bytes:
    file.seek(place)
    got: bytes = file.read(count)
    return got
