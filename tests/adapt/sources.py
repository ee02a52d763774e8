"""A card that lets all be learnt from, and few steps."""

from __future__ import annotations

from speech.adapt import AdaptSettings
from speech.collections import answers, consent

CONTEXT = consent.Context(basis="test")
CARD = answers.new_card(
    answers.Described(
        id="field", title="Field", languages=("que",), holder="village", kind="community", source="made by a synthesiser",
        community="assembly", for_all=True, people_folder="",
    ),
    [
        answers.Said(
            scopes=("LOCAL", "TRAIN"), basis="community_protocol", given_by="community_authority",
            given_on=consent.today(), evidence="minutes",
        )
    ],
)  # fmt: skip


def settings(steps: int) -> AdaptSettings:
    return AdaptSettings(steps=steps, decay_share=0.5, evaluate_steps=2, rate=1e-3)
