"""The parts of an EAF: their order, the constraints of tiers, records of tiers and annotations, and small readings of elements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from speech.types import Span

ORDER = (
    "LICENSE",
    "HEADER",
    "TIME_ORDER",
    "TIER",
    "LINGUISTIC_TYPE",
    "LOCALE",
    "LANGUAGE",
    "CONSTRAINT",
    "CONTROLLED_VOCABULARY",
    "LEXICON_REF",
    "REF_LINK_SET",
    "EXTERNAL_REF",
)
"""The order the schema demands of the parts of an EAF."""

CONSTRAINTS = {
    "Time_Subdivision": "Time subdivision of parent annotation's time interval, no time gaps allowed within this interval",
    "Symbolic_Subdivision": "Symbolic subdivision of a parent annotation. Annotations refering to the same parent are ordered",
    "Symbolic_Association": "1-1 association with a parent annotation",
    "Included_In": "Time alignable annotations within the parent annotation's time interval, gaps are allowed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TierInfo:
    """A tier as the file describes it; `stereotype` is empty for a top tier."""

    id: str
    type: str
    stereotype: str
    alignable: bool
    parent: str | None
    participant: str
    language: str | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One annotation; `parent` is the id of what it refers to, `estimated` says that its times are divided, not measured."""

    id: str
    span: Span
    text: str
    parent: str | None = None
    language: str | None = None
    estimated: bool = False


def digits(name: str) -> int:
    """The number an id ends in, or 0."""
    found = re.search(r"(\d+)$", name)
    return int(found[1]) if found else 0


class Anything:
    """A container that has whatever is asked for."""

    def __contains__(self, value: object) -> bool:
        return True


def texts_of(value: Any) -> Iterator[str]:
    """The text of an element without that of comments inside it."""
    yield value.text or ""
    for inner in value:
        yield inner.tail or ""


def in_order(siblings: list[Any]) -> list[Any]:
    """Annotations of one parent by PREVIOUS_ANNOTATION; those outside the chain follow in the order of the file."""
    after = {e.get("PREVIOUS_ANNOTATION"): e for e in reversed(siblings) if e.get("PREVIOUS_ANNOTATION")}
    found: dict[str, Any] = {}
    for first in (e for e in siblings if not e.get("PREVIOUS_ANNOTATION")):
        at = first
        while at is not None and at.get("ANNOTATION_ID") not in found:
            found[at.get("ANNOTATION_ID")] = at
            at = after.get(at.get("ANNOTATION_ID"))
    return [*found.values(), *(e for e in siblings if e.get("ANNOTATION_ID") not in found)]
