"""The cards and manifests that come with the program: true to their schema, to each other, and to the speech they speak of."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from speech.collections.cards import check_card, load_card
from speech.collections.consent import Context, Item, decide
from speech.collections.manifest import read_manifest, write_manifest
from speech.collections.manifest_checks import check_splits
from speech.collections.records import LEAVE, LOCAL, PUBLISH, SCOPES, TRAIN, VOICE
from speech.files import sha256_of

FOLDER = Path(__file__).resolve().parents[2] / "data_manifests"
CARDS = sorted(FOLDER.glob("*.card.toml"))
IDS = [path.name.removesuffix(".card.toml") for path in CARDS]
TRAINED = {"amh_azime", "bre_roadennou", "kin_ishimwe", "mlg_dimbyr_f", "mlg_dimbyr_m", "que_killkan", "swh_gitau", "yor_ogun"}

RESEARCH = sorted((FOLDER / "research").glob("*.card.toml"))

cards = pytest.mark.parametrize("path", CARDS, ids=IDS)
research = pytest.mark.parametrize("path", RESEARCH, ids=[path.name.removesuffix(".card.toml") for path in RESEARCH])
all_cards = pytest.mark.parametrize("path", [*CARDS, *RESEARCH], ids=lambda path: path.name.removesuffix(".card.toml"))


def test_every_trained_collection_has_a_card_and_a_manifest_and_they_are_small() -> None:
    assert set(IDS) >= TRAINED | {"chr_feeling"}
    assert {p.name for p in FOLDER.iterdir()} == {"research"} | {f"{i}.{kind}" for i in IDS for kind in ("card.toml", "jsonl")}
    assert sum(p.stat().st_size for p in FOLDER.rglob("*.*")) < 4_000_000


@all_cards
def test_a_card_tells_what_its_manifest_holds(path: Path) -> None:
    card, manifest = load_card(path), read_manifest(path.with_name(path.name.replace(".card.toml", ".jsonl")))
    told = card.raw["manifest"]
    assert manifest.path is not None
    assert card.id == path.name.removesuffix(".card.toml")
    assert (told["rows"], told["sha256"]) == (len(manifest.rows), sha256_of(manifest.path))
    assert told["splits"] == Counter(row.split for row in manifest.rows)
    assert {row.language for row in manifest.rows} == {language["iso639_3"] for language in card.raw["languages"]}
    assert abs(told["hours"] - sum(row.extra["duration_ms"] for row in manifest.rows) / 3_600_000) < 0.001
    assert check_splits(manifest, told["split_by"]) is not None  # raises where audio is in two splits


@all_cards
def test_a_manifest_is_written_as_it_stands_and_holds_no_text(path: Path, tmp_path: Path) -> None:
    manifest = read_manifest(path.with_name(path.name.replace(".card.toml", ".jsonl")))
    assert manifest.path is not None
    write_manifest(manifest, tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == manifest.path.read_bytes()
    assert all(row.text is None and row.text_sha256 and row.sha256 for row in manifest.rows)


@cards
def test_training_and_publishing_are_allowed_with_credit_and_no_voice_is(path: Path) -> None:
    card = load_card(path)
    context = Context(day=load_day(card.raw["updated"]), licence="apache-2.0")
    allowed = {scope for scope in SCOPES if decide([scope], Item(id="clip", card=card), context=context).allowed}
    assert allowed == {*LOCAL, *TRAIN, *LEAVE, *PUBLISH}
    voices = {decide([scope], Item(id="clip", card=card), context=context).code for scope in VOICE}
    assert voices == {"COLLECTION_SCOPE"}
    duties = decide(["publish_model"], Item(id="clip", card=card), context=context).duties
    assert duties == (() if card.licence == "cc0-1.0" else ("attribution",))
    assert card.attribution


@research
def test_what_is_offered_for_research_may_be_learnt_from_and_no_more(path: Path) -> None:
    card = load_card(path)
    day = load_day(card.raw["updated"])
    allowed = {
        scope for scope in SCOPES if decide([scope], Item(id="clip", card=card), context=Context(day=day, licence=card.licence)).allowed
    }
    assert allowed == {*LOCAL, *TRAIN}
    for purpose in ("commercial", "community"):
        assert decide(["train_asr"], Item(id="clip", card=card), context=Context(day=day, purpose=purpose)).code in (
            "PURPOSE",
            "LICENCE_NC",
        )


def test_without_a_licence_an_offer_counts_only_as_what_it_is() -> None:
    card = load_card(FOLDER / "research" / "mdw_mboshi.card.toml")
    assert card.licence == "unknown"
    raw = json.loads(json.dumps(dict(card.raw)))
    changes: tuple[dict[str, object], ...] = (
        {"basis": "written"},
        {"conditions": {}},
        {"conditions": {"purposes": ["research", "community"]}},
    )
    for change in changes:
        other = check_card({**raw, "consent": [{**raw["consent"][0], **change}]}, "spoiled")
        found = decide(["train_asr"], Item(id="clip", card=other, speakers=("EX-01",)), context=Context(day=load_day(card.raw["updated"])))
        assert "LICENCE_UNKNOWN" in {reason.code for reason in found.reasons}


def load_day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


@all_cards
def test_rows_are_those_of_the_shared_speech(path: Path, shared: Path) -> None:
    card, manifest = load_card(path), read_manifest(path.with_name(path.name.replace(".card.toml", ".jsonl")))
    (folder,) = (shared / "speech").glob(f"*/{card.id}")
    told = (folder / "manifest.tsv").read_text(encoding="utf-8").split("\n")[1:-1]
    assert len(told) == len(manifest.rows)
    for line, row in zip(told, manifest.rows, strict=True):
        audio, text, language, speaker, session, seconds, split = line.split("\t")
        assert (row.audio, row.language, row.session, row.split) == (audio, language, session, split)
        assert row.speaker == ("" if speaker == "unknown" else speaker)
        assert row.text_sha256 == hashlib.sha256(text.encode("utf-8")).hexdigest()
        assert row.extra["duration_ms"] == round(float(seconds) * 1000)
    assert manifest.rows[-1].sha256 == sha256_of(folder / manifest.rows[-1].audio)


@all_cards
def test_the_credit_line_is_the_one_its_makers_gave(path: Path, shared: Path) -> None:
    card = load_card(path)
    told = next((shared / "speech").glob(f"*/{card.id}/CARD.md")).read_text(encoding="utf-8")
    assert f"- Attribution line: {card.attribution}" in told
