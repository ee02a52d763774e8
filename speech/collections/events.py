"""The records of the ledger: what was done, by whom, with what, and what the gate said.

Plain and frozen; canonical JSON and the hash over it are here, storing is in `ledger`. Codes and hashes only:
no name, no text, no absolute path enters a row.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from speech.errors import InternalFailure
from speech.files import sha256_of

FIRST = "0" * 64
"""What stands for the hash before the first event."""

PREMIS = {
    "adapt": "creation",
    "adjudicate": "modification",
    "anchor": "digital signature generation",
    "bag": "packing",
    "block": "quarantine",
    "consent": "policy assignment",
    "delete": "deletion",
    "diarise": "creation",
    "digest": "message digest calculation",
    "evaluate": "execution",
    "export": "exporting",
    "extract_metadata": "metadata extraction",
    "fixity": "fixity check",
    "identify_format": "format identification",
    "identify_language": "metadata extraction",
    "import": "transfer",
    "ingest": "ingestion",
    "label": "policy assignment",
    "normalise": "normalization",
    "publish": "dissemination",
    "quarantine": "quarantine",
    "redact": "redaction",
    "refuse": "policy assignment",
    "remedy": "modification",
    "review_edit": "modification",
    "ruling": "policy assignment",
    "synthesise": "creation",
    "train": "creation",
    "transcribe": "creation",
    "unblock": "unquarantine",
    "validate": "validation",
    "voiceprint": "creation",
    "withdraw": "policy assignment",
}
"""Each type of event, and the PREMIS type an archive knows it by."""

GATED = frozenset(
    {"transcribe", "diarise", "identify_language", "voiceprint", "adapt", "train", "evaluate", "synthesise", "export", "publish"}
)
"""Types that carry what the gate said."""

PERSON = re.compile(r"[A-Z0-9]{2,12}-[0-9A-Z]{2,8}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_OUTSIDE = re.compile(r"^/|(^|/)\.\.(/|$)|^[A-Za-z]:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Who acted: a person by code, an organisation, a program or a machine."""

    id: str
    kind: Literal["person", "organization", "software", "hardware"] = "software"
    version: str = ""
    role: str = "executing program"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A thing used or made, known by its hash. `path` is relative to the collection or the output folder."""

    kind: str
    sha256: str
    path: str = ""
    span_ms: tuple[int, int] | None = None
    people: tuple[str, ...] = ()

    @classmethod
    def of(cls, path: Path, kind: str, *, root: Path | None = None, sha256: str = "", people: tuple[str, ...] = ()) -> Entity:
        """The entity of a file: hashed unless `sha256` is given; named under `root` if it lies there, else by its name alone."""
        name = path.name
        if root is not None and path.resolve().is_relative_to(root.resolve()):
            name = path.resolve().relative_to(root.resolve()).as_posix()
        # A name that is not UTF-8 cannot stand in JSON; the hash still tells which file it was.
        name = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        return cls(kind=kind, sha256=sha256 or sha256_of(path), path=name, people=people)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What the gate said, as a row keeps it; made by `consent.gate_of`."""

    scope: str
    decision: Literal["allow", "refuse"]
    code: str
    records: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    duties: tuple[str, ...] = ()
    basis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One act, not yet in the ledger. `id` and `time` are filled on appending where empty; agents default to this program."""

    type: str
    used: tuple[Entity, ...] = ()
    made: tuple[Entity, ...] = ()
    outcome: Literal["success", "warning", "failure", "refused"] = "success"
    gate: Gate | None = None
    agents: tuple[Agent, ...] = ()
    collection: str = ""
    purpose: str = ""
    settings_sha256: str = ""
    duration_ms: int | None = None
    """How long the work took."""
    audio_ms: int | None = None
    """How much sound it went over."""
    detail_sha256: str = ""
    fault: str = ""
    """The code of the error, where the outcome is a failure."""
    id: str = ""
    time: str = ""

    def __post_init__(self) -> None:
        faults = _faults(self)
        if faults:
            raise InternalFailure(f"ledger event {self.type!r}", "; ".join(faults), "Report this as a fault of the program", "INTERNAL")


def _faults(event: Event) -> list[str]:
    faults = []
    if event.type not in PREMIS:
        faults.append("no such type of event")
    if event.gate is None and (event.type in GATED or event.outcome == "refused"):
        faults.append("it does not say what the gate said")
    if event.outcome == "refused" and event.made:
        faults.append("it was refused and made something")
    for thing in (*event.used, *event.made):
        if not _SHA256.fullmatch(thing.sha256):
            faults.append(f"a {thing.kind} without a SHA-256")
        if _OUTSIDE.search(thing.path):
            faults.append(f"a {thing.kind} whose path is not relative")
        if any(not PERSON.fullmatch(code) for code in thing.people):
            faults.append(f"a {thing.kind} with something other than person codes under people")
    return faults


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One event as it stands in the ledger; `body` is the canonical JSON that `hash` is the SHA-256 of."""

    seq: int
    id: str
    time: str
    type: str
    body: str
    prev: str
    hash: str

    @property
    def event(self) -> dict[str, Any]:
        """The whole event, `hash` included, in the form of the published schema."""
        return {**json.loads(self.body), "hash": self.hash}


def canonical(body: Mapping[str, Any]) -> str:
    """Canonical JSON: sorted keys, no spaces, letters as they are, integers only.

    Raises
    ------
    InternalFailure
        A float, or a value JSON has no form for.
    """
    _no_floats(body)
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _no_floats(value: Any) -> None:
    if isinstance(value, Mapping):
        for inner in value.values():
            _no_floats(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _no_floats(inner)
    elif not isinstance(value, str | int | None):
        raise InternalFailure("ledger", f"{type(value).__name__} in an event", "Report this as a fault of the program", "INTERNAL")


def hash_of(canonical_body: str) -> str:
    """SHA-256 of a canonical body, which is the event without its `hash`."""
    return hashlib.sha256(canonical_body.encode("utf-8")).hexdigest()


def body_of(event: Event, *, seq: int, prev: str) -> dict[str, Any]:
    """The event as the schema has it, without `hash`; empty fields are left out."""
    body: dict[str, Any] = {
        "schema_version": 1,
        "seq": seq,
        "id": event.id,
        "time": event.time,
        "type": event.type,
        "premis_type": PREMIS[event.type],
        "agents": [_plain(agent, {"id": agent.id, "kind": agent.kind}) for agent in event.agents],
        "used": [_plain(thing, {}) for thing in event.used],
        "made": [_plain(thing, {}) for thing in event.made],
        "outcome": event.outcome,
        "prev": prev,
    }
    if event.gate is not None:
        body["gate"] = _plain(event.gate, {"duties": list(event.gate.duties)} if event.gate.decision == "allow" else {})
    for name in ("collection", "purpose", "settings_sha256", "detail_sha256", "fault"):
        if getattr(event, name):
            body[name] = getattr(event, name)
    for name in ("duration_ms", "audio_ms"):
        if getattr(event, name) is not None:
            body[name] = getattr(event, name)
    return body


def _plain(record: Agent | Entity | Gate, always: dict[str, Any]) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in record.__slots__}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items() if v not in ("", (), None)} | always
