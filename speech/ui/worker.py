"""A worker's process: `python -m speech.ui.worker LANE WORKSPACE FOLDER`, started and watched by the server.

Heavy work, light work (waveforms) and voices have a process each, so that a recording can be opened, and a text be heard, while
another is transcribed. All run below the server's priority. A worker whose server is gone ends after the job at hand; the next
server's worker waits for it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType

import speech
from speech.jobs import Queue, Worker
from speech.store import Server, Store, open_store

log = logging.getLogger(__name__)

LANES = ("heavy", "light", "voice")
_NICE = 10
LOOK_BYTES = 2 << 30
"""Memory that a look at a file may take; it needs a tenth of it, however long the recording is."""
_PATIENCE_S = 5.0


def main(arguments: list[str]) -> int:
    """Work until told to stop, or until the server is gone."""
    lane, workspace, folder = arguments
    from speech.ui.held import Held
    from speech.ui.work import kinds

    parent = os.getppid()
    _bound(lane)
    with contextlib.suppress(OSError, AttributeError):
        os.nice(_NICE)
    with open_store() as store:
        worker = Worker(Queue(store), kinds(Held(store, Path(folder)), lane), workspace=workspace)
        _stop_on_signal(worker)
        worker.run(lambda: os.getppid() == parent)
    return 0


def _bound(lane: str) -> None:
    """Bound what a file can make this process take: where memory is short it goes before the server, and a look has a limit."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")
    if lane == "light":
        from speech.audio.limits import bound_memory

        bound_memory(LOOK_BYTES)


def _stop_on_signal(worker: Worker) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        worker.stop()
        # What does not end by itself is taken up again by the next worker: its heart has stopped.
        timer = threading.Timer(_PATIENCE_S, lambda: os._exit(143))
        timer.daemon = True
        timer.start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Workers:
    """The workers of a server: started, started anew where one ended, stopped with it."""

    def __init__(self, store: Store, workspace: str, folder: Path) -> None:
        place = store.place
        # The package that runs here, never one that lies in the folder where the server was started.
        packages = str(Path(speech.__file__).resolve().parent.parent)
        self._environment = {
            # A job that computes beside the server waits without spinning: who saves meanwhile waits for less.
            "OMP_WAIT_POLICY": "PASSIVE",
            **os.environ,
            "SPEECH_STORE": place.url if isinstance(place, Server) else str(place),
            "PYTHONPATH": os.pathsep.join(filter(None, (packages, os.environ.get("PYTHONPATH")))),
        }
        self._arguments = [workspace, str(folder)]
        self._stop = threading.Event()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._thread = threading.Thread(target=self._watch, name="speech-workers", daemon=True)

    def start(self) -> None:
        """Start them, and watch them from now on."""
        self._thread.start()

    def _watch(self) -> None:
        wait_s = 0.5
        while not self._stop.is_set():
            for lane in LANES:
                running = self._running.get(lane)
                if running is None or running.poll() is not None:
                    if running is not None:
                        log.warning("the %s worker ended with status %s; another is started", lane, running.returncode)
                        wait_s = min(30.0, 2 * wait_s)
                    self._running[lane] = self._started(lane)
            self._stop.wait(wait_s)

    def _started(self, lane: str) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C at the terminal reaches the server, which stops its workers in order.
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "speech.ui.worker", lane, *self._arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def stop(self) -> None:
        """Stop them; jobs at hand go back into the queue."""
        self._stop.set()
        self._thread.join(10)
        for running in self._running.values():
            running.terminate()
        for running in self._running.values():
            try:
                running.wait(_PATIENCE_S + 2)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
