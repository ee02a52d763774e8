"""The table of gate decisions: each row becomes cards and a question, and the answer is compared with what was written by hand."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speech.collections.cards import check_card, check_person
from speech.collections.consent import Context, Decision, Item, decide
from speech.collections.records import LOCAL, Card, Label, Person

DAY = datetime.date(2026, 7, 15)
ITEM = "item-1"
ROWS = Path("consent") / "cases.csv"


def iso(days: int) -> str:
    return (DAY + datetime.timedelta(days=days)).isoformat()


SHIFT = {"future": 30, "today": 0, "past": -1}


def others_scope(scope: str) -> str:
    """A scope of another kind, for records that name others only."""
    return "train_asr" if scope in LOCAL else "play"


def record(ident: str, decision: str, scope: str, basis: str, conditions: Mapping[str, Any] | None = None, **more: str) -> dict[str, Any]:
    raw: dict[str, Any] = {
        "id": ident,
        "decision": decision,
        "scopes": [scope],
        "basis": "written" if basis in ("na", "none") else basis,
        "given_by": "self",
        "given_on": iso(-400),
        "recorded_by": "custodian",
        **more,
    }
    if raw["basis"] == "oral_recorded":
        raw["evidence"] = {"kind": "recording", "sha256": "0" * 64}
    if conditions:
        raw["conditions"] = dict(conditions)
    return raw


def labels(row: Mapping[str, str]) -> list[dict[str, Any]]:
    found = []
    for code in row["labels"].split(";"):
        if code in ("none", "unknown_label"):
            continue
        label: dict[str, Any] = {"code": code, "set_by": "the council", "as_of": iso(-300)}
        if code == "tks":
            month = DAY.month if row["season"] == "in" else DAY.month % 12 + 1
            label["months"] = [month]
        found.append(label)
    return found


def rulings(row: Mapping[str, str]) -> list[dict[str, Any]]:
    if row["ruling"] == "none":
        return []
    codes = [c for c in row["labels"].split(";") if c not in ("none", "unknown_label")]
    ruling = {
        "id": "ruling-1",
        "decision": "refuse" if row["ruling"] == "refuse" else "allow",
        "scopes": [others_scope(row["scope"]) if row["ruling"] == "other_scope" else row["scope"]],
        "lifts": ["ACCESS_CLOSED", "ACCESS_PUBLISH", "LABEL_STOP", "LABEL_SEASON", "MOURNING", "PERSON_CONDITIONAL", "LICENCE_PERMISSION"],
        "labels": codes,
        "items": [ITEM],
        "authority": "someone else" if row["ruling"] == "wrong_authority" else "the council",
        "given_on": iso(-10),
        "recorded_by": "custodian",
    }
    if row["ruling"] == "expired":
        ruling["expires"] = iso(0)
    return [ruling]


def card(row: Mapping[str, str]) -> Card:
    scope = row["scope"]
    conditions: dict[str, Any] = {}
    if row["embargo"] != "none":
        conditions["embargo_until"] = iso(SHIFT[row["embargo"]])
    if row["place"] == "listed":
        conditions["places"] = ["the cluster"]
    named = scope if row["coll_scope"] != "not_named" else others_scope(scope)
    licence = {"id": row["licence"], "attribution": "credit", "terms": "as deposited", "reference": "agreement"}
    community: dict[str, Any] = {"consent_required": False, "why_not": "not asked for"}
    if row["community"] != "not_required":
        records = [] if row["community"] == "missing" else [record("council:1", row["community"], scope, "community_protocol")]
        community = {"consent_required": True, "communities": [{"id": "valley", "authority": "the council", "consent": records}]}
    raw = {
        "schema_version": 1,
        "id": "cases",
        "title": "A case",
        "languages": [{"iso639_3": "qaa"}],
        "holder": {"name": "An archive", "kind": "archive"},
        "source": {"reference": "made in a test"},
        "access": {"class": row["access"]},
        "licence": licence,
        "community": community,
        "people": {"rule": row["person_rule"]},
        "labels": labels(row),
        "rulings": rulings(row),
        "consent": [record("holder:1", row["coll_decision"], named, row["coll_basis"], conditions)],
        "benefit": {"agreed": row["benefit"] == "agreed"},
        "synthetic": row["speakers"] == "none",
    }
    built = check_card(raw, "case")
    if "unknown_label" in row["labels"].split(";"):  # past the schema, which knows only known ones
        built = replace(built, labels=(*built.labels, Label(code="xx_new", set_by="the council")))
    return built


def people(row: Mapping[str, str]) -> tuple[Person, ...]:
    if row["speakers"] != "known":
        return ()
    first = {"schema_version": 1, "code": "CA-01", "collection": "cases", "consent": first_records(row)}
    if row["person_age"] in ("child", "came_of_age"):
        first |= {"age_band": "child", "minor": {"reconsent_on": iso(300 if row["person_age"] == "child" else -1)}}
    if row["person_life"] in ("alive", "deceased"):
        first["life"] = row["person_life"]
    if row["mourning"] == "yes":
        first["mourning_until"] = iso(30)
    person = check_person(first, "person")
    basis = row["person_basis"]
    if basis in ("guardian", "heir") and row["scope"] in ("voiceprint", "train_tts", "synthesise_voice"):  # past the schema
        person = replace(person, records=tuple(replace(r, basis=basis) for r in person.records))
    return (person, *second(row))


def first_records(row: Mapping[str, str]) -> list[dict[str, Any]]:
    if row["person_decision"] in ("none", "na"):
        return []
    scope, basis = row["scope"], row["person_basis"]
    conditions: dict[str, Any] = {}
    if row["purposes"] != "any":
        conditions["purposes"] = row["purposes"].split(";")
    if row["review"] != "not_required":
        conditions["review_before_publish"] = True
    if row["place"] == "listed":
        conditions["places"] = ["the cluster"]
    if row["retention"] != "na":
        conditions["remote_no_retention"] = True
    if row["person_decision"] == "conditional":
        conditions["other"] = "only if the family agrees"
    more = {} if row["expiry"] == "none" else {"expires": iso(SHIFT[row["expiry"]])}
    named = scope if row["person_scope"] != "not_named" else others_scope(scope)
    voice = scope in ("voiceprint", "train_tts", "synthesise_voice")
    kept = "written" if voice and basis in ("guardian", "heir") else basis
    return [record("ca-01:1", row["person_decision"], named, kept, conditions, **more)]


def second(row: Mapping[str, str]) -> tuple[Person, ...]:
    said = {"agree": "granted"}.get(row["others"], row["others"])
    records = [] if said == "missing" else [record("ca-02:1", said, row["scope"], "written")]
    if records and row["place"] == "listed":
        records[0]["conditions"] = {"places": ["the cluster"]}
    return (check_person({"schema_version": 1, "code": "CA-02", "collection": "cases", "consent": records}, "person"),)


def item(row: Mapping[str, str]) -> Item:
    if row["card"] == "absent":
        codes = tuple(c for c in row["labels"].split(";") if c != "none")
        return Item(id=ITEM, access=row["access"], labels=codes)
    heard = people(row)
    made = Item(id=ITEM, card=card(row), people=heard, speakers=tuple(p.code for p in heard), reviewed=row["review"] == "done")
    if row["card"] == "invalid":
        made = replace(made, card_fault="the card breaks its schema")
    if row["derived"] != "none":
        made = replace(made, sources=(source(row),))
    return made


def source(row: Mapping[str, str]) -> Item:
    """What the item was made from: the same collection, with a speaker who said what the row states."""
    said = {"sources_allow": "granted", "source_forbids": "denied", "source_withdrawn": "withdrawn"}[row["derived"]]
    raw = record("ca-03:1", said, row["scope"], "written")
    voice = check_person({"schema_version": 1, "code": "CA-03", "collection": "cases", "consent": [raw]}, "person")
    return Item(id="source-1", card=replace(card(row), synthetic=False), people=(voice,), speakers=("CA-03",))


def context(row: Mapping[str, str]) -> Context:
    out = {"same": row["licence"], "other": "cc-by-4.0", "na": ""}[row["out_licence"]]
    return Context(
        basis="own use on this machine" if row["statement"] == "yes" else None,
        purpose=row["purpose"],
        standing=row["actor"],
        place={"local": "local", "listed": "the cluster", "elsewhere": "another cluster"}[row["place"]],
        retention={"none": "none", "kept": "kept", "unknown": "", "na": ""}[row["retention"]],
        licence=out,
        day=DAY,
    )


def answer(row: Mapping[str, str]) -> Decision:
    return decide([row["scope"]], item(row), context=context(row))


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[dict[str, str]]:
    with (shared / ROWS).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_of_the_table_is_decided_as_written(rows: list[dict[str, str]]) -> None:
    wrong = []
    for row in rows:
        found = answer(row)
        got = ("allow" if found.allowed else "refuse", found.code, ";".join(found.duties) or "none")
        if got != (row["expect"], row["code"], ";".join(sorted(row["duties"].split(";")))):
            wrong.append(f"{row['id']}: {got}, written {row['expect']} {row['code']} {row['duties']}")
    assert len(rows) >= 157
    assert wrong == []
