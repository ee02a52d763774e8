"""Sessions: a random cookie for who signed in, kept as its hash in a file so that a restart signs nobody out; and one-time keys.

Also how wrong passwords slow down: after a few, each one more doubles the wait before another is looked at.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from speech.files import write_text

COOKIE = "speech_session"
LASTS_S = 30 * 24 * 3600
"""A session that nobody uses for so long ends."""
_TOUCH_S = 24 * 3600
"""How often a session in use is written down as such."""
KEY_LASTS_S = 24 * 3600

Clock = Callable[[], float]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Sessions:
    """Who is signed in. `path` is the file; safe to use from several threads."""

    def __init__(self, path: Path, *, clock: Clock = time.time) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, tuple[str, float]] = {}
        self._open: dict[str, dict[str, Any]] = self._kept()

    def _kept(self) -> dict[str, dict[str, Any]]:
        try:
            raw = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(k): {"person": str(v["person"]), "used": float(v["used"])} for k, v in raw.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}  # everyone signs in again

    def _write(self) -> None:
        write_text(self._path, json.dumps(self._open))
        self._path.chmod(0o600)

    def begin(self, person: str) -> str:
        """A new session's token, for the cookie."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._open[_digest(token)] = {"person": person, "used": self._clock()}
            self._write()
        return token

    def person(self, token: str) -> str | None:
        """Whose session a token is; None for one that is unknown, ended or too old."""
        digest, now = _digest(token), self._clock()
        with self._lock:
            found = self._open.get(digest)
            if found is None:
                return None
            if now - found["used"] > LASTS_S:
                del self._open[digest]
                self._write()
                return None
            if now - found["used"] > _TOUCH_S:
                found["used"] = now
                self._write()
            return str(found["person"])

    def end(self, token: str) -> None:
        """Sign out."""
        with self._lock:
            if self._open.pop(_digest(token), None) is not None:
                self._write()

    def new_key(self, person: str) -> str:
        """A key that signs `person` in, once, within a day."""
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._keys[_digest(key)] = (person, self._clock())
        return key

    def take_key(self, key: str) -> str | None:
        """Whom a key signs in; it is used up."""
        with self._lock:
            person, made = self._keys.pop(_digest(key), ("", 0.0))
            return person if person and self._clock() - made <= KEY_LASTS_S else None


FREE = 3
"""Wrong passwords that cost no wait."""
MOST_WAIT_S = 300.0
_FORGET_S = 3600.0
_MOST_KEPT = 10_000


class Patience:
    """How long one who gave wrong passwords waits before another is looked at; by name and by address."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._wrong: dict[str, tuple[int, float]] = {}

    def wait_s(self, *who: str) -> float:
        """Seconds until the next try counts; 0 where it counts now."""
        now = self._clock()
        with self._lock:
            return max((self._left(one, now) for one in who), default=0.0)

    def _left(self, one: str, now: float) -> float:
        count, last = self._wrong.get(one, (0, 0.0))
        if count <= FREE:
            return 0.0
        return max(0.0, last + min(MOST_WAIT_S, 2.0 ** (count - FREE)) - now)

    def wrong(self, *who: str) -> None:
        """A wrong password was given."""
        now = self._clock()
        with self._lock:
            if len(self._wrong) >= _MOST_KEPT:
                self._wrong = {k: v for k, v in self._wrong.items() if now - v[1] < _FORGET_S}
            for one in who:
                count, last = self._wrong.get(one, (0, now))
                self._wrong[one] = (1 if now - last > _FORGET_S else count + 1, now)

    def right(self, *who: str) -> None:
        """The right one was given."""
        with self._lock:
            for one in who:
                self._wrong.pop(one, None)
