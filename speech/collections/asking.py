"""What is asked about recordings, and what becomes of the answers: cards and records. The same for the terminal and for the app.

An answer covers all that was asked about: what had been granted and is not allowed now is taken back, by a record of its own. What
stands on a card is never changed. What one answer writes (a card; cards of several people) is there whole or not at all, and only
with its row in the ledger; a withdrawal stays on the card even where the ledger fails.
"""

from __future__ import annotations

import datetime
import threading
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speech.collections import answers, consent, ledger
from speech.collections.answers import Described, Said
from speech.collections.cards import load_card, load_person, plain
from speech.collections.events import PERSON, Agent, Entity, Event
from speech.collections.records import VOICE, Record, expand
from speech.collections.rules import STANDS_FOR_ALL, expired, latest
from speech.errors import ConsentRefused, PathRefused, UsageFailure
from speech.files import disk_errors, read_bytes, shown, write_bytes
from speech.store import Store

ALLOW = ("LOCAL", "TRAIN", "LEAVE", "PUBLISH")
"""What is asked of everybody: may it be done?"""
VOICES = VOICE
"""What is asked of a person; a holder who does not bar it names it, too, and the gate still asks for the person's own record."""
HOW = ("written", "oral_recorded", "community_protocol", "public_licence")
"""How it was agreed."""
HOW_PERSON = ("written", "oral_recorded")
_GIVEN_BY = {
    "written": "holder",
    "oral_recorded": "holder",
    "community_protocol": "community_authority",
    "public_licence": "licensor",
}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What is asked about a collection that has no card yet."""

    title: str
    languages: tuple[str, ...]
    holder: str
    kind: str
    source: str
    licence: str = "archive_terms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was agreed, by the holder or by a person."""

    how: str
    allow: tuple[str, ...]
    given_on: datetime.date
    asked: tuple[str, ...] = ()
    """Scopes and groups that were asked about; what of these is not in `allow` was answered no."""
    purposes: tuple[str, ...] = ()
    until: datetime.date | None = None
    evidence: str = ""
    evidence_sha256: str = ""
    recorded_by: str = "linguist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written: the card, whose it is ("" the holder's), ids of the new records, and what they grant and take back."""

    path: Path
    person: str
    records: tuple[str, ...]
    scopes: tuple[str, ...]
    decision: str = "granted"
    taken_back: tuple[str, ...] = ()
    outdone: tuple[str, ...] = ()
    """Scopes for which another answer, later or stricter on the same day, goes on to count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A record as it stands on a card."""

    id: str
    decision: str
    scopes: tuple[str, ...]
    basis: str
    given_on: str
    expires: str = ""
    evidence: str = ""
    purposes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As the app's page is given it."""
        return {
            "id": self.id, "decision": self.decision, "scopes": list(self.scopes), "basis": self.basis, "given_on": self.given_on,
            "expires": self.expires, "evidence": self.evidence, "purposes": list(self.purposes),
        }  # fmt: skip


def stated(path: Path) -> list[Stated]:
    """The records on a collection's or a person's card, in their order.

    Raises
    ------
    ConsentRefused
        `CARD_INVALID`.
    """
    raw = answers.check_text(path, read_bytes(path).decode("utf-8"))
    return [
        Stated(
            id=r["id"], decision=r["decision"], scopes=tuple(r["scopes"]), basis=r["basis"], given_on=r["given_on"],
            expires=r.get("expires", ""), evidence=r.get("evidence", {}).get("reference", ""),
            purposes=tuple(r.get("conditions", {}).get("purposes", ())),
        )
        for r in raw["consent"]
    ]  # fmt: skip


def person_card(card: Path, code: str) -> Path:
    """Where the card of a person lies, or will, by what the collection's card says.

    Raises
    ------
    UsageFailure
        `CONSENT_ANSWER`: this is no code.
    ConsentRefused
        `CARD_INVALID`: the card cannot be used, or names no folder of people.
    """
    if not PERSON.fullmatch(code):
        raise UsageFailure(
            f"--person {shown(code)}", "this is no person's code", "A code is capitals or digits, a hyphen, and more of them: STORY-01",
            "CONSENT_ANSWER",
        )  # fmt: skip
    folder = load_card(card).people_folder
    if not folder:
        raise ConsentRefused(
            shown(card), "the card names no folder for the cards of people", 'Add to its [people]: folder = "people"', "CARD_INVALID"
        )
    return card.parent / folder / f"{code}.person.toml"


def waiting(card: Path, codes: Iterable[str]) -> list[str]:
    """Those of `codes` who must answer for themselves and have no card yet; nobody where the collection's record stands for all."""
    found = load_card(card)
    if found.rule == "collection":
        return []
    return sorted(code for code in set(codes) if PERSON.fullmatch(code) and not person_card(card, code).is_file())


def record(
    card: Path,
    answer: Answer,
    *,
    collection: Collection | None = None,
    people: Sequence[str] = (),
    agents: tuple[Agent, ...] = (),
    store: Store | None = None,
) -> list[Written]:
    """Write what was agreed: onto the card at `card`, which is made where there is none; with `people`, onto the card of each.

    Parameters
    ----------
    collection : what a new card says beside the answer
    agents : who wrote it, for the ledger; the program where nobody is named

    Raises
    ------
    UsageFailure
        `CONSENT_ANSWER`: an answer that is none. Nothing is written, as in all other cases.
    ConsentRefused
        `CARD_INVALID`: the card there is wrong, or an answer cannot stand on a card.
    PathRefused, DiskFailure, StoreFailure
    """
    day = consent.today()
    _check(answer, day, person=bool(people))
    with _lock:
        if people:
            changes, made = zip(*(_onto_person(card, code, answer, day) for code in dict.fromkeys(people)), strict=True)
            _put(list(changes), "consent", agents, store)
            return list(made)
        if card.exists():
            change, one = _onto(card, "", load_card(card).records, answer, day)
            _put([change], "consent", agents, store)
            return [one]
        if collection is None:
            raise PathRefused(shown(card), "there is no card yet", "Say whose recordings these are first", "PATH_MISSING")
        said = _said(answer, person=False)
        text = answers.new_card(_described(collection, said), [said])
        _put([_Change(path=card, before=None, text=text, folder=card.parent / answers.PEOPLE)], "consent", agents, store)
        return [Written(path=card, person="", records=_ids(text), scopes=said.scopes)]


def withdraw(
    card: Path,
    *,
    person: str = "",
    scopes: Sequence[str] = ("ALL",),
    recorded_by: str = "linguist",
    agents: tuple[Agent, ...] = (),
    store: Store | None = None,
) -> Written:
    """Write down that the holder, or a person, took consent back; from now on the gate refuses.

    Raises
    ------
    PathRefused
        `PATH_MISSING`: there is no card to withdraw from.
    ConsentRefused, UsageFailure, DiskFailure, StoreFailure
        As `record`; after a `StoreFailure` the withdrawal stands on the card.
    """
    if not card.exists():
        raise PathRefused(shown(card), "there is no card to withdraw from", "Name the folder of the recordings", "PATH_MISSING")
    said = Said(
        scopes=tuple(scopes), basis="user_statement", given_by="self" if person else "holder", given_on=consent.today(),
        decision="withdrawn", recorded_by=recorded_by,
    )  # fmt: skip
    with _lock:
        path = person_card(card, person) if person else card
        if path.exists():
            before = read_bytes(path)
            text, names = answers.with_records(path, before.decode("utf-8"), [said])
        else:
            before, text = None, answers.new_person(person, load_card(card).id, [said])
            names = list(_ids(text))
        _put([_Change(path=path, before=before, text=text)], "withdraw", agents, store)
    return Written(path=path, person=person, records=tuple(names), scopes=said.scopes, decision="withdrawn")


def _check(answer: Answer, day: datetime.date, *, person: bool) -> None:
    """Refuse an answer that says nothing, or of a day that cannot be."""
    ways = HOW_PERSON if person else HOW
    if answer.how not in ways:
        raise UsageFailure("--how", f"{shown(answer.how)} is none of {', '.join(ways)}", "Choose one of these", "CONSENT_ANSWER")
    if not answer.allow:
        raise UsageFailure(
            "--allow", "nothing was allowed, so there is nothing to record", "To take consent back: speech consent withdraw",
            "CONSENT_ANSWER",
        )  # fmt: skip
    if not answer.evidence.strip():
        raise UsageFailure("--evidence", "it is not said where that can be looked up", "Name the form, minutes or page", "CONSENT_ANSWER")
    if answer.given_on > day:
        raise UsageFailure(
            "--on", f"{answer.given_on} has not come yet", "Give the day on which it was agreed, or wait for it", "CONSENT_ANSWER"
        )
    if answer.until is not None and answer.until <= answer.given_on:
        raise UsageFailure(
            "--until", f"it would end on {answer.until}, before it begins", "Give the first day on which it no longer holds",
            "CONSENT_ANSWER",
        )  # fmt: skip


def _said(answer: Answer, *, person: bool) -> Said:
    return Said(
        scopes=tuple(dict.fromkeys(answer.allow)), basis=answer.how,
        given_by="self" if person else _GIVEN_BY[answer.how], given_on=answer.given_on, until=answer.until,
        evidence=answer.evidence, evidence_sha256=answer.evidence_sha256, purposes=answer.purposes, recorded_by=answer.recorded_by,
    )  # fmt: skip


def _taken_back(answer: Answer, held: Sequence[Record]) -> tuple[str, ...]:
    """What had been granted by the day of the answer, was asked about, and is not allowed."""
    no = set(expand(answer.asked)) - set(expand(answer.allow))
    found = {scope: latest(held, scope, answer.given_on) for scope in expand(no)}
    given = {scope: r for scope, r in found.items() if r is not None and r.decision in ("granted", "conditional")}
    return tuple(scope for scope, r in given.items() if not expired(r, answer.given_on))


def _onto(path: Path, person: str, held: Sequence[Record], answer: Answer, day: datetime.date) -> tuple[_Change, Written]:
    """The answer on a card that is there."""
    said = [_said(answer, person=bool(person))]
    if back := _taken_back(answer, held):
        said.append(
            Said(
                scopes=back,
                basis=said[0].basis,
                given_by=said[0].given_by,
                given_on=answer.given_on,
                decision="withdrawn",
                evidence=answer.evidence,
                evidence_sha256=answer.evidence_sha256,
                recorded_by=answer.recorded_by,
            )  # fmt: skip
        )
    before = read_bytes(path)
    text, names = answers.with_records(path, before.decode("utf-8"), said)
    newest = {scope: latest(held, scope, day) for scope in expand(answer.allow)}
    stronger = {scope for scope, r in newest.items() if r is not None and _beats(r, answer)}
    written = Written(
        path=path, person=person, records=tuple(names), scopes=said[0].scopes, taken_back=back, outdone=expand(stronger)
    )  # fmt: skip
    return _Change(path=path, before=before, text=text), written


def _beats(old: Record, answer: Answer) -> bool:
    return old.given_on > answer.given_on or (old.given_on == answer.given_on and old.decision != "granted")


def _onto_person(card: Path, code: str, answer: Answer, day: datetime.date) -> tuple[_Change, Written]:
    path = person_card(card, code)
    if path.exists():
        return _onto(path, code, load_person(path).records, answer, day)
    said = _said(answer, person=True)
    text = answers.new_person(code, load_card(card).id, [said])
    return _Change(path=path, before=None, text=text), Written(path=path, person=code, records=_ids(text), scopes=said.scopes)


def _described(collection: Collection, said: Said) -> Described:
    community = said.basis == "community_protocol"
    return Described(
        id=answers.identifier(collection.title), title=collection.title, languages=collection.languages, holder=collection.holder,
        kind=collection.kind, source=collection.source, licence=collection.licence, community=collection.holder if community else "",
        why_not="the recordings carry a public licence" if said.basis == "public_licence" else "those recorded answer for themselves",
        for_all=said.basis in STANDS_FOR_ALL, people_folder=answers.PEOPLE,
    )  # fmt: skip


def _ids(text: str) -> tuple[str, ...]:
    return tuple(str(r["id"]) for r in plain(tomllib.loads(text))["consent"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """A card as it was (None: there was none), as it will be, and a folder that must be there with it."""

    path: Path
    before: bytes | None
    text: str
    folder: Path | None = None


def _put(changes: Sequence[_Change], kind: str, agents: tuple[Agent, ...], store: Store | None) -> None:
    """Write all of them and the ledger's row, or leave all as it was."""
    for change in changes:
        answers.check_text(change.path, change.text)
        if (read_bytes(change.path) if change.path.exists() else None) != change.before:
            raise UsageFailure(shown(change.path), "somebody else has changed the card meanwhile", "Answer again", "CONSENT_ANSWER")
    done: list[_Change] = []
    made: list[Path] = []
    try:
        for change in changes:
            for folder in (change.path.parent, *([change.folder] if change.folder else [])):
                if not folder.is_dir():
                    with disk_errors(folder):
                        folder.mkdir()
                    made.append(folder)
            answers.write_card(change.path, change.text)
            done.append(change)
        ledger.append(
            Event(type=kind, agents=agents, made=tuple(Entity.of(c.path, "card", root=c.path.parent) for c in changes)), store=store
        )
    except BaseException:
        if kind != "withdraw":  # what was taken back stays so
            _undo(done, made)
        raise


def _undo(done: Sequence[_Change], made: Sequence[Path]) -> None:
    for change in done:
        if change.before is None:
            change.path.unlink(missing_ok=True)
        else:
            write_bytes(change.path, change.before)
    for folder in reversed(made):
        if not any(folder.iterdir()):
            folder.rmdir()
