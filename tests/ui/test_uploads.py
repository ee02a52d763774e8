"""T1: files in pieces, cut off and taken up again, whole by their hash; nothing but sound becomes a recording."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from speech.errors import DiskFailure, Refusal
from speech.ui.served import Served
from speech.ui.uploads import MOST_BYTES, MOST_OPEN, PIECE, Uploads, clean_name
from tests.sounds import noise, save
from tests.ui.conftest import Person, opened, work_off


def sound(tmp_path: Path, seconds: float = 3) -> bytes:
    return save(tmp_path / "sent.wav", noise(seconds)).read_bytes()


def begin(person: Person, data: bytes, name: str = "sent.wav") -> str:
    answer = person.send("/upload", {"name": name, "size": len(data)})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def end(person: Person, id: str, data: bytes) -> Any:
    return person.send(f"/upload/{id}/end", {"sha256": hashlib.sha256(data).hexdigest()})


def test_a_file_sent_in_pieces_becomes_a_recording(served: Served, local: Person, tmp_path: Path) -> None:
    data = sound(tmp_path)
    id = begin(local, data)
    for at in range(0, len(data), 40_000):
        assert local.put(f"/upload/{id}?at={at}", data[at : at + 40_000]).json() == {"at": min(len(data), at + 40_000)}
    row = end(local, id, data).json()
    assert row["name"] == "sent.wav" and row["uploaded"] is True
    kept = served.place / "uploads" / "sent.wav"
    assert kept.read_bytes() == data
    assert sorted(p.name for p in (tmp_path / "tapes").iterdir()) == ["bare.wav", "story.eaf", "story.wav"]
    work_off(served)
    assert local.get(f"/api/recordings/{row['id']}/facts").json()["found_ms"] == 3000


def test_a_server_that_dies_midway_goes_on_where_it_stopped(served: Served, tmp_path: Path, folder: Path) -> None:
    data = sound(tmp_path, 20)
    first = Person(served, "local")
    id = begin(first, data)
    first.put(f"/upload/{id}?at=0", data[:100_000])
    # Killed while a piece was being written: half of it reached the disk, no answer was given.
    part = served.place / "uploads" / "coming" / f"{id}.part"
    with part.open("ab") as file:
        file.write(data[100_000:130_000])
    again = Person(opened(served.store, folder, None), "local")
    state = again.get(f"/upload/{id}").json()
    assert state["at"] == 130_000
    assert [one["id"] for one in again.get("/upload").json()] == [id]
    # A client that does not know sends the same piece once more: nothing is doubled.
    assert again.put(f"/upload/{id}?at=100000", data[100_000:150_000]).json() == {"at": 150_000}
    at = 150_000
    while at < len(data):
        at = again.put(f"/upload/{id}?at={at}", data[at : at + 90_000]).json()["at"]
    assert end(again, id, data).status_code == 200
    assert (served.place / "uploads" / "sent.wav").read_bytes() == data
    assert list((served.place / "uploads" / "coming").iterdir()) == []


def test_a_hole_is_refused_and_the_place_said(local: Person, tmp_path: Path) -> None:
    data = sound(tmp_path)
    id = begin(local, data)
    local.put(f"/upload/{id}?at=0", data[:1000])
    answer = local.put(f"/upload/{id}?at=5000", data[5000:6000])
    assert (answer.status_code, answer.json()) == (409, {"ok": False, "at": 1000})
    assert local.put(f"/upload/{id}?at=0", data + b"more").status_code == 409
    assert local.put(f"/upload/{id}?at=-1", b"x").status_code == 409
    answer = end(local, id, data)
    assert (answer.status_code, answer.json()["code"]) == (422, "UPLOAD_PLACE")


def test_a_piece_too_large_is_413(local: Person, tmp_path: Path) -> None:
    id = begin(local, bytes(2 * PIECE))
    assert local.put(f"/upload/{id}?at=0", bytes(PIECE + 1)).status_code == 413
    assert local.get(f"/upload/{id}").json()["at"] == 0
    assert local.put(f"/upload/{id}?at=0", bytes(PIECE)).json() == {"at": PIECE}


def test_another_hash_drops_the_file(local: Person, served: Served, tmp_path: Path) -> None:
    data = sound(tmp_path)
    id = begin(local, data)
    local.put(f"/upload/{id}?at=0", data)
    answer = local.send(f"/upload/{id}/end", {"sha256": hashlib.sha256(b"other").hexdigest()})
    assert (answer.status_code, answer.json()["code"]) == (422, "UPLOAD_HASH")
    assert local.get(f"/upload/{id}").status_code == 404
    assert not (served.place / "uploads" / "sent.wav").exists()


def test_two_files_of_one_name_are_both_kept(local: Person, served: Served, tmp_path: Path) -> None:
    for data in (sound(tmp_path), sound(tmp_path, 4)):
        id = begin(local, data)
        local.put(f"/upload/{id}?at=0", data)
        assert end(local, id, data).status_code == 200
    assert {p.name for p in (served.place / "uploads").glob("*.wav")} == {"sent.wav", "sent-2.wav"}


@pytest.mark.parametrize("size", [0, -1, MOST_BYTES + 1])
def test_a_size_that_is_none_is_413(local: Person, size: int) -> None:
    answer = local.send("/upload", {"name": "a.wav", "size": size})
    assert (answer.status_code, answer.json()["code"]) == (413, "UPLOAD_SIZE")


def test_no_file_is_begun_that_the_disk_has_no_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=(1 << 30) + 5000))
    uploads = Uploads(tmp_path)
    uploads.begin("ana", "a.wav", 4000)
    with pytest.raises(DiskFailure) as caught:
        uploads.begin("ben", "b.wav", 4000)
    assert caught.value.code == "UPLOAD_ROOM"


def test_a_person_has_only_so_many_on_their_way(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    for _ in range(MOST_OPEN):
        uploads.begin("ana", "a.wav", 10)
    with pytest.raises(Refusal) as caught:
        uploads.begin("ana", "a.wav", 10)
    assert caught.value.code == "UPLOAD_ROOM"
    uploads.give_up(uploads.coming()[0])
    uploads.begin("ana", "a.wav", 10)


HOSTILE_NAMES = [
    ("../../etc/passwd", "passwd"),
    ("..\\..\\windows\\system32\\a.wav", "a.wav"),
    ("/etc/shadow", "shadow"),
    ("C:\\a.wav", "a.wav"),
    ("\\\\server\\share\\a.wav", "a.wav"),
    ("a\x00.wav", "a.wav"),
    ("a\r\nSet-Cookie: x=1.wav", "aSet-Cookie x=1.wav"),
    ("story\u202egnp.wav", "storygnp.wav"),
    ("a\u2066b\u2069.wav", "ab.wav"),
    ("\ufeffa.wav", "a.wav"),
    (".htaccess", "htaccess"),
    ("..", "recording"),
    ("", "recording"),
    ("...wav", "wav"),
    ("con.wav", "_con.wav"),
    ("LPT1", "_LPT1"),
    ("<script>alert(1)</script>.wav", "script.wav"),
    ('a|b?c*d:e".wav', "abcde.wav"),
    ("a.wav/", "recording"),
    ("a.html", "a.html"),
    ("\ud800.wav", "wav"),
    ("ñuka wasi.wav", "ñuka wasi.wav"),
    ("ᏣᎳᎩ.flac", "ᏣᎳᎩ.flac"),
    ("x" * 500 + ".wav", "x" * 120 + ".wav"),
    ("%2e%2e%2fa.wav", "%2e%2e%2fa.wav"),
    ("=cmd|' /C calc'!A0.wav", "=cmd' .wav"),
    ("a.w\u0300av", "a.av"),
    ("-rf.wav", "-rf.wav"),
]


@pytest.mark.parametrize(("given", "kept"), HOSTILE_NAMES)
def test_a_name_from_anywhere_becomes_a_name(given: str, kept: str) -> None:
    found = clean_name(given)
    if given.startswith(("=cmd", "<script")):
        assert "/" not in found and "<" not in found and found.endswith((".wav", "A0.wav"))
        return
    assert found == kept


HOSTILE_FILES = {
    "html": b"<!doctype html><script>alert(1)</script>",
    "html named wav": b"<html><body onload=alert(1)>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "playlist": b"#EXTM3U\nhttp://169.254.169.254/latest/meta-data\nfile:///etc/passwd\n",
    "hls": b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "pls": b"[playlist]\nFile1=http://169.254.169.254/\n",
    "concat": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "dash": b'<?xml version="1.0"?><MPD><BaseURL>http://evil.example/</BaseURL></MPD>',
    "sdp": b"v=0\no=- 0 0 IN IP4 10.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    "zip": b"PK\x03\x04" + bytes(60),
    "gzip bomb": b"\x1f\x8b\x08" + bytes(60),
    "pickle": b"\x80\x04\x95" + bytes(40),
    "elf": b"\x7fELF" + bytes(60),
    "shell": b"#!/bin/sh\nrm -rf /\n",
    "php": b"<?php system($_GET['c']); ?>",
    "eaf": b'<?xml version="1.0"?><ANNOTATION_DOCUMENT/>',
    "xxe": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "pdf": b"%PDF-1.7\n",
    "png": b"\x89PNG\r\n\x1a\n" + bytes(40),
    "gif with script": b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)",
    "zeros": bytes(4096),
    "one byte": b"R",
}


@pytest.mark.parametrize("kind", HOSTILE_FILES)
def test_what_is_no_sound_becomes_no_recording(served: Served, local: Person, kind: str) -> None:
    data = HOSTILE_FILES[kind]
    before = len(local.get("/api/recordings").json())
    id = begin(local, data, "story.wav")
    local.put(f"/upload/{id}?at=0", data)
    answer = end(local, id, data)
    assert (answer.status_code, answer.json()["code"]) == (422, "UPLOAD_KIND")
    assert answer.json()["mend"] and "/" not in answer.json()["what"].replace("https://", "")[:1]
    assert len(local.get("/api/recordings").json()) == before
    assert [p.name for p in (served.place / "uploads").rglob("*") if p.is_file()] == []


def lying(tmp_path: Path) -> dict[str, bytes]:
    whole = sound(tmp_path)
    return {
        "length of 4 GiB": whole[:40] + b"\xff\xff\xff\xff" + whole[44:],
        "no samples": whole[:44],
        "rate of 0": whole[:24] + bytes(4) + whole[28:],
        "65535 channels": whole[:22] + b"\xff\xff" + whole[24:],
        "header only": b"RIFF\xff\xff\xff\xffWAVEfmt ",
        "flac of nothing": b"fLaC" + bytes(60),
        "ogg of nothing": b"OggS" + bytes(60),
        "mp4 of nothing": b"\x00\x00\x00\x18ftypM4A " + bytes(40),
        "matroska of nothing": b"\x1aE\xdf\xa3" + bytes(60),
    }


LIES = (
    "length of 4 GiB", "no samples", "rate of 0", "65535 channels", "header only", "flac of nothing", "ogg of nothing", "mp4 of nothing",
    "matroska of nothing",
)  # fmt: skip


@pytest.mark.parametrize("kind", LIES)
def test_a_header_that_lies_is_named_and_serves_no_sound(served: Served, local: Person, tmp_path: Path, kind: str) -> None:
    data = lying(tmp_path)[kind]
    id = begin(local, data, "story.wav")
    local.put(f"/upload/{id}?at=0", data)
    row = end(local, id, data).json()
    if "id" not in row:
        assert row["code"] == "UPLOAD_KIND"
        return
    work_off(served)
    facts = local.get(f"/api/recordings/{row['id']}/facts").json()
    media = local.get(f"/media/{row['id']}")
    if "refusal" in facts:
        assert facts["refusal"]["mend"] and media.status_code == 404
    else:
        assert facts["findings"] and facts["found_ms"] == 3000 and media.headers["content-type"] == "audio/flac"
    work_off(served)
    assert len([j for j in served.queue.all(served.id) if j.recording == row["id"]]) == 1  # it is not tried again and again
