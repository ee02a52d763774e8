"""An EAF file kept as its tree: everything unknown in it stays, and an edit changes one place.

Versions 2.3 to 3.0 are read; the version found is kept. Nothing outside the file is loaded: no DTD, no
entity, no schema, no media. What is broken off the tiers in use is a finding, on them a refusal. Times that
are missing are divided evenly for reading, marked as estimated, and never written.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

from speech.errors import Finding, FormatRefused
from speech.formats._checks import LATEST_MS
from speech.formats._eaf_parts import CONSTRAINTS, ORDER, Annotation, Anything, TierInfo, digits, in_order, texts_of
from speech.formats._xml import parse_tree
from speech.text.decode import check
from speech.types import Span

_NEWEST = (3, 0)
_MEND = "Open and save it in ELAN"


@dataclass(slots=True)
class EafFile:
    """An EAF in memory: `tree` is lxml's, to read and, by the methods here, to change."""

    tree: Any
    where: str = "eaf"
    sha256: str = ""
    """Of the bytes it was read from: `formats.put_edited` refuses if the file has changed since."""
    _slots: dict[str, int | None] = field(default_factory=dict)
    _elements: dict[str, Any] = field(default_factory=dict)
    _twice: set[str] = field(default_factory=set)
    _spans: dict[str, tuple[Span, bool]] = field(default_factory=dict)
    _guessed: dict[str, int] = field(default_factory=dict)
    _timed: set[str] = field(default_factory=set)
    _cached_tier: Any = None
    _cached_children: dict[str, list[Any]] = field(default_factory=dict)
    _all_ids: set[str] = field(default_factory=set)
    _last: int = 0
    _last_slot: int = 0

    @classmethod
    def from_bytes(cls, data: bytes, *, where: str = "eaf", encoding: str | None = None) -> EafFile:
        """A file's content.

        Raises
        ------
        FormatRefused
            `FORMAT_DOCTYPE`, `FORMAT_XML`; `FORMAT_TIMES`: times are in frames, or no numbers.
        """
        found = cls(parse_tree(data, where, encoding), where, hashlib.sha256(data).hexdigest())
        if found.root.tag != "ANNOTATION_DOCUMENT" or found.header is None or found.root.find("TIME_ORDER") is None:
            raise FormatRefused(where, "this is XML, but not an EAF with header and time order", _MEND, "FORMAT_XML")
        units = found.header.get("TIME_UNITS", "milliseconds")
        if units != "milliseconds":
            raise FormatRefused(where, f"its times are {units[:20]}, not milliseconds", _MEND, "FORMAT_TIMES")
        found._index()
        return found

    @property
    def root(self) -> Any:
        """The document's element."""
        return self.tree.getroot()

    @property
    def header(self) -> Any:
        """The HEADER element."""
        return self.root.find("HEADER")

    @property
    def version(self) -> str:
        """The version the file says it is."""
        return str(self.root.get("FORMAT") or self.root.get("VERSION") or "")

    def _index(self) -> None:
        for slot in self.root.iterfind("TIME_ORDER/TIME_SLOT"):
            name, value = slot.get("TIME_SLOT_ID", ""), slot.get("TIME_VALUE")
            if value is not None and not (re.fullmatch(r"\s*\d+\s*", value) and int(value) <= LATEST_MS):
                raise FormatRefused(
                    f"{self.where}, line {slot.sourceline}", "a time is not a number of milliseconds", _MEND, "FORMAT_TIMES"
                )
            self._once(name)
            self._slots[name] = None if value is None else int(value)
            self._last_slot = max(self._last_slot, digits(name))
        for element in self.root.iterfind("TIER/ANNOTATION/*"):
            if isinstance(element.tag, str):
                name = element.get("ANNOTATION_ID", "")
                self._once(name)
                self._elements.setdefault(name, element)
                self._last = max(self._last, digits(name))
        for tag, key in (
            ("LOCALE", "LANGUAGE_CODE"),
            ("LANGUAGE", "LANG_ID"),
            ("CONSTRAINT", "STEREOTYPE"),
            ("EXTERNAL_REF", "EXT_REF_ID"),
        ):
            self._all_ids.update(e.get(key, "") for e in self.root.iterfind(tag))
        for tag in ("LEX_REF_ID", "REF_LINK_ID"):
            self._all_ids.update(e.get(tag) for e in self.root.iterfind(f".//*[@{tag}]"))
        for prop in self.header.iterfind("PROPERTY"):
            # Misspelt in 15 of 133 public files, and `a71` in one: any of these counts.
            if (prop.get("NAME") or "").lower().startswith("lastusedannotat"):
                self._last = max(self._last, digits((prop.text or "").strip()))

    def changed(self) -> None:
        """Take up what was changed in the tree itself, slots or tiers."""
        for known in (
            self._slots,
            self._elements,
            self._twice,
            self._spans,
            self._guessed,
            self._timed,
            self._cached_children,
            self._all_ids,
        ):
            known.clear()
        self._cached_tier = None
        self._index()

    @property
    def last_id(self) -> int:
        """The highest number that ends the id of an annotation, or that the file says was used."""
        return self._last

    def _once(self, name: str) -> None:
        if name in self._all_ids:
            self._twice.add(name)
        self._all_ids.add(name)

    # Reading.

    def tiers(self) -> list[TierInfo]:
        """The tiers, in the order of the file."""
        types = {e.get("LINGUISTIC_TYPE_ID"): e for e in self.root.iterfind("LINGUISTIC_TYPE")}
        return [self._info(e, types.get(e.get("LINGUISTIC_TYPE_REF"))) for e in self.root.iterfind("TIER")]

    def _info(self, element: Any, kind: Any) -> TierInfo:
        stereotype = "" if kind is None else kind.get("CONSTRAINTS", "")
        declared = None if kind is None else kind.get("TIME_ALIGNABLE")
        return TierInfo(
            id=element.get("TIER_ID", ""),
            type=element.get("LINGUISTIC_TYPE_REF", ""),
            stereotype=stereotype,
            alignable=not stereotype.startswith("Symbolic") if declared is None else declared.strip() in ("true", "1"),
            parent=element.get("PARENT_REF"),
            participant=element.get("PARTICIPANT", ""),
            language=element.get("LANG_REF"),
            count=len(element.findall("ANNOTATION")),
        )

    def tier_element(self, tier: str) -> Any:
        """The TIER element of this id.

        Raises
        ------
        FormatRefused
            `FORMAT_REFERENCE`: there is none.
        """
        for element in self.root.iterfind("TIER"):
            if element.get("TIER_ID") == tier:
                return element
        self._reference(f"tier {ascii(tier)}", "there is no such tier")

    def annotations(self, tier: str, *, orphans: bool = True) -> list[Annotation]:
        """The annotations of a tier, in the order of the file, with times found over all references.

        Without `orphans`, those are passed over whose parent is not in the file: pympi leaves them when it removes one.

        Raises
        ------
        FormatRefused
            `FORMAT_REFERENCE`: a slot, parent or id in use is missing, double or runs in a circle.
        """
        element = self.tier_element(tier)
        self._estimate(element)
        found = [e for e in element.iterfind("ANNOTATION/*") if isinstance(e.tag, str)]
        if not orphans:
            found = [e for e in found if e.get("ANNOTATION_REF") is None or e.get("ANNOTATION_REF") in self._elements]
        return [self._annotation(e) for e in found]

    def _annotation(self, element: Any) -> Annotation:
        name = element.get("ANNOTATION_ID", "")
        if name in self._twice:
            self._reference(f"annotation {ascii(name)}", "two elements of the file have this id")
        span, estimated = self._span(name)
        value = element.find("ANNOTATION_VALUE")
        return Annotation(
            id=name,
            span=span,
            text="" if value is None else "".join(texts_of(value)),
            parent=element.get("ANNOTATION_REF"),
            language=element.get("LANG_REF"),
            estimated=estimated,
        )

    def _span(self, name: str) -> tuple[Span, bool]:
        """The times of an annotation: its own, or by reference its parent's, divided among siblings."""
        chain: list[str] = []
        at = name
        while at not in self._spans:
            element = self._elements.get(at)
            if element is None:
                self._reference(f"annotation {ascii(name)}", f"it refers to {ascii(at)}, which is not there")
            if at in chain:
                self._reference(f"annotation {ascii(at)}", "its parents run in a circle")
            if element.tag == "ALIGNABLE_ANNOTATION":
                self._estimate(element.getparent().getparent())
                break
            chain.append(at)
            at = element.get("ANNOTATION_REF", "")
        for inner in reversed(chain):
            self._divide(self._elements[inner].get("ANNOTATION_REF", ""), self._elements[inner])
        return self._spans[name]

    def _divide(self, parent: str, child: Any) -> None:
        """Times of all children of one parent in one tier: evenly divided in their order."""
        tier = child.getparent().getparent()
        siblings = self._children(tier)[parent]
        span, estimated = self._spans[parent]
        many = len(siblings)
        for number, sibling in enumerate(in_order(siblings)):
            start = span.start_ms + span.length_ms * number // many
            end = span.start_ms + span.length_ms * (number + 1) // many
            self._spans[sibling.get("ANNOTATION_ID", "")] = Span(start_ms=start, end_ms=end), estimated or many > 1

    def _children(self, tier: Any) -> dict[str, list[Any]]:
        if self._cached_tier is not tier:
            found: dict[str, list[Any]] = defaultdict(list)
            for element in tier.iterfind("ANNOTATION/REF_ANNOTATION"):
                found[element.get("ANNOTATION_REF", "")].append(element)
            self._cached_tier, self._cached_children = tier, found
        return self._cached_children

    def _estimate(self, tier: Any) -> None:
        """Times of the alignable annotations of a tier; a missing one is divided between its valued neighbours."""
        elements = tier.findall("ANNOTATION/ALIGNABLE_ANNOTATION")
        if not elements or tier.get("TIER_ID", "") in self._timed:
            return
        self._timed.add(tier.get("TIER_ID", ""))
        parent = tier.get("PARENT_REF")
        if parent is not None and parent != tier.get("TIER_ID"):
            self._estimate_parents(tier)
        border: list[str] = []
        for element in elements:
            for key in ("TIME_SLOT_REF1", "TIME_SLOT_REF2"):
                slot = element.get(key, "")
                if slot not in self._slots or slot in self._twice:
                    self._reference(
                        f"annotation {ascii(element.get('ANNOTATION_ID', ''))}", f"its time slot {ascii(slot)} is missing or double"
                    )
                if not border or border[-1] != slot:
                    border.append(slot)
        guessed = self._guesses(border)
        for element in elements:
            first, second = element.get("TIME_SLOT_REF1", ""), element.get("TIME_SLOT_REF2", "")
            start, end = (guessed.get(s, self._slots[s] or 0) for s in (first, second))
            estimated = self._slots[first] is None or self._slots[second] is None
            if start > end and not estimated:
                raise FormatRefused(
                    f"{self.where}, annotation {ascii(element.get('ANNOTATION_ID', ''))}", "it ends before it starts", _MEND, "FORMAT_TIMES"
                )
            self._spans[element.get("ANNOTATION_ID", "")] = Span(start_ms=start, end_ms=max(start, end)), estimated

    def _estimate_parents(self, tier: Any) -> None:
        seen = {tier.get("TIER_ID")}
        above = tier.get("PARENT_REF")
        chain = []
        while above is not None:
            if above in seen:
                self._reference(f"tier {ascii(above)}", "its parents run in a circle")
            seen.add(above)
            chain.append(self.tier_element(above))
            above = chain[-1].get("PARENT_REF")
        for element in reversed(chain):
            if element.find("ANNOTATION/ALIGNABLE_ANNOTATION") is not None:
                self._estimate_flat(element)

    def _estimate_flat(self, tier: Any) -> None:
        border = [e.get(key, "") for e in tier.iterfind("ANNOTATION/ALIGNABLE_ANNOTATION") for key in ("TIME_SLOT_REF1", "TIME_SLOT_REF2")]
        self._guesses([slot for slot in border if slot in self._slots])

    def _guesses(self, border: list[str]) -> dict[str, int]:
        """Values for the slots of a tier that have none, kept apart from those of the file."""
        at = 0
        while at < len(border):
            if self._value(border[at]) is not None:
                at += 1
                continue
            stop = next((n for n in range(at, len(border)) if self._value(border[n]) is not None), len(border))
            right = self._value(border[stop]) if stop < len(border) else None
            left = self._value(border[at - 1]) if at else right
            left = left or 0
            right = left if right is None else max(left, right)
            names = list(dict.fromkeys(border[at:stop]))
            for number, name in enumerate(names, 1):
                self._guessed[name] = left + (right - left) * number // (len(names) + 1)
            at = stop
        return self._guessed

    def _value(self, slot: str) -> int | None:
        value = self._slots[slot]
        return self._guessed.get(slot) if value is None else value

    def _reference(self, place: str, what: str) -> NoReturn:
        raise FormatRefused(f"{self.where}, {place}", what, _MEND, "FORMAT_REFERENCE")

    def findings(self) -> list[Finding]:
        """What is broken in the file, or newer than we know, anywhere in it; it is all kept as it is."""
        return list(self._findings())

    def _findings(self) -> Iterator[Finding]:
        version = re.match(r"(\d+)\.(\d+)", self.version)
        unknown = sorted({e.tag for e in self.root if isinstance(e.tag, str)} - set(ORDER))
        if (version and (int(version[1]), int(version[2])) > _NEWEST) or unknown:
            what = f"it is of version {self.version[:20]}" + (f", with unknown parts {', '.join(unknown)[:100]}" if unknown else "")
            yield Finding(code="FORMAT_NEWER", where=self.where, what=what, mend="All is kept; look at the result in ELAN")
        for place, what in self._broken():
            yield Finding(code="FORMAT_REFERENCE", where=f"{self.where}, {place}", what=what, mend=_MEND)

    def _broken(self) -> Iterator[tuple[str, str]]:
        for name in sorted(self._twice):
            yield f"id {ascii(name)}", "two elements of the file have this id"
        tiers = {t.id: t for t in self.tiers()}
        types = {e.get("LINGUISTIC_TYPE_ID") for e in self.root.iterfind("LINGUISTIC_TYPE")}
        entries: Container[str | None] = {e.get("CVE_ID") for e in self.root.iterfind("CONTROLLED_VOCABULARY/*")}
        if any(e.get("EXT_REF") for e in self.root.iterfind("CONTROLLED_VOCABULARY")):
            entries = Anything()  # a vocabulary lies in a file of its own, which is never fetched
        for tier in tiers.values():
            if tier.type not in types:
                yield f"tier {ascii(tier.id)}", "its linguistic type is not there"
            if tier.parent is not None and tier.parent not in tiers:
                yield f"tier {ascii(tier.id)}", f"its parent {ascii(tier.parent)} is not there"
            above, seen = tier.parent, {tier.id}
            while above in tiers and above is not None:
                if above in seen:
                    yield f"tier {ascii(tier.id)}", "its parents run in a circle"
                    break
                seen.add(above)
                above = tiers[above].parent
        yield from self._circles()
        for name, element in self._elements.items():
            for key, known in (
                ("TIME_SLOT_REF1", self._slots),
                ("TIME_SLOT_REF2", self._slots),
                ("ANNOTATION_REF", self._elements),
                ("PREVIOUS_ANNOTATION", self._elements),
                ("CVE_REF", entries),
            ):
                if (value := element.get(key)) is not None and value not in known:
                    yield f"annotation {ascii(name)}", f"its {key} {ascii(value)} is not there"

    def _circles(self) -> Iterator[tuple[str, str]]:
        fine: set[str] = set()
        for name in self._elements:
            chain, at = [], name
            while at in self._elements and at not in fine and at not in chain:
                chain.append(at)
                at = self._elements[at].get("ANNOTATION_REF", "")
            if at in chain:
                yield f"annotation {ascii(at)}", "its parents run in a circle"
            fine.update(chain)

    # Writing.

    def to_bytes(self) -> bytes:
        """The file, in the encoding it had; canonically equal to what was read but for what was changed."""
        from lxml import etree

        encoding = self.tree.docinfo.encoding or "UTF-8"
        return cast(bytes, etree.tostring(self.tree, xml_declaration=True, encoding=encoding))

    def set_value(self, annotation: str, text: str) -> None:
        """Give one annotation another text; nothing else changes.

        Raises
        ------
        FormatRefused
            `FORMAT_REFERENCE`: no annotation, or more than one, has this id.
        TextRefused
            `TEXT_CONTROL`, `TEXT_SURROGATE`.
        """
        from lxml import etree

        check(text, f"{self.where}, annotation {ascii(annotation)}")
        if annotation not in self._elements or annotation in self._twice:
            self._reference(f"annotation {ascii(annotation)}", "no annotation has this id, or more than one element")
        element = self._elements[annotation]
        value = element.find("ANNOTATION_VALUE")
        if value is None:
            value = etree.SubElement(element, "ANNOTATION_VALUE")
        for inner in value:
            inner.tail = None
        value.text = text

    def add_type(self, name: str, stereotype: str = "") -> None:
        """Have a linguistic type of this name, with its constraint; one that is there must be the same.

        Raises
        ------
        FormatRefused
            `FORMAT_EXISTS`: there is one of another stereotype.
        """
        for element in self.root.iterfind("LINGUISTIC_TYPE"):
            if element.get("LINGUISTIC_TYPE_ID") == name:
                if element.get("CONSTRAINTS", "") != stereotype:
                    self._exists(f"type {ascii(name)}", "a type of this name with another constraint is there")
                return
        fields = {
            "GRAPHIC_REFERENCES": "false",
            "LINGUISTIC_TYPE_ID": name,
            "TIME_ALIGNABLE": str(not stereotype.startswith("Symbolic")).lower(),
        }
        if stereotype:
            fields["CONSTRAINTS"] = stereotype
            if all(e.get("STEREOTYPE") != stereotype for e in self.root.iterfind("CONSTRAINT")):
                self._place("CONSTRAINT", {"DESCRIPTION": CONSTRAINTS[stereotype], "STEREOTYPE": stereotype})
                self._all_ids.add(stereotype)
        self._place("LINGUISTIC_TYPE", fields)

    def add_tier(self, tier: str, type: str, *, parent: str | None = None, participant: str | None = None) -> None:
        """Add an empty tier after the others; its type must be there (`add_type`).

        Raises
        ------
        FormatRefused
            `FORMAT_EXISTS`: a tier of this id is there; it is not touched.
        """
        check(tier + (participant or ""), f"{self.where}, a new tier")
        if any(e.get("TIER_ID") == tier for e in self.root.iterfind("TIER")):
            self._exists(f"tier {ascii(tier)}", "a tier of this name is there")
        fields = {"LINGUISTIC_TYPE_REF": type, "TIER_ID": tier}
        if parent is not None:
            self.tier_element(parent)
            fields["PARENT_REF"] = parent
        if participant is not None:
            fields["PARTICIPANT"] = participant
        self._place("TIER", fields)

    def _exists(self, place: str, what: str) -> NoReturn:
        raise FormatRefused(f"{self.where}, {place}", what, "Choose another name; what is there was not touched", "FORMAT_EXISTS")

    def _place(self, tag: str, fields: dict[str, str]) -> Any:
        """A new part of the document, where the schema wants it."""
        from lxml import etree

        before = set(ORDER[: ORDER.index(tag) + 1])
        index = max((n for n, e in enumerate(self.root) if e.tag in before), default=-1) + 1
        element = etree.Element(tag, fields)
        element.tail = "\n"
        self.root.insert(index, element)
        return element

    def add_annotation(self, tier: str, span: Span, text: str) -> str:
        """Add an annotation with times of its own; its id is above every number in use.

        Raises
        ------
        FormatRefused
            `FORMAT_TIMES`: outside what an EAF can hold. `FORMAT_REFERENCE`: no such tier.
        """
        from lxml import etree

        if not 0 <= span.start_ms <= span.end_ms <= LATEST_MS:
            raise FormatRefused(
                f"{self.where}, a new annotation", f"its time {span.start_ms} to {span.end_ms} ms cannot be", "Correct it", "FORMAT_TIMES"
            )
        element = self.tier_element(tier)
        order = self.root.find("TIME_ORDER")
        slots = []
        for value in (span.start_ms, span.end_ms):
            name = self.new_slot()
            slot = etree.SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": name, "TIME_VALUE": str(value)})
            slot.tail = "\n"
            self._slots[name] = value
            slots.append(name)
        return self._add(element, "ALIGNABLE_ANNOTATION", {"TIME_SLOT_REF1": slots[0], "TIME_SLOT_REF2": slots[1]}, text)

    def add_ref_annotation(self, tier: str, parent: str, text: str) -> str:
        """Add an annotation that hangs on another by its id.

        Raises
        ------
        FormatRefused
            `FORMAT_REFERENCE`: no such tier or annotation.
        """
        if parent not in self._elements or parent in self._twice:
            self._reference(f"annotation {ascii(parent)}", "no annotation has this id, or more than one element")
        return self._add(self.tier_element(tier), "REF_ANNOTATION", {"ANNOTATION_REF": parent}, text)

    def _add(self, tier: Any, tag: str, fields: dict[str, str], text: str) -> str:
        from lxml import etree

        check(text, f"{self.where}, a new annotation")
        name = self._new_id()
        outer = etree.SubElement(tier, "ANNOTATION")
        outer.tail = "\n"
        element = etree.SubElement(outer, tag, {"ANNOTATION_ID": name, **fields})
        etree.SubElement(element, "ANNOTATION_VALUE").text = text
        self._elements[name] = element
        self._spans.clear()
        self._timed.clear()
        self._cached_tier = None
        return name

    def new_slot(self) -> str:
        """An id for a time slot, given to nothing else in the file."""
        while True:
            self._last_slot += 1
            if (name := f"ts{self._last_slot}") not in self._all_ids:
                self._all_ids.add(name)
                return name

    def _new_id(self) -> str:
        from lxml import etree

        while True:
            self._last += 1
            if (name := f"a{self._last}") not in self._all_ids:
                break
        self._all_ids.add(name)
        for prop in self.header.iterfind("PROPERTY"):
            if prop.get("NAME") == "lastUsedAnnotationId":
                prop.text = str(self._last)
                return name
        etree.SubElement(self.header, "PROPERTY", {"NAME": "lastUsedAnnotationId"}).text = str(self._last)
        return name
