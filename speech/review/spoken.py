"""Which languages may be spoken in a recording: those that its collection's card names and the model can tell; and why another is not
among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from speech import languages
from speech.collections.cards import find_card, load_card
from speech.errors import ModelRefused
from speech.identify.head import languages_of
from speech.models import hub
from speech.review.workspace import Listed, Workspace

Why = Literal["card", "model"]
"""Why a language is no candidate: the card does not name it, or the model cannot tell it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaySpeak:
    """Candidates in the order of the card, or of the model where no card speaks; `absent` are the others that either of them knows."""

    title: str
    """Of the card; empty without one."""
    candidates: tuple[str, ...]
    absent: tuple[tuple[str, Why], ...] = ()

    @property
    def limited(self) -> tuple[str, ...] | None:
        """The candidates as `identify` is asked; None where no card limits them.

        Raises
        ------
        ModelRefused
            `MODEL_LANGUAGE`: the model can tell none of the card's.
        """
        if not self.title:
            return None
        if not self.candidates:
            named = ", ".join(languages.named(code) for code, why in self.absent if why == "model")
            raise ModelRefused(
                "the card", f"the model cannot tell any language that the collection names: {named}",
                "Choose the language yourself", "MODEL_LANGUAGE",
            )  # fmt: skip
        return self.candidates

    def as_dict(self) -> dict[str, Any]:
        """As the page is given it."""
        return {
            "title": self.title,
            "candidates": [_named(code) for code in self.candidates],
            "absent": [{**_named(code), "why": why} for code, why in self.absent],
        }


def may_be_spoken(workspace: Workspace, recording: Listed) -> MaySpeak:
    """What the card that speaks for a recording lets `mini` choose from.

    Raises
    ------
    ConsentRefused
        `CARD_INVALID`.
    """
    known = languages_of(hub.mini_folder())
    path = find_card(workspace.path_of(recording))
    if path is None:
        return MaySpeak(title="", candidates=known)
    card = load_card(path)
    own = tuple(dict.fromkeys(card.languages))
    absent: list[tuple[str, Why]] = [(code, "model") for code in own if code not in known]
    absent += [(code, "card") for code in known if code not in own]
    return MaySpeak(title=card.title, candidates=tuple(code for code in own if code in known), absent=tuple(absent))


def _named(code: str) -> dict[str, str]:
    return {"code": code, "name": languages.load(code).name}
