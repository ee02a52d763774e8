"""Ten reviewers at once on one server, then a server that is killed while they save: how long a save takes, and whether one is lost.

Each person saves a text every two seconds, and before that hears a segment as a page does: its range of the recording is fetched,
and it is marked as heard. Everything runs on loopback and on this machine, the people in threads of one process.
 The store is SQLite, or PostgreSQL where SPEECH_STORE names one that may be written to.
Command: python benchmarks/app_load.py [--minutes 5] [--people 10] [--kills 5] [--smoke]
Goal: no lost edit, no error, p95 of a save under 300 ms, the server's memory flat.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import app_page
from figures import keep

EVERY_S = 2.0
SEGMENTS = 400
PASSWORD = "a long password"


@dataclass(slots=True)
class Tally:
    """What the people saw."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    """Ids of edits that were answered with 200, and the text that each set."""
    took_ms: list[float] = field(default_factory=list)
    played_ms: list[float] = field(default_factory=list)
    conflicts: int = 0
    unreachable: int = 0
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Server:
    """`speech app` in a process of its own, on a collection with people."""

    def __init__(self, folder: Path, users: Path, port: int = 0) -> None:
        self._command = [sys.executable, "-m", "speech", "app", str(folder), "--users", str(users), "--no-browser"]
        self.port = port
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it says where it is."""
        self._process = subprocess.Popen(
            [*self._command, "--port", str(self.port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
        )
        assert self._process.stdout is not None
        address = self._process.stdout.readline()
        if not address.startswith("http"):
            raise RuntimeError(f"the app did not start: {address}")
        self.port = int(address.split(":")[2].split("/")[0])

    def kill(self) -> None:
        """As a power cut does."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """As Ctrl-C does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def memory_mb(self) -> float:
        """Resident now."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


class Reviewer(threading.Thread):
    """One person: signs in, then saves texts until told to stop."""

    def __init__(self, name: str, server: Server, tally: Tally, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._who, self._server, self._tally, self._ended = name, server, tally, stop
        self._cookie = ""
        self._draw = random.Random(name)

    def ask(self, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Status and answer, None where it is no JSON; 0 where the server is not there."""
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=20)
        headers = {"Cookie": self._cookie, **(headers or {})}
        if body is not None:
            headers |= {"Content-Type": "application/json", "X-Speech": "1", "Origin": f"http://127.0.0.1:{self._server.port}"}
        try:
            connection.request("POST" if body is not None else "GET", path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            data = answer.read()
            if cookie := answer.getheader("set-cookie"):
                self._cookie = cookie.split(";")[0]
            return answer.status, json.loads(data) if data and "json" in (answer.getheader("content-type") or "") else None
        except (OSError, http.client.HTTPException):
            return 0, None
        finally:
            connection.close()

    def run(self) -> None:
        """Save a text every two seconds."""
        status, _ = self.ask("/api/sign-in", {"name": self._who, "password": PASSWORD})
        if status != 200:
            self._tally.errors.append(f"sign-in {status}")
            return
        _, recordings = self.ask("/api/recordings")
        recording = recordings[0]["id"]
        _, found = self.ask(f"/api/recordings/{recording}")
        versions = {segment["id"]: segment["version"] for segment in found["segments"]}
        self._ended.wait(self._draw.random() * EVERY_S)
        while not self._ended.is_set():
            segment, id = self._draw.choice(list(versions)), f"{self._draw.getrandbits(128):032x}"
            text = f"{self._who} {self._draw.getrandbits(40):x}"
            self._play(recording, found["segments"][list(versions).index(segment)])
            asked = {"id": id, "base": {segment: versions[segment]}, "act": "text", "segment": segment, "text": text}
            self._save(recording, asked, versions)
            self.ask(f"/api/recordings/{recording}/heard", {"segment": segment})
            self._ended.wait(EVERY_S)

    def _play(self, recording: str, segment: dict[str, Any]) -> None:
        """Fetch what an <audio> element would of a segment: the sound from its start on, as much as the server gives at once."""
        first = 44 + 32 * int(segment["start_ms"])  # 16 kHz, 16 bit
        begun = time.perf_counter()
        status, _ = self.ask(f"/media/{recording}", headers={"Range": f"bytes={first}-"})
        took = 1000 * (time.perf_counter() - begun)
        with self._tally.lock:
            if status == 206:
                self._tally.played_ms.append(took)
            elif status:
                self._tally.errors.append(f"range {status}")

    def wait_for_sound(self, recording: str) -> None:
        """Until the worker has looked at the recording, and it may be played."""
        for _ in range(120):
            if self.ask(f"/media/{recording}", headers={"Range": "bytes=0-1"})[0] == 206:
                return
            time.sleep(0.5)
        raise RuntimeError("the recording cannot be played after a minute")

    def _save(self, recording: str, asked: dict[str, Any], versions: dict[str, int]) -> None:
        segment = asked["segment"]
        while not self._ended.is_set():
            begun = time.perf_counter()
            status, answer = self.ask(f"/api/recordings/{recording}/edits", asked)
            took = 1000 * (time.perf_counter() - begun)
            if status == 0:  # the same edit is sent again, as the page does
                with self._tally.lock:
                    self._tally.unreachable += 1
                time.sleep(0.3)
                continue
            with self._tally.lock:
                self._tally.took_ms.append(took)
                if status == 200:
                    self._tally.acknowledged[asked["id"]] = asked["text"]
                    versions[segment] = answer["segments"][segment]["version"] if answer["segments"] else versions[segment]
                elif status == 409:
                    self._tally.conflicts += 1
                    versions[segment] = answer["conflict"]["version"]
                else:
                    self._tally.errors.append(f"{status} {answer}")
            return


def collection(folder: Path, people: int) -> Path:
    """A recording of silence with a draft of many segments, and a file of people."""
    import numpy as np
    import soundfile

    from speech import formats
    from speech.types import Segment, Span, Transcript
    from speech.ui.users import add_user

    tapes = folder / "tapes"
    tapes.mkdir()
    soundfile.write(tapes / "long.wav", np.zeros(16_000 * SEGMENTS, np.int16), 16_000)
    segments = tuple(
        Segment(id=f"a{n + 1}", span=Span(start_ms=1000 * n, end_ms=1000 * n + 900), text=f"draft {n}", language="que", speaker="A")
        for n in range(SEGMENTS)
    )
    formats.save(Transcript(segments=segments), tapes / "long.eaf")
    for n in range(people):
        add_user(folder / "people.json", f"person{n}", "keeper" if n == 0 else "reviewer", PASSWORD)
    return tapes


def texts_in_store(ids: set[str]) -> dict[str, str]:
    """What the store holds of these edits: id and the text that was asked for."""
    from speech.store import open_store
    from speech.store.tables import edit

    with open_store() as store, store.read() as connection:
        rows = connection.execute(edit.select().where(edit.c.act == "text"))
        return {row.id: json.loads(row.said)["text"] for row in rows if row.id in ids}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--smoke", action="store_true", help="three people for six seconds, one kill; nothing is written")
    options = parser.parse_args()
    if options.smoke:
        options.minutes, options.people, options.kills = 0.1, 3, 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.setdefault("SPEECH_STORE", str(folder / "store.sqlite3"))
        tapes = collection(folder, options.people)
        server, tally, stop = Server(tapes, folder / "people.json"), Tally(), threading.Event()
        server.start()
        keeper = Reviewer("person0", server, Tally(), stop)
        keeper.ask("/api/sign-in", {"name": "person0", "password": PASSWORD})
        keeper.ask("/api/consent", {"basis": "own use on this machine"})
        keeper.wait_for_sound(keeper.ask("/api/recordings")[1][0]["id"])
        reviewers = [Reviewer(f"person{n}", server, tally, stop) for n in range(options.people)]
        for reviewer in reviewers:
            reviewer.start()
        time.sleep(1 if options.smoke else 10)
        first = server.memory_mb()
        time.sleep(60 * options.minutes)
        last = server.memory_mb()
        quiet, ranges = sorted(tally.took_ms), sorted(tally.played_ms)
        for _ in range(options.kills):
            server.kill()
            server.start()
            time.sleep(5)
        stop.set()
        for reviewer in reviewers:
            reviewer.join(30)
        server.stop()
        there = texts_in_store(set(tally.acknowledged))
        lost = [id for id, text in tally.acknowledged.items() if there.get(id) != text]
    figures = {
        "people": options.people,
        "minutes": options.minutes,
        "saves": len(quiet),
        "save, median ms": round(quiet[len(quiet) // 2], 1) if quiet else None,
        "save, p95 ms": round(quiet[int(0.95 * len(quiet))], 1) if quiet else None,
        "ranges played": len(ranges),
        "range, p95 ms": round(ranges[int(0.95 * len(ranges))], 1) if ranges else None,
        "conflicts answered with both texts": tally.conflicts,
        "errors": len(tally.errors),
        "kills": options.kills,
        "tries while it was down": tally.unreachable,
        "acknowledged": len(tally.acknowledged),
        "acknowledged and not in the store": len(lost),
        "memory, MB, at the start and the end": [round(first), round(last)],
    }
    if options.smoke:
        print(json.dumps(figures))
    else:
        keep("app_load", figures)
        app_page.write()
    for error in tally.errors[:5]:
        print(error)
    sys.exit(bool(lost or tally.errors or not ranges))


if __name__ == "__main__":
    main()
