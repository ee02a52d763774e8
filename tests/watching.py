"""Whether a library written in C opens what a file names: Python's own hooks do not see that, the kernel does."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_IN_OPEN = 0x20


@contextmanager
def opened(*paths: Path) -> Iterator[list[int]]:
    """A list that has, once the block ends, how often any of the files was opened in it."""
    if sys.platform != "linux":
        pytest.skip("asks Linux which files are opened")
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK)
    times: list[int] = []
    try:
        for path in paths:
            assert libc.inotify_add_watch(watch, os.fsencode(path), _IN_OPEN) >= 0
        yield times
        try:
            times.append(len(os.read(watch, 1 << 16)) // 16)
        except BlockingIOError:
            times.append(0)
    finally:
        os.close(watch)


class Listener:
    """A server on loopback that hangs up on everybody and keeps what it was asked.

    It writes down before it hangs up, so that whoever has its answer is in `asked` by then.
    """

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.asked: list[bytes] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                came, _ = self._listening.accept()
            except OSError:
                return
            with came:
                came.settimeout(1)
                try:
                    self.asked.append(came.recv(500))
                except OSError:
                    self.asked.append(b"")

    def close(self) -> None:
        """Listen no more."""
        self._listening.close()
