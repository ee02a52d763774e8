"""Anyone's EAF with other times for some annotations: what hangs on them, or stands beside them, moves along.

Nothing else in the file changes: tiers, types, vocabularies, texts and ids stay. ELAN keeps times in slots, which annotations may
share; a slot whose users part gets a twin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from speech.errors import FormatRefused
from speech.formats._checks import LATEST_MS
from speech.formats._eaf_file import EafFile
from speech.formats._eaf_parts import Annotation, TierInfo
from speech.types import Span


def move(file: EafFile, spans: Mapping[str, Span]) -> None:
    """Give the annotations with these ids these times (ms of the file).

    An annotation inside one of them moves in proportion, one that holds some of them reaches from the first to the last, and one that
    has nothing to do with them moves as its neighbours in time do. Times that the file does not have are not made up.

    Raises
    ------
    FormatRefused
        `FORMAT_REFERENCE`, `FORMAT_TIMES`: the file is broken in a place that has to move.
    """
    plan = _Plan.of(file, spans)
    order = file.root.find("TIME_ORDER")
    slots = {slot.get("TIME_SLOT_ID"): slot for slot in order.iterfind("TIME_SLOT")}
    name_by_use: dict[tuple[str, int | None], str] = {}
    entries: list[tuple[int, int, str, int | None]] = []
    ranks = {name: rank for rank, name in enumerate(slots)}
    taken: set[str] = set()
    for info in plan.infos:
        for element in file.tier_element(info.id).iterfind("ANNOTATION/ALIGNABLE_ANNOTATION"):
            own = element.get("ANNOTATION_ID", "")
            span = plan.target(own)
            for key, time in (("TIME_SLOT_REF1", span.start_ms), ("TIME_SLOT_REF2", span.end_ms)):
                slot = element.get(key, "")
                value = time if plan.is_set(own) or slots[slot].get("TIME_VALUE") is not None else None
                name = name_by_use.get((slot, value))
                if name is None:
                    name = slot if slot not in taken else file.new_slot()
                    taken.add(slot)
                    name_by_use[slot, value] = name
                    entries.append((time, ranks[slot], name, value))
                element.set(key, name)
    _write_slots(order, sorted(entries, key=lambda entry: entry[:2]))
    file.changed()


def _write_slots(order: Any, entries: list[tuple[int, int, str, int | None]]) -> None:
    """Slots in the order of time; one without a value stands where its annotation would have it."""
    from lxml import etree

    between = order.text
    for slot in list(order.iterfind("TIME_SLOT")):
        order.remove(slot)
    for _, _, name, value in entries:
        slot = etree.SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": name, **({} if value is None else {"TIME_VALUE": str(value)})})
        slot.tail = between or "\n"


@dataclass(slots=True)
class _Plan:
    """Where each annotation goes."""

    infos: list[TierInfo]
    spans: Mapping[str, Span]
    old: dict[str, Annotation]
    holder: dict[str, str | None]
    """The annotation that each is inside: its parent, or for one with times of its own the one of the parent tier around it."""
    hulls: dict[str, Span] = field(default_factory=dict)
    _targets: dict[str, Span] = field(default_factory=dict)
    _before: list[int] = field(default_factory=list)
    _after: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, file: EafFile, spans: Mapping[str, Span]) -> _Plan:
        infos = file.tiers()
        if len({info.id for info in infos}) < len(infos):
            raise FormatRefused(file.where, "two tiers of it have one name", "Rename one in ELAN", "FORMAT_REFERENCE")
        by_tier = {info.id: file.annotations(info.id, orphans=False) for info in infos}
        old = {a.id: a for annotations in by_tier.values() for a in annotations}
        found = cls(infos, {id: span for id, span in spans.items() if id in old}, old, _holders(infos, by_tier))
        for id, span in found.spans.items():
            above = found.holder[id]
            while above is not None:
                if above not in found.spans:
                    so_far = found.hulls.get(above, span)
                    found.hulls[above] = Span(start_ms=min(so_far.start_ms, span.start_ms), end_ms=max(so_far.end_ms, span.end_ms))
                above = found.holder[above]
        # Old times of what moves by itself, with the new ones: each is a place where both are known.
        known: dict[int, list[int]] = {}
        for id, span in found.spans.items():
            for before, after in zip(_times(old[id].span), _times(span), strict=True):
                known.setdefault(before, []).append(after)
        found._before = sorted(known)
        found._after = [int(t) for t in np.maximum.accumulate([round(float(np.mean(known[t]))) for t in found._before] or [0])]
        return found

    def is_set(self, id: str) -> bool:
        """Whether its times are known, be there any in the file or not."""
        return id in self.spans or id in self.hulls

    def target(self, id: str) -> Span:
        """Its times from now on."""
        if id not in self._targets:
            self._targets[id] = self._target(id)
        return self._targets[id]

    def _target(self, id: str) -> Span:
        if id in self.spans:
            return self.spans[id]
        if id in self.hulls:
            return self.hulls[id]
        own, above = self.old[id].span, self.holder[id]
        if above is None:
            return Span(start_ms=self._moved(own.start_ms), end_ms=self._moved(own.end_ms))
        around, goal = self.old[above].span, self.target(above)
        share = goal.length_ms / around.length_ms if around.length_ms else 0.0
        start, end = (min(max(goal.start_ms + round((t - around.start_ms) * share), goal.start_ms), goal.end_ms) for t in _times(own))
        return Span(start_ms=start, end_ms=end)

    def _moved(self, time: int) -> int:
        """A time beside what moves: between its neighbours in proportion; before the first and behind the last, as these."""
        if not self._before:
            return time
        if time <= self._before[0]:
            new = self._after[0] + time - self._before[0]
        elif time >= self._before[-1]:
            new = self._after[-1] + time - self._before[-1]
        else:
            new = round(float(np.interp(time, self._before, self._after)))
        return min(max(new, 0), LATEST_MS)


def _times(span: Span) -> tuple[int, int]:
    return span.start_ms, span.end_ms


def _holders(infos: list[TierInfo], by_tier: Mapping[str, list[Annotation]]) -> dict[str, str | None]:
    """The annotation that each annotation is inside."""
    holders: dict[str, str | None] = {}
    for info in infos:
        # A tier that is its own parent is on top: there is nothing to be inside.
        above = sorted(by_tier.get(info.parent or "", []) if info.parent != info.id else [], key=lambda a: a.span)
        starts = [a.span.start_ms for a in above]
        for one in by_tier[info.id]:
            if one.parent is not None:
                holders[one.id] = one.parent
                continue
            # The last that begins at or before the middle; where the file breaks its own rule, there is none.
            middle = (one.span.start_ms + one.span.end_ms) / 2
            at = int(np.searchsorted(starts, middle, side="right")) - 1
            holders[one.id] = above[at].id if at >= 0 and middle <= above[at].span.end_ms else None
    return holders
