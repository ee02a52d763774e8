"""What was agreed about a workspace's recordings: the card that speaks, who answered and who has not, and what may be done with how many.

The card that the app makes lies in the workspace, as the collection's folder is only read. One that lies with the recordings is shown, and
changed where it lies (`speech consent record`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from speech import languages
from speech.collections import asking, consent, workspaces
from speech.collections.cards import find_card, load_card
from speech.collections.events import PERSON
from speech.collections.records import Card
from speech.errors import ConsentRefused
from speech.review.workspace import Listed, Workspace

ASKED = ("play", "review", "transcribe_local", "train_asr", "export_text", "publish_text")
"""Scopes that are looked at: what people do here, each standing for its group."""

Where = Literal["none", "ours", "theirs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Somebody heard in the recordings, by code or by the label of a draft: in how many, whether they may answer, what they answered."""

    code: str
    recordings: tuple[tuple[str, str], ...]
    """Where they are heard: id and name. A label that is no code may be another person in each."""
    is_code: bool
    records: tuple[asking.Stated, ...] = ()
    waiting: bool = False
    """Whether nothing may be learnt from what they said before they answer."""

    def as_dict(self) -> dict[str, Any]:
        """As the page is given it."""
        records = [r.as_dict() for r in self.records]
        heard = [{"id": id, "name": name} for id, name in self.recordings]
        return {"code": self.code, "recordings": heard, "is_code": self.is_code, "records": records, "waiting": self.waiting}


@dataclass(frozen=True, slots=True, kw_only=True)
class May:
    """A scope: for how many recordings the gate allows it, and why not for the others (recordings by code, people by code)."""

    scope: str
    allowed: int
    of: int
    why: Mapping[str, int] = field(default_factory=dict)
    people: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As the page is given it."""
        why = [{"code": code, "recordings": count, "people": list(self.people.get(code, ()))} for code, count in self.why.items()]
        return {"scope": self.scope, "allowed": self.allowed, "of": self.of, "why": why}


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """All of it. `where` a card lies: nowhere, in the workspace, or with the recordings; `fault` is why it cannot be used."""

    where: Where
    path: Path
    """Of the card; where one would be made, if there is none."""
    card: Card | None
    fault: str
    records: tuple[asking.Stated, ...]
    speakers: tuple[Speaker, ...]
    unknown: int
    """Recordings with speech of nobody known."""
    uncarded: int
    recordings: int
    may: tuple[May, ...]
    languages: tuple[str, ...]
    """Of the recordings, most first."""


def card_of(workspace: Workspace) -> tuple[Path, Where]:
    """The card that speaks for a workspace's folder, or where one would be made.

    Raises
    ------
    ConsentRefused
        `CARD_INVALID`: which card counts is not clear.
    """
    own = workspace.place / workspaces.CONSENT / workspaces.CARD
    found = find_card(workspace.folder / "recording")
    if found is None:
        return own, "none"
    return (own, "ours") if found.resolve() == own.resolve() else (found, "theirs")


def is_carded(workspace: Workspace, recording: Listed) -> bool:
    """Whether a card speaks for a recording; one that cannot be used does, too."""
    try:
        return find_card(workspace.path_of(recording)) is not None
    except ConsentRefused:
        return True


def uncarded(workspace: Workspace) -> int:
    """How many recordings no card speaks for."""
    return sum(not is_carded(workspace, recording) for recording in workspace.recordings())


def agreed(workspace: Workspace) -> Agreed:
    """What was agreed, and what may be done now."""
    recordings = workspace.recordings()
    items = {recording.id: workspace.item_of(recording) for recording in recordings}
    heard: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for recording in recordings:
        for code in items[recording.id].speakers:
            heard[code].append((recording.id, recording.name))
    card, records, fault, where, path = _card(workspace)
    speakers = tuple(_speaker(path if card else None, card, code, heard[code]) for code in sorted(heard) if code)
    return Agreed(
        where=where, path=path, card=card, fault=fault, records=records,
        speakers=speakers, unknown=len(heard.get("", ())),
        uncarded=uncarded(workspace), recordings=len(recordings),
        may=tuple(_may(scope, list(items.values()), workspace.context) for scope in ASKED),
        languages=tuple(code for code, _ in Counter(r.language for r in recordings if r.language != languages.UNDETERMINED).most_common()),
    )  # fmt: skip


def _card(workspace: Workspace) -> tuple[Card | None, tuple[asking.Stated, ...], str, Where, Path]:
    try:
        path, where = card_of(workspace)
        if where == "none":
            return None, (), "", where, path
        return load_card(path), tuple(asking.stated(path)), "", where, path
    except ConsentRefused as refused:
        return None, (), f"{refused.what}. {refused.mend}", "theirs", workspace.folder


def _speaker(path: Path | None, card: Card | None, code: str, recordings: Sequence[tuple[str, str]]) -> Speaker:
    is_code = PERSON.fullmatch(code) is not None
    records: tuple[asking.Stated, ...] = ()
    if path is not None and card is not None and is_code and card.people_folder:
        own = asking.person_card(path, code)
        records = tuple(asking.stated(own)) if own.is_file() else ()
    waiting = card is not None and card.rule == "each" and not records
    return Speaker(code=code, recordings=tuple(recordings), is_code=is_code, records=records, waiting=waiting)


def _may(scope: str, items: Sequence[consent.Item], context: consent.Context) -> May:
    why: Counter[str] = Counter()
    people: dict[str, set[str]] = defaultdict(set)
    for item in items:
        decision = consent.answer({scope}, item, context=context)
        if not decision.allowed:
            why[decision.code] += 1
            people[decision.code].update(code for code in decision.people if code)
    named = {code: sorted(found) for code, found in people.items()}
    return May(scope=scope, allowed=len(items) - sum(why.values()), of=len(items), why=dict(why.most_common()), people=named)
