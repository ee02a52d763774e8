"""The gate: may this be done with that recording? Every verb that uses recordings of people asks here first.

`require` looks up what it needs (the card beside the recording, people's cards, the day) and raises if the answer
is no; `decide` is the decision alone, pure. Every rule runs and every reason is kept; the first names the code. What
this version cannot judge is refused. The rules are in `rules` and `rules_people`.

Not here: the blocks and the walk of a withdrawal, approvals and lineage; callers pass `reviewed` and `sources`.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from speech.collections import rules, rules_people, workspaces
from speech.collections.cards import find_card, load_card, load_person
from speech.collections.events import PERSON, Gate
from speech.collections.records import LEAVE, PUBLISH, SCOPES, TRAIN, Card, Person, expand
from speech.collections.rules import Question, Reason
from speech.errors import ConsentRefused, UsageFailure
from speech.files import shown

__all__ = [
    "OWN_USE",
    "PURPOSES",
    "Context",
    "Decision",
    "Item",
    "Reason",
    "answer",
    "basis_for",
    "decide",
    "gate_of",
    "item_of",
    "require",
    "today",
]

OWN_USE = "own use on this machine"
"""The basis that the command line states for recordings without a card."""
PURPOSES = ("archive", "commercial", "community", "education", "research")


def basis_for(purpose: str) -> str:
    """What the command line states for recordings without a card: own use, unless the purpose is another's."""
    return f"{purpose} use on this machine" if purpose == "commercial" else OWN_USE


_ORDER = (
    "CARD_INVALID WITHDRAWN BLOCKED_DERIVED RULING_REFUSED ACCESS_CLOSED ACCESS_STANDING ACCESS_PUBLISH LABEL_STOP LABEL_SEASON "
    "LABEL_PURPOSE MOURNING NO_CARD COLLECTION_DENIED COLLECTION_MISSING COLLECTION_SCOPE COMMUNITY_DENIED COMMUNITY_MISSING "
    "DECEASED_NO_RECORD SPEAKER_UNKNOWN PERSON_MISSING PERSON_DENIED PERSON_PENDING PERSON_CONDITIONAL PERSON_EXPIRED "
    "SCOPE_NOT_GRANTED BIOMETRIC_EXPLICIT CHILD_BIOMETRIC RECONSENT_DUE BASIS_INSUFFICIENT LICENCE_UNKNOWN LICENCE_PERMISSION "
    "LICENCE_BENEFIT LICENCE_NC LICENCE_ND LICENCE_SA EMBARGO PURPOSE PLACE RETENTION REVIEW_DUE DERIVED_FORBIDS"
).split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What is to be used: a recording, a clip, or something made from recordings.

    With neither `card` nor `card_path`, `require` looks for a card beside `path`. `access`, `labels` and `licence`
    are those of the item's row in a manifest; they bind even where there is no card.
    """

    id: str
    path: Path | None = None
    card: Card | None = None
    card_path: Path | None = None
    card_sha256: str = ""
    """The hash that was recorded for the card; another one is `CARD_INVALID`."""
    card_fault: str = ""
    """Why the card cannot be used; filled by `require`."""
    sha256: str = ""
    access: str = ""
    labels: tuple[str, ...] = ()
    licence: str = ""
    speakers: tuple[str, ...] = ()
    """Person codes of those heard; "" among them, or none at all, is someone not known."""
    no_voice: bool = False
    """No human voice is in it (synthetic sound, text); to be said, never guessed."""
    people: tuple[Person, ...] = ()
    """Their cards; `require` reads them from the card's folder of people."""
    reviewed: bool = False
    """Whether those who asked to see it first have approved."""
    sources: tuple[Item, ...] = ()
    """What it was made from, each to be asked for the same scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Who asks, what for, where, and when.

    `basis` is stated for recordings without a card; `day` is the UTC day, None for today; `retention` is what a remote
    service keeps ("none" if nothing); `licence` is that of the thing to be published.
    """

    basis: str | None = None
    purpose: str = "research"
    standing: str = "anonymous"
    place: str = "local"
    retention: str = ""
    recipient: str = ""
    licence: str = ""
    day: datetime.date | None = None

    def __post_init__(self) -> None:
        for name, value, allowed in (("purpose", self.purpose, PURPOSES), ("standing", self.standing, rules.STANDINGS)):
            if value not in allowed:
                raise UsageFailure(
                    f"{name} {shown(value)}", "the consent gate does not know it", f"Choose {', '.join(allowed)}", "CONTEXT_UNKNOWN"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The gate's answer. `code` is OK, OK_UNCARDED, or the first of `reasons`; `duties` go with the result."""

    allowed: bool
    code: str
    item: str
    scope: str
    """The scope refused, or the first of those asked for."""
    scopes: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    people: tuple[str, ...] = ()
    """Codes of those who said no, or of those heard."""
    records: tuple[str, ...] = ()
    """Ids of the records that carry or bar it."""
    duties: tuple[str, ...] = ()
    basis: str = ""
    """As stated where there is no card, else that of the holder's record."""
    purpose: str = "research"
    collection: str = ""
    """The id of the card, where there is one."""


def item_of(recording: Path) -> Item:
    """A recording that nothing but its path is known of; `require` finds the card that speaks for it."""
    return Item(id=shown(recording), path=recording)


def require(scopes: Iterable[str], item: Item, *, context: Context) -> Decision:
    """Go on only if every scope is allowed; asked before a sample is decoded and before anything is written.

    Parameters
    ----------
    scopes : every scope the verb needs, or groups LOCAL, TRAIN, LEAVE, PUBLISH

    Returns
    -------
    The decision, with the duties that go with the result; `gate_of` gives its part of the ledger row.

    Raises
    ------
    ConsentRefused
        With scope, item, people (codes) and record; the code is that of the first reason. `gate_of` takes it, too.
    UsageFailure
        `SCOPE_UNKNOWN`: no scope, or one that does not exist.
    """
    decision = answer(scopes, item, context=context)
    if not decision.allowed:
        raise _refusal(decision)
    return decision


def answer(scopes: Iterable[str], item: Item, *, context: Context) -> Decision:
    """As `require`, with a refusal as the decision it is: for those who list what may be done, and for the ledger.

    Raises
    ------
    UsageFailure
        `SCOPE_UNKNOWN`.
    """
    asked = _scopes(scopes)
    whole = _looked_up(item)
    return decide(asked, whole, context=context if context.day else replace(context, day=today(whole)))


def decide(scopes: Iterable[str], item: Item, *, context: Context) -> Decision:
    """The decision for an item whose card is already at hand; pure. `context.day` must be given.

    Raises
    ------
    UsageFailure
        `SCOPE_UNKNOWN`, or `CONTEXT_UNKNOWN` without a day.
    """
    if context.day is None:
        raise UsageFailure("day", "the consent gate needs the day it decides for", "Give the day in the context", "CONTEXT_UNKNOWN")
    asked = _scopes(scopes)
    each = [_decide(scope, item, context, context.day) for scope in asked]
    first = next((d for d in each if not d.allowed), each[0])
    if not first.allowed:
        return replace(first, scopes=asked)
    records = tuple(dict.fromkeys(r for d in each for r in d.records))
    return replace(first, scopes=asked, records=records, duties=tuple(sorted({duty for d in each for duty in d.duties})))


def _scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    given = [scopes] if isinstance(scopes, str) else list(scopes)
    asked = expand(given)
    unknown = [s for s in asked if s not in SCOPES]
    if unknown or not asked or "ALL" in given:
        name = ", ".join(map(shown, unknown)) or ("ALL" if asked else "nothing")
        raise UsageFailure(
            "consent gate", f"it was asked for {name}, which is no scope", f"Choose from {', '.join(SCOPES)}", "SCOPE_UNKNOWN"
        )
    return asked


def _decide(scope: str, item: Item, context: Context, day: datetime.date) -> Decision:
    q = _question(scope, item, context, day)
    asked = (
        rules.card_valid,
        rules.withdrawn,
        rules.ruling_refused,
        rules.access,
        rules.labels,
        rules.no_card,
        rules.holder,
        rules.community,
        rules_people.people,
        rules.licence,
        rules.conditions,
    )
    found = [reason for rule in asked for reason in rule(q)]
    found += _sources(item, scope, context, day)
    reasons = tuple(sorted(found, key=lambda r: (r.rule, _ORDER.index(r.code))))
    if reasons:
        return _refused(q, reasons, context)
    granted = rules.granted(q)
    return Decision(
        allowed=True,
        code="OK" if item.card else "OK_UNCARDED",
        item=item.id,
        scope=scope,
        people=tuple(code for code in q.speakers if code),
        records=tuple(record.id for _, record in granted),
        duties=_duties(q),
        basis=granted[0][1].basis if granted and item.card else context.basis or "",
        purpose=context.purpose,
        collection=item.card.id if item.card else "",
    )


def _refused(q: Question, reasons: tuple[Reason, ...], context: Context) -> Decision:
    code = reasons[0].code
    return Decision(
        allowed=False,
        code=code,
        item=q.item,
        scope=q.scope,
        reasons=reasons,
        people=tuple(dict.fromkeys(p for r in reasons if r.code == code for p in r.people)),
        records=tuple(dict.fromkeys(r.record for r in reasons if r.code == code and r.record)),
        basis=context.basis or "",
        purpose=context.purpose,
        collection=q.card.id if q.card else "",
    )


def _question(scope: str, item: Item, context: Context, day: datetime.date) -> Question:
    silent = item.no_voice or (item.card is not None and item.card.synthetic)
    return Question(
        scope=scope,
        item=item.id,
        day=day,
        card=item.card,
        card_fault=item.card_fault,
        access=item.access,
        labels=item.labels,
        licence=item.licence,
        speakers=() if silent else item.speakers or ("",),
        people=item.people,
        reviewed=item.reviewed,
        ids=_names(item),
        basis=context.basis,
        purpose=context.purpose,
        standing=context.standing,
        place=context.place,
        retention=context.retention,
        recipient=context.recipient,
        out_licence=context.licence,
    )


def _names(item: Item) -> frozenset[str]:
    """Every name by which a card can mean the item: its id and hash, the file's name with and without suffix, its place below the card."""
    names = {item.id, item.sha256, Path(item.id).name, Path(item.id).stem}
    if item.path is not None:
        names |= {item.path.name, item.path.stem}
        root = workspaces.spoken_for(item.card_path.absolute()) if item.card_path else None
        if root is not None and item.path.absolute().is_relative_to(root):
            below = item.path.absolute().relative_to(root)
            names |= {below.as_posix(), (below.parent / below.stem).as_posix()}
    return frozenset(name for name in names if name)


def _sources(item: Item, scope: str, context: Context, day: datetime.date) -> Iterator[Reason]:
    """Rules 2 and 12 for what the item was made from; a card that names sources which were not handed over forbids."""
    if item.card is not None and item.card.derived_from and not item.sources:
        what = f"it was made from {', '.join(item.card.derived_from)}, whose cards were not looked at"
        yield Reason(rule=12, code="DERIVED_FORBIDS", what=what, mend="Use the sources themselves, or hand over their cards")
    for source in item.sources:
        answer = _decide(scope, source, context, day)
        if answer.code in ("WITHDRAWN", "BLOCKED_DERIVED"):
            what = f"it was made from {source.id}, which was withdrawn"
            yield Reason(rule=2, code="BLOCKED_DERIVED", what=what, mend="Make it anew without that source", people=answer.people)
        elif not answer.allowed:
            what = f"its source {source.id} forbids it ({answer.code})"
            yield Reason(rule=12, code="DERIVED_FORBIDS", what=what, mend="Make it anew without that source", people=answer.people)


def _duties(q: Question) -> tuple[str, ...]:
    """What goes with the result of an allowed scope; COLUMNS of the gate's table, one line each."""
    names, labels = rules.licences(q), {label.code for label in rules.labels_of(q)}
    train, leave, publish = q.scope in TRAIN, q.scope in LEAVE, q.scope in PUBLISH
    credited = any(n.startswith("cc-by") or n in ("mit", "apache-2.0") for n in names) or not labels.isdisjoint({"tka", "tkcr", "bcp"})
    closed = any("-nc" in n for n in names) or not labels.isdisjoint({"tknc", "bcnc"})
    due = {
        "attribution": (train or publish or q.scope in ("export_text", "export_audio")) and credited,
        "noncommercial": (train or leave or publish) and closed,
        "share_alike": publish and any("-sa" in n for n in names),
        "benefit_report": (train or leave or publish) and "noodl" in names,
        "log_recipient": leave,
        "inherit": train or q.scope in ("train_tts", "synthesise_voice"),
        "mark_synthetic": q.scope == "synthesise_voice",
        "reconsent": rules_people.reconsent_due(q),
    }
    return tuple(sorted(duty for duty, is_due in due.items() if is_due))


def _refusal(decision: Decision) -> ConsentRefused:
    first = decision.reasons[0]
    return ConsentRefused(
        where=decision.item,
        what=f"refused: {decision.scope}. {_sentence(first.what)}. Nothing was written",
        mend=first.mend,
        code=decision.code,
        scope=decision.scope,
        item=decision.item,
        people=decision.people,
        record=first.record,
    )


def _sentence(text: str) -> str:
    # Codes and paths keep their letters: only a word of ours is given a capital.
    return text[:1].upper() + text[1:] if text.split(" ")[0].isalpha() else text


def gate_of(outcome: Decision | ConsentRefused) -> Gate:
    """The gate's part of a ledger row, for a decision or for the refusal that was raised."""
    if isinstance(outcome, ConsentRefused):
        records = (outcome.record,) if outcome.record else ()
        return Gate(scope=outcome.scope, decision="refuse", code=outcome.code, records=records, people=_codes(outcome.people))
    return Gate(
        scope=outcome.scope,
        decision="allow" if outcome.allowed else "refuse",
        code=outcome.code,
        records=outcome.records,
        people=_codes(outcome.people),
        duties=outcome.duties,
        basis=outcome.basis,
    )


def _codes(people: Iterable[str]) -> tuple[str, ...]:
    # Labels of a recording ("yor_s1") are not person codes and stay out of the ledger.
    return tuple(dict.fromkeys(code for code in people if PERSON.fullmatch(code)))


def today(item: Item | None = None) -> datetime.date:
    """The UTC day the gate goes by: the later of the clock and the newest ledger event, so that a clock set back revives nothing.

    For an item that no card, label or person dates anything for, the ledger is not opened.
    """
    clock = datetime.datetime.now(datetime.UTC).date()
    if item is not None and item.card is None and not item.labels and not item.people and not item.sources:
        return clock
    from speech.collections.ledger import latest_day

    return max(clock, latest_day() or clock)


def _looked_up(item: Item) -> Item:
    """The item with its card and the cards of those heard; a card that cannot be used becomes `card_fault`."""
    try:
        path = item.card_path
        if item.card is None and path is None and item.path is not None:
            path = find_card(item.path)
        card = load_card(path) if item.card is None and path is not None else item.card
        people = item.people or (_people(item.speakers, card, path) if card and path else ())
    except ConsentRefused as refusal:
        return replace(item, card_fault=f"{refusal.where}: {refusal.what}")
    if card is not None and item.card_sha256 and card.sha256 != item.card_sha256:
        return replace(item, card=card, card_path=path, card_fault=f"{card.id}: the card is not the one whose hash was recorded")
    return replace(item, card=card, card_path=path, people=people, sources=tuple(_looked_up(source) for source in item.sources))


def _people(speakers: Iterable[str], card: Card, path: Path) -> tuple[Person, ...]:
    if not card.people_folder:
        return ()
    root = path.parent.resolve()
    folder = (root / card.people_folder).resolve()
    if not folder.is_relative_to(root) or not folder.is_dir():
        raise ConsentRefused(
            shown(path), "its folder of people is not there, or not below the card", "Put the people's cards there", "CARD_INVALID"
        )
    found = []
    for code in dict.fromkeys(speakers):
        file = folder / f"{code}.person.toml"
        if PERSON.fullmatch(code) and os.path.lexists(file):
            person = load_person(file)
            if person.code != code:
                raise ConsentRefused(shown(file), f"the card speaks of {person.code}", "Name the file by the code in it", "CARD_INVALID")
            found.append(person)
    return tuple(found)
