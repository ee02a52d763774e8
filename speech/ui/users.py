"""Who may use the app: people with roles in a file, passwords as scrypt hashes; without a file one local person.

A role says what a person may; each holds what the one before holds. The file is read again when it changes, so that someone who is
taken out of it is out at once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import threading
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speech.errors import UsageFailure
from speech.files import read_bytes, shown, write_text

SCHEMA = "speech-users/1"
LOCAL = "local"
"""The one person of a server without a file of people."""

ROLES = ("listener", "speaker", "reviewer", "adjudicator", "keeper")
_ADDED = {
    "listener": ("play", "read"),
    "speaker": ("text", "status", "note"),
    "reviewer": ("times", "speakers", "replace"),
    "adjudicator": ("settle",),
    "keeper": ("consent", "people", "jobs", "uploads", "exports", "learn", "names"),
}
MAY = {role: tuple(right for before in ROLES[: number + 1] for right in _ADDED[before]) for number, role in enumerate(ROLES)}
"""What each role may do."""

LEAST_LETTERS = 8
_NAME = re.compile(r"\w[\w.-]{0,39}")
_COST = {"n": 1 << 14, "r": 8, "p": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks: the name that edits are kept under, and the role."""

    name: str
    role: str

    def may(self, right: str) -> bool:
        """Whether the role holds a right."""
        return right in MAY[self.role]


def hashed(password: str) -> str:
    """A password as it is kept: cost, salt, scrypt."""
    salt = secrets.token_bytes(16)
    return f"scrypt:{_COST['n']}:{_COST['r']}:{_COST['p']}:{_b64(salt)}:{_b64(_scrypt(password, salt, **_COST))}"


def matches(password: str, kept: str) -> bool:
    """Whether a password is the one that was kept."""
    try:
        kind, n, r, p, salt, digest = kept.split(":")
        made = _scrypt(password, base64.b64decode(salt), n=int(n), r=int(r), p=int(p))
        return kind == "scrypt" and hmac.compare_digest(made, base64.b64decode(digest))
    except ValueError:
        return False


def _scrypt(password: str, salt: bytes, *, n: int, r: int, p: int) -> bytes:
    # The same password typed on another keyboard may come in another Unicode form.
    text = unicodedata.normalize("NFKC", password).encode()
    return hashlib.scrypt(text, salt=salt, n=n, r=r, p=p, dklen=32, maxmem=256 * n * r)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


_NOBODY = f"scrypt:{_COST['n']}:{_COST['r']}:{_COST['p']}:{_b64(bytes(16))}:{_b64(bytes(32))}"
"""What a password is held against where there is no such person: an answer takes as long."""


def check_name(name: str) -> str:
    """A name as the file holds it.

    Raises
    ------
    UsageFailure
        `USER_NAME`.
    """
    name = unicodedata.normalize("NFC", name)
    if not _NAME.fullmatch(name) or name == LOCAL:
        raise UsageFailure(
            f"name {shown(name)}",
            "this cannot be a name of the app",
            "Use letters, digits, _, . and -, 40 at most, such as ana",
            "USER_NAME",
        )
    return name


class Users:
    """The people of a server: those of a file, or the local person alone."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._read_at: tuple[int, int, int] | None = None
        self._people: dict[str, dict[str, Any]] = {}
        if path is not None:
            self._people = read_users(path)

    def asker(self, name: str) -> Asker | None:
        """The person of that name, as the file has them now."""
        if self.path is None:
            return Asker(name=LOCAL, role="keeper") if name == LOCAL else None
        found = self._now().get(name)
        return Asker(name=name, role=found["role"]) if found else None

    def signed_in(self, name: str, password: str) -> Asker | None:
        """The person whose password this is; an unknown name takes as long as a wrong password."""
        if self.path is None:
            return None
        found = self._now().get(unicodedata.normalize("NFC", name))
        fits = matches(password, found["password"] if found else _NOBODY)
        return Asker(name=unicodedata.normalize("NFC", name), role=found["role"]) if found and fits else None

    def _now(self) -> dict[str, dict[str, Any]]:
        assert self.path is not None
        with self._lock:
            try:
                state = os.stat(self.path)  # noqa: PTH116  # one call, before each answer
            except OSError:
                return {}  # a file that is gone lets nobody in
            seen = (state.st_mtime_ns, state.st_size, state.st_ino)
            if seen != self._read_at:
                self._people, self._read_at = read_users(self.path), seen
            return self._people


def read_users(path: Path) -> dict[str, dict[str, Any]]:
    """The people of a file by name, each with `role` and `password`.

    Raises
    ------
    UsageFailure
        `USERS_FILE`: it is not of this form.
    PathRefused
        It is not there, or cannot be read.
    """
    try:
        raw = json.loads(read_bytes(path))
        people = raw["people"]
        fine = raw["schema"] == SCHEMA and all(
            isinstance(name, str) and one["role"] in ROLES and isinstance(one["password"], str) for name, one in people.items()
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        fine = False
    if not fine:
        raise UsageFailure(
            shown(path), "this is no file of people for the app", f"Make one: speech app users add NAME --users {shown(path)}", "USERS_FILE"
        )
    return dict(people)


def write_users(path: Path, people: dict[str, dict[str, Any]]) -> None:
    """Write the file whole; only its owner may read it."""
    write_text(path, json.dumps({"schema": SCHEMA, "people": people}, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
    path.chmod(0o600)


def add_user(path: Path, name: str, role: str, password: str) -> None:
    """Put a person into the file, which is made where there is none; one who is there gets the new role and password.

    Raises
    ------
    UsageFailure
        `USER_NAME`, `USER_PASSWORD` (too short), `USERS_FILE`.
    """
    name = check_name(name)
    if len(password) < LEAST_LETTERS:
        raise UsageFailure(name, f"the password has {len(password)} letters", f"Choose one of {LEAST_LETTERS} or more", "USER_PASSWORD")
    people = read_users(path) if os.path.lexists(path) else {}
    people[name] = {"role": role, "password": hashed(password)}
    write_users(path, people)


def remove_user(path: Path, name: str) -> None:
    """Take a person out of the file; their edits stay.

    Raises
    ------
    UsageFailure
        `USER_UNKNOWN`, `USERS_FILE`.
    """
    people = read_users(path)
    if unicodedata.normalize("NFC", name) not in people:
        raise UsageFailure(
            f"name {shown(name)}",
            "the file holds nobody of that name",
            f"Look: speech app users list --users {shown(path)}",
            "USER_UNKNOWN",
        )
    del people[unicodedata.normalize("NFC", name)]
    write_users(path, people)
