"""What a server serves: the collection, who is signed in, what is queued; and what its routes ask of all that."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from speech import languages
from speech.collections import consent, ledger
from speech.errors import Refusal
from speech.jobs import Queue
from speech.review import edits, progress
from speech.review.workspace import Listed
from speech.store import Store
from speech.ui.held import BASIS, Held
from speech.ui.sessions import Patience, Sessions
from speech.ui.uploads import Uploads
from speech.ui.users import LOCAL, Asker, Users

Known = Listed

_RIGHT_TO_LEFT = frozenset({"Adlm", "Arab", "Hebr", "Mand", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa"})


class Served(Held):
    """A collection with its people and jobs."""

    def __init__(self, store: Store, folder: Path, *, users: Users, local: bool = True) -> None:
        super().__init__(store, folder, refresh=True)
        self.users = users
        self.local = local
        self.sessions = Sessions(self.place / "work" / "sessions.json")
        self.patience = Patience()
        self.uploads = Uploads(self.place / "uploads")
        self.queue = Queue(store)

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

    def look(self, known: Known) -> None:
        """Have a recording looked at, unless it is being looked at, or could not be read as it is."""
        refused = "refusal" in known.facts and known.facts.get("size_bytes") == self._size(known)
        if not refused:
            self.queue.add("peaks", workspace=self.id, owner="", recording=known.id)

    def _size(self, known: Known) -> int:
        try:
            return self.path(known).stat().st_size
        except OSError:
            return -1

    def added(self, path: Path, asker: Asker) -> dict[str, Any]:
        """A file that was sent whole becomes a recording; it is looked at next."""
        made = self.workspace().add_upload(path.name)
        self.look(made)
        return self._row(made, asker, {})

    def listed(self, asker: Asker) -> list[dict[str, Any]]:
        """The recordings that the asker may know of, with how far each is."""
        jobs = {j.recording: j for j in self.queue.all(self.id) if j.kind == "transcribe" and j.recording}
        rows = []
        for known in self.workspace().recordings():
            row = self._row(known, asker, jobs)
            if row["allowed"] or asker.may("consent"):
                rows.append(row)
        return rows

    def _row(self, known: Known, asker: Asker, jobs: Mapping[str, Any]) -> dict[str, Any]:
        row: dict[str, Any] = {
            "id": known.id, "name": known.name, "duration_ms": known.duration_ms, "language": known.language, "uploaded": known.uploaded,
            "allowed": self.allowed(known, ("review", "play")), "drafted": False, "segments": 0, "approved": 0, "unsure": 0, "unheard": 0,
            "job": None, "refusal": known.facts.get("refusal"),
        }  # fmt: skip
        if not row["allowed"]:
            return row
        made = progress.recording_progress(self._workspace, known)
        counts = {state: count.segments for state, count in made.by.items()}
        row |= {
            "drafted": made.drafted, "segments": made.all.segments, "ms": made.all.ms, "approved_ms": made.by["approved"].ms,
            "approved": counts["approved"], "unsure": counts["unsure"], "not_speech": counts["not_speech"],
            "edited": counts["edited"], "draft": counts["draft"], "unheard": made.unheard.segments,
        }  # fmt: skip
        job = jobs.get(known.id)
        if job is not None and job.is_open:
            row["job"] = {"state": job.state, "mine": job.owner == asker.name, "id": job.id if job.owner == asker.name else None}
        return row

    def state_basis(self, basis: str, asker: Asker) -> None:
        """Keep what was stated for recordings without a card, once, with a row in the ledger; then drafts beside them are read."""
        self.preferences.keep(f"workspace {self.id}", BASIS, basis)
        agent = ledger.Agent(id=asker.name, kind="person", role="keeper") if asker.name != LOCAL else ledger.Agent(id="oral-speech")
        ledger.append(ledger.Event(type="consent", agents=(agent,)), store=self.store)
        self.workspace().refresh()

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
        return {
            "code": table.code,
            "name": table.name if table.name != table.code else "",
            "direction": "rtl" if table.script in _RIGHT_TO_LEFT else "ltr",
            "alphabet": letters,
            "palette": order,
            "marks": list(table.marks),
        }
