"""Who is heard in a recording, as far as the collection's manifest says it."""

from __future__ import annotations

from pathlib import Path

from speech.collections.cards import find_card
from speech.collections.manifest import read_manifest

NAME = "manifest.jsonl"
"""As `speech manifest import` names it, in the collection's folder."""


def people_in(recording: Path) -> tuple[str, ...]:
    """Person codes of those whom rows of the manifest beside the card name in a recording, "" among them for someone not known.

    Empty where no card, no manifest or no row speaks of it.

    Raises
    ------
    ConsentRefused, ManifestRefused
        As `find_card` and `read_manifest`.
    """
    card = find_card(recording)
    if card is None or not (card.parent / NAME).is_file():
        return ()
    root, whole = card.parent.resolve(), recording.resolve()
    if not whole.is_relative_to(root):
        return ()
    audio = whole.relative_to(root).as_posix()
    rows = read_manifest(card.parent / NAME).rows
    return tuple(dict.fromkeys(row.speaker for row in rows if row.audio == audio))
