"""Whose voice a checkpoint has: the card beside it, or kept for it, and the people in that card's folder.

A voice belongs to a person. The card of its folder says who holds it; the people whose cards lie in that card's folder of people are
taken to be those who can be heard in it, so that each must have agreed to `synthesise_voice`. A card that says `synthetic = true`
says that no person was recorded. Without a card nothing is spoken: a public licence never gives a voice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from speech.collections import consent
from speech.collections.cards import find_card, load_card
from speech.errors import ConsentRefused
from speech.models import hub

SCOPE = "synthesise_voice"
KEPT = "voices"
"""Below the user's folder of models: cards of voices whose own folder is a cache that is not written by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The item for the gate, and what the card says of licence and origin; empty where there is none, or it is wrong."""

    item: consent.Item
    licence: str = ""
    origin: str = ""


def kept_for(name: str) -> Path:
    """Where the card of a repository's voice may be kept on this machine."""
    return hub.user_folder() / KEPT / name.replace("/", "--")


def of_voice(folder: Path, name: str, card: Path | None = None) -> Found:
    """What is known of a voice's owner; the gate judges it. `card` names a card that lies elsewhere."""
    path = card
    if path is None:
        places = [folder, *([kept_for(name)] if hub.is_repository(name) else [])]
        path = next((found for place in places if place.is_dir() and (found := find_card(place / "config.json"))), None)
    if path is None:
        return Found(item=consent.Item(id=name, path=folder / "config.json"))
    try:
        held = load_card(path)
    except ConsentRefused:
        return Found(item=consent.Item(id=name, path=folder / "config.json", card_path=path))  # the gate says what is wrong
    people = sorted((path.parent / held.people_folder).glob("*.person.toml")) if held.people_folder else []
    return Found(
        item=consent.Item(
            id=name, path=folder / "config.json", card_path=path, no_voice=held.synthetic,
            speakers=tuple(p.name.removesuffix(".person.toml") for p in people),
        ),
        licence=held.licence,
        origin=held.title,
    )  # fmt: skip


def mend(name: str, folder: Path) -> str:
    """What a person does about a voice without a card."""
    place = kept_for(name) if hub.is_repository(name) else folder
    return (
        f"Ask whoever speaks in it. Write down what was agreed with the holder (speech consent record {place} --allow LOCAL,{SCOPE}) "
        f"and with the person (the same with --person CODE), or say in a card beside it that no person was recorded (synthetic = true); "
        "eSpeak NG needs no card"
    )
