"""The two streams: results on standard output, everything for people on standard error.

A reader that goes away (`| head`), or a closed standard error, does not change the work or its exit status.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import traceback
from typing import Any, TextIO

from speech.errors import SpeechError


class Streams:
    """Writing that survives a reader's leaving."""

    @staticmethod
    def guard() -> None:
        """UTF-8 on both streams whatever the locale; a closed stream becomes one that swallows."""
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is None or getattr(stream, "closed", False):
                setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123  # lives as long as the program
            elif isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")

    @staticmethod
    def result(text: str) -> None:
        """A line of the result."""
        _write(sys.stdout, text + "\n")

    @staticmethod
    def bytes(data: bytes) -> None:
        """A whole file's bytes as the result."""
        buffer = getattr(sys.stdout, "buffer", None)
        if buffer is None:
            _write(sys.stdout, data.decode("utf-8", "replace"))
            return
        try:
            sys.stdout.flush()
            buffer.write(data)
            buffer.flush()
        except OSError:
            _swallow("stdout")

    @staticmethod
    def json(value: dict[str, Any]) -> None:
        """One object on one line."""
        Streams.result(json.dumps(value, ensure_ascii=False, separators=(", ", ": ")))

    @staticmethod
    def note(text: str) -> None:
        """A line for people."""
        _write(sys.stderr, text + "\n")

    @staticmethod
    def flush() -> None:
        """Hand on what is held, so that the interpreter's own flush at exit has nothing to fail at."""
        for name in ("stdout", "stderr"):
            with contextlib.suppress(ValueError):
                try:
                    getattr(sys, name).flush()
                except OSError:
                    _swallow(name)


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        _swallow("stdout" if stream is sys.stdout else "stderr")


def _swallow(name: str) -> None:
    """Point a stream whose reader is gone at nothing; its descriptor too, or exiting would fail on it."""
    sink = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError, ValueError, AttributeError, io.UnsupportedOperation):
        os.dup2(sink, getattr(sys, name).fileno())
    os.close(sink)
    setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123  # lives as long as the program


def show_error(error: SpeechError, *, as_json: bool, debug: bool, path: str | None = None) -> None:
    """A refusal or failure: an object where results are objects, one paragraph for people, a trace under --debug."""
    if as_json:
        Streams.json(error.as_dict(path))
    if debug:
        Streams.note("".join(traceback.format_exception(error)).rstrip())
    else:
        Streams.note(f"{error} [{error.code}]")
        for further in getattr(error, "__notes__", ()):
            Streams.note(f"  and {further}")
