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

CODES = frozenset(
    (
        "AUDIO_ANTIPHASE AUDIO_BYTE_ORDER AUDIO_CHANGED AUDIO_CHANNELS AUDIO_CHUNKS_REPAIRED AUDIO_CLIPPED AUDIO_CODEC AUDIO_CORRUPT "
        "AUDIO_DC AUDIO_DROPOUTS AUDIO_EMPTY AUDIO_ENCRYPTED AUDIO_HEADER AUDIO_HOLE AUDIO_LENGTH_REPAIRED AUDIO_LENGTH_UNKNOWN "
        "AUDIO_MISNAMED AUDIO_NARROWBAND AUDIO_NONFINITE AUDIO_NOT_AUDIO AUDIO_NO_TRACK AUDIO_OFFSET AUDIO_OVER AUDIO_QUIET "
        "AUDIO_RATE_SUSPECT AUDIO_SHORT AUDIO_SILENT AUDIO_SPAN AUDIO_TAIL AUDIO_TRACKS AUDIO_TRUNCATED AUDIO_UNHEARD "
        "TEXT_ALPHABET TEXT_BIDI TEXT_CONTROL TEXT_EMPTY TEXT_ENCODING TEXT_INVISIBLE TEXT_LONGER_THAN_AUDIO TEXT_MIXED_SCRIPT TEXT_PART "
        "TEXT_RECORDING TEXT_SURROGATE TEXT_TIER TEXT_TOO_LONG TEXT_UNPAIRED TEXT_WORDS "
        "FORMAT_CHANGED FORMAT_DOCTYPE FORMAT_EXISTS FORMAT_JSON FORMAT_LOSS FORMAT_NEWER FORMAT_RECORDINGS FORMAT_REFERENCE "
        "FORMAT_SEVERAL FORMAT_SYNTAX FORMAT_TEXT FORMAT_TIMES FORMAT_UNKNOWN FORMAT_VALUE FORMAT_WORDS FORMAT_XML "
        "LANGUAGE_CODE LANGUAGE_MISSING LANGUAGE_TABLE MODEL_BASE MODEL_CARD MODEL_CONFIG MODEL_GATED MODEL_HEADER MODEL_LANGUAGE "
        "MODEL_MEMORY MODEL_NONFINITE MODEL_NOT_HERE MODEL_NOT_WEIGHTS MODEL_PICKLE MODEL_SHAPE MODEL_SOURCE MODEL_TRUNCATED "
        "MODEL_DONOR MODEL_UNCARDED MODEL_VOCAB "
        "LANGUAGE_NONE LANGUAGE_NO_MODEL LANGUAGE_OUTSIDE LANGUAGE_PLAIN LANGUAGE_TOO_LITTLE LANGUAGE_UNCALIBRATED "
        "MODEL_ADAPTERS MODEL_CAPITALS MODEL_COLLECTION MODEL_LANGUAGE_MODEL MODEL_LM MODEL_ORDER MODEL_RATE "
        "MANIFEST_AUDIO MANIFEST_CHANGED MANIFEST_DUPLICATE MANIFEST_EMPTY MANIFEST_FIELD MANIFEST_JSON MANIFEST_LANGUAGE MANIFEST_LEAK "
        "MANIFEST_OVERLAP MANIFEST_PATH MANIFEST_ROWS MANIFEST_SPAN "
        "PATH_DENIED PATH_IO PATH_LINK PATH_MISSING PATH_NAME PATH_NO_RECORDING PATH_NOT_FILE NAME_CHANGED "
        "DISK_FULL DISK_IO DISK_READONLY STORE_CORRUPT STORE_FAILED STORE_LEDGER STORE_LOCKED STORE_NEWER STORE_PLACE "
        "APP_EXTRA APP_HOST APP_PORT JOB_LOST JOB_OPEN JOB_SILENT JOB_UNKNOWN UPLOAD_HASH UPLOAD_KIND UPLOAD_PLACE UPLOAD_ROOM UPLOAD_SIZE "
        "USERS_FILE USER_NAME USER_PASSWORD USER_UNKNOWN VOICE_SILENT "
        "NETWORK_OFFLINE REVIEW_ACT REVIEW_DRAFTED REVIEW_FOLDER REVIEW_LEARNING REVIEW_NOTHING REVIEW_PATTERN "
        "REVIEW_RECORDING REVIEW_TIMES "
        "TRAINING_BASE_CHANGED TRAINING_CHECKPOINT TRAINING_CLIP TRAINING_DIVERGED "
        "ALIGN_LOST ALIGN_MAPPED ALIGN_POOR ALIGN_TIERS ALIGN_UNSAID ALIGN_UNWRITTEN "
        "VOICE_FAILED VOICE_LETTERS VOICE_NONE VOICE_OPTION VOICE_SPEAKER VOICE_SPEED "
        "CHANNELS CONSENT_ANSWER CONTEXT_UNKNOWN DEVICE INTERNAL PRECISION SCOPE_UNKNOWN SPEAKERS "
    ).split()
)
"""Every code of refusals, failures and findings; each is named in a test."""

CONSENT_CODES = frozenset(
    (
        "ACCESS_CLOSED ACCESS_PUBLISH ACCESS_STANDING BASIS_INSUFFICIENT BIOMETRIC_EXPLICIT BLOCKED_DERIVED CARD_INVALID CHILD_BIOMETRIC "
        "COLLECTION_DENIED COLLECTION_MISSING COLLECTION_SCOPE COMMUNITY_DENIED COMMUNITY_MISSING DECEASED_NO_RECORD DERIVED_FORBIDS "
        "EMBARGO LABEL_PURPOSE LABEL_SEASON LABEL_STOP LICENCE_BENEFIT LICENCE_NC LICENCE_ND LICENCE_PERMISSION LICENCE_SA LICENCE_UNKNOWN "
        "MOURNING NO_CARD PERSON_CONDITIONAL PERSON_DENIED PERSON_EXPIRED PERSON_MISSING PERSON_PENDING PLACE PURPOSE RECONSENT_DUE "
        "RETENTION REVIEW_DUE RULING_REFUSED SCOPE_NOT_GRANTED SPEAKER_UNKNOWN WITHDRAWN "
    ).split()
)
"""What the consent gate may answer besides OK and OK_UNCARDED; tests/collections holds them against the table of cases."""


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
