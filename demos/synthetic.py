"""The card of consent beside speech that a synthesiser made: there is nobody to ask, and the card says so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def write_card(folder: Path, *, id: str, title: str, languages: Sequence[str], source: str) -> None:
    """What `speech consent record` writes from its options. `title` follows the word SYNTHETIC, `source` says what was spoken."""
    from speech.collections import answers, consent

    described = answers.Described(
        id=id, title=f"SYNTHETIC: {title} spoken by eSpeak NG; no person's speech", languages=tuple(languages),
        holder="whoever ran the demonstration", kind="project", licence="apache-2.0", for_all=True, why_not="no person was recorded",
        source=f"synthetic: {source}, spoken by eSpeak NG", synthetic=True,
    )  # fmt: skip
    said = answers.Said(
        scopes=("LOCAL", "TRAIN"), basis="public_licence", given_by="licensor", given_on=consent.today(), evidence="LICENSE of this package"
    )
    answers.write_card(folder / answers.CARD, answers.new_card(described, [said]))
