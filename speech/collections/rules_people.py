"""Rule 9 of the gate: every speaker of the item, one reason each, the first that holds.

Someone without a record passes for local work by the holder's record, and beyond it only where the card says that
a public licence or a community protocol stands for all; never for the voice.
"""

from __future__ import annotations

from collections.abc import Iterator

from speech.collections.records import Person, Record
from speech.collections.rules import STANDS_FOR_ALL, Question, Reason, expired, latest, lifted, sufficient


def people(q: Question) -> Iterator[Reason]:
    """Rule 9: a reason for each speaker who does not carry the scope."""
    known = {person.code: person for person in q.people}
    for code in dict.fromkeys(q.speakers):
        person = known.get(code)
        if person is None or not person.records:
            yield from _without(q, code, person)
        else:
            yield from _with(q, person)


def reconsent_due(q: Question) -> bool:
    """Whether local work goes on for someone who came of age under a guardian's record."""
    answers = ((p, latest(p.records, q.scope, q.day)) for p in q.heard())
    return q.local and any(_of_age(q, p) and r is not None and r.basis == "guardian" for p, r in answers)


def _of_age(q: Question, person: Person) -> bool:
    return person.reconsent_on is not None and q.day >= person.reconsent_on


def _without(q: Question, code: str, person: Person | None) -> Iterator[Reason]:
    if q.card is None:
        return  # rule 6 has decided
    who = (code,) if code else ()
    if q.voice:
        what = f"a voice is taken only with its speaker's own record, and {code or 'the speaker'} has none"
        yield Reason(rule=9, code="BIOMETRIC_EXPLICIT", what=what, mend=_ask(code), people=who)
        return
    holders = latest(q.card.records, q.scope, q.day)
    by_collection = q.card.rule == "collection" and holders is not None and holders.basis in STANDS_FOR_ALL
    if q.local or by_collection:
        return
    if person is not None and person.deceased:
        yield Reason(rule=9, code="DECEASED_NO_RECORD", what=f"{code} has died and left no record", mend="Ask the heirs", people=who)
    elif not code:
        yield Reason(
            rule=9,
            code="SPEAKER_UNKNOWN",
            what="it is not known who speaks",
            mend="Label the speakers (one in all of it: speech manifest import FOLDER --speaker CODE), and record what each said",
        )
    else:
        yield Reason(rule=9, code="PERSON_MISSING", what=f"{code} has no record", mend=_ask(code), people=who)


def _ask(code: str) -> str:
    return (
        f"Only a record from {code} changes this: ask, and write it down with speech consent record FOLDER --person {code}"
        if code
        else "Find out who speaks, and ask"
    )


def _with(q: Question, person: Person) -> Iterator[Reason]:
    answer = latest(person.records, q.scope, q.day)
    code, what = _answer(q, person, answer)
    if code:
        record = answer.id if answer else ""
        said = f"{person.code} {what}" + (f" (record {record})" if record else "")
        mend = f"Only a new record from {person.code} changes this: ask, and write the answer into {person.code}.person.toml"
        yield Reason(rule=9, code=code, what=said, mend=mend, people=(person.code,), record=record)


def _answer(q: Question, person: Person, answer: Record | None) -> tuple[str, str]:
    """Code and words for what a person's latest answer lacks; two empty strings where it carries the scope."""
    if answer is None:
        return "BIOMETRIC_EXPLICIT" if q.voice else "SCOPE_NOT_GRANTED", "did not name it"
    if answer.decision == "denied":
        return "PERSON_DENIED", f"said no on {answer.given_on}"
    if answer.decision == "withdrawn":
        return "", ""  # rule 2 names it
    if answer.decision == "pending":
        return "PERSON_PENDING", "was asked and has not answered"
    if answer.decision == "conditional" and not lifted(q, "PERSON_CONDITIONAL"):
        return "PERSON_CONDITIONAL", "set a condition that no one has judged yet"
    ended = expired(answer, q.day) or (person.deceased and person.after_death == "ends")
    if ended:
        return "PERSON_EXPIRED", f"agreed until {answer.expires or 'death'}"
    return _age(q, person, answer)


def _age(q: Question, person: Person, answer: Record) -> tuple[str, str]:
    of_age = _of_age(q, person)
    if person.child and not of_age:
        if q.voice:
            return "CHILD_BIOMETRIC", "is a child, whose voice is never taken"
        if answer.basis != "guardian":
            return "BASIS_INSUFFICIENT", "is a child, and no guardian's record covers this"
    if of_age and answer.basis == "guardian" and not q.local:
        return "RECONSENT_DUE", "has come of age since the guardian agreed"
    if of_age and answer.basis != "guardian" and person.reconsent_on is not None and answer.given_on < person.reconsent_on:
        return "BASIS_INSUFFICIENT", "was a child when the record was made"
    if not sufficient(answer.basis, q.scope):
        return "BASIS_INSUFFICIENT", f"has a record that rests on {answer.basis}, which does not cover this"
    return "", ""
