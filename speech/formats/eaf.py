"""ELAN's EAF: our transcripts as tiers (see `_tiers`), anyone's files as segments, and files kept for editing.

`render` builds EAF 3.0. As a rule a speaker has two tiers, segments and words, and a third of other readings;
states of review, translations, notes and the like have one where there are any. The ids of annotations are those of
segments, words and points, so they outlive every edit. What has no place in tiers (recording, coverage,
provenance, records of speakers and languages; confidences, by id) goes as JSON into PROPERTYs of the header,
which ELAN and pympi keep. `parse` gives back exactly what `render` was given, less `LOSSES`, and reads what a
person changed in ELAN since: the text of a segment wins over its words. Of other people's files, every top tier
with times becomes segments.
`EafFile` keeps a file's tree for edits in place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, get_args
from urllib.parse import quote, unquote, urlsplit

from speech.errors import Finding
from speech.formats import _eaf_facts, _eaf_moved, _losses, _tiers
from speech.formats import json as _json
from speech.formats._checks import LATEST_MS, checked
from speech.formats._eaf_file import EafFile
from speech.formats._eaf_parts import CONSTRAINTS, Annotation, TierInfo
from speech.formats._listing import TierText
from speech.types import LAST_ID, Recording, Span, Status, Transcript, id_number, identified

__all__ = ["LOSSES", "SUFFIXES", "Annotation", "EafFile", "TierInfo", "kept", "lost", "parse", "render", "tiers", "with_times"]

SUFFIXES: tuple[str, ...] = (".eaf",)
LOSSES: tuple[str, ...] = (
    "double_ids",
    "foreign_ids",
    "word_overhang",
    "zero_lengths",
    "separators",
    "translators",
    "other_speakers",
)
"""`zero_lengths`, too: ELAN has no annotation without length, and one on a border has no segment of its own."""

UTTERANCE, WORD, READING, VALUE, POINT = "speech-utterance", "speech-word", "speech-reading", "speech-value", "speech-point"
STATUS = "speech-status"
"""The type of tiers of review states, and the vocabulary that ELAN offers in them."""
_TYPES = {
    UTTERANCE: "",
    WORD: "Included_In",
    READING: "Included_In",
    VALUE: "Symbolic_Association",
    STATUS: "Symbolic_Association",
    POINT: "",
}
_ROLES: dict[_tiers.Role, str] = {"segments": UTTERANCE, "words": WORD, "readings": READING, "values": VALUE, "points": POINT}
_NEUTRAL = "und"
"""The language of the words in the vocabulary, as ELAN names one that says nothing of a language."""
_PROPERTY = "speech-transcript"
_POINTS = "[points] "
_OTHER = "lang_"
"""How the id of a language begins whose own id cannot stand in the file; the own one is then its label."""
_SEGMENT_VALUES = (_tiers.ALTERNATIVES, _tiers.STATUS, _tiers.REASON, _tiers.KIND, _tiers.ORIGIN, _tiers.CHANNEL)
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
    """The transcript as an EAF holds it: all in it with ids that an annotation may have."""
    return identified(_losses.in_tiers(_losses.kept(transcript, LOSSES)))


def tiers(data: bytes, *, where: str, encoding: str | None = None) -> tuple[TierText, ...]:
    """All tiers of an EAF, whatever they hold; times of those without their own are divided from their parents.

    Raises
    ------
    FormatRefused
        As `parse`.
    """
    file = EafFile.from_bytes(data, where=where, encoding=encoding)
    languages, origin = _languages(file), _origin(file)
    return tuple(
        TierText(
            name=info.id,
            cells=tuple((_moved(a.span, origin), a.text) for a in file.annotations(info.id, orphans=info.parent is None)),
            type=info.type,
            parent=info.parent,
            participant=info.participant,
            language=languages.get(info.language or "", ""),
            ours=_role_of(info),
        )
        for info in file.tiers()
    )


def _role_of(info: TierInfo) -> _tiers.Role | None:
    """Its role where the tier is one of ours."""
    if not _is_ours(info):
        return None
    return "values" if info.type == STATUS else next(role for role, kind in _ROLES.items() if kind == info.type)


def parse(
    data: bytes,
    *,
    where: str,
    encoding: str | None = None,
    tiers: Collection[str] | None = None,
    findings: list[Finding] | None = None,
) -> Transcript:
    """The transcript in an EAF; ids of segments, words and points are those of their annotations.

    Parameters
    ----------
    tiers : those whose annotations are segments; without it every top tier with times is one.

    Raises
    ------
    FormatRefused
        `FORMAT_DOCTYPE`, `FORMAT_XML`, `FORMAT_TIMES`; `FORMAT_REFERENCE` on the tiers that are read;
        `FORMAT_VALUE`: a confidence or the like in a tier of ours is none.
    """
    file = EafFile.from_bytes(data, where=where, encoding=encoding)
    infos = file.tiers()
    read = list(_read_tiers(file, infos, tiers))
    segments, points = _tiers.assembled(read, where)
    segments = _eaf_facts.with_facts(segments, _eaf_facts.read(_property(file, _eaf_facts.PROPERTY) or "{}", where))
    foreign = {"eaf": {"sha256": file.sha256, "version": file.version, "tiers": [_described(i) for i in infos]}}
    about = _property(file, _PROPERTY)
    if about is None:
        found = _losses.with_lists(Transcript(recording=Recording(path=_media(file)), segments=segments, points=points))
    else:
        found = replace(_json.about_from(about, where), segments=segments, points=points)
    return checked(replace(found, foreign=foreign, last_id=_last_id(file, read, found.last_id)), where)


def _property(file: EafFile, name: str) -> str | None:
    return next((p.text for p in file.header.iterfind("PROPERTY") if p.get("NAME") == name and p.text), None)


def _last_id(file: EafFile, tiers: Iterable[_tiers.Tier], told: int) -> int:
    """The highest number that was given to a segment, word or point.

    What hangs on these is numbered anew, above them, each time the file is written: it counts only where somebody
    else has given a number since that is higher still.
    """
    numbers: dict[bool, int] = {True: 0, False: 0}
    for tier in tiers:
        lasts = tier.role in ("segments", "words", "points")
        numbers[lasts] = max([numbers[lasts], *(id_number(c.id) for c in tier.cells)])
    others = file.last_id if numbers[False] < file.last_id <= LAST_ID else 0
    return max(told, numbers[True], others)


def _is_ours(info: TierInfo) -> bool:
    return info.type in _TYPES and (info.type in (UTTERANCE, POINT)) == (info.parent is None)


def _is_read(info: TierInfo) -> bool:
    return _is_ours(info) or (info.alignable and info.parent is None)


def _chosen(infos: Iterable[TierInfo], chosen: Collection[str]) -> set[str]:
    """The chosen tiers, with those of ours that hang on them."""
    found = set(chosen)
    for info in infos:  # parents stand before what hangs on them
        if info.parent in found and _is_ours(info):
            found.add(info.id)
    return found


def _described(info: TierInfo) -> dict[str, Any]:
    return {"id": info.id, "parent": info.parent, "type": info.type, "stereotype": info.stereotype, "annotations": info.count}


def _read_tiers(file: EafFile, infos: list[TierInfo], chosen: Collection[str] | None) -> Iterator[_tiers.Tier]:
    languages, origin = _languages(file), _origin(file)
    wanted = {i.id for i in infos if _is_read(i)} if chosen is None else _chosen(infos, chosen)
    read = {info.id: file.annotations(info.id, orphans=info.type not in (VALUE, STATUS)) for info in infos if info.id in wanted}
    ids = dict.fromkeys(a.id for found in read.values() for a in found)
    numbers = {id: number for number, id in enumerate(ids, 1)}
    for info in (i for i in infos if i.id in read):
        names = {i.id for i in infos}
        tier = _empty_tier(info, names) if chosen is None or info.id not in chosen else _as_segments(info, names)
        default = languages.get(info.language or "") if tier.role == "segments" else None
        for found in read[info.id]:
            cell = _tiers.Cell(
                span=_moved(found.span, origin),
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
    if info.type == READING:
        return _tiers.Tier(name=info.id, role="readings", parent=info.parent)
    if info.type in (VALUE, STATUS):
        hanging = re.search(r"\[([^\[\]]+)\]$", info.id)
        return _tiers.Tier(name=info.id, role="values", parent=info.parent, hanging=hanging[1] if hanging else info.id)
    if info.type == POINT:
        return _tiers.Tier(
            name=_tiers.speaker_of(info.id.removeprefix(_POINTS), {n.removeprefix(_POINTS) for n in names}) or "", role="points"
        )
    return _as_segments(info, names)


def _as_segments(info: TierInfo, names: set[str]) -> _tiers.Tier:
    """A tier whose annotations are segments; the speaker is its participant, else its name says who."""
    if info.type == UTTERANCE:
        speaker = _tiers.speaker_of(info.id, names)
    elif _is_ours(info):
        speaker = info.participant or None
    else:
        speaker = info.participant or info.id
    return _tiers.Tier(name=info.id, role="segments", speaker=speaker)


def _moved(span: Span, origin: int) -> Span:
    return Span(start_ms=span.start_ms + origin, end_ms=span.end_ms + origin)


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
    """An EAF 3.0, valid against its schema; its annotations have the ids of what they hold."""
    from lxml import etree

    transcript = kept(checked(transcript))
    tiers = _unpacked(_tiers.laid_out(transcript, _SEGMENT_VALUES, (), readings=True))
    ids = _annotation_ids(tiers, transcript.last_id)
    names = _language_ids(transcript, tiers)
    root = etree.Element("ANNOTATION_DOCUMENT", {"AUTHOR": "", "DATE": _date(transcript.created), "FORMAT": "3.0", "VERSION": "3.0"})
    root.set(f"{{{_INSTANCE}}}noNamespaceSchemaLocation", _SCHEMA)
    _header(root, transcript, max([transcript.last_id, *map(id_number, ids.values())]))
    slots = _time_order(root, tiers)
    people = {s.id: s.person for s in transcript.speakers if s.person}
    for tier in tiers:
        _write_tier(root, tier, ids, slots, names, people)
    types = dict.fromkeys([UTTERANCE, *map(_type_of, tiers)])
    for name in types:
        fields = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": name}
        fields["TIME_ALIGNABLE"] = "false" if _TYPES[name].startswith("Symbolic") else "true"
        if _TYPES[name]:
            fields["CONSTRAINTS"] = _TYPES[name]
        if name == STATUS:
            fields["CONTROLLED_VOCABULARY_REF"] = STATUS
        etree.SubElement(root, "LINGUISTIC_TYPE", fields)
    for language, name in names.items():
        etree.SubElement(root, "LANGUAGE", {"LANG_ID": name, "LANG_LABEL": language})
    for stereotype, description in CONSTRAINTS.items():
        etree.SubElement(root, "CONSTRAINT", {"DESCRIPTION": description, "STEREOTYPE": stereotype})
    if STATUS in types:
        _vocabulary(root)
    etree.indent(root, " ")
    data: bytes = etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")
    return data + b"\n"


def _annotation_ids(tiers: Iterable[_tiers.Tier], last: int) -> dict[int, str]:
    """The id of each annotation, by the number of its cell: its own; one above all for what hangs on others."""
    ids = {}
    for cell in (c for t in tiers for c in t.cells):
        last += not cell.id
        ids[cell.number] = cell.id or f"a{last}"
    return ids


def _type_of(tier: _tiers.Tier) -> str:
    return STATUS if tier.hanging == _tiers.STATUS.name else _ROLES[tier.role]


def _vocabulary(root: Any) -> None:
    """The states of review, which ELAN offers as a list in their tier."""
    from lxml import etree

    vocabulary = etree.SubElement(root, "CONTROLLED_VOCABULARY", {"CV_ID": STATUS})
    etree.SubElement(vocabulary, "DESCRIPTION", {"LANG_REF": _NEUTRAL}).text = "How far a segment has been reviewed"
    for status in get_args(Status):
        entry = etree.SubElement(vocabulary, "CV_ENTRY_ML", {"CVE_ID": status})
        etree.SubElement(entry, "CVE_VALUE", {"LANG_REF": _NEUTRAL}).text = status


def with_times(data: bytes, transcript: Transcript, *, where: str) -> bytes:
    """The EAF that `transcript` was read from, all of it, with the transcript's times, recording, and doubts.

    Segments are found by their ids. What hangs on them moves along; states of review that the file had of ours, which are of
    the old times, are gone, and segments that are unsure now are marked so.

    Raises
    ------
    FormatRefused
        `FORMAT_REFERENCE`, `FORMAT_TIMES`: the file is broken in a place that has to move.
    """
    file = EafFile.from_bytes(data, where=where)
    for name in [info.id for info in file.tiers() if _is_doubt(info)]:
        file.root.remove(file.tier_element(name))
    file.changed()
    segments = {s.id: s for s in transcript.segments}
    # Words that were made anew have new ids, which somebody else's annotation may bear.
    there = {a.id for info in file.tiers() if info.type == WORD for a in file.annotations(info.id)}
    words = {w.id: w.span for s in transcript.segments for w in s.words if w.id in there and w.span}
    _eaf_moved.move(file, words | {id: s.span for id, s in segments.items()})
    for prop in file.header.iterfind("PROPERTY"):
        if prop.get("NAME") == _PROPERTY:
            prop.text = _json.about_text(kept(transcript))
    for medium in file.header.findall("MEDIA_DESCRIPTOR"):
        file.header.remove(medium)
    for place, medium in enumerate(_media_of(transcript.recording)):
        file.header.insert(place, medium)
    for info in file.tiers():
        unsure = [a.id for a in file.annotations(info.id, orphans=False) if a.id in segments and segments[a.id].status == "unsure"]
        for value in (_tiers.STATUS, _tiers.REASON) if unsure else ():
            name = f"{info.id} [{value.name}]"
            file.add_type(VALUE, _TYPES[VALUE])
            file.add_tier(name, VALUE, parent=info.id)
            for id in unsure:
                file.add_ref_annotation(name, id, value.get(segments[id]) or "")
    return file.to_bytes()


def _is_doubt(info: TierInfo) -> bool:
    """Whether a tier of ours holds states of review, or why something is unsure."""
    return info.type in (VALUE, STATUS) and info.id.endswith((f"[{_tiers.STATUS.name}]", f"[{_tiers.REASON.name}]"))


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
    header.extend(_media_of(transcript.recording))
    etree.SubElement(header, "PROPERTY", {"NAME": _PROPERTY}).text = _json.about_text(transcript)
    if facts := _eaf_facts.text_of(transcript):
        etree.SubElement(header, "PROPERTY", {"NAME": _eaf_facts.PROPERTY}).text = facts
    etree.SubElement(header, "PROPERTY", {"NAME": "lastUsedAnnotationId"}).text = str(last)


def _media_of(recording: Recording) -> list[Any]:
    """The recording as ELAN finds it, and the WAV beside it.

    Only relative to the EAF: a full path would tell of someone's disk, and ELAN looks here first.
    """
    from lxml import etree

    if not recording.path:
        return []
    url = _url(recording.path)
    kind = _MEDIA_TYPES.get(PurePosixPath(recording.path).suffix.lower(), recording.media_type or "audio/*")
    fields = [{"MEDIA_URL": url, "MIME_TYPE": kind, "RELATIVE_MEDIA_URL": url}]
    if recording.wav:
        wav = _url(recording.wav)
        fields.append({"MEDIA_URL": wav, "MIME_TYPE": _MEDIA_TYPES[".wav"], "RELATIVE_MEDIA_URL": wav, "EXTRACTED_FROM": url})
    return [etree.Element("MEDIA_DESCRIPTOR", of_one) for of_one in fields]


def _url(path: str) -> str:
    url = quote(path, safe="/:") if "://" in path else quote(path)
    return url if url.startswith((".", "/")) or "://" in path else f"./{url}"


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
    if any(_type_of(t) == STATUS for t in tiers):
        used.append(_NEUTRAL)
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


def _write_tier(
    root: Any,
    tier: _tiers.Tier,
    ids: dict[int, str],
    slots: dict[tuple[int, int], str],
    names: dict[str, str],
    people: dict[str, str],
) -> None:
    from lxml import etree

    fields = {"LINGUISTIC_TYPE_REF": _type_of(tier), "TIER_ID": tier.name}
    if tier.speaker is not None:
        fields["PARTICIPANT"] = people.get(tier.speaker, tier.speaker)
    if tier.parent is not None:
        fields["PARENT_REF"] = tier.parent
    # One language all through is that of the tier: so ELAN shows it, and pympi, which drops it from annotations, keeps it.
    language = tier.language or (_common(c.language for c in tier.cells) if tier.role == "segments" else None)
    if language:
        fields["LANG_REF"] = names[language]
    element = etree.SubElement(root, "TIER", fields)
    for cell in tier.cells:
        value = {"ANNOTATION_ID": ids[cell.number]}
        if cell.language and cell.language != language:
            value["LANG_REF"] = names[cell.language]
        if tier.role == "values":
            if tier.hanging == _tiers.STATUS.name:
                value["CVE_REF"] = cell.text
            inner = etree.Element("REF_ANNOTATION", {**value, "ANNOTATION_REF": ids[cell.parent or 0]})
        else:
            times = {"TIME_SLOT_REF1": slots[cell.number, 0], "TIME_SLOT_REF2": slots[cell.number, 1]}
            inner = etree.Element("ALIGNABLE_ANNOTATION", {**value, **times})
        etree.SubElement(inner, "ANNOTATION_VALUE").text = cell.text
        etree.SubElement(element, "ANNOTATION").append(inner)


def _common(languages: Iterable[str | None]) -> str | None:
    """The language that all have, if there is one."""
    found = set(languages)
    return found.pop() if len(found) == 1 else None
