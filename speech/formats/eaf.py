"""ELAN's EAF: our transcripts as tiers (see `_tiers`), anyone's files as segments, and files kept for editing.

`render` builds EAF 3.0. What has no place in tiers (recording, coverage, provenance, records of speakers and
languages) goes as JSON into a PROPERTY of the header, which ELAN keeps. `parse` gives back exactly what
`render` was given, less `LOSSES`, and reads what a person changed in ELAN since: the text of a segment wins
over its words. Of other people's files, every top tier with times becomes segments.
`EafFile` keeps a file's tree for edits in place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from speech.formats import _losses, _tiers
from speech.formats import json as _json
from speech.formats._checks import LATEST_MS, checked
from speech.formats._eaf_file import EafFile
from speech.formats._eaf_parts import CONSTRAINTS, Annotation, TierInfo, digits
from speech.types import Recording, Span, Transcript

__all__ = ["LOSSES", "SUFFIXES", "Annotation", "EafFile", "TierInfo", "kept", "lost", "parse", "render"]

SUFFIXES: tuple[str, ...] = (".eaf",)
LOSSES: tuple[str, ...] = ("word_overhang", "separators", "translators", "word_speakers", "notes")

UTTERANCE, WORD, VALUE, POINT = "speech-utterance", "speech-word", "speech-value", "speech-point"
_TYPES = {UTTERANCE: "", WORD: "Included_In", VALUE: "Symbolic_Association", POINT: ""}
_ROLES = {"segments": UTTERANCE, "words": WORD, "values": VALUE, "points": POINT}
_PROPERTY = "speech-transcript"
_POINTS = "[points] "
_OTHER = "lang_"
"""How the id of a language begins whose own id cannot stand in the file; the own one is then its label."""
_SEGMENT_VALUES = (_tiers.CONFIDENCE, _tiers.ALTERNATIVES, _tiers.STATUS, _tiers.REASON, _tiers.KIND, _tiers.ORIGIN, _tiers.CHANNEL)
_WORD_VALUES = (_tiers.CONFIDENCE, _tiers.ALTERNATIVES, _tiers.TIMING)
_MEDIA_TYPES = {
    ".wav": "audio/x-wav",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
}
_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"


def lost(transcript: Transcript) -> dict[str, int]:
    """What this transcript has that an EAF of ours cannot hold, with counts."""
    return _losses.lost(transcript, LOSSES)


def kept(transcript: Transcript) -> Transcript:
    """The transcript as an EAF holds it."""
    return _losses.kept(transcript, LOSSES)


def parse(data: bytes, *, where: str, encoding: str | None = None) -> Transcript:
    """The transcript in an EAF; ids of segments and words are those of their annotations.

    Raises
    ------
    FormatRefused
        `FORMAT_DOCTYPE`, `FORMAT_XML`, `FORMAT_TIMES`; `FORMAT_REFERENCE` on the tiers that are read;
        `FORMAT_VALUE`: a confidence or the like in a tier of ours is none.
    """
    file = EafFile.from_bytes(data, where=where, encoding=encoding)
    infos = file.tiers()
    segments, points = _tiers.assembled(list(_read_tiers(file, infos)), where)
    foreign = {"eaf": {"sha256": file.sha256, "version": file.version, "tiers": [_described(i) for i in infos]}}
    about = next((p.text for p in file.header.iterfind("PROPERTY") if p.get("NAME") == _PROPERTY and p.text), None)
    if about is None:
        found = _losses.with_lists(Transcript(recording=Recording(path=_media(file)), segments=segments, points=points))
    else:
        found = replace(_json.about_from(about, where), segments=segments, points=points)
    return checked(replace(found, foreign=foreign), where)


def _is_read(info: TierInfo) -> bool:
    ours = info.type in _TYPES and (info.type in (UTTERANCE, POINT)) == (info.parent is None)
    return ours or (info.alignable and info.parent is None)


def _described(info: TierInfo) -> dict[str, Any]:
    return {"id": info.id, "parent": info.parent, "type": info.type, "stereotype": info.stereotype, "annotations": info.count}


def _numbers(found: Iterable[Annotation]) -> dict[str, int]:
    """A number for each annotation: that in its id, as we write them; else its place in the file."""
    ids = list(dict.fromkeys(a.id for a in found))
    numbers = [digits(i) for i in ids]
    if 0 in numbers or len(set(numbers)) < len(numbers):
        numbers = list(range(1, len(ids) + 1))
    return dict(zip(ids, numbers, strict=True))


def _read_tiers(file: EafFile, infos: list[TierInfo]) -> Iterator[_tiers.Tier]:
    languages, origin = _languages(file), _origin(file)
    read = {info.id: file.annotations(info.id) for info in infos if _is_read(info)}
    numbers = _numbers(a for found in read.values() for a in found)
    for info in (i for i in infos if i.id in read):
        tier = _empty_tier(info, {i.id for i in infos})
        default = languages.get(info.language or "") if tier.role == "segments" else None
        for found in read[info.id]:
            cell = _tiers.Cell(
                span=Span(start_ms=found.span.start_ms + origin, end_ms=found.span.end_ms + origin),
                text=found.text,
                number=numbers[found.id],
                parent=numbers.get(found.parent or ""),
                language=languages.get(found.language or "", default),
                id=found.id,
            )
            tier.cells.append(cell)
        yield tier


def _empty_tier(info: TierInfo, names: set[str]) -> _tiers.Tier:
    """What a tier is: ours by their type and the end of their name, others by their participant."""
    if info.type == WORD:
        return _tiers.Tier(name=info.id, role="words", parent=info.parent)
    if info.type == VALUE:
        hanging = re.search(r"\[(?:words(?: \d+)? )?([^\[\]]+)\]$", info.id)
        return _tiers.Tier(name=info.id, role="values", parent=info.parent, hanging=hanging[1] if hanging else info.id)
    if info.type == POINT:
        return _tiers.Tier(
            name=_tiers.speaker_of(info.id.removeprefix(_POINTS), {n.removeprefix(_POINTS) for n in names}) or "", role="points"
        )
    speaker = _tiers.speaker_of(info.id, names) if info.type == UTTERANCE else info.participant or info.id
    return _tiers.Tier(name=info.id, role="segments", speaker=speaker)


def _languages(file: EafFile) -> dict[str, str]:
    found = {}
    for element in file.root.iterfind("LANGUAGE"):
        name = element.get("LANG_ID", "")
        found[name] = element.get("LANG_LABEL") or name if name.startswith(_OTHER) else name
    return found


def _origin(file: EafFile) -> int:
    """What is added to a time of the file to give the media's time, where there is one medium."""
    media = file.header.findall("MEDIA_DESCRIPTOR")
    value = media[0].get("TIME_ORIGIN", "0").strip() if len(media) == 1 else "0"
    return int(value) if re.fullmatch(r"-?\d{1,15}", value) else 0


def _media(file: EafFile) -> str:
    """The medium as a path, relative to the file where the file says so; nothing where there are several."""
    media = file.header.findall("MEDIA_DESCRIPTOR")
    if len(media) != 1:
        return ""
    if relative := media[0].get("RELATIVE_MEDIA_URL"):
        return PurePosixPath(unquote(relative.removeprefix("file:"))).as_posix()
    url = media[0].get("MEDIA_URL", "")
    path = unquote(urlsplit(url).path) if url.startswith("file:") else url
    return re.sub(r"^/+(?=[A-Za-z]:)", "", path)


def render(transcript: Transcript) -> bytes:
    """An EAF 3.0, valid against its schema."""
    from lxml import etree

    transcript = checked(transcript)
    tiers = _unpacked(_tiers.laid_out(_losses.kept(transcript, LOSSES), _SEGMENT_VALUES, _WORD_VALUES))
    names = _language_ids(transcript, tiers)
    root = etree.Element("ANNOTATION_DOCUMENT", {"AUTHOR": "", "DATE": _date(transcript.created), "FORMAT": "3.0", "VERSION": "3.0"})
    root.set(f"{{{_INSTANCE}}}noNamespaceSchemaLocation", _SCHEMA)
    last = max((c.number for t in tiers for c in t.cells), default=0)
    _header(root, transcript, last)
    slots = _time_order(root, tiers)
    people = {s.id: s.person for s in transcript.speakers if s.person}
    for tier in tiers:
        _write_tier(root, tier, slots, names, people)
    for name in dict.fromkeys([UTTERANCE, *(_ROLES[t.role] for t in tiers)]):
        fields = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": name, "TIME_ALIGNABLE": "false" if name == VALUE else "true"}
        etree.SubElement(root, "LINGUISTIC_TYPE", {**fields, **({"CONSTRAINTS": _TYPES[name]} if _TYPES[name] else {})})
    for language, name in names.items():
        etree.SubElement(root, "LANGUAGE", {"LANG_ID": name, "LANG_LABEL": language})
    for stereotype, description in CONSTRAINTS.items():
        etree.SubElement(root, "CONSTRAINT", {"DESCRIPTION": description, "STEREOTYPE": stereotype})
    etree.indent(root, " ")
    data: bytes = etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")
    return data + b"\n"


def _date(created: str) -> str:
    """A date and time as the schema wants it; the start of the epoch where none is known."""
    try:
        found = datetime.fromisoformat(created)
    except ValueError:
        return "1970-01-01T00:00:00Z"
    return found.isoformat() if found.year >= 1000 else "1970-01-01T00:00:00Z"


def _header(root: Any, transcript: Transcript, last: int) -> None:
    from lxml import etree

    header = etree.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    path = transcript.recording.path
    if path:
        # Only relative to the EAF: a full path would tell of someone's disk, and ELAN looks here first.
        url = quote(path, safe="/:") if "://" in path else quote(path)
        url = url if url.startswith((".", "/")) or "://" in path else f"./{url}"
        kind = _MEDIA_TYPES.get(PurePosixPath(path).suffix.lower(), transcript.recording.media_type or "audio/*")
        etree.SubElement(header, "MEDIA_DESCRIPTOR", {"MEDIA_URL": url, "MIME_TYPE": kind, "RELATIVE_MEDIA_URL": url})
    etree.SubElement(header, "PROPERTY", {"NAME": _PROPERTY}).text = _json.about_text(transcript)
    etree.SubElement(header, "PROPERTY", {"NAME": "lastUsedAnnotationId"}).text = str(last)


def _unpacked(tiers: list[_tiers.Tier]) -> list[_tiers.Tier]:
    """The tiers with each point as a span of a millisecond; those too close for one tier in a further one."""
    found = [t for t in tiers if t.role != "points"]
    for tier in (t for t in tiers if t.role == "points"):
        rows: list[_tiers.Tier] = []
        for cell in tier.cells:
            wide = replace(cell, span=Span(start_ms=cell.span.start_ms, end_ms=min(cell.span.start_ms + 1, LATEST_MS)))
            row = next((r for r in rows if r.cells[-1].span.end_ms <= wide.span.start_ms), None)
            if row is None:
                base = next(n for k, n in enumerate(_tiers.track_names(tier.name)) if k == len(rows))
                row = replace(tier, name=_POINTS + base, cells=[])
                rows.append(row)
            row.cells.append(wide)
        found += rows
    return found


def _language_ids(transcript: Transcript, tiers: Iterable[_tiers.Tier]) -> dict[str, str]:
    """An id that may stand in the file for each language, by the transcript's own."""
    used = [x for t in tiers for x in (t.language, *(c.language for c in t.cells)) if x]
    names: dict[str, str] = {}
    for language in dict.fromkeys([*(x.id for x in transcript.languages if x.id), *used]):
        fits = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", language) and not re.fullmatch(r"(a|ts)\d+", language)
        taken = language.startswith(_OTHER) or language in CONSTRAINTS
        names[language] = language if fits and not taken else f"{_OTHER}{len(names) + 1}"
    return names


def _time_order(root: Any, tiers: Iterable[_tiers.Tier]) -> dict[tuple[int, int], str]:
    """A slot for every start and end of a cell with times of its own, in the order of time."""
    from lxml import etree

    times = []
    for cell in (c for t in tiers if t.role != "values" for c in t.cells):
        times += [(cell.span.start_ms, cell.number, 0), (cell.span.end_ms, cell.number, 1)]
    order = etree.SubElement(root, "TIME_ORDER")
    slots = {}
    for count, (time, number, end) in enumerate(sorted(times), 1):
        slots[number, end] = f"ts{count}"
        etree.SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": f"ts{count}", "TIME_VALUE": str(time)})
    return slots


def _write_tier(root: Any, tier: _tiers.Tier, slots: dict[tuple[int, int], str], names: dict[str, str], people: dict[str, str]) -> None:
    from lxml import etree

    fields = {"LINGUISTIC_TYPE_REF": _ROLES[tier.role], "TIER_ID": tier.name}
    if tier.speaker is not None:
        fields["PARTICIPANT"] = people.get(tier.speaker, tier.speaker)
    if tier.parent is not None:
        fields["PARENT_REF"] = tier.parent
    if tier.language:
        fields["LANG_REF"] = names[tier.language]
    element = etree.SubElement(root, "TIER", fields)
    for cell in tier.cells:
        value = {"ANNOTATION_ID": f"a{cell.number}"}
        if cell.language:
            value["LANG_REF"] = names[cell.language]
        if tier.role == "values":
            inner = etree.Element("REF_ANNOTATION", {**value, "ANNOTATION_REF": f"a{cell.parent}"})
        else:
            times = {"TIME_SLOT_REF1": slots[cell.number, 0], "TIME_SLOT_REF2": slots[cell.number, 1]}
            inner = etree.Element("ALIGNABLE_ANNOTATION", {**value, **times})
        etree.SubElement(inner, "ANNOTATION_VALUE").text = cell.text
        etree.SubElement(element, "ANNOTATION").append(inner)
