"""R27: hostile files and addresses do nothing.

One table: what is tried, and what must come of it. Around each case stand the same questions: does anything lie outside the
workspace that did not before, is the collection as it was, was a file beside it opened or its content given out, was an address
asked, did the app itself fall over.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import os
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from speech import formats
from speech.review.workspace import PARTS
from speech.store import open_store
from speech.types import Segment, Span, Transcript
from speech.ui.gate import MOST_JSON, MOST_UPLOAD
from speech.ui.served import Served
from speech.ui.server import build
from speech.ui.uploads import MOST_BYTES, MOST_OPEN
from tests.audio.audio_makers import chunk, fmt, pcm16, riff, voice, wav
from tests.sounds import save, tone
from tests.ui.conftest import WRITES, Person, opened, recording, work_off
from tests.watching import Listener
from tests.watching import opened as watched

CANARY = "the-secret-of-the-next-folder"


@dataclass
class Bench:
    """A collection with a secret beside it, a server that listens, and the person who tries."""

    served: Served
    person: Person
    root: Path
    listener: Listener
    answers: list[Any] = field(default_factory=list)

    @property
    def secret(self) -> Path:
        return self.root / "secret.wav"

    def said(self, text: str) -> str:
        """`text` with this machine's own places and ids in it."""
        places = {"ID": recording(self.served), "SECRET": str(self.secret), "HTTP": f"{self.listener.address}/a.wav"}
        for name, value in places.items():
            text = text.replace(name, value)
        return text

    def keep(self, answer: Any) -> Any:
        self.answers.append(answer)
        return answer

    def get(self, path: str) -> Any:
        return self.keep(self.person.get(path))

    def send(self, path: str, body: bytes, method: str = "POST", kind: str = "application/json") -> Any:
        headers = {**WRITES, "Content-Type": kind}
        return self.keep(self.person.client.request(method, path, content=body, headers=headers))

    def upload(self, name: str, data: bytes) -> Any:
        """Send a file whole; what its end is answered."""
        begun = self.send("/upload", json.dumps({"name": name, "size": len(data)}).encode())
        if begun.status_code != 200:
            return begun
        id = begun.json()["id"]
        for at in range(0, len(data), MOST_UPLOAD):
            self.send(f"/upload/{id}?at={at}", data[at : at + MOST_UPLOAD], "PUT", "application/octet-stream")
        return self.send(f"/upload/{id}/end", json.dumps({"sha256": hashlib.sha256(data).hexdigest()}).encode())


def tree(folder: Path, without: Path) -> dict[str, Any]:
    """Every file below `folder` with its time and bytes; `without` a folder, and without the store."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if without in (path, *path.parents) or path.name.startswith("store.sqlite3"):
            continue
        is_file = path.is_file() and not path.is_symlink()
        found[str(path.relative_to(folder))] = (path.lstat().st_mtime_ns, path.read_bytes()) if is_file else None
    return found


def collected(root: Path) -> Path:
    """A plain collection, with a secret beside it."""
    folder = root / "tapes"
    folder.mkdir()
    save(folder / "story.wav", tone(6))
    texts = ("ñuka wasi", "kan mana rinki", "pay shamunka")
    segments = tuple(
        Segment(id=f"a{n + 1}", span=Span(start_ms=2000 * n, end_ms=2000 * n + 1500), text=text, speaker="A", language="que")
        for n, text in enumerate(texts)
    )
    formats.save(Transcript(segments=segments), folder / "story.eaf")
    save(folder / "bare.wav", tone(3, 300))
    (root / "secret.wav").write_bytes(wav(voice(1)) + chunk(b"note", CANARY.encode()))
    (root / "secret.eaf").write_text((folder / "story.eaf").read_text(encoding="utf-8").replace("ñuka wasi", CANARY), encoding="utf-8")
    return folder


@contextmanager
def made(root: Path) -> Iterator[Bench]:
    root.mkdir()
    with open_store(root / "store.sqlite3") as store:
        served = opened(store, collected(root), None)
        listener = Listener()
        yield Bench(served=served, person=Person(served, "local"), root=root, listener=listener)
        listener.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with made(tmp_path / "disk") as one:
        yield one


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """For what is only asked: one that all these cases leave as it was."""
    with made(tmp_path_factory.mktemp("standing") / "disk") as one:
        yield one


# What is tried, by kind.

Kind = Callable[[Bench, Any, str], None]


def address(bench: Bench, given: tuple[str, ...], expected: str) -> None:
    """Addresses: nothing is there."""
    for path in given:
        for method in ("GET", "HEAD"):
            answer = bench.keep(bench.person.client.request(method, bench.said(path)))
            assert answer.status_code in (404, 422) and expected == "nothing", (path, answer.status_code, answer.text)


def name(bench: Bench, given: str, expected: str) -> None:
    """A name of a file that is sent: kept under one that is none of another's, in the folder of uploads."""
    answer = bench.upload(given, wav(voice(1)))
    if expected == "refused":
        assert answer.status_code == 422 and answer.json()["code"] == "REQUEST"
        return
    kept = [p.name for p in (bench.served.place / "uploads").iterdir() if p.is_file()]
    assert kept == [expected] and answer.json()["name"] == expected


def content(bench: Bench, given: Callable[[], bytes] | bytes | str, expected: str) -> None:
    """A file that is sent: no sound is refused by name; sound that lies is refused by name when it is looked at, or mended."""
    data = given() if callable(given) else bench.said(given).encode() if isinstance(given, str) else given
    before = len(bench.get("/api/recordings").json())
    answer = bench.upload("story.wav", data)
    if expected == "no sound":
        assert (answer.status_code, answer.json()["code"]) == (422, "UPLOAD_KIND") and answer.json()["mend"]
        assert len(bench.get("/api/recordings").json()) == before
        assert [p for p in (bench.served.place / "uploads").rglob("*") if p.is_file()] == []
        return
    id = answer.json()["id"]
    work_off(bench.served)
    facts, media = bench.get(f"/api/recordings/{id}/facts").json(), bench.get(f"/media/{id}")
    if expected == "refused":
        assert facts["refusal"]["code"].startswith("AUDIO_") and facts["refusal"]["mend"] and media.status_code == 404
    else:
        assert facts["found_ms"] > 0 and media.headers["content-type"] in ("audio/wav", "audio/flac", "audio/ogg")
        assert media.headers["x-content-type-options"] == "nosniff"


def body(bench: Bench, given: tuple[str, bytes], expected: str) -> None:
    """A body: refused in the one shape, and nothing of it is stored."""
    where, data = given
    method, _, path = where.partition(" ")
    before = bench.get(bench.said("/api/recordings/ID")).json(), bench.get("/api/me").json()
    answer = bench.send(bench.said(path), data.replace(b"ID", bench.said("ID").encode()), method)
    codes = {"refused": 422, "nothing": 404, "too long": 413}
    assert answer.status_code == codes[expected], (answer.status_code, answer.text[:200])
    if expected == "refused":
        assert answer.json()["ok"] is False and answer.json()["code"] and answer.json()["mend"]
    assert (bench.get(bench.said("/api/recordings/ID")).json(), bench.get("/api/me").json()) == before


def beside(bench: Bench, given: Callable[[Bench, Path], object], expected: str) -> None:
    """Something in the collection's folder: not followed, not believed, said."""
    given(bench, bench.root / "tapes")
    before = tree(bench.root, bench.served.place)
    seen = bench.served.workspace().refresh()
    for row in bench.get("/api/recordings").json():
        bench.get(f"/api/recordings/{row['id']}")
        bench.get(f"/media/{row['id']}")
    work_off(bench.served)
    codes = {one.code for one in seen.refused}
    assert expected in codes or (expected == "left alone" and not codes), seen
    assert tree(bench.root, bench.served.place) == before


IDS = {
    "dots encoded": "%2e%2e",
    "dots encoded twice": "%252e%252e%252f",
    "a climb": "..%2f..%2fsecret.wav",
    "a climb of backslashes": "..%5c..%5csecret.wav",
    "an absolute path": "%2fetc%2fpasswd",
    "a secret's path": "SECRET",
    "a drive": "C:%5csecret",
    "a share (UNC)": "%5c%5cserver%5cshare",
    "a NUL": "ID%00",
    "a NUL and a suffix": "ID%00.wav",
    "a device": "con",
    "a device's file": "%2fdev%2fzero",
    "a name": "story.wav",
    "dots in overlong UTF-8": "%c0%ae%c0%ae%c0%af",
    "half a character": "%ed%a0%80",
    "dots of full width": "%ef%bc%8e%ef%bc%8e",
    "an address": "HTTP",
    "a file's address": "file:%2f%2fSECRET",
    "SQL": "'%20OR%201=1--",
    "a wildcard": "*",
    "very long": "a" * 3000,
    "a line break": "ID%0d%0aX-Evil:%201",
    "one that turns right to left": "%e2%80%aeID",
}
PLACES = ("/media/@", "/api/recordings/@", "/download/@", "/download/export/@", "/upload/@", "/review/@", "/api/consent/@", "/static/@")

ADDRESSES = {
    "a climb out of static": "/static/..%2f..%2fserver.py",
    "a climb out of Gradio's bundle": "/assets/..%2f..%2f..%2froutes.py",
    "a file of Gradio's": "/gradio_api/file=SECRET",
    "a proxy of Gradio's": "/gradio_api/proxy=HTTP",
    "a file by its address": "/gradio_api/file=HTTP",
    "a table of strings elsewhere": "/api/strings/..%2f..%2f..%2fsecret",
    "a language that climbs": "/api/learn/..%2f..%2fsecret",
    "a format that climbs": "/download/ID?format=..%2f..%2fsecret",
    "a format that is a program": "/download/ID?format=exe",
    "an order that is none": "/api/recordings/ID/order?by=__class__",
    "times that are none": "/api/recordings/ID/peaks?from_ms=nan&to_ms=inf&points=1e308",
}

NAMES = {
    "climbs": ("../../../disk/evil.wav", "evil.wav"),
    "climbs with backslashes": ("..\\..\\evil.wav", "evil.wav"),
    "is absolute": ("/etc/cron.d/evil", "evil"),
    "is a share's": ("\\\\server\\share\\evil.wav", "evil.wav"),
    "holds a NUL": ("a\0.wav", "a.wav"),
    "holds line breaks": ("a\r\nX-Evil: 1\r\n\r\n.wav", "aX-Evil 1.wav"),
    "turns right to left": ("evil\u202evaw.exe", "evilvaw.exe"),
    "isolates": ("a\u2066b\u2069.wav", "ab.wav"),
    "is hidden": (".bashrc", "bashrc"),
    "is dots": ("....", "recording"),
    "is a device": ("CON.wav", "_CON.wav"),
    "is a device with a number": ("com1.wav.wav", "_com1.wav.wav"),
    "is a stream of NTFS": ("a.wav::$DATA", "a.wavDATA"),
    "is very long": ("ŋ" * 900 + ".wav", "ŋ" * 60 + ".wav"),
    "has a very long suffix": ("a." + "w" * 900, "a." + "w" * 10),
    "is an element": ("<img src=x onerror=alert(1)>.wav", "img src=x onerror=alert(1).wav"),
    "is a formula": ("=HYPERLINK(1).wav", "=HYPERLINK(1).wav"),
    "is an option": ("--help.wav", "--help.wav"),
    "holds half a character": ("a\ud800.wav", "refused"),
    "is the app's own": ("coming/x.json", "x.json"),
    "is encoded": ("%2e%2e%2fevil.wav", "%2e%2e%2fevil.wav"),
}


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.wav", bytes(5_000_000))
    return out.getvalue()


def flac_of_silence() -> bytes:
    """Much of nothing in some kilobytes."""
    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", 8000, 1, format="FLAC", subtype="PCM_16") as file:
        for _ in range(2):
            file.write(np.zeros(8000 * 600, np.int16))
    return out.getvalue()


def matroska(hours: int) -> bytes:
    """Two seconds of sound with hours between them, and a font that is a page."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as container:
        track = container.add_stream("pcm_s16le", rate=16_000)
        container.add_attachment("font.ttf", "application/x-truetype-font", b"\0\1\0\0<script>alert(1)</script>")
        for at in (0, 3600 * hours + 1):
            frame = av.AudioFrame.from_ndarray((voice(1) * 32767).astype(np.int16)[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 16_000, at * 16_000
            for packet in track.encode(frame):
                container.mux(packet)
    return out.getvalue()


def sound_with(*chunks: bytes, size: int | None = None, **header: int) -> bytes:
    return riff(fmt(**header), *chunks, chunk(b"data", pcm16(voice(2)), size=size))


HLS = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{0}\n#EXT-X-ENDLIST\n"
NESTED = b"".join(struct.pack(">I4s", 8 * (800 - n), b"moov") for n in range(800))
CONTENTS: dict[str, tuple[Any, str]] = {
    "a page": (b"<!doctype html><script>alert(1)</script>", "no sound"),
    "a picture with a script": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "no sound"),
    "a playlist of a file": (HLS.format("SECRET"), "no sound"),
    "a playlist of a file's address": (HLS.format("file://SECRET"), "no sound"),
    "a playlist of an address": (HLS.format("HTTP"), "no sound"),
    "a playlist with data": (HLS.format("data:audio/wav;base64,UklGRg=="), "no sound"),
    "a list of a file (ffconcat)": ("ffconcat version 1.0\nfile SECRET\n", "no sound"),
    "a list of an address (ffconcat)": ("ffconcat version 1.0\nfile HTTP\n", "no sound"),
    "a list of a name (ffconcat)": ("ffconcat version 1.0\nfile secret.wav\n", "no sound"),
    "a stream's description (SDP)": (b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n", "no sound"),
    "DASH": ('<?xml version="1.0"?><MPD><Period><AdaptationSet><BaseURL>HTTP</BaseURL></AdaptationSet></Period></MPD>', "no sound"),
    "XML with an entity": ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file://SECRET">]><a>&x;</a>', "no sound"),
    "a shell script": (b"#!/bin/sh\ntouch /tmp/evil\n", "no sound"),
    "a pickle": (b"\x80\x04cos\nsystem\n(S'touch evil'\ntR.", "no sound"),
    "a ZIP bomb that climbs": (zipped, "no sound"),
    "a gzip bomb": (lambda: gzip.compress(bytes(5_000_000)), "no sound"),
    "a WAV that claims 4 GiB": (lambda: sound_with(size=0xFFFFFFF0), "harmless"),
    "a WAV that claims nothing": (lambda: sound_with(size=0), "harmless"),
    "a WAV of 65,535 channels": (lambda: sound_with(channels=65_535), "refused"),
    "a WAV without channels": (lambda: sound_with(channels=0), "refused"),
    "a WAV of 4 GHz": (lambda: sound_with(rate=4_000_000_000), "refused"),
    "a WAV of 0 Hz": (lambda: sound_with(rate=0), "refused"),
    "a WAV cut in its header": (lambda: wav(voice(1))[:30], "refused"),
    "a WAV with a page inside": (lambda: sound_with(chunk(b"LIST", b"INFOICMT<script>alert(1)</script>")), "harmless"),
    "a FLAC of nothing": (b"fLaC" + bytes(60), "refused"),
    "an Ogg of nothing": (b"OggS" + bytes(60), "refused"),
    "an MP4 of nothing": (b"\0\0\0\x18ftypM4A " + bytes(40), "refused"),
    "an MP4 whose parts nest": (b"\0\0\0\x18ftypM4A " + bytes(12) + NESTED, "refused"),
    "a Matroska that claims 2^56 bytes": (b"\x1a\x45\xdf\xa3\x01" + b"\xff" * 7 + b"\x18\x53\x80\x67\x01" + b"\xff" * 7, "refused"),
    "a Matroska with a font": (lambda: matroska(0), "harmless"),
    "a Matroska of years": (lambda: matroska(20_000), "refused"),
    "a FLAC of much of nothing": (flac_of_silence, "harmless"),
}

EDIT = "POST /api/recordings/ID/edits"
JOBS = "POST /api/jobs"
CHOICE = "PUT /api/me/preferences"


def edit(more: str) -> bytes:
    return b'{"id": "x1", "base": {"a1": 1}, "segment": "a1", ' + more.encode("utf-8") + b"}"


def times(start: object, end: object) -> bytes:
    return edit(f'"act": "times", "start_ms": {start}, "end_ms": {end}')


def text(value: str) -> bytes:
    return edit(f'"act": "text", "text": {value}')


def added(id: str) -> bytes:
    return json.dumps({"id": "x1", "base": {}, "act": "add", "start_ms": 1600, "end_ms": 1900, "text": "x", "new": id}).encode()


def job(settings: str) -> bytes:
    return b'{"kind": "transcribe", "recording": "ID", "settings": {"language": "que", ' + settings.encode() + b"}}"


BODIES: dict[str, tuple[tuple[str, bytes], str]] = {
    "lists in lists": ((EDIT, b"[" * 100_000 + b"]" * 100_000), "refused"),
    "objects in objects": ((EDIT, b'{"a":' * 50_000 + b"1" + b"}" * 50_000), "refused"),
    "nested in a field": ((EDIT, edit('"act": "text", "text": "x", "more": ' + "[" * 200 + "]" * 200)), "refused"),
    "NaN": ((EDIT, times("NaN", 900)), "refused"),
    "infinity": ((EDIT, times(0, "1e999")), "refused"),
    "a number of 400 digits": ((EDIT, times(0, "9" * 400)), "refused"),
    "a number of 5,000 digits": ((EDIT, times(0, "9" * 5000)), "refused"),
    "a time of 2^62": ((EDIT, times(0, 1 << 62)), "refused"),
    "half a millisecond": ((EDIT, times("0.5", 900)), "refused"),
    "truth as a time": ((EDIT, times("false", "true")), "refused"),
    "half a character": ((EDIT, text(r'"\ud800"')), "refused"),
    "half a character in a key": ((EDIT, edit(r'"act": "text", "text": "x", "\udc00": 1')), "refused"),
    "a key twice": ((EDIT, edit('"act": "text", "act": "delete", "text": "x"')), "refused"),
    "an object as text": ((EDIT, text('{"$ne": 1}')), "refused"),
    "a list as a segment": ((EDIT, b'{"id": "x1", "base": {}, "act": "text", "segment": ["a1"], "text": "x"}'), "refused"),
    "notes that are none": ((EDIT, edit('"act": "note", "notes": [1, {}]')), "refused"),
    "notes without number": ((EDIT, edit('"act": "note", "notes": ' + json.dumps(["n"] * 5000))), "refused"),
    "a label of 100,000 signs": ((EDIT, edit('"act": "speaker", "speaker": ' + json.dumps("S" * 100_000))), "refused"),
    "a text of 200,000 signs": ((EDIT, text(json.dumps("a" * 200_000))), "refused"),
    "an id that climbs": ((EDIT, added("../../x")), "refused"),
    "an id of an element": ((EDIT, added("<b>")), "refused"),
    "an act of the program's own": ((EDIT, edit('"act": "draft", "text": "x"')), "nothing"),
    "UTF-16": ((EDIT, text('"x"').decode().encode("utf-16")), "refused"),
    "Latin-1": ((EDIT, text('"ñ"').decode().encode("latin-1")), "refused"),
    "two values": ((EDIT, text('"x"') + b"{}"), "refused"),
    "nothing": ((EDIT, b""), "refused"),
    "half of one": ((EDIT, text('"x"')[:-9]), "refused"),
    "an expression that cannot be read": (("POST /api/recordings/ID/find", b'{"find": "((((", "with": "", "regular": true}'), "refused"),
    "NaN as a choice": ((CHOICE, b'{"name": "x", "value": NaN}'), "refused"),
    "half a character as a choice": ((CHOICE, rb'{"name": "x", "value": "\ud800"}'), "refused"),
    "a choice whose name climbs": ((CHOICE, b'{"name": "../x", "value": 1}'), "refused"),
    "a model that is a path": ((JOBS, job('"model": "/etc"')), "nothing"),
    "a model that is an address": ((JOBS, job('"model": "http://127.0.0.1/x"')), "nothing"),
    "a language that climbs": ((JOBS, job('"lm": "off"').replace(b"que", b"../../x")), "refused"),
    "words that are none": ((JOBS, job(r'"words": ["\ud800"]')), "refused"),
    "an adapter that climbs": (("POST /api/learn/que/choose", b'{"adapter": "../../../etc"}'), "refused"),
    "a format that climbs": (("POST /api/exports", b'{"recordings": ["ID"], "formats": ["../../x"]}'), "nothing"),
    "a recording that is a path": (("POST /api/exports", b'{"recordings": ["../../secret"], "formats": ["eaf"]}'), "nothing"),
    "a size below nothing": (("POST /upload", b'{"name": "a.wav", "size": -5}'), "too long"),
    "a size beyond all disks": (("POST /upload", b'{"name": "a.wav", "size": %d}' % (MOST_BYTES + 1)), "too long"),
    "a choice beyond its limit": ((CHOICE, b'{"name": "x", "value": "' + b"x" * MOST_JSON + b'"}'), "too long"),
    "an edit beyond its limit": ((EDIT, text(json.dumps("a" * MOST_JSON))), "too long"),
}


def link(target: Callable[[Bench], Path], called: str) -> Callable[[Bench, Path], object]:
    return lambda bench, folder: (folder / called).symlink_to(target(bench))


def written(called: str, text: str) -> Callable[[Bench, Path], object]:
    return lambda bench, folder: (folder / called).write_text(bench.said(text), encoding="utf-8")


def manifest(audio: str) -> Callable[[Bench, Path], object]:
    row = {"id": "a", "audio": audio, "start_ms": 0, "end_ms": 900, "text": "x", "language": "que"}
    return written("manifest.jsonl", json.dumps(row) + "\n")


def eaf(change: Callable[[str, Bench], str]) -> Callable[[Bench, Path], object]:
    """A transcript beside `bare.wav`, made of that of `story.wav`."""
    return lambda bench, folder: (folder / "bare.eaf").write_text(
        change((folder / "story.eaf").read_text(encoding="utf-8"), bench), encoding="utf-8"
    )


def doctype(text: str, bench: Bench) -> str:
    return text.replace("<ANNOTATION_DOCUMENT", f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{bench.secret}">]>\n<ANNOTATION_DOCUMENT', 1)


def laughs(text: str, bench: Bench) -> str:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return text.replace("<ANNOTATION_DOCUMENT", f'<!DOCTYPE x [<!ENTITY l0 "lol">{lines}]>\n<ANNOTATION_DOCUMENT', 1)


def elsewhere(text: str, bench: Bench) -> str:
    """A transcript whose sound and schema lie elsewhere."""
    media = f'<MEDIA_DESCRIPTOR MEDIA_URL="{bench.listener.address}/a.wav" MIME_TYPE="audio/x-wav" RELATIVE_MEDIA_URL="../secret.wav"/>'
    text = re.sub(r"<MEDIA_DESCRIPTOR[^>]*/>", "", text)
    text = re.sub(r"<HEADER([^>]*?)/>", r"<HEADER\1></HEADER>", text)
    text = re.sub(r"(<HEADER[^>]*>)", lambda found: found[1] + media, text, count=1)
    return re.sub(r'NoNamespaceSchemaLocation="[^"]*"', f'NoNamespaceSchemaLocation="{bench.listener.address}/x.xsd"', text, flags=re.I)


BESIDE: dict[str, tuple[Callable[[Bench, Path], object], str]] = {
    "a link out": (link(lambda bench: bench.secret, "out.wav"), "PATH_LINK"),
    "a link to a device": (link(lambda _: Path("/dev/zero"), "zero.wav"), "PATH_LINK"),
    "a link of a folder out": (link(lambda bench: bench.root, "out"), "PATH_LINK"),
    "a link in a circle": (link(lambda bench: bench.root / "tapes" / "round.wav", "round.wav"), "left alone"),
    "a transcript that is a link out": (link(lambda bench: bench.root / "secret.eaf", "bare.eaf"), "PATH_LINK"),
    "a pipe": (lambda _, folder: os.mkfifo(folder / "pipe.wav"), "left alone"),
    "an entity": (eaf(doctype), "FORMAT_DOCTYPE"),
    "a billion laughs": (eaf(laughs), "FORMAT_DOCTYPE"),
    "a transcript that names others": (eaf(elsewhere), "left alone"),
    "elements without end": (written("bare.eaf", "<a>" * 5000), "FORMAT_XML"),
    "JSON that nests": (written("bare.json", '{"schema": "speech-transcript/1", "segments": ' + "[" * 50_000), "FORMAT_JSON"),
    "a manifest that climbs": (manifest("../secret.wav"), "left alone"),
    "a manifest of addresses": (manifest("HTTP"), "left alone"),
}

TABLE: dict[str, tuple[Kind, Any, str]] = {
    **{f"id: {n}": (address, tuple(place.replace("@", id) for place in PLACES), "nothing") for n, id in IDS.items()},
    **{f"address: {n}": (address, (path,), "nothing") for n, path in ADDRESSES.items()},
    **{f"name: {n}": (name, *case) for n, case in NAMES.items()},
    **{f"content: {n}": (content, *case) for n, case in CONTENTS.items()},
    **{f"body: {n}": (body, *case) for n, case in BODIES.items()},
    **{f"beside: {n}": (beside, *case) for n, case in BESIDE.items()},
}


def test_the_table_is_long_enough() -> None:
    assert len(TABLE) >= 60


@pytest.mark.parametrize("case", TABLE)
def test_what_is_hostile_does_nothing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    kind, given, expected = TABLE[case]
    bench: Bench = request.getfixturevalue("standing" if kind in (address, body) else "bench")
    bench.answers.clear()
    monkeypatch.chdir(bench.root)
    before = tree(bench.root, bench.served.place)
    with watched(bench.secret, bench.root / "secret.eaf") as times_opened:
        kind(bench, given, expected)
    if kind is not beside:  # the test itself puts something there, and reads all to compare
        assert tree(bench.root, bench.served.place) == before and times_opened == [0]
    assert bench.listener.asked == []
    for answer in bench.answers:
        assert answer.status_code < 500, answer.text
        assert CANARY.encode() not in answer.content
    ours = {p.relative_to(bench.served.place).parts[0] for p in bench.served.place.rglob("*")}
    assert ours <= {*PARTS, "workspace.json"}


def straight(bench: Bench, path: str, host: str = "127.0.0.1:7860") -> tuple[int, bytes]:
    """What the app answers to a path as it stands on the wire: a client of ours would tidy it first."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    cookie = f"speech_session={bench.person.token}".encode()
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": path, "root_path": "",
        "raw_path": path.encode("utf-8", "surrogatepass"), "query_string": b"", "headers": [(b"host", host.encode()), (b"cookie", cookie)],
        "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 7860), "state": {},
    }  # fmt: skip
    asyncio.run(build(bench.served)(scope, receive, send))
    return int(sent[0]["status"]), b"".join(m.get("body", b"") for m in sent[1:])


RAW = (
    "/media/..", "/static/../server.py", "/static/../../../etc/passwd", "/assets/../../routes.py", "/svelte/../../../etc/passwd",
    "//etc/passwd", "/\\\\server\\share", "/media/\0", "/static/sign-in.css/../../server.py", "/api/recordings/../../x", "*", "",
    "http://evil.example/", "/static//etc/passwd", "/sign-in/../api/me", "/media/\ud800",
)  # fmt: skip


@pytest.mark.parametrize("path", RAW, ids=ascii)
def test_a_path_as_it_comes_leads_nowhere(standing: Bench, path: str) -> None:
    status, said = straight(standing, path)
    assert status == 404 and said in (b'{"ok":false}', b'{"ok": false}', b"")
    assert straight(standing, path, host="evil.example") == (421, b"")


def test_no_room_is_said_before_the_disk_is_full(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=(1 << 30) + 999))
    answer = bench.send("/upload", b'{"name": "a.wav", "size": 1000}')
    assert (answer.status_code, answer.json()["code"]) == (413, "UPLOAD_ROOM")
    assert list((bench.served.place / "uploads").rglob("*.part")) == []


def test_a_person_has_a_quota(bench: Bench) -> None:
    for _ in range(MOST_OPEN):
        assert bench.send("/upload", b'{"name": "a.wav", "size": 10}').status_code == 200
    answer = bench.send("/upload", b'{"name": "a.wav", "size": 10}')
    assert (answer.status_code, answer.json()["code"]) == (413, "UPLOAD_ROOM")


def test_an_upload_does_not_grow_beyond_what_was_said(bench: Bench) -> None:
    id = bench.send("/upload", b'{"name": "a.wav", "size": 10}').json()["id"]
    assert bench.send(f"/upload/{id}?at=0", bytes(11), "PUT", "application/octet-stream").status_code == 409
    assert bench.send(f"/upload/{id}?at=-{1 << 70}", bytes(1), "PUT", "application/octet-stream").status_code in (409, 422)
    assert bench.send(f"/upload/{id}?at=0", bytes(MOST_UPLOAD + 1), "PUT", "application/octet-stream").status_code == 413
    assert (bench.served.place / "uploads" / "coming" / f"{id}.part").stat().st_size == 0


def test_a_recording_that_ends_its_worker_is_not_tried_for_ever(bench: Bench) -> None:
    id = recording(bench.served, "bare.wav")
    known = bench.served.find(id)
    assert known is not None
    bench.served.look(known)
    job = bench.served.queue.claim(["peaks"], bench.served.id)
    assert job is not None
    refusal = {"code": "JOB_LOST", "what": "the work was cut off", "mend": "Send another copy"}
    bench.served.queue.end(job, "failed", refusal=refusal)
    for _ in range(2):
        bench.get(f"/media/{id}")
    assert bench.get(f"/api/recordings/{id}/facts").json()["refusal"] == refusal
    assert len([one for one in bench.served.queue.all(bench.served.id) if one.recording == id]) == 1
    save(bench.root / "tapes" / "bare.wav", tone(4, 300))  # another file: it is looked at
    bench.get(f"/media/{id}")
    work_off(bench.served)
    assert bench.get(f"/api/recordings/{id}/facts").json()["found_ms"] == 4000
