"""Every error a person can meet: where, what, how to mend it, and a code that does not change.

    SpeechError(where, what, mend, code)     message: "WHERE: WHAT. MEND."
    |-- Refusal      this input; the rest goes on; exit status 1
    |   |-- AudioRefused  TextRefused  FormatRefused  ModelRefused  ManifestRefused
    |   `-- ConsentRefused  PathRefused  FixityRefused  Quarantined
    `-- RunFailure   the run cannot go on; exit status 2
        |-- UsageFailure  DiskFailure  StoreFailure  NetworkFailure
        `-- TrainingFailure  ClusterFailure  MemoryFailure  InternalFailure

A `Finding` is no error: a result was made, and this is what a person should know of it.
No message holds a transcript or a person's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something noticed while a result was made; shown, kept in `--json`, exit status 0."""

    code: str
    where: str
    what: str
    mend: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding as it stands in `--json`."""
        return {"code": self.code, "where": self.where, "what": self.what, "mend": self.mend}


class SpeechError(Exception):
    """Where it happened, what is wrong (with values), what mends it, and a stable code."""

    exit_status = 2

    def __init__(self, where: str, what: str, mend: str, code: str) -> None:
        self.where = where
        self.what = what
        self.mend = mend
        self.code = code
        super().__init__(f"{where}: {what}. {mend}.")

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception whose constructor takes more than its `args` does not unpickle by default.
        return (_rebuild, (type(self), self.where, self.what, self.mend, self.code, self.__dict__))

    def as_dict(self, path: str | None = None) -> dict[str, Any]:
        """The one shape of a refusal in `--json`."""
        return {
            "path": self.where if path is None else path,
            "ok": False,
            "code": self.code,
            "where": self.where,
            "what": self.what,
            "mend": self.mend,
        }


def _rebuild(kind: type[SpeechError], where: str, what: str, mend: str, code: str, state: dict[str, Any]) -> SpeechError:
    error = kind(where=where, what=what, mend=mend, code=code)
    error.__dict__.update(state)
    return error


class Refusal(SpeechError):
    """This input is turned away; the rest of the run goes on."""

    exit_status = 1


class AudioRefused(Refusal):
    """A recording cannot be read, or does not hold what it claims."""


class TextRefused(Refusal):
    """A text cannot be decoded, spelt or paired."""


class FormatRefused(Refusal):
    """An annotation file cannot be read or written."""


class ModelRefused(Refusal):
    """A model, adapter or language cannot be used."""


class ManifestRefused(Refusal):
    """A manifest has faults; all are listed."""


class PathRefused(Refusal):
    """A path does not lead to a file that may be read or written."""


class FixityRefused(Refusal):
    """A file is not the one that was recorded."""


class Quarantined(Refusal):
    """An item is set aside after repeated failures."""


class ConsentRefused(Refusal):
    """The gate said no; nothing was decoded or written."""

    def __init__(
        self,
        where: str,
        what: str,
        mend: str,
        code: str,
        scope: str = "",
        item: str = "",
        people: tuple[str, ...] = (),
        record: str = "",
    ) -> None:
        super().__init__(where, what, mend, code)
        self.scope = scope
        self.item = item
        self.people = people
        self.record = record

    def as_dict(self, path: str | None = None) -> dict[str, Any]:
        """As every refusal, with scope, item, people (codes) and record."""
        return {
            **super().as_dict(path),
            "scope": self.scope,
            "item": self.item,
            "people": list(self.people),
            "record": self.record,
        }


class RunFailure(SpeechError):
    """The run as a whole cannot go on."""

    exit_status = 2


class UsageFailure(RunFailure):
    """The command itself is wrong."""


class DiskFailure(RunFailure):
    """No room, or no right to write."""


class StoreFailure(RunFailure):
    """The database cannot be used."""


class NetworkFailure(RunFailure):
    """A connection that was asked for cannot be made."""


class TrainingFailure(RunFailure):
    """Training cannot go on; the last good checkpoint is kept."""


class ClusterFailure(RunFailure):
    """Machines of a cluster do not fit together or cannot be reached."""


class MemoryFailure(RunFailure):
    """The model does not fit into memory; found before it is loaded."""


class InternalFailure(RunFailure):
    """A bug in this program."""
