"""The rules of the gate, one function a rule, in the order of their numbers: each gives the reasons to refuse one scope.

Pure: everything asked about lies in `Question`. `consent` asks them all, keeps all reasons and names the first.
What a rule cannot judge it refuses, with the nearest code.

 1 card   2 withdrawn   3 ruling   4 access   5 labels, mourning   6 no card   7 holder   8 community
 9 people (`rules_people`)   10 licence   11 conditions   12 what it was made from (`consent`)
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from speech.collections.records import LEAVE, LOCAL, PUBLISH, TRAIN, VOICE, Card, Community, Label, Person, Record

CLASSES = ("open", "registered", "academic", "community", "request", "closed")
"""Access classes, the strictest last."""

_PASSES = {
    "anonymous": {"open"},
    "registered": {"open", "registered"},
    "academic": {"open", "registered", "academic"},
    "community": {"open", "community"},
    "approved": {"open", "registered", "academic", "community", "request"},
    "custodian": {"open", "registered", "academic", "community", "request"},
}
STANDINGS = tuple(_PASSES)

_STOP_ALL = frozenset({"tkss", "tkmr", "tkwr"})
_STOP_BEYOND_LOCAL = frozenset({"tkcs", "tkwg", "tkmg", "tkcl", "tkf", "tkco", "tkmc", "tknv", "bccl", "bcmc", "bccnv", "n_tk", "n_bc"})
_FOR_PURPOSES = {
    "tknc": frozenset({"community", "education", "research", "archive"}),
    "bcnc": frozenset({"community", "education", "research", "archive"}),
    "tko": frozenset({"education", "community"}),
    "bco": frozenset({"education", "community"}),
    "bcr": frozenset({"research", "community"}),
}
_HARMLESS = frozenset({"tka", "tkcr", "bcp", "tkv", "tkcv", "tkcb", "tkoc", "bccv", "bccb", "bcoc", "n_collaborate"})
_KNOWN_LABELS = _STOP_ALL | _STOP_BEYOND_LOCAL | _HARMLESS | set(_FOR_PURPOSES) | {"tks", "n_attribution"}

_FULL_BASES = frozenset({"written", "oral_recorded", "community_protocol", "public_licence", "guardian", "heir"})
_VOICE_BASES = frozenset({"written", "oral_recorded"})
STANDS_FOR_ALL = frozenset({"public_licence", "community_protocol"})
"""Bases that may stand for speakers without a record, where the card says `rule = "collection"`."""

_KNOWN_LICENCES = frozenset({"cc0-1.0", "mit", "apache-2.0", "kaitiakitanga", "noodl", "archive_terms"})
_ASK = "Ask the authority that set the label for a ruling"
_WEIGHT = {"granted": 0, "conditional": 1, "pending": 2, "denied": 3, "withdrawn": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason to refuse: which rule, its code, what was found, and whose answer or which record it is."""

    rule: int
    code: str
    what: str
    mend: str
    people: tuple[str, ...] = ()
    record: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One scope asked for one item: all that the rules may look at."""

    scope: str
    item: str
    day: datetime.date
    card: Card | None = None
    card_fault: str = ""
    access: str = ""
    labels: tuple[str, ...] = ()
    licence: str = ""
    speakers: tuple[str, ...] = ("",)
    """Codes of those heard; "" is someone not known; empty means no human voice."""
    people: tuple[Person, ...] = ()
    reviewed: bool = False
    ids: frozenset[str] = field(default_factory=frozenset)
    """Every name the item goes by in cards: its id, its hash, its file's name."""
    basis: str | None = None
    purpose: str = "research"
    standing: str = "anonymous"
    place: str = "local"
    retention: str = ""
    recipient: str = ""
    out_licence: str = ""

    @property
    def local(self) -> bool:
        """Whether the scope stays with the holder, on this machine."""
        return self.scope in LOCAL

    @property
    def voice(self) -> bool:
        """Whether the scope takes a person's voice."""
        return self.scope in VOICE

    def heard(self) -> Iterator[Person]:
        """Those speakers that a person's card is known of."""
        for person in self.people:
            if person.code in self.speakers:
                yield person

    def asked(self) -> Iterator[tuple[str, tuple[Record, ...]]]:
        """Everyone whose records bear on this item: the holder, the communities, the people heard."""
        if self.card:
            yield "the holder", self.card.records
            for community in self._communities():
                yield f"community {community.id}", community.records
        for person in self.heard():
            yield person.code, person.records

    def _communities(self) -> tuple[Community, ...]:
        return self.card.communities if self.card else ()


def latest(records: Iterable[Record], scope: str, day: datetime.date) -> Record | None:
    """The answer that counts for a scope: the latest; on the same day the stricter. Those not yet in force count for nothing."""
    named = [r for r in records if scope in r.scopes and max(r.given_on, r.valid_from or r.given_on) <= day]
    return max(named, key=lambda r: (r.given_on, _WEIGHT[r.decision]), default=None)


def expired(record: Record, day: datetime.date) -> bool:
    """Whether a record no longer holds; the day in `expires` is the first without it."""
    after = record.conditions.delete_after
    return (record.expires is not None and day >= record.expires) or (after is not None and day > after)


def sufficient(basis: str, scope: str) -> bool:
    """Whether a person's record on this basis covers a scope of this kind."""
    if scope in LOCAL:
        return True
    return basis in (_VOICE_BASES if scope in VOICE else _FULL_BASES)


def sufficient_of_holder(basis: str, scope: str) -> bool:
    """The same for the holder and for a community: for voices, their side may rest on a licence or a protocol."""
    return sufficient(basis, scope) or (scope in VOICE and basis in STANDS_FOR_ALL)


def lifted(q: Question, code: str, label: Label | None = None) -> bool:
    """Whether a ruling in force allows this item and scope in spite of `code`; a label only by the authority that set it."""
    for ruling in q.card.rulings if q.card else ():
        if ruling.decision != "allow" or code not in ruling.lifts or not _binds(q, ruling.items, ruling.scopes):
            continue
        if ruling.given_on > q.day or (ruling.expires is not None and q.day >= ruling.expires):
            continue
        if label is None or (label.set_by and label.code in ruling.labels and label.set_by == ruling.authority):
            return True
    return False


def _binds(q: Question, items: frozenset[str], scopes: frozenset[str]) -> bool:
    return q.scope in scopes and ("*" in items or not items.isdisjoint(q.ids))


def card_valid(q: Question) -> Iterator[Reason]:
    """Rule 1."""
    if q.card_fault:
        yield Reason(rule=1, code="CARD_INVALID", what=q.card_fault, mend="Correct the card; an invalid card is not an absent one")


def withdrawn(q: Question) -> Iterator[Reason]:
    """Rule 2: the holder's, a community's or any speaker's withdrawal. Nothing lifts it."""
    for who, records in q.asked():
        answer = latest(records, q.scope, q.day)
        if answer is not None and answer.decision == "withdrawn":
            person = _code(who)
            yield Reason(
                rule=2,
                code="WITHDRAWN",
                what=f"{who} withdrew it on {answer.given_on} (record {answer.id})",
                mend=_only(who),
                people=person,
                record=answer.id,
            )


def _code(who: str) -> tuple[str, ...]:
    return () if who == "the holder" or who.startswith("community ") else (who,)


def _only(who: str) -> str:
    return f"Only a new record from {who} changes this" + (f": ask, and write the answer into {who}.person.toml" if _code(who) else "")


def ruling_refused(q: Question) -> Iterator[Reason]:
    """Rule 3."""
    for ruling in q.card.rulings if q.card else ():
        over = ruling.expires is not None and q.day >= ruling.expires
        if ruling.decision == "refuse" and ruling.given_on <= q.day and not over and _binds(q, ruling.items, ruling.scopes):
            what = f"the authority was asked and said no on {ruling.given_on} (ruling {ruling.id})"
            yield Reason(
                rule=3, code="RULING_REFUSED", what=what, mend="Only a new ruling of that authority changes this", record=ruling.id
            )


def access(q: Question) -> Iterator[Reason]:
    """Rule 4: the stricter of what the card and the row of the manifest say."""
    said = [c for c in (q.access, _card_access(q)) if c]
    kind = max(said, key=lambda c: CLASSES.index(c) if c in CLASSES else len(CLASSES), default="open")
    allowed = _PASSES.get(q.standing, set())
    if kind == "closed" or kind not in CLASSES:
        if q.standing != "custodian" or not lifted(q, "ACCESS_CLOSED"):
            yield Reason(rule=4, code="ACCESS_CLOSED", what=f"the item is closed (class {kind})", mend="Ask the custodian for a ruling")
    elif kind not in allowed:
        what = f"the item is for those of class {kind}, and the standing here is {q.standing}"
        yield Reason(rule=4, code="ACCESS_STANDING", what=what, mend="Ask the holder for access, then say so")
    if q.scope in PUBLISH and kind != "open" and not lifted(q, "ACCESS_PUBLISH"):
        yield Reason(rule=4, code="ACCESS_PUBLISH", what=f"an item of class {kind} is not published", mend="Ask the holder for a ruling")


def _card_access(q: Question) -> str:
    """The class the card gives the item; of several names of the item that the card lists, the strictest."""
    if q.card is None:
        return ""
    named = [q.card.item_access[name] for name in q.ids if name in q.card.item_access]
    return max(named, key=CLASSES.index, default=q.card.access)


def labels_of(q: Question) -> tuple[Label, ...]:
    """The labels that bind the item: the card's for all or for it, and those on its row."""
    of_card = tuple(x for x in (q.card.labels if q.card else ()) if not x.items or not x.items.isdisjoint(q.ids))
    known = {label.code for label in of_card}
    return of_card + tuple(Label(code=code) for code in q.labels if code not in known)


def labels(q: Question) -> Iterator[Reason]:
    """Rule 5: labels, and mourning."""
    for label in labels_of(q):
        code = label.code
        stops = code in _STOP_ALL or code not in _KNOWN_LABELS
        stops |= code in _STOP_BEYOND_LOCAL and not q.local
        stops |= code == "n_attribution" and q.scope in PUBLISH
        if stops and not lifted(q, "LABEL_STOP", label):
            yield Reason(rule=5, code="LABEL_STOP", what=f"the item carries label {code}", mend=_ASK)
        if code == "tks" and q.day.month not in label.months and not lifted(q, "LABEL_SEASON", label):
            yield Reason(rule=5, code="LABEL_SEASON", what="the item is seasonal and this is not its season", mend=_ASK)
        if code in _FOR_PURPOSES and q.purpose not in _FOR_PURPOSES[code]:
            what = f"label {code} does not allow the purpose {q.purpose}"
            yield Reason(rule=5, code="LABEL_PURPOSE", what=what, mend="State another purpose if it is another one")
    for person in q.heard():
        until = person.mourning_until
        if until is not None and q.day <= until and not lifted(q, "MOURNING"):
            what = f"{person.code} is mourned until {until}"
            yield Reason(rule=5, code="MOURNING", what=what, mend="Wait, or ask the family for a ruling", people=(person.code,))


def no_card(q: Question) -> Iterator[Reason]:
    """Rule 6."""
    if q.card is None and not q.card_fault and not (q.local and q.basis):
        what = "no card speaks for it" if not q.local else "no card speaks for it and no basis was stated"
        mend = "Write a card beside the recordings (speech consent record FOLDER asks what it needs)" + (
            ", or state a basis" if q.local else "; a stated basis covers local use only"
        )
        yield Reason(rule=6, code="NO_CARD", what=what, mend=mend)


def holder(q: Question) -> Iterator[Reason]:
    """Rule 7."""
    if q.card is None:
        return
    answer = latest(q.card.records, q.scope, q.day)
    if answer is None:
        granted = any(r.decision == "granted" and not expired(r, q.day) for r in q.card.records)
        code = "COLLECTION_SCOPE" if granted else "COLLECTION_MISSING"
        yield Reason(rule=7, code=code, what="the holder's records do not name it", mend=_only("the holder"))
    elif answer.decision == "denied":
        yield _of(answer, 7, "COLLECTION_DENIED", f"the holder said no on {answer.given_on}", "the holder")
    elif answer.decision != "granted":
        if answer.decision != "withdrawn":  # which rule 2 names
            yield _of(answer, 7, "COLLECTION_MISSING", f"the holder's answer is {answer.decision}", "the holder")
    elif expired(answer, q.day):
        yield _of(answer, 7, "COLLECTION_MISSING", "the holder's record has ended", "the holder")
    elif not sufficient_of_holder(answer.basis, q.scope):
        yield _of(answer, 7, "BASIS_INSUFFICIENT", f"the holder's record rests on {answer.basis}, which does not cover this", "the holder")


def community(q: Question) -> Iterator[Reason]:
    """Rule 8: every community listed, where the card says that they must agree."""
    if q.card is None or not q.card.community_required:
        return
    for one in q.card.communities:
        who = f"community {one.id}"
        answer = latest(one.records, q.scope, q.day)
        if answer is None:
            yield Reason(rule=8, code="COMMUNITY_MISSING", what=f"{who} has not answered", mend=_only(who))
        elif answer.decision == "denied":
            yield _of(answer, 8, "COMMUNITY_DENIED", f"{who} said no on {answer.given_on}", who)
        elif answer.decision in ("pending", "conditional"):
            yield _of(answer, 8, "COMMUNITY_MISSING", f"the answer of {who} is {answer.decision}", who)
        elif answer.decision == "granted" and (expired(answer, q.day) or not sufficient_of_holder(answer.basis, q.scope)):
            yield _of(answer, 8, "COMMUNITY_MISSING", f"the record of {who} has ended or does not cover this", who)


def _of(record: Record, rule: int, code: str, what: str, who: str) -> Reason:
    return Reason(rule=rule, code=code, what=f"{what} (record {record.id})", mend=_only(who), record=record.id, people=_code(who))


def licences(q: Question) -> tuple[str, ...]:
    """Licences that bind: the card's, and the row's where it states one."""
    return tuple(dict.fromkeys(x for x in (q.card.licence if q.card else "", q.licence) if x))


def licence(q: Question) -> Iterator[Reason]:
    """Rule 10."""
    for name in licences(q):
        if "-nc" in name and q.purpose == "commercial":
            yield _licence("LICENCE_NC", f"{name} allows no commercial purpose", "State another purpose if it is another one")
        if q.local:
            continue
        if name not in _KNOWN_LICENCES and not name.startswith("cc-by") and not _offered_for_research(q):
            yield _licence("LICENCE_UNKNOWN", "no licence is stated", "Ask the holder, and write it on the card")
        permission = name == "kaitiakitanga" or (name == "archive_terms" and q.scope not in TRAIN)
        if permission and not lifted(q, "LICENCE_PERMISSION"):
            yield _licence("LICENCE_PERMISSION", f"{name} asks for permission first", "Ask the holder, and record the ruling")
        if name == "noodl" and not (q.card and q.card.benefit_agreed):
            yield _licence(
                "LICENCE_BENEFIT", "noodl asks for an agreement on benefit", "Agree with the community, and record it on the card"
            )
        if "-nd" in name and q.scope in ("publish_text", "publish_model"):
            yield _licence("LICENCE_ND", f"{name} allows only verbatim copies", "Publish the recording itself, or ask the licensor")
        if "-sa" in name and q.scope in PUBLISH and q.out_licence != name:
            stated = q.out_licence or "not stated"
            yield _licence(
                "LICENCE_SA", f"what is made of it is published under {name} only, and its licence is {stated}", f"Publish under {name}"
            )


def _offered_for_research(q: Question) -> bool:
    """Whether the makers offer it in public for research, without naming a licence: then a model may learn from it, and that alone.

    What was offered stands in the holder's record, which names the scope and binds it to purposes; the offer stands in place of the
    licence that is not there. A record on another basis does not: who signed for a collection cannot say what its licence is.
    """
    answer = latest(q.card.records, q.scope, q.day) if q.card and q.scope in TRAIN else None
    return answer is not None and answer.basis == "public_licence" and answer.conditions.purposes == {"research"}


def _licence(code: str, what: str, mend: str) -> Reason:
    return Reason(rule=10, code=code, what=what, mend=mend)


def granted(q: Question) -> tuple[tuple[str, Record], ...]:
    """The records that carry the scope, with whose they are: what conditions and the ledger row come from."""
    found = ((who, latest(records, q.scope, q.day)) for who, records in q.asked())
    return tuple((who, r) for who, r in found if r is not None and r.decision in ("granted", "conditional"))


def conditions(q: Question) -> Iterator[Reason]:
    """Rule 11: what those who agreed asked for."""
    records = granted(q)
    listed = any(q.place in r.conditions.places for _, r in records)
    if q.place != "local" and not listed:
        yield Reason(
            rule=11, code="PLACE", what=f"{q.place} is not among the places agreed", mend="Run it on this machine, or ask for that place"
        )
    for who, record in records:
        yield from _conditions(q, who, record, listed)


def _conditions(q: Question, who: str, record: Record, listed: bool) -> Iterator[Reason]:
    asked = record.conditions
    if not q.local and asked.embargo_until is not None and q.day <= asked.embargo_until:
        yield _of(record, 11, "EMBARGO", f"only local work is allowed up to {asked.embargo_until}", who)
    if asked.purposes and q.purpose not in asked.purposes:
        yield _of(record, 11, "PURPOSE", f"{who} agreed to {', '.join(sorted(asked.purposes))}, not to {q.purpose}", who)
    if asked.months and q.day.month not in asked.months:
        yield _of(record, 11, "EMBARGO", f"{who} agreed for other months of the year", who)
    if listed and asked.places and q.place not in asked.places:
        yield _of(record, 11, "PLACE", f"{who} did not agree to {q.place}", who)
    if q.scope in (*LEAVE, *PUBLISH) and asked.recipients and q.recipient not in asked.recipients:
        yield _of(record, 11, "PLACE", f"{who} agreed to other recipients", who)
    if q.scope == "transcribe_remote" and asked.remote_no_retention and q.retention != "none":
        yield _of(record, 11, "RETENTION", f"the service keeps what it is sent, or does not say (kept: {q.retention or 'not stated'})", who)
    review = asked.review_before_publish and q.scope in PUBLISH
    # NAMES_DUE has no place in the ledger's schema yet; an unread list of names is a review that is due.
    names = asked.names_hidden and q.scope in (*LEAVE, *PUBLISH)
    if (review or names) and not q.reviewed:
        yield _of(record, 11, "REVIEW_DUE", f"{who} asked to see it first", who)
