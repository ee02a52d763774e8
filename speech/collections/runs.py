"""A run over recordings: where each result goes, what is worked on and what an earlier run left, and what is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from speech.collections import consent
from speech.collections.acts import Verb
from speech.collections.made import Made, Progress
from speech.collections.outputs import deliver, unchanged_transcript
from speech.collections.results import Due, Earlier, Place, due
from speech.errors import Refusal
from speech.types import Transcript

R = TypeVar("R", bound=Made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A recording of a run, by its number; its place, None where nothing is written, or why it has none."""

    number: int
    recording: Path
    place: Place | Refusal | None

    @property
    def given(self) -> str:
        """The path as a program knows it."""
        return str(self.recording)


@dataclass(slots=True, kw_only=True)
class Run(Generic[R]):
    """How a verb works on the recordings of a run, and how its results are written.

    `work` makes the result of one recording; `unchanged` makes it of a transcript that an earlier run left.
    """

    verb: Verb
    work: Callable[[Path, Progress], R]
    unchanged: Callable[[Transcript, consent.Decision], R]
    context: consent.Context
    earlier: Earlier
    strict: bool = False
    force: bool = False
    _dues: dict[int, Due] = field(default_factory=dict)

    def hear(self, item: Item, progress: Progress) -> R:
        """What comes of a recording; where an earlier run left all that is asked for, nothing is heard.

        Raises
        ------
        FormatRefused
            `FORMAT_EXISTS`: other files lie in every place; found out before a sample is heard.
        SpeechError
            As `work`.
        """
        if isinstance(item.place, Refusal):
            raise item.place
        if item.place is not None:
            decision = consent.require(self.verb.scopes, consent.item_of(item.recording), context=self.context)
            left = self._dues[item.number] = due(item.place, self.earlier, force=self.force)
            if left.refusal and not (left.write or left.unchanged):
                raise left.refusal
            if not left.write:
                return self.unchanged(unchanged_transcript(left), decision)
        return self.work(item.recording, progress)

    def deliver(self, item: Item, outcome: R | Exception) -> R:
        """Write what came of a recording; raises as `outputs.deliver`."""
        return deliver(
            item.recording, outcome, self._dues.get(item.number),
            verb=self.verb, context=self.context, strict=self.strict, force=self.force,
        )  # fmt: skip
