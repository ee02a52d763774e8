"""What a server serves: the collection, who is signed in, what is queued; and what its routes ask of all that."""

from __future__ import annotations

import contextlib
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, TypeVar

from speech import languages
from speech.collections import consent, ledger
from speech.errors import Refusal, SpeechError
from speech.jobs import GIVEN_UP, Job, Queue
from speech.models import hub
from speech.review import edits, progress
from speech.review.spoken import may_be_spoken
from speech.review.workspace import Listed
from speech.store import Server, Store
from speech.ui.aloud import Aloud
from speech.ui.held import BASIS, Held
from speech.ui.sessions import Patience, Sessions
from speech.ui.texts import Sent, paired
from speech.ui.uploads import Uploads
from speech.ui.users import LOCAL, Asker, Users

Known = Listed

_RIGHT_TO_LEFT = frozenset({"Adlm", "Arab", "Hebr", "Mand", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa"})


DRAFTING = ("transcribe", "align")
"""Kinds of jobs that end in a draft of their recording."""
_PALETTE = 48
"""Letters at most in the palette of a language that lists no alphabet."""
_REFRESH_S = 30.0
"""How often the folder is looked through for recordings that were put there, or taken out."""
_T = TypeVar("_T")


class _Kept(Generic[_T]):
    """A value that is made anew when it is older than a second, or than five times what it took to make; one at a time makes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: tuple[_T, float] | None = None

    def get(self, make: Callable[[], _T]) -> _T:
        with self._lock:
            begun = time.monotonic()
            if self._value is not None and begun < self._value[1]:
                return self._value[0]
            made = make()
            took = time.monotonic() - begun
            self._value = (made, begun + took + max(1.0, 5 * took))
            return made

    def drop(self) -> None:
        with self._lock:
            self._value = None


def _shown(job: Job, asker: Asker) -> dict[str, Any]:
    """A job in the list of recordings: its number is its owner's alone."""
    mine = job.owner == asker.name
    return {"state": job.state, "mine": mine, "id": job.id if mine else None}


def is_right_to_left(table: languages.Language) -> bool:
    """Whether a language is written from right to left."""
    return table.script in _RIGHT_TO_LEFT


def _written(table: languages.Language) -> dict[str, Any]:
    """How a language is written."""
    return {
        "code": table.code,
        "name": table.name if table.name != table.code else "",
        "direction": "rtl" if is_right_to_left(table) else "ltr",
        "alphabet": [*table.letters, *table.also],
        "marks": list(table.marks),
    }


class Served(Held):
    """A collection with its people and jobs."""

    def __init__(self, store: Store, folder: Path, *, users: Users, local: bool = True, public: str = "") -> None:
        super().__init__(store, folder, refresh=True)
        self.users = users
        self.local = local
        self.public = public
        self.sessions = Sessions(self.place / "work" / "sessions.json")
        self.patience = Patience()
        self.uploads = Uploads(self.place / "uploads")
        self.queue = Queue(store)
        self.aloud = Aloud({"SPEECH_STORE": store.place.url if isinstance(store.place, Server) else str(store.place)})
        self._refreshed = time.monotonic()
        self._rows: _Kept[list[dict[str, Any]]] = _Kept()
        self._stats: _Kept[progress.Stats] = _Kept()

    def require(self, known: Known, scopes: Sequence[str]) -> consent.Decision:
        """As the gate: go on only where every scope is allowed."""
        return self.workspace().require(known, *scopes)

    def check_undrafted(self, known: Known) -> None:
        """Refuse what would put a draft where one is.

        Raises
        ------
        Refusal
            `REVIEW_DRAFTED`.
        """
        if edits.segments_of(self.store, known.id).touched:
            raise Refusal(known.path, "it has a transcript already", "Open it in Review", "REVIEW_DRAFTED")

    def check_free(self, known: Known, kind: str, settings: Mapping[str, Any]) -> None:
        """Refuse a second way to a draft while one is under way; the same again is no second one.

        Raises
        ------
        Refusal
            `JOB_OPEN`.
        """
        text = settings.get("text")
        for job in self.queue.all(self.id):
            same = (job.kind, job.settings.get("text")) == (kind, text)
            if job.kind in DRAFTING and job.recording == known.id and job.is_open and job.wanted != "cancel" and not same:
                mend = "Let that come to its end, or cancel it first"
                raise Refusal(known.path, "its transcript is being made already, in another way", mend, "JOB_OPEN")

    def texts_of(self, asker: Asker) -> list[dict[str, Any]]:
        """The asker's transcripts that wait for being placed, each with the recording that it belongs to."""
        placed = {str(j.settings.get("text")) for j in self.queue.all(self.id) if j.kind == "align" and j.state == "done"}
        return [self.waiting(sent, asker) for sent in self.texts.all(asker.name) if sent.id not in placed]

    def waiting(self, sent: Sent, asker: Asker) -> dict[str, Any]:
        """A transcript for its owner."""
        told = asdict(sent)
        del told["owner"]
        return {**told, "recording": paired(sent, self.listed(asker))}

    def look(self, known: Known) -> None:
        """Have a recording looked at, unless it is being looked at, or could not be read as it is.

        One that ended its worker each time is not tried again: that is kept as its refusal, until the file is another.
        """
        if "refusal" in known.facts and known.facts.get("size_bytes") == self._size(known):
            return
        last = self.queue.last("peaks", known.id)
        if "refusal" not in known.facts and last is not None and last.refusal is not None and last.refusal["code"] in GIVEN_UP:
            self.keep_refusal(known, last.refusal)
        else:
            self.queue.add("peaks", workspace=self.id, owner="", recording=known.id)

    def try_pace(self) -> None:
        """Have it tried, once, how long a step of learning takes on this machine."""
        if not any(job.kind == "pace" for job in self.queue.all(self.id)):
            self.queue.add("pace", workspace=self.id, owner="", settings={"model": hub.MINI}, one_by="model")

    def _size(self, known: Known) -> int:
        try:
            return self.path(known).stat().st_size
        except OSError:
            return -1

    def added(self, path: Path) -> dict[str, Any]:
        """A file that was sent whole becomes a recording; it is looked at next."""
        made = self.workspace().add_upload(path.name)
        self.look(made)
        self.changed()
        return {**self._row(made), "job": None}

    def listed(self, asker: Asker) -> list[dict[str, Any]]:
        """The recordings that the asker may know of, with how far each is.

        What is counted is kept for a moment and shared by all who ask: a page asks every few seconds.
        """
        jobs = {j.recording: j for j in self.queue.all(self.id) if j.kind in DRAFTING and j.recording}
        rows = []
        for row in self._rows.get(self._all_rows):
            if row["allowed"] or asker.may("consent"):
                job = jobs.get(row["id"]) if row["allowed"] else None
                rows.append({**row, "job": _shown(job, asker) if job is not None and job.is_open else None})
        return rows

    def _all_rows(self) -> list[dict[str, Any]]:
        workspace = self.workspace()
        now = time.monotonic()
        if now - self._refreshed > _REFRESH_S:
            self._refreshed = now
            with contextlib.suppress(SpeechError):  # a folder that cannot be read now keeps its list
                workspace.refresh()
        return [self._row(known) for known in workspace.recordings()]

    def counted(self) -> progress.Stats:
        """Progress by recording and together; kept for a moment, as `listed`."""
        return self._stats.get(lambda: progress.stats(self.workspace()))

    def changed(self) -> None:
        """Something was done that people look for in the lists at once."""
        self._rows.drop()
        self._stats.drop()

    def _row(self, known: Known) -> dict[str, Any]:
        row: dict[str, Any] = {
            "id": known.id, "name": known.name, "duration_ms": known.duration_ms, "language": known.language, "uploaded": known.uploaded,
            "allowed": self.allowed(known, ("review", "play")), "drafted": False, "segments": 0, "approved": 0, "unsure": 0, "unheard": 0,
            "refusal": known.facts.get("refusal"),
        }  # fmt: skip
        if not row["allowed"]:
            return row
        made = progress.recording_progress(self._workspace, known)
        counts = {state: count.segments for state, count in made.by.items()}
        return row | counts | {
            "drafted": made.drafted, "segments": made.all.segments, "ms": made.all.ms, "approved_ms": made.by["approved"].ms,
            "unheard": made.unheard.segments,
        }  # fmt: skip

    def state_basis(self, basis: str, asker: Asker) -> None:
        """Keep what was stated for recordings without a card, once, with a row in the ledger; then drafts beside them are read."""
        event = ledger.Event(type="consent", agents=self.agents(asker))
        self.preferences.keep(f"workspace {self.id}", BASIS, basis, event=event)
        self.agreed_anew()

    def agents(self, asker: Asker) -> tuple[ledger.Agent, ...]:
        """Who acted, for the ledger; nobody's name where one person works alone."""
        return (ledger.Agent(id=asker.name, kind="person", role="keeper"),) if asker.name != LOCAL else ()

    def agreed_anew(self) -> None:
        """Something was agreed, or taken back: drafts beside the recordings are read now, or stay unread, and lists are made anew."""
        self.workspace().refresh()
        self.changed()

    def languages_of(self, known: Known, segments: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Languages that a segment may be given, and how each is written: those of this recording, then those of the collection."""
        codes = [known.language, *(str(s["language"]) for s in segments if s.get("language"))]
        with contextlib.suppress(SpeechError):  # a card that is wrong names none
            codes += may_be_spoken(self.workspace(), known).candidates
        told = [code for code in dict.fromkeys(codes) if languages.is_code(code) and code != languages.UNDETERMINED]
        return [_written(languages.load(code)) for code in told]

    def language_of(self, known: Known, segments: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """How the recording's language is written, for who types it: the letters most used first."""
        table = languages.load(known.language if languages.is_code(known.language) else languages.UNDETERMINED)
        used: Counter[str] = Counter()
        for segment in segments:
            used.update(unicodedata.normalize("NFC", segment.get("text", "")).lower())
        letters = [*table.letters, *table.also]
        plain = set("abcdefghijklmnopqrstuvwxyz")
        special = [one for one in letters if not set(one) <= plain]
        order = sorted(dict.fromkeys(special or letters), key=lambda one: -used[one])
        if not letters:  # a syllabary, or no table: what the recording's texts are written with
            order = [one for one, _ in used.most_common() if unicodedata.category(one).startswith("L") and one not in plain][:_PALETTE]
        return {**_written(table), "palette": order}
